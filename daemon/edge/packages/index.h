/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The folder of packages: one flat apt repository for each system, FOLDER/SYSTEM/Packages and the files that it lists.
 * Only those are ever opened.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct EwPackagesIndex EwPackagesIndex;

typedef struct
{
  const gchar *system;        /* debian-12 */
  const gchar *version;       /* of edgewayd */
  const gchar *architectures; /* "amd64 arm64": those that edgewayd is there for, sorted */
  gboolean app;               /* there is the app, too */
} EwPackagesSystem;

/* The first of folders that holds packages counts. */
EwPackagesIndex *ew_packages_index_new (const gchar *const *folders);
void ew_packages_index_free (EwPackagesIndex *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwPackagesIndex, ew_packages_index_free)

/* Looks whether the folder has changed, and reads what has. now_us: monotonic; at most once a second. */
void ew_packages_index_refresh (EwPackagesIndex *self, gint64 now_us);
/* Those that edgewayd is there for, sorted: of EwPackagesSystem, until the next refresh. (transfer container) */
GPtrArray *ew_packages_index_list (EwPackagesIndex *self);
/* A descriptor of a file that the system's repository lists; *size in bytes, *modified in seconds since the epoch. -1:
   there is no such file. */
gint ew_packages_index_open (EwPackagesIndex *self, const gchar *system, const gchar *file, guint64 *size,
                             gint64 *modified);

G_END_DECLS
