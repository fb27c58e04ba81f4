/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fixture.h"

#include <string.h>
#include "common/error.h"
#include "common/util.h"
#include "store-testing.h"
#include "waiting.h"

gint64 fixture_now_us = G_GINT64_CONSTANT (1800000000) * G_USEC_PER_SEC;

static gchar *ca_key, *ca_certificate;

static gint64
now (void)
{
  return fixture_now_us;
}

EwStore *
fixture_store (void)
{
  g_autoptr (GError) error = NULL;
  EwStore *store = ew_store_open (":memory:", &error);
  g_assert_no_error (error);
  ew_testing_serve_watches_last (store);
  return store;
}

static EwMesh *
open_mesh (EwStore *store, const gchar *edge_name, const gchar *ipv4, const gchar *mesh, const gchar *suffix,
           GError **error)
{
  if (ca_key == NULL)
    g_assert_true (ew_pki_make_ca ("home", &ca_key, &ca_certificate, NULL));
  EwMeshSetup setup = { .mesh = mesh,
                        .suffix = suffix,
                        .ipv4 = ipv4,
                        .edge_name = edge_name,
                        .public_endpoint = "203.0.113.5:443",
                        .mtu = 1420,
                        .ca_key_pem = ca_key,
                        .ca_certificate_pem = ca_certificate,
                        .now_us = now };
  memset (setup.public_key, 7, sizeof setup.public_key);
  return ew_mesh_open (store, &setup, error);
}

EwMesh *
fixture_open (EwStore *store, const gchar *edge_name)
{
  g_autoptr (GError) error = NULL;
  EwMesh *mesh = open_mesh (store, edge_name, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return mesh;
}

EwMesh *
fixture_try (EwStore *store, const gchar *ipv4, const gchar *mesh, GError **error)
{
  return open_mesh (store, NULL, ipv4, mesh, NULL, error);
}

EwMesh *
fixture_rename (EwStore *store, const gchar *mesh, const gchar *suffix, GError **error)
{
  return open_mesh (store, NULL, NULL, mesh, suffix, error);
}

void
fixture_settle (void)
{
  for (guint i = 0; i < 100; i++)
    g_main_context_iteration (NULL, FALSE);
}

const gchar *
fixture_ca_certificate (void)
{
  return ca_certificate;
}

static gchar *
random_key (guint8 out[32])
{
  ew_random (out, 32);
  return ew_key_to_base64 (out);
}

Machine *
machine_new (EwMesh *mesh, const gchar *kind, const gchar *key_name, const gchar *name)
{
  const EwKeyRequest request = { .kind = kind, .name = key_name };
  return machine_new_with (mesh, &request, name);
}

Machine *
machine_new_with (EwMesh *mesh, const EwKeyRequest *given, const gchar *name)
{
  g_autoptr (GError) error = NULL;
  Machine *machine = g_new0 (Machine, 1);
  EwKeyRequest request = *given;
  request.maker = given->maker ? given->maker : EW_MAKER_OWNER;
  request.valid_seconds = given->valid_seconds ? given->valid_seconds : 3600;
  gchar *text = ew_mesh_make_key (mesh, &request, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (EwEnrollmentKey) key = ew_enrollment_key_parse (text, &error);
  g_assert_no_error (error);
  guint8 scratch[32];
  machine->secret = g_strdup (key->secret);
  machine->public_key = random_key (scratch);
  ew_random (machine->credential, 32);
  ew_sha256 (machine->credential, 32, scratch);
  machine->credential_hash = ew_key_to_base64 (scratch);
  machine->name = g_strdup (name);
  ew_free_secret (text);
  return machine;
}

void
machine_free (Machine *machine)
{
  g_free (machine->secret);
  g_free (machine->public_key);
  g_free (machine->credential_hash);
  g_free (machine->name);
  g_free (machine);
}

EwNode *
machine_enroll (const Machine *machine, EwMesh *mesh, GError **error)
{
  EwEnrollRequest request = { .secret = machine->secret,
                              .name = machine->name,
                              .public_key = machine->public_key,
                              .credential_hash = machine->credential_hash };
  EwEnrollOutcome outcome;
  return fixture_enroll (mesh, &request, &outcome, error);
}

gchar *
fixture_join (EwMesh *mesh, const gchar *name)
{
  return fixture_join_as (mesh, "server", name);
}

gchar *
fixture_join_as (EwMesh *mesh, const gchar *kind, const gchar *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (Machine) machine = machine_new (mesh, kind, NULL, name);
  const EwNode *node = machine_enroll (machine, mesh, &error);
  g_assert_no_error (error);
  return g_strdup (node->id);
}

EwNode *
fixture_copy_node (const EwNode *node)
{
  EwNode *copy = g_new (EwNode, 1);
  *copy = *node;
  copy->id = g_strdup (node->id);
  copy->name = g_strdup (node->name);
  copy->kind = g_strdup (node->kind);
  copy->role = g_strdup (node->role);
  copy->os = g_strdup (node->os);
  copy->version = g_strdup (node->version);
  copy->enrollment = g_strdup (node->enrollment);
  copy->made_by = g_strdup (node->made_by);
  copy->names = g_strdupv (node->names);
  copy->domains = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_mesh_domain_entry_free);
  for (guint i = 0; i < node->domains->len; i++)
    {
      const EwDomainEntry *entry = node->domains->pdata[i];
      g_ptr_array_add (copy->domains, ew_mesh_domain_entry_new (entry->domain, &entry->resolver, entry->node_id));
    }
  copy->routes = g_ptr_array_new ();
  return copy;
}

void
fixture_write (EwStore *store, const gchar *key, const gchar *value)
{
  g_autoptr (EwStoreTxn) txn = ew_store_txn_new (store);
  g_autoptr (GBytes) bytes = value ? g_bytes_new (value, strlen (value)) : NULL;
  gboolean succeeded = FALSE;
  if (value)
    ew_store_txn_put (txn, key, bytes);
  else
    ew_store_txn_delete (txn, key);
  g_assert_true (ew_store_txn_commit (txn, &succeeded, NULL, NULL));
  g_assert_true (succeeded);
}
