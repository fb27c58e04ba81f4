/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What works, what does not, and what to do, from this computer outwards. Everything is tried now, side by side, and
 * each check that fails names its own fix:
 *
 *   the edge's API      GET /v1/mesh over TLS beside the tunnel: the TCP side, and whether it is the mesh's own edge;
 *                       and as the daemon calls it, which may be through the tunnel
 *   the tunnel          a handshake and a probe (live-check.c, diagnose-tunnel.c), and a packet of a program's
 *                       (own-packet.c)
 *   the way             an HTTP proxy, and UDP where https is used in its place (diagnose-way.c)
 *   VPN mode            a name looked up and a page fetched, as programs do (outside.c)
 *   names               whether programs find the mesh's, and what prevents it (diagnose-names.c)
 *   this computer       what net/ finds that blocks the mesh
 */
#include "tunnel/diagnose-clock.h"
#include "tunnel/diagnose-names.h"
#include "tunnel/diagnose-tunnel.h"
#include "tunnel/diagnose-way.h"
#include "tunnel/essentials.h"
#include "tunnel/live-check.h"
#include "tunnel/outside.h"
#include "tunnel/own-packet.h"
#include "tunnel/tunnel-private.h"
#include "common/checks.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "names/inquiry.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define API_SECONDS 6

/* One diagnosis while it runs. */
typedef struct
{
  GTask *task;
  EwTunnel *tunnel; /* the task's */
  JsonArray *checks;
  guint pending;                                /* of those that are tried */
  gboolean api_tried, api_ended, api_timed_out; /* beside the tunnel */
  GError *api_error;
  gboolean api_answers;   /* as the daemon calls it: beside the tunnel or through it */
  GCancellable *api_step; /* the time-out, and the caller's wish */
  gulong caller_handler;
  guint api_timer;
  EwLiveCheck live;
  gboolean repeated; /* what passes the tunnel, as the tunnel has changed its way since */
  EwClocks clocks;
  gboolean own_tried;
  GError *own_error;
  gboolean outside_tried;
  EwOutside *outside;     /* NULL: cancelled */
  EwNamesEvidence *names; /* NULL: not looked for, or cancelled */
} Diagnosis;

static void
check_machine (Diagnosis *diagnosis)
{
  EwTunnel *self = diagnosis->tunnel;
  if (ew_essentials_may_administer ())
    ew_checks_add (diagnosis->checks, "privileges", EW_CHECK_GOOD, NULL,
                   "edgewayd may change this computer's network.");
  else
    ew_checks_add (diagnosis->checks, "privileges", EW_CHECK_BAD,
                   N_ ("Start edgewayd as root; in a container, add `--cap-add NET_ADMIN`."),
                   "edgewayd may not change this computer's network: CAP_NET_ADMIN is missing.");
  gint missing = self->engine ? 0 : ew_essentials_open_tun ();
  if (missing == 0)
    ew_checks_add (diagnosis->checks, "tun", EW_CHECK_GOOD, NULL, "Tunnel interfaces can be created.");
  else
    ew_checks_add (diagnosis->checks, "tun", EW_CHECK_BAD,
                   N_ ("Load the module: `sudo modprobe tun`. In a container, add `--device /dev/net/tun`."),
                   "/dev/net/tun can't be opened: %s.", g_strerror (missing));
}

/* FALSE: there is no membership, so there is no edge to try. */
static gboolean
check_membership (Diagnosis *diagnosis)
{
  EwTunnel *self = diagnosis->tunnel;
  g_autoptr (GError) error = NULL;
  if (ew_tunnel_check_member (self, &error))
    {
      ew_checks_add (diagnosis->checks, "enrolled", EW_CHECK_GOOD, NULL, "This computer is \"%s\" in the mesh \"%s\".",
                     self->document->name, self->document->mesh);
      return TRUE;
    }
  const gchar *fix
    = self->broken ? N_ (
        "Restore the file from a backup and restart edgewayd; or move it away, restart edgewayd and enroll again.")
      : g_error_matches (error, EW_ERROR, EW_ERROR_NOT_ENROLLED)
        ? N_ ("Join a mesh: `sudo edgewayctl enroll`.")
        : N_ ("Enroll again with a new key: `sudo edgewayctl leave`, then `sudo edgewayctl enroll`.");
  ew_checks_add (diagnosis->checks, "enrolled", EW_CHECK_BAD, fix, "%s", error->message);
  return FALSE;
}

/* Nothing answers via TCP. Where UDP passes, the API is called through the tunnel, and all works but joining. */
static void
check_unreachable_api (Diagnosis *diagnosis)
{
  const gboolean by_proxy = ew_checks_find (diagnosis->checks, "proxy") != EW_CHECK_UNKNOWN; /* which says why */
  g_autofree gchar *why = by_proxy ? g_strdup (N_ ("The edge's API can't be reached through the HTTP proxy."))
                          : diagnosis->api_timed_out
                            ? ew_phrase ("The edge's API didn't answer within %d s.", API_SECONDS)
                            : g_strdup (diagnosis->api_error->message);
  if (diagnosis->api_answers)
    ew_checks_add (
      diagnosis->checks, "edge-tcp", EW_CHECK_WARNING,
      by_proxy
        ? N_ ("See the check \"proxy\".")
        : N_ ("Allow the edge's TCP port in the firewalls on the way: other computers behind them can't join without "
              "it."),
      "%s The map and administration use the tunnel instead.", why);
  else
    ew_checks_add (
      diagnosis->checks, "edge-tcp", EW_CHECK_BAD,
      ew_tunnel_diagnose_no_network (diagnosis->tunnel, &diagnosis->live) ? N_ ("See the check \"network\".")
      : by_proxy                                                          ? N_ ("See the check \"proxy\".")
                 : N_ ("On the edge's host, check that the edge runs (`systemctl status edgeway-edge`, or for "
                       "a container `docker ps`) and that the firewall lets its TCP port in; then check that this "
                       "network lets it out."),
      "%s", why);
}

/* What the edge says of this computer; it was asked just now, or answers probes. */
static void
check_identity (Diagnosis *diagnosis)
{
  const EwProblemText *problem = ew_tunnel_get_problem (diagnosis->tunnel);
  ew_tunnel_portal_diagnose (diagnosis->tunnel, diagnosis->checks);
  if (problem)
    ew_checks_add (diagnosis->checks, "identity", EW_CHECK_BAD, problem->fix, "%s", problem->what);
}

static void
check_api (Diagnosis *diagnosis)
{
  const GError *error = diagnosis->api_error;
  const gboolean away = diagnosis->api_timed_out || g_error_matches (error, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE)
                        || g_error_matches (error, EW_ERROR, EW_ERROR_PROXY_PASSWORD);
  ew_tunnel_diagnose_proxy_add (diagnosis->tunnel, diagnosis->checks, away, diagnosis->api_timed_out ? NULL : error,
                                diagnosis->api_answers);
  if (away)
    {
      check_unreachable_api (diagnosis);
      return;
    }
  ew_checks_add (diagnosis->checks, "edge-tcp", EW_CHECK_GOOD, NULL, "The edge's API answers (TCP).");
  if (g_error_matches (error, EW_ERROR, EW_ERROR_PIN_MISMATCH))
    ew_checks_add (diagnosis->checks, "pin", EW_CHECK_BAD,
                   N_ ("Find out who answers there before you do anything else. If the edge was set up from scratch, "
                       "leave the mesh and enroll with a new key."),
                   "%s", error->message);
  else
    ew_checks_add (diagnosis->checks, "pin", EW_CHECK_GOOD, NULL,
                   "This is the mesh's own edge: its certificate has the mesh's pin.");
  if (error && !g_error_matches (error, EW_ERROR, EW_ERROR_PIN_MISMATCH))
    ew_checks_add (diagnosis->checks, "edge-api", EW_CHECK_BAD,
                   N_ ("Ask whoever runs the edge to look at its log: `journalctl -u edgeway-edge`, or in a container "
                       "`docker logs`."),
                   "%s", error->message);
}

/* The edge answers this node; whether it would answer a program here is for the kernel's rules to say. */
static void
check_own_packet (Diagnosis *diagnosis)
{
  if (!diagnosis->own_tried || diagnosis->live.probe_us < 0)
    return;
  if (!diagnosis->own_error)
    ew_checks_add (diagnosis->checks, "own-packets", EW_CHECK_GOOD, NULL,
                   "Packets from this computer's programs reach the edge through the tunnel.");
  else
    ew_checks_add (diagnosis->checks, "own-packets", EW_CHECK_BAD,
                   N_ ("Look for what drops or diverts them on this computer: `sudo nft list ruleset`, `ip rule`."),
                   "The edge answers edgewayd through the tunnel, but not this computer's programs: %s",
                   g_error_matches (diagnosis->own_error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
                     ? N_ ("nothing came back")
                     : diagnosis->own_error->message);
}

/* VPN mode promises the internet: so that is tried. */
static void
check_outside (Diagnosis *diagnosis)
{
  const EwOutside *outside = diagnosis->outside;
  if (!outside)
    return;
  if (outside->name_error)
    {
      const EwDocument *document = diagnosis->tunnel->document;
      ew_checks_add (
        diagnosis->checks, "vpn-name", EW_CHECK_BAD,
        document && document->dns_all
          ? N_ ("On the edge's host, check the name servers in /etc/resolv.conf, or those after resolvers= in "
                "/etc/edgeway/edge.conf; or leave VPN mode: `edgewayctl mode connector`.")
          : N_ ("Use name servers that the edge can reach (public ones, in this computer's network settings), or "
                "leave VPN mode: `edgewayctl mode connector`."),
        "VPN mode is on, and the name %s can't be looked up: %s.", EW_OUTSIDE_HOST, outside->name_error);
      ew_checks_add (diagnosis->checks, "vpn-internet", EW_CHECK_UNKNOWN, NULL,
                     "Whether the internet answers through the edge can't be told without names.");
      return;
    }
  ew_checks_add (diagnosis->checks, "vpn-name", EW_CHECK_GOOD, NULL, "The name %s was looked up in %.1f ms.",
                 EW_OUTSIDE_HOST, (gdouble)outside->name_us / 1000);
  if (outside->fetch_error)
    ew_checks_add (diagnosis->checks, "vpn-internet", EW_CHECK_BAD,
                   N_ ("On the edge's host, check that it reaches the internet and that its firewall forwards traffic "
                       "from the mesh; or leave VPN mode: `edgewayctl mode connector`."),
                   "VPN mode is on, and nothing can be fetched from http://%s/ through the edge: %s.", EW_OUTSIDE_HOST,
                   outside->fetch_error);
  else
    ew_checks_add (diagnosis->checks, "vpn-internet", EW_CHECK_GOOD, NULL,
                   "http://%s/ answered through the edge in %.1f ms.", EW_OUTSIDE_HOST,
                   (gdouble)outside->fetch_us / 1000);
}

/* What can't be applied while the rest works, checked now. */
static void
check_problems (Diagnosis *diagnosis)
{
  static const gchar *const checks[] = {
    [EW_HOST_PROBLEM_ROUTE] = "route",     [EW_HOST_PROBLEM_FORWARD] = "forwarding",
    [EW_HOST_PROBLEM_RANGE] = "overlap",   [EW_HOST_PROBLEM_FIREWALL] = "firewall",
    [EW_HOST_PROBLEM_NAMES] = "vpn-names", [EW_HOST_PROBLEM_SURROUNDINGS] = NULL, /* check_host() has them */
  };
  G_STATIC_ASSERT (G_N_ELEMENTS (checks) == EW_HOST_PROBLEM_SURROUNDINGS + 1); /* the last kind */
  EwTunnel *self = diagnosis->tunnel;
  (void)ew_host_look_for_problems (self->host);
  g_autoptr (GPtrArray) problems = ew_tunnel_collect_problems (self);
  for (guint i = 0; i < problems->len; i++)
    {
      const EwHostProblem *problem = problems->pdata[i];
      g_autofree gchar *message = ew_host_problem_describe (problem);
      if (checks[problem->kind] == NULL)
        continue;
      ew_checks_add (diagnosis->checks, checks[problem->kind], EW_CHECK_BAD, problem->fix, "%s", message);
    }
}

static void
check_host (Diagnosis *diagnosis)
{
  EwTunnel *self = diagnosis->tunnel;
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
    json_array_add_element (diagnosis->checks, json_array_dup_element (array, i));
}

static void
free_diagnosis (Diagnosis *diagnosis)
{
  GCancellable *caller = g_task_get_cancellable (diagnosis->task);
  g_clear_handle_id (&diagnosis->api_timer, g_source_remove);
  if (caller)
    g_cancellable_disconnect (caller, diagnosis->caller_handler);
  g_clear_object (&diagnosis->api_step);
  g_clear_error (&diagnosis->api_error);
  g_clear_error (&diagnosis->own_error);
  g_clear_pointer (&diagnosis->outside, ew_outside_free);
  g_clear_pointer (&diagnosis->names, ew_names_evidence_free);
  json_array_unref (diagnosis->checks);
  g_object_unref (diagnosis->task);
  g_free (diagnosis);
}

static void end_one (Diagnosis *diagnosis);

static void
on_api_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Diagnosis *diagnosis = user_data;
  g_autoptr (JsonObject) answer = ew_client_call_finish (EW_CLIENT (source), result, &diagnosis->api_error);
  diagnosis->api_ended = TRUE;
  ew_tunnel_note_clock (&diagnosis->clocks, answer);
  /* The usual way counts only where this one fails. */
  if (!g_error_matches (diagnosis->api_error, EW_ERROR, EW_ERROR_EDGE_UNREACHABLE))
    g_cancellable_cancel (diagnosis->api_step);
  end_one (diagnosis);
}

static void
on_usual_api_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Diagnosis *diagnosis = user_data;
  g_autoptr (JsonObject) answer = ew_client_call_finish (EW_CLIENT (source), result, NULL);
  diagnosis->api_answers = answer != NULL;
  ew_tunnel_note_clock (&diagnosis->clocks, answer);
  end_one (diagnosis);
}

static void
on_live_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Diagnosis *diagnosis = user_data;
  ew_live_check_finish (EW_TUNNEL (source), result);
  end_one (diagnosis);
}

static void
on_own_packet_tried (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Diagnosis *diagnosis = user_data;
  (void)ew_own_packet_try_finish (result, &diagnosis->own_error);
  end_one (diagnosis);
}

static void
try_own_packet (Diagnosis *diagnosis)
{
  guint16 port = 0;
  const EwIp *inside = diagnosis->tunnel->engine ? ew_tunnel_get_inside (diagnosis->tunnel, &port) : NULL;
  if (!inside)
    return;
  diagnosis->own_tried = TRUE;
  diagnosis->pending++;
  ew_own_packet_try_async (inside, port, g_task_get_cancellable (diagnosis->task), on_own_packet_tried, diagnosis);
}

static void
on_outside_tried (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Diagnosis *diagnosis = user_data;
  diagnosis->outside = ew_outside_try_finish (result);
  end_one (diagnosis);
}

static void
on_names_looked_at (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Diagnosis *diagnosis = user_data;
  diagnosis->names = ew_names_inquire_finish (result, NULL);
  end_one (diagnosis);
}

static gboolean
on_api_timeout (gpointer user_data)
{
  Diagnosis *diagnosis = user_data;
  diagnosis->api_timer = 0;
  diagnosis->api_timed_out = !diagnosis->api_ended;
  g_cancellable_cancel (diagnosis->api_step);
  return G_SOURCE_REMOVE;
}

static void
on_caller_cancelled (GCancellable *caller, gpointer step)
{
  g_cancellable_cancel (step);
}

static void
try_what_passes (Diagnosis *diagnosis)
{
  EwTunnel *self = diagnosis->tunnel;
  GCancellable *cancellable = g_task_get_cancellable (diagnosis->task);

  try_own_packet (diagnosis);
  if (ew_tunnel_diagnose_names_async (self, cancellable, on_names_looked_at, diagnosis))
    diagnosis->pending++;
  if (self->engine && self->vpn_active)
    {
      diagnosis->pending++;
      ew_outside_try_async (cancellable, on_outside_tried, diagnosis);
    }
}

/* TRUE: it's under way. */
static gboolean
repeat (Diagnosis *diagnosis)
{
  if (!diagnosis->live.moved || diagnosis->repeated
      || g_cancellable_is_cancelled (g_task_get_cancellable (diagnosis->task)))
    return FALSE;
  diagnosis->repeated = TRUE;
  diagnosis->own_tried = FALSE;
  g_clear_error (&diagnosis->own_error);
  g_clear_pointer (&diagnosis->outside, ew_outside_free);
  g_clear_pointer (&diagnosis->names, ew_names_evidence_free);
  diagnosis->pending = 1;
  try_what_passes (diagnosis);
  return --diagnosis->pending > 0;
}

/* One of those that are tried has ended; the last one writes the report. */
static void
end_one (Diagnosis *diagnosis)
{
  if (--diagnosis->pending > 0 || repeat (diagnosis))
    return;
  if (!g_task_return_error_if_cancelled (diagnosis->task))
    {
      g_autoptr (JsonObject) report = json_object_new ();
      gboolean member = check_membership (diagnosis);
      check_machine (diagnosis);
      if (diagnosis->api_tried)
        check_api (diagnosis);
      ew_tunnel_diagnose_clock (&diagnosis->clocks, diagnosis->checks);
      if (member)
        {
          check_identity (diagnosis);
          ew_tunnel_diagnose_tunnel_add (diagnosis->tunnel, &diagnosis->live, diagnosis->checks);
          check_own_packet (diagnosis);
          ew_tunnel_diagnose_bursts_add (diagnosis->tunnel, diagnosis->checks);
        }
      check_outside (diagnosis);
      if (member)
        ew_tunnel_diagnose_names_add (diagnosis->tunnel, diagnosis->names, diagnosis->checks);
      check_problems (diagnosis);
      check_host (diagnosis);
      json_object_set_int_member (report, "schema", 1);
      json_object_set_array_member (report, "checks", json_array_ref (diagnosis->checks));
      g_task_return_pointer (diagnosis->task, ew_json_to_string (report, FALSE), g_free);
    }
  free_diagnosis (diagnosis);
}

static void
try_api (Diagnosis *diagnosis)
{
  EwTunnel *self = diagnosis->tunnel;
  EwKeystore *keystore = self->keystore;
  GCancellable *caller = g_task_get_cancellable (diagnosis->task);
  g_autoptr (EwClient) beside
    = ew_client_new (keystore->pin, (const gchar *const *)keystore->api, keystore, EW_HOST_FWMARK);
  ew_client_set_proxy_file (beside, self->proxy_file);
  diagnosis->pending += 2;
  diagnosis->api_tried = TRUE;
  diagnosis->api_step = g_cancellable_new ();
  diagnosis->api_timer = g_timeout_add_seconds (API_SECONDS, on_api_timeout, diagnosis);
  if (caller)
    diagnosis->caller_handler = g_cancellable_connect (caller, G_CALLBACK (on_caller_cancelled),
                                                       g_object_ref (diagnosis->api_step), g_object_unref);
  ew_client_call_async (beside, "GET", "/v1/mesh", NULL, diagnosis->api_step, on_api_answered, diagnosis);
  ew_client_call_async (self->client, "GET", "/v1/mesh", NULL, diagnosis->api_step, on_usual_api_answered, diagnosis);
}

void
ew_tunnel_diagnose_async (EwTunnel *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  Diagnosis *diagnosis = g_new0 (Diagnosis, 1);
  diagnosis->task = g_task_new (self, cancellable, callback, user_data);
  diagnosis->tunnel = self;
  diagnosis->checks = json_array_new ();
  diagnosis->pending = 1;                   /* this call's own, so that nothing ends before everything has begun */
  ew_tunnel_event (self, EW_LIVENESS_BUSY); /* for a user */
  if (self->client && !self->broken)
    try_api (diagnosis);
  diagnosis->pending++;
  ew_live_check_async (self, &diagnosis->live, on_live_checked, diagnosis);
  try_what_passes (diagnosis);
  end_one (diagnosis);
}

gchar *
ew_tunnel_diagnose_finish (EwTunnel *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
