/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The guard: keeps a switch to VPN mode from cutting its user off. Pure; times are handed in, µs.
 *
 *              set vpn             became active                confirmed, or a probe returned (local)
 *   SETTLED ───────────→ ARMED ──────────────────→ COUNTING ──────────────────────────────────────────→ SETTLED
 *      ↑                   │                          │                                               (store it)
 *      │                   │ disconnect, gives up     │ time is up, undone, disconnect
 *      └───── old mode ────┴──────────────────────────┘
 *
 * Only a settled mode is stored: a crash before leads back to the old one. A switch to connector settles at once.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_GUARD_SECONDS 60

typedef enum
{
  EW_GUARD_SETTLED,
  EW_GUARD_ARMED,   /* wanted, not active yet */
  EW_GUARD_COUNTING /* active, undone at `until` */
} EwGuardState;

typedef enum
{
  EW_GUARD_NOTHING,
  EW_GUARD_APPLY, /* make ew_guard_get_vpn() so */
  EW_GUARD_STORE, /* the mode is settled: store it */
  EW_GUARD_APPLY_AND_STORE
} EwGuardAction;

typedef struct
{
  EwGuardState state;
  gboolean vpn;           /* the mode wanted or active */
  gboolean stored_vpn;    /* the settled one */
  gboolean needs_confirm; /* a probe is not enough */
  guint seconds;
  gint64 began, until; /* COUNTING */
} EwGuard;

void ew_guard_init (EwGuard *self, gboolean stored_vpn);
/* confirm_within 0: EW_GUARD_SECONDS. The mode that it is already changes nothing, a running guard included. */
EwGuardAction ew_guard_set_mode (EwGuard *self, gboolean vpn, guint confirm_within, gboolean remote);
/* The wanted mode is in force now. */
EwGuardAction ew_guard_active (EwGuard *self, gint64 now);
/* The edge answered a probe sent at `sent`. */
EwGuardAction ew_guard_probe_returned (EwGuard *self, gint64 sent);
EwGuardAction ew_guard_confirm (EwGuard *self);
/* By the user, or because the tunnel goes down or the mode couldn't be applied. */
EwGuardAction ew_guard_undo (EwGuard *self);
EwGuardAction ew_guard_tick (EwGuard *self, gint64 now);

G_END_DECLS
