/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The thread sleeps in poll() while no program asks. Its timers: a client's QUESTION_US and WORKING_US, and those of
 * its look-ups (lookups.c).
 */
#include "names/answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "names/lookups.h"

#define CLIENTS 64
#define CLIENTS_OF_USER 32
#define QUESTION_US 500000 /* to send the question, once connected */
#define QUEUE 512          /* connections that wait to be accepted */
#define WORKING_US 50000   /* after that a client is told that the edge is being asked */
#define ANSWER_US 1450000  /* after that there is no answer: less than EW_NAMES_PATIENCE_MS */
#define USERS 16           /* whose rates are remembered */
#define RATE 500           /* questions a second of one user */
#define BURST 1000

typedef struct
{
  int fd;
  guint32 uid;
  gint64 begun;
  gboolean asked, told; /* told: that it takes a while */
  EwNamesQuestion question;
  gchar *name; /* as it is looked up */
} Client;

typedef struct
{
  guint32 uid;
  gint64 spent_until; /* the bucket's level: a question costs 1/RATE s */
} User;

/* A configuration on its way to the thread. */
typedef struct
{
  gchar *interface;
  EwIp service[4];
  gsize n_service;
  guint16 port;
  EwPrefix *networks;
  gsize n_ranges, n_networks;
  EwNamesConf conf; /* as programs read it */
  gboolean works;
} Config;

struct EwNamesAnswer
{
  gchar *socket_path, *conf_path;
  gchar *written, *configured; /* what names.conf says; the configuration in words */
  int listener, wake;
  GThread *thread;
  GMutex mutex; /* of next and ending */
  Config *next; /* NULL: no other one since */
  gboolean ending;

  /* The thread's. */
  Config *config;
  EwLookups *lookups;
  Client clients[CLIENTS];
  guint n_clients;
  User users[USERS];
};

static void
config_free (Config *config)
{
  if (config == NULL)
    return;
  g_free (config->interface);
  g_free (config->networks);
  g_free (config);
}

/* ---- clients */

static void
drop_client (EwNamesAnswer *self, guint i)
{
  close (self->clients[i].fd);
  g_free (self->clients[i].name);
  self->clients[i] = self->clients[--self->n_clients];
}

static void
send_reply (const Client *client, const EwNamesReply *reply)
{
  guint8 data[EW_NAMES_REPLY_MAX];
  gsize length = ew_names_reply_write (reply, data);

  (void)!send (client->fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
send_status (const Client *client, EwNamesStatus status)
{
  const EwNamesReply reply = { .status = (guint8)status };

  send_reply (client, &reply);
}

/* A bucket of BURST questions that fills at RATE; the user who was quiet for the longest time is dropped for a new
   one. */
static gboolean
user_may_ask (EwNamesAnswer *self, guint32 uid, gint64 now)
{
  const gint64 cost = G_USEC_PER_SEC / RATE;
  User *user = &self->users[0];

  for (guint i = 0; i < USERS; i++)
    {
      if (self->users[i].uid == uid && self->users[i].spent_until > 0)
        {
          user = &self->users[i];
          break;
        }
      if (self->users[i].spent_until < user->spent_until)
        user = &self->users[i];
    }
  if (user->uid != uid)
    *user = (User){ .uid = uid };
  user->spent_until = MAX (user->spent_until, now - BURST * cost);
  if (user->spent_until + cost > now)
    return FALSE;
  user->spent_until += cost;
  return TRUE;
}

/* Whether it is the mesh's to answer; fills client->name. */
static gboolean
is_ours (const EwNamesAnswer *self, Client *client)
{
  if (self->config == NULL)
    return FALSE;
  if (client->question.kind == EW_NAMES_NAME_OF)
    {
      if (!ew_names_conf_holds (&self->config->conf, &client->question.address))
        return FALSE;
      client->name = ew_question_reverse_name (&client->question.address);
      return TRUE;
    }
  client->name = g_ascii_strdown (client->question.name, -1);
  return ew_names_conf_covers (&self->config->conf, client->name);
}

/* FALSE: the client has its answer, or gets none. */
static gboolean
read_question (EwNamesAnswer *self, Client *client, gint64 now)
{
  guint8 data[EW_NAMES_QUESTION_MAX + 1];
  gssize got = recv (client->fd, data, sizeof data, MSG_DONTWAIT);

  if (got < 0 && (errno == EAGAIN || errno == EINTR))
    return TRUE;
  if (got <= 0 || !ew_names_question_parse (data, (gsize)got, &client->question))
    return FALSE;
  client->asked = TRUE;
  client->begun = now;
  if (!is_ours (self, client))
    send_status (client, EW_NAMES_NOT_OURS);
  else if (!self->config->works || !user_may_ask (self, client->uid, now))
    send_status (client, EW_NAMES_TRY_AGAIN);
  else
    return TRUE;
  return FALSE;
}

/* ---- answers */

/* Adds what is known of one family to reply. FALSE: nothing yet. */
static gboolean
add_known (EwNamesAnswer *self, const Client *client, gboolean v6, gint64 now, EwNamesReply *reply)
{
  const gboolean reverse = client->question.kind == EW_NAMES_NAME_OF;
  const EwNamesReply *known = ew_lookups_find (self->lookups, client->name, reverse, v6, now);

  if (known == NULL)
    {
      if (ew_lookups_start (self->lookups, client->name, reverse, v6, now))
        return FALSE;
      reply->status = EW_NAMES_TRY_AGAIN; /* too much at the same time */
      return TRUE;
    }
  /* What was found of one family counts, whatever the result of the other; a failure doesn't mean "no such name". */
  if (known->status == EW_NAMES_FOUND || reply->n_addresses == 0)
    {
      if (reply->status != EW_NAMES_TRY_AGAIN || known->status == EW_NAMES_FOUND)
        reply->status = known->status;
      memcpy (reply->name, known->name, sizeof reply->name);
    }
  for (guint i = 0; i < known->n_addresses && reply->n_addresses < EW_NAMES_ADDRESSES; i++)
    reply->addresses[reply->n_addresses++] = known->addresses[i];
  reply->ttl = MIN (reply->ttl, known->ttl);
  return TRUE;
}

/* TRUE: it is answered. */
static gboolean
answer_client (EwNamesAnswer *self, Client *client, gint64 now)
{
  EwNamesReply reply = { .status = EW_NAMES_NOT_FOUND, .ttl = EW_QUESTION_TTL_MAX };
  const guint8 family = client->question.kind == EW_NAMES_NAME_OF ? 4 : client->question.address.family;
  gboolean complete = TRUE;

  /* IPv6 first, as programs prefer it; both are asked for at the same time. */
  if (family != 4)
    complete &= add_known (self, client, TRUE, now, &reply);
  if (family != 6)
    complete &= add_known (self, client, FALSE, now, &reply);
  if (complete)
    send_reply (client, &reply);
  return complete;
}

/* TRUE: the client is done with. */
static gboolean
serve_client (EwNamesAnswer *self, Client *client, short ready, gint64 now)
{
  if (!client->asked)
    {
      if (ready != 0 ? !read_question (self, client, now) : now - client->begun >= QUESTION_US)
        return TRUE;
      if (!client->asked)
        return FALSE;
    }
  else if (ready & (POLLHUP | POLLERR))
    return TRUE; /* it has waited long enough */
  if (answer_client (self, client, now))
    return TRUE;
  if (now - client->begun >= ANSWER_US)
    {
      send_status (client, EW_NAMES_TRY_AGAIN);
      return TRUE;
    }
  if (!client->told && now - client->begun >= WORKING_US)
    {
      send_status (client, EW_NAMES_WORKING);
      client->told = TRUE;
    }
  return FALSE;
}

static gint64
client_deadline (const Client *client)
{
  return client->begun + (!client->asked ? QUESTION_US : !client->told ? WORKING_US : ANSWER_US);
}

/* A caller needs its place only briefly. The one that has had its own for the longest time without a question makes
   room: a local user may have many user IDs to connect by (subuid(5)). FALSE: all have asked. */
static gboolean
make_room (EwNamesAnswer *self)
{
  guint slowest = CLIENTS;

  if (self->n_clients < CLIENTS)
    return TRUE;
  for (guint i = 0; i < CLIENTS; i++)
    if (!self->clients[i].asked && (slowest == CLIENTS || self->clients[i].begun < self->clients[slowest].begun))
      slowest = i;
  if (slowest < CLIENTS)
    drop_client (self, slowest);
  return slowest < CLIENTS;
}

static void
accept_clients (EwNamesAnswer *self, gint64 now)
{
  for (guint turn = 0; turn < QUEUE; turn++)
    {
      struct ucred peer = { .uid = (uid_t)-1 };
      socklen_t length = sizeof peer;
      guint same = 0;
      int fd = accept4 (self->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

      if (fd < 0)
        return;
      (void)!getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
      for (guint i = 0; i < self->n_clients; i++)
        same += self->clients[i].uid == peer.uid;
      if (same >= CLIENTS_OF_USER || !make_room (self))
        {
          close (fd);
          continue;
        }
      self->clients[self->n_clients++] = (Client){ .fd = fd, .uid = peer.uid, .begun = now };
      if (serve_client (self, &self->clients[self->n_clients - 1], POLLIN, now)) /* most have asked by now */
        drop_client (self, self->n_clients - 1);
    }
}

/* ---- the thread */

static gboolean
take_config (EwNamesAnswer *self)
{
  guint64 times;
  Config *next;
  gboolean ending;

  (void)!read (self->wake, &times, sizeof times);
  g_mutex_lock (&self->mutex);
  next = g_steal_pointer (&self->next);
  ending = self->ending;
  g_mutex_unlock (&self->mutex);
  if (next != NULL)
    {
      const EwQuestionScope scope = { &next->conf, next->networks, next->n_ranges, next->n_networks };
      ew_lookups_configure (self->lookups, &scope, next->service, next->n_service, next->port, next->interface);
      config_free (self->config);
      self->config = next;
      while (self->n_clients > 0) /* they asked under the old one; their programs go on without */
        drop_client (self, 0);
    }
  return !ending;
}

static int
milliseconds_until (gint64 deadline, gint64 now)
{
  return deadline == G_MAXINT64 ? -1 : (int)CLAMP ((deadline - now + 999) / 1000, 0, 60000);
}

static gpointer
run_thread (gpointer data)
{
  EwNamesAnswer *self = data;
  struct pollfd fds[2 + CLIENTS + EW_LOOKUPS_MAX];

  for (;;)
    {
      gint64 now = g_get_monotonic_time (), deadline = ew_lookups_deadline (self->lookups);
      const guint n = self->n_clients;

      fds[0] = (struct pollfd){ .fd = self->wake, .events = POLLIN };
      fds[1] = (struct pollfd){ .fd = self->listener, .events = POLLIN };
      for (guint i = 0; i < n; i++)
        {
          fds[2 + i] = (struct pollfd){ .fd = self->clients[i].fd, .events = self->clients[i].asked ? 0 : POLLIN };
          deadline = MIN (deadline, client_deadline (&self->clients[i]));
        }
      guint lookups = ew_lookups_poll (self->lookups, fds + 2 + n);
      if (poll (fds, 2 + n + lookups, milliseconds_until (deadline, now)) < 0 && errno != EINTR)
        g_error ("poll: %s", g_strerror (errno));
      now = g_get_monotonic_time ();
      ew_lookups_dispatch (self->lookups, fds + 2 + n, now);
      for (guint i = n; i-- > 0;)
        if (serve_client (self, &self->clients[i], fds[2 + i].revents, now))
          drop_client (self, i);
      if (fds[1].revents != 0)
        accept_clients (self, now);
      if (fds[0].revents != 0 && !take_config (self))
        return NULL;
    }
}

/* ---- main thread */

static gboolean
open_listener (EwNamesAnswer *self, const gchar *dir, GError **error)
{
  struct sockaddr_un at = { .sun_family = AF_UNIX };

  (void)!chmod (dir, 0755); /* an older edgewayd kept it to root */
  if (g_strlcpy (at.sun_path, self->socket_path, sizeof at.sun_path) < sizeof at.sun_path)
    {
      (void)unlink (self->socket_path);
      self->listener = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
      if (self->listener >= 0 && bind (self->listener, (const struct sockaddr *)&at, sizeof at) == 0
          && chmod (self->socket_path, 0666) == 0 && listen (self->listener, QUEUE) == 0)
        return TRUE;
    }
  ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                "The socket %s for look-ups of the mesh's names couldn't be created: %s.", self->socket_path,
                g_strerror (errno));
  return FALSE;
}

EwNamesAnswer *
ew_names_answer_new (const gchar *dir, GError **error)
{
  g_autoptr (EwNamesAnswer) self = g_new0 (EwNamesAnswer, 1);

  self->listener = -1;
  self->socket_path = g_build_filename (dir, EW_NAMES_SOCKET, NULL);
  self->conf_path = g_build_filename (dir, EW_NAMES_CONF, NULL);
  self->wake = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  g_mutex_init (&self->mutex);
  self->lookups = ew_lookups_new ();
  (void)unlink (self->conf_path); /* of a run that was killed, maybe in another mesh */
  if (!open_listener (self, dir, error))
    return NULL;
  self->thread = g_thread_new ("names", run_thread, self);
  return g_steal_pointer (&self);
}

static void
wake_thread (EwNamesAnswer *self)
{
  const guint64 one = 1;

  (void)!write (self->wake, &one, sizeof one);
}

void
ew_names_answer_free (EwNamesAnswer *self)
{
  if (self == NULL)
    return;
  g_mutex_lock (&self->mutex);
  self->ending = TRUE;
  g_mutex_unlock (&self->mutex);
  wake_thread (self);
  g_clear_pointer (&self->thread, g_thread_join);
  while (self->n_clients > 0)
    drop_client (self, 0);
  ew_lookups_free (self->lookups);
  config_free (self->config);
  config_free (self->next);
  if (self->listener >= 0)
    {
      close (self->listener);
      (void)unlink (self->conf_path);
      (void)unlink (self->socket_path);
    }
  close (self->wake);
  g_mutex_clear (&self->mutex);
  g_free (self->socket_path);
  g_free (self->conf_path);
  g_free (self->written);
  g_free (self->configured);
  g_free (self);
}

/* What programs read, so that they ask for nothing else. (transfer full) */
static gchar *
format_conf (const EwNamesAnswerConfig *config)
{
  GString *text = g_string_new ("# Of edgewayd, for libnss_edgeway.\n");
  gchar prefix[EW_PREFIX_STRLEN];

  g_string_append_printf (text, "suffix %s\n", config->suffix);
  for (gsize i = 0; i < config->n_reverse && i < EW_NAMES_RANGES; i++)
    {
      ew_prefix_format (&config->reverse[i], prefix);
      g_string_append_printf (text, "range %s\n", prefix);
    }
  for (const gchar *const *domain = config->domains; domain != NULL && *domain != NULL; domain++)
    if (text->len + strlen ("domain \n") + strlen (*domain) <= EW_NAMES_CONF_MAX)
      g_string_append_printf (text, "domain %s\n", *domain);
  return g_string_free (text, FALSE);
}

/* text NULL: none. */
static void
write_conf (EwNamesAnswer *self, const gchar *text)
{
  g_autoptr (GError) error = NULL;

  if (g_strcmp0 (self->written, text) == 0)
    return;
  g_free (self->written);
  self->written = g_strdup (text);
  if (text == NULL)
    (void)unlink (self->conf_path);
  else if (!ew_file_write_atomic (self->conf_path, text, -1, 0644, &error))
    g_warning ("%s", error->message);
}

/* What the thread needs of it. */
static Config *
config_new (const EwNamesAnswerConfig *config, const gchar *text)
{
  Config *next = g_new0 (Config, 1);

  (void)!ew_names_conf_parse (text, strlen (text), &next->conf);
  next->interface = g_strdup (config->interface);
  next->works = config->works;
  next->port = config->port != 0 ? config->port : 53;
  next->n_service = MIN (config->n_service, G_N_ELEMENTS (next->service));
  for (gsize i = 0; i < next->n_service; i++)
    next->service[i] = config->service[i];
  next->networks = g_new (EwPrefix, config->n_ranges + config->n_routes);
  for (gsize i = 0; i < config->n_ranges; i++)
    next->networks[next->n_networks++] = config->ranges[i];
  next->n_ranges = next->n_networks;
  for (gsize i = 0; i < config->n_routes; i++)
    next->networks[next->n_networks++] = config->routes[i];
  return next;
}

/* All of it as text, to tell one from another. (transfer full) */
static gchar *
describe_config (const Config *config, const gchar *text)
{
  GString *words = g_string_new (text);
  gchar buffer[EW_PREFIX_STRLEN];

  g_string_append_printf (words, "%s %u %d", config->interface, config->port, config->works);
  for (gsize i = 0; i < config->n_service; i++)
    {
      ew_ip_format (&config->service[i], buffer);
      g_string_append_printf (words, " %s", buffer);
    }
  for (gsize i = 0; i < config->n_networks; i++)
    {
      ew_prefix_format (&config->networks[i], buffer);
      g_string_append_printf (words, " %s", buffer);
    }
  return g_string_free (words, FALSE);
}

void
ew_names_answer_configure (EwNamesAnswer *self, const EwNamesAnswerConfig *config)
{
  g_autofree gchar *text = config != NULL ? format_conf (config) : NULL;
  Config *next = config != NULL ? config_new (config, text) : g_new0 (Config, 1);
  gchar *words = config != NULL ? describe_config (next, text) : g_strdup ("");

  if (g_strcmp0 (words, self->configured) == 0) /* callers of the moment aren't disturbed */
    {
      config_free (next);
      g_free (words);
      return;
    }
  g_free (self->configured);
  self->configured = words;
  g_mutex_lock (&self->mutex);
  config_free (self->next);
  self->next = next;
  g_mutex_unlock (&self->mutex);
  wake_thread (self);
  write_conf (self, text);
}
