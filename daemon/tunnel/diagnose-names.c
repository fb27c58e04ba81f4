/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tunnel/diagnose-names.h"
#include "common/checks.h"
#include "common/phrase.h"
#include "names/inquiry.h"
#include "tunnel/domains.h"
#include "tunnel/tunnel-private.h"

#include <net/if.h>
#include <string.h>

/* EwNamesGateway, borrowed from the document: of the domains that lead through the mesh on this computer, and of those
   that it offers itself. */
static GArray *
list_gateways (EwTunnel *tunnel)
{
  GArray *gateways = g_array_new (FALSE, TRUE, sizeof (EwNamesGateway));
  g_auto (GStrv) used = ew_tunnel_get_domains (tunnel);

  for (guint i = 0; i < tunnel->document->domains->len; i++)
    {
      const EwDocumentDomain *domain = tunnel->document->domains->pdata[i];
      EwNamesGateway gateway = { .domain = domain->domain, .node = domain->node, .resolver = domain->resolver };
      if (domain->resolver.family != EW_FAMILY_NONE
          && (g_strv_contains ((const gchar *const *)used, domain->domain)
              || g_str_equal (domain->node, tunnel->document->name)))
        g_array_append_val (gateways, gateway);
    }
  return gateways;
}

gboolean
ew_tunnel_diagnose_names_async (EwTunnel *tunnel, GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer user_data)
{
  if (!tunnel->engine || !tunnel->plan || !tunnel->names || !tunnel->document->dns
      || g_str_equal (ew_tunnel_get_names (tunnel), "suffix-refused"))
    return FALSE;
  g_autoptr (EwHostFacts) facts = ew_host_facts_new (tunnel->host, NULL);
  g_autoptr (GArray) servers = ew_tunnel_name_servers (tunnel, tunnel->plan);
  g_autoptr (GArray) gateways = list_gateways (tunnel);
  const gchar *interface = ew_engine_get_interface (tunnel->engine);
  EwInquiry inquiry = {
    .suffix = tunnel->document->suffix,
    .own_name = tunnel->document->name,
    .interface = interface,
    .link = if_nametoindex (interface),
    .vpn = tunnel->vpn_active && tunnel->document->dns_all,
    .edge = (const EwIp *)servers->data,
    .n_edge = tunnel->state == EW_STATE_CONNECTED ? servers->len : 0,
    .resolvers = facts != NULL ? (const EwIp *)facts->resolvers->data : NULL,
    .n_resolvers = facts != NULL ? facts->resolvers->len : 0,
    .gateways = (const EwNamesGateway *)gateways->data,
    .n_gateways = gateways->len,
    .mark = EW_HOST_FWMARK,
  };
  ew_names_inquire_async (&inquiry, cancellable, callback, user_data);
  return TRUE;
}

/* What to do about a reason why names don't work; the sentence has said what it is. */
static const gchar *
find_fix (const gchar *code)
{
  static const struct
  {
    const gchar *code, *fix;
  } fixes[] = {
    { "edge-without-names", N_ ("On the edge's host, install a newer version of Edgeway.") },
    { "resolver-hung", N_ ("`sudo systemctl restart systemd-resolved`") },
    { "resolver-refused", N_ ("`sudo systemctl restart systemd-resolved`") },
    { "ledger", N_ ("Free some space, then: `edgewayctl disconnect && edgewayctl connect`.") },
    { "resolver-link-local", N_ ("In the network's settings, add a name server, for example 9.9.9.9.") },
    { "nsswitch-refused", N_ ("Correct /etc/nsswitch.conf, then: `edgewayctl disconnect && edgewayctl connect`.") },
    { "module-missing", N_ ("Install Edgeway with its module for the C library, libnss_edgeway.so.2.") },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (fixes); i++)
    if (g_str_equal (fixes[i].code, code))
      return fixes[i].fix;
  return N_ ("See the checks whose names begin with \"names-\".");
}

/* What the C library has just said of a name; NULL: it found it. */
static gchar *
describe_failure (const EwNamesEvidence *evidence)
{
  switch (evidence->found)
    {
    case EW_NAMES_CHECK_OK:
      return NULL;
    case EW_NAMES_CHECK_OTHER:
      return ew_phrase ("Another name server, or /etc/hosts, gives %s another address.", evidence->probe);
    case EW_NAMES_CHECK_HUNG:
      return ew_phrase ("A program that asks for %s waits: nothing was found within %d s.", evidence->probe,
                        EW_NAMES_CHECK_SECONDS);
    default:
      return ew_phrase ("Programs on this computer don't find the name %s, although the tunnel works.",
                        evidence->probe);
    }
}

static void
check_names (EwTunnel *tunnel, const EwNamesEvidence *evidence, JsonArray *checks)
{
  const gchar *code = ew_tunnel_get_names (tunnel), *message = ew_tunnel_get_names_message (tunnel);
  gboolean tried = evidence != NULL && evidence->probe != NULL;
  g_autofree gchar *failure = tried ? describe_failure (evidence) : NULL;
  g_autofree gchar *accept = ew_phrase ("`sudo edgewayctl name accept %s`", tunnel->document->suffix);

  if (failure == NULL && g_str_equal (code, "resolver-link-local"))
    ew_checks_add (checks, "names", EW_CHECK_WARNING, find_fix (code), "%s", message);
  else if (tried && failure == NULL)
    ew_checks_add (checks, "names", EW_CHECK_GOOD, NULL, "Programs on this computer find the mesh's names, such as %s.",
                   evidence->probe);
  else if (g_str_equal (code, "suffix-refused"))
    ew_checks_add (checks, "names", EW_CHECK_WARNING, accept, "%s", message);
  else if (ew_checks_find (checks, "probe") == EW_CHECK_BAD || ew_checks_find (checks, "own-packets") == EW_CHECK_BAD
           || g_str_equal (code, "not-connected"))
    ew_checks_add (checks, "names", EW_CHECK_UNKNOWN, NULL,
                   "Whether programs find the mesh's names can't be told while the tunnel doesn't work.");
  else if (failure != NULL
           && (g_str_equal (code, "ok") || g_str_equal (code, "checking") || strstr (message, "`edgewayctl diagnose`")))
    ew_checks_add (checks, "names", EW_CHECK_BAD, find_fix (code), "%s", failure);
  else if (failure != NULL || !g_str_equal (code, "ok"))
    ew_checks_add (checks, "names", g_str_equal (code, "edge-without-names") ? EW_CHECK_WARNING : EW_CHECK_BAD,
                   find_fix (code), "%s", message);
}

void
ew_tunnel_diagnose_names_add (EwTunnel *tunnel, const EwNamesEvidence *evidence, JsonArray *checks)
{
  if (!tunnel->names || !tunnel->document)
    return;
  check_names (tunnel, evidence, checks);
  ew_names_look (tunnel->names); /* what the status says follows */
  if (evidence != NULL)
    ew_names_judge_evidence (evidence, checks);
}
