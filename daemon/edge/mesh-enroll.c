/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Enrollment keys and those who come with one. A key's secret is kept as its SHA-256 alone; it is consumed in the
 * transaction that makes the node. Whoever repeats exactly the request that consumed it is answered the same (a reply
 * may be lost).
 */
#include "edge/mesh-private.h"

#include <string.h>
#include "common/error.h"
#include "common/util.h"

#define DESCRIPTION_MAX 64 /* bytes of `os` and `version` */

static gchar *
hash_to_hex (const guint8 hash[EW_HASH_SIZE])
{
  GString *text = g_string_sized_new (2 * EW_HASH_SIZE);
  for (guint i = 0; i < EW_HASH_SIZE; i++)
    g_string_append_printf (text, "%02x", hash[i]);
  return g_string_free (text, FALSE);
}

/* Making keys. */

typedef struct
{
  const gchar *kind, *name, *hash;
  guint valid_seconds;
  gint64 expires_us;
} KeyRequest;

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

static EwNode *
new_node (EwMesh *self, const gchar *key_kind, const gchar *name)
{
  EwNode *node = ew_node_new ();
  node->id = ew_node_make_id ();
  node->name = g_strdup (name);
  node->kind = g_strdup (node_kind (key_kind));
  node->role = g_strdup (node_role (key_kind));
  node->created_us = self->now_us ();
  return node;
}

static void
put_node (EwChange *change, const EwNode *node)
{
  g_autofree gchar *key = ew_mesh_node_key ("/nodes/", node->id);
  ew_change_expect (change, key, node->store_revision);
  ew_change_put (change, key, ew_node_to_json (node));
}

static gboolean
put_key (EwMesh *self, EwChange *change, gpointer data, GError **error)
{
  KeyRequest *request = data;
  g_autofree gchar *key = ew_mesh_node_key ("/enrollment/", request->hash);
  EwEnrollment enrollment = { .kind = (gchar *)request->kind, .created_us = self->now_us () };
  g_autoptr (EwNode) node = request->name ? new_node (self, request->kind, request->name) : NULL;
  enrollment.expires_us = enrollment.created_us + (gint64)request->valid_seconds * G_USEC_PER_SEC;
  request->expires_us = enrollment.expires_us;
  if (node)
    {
      if (!ew_mesh_claim_name (self, change, node->name, node->id, error))
        return FALSE;
      node->expires_us = enrollment.expires_us;
      node->enrollment = g_strdup (request->hash);
      enrollment.node_id = node->id;
      put_node (change, node);
    }
  ew_change_expect (change, key, 0);
  ew_change_put (change, key, ew_enrollment_to_json (&enrollment));
  return TRUE;
}

gchar *
ew_mesh_make_key (EwMesh *self, const gchar *kind, const gchar *name, guint valid_seconds, gint64 *expires_us,
                  GError **error)
{
  guint8 secret[EW_ENROLLMENT_SECRET_SIZE], hash[EW_HASH_SIZE];
  if (!ew_mesh_check_valid (valid_seconds, error))
    return NULL;
  if (g_strcmp0 (kind, "admin") != 0 && g_strcmp0 (kind, "server") != 0 && g_strcmp0 (kind, "device") != 0)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "kind must be \"server\", \"device\" or \"admin\".");
      return NULL;
    }
  ew_random (secret, sizeof secret);
  ew_sha256 (secret, sizeof secret, hash);
  g_autofree gchar *hex = hash_to_hex (hash);
  KeyRequest request = { .kind = kind, .name = name, .hash = hex, .valid_seconds = valid_seconds };
  EwEnrollmentKey key = { .api = ew_mesh_get_edge (self)->api, .kind = (gchar *)kind, .mesh = self->settings.mesh };
  memcpy (key.pin, self->pin, EW_PIN_SIZE);
  key.secret = ew_base64url_encode (secret, sizeof secret);
  ew_zero (secret, sizeof secret);
  gchar *text = ew_enrollment_key_format (&key, error);
  ew_free_secret (key.secret);
  if (text && !ew_mesh_change (self, put_key, &request, error))
    g_clear_pointer (&text, ew_free_secret);
  if (text && expires_us)
    *expires_us = request.expires_us;
  return text;
}

/* Using them. */

typedef struct
{
  const EwEnrollRequest *request;
  guint8 hash[EW_HASH_SIZE];
  gchar *hex;
  guint8 credential_hash[EW_HASH_SIZE];
  gboolean unknown;
  gchar *id; /* out: the node's */
} Enrolling;

static gboolean
refuse_unknown (Enrolling *enrolling, GError **error)
{
  enrolling->unknown = TRUE;
  g_set_error (error, EW_ERROR, EW_ERROR_KEY_INVALID,
               "This mesh does not know that enrollment key: it was taken back, has long expired, or is another "
               "mesh's; ask for a new one.");
  return FALSE;
}

/* A used key: the same request again is the same node. */
static gboolean
replay (EwMesh *self, Enrolling *enrolling, const EwEnrollment *enrollment, GError **error)
{
  const EwEnrollRequest *request = enrolling->request;
  if (g_strcmp0 (enrollment->used_public_key, request->public_key) == 0
      && g_strcmp0 (enrollment->used_credential_hash, request->credential_hash) == 0
      && enrollment->expires_us > self->now_us () && ew_mesh_get_node (self, enrollment->used_by))
    {
      enrolling->id = g_strdup (enrollment->used_by);
      return TRUE;
    }
  g_set_error (error, EW_ERROR, EW_ERROR_KEY_USED,
               "This enrollment key has been used already; every key joins one machine: ask for a new one.");
  return FALSE;
}

/* The node that the key was made for, or a new one with the name asked for. */
static EwNode *
take_node (EwMesh *self, EwChange *change, Enrolling *enrolling, const EwEnrollment *enrollment, GError **error)
{
  if (enrollment->node_id == NULL)
    {
      if (enrolling->request->name == NULL)
        {
          g_set_error (error, EW_ERROR, EW_ERROR_NAME_INVALID,
                       "This key was not made for a name, so the machine must give its own.");
          return NULL;
        }
      g_autoptr (EwNode) node = new_node (self, enrollment->kind, enrolling->request->name);
      return ew_mesh_claim_name (self, change, node->name, node->id, error) ? g_steal_pointer (&node) : NULL;
    }
  g_autofree gchar *key = ew_mesh_node_key ("/nodes/", enrollment->node_id);
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, key, &object, &revision, error))
    return NULL;
  EwNode *node = object ? ew_node_from_json (object) : NULL;
  if (node)
    node->store_revision = revision;
  else
    refuse_unknown (enrolling, error);
  return node;
}

static void
put_used (EwChange *change, const Enrolling *enrolling, EwEnrollment *enrollment, const EwNode *node, gint64 revision)
{
  g_autofree gchar *key = ew_mesh_node_key ("/enrollment/", enrolling->hex);
  enrollment->used_by = g_strdup (node->id);
  enrollment->used_public_key = g_strdup (enrolling->request->public_key);
  enrollment->used_credential_hash = g_strdup (enrolling->request->credential_hash);
  ew_change_expect (change, key, revision);
  ew_change_put (change, key, ew_enrollment_to_json (enrollment));
}

static gboolean
join (EwMesh *self, EwChange *change, Enrolling *enrolling, EwEnrollment *enrollment, gint64 revision, GError **error)
{
  g_autoptr (EwNode) node = take_node (self, change, enrolling, enrollment, error);
  if (node == NULL || !ew_mesh_claim_public_key (self, change, enrolling->request->public_key, node, error)
      || !ew_mesh_claim_addresses (self, change, node, error))
    return FALSE;
  memcpy (node->credential_hash, enrolling->credential_hash, EW_HASH_SIZE);
  node->has_credential = TRUE;
  node->joined = TRUE;
  node->expires_us = 0;
  node->os = g_strdup (enrolling->request->os);
  node->version = g_strdup (enrolling->request->version);
  g_clear_pointer (&node->enrollment, g_free);
  put_node (change, node);
  put_used (change, enrolling, enrollment, node, revision);
  g_free (enrolling->id);
  enrolling->id = g_strdup (node->id);
  return TRUE;
}

static gboolean
enroll (EwMesh *self, EwChange *change, gpointer data, GError **error)
{
  Enrolling *enrolling = data;
  g_autofree gchar *key = ew_mesh_node_key ("/enrollment/", enrolling->hex);
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, key, &object, &revision, error))
    return FALSE;
  g_autoptr (EwEnrollment) enrollment = object ? ew_enrollment_from_json (object) : NULL;
  if (enrollment == NULL)
    return refuse_unknown (enrolling, error);
  if (enrollment->used_by)
    return replay (self, enrolling, enrollment, error);
  if (enrollment->expires_us <= self->now_us ())
    {
      g_set_error (error, EW_ERROR, EW_ERROR_KEY_EXPIRED, "This enrollment key has expired; ask for a new one.");
      return FALSE;
    }
  return join (self, change, enrolling, enrollment, revision, error);
}

static gboolean
check_description (const gchar *text, const gchar *member, GError **error)
{
  gboolean good = text == NULL || strlen (text) <= DESCRIPTION_MAX;
  for (const gchar *p = text; good && p && *p; p = g_utf8_next_char (p))
    good = g_unichar_isprint (g_utf8_get_char (p));
  if (!good)
    g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "%s must be at most %d printable bytes.", member,
                 DESCRIPTION_MAX);
  return good;
}

static gboolean
check_request (const EwEnrollRequest *request, Enrolling *enrolling, GError **error)
{
  gsize length = 0;
  guint8 *secret = request->secret ? ew_base64url_decode (request->secret, &length) : NULL;
  gboolean good = secret && length == EW_ENROLLMENT_SECRET_SIZE;
  if (good)
    ew_sha256 (secret, length, enrolling->hash);
  if (secret)
    ew_zero (secret, length);
  g_free (secret);
  if (!good)
    return refuse_unknown (enrolling, error);
  if (request->credential_hash == NULL || !ew_key_from_base64 (request->credential_hash, enrolling->credential_hash))
    {
      g_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                   "credential_hash must be SHA-256 of the credential's 32 bytes: 44 characters of base64.");
      return FALSE;
    }
  return check_description (request->os, "os", error) && check_description (request->version, "version", error);
}

EwNode *
ew_mesh_enroll (EwMesh *self, const EwEnrollRequest *request, gboolean *unknown_secret, GError **error)
{
  Enrolling enrolling = { .request = request };
  EwNode *node = NULL;
  if (check_request (request, &enrolling, error))
    {
      enrolling.hex = hash_to_hex (enrolling.hash);
      if (ew_mesh_change (self, enroll, &enrolling, error))
        node = ew_mesh_get_node (self, enrolling.id);
    }
  *unknown_secret = enrolling.unknown;
  g_free (enrolling.hex);
  g_free (enrolling.id);
  return node;
}

/* Credentials. */

static gboolean
is_buried (EwMesh *self, const gchar *id, const guint8 hash[EW_HASH_SIZE])
{
  g_autofree gchar *key = ew_mesh_node_key ("/tombstones/", id);
  g_autoptr (JsonObject) stone = NULL;
  guint8 known[EW_HASH_SIZE];
  if (!ew_mesh_read (self, key, &stone, NULL, NULL) || stone == NULL)
    return FALSE;
  const gchar *text = ew_json_string (stone, "credential_hash");
  return text && ew_key_from_base64 (text, known) && ew_equal_secret (known, hash, EW_HASH_SIZE);
}

EwNode *
ew_mesh_authenticate (EwMesh *self, const gchar *id, const guint8 credential[32], GError **error)
{
  EwNode *node = ew_mesh_get_node (self, id);
  guint8 hash[EW_HASH_SIZE];
  ew_sha256 (credential, 32, hash);
  if (node && node->has_credential && ew_equal_secret (node->credential_hash, hash, EW_HASH_SIZE))
    return node;
  if (node == NULL && is_buried (self, id, hash))
    g_set_error (error, EW_ERROR, EW_ERROR_REMOVED,
                 "This machine was removed from the mesh; `edgewayctl leave` erases what is left of it here.");
  else
    g_set_error (error, EW_ERROR, EW_ERROR_NOT_AUTHENTICATED, "This mesh does not know that credential.");
  return NULL;
}
