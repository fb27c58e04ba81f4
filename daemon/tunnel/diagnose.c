/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What works, what does not, and what to do: from this machine outwards, each check naming its own fix.
 */
#include "tunnel/tunnel-private.h"
#include "common/error.h"
#include "common/util.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef enum
{
  NO,
  YES,
  UNKNOWN
} Ok;

static void
add (JsonArray *checks, const gchar *check, Ok ok, const gchar *message, const gchar *fix)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "check", check);
  if (ok == UNKNOWN)
    json_object_set_null_member (object, "ok");
  else
    json_object_set_boolean_member (object, "ok", ok == YES);
  json_object_set_string_member (object, "message", message);
  json_object_set_string_member (object, "fix", ok == YES || !fix ? "" : fix);
  json_array_add_object_element (checks, object);
}

static gboolean
may_administer_network (void)
{
  struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct data[2] = { 0 };
  return syscall (SYS_capget, &header, data) == 0 && (data[0].effective & (1u << CAP_NET_ADMIN));
}

static void
check_machine (EwTunnel *self, JsonArray *checks)
{
  gboolean privileged = may_administer_network ();
  add (checks, "privileges", privileged ? YES : NO,
       privileged ? "edgewayd may change this machine's network"
                  : "edgewayd may not change this machine's network (CAP_NET_ADMIN is missing)",
       "Start it as root, in a container with --cap-add NET_ADMIN");
  int fd = self->engine ? -1 : open ("/dev/net/tun", O_RDWR | O_CLOEXEC);
  gboolean tun = self->engine || fd >= 0;
  g_autofree gchar *why = tun ? g_strdup ("Tunnel interfaces can be made")
                              : g_strdup_printf ("/dev/net/tun cannot be opened (%s)", g_strerror (errno));
  add (checks, "tun", tun ? YES : NO, why, "Load the module (modprobe tun); in a container pass --device /dev/net/tun");
  if (fd >= 0)
    close (fd);
}

static void
check_membership (EwTunnel *self, JsonArray *checks)
{
  g_autoptr (GError) error = NULL;
  if (!ew_tunnel_check_member (self, &error))
    {
      add (checks, "enrolled", NO, error->message, "Enroll this machine: edgewayctl enroll");
      return;
    }
  g_autofree gchar *message
    = g_strdup_printf ("This machine is \"%s\" in the mesh \"%s\"", self->document->name, self->document->mesh);
  add (checks, "enrolled", YES, message, NULL);
}

/* GET /v1/mesh over TLS: the TCP side and the pin. */
static void
check_api (JsonArray *checks, const GError *error)
{
  if (g_error_matches (error, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE))
    {
      add (checks, "edge-tcp", NO, error->message,
           "Check the network, and that the edge runs and its TCP port is open");
      add (checks, "pin", UNKNOWN, "Whether it is the mesh's own edge cannot be told before it answers", NULL);
      return;
    }
  gboolean pinned = !g_error_matches (error, EW_ERROR, EW_ERROR_PIN_MISMATCH);
  add (checks, "edge-tcp", YES, "The edge's API answers", NULL);
  add (checks, "pin", pinned ? YES : NO,
       pinned ? "It is the mesh's own edge (its certificate has the pin)" : error->message,
       "Find out who answers there before anything else; if the edge was made anew, enroll again");
  if (pinned && error)
    add (checks, "edge-api", NO, error->message, "Ask whoever runs the edge");
}

static void
check_tunnel (EwTunnel *self, JsonArray *checks)
{
  EwPeerStatus peer = { 0 };
  if (!self->engine)
    {
      add (checks, "handshake", UNKNOWN, "The tunnel is down, so its handshake was not tried",
           "Connect: edgewayctl connect");
      return;
    }
  gboolean known = self->peer >= 0 && ew_engine_get_peer (self->engine, self->peer_key, &peer);
  gboolean session = known && peer.has_session;
  add (checks, "handshake", session ? YES : NO,
       session ? "WireGuard's handshake with the edge works (UDP)"
               : "WireGuard's handshake with the edge does not succeed (UDP)",
       "Open UDP to the edge's port on the firewalls between, on the edge's host first");
  gboolean answers = self->liveness.state == EW_LINK_CONNECTED;
  g_autofree gchar *message
    = answers && self->rtt_us >= 0
        ? g_strdup_printf ("The edge answers through the tunnel in %.1f ms", (gdouble)self->rtt_us / 1000)
      : answers ? g_strdup ("The edge answers through the tunnel")
                : g_strdup_printf ("The edge does not answer through the tunnel: %s", self->message);
  add (checks, "probe", answers ? YES : NO, message,
       "The checks before this one say where it ends; if all are well, ask whoever runs the edge");
}

static void
check_routes (EwTunnel *self, JsonArray *checks)
{
  for (guint i = 0; self->plan && i < self->plan->all->len; i++)
    {
      const EwPlanRoute *route = self->plan->all->pdata[i];
      char cidr[EW_PREFIX_STRLEN];
      ew_prefix_format (&route->prefix, cidr);
      if (!route->reason
          || (!ew_prefixes_contain (self->keystore->accepted, &route->prefix)
              && !ew_prefixes_contain (self->keystore->forwarded, &route->prefix)))
        continue;
      g_autofree gchar *message
        = g_strdup_printf ("The route %s was accepted but is not taken: %s", cidr, route->reason);
      add (checks, "route", NO, message, "Refuse it (edgewayctl route refuse), or renumber one of the two networks");
    }
}

static void
check_host (EwTunnel *self, JsonArray *checks)
{
  const GArray *ranges = self->document ? self->document->ranges : NULL;
  const EwIp *edge = self->candidates && self->candidate < self->candidates->len
                       ? &g_array_index (self->candidates, EwCandidate, self->candidate).endpoint.remote
                       : NULL;
  g_autofree gchar *text
    = ew_host_diagnose (self->host, ranges ? (const EwPrefix *)ranges->data : NULL, ranges ? ranges->len : 0, edge);
  g_autofree gchar *wrapped = text ? g_strdup_printf ("{\"checks\":%s}", text) : NULL;
  g_autoptr (JsonObject) object = wrapped ? ew_json_parse_object (wrapped, strlen (wrapped), 1024 * 1024, NULL) : NULL;
  JsonArray *array = object ? ew_json_array (object, "checks") : NULL;
  for (guint i = 0; array && i < json_array_get_length (array); i++)
    json_array_add_element (checks, json_array_dup_element (array, i));
  g_autoptr (EwHostFacts) facts = ew_host_facts_new (self->host, NULL);
  if (facts && !facts->ipv6)
    add (checks, "ipv6", UNKNOWN, "IPv6 is switched off on this machine: the mesh works on IPv4 alone here",
         "Switch IPv6 on (sysctl net.ipv6.conf.all.disable_ipv6=0) if you want the mesh's IPv6 addresses");
}

static void
finish (GTask *task, const GError *api_error, gboolean asked)
{
  EwTunnel *self = g_task_get_source_object (task);
  g_autoptr (JsonObject) report = json_object_new ();
  JsonArray *checks = json_array_new ();
  check_membership (self, checks);
  check_machine (self, checks);
  if (asked)
    check_api (checks, api_error);
  if (self->document)
    check_tunnel (self, checks);
  check_routes (self, checks);
  check_host (self, checks);
  add (checks, "names", UNKNOWN,
       "Edgeway does not resolve the mesh's names yet; VPN mode leaves names to the local resolver",
       "Use mesh addresses (edgewayctl map)");
  json_object_set_int_member (report, "schema", 1);
  json_object_set_array_member (report, "checks", checks);
  g_task_return_pointer (task, ew_json_to_string (report, FALSE), g_free);
}

static void
asked_api (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) answer = ew_client_call_finish (EW_CLIENT (source), result, &error);
  finish (task, error, TRUE);
}

void
ew_tunnel_diagnose_async (EwTunnel *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, user_data);
  ew_tunnel_event (self, EW_LIVENESS_BUSY); /* somebody looks */
  if (self->client && !self->broken)
    ew_client_call_async (self->client, "GET", "/v1/mesh", NULL, cancellable, asked_api, g_steal_pointer (&task));
  else
    finish (task, NULL, FALSE);
}

gchar *
ew_tunnel_diagnose_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
