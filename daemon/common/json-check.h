/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Private to common: a strict look at JSON text before it is parsed.
 */
#pragma once

#include <glib.h>

typedef enum
{
  EW_JSON_VALID,
  EW_JSON_INVALID,
  EW_JSON_TOO_DEEP /* more than 32 levels */
} EwJsonCheck;

/* One JSON value of RFC 8259 with white space around it: no comments, no bytes after it, whole numbers inside gint64,
   no U+0000, no half surrogates. UTF-8 is not checked. *offset: where it went wrong, in bytes. Uses constant stack. */
EwJsonCheck ew_json_check (const gchar *data, gsize length, gsize *offset);
