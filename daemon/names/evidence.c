/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/evidence.h"
#include "common/checks.h"
#include "common/phrase.h"

#include <string.h>

#define WORD_FULL "edgeway"        /* of nsswitch.conf: names below the suffix */
#define WORD_SHORT "edgeway_short" /* … names of one label */

static void
entry_free (gpointer data)
{
  EwNamesHostsEntry *entry = data;

  g_free (entry->label);
  g_free (entry);
}

static void
domain_free (gpointer data)
{
  EwNamesDomain *domain = data;

  g_free (domain->interface);
  g_free (domain->domain);
  g_free (domain);
}

static void
gateway_free (gpointer data)
{
  EwNamesGateway *gateway = data;

  g_free (gateway->domain);
  g_free (gateway->node);
  g_free (gateway);
}

EwNamesEvidence *
ew_names_evidence_new (void)
{
  EwNamesEvidence *evidence = g_new0 (EwNamesEvidence, 1);

  evidence->entries = g_ptr_array_new_with_free_func (entry_free);
  evidence->domains = g_ptr_array_new_with_free_func (domain_free);
  evidence->lan = g_array_new (FALSE, TRUE, sizeof (EwNamesLanServer));
  evidence->gateways = g_ptr_array_new_with_free_func (gateway_free);
  return evidence;
}

void
ew_names_evidence_free (EwNamesEvidence *evidence)
{
  if (evidence == NULL)
    return;
  g_ptr_array_unref (evidence->entries);
  g_ptr_array_unref (evidence->domains);
  g_array_unref (evidence->lan);
  g_ptr_array_unref (evidence->gateways);
  g_free (evidence->probe);
  g_free (evidence->suffix);
  g_free (evidence->own_name);
  g_free (evidence->interface);
  g_free (evidence->hosts);
  g_free (evidence->nsswitch);
  g_free (evidence->resolv_conf);
  g_free (evidence->dnssec);
  g_free (evidence);
}

/* How much of name comes before the suffix and its dot; -1: it is neither the suffix nor below it. */
static gssize
length_before (const gchar *name, const gchar *suffix)
{
  gsize n = strlen (name), m = strlen (suffix);

  if (n > 0 && name[n - 1] == '.')
    n--;
  if (n < m || g_ascii_strncasecmp (name + n - m, suffix, m) != 0)
    return -1;
  if (n == m)
    return 0;
  return name[n - m - 1] == '.' ? (gssize)(n - m - 1) : -1;
}

gboolean
ew_names_is_within (const gchar *name, const gchar *suffix)
{
  return length_before (name, suffix) >= 0;
}

/* ---- /etc/hosts */

static void
take_name (GPtrArray *entries, guint line, const EwIp *address, const gchar *name, const gchar *suffix,
           const gchar *own_name)
{
  gssize before = length_before (name, suffix);
  gboolean full = before > 0;
  g_autofree gchar *label = g_ascii_strdown (name, full ? before : -1);

  if (entries->len >= EW_NAMES_HOSTS_ENTRIES || before == 0 || strchr (label, '.') != NULL || strlen (label) > 63
      || g_str_equal (label, "localhost") || (g_ascii_strcasecmp (label, own_name) == 0 && ew_ip_is_loopback (address)))
    return;
  EwNamesHostsEntry *entry = g_new0 (EwNamesHostsEntry, 1);
  entry->line = line;
  entry->label = g_steal_pointer (&label);
  entry->full = full;
  entry->address = *address;
  g_ptr_array_add (entries, entry);
}

GPtrArray *
ew_names_read_hosts (const gchar *text, gsize length, const gchar *suffix, const gchar *own_name)
{
  GPtrArray *entries = g_ptr_array_new_with_free_func (entry_free);
  guint line = 0;

  length = text != NULL ? MIN (length, EW_NAMES_HOSTS_MAX) : 0;
  for (gsize at = 0; at < length;)
    {
      const gchar *end = memchr (text + at, '\n', length - at);
      gsize used = end != NULL ? (gsize)(end - (text + at)) : length - at;
      g_autofree gchar *copy = g_strndup (text + at, used);
      gchar *comment = strchr (copy, '#');
      EwIp address;

      line++;
      at += used + 1;
      if (comment != NULL)
        *comment = '\0';
      g_auto (GStrv) words = g_strsplit_set (copy, " \t\r\f\v", -1);
      guint word = 0;
      for (; words[word] != NULL && *words[word] == '\0'; word++)
        ;
      if (words[word] == NULL || !ew_ip_parse (words[word], &address))
        continue;
      while (words[++word] != NULL)
        if (*words[word] != '\0')
          take_name (entries, line, &address, words[word], suffix, own_name);
    }
  return entries;
}

/* The line gives the name another address than the mesh does. */
static gboolean
is_taken (const EwNamesHostsEntry *entry)
{
  if (!entry->asked)
    return entry->full; /* it's unknown; a full name is meant for the mesh */
  return entry->mesh.family != EW_FAMILY_NONE && !ew_ip_equal (&entry->mesh, &entry->address);
}

static void
check_hosts (const EwNamesEvidence *evidence, JsonArray *checks)
{
  gboolean found = FALSE;

  for (guint i = 0; i < evidence->entries->len; i++)
    {
      const EwNamesHostsEntry *entry = evidence->entries->pdata[i];
      g_autofree gchar *name = entry->full ? g_strconcat (entry->label, ".", evidence->suffix, NULL) : NULL;
      gchar address[EW_IP_STRLEN];
      if (!is_taken (entry))
        continue;
      found = TRUE;
      ew_ip_format (&entry->address, address);
      g_autofree gchar *fix
        = entry->full ? ew_phrase ("Remove the name from that line, or switch the whole line off: `sudo sed -i "
                                   "'%us/^/#/' /etc/hosts`.",
                                   entry->line)
                      : ew_phrase ("Use the full name, %s.%s; or switch the line off: `sudo sed -i '%us/^/#/' "
                                   "/etc/hosts`.",
                                   entry->label, evidence->suffix, entry->line);
      ew_checks_add (checks, "names-hosts", EW_CHECK_WARNING, fix,
                     "Line %u of /etc/hosts says that %s is %s. That line wins: most programs don't ask the mesh for "
                     "this name.",
                     entry->line, name != NULL ? name : entry->label, address);
    }
  if (!found)
    ew_checks_add (checks, "names-hosts", EW_CHECK_GOOD, NULL, "/etc/hosts takes no name of the mesh.");
}

/* ---- this network's name servers */

/* Programs look up a short name there first. */
static void
check_silent_lan (const EwNamesEvidence *evidence, JsonArray *checks)
{
  gchar address[EW_IP_STRLEN];
  g_autofree gchar *fix
    = ew_phrase ("Use full names, such as edge.%s, or correct the name server in /etc/resolv.conf.", evidence->suffix);

  ew_ip_format (&g_array_index (evidence->lan, EwNamesLanServer, 0).server, address);
  ew_checks_add (
    checks, "names-lan", EW_CHECK_WARNING, fix,
    "This network's name server %s doesn't answer. Programs find full names of the mesh at once, but short "
    "ones only after they have waited for it, usually for 10 seconds.",
    address);
}

static void
check_lan (const EwNamesEvidence *evidence, gboolean by_module, JsonArray *checks)
{
  const gchar *fix
    = N_ ("If you need the network's own names there, give the mesh another suffix: on the edge's host, set suffix= "
          "below [mesh] in /etc/edgeway/edge.conf, then `sudo systemctl restart edgeway-edge`.");
  gboolean found = FALSE, answered = FALSE;
  gchar address[EW_IP_STRLEN];

  for (guint i = 0; i < evidence->lan->len; i++)
    {
      const EwNamesLanServer *lan = &g_array_index (evidence->lan, EwNamesLanServer, i);
      answered |= lan->answered;
      if (!lan->serves && !lan->wildcard)
        continue;
      found = TRUE;
      ew_ip_format (&lan->server, address);
      if (lan->wildcard)
        ew_checks_add (checks, "names-lan", EW_CHECK_WARNING, fix,
                       "This network's name server %s answers for every name below %s, also for one that doesn't "
                       "exist. While this computer is connected, the mesh's answers win.",
                       address, evidence->suffix);
      else
        ew_checks_add (checks, "names-lan", EW_CHECK_WARNING, fix,
                       "This network's name server %s has names below %s, too. While this computer is connected, the "
                       "mesh's answers win, and the network's own names there aren't found.",
                       address, evidence->suffix);
    }
  if (!found && answered)
    ew_checks_add (checks, "names-lan", EW_CHECK_GOOD, NULL, "This network's name server has no names below %s.",
                   evidence->suffix);
  else if (!answered && evidence->lan->len > 0 && by_module && !evidence->vpn)
    check_silent_lan (evidence, checks);
}

/* ---- gateways' name servers */

static void
check_gateways (const EwNamesEvidence *evidence, JsonArray *checks)
{
  gboolean silent = FALSE;
  gchar address[EW_IP_STRLEN];

  if (!evidence->edge_answered || evidence->gateways->len == 0)
    return;
  for (guint i = 0; i < evidence->gateways->len; i++)
    {
      const EwNamesGateway *gateway = evidence->gateways->pdata[i];
      if (gateway->answered)
        continue;
      silent = TRUE;
      ew_ip_format (&gateway->resolver, address);
      g_autofree gchar *fix = ew_phrase ("On %s, check that the route to %s is forwarded (`edgewayctl route list`) and "
                                         "that the name server there runs and knows %s.",
                                         gateway->node, address, gateway->domain);
      ew_checks_add (checks, "names-gateway", EW_CHECK_WARNING, fix,
                     "The name server %s of %s, behind %s, doesn't answer the edge.", address, gateway->domain,
                     gateway->node);
    }
  if (!silent)
    ew_checks_add (checks, "names-gateway", EW_CHECK_GOOD, NULL,
                   "The gateways' name servers answer the edge for their domains.");
}

/* ---- domains */

/* own: the mesh's suffix, or a gateway's domain that this computer has accepted. */
static gchar *
find_domain_fix (const EwNamesEvidence *evidence, const gchar *own, const EwNamesDomain *domain)
{
  if (g_ascii_strcasecmp (own, evidence->suffix) != 0)
    return ew_phrase ("`sudo edgewayctl name refuse %s`", own);
  if (domain->link != 0)
    return ew_phrase ("Remove it from the settings of that network; until then: `sudo resolvectl domain %s ''`.",
                      domain->interface);
  return g_strdup (N_ ("Remove it from the line Domains= in /etc/systemd/resolved.conf, then: `sudo systemctl restart "
                       "systemd-resolved`."));
}

/* TRUE: another network has it, or one below it. */
static gboolean
check_resolved_domain (const EwNamesEvidence *evidence, const gchar *own, JsonArray *checks)
{
  gboolean found = FALSE;

  for (guint i = 0; i < evidence->domains->len; i++)
    {
      const EwNamesDomain *domain = evidence->domains->pdata[i];
      if (domain->link == evidence->link || !ew_names_is_within (domain->domain, own))
        continue;
      found = TRUE;
      g_autofree gchar *fix = find_domain_fix (evidence, own, domain);
      if (g_ascii_strcasecmp (domain->domain, own) == 0)
        ew_checks_add (checks, "names-domain", EW_CHECK_WARNING, fix,
                       "%s has the domain %s, too. systemd-resolved asks its name servers and the edge; if both know "
                       "a name, the first answer wins.",
                       domain->interface, domain->domain);
      else
        ew_checks_add (checks, "names-domain", EW_CHECK_WARNING, fix,
                       "%s has the domain %s, so systemd-resolved asks its name servers for the names below it, and "
                       "not the edge.",
                       domain->interface, domain->domain);
    }
  return found;
}

/* The tunnel's own domains are the suffix, gateways' domains, reverse zones, and in VPN mode "". */
static void
check_resolved_domains (const EwNamesEvidence *evidence, JsonArray *checks)
{
  gboolean found = check_resolved_domain (evidence, evidence->suffix, checks);

  for (guint i = 0; i < evidence->domains->len; i++)
    {
      const EwNamesDomain *own = evidence->domains->pdata[i];
      if (own->link == evidence->link && *own->domain != '\0' && !ew_names_is_within (own->domain, "in-addr.arpa")
          && !ew_names_is_within (own->domain, "ip6.arpa") && g_ascii_strcasecmp (own->domain, evidence->suffix) != 0)
        found |= check_resolved_domain (evidence, own->domain, checks);
    }
  if (!found)
    ew_checks_add (checks, "names-domain", EW_CHECK_GOOD, NULL, "No other network of this computer has the domain %s.",
                   evidence->suffix);
}

/* VPN mode: of several links with "~." all are asked. */
static void
check_all_names (const EwNamesEvidence *evidence, JsonArray *checks)
{
  for (guint i = 0; evidence->vpn && i < evidence->domains->len; i++)
    {
      const EwNamesDomain *domain = evidence->domains->pdata[i];
      if (domain->link == evidence->link || domain->link == 0 || *domain->domain != '\0')
        continue;
      g_autofree gchar *fix = ew_phrase ("Disconnect that VPN, or leave VPN mode: `edgewayctl mode connector`. To keep "
                                         "both: `sudo resolvectl domain %s ''`.",
                                         domain->interface);
      ew_checks_add (checks, "names-all", EW_CHECK_WARNING, fix,
                     "VPN mode is on, and %s takes all names (~.), too. systemd-resolved asks both, and the first "
                     "answer wins.",
                     domain->interface);
    }
}

/* Without resolved, a search domain makes a short name a full one, which the module answers if it is the mesh's. */
static void
check_search_domains (const EwNamesEvidence *evidence, JsonArray *checks)
{
  g_autoptr (EwResolvConf) conf
    = ew_resolv_conf_parse (evidence->resolv_conf, evidence->resolv_conf != NULL ? strlen (evidence->resolv_conf) : 0);

  for (guint i = 0; conf->search[i] != NULL; i++)
    if (ew_names_is_within (conf->search[i], evidence->suffix))
      {
        ew_checks_add (checks, "names-domain", EW_CHECK_GOOD, NULL,
                       "/etc/resolv.conf has the search domain %s, which is the mesh's: names below it are asked at "
                       "the edge.",
                       conf->search[i]);
        return;
      }
  ew_checks_add (checks, "names-domain", EW_CHECK_GOOD, NULL, "No other network of this computer has the domain %s.",
                 evidence->suffix);
}

/* ---- systemd-resolved */

static void
check_dnssec (const EwNamesEvidence *evidence, JsonArray *checks)
{
  /* Those that it knows to be unsigned (systemd 252's resolved-dns-trust-anchor.c). */
  static const gchar *const known[]
    = { "corp", "home", "internal", "intranet", "lan", "local", "private", "test", "home.arpa" };
  gboolean fits = evidence->unsigned_known;

  if (evidence->dnssec == NULL || g_str_equal (evidence->dnssec, "no"))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    fits |= ew_names_is_within (evidence->suffix, known[i]);
  if (fits)
    {
      ew_checks_add (checks, "names-dnssec", EW_CHECK_GOOD, NULL,
                     "systemd-resolved checks signatures (DNSSEC=%s), and knows that names below %s have none.",
                     evidence->dnssec, evidence->suffix);
      return;
    }
  g_autofree gchar *fix = ew_phrase ("`sudo resolvectl nta %s %s`", evidence->interface, evidence->suffix);
  ew_checks_add (checks, "names-dnssec", EW_CHECK_BAD, fix,
                 "systemd-resolved checks signatures (DNSSEC=%s), and refuses names below %s, which have none.",
                 evidence->dnssec, evidence->suffix);
}

/* A copy keeps the stub's address and not its search line, which follows the links. */
static void
check_copy (const EwNamesEvidence *evidence, JsonArray *checks)
{
  g_autoptr (EwResolvConf) conf
    = ew_resolv_conf_parse (evidence->resolv_conf, evidence->resolv_conf != NULL ? strlen (evidence->resolv_conf) : 0);

  if (evidence->resolv_conf_is_link || conf->n_servers == 0 || !ew_names_is_stub (&conf->servers[0])
      || (evidence->nsswitch != NULL && strstr (evidence->nsswitch, WORD_SHORT) != NULL)) /* Edgeway's module does */
    return;
  for (guint i = 0; conf->search[i] != NULL; i++)
    if (g_ascii_strcasecmp (conf->search[i], evidence->suffix) == 0)
      return;
  ew_checks_add (checks, "names-copy", EW_CHECK_WARNING,
                 N_ ("`sudo ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf`"),
                 "/etc/resolv.conf is a file of its own and not a link to systemd-resolved's, so programs that read it "
                 "don't complete short names. Full names work, such as %s.%s.",
                 evidence->own_name, evidence->suffix);
}

/* ---- nsswitch.conf */

/* The words of the line "hosts" in their order, with actions as words of their own, in one piece. */
static GStrv
split_hosts_line (const gchar *text)
{
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      gchar *line = g_strchug (lines[i]), *comment = strchr (line, '#');
      if (!g_str_has_prefix (line, "hosts:"))
        continue;
      if (comment != NULL)
        *comment = '\0';
      for (gchar *at = line + strlen ("hosts:"); *at != '\0';)
        {
          gsize length = strspn (at, " \t\r");
          at += length;
          const gchar *end = *at == '[' ? strchr (at, ']') : NULL;
          length = end != NULL ? (gsize)(end - at) + 1 : strcspn (at, " \t\r[");
          if (length == 0)
            length = *at != '\0' ? 1 : 0;
          g_autofree gchar *word = g_strndup (at, length);
          if (*word != '\0')
            g_strv_builder_add (words, word);
          at += length;
        }
      break;
    }
  return g_strv_builder_end (words);
}

/* What asks no other computer. */
static gboolean
asks_nobody (const gchar *service)
{
  static const gchar *const local[]
    = { "files", "compat", "db", "myhostname", "mymachines", "libvirt", "libvirt_guest" };

  for (guint i = 0; i < G_N_ELEMENTS (local); i++)
    if (g_str_equal (service, local[i]))
      return TRUE;
  return FALSE;
}

/* "[NOTFOUND=return]" after mdns4_minimal is for names below .local alone; after others it ends the look-up. */
static gboolean
ends_lookup (const gchar *service, const gchar *action)
{
  if (service == NULL || strstr (service, "_minimal") != NULL || strstr (action, "=return") == NULL
      || strstr (action, "NOTFOUND=continue") != NULL)
    return FALSE;
  return strstr (action, "!UNAVAIL") != NULL || strstr (action, "NOTFOUND=return") != NULL;
}

static const gchar *
order_fix (const gchar *nsswitch)
{
  return nsswitch != NULL && strstr (nsswitch, "authselect") != NULL
           ? N_ ("authselect writes this file. Put the two words into the line `hosts` of "
                 "/etc/authselect/user-nsswitch.conf, then: `sudo authselect apply-changes`.")
           : N_ ("Let Edgeway put its words in again: `edgewayctl disconnect && edgewayctl connect`. If they go again, "
                 "find the program that writes /etc/nsswitch.conf.");
}

static void
check_order (const EwNamesEvidence *evidence, JsonArray *checks)
{
  g_auto (GStrv) words = split_hosts_line (evidence->nsswitch);
  const gchar *service = NULL, *before_full = NULL, *ended = NULL;
  gboolean full = FALSE, last = FALSE;

  for (guint i = 0; words[i] != NULL; i++)
    {
      if (*words[i] == '[')
        {
          if (ended == NULL && g_strcmp0 (service, WORD_FULL) != 0 && ends_lookup (service, words[i]))
            ended = service;
          continue;
        }
      service = words[i];
      full |= g_str_equal (service, WORD_FULL);
      last |= g_str_equal (service, WORD_SHORT);
      if (!full && !last && before_full == NULL && !asks_nobody (service))
        before_full = service;
      if (last)
        break;
    }
  if (!full || !last)
    ew_checks_add (checks, "names-order", EW_CHECK_BAD, order_fix (evidence->nsswitch),
                   "The line `hosts` of /etc/nsswitch.conf doesn't have both words of Edgeway, edgeway and "
                   "edgeway_short: programs don't ask for the mesh's names.");
  else if (before_full != NULL)
    ew_checks_add (checks, "names-order", EW_CHECK_WARNING, order_fix (evidence->nsswitch),
                   "The line `hosts` of /etc/nsswitch.conf has %s before edgeway: other name servers are asked for the "
                   "mesh's names first, and their answers win.",
                   before_full);
  else if (ended != NULL)
    ew_checks_add (checks, "names-order", EW_CHECK_WARNING,
                   N_ ("Use full names, or remove the action in brackets after that word."),
                   "The line `hosts` of /etc/nsswitch.conf ends a look-up after %s, before edgeway_short: short names "
                   "of the mesh aren't found, full ones are.",
                   ended);
  else
    ew_checks_add (checks, "names-order", EW_CHECK_GOOD, NULL,
                   "/etc/nsswitch.conf asks Edgeway first for names below %s, and last for short names.",
                   evidence->suffix);
}

/* ---- all of it */

void
ew_names_judge_evidence (const EwNamesEvidence *evidence, JsonArray *checks)
{
  const EwNamesFacts facts = {
    .nsswitch = evidence->nsswitch,
    .nsswitch_length = evidence->nsswitch != NULL ? strlen (evidence->nsswitch) : 0,
    .resolv_conf = evidence->resolv_conf,
    .resolv_conf_length = evidence->resolv_conf != NULL ? strlen (evidence->resolv_conf) : 0,
    .resolved_answers = evidence->resolved_answers,
  };
  gboolean by_module = ew_names_plan (&facts) == EW_NAMES_BY_MODULE;

  check_hosts (evidence, checks);
  check_lan (evidence, by_module, checks);
  check_gateways (evidence, checks);
  if (!by_module)
    {
      check_resolved_domains (evidence, checks);
      check_dnssec (evidence, checks);
      check_copy (evidence, checks);
    }
  else
    check_search_domains (evidence, checks);
  if (evidence->module && (by_module || (evidence->nsswitch != NULL && strstr (evidence->nsswitch, WORD_FULL) != NULL)))
    check_order (evidence, checks);
  if (evidence->resolved_answers)
    check_all_names (evidence, checks);
  if (evidence->nscd)
    ew_checks_add (
      checks, "names-cache", EW_CHECK_WARNING, N_ ("Let it forget what it has kept: `sudo nscd -i hosts`."),
      "nscd runs on this computer. It keeps the names that programs asked for, so a changed or new name of "
      "the mesh may be seen minutes later.");
}
