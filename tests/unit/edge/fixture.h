/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A mesh in memory with a clock that tests move, and machines that join it.
 */
#pragma once

#include "edge/mesh/mesh.h"

extern gint64 fixture_now_us;

typedef struct
{
  gchar *secret, *public_key, *credential_hash;
  guint8 credential[32];
  gchar *name;
} Machine;

/* In memory. Its watches run in fixture_settle(). */
EwStore *fixture_store (void);
/* A mesh on store as a start of the edge makes it; edge_name NULL: as stored. Fails the test where it cannot. */
EwMesh *fixture_open (EwStore *store, const gchar *edge_name);
EwMesh *fixture_try (EwStore *store, const gchar *ipv4, const gchar *mesh, GError **error);
/* A later start with another name or suffix (NULL: none given). */
EwMesh *fixture_rename (EwStore *store, const gchar *mesh, const gchar *suffix, GError **error);
/* Lets watches run. */
void fixture_settle (void);

Machine *machine_new (EwMesh *mesh, const gchar *kind, const gchar *key_name, const gchar *name);
void machine_free (Machine *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Machine, machine_free)
EwNode *machine_enroll (const Machine *machine, EwMesh *mesh, GError **error);
/* A joined node's ID (transfer full). */
gchar *fixture_join (EwMesh *mesh, const gchar *name);
gchar *fixture_join_as (EwMesh *mesh, const gchar *kind, const gchar *name);
/* A machine with a key for request, which a test has filled in, except the maker where that is the owner. */
Machine *machine_new_with (EwMesh *mesh, const EwKeyRequest *request, const gchar *name);
const gchar *fixture_ca_certificate (void);
/* The stored fields; no routes. (transfer full) */
EwNode *fixture_copy_node (const EwNode *node);
/* Acts as the other edge: writes a key into the store without the mesh's knowledge. value NULL: deletes. */
void fixture_write (EwStore *store, const gchar *key, const gchar *value);
