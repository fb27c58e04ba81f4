/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which node has which place on the ring. A place is given once: a node keeps it while it exists, it stays empty after
 * the node was removed, and the same node gets it again when it returns. New nodes are appended to their sector. When
 * no node is left (another mesh), all places are free again. Pure: GLib only.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Clockwise. A gateway is a site, whatever it runs on. */
typedef enum
{
  EW_SECTOR_DEVICES,
  EW_SECTOR_SERVERS,
  EW_SECTOR_SITES,
  EW_N_SECTORS,
} EwSector;

typedef struct _EwSlots EwSlots;

EwSlots *ew_slots_new (void);
void ew_slots_free (EwSlots *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwSlots, ew_slots_free)

/* The nodes that are there now, in the order of their enrolment; ids are unique. A node that changed its sector leaves
   its place empty and is appended to the other one. */
void ew_slots_update (EwSlots *self, const gchar *const *ids, const EwSector *sectors, guint n);

/* Places given so far in a sector, empty ones counted, and how many of them are taken. */
guint ew_slots_length (EwSlots *self, EwSector sector);
guint ew_slots_n_live (EwSlots *self, EwSector sector);
guint ew_slots_total (EwSlots *self);
/* The place of a node that is there, in its sector, from 0. */
guint ew_slots_index (EwSlots *self, const gchar *id);

G_END_DECLS
