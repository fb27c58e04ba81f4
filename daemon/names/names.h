/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The node's side of names: names below the mesh's SUFFIX are found on this computer, by every program, and no other
 * name is touched.
 *
 *   plan.c      which resolver answers here (pure)       files.c  … and what it is decided from, watched
 *   resolved.c  systemd-resolved, over D-Bus
 *   module.c    Edgeway's NSS module in nsswitch.conf    answer.c  … and what it asks
 *   lookups.c, question.c  … at the edge                 check.c   the C library's own look-up, tried
 *   names.c     puts them together: sets up, tries, says what is wrong
 *
 * Where systemd-resolved answers, it is told that SUFFIX is the tunnel's, for all that ask it by DNS or D-Bus.
 * Edgeway's NSS module answers the C library, first for names below SUFFIX, last for short ones. /etc/resolv.conf is
 * never written.
 *
 * Everything runs in the main context of the thread that made it; nothing waits.
 *
 * Timers: SETTLE_MS after a change it is looked at; a look-up that failed is tried again after RETRY_S seconds, one
 * that worked after CHECK_EVERY_S.
 */
#pragma once

#include "net/host.h"

G_BEGIN_DECLS

typedef struct
{
  guint link; /* the tunnel's interface */
  const gchar *interface;
  const gchar *suffix;
  const gchar *accepted_suffix; /* a private one that this computer enrolled with, or an accepted one; NULL: none */
  gboolean served;              /* the edge answers names */
  const EwIp *servers;          /* where; of the families that this computer has in the mesh */
  gsize n_servers;
  const EwPrefix *ranges; /* the mesh's */
  gsize n_ranges;
  const EwPrefix *reverse; /* those of them that hold no other network: whose addresses' names are the edge's to say */
  gsize n_reverse;
  const EwPrefix *routes; /* accepted ones, the ranges too: names of the domains may lead there */
  gsize n_routes;
  const gchar *const *domains; /* further domains that the edge leads to a gateway, accepted here; NULL: none */
  gboolean all;                /* VPN mode: the edge forwards, and all names are its to answer */
} EwNamesConfig;

typedef struct EwNames EwNames;

/* bus: address of the message bus that systemd-resolved is on; NULL: the system's. changed: the code or the message
   has changed. Registers with host how its changes are undone. */
EwNames *ew_names_new (EwHost *host, const gchar *bus, void (*changed) (gpointer user_data), gpointer user_data);
/* The same for a program without a main loop, which waits (edgewayd --revert): only how changes are undone. */
void ew_names_register_undo (EwHost *host);
/* Before host is freed. Undoes nothing: ew_host_undo_all() does. */
void ew_names_free (EwNames *self);
/* What should be; NULL: nothing, and all is undone. */
void ew_names_set (EwNames *self, const EwNamesConfig *config);
/* The tunnel works, or doesn't just now: the settings stay, and no question is asked. */
void ew_names_set_working (EwNames *self, gboolean working);
/* Names that failed until now may be found from now on: no program's question is answered by what was remembered. The
   same happens when the tunnel works. */
void ew_names_forget_failures (EwNames *self);
/* The computer woke up, or is on another network: tried at once. */
void ew_names_look (EwNames *self);

/* "ok", or a stable code of why names don't work: not-connected, edge-without-names, suffix-refused, checking,
   resolver-hung, resolver-refused, resolver-not-asked, module-missing, nsswitch-refused, ledger, suffix-taken, no-answer,
   resolver-link-local (the mesh's are found, but in VPN mode no others). */
const gchar *ew_names_get_code (EwNames *self);
/* Programs' questions go to systemd-resolved. */
gboolean ew_names_by_resolved (EwNames *self);
/* A sentence, or more: why, and what to do. "" where all is well. */
const gchar *ew_names_get_message (EwNames *self);

G_END_DECLS
