/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One thing on the map that can be chosen: a node's token, the edge's disc, a whole sector of seats, or the
 * capsule of a service. A button for
 * assistive technology, with the actions token.open and token.path. It draws its face; its view places it and says
 * what it shows.
 */
#pragma once

#include <gtk/gtk.h>

#include "map/map-colors.h"
#include "model/node.h"

G_BEGIN_DECLS

typedef enum
{
  EW_TOKEN_NODE,
  EW_TOKEN_EDGE,
  EW_TOKEN_SECTOR,
  EW_TOKEN_SERVICE,
} EwTokenRole;

/* Around the face, for its badge, halo and focus ring. */
#define EW_TOKEN_MARGIN 12.0

/* All that a token's picture depends on. */
typedef struct
{
  const gchar *icon_name;
  gboolean round;
  gboolean self;
  gboolean selected;
  gboolean on_path;  /* has the path's halo */
  gboolean badge_up; /* its badge at the upper right: the capsule's line leaves below */
  gboolean dimmed;   /* doesn't match the search */
  gboolean past;     /* as it was last seen: grey */
  EwNodeState state;
} EwTokenFace;

/* Signals: "open", "path" and "menu" (x d, y d), from a pointer: where, in the token's coordinates; -1, -1 from
   assistive technology. */
#define EW_TYPE_TOKEN (ew_token_get_type ())
G_DECLARE_FINAL_TYPE (EwToken, ew_token, EW, TOKEN, GtkWidget)

/* object: the EwNode, EwEdge or EwService it stands for; a capsule of all services of a node has that node; NULL for a
   sector. */
EwToken *ew_token_new (EwTokenRole role, GObject *object);
EwTokenRole ew_token_get_role (EwToken *self);
GObject *ew_token_get_object (EwToken *self); /* borrowed */

/* size: of the face, px. */
void ew_token_set_size (EwToken *self, gdouble size);
void ew_token_set_face (EwToken *self, const EwTokenFace *face, const EwMapColors *colors);
/* What is said of it; equal words change nothing. */
void ew_token_set_words (EwToken *self, const gchar *name, const gchar *description, const gchar *tooltip);
/* A capsule's text, and its size, px. */
void ew_token_set_capsule (EwToken *self, PangoLayout *text, gdouble width, gdouble height);
/* A sector's reach, for the pointer and its outline: the layout's angles and radii, around the token's middle. */
void ew_token_set_wedge (EwToken *self, gdouble from, gdouble to, gdouble inner, gdouble outer);
/* The edge's lines of text; value: "" for none. */
void ew_token_set_text (EwToken *self, const gchar *title, const gchar *subtitle, const gchar *value);
/* Of the edge: are its name and its value written at their size? (Where there is little room what it is goes first.) */
gboolean ew_token_shows_state (EwToken *self);
/* Of the edge: is nothing of its text left out or shortened? */
gboolean ew_token_shows_all (EwToken *self);
/* A plate's or wedge's outline with round corners, as a path in cr; margin: px around it. */
void ew_wedge_path (cairo_t *cr, gdouble cx, gdouble cy, gdouble from, gdouble to, gdouble inner, gdouble outer,
                    gdouble margin);

G_END_DECLS
