/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "enroll/watch.h"

struct _EwWatch
{
  GObject parent_instance;
  EwTopology *topology;
  gchar *name, *id;
  EwNode *node; /* NULL: not on the map */
  EwWatchState state;
};

G_DEFINE_FINAL_TYPE (EwWatch, ew_watch, G_TYPE_OBJECT)

static guint changed_signal;

static void
set_state (EwWatch *self, EwWatchState state)
{
  self->state = state;
  g_signal_emit (self, changed_signal, 0);
}

static void
on_node (EwWatch *self)
{
  switch (ew_node_get_state (self->node))
    {
    case EW_NODE_ONLINE:
      set_state (self, EW_WATCH_ONLINE);
      break;
    case EW_NODE_NOT_JOINED:
      set_state (self, EW_WATCH_NOT_JOINED);
      break;
    case EW_NODE_WAS_ONLINE: /* no news */
      break;
    default:
      set_state (self, EW_WATCH_JOINED);
    }
}

static void
set_node (EwWatch *self, EwNode *node)
{
  if (self->node != NULL)
    g_signal_handlers_disconnect_by_data (self->node, self);
  g_set_object (&self->node, node);
  if (node == NULL)
    return;
  g_free (self->id);
  self->id = g_strdup (ew_node_get_id (node));
  g_signal_connect_swapped (node, "notify::state", G_CALLBACK (on_node), self);
  g_signal_connect_swapped (node, "notify::addresses", G_CALLBACK (on_node), self);
  on_node (self);
}

/* A map that is no longer updated proves nothing: only a live one shows that a node was removed. */
static void
look (EwWatch *self)
{
  EwNode *node = self->id != NULL ? ew_topology_find (self->topology, self->id)
                                  : ew_topology_find_by_name (self->topology, self->name);
  gboolean had = self->node != NULL;

  if (node == self->node)
    return;
  set_node (self, node);
  if (node == NULL && had && self->state != EW_WATCH_GONE)
    set_state (self, EW_WATCH_GONE);
}

EwWatch *
ew_watch_new (EwTopology *topology, const gchar *name, const gchar *id)
{
  EwWatch *self = g_object_new (EW_TYPE_WATCH, NULL);
  self->topology = g_object_ref (topology);
  self->name = g_strdup (name);
  self->id = g_strdup (id);
  g_signal_connect_object (topology, "items-changed", G_CALLBACK (look), self, G_CONNECT_SWAPPED);
  look (self);
  return self;
}

EwWatchState
ew_watch_get_state (EwWatch *self)
{
  return self->state;
}

EwNode *
ew_watch_get_node (EwWatch *self)
{
  return self->node;
}

static void
ew_watch_dispose (GObject *object)
{
  EwWatch *self = EW_WATCH (object);
  set_node (self, NULL);
  g_clear_object (&self->topology);
  G_OBJECT_CLASS (ew_watch_parent_class)->dispose (object);
}

static void
ew_watch_finalize (GObject *object)
{
  EwWatch *self = EW_WATCH (object);
  g_free (self->name);
  g_free (self->id);
  G_OBJECT_CLASS (ew_watch_parent_class)->finalize (object);
}

static void
ew_watch_class_init (EwWatchClass *class)
{
  G_OBJECT_CLASS (class)->dispose = ew_watch_dispose;
  G_OBJECT_CLASS (class)->finalize = ew_watch_finalize;
  changed_signal = g_signal_new ("changed", EW_TYPE_WATCH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ew_watch_init (EwWatch *self)
{
}
