/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The document, read.
 */
#include <netinet/in.h>
#include <string.h>

#include "common/error.h"
#include "common/util.h"
#include "edge/policy/policy.h"

/* Where in the document. */
typedef struct
{
  EwPolicy *policy;
  const gchar *list; /* "Rule", "Test"; NULL: the document itself */
  guint number;
  gsize n_ends, n_ports; /* of all rules until here */
} Place;

static void refuse (const Place *place, const gchar *member, GError **error, const gchar *format, ...)
  G_GNUC_PRINTF (4, 5);

static void
refuse (const Place *place, const gchar *member, GError **error, const gchar *format, ...)
{
  g_autoptr (GString) text = g_string_new (NULL);
  va_list arguments;

  if (place->list != NULL)
    g_string_append_printf (text, "%s %u", place->list, place->number);
  else
    g_string_append (text, "The policy");
  if (member != NULL)
    g_string_append_printf (text, ", \"%s\"", member);
  g_string_append (text, ": ");
  va_start (arguments, format);
  g_string_append_vprintf (text, format, arguments);
  va_end (arguments);
  g_set_error_literal (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, text->str);
}

/* "web" as it may be shown. */
static gchar *
quote_text (const gchar *text)
{
  return ew_text_one_line (text, 80);
}

static gboolean
check_members (const Place *place, JsonObject *object, const gchar *const *known, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (object);

  for (GList *l = members; l != NULL; l = l->next)
    if (!g_strv_contains (known, l->data))
      {
        g_autofree gchar *list = g_strjoinv (", ", (gchar **)known), *shown = quote_text (l->data);

        refuse (place, NULL, error, "\"%s\" isn't known here. Use only these: %s.", shown, list);
        return FALSE;
      }
  return TRUE;
}

static const gchar *
text_of (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
           ? json_node_get_string (node)
           : NULL;
}

/* A member that may be one value or an array of them, as nodes. NULL: it isn't there, or too many or none. */
static GPtrArray *
list_values (const Place *place, JsonObject *object, const gchar *member, guint max, GError **error)
{
  JsonNode *node = json_object_get_member (object, member);
  g_autoptr (GPtrArray) values = g_ptr_array_new ();

  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);

      if (json_array_get_length (array) > max)
        {
          refuse (place, member, error, "there are %u entries, at most %u are taken. Split the rule, or use a tag.",
                  json_array_get_length (array), max);
          return NULL;
        }
      for (guint i = 0; i < json_array_get_length (array); i++)
        g_ptr_array_add (values, json_array_get_element (array, i));
    }
  else if (node != NULL)
    g_ptr_array_add (values, node);
  if (values->len == 0)
    {
      refuse (place, member, error,
              node == NULL ? "it's missing." : "it's empty. Write \"*\" for all, or leave it out.");
      return NULL;
    }
  return g_steal_pointer (&values);
}

static gboolean
read_text (const Place *place, JsonObject *object, const gchar *member, guint max, gchar **out, GError **error)
{
  const gchar *text;

  if (!json_object_has_member (object, member))
    return TRUE;
  text = text_of (json_object_get_member (object, member));
  if (text == NULL || g_utf8_strlen (text, -1) > (glong)max)
    {
      refuse (place, member, error, "write a text of at most %u characters.", max);
      return FALSE;
    }
  for (const gchar *at = text; *at != '\0'; at = g_utf8_next_char (at))
    if (g_ascii_iscntrl (*at) || ew_is_deceptive (g_utf8_get_char (at)))
      {
        refuse (place, member, error, "it contains a control character. Write it as one line of text.");
        return FALSE;
      }
  *out = g_strdup (text);
  return TRUE;
}

static gboolean
read_action (const Place *place, JsonObject *object, const gchar *member, gboolean *allow, GError **error)
{
  const gchar *text = text_of (json_object_get_member (object, member));

  if (g_strcmp0 (text, "allow") != 0 && g_strcmp0 (text, "deny") != 0)
    {
      refuse (place, member, error,
              json_object_has_member (object, member) ? "write \"allow\" or \"deny\"."
                                                      : "it's missing. Write \"allow\" or \"deny\".");
      return FALSE;
    }
  *allow = g_str_equal (text, "allow");
  return TRUE;
}

static gboolean
read_ends (Place *place, JsonObject *object, const gchar *member, EwPolicyEnd **ends, gsize *n, GError **error)
{
  g_autoptr (GPtrArray) values = list_values (place, object, member, EW_POLICY_ENDS_MAX, error);

  if (values == NULL)
    return FALSE;
  place->n_ends += values->len;
  if (place->n_ends > EW_POLICY_ALL_ENDS_MAX)
    {
      refuse (place, member, error, "all rules together have more than %u ends. Use tags or CIDRs.",
              EW_POLICY_ALL_ENDS_MAX);
      return FALSE;
    }
  *ends = g_new0 (EwPolicyEnd, values->len);
  for (guint i = 0; i < values->len; i++)
    {
      const gchar *text = text_of (values->pdata[i]);
      g_autoptr (GError) local = NULL;

      if (text == NULL)
        {
          refuse (place, member, error,
                  "write a text like \"nas\", \"tag:web\" or \"10.0.0.0/8\", or an array of them.");
          return FALSE;
        }
      if (!ew_policy_end_parse (text, &(*ends)[*n], &local))
        {
          refuse (place, member, error, "%s", local->message);
          return FALSE;
        }
      ++*n;
    }
  return TRUE;
}

static gboolean
read_protocols (const Place *place, JsonObject *object, EwPolicyRule *rule, GError **error)
{
  g_autoptr (GPtrArray) values = NULL;

  if (!json_object_has_member (object, "protocol"))
    return TRUE;
  values = list_values (place, object, "protocol", EW_POLICY_PROTOCOLS_MAX, error);
  if (values == NULL)
    return FALSE;
  for (guint i = 0; i < values->len; i++)
    {
      JsonNode *node = values->pdata[i];
      const gchar *text = text_of (node);
      gint64 number = -1;

      if (text != NULL)
        number = ew_policy_protocol_parse (text);
      else if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64)
        number = json_node_get_int (node);
      if (number < 0 || number > 255)
        {
          refuse (place, "protocol", error,
                  "write \"tcp\", \"udp\", \"icmp\", \"sctp\", \"dccp\" or a number from 0 to 255.");
          return FALSE;
        }
      rule->protocols[number >> 6] |= G_GUINT64_CONSTANT (1) << (number & 63);
      if (text != NULL && number == IPPROTO_ICMP)
        rule->protocols[IPPROTO_ICMPV6 >> 6] |= G_GUINT64_CONSTANT (1) << (IPPROTO_ICMPV6 & 63);
    }
  return TRUE;
}

/* 443, "443" or "8000-8010". */
static gboolean
parse_ports (JsonNode *node, EwPolicyPorts *out)
{
  const gchar *text = text_of (node);
  guint64 first = 0, last = 0;

  if (text == NULL)
    first = last = JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64
                     ? (guint64)MAX (json_node_get_int (node), 0)
                     : 0;
  else
    {
      g_auto (GStrv) parts = g_strsplit (text, "-", 2);

      if (parts[0] == NULL || !g_ascii_string_to_unsigned (parts[0], 10, 1, G_MAXUINT16, &first, NULL))
        return FALSE;
      last = first;
      if (parts[1] != NULL && !g_ascii_string_to_unsigned (parts[1], 10, 1, G_MAXUINT16, &last, NULL))
        return FALSE;
    }
  if (first == 0 || last > G_MAXUINT16 || first > last)
    return FALSE;
  *out = (EwPolicyPorts){ (guint16)first, (guint16)last };
  return TRUE;
}

static gint
compare_ports (gconstpointer a, gconstpointer b)
{
  return (gint)((const EwPolicyPorts *)a)->first - (gint)((const EwPolicyPorts *)b)->first;
}

static void
merge_ports (EwPolicyRule *rule, gsize n)
{
  qsort (rule->ports, n, sizeof *rule->ports, compare_ports);
  for (gsize i = 0; i < n; i++)
    if (rule->n_ports > 0 && rule->ports[i].first <= rule->ports[rule->n_ports - 1].last + 1)
      rule->ports[rule->n_ports - 1].last = MAX (rule->ports[rule->n_ports - 1].last, rule->ports[i].last);
    else
      rule->ports[rule->n_ports++] = rule->ports[i];
}

static gboolean
read_ports (Place *place, JsonObject *object, EwPolicyRule *rule, GError **error)
{
  g_autoptr (GPtrArray) values = NULL;

  if (!json_object_has_member (object, "ports"))
    return TRUE;
  values = list_values (place, object, "ports", EW_POLICY_PORTS_MAX, error);
  if (values == NULL)
    return FALSE;
  rule->ports = g_new0 (EwPolicyPorts, values->len);
  for (guint i = 0; i < values->len; i++)
    if (!parse_ports (values->pdata[i], &rule->ports[i]))
      {
        refuse (place, "ports", error,
                "entry %u isn't a port. Write a number from 1 to 65535, or a range like \"8000-8010\".", i + 1);
        return FALSE;
      }
  merge_ports (rule, values->len);
  place->n_ports += rule->n_ports;
  if (place->n_ports > EW_POLICY_ALL_PORTS_MAX)
    {
      refuse (place, "ports", error, "all rules together have more than %u ranges of ports. Use fewer, larger ones.",
              EW_POLICY_ALL_PORTS_MAX);
      return FALSE;
    }
  return TRUE;
}

/* What is left out means all; ports only some protocols have. */
static gboolean
complete_protocols (const Place *place, EwPolicyRule *rule, GError **error)
{
  const gboolean any = (rule->protocols[0] | rule->protocols[1] | rule->protocols[2] | rule->protocols[3]) == 0;

  if (any && rule->n_ports > 0)
    rule->protocols[0] = G_GUINT64_CONSTANT (1) << IPPROTO_TCP | G_GUINT64_CONSTANT (1) << IPPROTO_UDP;
  else if (any)
    memset (rule->protocols, 0xff, sizeof rule->protocols);
  for (guint i = 0; i < 256 && rule->n_ports > 0; i++)
    if (ew_policy_rule_has_protocol (rule, (guint8)i) && !ew_policy_has_ports ((guint8)i))
      {
        refuse (place, "ports", error, "protocol %u has no ports. Write a rule of its own for it, without \"ports\".",
                i);
        return FALSE;
      }
  return TRUE;
}

static gboolean
read_rule (Place *place, JsonNode *node, EwPolicyRule *rule, GError **error)
{
  static const gchar *const known[] = { "name", "comment", "from", "to", "protocol", "ports", "action", NULL };
  JsonObject *object;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    {
      refuse (place, NULL, error, "write an object, {\"from\": …, \"to\": …, \"action\": …}.");
      return FALSE;
    }
  object = json_node_get_object (node);
  if (!check_members (place, object, known, error)
      || !read_text (place, object, "name", EW_POLICY_NAME_MAX, &rule->name, error)
      || !read_text (place, object, "comment", EW_POLICY_COMMENT_MAX, &rule->comment, error)
      || !read_ends (place, object, "from", &rule->from, &rule->n_from, error)
      || !read_ends (place, object, "to", &rule->to, &rule->n_to, error) || !read_protocols (place, object, rule, error)
      || !read_ports (place, object, rule, error) || !complete_protocols (place, rule, error)
      || !read_action (place, object, "action", &rule->allow, error))
    return FALSE;
  for (gsize i = 0; i < rule->n_from; i++)
    if (rule->from[i].kind == EW_POLICY_SERVICE)
      {
        refuse (place, "from", error, "\"%s\" opens no flows. Name the node that it runs on.", rule->from[i].text);
        return FALSE;
      }
  return TRUE;
}

/* The array, of at most max entries; an empty one if it isn't there. NULL: it's something else. */
static JsonArray *
read_array (const Place *place, JsonObject *object, const gchar *member, guint max, GError **error)
{
  JsonNode *node = json_object_get_member (object, member);
  JsonArray *array;

  if (node == NULL)
    return json_array_new ();
  if (!JSON_NODE_HOLDS_ARRAY (node))
    {
      refuse (place, member, error, "write an array, […].");
      return NULL;
    }
  array = json_node_get_array (node);
  if (json_array_get_length (array) > max)
    {
      refuse (place, member, error,
              "there are %u entries, at most %u are taken. Use tags, groups or CIDRs for many nodes.",
              json_array_get_length (array), max);
      return NULL;
    }
  return json_array_ref (array);
}

static gboolean
read_rules (Place *place, JsonObject *object, GError **error)
{
  g_autoptr (JsonArray) array = read_array (place, object, "rules", EW_POLICY_RULES_MAX, error);
  EwPolicy *policy = place->policy;

  if (array == NULL)
    return FALSE;
  policy->rules = g_new0 (EwPolicyRule, json_array_get_length (array));
  place->list = "Rule";
  while (policy->n_rules < json_array_get_length (array))
    {
      EwPolicyRule *rule = &policy->rules[policy->n_rules++];

      place->number = (guint)policy->n_rules;
      if (!read_rule (place, json_array_get_element (array, place->number - 1), rule, error))
        return FALSE;
    }
  place->list = NULL;
  return TRUE;
}

static gboolean
read_tests (Place *place, JsonObject *object, GError **error)
{
  g_autoptr (JsonArray) array = read_array (place, object, "tests", EW_POLICY_TESTS_MAX, error);
  EwPolicy *policy = place->policy;

  if (array == NULL)
    return FALSE;
  policy->tests = g_new0 (EwPolicyTest, json_array_get_length (array));
  place->list = "Test";
  while (policy->n_tests < json_array_get_length (array))
    {
      const gchar *text = text_of (json_array_get_element (array, (guint)policy->n_tests));
      g_autoptr (GError) local = NULL;

      place->number = (guint)policy->n_tests + 1;
      if (text == NULL)
        {
          refuse (place, NULL, error, "write a text like \"nas may reach web:443\".");
          return FALSE;
        }
      if (!ew_policy_test_parse (text, &policy->tests[policy->n_tests], &local))
        {
          refuse (place, NULL, error, "%s", local->message);
          return FALSE;
        }
      policy->n_tests++;
    }
  place->list = NULL;
  return TRUE;
}

EwPolicy *
ew_policy_parse (const gchar *json, gsize length, GError **error)
{
  static const gchar *const known[] = { "default", "rules", "tests", NULL };
  g_autoptr (JsonObject) object = ew_json_parse_object (json, length, EW_POLICY_SIZE_MAX, error);
  g_autoptr (EwPolicy) policy = NULL;
  Place place = { 0 };

  if (object == NULL)
    return NULL;
  place.policy = policy = g_new0 (EwPolicy, 1);
  if (!check_members (&place, object, known, error) || !read_action (&place, object, "default", &policy->allow, error)
      || !read_rules (&place, object, error) || !read_tests (&place, object, error))
    return NULL;
  return g_steal_pointer (&policy);
}

static void
free_ends (EwPolicyEnd *ends, gsize n)
{
  for (gsize i = 0; i < n; i++)
    g_free (ends[i].text);
  g_free (ends);
}

void
ew_policy_free (EwPolicy *policy)
{
  if (policy == NULL)
    return;
  for (gsize i = 0; i < policy->n_rules; i++)
    {
      free_ends (policy->rules[i].from, policy->rules[i].n_from);
      free_ends (policy->rules[i].to, policy->rules[i].n_to);
      g_free (policy->rules[i].name);
      g_free (policy->rules[i].comment);
      g_free (policy->rules[i].ports);
    }
  for (gsize i = 0; i < policy->n_tests; i++)
    ew_policy_test_clear (&policy->tests[i]);
  g_free (policy->rules);
  g_free (policy->tests);
  g_free (policy);
}
