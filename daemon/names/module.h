/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Our NSS module, for computers on which no other resolver takes the mesh's names.
 */
#pragma once

#include "net/host.h"

G_BEGIN_DECLS

/* The C library finds it. */
gboolean ew_names_module_is_installed (void);
/* Puts it into nsswitch.conf, or takes it out; the same as before: nothing happens. */
void ew_names_module_use (EwHost *host, gboolean use);

G_END_DECLS
