/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The methods about published names.
 */
#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "service/handle-private.h"
#include "service/methods.h"

#define NAME_MAX_LENGTH 255
#define ACCESS_MAX_LENGTH 20
#define PEM_MAX_LENGTH (32 * 1024)
#define WHAT_HOST N_ ("a host name")

/* A line of PEM after another, which no other text that is checked has. FALSE: the call has been refused. */
static gboolean
set_pem (EwCall *call, JsonObject *body, GVariant *options, const gchar *key)
{
  const gchar *text;

  if (!g_variant_lookup (options, key, "&s", &text))
    return TRUE;
  if (*text == '\0' || strlen (text) > PEM_MAX_LENGTH)
    {
      ew_call_fail_literal (call, EW_ERROR_INVALID_ARGUMENT,
                            N_ ("The certificate or its private key is empty, or too long to be one."));
      return FALSE;
    }
  json_object_set_string_member (body, key, text);
  return TRUE;
}

static gboolean
check_types (EwCall *call, GVariant *options)
{
  static const gchar *const known[] = { "access", "certificate", "key" };

  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    if (!ew_handle_has_type (options, known[i], G_VARIANT_TYPE_STRING))
      {
        ew_call_fail (call,
                      ew_error_new (EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                                    "The option \"%s\" has another type. Update the program that asked.", known[i]));
        return FALSE;
      }
  return TRUE;
}

void
ew_handle_publish (EwCall *call, GVariant *parameters)
{
  g_autoptr (JsonObject) body = json_object_new ();
  g_autoptr (GVariant) options = NULL;
  const gchar *service, *host, *access = NULL;

  g_variant_get (parameters, "(&s&s@a{sv})", &service, &host, &options);
  if (!ew_handle_check_text (call, service, NAME_MAX_LENGTH, N_ ("a service's name"))
      || !ew_handle_check_text (call, host, NAME_MAX_LENGTH, WHAT_HOST) || !check_types (call, options)
      || !set_pem (call, body, options, "certificate") || !set_pem (call, body, options, "key"))
    return;
  if (g_variant_lookup (options, "access", "&s", &access)
      && !ew_handle_check_text (call, access, ACCESS_MAX_LENGTH, N_ ("a value for each option")))
    return;
  json_object_set_string_member (body, "service", service);
  json_object_set_string_member (body, "host", host);
  if (access != NULL)
    json_object_set_string_member (body, "access", access);
  ew_handle_request (call, "POST", "/v1/published", body, ew_handle_on_json);
}

void
ew_handle_unpublish (EwCall *call, GVariant *parameters)
{
  ew_handle_delete (call, parameters, "/v1/published/", NAME_MAX_LENGTH, WHAT_HOST);
}

void
ew_handle_list_published (EwCall *call, GVariant *parameters)
{
  ew_handle_request (call, "GET", "/v1/published", NULL, ew_handle_on_json);
}
