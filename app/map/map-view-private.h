/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The map's inside, shared by its parts: items (what is on it), draw (the picture), dots, zoom, keys, menu.
 *
 * Dial coordinates are the layout's; the view shows them moved by pan and scaled by zoom around its middle.
 */
#pragma once

#include <adwaita.h>

#include "map/layout.h"
#include "map/map-colors.h"
#include "map/map-dots.h"
#include "map/map-legend.h"
#include "map/map-measures.h"
#include "map/map-view.h"
#include "map/path-card.h"
#include "map/token.h"

G_BEGIN_DECLS

#define EW_MAP_ZOOM_LEAST 0.5
#define EW_MAP_ZOOM_MOST 4.0
#define EW_MAP_SEAT_TOKEN 24.0 /* px between seats, on the screen: then they become tokens */
#define EW_MAP_SEAT_TOKENS 300 /* at most, in the whole view */

typedef struct _EwMapCapsule EwMapCapsule; /* map-services.c */

/* One node on the map, in the order of the topology. */
typedef struct
{
  EwNode *node;
  EwToken *token;    /* NULL: a seat */
  EwNodeState state; /* as shown */
  gboolean https;    /* online, and not by UDP */
  EwSector sector;
  gdouble width;           /* of its spoke */
  PangoLayout *name;       /* the label's lines; compact: name and state_text, side by side */
  PangoLayout *state_text; /* the second line without the address; NULL: no text */
  PangoLayout *detail;     /* with the address; NULL: no address */
  gint name_width;         /* of the whole name, or as much of it as is shown at most */
  gboolean shortened;      /* letters of the name are missing */
  PangoLayout *leaf;
  GPtrArray *services, *capsules; /* EwService that lead to it, by name; EwMapCapsule; NULL: none */
  gchar *words;                   /* what the lines were made of */
  gdouble from_angle, to_angle;   /* where it slides from and to */
  gboolean fresh;                 /* it is new */
  gboolean dimmed;                /* the search doesn't find it */
} EwMapItem;

/* Where the path card lies; known: it was chosen. */
typedef struct
{
  gboolean known;
  guint shape, corner;
  gboolean between;
} EwCardPlace;

struct _EwMapView
{
  GtkWidget parent;
  EwDaemon *daemon;
  EwTopology *topology;
  EwEdge *edge; /* whose changes are followed; NULL: none yet */
  GObject *selected;
  gchar *search;

  GPtrArray *items;     /* EwMapItem */
  GHashTable *by_node;  /* EwNode → EwMapItem, borrowed */
  GHashTable *by_token; /* EwToken → EwMapItem, borrowed */
  EwSlots *slots;
  EwMapMeasures measures;
  EwLayout *dial;   /* without zoom and labels: what the cards keep off; there as soon as the layout is */
  EwLayout *layout; /* NULL until the first size */
  PangoLayout *sector_names[EW_N_SECTORS];
  PangoLayout *sector_details[EW_N_SECTORS];
  gboolean sector_dimmed[EW_N_SECTORS]; /* the search finds no node there */
  PangoLayout *pill_near, *pill_far;
  gboolean items_stale;    /* the topology has others */
  gboolean services_stale; /* the topology has others, or they lead elsewhere */
  gboolean layout_stale;
  const EwMapColors *colors;
  GskRenderNode *scene;         /* NULL: draw it again */
  GskRenderNode *choice;        /* of seats: what a selection changes, above the scene */
  GskRenderNode *top;           /* pills, above the dots */
  GskRenderNode *still;         /* the scene as it is in sight; NULL: make it again */
  GskRenderNode *whole;         /* the dial with its tokens, to be scaled while moving; NULL: make it again */
  GskTransform *allocated;      /* from dial to view, as the tokens are allocated */
  guint moving;                 /* zoomed or panned just now */
  guint again;                  /* an idle: places are given once more */
  guint clock;                  /* followed while it is seen */
  gdouble seat_size, seat_line; /* px: a seat's token, the line of its name */
  gboolean seats_named;         /* there is room for names */
  GArray *seats_drawn;          /* gdouble: what the scene of seats was drawn from */

  EwToken *hub;
  EwToken *wedges[EW_N_SECTORS]; /* seats only */
  EwMapDots *dots;
  EwPathCard *card;
  EwCardPlace card_place;
  EwMapLegend *legend;
  GtkWidget *zoom_box;
  GtkLabel *found;    /* what the search has found, in words */
  EwMapItem *awaited; /* gets the focus with its token; borrowed, NULL: none */
  GtkWidget *popover; /* NULL: no menu is open */
  EwToken *current;   /* where Tab enters; borrowed, NULL: this computer */

  AdwAnimation *slide;
  gdouble slid; /* 0 to 1 */
  AdwAnimation *zooming;
  gdouble zoom, pan_x, pan_y;
  gdouble layout_zoom;    /* what the layout is made for: the zoom at rest, from 1 */
  gdouble area_x, area_y; /* the pan that the scene is drawn around */
  gdouble zoom_from[3], zoom_to[3];
  gdouble gesture_zoom, gesture_pan_x, gesture_pan_y;
  gdouble pointer_x, pointer_y;

  GString *typed; /* letters, for finding */
  gint64 typed_at;
};

/* items, faces */
void ew_map_items_update (EwMapView *self);                          /* after items_stale */
void ew_map_items_states (EwMapView *self);                          /* before layout */
void ew_map_items_layout (EwMapView *self, gint width, gint height); /* after layout_stale, and for a new size */
void ew_map_items_tokens (EwMapView *self);                          /* which items have a token */
gdouble ew_map_named_pitch (EwMapView *self); /* of seats, from which on their tokens have names */
void ew_map_items_retouch (EwMapView *self);  /* selection, search, colors: faces and words */
void ew_map_items_retell (EwMapView *self);   /* a second has passed */
void ew_map_items_recount (EwMapView *self);  /* counters came */
void ew_map_items_refresh (EwMapView *self);  /* widths of spokes, dots */
void ew_map_items_slid (EwMapView *self, gdouble slid);
void ew_map_item_free (EwMapItem *item);
/* Of a node, or of the node that callers of a service are led to first; NULL: none. */
EwMapItem *ew_map_find_item (EwMapView *self, GObject *object);
EwMapItem *ew_map_self_item (EwMapView *self); /* NULL: unknown */
guint ew_map_index (EwMapView *self, EwMapItem *item);
gboolean ew_map_is_on_path (EwMapView *self, EwMapItem *item);
gboolean ew_map_is_current (EwMapView *self);           /* what is known is also so now */
gboolean ew_map_misses_edge (EwMapView *self);          /* it should answer, and doesn't */
gdouble ew_map_angle (EwMapView *self, guint index);    /* while it slides */
gdouble ew_map_distance (EwMapView *self, guint index); /* of its token from the center */
EwPoint ew_map_point (EwMapView *self, gdouble radius, gdouble angle);

void ew_map_update_found (EwMapView *self); /* search or nodes have changed */
/* layout, cards */
void ew_map_measure_dial (EwMapView *self, gint width, gint height); /* then the cards have their places */
void ew_map_cards_allocate (EwMapView *self, gint width, gint height);
void ew_map_cards_allocate_legend (EwMapView *self);                     /* it may have other lines */
EwLayout *ew_map_make_layout (EwMapView *self, gint width, gint height); /* transfer full */
EwLayoutMode ew_map_coming_mode (EwMapView *self);
/* How much nodes would say with a card here, states and latencies first; NULL: without one. 0 for seats. */
gint ew_map_count_words (EwMapView *self, const EwBox *card);
void ew_map_reserve (EwMapView *self, EwLayoutInput *input, GtkWidget *widget); /* where it is, if it is shown */

/* draw, seats */
void ew_map_draw_scene (EwMapView *self, GtkSnapshot *snapshot);
void ew_map_draw_choice (EwMapView *self, GtkSnapshot *snapshot); /* seats; else it is part of the scene */
void ew_map_draw_seats (EwMapView *self, GtkSnapshot *snapshot);
gboolean ew_map_seats_changed (EwMapView *self); /* they would look other than when this was asked last */
void ew_map_draw_chosen (EwMapView *self, GtkSnapshot *snapshot); /* seats */
void ew_map_draw_labels (EwMapView *self, GtkSnapshot *snapshot);
void ew_map_draw_top (EwMapView *self, GtkSnapshot *snapshot);
/* For what is drawn in this rectangle; only as much of it as the area has. */
cairo_t *ew_map_append_cairo (EwMapView *self, GtkSnapshot *snapshot, gdouble x, gdouble y, gdouble width,
                              gdouble height);
void ew_map_draw_line (GtkSnapshot *snapshot, EwPoint from, EwPoint to, gdouble width, const GdkRGBA *color);
void ew_map_draw_text (GtkSnapshot *snapshot, PangoLayout *text, gdouble x, gdouble y, const GdkRGBA *color);
EwMapItem *ew_map_seat_at (EwMapView *self, gdouble x, gdouble y); /* dial coordinates; NULL: none */

/* still */
void ew_map_redraw (EwMapView *self);     /* what is drawn once has changed */
void ew_map_redraw_top (EwMapView *self); /* of it, what lies above the dots */
void ew_map_set_moving (EwMapView *self); /* zoom or pan has changed */
void ew_map_snapshot (EwMapView *self, GtkSnapshot *snapshot);
void ew_map_still_clear (EwMapView *self);

/* follow */
void ew_map_follow (EwMapView *self);       /* once, when its models are there */
void ew_map_follow_style (EwMapView *self); /* the widget's style has changed */
void ew_map_set_seen (EwMapView *self, gboolean seen);

/* view */
void ew_map_adopt (EwMapView *self, EwToken *token); /* a new child: its place in the tree, its signals */
void ew_map_update_card (EwMapView *self);
/* Its middle in dial coordinates; it is as large as it asks for. */
void ew_map_allocate_token (EwToken *token, EwPoint at, GskTransform *view);
EwToken *ew_map_home (EwMapView *self); /* this computer's token or sector; NULL: none */

/* zoom, keys, menu */
void ew_map_zoom_init (EwMapView *self);
void ew_map_keys_init (EwMapView *self);
gboolean ew_map_focus (EwMapView *self, GtkDirectionType direction); /* the widget's focus() */
GskTransform *ew_map_transform (EwMapView *self);                    /* from dial to view; transfer full */
EwPoint ew_map_to_dial (EwMapView *self, gdouble x, gdouble y);
void ew_map_zoom_to (EwMapView *self, gdouble zoom, gdouble pan_x, gdouble pan_y, gboolean animated);
void ew_map_zoom_to_sector (EwMapView *self, EwSector sector);
void ew_map_zoom_to_seat (EwMapView *self, guint index);     /* until it is a token with a name */
void ew_map_bring_into_sight (EwMapView *self, guint index); /* of an item */
void ew_map_settle (EwMapView *self);                        /* the layout follows zoom and pan */
void ew_map_limit (EwMapView *self);                         /* pan and zoom, after a new layout */
gdouble ew_map_scale (EwMapView *self);                      /* of the layout, while the zoom changes */
graphene_rect_t ew_map_area (EwMapView *self);               /* what of the dial is drawn */
/* Of a node, the edge or a service, at a point of the token; x < 0: below it. */
void ew_map_menu_open (EwMapView *self, EwToken *token, GObject *object, gdouble x, gdouble y);
/* Whose menu a token has there; x < 0: wherever. NULL: none. */
GObject *ew_map_menu_object (EwMapView *self, EwToken *token, gdouble x, gdouble y);

void ew_map_activate (EwMapView *self, GObject *object); /* emits "activated" */

G_END_DECLS
