/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Coming into a mesh, leaving it, and calls to its API in this node's name.
 */
#include "tunnel/tunnel-private.h"
#include "account/enroll.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "tunnel/essentials.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define READERS_PER_USER 4 /* of the map */
#define READERS_OF_ROOT 16 /* scripts of several people run as root */
#define READERS_MAX 28     /* of all users but root */

/* Enroll. */

static void
enrolled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  EwTunnel *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  self->enrolling = FALSE;
  const gboolean done = ew_enroll_finish (result, &error);
  ew_tunnel_proxy_said (self, error);
  if (!done)
    {
      if (!self->engine) /* what was refused because this computer is in a mesh leaves it there, connected */
        ew_tunnel_rest (self);
      g_task_return_error (task, ew_tunnel_error (g_steal_pointer (&error)));
      return;
    }
  ew_tunnel_drop_membership (self);
  if (!ew_tunnel_load_membership (self, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  g_message ("enrolled in the mesh \"%s\" as \"%s\"", self->document->mesh, self->document->name);
  /* In the mesh is what was asked for: why it does not connect, the state says. */
  (void)ew_tunnel_up (self, NULL);
  ew_tunnel_show (self);
  g_task_return_boolean (task, TRUE);
}

/* An administrator who moved a broken file away expects to be able to continue. */
static gboolean
load_again (EwTunnel *self, GError **error)
{
  g_autoptr (EwKeystore) keystore = ew_keystore_load (self->state_dir, error);
  if (!keystore)
    return FALSE;
  g_clear_pointer (&self->keystore, ew_keystore_unref);
  self->keystore = g_steal_pointer (&keystore);
  if (!ew_tunnel_load_membership (self, error))
    return FALSE;
  g_clear_error (&self->broken);
  return TRUE;
}

void
ew_tunnel_enroll_async (EwTunnel *self, const gchar *key, const gchar *name, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GError) error = NULL;
  if (self->broken && !load_again (self, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      g_object_unref (task);
      return;
    }
  if (self->leaving)
    {
      (void)ew_tunnel_check_member (self, &error);
      g_task_return_error (task, g_steal_pointer (&error));
      g_object_unref (task);
      return;
    }
  if (self->enrolling)
    {
      ew_task_return_new_error (task, EW_ERROR, EW_ERROR_FAILED,
                                "This computer is already being enrolled. Wait until that has ended.");
      g_object_unref (task);
      return;
    }
  if (!ew_essentials_check (&error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      g_object_unref (task);
      return;
    }
  self->enrolling = TRUE;
  ew_enroll_async (self->keystore, key, name, EW_HOST_FWMARK, self->proxy_file, cancellable, enrolled, task);
}

gboolean
ew_tunnel_enroll_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Leave: the keys first, then the tunnel, then the edge, with what is left of them in memory. An edge that is slow, or
 * hostile, can't keep this computer. After a crash in between the edge lists a node that never comes back, as when it
 * could not be told. */

typedef struct
{
  EwClient *client;
  GCancellable *patience;
  guint timer;
  gchar *name;
  gboolean edge_told;
} Leaving;

static void
leaving_free (gpointer data)
{
  Leaving *leaving = data;
  g_clear_handle_id (&leaving->timer, g_source_remove);
  g_clear_object (&leaving->client);
  g_clear_object (&leaving->patience);
  g_free (leaving->name);
  g_free (leaving);
}

static gboolean
on_patience_over (gpointer user_data)
{
  Leaving *leaving = user_data;
  leaving->timer = 0;
  g_cancellable_cancel (leaving->patience);
  return G_SOURCE_REMOVE;
}

static void
left (GTask *task)
{
  EwTunnel *self = g_task_get_source_object (task);
  self->leaving = FALSE;
  ew_tunnel_rest (self);
  ew_tunnel_show (self);
  g_task_return_boolean (task, TRUE);
}

static void
on_edge_told (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Leaving *leaving = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) answer = ew_client_call_finish (EW_CLIENT (source), result, &error);
  g_clear_handle_id (&leaving->timer, g_source_remove);
  leaving->edge_told = answer || ew_tunnel_is_removal (error);
  if (!leaving->edge_told)
    g_message ("The edge couldn't be told that this computer left: %s An administrator can remove it there with "
               "`edgewayctl node remove %s`.",
               error->message, leaving->name);
  left (task);
}

static void
tell_edge (EwTunnel *self, GTask *task)
{
  Leaving *leaving = g_task_get_task_data (task);
  leaving->patience = g_cancellable_new ();
  leaving->timer = g_timeout_add_seconds (self->leave_seconds, on_patience_over, leaving);
  ew_client_call_async (leaving->client, "DELETE", "/v1/self", NULL, leaving->patience, on_edge_told,
                        g_object_ref (task));
}

static gboolean
may_leave (EwTunnel *self, GError **error)
{
  g_autoptr (GError) local = NULL;
  if (self->enrolling)
    ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                  "This computer is being enrolled. Wait until that has ended, then leave.");
  else if (!ew_tunnel_check_unlocked (self, N_ ("without a mesh this computer would have no internet"), error))
    return FALSE;
  else if (ew_tunnel_check_member (self, &local) || local->code == EW_ERROR_REMOVED)
    return TRUE;
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

void
ew_tunnel_leave_async (EwTunnel *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GError) error = NULL;
  Leaving *leaving = g_new0 (Leaving, 1);
  /* Once begun it is carried through: half left is worse than left. */
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, leaving, leaving_free);
  if (!may_leave (self, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  gboolean known_there = self->state != EW_STATE_REMOVED;
  leaving->client = g_object_ref (self->client);
  leaving->name = g_strdup (self->document->name);
  ew_client_detach (leaving->client);
  if (!ew_keystore_erase (self->keystore, &error))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  self->leaving = known_there;
  leaving->edge_told = !known_there;
  ew_tunnel_drop_membership (self);
  ew_tunnel_mode_init (self, FALSE);
  ew_tunnel_rest (self);
  ew_tunnel_show (self);
  if (known_there)
    tell_edge (self, task);
  else
    left (task);
}

gboolean
ew_tunnel_leave_finish (EwTunnel *self, GAsyncResult *result, gboolean *edge_told, GError **error)
{
  *edge_told = ((Leaving *)g_task_get_task_data (G_TASK (result)))->edge_told;
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* Calls. */

static void
answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  EwTunnel *self = g_task_get_source_object (task);
  gboolean changes = GPOINTER_TO_INT (g_task_get_task_data (task));
  g_autoptr (GError) error = NULL;
  JsonObject *answer = ew_client_call_finish (EW_CLIENT (source), result, &error);
  gboolean ours = EW_CLIENT (source) == self->client;
  ew_tunnel_proxy_said (self, error);
  if (ours && ew_tunnel_is_removal (error))
    ew_tunnel_was_removed (self, error);
  /* What an administrator changed may be about this node. */
  if (ours && answer && changes)
    {
      self->fetch_not_before = 0;
      ew_tunnel_refresh (self);
    }
  if (answer)
    g_task_return_pointer (task, answer, (GDestroyNotify)json_object_unref);
  else
    g_task_return_error (task, ew_tunnel_error (g_steal_pointer (&error)));
}

void
ew_tunnel_request_async (EwTunnel *self, const gchar *method, const gchar *path, JsonObject *body,
                         GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  g_autoptr (GError) error = NULL;
  g_task_set_task_data (task, GINT_TO_POINTER (!g_str_equal (method, "GET")), NULL);
  if (ew_tunnel_check_member (self, &error))
    {
      ew_client_call_async (self->client, method, path, body, cancellable, answered, task);
      return;
    }
  g_task_return_error (task, g_steal_pointer (&error));
  g_object_unref (task);
}

JsonObject *
ew_tunnel_request_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* The topology. */

static void
topology_closed (EwTopology *topology, const GError *reason, gpointer user_data)
{
  EwTunnel *self = user_data;
  self->topology = NULL;
  if (reason && ew_tunnel_is_removal (reason))
    ew_tunnel_was_removed (self, reason);
}

/* A caller that has too many keeps those that are open: programs that replaced each other would do so forever. */
static gboolean
has_place (EwTunnel *self, guint32 uid, GError **error)
{
  guint own = self->topology ? ew_topology_count_readers (self->topology, uid) : 0;
  guint all = self->topology ? ew_topology_count_all_readers (self->topology) : 0;
  if (uid == EW_TUNNEL_OURSELVES)
    return TRUE;
  if (own >= (uid == 0 ? READERS_OF_ROOT : READERS_PER_USER))
    ew_set_error (error, EW_ERROR, EW_ERROR_TOO_MANY_REQUESTS,
                  "%u of your programs already show the map. Close one, then try again.", own);
  else if (uid != 0 && all >= READERS_MAX)
    ew_set_error (error, EW_ERROR, EW_ERROR_TOO_MANY_REQUESTS,
                  "%d programs on this computer already show the map. Close one, then try again.", READERS_MAX);
  else
    return TRUE;
  return FALSE;
}

gint
ew_tunnel_open_topology (EwTunnel *self, guint32 uid, GError **error)
{
  gint ends[2];
  if (!ew_tunnel_check_member (self, error) || !has_place (self, uid, error))
    return -1;
  if (pipe2 (ends, O_CLOEXEC) != 0)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_FAILED, "Can't create a pipe: %s. Too many files are open.",
                    g_strerror (errno));
      return -1;
    }
  (void)fcntl (ends[1], F_SETFL, O_NONBLOCK);
  if (!self->topology)
    self->topology = ew_topology_new (self->client, self->keystore->id, topology_closed, self);
  ew_topology_add_reader (self->topology, ends[1], uid);
  return ends[0];
}
