/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * node config. The key pair is made here; the edge gets the public half, stdout the whole, once.
 */
#include "ctl.h"

#include <stdio.h>
#include <unistd.h>

#include "common/error.h"
#include "common/util.h"
#include "console/format.h"
#include "qr.h"
#include "wg-config/wg-config.h"

#define VALID_MIN_S 60
#define VALID_MAX_S 31536000
#define VALID_S 86400

typedef struct
{
  gboolean vpn, qr, renew, show, names, no_names;
  guint valid_s;
} Wishes;

static JsonObject *
create (EwCtl *ctl, const gchar *name, const gchar *public_key, const Wishes *wishes, GError **error)
{
  GVariantBuilder options;

  if (ew_ctl_open (ctl, error) == NULL)
    return NULL;
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (wishes->renew)
    g_variant_builder_add (&options, "{sv}", "renew", g_variant_new_boolean (TRUE));
  else
    g_variant_builder_add (&options, "{sv}", "kind", g_variant_new_string ("device"));
  g_variant_builder_add (&options, "{sv}", "valid-seconds", g_variant_new_uint32 (wishes->valid_s));
  return ew_link_call_json (ctl->link, "CreateConfig", g_variant_new ("(ssa{sv})", name, public_key, &options), error);
}

/* The same name each time, and one that every program takes. */
static gchar *
get_file_name (EwCtl *ctl)
{
  g_autoptr (JsonObject) status = ew_link_call_json (ctl->link, "GetStatus", NULL, NULL);

  return ew_wg_config_file_name (status != NULL ? ew_json_string (status, "mesh") : NULL);
}

/* With all of its traffic in the tunnel, a phone can't reach the name server of the network that it is in: the edge
   then answers names too, unless that isn't wanted. */
static EwWgConfigFlags
choose_flags (const Wishes *wishes, JsonObject *config)
{
  EwWgConfigFlags flags = wishes->vpn ? EW_WG_CONFIG_VPN : 0;

  if (wishes->names || (wishes->vpn && !wishes->no_names && ew_wg_config_has_names (config)))
    flags |= EW_WG_CONFIG_NAMES;
  return flags;
}

static void
print_names_hint (const gchar *name, const gchar *suffix, const Wishes *wishes, gboolean names)
{
  if (names)
    ew_ctl_hint (
      "The mesh's names work there, for example %s.%s. While the tunnel is on, %s asks the edge for all names. "
      "On Linux, wg-quick needs resolvconf for this.%s\n",
      name, suffix, name, wishes->vpn && !wishes->names ? " To leave the DNS line out, use --no-names." : "");
  else
    ew_ctl_hint ("Names of the mesh aren't resolved there, so use mesh addresses, or add --names.\n");
}

static void
print_hints (const gchar *name, const gchar *file, const gchar *const *public_networks, const Wishes *wishes)
{
  g_autofree gchar *span = ew_format_span (wishes->valid_s);
  g_autofree gchar *networks = g_strjoinv (", ", (GStrv)public_networks);

  if (wishes->qr)
    ew_ctl_hint ("\nScan this code with the WireGuard app: + → Scan from QR code. It contains the private key: show it "
                 "to nobody else, and clear this screen.\n");
  else
    ew_ctl_hint (
      "\nThis wg-quick configuration contains the private key and is shown only once. To save it: umask 077; "
      "… > %s. To use it: wg-quick up ./%s, or import it into NetworkManager or any WireGuard app.\n",
      file, file);
  if (*networks != '\0')
    ew_ctl_hint ("These public networks also go through the mesh, because nodes offer them: %s.\n", networks);
  if (wishes->renew)
    ew_ctl_hint ("The old configuration of %s no longer connects. The new one has the same addresses.\n", name);
  else
    ew_ctl_hint ("%s is removed again if it doesn't connect within %s.\n", name, span);
}

/* It was checked when it was written. */
static const gchar *
get_suffix (JsonObject *config)
{
  JsonArray *search = ew_json_array (config, "search");

  return search != NULL && json_array_get_length (search) > 0 ? json_array_get_string_element (search, 0) : NULL;
}

/* All or nothing: a node whose key was never shown is removed. A node that existed before stays, and its key is renewed
   again.
 */
static gint
show (EwCtl *ctl, const gchar *name, JsonObject *result, const gchar *private_key, const Wishes *wishes)
{
  JsonObject *config = ew_json_object (result, "config");
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) public_networks = NULL;
  g_autofree gchar *file = get_file_name (ctl);
  EwWgConfigFlags flags = choose_flags (wishes, config != NULL ? config : result);
  gchar *text = ew_wg_config_format (config != NULL ? config : result, private_key, flags, &public_networks, &error);
  gchar *shown = text != NULL && wishes->qr ? ew_qr_draw (text, &ctl->terminal, &error) : NULL;
  gint exit_code = EW_EXIT_DONE;

  if (error != NULL)
    {
      g_autoptr (GVariant) removed
        = wishes->renew ? NULL : ew_link_call (ctl->link, "RemoveNode", g_variant_new ("(s)", name), NULL);
      exit_code = ew_ctl_fail (ctl, error);
    }
  else
    {
      ew_ctl_print ("%s", wishes->qr ? shown : text);
      if (fflush (stdout) != 0)
        exit_code = EW_EXIT_FAILED;
      print_hints (name, file, (const gchar *const *)public_networks, wishes);
      print_names_hint (name, get_suffix (config), wishes, (flags & EW_WG_CONFIG_NAMES) != 0);
    }
  ew_free_secret (text);
  ew_free_secret (shown);
  return exit_code;
}

gint
ew_verb_node_config (EwCtl *ctl, gint argc, gchar **argv)
{
  Wishes wishes = { .valid_s = VALID_S };
  g_autofree gchar *valid = NULL;
  const GOptionEntry entries[] = {
    { "vpn", 0, 0, G_OPTION_ARG_NONE, &wishes.vpn, "Send all of its traffic through the edge", NULL },
    { "names", 0, 0, G_OPTION_ARG_NONE, &wishes.names,
      "Write a DNS line, so that the mesh's names work there; with --vpn the default", NULL },
    { "no-names", 0, 0, G_OPTION_ARG_NONE, &wishes.no_names, "With --vpn, write no DNS line", NULL },
    { "qr", 0, 0, G_OPTION_ARG_NONE, &wishes.qr, "Draw a QR code for a phone", NULL },
    { "renew", 0, 0, G_OPTION_ARG_NONE, &wishes.renew,
      "Make a new key pair for an existing node, which keeps its name and addresses; the old configuration stops "
      "working",
      NULL },
    { "show", 0, 0, G_OPTION_ARG_NONE, &wishes.show, "Print it, with its private key, even on a terminal", NULL },
    { "valid", 0, 0, G_OPTION_ARG_STRING, &valid, "Remove the node again if it hasn't connected by then (default: 1d)",
      "DURATION" },
    { NULL },
  };
  g_autoptr (GError) error = NULL;
  g_auto (EwKeyPair) keys = { 0 };
  g_autoptr (JsonObject) result = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  if (!ew_name_check (argv[1], &error))
    return ew_ctl_usage (ctl, "%s", error->message);
  if (valid != NULL && !ew_duration_parse (valid, VALID_MIN_S, VALID_MAX_S, &wishes.valid_s, &error))
    return ew_ctl_usage (ctl, "--valid: %s", error->message);
  if (wishes.names && wishes.no_names)
    return ew_ctl_usage (ctl, "Use either --names or --no-names.");
  if (!wishes.qr && !wishes.show && isatty (STDOUT_FILENO))
    return ew_ctl_usage (ctl,
                         "The configuration contains a private key. Save it with (umask 077; sudo edgewayctl node "
                         "config %s > FILE), or use --qr, or --show to print it here.",
                         argv[1]);
  if (!ew_key_pair_make (&keys, &error) || (result = create (ctl, argv[1], keys.public_key, &wishes, &error)) == NULL)
    return ew_ctl_fail_to_add (ctl, argv[1], error);
  return show (ctl, argv[1], result, keys.private_key, &wishes);
}
