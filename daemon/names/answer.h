/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * edgewayd's side of nss/names-socket.h: answers the programs of this computer that look up the mesh's names through
 * libnss_edgeway.
 *
 *   program → /run/edgeway/names → answer.c → lookups.c, or UDP (TCP where an answer is cut) through the tunnel → edge
 *
 * It runs in a thread of its own, so that what the main loop does (nftables, TLS) delays no look-up. Everybody may
 * connect: what is open at the same time is bounded, for each user and in all, and so is how much one user asks. Only
 * names below the suffix and addresses of the mesh are asked for at the edge, whatever a program wants.
 */
#pragma once

#include <gio/gio.h>

#include "proto/address.h"

G_BEGIN_DECLS

typedef struct EwNamesAnswer EwNamesAnswer;

typedef struct
{
  const gchar *suffix;         /* "home.internal" */
  const gchar *const *domains; /* of gateways, accepted here; NULL: none */
  const EwIp *service;         /* where the edge's DNS answers inside the tunnel */
  gsize n_service;
  guint16 port;           /* 0: 53 */
  const EwPrefix *ranges; /* of the mesh */
  gsize n_ranges;
  const EwPrefix *reverse; /* for reverse look-ups */
  gsize n_reverse;
  const EwPrefix *routes; /* accepted: names of the domains may lead there, too */
  gsize n_routes;
  const gchar *interface; /* the tunnel's: the only one that questions leave through */
  gboolean works;         /* the tunnel is connected and the edge answers names; else "try again" at once */
} EwNamesAnswerConfig;

/* dir: EW_NAMES_FOLDER; its socket and names.conf are replaced. Errors: EW_ERROR. */
EwNamesAnswer *ew_names_answer_new (const gchar *dir, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Main thread; takes effect for the next question. config NULL: no mesh, nothing is answered. */
void ew_names_answer_configure (EwNamesAnswer *self, const EwNamesAnswerConfig *config);
/* Ends the thread, removes socket and file. */
void ew_names_answer_free (EwNamesAnswer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwNamesAnswer, ew_names_answer_free)

G_END_DECLS
