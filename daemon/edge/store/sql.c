/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * All of the store's SQL.
 */
#include "edge/store/store-private.h"

/* clang-format off */

#define TABLES(schema, lease_column) \
  "CREATE TABLE " schema ".entry (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL, create_revision INTEGER NOT NULL," \
  " mod_revision INTEGER NOT NULL, version INTEGER NOT NULL" lease_column ");" \
  "CREATE TABLE " schema ".history (revision INTEGER NOT NULL, sequence INTEGER NOT NULL, key BLOB NOT NULL, value BLOB," \
  " created INTEGER NOT NULL);" \
  "CREATE UNIQUE INDEX " schema ".history_order ON history (revision, sequence);"

const gchar ew_store_main_schema[] =
  "BEGIN IMMEDIATE;"
  TABLES ("main", "")
  "CREATE TABLE main.meta (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, reserved INTEGER NOT NULL,"
  " compacted INTEGER NOT NULL);"
  "INSERT INTO main.meta VALUES (1, 1, 1, 1);"
  "PRAGMA main.application_id = " G_STRINGIFY (EW_STORE_APPLICATION_ID) ";"
  "PRAGMA main.user_version = " G_STRINGIFY (EW_STORE_FORMAT) ";"
  "COMMIT;";

const gchar ew_store_leased_schema[] =
  "ATTACH ':memory:' AS leased;"
  TABLES ("leased", ", lease INTEGER NOT NULL")
  "CREATE INDEX leased.entry_lease ON entry (lease);";

#define ENTRIES(where) \
  "SELECT key, value, create_revision, mod_revision, version, 0 AS lease FROM main.entry WHERE " where " " \
  "UNION ALL " \
  "SELECT key, value, create_revision, mod_revision, version, lease FROM leased.entry WHERE " where

#define PUT(schema, lease_column, lease_value) \
  "INSERT OR REPLACE INTO " schema ".entry (key, value, create_revision, mod_revision, version" lease_column ") " \
  "VALUES (?1, ?2, ?3, ?4, ?5" lease_value ")"

#define LOG(schema) \
  "INSERT INTO " schema ".history (revision, sequence, key, value, created) VALUES (?1, ?2, ?3, ?4, ?5)"

/* A key that moves from the file to memory leaves a deletion in the file's history, which is what is true after a restart; until
   then the row in memory with the same number says what happened. */
#define FIRST_IN(schema) "(SELECT min(revision) FROM " schema ".history WHERE revision BETWEEN ?1 AND ?2)"
#define HISTORY \
  "WITH first (number) AS (SELECT min(number) FROM" \
  " (SELECT " FIRST_IN ("main") " AS number UNION ALL SELECT " FIRST_IN ("leased") "))" \
  "SELECT revision, sequence, key, value, created FROM leased.history WHERE revision = (SELECT number FROM first) " \
  "UNION ALL " \
  "SELECT revision, sequence, key, value, created FROM main.history AS m WHERE revision = (SELECT number FROM first)" \
  " AND NOT EXISTS (SELECT 1 FROM leased.history AS l WHERE l.revision = m.revision AND l.sequence = m.sequence) " \
  "ORDER BY 1, 2"

const gchar *const ew_store_statements[EW_STORE_SQL_N] = {
  [EW_STORE_SQL_BEGIN] = "BEGIN IMMEDIATE",
  [EW_STORE_SQL_COMMIT] = "COMMIT",
  [EW_STORE_SQL_FIND] = ENTRIES ("key = ?1"),
  [EW_STORE_SQL_LIST] = ENTRIES ("key >= ?1 AND key > ?2 AND key < ?3") " ORDER BY key LIMIT ?4",
  [EW_STORE_SQL_PUT] = PUT ("main", "", ""),
  [EW_STORE_SQL_PUT_LEASED] = PUT ("leased", ", lease", ", ?6"),
  [EW_STORE_SQL_DELETE] = "DELETE FROM main.entry WHERE key = ?1",
  [EW_STORE_SQL_DELETE_LEASED] = "DELETE FROM leased.entry WHERE key = ?1",
  [EW_STORE_SQL_LOG] = LOG ("main"),
  [EW_STORE_SQL_LOG_LEASED] = LOG ("leased"),
  [EW_STORE_SQL_HISTORY] = HISTORY,
  [EW_STORE_SQL_SET_REVISION] = "UPDATE main.meta SET revision = ?1",
  [EW_STORE_SQL_SET_RESERVED] = "UPDATE main.meta SET reserved = ?1",
  [EW_STORE_SQL_SET_COMPACTED] = "UPDATE main.meta SET compacted = ?1",
  [EW_STORE_SQL_TRIM] = "DELETE FROM main.history WHERE revision < ?1",
  [EW_STORE_SQL_TRIM_LEASED] = "DELETE FROM leased.history WHERE revision < ?1",
  [EW_STORE_SQL_LEASE_KEYS] = "SELECT key FROM leased.entry WHERE lease = ?1 ORDER BY key",
  [EW_STORE_SQL_LEASED_HISTORY] = "SELECT revision FROM leased.history ORDER BY revision LIMIT 1 OFFSET ?1",
};
