/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/policy/expect.h"

#include "common/error.h"
#include "edge/policy/classifier-private.h"
#include "edge/policy/names.h"

/* The classes of addresses that an end has, by family; each once, in order. */
typedef struct
{
  const EwPolicyClassifier *classifier;
  GArray *numbers[2];
} Classes;

typedef struct
{
  const EwPolicyClassifier *classifier;
  const EwPolicyNames *names;
  GHashTable *vectors; /* each set of rules that some protocol and port has, once: GBytes */
  guint64 lookups;
} Run;

static void
add_classes (gpointer user, const EwPrefix *prefix)
{
  Classes *self = user;
  const gboolean v6 = prefix->ip.family == EW_FAMILY_V6;
  const EwPolicyAddresses *addresses = &self->classifier->addresses[v6];
  const guint free_bits = (v6 ? 128u : 32u) - prefix->length;
  const EwPolicyAddress first = ew_policy_address (&prefix->ip);
  const EwPolicyAddress mask = free_bits == 128 ? ~(EwPolicyAddress)0 : ((EwPolicyAddress)1 << free_bits) - 1;
  const guint32 last = ew_policy_addresses_find (addresses, first | mask);

  for (guint32 i = ew_policy_addresses_find (addresses, first); i <= last; i++)
    g_array_append_val (self->numbers[v6], addresses->classes[i]);
}

static gint
compare_numbers (gconstpointer a, gconstpointer b)
{
  const guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;

  return x < y ? -1 : x > y;
}

static gboolean
find_classes (Classes *self, const EwPolicyClassifier *classifier, const EwPolicyNames *names, const EwPolicyEnd *end)
{
  gboolean found;

  self->classifier = classifier;
  for (guint f = 0; f < 2; f++)
    self->numbers[f] = g_array_new (FALSE, FALSE, sizeof (guint32));
  found = ew_policy_names_look_up (names, end, add_classes, self);
  for (guint f = 0; f < 2; f++)
    {
      GArray *numbers = self->numbers[f];
      guint n = 0;

      g_array_sort (numbers, compare_numbers);
      for (guint i = 0; i < numbers->len; i++)
        if (n == 0 || g_array_index (numbers, guint32, i) != g_array_index (numbers, guint32, n - 1))
          g_array_index (numbers, guint32, n++) = g_array_index (numbers, guint32, i);
      g_array_set_size (numbers, n);
    }
  return found;
}

static void
clear_classes (Classes *self)
{
  for (guint f = 0; f < 2; f++)
    g_array_unref (self->numbers[f]);
}

static void
note_verdict (EwPolicyAnswer *answer, const EwPolicyVerdict *verdict)
{
  if (verdict->allowed && !answer->allowed)
    answer->allowing = *verdict;
  if (!verdict->allowed && !answer->denied)
    answer->denying = *verdict;
  answer->allowed |= verdict->allowed;
  answer->denied |= !verdict->allowed;
}

static const guint64 *
vector_of_port (const EwPolicyClassifier *self, guint8 protocol, guint16 port)
{
  const gint number = ew_policy_port_table_of (protocol);
  const EwPolicyPortTable *table = number >= 0 ? &self->ports[number] : NULL;
  guint32 i = 0;

  if (table == NULL)
    return self->protocols + (gsize)protocol * self->words;
  while (i + 1 < table->n && table->starts[i + 1] <= port)
    i++;
  return table->bits + (gsize)i * self->words;
}

static EwPolicyVerdict
meet_classes (const EwPolicyClassifier *self, guint32 from, guint32 to, const guint64 *ports)
{
  return ew_policy_classifier_meet (self, self->from + (gsize)from * self->words, self->to + (gsize)to * self->words,
                                    ports, FALSE);
}

/* By anything at all: allowed if there is a protocol and a port by which it is. */
static EwPolicyVerdict
meet_anything (Run *run, guint32 from, guint32 to)
{
  EwPolicyVerdict verdict = { .rule = -1 };
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, run->vectors);
  while (!verdict.allowed && g_hash_table_iter_next (&iter, &key, NULL))
    {
      verdict = meet_classes (run->classifier, from, to, g_bytes_get_data (key, NULL));
      run->lookups++;
    }
  return verdict;
}

/* ports NULL: anything. FALSE: that would be too many look-ups. */
static gboolean
meet_all (Run *run, const Classes *from, const Classes *to, const guint64 *ports, EwPolicyAnswer *answer)
{
  for (guint f = 0; f < 2; f++)
    for (guint i = 0; i < from->numbers[f]->len; i++)
      for (guint k = 0; k < to->numbers[f]->len; k++)
        {
          const guint32 a = g_array_index (from->numbers[f], guint32, i);
          const guint32 b = g_array_index (to->numbers[f], guint32, k);
          const EwPolicyVerdict verdict
            = ports != NULL ? meet_classes (run->classifier, a, b, ports) : meet_anything (run, a, b);

          note_verdict (answer, &verdict);
          if (++run->lookups > EW_POLICY_LOOKUPS_MAX)
            return FALSE;
        }
  return TRUE;
}

static void
add_vectors (Run *run, const guint64 *bits, guint32 n)
{
  const gsize words = run->classifier->words;

  for (guint32 i = 0; i < n; i++)
    g_hash_table_add (run->vectors, g_bytes_new (bits + i * words, words * sizeof *bits));
}

static void
collect_vectors (Run *run)
{
  const EwPolicyClassifier *classifier = run->classifier;

  run->vectors = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
  for (guint p = 0; p < 256; p++) /* those with ports have theirs in the tables */
    if (ew_policy_port_table_of ((guint8)p) < 0)
      add_vectors (run, classifier->protocols + (gsize)p * classifier->words, 1);
  for (guint i = 0; i < EW_POLICY_PORT_TABLES; i++)
    add_vectors (run, classifier->ports[i].bits, classifier->ports[i].n);
}

gchar *
ew_policy_verdict_format (const EwPolicy *policy, const EwPolicyVerdict *verdict)
{
  const gchar *does = verdict->allowed ? "allows" : "denies";
  const gchar *name;

  if (verdict->rule < 0)
    return g_strdup_printf ("No rule fits, and the default %s it.", does);
  name = policy->rules[verdict->rule].name;
  return name != NULL ? g_strdup_printf ("Rule %d (\"%s\") %s it.", verdict->rule + 1, name, does)
                      : g_strdup_printf ("Rule %d %s it.", verdict->rule + 1, does);
}

/* NULL: it holds. */
static gchar *
run_test (Run *run, const EwPolicy *policy, gsize number)
{
  const EwPolicyTest *test = &policy->tests[number];
  g_autofree gchar *why = NULL;
  EwPolicyAnswer answer = { 0 };
  Classes from, to;
  gboolean done;

  find_classes (&from, run->classifier, run->names, &test->from);
  find_classes (&to, run->classifier, run->names, &test->to);
  done = meet_all (run, &from, &to,
                   test->port != 0 ? vector_of_port (run->classifier, test->protocol, test->port) : NULL, &answer);
  clear_classes (&from);
  clear_classes (&to);
  if (test->may && answer.denied)
    why = ew_policy_verdict_format (policy, &answer.denying);
  else if (!test->may && answer.allowed)
    why = ew_policy_verdict_format (policy, &answer.allowing);
  else if (!done)
    why = g_strdup ("The tests are about too many pairs of addresses. Write fewer, or name single nodes.");
  else if (!answer.allowed && !answer.denied)
    why = g_strdup ("There's nobody with addresses of the same kind at both ends.");
  else
    return NULL;
  return g_strdup_printf ("Test %" G_GSIZE_FORMAT ", \"%s\", fails: %s", number + 1, test->text, why);
}

GPtrArray *
ew_policy_run_tests (const EwPolicy *policy, const EwPolicyWorld *world, const EwPolicyClassifier *classifier)
{
  g_autoptr (EwPolicyNames) names = ew_policy_names_new (world);
  GPtrArray *failed = g_ptr_array_new_with_free_func (g_free);
  Run run = { .classifier = classifier, .names = names };

  collect_vectors (&run);
  for (gsize i = 0; i < policy->n_tests; i++)
    {
      gchar *sentence = run_test (&run, policy, i);

      if (sentence != NULL)
        g_ptr_array_add (failed, sentence);
    }
  g_hash_table_unref (run.vectors);
  return failed;
}

gboolean
ew_policy_explain (const EwPolicyClassifier *classifier, const EwPolicyWorld *world, const EwPolicyEnd *from,
                   const EwPolicyEnd *to, guint8 protocol, guint16 port, EwPolicyAnswer *out, GError **error)
{
  g_autoptr (EwPolicyNames) names = ew_policy_names_new (world);
  Run run = { .classifier = classifier, .names = names };
  Classes sources, destinations;
  const gboolean has_from = find_classes (&sources, classifier, names, from);
  const gboolean has_to = find_classes (&destinations, classifier, names, to);

  memset (out, 0, sizeof *out);
  if (has_from && has_to)
    meet_all (&run, &sources, &destinations, vector_of_port (classifier, protocol, port), out);
  else
    g_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND, "The mesh doesn't have \"%s\". Check the spelling.",
                 has_from ? to->text : from->text);
  clear_classes (&sources);
  clear_classes (&destinations);
  return has_from && has_to;
}
