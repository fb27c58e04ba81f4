/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "map/slots.h"

typedef struct
{
  EwSector sector;
  guint index;
  gboolean live;
} Slot;

struct _EwSlots
{
  GHashTable *slots; /* id → Slot */
  guint length[EW_N_SECTORS];
  guint live[EW_N_SECTORS];
};

EwSlots *
ew_slots_new (void)
{
  EwSlots *self = g_new0 (EwSlots, 1);

  self->slots = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
ew_slots_free (EwSlots *self)
{
  g_hash_table_unref (self->slots);
  g_free (self);
}

static void
forget_all (EwSlots *self)
{
  g_hash_table_remove_all (self->slots);
  for (guint i = 0; i < EW_N_SECTORS; i++)
    self->length[i] = 0;
}

static void
take (EwSlots *self, const gchar *id, EwSector sector)
{
  Slot *slot = g_hash_table_lookup (self->slots, id);

  if (slot == NULL)
    {
      slot = g_new0 (Slot, 1);
      g_hash_table_insert (self->slots, g_strdup (id), slot);
      slot->sector = sector;
      slot->index = self->length[sector]++;
    }
  else if (slot->sector != sector)
    {
      slot->sector = sector;
      slot->index = self->length[sector]++;
    }
  slot->live = TRUE;
  self->live[sector]++;
}

void
ew_slots_update (EwSlots *self, const gchar *const *ids, const EwSector *sectors, guint n)
{
  GHashTableIter iter;
  gpointer slot;

  g_hash_table_iter_init (&iter, self->slots);
  while (g_hash_table_iter_next (&iter, NULL, &slot))
    ((Slot *)slot)->live = FALSE;
  for (guint i = 0; i < EW_N_SECTORS; i++)
    self->live[i] = 0;
  if (n == 0)
    forget_all (self);
  for (guint i = 0; i < n; i++)
    take (self, ids[i], sectors[i]);
}

guint
ew_slots_length (EwSlots *self, EwSector sector)
{
  return self->length[sector];
}

guint
ew_slots_n_live (EwSlots *self, EwSector sector)
{
  return self->live[sector];
}

guint
ew_slots_total (EwSlots *self)
{
  return self->length[EW_SECTOR_DEVICES] + self->length[EW_SECTOR_SERVERS] + self->length[EW_SECTOR_SITES];
}

guint
ew_slots_index (EwSlots *self, const gchar *id)
{
  const Slot *slot = g_hash_table_lookup (self->slots, id);

  g_return_val_if_fail (slot != NULL, 0);
  return slot->index;
}
