/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "account/topology-reader.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define BEHIND_MAX 2000           /* changed nodes, edges or services; beyond it a snapshot is cheaper */
#define COUNTERS_BEHIND_MAX 10000 /* counters come for many at once */
#define BATCH_MAX (64 * 1024)     /* bytes, about, of changes that are written as one */

struct EwTopologyReader
{
  EwTopologyMirror *mirror;
  gint fd;
  guint32 uid;
  EwTopologyReaderGone gone;
  gpointer user_data;
  gboolean snapshot; /* it's being sent one */
  gchar *after;      /* … up to this ID so far; NULL: nothing yet */
  GHashTable *nodes; /* IDs it hasn't heard the newest of */
  GHashTable *edges;
  GHashTable *services;
  GHashTable *counters;
  gchar *lines; /* being written; NULL: nothing */
  gsize length, written;
  guint writable, hangup;
};

static void
begin_snapshot (EwTopologyReader *self)
{
  self->snapshot = TRUE;
  g_clear_pointer (&self->after, g_free);
  g_hash_table_remove_all (self->nodes);
  g_hash_table_remove_all (self->edges);
  g_hash_table_remove_all (self->services);
  g_hash_table_remove_all (self->counters);
}

/* Nodes or edges, as many as make a batch. */
static gchar *
take_changes (EwTopologyReader *self, GHashTable *ids, gchar *(*format) (EwTopologyMirror *, const gchar *))
{
  GString *lines = g_string_new (NULL);
  GHashTableIter iter;
  gpointer id;
  g_hash_table_iter_init (&iter, ids);
  while (lines->len < BATCH_MAX && g_hash_table_iter_next (&iter, &id, NULL))
    {
      g_autofree gchar *line = format (self->mirror, id);
      g_string_append (lines, line);
      g_hash_table_iter_remove (&iter);
    }
  return g_string_free (lines, FALSE);
}

/* What it's owed next; NULL: nothing. */
static gchar *
take_next (EwTopologyReader *self)
{
  if (!ew_topology_mirror_is_complete (self->mirror))
    return NULL;
  if (self->snapshot)
    return ew_topology_mirror_snapshot (self->mirror, &self->after, &self->snapshot);
  if (g_hash_table_size (self->edges) > 0)
    return take_changes (self, self->edges, ew_topology_mirror_edge);
  if (g_hash_table_size (self->nodes) > 0)
    return take_changes (self, self->nodes, ew_topology_mirror_node);
  if (g_hash_table_size (self->services) > 0)
    return take_changes (self, self->services, ew_topology_mirror_service);
  if (g_hash_table_size (self->counters) > 0)
    return ew_topology_mirror_counters (self->mirror, self->counters);
  return NULL;
}

static gboolean
on_writable (gint fd, GIOCondition condition, gpointer user_data)
{
  EwTopologyReader *self = user_data;
  ssize_t n;
  if (self->lines == NULL)
    {
      self->lines = take_next (self);
      self->length = self->lines ? strlen (self->lines) : 0;
      self->written = 0;
    }
  if (self->lines == NULL)
    {
      self->writable = 0;
      return G_SOURCE_REMOVE;
    }
  n = write (fd, self->lines + self->written, self->length - self->written);
  if (n < 0 && errno != EAGAIN && errno != EINTR)
    {
      self->writable = 0;
      self->gone (self, self->user_data);
      return G_SOURCE_REMOVE;
    }
  self->written += n > 0 ? (gsize)n : 0;
  if (self->written == self->length)
    g_clear_pointer (&self->lines, g_free);
  return G_SOURCE_CONTINUE;
}

static void
wake (EwTopologyReader *self)
{
  if (self->writable == 0)
    self->writable = g_unix_fd_add (self->fd, G_IO_OUT, on_writable, self);
}

static gboolean
on_hangup (gint fd, GIOCondition condition, gpointer user_data)
{
  EwTopologyReader *self = user_data;
  self->hangup = 0;
  self->gone (self, self->user_data);
  return G_SOURCE_REMOVE;
}

static void
add_ids (GHashTable *set, GPtrArray *ids)
{
  for (guint i = 0; i < ids->len; i++)
    g_hash_table_add (set, g_strdup (ids->pdata[i]));
}

void
ew_topology_reader_tell (EwTopologyReader *self, EwTopologyNews news, GPtrArray *ids)
{
  if (news == EW_TOPOLOGY_SNAPSHOT)
    begin_snapshot (self);
  else if (news == EW_TOPOLOGY_NODES)
    add_ids (self->nodes, ids);
  else if (news == EW_TOPOLOGY_EDGES)
    add_ids (self->edges, ids);
  else if (news == EW_TOPOLOGY_SERVICES)
    add_ids (self->services, ids);
  else if (news == EW_TOPOLOGY_COUNTERS)
    add_ids (self->counters, ids);
  if (g_hash_table_size (self->nodes) + g_hash_table_size (self->edges) + g_hash_table_size (self->services)
        > BEHIND_MAX
      || g_hash_table_size (self->counters) > COUNTERS_BEHIND_MAX)
    begin_snapshot (self);
  wake (self);
}

guint32
ew_topology_reader_get_uid (EwTopologyReader *self)
{
  return self->uid;
}

EwTopologyReader *
ew_topology_reader_new (EwTopologyMirror *mirror, gint fd, guint32 uid, EwTopologyReaderGone gone, gpointer user_data)
{
  EwTopologyReader *self = g_new0 (EwTopologyReader, 1);
  self->mirror = mirror;
  self->fd = fd;
  self->uid = uid;
  self->gone = gone;
  self->user_data = user_data;
  self->snapshot = TRUE;
  self->nodes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->edges = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->services = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->counters = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->hangup = g_unix_fd_add (fd, G_IO_ERR, on_hangup, self);
  wake (self);
  return self;
}

void
ew_topology_reader_free (EwTopologyReader *self)
{
  g_clear_handle_id (&self->writable, g_source_remove);
  g_clear_handle_id (&self->hangup, g_source_remove);
  close (self->fd);
  g_hash_table_unref (self->nodes);
  g_hash_table_unref (self->edges);
  g_hash_table_unref (self->services);
  g_hash_table_unref (self->counters);
  g_free (self->after);
  g_free (self->lines);
  g_free (self);
}
