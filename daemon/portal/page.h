/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A page's URL as a network names it, or a person: http or https, and nothing that a terminal, a browser's start or a
 * rule of nftables could take for something else. Pure.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_PORTAL_URL_MAX 2048 /* bytes */

typedef struct
{
  gchar *url;  /* whole, normalized */
  gchar *host; /* a name in lower case, or an address without brackets */
  guint16 port;
  gchar *path; /* with the query; "/" at least */
  gboolean tls;
} EwPortalPage;

void ew_portal_page_free (EwPortalPage *page);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwPortalPage, ew_portal_page_free)

/* base: what text may be relative to; NULL: it's whole. NULL: text isn't such a URL, has a user name in it, or leads to
   this computer itself. */
EwPortalPage *ew_portal_page_parse (const gchar *text, const EwPortalPage *base);
/* The page "/" of a server's port 80; host: as in EwPortalPage. */
EwPortalPage *ew_portal_page_new (const gchar *host);

G_END_DECLS
