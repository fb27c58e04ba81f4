/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The first start, and what every later start may change: the mesh's name, the edge's name and its endpoint.
 */
#include "edge/mesh/mesh-private.h"

#include <string.h>
#include "common/domain.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "edge/mesh/document.h"
#include "edge/mesh/names.h"

void
ew_mesh_settings_clear (EwMeshSettings *settings)
{
  g_free (settings->mesh);
  g_free (settings->suffix);
  g_free (settings->edge_list);
  g_free (settings->edge_list_signature);
  *settings = (EwMeshSettings){ 0 };
}

gboolean
ew_mesh_settings_from_json (EwMeshSettings *settings, JsonObject *object)
{
  const gchar *v4 = ew_json_string (object, "ipv4"), *v6 = ew_json_string (object, "ipv6");
  settings->mesh = g_strdup (ew_json_string (object, "mesh"));
  settings->suffix = g_strdup (ew_json_string (object, "suffix"));
  settings->suffix_given = ew_json_bool (object, "suffix_given", FALSE);
  settings->announced = ew_json_bool (object, "announced", FALSE);
  settings->public_given = ew_json_bool (object, "public_given", FALSE);
  settings->edge_list = g_strdup (ew_json_string (object, "edge_list"));
  settings->edge_list_signature = g_strdup (ew_json_string (object, "edge_list_signature"));
  return settings->mesh && settings->suffix && v4 && v6 && ew_mesh_ranges_make (v4, v6, &settings->ranges, NULL);
}

JsonObject *
ew_mesh_settings_to_json (const EwMeshSettings *settings)
{
  gchar v4[EW_PREFIX_STRLEN], v6[EW_PREFIX_STRLEN];
  JsonObject *object = json_object_new ();
  ew_prefix_format (&settings->ranges.v4, v4);
  ew_prefix_format (&settings->ranges.v6, v6);
  json_object_set_string_member (object, "mesh", settings->mesh);
  json_object_set_string_member (object, "suffix", settings->suffix);
  if (settings->suffix_given)
    json_object_set_boolean_member (object, "suffix_given", TRUE);
  json_object_set_string_member (object, "ipv4", v4);
  json_object_set_string_member (object, "ipv6", v6);
  json_object_set_boolean_member (object, "announced", settings->announced);
  json_object_set_boolean_member (object, "public_given", settings->public_given);
  if (settings->edge_list)
    json_object_set_string_member (object, "edge_list", settings->edge_list);
  if (settings->edge_list_signature)
    json_object_set_string_member (object, "edge_list_signature", settings->edge_list_signature);
  return object;
}

/* Reads the stored settings into a fresh struct; FALSE with error where they are damaged. */
static gboolean
read_settings (EwMesh *self, EwMeshSettings *settings, gint64 *revision, GError **error)
{
  g_autoptr (JsonObject) object = NULL;
  if (!ew_mesh_read (self, "/settings", &object, revision, error))
    return FALSE;
  if (object == NULL || ew_mesh_settings_from_json (settings, object))
    return TRUE;
  ew_mesh_settings_clear (settings);
  ew_set_error (error, EW_ERROR, EW_ERROR_FAILED,
                "The mesh's settings in the store are damaged. Restore the state directory from a backup.");
  return FALSE;
}

/* The one edge's: a store on disk has no other. */
static gboolean
peek_endpoint (EwStore *store, gchar **public_endpoint, GError **error)
{
  g_autoptr (GPtrArray) entries = ew_store_list (store, "/edges/", NULL, 0, NULL, error);
  if (entries == NULL || entries->len != 1)
    return entries != NULL;
  gsize length;
  const EwStoreEntry *entry = entries->pdata[0];
  const gchar *data = g_bytes_get_data (entry->value, &length);
  g_autoptr (JsonObject) object = ew_json_parse_object (data, length, EW_MESH_RECORD_MAX, NULL);
  g_autoptr (EwEdge) edge = object ? ew_mesh_edge_from_json (object) : NULL;
  if (edge)
    *public_endpoint = g_strdup (edge->endpoints[0]);
  return TRUE;
}

gboolean
ew_mesh_peek (EwStore *store, gchar **name, gchar **public_endpoint, gboolean *given, GError **error)
{
  EwMesh reader = { .store = store };
  EwMeshSettings settings = { 0 };
  *name = *public_endpoint = NULL;
  if (!read_settings (&reader, &settings, NULL, error))
    return FALSE;
  *name = g_steal_pointer (&settings.mesh);
  *given = settings.public_given;
  ew_mesh_settings_clear (&settings);
  return peek_endpoint (store, public_endpoint, error);
}

/* Settings. */

static gboolean
same_range (const gchar *wanted, const EwPrefix *made, GError **error)
{
  EwPrefix prefix;
  gchar text[EW_PREFIX_STRLEN];
  if (wanted == NULL || (ew_prefix_parse (wanted, &prefix, NULL) && ew_prefix_equal (&prefix, made)))
    return TRUE;
  ew_prefix_format (made, text);
  g_autofree gchar *shown = g_strndup (wanted, 64);
  ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                "The mesh was made with the range %s, which can't be changed to %s: take that setting back, or make "
                "a new mesh in an empty state directory.",
                text, shown);
  return FALSE;
}

static gboolean
name_mesh (EwMeshSettings *settings, const EwMeshSetup *setup, GError **error)
{
  const gchar *name = setup->mesh;
  if (name == NULL && settings->mesh)
    return TRUE;
  if (name == NULL)
    name = setup->default_mesh ? setup->default_mesh : EW_MESH_DEFAULT_NAME;
  if (!ew_name_check (name, error))
    {
      g_prefix_error (error, "The mesh's name: ");
      return FALSE;
    }
  g_free (settings->mesh);
  settings->mesh = g_strdup (name);
  return TRUE;
}

/* Names that a gateway answers aren't names of the mesh. */
static gboolean
check_overlap (EwMesh *self, const gchar *suffix, GError **error)
{
  for (guint i = 0; i < self->domains->len; i++)
    {
      const EwDomainEntry *entry = self->domains->pdata[i];
      if (!ew_domain_contains (entry->domain, suffix) && !ew_domain_contains (suffix, entry->domain))
        continue;
      ew_set_error (error, EW_ERROR, EW_ERROR_NAME_TAKEN,
                    "The suffix %s overlaps the domain %s that a gateway offers. Remove that with `edgewayctl name "
                    "remove %s` first.",
                    suffix, entry->domain, entry->domain);
      return FALSE;
    }
  return TRUE;
}

/* MESH.internal follows the mesh's name; any other suffix stays as it was given. */
static gboolean
choose_suffix (EwMesh *self, EwMeshSettings *settings, const EwMeshSetup *setup, GError **error)
{
  g_autofree gchar *made = g_strdup_printf ("%s.internal", settings->mesh);
  const gchar *suffix = setup->suffix ? setup->suffix : made;
  if (setup->suffix == NULL && settings->suffix && settings->suffix_given)
    return TRUE;
  if (setup->suffix && !ew_mesh_check_suffix (suffix, error))
    {
      g_prefix_error (error, "The mesh's suffix: ");
      return FALSE;
    }
  if (g_strcmp0 (suffix, settings->suffix) != 0 && !check_overlap (self, suffix, error))
    return FALSE;
  g_free (settings->suffix);
  settings->suffix = g_strdup (suffix);
  settings->suffix_given = !g_str_equal (suffix, made);
  return TRUE;
}

static gboolean
put_settings (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const EwMeshSetup *setup = data;
  EwMeshSettings settings = { 0 };
  gint64 revision;
  gboolean ok = read_settings (self, &settings, &revision, error);
  g_autofree gchar *old_name = g_strdup (settings.mesh), *old_suffix = g_strdup (settings.suffix);
  gboolean was_given = settings.suffix_given;
  if (ok && revision == 0)
    ok = ew_mesh_ranges_make (setup->ipv4, setup->ipv6, &settings.ranges, error);
  else if (ok)
    ok = same_range (setup->ipv4, &settings.ranges.v4, error) && same_range (setup->ipv6, &settings.ranges.v6, error);
  ok = ok && name_mesh (&settings, setup, error) && choose_suffix (self, &settings, setup, error);
  if (ok
      && (revision == 0 || g_strcmp0 (old_name, settings.mesh) != 0 || g_strcmp0 (old_suffix, settings.suffix) != 0
          || was_given != settings.suffix_given))
    {
      ew_mesh_change_expect (change, "/settings", revision);
      ew_mesh_change_put (change, "/settings", ew_mesh_settings_to_json (&settings));
    }
  ew_mesh_settings_clear (&settings);
  return ok;
}

/* This edge's record. */

static EwEdge *
make_edge (EwMesh *self, const EwMeshSetup *setup, const EwEdge *stored)
{
  const gchar *fallback = setup->default_edge ? setup->default_edge : EW_MESH_DEFAULT_EDGE;
  const gchar *name = setup->edge_name ? setup->edge_name : stored ? stored->name : fallback;
  EwEdge *edge = g_new0 (EwEdge, 1);
  edge->id = g_strdup (self->edge_id);
  edge->name = g_strdup (name);
  memcpy (edge->public_key, setup->public_key, EW_KEY_SIZE);
  edge->endpoints = g_new0 (gchar *, 2);
  edge->endpoints[0] = g_strdup (setup->public_endpoint);
  edge->api = g_new0 (gchar *, 2);
  edge->api[0] = g_strdup_printf ("https://%s", setup->public_endpoint);
  return edge;
}

static gboolean
claim_edge_name (EwMesh *self, EwMeshChange *change, const EwEdge *edge, const EwEdge *stored, GError **error)
{
  g_autofree gchar *key = g_strdup_printf ("/names/%s", edge->name);
  g_autoptr (JsonObject) holder = NULL;
  gint64 revision;
  if (stored && g_str_equal (stored->name, edge->name))
    return TRUE;
  if (!ew_name_check (edge->name, error))
    {
      g_prefix_error (error, "The edge's name: ");
      return FALSE;
    }
  if (!ew_mesh_read (self, key, &holder, &revision, error))
    return FALSE;
  if (revision != 0)
    {
      if (ew_json_string (holder, "service"))
        ew_set_error (error, EW_ERROR, EW_ERROR_NAME_TAKEN,
                      "A service is called \"%s\" already, so the edge can't be: give another --name.", edge->name);
      else
        ew_set_error (error, EW_ERROR, EW_ERROR_NAME_TAKEN,
                      "A node is called \"%s\" already, so the edge can't be: give another --name.", edge->name);
      return FALSE;
    }
  ew_mesh_change_expect (change, key, 0);
  ew_mesh_change_put_owner (change, key, "edge", edge->id);
  if (stored)
    {
      g_autofree gchar *old = g_strdup_printf ("/names/%s", stored->name);
      ew_mesh_change_delete (change, old);
    }
  return TRUE;
}

static gboolean
put_edge (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const EwMeshSetup *setup = data;
  g_autofree gchar *key = ew_mesh_node_key ("/edges/", self->edge_id);
  g_autofree gchar *public_key = ew_key_to_base64 (setup->public_key);
  g_autofree gchar *pubkeys = ew_mesh_node_key ("/pubkeys/", public_key);
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, key, &object, &revision, error))
    return FALSE;
  g_autoptr (EwEdge) stored = object ? ew_mesh_edge_from_json (object) : NULL;
  g_autoptr (EwEdge) edge = make_edge (self, setup, stored);
  if (stored && g_str_equal (stored->name, edge->name)
      && g_strv_equal ((const gchar *const *)stored->endpoints, (const gchar *const *)edge->endpoints))
    return TRUE;
  if (!claim_edge_name (self, change, edge, stored, error))
    return FALSE;
  ew_mesh_change_expect (change, key, revision);
  ew_mesh_change_put (change, key, ew_mesh_edge_to_json (edge));
  ew_mesh_change_put_owner (change, pubkeys, "edge", edge->id);
  return TRUE;
}

/* The list of edges, signed. ECDSA signatures differ each time: a good one is kept, so that documents stay the same. */

static gboolean
put_edge_list (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const EwMeshSetup *setup = data;
  g_autofree gchar *list = ew_mesh_document_edge_list (self);
  EwMeshSettings settings = { 0 };
  gint64 revision;
  if (!read_settings (self, &settings, &revision, error))
    return FALSE;
  gboolean good = g_strcmp0 (list, settings.edge_list) == 0 && settings.edge_list_signature
                  && ew_pki_verify (setup->ca_certificate_pem, list, strlen (list), settings.edge_list_signature, NULL);
  g_autofree gchar *signature = good ? NULL : ew_pki_sign (setup->ca_key_pem, list, strlen (list), error);
  if (signature)
    {
      g_free (settings.edge_list);
      g_free (settings.edge_list_signature);
      settings.edge_list = g_steal_pointer (&list);
      settings.edge_list_signature = g_steal_pointer (&signature);
      ew_mesh_change_expect (change, "/settings", revision);
      ew_mesh_change_put (change, "/settings", ew_mesh_settings_to_json (&settings));
      good = TRUE;
    }
  ew_mesh_settings_clear (&settings);
  return good;
}

/* Three transactions, each leaving a store that the next start can go on from. */
gboolean
ew_mesh_settle_setup (EwMesh *self, const EwMeshSetup *setup, GError **error)
{
  return ew_mesh_change (self, put_settings, (gpointer)setup, error)
         && ew_mesh_change (self, put_edge, (gpointer)setup, error)
         && ew_mesh_change (self, put_edge_list, (gpointer)setup, error);
}

/* Flags. */

static gboolean
put_flag (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const gchar *member = data;
  g_autoptr (JsonObject) object = NULL;
  gint64 revision;
  if (!ew_mesh_read (self, "/settings", &object, &revision, error))
    return FALSE;
  if (object == NULL || ew_json_bool (object, member, FALSE))
    return TRUE;
  json_object_set_boolean_member (object, member, TRUE);
  ew_mesh_change_expect (change, "/settings", revision);
  ew_mesh_change_put (change, "/settings", g_steal_pointer (&object));
  return TRUE;
}

gboolean
ew_mesh_is_announced (EwMesh *self)
{
  return self->settings.announced;
}

gboolean
ew_mesh_set_announced (EwMesh *self, GError **error)
{
  return ew_mesh_change (self, put_flag, (gpointer) "announced", error);
}

gboolean
ew_mesh_keep_public (EwMesh *self, GError **error)
{
  return ew_mesh_change (self, put_flag, (gpointer) "public_given", error);
}

/* Timestamps. */

static gboolean
put_timestamp_floor (EwMesh *self, EwMeshChange *change, gpointer data, GError **error)
{
  const guint64 *realtime_ns = data;
  g_autofree gchar *key = ew_mesh_node_key ("/timestamps/", self->edge_id);
  JsonObject *object = json_object_new ();
  json_object_set_int_member (object, "floor_ns", (gint64)*realtime_ns);
  ew_mesh_change_put (change, key, object);
  return TRUE;
}

gboolean
ew_mesh_set_timestamp_floor (EwMesh *self, guint64 realtime_ns, GError **error)
{
  return ew_mesh_change (self, put_timestamp_floor, &realtime_ns, error);
}

void
ew_mesh_set_timestamp_floor_async (EwMesh *self, guint64 realtime_ns, GAsyncReadyCallback callback, gpointer user_data)
{
  ew_mesh_change_async (self, put_timestamp_floor, g_memdup2 (&realtime_ns, sizeof realtime_ns), g_free, callback,
                        user_data);
}

guint64
ew_mesh_get_timestamp_floor (EwMesh *self)
{
  g_autofree gchar *key = ew_mesh_node_key ("/timestamps/", self->edge_id);
  g_autoptr (JsonObject) object = NULL;
  if (!ew_mesh_read (self, key, &object, NULL, NULL) || object == NULL)
    return 0;
  return (guint64)MAX (ew_json_int (object, "floor_ns", 0), 0);
}
