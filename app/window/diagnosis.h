/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The Diagnose window: what works, what does not, what to do about it, as the daemon finds it; and all of it to copy.
 */
#pragma once

#include <adwaita.h>

#include "model/daemon.h"

G_BEGIN_DECLS

#define EW_TYPE_DIAGNOSIS (ew_diagnosis_get_type ())
G_DECLARE_FINAL_TYPE (EwDiagnosis, ew_diagnosis, EW, DIAGNOSIS, AdwWindow)

/* Begins at once. */
EwDiagnosis *ew_diagnosis_new (GtkWindow *parent, EwDaemon *daemon);

G_END_DECLS
