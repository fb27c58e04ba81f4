/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a request for packages says: its path and its range. Pure: texts in, parts out.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_PACKAGES_PREFIX "/packages/"
#define EW_PACKAGES_SYSTEM_MAX 32
#define EW_PACKAGES_FILE_MAX 200

/* Whether text can be a system's name, such as debian-12: small letters, digits, and '-' or '.' between them. */
gboolean ew_packages_is_system (const gchar *text);
/* Whether text can be a file of a repository: no folder, nothing hidden. */
gboolean ew_packages_is_file (const gchar *text);
/* "/packages/SYSTEM/FILE", decoded. FALSE: something else, for which nothing is looked up. */
gboolean ew_packages_path_parse (const gchar *path, gchar system[EW_PACKAGES_SYSTEM_MAX + 1],
                                 gchar file[EW_PACKAGES_FILE_MAX + 1]);

typedef enum
{
  EW_PACKAGES_RANGE_WHOLE, /* none, or none that has to be heeded (RFC 9110 section 14.2) */
  EW_PACKAGES_RANGE_PART,
  EW_PACKAGES_RANGE_BEYOND /* 416 */
} EwPackagesRange;

/* header: "bytes=FIRST-[LAST]" or NULL; of one range alone, as apt asks for. size: the file's. *first, *length: of
   what is to be sent. */
EwPackagesRange ew_packages_range_parse (const gchar *header, guint64 size, guint64 *first, guint64 *length);

G_END_DECLS
