/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Nodes: what they claim (name, key, addresses), and how they change.
 */
#include "edge/mesh/mesh-private.h"

#include <string.h>
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "edge/mesh/names.h"

#define DESCRIPTION_MAX 64 /* bytes of `os` and `version` */

gchar *
ew_mesh_node_key (const gchar *prefix, const gchar *id)
{
  return g_strconcat (prefix, id, NULL);
}

/* Claims. */

gboolean
ew_mesh_check_valid (guint valid_seconds, GError **error)
{
  if (valid_seconds >= EW_MESH_VALID_MIN && valid_seconds <= EW_MESH_VALID_MAX)
    return TRUE;
  ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                "valid_seconds must be between %d (a minute) and %d (a year).", EW_MESH_VALID_MIN, EW_MESH_VALID_MAX);
  return FALSE;
}

void
ew_mesh_refuse_name (EwMesh *self, const gchar *name, JsonObject *holder, GError **error)
{
  if (ew_json_bool (holder, "alias", FALSE))
    ew_set_error (
      error, EW_ERROR, EW_ERROR_NAME_TAKEN,
      "The name \"%s\" is already taken in this mesh: it's an additional name of a node. Choose another, or "
      "remove that one with `edgewayctl name remove %s`.",
      name, name);
  else if (ew_json_string (holder, "service"))
    ew_set_error (error, EW_ERROR, EW_ERROR_NAME_TAKEN,
                  "The name \"%s\" is already taken in this mesh: it's a service. Choose another, or remove that one "
                  "with `edgewayctl service remove %s`.",
                  name, name);
  else
    ew_set_error (
      error, EW_ERROR, EW_ERROR_NAME_TAKEN,
      "The name \"%s\" is already taken in this mesh. Choose another, or rename or remove the node that has it.", name);
}

gboolean
ew_mesh_claim_name_for (EwMesh *self, EwMeshChange *change, const gchar *name, const gchar *role, const gchar *id,
                        GError **error)
{
  gint64 revision;
  if (!ew_name_check_computer (name, error))
    return FALSE;
  g_autofree gchar *key = ew_mesh_node_key ("/names/", name);
  g_autoptr (JsonObject) holder = NULL;
  if (!ew_mesh_read (self, key, &holder, &revision, error))
    return FALSE;
  if (revision != 0)
    {
      ew_mesh_refuse_name (self, name, holder, error);
      return FALSE;
    }
  if (g_str_equal (name, EW_MESH_EDGE_NAME))
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_NAME_TAKEN,
                    "The name \"%s\" always means the mesh's edge. Choose another.", name);
      return FALSE;
    }
  ew_mesh_change_expect (change, key, 0);
  ew_mesh_change_put_owner (change, key, role, id);
  return TRUE;
}

gboolean
ew_mesh_claim_name (EwMesh *self, EwMeshChange *change, const gchar *name, const gchar *id, GError **error)
{
  return ew_mesh_claim_name_for (self, change, name, "node", id, error);
}

gboolean
ew_mesh_claim_public_key (EwMesh *self, EwMeshChange *change, const gchar *public_key, EwNode *node, GError **error)
{
  static const guint8 zero[EW_KEY_SIZE];
  gint64 revision;
  if (public_key == NULL || !ew_key_from_base64 (public_key, node->public_key)
      || memcmp (node->public_key, zero, sizeof zero) == 0)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "public_key must be a WireGuard public key: 44 characters of base64, as `wg pubkey` writes it.");
      return FALSE;
    }
  g_autofree gchar *key = ew_mesh_node_key ("/pubkeys/", public_key);
  if (!ew_mesh_read (self, key, NULL, &revision, error))
    return FALSE;
  if (revision != 0)
    {
      ew_set_error (
        error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
        "Another node of this mesh already has this public key. Make a new key pair, or remove the other node first.");
      return FALSE;
    }
  ew_mesh_change_expect (change, key, 0);
  ew_mesh_change_put_owner (change, key, "node", node->id);
  node->has_key = TRUE;
  return TRUE;
}

/* Whether the store has neither of the two; *keys (transfer full) are theirs. */
static gboolean
is_free (EwMesh *self, const EwIp ips[2], gchar *keys[2], gboolean *free_now, GError **error)
{
  *free_now = TRUE;
  for (guint i = 0; i < 2 && *free_now; i++)
    {
      gchar text[EW_IP_STRLEN];
      gint64 revision = 0;
      ew_ip_format (&ips[i], text);
      g_free (keys[i]);
      keys[i] = ew_mesh_node_key ("/addresses/", text);
      if (g_hash_table_contains (self->addresses, text))
        *free_now = FALSE;
      else if (!ew_mesh_read (self, keys[i], NULL, &revision, error))
        return FALSE;
      else
        *free_now = revision == 0;
    }
  return TRUE;
}

static gboolean
find_addresses (EwMesh *self, EwIp ips[2], gchar *keys[2], GError **error)
{
  guint32 count = ew_mesh_ranges_count (&self->settings.ranges);
  for (guint32 i = 0; i < count; i++)
    {
      guint32 offset = (self->next_offset + i) % count;
      gboolean free_now;
      if (!ew_mesh_ranges_at (&self->settings.ranges, offset, ips))
        continue;
      if (!is_free (self, ips, keys, &free_now, error))
        return FALSE;
      if (!free_now)
        continue;
      self->next_offset = offset + 1;
      return TRUE;
    }
  ew_set_error (error, EW_ERROR, EW_ERROR_OUT_OF_ADDRESSES,
                "All addresses of the mesh's range are in use or at rest (30 days after a node's removal): remove "
                "nodes that aren't needed.");
  return FALSE;
}

/* The addresses that the last node of that name has left, where both still rest. *found: they are the node's now. */
static gboolean
reclaim_addresses (EwMesh *self, EwMeshChange *change, EwNode *node, gboolean *found, GError **error)
{
  g_autofree gchar *key = ew_mesh_node_key ("/resting/", node->name);
  g_autoptr (JsonObject) left = NULL;
  gint64 revision, revisions[2];
  if (!ew_mesh_read (self, key, &left, &revision, error))
    return FALSE;
  g_auto (GStrv) texts = left ? ew_json_strv (left, "addresses", 2) : NULL;
  if (texts == NULL || g_strv_length (texts) != 2)
    return TRUE;
  for (guint i = 0; i < 2; i++)
    {
      g_autofree gchar *address = ew_mesh_node_key ("/addresses/", texts[i]);
      g_autoptr (JsonObject) rest = NULL;
      if (!ew_mesh_read (self, address, &rest, &revisions[i], error))
        return FALSE;
      if (rest == NULL || ew_json_string (rest, "node") || !ew_ip_parse (texts[i], &node->addresses[i]))
        return TRUE;
    }
  for (guint i = 0; i < 2; i++)
    {
      g_autofree gchar *address = ew_mesh_node_key ("/addresses/", texts[i]);
      ew_mesh_change_expect (change, address, revisions[i]);
      ew_mesh_change_put_owner (change, address, "node", node->id);
    }
  ew_mesh_change_expect (change, key, revision);
  ew_mesh_change_delete (change, key);
  return *found = TRUE;
}

gboolean
ew_mesh_claim_addresses (EwMesh *self, EwMeshChange *change, EwNode *node, gboolean by_name, GError **error)
{
  gchar *keys[2] = { NULL, NULL };
  gboolean found = FALSE;
  node->n_addresses = 0;
  if (by_name && !reclaim_addresses (self, change, node, &found, error))
    return FALSE;
  if (!found)
    {
      found = find_addresses (self, node->addresses, keys, error);
      for (guint i = 0; i < 2; i++)
        {
          if (found)
            {
              ew_mesh_change_expect (change, keys[i], 0);
              ew_mesh_change_put_owner (change, keys[i], "node", node->id);
            }
          g_free (keys[i]);
        }
    }
  node->n_addresses = found ? 2 : 0;
  return found;
}

/* Changes of one node. */

typedef struct
{
  const gchar *id;
  const gchar *name, *kind, *public_key, *maker;
  const gchar *os, *version;
  guint valid_seconds;
  guint16 mtu;
} NodeChange;

static void
refuse_gone (GError **error)
{
  ew_set_error (error, EW_ERROR, EW_ERROR_NOT_FOUND, "This node is no longer in the mesh.");
}

EwNode *
ew_mesh_read_node (EwMesh *self, const gchar *id, GError **error)
{
  g_autofree gchar *key = ew_mesh_node_key ("/nodes/", id);
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, key, &object, &revision, error))
    return NULL;
  EwNode *node = object ? ew_mesh_node_from_json (object) : NULL;
  if (node)
    node->store_revision = revision;
  else
    refuse_gone (error);
  return node;
}

void
ew_mesh_change_put_node (EwMeshChange *change, const EwNode *node)
{
  g_autofree gchar *key = ew_mesh_node_key ("/nodes/", node->id);
  ew_mesh_change_expect (change, key, node->store_revision);
  ew_mesh_change_put (change, key, ew_mesh_node_to_json (node));
}

static void
node_change_free (gpointer data)
{
  NodeChange *wanted = data;
  g_free ((gpointer)wanted->id);
  g_free ((gpointer)wanted->name);
  g_free ((gpointer)wanted->kind);
  g_free ((gpointer)wanted->public_key);
  g_free ((gpointer)wanted->maker);
  g_free ((gpointer)wanted->os);
  g_free ((gpointer)wanted->version);
  g_free (wanted);
}

static void
change_node_async (EwMesh *self, EwMeshChangeAttempt attempt, const NodeChange *given, GAsyncReadyCallback callback,
                   gpointer user_data)
{
  NodeChange *wanted = g_memdup2 (given, sizeof *given);
  wanted->id = g_strdup (given->id);
  wanted->name = g_strdup (given->name);
  wanted->kind = g_strdup (given->kind);
  wanted->public_key = g_strdup (given->public_key);
  wanted->maker = g_strdup (given->maker);
  wanted->os = g_strdup (given->os);
  wanted->version = g_strdup (given->version);
  ew_mesh_change_async (self, attempt, wanted, node_change_free, callback, user_data);
}

EwNode *
ew_mesh_node_finish (EwMesh *self, GAsyncResult *result, GError **error)
{
  const NodeChange *wanted = ew_mesh_change_finish (result, error);
  EwNode *node = wanted ? ew_mesh_get_node (self, wanted->id) : NULL;
  if (wanted && node == NULL)
    refuse_gone (error);
  return node;
}

static gboolean
add_plain (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const NodeChange *wanted = data;
  g_autoptr (EwNode) node = ew_mesh_node_new ();
  node->id = g_strdup (wanted->id);
  node->name = g_strdup (wanted->name);
  node->kind = g_strdup (wanted->kind);
  node->role = g_strdup ("member");
  node->plain = TRUE;
  node->made_by = g_strdup (wanted->maker);
  node->created_us = self->now_us ();
  node->expires_us = node->created_us + (gint64)wanted->valid_seconds * G_USEC_PER_SEC;
  if (!ew_mesh_claim_name (self, change, node->name, node->id, error)
      || !ew_mesh_claim_public_key (self, change, wanted->public_key, node, error)
      || !ew_mesh_claim_addresses (self, change, node, TRUE, error))
    return FALSE;
  ew_mesh_change_put_node (change, node);
  return TRUE;
}

static gboolean
prepare_plain (const EwPlainRequest *request, const gchar *id, NodeChange *wanted, GError **error)
{
  *wanted = (NodeChange){ .id = id,
                          .name = request->name,
                          .kind = request->kind,
                          .public_key = request->public_key,
                          .maker = request->maker,
                          .valid_seconds = request->valid_seconds };
  if (!ew_mesh_check_valid (request->valid_seconds, error))
    return FALSE;
  if (request->name && (g_strcmp0 (request->kind, "server") == 0 || g_strcmp0 (request->kind, "device") == 0))
    return TRUE;
  ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                "A node needs a name, and the kind \"server\" or \"device\".");
  return FALSE;
}

void
ew_mesh_add_plain_node_async (EwMesh *self, const EwPlainRequest *request, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autofree gchar *id = ew_mesh_node_make_id ();
  NodeChange wanted;
  GError *error = NULL;
  if (prepare_plain (request, id, &wanted, &error))
    change_node_async (self, add_plain, &wanted, callback, user_data);
  else
    ew_mesh_refuse_async (error, callback, user_data);
}

static gboolean
renew_plain (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const NodeChange *wanted = data;
  g_autoptr (EwNode) node = ew_mesh_read_node (self, wanted->id, error);
  if (node == NULL)
    return FALSE;
  if (!node->plain)
    {
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "%s runs Edgeway and makes its own key pair. To make an enrollment key for the computer that "
                    "replaces it, use `sudo edgewayctl node add %s --renew`.",
                    node->name, node->name);
      return FALSE;
    }
  g_autofree gchar *text = ew_key_to_base64 (node->public_key);
  g_autofree gchar *old = ew_mesh_node_key ("/pubkeys/", text);
  if (!ew_mesh_claim_public_key (self, change, wanted->public_key, node, error))
    return FALSE;
  ew_mesh_change_delete (change, old);
  if (!node->joined)
    node->expires_us = self->now_us () + (gint64)wanted->valid_seconds * G_USEC_PER_SEC;
  ew_mesh_change_put_node (change, node);
  return TRUE;
}

void
ew_mesh_renew_plain_node_async (EwMesh *self, const gchar *id, const gchar *public_key, guint valid_seconds,
                                GAsyncReadyCallback callback, gpointer user_data)
{
  const NodeChange wanted = { .id = id, .public_key = public_key, .valid_seconds = valid_seconds };
  GError *error = NULL;
  if (ew_mesh_check_valid (valid_seconds, &error))
    change_node_async (self, renew_plain, &wanted, callback, user_data);
  else
    ew_mesh_refuse_async (error, callback, user_data);
}

static gboolean
rename_node (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const NodeChange *wanted = data;
  g_autoptr (EwNode) node = ew_mesh_read_node (self, wanted->id, error);
  if (node == NULL)
    return FALSE;
  if (g_str_equal (node->name, wanted->name))
    return TRUE;
  if (!ew_mesh_claim_name (self, change, wanted->name, node->id, error))
    return FALSE;
  g_autofree gchar *old = ew_mesh_node_key ("/names/", node->name);
  ew_mesh_change_delete (change, old);
  g_free (node->name);
  node->name = g_strdup (wanted->name);
  ew_mesh_change_put_node (change, node);
  return TRUE;
}

void
ew_mesh_rename_node_async (EwMesh *self, const gchar *id, const gchar *name, GAsyncReadyCallback callback,
                           gpointer user_data)
{
  const NodeChange wanted = { .id = id, .name = name };
  change_node_async (self, rename_node, &wanted, callback, user_data);
}

static gboolean
set_node_mtu (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const NodeChange *wanted = data;
  g_autoptr (EwNode) node = ew_mesh_read_node (self, wanted->id, error);
  if (node == NULL)
    return FALSE;
  if (node->mtu == wanted->mtu)
    return TRUE;
  node->mtu = wanted->mtu;
  ew_mesh_change_put_node (change, node);
  return TRUE;
}

static gboolean
check_mtu (EwMesh *self, gint64 mtu, GError **error)
{
  if (mtu == 0 || (mtu >= EW_NODE_MTU_MIN && mtu <= self->mtu))
    return TRUE;
  ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                "A node's MTU is between %d (below it IPv6 doesn't work) and the mesh's, which is %u.", EW_NODE_MTU_MIN,
                self->mtu);
  return FALSE;
}

void
ew_mesh_set_node_mtu_async (EwMesh *self, const gchar *id, gint64 mtu, GAsyncReadyCallback callback, gpointer user_data)
{
  const NodeChange wanted = { .id = id, .mtu = (guint16)mtu };
  GError *error = NULL;
  if (check_mtu (self, mtu, &error))
    change_node_async (self, set_node_mtu, &wanted, callback, user_data);
  else
    ew_mesh_refuse_async (error, callback, user_data);
}

static gboolean
check_text (const gchar *text, const gchar *member, GError **error)
{
  gboolean good = text == NULL || strlen (text) <= DESCRIPTION_MAX;
  for (const gchar *p = text; good && p && *p; p = g_utf8_next_char (p))
    good = g_unichar_isprint (g_utf8_get_char (p));
  if (!good)
    ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "%s must be at most %d printable bytes.", member,
                  DESCRIPTION_MAX);
  return good;
}

gboolean
ew_mesh_check_description (const gchar *os, const gchar *version, GError **error)
{
  return check_text (os, "os", error) && check_text (version, "version", error);
}

gboolean
ew_mesh_is_described (const EwNode *node, const gchar *os, const gchar *version)
{
  return (os == NULL || g_strcmp0 (node->os, os) == 0) && (version == NULL || g_strcmp0 (node->version, version) == 0);
}

static void
replace_text (gchar **text, const gchar *news)
{
  if (news == NULL)
    return;
  g_free (*text);
  *text = g_strdup (news);
}

static gboolean
describe_node (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const NodeChange *wanted = data;
  g_autoptr (EwNode) node = ew_mesh_read_node (self, wanted->id, error);
  if (node == NULL)
    return FALSE;
  if (ew_mesh_is_described (node, wanted->os, wanted->version))
    return TRUE;
  replace_text (&node->os, wanted->os);
  replace_text (&node->version, wanted->version);
  ew_mesh_change_put_node (change, node);
  return TRUE;
}

void
ew_mesh_describe_node_async (EwMesh *self, const gchar *id, const gchar *os, const gchar *version,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  const NodeChange wanted = { .id = id, .os = os, .version = version };
  GError *error = NULL;
  if (ew_mesh_check_description (os, version, &error))
    change_node_async (self, describe_node, &wanted, callback, user_data);
  else
    ew_mesh_refuse_async (error, callback, user_data);
}

static gboolean
mark_joined (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const NodeChange *wanted = data;
  g_autoptr (EwNode) node = ew_mesh_read_node (self, wanted->id, error);
  if (node == NULL)
    return FALSE;
  if (node->joined)
    return TRUE;
  node->joined = TRUE;
  node->expires_us = 0;
  ew_mesh_change_put_node (change, node);
  return TRUE;
}

gboolean
ew_mesh_mark_joined (EwMesh *self, const gchar *id, GError **error)
{
  NodeChange wanted = { .id = id };
  return ew_mesh_change (self, mark_joined, &wanted, error);
}

void
ew_mesh_mark_joined_async (EwMesh *self, const gchar *id, GAsyncReadyCallback callback, gpointer user_data)
{
  const NodeChange wanted = { .id = id };
  change_node_async (self, mark_joined, &wanted, callback, user_data);
}
