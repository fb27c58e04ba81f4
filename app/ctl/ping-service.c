/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * ping of a service: nothing answers echoes at its address, which is the edge's; a connection to its port is what
 * callers make. It is closed at once, without a word.
 */
#include "ping.h"

#include <glib-unix.h>
#include <stdio.h>

#include "common/error.h"
#include "common/util.h"
#include "console/format.h"
#include "services.h"

#define TIMEOUT_S 5

typedef struct
{
  JsonObject *service;
  gchar *name, *address;
  guint16 port;   /* that callers use; 0: none of its ports is TCP's */
  gchar *targets; /* where callers are led to: "nas:8123", "nas:8080 or web:8080" */
} Aim;

static void
aim_clear (Aim *aim)
{
  g_free (aim->name);
  g_free (aim->address);
  g_free (aim->targets);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Aim, aim_clear)

static JsonObject *
object_at (JsonArray *array, guint i)
{
  JsonNode *element = json_array_get_element (array, i);

  return JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
}

static guint
length_of (JsonArray *array)
{
  return array != NULL ? json_array_get_length (array) : 0;
}

static guint16
find_port (JsonObject *service)
{
  JsonArray *ports = ew_json_array (service, "ports");

  for (guint i = 0; i < length_of (ports); i++)
    {
      JsonObject *port = object_at (ports, i);
      gint64 from = port != NULL ? ew_json_int (port, "from", 0) : 0;

      if (port != NULL && g_strcmp0 (ew_json_string (port, "protocol"), "tcp") == 0 && from > 0 && from <= G_MAXUINT16)
        return (guint16)from;
    }
  return 0;
}

/* The first that is offered, or where callers are spread any of those. */
static gchar *
find_targets (EwCtl *ctl, JsonObject *service)
{
  JsonArray *targets = ew_json_array (service, "targets");
  gboolean spread = g_strcmp0 (ew_json_string (service, "spread"), "spread") == 0;
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < length_of (targets) && (spread || text->len == 0); i++)
    {
      JsonObject *target = object_at (targets, i);
      g_autofree gchar *label = NULL;

      if (target == NULL || !ew_json_bool (target, "offered", FALSE))
        continue;
      label = ew_format_get_text (&ctl->terminal, target, "label", "?");
      g_string_append_printf (text, "%s%s", text->len > 0 ? " or " : "", label);
    }
  return g_string_free (text, FALSE);
}

static void
aim_init (EwCtl *ctl, Aim *aim, JsonObject *service)
{
  g_auto (GStrv) addresses = ew_json_strv (service, "addresses", 8);

  *aim = (Aim){ .service = service, .port = find_port (service), .targets = find_targets (ctl, service) };
  aim->name = ew_format_get_text (&ctl->terminal, service, "name", "?");
  aim->address = g_strdup (addresses != NULL ? addresses[0] : NULL);
}

static void
print_targets (EwCtl *ctl, JsonObject *service)
{
  JsonArray *targets = ew_json_array (service, "targets");

  for (guint i = 0; i < length_of (targets); i++)
    if (object_at (targets, i) != NULL)
      {
        g_autofree gchar *sentence = ew_services_describe_target (&ctl->terminal, object_at (targets, i));
        ew_ctl_print ("%s.\n", sentence);
      }
}

/* Nobody can connect by UDP: what the edge's probe found is all that can be said. */
static gint
say_probe (EwCtl *ctl, JsonObject *service)
{
  JsonArray *targets = ew_json_array (service, "targets");
  gboolean good = FALSE;

  print_targets (ctl, service);
  for (guint i = 0; i < length_of (targets) && !good; i++)
    {
      JsonObject *target = object_at (targets, i);
      const gchar *state = target != NULL ? ew_json_string (target, "state") : NULL;

      good = g_strcmp0 (state, "answers") == 0 || g_strcmp0 (state, "reachable") == 0;
    }
  return good ? EW_EXIT_DONE : EW_EXIT_FAILED;
}

/* One connection. */

typedef struct
{
  EwPingTally tally;
  GCancellable *cancellable; /* of the connection that is being made; NULL: none */
} Pinging;

typedef struct
{
  gboolean over;
  GSocketConnection *connection; /* NULL: refused, silent */
  GError *error;
} Attempt;

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Attempt *attempt = user_data;

  attempt->connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &attempt->error);
  attempt->over = TRUE;
}

static gboolean
on_interrupt (gpointer user_data)
{
  Pinging *pinging = user_data;

  pinging->tally.interrupted = TRUE;
  g_cancellable_cancel (pinging->cancellable);
  return G_SOURCE_CONTINUE;
}

static void
print_answer (EwCtl *ctl, const Aim *aim, Pinging *pinging, gdouble ms)
{
  const gchar *line = ew_terminal_sign (&ctl->terminal, "──", "--");
  g_autofree gchar *total = ew_format_ms (ms);

  ew_ping_count (&pinging->tally, ms);
  ew_ctl_print ("%d  this computer %s %s (%s) port %u %s %s  %s\n", pinging->tally.sent, line, aim->name, aim->address,
                aim->port, line, aim->targets, total);
}

static void
connect_once (EwCtl *ctl, const Aim *aim, Pinging *pinging)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (aim->address, aim->port);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gint64 begun = g_get_monotonic_time ();
  Attempt attempt = { 0 };

  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_timeout (client, TIMEOUT_S);
  pinging->cancellable = cancellable;
  pinging->tally.sent++;
  g_socket_client_connect_async (client, G_SOCKET_CONNECTABLE (address), cancellable, on_connected, &attempt);
  while (!attempt.over)
    g_main_context_iteration (NULL, TRUE);
  pinging->cancellable = NULL;
  if (attempt.connection != NULL)
    print_answer (ctl, aim, pinging, (gdouble)(g_get_monotonic_time () - begun) / 1000);
  else if (pinging->tally.interrupted)
    pinging->tally.sent--; /* nobody waited for its answer */
  else
    {
      g_autofree gchar *why = ew_terminal_clean (&ctl->terminal, attempt.error->message);
      ew_ctl_print ("%d  no answer: %s\n", pinging->tally.sent, why);
    }
  g_clear_object (&attempt.connection);
  g_clear_error (&attempt.error);
  fflush (stdout);
}

gint
ew_ping_service (EwCtl *ctl, JsonObject *service, gint count)
{
  g_auto (Aim) aim = { 0 };
  Pinging pinging = { 0 };
  guint interrupt;
  gint exit_code;

  aim_init (ctl, &aim, service);
  if (aim.port == 0 || aim.address == NULL)
    return say_probe (ctl, service);
  interrupt = g_unix_signal_add (SIGINT, on_interrupt, &pinging);
  while (pinging.tally.sent < count && !pinging.tally.interrupted)
    {
      if (pinging.tally.sent > 0)
        ew_ping_pause (&pinging.tally);
      if (!pinging.tally.interrupted)
        connect_once (ctl, &aim, &pinging);
    }
  g_source_remove (interrupt);
  exit_code = ew_ping_summarize (&pinging.tally);
  if (pinging.tally.came_back == 0)
    print_targets (ctl, service);
  return exit_code;
}
