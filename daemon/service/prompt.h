/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What polkit's password prompt says of a call: the act itself, with the node or the network that it's about, instead
 * of the action's general words.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The details for CheckAuthorization, a{ss} (transfer full, not floating). Without anything of its own to say, because
   method isn't in the table or an argument isn't a plain name or network, it's empty: the action's own words count. */
GVariant *ew_prompt_dup_details (const gchar *method, GVariant *parameters);

G_END_DECLS
