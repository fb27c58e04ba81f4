/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Capabilities (capabilities(7)) dropped permanently. They are a thread's: call these before the first thread is made.
 * Sets are bits, EW_CAPABILITY (CAP_NET_ADMIN) for example.
 */
#pragma once

#include <glib.h>
#include <linux/capability.h>

G_BEGIN_DECLS

#define EW_CAPABILITY(number) (G_GUINT64_CONSTANT (1) << (number))

gboolean ew_capabilities_has (guint64 wanted);

/* Bounding and ambient set. A container may withhold CAP_SETPCAP: then the bounding set stays as it is, and
   no_new_privs alone keeps an exec from regaining what the permitted set loses. */
void ew_capabilities_limit_future (guint64 keep);

/* Keeps those of keep that it has, in force; the rest is lost. FALSE with errno. */
gboolean ew_capabilities_limit (guint64 keep) G_GNUC_WARN_UNUSED_RESULT;

/* No core file with keys in it, nothing for a tracer without rights, and no exec that gains anything. FALSE with
   errno: no_new_privs could not be set. */
gboolean ew_process_seal (void) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
