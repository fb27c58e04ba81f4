/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * nginx at work: started, given new configurations, started again when it dies.
 *
 *   OFF ── a configuration ──→ tested (`nginx -t`) ── good ──→ RUNNING ── another ──→ tested ── good ──→ HUP
 *    ↑                            │ └── bad ──→ FAILED, or RUNNING as it was            │
 *    └── none ────────────────────┘                 it died ──→ FAILED ── 1 … 60 s later ──→ RUNNING
 *   MISSING: it isn't installed; looked for every 30 s
 *
 * Timer: `retry`, after it died or while it is missing.
 */
#pragma once

#include "edge/publish/launcher.h"

G_BEGIN_DECLS

typedef struct EwProxy EwProxy;

typedef enum
{
  EW_PROXY_OFF,
  EW_PROXY_MISSING,
  EW_PROXY_STARTING,
  EW_PROXY_RUNNING,
  EW_PROXY_FAILED
} EwProxyState;

/* folder: the launcher's, absolute or as the edge sees it. launcher NULL: nothing can be started. Borrows it. taken, with
 * user_data, whenever a new configuration is in force: what only an older one needs can be removed. */
EwProxy *ew_publish_proxy_new (EwLauncher *launcher, const gchar *folder, void (*taken) (gpointer user_data),
                               gpointer user_data);
void ew_publish_proxy_free (EwProxy *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwProxy, ew_publish_proxy_free)

/* config: what it should do from now on; NULL: nothing. */
void ew_publish_proxy_set_config (EwProxy *self, const gchar *config);
/* *message: a sentence where the state is MISSING or FAILED, or a new configuration was refused; NULL otherwise.
 * Borrowed. */
EwProxyState ew_publish_proxy_get_state (EwProxy *self, const gchar **message);

/* The reason in what nginx said: its first line of that weight, as a short sentence without a full stop. NULL: none.
 * (transfer full) Pure. */
gchar *ew_publish_find_reason (const gchar *log);

G_END_DECLS
