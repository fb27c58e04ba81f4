/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Computers that come with an enrollment key. It is consumed in the transaction that makes the node. An exact
 * repetition of the request that consumed it gets the same answer (a reply may be lost).
 *
 * A key made to renew a node puts the computer that uses it in that node's place: name, addresses, routes and role
 * stay; public key and credential are the new computer's, the old ones are refused, and keys that the old one made are
 * deleted.
 */
#include "edge/mesh/mesh-private.h"

#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"


typedef struct
{
  const EwEnrollRequest *request;
  guint8 hash[EW_HASH_SIZE];
  gchar *hex;
  guint8 credential_hash[EW_HASH_SIZE];
  EwEnrollOutcome *outcome;
  gchar *id; /* out: the node's */
} Enrolling;

static gboolean
refuse_unknown (Enrolling *enrolling, GError **error)
{
  enrolling->outcome->unknown_secret = TRUE;
  ew_set_error (error, EW_ERROR, EW_ERROR_KEY_INVALID,
                "This mesh doesn't know this enrollment key: it was revoked, expired long ago, or belongs to another "
                "mesh. Ask for a new one.");
  return FALSE;
}

/* A used key: the same request again is the same node. */
static gboolean
replay (EwMesh *self, Enrolling *enrolling, const EwEnrollment *enrollment, GError **error)
{
  const EwEnrollRequest *request = enrolling->request;
  const EwNode *node = ew_mesh_get_node (self, enrollment->used_by);
  if (g_strcmp0 (enrollment->used_public_key, request->public_key) == 0
      && g_strcmp0 (enrollment->used_credential_hash, request->credential_hash) == 0
      && enrollment->expires_us > self->now_us () && node
      && ew_equal_secret (node->credential_hash, enrolling->credential_hash, EW_HASH_SIZE))
    {
      enrolling->id = g_strdup (enrollment->used_by);
      return TRUE;
    }
  ew_set_error (error, EW_ERROR, EW_ERROR_KEY_USED,
                "This enrollment key has already been used. Each key can enroll only one computer. Ask for a new one.");
  return FALSE;
}

/* The node that the key was made for, or a new one with the name asked for. */
static EwNode *
take_node (EwMesh *self, EwMeshChange *change, Enrolling *enrolling, const EwEnrollment *enrollment, GError **error)
{
  if (enrollment->node_id == NULL)
    {
      if (enrolling->request->name == NULL)
        {
          ew_set_error (error, EW_ERROR, EW_ERROR_NAME_INVALID,
                        "This key wasn't made for a specific name, so the computer must give its own.");
          return NULL;
        }
      g_autoptr (EwNode) node = ew_mesh_new_node (self, enrollment->kind, enrolling->request->name);
      return ew_mesh_claim_name (self, change, node->name, node->id, error) ? g_steal_pointer (&node) : NULL;
    }
  g_autoptr (GError) cause = NULL;
  g_autoptr (EwNode) node = ew_mesh_read_node (self, enrollment->node_id, &cause);
  if (node && node->joined == enrollment->renews)
    return g_steal_pointer (&node);
  if (node || g_error_matches (cause, EW_ERROR, EW_ERROR_NOT_FOUND))
    refuse_unknown (enrolling, error);
  else
    g_propagate_error (error, g_steal_pointer (&cause));
  return NULL;
}

/* The computer that was this node so far. */
static gboolean
put_out_old_machine (EwMesh *self, EwMeshChange *change, EwNode *node, GError **error)
{
  g_autofree gchar *text = ew_key_to_base64 (node->public_key);
  g_autofree gchar *public_key = ew_mesh_node_key ("/pubkeys/", text);
  g_autofree gchar *endpoint = ew_mesh_node_key ("/endpoints/", node->id);
  ew_mesh_change_delete (change, public_key);
  ew_mesh_change_delete (change, endpoint);
  ew_mesh_change_bury (self, change, node);
  g_clear_pointer (&node->os, g_free);
  g_clear_pointer (&node->version, g_free);
  return ew_mesh_delete_keys_of (self, change, node, error);
}

static void
put_used (EwMeshChange *change, const Enrolling *enrolling, EwEnrollment *enrollment, const EwNode *node,
          gint64 revision)
{
  g_autofree gchar *key = ew_mesh_node_key ("/enrollment/", enrolling->hex);
  enrollment->used_by = g_strdup (node->id);
  enrollment->used_public_key = g_strdup (enrolling->request->public_key);
  enrollment->used_credential_hash = g_strdup (enrolling->request->credential_hash);
  ew_mesh_change_expect (change, key, revision);
  ew_mesh_change_put (change, key, ew_mesh_enrollment_to_json (enrollment));
}

static gboolean
join (EwMesh *self, EwMeshChange *change, Enrolling *enrolling, EwEnrollment *enrollment, gint64 revision,
      GError **error)
{
  g_autoptr (EwNode) node = take_node (self, change, enrolling, enrollment, error);
  if (node == NULL || (node->joined && !put_out_old_machine (self, change, node, error))
      || !ew_mesh_claim_public_key (self, change, enrolling->request->public_key, node, error)
      || (node->n_addresses == 0 && !ew_mesh_claim_addresses (self, change, node, enrollment->node_id != NULL, error)))
    return FALSE;
  enrolling->outcome->replaced = node->joined;
  memcpy (node->credential_hash, enrolling->credential_hash, EW_HASH_SIZE);
  node->has_credential = TRUE;
  node->joined = TRUE;
  node->expires_us = 0;
  node->os = g_strdup (enrolling->request->os);
  node->version = g_strdup (enrolling->request->version);
  g_clear_pointer (&node->enrollment, g_free);
  ew_mesh_change_put_node (change, node);
  put_used (change, enrolling, enrollment, node, revision);
  g_free (enrolling->id);
  enrolling->id = g_strdup (node->id);
  return TRUE;
}

static gboolean
enroll (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  Enrolling *enrolling = data;
  g_autofree gchar *key = ew_mesh_node_key ("/enrollment/", enrolling->hex);
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, key, &object, &revision, error))
    return FALSE;
  g_autoptr (EwEnrollment) enrollment = object ? ew_mesh_enrollment_from_json (object) : NULL;
  if (enrollment == NULL)
    return refuse_unknown (enrolling, error);
  if (enrollment->used_by)
    return replay (self, enrolling, enrollment, error);
  if (enrollment->expires_us <= self->now_us ())
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_KEY_EXPIRED, "This enrollment key has expired. Ask for a new one.");
      return FALSE;
    }
  return ew_mesh_check_maker (self, change, enrollment->made_by, error)
         && join (self, change, enrolling, enrollment, revision, error);
}

static gboolean
hash_secret (const gchar *text, guint8 hash[EW_HASH_SIZE])
{
  gsize length = 0;
  guint8 *secret = text ? ew_base64url_decode (text, &length) : NULL;
  gboolean good = secret && length == EW_ENROLLMENT_SECRET_SIZE;
  if (good)
    ew_sha256 (secret, length, hash);
  if (secret)
    ew_zero (secret, length);
  g_free (secret);
  return good;
}

static gboolean
check_request (const EwEnrollRequest *request, Enrolling *enrolling, GError **error)
{
  if (!hash_secret (request->secret, enrolling->hash))
    return refuse_unknown (enrolling, error);
  if (request->credential_hash == NULL || !ew_key_from_base64 (request->credential_hash, enrolling->credential_hash))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "credential_hash must be SHA-256 of the credential's 32 bytes: 44 characters of base64.");
      return FALSE;
    }
  return ew_mesh_check_description (request->os, request->version, error);
}

/* A copy of the request; its checks belong to the attempt. */

typedef struct
{
  Enrolling enrolling;
  EwEnrollRequest request;
  EwEnrollOutcome outcome;
} Arrival;

static void
arrival_free (gpointer data)
{
  Arrival *arrival = data;
  ew_free_secret ((gchar *)arrival->request.secret);
  g_free ((gpointer)arrival->request.name);
  g_free ((gpointer)arrival->request.public_key);
  g_free ((gpointer)arrival->request.credential_hash);
  g_free ((gpointer)arrival->request.os);
  g_free ((gpointer)arrival->request.version);
  g_free (arrival->enrolling.hex);
  g_free (arrival->enrolling.id);
  g_free (arrival);
}

static gboolean
admit (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  Arrival *arrival = data;
  arrival->outcome.unknown_secret = arrival->outcome.replaced = FALSE;
  return check_request (&arrival->request, &arrival->enrolling, error)
         && enroll (self, change, &arrival->enrolling, error);
}

void
ew_mesh_enroll_async (EwMesh *self, const EwEnrollRequest *request, GAsyncReadyCallback callback, gpointer user_data)
{
  Arrival *arrival = g_new0 (Arrival, 1);
  arrival->request = (EwEnrollRequest){ .secret = g_strdup (request->secret),
                                        .name = g_strdup (request->name),
                                        .public_key = g_strdup (request->public_key),
                                        .credential_hash = g_strdup (request->credential_hash),
                                        .os = g_strdup (request->os),
                                        .version = g_strdup (request->version) };
  arrival->enrolling = (Enrolling){ .request = &arrival->request, .outcome = &arrival->outcome };
  if (check_request (&arrival->request, &arrival->enrolling, NULL))
    {
      arrival->enrolling.hex = ew_mesh_hash_to_hex (arrival->enrolling.hash);
      g_strlcpy (arrival->outcome.key_id, arrival->enrolling.hex, sizeof arrival->outcome.key_id);
      const EwEnrollment *key = g_hash_table_lookup (self->keys, arrival->enrolling.hex);
      if (key && key->renews) /* what doesn't fit into one transaction is removed before it */
        ew_mesh_thin_keys_of_async (self, key->node_id);
    }
  ew_mesh_change_async (self, admit, arrival, arrival_free, callback, user_data);
}

EwNode *
ew_mesh_enroll_finish (EwMesh *self, GAsyncResult *result, EwEnrollOutcome *outcome, GError **error)
{
  const Arrival *arrival = ew_mesh_change_get_data (result);
  *outcome = arrival->outcome;
  if (ew_mesh_change_finish (result, error) == NULL)
    return NULL;
  EwNode *node = ew_mesh_get_node (self, arrival->enrolling.id);
  if (node == NULL)
    ew_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND, "This node is no longer in the mesh.");
  return node;
}

gboolean
ew_mesh_has_key (EwMesh *self, const gchar *secret)
{
  guint8 hash[EW_HASH_SIZE];
  if (!hash_secret (secret, hash))
    return FALSE;
  g_autofree gchar *hex = ew_mesh_hash_to_hex (hash);
  return g_hash_table_contains (self->keys, hex);
}

/* Credentials. */

/* Whether that was the credential of a node removed since, or of the computer that was this node before. */
static gboolean
is_buried (EwMesh *self, const gchar *id, const guint8 hash[EW_HASH_SIZE])
{
  const guint8 *known = g_hash_table_lookup (self->removed, id);
  return known && ew_equal_secret (known, hash, EW_HASH_SIZE);
}

/* now: the node that it became part of; NULL: there is none. */
static gboolean
refuse_former (const EwNode *now, GError **error)
{
  if (now)
    ew_set_error (error, EW_ERROR, EW_ERROR_REMOVED,
                  "Another computer has taken this one's place in the mesh. Erase what is left of it here with `sudo "
                  "edgewayctl leave`.");
  else
    ew_set_error (
      error, EW_ERROR, EW_ERROR_REMOVED,
      "This computer was removed from the mesh. Erase what is left of it here with `sudo edgewayctl leave`.");
  return FALSE;
}

EwNode *
ew_mesh_authenticate (EwMesh *self, const gchar *id, const guint8 credential[32], GError **error)
{
  EwNode *node = ew_mesh_get_node (self, id);
  guint8 hash[EW_HASH_SIZE];
  ew_sha256 (credential, 32, hash);
  if (node && node->has_credential && ew_equal_secret (node->credential_hash, hash, EW_HASH_SIZE))
    return node;
  if (!is_buried (self, id, hash))
    ew_set_error (error, EW_ERROR, EW_ERROR_NOT_AUTHENTICATED, "This mesh doesn't know this credential.");
  else
    refuse_former (node, error);
  return NULL;
}

/* Administrators. */

gboolean
ew_mesh_check_administrator (const EwNode *node, GError **error)
{
  if (g_str_equal (node->role, "admin"))
    return TRUE;
  ew_set_error (
    error, EW_ERROR, EW_ERROR_NOT_ADMINISTRATOR,
    "Only an administrator of the mesh may do that; this node is a member. `edgewayctl node list` shows who is "
    "an administrator.");
  return FALSE;
}

void
ew_mesh_ask_as (EwMesh *self, const gchar *id)
{
  const EwNode *node = id ? ew_mesh_get_node (self, id) : NULL;
  g_free (self->asker.id);
  self->asker = (EwMeshAsker){ .id = g_strdup (id) };
  if (node)
    memcpy (self->asker.credential_hash, node->credential_hash, EW_HASH_SIZE);
}

gboolean
ew_mesh_check_asker (EwMesh *self, EwMeshChange *change, const EwMeshAsker *asker, GError **error)
{
  g_autoptr (GError) cause = NULL;
  if (asker->id == NULL)
    return TRUE;
  g_autoptr (EwNode) node = ew_mesh_read_node (self, asker->id, &cause);
  if (node == NULL && !g_error_matches (cause, EW_ERROR, EW_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return FALSE;
    }
  if (node == NULL || !node->has_credential
      || !ew_equal_secret (node->credential_hash, asker->credential_hash, EW_HASH_SIZE))
    return refuse_former (node, error);
  if (!ew_mesh_check_administrator (node, error))
    return FALSE;
  g_autofree gchar *key = ew_mesh_node_key ("/nodes/", node->id);
  ew_mesh_change_expect (change, key, node->store_revision);
  return TRUE;
}
