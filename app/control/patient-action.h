/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An action that shows as disabled wherever its inner one is, but doesn't drop requests in the meantime: that
 * happens from outside alone (a notification's button, a launcher, D-Bus), where a person can't see what is enabled.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Signals: "kept" (GAction inner, GVariant value or NULL, b: a state was asked for): was asked for while disabled. */
#define EW_TYPE_PATIENT_ACTION (ew_patient_action_get_type ())
G_DECLARE_FINAL_TYPE (EwPatientAction, ew_patient_action, EW, PATIENT_ACTION, GObject)

EwPatientAction *ew_patient_action_new (GAction *inner);

G_END_DECLS
