/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One direction between two sockets that carry D-Bus: bytes and, in their place, descriptors.
 */
#pragma once

#include <gio/gio.h>

#include "service/frame.h"

G_BEGIN_DECLS

#define EW_WAY_IN (2 * EW_FRAME_FIELDS_MAX)
#define EW_WAY_OUT_MAX (1024 * 1024) /* bytes waiting: beyond it the other side is not read */
#define EW_WAY_FDS_MAX 64            /* descriptors waiting; the bus allows 16 in a message */

typedef struct
{
  gsize at; /* with this byte of out */
  gint fd;
} EwWayDescriptor;

/* One direction. */
typedef struct
{
  gint from, to;
  guint8 in[EW_WAY_IN];
  gsize in_length;
  GArray *in_fds; /* gint: come with what is in `in`, in the order of the messages */
  GByteArray *out;
  GArray *out_fds; /* EwWayDescriptor */
  gsize rest;      /* bytes of the present message that are still to come */
  gboolean pass;   /* they go on */
  gboolean ended;
} EwWay;

/* Both descriptors stay the caller's. */
EwWay *ew_way_new (gint from, gint to);
void ew_way_free (EwWay *way);

/* One call of recvmsg(), one of sendmsg(), without waiting. */
void ew_way_read (EwWay *way);
void ew_way_write (EwWay *way);

/* The first n bytes of `in` have been looked at. */
void ew_way_consume (EwWay *way, gsize n);
/* The descriptors of a message whose first byte is the next of out. */
void ew_way_take_fds (EwWay *way, guint n, gboolean pass);
/* As much of the present message as is at `at`; how many bytes that is. */
gsize ew_way_take_rest (EwWay *way, gsize at);

G_END_DECLS
