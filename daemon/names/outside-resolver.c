/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/outside-resolver.h"
#include "common/phrase.h"
#include "common/util.h"
#include "names/plan.h"

#include <errno.h>
#include <ldns/ldns.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVERS_MAX 8
#define ROUNDS 2
#define WAIT_MS 1500 /* for one server's answer */
#define MESSAGE_MAX 4096
#define HOSTS_FILE_MAX (1u << 20)

/* Where the name servers of this computer's networks are written, the first with any in it counts: systemd-resolved's
   and NetworkManager's lists of what they ask themselves, Debian's resolvconf's for dnsmasq. */
static const gchar *const files[] = { "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf",
                                      "/run/NetworkManager/no-stub-resolv.conf", "/run/dnsmasq/resolv.conf" };

struct _EwOutsideResolver
{
  GResolver parent;
  GResolver *around;
  guint32 mark;
  gboolean active;
  GArray *ranges; /* EwPrefix */
};

G_DEFINE_FINAL_TYPE (EwOutsideResolver, ew_outside_resolver, G_TYPE_RESOLVER)

typedef struct
{
  EwIp ip;
  guint32 scope;
} Server;

/* What a look-up needs in its thread. */
typedef struct
{
  gchar *name;
  guint32 mark;
  gboolean v4, v6;
  gboolean beside; /* only servers outside this computer: VPN mode is in force */
  Server servers[SERVERS_MAX];
  guint n_servers;
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  g_free (question->name);
  g_free (question);
}

static Question *
question_new (EwOutsideResolver *self, const gchar *name)
{
  Question *question = g_new0 (Question, 1);

  question->name = g_strdup (name);
  question->mark = self->mark;
  question->beside = self->active;
  return question;
}

/* ---- whom to ask */

static gboolean
may_ask (EwOutsideResolver *self, const EwIp *ip, gboolean beside)
{
  if ((beside && ew_ip_is_loopback (ip)) || ew_ip_is_unspecified (ip) || ew_ip_is_multicast (ip))
    return FALSE;
  for (guint i = 0; i < self->ranges->len; i++)
    if (ew_prefix_contains (&g_array_index (self->ranges, EwPrefix, i), ip))
      return FALSE;
  return TRUE;
}

static void
find_servers (EwOutsideResolver *self, Question *question)
{
  for (guint i = 0; i < G_N_ELEMENTS (files) && question->n_servers == 0; i++)
    {
      g_autofree gchar *text = NULL;
      gsize length = 0;
      if (!ew_file_read (files[i], EW_NAMES_FILE_MAX, &text, &length, NULL))
        continue;
      g_autoptr (EwResolvConf) conf = ew_resolv_conf_parse (text, length);
      for (guint j = 0; j < conf->n_servers && question->n_servers < SERVERS_MAX; j++)
        if (may_ask (self, &conf->servers[j], question->beside))
          question->servers[question->n_servers++] = (Server){ conf->servers[j], conf->scopes[j] };
    }
}

/* ---- asking, in a thread */

static int
connect_server (const Question *question, const Server *server)
{
  struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons (53) };
  struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons (53), .sin6_scope_id = server->scope };
  gboolean v6 = server->ip.family == EW_FAMILY_V6;
  int fd = socket (v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  memcpy (v6 ? (void *)&in6.sin6_addr : (void *)&in.sin_addr, server->ip.bytes, ew_ip_size (&server->ip));
  if (fd < 0)
    return -1;
  if (setsockopt (fd, SOL_SOCKET, SO_MARK, &question->mark, sizeof question->mark) == 0
      && (v6 ? connect (fd, (struct sockaddr *)&in6, sizeof in6) : connect (fd, (struct sockaddr *)&in, sizeof in))
           == 0)
    return fd;
  close (fd);
  return -1;
}

static guint8 *
make_query (const gchar *name, guint8 family, guint16 id, size_t *length)
{
  ldns_rdf *owner = ldns_dname_new_frm_str (name);
  ldns_pkt *packet = owner != NULL ? ldns_pkt_query_new (
                       owner, family == EW_FAMILY_V4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA, LDNS_RR_CLASS_IN, LDNS_RD)
                                   : NULL;
  guint8 *wire = NULL;

  if (packet == NULL)
    return NULL;
  ldns_pkt_set_id (packet, id);
  if (ldns_pkt2wire (&wire, packet, length) != LDNS_STATUS_OK)
    wire = NULL;
  ldns_pkt_free (packet);
  return wire;
}

/* Waits for the answer to this very question until its time is over. NULL: none. */
static GArray *
await_answer (int fd, guint16 id, const gchar *name, guint8 family, guint32 *ttl)
{
  gint64 end = g_get_monotonic_time () + WAIT_MS * 1000;
  guint8 message[MESSAGE_MAX];

  for (;;)
    {
      gint64 left = (end - g_get_monotonic_time ()) / 1000;
      struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
      if (left <= 0)
        return NULL;
      int ready = poll (&poll_fd, 1, (int)left);
      if (ready < 0 && errno == EINTR)
        continue;
      ssize_t length = ready > 0 ? recv (fd, message, sizeof message, 0) : -1;
      if (length < 0)
        return NULL;
      GArray *found = ew_outside_read_answer (message, (gsize)length, id, name, family, ttl);
      if (found != NULL)
        return found;
    }
}

static GArray *
ask_server (const Question *question, const Server *server, guint8 family, guint32 *ttl)
{
  int fd = connect_server (question, server);
  GArray *found = NULL;
  size_t length = 0;
  guint16 id;

  if (fd < 0)
    return NULL;
  ew_random (&id, sizeof id);
  guint8 *query = make_query (question->name, family, id, &length);
  if (query != NULL && send (fd, query, length, MSG_NOSIGNAL) == (ssize_t)length)
    found = await_answer (fd, id, question->name, family, ttl);
  free (query);
  close (fd);
  return found;
}

/* TRUE: a server answered, maybe that the name doesn't exist. */
static gboolean
ask_family (const Question *question, guint8 family, GArray *all, guint32 *ttl)
{
  for (guint round = 0; round < ROUNDS; round++)
    for (guint i = 0; i < question->n_servers; i++)
      {
        g_autoptr (GArray) found = ask_server (question, &question->servers[i], family, ttl);
        if (found == NULL)
          continue;
        g_array_append_vals (all, found->data, found->len);
        return TRUE;
      }
  return FALSE;
}

static GList *
to_list (const GArray *ips)
{
  GList *list = NULL;

  for (guint i = ips->len; i-- > 0;)
    {
      const EwIp *ip = &g_array_index (ips, EwIp, i);
      list
        = g_list_prepend (list, g_inet_address_new_from_bytes (
                                  ip->bytes, ip->family == EW_FAMILY_V4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6));
    }
  return list;
}

/* /etc/hosts first, as the C library has it by default. */
static void
look_in_hosts (const Question *question, GArray *all)
{
  g_autofree gchar *text = NULL;
  gsize length = 0;

  if (!ew_file_read ("/etc/hosts", HOSTS_FILE_MAX, &text, &length, NULL))
    return;
  g_autoptr (GArray) found = ew_outside_read_hosts (text, length, question->name);
  for (guint i = 0; i < found->len; i++)
    if (g_array_index (found, EwIp, i).family == EW_FAMILY_V4 ? question->v4 : question->v6)
      g_array_append_val (all, g_array_index (found, EwIp, i));
}

static void
ask_families (const Question *question, GArray *all, guint32 *ttl)
{
  gboolean known = question->v4 && ask_family (question, EW_FAMILY_V4, all, ttl);

  if (question->v6 && (known || !question->v4))
    (void)ask_family (question, EW_FAMILY_V6, all, ttl);
}

static void
run_lookup (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const Question *question = task_data;
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (EwIp));
  guint32 ttl = G_MAXUINT32;

  look_in_hosts (question, all);
  if (all->len == 0)
    ask_families (question, all, &ttl);
  if (all->len > 0)
    g_task_return_pointer (task, to_list (all), (GDestroyNotify)g_resolver_free_addresses);
  else
    ew_task_return_new_error (task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND,
                              "No name server outside the tunnel knows %s.", question->name);
}

void
ew_outside_answer_free (EwOutsideAnswer *answer)
{
  g_array_unref (answer->ips);
  g_free (answer);
}

static void
run_question (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const Question *question = task_data;
  g_autoptr (EwOutsideAnswer) answer = g_new0 (EwOutsideAnswer, 1);

  answer->ips = g_array_new (FALSE, FALSE, sizeof (EwIp));
  answer->ttl = G_MAXUINT32;
  look_in_hosts (question, answer->ips);
  if (answer->ips->len == 0)
    ask_families (question, answer->ips, &answer->ttl);
  if (answer->ips->len > 0 && answer->ttl < G_MAXUINT32)
    g_task_return_pointer (task, g_steal_pointer (&answer), (GDestroyNotify)ew_outside_answer_free);
  else
    g_task_return_pointer (task, NULL, NULL);
}

void
ew_outside_resolver_ask_async (EwOutsideResolver *self, const gchar *name, guint8 family, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Question *question = question_new (self, name);

  question->v4 = family == EW_FAMILY_V4;
  question->v6 = family == EW_FAMILY_V6;
  g_task_set_task_data (task, question, question_free);
  find_servers (self, question);
  g_task_set_return_on_cancel (task, TRUE);
  g_task_run_in_thread (task, run_question);
}

EwOutsideAnswer *
ew_outside_resolver_ask_finish (GAsyncResult *result)
{
  return g_task_propagate_pointer (G_TASK (result), NULL);
}

/* ---- the resolver */

static void
on_system_looked_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  GList *found = g_resolver_lookup_by_name_with_flags_finish (G_RESOLVER (source), result, &error);

  if (found != NULL)
    g_task_return_pointer (task, found, (GDestroyNotify)g_resolver_free_addresses);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
look_up_async (GResolver *resolver, const gchar *name, GResolverNameLookupFlags flags, GCancellable *cancellable,
               GAsyncReadyCallback callback, gpointer user_data)
{
  EwOutsideResolver *self = EW_OUTSIDE_RESOLVER (resolver);
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  Question *question = question_new (self, name);

  question->v4 = (flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY) == 0;
  question->v6 = (flags & G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY) == 0;
  g_task_set_task_data (task, question, question_free);
  if (self->active)
    find_servers (self, question);
  if (question->n_servers == 0)
    {
      g_resolver_lookup_by_name_with_flags_async (self->around, name, flags, cancellable, on_system_looked_up,
                                                  g_steal_pointer (&task));
      return;
    }
  g_task_set_return_on_cancel (task, TRUE);
  g_task_run_in_thread (task, run_lookup);
}

static void
look_up_plain_async (GResolver *resolver, const gchar *name, GCancellable *cancellable, GAsyncReadyCallback callback,
                     gpointer user_data)
{
  look_up_async (resolver, name, G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, cancellable, callback, user_data);
}

static GList *
look_up_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
outside_resolver_finalize (GObject *object)
{
  EwOutsideResolver *self = EW_OUTSIDE_RESOLVER (object);

  g_object_unref (self->around);
  g_array_unref (self->ranges);
  G_OBJECT_CLASS (ew_outside_resolver_parent_class)->finalize (object);
}

/* Nothing in this program makes blocking look-ups, or asks for anything but names: GResolver has no such functions
   here. */
static void
ew_outside_resolver_class_init (EwOutsideResolverClass *class)
{
  GResolverClass *resolver_class = G_RESOLVER_CLASS (class);

  G_OBJECT_CLASS (class)->finalize = outside_resolver_finalize;
  resolver_class->lookup_by_name_async = look_up_plain_async;
  resolver_class->lookup_by_name_finish = look_up_finish;
  resolver_class->lookup_by_name_with_flags_async = look_up_async;
  resolver_class->lookup_by_name_with_flags_finish = look_up_finish;
}

static void
ew_outside_resolver_init (EwOutsideResolver *self)
{
  self->ranges = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
}

EwOutsideResolver *
ew_outside_resolver_new (GResolver *around, guint32 mark)
{
  EwOutsideResolver *self = g_object_new (EW_TYPE_OUTSIDE_RESOLVER, NULL);

  self->around = g_object_ref (around);
  self->mark = mark;
  return self;
}

void
ew_outside_resolver_set_active (EwOutsideResolver *self, gboolean active, const EwPrefix *ranges, gsize n_ranges)
{
  self->active = active;
  g_array_set_size (self->ranges, 0);
  g_array_append_vals (self->ranges, ranges, (guint)n_ranges);
}

GResolver *
ew_outside_resolver_get_system (EwOutsideResolver *self)
{
  return self->around;
}
