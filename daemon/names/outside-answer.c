/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What comes from outside, made into addresses: a message of DNS (ldns reads it), a line of hosts(5).
 */
#include "names/outside-resolver.h"

#include <ldns/ldns.h>
#include <string.h>

#define ADDRESSES_MAX 16
#define HOSTS_MAX (1u << 20) /* bytes of /etc/hosts that are looked at */

/* The question that was asked, and nothing else. */
static gboolean
is_question (const ldns_pkt *packet, const gchar *name, ldns_rr_type type)
{
  const ldns_rr_list *questions = ldns_pkt_question (packet);
  g_autofree gchar *dotted = g_strconcat (name, g_str_has_suffix (name, ".") ? "" : ".", NULL);
  ldns_rdf *asked;
  gboolean same;

  if (ldns_rr_list_rr_count (questions) != 1)
    return FALSE;
  const ldns_rr *question = ldns_rr_list_rr (questions, 0);
  asked = ldns_dname_new_frm_str (dotted);
  same = asked != NULL && ldns_rr_get_type (question) == type && ldns_rr_get_class (question) == LDNS_RR_CLASS_IN
         && ldns_dname_compare (ldns_rr_owner (question), asked) == 0;
  ldns_rdf_deep_free (asked);
  return same;
}

/* Follows aliases, too: which record belongs to which alias doesn't matter, as it isn't believed that an address is
   the edge's until its key says so. */
static void
collect_records (const ldns_pkt *packet, ldns_rr_type type, guint8 family, GArray *found, guint32 *ttl)
{
  const ldns_rr_list *answers = ldns_pkt_answer (packet);

  for (size_t i = 0; i < ldns_rr_list_rr_count (answers) && found->len < ADDRESSES_MAX; i++)
    {
      const ldns_rr *record = ldns_rr_list_rr (answers, i);
      const ldns_rdf *data = ldns_rr_get_type (record) == type ? ldns_rr_rdf (record, 0) : NULL;
      EwIp ip = { .family = family };

      *ttl = MIN (*ttl, ldns_rr_ttl (record));
      if (data == NULL || ldns_rdf_size (data) != ew_ip_size (&ip))
        continue;
      memcpy (ip.bytes, ldns_rdf_data (data), ew_ip_size (&ip));
      g_array_append_val (found, ip);
    }
}

GArray *
ew_outside_read_answer (const guint8 *message, gsize length, guint16 id, const gchar *name, guint8 family, guint32 *ttl)
{
  ldns_rr_type type = family == EW_FAMILY_V4 ? LDNS_RR_TYPE_A : LDNS_RR_TYPE_AAAA;
  g_autoptr (GArray) found = NULL;
  ldns_pkt *packet = NULL;

  if (ldns_wire2pkt (&packet, message, length) != LDNS_STATUS_OK)
    return NULL;
  if (ldns_pkt_qr (packet) && ldns_pkt_id (packet) == id && is_question (packet, name, type)
      && (ldns_pkt_get_rcode (packet) == LDNS_RCODE_NOERROR || ldns_pkt_get_rcode (packet) == LDNS_RCODE_NXDOMAIN))
    {
      found = g_array_new (FALSE, FALSE, sizeof (EwIp));
      collect_records (packet, type, family, found, ttl);
    }
  ldns_pkt_free (packet);
  return g_steal_pointer (&found);
}

static void
take_hosts_line (GArray *found, const gchar *line, gsize length, const gchar *name)
{
  g_autofree gchar *copy = g_strndup (line, MIN (length, strcspn (line, "#\n")));
  g_auto (GStrv) words = g_strsplit_set (copy, " \t\r", -1);
  EwIp ip;

  if (!ew_ip_parse (words[0], &ip))
    return;
  for (guint i = 1; words[i] != NULL; i++)
    if (g_ascii_strcasecmp (words[i], name) == 0 && found->len < ADDRESSES_MAX)
      {
        g_array_append_val (found, ip);
        return;
      }
}

GArray *
ew_outside_read_hosts (const gchar *text, gsize length, const gchar *name)
{
  GArray *found = g_array_new (FALSE, FALSE, sizeof (EwIp));
  g_autofree gchar *copy = g_strndup (text, MIN (length, HOSTS_MAX));

  for (const gchar *line = copy; line != NULL && *line != '\0';)
    {
      const gchar *end = strchr (line, '\n');
      take_hosts_line (found, line, end != NULL ? (gsize)(end - line) : strlen (line), name);
      line = end != NULL ? end + 1 : NULL;
    }
  return found;
}
