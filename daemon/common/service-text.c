/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/service-text.h"

#include <netinet/in.h>
#include <string.h>
#include "common/error.h"
#include "common/phrase.h"

#define SHOWN 80 /* characters of the input */

/* Digits alone, 1…65535. */
static gboolean
read_number (const gchar *text, guint16 *port)
{
  gsize length = strlen (text);
  guint64 value = 0;
  if (length < 1 || length > 5 || strspn (text, "0123456789") != length)
    return FALSE;
  value = g_ascii_strtoull (text, NULL, 10);
  if (value < 1 || value > G_MAXUINT16)
    return FALSE;
  *port = (guint16)value;
  return TRUE;
}

/* Targets. */

static gboolean
refuse_target (GError **error, const gchar *text)
{
  g_autofree gchar *start = g_utf8_make_valid (text, (gssize)strnlen (text, SHOWN));
  return ew_error_refuse (
    error, EW_ERROR_INVALID_ARGUMENT,
    "\"%s\" isn't a target. Write NODE, NODE:PORT or, for a host behind a gateway, NODE/ADDRESS:PORT, for "
    "example nas:8123 or office-gw/10.77.0.9:631.",
    start);
}

/* "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT". FALSE: no address of a host. */
static gboolean
read_host (const gchar *text, EwServiceTargetText *out)
{
  const gchar *end = strrchr (text, ':'), *close = strchr (text, ']');
  if (*text == '[')
    {
      if (close == NULL || (close[1] != '\0' && (close[1] != ':' || !read_number (close + 2, &out->port))))
        return FALSE;
      out->host = g_strndup (text + 1, (gsize)(close - text) - 1);
    }
  else if (end && strchr (text, ':') == end)
    {
      if (!read_number (end + 1, &out->port))
        return FALSE;
      out->host = g_strndup (text, (gsize)(end - text));
    }
  else
    out->host = g_strdup (text);
  return g_hostname_is_ip_address (out->host) && strchr (out->host, '%') == NULL;
}

gboolean
ew_target_parse (const gchar *text, EwServiceTargetText *out, GError **error)
{
  const gchar *slash = strchr (text, '/'), *colon = strchr (text, ':');
  gboolean good = TRUE;
  *out = (EwServiceTargetText){ 0 };
  if (slash)
    {
      out->node = g_strndup (text, (gsize)(slash - text));
      good = read_host (slash + 1, out);
    }
  else
    {
      out->node = colon ? g_strndup (text, (gsize)(colon - text)) : g_strdup (text);
      good = colon == NULL || read_number (colon + 1, &out->port);
    }
  if (good && (*out->node != '\0' || out->port != 0 || slash) && g_utf8_validate (out->node, -1, NULL))
    return TRUE;
  ew_target_clear (out);
  if (slash == NULL && colon && colon[1] != '\0' && strspn (colon + 1, "0123456789") == strlen (colon + 1))
    {
      g_autofree gchar *shown = g_strndup (colon + 1, 20);
      return ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT,
                              "A port is a number from 1 to 65535, so \"%s\" isn't one.", shown);
    }
  return refuse_target (error, text);
}

void
ew_target_clear (EwServiceTargetText *target)
{
  g_clear_pointer (&target->node, g_free);
  g_clear_pointer (&target->host, g_free);
  target->port = 0;
}

gchar *
ew_target_format (const gchar *node, const gchar *host, guint16 port)
{
  GString *text = g_string_new (node);
  gboolean brackets = host && port && strchr (host, ':');
  if (host)
    g_string_append_printf (text, "/%s%s%s", brackets ? "[" : "", host, brackets ? "]" : "");
  if (port)
    g_string_append_printf (text, ":%u", port);
  return g_string_free (text, FALSE);
}

/* Ports. */

static gboolean
refuse_port (GError **error, const gchar *text)
{
  g_autofree gchar *start = g_utf8_make_valid (text, (gssize)strnlen (text, SHOWN));
  return ew_error_refuse (
    error, EW_ERROR_INVALID_ARGUMENT,
    "\"%s\" isn't a port. Write a number from 1 to 65535, a range such as 8000-8010, 80:8123 (callers use "
    "80, the target has 8123) or \"all\", with /udp at the end for UDP.",
    start);
}

/* "P" or "P-P". */
static gboolean
read_range (const gchar *text, guint16 *from, guint16 *to)
{
  const gchar *dash = strchr (text, '-');
  g_autofree gchar *first = dash ? g_strndup (text, (gsize)(dash - text)) : g_strdup (text);
  if (!read_number (first, from))
    return FALSE;
  *to = *from;
  return dash == NULL || (read_number (dash + 1, to) && *to >= *from);
}

/* Without its protocol. */
static gboolean
read_port (const gchar *text, EwServicePort *port)
{
  const gchar *colon = strchr (text, ':');
  g_autofree gchar *listen = colon ? g_strndup (text, (gsize)(colon - text)) : g_strdup (text);
  guint16 last = 0;
  port->target = 0;
  if (!read_range (listen, &port->from, &port->to))
    return FALSE;
  if (colon == NULL)
    return TRUE;
  if (!read_range (colon + 1, &port->target, &last))
    return FALSE;
  /* One number stands for a range that begins there. */
  return (last == port->target || last - port->target == port->to - port->from)
         && port->target + (port->to - port->from) <= G_MAXUINT16;
}

static void
add_port (GArray *ports, guint8 protocol, guint16 from, guint16 to, guint16 target)
{
  EwServicePort port = { .protocol = protocol, .from = from, .to = to, .target = target };
  g_array_append_val (ports, port);
}

static gboolean
add_text (GArray *ports, const gchar *text, gboolean udp, GError **error)
{
  g_autofree gchar *rest = g_ascii_strdown (text, -1);
  gchar *slash = strrchr (rest, '/');
  guint8 protocol = udp ? IPPROTO_UDP : IPPROTO_TCP;
  EwServicePort port;
  if (slash && !g_str_equal (slash, "/tcp") && !g_str_equal (slash, "/udp"))
    return refuse_port (error, text);
  if (slash)
    {
      protocol = g_str_equal (slash, "/udp") ? IPPROTO_UDP : IPPROTO_TCP;
      *slash = '\0';
    }
  if (g_str_equal (rest, "all"))
    {
      if (slash == NULL && !udp)
        add_port (ports, IPPROTO_TCP, 1, G_MAXUINT16, 0);
      add_port (ports, slash == NULL ? IPPROTO_UDP : protocol, 1, G_MAXUINT16, 0);
      return TRUE;
    }
  if (!read_port (rest, &port))
    return refuse_port (error, text);
  add_port (ports, protocol, port.from, port.to, port.target);
  return TRUE;
}

gchar *
ew_port_format (const EwServicePort *port)
{
  GString *text = g_string_new (NULL);
  gboolean all = port->from == 1 && port->to == G_MAXUINT16 && port->target == 0;
  if (all)
    g_string_append (text, "all");
  else
    g_string_append_printf (text, "%u", port->from);
  if (!all && port->to != port->from)
    g_string_append_printf (text, "-%u", port->to);
  if (port->target)
    g_string_append_printf (text, ":%u", port->target);
  if (port->protocol == IPPROTO_UDP || all)
    g_string_append (text, port->protocol == IPPROTO_UDP ? "/udp" : "/tcp");
  return g_string_free (text, FALSE);
}

static gint
compare_ports (gconstpointer a, gconstpointer b)
{
  const EwServicePort *first = a, *second = b;
  return first->protocol != second->protocol ? first->protocol - second->protocol : first->from - second->from;
}

/* A port of a target replaces the one that callers use: a range has more than one, and P:Q says another. */
static gboolean
check_target_port (const GArray *ports, guint16 target_port, GError **error)
{
  for (guint i = 0; i < ports->len; i++)
    {
      const EwServicePort *port = &g_array_index (ports, EwServicePort, i);
      if (port->target != 0)
        return ew_error_refuse (
          error, EW_ERROR_INVALID_ARGUMENT,
          "The target's port is given twice: %u with the target, and %u after the colon in --port. Give "
          "one of them.",
          target_port, port->target);
      if (port->to != port->from)
        {
          g_autofree gchar *text = ew_port_format (port);
          return ew_error_refuse (
            error, EW_ERROR_INVALID_ARGUMENT,
            "The target's port %u can't stand for the ports %s. Leave it out of the target, or add a "
            "service of its own for it.",
            target_port, text);
        }
    }
  return TRUE;
}

gboolean
ew_ports_check (const GArray *ports, const guint16 *target_ports, gsize n_targets, GError **error)
{
  g_autoptr (GArray) sorted = g_array_copy ((GArray *)ports);
  g_array_sort (sorted, compare_ports);
  if (ports->len == 0)
    return ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT,
                            "A service needs a port. Write it with the target, for example nas:8123, or with --port.");
  if (ports->len > EW_SERVICE_PORTS_MAX)
    return ew_error_refuse (
      error, EW_ERROR_INVALID_ARGUMENT,
      "A service can have %d ports or ranges. Combine some into a range, or add a second service.",
      EW_SERVICE_PORTS_MAX);
  for (guint i = 0; i < sorted->len; i++)
    {
      const EwServicePort *port = &g_array_index (sorted, EwServicePort, i), *before = port - 1;
      if (port->from == 0 || port->to < port->from
          || (port->target != 0 && port->target + (port->to - port->from) > G_MAXUINT16))
        return ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT,
                                "A port is a number from 1 to 65535, and a range begins with its lower end.");
      if (i == 0 || before->protocol != port->protocol || port->from > before->to)
        continue;
      g_autofree gchar *first = ew_port_format (before), *second = ew_port_format (port);
      return ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT, "The ports %s and %s overlap. Give each port once.",
                              first, second);
    }
  for (gsize i = 0; i < n_targets; i++)
    if (target_ports[i] != 0 && !check_target_port (ports, target_ports[i], error))
      return FALSE;
  return TRUE;
}

/* No port was given: callers use those that the targets have. */
static gboolean
take_from_targets (GArray *ports, gboolean udp, const EwServiceTargetText *targets, gsize n_targets, GError **error)
{
  for (gsize i = 0; i < n_targets; i++)
    {
      if (targets[i].port == 0)
        {
          g_autofree gchar *text = ew_target_format (targets[i].node, targets[i].host, 0);
          return ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT,
                                  "The service needs a port. Write it with the target, for example %s:8123, or with "
                                  "--port.",
                                  text);
        }
      if (targets[i].port != targets[0].port)
        return ew_error_refuse (error, EW_ERROR_INVALID_ARGUMENT,
                                "The targets have different ports (%u and %u). Say with --port which one callers use.",
                                targets[0].port, targets[i].port);
    }
  if (n_targets > 0)
    add_port (ports, udp ? IPPROTO_UDP : IPPROTO_TCP, targets[0].port, targets[0].port, 0);
  return TRUE;
}

GArray *
ew_ports_parse (const gchar *const *texts, gboolean udp, const EwServiceTargetText *targets, gsize n_targets,
                GError **error)
{
  g_autoptr (GArray) ports = g_array_new (FALSE, FALSE, sizeof (EwServicePort));
  guint16 target_ports[EW_SERVICE_TARGETS_MAX] = { 0 };
  for (gsize i = 0; i < MIN (n_targets, EW_SERVICE_TARGETS_MAX); i++)
    target_ports[i] = targets[i].port;
  for (gsize i = 0; texts && texts[i] && ports->len <= EW_SERVICE_PORTS_MAX; i++)
    if (!add_text (ports, texts[i], udp, error))
      return NULL;
  if (ports->len == 0 && !take_from_targets (ports, udp, targets, n_targets, error))
    return NULL;
  if (!ew_ports_check (ports, target_ports, MIN (n_targets, EW_SERVICE_TARGETS_MAX), error))
    return NULL;
  return g_steal_pointer (&ports);
}
