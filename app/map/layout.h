/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where everything on the map goes: a pure function of the nodes, their places and the size. GLib only, no widgets, no
 * text; the caller has measured the labels.
 *
 * The map is a dial. The edge is in its center; every node has one spoke, from a port on the edge's rim to its token on
 * the ring. This computer is at 6 o'clock. Sectors follow each other clockwise, 0.6 places apart; one
 * alone goes all around.
 *
 * What moves what: nothing but the set of nodes and the size moves a token. A node that joins moves the others less
 * than one place (1.6 where it opens a sector, 2.2 where that is the second); one that leaves moves nothing, its place
 * stays empty.
 *
 * What is around words grows with them (input.text): the edge's disc, and the room that the ring leaves for labels.
 * Where room is short a label loses its address first, then its name is shortened, then its state goes.
 *
 * Three scales, by the number of places: up to 16 tokens of 54 px with two lines of label; up to 32 tokens of 33 px
 * with one line along the spoke; beyond that seats: a sector is as wide as its share, with one dot a node. Seats that
 * need attention are gathered at the clockwise end of their sector: there a state does move a node, but not a dot.
 *
 * Units are px in the coordinates of the size; y goes down. Angles are radians, clockwise, 0 at 3 o'clock.
 */
#pragma once

#include "map/slots.h"

G_BEGIN_DECLS

#define EW_LAYOUT_MAX_FULL 16
#define EW_LAYOUT_MAX_COMPACT 32
#define EW_LAYOUT_MAX_SEATS 4000

typedef enum
{
  EW_LAYOUT_FULL,
  EW_LAYOUT_COMPACT,
  EW_LAYOUT_SEATS,
} EwLayoutMode;

/* A rectangle around its center, turned by angle. */
typedef struct
{
  gdouble x, y, width, height, angle;
} EwBox;

typedef struct
{
  gdouble x, y;
} EwPoint;

/* Which edge of the label's text is next to the token. */
typedef enum
{
  EW_ANCHOR_START,  /* the left edge: the label is on the right */
  EW_ANCHOR_MIDDLE, /* centered */
  EW_ANCHOR_END,
} EwAnchor;

typedef struct
{
  const gchar *id;
  EwSector sector;
  gboolean self;
  gboolean selected;
  gboolean trouble;                        /* offline or not joined: its label counts more; its seat is at the end */
  gdouble name_width;                      /* of the whole name */
  gdouble name_least;                      /* how far it may be shortened in its middle; 0: not at all */
  gdouble state_width;                     /* of the state or latency alone; it is never shortened */
  gdouble detail_width;                    /* of the address and the state; 0: there is no address */
  gdouble leaf_width, leaf_height;         /* of a gateway's capsule; 0: none */
  gdouble services_width, services_height; /* of its services' capsules, one below the other; 0: none */
  gdouble folded_width, folded_height; /* of the one capsule that stands for them where there is less room; 0: none */
} EwLayoutNode;

typedef struct
{
  gdouble width, height;
  gdouble zoom; /* from 1 (0 is 1 too): distances grow with it, tokens, lines and words keep their size */
  gdouble text; /* how large words are; 1 (0 is 1 too): a line of 20 px */
  gdouble name_height, detail_height;        /* of the label's lines */
  gdouble sector_width[EW_N_SECTORS];        /* of the sectors' names; seats: of their labels' first line */
  gdouble sector_detail_width[EW_N_SECTORS]; /* seats: of the second line */
  EwBox reserved[4];                         /* where labels don't go: cards that lie on the map */
  guint n_reserved;
  gboolean tokens_only;      /* no labels: asked for the dial's size alone */
  const EwLayoutNode *nodes; /* in the order of enrolment */
  guint n_nodes;
} EwLayoutInput;

typedef struct
{
  guint lines;    /* 2, 1 (the name alone) or 0: there is no room, show it on hover and focus only */
  gboolean brief; /* of two lines, the second is the state without the address */
  EwBox box;      /* a name that is wider is shortened */
  EwAnchor anchor;
} EwLayoutLabel;

/* Of one node. */
typedef struct
{
  gdouble angle;
  EwPoint centre; /* of its token or seat */
  gdouble size;   /* of its token, or its seat's diameter */
  gboolean leads; /* of those that share a seat, the one whose dot is drawn; else TRUE */
  EwPoint port;   /* on the edge's rim; seats: the port of its sector */
  gdouble port_angle;
  EwLayoutLabel label;
  gboolean has_leaf;
  EwBox leaf;        /* the capsule of its networks */
  EwPoint leaf_near; /* where its line ends */
  gboolean has_services, services_folded;
  EwBox services; /* their capsules */
  EwPoint services_near;
} EwLayoutPlace;

/* Of a sector; present: it has nodes. */
typedef struct
{
  gboolean present;
  guint n_live;
  gdouble from, to;     /* of the plate */
  gdouble inner, outer; /* radii of the plate */
  gdouble port_angle;   /* seats: of the one port */
  gboolean name_shown;
  gdouble name_angle, name_radius;
  EwBox name;          /* where it is shown */
  EwLayoutLabel label; /* seats: outside */
} EwLayoutSector;

typedef struct
{
  EwLayoutMode mode;
  gdouble zoom;   /* the input's; the dial lies in zoom times its size */
  EwPoint centre; /* of that */
  gdouble reach;  /* radius of the plates' outer edge */
  gdouble scale;  /* below 1 where the size is too small for the dial; tokens and the edge have it already */
  gdouble edge_radius;
  gdouble radius;       /* of the ring through the tokens */
  gdouble slot;         /* angle of one place; seats: 0 */
  gdouble pitch;        /* seats: distance of neighbors, zoomed */
  guint nodes_per_seat; /* 1, or 10 in a mesh so large */
  EwLayoutSector sectors[EW_N_SECTORS];
  EwLayoutPlace *places; /* as the input's nodes */
  guint n_places;
} EwLayout;

/* Updates slots to the input's nodes, then places everything. (transfer full) */
EwLayout *ew_layout_new (const EwLayoutInput *input, EwSlots *slots);
void ew_layout_free (EwLayout *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwLayout, ew_layout_free)

/* Do two rectangles share a point? Turned ones too. */
gboolean ew_box_overlaps (const EwBox *a, const EwBox *b);
/* Upright, by its corner. */
EwBox ew_box_new (gdouble left, gdouble top, gdouble width, gdouble height);

/* How large the input's words are, 1 at least. */
gdouble ew_layout_text (const EwLayoutInput *input);

/* The gap between a name and its state where both are on one line, px. */
#define EW_LABEL_GAP 5.0

/* Where along its spoke the latency of a leg stands: near the middle, clear of the edge, of tokens, labels and sectors'
   names, and of others (n). angle, size: of the pill. FALSE: there is no room. */
gboolean ew_layout_pill (const EwLayout *self, guint index, gdouble width, gdouble height, const EwBox *others,
                         guint n_others, EwBox *box);

/* A card that lies beside the ring, in one of several shapes. */
typedef struct
{
  gdouble natural, least; /* its width */
  gdouble height;
} EwCardShape;

#define EW_CARD_CORNERS 4 /* the upper ones first */

/* Where the card lies in one corner, as wide as there is room: it covers neither a capsule nor the ring; between: only
   no tokens. margin: to the edges of the map. rtl: corners on the right first. FALSE: there is no room. */
gboolean ew_layout_card (const EwLayout *self, const EwLayoutInput *input, const EwCardShape *shape, gdouble margin,
                         guint corner, gboolean rtl, gboolean between, EwBox *box);

/* The width of a spoke for what it carries, both ways. previous: what is drawn now (0: nothing yet); a change too small
   to mean anything keeps it. */
gdouble ew_spoke_width (gdouble bytes_a_second, gdouble previous);

G_END_DECLS
