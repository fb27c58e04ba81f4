/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/enrollment-key.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

#include <string.h>

#define PREFIX "ew1_"
#define LINK_PREFIX "edgeway://enroll/"
#define CHECK_SIZE                                                                                                     \
  4 /* the first bytes of the JSON's SHA-256: they find typing and copying mistakes, they keep out nobody */
#define API_MAX 8

#define NO_KEY "This isn't an enrollment key: one begins with \"ew1_\". Ask your mesh's administrator for one."
#define CUT_SHORT "This enrollment key was cut short: copy all of it, in one piece."
#define ALTERED                                                                                                        \
  "This enrollment key was mistyped or altered on its way: copy it again, all of it, from where it was made."
#define FOREIGN                                                                                                        \
  "This enrollment key says things that this version does not understand: update Edgeway, or ask for a new key."

void
ew_enrollment_key_free (EwEnrollmentKey *key)
{
  if (key == NULL)
    return;
  g_strfreev (key->api);
  ew_free_secret (key->secret);
  g_free (key->kind);
  g_free (key->mesh);
  g_free (key);
}

static gpointer
invalid (GError **error, const gchar *sentence)
{
  g_set_error_literal (error, EW_ERROR, EW_ERROR_KEY_INVALID, sentence);
  return NULL;
}

/* "https://HOST:PORT" */
static gboolean
api_is_valid (const gchar *url)
{
  g_autofree gchar *host = NULL;
  guint16 port;
  return g_str_has_prefix (url, "https://") && ew_host_port_parse (url + strlen ("https://"), &host, &port, NULL);
}

static gboolean
decode_exactly (const gchar *text, guint8 *out, gsize size)
{
  gsize length = 0;
  g_autofree guint8 *data = text != NULL ? ew_base64url_decode (text, &length) : NULL;
  gboolean ok = data != NULL && length == size;
  if (ok)
    memcpy (out, data, size);
  if (data != NULL)
    ew_zero (data, length);
  return ok;
}

static gboolean
key_is_valid (const EwEnrollmentKey *key)
{
  const gchar *const kinds[] = { "admin", "server", "device", NULL };
  guint n = key->api != NULL ? g_strv_length (key->api) : 0;
  guint8 secret[EW_ENROLLMENT_SECRET_SIZE];
  if (n == 0 || n > API_MAX || key->kind == NULL || !g_strv_contains (kinds, key->kind))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!api_is_valid (key->api[i]))
      return FALSE;
  gboolean ok = decode_exactly (key->secret, secret, sizeof secret);
  ew_zero (secret, sizeof secret);
  return ok;
}

static EwEnrollmentKey *
key_from_json (const gchar *json, gsize length, GError **error)
{
  g_autoptr (JsonObject) object = ew_json_parse_object (json, length, EW_ENROLLMENT_KEY_MAX, NULL);
  g_autoptr (EwEnrollmentKey) key = g_new0 (EwEnrollmentKey, 1);
  if (object == NULL || !decode_exactly (ew_json_string (object, "pin"), key->pin, EW_PIN_SIZE))
    return invalid (error, FOREIGN);
  key->api = ew_json_strv (object, "api", API_MAX);
  key->secret = g_strdup (ew_json_string (object, "secret"));
  key->kind = g_strdup (ew_json_string (object, "kind"));
  if (!key_is_valid (key))
    return invalid (error, FOREIGN);
  const gchar *mesh = ew_json_string (object, "mesh");
  key->mesh = mesh != NULL && ew_name_check (mesh, NULL) ? g_strdup (mesh) : NULL;
  return g_steal_pointer (&key);
}

/* As ew_base64url_decode(), but whatever the last character says beyond whole bytes does not matter. NULL: a character
   that belongs to no key. */
static guint8 *
decode_leniently (const gchar *text, gsize *length)
{
  static const gchar alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  static const guint kept[] = { 0x3f, 0, 0x30, 0x3c }; /* bits of the last character, by length modulo 4 */
  gsize n = strlen (text);
  if (n == 0 || strspn (text, alphabet) != n)
    return NULL;
  gchar *copy = g_strdup (text);
  gsize last = (gsize)(strchr (alphabet, copy[n - 1]) - alphabet);
  copy[n - 1] = n % 4 == 1 ? '\0' : alphabet[last & kept[n % 4]];
  guint8 *data = ew_base64url_decode (copy, length);
  ew_free_secret (copy);
  return data;
}

typedef enum
{
  JSON_WRONG, /* it is none */
  JSON_OPEN,  /* it could go on */
  JSON_ENDED
} JsonScan;

/* Looks at the beginning of a JSON object of strings and arrays of strings. end: what lies behind it, if it has ended.
 */
static JsonScan
scan_json (const guint8 *data, gsize length, gsize *end)
{
  gboolean in_string = FALSE, escaped = FALSE;
  guint8 before = '\0'; /* outside of strings; '"': the end of one */
  for (gsize i = 0; i < length; i++)
    {
      guint8 c = data[i];
      if (in_string)
        {
          if (c < 0x20)
            return JSON_WRONG;
          in_string = escaped || c != '"';
          escaped = !escaped && c == '\\';
          continue;
        }
      const gchar *follows = before == '\0' ? "{" : before == '"' || before == ']' ? ":,]}" : "\"[";
      if (c == '\0' || strchr (follows, c) == NULL)
        return JSON_WRONG;
      in_string = c == '"';
      before = c;
      if (c == '}')
        {
          *end = i + 1;
          return JSON_ENDED;
        }
    }
  return JSON_OPEN;
}

/* A key that is not right. A whole one has CHECK_SIZE bytes behind its JSON. Where less is there, the end is gone;
   where the JSON does not end, what is there must look like the beginning of a key, and not have its brace where a
   whole key has it: else it was that, or a quote before it, that was mistyped. */
static gboolean
looks_cut (const gchar *text)
{
  gsize length = 0, end = 0;
  g_autofree guint8 *data = decode_leniently (text, &length);
  if (data == NULL)
    return *text == '\0' || text[1] == '\0';
  JsonScan scan = scan_json (data, length, &end);
  gboolean whole = length > CHECK_SIZE && data[length - CHECK_SIZE - 1] == '}';
  gboolean cut = scan == JSON_ENDED ? length - end < CHECK_SIZE : scan == JSON_OPEN && !whole;
  ew_zero (data, length);
  return cut;
}

/* text: without prefix and white space */
static EwEnrollmentKey *
key_decode (const gchar *text, GError **error)
{
  guint8 hash[32];
  gsize length = 0;
  g_autofree guint8 *data = ew_base64url_decode (text, &length);
  EwEnrollmentKey *key = NULL;
  gsize json_length = length > CHECK_SIZE ? length - CHECK_SIZE : 0;
  if (data != NULL)
    ew_sha256 (data, json_length, hash);
  if (json_length > 0 && memcmp (hash, data + json_length, CHECK_SIZE) == 0)
    key = key_from_json ((const gchar *)data, json_length, error);
  else
    invalid (error, looks_cut (text) ? CUT_SHORT : ALTERED);
  if (data != NULL)
    ew_zero (data, length);
  return key;
}

EwEnrollmentKey *
ew_enrollment_key_parse (const gchar *text, GError **error)
{
  gsize link = strlen (LINK_PREFIX);
  while (text != NULL && g_ascii_isspace (*text))
    text++;
  if (text != NULL && g_ascii_strncasecmp (text, LINK_PREFIX, link) == 0)
    text += link;
  if (text == NULL || !g_str_has_prefix (text, PREFIX))
    return invalid (error, NO_KEY);
  gsize length = strnlen (text, 4 * EW_ENROLLMENT_KEY_MAX);
  while (g_ascii_isspace (text[length - 1]))
    length--;
  if (length > EW_ENROLLMENT_KEY_MAX)
    return invalid (error, ALTERED);
  gchar *body = g_strndup (text + strlen (PREFIX), length - strlen (PREFIX));
  EwEnrollmentKey *key = key_decode (body, error);
  ew_free_secret (body);
  return key;
}

static gchar *
key_to_json (const EwEnrollmentKey *key, gboolean with_mesh)
{
  g_autoptr (JsonObject) object = json_object_new ();
  g_autofree gchar *pin = ew_base64url_encode (key->pin, EW_PIN_SIZE);
  JsonArray *api = json_array_new ();
  for (guint i = 0; key->api[i] != NULL; i++)
    json_array_add_string_element (api, key->api[i]);
  json_object_set_array_member (object, "api", api);
  json_object_set_string_member (object, "pin", pin);
  json_object_set_string_member (object, "secret", key->secret);
  json_object_set_string_member (object, "kind", key->kind);
  if (with_mesh)
    json_object_set_string_member (object, "mesh", key->mesh);
  return ew_json_to_string (object, FALSE);
}

/* NULL: too long. */
static gchar *
key_encode (const EwEnrollmentKey *key, gboolean with_mesh)
{
  guint8 hash[32];
  gchar *json = key_to_json (key, with_mesh);
  gsize length = strlen (json);
  ew_sha256 (json, length, hash);
  gchar *whole = g_malloc (length + CHECK_SIZE);
  memcpy (whole, json, length);
  memcpy (whole + length, hash, CHECK_SIZE);
  gchar *body = ew_base64url_encode ((const guint8 *)whole, length + CHECK_SIZE);
  gchar *text = g_strconcat (PREFIX, body, NULL);
  ew_zero (whole, length + CHECK_SIZE);
  g_free (whole);
  ew_free_secret (json);
  ew_free_secret (body);
  if (strlen (text) > EW_ENROLLMENT_KEY_MAX)
    g_clear_pointer (&text, ew_free_secret);
  return text;
}

gchar *
ew_enrollment_key_format (const EwEnrollmentKey *key, GError **error)
{
  if (!key_is_valid (key))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "No enrollment key can be made of this: it needs 1 to %d addresses as \"https://HOST:PORT\", a "
                    "secret, and the kind admin, server or device.",
                    API_MAX);
      return NULL;
    }
  gchar *text = key->mesh != NULL && ew_name_check (key->mesh, NULL) ? key_encode (key, TRUE) : NULL;
  if (text == NULL)
    text = key_encode (key, FALSE);
  if (text == NULL)
    g_set_error (
      error, EW_ERROR, EW_ERROR_TOO_LARGE,
      "An enrollment key with these addresses would be longer than %d characters: use fewer or shorter ones.",
      EW_ENROLLMENT_KEY_MAX);
  return text;
}
