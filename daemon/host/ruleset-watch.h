/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tells when some program has changed the rule set: `nft -f`, iptables-restore, ufw, Docker, firewalld.
 *
 * The kernel ends each transaction of nftables with one message, however many rules and elements it had; only that one
 * is listened to. Timers: SETTLE_MS after the first one the rule set is looked at. Where that takes long it is done so
 * seldom that it costs 1 % of a processor at most, but every REST_MAX_US.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct EwRulesetWatch EwRulesetWatch;

typedef struct
{
  gboolean (*look) (gpointer user_data); /* TRUE: something must be reported */
  void (*tell) (gpointer user_data);     /* may end the watch */
} EwRulesetWatcher;

/* Both are called in context. NULL: this kernel has no nftables to listen to. */
EwRulesetWatch *ew_ruleset_watch_new (GMainContext *context, const EwRulesetWatcher *watcher, gpointer user_data);
void ew_ruleset_watch_free (EwRulesetWatch *watch);

G_END_DECLS
