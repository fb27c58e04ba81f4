/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What zone.c (who has which name) and zone-answer.c (what is answered for it) share.
 */
#pragma once

#include "edge/dns/zone.h"

/* Records as they follow the question in an answer, made when they are first asked for. */
typedef struct
{
  guint8 *bytes;
  guint16 len;
  guint32 serial; /* of the SOA in it */
} Piece;

typedef enum
{
  PIECE_A,
  PIECE_AAAA,
  PIECE_PTR,
  PIECE_NS,   /* an apex only */
  PIECE_SOA,  /* an apex only: as the answer */
  PIECE_DENY, /* an apex only: as the authority, for any name below it */
  PIECES
} PieceKind;

typedef struct
{
  const guint8 *bytes;
  gsize len;
} EwDnsKey;

typedef struct
{
  EwDnsKey name;  /* on the wire, lower case */
  EwDnsKey order; /* its labels from the root's side */
  gboolean is_apex, is_reverse;
  GSList *claims; /* of EwDnsHost, borrowed; the first one has the name */
  Piece pieces[PIECES];
  guint8 bytes[]; /* of both keys */
} Entry;

struct EwDnsHost
{
  guint references;
  gchar *id;
  gboolean gone;
  EwIp addresses[2];
  gchar *name;        /* the first, NULL: it has no records */
  GPtrArray *entries; /* of Entry, borrowed: those that it claims */
  gint64 next_us;     /* monotonic: when all that it has asked is paid off */
  guint count;
};

struct EwDnsZone
{
  gchar *suffix; /* with a dot at the end */
  guint32 serial;
  GHashTable *names;     /* set of Entry */
  GTree *order;          /* of Entry, by labels from the root's side */
  GHashTable *hosts;     /* id → EwDnsHost */
  GHashTable *addresses; /* EwIp → EwDnsHost */
  guint apex_labels[3];  /* how many labels an apex can have; 0: no such apex */
};

/* Where name's labels begin; returns how many there are, the root's not counted. */
guint ew_dns_name_split (const guint8 *name, gsize len, guint8 offsets[EW_DNS_LABELS_MAX]);
/* The labels from the root's side, in out (EW_DNS_NAME_MAX); returns the length. */
gsize ew_dns_name_reverse (const guint8 *name, gsize len, guint8 *out);
Entry *ew_dns_zone_find_entry (EwDnsZone *self, const guint8 *name, gsize len);
