/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Ends of rules, protocols, and the sentences of "tests".
 */
#include <netinet/in.h>
#include <string.h>

#include "common/error.h"
#include "common/util.h"
#include "edge/policy/policy.h"

gboolean
ew_policy_has_ports (guint8 protocol)
{
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

gint
ew_policy_protocol_parse (const gchar *text)
{
  static const struct
  {
    const gchar *name;
    guint8 number;
  } names[] = { { "tcp", IPPROTO_TCP },
                { "udp", IPPROTO_UDP },
                { "icmp", IPPROTO_ICMP },
                { "sctp", IPPROTO_SCTP },
                { "dccp", IPPROTO_DCCP } };
  guint64 number;

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (g_str_equal (text, names[i].name))
      return names[i].number;
  return g_ascii_string_to_unsigned (text, 10, 0, 255, &number, NULL) ? (gint)number : -1;
}

static gboolean
parse_prefix (const gchar *text, EwPolicyEnd *out, GError **error)
{
  gchar format[EW_PREFIX_STRLEN];
  gboolean host_bits = FALSE;
  bool extra = false;

  if (!ew_prefix_parse (text, &out->prefix, &extra))
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                   "\"%s\" isn't an address or a CIDR. Write one like 10.0.0.0/24 or fd00::/64.", text);
      return FALSE;
    }
  host_bits = extra;
  ew_prefix_format (&out->prefix, format);
  if (host_bits)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                   "%s has bits set after its prefix. Write %s for the whole network.", text, format);
      return FALSE;
    }
  out->kind = EW_POLICY_CIDR;
  out->text = g_strdup (format);
  return TRUE;
}

gboolean
ew_policy_end_parse (const gchar *text, EwPolicyEnd *out, GError **error)
{
  static const struct
  {
    const gchar *prefix;
    EwPolicyKind kind;
  } kinds[] = {
    { "tag:", EW_POLICY_TAG }, { "group:", EW_POLICY_GROUP }, { "service:", EW_POLICY_SERVICE }, { "", EW_POLICY_NODE }
  };
  g_autoptr (GError) local = NULL;
  gsize i = 0;

  memset (out, 0, sizeof *out);
  if (g_str_equal (text, "*"))
    {
      out->kind = EW_POLICY_ANYONE;
      out->text = g_strdup (text);
      return TRUE;
    }
  while (!g_str_has_prefix (text, kinds[i].prefix))
    i++;
  if (kinds[i].kind == EW_POLICY_NODE && strpbrk (text, "./:") != NULL)
    return parse_prefix (text, out, error);
  if (!ew_name_check (text + strlen (kinds[i].prefix), &local))
    {
      g_autofree gchar *shown = g_utf8_make_valid (text, (gssize)strnlen (text, 80));

      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                   "\"%s\" isn't a node, \"tag:NAME\", \"group:NAME\", \"service:NAME\", a CIDR or \"*\": %s", shown,
                   local->message);
      return FALSE;
    }
  out->kind = kinds[i].kind;
  out->text = g_strdup (text);
  return TRUE;
}

/* Takes ":PORT" or ":PORT/PROTOCOL" off the end of text. FALSE: text ends otherwise. */
static gboolean
split_port (gchar *text, EwPolicyTest *out)
{
  gchar *colon = strrchr (text, ':'), *slash;
  guint64 port;
  gint protocol;

  if (colon == NULL || !g_ascii_isdigit (colon[1]))
    return TRUE;
  slash = strchr (colon, '/');
  if (slash != NULL)
    *slash = '\0';
  protocol = slash != NULL ? ew_policy_protocol_parse (slash + 1) : IPPROTO_TCP;
  if (protocol < 0 || !ew_policy_has_ports ((guint8)protocol)
      || !g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &port, NULL))
    return FALSE;
  *colon = '\0';
  out->port = (guint16)port;
  out->protocol = (guint8)protocol;
  return TRUE;
}

/* An address without a port first: those of IPv6 are full of colons. With one they stand in brackets. */
static gboolean
parse_target (const gchar *text, EwPolicyTest *out, GError **error)
{
  g_autofree gchar *rest = g_strdup (text);
  EwPrefix prefix;
  gsize length;

  if (!ew_prefix_parse (rest, &prefix, NULL) && !split_port (rest, out))
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                   "\"%s\" doesn't end with a port. Write \":443\", or \":53/udp\" for another protocol than TCP.",
                   text);
      return FALSE;
    }
  length = strlen (rest);
  if (length > 1 && rest[0] == '[' && rest[length - 1] == ']')
    {
      rest[length - 1] = '\0';
      return ew_policy_end_parse (rest + 1, &out->to, error);
    }
  return ew_policy_end_parse (rest, &out->to, error);
}

gboolean
ew_policy_test_parse (const gchar *text, EwPolicyTest *out, GError **error)
{
  static const gchar *const verbs[] = { " may not reach ", " may reach " };
  const gchar *at = NULL;
  gsize i;

  memset (out, 0, sizeof *out);
  for (i = 0; i < G_N_ELEMENTS (verbs) && at == NULL; i++)
    at = strstr (text, verbs[i]);
  if (at == NULL)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                   "This isn't a test. Write \"nas may reach web:443\" or \"guest may not reach nas\".");
      return FALSE;
    }
  out->may = i == 2;
  out->text = g_strdup (text);
  g_autofree gchar *from = g_strndup (text, (gsize)(at - text));
  if (!ew_policy_end_parse (from, &out->from, error) || !parse_target (at + strlen (verbs[i - 1]), out, error))
    {
      ew_policy_test_clear (out);
      return FALSE;
    }
  if (out->from.kind == EW_POLICY_SERVICE)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "\"%s\" opens no flows. Name the node that it runs on.",
                   out->from.text);
      ew_policy_test_clear (out);
      return FALSE;
    }
  return TRUE;
}

void
ew_policy_test_clear (EwPolicyTest *test)
{
  g_free (test->text);
  g_free (test->from.text);
  g_free (test->to.text);
  memset (test, 0, sizeof *test);
}
