/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One question in plain HTTP, and who answered. Asynchronous, bounded in time and size.
 */
#pragma once

#include <gio/gio.h>
#include "portal/answer.h"
#include "portal/page.h"
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_PORTAL_PROBE_SECONDS 5

typedef struct
{
  const EwPortalPage *page; /* what is asked for; borrowed during the call */
  EwIp to;                  /* where; family NONE: the page's host is looked up by the default GResolver */
  guint32 scope;            /* interface of a link-local address */
  const gchar *expected;    /* as of ew_portal_judge() */
  guint32 mark;             /* SO_MARK; 0: none. Best effort */
} EwPortalQuestion;

typedef struct
{
  EwPortalVerdict verdict; /* CLEAR or CAUGHT */
  EwPortalPage *page;      /* CAUGHT: what it names; NULL: nothing that can be used */
  EwIp from;               /* who answered */
} EwPortalAnswer;

void ew_portal_answer_free (EwPortalAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwPortalAnswer, ew_portal_answer_free)

void ew_portal_probe_async (const EwPortalQuestion *question, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data);
/* NULL with an error: nobody answered, or not in HTTP. (transfer full) */
EwPortalAnswer *ew_portal_probe_finish (GAsyncResult *result, GError **error);

G_END_DECLS
