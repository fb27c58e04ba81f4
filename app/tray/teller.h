/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shows the notices (control/notices.h) while no preferred program runs that would show them, and has the actions of
 * the notifications' buttons.
 */
#pragma once

#include "control/control.h"

G_BEGIN_DECLS

#define EW_TYPE_TELLER (ew_teller_get_type ())
G_DECLARE_FINAL_TYPE (EwTeller, ew_teller, EW, TELLER, GObject)

/* application is borrowed, outlives it and is registered on the session bus. daemon_bus: as EwDaemon's. others: names on
   the session bus; while one of them is owned, its program tells. */
EwTeller *ew_teller_new (GApplication *application, EwControl *control, const gchar *daemon_bus,
                         const gchar *const *others);
/* The program ends: what could be acted on in it is withdrawn. */
void ew_teller_stop (EwTeller *self);
/* Something that was asked for didn't happen. */
void ew_teller_refuse (EwTeller *self, const gchar *sentence);
/* Holds the application until VPN mode isn't being tried any more, and that has been told. */
void ew_teller_hold_while_trying (EwTeller *self);

G_END_DECLS
