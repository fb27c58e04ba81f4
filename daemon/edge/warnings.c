/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/warnings.h"

#include <gio/gio.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include "common/util.h"
#include "edge/options.h"

#define LOOKUP_SECONDS 3
#define COMMIT_DIGITS 7
#define PARTS_MAX 8 /* of a version */

/* Packages. */

/* The commit in a package's version, as data/debian/build makes it: 0.2.0+git20261130.210000.bb3b4d3. (transfer full)
   NULL: it names none. */
static gchar *
find_commit (const gchar *version)
{
  const gchar *git = strstr (version, "+git");
  g_auto (GStrv) parts = g_strsplit (git ? git : "", ".", PARTS_MAX);
  for (guint i = 1; git && parts[i]; i++)
    if (strlen (parts[i]) == COMMIT_DIGITS && strspn (parts[i], "0123456789abcdef") == COMMIT_DIGITS && i >= 2)
      return g_strdup (parts[i]);
  return NULL;
}

/* As strcmp, of the numbers that versions begin with: "0.10.1 (…)" is after "0.9+git…". */
static gint
compare_numbers (const gchar *a, const gchar *b)
{
  for (guint i = 0; i < PARTS_MAX; i++)
    {
      gchar *a_end, *b_end;
      guint64 first = g_ascii_strtoull (a, &a_end, 10), second = g_ascii_strtoull (b, &b_end, 10);
      if (first != second)
        return first < second ? -1 : 1;
      a = *a_end == '.' ? a_end + 1 : "";
      b = *b_end == '.' ? b_end + 1 : "";
    }
  return 0;
}

/* Less than 0: the package is older than build, more: newer, and *other: of another commit. */
static gint
compare_version (const gchar *build, const gchar *version, gboolean *other)
{
  const gchar *bracket = strchr (build, '(');
  g_autofree gchar *commit = find_commit (version);
  gint order = compare_numbers (version, build);
  *other = order != 0 || (bracket && commit && strncmp (bracket + 1, commit, COMMIT_DIGITS) != 0);
  return order;
}

#define AGAIN                                                                                                          \
  "Make them again, as it was done before: app/run --edge, or the package edgeway-packages (data/doc/edge.md)"

gchar *
ew_edge_judge_packages (const gchar *build, JsonObject *install)
{
  JsonArray *systems = install ? ew_json_array (install, "systems") : NULL;
  for (guint i = 0; build && systems && i < json_array_get_length (systems); i++)
    {
      JsonNode *element = json_array_get_element (systems, i);
      JsonObject *system = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      const gchar *name = system ? ew_json_string (system, "system") : NULL;
      const gchar *version = system ? ew_json_string (system, "version") : NULL;
      gboolean other = FALSE;
      gint order = name && version ? compare_version (build, version, &other) : 0;
      if (!other)
        continue;
      if (order > 0)
        return g_strdup_printf (
          "The packages for %s (%s) are newer than this edge (%s). Upgrade the edge, or restart it "
          "if that has been done: sudo systemctl restart edgeway-edge",
          name, version, build);
      return g_strdup_printf (
        order < 0 ? "The packages for %s (%s) are older than this edge (%s), and so will new computers be. "
                    "%s."
                  : "The packages for %s (%s) aren't of this edge's build (%s). %s.",
        name, version, build, AGAIN);
    }
  return NULL;
}

/* The public name. */

static gboolean
contains_address (const EwIp *all, gsize n, const EwIp *ip)
{
  for (gsize i = 0; i < n; i++)
    if (ew_ip_equal (&all[i], ip))
      return TRUE;
  return FALSE;
}

static gchar *
join_addresses (const EwIp *all, gsize n)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (gsize i = 0; i < n; i++)
    {
      gchar one[EW_IP_STRLEN];
      ew_ip_format (&all[i], one);
      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", one);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* An address of the internet. */
static gboolean
has_global (const EwIp *all, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (!ew_ip_is_private (&all[i]))
      return TRUE;
  return FALSE;
}

/* An address next to one of this host's own. */
static gboolean
leads_next_door (const EwEdgePublic *public)
{
  for (gsize i = 0; i < public->n_led; i++)
    for (gsize j = 0; j < public->n_own; j++)
      if (ew_prefix_contains (&public->subnets[j], &public->led[i]))
        return TRUE;
  return FALSE;
}

gchar *
ew_edge_judge_public (const EwEdgePublic *public)
{
  g_autofree gchar *host = NULL;
  guint16 port;
  if (!ew_host_port_parse (public->endpoint, &host, &port, NULL))
    return NULL;
  if (public->failure)
    return g_strdup_printf (
      "Nodes look for this edge at %s, and that name can't be looked up here: %s. Make a record "
      "for it where its domain is managed, or set another name or an address: public in edge.conf.",
      host, public->failure);
  for (gsize i = 0; i < public->n_led; i++)
    if (ew_ip_is_loopback (&public->led[i]) /* /etc/hosts of this host: it says nothing about others */
        || contains_address (public->own, public->n_own, &public->led[i]))
      return NULL;
  /* Nodes that are online may have come by an earlier address: behind a router they tell whether it forwards, but no router
     has an address next to this host's for others to come in by. */
  gboolean global = has_global (public->own, public->n_own) || leads_next_door (public);
  if (public->n_led == 0 || public->n_own == 0 || (!global && public->online))
    return NULL;
  g_autofree gchar *led = join_addresses (public->led, public->n_led);
  g_autofree gchar *own = join_addresses (public->own, public->n_own);
  g_autofree gchar *leads
    = g_hostname_is_ip_address (host) ? g_strdup (host) : g_strdup_printf ("%s, which leads to %s", host, led);
  if (global)
    return g_strdup_printf ("Nodes look for this edge at %s. That isn't an address of this server (%s). Correct it, "
                            "unless what has that address forwards TCP and UDP port %u to this server.",
                            leads, own, port);
  return g_strdup_printf ("Nodes look for this edge at %s, and this server has only private addresses (%s). The router "
                          "or provider in front of it has to forward TCP and UDP port %u to it.",
                          leads, own, port);
}

/* This host's. */

static EwPrefix
subnet_of (const EwIp *ip, const struct sockaddr *netmask)
{
  EwPrefix subnet = ew_prefix_from_ip (ip);
  EwIp mask;
  if (!ew_edge_address_of (netmask, &mask) || mask.family != ip->family)
    return subnet;
  subnet.length = 0;
  for (guint i = 0; i < (ip->family == EW_FAMILY_V4 ? 4 : 16); i++)
    {
      subnet.length = (guint8)(subnet.length + __builtin_popcount (mask.bytes[i]));
      subnet.ip.bytes[i] &= mask.bytes[i];
    }
  return subnet;
}

/* EwIp. subnets: EwPrefix, of each. */
static GArray *
list_own (JsonObject *status, GArray *subnets)
{
  GArray *own = g_array_new (FALSE, FALSE, sizeof (EwIp));
  g_auto (GStrv) service = ew_json_strv (status, "service", 2);
  struct ifaddrs *all = NULL;
  EwIp ip;
  if (getifaddrs (&all) != 0)
    return own;
  for (const struct ifaddrs *one = all; one; one = one->ifa_next)
    if ((one->ifa_flags & IFF_UP) && ew_edge_address_of (one->ifa_addr, &ip)
        && !contains_address ((const EwIp *)(const void *)own->data, own->len, &ip))
      {
        gchar text[EW_IP_STRLEN];
        ew_ip_format (&ip, text);
        if (service == NULL || !g_strv_contains ((const gchar *const *)service, text))
          {
            EwPrefix subnet = subnet_of (&ip, one->ifa_netmask);
            g_array_append_val (own, ip);
            g_array_append_val (subnets, subnet);
          }
      }
  freeifaddrs (all);
  return own;
}

typedef struct
{
  GMainLoop *loop;
  GArray *led; /* EwIp */
  gchar *failure;
} Lookup;

static void
on_looked_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Lookup *lookup = user_data;
  g_autoptr (GError) error = NULL;
  GList *found = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);
  for (GList *item = found; item; item = item->next)
    {
      g_autofree gchar *text = g_inet_address_to_string (item->data);
      EwIp ip;
      if (ew_ip_parse (text, &ip))
        g_array_append_val (lookup->led, ip);
    }
  g_resolver_free_addresses (found);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    lookup->failure = g_strdup_printf ("no name server answered within %d s", LOOKUP_SECONDS);
  else if (error)
    lookup->failure = g_strdup (
      g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND)           ? "there is no such name"
      : g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE) ? "no name server answers"
                                                                                      : error->message);
  g_main_loop_quit (lookup->loop);
}

static gboolean
on_late (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_CONTINUE;
}

static void
look_up_host (Lookup *lookup, const gchar *host)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  EwIp ip;
  if (ew_ip_parse (host, &ip))
    {
      g_array_append_val (lookup->led, ip);
      return;
    }
  guint late = g_timeout_add_seconds (LOOKUP_SECONDS, on_late, cancellable);
  g_resolver_lookup_by_name_async (resolver, host, cancellable, on_looked_up, lookup);
  g_main_loop_run (lookup->loop);
  g_source_remove (late);
}

static gchar *
judge_public_of (JsonObject *status)
{
  JsonObject *nodes = ew_json_object (status, "nodes");
  EwEdgePublic public = { .endpoint = ew_json_string (status, "public") };
  g_autofree gchar *host = NULL;
  guint16 port;
  if (public.endpoint == NULL || ew_json_bool (status, "trial", FALSE)
      || !ew_host_port_parse (public.endpoint, &host, &port, NULL))
    return NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GArray) subnets = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  g_autoptr (GArray) own = list_own (status, subnets), led = g_array_new (FALSE, FALSE, sizeof (EwIp));
  Lookup lookup = { .loop = loop, .led = led };
  look_up_host (&lookup, host);
  public.failure = lookup.failure;
  public.led = (const EwIp *)(const void *)led->data;
  public.n_led = led->len;
  public.own = (const EwIp *)(const void *)own->data;
  public.n_own = own->len;
  public.subnets = (const EwPrefix *)(const void *)subnets->data;
  public.online = nodes && ew_json_int (nodes, "online", 0) > 0;
  gchar *warning = ew_edge_judge_public (&public);
  g_free (lookup.failure);
  return warning;
}

void
ew_edge_add_warnings (JsonObject *status)
{
  const gchar *build = ew_json_string (status, "build");
  g_autofree gchar *packages
    = ew_edge_judge_packages (build ? build : ew_json_string (status, "version"), ew_json_object (status, "install"));
  g_autofree gchar *public = judge_public_of (status);
  JsonArray *warnings = json_array_new ();
  if (public)
    json_array_add_string_element (warnings, public);
  if (packages)
    json_array_add_string_element (warnings, packages);
  json_object_set_array_member (status, "warnings", warnings);
}
