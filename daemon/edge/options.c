/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/options.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include "common/error.h"
#include "common/util.h"
#include "console/complete.h"
#include "edge/mesh/mesh.h"
#include "edge/mesh/names.h"
#include "edgeway-config.h"

#define DEFAULT_LISTEN ":443"
#define DEFAULT_INTERFACE "edgeway-edge"
#define DEFAULT_MTU 1420
#define PACKAGES_DIR "/usr/share/edgeway/repository"
#define DEFAULT_INSTALL_RATE 100 /* of the rate of a small server: a new computer has its 20 MiB within four seconds */
#define INSTALL_RATE_MAX 100000
#define OPEN_PORTS_MAX 64
#define EXIT_CLOSED_MAX 64

/* What VPN mode reaches of this host itself, unless its owner says otherwise: web sites. */
static const guint16 web_ports[] = { 80, 443 };

static gboolean wrong (GError **error, const gchar *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
wrong (GError **error, const gchar *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree gchar *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, message);
  return FALSE;
}

void
ew_edge_options_free (EwEdgeOptions *options)
{
  if (options == NULL)
    return;
  g_free (options->state_dir);
  g_free (options->listen_address);
  g_free (options->public_endpoint);
  g_free (options->mesh);
  g_free (options->suffix);
  g_free (options->edge_name);
  g_free (options->ipv4);
  g_free (options->ipv6);
  g_free (options->interface);
  g_free (options->packages);
  g_array_unref (options->open_ports);
  g_array_unref (options->public_ports);
  g_array_unref (options->exit_closed);
  g_array_unref (options->dns_resolvers);
  g_array_unref (options->dns_domains);
  g_free (options);
}

gboolean
ew_edge_listen_parse (const gchar *text, gchar **address, guint16 *port, GError **error)
{
  g_autofree gchar *full = text[0] == ':' ? g_strconcat ("0.0.0.0", text, NULL) : g_strdup (text);
  g_autofree gchar *host = NULL;
  if (!ew_host_port_parse (full, &host, port, NULL) || !g_hostname_is_ip_address (host))
    return wrong (error,
                  "\"%.64s\" isn't a valid listen address. Use [ADDR]:PORT, for example :8443, 192.0.2.1:8443 or "
                  "[2001:db8::1]:8443.",
                  text);
  *address = text[0] == ':' ? NULL : g_steal_pointer (&host);
  return TRUE;
}

/* The file. */

static gboolean
parse_ports (const gchar *key, const gchar *text, GArray *ports, GError **error)
{
  g_auto (GStrv) parts = g_strsplit_set (text, ";, ", -1);
  for (guint i = 0; parts[i]; i++)
    {
      guint64 port;
      if (*parts[i] == '\0')
        continue;
      if (!g_ascii_string_to_unsigned (parts[i], 10, 1, G_MAXUINT16, &port, NULL) || ports->len >= OPEN_PORTS_MAX)
        return wrong (error, "%s must be at most %d ports, such as 22;80. \"%.32s\" isn't valid.", key, OPEN_PORTS_MAX,
                      parts[i]);
      guint16 value = (guint16)port;
      g_array_append_val (ports, value);
    }
  return TRUE;
}

static gboolean
parse_prefixes (const gchar *key, const gchar *text, GArray *prefixes, GError **error)
{
  g_auto (GStrv) parts = g_strsplit_set (text, ";, ", -1);
  for (guint i = 0; parts[i]; i++)
    {
      EwPrefix prefix;
      bool host_bits;
      if (*parts[i] == '\0')
        continue;
      if (!ew_prefix_parse (parts[i], &prefix, &host_bits) || host_bits || prefix.length == 0
          || prefixes->len >= EXIT_CLOSED_MAX)
        return wrong (error,
                      "%s must be at most %d prefixes, such as 192.0.2.0/24;2001:db8::/32. \"%.64s\" isn't valid.", key,
                      EXIT_CLOSED_MAX, parts[i]);
      g_array_append_val (prefixes, prefix);
    }
  return TRUE;
}

static gboolean
parse_boolean (const gchar *key, const gchar *text, gboolean *out, GError **error)
{
  *out = g_str_equal (text, "true");
  return *out || g_str_equal (text, "false") || wrong (error, "%s must be true or false.", key);
}

static gboolean
parse_folder (const gchar *key, const gchar *text, gchar **out, GError **error)
{
  if (!g_path_is_absolute (text))
    return wrong (error, "%s must be an absolute path, such as /srv/edgeway/packages.", key);
  g_free (*out);
  *out = g_strdup (text);
  return TRUE;
}

static gboolean
parse_mtu (const gchar *text, guint16 *out, GError **error)
{
  guint64 mtu;
  /* Below 1280 Linux takes IPv6 from an interface. */
  if (!g_ascii_string_to_unsigned (text, 10, 1280, 9000, &mtu, NULL))
    return wrong (error, "mtu must be between 1280 and 9000.");
  *out = (guint16)mtu;
  return TRUE;
}

static gboolean
parse_rate (const gchar *text, guint *out, GError **error)
{
  guint64 rate;
  if (!g_ascii_string_to_unsigned (text, 10, 0, INSTALL_RATE_MAX, &rate, NULL))
    return wrong (error, "rate must be a number of megabits per second up to %d, or 0 for no limit.", INSTALL_RATE_MAX);
  *out = (guint)rate;
  return TRUE;
}

static gboolean
parse_interface (const gchar *text, gchar **out, GError **error)
{
  gsize length = strlen (text);
  if (length == 0 || length >= IFNAMSIZ
      || strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != length)
    return wrong (error, "\"%.32s\" isn't a name for an interface. Use 1 to 15 letters, digits, '-' or '_'.", text);
  g_free (*out);
  *out = g_strdup (text);
  return TRUE;
}

/* The command line was read before: what it says stays. */
static void
set_default (gchar **where, const gchar *value)
{
  if (*where == NULL)
    *where = g_strdup (value);
}

static gboolean
take_key (EwEdgeOptions *options, gchar **listen, const gchar *group, const gchar *key, const gchar *value,
          GError **error)
{
  g_autofree gchar *name = g_strdup_printf ("%s/%s", group, key);
  if (g_str_equal (name, "edge/listen"))
    set_default (listen, value);
  else if (g_str_equal (name, "edge/public"))
    set_default (&options->public_endpoint, value);
  else if (g_str_equal (name, "edge/name"))
    set_default (&options->edge_name, value);
  else if (g_str_equal (name, "edge/state-dir"))
    set_default (&options->state_dir, value);
  else if (g_str_equal (name, "edge/interface"))
    return parse_interface (value, &options->interface, error);
  else if (g_str_equal (name, "edge/exit"))
    return parse_boolean (key, value, &options->exit, error);
  else if (g_str_equal (name, "edge/trial"))
    return parse_boolean (key, value, &options->trial, error);
  else if (g_str_equal (name, "edge/open-ports"))
    return parse_ports (key, value, options->open_ports, error);
  else if (g_str_equal (name, "edge/public-ports"))
    {
      g_array_set_size (options->public_ports, 0);
      return parse_ports (key, value, options->public_ports, error);
    }
  else if (g_str_equal (name, "edge/exit-closed"))
    return parse_prefixes (key, value, options->exit_closed, error);
  else if (g_str_equal (name, "dns/forward"))
    return parse_boolean (key, value, &options->dns_forward, error);
  else if (g_str_equal (name, "dns/resolvers"))
    return ew_dns_resolvers_parse (value, options->dns_resolvers, error);
  else if (g_str_equal (name, "dns/domains"))
    return ew_dns_domains_parse (value, options->dns_domains, error);
  else if (g_str_equal (name, "install/enabled"))
    return parse_boolean (key, value, &options->install, error);
  else if (g_str_equal (name, "install/rate"))
    return parse_rate (value, &options->install_rate, error);
  else if (g_str_equal (name, "install/packages"))
    return parse_folder (key, value, &options->packages, error);
  else if (g_str_equal (name, "mesh/name"))
    set_default (&options->mesh, value);
  else if (g_str_equal (name, "mesh/suffix"))
    set_default (&options->suffix, value);
  else if (g_str_equal (name, "mesh/ipv4"))
    set_default (&options->ipv4, value);
  else if (g_str_equal (name, "mesh/ipv6"))
    set_default (&options->ipv6, value);
  else if (g_str_equal (name, "mesh/mtu"))
    return parse_mtu (value, &options->mtu, error);
  else
    return wrong (error, "There is no setting \"%.32s\" in [%.32s]. See edgeway-edge(8).", key, group);
  return TRUE;
}

static gboolean
take_group (EwEdgeOptions *options, gchar **listen, GKeyFile *file, const gchar *group, GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (file, group, NULL, NULL);
  for (guint i = 0; keys && keys[i]; i++)
    {
      g_autofree gchar *value = g_key_file_get_string (file, group, keys[i], error);
      if (value == NULL || !take_key (options, listen, group, keys[i], g_strstrip (value), error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
take_file (EwEdgeOptions *options, gchar **listen, const gchar *path, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) cause = NULL;
  gboolean good = g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &cause);
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);
  for (guint i = 0; good && groups[i]; i++)
    good = take_group (options, listen, file, groups[i], &cause);
  return good || wrong (error, "The configuration %s can't be used: %s", path, cause->message);
}

void
ew_edge_options_get_forward (const EwEdgeOptions *options, const EwRanges *ranges, EwDnsForwardConfig *out)
{
  *out = (EwDnsForwardConfig){
    .forward = options->dns_forward,
    .resolvers = options->dns_resolvers,
    .domains = options->dns_domains,
    .ranges = { ranges->v4, ranges->v6 },
  };
  ew_mesh_ranges_service (ranges, out->service);
}

/* As the package edgeway-packages and app/run --edge leave them. */
GStrv
ew_edge_options_dup_package_folders (const EwEdgeOptions *options)
{
  g_autofree gchar *own = g_build_filename (options->state_dir, "repository", NULL);
  const gchar *usual[] = { PACKAGES_DIR, own, NULL };
  const gchar *chosen[] = { options->packages, NULL };
  return g_strdupv ((gchar **)(options->packages ? chosen : usual));
}

/* The command line. */

static gboolean
check (EwEdgeOptions *options, const gchar *listen, GError **error)
{
  EwRanges ranges;
  g_autofree gchar *host = NULL;
  guint16 port;
  if (!ew_edge_listen_parse (listen, &options->listen_address, &options->port, error))
    return FALSE;
  if (options->public_endpoint && !ew_host_port_parse (options->public_endpoint, &host, &port, NULL))
    return wrong (error, "--public \"%.64s\" isn't valid. Use HOST:PORT, where nodes reach this edge.",
                  options->public_endpoint);
  if ((options->mesh && !ew_name_check (options->mesh, error))
      || (options->edge_name && !ew_name_check (options->edge_name, error)))
    return FALSE;
  if (options->suffix && !ew_mesh_check_suffix (options->suffix, error))
    {
      g_prefix_error (error, "The mesh's suffix: "); /* it may come from the file, which the user hasn't just typed */
      return FALSE;
    }
  EwDnsForwardConfig forward;
  if (!ew_mesh_ranges_make (options->ipv4, options->ipv6, &ranges, error))
    return FALSE;
  ew_edge_options_get_forward (options, &ranges, &forward);
  return ew_dns_forward_check (&forward, error);
}

/* What the command line says that isn't an option of the edge's own yet. */
typedef struct
{
  gchar *listen, *config;
  gboolean help;
} Words;

#define N_ENTRIES 10

static void
list_entries (EwEdgeOptions *options, Words *words, GOptionEntry list[N_ENTRIES])
{
  const GOptionEntry entries[]
    = { { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->state_dir,
          "Keys and store (default: " EW_EDGE_STATE_DIR ")", "DIR" },
        { "listen", 0, 0, G_OPTION_ARG_STRING, &words->listen, "UDP and TCP port (default: " DEFAULT_LISTEN ")",
          "[ADDR]:PORT" },
        { "public", 0, 0, G_OPTION_ARG_STRING, &options->public_endpoint,
          "Where nodes reach this edge (default: its first global address)", "HOST:PORT" },
        { "mesh", 0, 0, G_OPTION_ARG_STRING, &options->mesh,
          "The mesh's name (default: unchanged; for a new mesh, that of the domain or host)", "NAME" },
        { "suffix", 0, 0, G_OPTION_ARG_STRING, &options->suffix,
          "The domain of the mesh's names (default: unchanged; for a new mesh, NAME.internal)", "DOMAIN" },
        { "name", 0, 0, G_OPTION_ARG_STRING, &options->edge_name,
          "This edge's name (default: unchanged; for a new mesh, the host's)", "EDGE" },
        { "config", 0, 0, G_OPTION_ARG_FILENAME, &words->config, "Further settings", "FILE" },
        { "trial", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &options->trial, NULL, NULL },
        { "help", 'h', 0, G_OPTION_ARG_NONE, &words->help, "Show this help", NULL },
        G_OPTION_ENTRY_NULL };
  G_STATIC_ASSERT (G_N_ELEMENTS (entries) == N_ENTRIES);
  memcpy (list, entries, sizeof entries);
}

void
ew_edge_options_complete (gint argc, gchar **argv)
{
  EwEdgeOptions options = { 0 };
  Words words = { 0 };
  GOptionEntry entries[N_ENTRIES];
  const GOptionEntry *const tables[] = { entries, NULL };
  guint position;

  list_entries (&options, &words, entries);
  if (ew_complete_options (tables, argc, argv, &position))
    ew_complete_offer_options (tables, argc, argv);
}

EwEdgeOptions *
ew_edge_options_parse (gint argc, gchar **argv, gchar **help, GError **error)
{
  g_autoptr (EwEdgeOptions) options = g_new0 (EwEdgeOptions, 1);
  Words words = { 0 };
  GOptionEntry entries[N_ENTRIES];
  g_autofree gchar *listen = NULL, *config = NULL;
  g_autoptr (GError) cause = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  options->open_ports = g_array_new (FALSE, FALSE, sizeof (guint16));
  options->public_ports = g_array_new (FALSE, FALSE, sizeof (guint16));
  g_array_append_vals (options->public_ports, web_ports, G_N_ELEMENTS (web_ports));
  options->exit_closed = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  options->dns_forward = TRUE;
  options->install = TRUE;
  options->install_rate = DEFAULT_INSTALL_RATE;
  options->dns_resolvers = g_array_new (FALSE, FALSE, sizeof (EwDnsResolver));
  options->dns_domains = ew_dns_domains_new ();
  options->interface = g_strdup (DEFAULT_INTERFACE);
  options->mtu = DEFAULT_MTU;
  options->exit = TRUE;
  g_option_context_set_help_enabled (context, FALSE);
  list_entries (options, &words, entries);
  g_option_context_add_main_entries (context, entries, NULL);
  gboolean parsed = g_option_context_parse (context, &argc, &argv, &cause);
  listen = words.listen;
  config = words.config;
  if (!parsed)
    {
      wrong (error, "%s.", cause->message);
      return NULL;
    }
  if (words.help)
    g_set_prgname ("edgeway-edge run");
  *help = words.help ? g_option_context_get_help (context, TRUE, NULL) : NULL;
  if (words.help)
    return g_steal_pointer (&options);
  if (argc > 1)
    {
      wrong (error, "`run` accepts options only, and \"%.64s\" isn't one.", argv[1]);
      return NULL;
    }
  if (config && !take_file (options, &listen, config, error))
    return NULL;
  set_default (&listen, DEFAULT_LISTEN);
  set_default (&options->state_dir, EW_EDGE_STATE_DIR);
  return check (options, listen, error) ? g_steal_pointer (&options) : NULL;
}

/* Where this host is reached. */

gboolean
ew_edge_address_of (const struct sockaddr *address, EwIp *ip)
{
  if (address == NULL)
    return FALSE;
  if (address->sa_family == AF_INET)
    *ip
      = ew_ip_from_bytes (EW_FAMILY_V4, (const guint8 *)&((const struct sockaddr_in *)(const void *)address)->sin_addr);
  else if (address->sa_family == AF_INET6)
    *ip = ew_ip_from_bytes (EW_FAMILY_V6,
                            (const guint8 *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
  else
    return FALSE;
  return !ew_ip_is_loopback (ip) && !ew_ip_is_link_local (ip);
}

/* 0 is best. */
static guint
rank (const EwIp *ip)
{
  return (ew_ip_is_private (ip) ? 2 : 0) + (ip->family == EW_FAMILY_V6 ? 1 : 0);
}

static gchar *
format_public (const EwIp *ip, guint16 port)
{
  gchar text[EW_ENDPOINT_STRLEN];
  EwEndpoint endpoint = ew_endpoint_udp (ip, port);
  ew_endpoint_format (&endpoint, text);
  return g_strdup (text);
}

gchar *
ew_edge_guess_public (const gchar *listen_address, guint16 port, const gchar *except_interface, GError **error)
{
  struct ifaddrs *all = NULL;
  EwIp best = { 0 }, ip;
  if (listen_address && ew_ip_parse (listen_address, &ip) && !ew_ip_is_unspecified (&ip))
    return format_public (&ip, port);
  if (getifaddrs (&all) != 0)
    all = NULL;
  for (const struct ifaddrs *one = all; one; one = one->ifa_next)
    if ((one->ifa_flags & IFF_UP) && !g_str_equal (one->ifa_name, except_interface)
        && ew_edge_address_of (one->ifa_addr, &ip) && (best.family == EW_FAMILY_NONE || rank (&ip) < rank (&best)))
      best = ip;
  if (all)
    freeifaddrs (all);
  if (best.family != EW_FAMILY_NONE)
    return format_public (&best, port);
  wrong (error, "The edge's host has no address that others could reach. Give one with --public HOST:PORT.");
  return NULL;
}

gboolean
ew_edge_keeps_public (const gchar *stored, const gchar *guessed, gboolean online)
{
  EwEndpoint before, now;
  if (guessed == NULL || !ew_endpoint_parse (stored, &before))
    return TRUE;
  return ew_endpoint_parse (guessed, &now) && now.remote_port == before.remote_port
         && (!online || rank (&now.remote) > rank (&before.remote));
}
