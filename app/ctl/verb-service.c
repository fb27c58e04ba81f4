/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * service add, list, show, edit, remove.
 */
#include "ctl.h"

#include <string.h>

#include "common/error.h"
#include "common/service-text.h"
#include "common/util.h"
#include "console/format.h"
#include "services.h"

static const GOptionEntry no_entries[] = { { NULL } };

typedef struct
{
  gchar **ports, **addresses;
  gboolean udp, spread, first, json;
  gchar *source, *check, *name;
} Options;

static void
options_clear (Options *options)
{
  g_strfreev (options->ports);
  g_strfreev (options->addresses);
  g_free (options->source);
  g_free (options->check);
  g_free (options->name);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

/* What is wrong with what was typed, before anybody is asked. *exit_code: only where it's FALSE. */
static gboolean
check_arguments (EwCtl *ctl, const Options *options, gchar **targets, gsize n, gboolean is_new, gint *exit_code)
{
  EwServiceTargetText parsed[EW_SERVICE_TARGETS_MAX] = { { 0 } };
  g_autoptr (GError) error = NULL;
  gboolean good = TRUE;

  for (gsize i = 0; good && i < n; i++)
    good = ew_target_parse (targets[i], &parsed[i], &error);
  if (good && (is_new || options->ports != NULL))
    {
      g_autoptr (GArray) ports = ew_ports_parse ((const gchar *const *)options->ports, options->udp, parsed, n, &error);
      good = ports != NULL;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (parsed); i++)
    ew_target_clear (&parsed[i]);
  if (!good)
    *exit_code = ew_ctl_usage (ctl, "%s", error->message);
  return good;
}

static gboolean
check_choices (EwCtl *ctl, const Options *options, gint *exit_code)
{
  if (options->spread && options->first)
    *exit_code = ew_ctl_usage (ctl, "Give either --spread or --first.");
  else if (options->source != NULL && !g_str_equal (options->source, "edge")
           && !g_str_equal (options->source, "caller"))
    *exit_code = ew_ctl_usage (ctl, "--source must be \"caller\" or \"edge\".");
  else if (options->check != NULL && !g_str_equal (options->check, "auto") && !g_str_equal (options->check, "always"))
    *exit_code = ew_ctl_usage (ctl, "--check must be \"auto\" or \"always\".");
  else
    return TRUE;
  return FALSE;
}

static void
add_text (GVariantBuilder *builder, const gchar *key, const gchar *text)
{
  if (text != NULL)
    g_variant_builder_add (builder, "{sv}", key, g_variant_new_string (text));
}

static void
add_texts (GVariantBuilder *builder, const gchar *key, gchar **texts)
{
  if (texts != NULL)
    g_variant_builder_add (builder, "{sv}", key, g_variant_new_strv ((const gchar *const *)texts, -1));
}

static void
add_options (GVariantBuilder *builder, const Options *options)
{
  add_texts (builder, "ports", options->ports);
  add_texts (builder, "addresses", options->addresses);
  if (options->udp)
    g_variant_builder_add (builder, "{sv}", "udp", g_variant_new_boolean (TRUE));
  add_text (builder, "spread", options->spread ? "spread" : options->first ? "first" : NULL);
  add_text (builder, "source", options->source);
  add_text (builder, "check", options->check);
  add_text (builder, "name", options->name);
}

/* What is still to be done elsewhere. */
static void
hint_at_routes (JsonObject *service)
{
  g_auto (GStrv) addresses = ew_json_strv (service, "addresses", 8);

  if (!ew_json_bool (service, "outside", FALSE) || addresses == NULL || addresses[0] == NULL)
    return;
  ew_ctl_hint ("This address is outside the mesh's range. On each computer that is to use it: sudo edgewayctl route "
               "accept %s/%s\n",
               addresses[0], strchr (addresses[0], ':') != NULL ? "128" : "32");
}

static void
hint_at_target (EwCtl *ctl, JsonObject *service)
{
  JsonArray *targets = ew_json_array (service, "targets");
  const gchar *name = ew_json_string (service, "name");

  for (guint i = 0; targets != NULL && i < json_array_get_length (targets); i++)
    {
      JsonNode *element = json_array_get_element (targets, i);
      JsonObject *target = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      if (target == NULL)
        continue;
      const gchar *state = ew_json_string (target, "state");
      g_autofree gchar *sentence = ew_services_describe_target (&ctl->terminal, target);
      if (g_strcmp0 (state, "answers") == 0)
        ew_ctl_print ("%s.\n", sentence);
      else if (g_strcmp0 (state, "refuses") == 0)
        ew_ctl_hint ("%s. Start it there, or correct the port with `sudo edgewayctl service edit %s NODE:PORT`.\n",
                     sentence, name != NULL ? name : "NAME");
      else if (g_strcmp0 (state, "unknown") != 0 && g_strcmp0 (state, "reachable") != 0)
        ew_ctl_hint ("%s. The service works as soon as it does.\n", sentence);
    }
}

/* Takes parameters. done: with the service's full name and its first address. */
static gint
put_service (EwCtl *ctl, const gchar *method, GVariant *parameters, const Options *options, const gchar *done)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (parameters);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) service
    = ew_ctl_open (ctl, &error) != NULL ? ew_link_call_json (ctl->link, method, owned, &error) : NULL;

  if (service == NULL)
    return ew_ctl_fail (ctl, error);
  if (options->json)
    {
      ew_ctl_print_json (service);
      return EW_EXIT_DONE;
    }
  g_autofree gchar *fqdn = ew_format_get_text (&ctl->terminal, service, "fqdn", "?");
  g_autofree gchar *addresses = ew_format_get_list (&ctl->terminal, service, "addresses", ", ");
  ew_ctl_print ("%s: %s (%s).\n", done, fqdn, addresses);
  hint_at_target (ctl, service);
  hint_at_routes (service);
  return EW_EXIT_DONE;
}

#define OPTION_PORT                                                                                                    \
  {                                                                                                                    \
    "port", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &options.ports,                                                         \
      "What callers use: 80, a range 8000-8010, 80:8123 (the target has 8123), or all; again for more", "P[:Q]"        \
  }
#define OPTION_UDP                                                                                                     \
  {                                                                                                                    \
    "udp", 0, 0, G_OPTION_ARG_NONE, &options.udp, "The ports are UDP's", NULL                                          \
  }
#define OPTION_ADDRESS                                                                                                 \
  {                                                                                                                    \
    "address", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.addresses,                                                    \
      "An address of your choice, for example "                                                                        \
      "10.128.0.5",                                                                                                    \
      "ADDRESS"                                                                                                        \
  }
#define OPTION_SPREAD                                                                                                  \
  {                                                                                                                    \
    "spread", 0, 0, G_OPTION_ARG_NONE, &options.spread, "Spread callers over all targets that work", NULL              \
  }
#define OPTION_SOURCE                                                                                                  \
  {                                                                                                                    \
    "source", 0, 0, G_OPTION_ARG_STRING, &options.source, "Whom targets see: caller or edge", "WHO"                    \
  }
#define OPTION_CHECK                                                                                                   \
  {                                                                                                                    \
    "check", 0, 0, G_OPTION_ARG_STRING, &options.check,                                                                \
      "When targets are probed: auto (if there are several) or "                                                       \
      "always",                                                                                                        \
      "WHEN"                                                                                                           \
  }
#define OPTION_JSON                                                                                                    \
  {                                                                                                                    \
    "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print JSON, for programs", NULL                                   \
  }

gint
ew_verb_service_add (EwCtl *ctl, gint argc, gchar **argv)
{
  g_auto (Options) options = { 0 };
  const GOptionEntry entries[]
    = { OPTION_PORT, OPTION_UDP, OPTION_ADDRESS, OPTION_SPREAD, OPTION_SOURCE, OPTION_CHECK, OPTION_JSON, { NULL } };
  GVariantBuilder builder;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 2, 1 + EW_SERVICE_TARGETS_MAX, &exit_code)
      || !check_choices (ctl, &options, &exit_code)
      || !check_arguments (ctl, &options, argv + 2, (gsize)argc - 2, TRUE, &exit_code))
    return exit_code;
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add_options (&builder, &options);
  return put_service (
    ctl, "AddService",
    g_variant_new ("(s@asa{sv})", argv[1], g_variant_new_strv ((const gchar *const *)argv + 2, argc - 2), &builder),
    &options, "Added");
}

gint
ew_verb_service_edit (EwCtl *ctl, gint argc, gchar **argv)
{
  g_auto (Options) options = { 0 };
  const GOptionEntry entries[] = {
    OPTION_PORT,
    OPTION_UDP,
    OPTION_ADDRESS,
    OPTION_SPREAD,
    { "first", 0, 0, G_OPTION_ARG_NONE, &options.first, "Lead callers to the first target that works", NULL },
    OPTION_SOURCE,
    OPTION_CHECK,
    { "name", 0, 0, G_OPTION_ARG_STRING, &options.name, "Another name", "NEW" },
    OPTION_JSON,
    { NULL },
  };
  GVariantBuilder builder;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 1, 1 + EW_SERVICE_TARGETS_MAX, &exit_code)
      || !check_choices (ctl, &options, &exit_code)
      || !check_arguments (ctl, &options, argv + 2, (gsize)argc - 2, FALSE, &exit_code))
    return exit_code;
  if (options.udp && options.ports == NULL)
    return ew_ctl_usage (ctl, "--udp says what the ports of --port are, so give those, too.");
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add_options (&builder, &options);
  if (argc > 2)
    g_variant_builder_add (&builder, "{sv}", "targets", g_variant_new_strv ((const gchar *const *)argv + 2, argc - 2));
  return put_service (ctl, "EditService", g_variant_new ("(sa{sv})", argv[1], &builder), &options, "Changed");
}

gint
ew_verb_service_remove (EwCtl *ctl, gint argc, gchar **argv)
{
  g_autofree gchar *name = NULL, *done = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, no_entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  name = ew_terminal_clean (&ctl->terminal, argv[1]);
  done = g_strdup_printf ("The service %s has been removed.", name);
  return ew_ctl_do (ctl, "RemoveService", g_variant_new ("(s)", argv[1]), done);
}

static void
show_services (EwCtl *ctl, JsonObject *answer)
{
  g_autofree gchar *text = ew_services_format_list (&ctl->terminal, answer);

  if (text != NULL)
    ew_ctl_print ("%s", text);
  else
    ew_ctl_hint ("The mesh has no services. Add one, for example with `sudo edgewayctl service add ha nas:8123 --port "
                 "80`.\n");
}

gint
ew_verb_service_list (EwCtl *ctl, gint argc, gchar **argv)
{
  return ew_ctl_list (ctl, argc, argv, "ListServices", show_services);
}

gint
ew_verb_service_show (EwCtl *ctl, gint argc, gchar **argv)
{
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, for programs", NULL },
    { NULL },
  };
  g_autoptr (JsonObject) service = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  if (json)
    return ew_ctl_dump (ctl, "ShowService", g_variant_new ("(s)", argv[1]));
  if (ew_ctl_open (ctl, &error) == NULL
      || (service = ew_link_call_json (ctl->link, "ShowService", g_variant_new ("(s)", argv[1]), &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  text = ew_services_format (&ctl->terminal, service);
  ew_ctl_print ("%s", text);
  hint_at_routes (service);
  return EW_EXIT_DONE;
}
