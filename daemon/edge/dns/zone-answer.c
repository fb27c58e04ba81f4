/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The records of a name, made by ldns once and kept as bytes. In a message the question's name comes right after the
 * header, so the records' owner is a pointer to it, and what one asker gets differs from what another one gets in ID,
 * flags and the case of the question only: the same bytes serve all.
 */
#include "edge/dns/zone-private.h"

#include <string.h>

/* The zone has no secondary servers; a resolver looks only at the last value. */
#define SOA_FORMAT "%s %d IN SOA " EW_DNS_EDGE_LABEL ".%s hostmaster.%s %u 3600 600 604800 %d"

static ldns_rdf *
entry_name (const Entry *entry)
{
  return ldns_rdf_new_frm_data (LDNS_RDF_TYPE_DNAME, entry->name.len, entry->name.bytes);
}

static ldns_rr *
make_rr (const Entry *entry, ldns_rr_type type, ldns_rdf *rdf)
{
  ldns_rr *rr = ldns_rr_new ();

  ldns_rr_set_owner (rr, entry_name (entry));
  ldns_rr_set_type (rr, type);
  ldns_rr_set_class (rr, LDNS_RR_CLASS_IN);
  ldns_rr_set_ttl (rr, EW_DNS_TTL);
  ldns_rr_push_rdf (rr, rdf);
  return rr;
}

static ldns_rr *
make_soa (EwDnsZone *self, const Entry *apex)
{
  ldns_rr *rr = NULL;
  ldns_rdf *name = entry_name (apex);
  gchar *owner = ldns_rdf2str (name);
  g_autofree gchar *text = g_strdup_printf (SOA_FORMAT, owner, EW_DNS_NEGATIVE_TTL, self->suffix, self->suffix,
                                            self->serial, EW_DNS_NEGATIVE_TTL);

  if (ldns_rr_new_frm_str (&rr, text, 0, NULL, NULL) != LDNS_STATUS_OK)
    rr = NULL;
  LDNS_FREE (owner);
  ldns_rdf_deep_free (name);
  return rr;
}

static ldns_rdf *
make_target (EwDnsZone *self, const gchar *label)
{
  g_autofree gchar *text = g_strdup_printf ("%s.%s", label, self->suffix);
  return ldns_dname_new_frm_str (text);
}

static const EwIp *
find_address (const Entry *entry, EwFamily family)
{
  const EwDnsHost *host = entry->claims != NULL ? entry->claims->data : NULL;

  for (gsize i = 0; host != NULL && i < G_N_ELEMENTS (host->addresses); i++)
    if (host->addresses[i].family == family)
      return &host->addresses[i];
  return NULL;
}

/* Whether the name has records of this kind. */
static gboolean
has_kind (const Entry *entry, PieceKind kind)
{
  switch (kind)
    {
    case PIECE_A:
      return !entry->is_reverse && find_address (entry, EW_FAMILY_V4) != NULL;
    case PIECE_AAAA:
      return !entry->is_reverse && find_address (entry, EW_FAMILY_V6) != NULL;
    case PIECE_PTR:
      return entry->is_reverse && entry->claims != NULL;
    default:
      return entry->is_apex;
    }
}

static ldns_rr *
make_record (EwDnsZone *self, const Entry *entry, PieceKind kind)
{
  switch (kind)
    {
    case PIECE_A:
      return make_rr (entry, LDNS_RR_TYPE_A,
                      ldns_rdf_new_frm_data (LDNS_RDF_TYPE_A, 4, find_address (entry, EW_FAMILY_V4)->bytes));
    case PIECE_AAAA:
      return make_rr (entry, LDNS_RR_TYPE_AAAA,
                      ldns_rdf_new_frm_data (LDNS_RDF_TYPE_AAAA, 16, find_address (entry, EW_FAMILY_V6)->bytes));
    case PIECE_PTR:
      return make_rr (entry, LDNS_RR_TYPE_PTR, make_target (self, ((EwDnsHost *)entry->claims->data)->name));
    case PIECE_NS:
      return make_rr (entry, LDNS_RR_TYPE_NS, make_target (self, EW_DNS_EDGE_LABEL));
    default:
      return make_soa (self, entry);
    }
}

/* As it follows this name's question. */
static void
write_answer (Piece *piece, const Entry *entry, ldns_rr *rr)
{
  const gsize before = LDNS_HEADER_SIZE + entry->name.len + 2 * sizeof (guint16);
  ldns_pkt *packet = ldns_pkt_query_new (entry_name (entry), ldns_rr_get_type (rr), LDNS_RR_CLASS_IN, 0);
  guint8 *wire = NULL;
  size_t len = 0;

  ldns_pkt_push_rr (packet, LDNS_SECTION_ANSWER, rr);
  if (ldns_pkt2wire (&wire, packet, &len) == LDNS_STATUS_OK && len > before)
    {
      piece->len = (guint16)(len - before);
      piece->bytes = g_memdup2 (wire + before, piece->len);
    }
  LDNS_FREE (wire);
  ldns_pkt_free (packet);
}

/* As it can follow any question: no pointers. */
static void
write_authority (Piece *piece, ldns_rr *rr)
{
  guint8 *wire = NULL;
  size_t len = 0;

  if (ldns_rr2wire (&wire, rr, LDNS_SECTION_AUTHORITY, &len) == LDNS_STATUS_OK)
    {
      piece->len = (guint16)len;
      piece->bytes = g_memdup2 (wire, len);
    }
  LDNS_FREE (wire);
  ldns_rr_free (rr);
}

static const Piece *
get_piece (EwDnsZone *self, Entry *entry, PieceKind kind)
{
  Piece *piece = &entry->pieces[kind];
  const gboolean old = (kind == PIECE_SOA || kind == PIECE_DENY) && piece->serial != self->serial;

  if (piece->bytes != NULL && !old)
    return piece;
  g_clear_pointer (&piece->bytes, g_free);
  piece->len = 0;
  piece->serial = self->serial;
  ldns_rr *rr = make_record (self, entry, kind);
  if (rr != NULL && kind == PIECE_DENY)
    write_authority (piece, rr);
  else if (rr != NULL)
    write_answer (piece, entry, rr);
  return piece;
}

/* The zone that a name is in. */
static Entry *
find_apex (EwDnsZone *self, const EwDnsQuery *query)
{
  guint8 offsets[EW_DNS_LABELS_MAX];
  guint n = ew_dns_name_split (query->name, query->name_len, offsets);

  for (gsize i = 0; i < G_N_ELEMENTS (self->apex_labels); i++)
    {
      guint labels = self->apex_labels[i];

      if (labels == 0 || labels > n)
        continue;
      gsize start = offsets[n - labels];
      Entry *entry = ew_dns_zone_find_entry (self, query->name + start, query->name_len - start);
      if (entry != NULL && entry->is_apex)
        return entry;
    }
  return NULL;
}

/* A name without records that others are below is there: RFC 8020, 2. */
static gboolean
is_between (EwDnsZone *self, const EwDnsQuery *query)
{
  guint8 reversed[EW_DNS_NAME_MAX];
  const EwDnsKey key = { reversed, ew_dns_name_reverse (query->name, query->name_len, reversed) };
  GTreeNode *node = g_tree_lower_bound (self->order, &key);
  const EwDnsKey *next = node != NULL ? g_tree_node_key (node) : NULL;

  return next != NULL && next->len >= key.len && memcmp (next->bytes, key.bytes, key.len) == 0;
}

/* PIECES: none that the zone could have. ANY gets one kind that is there (RFC 8482, 4.1). */
static PieceKind
choose_kind (const Entry *entry, guint16 type)
{
  switch (type)
    {
    case LDNS_RR_TYPE_A:
      return PIECE_A;
    case LDNS_RR_TYPE_AAAA:
      return PIECE_AAAA;
    case LDNS_RR_TYPE_PTR:
      return PIECE_PTR;
    case LDNS_RR_TYPE_NS:
      return PIECE_NS;
    case LDNS_RR_TYPE_SOA:
      return PIECE_SOA;
    case LDNS_RR_TYPE_ANY:
      for (guint kind = PIECE_A; kind < PIECE_DENY; kind++)
        if (has_kind (entry, kind))
          return kind;
      return PIECES;
    default:
      return PIECES;
    }
}

static void
deny (EwDnsZone *self, Entry *apex, guint rcode, EwDnsBody *body)
{
  const Piece *piece = get_piece (self, apex, PIECE_DENY);

  body->rcode = rcode;
  body->records = piece->bytes;
  body->len = piece->len;
  body->authorities = piece->len > 0;
}

gboolean
ew_dns_zone_answer (EwDnsZone *self, const EwDnsQuery *query, EwDnsBody *body)
{
  Entry *entry = ew_dns_zone_find_entry (self, query->name, query->name_len);
  PieceKind kind = entry != NULL ? choose_kind (entry, query->type) : PIECES;

  *body = (EwDnsBody){ .authoritative = TRUE };
  if (kind != PIECES && (entry->pieces[kind].bytes != NULL || has_kind (entry, kind)))
    {
      const Piece *piece = get_piece (self, entry, kind);

      body->records = piece->bytes;
      body->len = piece->len;
      body->answers = 1;
      body->rcode = piece->len > 0 ? LDNS_RCODE_NOERROR : LDNS_RCODE_SERVFAIL;
      return TRUE;
    }
  Entry *apex = find_apex (self, query);
  if (apex == NULL)
    return FALSE;
  deny (self, apex, entry != NULL || is_between (self, query) ? LDNS_RCODE_NOERROR : LDNS_RCODE_NXDOMAIN, body);
  return TRUE;
}
