/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The head of an HTTP/1 answer (RFC 9112), as proxies and edges send it before a connection becomes something else.
 * Bounded, pure; whoever sends it isn't trusted.
 *
 *   HTTP/1.1 200 Connection established     the reason may be missing, and its blank too
 *   Name: value                             lines end with CR LF, or with LF alone (section 2.2)
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_HEAD_MAX 8192 /* bytes of a head */

typedef enum
{
  EW_HEAD_MORE,  /* right so far, no end yet */
  EW_HEAD_WHOLE, /* there */
  EW_HEAD_WRONG, /* not HTTP/1, or longer than EW_HEAD_MAX, or with a zero byte */
} EwHeadResult;

typedef struct
{
  guint status; /* 100 to 599 */
  gsize size;   /* of the head: what follows isn't part of it */
} EwHead;

/* The head at the start of what has come so far. head: set where the result is EW_HEAD_WHOLE, else zero. */
EwHeadResult ew_head_read (const gchar *data, gsize length, EwHead *head);

/* Each field of a whole head, in order; name and value without the blanks around them. What isn't "NAME: value" is
   passed over. */
typedef void (*EwHeadVisit) (const gchar *name, const gchar *value, gpointer user_data);
void ew_head_visit (const gchar *data, const EwHead *head, EwHeadVisit visit, gpointer user_data);

G_END_DECLS
