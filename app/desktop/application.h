/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Edgeway's application: one instance per session, one window, the actions that belong to no window, and the links
 * (edgeway://enroll/…) and key files that others open with it.
 *
 * Actions: connected, mode, keep-mode, undo-mode (control/control.h); join, new-mesh, add-server, add-phone, open-key
 * (s), leave, diagnose, about, quit.
 */
#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define EW_TYPE_APPLICATION (ew_application_get_type ())
G_DECLARE_FINAL_TYPE (EwApplication, ew_application, EW, APPLICATION, AdwApplication)

EwApplication *ew_application_new (void);

G_END_DECLS
