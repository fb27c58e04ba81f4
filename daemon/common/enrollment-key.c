/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/enrollment-key.h"
#include "common/error.h"
#include "common/key-text.h"
#include "common/phrase.h"
#include "common/util.h"

#include <string.h>

#define PREFIX "ew1_"
#define CHECK_SIZE                                                                                                     \
  4 /* the first bytes of the JSON's SHA-256: they catch typing and copying mistakes; they don't authenticate */
#define API_MAX 8
#define BODY_MAX (EW_ENROLLMENT_KEY_MAX - strlen (PREFIX))
#define TRIES_MAX 4096 /* check sums, so that no text takes long */
#define PLAUSIBLE 16   /* characters: no word of a sentence about keys, and less than any key has */

#define NO_KEY                                                                                                         \
  N_ ("This doesn't contain an enrollment key. A key begins with ew1_. Ask your mesh's administrator for one.")
#define CUT_SHORT N_ ("This enrollment key is incomplete: only a part of it was copied. Copy all of it.")
#define ALTERED N_ ("This enrollment key was mistyped or altered. Copy it again from where it was made.")
#define FOREIGN                                                                                                        \
  N_ ("This version of Edgeway doesn't understand this enrollment key. Update Edgeway, or ask for a new key.")

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
key_from_json (const gchar *json, gsize length)
{
  g_autoptr (JsonObject) object = ew_json_parse_object (json, length, EW_ENROLLMENT_KEY_MAX, NULL);
  g_autoptr (EwEnrollmentKey) key = g_new0 (EwEnrollmentKey, 1);
  if (object == NULL || !decode_exactly (ew_json_string (object, "pin"), key->pin, EW_PIN_SIZE))
    return NULL;
  key->api = ew_json_strv (object, "api", API_MAX);
  key->secret = g_strdup (ew_json_string (object, "secret"));
  key->kind = g_strdup (ew_json_string (object, "kind"));
  if (!key_is_valid (key))
    return NULL;
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

/* Looks at the beginning of a JSON object of strings and arrays of strings. end: how long it is, if it has ended. */
static JsonScan
scan_json (const guint8 *data, gsize length, gsize *end)
{
  gboolean in_string = FALSE, escaped = FALSE;
  guint8 before = '\0'; /* outside strings; '"': the end of one */
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
      if (c == ' ')
        continue;
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

/* Whether a key that is not right lacks its end. A whole one has CHECK_SIZE bytes after its JSON. Where less is there,
   the end is missing; where the JSON does not end, what is there must look like the beginning of a key, and not have
   its brace where a whole key has it: else it was that, or a quote before it, that was mistyped. */
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

/* Finding. A run of characters may be longer than the key in it: a signature, the next sentence. */

typedef struct
{
  const EwKeyText *text;
  gsize body;  /* where a candidate begins, after its prefix */
  gsize run;   /* how many characters it can have */
  guint tries; /* that are left */
} Search;

/* The bytes of the first n characters, if their check sum is right. NULL: it is not. */
static guint8 *
decode_checked (Search *search, gsize n, gsize *json_length)
{
  guint8 hash[32];
  gsize length = 0;
  if (search->tries == 0)
    return NULL;
  search->tries--;
  gchar *body = g_strndup (search->text->chars + search->body, n);
  g_autofree guint8 *data = ew_base64url_decode (body, &length);
  ew_free_secret (body);
  if (data == NULL || length <= CHECK_SIZE)
    return NULL;
  *json_length = length - CHECK_SIZE;
  ew_sha256 (data, *json_length, hash);
  if (memcmp (hash, data + *json_length, CHECK_SIZE) == 0)
    return g_steal_pointer (&data);
  ew_zero (data, length);
  return NULL;
}

/* How many characters a key has whose JSON ends in the run; 0: it does not end. */
static gsize
length_by_json (Search *search)
{
  gsize length = 0, end = 0;
  gchar *body = g_strndup (search->text->chars + search->body, search->run - (search->run % 4 == 1));
  g_autofree guint8 *data = decode_leniently (body, &length);
  gsize n = data != NULL && scan_json (data, length, &end) == JSON_ENDED ? ((end + CHECK_SIZE) * 8 + 5) / 6 : 0;
  ew_free_secret (body);
  if (data != NULL)
    ew_zero (data, length);
  return n <= search->run ? n : 0;
}

/* n: how many characters the key has. */
static guint8 *
check_candidate (Search *search, gsize *n, gsize *json_length)
{
  guint8 *data;
  *n = length_by_json (search);
  if (*n > 0 && (data = decode_checked (search, *n, json_length)) != NULL)
    return data;
  for (*n = search->run; *n > 0; (*n)--) /* JSON of a later version: the key ends at a blank */
    if ((*n == search->run || search->text->breaks[search->body + *n] != EW_KEY_BREAK_NONE)
        && (data = decode_checked (search, *n, json_length)) != NULL)
      return data;
  return NULL;
}

/* What of a candidate belongs together: up to the first break of this kind. */
static gsize
unbroken (Search *search, EwKeyBreak kind)
{
  gsize n = search->run > 0 ? 1 : 0;
  while (n < search->run && search->text->breaks[search->body + n] < kind)
    n++;
  return n;
}

/* Not each mention of the prefix is a key: its JSON begins with {", or it is a long word, or all of the text. */
static gboolean
is_plausible (Search *search)
{
  const gchar *body = search->text->chars + search->body;
  if (search->run == 0)
    return search->body == search->text->length;
  gsize word = unbroken (search, EW_KEY_BREAK_BLANK);
  return strncmp (body, "eyJ", MIN (search->run, 3)) == 0 || word >= PLAUSIBLE
         || (search->body == strlen (PREFIX) && search->body + word == search->text->length);
}

static const gchar *
what_is_wrong (Search *search)
{
  gsize n = unbroken (search, EW_KEY_BREAK_PARAGRAPH);
  gchar *body = g_strndup (search->text->chars + search->body, n);
  /* One that is longer than any key lacks no end; one that is this short does, whatever else is wrong with it. */
  const gchar *sentence = n < PLAUSIBLE || (n < BODY_MAX && looks_cut (body)) ? CUT_SHORT : ALTERED;
  ew_free_secret (body);
  return sentence;
}

/* found: the key's text. NULL: *problem says why. */
static EwEnrollmentKey *
find_key (const EwKeyText *text, gchar **found, const gchar **problem)
{
  Search search = { .text = text, .tries = TRIES_MAX };
  gsize longest = 0;
  *problem = NO_KEY;
  for (const gchar *at = text->chars; search.tries > 0 && (at = strstr (at, PREFIX)) != NULL; at++)
    {
      gsize json_length = 0, n = 0;
      search.body = (gsize)(at - text->chars) + strlen (PREFIX);
      search.run = ew_key_text_run (text, search.body, BODY_MAX);
      g_autofree guint8 *data = check_candidate (&search, &n, &json_length);
      if (data != NULL)
        {
          EwEnrollmentKey *key = key_from_json ((const gchar *)data, json_length);
          ew_zero (data, json_length);
          *problem = FOREIGN;
          if (key != NULL && found != NULL)
            *found = g_strndup (at, strlen (PREFIX) + n);
          return key;
        }
      if (search.run >= longest && is_plausible (&search))
        {
          longest = search.run + 1;
          *problem = what_is_wrong (&search);
        }
    }
  return NULL;
}

gchar *
ew_enrollment_key_find (const gchar *text, gsize length, GError **error)
{
  g_autoptr (EwKeyText) clean = ew_key_text_new (text, length);
  const gchar *problem;
  gchar *found = NULL;
  g_autoptr (EwEnrollmentKey) key = find_key (clean, &found, &problem);
  return key != NULL ? found : invalid (error, problem);
}

gboolean
ew_enrollment_key_is_cut (const gchar *text)
{
  g_autoptr (EwKeyText) clean = ew_key_text_new (text, strlen (text));
  const gchar *problem;
  g_autoptr (EwEnrollmentKey) key = find_key (clean, NULL, &problem);
  return key == NULL && g_str_equal (problem, CUT_SHORT);
}

EwEnrollmentKey *
ew_enrollment_key_parse (const gchar *text, GError **error)
{
  g_autoptr (EwKeyText) clean = ew_key_text_new (text != NULL ? text : "", text != NULL ? strlen (text) : 0);
  const gchar *problem;
  EwEnrollmentKey *key = find_key (clean, NULL, &problem);
  return key != NULL ? key : invalid (error, problem);
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
  memcpy (whole, json, length); /* NOLINT(bugprone-not-null-terminated-result): bytes, not a string */
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
                    "Can't make an enrollment key. It needs 1 to %d addresses in the form https://HOST:PORT, a secret, "
                    "and the kind admin, server or device.",
                    API_MAX);
      return NULL;
    }
  gchar *text = key->mesh != NULL && ew_name_check (key->mesh, NULL) ? key_encode (key, TRUE) : NULL;
  if (text == NULL)
    text = key_encode (key, FALSE);
  if (text == NULL)
    ew_set_error (error, EW_ERROR, EW_ERROR_TOO_LARGE,
                  "An enrollment key with these addresses would be longer than %d characters. Use fewer or shorter "
                  "ones.",
                  EW_ENROLLMENT_KEY_MAX);
  return text;
}
