/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/question.h"

#include <ldns/ldns.h>
#include <string.h>

#define ALIASES_MAX 8 /* CNAME records that are followed */

/* Spells the letters of an uncompressed name in upper or lower case, as the bits say. */
static void
mix_case (guint8 *name, gsize length, guint64 bits)
{
  for (gsize i = 0; i < length; i++)
    if (g_ascii_isalpha (name[i]))
      {
        name[i] = (guint8)((bits & 1) ? g_ascii_toupper (name[i]) : g_ascii_tolower (name[i]));
        bits = bits >> 1 | bits << 63;
      }
}

gboolean
ew_question_make (EwQuestion *question, const gchar *name, gboolean reverse, gboolean v6, guint16 id, guint64 case_bits)
{
  ldns_rr_type type = reverse ? LDNS_RR_TYPE_PTR : v6 ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A;
  ldns_rdf *owner = ldns_dname_new_frm_str (name);
  ldns_pkt *packet;
  uint8_t *wire = NULL;
  size_t length = 0;

  if (owner == NULL)
    return FALSE;
  mix_case (ldns_rdf_data (owner), ldns_rdf_size (owner), case_bits);
  packet = ldns_pkt_query_new (owner, type, LDNS_RR_CLASS_IN, LDNS_RD);
  if (packet == NULL)
    {
      ldns_rdf_deep_free (owner);
      return FALSE;
    }
  ldns_pkt_set_id (packet, id);
  if (ldns_pkt2wire (&wire, packet, &length) != LDNS_STATUS_OK || length > EW_QUESTION_MAX)
    length = 0;
  *question = (EwQuestion){ .id = id, .reverse = reverse, .v6 = v6, .length = length };
  if (length > 0)
    memcpy (question->wire, wire, length);
  LDNS_FREE (wire);
  ldns_pkt_free (packet);
  return length > 0;
}

gchar *
ew_question_reverse_name (const EwNamesAddress *address)
{
  GString *name = g_string_new (NULL);

  if (address->family == 4)
    {
      g_string_printf (name, "%u.%u.%u.%u.in-addr.arpa", address->bytes[3], address->bytes[2], address->bytes[1],
                       address->bytes[0]);
      return g_string_free (name, FALSE);
    }
  for (guint i = 16; i-- > 0;)
    g_string_append_printf (name, "%x.%x.", address->bytes[i] & 15, address->bytes[i] >> 4);
  g_string_append (name, "ip6.arpa");
  return g_string_free (name, FALSE);
}

gboolean
ew_question_is_in_scope (const EwQuestionScope *scope, const gchar *name, const EwNamesAddress *address)
{
  const gsize n = ew_names_is_below (name, scope->conf->suffix) ? scope->n_ranges : scope->n_networks;
  EwIp ip = { .family = address->family == 4 ? EW_FAMILY_V4 : EW_FAMILY_V6 };

  memcpy (ip.bytes, address->bytes, address->family == 4 ? 4 : 16);
  for (gsize i = 0; i < n; i++)
    if (ew_prefix_contains (&scope->networks[i], &ip))
      return TRUE;
  return FALSE;
}

/* The name of a record as text, if it is a host name of the mesh's or, unless suffix_only, of a gateway's domain. */
static gboolean
take_name (const ldns_rdf *dname, const EwQuestionScope *scope, gboolean suffix_only, gchar out[EW_NAMES_NAME_MAX + 1])
{
  char *text = ldns_rdf2str (dname);
  gsize length = text != NULL ? strlen (text) : 0;
  gboolean taken;

  if (length > 0 && text[length - 1] == '.')
    text[--length] = '\0';
  taken
    = text != NULL && ew_names_is_name (text, length)
      && (ew_names_is_below (text, scope->conf->suffix) || (!suffix_only && ew_names_conf_covers (scope->conf, text)));
  if (taken)
    memcpy (out, text, length + 1);
  LDNS_FREE (text);
  return taken;
}

static void
take_address (EwNamesReply *reply, const ldns_rr *record, const EwQuestionScope *scope, const gchar *asked)
{
  const ldns_rdf *rdf = ldns_rr_rdf (record, 0);
  const gboolean v6 = ldns_rr_get_type (record) == LDNS_RR_TYPE_AAAA;
  EwNamesAddress address = { .family = v6 ? 6 : 4 };

  if (rdf == NULL || ldns_rdf_size (rdf) != (v6 ? 16u : 4u) || reply->n_addresses == EW_NAMES_ADDRESSES)
    return;
  memcpy (address.bytes, ldns_rdf_data (rdf), ldns_rdf_size (rdf));
  if (ew_question_is_in_scope (scope, asked, &address))
    reply->addresses[reply->n_addresses++] = address;
}

/* The answer section, from the name asked for through its aliases. */
static void
read_records (const ldns_pkt *packet, const ldns_rr *asked, const EwQuestionScope *scope, EwNamesReply *reply)
{
  gchar name[EW_NAMES_NAME_MAX + 1] = "";
  const gboolean known = take_name (ldns_rr_owner (asked), scope, FALSE, name);
  const gboolean ours = known && ew_names_is_below (name, scope->conf->suffix);
  const ldns_rr_list *records = ldns_pkt_answer (packet);
  const ldns_rdf *owner = ldns_rr_owner (asked);
  const ldns_rr_type type = ldns_rr_get_type (asked);

  for (guint alias = 0; owner != NULL && alias <= ALIASES_MAX; alias++)
    {
      const ldns_rdf *next = NULL;
      for (size_t i = 0; i < ldns_rr_list_rr_count (records); i++)
        {
          const ldns_rr *record = ldns_rr_list_rr (records, i);
          if (ldns_rr_get_class (record) != LDNS_RR_CLASS_IN || ldns_dname_compare (ldns_rr_owner (record), owner) != 0)
            continue;
          reply->ttl = MIN (reply->ttl, ldns_rr_ttl (record));
          if (ldns_rr_get_type (record) == LDNS_RR_TYPE_CNAME)
            next = ldns_rr_rdf (record, 0);
          else if (ldns_rr_get_type (record) != type)
            continue;
          else if (type != LDNS_RR_TYPE_PTR)
            take_address (reply, record, scope, name);
          else if (reply->name[0] == '\0' && ldns_rr_rdf (record, 0) != NULL)
            (void)!take_name (ldns_rr_rdf (record, 0), scope, TRUE, reply->name);
        }
      /* The name asked for keeps the asker's spelling. One of the mesh's that leads out of it leads nowhere; a
         gateway's may have another name, which is of no interest. */
      if (alias > 0 && type != LDNS_RR_TYPE_PTR && reply->n_addresses > 0
          && !take_name (owner, scope, ours, reply->name) && ours)
        reply->n_addresses = 0;
      owner = reply->n_addresses == 0 ? next : NULL;
    }
}

/* For how long there is no such name, or no such record of it (RFC 2308 section 5). */
static guint32
negative_ttl (const ldns_pkt *packet)
{
  const ldns_rr_list *records = ldns_pkt_authority (packet);
  guint32 ttl = 0;

  for (size_t i = 0; i < ldns_rr_list_rr_count (records); i++)
    {
      const ldns_rr *record = ldns_rr_list_rr (records, i);
      if (ldns_rr_get_type (record) == LDNS_RR_TYPE_SOA && ldns_rr_rd_count (record) == 7
          && ldns_rdf_get_type (ldns_rr_rdf (record, 6)) == LDNS_RDF_TYPE_INT32)
        ttl = MIN (ldns_rr_ttl (record), ldns_rdf2native_int32 (ldns_rr_rdf (record, 6)));
    }
  return MIN (ttl, EW_QUESTION_NEGATIVE_TTL_MAX);
}

/* The packet's only question is the one asked, to the letter. */
static const ldns_rr *
find_own_question (const ldns_pkt *packet, const EwQuestion *question)
{
  const ldns_rr_list *asked = ldns_pkt_question (packet);
  const ldns_rr *first = ldns_rr_list_rr_count (asked) == 1 ? ldns_rr_list_rr (asked, 0) : NULL;
  const gsize header = 12, tail = 4; /* RFC 1035 section 4.1: before the name; type and class after it */

  if (!ldns_pkt_qr (packet) || ldns_pkt_get_opcode (packet) != LDNS_PACKET_QUERY || ldns_pkt_id (packet) != question->id
      || first == NULL || ldns_rr_get_class (first) != LDNS_RR_CLASS_IN
      || ldns_rr_get_type (first)
           != (question->reverse ? LDNS_RR_TYPE_PTR
               : question->v6    ? LDNS_RR_TYPE_AAAA
                                 : LDNS_RR_TYPE_A)
      || question->length != header + ldns_rdf_size (ldns_rr_owner (first)) + tail
      || memcmp (question->wire + header, ldns_rdf_data (ldns_rr_owner (first)), ldns_rdf_size (ldns_rr_owner (first)))
           != 0)
    return NULL;
  return first;
}

static EwAnswerKind
read_packet (const ldns_pkt *packet, const EwQuestion *question, const EwQuestionScope *scope, EwNamesReply *reply)
{
  const ldns_rr *asked = find_own_question (packet, question);

  if (asked == NULL)
    return EW_ANSWER_NONE;
  if (ldns_pkt_tc (packet))
    return EW_ANSWER_CUT;
  reply->ttl = EW_QUESTION_TTL_MAX;
  switch (ldns_pkt_get_rcode (packet))
    {
    case LDNS_RCODE_NOERROR:
      read_records (packet, asked, scope, reply);
      reply->status
        = (question->reverse ? reply->name[0] != '\0' : reply->n_addresses > 0) ? EW_NAMES_FOUND : EW_NAMES_NO_DATA;
      break;
    case LDNS_RCODE_NXDOMAIN:
      reply->status = EW_NAMES_NOT_FOUND;
      break;
    default:
      reply->status = EW_NAMES_TRY_AGAIN;
    }
  if (reply->status != EW_NAMES_FOUND)
    {
      reply->ttl = negative_ttl (packet);
      reply->name[0] = '\0';
    }
  return EW_ANSWER_READ;
}

EwAnswerKind
ew_question_read (const EwQuestion *question, const EwQuestionScope *scope, const guint8 *data, gsize length,
                  EwNamesReply *reply)
{
  ldns_pkt *packet = NULL;
  EwAnswerKind kind = EW_ANSWER_NONE;

  memset (reply, 0, sizeof *reply);
  if (ldns_wire2pkt (&packet, data, length) == LDNS_STATUS_OK)
    kind = read_packet (packet, question, scope, reply);
  ldns_pkt_free (packet);
  return kind;
}
