/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The name of a node to be made: checked while it is typed, as a DNS label and against the names that are taken.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"

G_BEGIN_DECLS

/* Signal "changed" (). */
#define EW_TYPE_NAME_FIELD (ew_name_field_get_type ())
G_DECLARE_FINAL_TYPE (EwNameField, ew_name_field, EW, NAME_FIELD, AdwBin)

void ew_name_field_set_topology (EwNameField *self, EwTopology *topology);
const gchar *ew_name_field_get_text (EwNameField *self);
gboolean ew_name_field_is_good (EwNameField *self);
/* The edge says that another node has this name; it stays invalid until it is changed. */
void ew_name_field_set_taken (EwNameField *self);

G_END_DECLS
