/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The methods about services.
 */
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "service/handle-private.h"
#include "service/methods.h"

#define NAME_MAX_LENGTH 255
#define TEXT_MAX_LENGTH 400 /* of a target or a port */
#define TEXTS_MAX 100       /* of a list; the edge takes fewer, and says how many */
#define PAGES_MAX 20        /* of 150 services each */
#define WHAT_NAME N_ ("a service's name")

static gboolean
check_texts (EwCall *call, const gchar *const *texts)
{
  guint n = g_strv_length ((GStrv)texts);

  for (guint i = 0; i < n && i < TEXTS_MAX; i++)
    if (!ew_handle_check_text (call, texts[i], TEXT_MAX_LENGTH, N_ ("a target such as nas:8123, or a port")))
      return FALSE;
  if (n <= TEXTS_MAX)
    return TRUE;
  ew_call_fail_literal (call, EW_ERROR_INVALID_ARGUMENT,
                        N_ ("A service can't have so many targets or ports. Combine ports into ranges."));
  return FALSE;
}

/* ":8123" is this computer's. FALSE: the call has been refused. */
static gboolean
set_targets (EwCall *call, JsonObject *body, const gchar *const *targets)
{
  g_autofree gchar *own_name = NULL;
  g_autoptr (GPtrArray) named = g_ptr_array_new_with_free_func (g_free);

  g_object_get (ew_call_get_tunnel (call), "node-name", &own_name, NULL);
  if (!check_texts (call, targets))
    return FALSE;
  for (guint i = 0; targets[i] != NULL; i++)
    {
      gboolean own = targets[i][0] == ':' || targets[i][0] == '/';
      if (own && (own_name == NULL || *own_name == '\0'))
        {
          ew_call_fail_literal (call, EW_ERROR_NOT_ENROLLED,
                                N_ ("This computer isn't in a mesh yet. Join one with `sudo edgewayctl enroll`."));
          return FALSE;
        }
      g_ptr_array_add (named, g_strconcat (own ? own_name : "", targets[i], NULL));
    }
  g_ptr_array_add (named, NULL);
  ew_json_set_strv (body, "targets", (const gchar *const *)named->pdata);
  return TRUE;
}

static gboolean
set_list (EwCall *call, JsonObject *body, GVariant *options, const gchar *key)
{
  g_autofree const gchar **texts = NULL;

  if (!g_variant_lookup (options, key, "^a&s", &texts))
    return TRUE;
  if (!check_texts (call, texts))
    return FALSE;
  ew_json_set_strv (body, key, texts);
  return TRUE;
}

static gboolean
set_text (EwCall *call, JsonObject *body, GVariant *options, const gchar *key)
{
  const gchar *text;

  if (!g_variant_lookup (options, key, "&s", &text))
    return TRUE;
  if (!ew_handle_check_text (call, text, NAME_MAX_LENGTH, N_ ("a value for each option")))
    return FALSE;
  json_object_set_string_member (body, key, text);
  return TRUE;
}

static gboolean
check_types (EwCall *call, GVariant *options)
{
  static const struct
  {
    const gchar *key, *type;
  } known[] = { { "name", "s" },       { "targets", "as" }, { "ports", "as" }, { "udp", "b" },
                { "addresses", "as" }, { "spread", "s" },   { "source", "s" }, { "check", "s" } };

  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    if (!ew_handle_has_type (options, known[i].key, G_VARIANT_TYPE (known[i].type)))
      {
        ew_call_fail (call, ew_error_new (EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                                          "The option \"%s\" has another type. Update the program that asked.",
                                          known[i].key));
        return FALSE;
      }
  return TRUE;
}

/* FALSE: the call has been refused. */
static gboolean
set_options (EwCall *call, JsonObject *body, GVariant *options)
{
  gboolean udp = FALSE;

  if (!check_types (call, options))
    return FALSE;
  if (g_variant_lookup (options, "udp", "b", &udp))
    json_object_set_boolean_member (body, "udp", udp);
  return set_list (call, body, options, "ports") && set_list (call, body, options, "addresses")
         && set_text (call, body, options, "spread") && set_text (call, body, options, "source")
         && set_text (call, body, options, "check");
}

void
ew_handle_add_service (EwCall *call, GVariant *parameters)
{
  g_autoptr (JsonObject) body = json_object_new ();
  g_autoptr (GVariant) options = NULL;
  g_autofree const gchar **targets = NULL;
  const gchar *name;

  g_variant_get (parameters, "(&s^a&s@a{sv})", &name, &targets, &options);
  if (!ew_handle_check_text (call, name, NAME_MAX_LENGTH, WHAT_NAME) || !set_targets (call, body, targets)
      || !set_options (call, body, options))
    return;
  json_object_set_string_member (body, "name", name);
  ew_handle_request (call, "POST", "/v1/services", body, ew_handle_on_json);
}

void
ew_handle_edit_service (EwCall *call, GVariant *parameters)
{
  g_autoptr (JsonObject) body = json_object_new ();
  g_autoptr (GVariant) options = NULL;
  g_autofree const gchar **targets = NULL;
  g_autofree gchar *path = NULL;
  const gchar *name;

  g_variant_get (parameters, "(&s@a{sv})", &name, &options);
  if (!ew_handle_check_text (call, name, NAME_MAX_LENGTH, WHAT_NAME) || !set_options (call, body, options)
      || !set_text (call, body, options, "name"))
    return;
  if (g_variant_lookup (options, "targets", "^a&s", &targets) && !set_targets (call, body, targets))
    return;
  path = ew_handle_path ("/v1/services/", name);
  ew_handle_request (call, "PATCH", path, body, ew_handle_on_json);
}

void
ew_handle_remove_service (EwCall *call, GVariant *parameters)
{
  ew_handle_delete (call, parameters, "/v1/services/", NAME_MAX_LENGTH, WHAT_NAME);
}

void
ew_handle_show_service (EwCall *call, GVariant *parameters)
{
  g_autofree gchar *path = NULL;
  const gchar *name;

  g_variant_get (parameters, "(&s)", &name);
  if (!ew_handle_check_text (call, name, NAME_MAX_LENGTH, WHAT_NAME))
    return;
  path = ew_handle_path ("/v1/services/", name);
  ew_handle_request (call, "GET", path, NULL, ew_handle_on_json);
}

/* The list comes in pages: each is asked for with the last ID of the one before. */

typedef struct
{
  EwCall *call;
  GPtrArray *services; /* of JsonObject */
  guint pages;
} ServiceList;

static void
service_list_free (ServiceList *list)
{
  g_ptr_array_unref (list->services);
  g_free (list);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ServiceList, service_list_free)

/* The ID after which the next page begins, borrowed from the list; NULL: it is the last. */
static const gchar *
take_page (ServiceList *list, JsonObject *page)
{
  JsonArray *services = ew_json_array (page, "services");
  const gchar *id = NULL;

  for (guint i = 0; services != NULL && i < json_array_get_length (services); i++)
    {
      JsonNode *element = json_array_get_element (services, i);
      if (!JSON_NODE_HOLDS_OBJECT (element))
        continue;
      g_ptr_array_add (list->services, json_object_ref (json_node_get_object (element)));
      id = ew_json_string (json_node_get_object (element), "id");
    }
  return ew_json_bool (page, "more", FALSE) && ++list->pages < PAGES_MAX ? id : NULL;
}

static gint
compare_services (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (ew_json_string (*(JsonObject *const *)a, "name"), ew_json_string (*(JsonObject *const *)b, "name"));
}

static void
answer_list (ServiceList *list, const gchar *suffix)
{
  g_autoptr (JsonObject) reply = json_object_new ();
  JsonArray *services = json_array_new ();

  g_ptr_array_sort (list->services, compare_services);
  for (guint i = 0; i < list->services->len; i++)
    json_array_add_object_element (services, json_object_ref (list->services->pdata[i]));
  ew_json_set_string_or_null (reply, "suffix", suffix);
  json_object_set_array_member (reply, "services", services);
  ew_handle_return_json (list->call, reply);
}

static void
on_page (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ServiceList) list = user_data;
  EwCall *call = list->call;
  GError *error = NULL;
  g_autoptr (JsonObject) page = ew_tunnel_request_finish (EW_TUNNEL (source), result, &error);
  const gchar *after = page != NULL ? take_page (list, page) : NULL;

  if (page == NULL)
    ew_call_fail (call, error);
  else if (after != NULL)
    {
      g_autofree gchar *path = ew_handle_path ("/v1/services?after=", after);
      ew_tunnel_request_async (EW_TUNNEL (source), "GET", path, NULL, ew_call_get_cancellable (call), on_page,
                               g_steal_pointer (&list));
    }
  else
    answer_list (list, ew_json_string (page, "suffix"));
}

void
ew_handle_list_services (EwCall *call, GVariant *parameters)
{
  ServiceList *list = g_new0 (ServiceList, 1);

  list->call = call;
  list->services = g_ptr_array_new_with_free_func ((GDestroyNotify)json_object_unref);
  ew_tunnel_request_async (ew_call_get_tunnel (call), "GET", "/v1/services", NULL, ew_call_get_cancellable (call),
                           on_page, list);
}
