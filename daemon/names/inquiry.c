/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/inquiry.h"
#include "common/util.h"
#include "names/check.h"
#include "names/module.h"
#include "names/survey.h"

#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RESOLVED "org.freedesktop.resolve1"
#define RESOLVED_PATH "/org/freedesktop/resolve1"
#define PROPERTIES "org.freedesktop.DBus.Properties"
#define NSCD_SOCKET "/run/nscd/socket" /* /var/run/nscd/socket: glibc's nscd/nscd-client.h */
#define DOMAINS_MAX 256

typedef struct
{
  EwNamesEvidence *evidence;
  guint pending;
  GDBusConnection *bus;
  EwNamesCheck *check;
  guint timer; /* the bus may take longer than a person wants to wait for a diagnosis */
  GCancellable *calls;
} Collecting;

/* One question, and what its answer is for. */
typedef struct
{
  GTask *task;
  enum
  {
    OF_SUFFIX,
    OF_OWN_NAME,
    OF_NO_NAME,
    OF_HOSTS,
    OF_EDGE,
    OF_GATEWAY
  } what;
  guint index; /* in lan, entries or gateways */
} Question;

static void
collecting_free (gpointer data)
{
  Collecting *collecting = data;

  g_clear_handle_id (&collecting->timer, g_source_remove);
  g_clear_pointer (&collecting->check, ew_names_check_free);
  ew_names_evidence_free (collecting->evidence);
  g_clear_object (&collecting->bus);
  g_object_unref (collecting->calls);
  g_free (collecting);
}

/* Ends the one that held task. */
static void
end_one (GTask *task)
{
  Collecting *collecting = g_task_get_task_data (task);

  if (--collecting->pending == 0)
    {
      g_clear_handle_id (&collecting->timer, g_source_remove);
      g_task_return_pointer (task, g_steal_pointer (&collecting->evidence), (GDestroyNotify)ew_names_evidence_free);
    }
  g_object_unref (task);
}

static GTask *
begin_one (GTask *task)
{
  Collecting *collecting = g_task_get_task_data (task);

  collecting->pending++;
  return g_object_ref (task);
}

/* ---- files */

static gchar *
read_text (const gchar *path, gsize max)
{
  gchar *text = NULL;

  return ew_file_read (path, max, &text, NULL, NULL) ? text : NULL;
}

static gboolean
nscd_runs (void)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = NSCD_SOCKET };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  gboolean runs = fd >= 0 && connect (fd, (const struct sockaddr *)&address, sizeof address) == 0;

  if (fd >= 0)
    close (fd);
  return runs;
}

static void
read_files (EwNamesEvidence *evidence)
{
  evidence->hosts = read_text ("/etc/hosts", EW_NAMES_HOSTS_MAX);
  evidence->nsswitch = read_text ("/etc/nsswitch.conf", EW_NAMES_FILE_MAX);
  evidence->resolv_conf = read_text ("/etc/resolv.conf", EW_NAMES_FILE_MAX);
  evidence->resolv_conf_is_link = g_file_test ("/etc/resolv.conf", G_FILE_TEST_IS_SYMLINK);
  evidence->nscd = nscd_runs ();
  evidence->module = ew_names_module_is_installed ();
  g_ptr_array_unref (evidence->entries);
  evidence->entries = ew_names_read_hosts (evidence->hosts, evidence->hosts != NULL ? strlen (evidence->hosts) : 0,
                                           evidence->suffix, evidence->own_name);
}

/* ---- questions */

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Question *question = user_data;
  Collecting *collecting = g_task_get_task_data (question->task);
  EwSurveyAnswer answer = ew_names_survey_ask_finish (result);

  if (question->what == OF_HOSTS)
    {
      EwNamesHostsEntry *entry = collecting->evidence->entries->pdata[question->index];
      entry->asked = answer.answered;
      entry->mesh = answer.address;
    }
  else if (question->what == OF_EDGE)
    collecting->evidence->edge_answered = answer.answered;
  else if (question->what == OF_GATEWAY)
    ((EwNamesGateway *)collecting->evidence->gateways->pdata[question->index])->answered = answer.answered;
  else
    {
      EwNamesLanServer *lan = &g_array_index (collecting->evidence->lan, EwNamesLanServer, question->index);
      lan->answered |= answer.answered;
      lan->serves |= question->what != OF_NO_NAME && answer.found;
      lan->wildcard |= question->what == OF_NO_NAME && answer.found;
    }
  end_one (question->task);
}

static void
ask_name (GTask *task, const EwIp *server, guint32 mark, const gchar *name, EwSurveyType type, int what, guint index)
{
  Collecting *collecting = g_task_get_task_data (task);
  Question *question = g_new0 (Question, 1);

  question->task = begin_one (task);
  question->what = what;
  question->index = index;
  ew_names_survey_ask_async (server, mark, name, type, collecting->calls, on_answered, question);
}

/* label: before the suffix; NULL: the suffix itself. */
static void
ask (GTask *task, const EwIp *server, guint32 mark, const gchar *label, EwSurveyType type, int what, guint index)
{
  const gchar *suffix = ((Collecting *)g_task_get_task_data (task))->evidence->suffix;
  g_autofree gchar *name = label != NULL ? g_strconcat (label, ".", suffix, NULL) : g_strdup (suffix);

  ask_name (task, server, mark, name, type, what, index);
}

/* This network's own alone: others would learn the mesh's name. */
static gboolean
is_of_this_network (const EwIp *server)
{
  return ew_ip_is_private (server) && !ew_ip_is_loopback (server) && !ew_ip_is_link_local (server);
}

static void
ask_lan (GTask *task, const EwInquiry *inquiry)
{
  EwNamesEvidence *evidence = ((Collecting *)g_task_get_task_data (task))->evidence;
  g_autofree gchar *nobody = g_strdup_printf ("edgeway-%08x", g_random_int ());

  for (gsize i = 0; i < inquiry->n_resolvers && evidence->lan->len < EW_INQUIRY_SERVERS; i++)
    {
      const EwIp *server = &inquiry->resolvers[i];
      EwNamesLanServer lan = { .server = *server };
      guint index = evidence->lan->len;
      if (!is_of_this_network (server) || (inquiry->n_edge > 0 && ew_ip_equal (server, inquiry->edge)))
        continue;
      g_array_append_val (evidence->lan, lan);
      ask (task, server, inquiry->mark, NULL, EW_SURVEY_SOA, OF_SUFFIX, index);
      ask (task, server, inquiry->mark, evidence->own_name, EW_SURVEY_A, OF_OWN_NAME, index);
      ask (task, server, inquiry->mark, nobody, EW_SURVEY_A, OF_NO_NAME, index);
    }
}

static void
ask_edge (GTask *task, const EwInquiry *inquiry)
{
  const EwNamesEvidence *evidence = ((Collecting *)g_task_get_task_data (task))->evidence;

  for (guint i = 0; inquiry->n_edge > 0 && i < evidence->entries->len; i++)
    {
      const EwNamesHostsEntry *entry = evidence->entries->pdata[i];
      EwSurveyType type = entry->address.family == EW_FAMILY_V4 ? EW_SURVEY_A : EW_SURVEY_AAAA;
      ask (task, inquiry->edge, 0, entry->label, type, OF_HOSTS, i);
    }
}

/* The edge has to ask the gateway's name server; that there is no such record is an answer, too. Asks for A, since
   simple name servers (dnsmasq) refuse other types. The suffix is the edge's own: without it, the edge is silent, and
   no name server is to blame. */
static void
ask_about_gateways (GTask *task, const EwInquiry *inquiry)
{
  GPtrArray *gateways = ((Collecting *)g_task_get_task_data (task))->evidence->gateways;

  if (inquiry->n_edge == 0 || inquiry->n_gateways == 0)
    return;
  ask (task, inquiry->edge, 0, NULL, EW_SURVEY_SOA, OF_EDGE, 0);
  for (guint i = 0; i < MIN (inquiry->n_gateways, EW_INQUIRY_GATEWAYS); i++)
    {
      EwNamesGateway *gateway = g_new0 (EwNamesGateway, 1);
      gateway->domain = g_strdup (inquiry->gateways[i].domain);
      gateway->node = g_strdup (inquiry->gateways[i].node);
      gateway->resolver = inquiry->gateways[i].resolver;
      g_ptr_array_add (gateways, gateway);
      ask_name (task, inquiry->edge, 0, gateway->domain, EW_SURVEY_A, OF_GATEWAY, i);
    }
}

/* ---- systemd-resolved */

static void
take_domains (EwNamesEvidence *evidence, GVariant *list)
{
  GVariantIter iter;
  gint link;
  const gchar *domain;
  gboolean routing;

  g_variant_iter_init (&iter, list);
  while (evidence->domains->len < DOMAINS_MAX && g_variant_iter_next (&iter, "(i&sb)", &link, &domain, &routing))
    {
      EwNamesDomain *row = g_new0 (EwNamesDomain, 1);
      gchar name[IFNAMSIZ];
      gsize length = strlen (domain);
      row->link = (guint)link;
      row->interface = g_strdup (link > 0 && if_indextoname ((guint)link, name) != NULL ? name : "systemd-resolved");
      row->domain = g_strndup (domain, length > 0 && domain[length - 1] == '.' ? length - 1 : length);
      row->routing = routing;
      g_ptr_array_add (evidence->domains, row);
    }
}

static void
on_link_anchors (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Collecting *collecting = g_task_get_task_data (task);
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, NULL);
  g_autoptr (GVariant) value = NULL;

  if (answer != NULL)
    g_variant_get (answer, "(v)", &value);
  if (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY))
    {
      g_autofree const gchar **anchors = g_variant_get_strv (value, NULL);
      for (guint i = 0; anchors[i] != NULL; i++)
        collecting->evidence->unsigned_known |= ew_names_is_within (collecting->evidence->suffix, anchors[i]);
    }
  end_one (task);
}

static void
on_link (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Collecting *collecting = g_task_get_task_data (task);
  GDBusConnection *bus = G_DBUS_CONNECTION (source);
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (bus, result, NULL);
  const gchar *path;

  if (answer == NULL)
    {
      end_one (task);
      return;
    }
  g_variant_get (answer, "(&o)", &path);
  g_dbus_connection_call (
    bus, RESOLVED, path, PROPERTIES, "Get", g_variant_new ("(ss)", RESOLVED ".Link", "DNSSECNegativeTrustAnchors"),
    G_VARIANT_TYPE ("(v)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, EW_INQUIRY_MS, collecting->calls, on_link_anchors, task);
}

static void
on_manager (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Collecting *collecting = g_task_get_task_data (task);
  EwNamesEvidence *evidence = collecting->evidence;
  GDBusConnection *bus = G_DBUS_CONNECTION (source);
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (bus, result, NULL);
  g_autoptr (GVariant) values = answer != NULL ? g_variant_get_child_value (answer, 0) : NULL;
  g_autoptr (GVariant) domains = NULL;

  if (values != NULL)
    {
      evidence->resolved_answers = TRUE;
      g_variant_lookup (values, "DNSSEC", "s", &evidence->dnssec);
      domains = g_variant_lookup_value (values, "Domains", G_VARIANT_TYPE ("a(isb)"));
    }
  if (domains != NULL)
    take_domains (evidence, domains);
  if (evidence->dnssec == NULL || g_str_equal (evidence->dnssec, "no") || evidence->link == 0)
    {
      end_one (task);
      return;
    }
  g_dbus_connection_call (bus, RESOLVED, RESOLVED_PATH, RESOLVED ".Manager", "GetLink",
                          g_variant_new ("(i)", (gint)evidence->link), G_VARIANT_TYPE ("(o)"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, EW_INQUIRY_MS, collecting->calls, on_link, task);
}

static void
on_bus (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GTask *task = user_data;
  Collecting *collecting = g_task_get_task_data (task);

  collecting->bus = g_dbus_connection_new_for_address_finish (result, NULL);
  if (collecting->bus == NULL)
    {
      end_one (task);
      return;
    }
  g_dbus_connection_call (collecting->bus, RESOLVED, RESOLVED_PATH, PROPERTIES, "GetAll",
                          g_variant_new ("(s)", RESOLVED ".Manager"), G_VARIANT_TYPE ("(a{sv})"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, EW_INQUIRY_MS, collecting->calls, on_manager, task);
}

static void
ask_resolved (GTask *task)
{
  Collecting *collecting = g_task_get_task_data (task);
  g_autofree gchar *address = g_dbus_address_get_for_bus_sync (G_BUS_TYPE_SYSTEM, NULL, NULL);

  if (address != NULL)
    g_dbus_connection_new_for_address (
      address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
      collecting->calls, on_bus, begin_one (task));
}

/* ---- the C library */

static void
on_checked (EwNamesCheckResult result, gpointer user_data)
{
  GTask *task = user_data;
  Collecting *collecting = g_task_get_task_data (task);

  collecting->evidence->found = result;
  end_one (task);
}

static void
look_up (GTask *task, const EwInquiry *inquiry)
{
  Collecting *collecting = g_task_get_task_data (task);

  if (inquiry->n_edge == 0)
    return;
  collecting->evidence->probe = g_strconcat ("edge.", inquiry->suffix, NULL);
  collecting->check = ew_names_check_new (on_checked, begin_one (task));
  ew_names_check_start (collecting->check, collecting->evidence->probe, inquiry->edge, inquiry->n_edge);
}

/* ---- all of it */

static gboolean
on_time (gpointer user_data)
{
  Collecting *collecting = user_data;

  collecting->timer = 0;
  g_cancellable_cancel (collecting->calls);
  return G_SOURCE_REMOVE;
}

void
ew_names_inquire_async (const EwInquiry *inquiry, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Collecting *collecting = g_new0 (Collecting, 1);
  EwNamesEvidence *evidence = collecting->evidence = ew_names_evidence_new ();

  g_task_set_task_data (task, collecting, collecting_free);
  collecting->pending = 1; /* this function's own */
  collecting->calls = g_cancellable_new ();
  collecting->timer = g_timeout_add (EW_INQUIRY_MS, on_time, collecting);
  evidence->suffix = g_strdup (inquiry->suffix);
  evidence->own_name = g_strdup (inquiry->own_name);
  evidence->interface = g_strdup (inquiry->interface);
  evidence->link = inquiry->link;
  evidence->vpn = inquiry->vpn;
  read_files (evidence);
  ask_resolved (task);
  ask_lan (task, inquiry);
  ask_edge (task, inquiry);
  ask_about_gateways (task, inquiry);
  look_up (task, inquiry);
  end_one (task);
}

EwNamesEvidence *
ew_names_inquire_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
