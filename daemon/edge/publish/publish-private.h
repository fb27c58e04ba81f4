/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Between publish.c (what is published) and look-up.c (where its name leads in DNS).
 */
#pragma once

#include "edge/publish/proxy.h"
#include "edge/publish/publish.h"
#include "edge/publish/relay.h"

struct EwPublish
{
  EwMesh *mesh;
  EwServices *services;
  gchar *folder;
  EwProxy *proxy;
  EwRelay *relay;           /* NULL until the first caller comes */
  GHashTable *certificates; /* names of the files that the configuration refers to */
  GCancellable *closed;
  guint listener, update;
};
