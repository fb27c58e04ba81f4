/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Enrollment keys: made, listed, revoked. Only SHA-256 of a key's secret is kept; its first digits are the key's ID.
 *
 * A key works only while its maker may make keys. It is deleted in the transaction that removes its maker or gives the
 * maker's place to another computer; whatever slips through (another edge made it at that moment, a role was changed)
 * is refused when it is used, and swept.
 */
#include "edge/mesh/mesh-private.h"

#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"

#define ID_PREFIX_MIN 4 /* characters of an ID that are enough to name it */

gchar *
ew_mesh_hash_to_hex (const guint8 hash[EW_HASH_SIZE])
{
  GString *text = g_string_sized_new (2 * EW_HASH_SIZE);
  for (guint i = 0; i < EW_HASH_SIZE; i++)
    g_string_append_printf (text, "%02x", hash[i]);
  return g_string_free (text, FALSE);
}

/* Kinds. */

static const gchar *
node_kind (const gchar *key_kind)
{
  return g_str_equal (key_kind, "server") ? "server" : "device";
}

static const gchar *
node_role (const gchar *key_kind)
{
  return g_str_equal (key_kind, "admin") ? "admin" : "member";
}

/* The kind of a key with which a computer replaces that node. NULL: no key has it. */
static const gchar *
key_kind_of (const EwNode *node)
{
  if (g_str_equal (node->role, "admin"))
    return "admin";
  return g_str_equal (node->kind, "server") ? "server" : "device";
}

/* The kind as a static string; NULL: there is no such kind. */
static const gchar *
find_kind (const gchar *kind)
{
  static const gchar *const kinds[] = { "admin", "server", "device" };
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_strcmp0 (kind, kinds[i]) == 0)
      return kinds[i];
  return NULL;
}

EwNode *
ew_mesh_new_node (EwMesh *self, const gchar *key_kind, const gchar *name)
{
  EwNode *node = ew_mesh_node_new ();
  node->id = ew_mesh_node_make_id ();
  node->name = g_strdup (name);
  node->kind = g_strdup (node_kind (key_kind));
  node->role = g_strdup (node_role (key_kind));
  node->created_us = self->now_us ();
  return node;
}

/* Makers. */

static gboolean
is_owner (const gchar *maker)
{
  return maker == NULL || g_str_equal (maker, EW_MAKER_OWNER); /* NULL: made before makers were kept */
}

static gboolean
is_administrator (const EwNode *node)
{
  return node && node->joined && g_str_equal (node->role, "admin");
}

gboolean
ew_mesh_is_maker (EwMesh *self, const gchar *maker)
{
  return is_owner (maker) || is_administrator (ew_mesh_get_node (self, maker));
}

gboolean
ew_mesh_check_maker (EwMesh *self, EwMeshChange *change, const gchar *id, GError **error)
{
  if (is_owner (id))
    return TRUE;
  g_autoptr (GError) cause = NULL;
  g_autoptr (EwNode) maker = ew_mesh_read_node (self, id, &cause);
  if (maker == NULL && !g_error_matches (cause, EW_ERROR, EW_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return FALSE;
    }
  if (is_administrator (maker))
    {
      g_autofree gchar *key = ew_mesh_node_key ("/nodes/", maker->id);
      ew_mesh_change_expect (change, key, maker->store_revision);
      return TRUE;
    }
  ew_set_error (error, EW_ERROR, EW_ERROR_KEY_INVALID,
                "Whoever made this enrollment key is no longer an administrator of the mesh, so the key doesn't work. "
                "Ask an administrator for a new one.");
  return FALSE;
}

/* Making. */

typedef struct
{
  const EwKeyRequest *request;
  const gchar *kind, *hash;
  gint64 expires_us;
} Making;

static gboolean
check_lifetime (const EwKeyRequest *request, const gchar *kind, GError **error)
{
  gboolean by_owner = is_owner (request->maker);
  guint max = by_owner ? EW_MESH_OWNER_VALID_MAX : EW_MESH_ADMIN_VALID_MAX;
  if (!ew_mesh_check_valid (request->valid_seconds, error))
    return FALSE;
  if (!g_str_equal (kind, "admin") || request->valid_seconds <= max)
    return TRUE;
  if (by_owner)
    ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                  "An administrator's key is valid for a week at most (%u seconds). Ask for a shorter time, and make a "
                  "new key later.",
                  max);
  else
    ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                  "An administrator's key is valid for a day at most (%u seconds). Ask for a shorter time, or use "
                  "`edgeway-edge admin-key` on the edge, which makes one for up to a week.",
                  max);
  return FALSE;
}

/* A node that waits for the key. */
static gboolean
put_waiting_node (EwMesh *self, EwMeshChange *change, const Making *making, EwEnrollment *enrollment, GError **error)
{
  g_autoptr (EwNode) node = ew_mesh_new_node (self, making->kind, making->request->name);
  if (!ew_mesh_claim_name (self, change, node->name, node->id, error))
    return FALSE;
  node->expires_us = enrollment->expires_us;
  node->enrollment = g_strdup (making->hash);
  enrollment->node_id = g_strdup (node->id);
  ew_mesh_change_put_node (change, node);
  return TRUE;
}

/* A node that is there: the key takes the place of one that it may have had. */
static gboolean
put_renewed_node (EwMesh *self, EwMeshChange *change, const Making *making, EwEnrollment *enrollment, GError **error)
{
  g_autoptr (EwNode) node = ew_mesh_read_node (self, making->request->renew_id, error);
  if (node == NULL)
    return FALSE;
  if (node->plain || !g_str_equal (making->kind, key_kind_of (node)))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "%s has plain WireGuard and doesn't use an enrollment key. Renew it with `sudo edgewayctl node "
                    "config %s --renew`.",
                    node->name, node->name);
      return FALSE;
    }
  if (node->enrollment)
    {
      g_autofree gchar *before = ew_mesh_node_key ("/enrollment/", node->enrollment);
      ew_mesh_change_delete (change, before);
      g_free (node->enrollment);
    }
  node->enrollment = g_strdup (making->hash);
  if (!node->joined)
    node->expires_us = enrollment->expires_us;
  enrollment->node_id = g_strdup (node->id);
  enrollment->renews = node->joined;
  ew_mesh_change_put_node (change, node);
  return TRUE;
}

static gboolean
put_key (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  Making *making = data;
  const EwKeyRequest *request = making->request;
  g_autofree gchar *key = ew_mesh_node_key ("/enrollment/", making->hash);
  g_autoptr (EwEnrollment) enrollment = g_new0 (EwEnrollment, 1);
  enrollment->kind = g_strdup (making->kind);
  enrollment->made_by = g_strdup (request->maker);
  enrollment->created_us = self->now_us ();
  enrollment->expires_us = enrollment->created_us + (gint64)request->valid_seconds * G_USEC_PER_SEC;
  making->expires_us = enrollment->expires_us;
  if (!ew_mesh_check_maker (self, change, request->maker, error)
      || (request->renew_id && !put_renewed_node (self, change, making, enrollment, error))
      || (request->renew_id == NULL && request->name && !put_waiting_node (self, change, making, enrollment, error)))
    return FALSE;
  ew_mesh_change_expect (change, key, 0);
  ew_mesh_change_put (change, key, ew_mesh_enrollment_to_json (enrollment));
  return TRUE;
}

/* NULL with an error where such a key is not made. */
static const gchar *
check_request (EwMesh *self, const EwKeyRequest *request, GError **error)
{
  const EwNode *node = request->renew_id ? ew_mesh_get_node (self, request->renew_id) : NULL;
  const gchar *kind = node ? key_kind_of (node) : find_kind (request->kind);
  if (kind == NULL)
    ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "kind must be \"server\", \"device\" or \"admin\".");
  else if (g_hash_table_size (self->keys) >= EW_MESH_KEYS_MAX)
    ew_set_error (
      error, EW_ERROR, EW_ERROR_TOO_MANY_REQUESTS,
      "This mesh has %d enrollment keys that nobody has used. Revoke some; `edgewayctl key list` shows them.",
      EW_MESH_KEYS_MAX);
  else if (check_lifetime (request, kind, error))
    return kind;
  return NULL;
}

static gchar *
format_key (EwMesh *self, const gchar *kind, const guint8 secret[EW_ENROLLMENT_SECRET_SIZE], GError **error)
{
  EwEnrollmentKey key = { .api = ew_mesh_get_edge (self)->api, .kind = (gchar *)kind, .mesh = self->settings.mesh };
  memcpy (key.pin, self->pin, EW_PIN_SIZE);
  key.secret = ew_base64url_encode (secret, EW_ENROLLMENT_SECRET_SIZE);
  gchar *text = ew_enrollment_key_format (&key, error);
  ew_free_secret (key.secret);
  return text;
}

/* A new key's text, and what is kept of it: *hex (transfer full). NULL with an error where such a key isn't made. */
static gchar *
begin_key (EwMesh *self, const EwKeyRequest *request, Making *making, gchar **hex, GError **error)
{
  guint8 secret[EW_ENROLLMENT_SECRET_SIZE], hash[EW_HASH_SIZE];
  const gchar *kind = check_request (self, request, error);
  if (kind == NULL)
    return NULL;
  ew_random (secret, sizeof secret);
  ew_sha256 (secret, sizeof secret, hash);
  gchar *text = format_key (self, kind, secret, error);
  ew_zero (secret, sizeof secret);
  *hex = ew_mesh_hash_to_hex (hash);
  *making = (Making){ .request = request, .kind = kind, .hash = *hex };
  return text;
}

static void
describe_key (const Making *making, EwMadeKey *made)
{
  *made = (EwMadeKey){ .kind = making->kind, .expires_us = making->expires_us };
  g_strlcpy (made->id, making->hash, sizeof made->id);
}

gchar *
ew_mesh_make_key (EwMesh *self, const EwKeyRequest *request, EwMadeKey *made, GError **error)
{
  Making making;
  g_autofree gchar *hex = NULL;
  gchar *text = begin_key (self, request, &making, &hex, error);
  if (text && !ew_mesh_change (self, put_key, &making, error))
    g_clear_pointer (&text, ew_free_secret);
  if (text && made)
    describe_key (&making, made);
  return text;
}

/* … without waiting. */

typedef struct
{
  Making making;
  EwKeyRequest request;
  gchar *text, *hex;
} KeyChange;

static void
key_change_free (gpointer data)
{
  KeyChange *wanted = data;
  g_free ((gpointer)wanted->request.name);
  g_free ((gpointer)wanted->request.renew_id);
  g_free ((gpointer)wanted->request.maker);
  ew_free_secret (wanted->text);
  g_free (wanted->hex);
  g_free (wanted);
}

static gboolean
put_key_of (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  return put_key (self, change, &((KeyChange *)data)->making, error);
}

void
ew_mesh_make_key_async (EwMesh *self, const EwKeyRequest *request, GAsyncReadyCallback callback, gpointer user_data)
{
  KeyChange *wanted = g_new0 (KeyChange, 1);
  GError *error = NULL;
  wanted->request = (EwKeyRequest){ .name = g_strdup (request->name),
                                    .renew_id = g_strdup (request->renew_id),
                                    .maker = g_strdup (request->maker),
                                    .kind = request->kind,
                                    .valid_seconds = request->valid_seconds };
  wanted->text = begin_key (self, &wanted->request, &wanted->making, &wanted->hex, &error);
  wanted->request.kind = wanted->making.kind; /* the caller's text may go */
  if (wanted->text)
    ew_mesh_change_async (self, put_key_of, wanted, key_change_free, callback, user_data);
  else
    {
      key_change_free (wanted);
      ew_mesh_refuse_async (error, callback, user_data);
    }
}

gchar *
ew_mesh_make_key_finish (GAsyncResult *result, EwMadeKey *made, GError **error)
{
  KeyChange *wanted = ew_mesh_change_finish (result, error);
  if (wanted && made)
    describe_key (&wanted->making, made);
  return wanted ? g_steal_pointer (&wanted->text) : NULL;
}

/* Listing. */

static gboolean
is_usable (EwMesh *self, const EwEnrollment *enrollment)
{
  return enrollment->expires_us > self->now_us () && ew_mesh_is_maker (self, enrollment->made_by);
}

static gint
compare_created (gconstpointer a, gconstpointer b)
{
  const EwEnrollment *first = *(EwEnrollment *const *)a, *second = *(EwEnrollment *const *)b;
  if (first->created_us != second->created_us)
    return first->created_us < second->created_us ? -1 : 1;
  return strcmp (first->hash, second->hash);
}

GPtrArray *
ew_mesh_list_keys (EwMesh *self)
{
  GPtrArray *keys = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, self->keys);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (is_usable (self, value))
      g_ptr_array_add (keys, value);
  g_ptr_array_sort (keys, compare_created);
  return keys;
}

const EwEnrollment *
ew_mesh_find_key (EwMesh *self, const gchar *id, GError **error)
{
  g_autoptr (GPtrArray) keys = ew_mesh_list_keys (self);
  const EwEnrollment *found = NULL;
  if (strlen (id) < ID_PREFIX_MIN)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "A key's ID has %d characters. Give at least %d of them; `edgewayctl key list` shows them.",
                    EW_MESH_KEY_ID_LENGTH, ID_PREFIX_MIN);
      return NULL;
    }
  for (guint i = 0; i < keys->len; i++)
    {
      const EwEnrollment *key = keys->pdata[i];
      if (!g_str_has_prefix (key->hash, id))
        continue;
      if (found)
        {
          g_autofree gchar *shown = g_strndup (id, 64);
          ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                        "Several keys have an ID that begins with \"%s\". Give more of it.", shown);
          return NULL;
        }
      found = key;
    }
  if (found == NULL)
    {
      g_autofree gchar *shown = g_strndup (id, 64);
      ew_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND,
                    "There is no open enrollment key \"%s\": it was used or revoked, has expired, or never existed. "
                    "List the open ones with `edgewayctl key list`.",
                    shown);
    }
  return found;
}

/* Ending. */

static gboolean
revoke_key (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const gchar *hash = data;
  g_autofree gchar *key = ew_mesh_node_key ("/enrollment/", hash);
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, key, &object, &revision, error))
    return FALSE;
  g_autoptr (EwEnrollment) enrollment = object ? ew_mesh_enrollment_from_json (object) : NULL;
  if (enrollment == NULL || enrollment->used_by)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND, "This enrollment key was used or revoked just now.");
      return FALSE;
    }
  ew_mesh_change_expect (change, key, revision);
  ew_mesh_change_delete (change, key);
  g_autoptr (EwNode) node = enrollment->renews ? ew_mesh_read_node (self, enrollment->node_id, NULL) : NULL;
  if (node && g_strcmp0 (node->enrollment, hash) == 0)
    {
      g_clear_pointer (&node->enrollment, g_free);
      ew_mesh_change_put_node (change, node);
    }
  return TRUE;
}

void
ew_mesh_revoke_key_async (EwMesh *self, const gchar *hash, GAsyncReadyCallback callback, gpointer user_data)
{
  ew_mesh_change_and_sweep_async (self, revoke_key, g_strdup (hash), g_free, callback, user_data);
}

static gboolean
delete_keys_made_by (EwMesh *self, EwMeshChange *change, const gchar *maker, GError **error)
{
  guint left = EW_MESH_KEYS_AT_ONCE;
  g_autoptr (GPtrArray) entries = ew_mesh_read_list (self, "/enrollment/", error);
  if (entries == NULL)
    return FALSE;
  for (guint i = 0; i < entries->len && left > 0; i++)
    {
      const EwStoreEntry *entry = entries->pdata[i];
      gsize length;
      const gchar *data = g_bytes_get_data (entry->value, &length);
      g_autoptr (JsonObject) object = ew_json_parse_object (data, length, EW_MESH_RECORD_MAX, NULL);
      if (object == NULL || ew_json_string (object, "used_by") || g_strcmp0 (ew_json_string (object, "made_by"), maker))
        continue;
      ew_mesh_change_delete (change, entry->key);
      left--;
    }
  return TRUE;
}

/* A member has made none, or none that can be used: the search is spared. */
gboolean
ew_mesh_delete_keys_of (EwMesh *self, EwMeshChange *change, const EwNode *maker, GError **error)
{
  return !is_administrator (maker) || delete_keys_made_by (self, change, maker->id, error);
}

static gboolean
delete_some (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  return delete_keys_made_by (self, change, data, error);
}

static guint
count_keys_of (EwMesh *self, const gchar *maker)
{
  guint count = 0;
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, self->keys);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    count += g_strcmp0 (((const EwEnrollment *)value)->made_by, maker) == 0;
  return count;
}

void
ew_mesh_thin_keys_of_async (EwMesh *self, const gchar *maker)
{
  for (guint count = count_keys_of (self, maker); count > EW_MESH_KEYS_AT_ONCE; count -= EW_MESH_KEYS_AT_ONCE)
    ew_mesh_change_async (self, delete_some, g_strdup (maker), g_free, NULL, NULL);
}
