/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/plan.h"
#include "common/domain.h"

#include <net/if.h>
#include <string.h>

/* ---- resolv.conf */

/* The words of a line, which ends at '\n' or the data's end. (transfer full) */
static GStrv
split_words (const gchar *line, gsize length)
{
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();

  for (gsize at = 0; at < length;)
    {
      gsize end;
      for (; at < length && (g_ascii_isspace (line[at]) || line[at] == '\0'); at++)
        ;
      for (end = at; end < length && !g_ascii_isspace (line[end]) && line[end] != '\0'; end++)
        ;
      if (end > at)
        {
          g_autofree gchar *word = g_strndup (line + at, end - at);
          g_strv_builder_add (words, word);
        }
      at = end;
    }
  return g_strv_builder_end (words);
}

/* The scope of "fe80::1%eth0" is an interface's name or number. */
static void
add_server (EwResolvConf *conf, gchar *word)
{
  gchar *scope = strchr (word, '%');
  EwIp ip;

  if (scope != NULL)
    *scope++ = '\0';
  if (conf->n_servers >= EW_RESOLV_CONF_SERVERS || !ew_ip_parse (word, &ip))
    return;
  if (scope != NULL)
    {
      guint32 index = if_nametoindex (scope);
      conf->scopes[conf->n_servers] = index != 0 ? index : (guint32)g_ascii_strtoull (scope, NULL, 10);
    }
  conf->servers[conf->n_servers++] = ip;
}

static void
take_search (EwResolvConf *conf, gchar **words)
{
  g_autoptr (GStrvBuilder) domains = g_strv_builder_new ();

  for (guint i = 0; words[i] != NULL && i < EW_RESOLV_CONF_SEARCH; i++)
    {
      gsize length = strlen (words[i]);
      if (length > 1 && words[i][length - 1] == '.')
        words[i][length - 1] = '\0';
      if (length > 0 && length <= 254 && !g_str_equal (words[i], "."))
        g_strv_builder_add (domains, words[i]);
    }
  g_strfreev (conf->search);
  conf->search = g_strv_builder_end (domains);
}

static void
take_resolv_line (EwResolvConf *conf, const gchar *line, gsize length)
{
  g_auto (GStrv) words = length > 0 && line[0] != '#' && line[0] != ';' ? split_words (line, length) : NULL;

  if (words == NULL || words[0] == NULL || words[1] == NULL)
    return;
  if (g_str_equal (words[0], "nameserver"))
    add_server (conf, words[1]);
  else if (g_str_equal (words[0], "search"))
    take_search (conf, words + 1);
  else if (g_str_equal (words[0], "domain"))
    {
      gchar *one[] = { words[1], NULL };
      take_search (conf, one);
    }
}

EwResolvConf *
ew_resolv_conf_parse (const gchar *data, gsize length)
{
  EwResolvConf *conf = g_new0 (EwResolvConf, 1);

  conf->search = g_new0 (gchar *, 1);
  length = data != NULL ? MIN (length, EW_NAMES_FILE_MAX) : 0;
  for (gsize at = 0; at < length;)
    {
      const gchar *end = memchr (data + at, '\n', length - at);
      gsize used = end != NULL ? (gsize)(end - (data + at)) : length - at;
      take_resolv_line (conf, data + at, used);
      at += used + 1;
    }
  return conf;
}

void
ew_resolv_conf_free (EwResolvConf *conf)
{
  g_strfreev (conf->search);
  g_free (conf);
}

gboolean
ew_names_is_stub (const EwIp *ip)
{
  static const guint8 first[] = { 127, 0, 0 };

  return ip->family == EW_FAMILY_V4 && memcmp (ip->bytes, first, sizeof first) == 0
         && (ip->bytes[3] == 53 || ip->bytes[3] == 54);
}

/* ---- nsswitch.conf */

/* What follows "hosts:" in its line; NULL: it isn't that line. */
static const gchar *
after_hosts (const gchar *line, gsize *length)
{
  static const gchar name[] = "hosts:";
  gsize blanks = 0;

  for (; blanks < *length && (line[blanks] == ' ' || line[blanks] == '\t'); blanks++)
    ;
  if (*length - blanks < sizeof name - 1 || memcmp (line + blanks, name, sizeof name - 1) != 0)
    return NULL;
  line += blanks + sizeof name - 1;
  *length -= blanks + sizeof name - 1;
  const gchar *comment = memchr (line, '#', *length);
  if (comment != NULL)
    *length = (gsize)(comment - line);
  return line;
}

/* "[!UNAVAIL=return]" says what happens after a service; it may have blanks in it. */
static gchar *
without_actions (const gchar *text, gsize length)
{
  gchar *copy = g_strndup (text, length);
  gboolean inside = FALSE;

  for (gchar *at = copy; *at != '\0'; at++)
    {
      gboolean closes = *at == ']';
      inside |= *at == '[';
      if (inside)
        *at = ' ';
      inside &= !closes;
    }
  return copy;
}

GStrv
ew_nsswitch_hosts (const gchar *data, gsize length)
{
  length = data != NULL ? MIN (length, EW_NAMES_FILE_MAX) : 0;
  for (gsize at = 0; at < length;)
    {
      const gchar *end = memchr (data + at, '\n', length - at);
      gsize used = end != NULL ? (gsize)(end - (data + at)) : length - at, rest = used;
      const gchar *services = after_hosts (data + at, &rest);
      if (services != NULL)
        {
          g_autofree gchar *plain = without_actions (services, rest);
          return split_words (plain, strlen (plain));
        }
      at += used + 1;
    }
  return g_strsplit ("files dns", " ", -1);
}

/* ---- the plan */

/* The C library asks the first name server, and the next ones only where it doesn't answer. */
static gboolean
asks_stub (const EwNamesFacts *facts)
{
  g_autoptr (EwResolvConf) conf = ew_resolv_conf_parse (facts->resolv_conf, facts->resolv_conf_length);

  return conf->n_servers > 0 && ew_names_is_stub (&conf->servers[0]);
}

EwNamesWay
ew_names_plan (const EwNamesFacts *facts)
{
  g_auto (GStrv) services = ew_nsswitch_hosts (facts->nsswitch, facts->nsswitch_length);

  if (!facts->resolved_answers)
    return EW_NAMES_BY_MODULE;
  for (guint i = 0; services[i] != NULL; i++)
    {
      if (g_str_equal (services[i], "resolve"))
        return EW_NAMES_BY_RESOLVED;
      if (g_str_equal (services[i], "dns"))
        return asks_stub (facts) ? EW_NAMES_BY_RESOLVED : EW_NAMES_BY_MODULE;
    }
  return EW_NAMES_BY_MODULE;
}

gchar *
ew_names_find_link_local (const gchar *resolv_conf, gsize length)
{
  g_autoptr (EwResolvConf) conf = ew_resolv_conf_parse (resolv_conf, length);
  gchar text[EW_IP_STRLEN];

  for (guint i = 0; i < conf->n_servers; i++)
    if (conf->servers[i].family != EW_FAMILY_V6 || !ew_ip_is_link_local (&conf->servers[i]))
      return NULL;
  if (conf->n_servers == 0)
    return NULL;
  ew_ip_format (&conf->servers[0], text);
  return g_strdup (text);
}

/* ---- reverse domains (RFC 1035 section 3.5, RFC 3596 section 2.5) */

/* The labels of prefix, bits of which count, count of them a byte (1) or half a byte (2). */
static gchar *
reverse_name (const guint8 *bytes, guint labels, gboolean v6)
{
  GString *name = g_string_new (NULL);

  for (guint i = labels; i-- > 0;)
    if (v6)
      g_string_append_printf (name, "%x.", i % 2 == 0 ? bytes[i / 2] >> 4 : bytes[i / 2] & 15);
    else
      g_string_append_printf (name, "%u.", bytes[i]);
  g_string_append (name, v6 ? "ip6.arpa" : "in-addr.arpa");
  return g_string_free (name, FALSE);
}

static void
add_reverse (GPtrArray *names, const EwPrefix *range)
{
  gboolean v6 = range->ip.family == EW_FAMILY_V6;
  guint step = v6 ? 4 : 8, labels = MAX ((range->length + step - 1) / step, 1);
  guint free_bits = labels * step - range->length;
  guint8 bytes[16];

  memcpy (bytes, range->ip.bytes, sizeof bytes);
  for (guint i = 0; i < 1u << free_bits && names->len < EW_NAMES_REVERSE_MAX; i++)
    {
      guint last = (labels * step - 1) / 8, shift = v6 && labels % 2 != 0 ? 4 : 0;
      bytes[last] = (guint8)((range->ip.bytes[last] & ~(((1u << free_bits) - 1) << shift)) | (i << shift));
      g_ptr_array_add (names, reverse_name (bytes, labels, v6));
    }
}

GStrv
ew_names_reverse_domains (const EwPrefix *ranges, gsize n_ranges)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (gsize i = 0; i < n_ranges; i++)
    if (ranges[i].length > 0 && ranges[i].length <= ew_ip_size (&ranges[i].ip) * 8)
      add_reverse (names, &ranges[i]);
  g_ptr_array_add (names, NULL);
  return (GStrv)g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

/* ---- whose names */

static gboolean
is_below (const gchar *name, const gchar *domain)
{
  gsize length = strlen (name), end = strlen (domain);

  return length > end + 1 && name[length - end - 1] == '.' && g_ascii_strcasecmp (name + length - end, domain) == 0;
}

gboolean
ew_names_may_have_suffix (const gchar *suffix, const gchar *accepted)
{
  /* No gateway may answer for the names of all addresses, whatever was accepted. */
  if (is_below (suffix, "arpa") && !is_below (suffix, "home.arpa"))
    return FALSE;
  if (accepted != NULL && g_ascii_strcasecmp (suffix, accepted) == 0)
    return TRUE;
  return ew_suffix_is_private (suffix);
}

gboolean
ew_names_is_searched (const gchar *suffix, const gchar *resolv_conf, gsize length)
{
  g_autoptr (EwResolvConf) conf = ew_resolv_conf_parse (resolv_conf, length);

  return ew_names_overlaps (suffix, (const gchar *const *)conf->search);
}

gboolean
ew_names_overlaps (const gchar *suffix, const gchar *const *domains)
{
  for (const gchar *const *domain = domains; *domain != NULL; domain++)
    if (g_ascii_strcasecmp (*domain, suffix) == 0 || is_below (*domain, suffix) || is_below (suffix, *domain))
      return TRUE;
  return FALSE;
}
