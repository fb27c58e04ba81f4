/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * nginx's configuration, made of what is published. Pure. Nothing that a person typed gets into it but host names, which
 * are checked once more here: paths are relative to the folder that nginx is started in, services are their IDs.
 */
#pragma once

#include <glib.h>
#include "proto/address.h"

G_BEGIN_DECLS

#define EW_PUBLISH_SOCKET "tls" /* in the folder: where nginx listens */
#define EW_PUBLISH_CERTIFICATES "certificates"
#define EW_PUBLISH_PAGES "pages"

typedef struct
{
  const gchar *host;        /* as ew_mesh_check_host() wants it */
  const gchar *service;     /* its ID: "s" and 16 hexadecimal digits */
  const gchar *certificate; /* a file's name in EW_PUBLISH_CERTIFICATES: chain and key; hexadecimal digits */
  EwIp ip;                  /* where the service is; family NONE: it can't be reached at all */
  guint16 port;
  gboolean closed;
} EwPublishSite;

/* Site by site, in their order. public_port: where callers reach the edge. (transfer full) */
gchar *ew_publish_format_config (const EwPublishSite *sites, gsize n, guint16 public_port);
/* A page that says in one sentence why there is nothing else to see. (transfer full) */
gchar *ew_publish_format_page (const gchar *sentence);

G_END_DECLS
