/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the two files of the tunnel without a network share: fake-tunnel.c is the object, fake-calls.c what can be asked
 * of it.
 */
#pragma once

#include "tunnel/tunnel.h"

G_BEGIN_DECLS

#define PORTAL "http://login.hotel.example/start?from=fake"

struct _EwTunnel
{
  GObject parent_instance;
  gchar *interface;
  const gchar *state, *mode, *lockdown, *role, *mesh, *kind;
  gchar *node_name, *proxy;
  const gchar *proxy_asks;
  gint64 guard_until, lockdown_until, portal_until, since;
  guint later;
  gboolean lan_names, lan_blocked, names_checked, fixed, portal;
};

/* The one door. */
void fake_enter (EwTunnel *self, const gchar *state);
/* FALSE with NOT_ENROLLED: it is in no mesh. */
gboolean fake_check_enrolled (EwTunnel *self, GError **error);
void fake_set_enrolled (EwTunnel *self, const gchar *name);
/* A GSourceFunc: what it was waiting for has happened. */
gboolean fake_on_connected (gpointer user_data);

G_END_DECLS
