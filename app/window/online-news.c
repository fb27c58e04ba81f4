/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "window/online-news.h"

#include <glib/gi18n.h>

#include "access/toast.h"

#define MOMENT_MS 1500
/* After this computer has connected, the edge's answers bring what happened in the meantime. */
#define SETTLING_US (10 * G_USEC_PER_SEC)

struct _EwOnlineNews
{
  GObject parent_instance;
  EwDaemon *daemon;
  EwTopology *topology;
  AdwToastOverlay *overlay; /* borrowed */
  AdwToast *toast;          /* weak; NULL: none is shown */
  GPtrArray *nodes;         /* of EwNode: shown in toast, or to be shown a moment later */
  guint moment;
};

G_DEFINE_FINAL_TYPE (EwOnlineNews, ew_online_news, G_TYPE_OBJECT)

static gboolean
is_settled (EwOnlineNews *self)
{
  gint64 since = ew_daemon_get_since (self->daemon);
  return ew_daemon_get_state (self->daemon) == EW_STATE_CONNECTED && g_get_real_time () - since > SETTLING_US;
}

static void
drop_untrue (EwOnlineNews *self)
{
  gboolean connected = ew_daemon_get_state (self->daemon) == EW_STATE_CONNECTED;
  for (guint i = self->nodes->len; i-- > 0;)
    {
      EwNode *node = self->nodes->pdata[i];
      if (!connected || ew_node_get_state (node) != EW_NODE_ONLINE
          || ew_topology_find (self->topology, ew_node_get_id (node)) != node)
        g_ptr_array_remove_index (self->nodes, i);
    }
}

static gchar *
make_words (EwOnlineNews *self)
{
  const gchar *first = ew_node_get_name (self->nodes->pdata[0]);
  if (self->nodes->len == 1)
    /* Translators: %s is the name of a node */
    return g_strdup_printf (_ ("%s is online"), first);
  if (self->nodes->len == 2)
    /* Translators: both are names of nodes */
    return g_strdup_printf (_ ("%s and %s are online"), first, ew_node_get_name (self->nodes->pdata[1]));
  return g_strdup_printf (ngettext ("%u node is online", "%u nodes are online", self->nodes->len), self->nodes->len);
}

static void
take_back (EwOnlineNews *self)
{
  g_autoptr (AdwToast) toast = self->toast != NULL ? g_object_ref (self->toast) : NULL;
  g_clear_weak_pointer (&self->toast);
  if (toast != NULL)
    adw_toast_dismiss (toast);
}

static void
tell_news (EwOnlineNews *self)
{
  drop_untrue (self);
  if (self->nodes->len == 0)
    take_back (self);
  else
    {
      g_autofree gchar *words = make_words (self);
      g_set_weak_pointer (&self->toast, ew_toast_tell (self->overlay, words));
    }
}

static gboolean
on_moment (gpointer user_data)
{
  EwOnlineNews *self = user_data;
  self->moment = 0;
  if (!is_settled (self)) /* nodes and this computer's own state come on different ways, in any order */
    g_ptr_array_set_size (self->nodes, 0);
  tell_news (self);
  return G_SOURCE_REMOVE;
}

static void
on_node_came_online (EwOnlineNews *self, EwNode *node)
{
  if (!is_settled (self))
    return;
  if (self->moment == 0)
    {
      g_ptr_array_set_size (self->nodes, 0);
      self->moment = g_timeout_add (MOMENT_MS, on_moment, self);
    }
  if (!g_ptr_array_find (self->nodes, node, NULL))
    g_ptr_array_add (self->nodes, g_object_ref (node));
}

/* The shown toast has to stay true. */
static void
on_changed (EwOnlineNews *self)
{
  guint before = self->nodes->len;
  if (self->moment != 0 || self->toast == NULL)
    return;
  drop_untrue (self);
  if (self->nodes->len != before)
    tell_news (self);
}

static void
ew_online_news_dispose (GObject *object)
{
  EwOnlineNews *self = EW_ONLINE_NEWS (object);
  g_clear_handle_id (&self->moment, g_source_remove);
  g_clear_weak_pointer (&self->toast);
  g_ptr_array_set_size (self->nodes, 0);
  g_clear_object (&self->topology);
  g_clear_object (&self->daemon);
  G_OBJECT_CLASS (ew_online_news_parent_class)->dispose (object);
}

static void
ew_online_news_finalize (GObject *object)
{
  g_ptr_array_unref (EW_ONLINE_NEWS (object)->nodes);
  G_OBJECT_CLASS (ew_online_news_parent_class)->finalize (object);
}

static void
ew_online_news_class_init (EwOnlineNewsClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ew_online_news_dispose;
  G_OBJECT_CLASS (klass)->finalize = ew_online_news_finalize;
}

static void
ew_online_news_init (EwOnlineNews *self)
{
  self->nodes = g_ptr_array_new_with_free_func (g_object_unref);
}

EwOnlineNews *
ew_online_news_new (EwDaemon *daemon, EwTopology *topology, AdwToastOverlay *overlay)
{
  EwOnlineNews *self = g_object_new (EW_TYPE_ONLINE_NEWS, NULL);
  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  self->overlay = overlay;
  g_signal_connect_object (topology, "node-came-online", G_CALLBACK (on_node_came_online), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (topology, "notify::n-online", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (topology, "notify::n-nodes", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (daemon, "notify::state", G_CALLBACK (on_changed), self, G_CONNECT_SWAPPED);
  return self;
}
