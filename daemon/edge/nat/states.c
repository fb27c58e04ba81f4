/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/nat/state-words.h"

#define WAYS 8
#define SETS_AT_BOUND 64 /* that are tidied for a flow of a node that has too many */
#define PATIENCE 64      /* looks at an entry that another thread is filling with a few stores */

/* Two cache lines. As in edge/switch/flows.c every word is atomic: loads acquire and stores release, so that a thread that
   reads a new word also finds the version that forbids it. */
typedef struct
{
  _Atomic guint64 version; /* odd: being changed */
  _Atomic guint64 key[5];  /* addresses; ports, protocol, family, way, in use */
  _Atomic guint64 to[5];   /* addresses; ports, service */
  _Atomic guint64 owner;   /* EwNatOwner */
  _Atomic guint64 state;   /* seconds it was last seen; the table's generation; flags */
  _Atomic guint64 replied; /* seconds */
  guint64 unused[2];
} Entry;

_Static_assert(sizeof (Entry) == 128, "an entry is two cache lines");

struct EwNatStates
{
  guint64 seed;
  gsize sets;            /* less one */
  _Atomic gsize hand;    /* the set to be tidied next */
  _Atomic guint32 *tags; /* one for each entry, of its key; 0: free. A hint: the entry itself says what it holds. */
  _Atomic guint32 order; /* is_alone()'s */
  gpointer memory;
  Entry *entries;
};

typedef struct
{
  guint64 version, key[5], to[5], owner, state, replied;
} Copy;

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

EwNatTuple
ew_nat_tuple_reverse (const EwNatTuple *tuple)
{
  return (EwNatTuple){ .source = tuple->destination,
                       .destination = tuple->source,
                       .source_port = tuple->destination_port,
                       .destination_port = tuple->source_port,
                       .protocol = tuple->protocol };
}

guint64
ew_nat_states_hash (const EwNatStates *self, const EwNatTuple *tuple)
{
  guint64 words[5];

  pack_key (words, EW_NAT_CALL, tuple);
  return hash_words (self->seed, words);
}

/* Entries. */

/* FALSE: it is being changed. */
static gboolean
read_entry (const Entry *entry, Copy *out)
{
  out->version = load (&entry->version);
  for (guint i = 0; i < G_N_ELEMENTS (out->key); i++)
    out->key[i] = load (&entry->key[i]);
  for (guint i = 0; i < G_N_ELEMENTS (out->to); i++)
    out->to[i] = load (&entry->to[i]);
  out->owner = load (&entry->owner);
  out->state = load (&entry->state);
  out->replied = load (&entry->replied);
  return (out->version & 1) == 0 && load (&entry->version) == out->version;
}

static gboolean
read_patiently (const Entry *entry, Copy *out)
{
  for (guint i = 0; i < PATIENCE; i++)
    if (read_entry (entry, out))
      return TRUE;
  return FALSE;
}

static gboolean
same_words (const guint64 a[5], const guint64 b[5])
{
  return memcmp (a, b, 5 * sizeof a[0]) == 0;
}

/* … also of an entry that is pending. */
static gboolean
same_key (const guint64 a[5], const guint64 b[5])
{
  return memcmp (a, b, 4 * sizeof a[0]) == 0 && ((a[4] ^ b[4]) & ~PENDING) == 0;
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
  EwNatOwner *owner = (EwNatOwner *)(guintptr)copy->owner;

  if (owner != NULL)
    atomic_fetch_sub_explicit (&owner->n, 1, memory_order_relaxed);
}

static void
put_tag (EwNatStates *self, const Entry *entry, guint32 tag)
{
  atomic_store_explicit (&self->tags[entry - self->entries], tag, memory_order_release);
}

static void
clear_entry (EwNatStates *self, Entry *entry, const Copy *copy)
{
  if (!begin_change (entry, copy))
    return;
  release_owner (copy);
  put_tag (self, entry, 0);
  put (&entry->key[4], 0);
  put (&entry->owner, 0);
  end_change (entry, copy);
}

static guint32
tag_of (guint64 hash)
{
  return (guint32)(hash >> 32) | 1;
}

static Entry *
find_entry (EwNatStates *self, const guint64 key[5], Copy *out)
{
  const guint64 hash = hash_words (self->seed, key);
  const gsize first = (hash & self->sets) * WAYS;
  const guint32 tag = tag_of (hash);

  for (guint i = 0; i < WAYS; i++)
    if (atomic_load_explicit (&self->tags[first + i], memory_order_acquire) == tag
        && read_entry (&self->entries[first + i], out) && same_words (out->key, key))
      return &self->entries[first + i];
  return NULL;
}

/* The other way's key; FALSE: it has none. */
static gboolean
make_mate (guint64 mate[5], const Copy *copy)
{
  EwNatTuple to, reversed;

  if ((FLAGS (copy->state) & EW_NAT_DIRECT) != 0)
    return FALSE;
  unpack_tuple (&to, copy->to, copy->key[4]);
  reversed = ew_nat_tuple_reverse (&to);
  pack_key (mate, (copy->key[4] & IS_REPLY) != 0 ? EW_NAT_CALL : EW_NAT_REPLY, &reversed);
  return TRUE;
}

/* What a mate's packets become is the reverse of this one's key. */
static gboolean
is_mate (const Copy *copy, const Copy *other)
{
  return copy->key[0] == other->to[2] && copy->key[1] == other->to[3] && copy->key[2] == other->to[0]
         && copy->key[3] == other->to[1] && (guint16)copy->key[4] == (guint16)(other->to[4] >> 16)
         && (guint16)(copy->key[4] >> 16) == (guint16)other->to[4];
}

static Entry *
find_mate (EwNatStates *self, const Copy *copy, Copy *out)
{
  guint64 key[5];
  Entry *entry = make_mate (key, copy) ? find_entry (self, key, out) : NULL;

  return entry != NULL && is_mate (copy, out) ? entry : NULL;
}

static void
clear_mate (EwNatStates *self, const Copy *copy)
{
  Copy other;
  Entry *mate = find_mate (self, copy, &other);

  if (mate != NULL)
    clear_entry (self, mate, &other);
}

/* Life. */

EwNatStates *
ew_nat_states_new (guint64 seed, gsize capacity)
{
  EwNatStates *self = g_new0 (EwNatStates, 1);

  capacity = capacity != 0 ? capacity : EW_NAT_STATES;
  g_assert (capacity >= WAYS && (capacity & (capacity - 1)) == 0);
  self->seed = seed;
  self->sets = capacity / WAYS - 1;
  self->tags = (_Atomic guint32 *)g_malloc0 (capacity * sizeof self->tags[0]);
  self->memory = g_malloc0 ((capacity + 1) * sizeof (Entry));
  self->entries = (Entry *)(((guintptr)self->memory + sizeof (Entry) - 1) & ~(guintptr)(sizeof (Entry) - 1));
  return self;
}

void
ew_nat_states_free (EwNatStates *self)
{
  if (self == NULL)
    return;
  g_free ((gpointer)self->tags);
  g_free (self->memory);
  g_free (self);
}

/* Looking. */

static void
fill_state (EwNatState *out, const Copy *copy, const Entry *entry)
{
  *out = (EwNatState){
    .way = (copy->key[4] & IS_REPLY) != 0 ? EW_NAT_REPLY : EW_NAT_CALL,
    .service = (guint16)(copy->to[4] >> 32),
    .flags = FLAGS (copy->state),
    .generation = GENERATION (copy->state),
    .seen = SEEN (copy->state),
    .replied = (guint32)copy->replied,
    .entry = entry,
    .version = copy->version,
    .word = copy->state,
  };
  unpack_tuple (&out->before, copy->key, copy->key[4]);
  unpack_tuple (&out->after, copy->to, copy->key[4]);
}

gboolean
ew_nat_states_find (EwNatStates *self, EwNatWay way, const EwNatTuple *tuple, guint32 now, EwNatState *out)
{
  guint64 key[5];
  Copy copy;

  pack_key (key, way, tuple);
  Entry *entry = find_entry (self, key, &copy);
  if (entry == NULL || is_idle (copy.key[4], copy.state, now))
    return FALSE;
  fill_state (out, &copy, entry);
  return TRUE;
}

gboolean
ew_nat_states_is_free (EwNatStates *self, EwNatWay way, const EwNatTuple *tuple, guint32 now)
{
  EwNatState ignored;

  return !ew_nat_states_find (self, way, tuple, now, &ignored);
}

gboolean
ew_nat_states_is_current (const EwNatState *state, guint16 generation, guint32 now)
{
  const Entry *entry = state->entry;

  return SEEN (state->word) == now && GENERATION (state->word) == generation && load (&entry->version) == state->version
         && load (&entry->state) == state->word;
}

/* If another flow has replaced it in the meantime, that only looks fresher than it is. */
static void
replace_state (Entry *entry, guint64 before, guint64 after)
{
  if (after != before)
    atomic_compare_exchange_strong_explicit (&entry->state, &before, after, memory_order_release, memory_order_relaxed);
}

gboolean
ew_nat_states_touch (EwNatStates *self, const EwNatState *state, guint8 flags, guint16 generation, guint32 now)
{
  const guint64 after = make_state (MAX (now, state->seen), generation, state->flags | flags);
  Entry *entry = (Entry *)state->entry, *mate;
  guint64 key[5];
  Copy other;

  if (after == state->word)
    return TRUE;
  replace_state (entry, state->word, after);
  if ((state->flags & EW_NAT_DIRECT) != 0)
    return TRUE;
  const EwNatTuple reversed = ew_nat_tuple_reverse (&state->after);
  pack_key (key, state->way == EW_NAT_CALL ? EW_NAT_REPLY : EW_NAT_CALL, &reversed);
  mate = find_entry (self, key, &other);
  if (mate == NULL)
    {
      ew_nat_states_remove (self, state);
      return FALSE;
    }
  replace_state (mate, other.state,
                 make_state (MAX (now, SEEN (other.state)), GENERATION (other.state), FLAGS (other.state) | flags));
  if (state->way == EW_NAT_REPLY)
    {
      put (&entry->replied, now);
      put (&mate->replied, now);
    }
  return TRUE;
}

void
ew_nat_states_confirm (EwNatStates *self, const EwNatState *state, guint8 flags)
{
  Entry *mate;
  Copy copy, other;

  if (!read_entry (state->entry, &copy))
    return;
  replace_state ((Entry *)state->entry, copy.state,
                 make_state (SEEN (copy.state), GENERATION (copy.state), FLAGS (copy.state) & (guint8)~flags));
  mate = find_mate (self, &copy, &other);
  if (mate != NULL)
    replace_state (mate, other.state,
                   make_state (SEEN (other.state), GENERATION (other.state), FLAGS (other.state) & (guint8)~flags));
}

/* Adding. */

/* Takes idle flows out of one set: a whole pass for every so many flows that are opened. */
static void
tidy_set (EwNatStates *self, guint32 now)
{
  const gsize first = (atomic_fetch_add_explicit (&self->hand, 1, memory_order_relaxed) & self->sets) * WAYS;
  Copy copy;

  for (guint i = 0; i < WAYS; i++)
    if (atomic_load_explicit (&self->tags[first + i], memory_order_relaxed) != 0
        && read_entry (&self->entries[first + i], &copy) && (copy.key[4] & IN_USE) != 0
        && is_idle (copy.key[4], copy.state, now))
      clear_entry (self, &self->entries[first + i], &copy);
}

static gboolean
is_at_bound (const EwNatOwner *owner, guint32 more)
{
  return atomic_load_explicit (&owner->n, memory_order_relaxed) + more > EW_NAT_STATES_PER_NODE;
}

/* A node at its bound needs its idle flows' room now. */
static void
make_room (EwNatStates *self, const EwNatOwner *owner, guint32 now)
{
  const guint sets = is_at_bound (owner, 2) ? SETS_AT_BOUND : 1;

  for (guint i = 0; i < sets; i++)
    tidy_set (self, now);
}

/* How well an entry can be done without: 0 not at all, 4 best. */
static guint
rank_entry (const Copy *copy, const guint64 key[5], const EwNatOwner *owner, gboolean at_bound, guint32 now)
{
  if (same_key (copy->key, key))
    return 4;
  if ((copy->key[4] & IN_USE) == 0)
    return at_bound ? 0 : 3;
  if (is_idle (copy->key[4], copy->state, now))
    return at_bound && copy->owner != (guintptr)owner ? 0 : 2;
  return copy->owner == (guintptr)owner ? 1 : 0;
}

/* The best entry of the set for that key, NULL: none; *taken: the key is there, is another flow's and lives. */
static Entry *
choose_entry (EwNatStates *self, const Copy *wanted, gsize first, guint32 tag, guint32 now, Copy *chosen,
              gboolean *taken)
{
  const EwNatOwner *owner = (const EwNatOwner *)(guintptr)wanted->owner;
  const gboolean at_bound = is_at_bound (owner, 1);
  Entry *best = NULL;
  guint best_rank = 0;
  Copy copy;

  for (guint i = 0; i < WAYS; i++)
    {
      Entry *entry = &self->entries[first + i];
      const gboolean alike = atomic_load_explicit (&self->tags[first + i], memory_order_acquire) == tag;

      if (!(alike ? read_patiently (entry, &copy) : read_entry (entry, &copy)))
        {
          *taken = *taken || alike;
          continue;
        }
      const guint rank = rank_entry (&copy, wanted->key, owner, at_bound, now);
      if (rank == 4 && !same_words (copy.to, wanted->to) && !is_idle (copy.key[4], copy.state, now))
        *taken = TRUE;
      if (rank > best_rank || (rank == 1 && best_rank == 1 && SEEN (copy.state) < SEEN (chosen->state)))
        {
          best = entry;
          best_rank = rank;
          *chosen = copy;
        }
    }
  return best;
}

/* Two threads may have put the same key into two entries at once. Each looks for the other's after its own can be seen,
   so at least one of them finds both: whoever changes self->order later sees what the other wrote before. (A fence would
   do, but thread sanitizers don't know those.) */
static gboolean
is_alone (EwNatStates *self, const Entry *mine, const guint64 key[5], gsize first, guint32 tag)
{
  Copy copy;

  atomic_fetch_add_explicit (&self->order, 1, memory_order_acq_rel);
  for (guint i = 0; i < WAYS; i++)
    {
      const Entry *entry = &self->entries[first + i];

      if (entry != mine && atomic_load_explicit (&self->tags[first + i], memory_order_acquire) == tag
          && (!read_patiently (entry, &copy) || same_key (copy.key, key)))
        return FALSE;
    }
  return TRUE;
}

/* Pending: only those who add a flow see it. */
static void
fill_entry (EwNatStates *self, Entry *entry, const Copy *wanted, guint32 tag)
{
  EwNatOwner *owner = (EwNatOwner *)(guintptr)wanted->owner;

  put_tag (self, entry, tag);
  for (guint i = 0; i < G_N_ELEMENTS (wanted->key) - 1; i++)
    put (&entry->key[i], wanted->key[i]);
  put (&entry->key[4], wanted->key[4] | PENDING);
  for (guint i = 0; i < G_N_ELEMENTS (wanted->to); i++)
    put (&entry->to[i], wanted->to[i]);
  put (&entry->owner, wanted->owner);
  put (&entry->state, wanted->state);
  put (&entry->replied, wanted->replied);
  atomic_fetch_add_explicit (&owner->n, 1, memory_order_relaxed);
}

/* For everybody to find. FALSE: it was taken for something else in the meantime. */
static gboolean
publish_entry (Entry *entry, const Copy *wanted, guint64 version)
{
  const Copy filled = { .version = version };
  Copy now;

  if (begin_change (entry, &filled))
    {
      put (&entry->key[4], wanted->key[4]);
      end_change (entry, &filled);
      return TRUE;
    }
  return read_patiently (entry, &now) && same_key (now.key, wanted->key) && same_words (now.to, wanted->to);
}

static EwNatAdded
insert_entry (EwNatStates *self, const Copy *wanted, guint32 now)
{
  const guint64 hash = hash_words (self->seed, wanted->key);
  const gsize first = (hash & self->sets) * WAYS;
  const guint32 tag = tag_of (hash);
  gboolean taken = FALSE;
  Copy old = { 0 }, mine;

  Entry *entry = choose_entry (self, wanted, first, tag, now, &old, &taken);
  if (taken)
    return EW_NAT_TAKEN;
  if (entry == NULL || !begin_change (entry, &old))
    return EW_NAT_FULL;
  const gboolean replaces = (old.key[4] & IN_USE) != 0;
  if (replaces)
    release_owner (&old);
  fill_entry (self, entry, wanted, tag);
  end_change (entry, &old);
  /* … and what it replaces goes whole, unless it's the same flow. */
  if (replaces && !(same_words (old.key, wanted->key) && same_words (old.to, wanted->to)))
    clear_mate (self, &old);
  if (is_alone (self, entry, wanted->key, first, tag))
    return publish_entry (entry, wanted, old.version + 2) ? EW_NAT_ADDED : EW_NAT_FULL;
  if (read_entry (entry, &mine) && same_key (mine.key, wanted->key))
    clear_entry (self, entry, &mine);
  return EW_NAT_TAKEN;
}

static void
pack_entry (Copy *out, EwNatWay way, const EwNatTuple *before, const EwNatTuple *after, const EwNatState *state,
            EwNatOwner *owner, guint32 now)
{
  *out = (Copy){
    .owner = (guintptr)owner,
    .state = make_state (now, state->generation, state->flags),
    .replied = (state->flags & EW_NAT_REPLIED) != 0 ? now : 0,
  };
  pack_key (out->key, way, before);
  pack_tuple (out->to, after);
  out->to[4] |= (guint64)state->service << 32;
}

EwNatAdded
ew_nat_states_add (EwNatStates *self, const EwNatState *state, EwNatOwner *owner, guint32 now)
{
  const EwNatTuple reply = ew_nat_tuple_reverse (&state->after), back = ew_nat_tuple_reverse (&state->before);
  Copy call, answer, old;
  EwNatAdded added;

  pack_entry (&call, EW_NAT_CALL, &state->before, &state->after, state, owner, now);
  pack_entry (&answer, EW_NAT_REPLY, &reply, &back, state, owner, now);
  make_room (self, owner, now);
  Entry *former = find_entry (self, call.key, &old);
  if (former != NULL && !same_words (old.to, call.to))
    {
      clear_mate (self, &old);
      clear_entry (self, former, &old);
    }
  added = insert_entry (self, &answer, now);
  if (added != EW_NAT_ADDED)
    return added;
  if (insert_entry (self, &call, now) == EW_NAT_ADDED)
    return EW_NAT_ADDED;
  former = find_entry (self, answer.key, &old);
  if (former != NULL && same_words (old.to, answer.to))
    clear_entry (self, former, &old);
  return EW_NAT_FULL;
}

EwNatAdded
ew_nat_states_add_direct (EwNatStates *self, const EwNatTuple *reply, EwNatOwner *owner, guint32 now)
{
  const EwNatState state = { .flags = EW_NAT_DIRECT };
  Copy entry;

  pack_entry (&entry, EW_NAT_REPLY, reply, reply, &state, owner, now);
  make_room (self, owner, now);
  return insert_entry (self, &entry, now);
}

/* Removing. */

void
ew_nat_states_remove (EwNatStates *self, const EwNatState *state)
{
  guint64 key[5];
  Copy copy;

  pack_key (key, state->way, &state->before);
  Entry *entry = find_entry (self, key, &copy);
  if (entry == NULL)
    return;
  clear_mate (self, &copy);
  clear_entry (self, entry, &copy);
}

void
ew_nat_states_forget (EwNatStates *self, EwNatOwner *owner)
{
  for (gsize i = 0; i < (self->sets + 1) * WAYS && atomic_load (&owner->n) > 0; i++)
    {
      Entry *entry = &self->entries[i];
      Copy copy;

      /* A writer in the middle of its few stores may be letting go of the owner: it is waited for. */
      while (load (&entry->owner) == (guintptr)owner)
        if (read_entry (entry, &copy) && copy.owner == (guintptr)owner)
          clear_entry (self, entry, &copy);
    }
}
