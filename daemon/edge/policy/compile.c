/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A classifier, made of a policy and the world. Rules are spread over vectors: each end that a rule names gets the rule's
 * bit, each prefix of the end is a range of addresses, and where ranges begin and end the vectors change.
 */
#include <netinet/in.h>

#include "edge/policy/classifier-private.h"
#include "edge/policy/names.h"

/* A prefix that the rules name by one end. */
typedef struct
{
  EwPolicyAddress first, last;
  const guint64 *bits; /* the end's: from, then to */
} Range;

/* A range that the sweep is in. */
typedef struct
{
  EwPolicyAddress last;
  guint64 *bits; /* its own and those of the ranges around it */
} Open;

typedef struct
{
  EwPolicyClassifier *out;
  GHashTable *ends;    /* text → bits, 2 · words */
  GArray *ranges[2];   /* of Range, by family */
  const guint64 *bits; /* of the end that is looked up */
  GHashTable *classes; /* GBytes of both vectors → number and 1 */
  GPtrArray *vectors;  /* by number */
  /* What begins at `start`, until the next one begins elsewhere. */
  EwPolicyAddress start, family_last;
  const guint64 *pending;
  GArray *starts, *numbers; /* of the family */
} Compile;

static gsize
vector_size (const Compile *self)
{
  return (gsize)self->out->words * 2 * sizeof (guint64);
}

static void
set_bit (guint64 *bits, gsize bit)
{
  bits[bit / 64] |= G_GUINT64_CONSTANT (1) << (bit % 64);
}

/* Ends. */

static void
add_end (Compile *self, GPtrArray *ends, const EwPolicyEnd *end, gsize rule, gboolean to)
{
  guint64 *bits = g_hash_table_lookup (self->ends, end->text);

  if (bits == NULL)
    {
      bits = g_malloc0 (vector_size (self));
      g_hash_table_insert (self->ends, end->text, bits);
      g_ptr_array_add (ends, (gpointer)end);
    }
  set_bit (bits + (to ? self->out->words : 0), rule);
}

static void
add_range (gpointer user, const EwPrefix *prefix)
{
  Compile *self = user;
  const gboolean v6 = prefix->ip.family == EW_FAMILY_V6;
  const guint free_bits = (v6 ? 128u : 32u) - prefix->length;
  const EwPolicyAddress first = ew_policy_address (&prefix->ip);
  const EwPolicyAddress mask = free_bits == 128 ? ~(EwPolicyAddress)0 : ((EwPolicyAddress)1 << free_bits) - 1;
  const Range range = { first, first | mask, self->bits };

  g_array_append_val (self->ranges[v6], range);
}

static void
collect_ranges (Compile *self, const EwPolicy *policy, const EwPolicyWorld *world)
{
  g_autoptr (EwPolicyNames) names = ew_policy_names_new (world);
  g_autoptr (GPtrArray) ends = g_ptr_array_new ();

  for (gsize r = 0; r < policy->n_rules; r++)
    {
      const EwPolicyRule *rule = &policy->rules[r];

      for (gsize i = 0; i < rule->n_from; i++)
        add_end (self, ends, &rule->from[i], r, FALSE);
      for (gsize i = 0; i < rule->n_to; i++)
        add_end (self, ends, &rule->to[i], r, TRUE);
    }
  for (guint i = 0; i < ends->len; i++)
    {
      const EwPolicyEnd *end = ends->pdata[i];

      self->bits = g_hash_table_lookup (self->ends, end->text);
      ew_policy_names_look_up (names, end, add_range, self);
    }
}

/* Addresses. */

static guint32
number_class (Compile *self, const guint64 *bits)
{
  GBytes *bytes = g_bytes_new (bits, vector_size (self));
  gpointer number = g_hash_table_lookup (self->classes, bytes);

  if (number == NULL)
    {
      g_ptr_array_add (self->vectors, bytes);
      number = GUINT_TO_POINTER (self->vectors->len);
      g_hash_table_insert (self->classes, bytes, number); /* borrows bytes from vectors */
    }
  else
    g_bytes_unref (bytes);
  return GPOINTER_TO_UINT (number) - 1;
}

static void
flush_interval (Compile *self)
{
  const guint32 number = number_class (self, self->pending);

  if (self->numbers->len > 0 && g_array_index (self->numbers, guint32, self->numbers->len - 1) == number)
    return;
  g_array_append_val (self->starts, self->start);
  g_array_append_val (self->numbers, number);
}

/* From start on the vectors are these; they are there until the next call. */
static void
begin_interval (Compile *self, EwPolicyAddress start, const guint64 *bits)
{
  if (self->pending != NULL && self->start != start)
    flush_interval (self);
  self->start = start;
  self->pending = bits;
}

static gint
compare_ranges (gconstpointer a, gconstpointer b)
{
  const Range *x = a, *y = b;

  if (x->first != y->first)
    return x->first < y->first ? -1 : 1;
  return x->last == y->last ? 0 : x->last > y->last ? -1 : 1; /* what is around comes first */
}

/* Leaves ranges that end before `until`, or all. Prefixes are inside each other or apart, so what is pending is always
   the innermost range's. */
static void
leave_ranges (Compile *self, GArray *open, EwPolicyAddress until, gboolean all)
{
  while (open->len > 1)
    {
      const Open top = g_array_index (open, Open, open->len - 1);

      if (!all && top.last >= until)
        return;
      g_array_set_size (open, open->len - 1);
      if (top.last != self->family_last)
        begin_interval (self, top.last + 1, g_array_index (open, Open, open->len - 1).bits);
      else if (self->pending != NULL) /* nothing follows */
        {
          flush_interval (self);
          self->pending = NULL;
        }
      g_free (top.bits);
    }
}

static void
sweep_family (Compile *self, gboolean v6)
{
  g_autoptr (GArray) open = g_array_new (FALSE, FALSE, sizeof (Open));
  EwPolicyAddresses *out = &self->out->addresses[v6];
  Open next = { 0, g_malloc0 (vector_size (self)) };

  self->starts = g_array_new (FALSE, FALSE, sizeof (EwPolicyAddress));
  self->numbers = g_array_new (FALSE, FALSE, sizeof (guint32));
  self->pending = NULL;
  self->family_last = v6 ? ~(EwPolicyAddress)0 : G_MAXUINT32;
  g_array_append_val (open, next);
  begin_interval (self, 0, next.bits);
  g_array_sort (self->ranges[v6], compare_ranges);
  for (guint i = 0; i < self->ranges[v6]->len; i++)
    {
      const Range *range = &g_array_index (self->ranges[v6], Range, i);

      leave_ranges (self, open, range->first, FALSE);
      next = (Open){ range->last, g_memdup2 (g_array_index (open, Open, open->len - 1).bits, vector_size (self)) };
      for (guint32 k = 0; k < self->out->words * 2; k++)
        next.bits[k] |= range->bits[k];
      g_array_append_val (open, next);
      begin_interval (self, range->first, next.bits);
    }
  leave_ranges (self, open, 0, TRUE);
  if (self->pending != NULL)
    flush_interval (self);
  g_free (g_array_index (open, Open, 0).bits);
  out->n = self->starts->len;
  out->starts = (EwPolicyAddress *)(void *)g_array_free (self->starts, FALSE);
  out->classes = (guint32 *)(void *)g_array_free (self->numbers, FALSE);
}

static void
copy_classes (Compile *self)
{
  EwPolicyClassifier *out = self->out;

  out->n_classes = self->vectors->len;
  out->from = g_new0 (guint64, (gsize)out->n_classes * out->words);
  out->to = g_new0 (guint64, (gsize)out->n_classes * out->words);
  for (guint32 i = 0; i < out->n_classes; i++)
    {
      const guint64 *bits = g_bytes_get_data (self->vectors->pdata[i], NULL);

      memcpy (out->from + (gsize)i * out->words, bits, out->words * sizeof (guint64));
      memcpy (out->to + (gsize)i * out->words, bits + out->words, out->words * sizeof (guint64));
    }
}

/* Protocols and ports. */

typedef struct
{
  guint32 at;
  guint32 rule;
  gboolean ends;
} Edge;

static gint
compare_edges (gconstpointer a, gconstpointer b)
{
  const Edge *x = a, *y = b;

  return x->at < y->at ? -1 : x->at > y->at;
}

static void
compile_ports (EwPolicyClassifier *out, const EwPolicy *policy, guint8 protocol)
{
  EwPolicyPortTable *table = &out->ports[ew_policy_port_table_of (protocol)];
  g_autoptr (GArray) edges = g_array_new (FALSE, FALSE, sizeof (Edge));
  g_autofree guint64 *bits = g_new0 (guint64, out->words);

  for (gsize r = 0; r < policy->n_rules; r++)
    {
      const EwPolicyRule *rule = &policy->rules[r];

      if (!ew_policy_rule_has_protocol (rule, protocol))
        continue;
      if (rule->n_ports == 0)
        set_bit (bits, r);
      for (gsize i = 0; i < rule->n_ports; i++)
        {
          const Edge both[]
            = { { rule->ports[i].first, (guint32)r, FALSE }, { rule->ports[i].last + 1u, (guint32)r, TRUE } };

          g_array_append_vals (edges, both, 2);
        }
    }
  g_array_sort (edges, compare_edges);
  table->starts = g_new0 (guint16, edges->len + 1);
  table->bits = g_new0 (guint64, (gsize)(edges->len + 1) * out->words);
  for (guint i = 0; i <= edges->len; i++)
    {
      const Edge *edge = i < edges->len ? &g_array_index (edges, Edge, i) : NULL;

      /* What has changed so far holds until here. A range of 0 long is overwritten by what follows it. */
      if (edge == NULL || edge->at > table->starts[table->n])
        {
          memcpy (table->bits + (gsize)table->n * out->words, bits, out->words * sizeof *bits);
          table->n++;
          if (edge == NULL || edge->at > G_MAXUINT16)
            return;
          table->starts[table->n] = (guint16)edge->at;
        }
      bits[edge->rule / 64] ^= G_GUINT64_CONSTANT (1) << (edge->rule % 64);
    }
}

static void
compile_protocols (EwPolicyClassifier *out, const EwPolicy *policy)
{
  out->allows = g_new0 (gboolean, policy->n_rules + 1);
  out->has_ports = g_new0 (gboolean, policy->n_rules + 1);
  out->protocols = g_new0 (guint64, 256 * (gsize)out->words);
  for (gsize r = 0; r < policy->n_rules; r++)
    {
      out->allows[r] = policy->rules[r].allow;
      out->has_ports[r] = policy->rules[r].n_ports > 0;
      for (guint p = 0; p < 256; p++)
        if (ew_policy_rule_has_protocol (&policy->rules[r], (guint8)p))
          set_bit (out->protocols + (gsize)p * out->words, r);
    }
  compile_ports (out, policy, IPPROTO_TCP);
  compile_ports (out, policy, IPPROTO_UDP);
  compile_ports (out, policy, IPPROTO_SCTP);
  compile_ports (out, policy, IPPROTO_DCCP);
}

static gsize
count_memory (const EwPolicyClassifier *self, gsize n_rules)
{
  const gsize vector = self->words * sizeof (guint64);
  gsize memory = sizeof *self + 2 * (n_rules + 1) * sizeof (gboolean) + 256 * vector + 2 * self->n_classes * vector;

  for (gsize i = 0; i < G_N_ELEMENTS (self->addresses); i++)
    memory += self->addresses[i].n * (sizeof (EwPolicyAddress) + sizeof (guint32));
  for (gsize i = 0; i < G_N_ELEMENTS (self->ports); i++)
    memory += self->ports[i].n * (vector + sizeof (guint16));
  return memory;
}

EwPolicyClassifier *
ew_policy_classifier_new (const EwPolicy *policy, const EwPolicyWorld *world)
{
  EwPolicyClassifier *out = g_new0 (EwPolicyClassifier, 1);
  Compile self = { .out = out };

  out->allow = policy->allow;
  out->words = MAX ((guint32)((policy->n_rules + 63) / 64), 1);
  self.ends = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  self.classes = g_hash_table_new (g_bytes_hash, g_bytes_equal);
  self.vectors = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  for (gsize i = 0; i < G_N_ELEMENTS (self.ranges); i++)
    self.ranges[i] = g_array_new (FALSE, FALSE, sizeof (Range));
  collect_ranges (&self, policy, world);
  sweep_family (&self, FALSE);
  sweep_family (&self, TRUE);
  copy_classes (&self);
  compile_protocols (out, policy);
  out->memory = count_memory (out, policy->n_rules);
  g_hash_table_unref (self.classes);
  g_ptr_array_unref (self.vectors);
  g_hash_table_unref (self.ends);
  for (gsize i = 0; i < G_N_ELEMENTS (self.ranges); i++)
    g_array_unref (self.ranges[i]);
  return out;
}
