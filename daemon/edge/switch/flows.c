/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/switch/flows.h"

#include <netinet/in.h>
#include <string.h>

#define WAYS 4
#define GENERATION_BITS 31

/* One cache line. Every word is atomic: loads acquire and stores release, so that a thread that reads a new word also
   finds the version that forbids it. */
typedef struct
{
  _Atomic guint64 version; /* odd: being changed */
  _Atomic guint64 key[5];  /* low address, high address; ports, protocol, family; the direction that opened; in use */
  _Atomic guint64 owner;   /* EwFlowOwner */
  _Atomic guint64 state;   /* seconds it was last seen; generation; replied */
} Entry;

_Static_assert(sizeof (Entry) == 64, "an entry is a cache line");

struct EwFlowTable
{
  guint64 seed;
  gsize sets; /* less one */
  _Atomic guint32 generation;
  _Atomic gsize hand; /* the set to be tidied next */
  gpointer memory;
  Entry *entries;
};

/* In the last word of the key. */
#define OPENER (G_GUINT64_CONSTANT (1) << 48)
#define IN_USE (G_GUINT64_CONSTANT (1) << 49)
#define SERVICE_AT 50 /* 14 bits, as many as EW_NAT_NUMBER_MAX has */

/* In the state. */
#define REPLIED (G_GUINT64_CONSTANT (1) << 63)
#define SEEN(state) ((guint32)(state))
#define GENERATION(state) ((guint32)((state) >> 32) & ((1u << GENERATION_BITS) - 1))

static guint64
load (const _Atomic guint64 *word)
{
  return atomic_load_explicit (word, memory_order_acquire);
}

static void
put (_Atomic guint64 *word, guint64 value)
{
  atomic_store_explicit (word, value, memory_order_release);
}

static void
make_key (guint64 key[5], const EwFlow *flow)
{
  memcpy (key, flow->low.bytes, 16);
  memcpy (key + 2, flow->high.bytes, 16);
  key[4] = (guint64)flow->low_port | (guint64)flow->high_port << 16 | (guint64)flow->protocol << 32
           | (guint64)flow->low.family << 40 | (guint64)flow->service << SERVICE_AT | (flow->reversed ? OPENER : 0)
           | IN_USE;
}

static guint64
make_state (const EwFlowTable *self, guint32 now, gboolean replied)
{
  const guint64 generation
    = atomic_load_explicit (&self->generation, memory_order_acquire) & ((1u << GENERATION_BITS) - 1);

  return now | generation << 32 | (replied ? REPLIED : 0);
}

static Entry *
set_of (const EwFlowTable *self, const EwFlow *flow)
{
  return self->entries + (ew_switch_flow_hash (flow, self->seed) & self->sets) * WAYS;
}

static gboolean
is_idle (guint64 ports, guint64 state, guint32 now)
{
  const guint8 protocol = (guint8)(ports >> 32);
  const guint32 limit = (state & REPLIED) == 0    ? EW_FLOW_IDLE_NEW
                        : protocol == IPPROTO_TCP ? EW_FLOW_IDLE_TCP
                                                  : EW_FLOW_IDLE;

  return now - MIN (now, SEEN (state)) > limit;
}

typedef struct
{
  guint64 version, key[5], owner, state;
} Copy;

/* FALSE: it is being changed. */
static gboolean
read_entry (const Entry *entry, Copy *out)
{
  out->version = load (&entry->version);
  for (guint i = 0; i < G_N_ELEMENTS (out->key); i++)
    out->key[i] = load (&entry->key[i]);
  out->owner = load (&entry->owner);
  out->state = load (&entry->state);
  return (out->version & 1) == 0 && load (&entry->version) == out->version;
}

static gboolean
holds (const Copy *copy, const guint64 key[5])
{
  return ((copy->key[4] ^ key[4]) & ~OPENER) == 0 && memcmp (copy->key, key, 32) == 0;
}

/* TRUE: the entry is as it was read, and now this thread's until end_change(). */
static gboolean
begin_change (Entry *entry, const Copy *copy)
{
  guint64 expected = copy->version;

  return atomic_compare_exchange_strong_explicit (&entry->version, &expected, expected + 1, memory_order_acq_rel,
                                                  memory_order_relaxed);
}

static void
end_change (Entry *entry, const Copy *copy)
{
  put (&entry->version, copy->version + 2);
}

/* What it holds is no more counted as its owner's: the owner is there as long as the entry names it. */
static void
release_owner (const Copy *copy)
{
  EwFlowOwner *owner = (EwFlowOwner *)(guintptr)copy->owner;

  if (owner != NULL)
    atomic_fetch_sub_explicit (&owner->n, 1, memory_order_relaxed);
}

static void
clear_entry (Entry *entry, const Copy *copy)
{
  if (!begin_change (entry, copy))
    return;
  release_owner (copy);
  put (&entry->key[4], 0);
  put (&entry->owner, 0);
  end_change (entry, copy);
}

EwFlowTable *
ew_switch_flow_table_new (guint64 seed, gsize capacity)
{
  EwFlowTable *self = g_new0 (EwFlowTable, 1);

  capacity = capacity != 0 ? capacity : EW_FLOWS_DEFAULT;
  g_assert (capacity >= WAYS && (capacity & (capacity - 1)) == 0);
  self->seed = seed;
  self->sets = capacity / WAYS - 1;
  self->memory = g_malloc0 ((capacity + 1) * sizeof (Entry));
  self->entries = (Entry *)(((guintptr)self->memory + sizeof (Entry) - 1) & ~(guintptr)(sizeof (Entry) - 1));
  return self;
}

void
ew_switch_flow_table_free (EwFlowTable *self)
{
  if (self == NULL)
    return;
  g_free (self->memory);
  g_free (self);
}

/* Once a second for a flow: most packets write nothing. If another flow has replaced it in the meantime, that only
   looks fresher than it is. */
static void
note_packet (const EwFlowTable *self, Entry *entry, const Copy *copy, gboolean reply, guint32 now)
{
  guint64 before = copy->state;
  const guint64 after = make_state (self, now, reply || (before & REPLIED) != 0);

  if (after != before)
    atomic_compare_exchange_strong_explicit (&entry->state, &before, after, memory_order_release, memory_order_relaxed);
}

EwFlowState
ew_switch_flow_table_find (EwFlowTable *self, const EwFlow *flow, guint32 now, gboolean *opener)
{
  Entry *entries = set_of (self, flow);
  guint64 key[5];
  Copy copy;

  make_key (key, flow);
  for (guint i = 0; i < WAYS; i++)
    {
      if (((load (&entries[i].key[4]) ^ key[4]) & ~OPENER) != 0 || !read_entry (&entries[i], &copy)
          || !holds (&copy, key))
        continue;
      if (is_idle (copy.key[4], copy.state, now))
        return EW_FLOW_UNKNOWN;
      *opener = (copy.key[4] & OPENER) != 0;
      if (GENERATION (copy.state) != GENERATION (make_state (self, now, FALSE)))
        return EW_FLOW_STALE;
      note_packet (self, &entries[i], &copy, *opener != flow->reversed, now);
      return EW_FLOW_PASSES;
    }
  return EW_FLOW_UNKNOWN;
}

/* Takes idle flows out of one set: a whole pass for every so many flows that are opened. */
static void
tidy (EwFlowTable *self, guint32 now)
{
  Entry *entries
    = self->entries + (atomic_fetch_add_explicit (&self->hand, 1, memory_order_relaxed) & self->sets) * WAYS;
  Copy copy;

  for (guint i = 0; i < WAYS; i++)
    if ((load (&entries[i].key[4]) & IN_USE) != 0 && read_entry (&entries[i], &copy)
        && is_idle (copy.key[4], copy.state, now))
      clear_entry (&entries[i], &copy);
}

/* How well an entry can be done without: 0 not at all, 4 best. */
static guint
rank (const Copy *copy, const guint64 key[5], const EwFlowOwner *owner, gboolean at_bound, guint32 now)
{
  if (holds (copy, key))
    return 4;
  if ((copy->key[4] & IN_USE) == 0)
    return at_bound ? 0 : 3;
  if (is_idle (copy->key[4], copy->state, now))
    return at_bound && copy->owner != (guintptr)owner ? 0 : 2;
  return copy->owner == (guintptr)owner ? 1 : 0;
}

gboolean
ew_switch_flow_table_store (EwFlowTable *self, const EwFlow *flow, EwFlowOwner *owner, guint32 now)
{
  const gboolean at_bound = atomic_load_explicit (&owner->n, memory_order_relaxed) >= EW_FLOWS_PER_NODE;
  Entry *entries = set_of (self, flow), *best = NULL;
  guint best_rank = 0;
  Copy copy, best_copy = { 0 };
  guint64 key[5];

  make_key (key, flow);
  tidy (self, now);
  for (guint i = 0; i < WAYS; i++)
    {
      if (!read_entry (&entries[i], &copy))
        continue;
      const guint fit = rank (&copy, key, owner, at_bound, now);
      if (fit > best_rank
          || (fit == 1 && best_rank == 1 && SEEN (copy.state) < SEEN (best_copy.state))) /* its oldest */
        {
          best = &entries[i];
          best_rank = fit;
          best_copy = copy;
        }
    }
  if (best == NULL || !begin_change (best, &best_copy))
    return FALSE;
  if ((best_copy.key[4] & IN_USE) != 0)
    release_owner (&best_copy);
  for (guint i = 0; i < G_N_ELEMENTS (key); i++)
    put (&best->key[i], key[i]);
  put (&best->owner, (guintptr)owner);
  put (&best->state, make_state (self, now, best_rank == 4 && (best_copy.state & REPLIED) != 0));
  atomic_fetch_add_explicit (&owner->n, 1, memory_order_relaxed);
  end_change (best, &best_copy);
  return TRUE;
}

void
ew_switch_flow_table_remove (EwFlowTable *self, const EwFlow *flow)
{
  Entry *entries = set_of (self, flow);
  guint64 key[5];
  Copy copy;

  make_key (key, flow);
  for (guint i = 0; i < WAYS; i++)
    if (read_entry (&entries[i], &copy) && holds (&copy, key))
      clear_entry (&entries[i], &copy);
}

guint32
ew_switch_flow_table_generation (EwFlowTable *self)
{
  return atomic_load_explicit (&self->generation, memory_order_acquire);
}

void
ew_switch_flow_table_invalidate (EwFlowTable *self)
{
  atomic_fetch_add_explicit (&self->generation, 1, memory_order_acq_rel);
}

void
ew_switch_flow_table_forget (EwFlowTable *self, EwFlowOwner *owner)
{
  for (gsize i = 0; i < (self->sets + 1) * WAYS && atomic_load (&owner->n) > 0; i++)
    {
      Entry *entry = &self->entries[i];
      Copy copy;

      /* A writer in the middle of its few stores may be letting go of the owner: it is waited for. */
      while (load (&entry->owner) == (guintptr)owner)
        if (read_entry (entry, &copy) && copy.owner == (guintptr)owner)
          clear_entry (entry, &copy);
    }
}
