/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/uapi.h"
#include "engine/uapi-device.h"
#include "common/phrase.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 16
#define CLIENT_IDLE_S 30
#define INPUT_FIRST_BYTES 4096

struct EwUapi
{
  EwEngine *engine;
  gboolean managed;
  char *path;
  dev_t device; /* which file this program made */
  ino_t inode;
  int fd;
  GMainContext *context;
  GSource *source;
  GQueue clients; /* the oldest first */
};

/* A client is either being read from or written to, never both: output waits in `output` until it has been written. */
typedef struct
{
  EwUapi *uapi;
  int fd;
  GSource *source;
  char *input; /* may hold keys: zeroed whenever it's moved or freed */
  gsize input_len, input_size, scanned;
  GString *output; /* NULL: reading */
  gsize output_sent;
  gboolean hang_up; /* after the output */
} Client;

static void watch_client (Client *client);

static void
free_client (Client *client)
{
  g_source_destroy (client->source);
  g_source_unref (client->source);
  close (client->fd);
  explicit_bzero (client->input, client->input_size);
  g_free (client->input);
  g_clear_pointer (&client->output, ew_uapi_state_free);
  g_queue_remove (&client->uapi->clients, client);
  g_free (client);
}

/* Answers. */

static void
answer (Client *client, GString *state, int result)
{
  client->output = state != NULL ? state : g_string_sized_new (32);
  g_string_append_printf (client->output, "errno=%d\n\n", result);
  client->output_sent = 0;
}

static void
carry_out (Client *client, const char *text, gsize len)
{
  g_autoptr (EwUapiRequest) request = NULL;
  int result = ew_uapi_request_parse (text, len, &request);

  if (result == -EPROTO)
    client->hang_up = TRUE; /* a client that speaks something else isn't answered line by line */
  if (result == 0 && !request->set)
    {
      answer (client, ew_uapi_state_new (client->uapi->engine), 0);
      return;
    }
  if (result == 0 && client->uapi->managed && !ew_uapi_request_is_managed (request))
    result = -EPERM;
  if (result == 0)
    result = ew_uapi_apply (client->uapi->engine, request);
  answer (client, NULL, result);
}

/* Carries out the first request that is there whole. FALSE: none is. */
static gboolean
carry_out_next (Client *client)
{
  gsize len = ew_uapi_request_length (client->input, client->input_len, &client->scanned);

  if (len == 0 && client->input_len == EW_UAPI_REQUEST_MAX)
    {
      client->hang_up = TRUE;
      answer (client, NULL, -E2BIG);
      return TRUE;
    }
  if (len == 0)
    return FALSE;
  carry_out (client, client->input, len);
  memmove (client->input, client->input + len, client->input_len - len);
  client->input_len -= len;
  client->scanned = 0;
  return TRUE;
}

/* Bytes in, bytes out; each returns FALSE when the client must be dropped. */

static void
grow_input (Client *client)
{
  gsize size = MIN (client->input_size * 2, EW_UAPI_REQUEST_MAX);
  char *larger = g_malloc (size);

  memcpy (larger, client->input, client->input_len);
  explicit_bzero (client->input, client->input_size);
  g_free (client->input);
  client->input = larger;
  client->input_size = size;
}

static gboolean
read_client (Client *client)
{
  if (client->input_len == client->input_size)
    grow_input (client);
  gssize got
    = recv (client->fd, client->input + client->input_len, client->input_size - client->input_len, MSG_DONTWAIT);
  if (got > 0)
    client->input_len += (gsize)got;
  return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static gboolean
write_client (Client *client)
{
  gssize sent = send (client->fd, client->output->str + client->output_sent, client->output->len - client->output_sent,
                      MSG_DONTWAIT | MSG_NOSIGNAL);

  if (sent < 0)
    return errno == EAGAIN || errno == EINTR;
  client->output_sent += (gsize)sent;
  if (client->output_sent < client->output->len)
    return TRUE;
  g_clear_pointer (&client->output, ew_uapi_state_free);
  return !client->hang_up;
}

/* One request a turn, so that a client with many of them leaves the loop to others. */
static gboolean
serve_client (Client *client)
{
  if (client->output == NULL && !carry_out_next (client))
    {
      if (!read_client (client))
        return FALSE;
      carry_out_next (client);
    }
  return client->output == NULL || write_client (client);
}

/* Also with another request waiting: a socket that takes bytes gives it its turn. */
static gboolean
wants_to_write (Client *client)
{
  return client->output != NULL || ew_uapi_request_length (client->input, client->input_len, &client->scanned) > 0;
}

static gboolean
on_client (gint fd, GIOCondition condition, gpointer user_data)
{
  Client *client = user_data;

  if (condition == 0 || !serve_client (client)) /* 0: the source's time came, not its descriptor */
    free_client (client);
  else
    watch_client (client);
  return G_SOURCE_REMOVE; /* the next pass has a new source */
}

static void
watch_client (Client *client)
{
  g_clear_pointer (&client->source, g_source_unref);
  client->source = g_unix_fd_source_new (client->fd, wants_to_write (client) ? G_IO_OUT : G_IO_IN);
  g_source_set_callback (client->source, G_SOURCE_FUNC (on_client), client, NULL);
  g_source_set_ready_time (client->source, g_get_monotonic_time () + CLIENT_IDLE_S * G_USEC_PER_SEC);
  g_source_attach (client->source, client->uapi->context);
}

static gboolean
on_connection (gint fd, GIOCondition condition, gpointer user_data)
{
  EwUapi *uapi = user_data;
  int accepted = accept4 (fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

  if (accepted < 0)
    return G_SOURCE_CONTINUE;
  if (uapi->clients.length == CLIENTS_MAX)
    free_client (g_queue_peek_head (&uapi->clients));
  Client *client = g_new0 (Client, 1);
  client->uapi = uapi;
  client->fd = accepted;
  client->input_size = INPUT_FIRST_BYTES;
  client->input = g_malloc (client->input_size);
  g_queue_push_tail (&uapi->clients, client);
  watch_client (client);
  return G_SOURCE_CONTINUE;
}

/* The socket's file. */

static gboolean
set_address (struct sockaddr_un *address, const char *path, GError **error)
{
  *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
  if (g_strlcpy (address->sun_path, path, sizeof address->sun_path) < sizeof address->sun_path)
    return TRUE;
  ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED, "The path %s is too long for a socket.", path);
  return FALSE;
}

/* Whether a program answers at the address; a file on which none does was left by a killed program. */
static gboolean
is_answered (const struct sockaddr_un *address)
{
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  gboolean answered = connect (fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN;

  close (fd);
  return answered;
}

static gboolean
bind_socket (EwUapi *uapi, const struct sockaddr_un *address, GError **error)
{
  struct stat mine;

  if (is_answered (address))
    {
      ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_NAME_IN_USE,
                    "Another program answers on %s already. Stop it, or choose another interface name.", uapi->path);
      return FALSE;
    }
  if (lstat (uapi->path, &mine) == 0 && S_ISSOCK (mine.st_mode))
    g_unlink (uapi->path);
  /* fchmod on the socket decides the mode its file is born with: there is no moment in which others may connect. */
  uapi->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (uapi->fd >= 0 && fchmod (uapi->fd, 0600) == 0
      && bind (uapi->fd, (const struct sockaddr *)address, sizeof *address) == 0 && listen (uapi->fd, CLIENTS_MAX) == 0
      && lstat (uapi->path, &mine) == 0)
    {
      uapi->device = mine.st_dev;
      uapi->inode = mine.st_ino;
      return TRUE;
    }
  ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED, "The socket %s for `wg` couldn't be created: %s.",
                uapi->path, g_strerror (errno));
  return FALSE;
}

static void
remove_socket (EwUapi *uapi)
{
  struct stat now;

  if (uapi->inode != 0 && lstat (uapi->path, &now) == 0 && now.st_dev == uapi->device && now.st_ino == uapi->inode)
    g_unlink (uapi->path);
}

EwUapi *
ew_uapi_new (EwEngine *engine, const char *path, gboolean managed, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  struct sockaddr_un address;

  if (!set_address (&address, path, error))
    return NULL;
  if (g_mkdir_with_parents (folder, 0755) != 0)
    {
      ew_set_error (error, EW_ENGINE_ERROR, EW_ENGINE_ERROR_FAILED, "The folder %s couldn't be created: %s.", folder,
                    g_strerror (errno));
      return NULL;
    }

  EwUapi *uapi = g_new0 (EwUapi, 1);
  uapi->engine = engine;
  uapi->managed = managed;
  uapi->path = g_strdup (path);
  uapi->fd = -1;
  if (!bind_socket (uapi, &address, error))
    {
      ew_uapi_free (uapi);
      return NULL;
    }
  uapi->context = g_main_context_ref_thread_default ();
  uapi->source = g_unix_fd_source_new (uapi->fd, G_IO_IN);
  g_source_set_callback (uapi->source, G_SOURCE_FUNC (on_connection), uapi, NULL);
  g_source_attach (uapi->source, uapi->context);
  return uapi;
}

void
ew_uapi_free (EwUapi *uapi)
{
  while (uapi->clients.length > 0)
    free_client (g_queue_peek_head (&uapi->clients));
  if (uapi->source != NULL)
    g_source_destroy (uapi->source);
  g_clear_pointer (&uapi->source, g_source_unref);
  g_clear_pointer (&uapi->context, g_main_context_unref);
  remove_socket (uapi);
  if (uapi->fd >= 0)
    close (uapi->fd);
  g_free (uapi->path);
  g_free (uapi);
}
