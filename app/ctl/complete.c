/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "complete.h"

#include <stdio.h>
#include <string.h>

#include "common/util.h"
#include "console/complete.h"

typedef enum
{
  NOTHING, /* of what is known here: a new name, an address */
  NODE,
  NODE_TO_RENEW, /* with --renew; else a new name */
  KEY,
  NAME,
  DOMAIN,
  ROUTE,
  SERVICE,
  NODE_OR_SERVICE,
  PUBLISHED,
  MODE,
  ON_OFF,
  ALLOW_BLOCK,
  OPEN_CLOSE,
  PROXY,
  DEFAULT,
} Kind;

static const struct
{
  const gchar *verb;
  Kind kinds[2];
} arguments[] = {
  { "mode", { MODE } },
  { "lockdown", { ON_OFF } },
  { "lan", { ALLOW_BLOCK } },
  { "portal", { OPEN_CLOSE } },
  { "proxy", { PROXY } },
  { "ping", { NODE_OR_SERVICE } },
  { "node add", { NODE_TO_RENEW } },
  { "node show", { NODE } },
  { "node rename", { NODE } },
  { "node mtu", { NODE, DEFAULT } },
  { "node remove", { NODE } },
  { "node config", { NODE_TO_RENEW } },
  { "key revoke", { KEY } },
  { "name add", { NOTHING, NODE } },
  { "name remove", { NAME } },
  { "name accept", { DOMAIN } },
  { "name refuse", { DOMAIN } },
  { "route add", { NOTHING, NODE } },
  { "route remove", { ROUTE, NODE } },
  { "route accept", { ROUTE } },
  { "route refuse", { ROUTE } },
  { "service add", { NOTHING, NODE } },
  { "service show", { SERVICE } },
  { "service edit", { SERVICE, NODE } },
  { "service remove", { SERVICE } },
  { "publish", { SERVICE } },
  { "publish remove", { PUBLISHED } },
};

/* What the mesh knows. */

/* NULL: not to be had at once and without a password. (transfer full) */
static JsonObject *
look_up (EwCtl *ctl, const gchar *method)
{
  fflush (stdout); /* print what is known here, however long the edge takes */
  if (ew_ctl_open (ctl, NULL) == NULL)
    return NULL;
  if (g_strcmp0 (ew_daemon1_get_state (ew_link_get_proxy (ctl->link)), "connected") != 0)
    return NULL;
  return ew_link_look (ctl->link, method, NULL);
}

/* Each object's member, with another as its description. */
static void
offer_members (EwCtl *ctl, const gchar *method, const gchar *array, const gchar *member, const gchar *about,
               const gchar *typed)
{
  g_autoptr (JsonObject) answer = look_up (ctl, method);
  JsonArray *items = answer != NULL ? ew_json_array (answer, array) : NULL;

  for (guint i = 0; items != NULL && i < json_array_get_length (items); i++)
    {
      JsonNode *item = json_array_get_element (items, i);
      if (!JSON_NODE_HOLDS_OBJECT (item))
        continue;
      const gchar *text = ew_json_string (json_node_get_object (item), member);
      if (text != NULL)
        ew_complete_offer (typed, text, ew_json_string (json_node_get_object (item), about));
    }
}

static gboolean
has_word (gint argc, gchar **argv, const gchar *word)
{
  for (gint i = 1; i < argc - 1; i++)
    if (g_str_equal (argv[i], word))
      return TRUE;
  return FALSE;
}

static void
offer_kind (EwCtl *ctl, Kind kind, gint argc, gchar **argv)
{
  const gchar *typed = argv[argc - 1];

  if (kind == NODE || kind == NODE_OR_SERVICE || (kind == NODE_TO_RENEW && has_word (argc, argv, "--renew")))
    offer_members (ctl, "ListNodes", "nodes", "name", "state", typed);
  if (kind == KEY)
    offer_members (ctl, "ListKeys", "keys", "id", "label", typed);
  if (kind == ROUTE)
    offer_members (ctl, "ListRoutes", "routes", "cidr", "node", typed);
  if (kind == SERVICE || kind == NODE_OR_SERVICE)
    offer_members (ctl, "ListServices", "services", "name", "fqdn", typed);
  if (kind == PUBLISHED)
    offer_members (ctl, "ListPublished", "published", "host", "service", typed);
  if (kind == NAME)
    offer_members (ctl, "ListNames", "names", "name", "node", typed);
  if (kind == NAME || kind == DOMAIN)
    offer_members (ctl, "ListNames", "domains", "domain", "node", typed);
  if (kind == PROXY)
    {
      ew_complete_offer (typed, "show", NULL);
      ew_complete_offer (typed, "set", "Go through the proxy at a URL");
      ew_complete_offer (typed, "off", "Go through none");
      ew_complete_offer (typed, "auto", "Go through the environment's or the desktop's");
      ew_complete_offer (typed, "password", "Store the name and the password that it asks for");
    }
  if (kind == MODE)
    {
      ew_complete_offer (typed, "vpn", "All traffic goes through the edge");
      ew_complete_offer (typed, "connector", "Only traffic for the mesh goes through the edge");
    }
  if (kind == ON_OFF)
    {
      ew_complete_offer (typed, "on", "Nothing leaves except through the edge");
      ew_complete_offer (typed, "off", "What VPN mode leaves outside may leave");
    }
  if (kind == ALLOW_BLOCK)
    {
      ew_complete_offer (typed, "allow", "The local network can be reached");
      ew_complete_offer (typed, "block", "The local network can't be reached in VPN mode and lockdown");
    }
  if (kind == OPEN_CLOSE)
    {
      ew_complete_offer (typed, "open", "Your browser can reach the network's login page");
      ew_complete_offer (typed, "close", "It can't any longer");
    }
  if (kind == DEFAULT)
    ew_complete_offer (typed, "default", "The mesh's");
}

void
ew_ctl_complete_verb (EwCtl *ctl, const GOptionEntry *const *tables, gint argc, gchar **argv, gint max)
{
  guint position;

  if (!ew_complete_options (tables, argc, argv, &position))
    return;
  if ((gint)position >= max && *argv[argc - 1] == '\0')
    ew_complete_offer_options (tables, argc, argv);
  for (gsize i = 0; i < G_N_ELEMENTS (arguments); i++)
    if (g_str_equal (arguments[i].verb, ctl->verb) && position < G_N_ELEMENTS (arguments[i].kinds))
      offer_kind (ctl, arguments[i].kinds[position], argc, argv);
}

/* Verbs. */

/* The words that can follow group ("": the first ones), each once. */
static void
offer_verbs (const EwVerb *verbs, gsize n, const gchar *group, const gchar *typed)
{
  const gchar *last = "";
  gsize skip = *group != '\0' ? strlen (group) + 1 : 0;

  for (gsize i = 0; i < n; i++)
    {
      const gchar *name = verbs[i].name;
      if (skip > 0 && (!g_str_has_prefix (name, group) || name[skip - 1] != ' '))
        continue;
      g_autofree gchar *word = g_strndup (name + skip, strcspn (name + skip, " "));
      gboolean is_group = name[skip + strlen (word)] == ' ';
      if (!g_str_has_prefix (last, word) || (last[strlen (word)] != ' ' && last[strlen (word)] != '\0'))
        ew_complete_offer (typed, word, is_group ? NULL : verbs[i].summary);
      last = name + skip;
    }
}

static gboolean
is_group (const EwVerb *verbs, gsize n, const gchar *word)
{
  for (gsize i = 0; i < n; i++)
    if (g_str_has_prefix (verbs[i].name, word) && verbs[i].name[strlen (word)] == ' ')
      return TRUE;
  return FALSE;
}

static gboolean
is_verb (const EwVerb *verbs, gsize n, const gchar *first, const gchar *second)
{
  g_autofree gchar *two = g_strconcat (first, " ", second, NULL);

  for (gsize i = 0; i < n; i++)
    if (g_str_equal (verbs[i].name, first) || g_strcmp0 (verbs[i].name, two) == 0)
      return TRUE;
  return FALSE;
}

/* Wherever it stands. */
static void
take_bus (EwCtl *ctl, gint argc, gchar **argv)
{
  for (gint i = 1; i < argc - 1; i++)
    if (g_str_has_prefix (argv[i], "--bus=") || (g_str_equal (argv[i], "--bus") && i + 1 < argc - 1))
      {
        g_free (ctl->bus);
        ctl->bus = g_strdup (argv[i][5] == '=' ? argv[i] + 6 : argv[i + 1]);
      }
}

void
ew_ctl_complete (EwCtl *ctl, gint argc, gchar **argv, const EwVerb *verbs, gsize n,
                 gint (*run) (EwCtl *ctl, gint argc, gchar **argv))
{
  const GOptionEntry leading[] = {
    { "bus", 0, 0, G_OPTION_ARG_STRING, NULL, "The bus that edgewayd is on", "ADDRESS" },
    { "help", 'h', 0, G_OPTION_ARG_NONE, NULL, "Show all commands", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, NULL, "Show the version", NULL },
    { NULL },
  };
  const GOptionEntry *const tables[] = { leading, NULL };
  gboolean helps;
  guint position;

  ew_complete_begin ();
  ctl->completing = TRUE;
  take_bus (ctl, argc, argv);
  while (argc > 2 && g_str_has_prefix (argv[1], "--bus") && (argv[1][5] == '=' || argc > 3))
    {
      gint words = argv[1][5] == '=' ? 1 : 2;
      argc -= words, argv += words;
    }
  if (argc < 2)
    return;
  helps = argc > 2 && g_str_equal (argv[1], "help");
  if (helps)
    argc--, argv++;
  if (argc == 2 || argv[1][0] == '-')
    {
      if (helps || ew_complete_options (tables, argc, argv, &position))
        offer_verbs (verbs, n, "", argv[argc - 1]);
    }
  else if (argc == 3 && is_group (verbs, n, argv[1]) && !(argv[2][0] == '-' && is_verb (verbs, n, argv[1], "")))
    offer_verbs (verbs, n, argv[1], argv[2]);
  else if (!helps && is_verb (verbs, n, argv[1], argv[2]))
    run (ctl, argc, argv);
}
