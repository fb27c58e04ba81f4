/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * publish, publish list, publish remove.
 */
#include "ctl.h"

#include "common/error.h"
#include "common/util.h"
#include "console/format.h"

#define FILE_MAX (32 * 1024) /* bytes of a certificate's chain or its key */

typedef struct
{
  gchar *host, *access, *certificate, *key;
  gchar **allow;
  gboolean json;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->host);
  g_free (options->access);
  g_free (options->certificate);
  g_free (options->key);
  g_strfreev (options->allow);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

/* What is wrong with what was typed, before anybody is asked. *exit_code: only where it's FALSE. */
static gboolean
check_options (EwCtl *ctl, const Options *options, gint *exit_code)
{
  if (options->host == NULL)
    *exit_code = ew_ctl_usage (ctl, "Give the name under which the internet reaches it: --host HOST.");
  else if (options->allow != NULL)
    *exit_code = ew_ctl_usage (ctl, "--allow needs a login, which isn't available yet. Use --access public or closed.");
  else if (options->access != NULL && !g_str_equal (options->access, "public")
           && !g_str_equal (options->access, "login") && !g_str_equal (options->access, "closed"))
    *exit_code = ew_ctl_usage (ctl, "--access must be \"public\", \"login\" or \"closed\".");
  else if ((options->certificate == NULL) != (options->key == NULL))
    *exit_code = ew_ctl_usage (ctl, "--certificate and --key belong together. Give both.");
  else
    return TRUE;
  return FALSE;
}

static gboolean
add_file (GVariantBuilder *builder, const gchar *option, const gchar *path, GError **error)
{
  gchar *data = NULL;

  if (path == NULL)
    return TRUE;
  if (!ew_file_read (path, FILE_MAX, &data, NULL, error))
    {
      g_prefix_error (error, "--%s: ", option);
      return FALSE;
    }
  if (g_str_is_ascii (data))
    g_variant_builder_add (builder, "{sv}", option, g_variant_new_string (data));
  else
    g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "--%s: %s isn't a PEM file. Convert it to PEM.", option,
                 path);
  gboolean good = g_str_is_ascii (data);
  ew_free_secret (data);
  return good;
}

/* (transfer full), floating. NULL: a file can't be used. */
static GVariant *
build_parameters (const gchar *service, const Options *options, GError **error)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (options->access != NULL)
    g_variant_builder_add (&builder, "{sv}", "access", g_variant_new_string (options->access));
  if (!add_file (&builder, "certificate", options->certificate, error)
      || !add_file (&builder, "key", options->key, error))
    {
      g_variant_builder_clear (&builder);
      return NULL;
    }
  return g_variant_new ("(ssa{sv})", service, options->host, &builder);
}

static void
show_published (EwCtl *ctl, JsonObject *published)
{
  g_autofree gchar *url = ew_format_get_text (&ctl->terminal, published, "url", "?");
  g_autofree gchar *service = ew_format_get_text (&ctl->terminal, published, "service", "?");
  g_autofree gchar *message = ew_format_get_text (&ctl->terminal, published, "message", "");
  g_autofree gchar *warning = ew_format_get_text (&ctl->terminal, published, "warning", "");

  if (g_strcmp0 (ew_json_string (published, "access"), "closed") == 0)
    ew_ctl_print ("%s leads to the service %s, and is closed. Open it to everybody with --access public.\n", url,
                  service);
  else
    ew_ctl_print ("Published: everybody on the internet reaches the service %s at %s\n", service, url);
  if (*message != '\0')
    ew_ctl_hint ("%s\n", message);
  if (*warning != '\0')
    ew_ctl_hint ("%s\n", warning);
}

gint
ew_verb_publish (EwCtl *ctl, gint argc, gchar **argv)
{
  g_auto (Options) options = { 0 };
  const GOptionEntry entries[] = {
    { "host", 0, 0, G_OPTION_ARG_STRING, &options.host, "ha.example.org, or *.apps.example.org for all names below",
      "HOST" },
    { "access", 0, 0, G_OPTION_ARG_STRING, &options.access, "Who may: public (everybody) or closed (nobody for now)",
      "WHO" },
    { "certificate", 0, 0, G_OPTION_ARG_FILENAME, &options.certificate,
      "The name's certificate with those that lead to its CA, PEM", "FILE" },
    { "key", 0, 0, G_OPTION_ARG_FILENAME, &options.key, "The certificate's private key, PEM", "FILE" },
    { "allow", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING_ARRAY, &options.allow, NULL, NULL },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options.json, "Print JSON, for programs", NULL },
    { NULL },
  };
  g_autoptr (GError) error = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 1, 1, &exit_code) || !check_options (ctl, &options, &exit_code))
    return exit_code;
  GVariant *built = build_parameters (argv[1], &options, &error);
  g_autoptr (GVariant) parameters = built != NULL ? g_variant_ref_sink (built) : NULL;
  g_autoptr (JsonObject) published = parameters != NULL && ew_ctl_open (ctl, &error) != NULL
                                       ? ew_link_call_json (ctl->link, "Publish", parameters, &error)
                                       : NULL;
  if (published == NULL)
    return ew_ctl_fail (ctl, error);
  if (options.json)
    ew_ctl_print_json (published);
  else
    show_published (ctl, published);
  return EW_EXIT_DONE;
}

gint
ew_verb_publish_remove (EwCtl *ctl, gint argc, gchar **argv)
{
  static const GOptionEntry no_entries[] = { { NULL } };
  g_autofree gchar *host = NULL, *done = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, no_entries, &argc, &argv, 1, 1, &exit_code))
    return exit_code;
  host = ew_terminal_clean (&ctl->terminal, argv[1]);
  done = g_strdup_printf ("%s is no longer published.", host);
  return ew_ctl_do (ctl, "Unpublish", g_variant_new ("(s)", argv[1]), done);
}

/* The list. */

static void
add_row (EwCtl *ctl, EwTable *table, JsonObject *published)
{
  g_autofree gchar *host = ew_format_get_text (&ctl->terminal, published, "host", "?");
  g_autofree gchar *service = ew_format_get_text (&ctl->terminal, published, "service", "?");
  g_autofree gchar *access = ew_format_get_text (&ctl->terminal, published, "access", "?");
  g_autofree gchar *state = ew_format_get_text (&ctl->terminal, published, "state", "?");
  g_autofree gchar *message = ew_format_get_text (&ctl->terminal, published, "message", "");
  g_autofree gchar *both = *message != '\0' ? g_strdup_printf ("%s: %s", state, message) : g_strdup (state);
  const gchar *cells[] = { host, service, access, both };

  ew_table_add (table, cells);
}

static void
show_list (EwCtl *ctl, JsonObject *answer)
{
  static const gchar *const headings[] = { "HOST", "SERVICE", "ACCESS", "STATE", NULL };
  g_autoptr (EwTable) table = ew_table_new (headings);
  JsonArray *published = ew_json_array (answer, "published");
  guint n = published != NULL ? json_array_get_length (published) : 0;

  for (guint i = 0; i < n; i++)
    {
      JsonNode *element = json_array_get_element (published, i);
      if (JSON_NODE_HOLDS_OBJECT (element))
        add_row (ctl, table, json_node_get_object (element));
    }
  if (n == 0)
    {
      ew_ctl_hint ("No service is published. Publish one, for example with `sudo edgewayctl publish ha --host "
                   "ha.example.org --access public --certificate FILE --key FILE`.\n");
      return;
    }
  g_autofree gchar *text = ew_table_to_string (table, &ctl->terminal);
  ew_ctl_print ("%s", text);
}

gint
ew_verb_publish_list (EwCtl *ctl, gint argc, gchar **argv)
{
  return ew_ctl_list (ctl, argc, argv, "ListPublished", show_list);
}
