/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lockdown: nothing leaves this computer except through the tunnel, whether that works, is being brought up, has
 * crashed or was never started since boot. Rules in a table of their own, "inet edgeway_lockdown", and a file in the
 * state folder that says that they are wanted.
 *
 *   leaves                              why
 *   loopback, the tunnel's interface
 *   packets with EW_HOST_FWMARK         the tunnel itself, the edge's API and name, the guard's answers
 *   answers to connections from outside a server stays reachable, as in VPN mode
 *   DHCP, neighbor discovery, IGMP, MLD there is no network without them
 *   what config leaves outside          the LAN, unless it's blocked, and excluded prefixes; no questions for names
 *
 * Everything else is refused at once. In contrast to all else in this room it's not in the undo ledger: the rules
 * outlive edgewayd, however it ends. The file is what counts: where it's missing, lockdown is off, so that one command
 * (`edgewayd --lockdown off`) ends it without a running edgewayd, and beside one.
 *
 * Another program can remove the rules (`nft flush ruleset`). So while edgewayd runs they are there twice: the second
 * time in "inet edgeway_lockdown_held", a table that belongs to its process, and ends with it.
 *
 * While lockdown is only tried, there is no file, and the kernel itself ends the rules' effect when the time is up: no
 * crash of edgewayd can lock anyone out.
 */
#pragma once

#include "net/host.h"

G_BEGIN_DECLS

typedef struct EwLockdown EwLockdown;

#define EW_LOCKDOWN_FILE "lockdown" /* in the state folder */
#define EW_LOCKDOWN_FILE_MAX (256 * 1024)

/* path: of the file, which need not exist. One that can't be understood means that lockdown is on, with the LAN
   reachable. Changes nothing. */
EwLockdown *ew_lockdown_new (const gchar *path);
void ew_lockdown_free (EwLockdown *self); /* the rules stay as they are */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwLockdown, ew_lockdown_free)

EwLockdownState ew_lockdown_get_state (const EwLockdown *self);

/* What the rules need to know of the tunnel: copied. Loaded and stored at once where lockdown is on. */
typedef struct
{
  const gchar *interface;
  const EwPrefix *behind; /* subnets behind this computer: reachable, whatever else says no */
  gsize n_behind;
  const EwPrefix *inside; /* the mesh's and accepted routes: never by another interface than the tunnel's */
  gsize n_inside;
  const EwPrefix *excluded; /* reachable outside the tunnel, with name servers */
  gsize n_excluded;
  const EwPrefix *outside; /* reachable outside the tunnel */
  gsize n_outside;
} EwLockdownBounds;
gboolean ew_lockdown_set_bounds (EwLockdown *self, const EwLockdownBounds *bounds, GError **error);

/* From now on the rules are held by this process, too, which follows what becomes of the others
   (ew_lockdown_restore()). */
void ew_lockdown_hold (EwLockdown *self);
/* Whether another process does so. */
gboolean ew_lockdown_is_held (const EwLockdown *self);
/* The kernel's rules become what the file says: at boot, and when edgewayd starts. */
gboolean ew_lockdown_enforce (EwLockdown *self, GError **error);
/* seconds: of EW_LOCKDOWN_TRYING. A failure leaves the state as it was; except that OFF always opens the computer now,
   and an error says that it would be closed again after a restart. */
gboolean ew_lockdown_set (EwLockdown *self, EwLockdownState state, guint seconds, GError **error);
/* After another program has changed nftables: loads the rules again if they were removed. TRUE: another program has
   switched lockdown off, with `edgewayd --lockdown off`. */
gboolean ew_lockdown_restore (EwLockdown *self);

G_END_DECLS
