/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/policy/names.h"

struct EwPolicyNames
{
  GHashTable *members; /* "nas", "tag:web", "service:web" → GArray of EwIp */
};

static void
add_addresses (EwPolicyNames *self, const gchar *kind, const gchar *name, const EwIp *addresses, gsize n)
{
  gchar *text = g_strconcat (kind, name, NULL);
  GArray *array = g_hash_table_lookup (self->members, text);

  if (array == NULL)
    {
      array = g_array_new (FALSE, FALSE, sizeof (EwIp));
      g_hash_table_insert (self->members, text, array);
    }
  else
    g_free (text);
  for (gsize i = 0; i < n; i++)
    if (addresses[i].family != EW_FAMILY_NONE)
      g_array_append_val (array, addresses[i]);
}

static void
free_array (gpointer array)
{
  g_array_unref (array);
}

EwPolicyNames *
ew_policy_names_new (const EwPolicyWorld *world)
{
  EwPolicyNames *self = g_new0 (EwPolicyNames, 1);

  self->members = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_array);
  for (gsize i = 0; i < world->n_nodes; i++)
    {
      const EwPolicyNode *node = &world->nodes[i];

      add_addresses (self, "", node->name, node->addresses, node->n_addresses);
      for (gsize k = 0; node->tags != NULL && node->tags[k] != NULL; k++)
        add_addresses (self, "tag:", node->tags[k], node->addresses, node->n_addresses);
      for (gsize k = 0; node->groups != NULL && node->groups[k] != NULL; k++)
        add_addresses (self, "group:", node->groups[k], node->addresses, node->n_addresses);
    }
  for (gsize i = 0; i < world->n_services; i++)
    add_addresses (self, "service:", world->services[i].name, world->services[i].addresses, 2);
  return self;
}

void
ew_policy_names_free (EwPolicyNames *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->members);
  g_free (self);
}

gboolean
ew_policy_names_look_up (const EwPolicyNames *self, const EwPolicyEnd *end,
                         void (*found) (gpointer user, const EwPrefix *prefix), gpointer user)
{
  static const EwPrefix everything[] = { { { EW_FAMILY_V4, { 0 } }, 0 }, { { EW_FAMILY_V6, { 0 } }, 0 } };
  const GArray *array;

  if (end->kind == EW_POLICY_ANYONE)
    {
      found (user, &everything[0]);
      found (user, &everything[1]);
      return TRUE;
    }
  if (end->kind == EW_POLICY_CIDR)
    {
      found (user, &end->prefix);
      return TRUE;
    }
  array = g_hash_table_lookup (self->members, end->text);
  for (guint i = 0; array != NULL && i < array->len; i++)
    {
      const EwPrefix prefix = ew_prefix_from_ip (&g_array_index (array, EwIp, i));

      found (user, &prefix);
    }
  return array != NULL;
}

/* The first end that isn't there. */
static const EwPolicyEnd *
find_absent (const EwPolicyNames *self, const EwPolicyEnd *ends, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (ends[i].kind != EW_POLICY_ANYONE && ends[i].kind != EW_POLICY_CIDR
        && !g_hash_table_contains (self->members, ends[i].text))
      return &ends[i];
  return NULL;
}

static gchar *
say_missing (const gchar *list, gsize i, const gchar *member, const EwPolicyEnd *end)
{
  static const gchar *const what[] = {
    [EW_POLICY_NODE] = "there's no node with this name",
    [EW_POLICY_TAG] = "no node has this tag",
    [EW_POLICY_GROUP] = "there's no group with this name",
    [EW_POLICY_SERVICE] = "there's no service with this name",
  };

  return g_strdup_printf ("%s %" G_GSIZE_FORMAT "%s: \"%s\": %s. Check the spelling, or add it to the mesh first.",
                          list, i + 1, member, end->text, what[end->kind]);
}

gchar *
ew_policy_find_missing (const EwPolicy *policy, const EwPolicyWorld *world)
{
  g_autoptr (EwPolicyNames) names = ew_policy_names_new (world);
  const EwPolicyEnd *end;

  for (gsize i = 0; i < policy->n_rules; i++)
    {
      if ((end = find_absent (names, policy->rules[i].from, policy->rules[i].n_from)) != NULL)
        return say_missing ("Rule", i, ", \"from\"", end);
      if ((end = find_absent (names, policy->rules[i].to, policy->rules[i].n_to)) != NULL)
        return say_missing ("Rule", i, ", \"to\"", end);
    }
  for (gsize i = 0; i < policy->n_tests; i++)
    {
      if ((end = find_absent (names, &policy->tests[i].from, 1)) != NULL
          || (end = find_absent (names, &policy->tests[i].to, 1)) != NULL)
        return say_missing ("Test", i, "", end);
    }
  return NULL;
}
