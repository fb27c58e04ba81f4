/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The beginning of a D-Bus message (D-Bus specification, "Message Format"): as much as says whose it is and how long.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define EW_FRAME_FIXED 16                 /* bytes before the header fields */
#define EW_FRAME_FIELDS_MAX (32 * 1024)   /* of header fields; names and paths have 255 bytes each, mostly */
#define EW_FRAME_MAX (128u * 1024 * 1024) /* the specification's bound of a message */

typedef enum
{
  EW_FRAME_CALL = 1,
  EW_FRAME_RETURN,
  EW_FRAME_ERROR,
  EW_FRAME_SIGNAL
} EwFrameType;

typedef struct
{
  guint8 type, flags; /* EwFrameType, or another */
  gboolean big_endian;
  guint32 serial, reply_serial; /* 0: none */
  guint32 n_fds;
  const gchar *sender, *destination, *interface, *member, *path; /* inside the data; NULL: not said */
  gsize header;                                                  /* bytes with fields and padding */
  gsize body;                                                    /* bytes after it */
} EwFrame;

#define EW_FRAME_NO_REPLY 1 /* flags */
#define EW_FRAME_FLAGS_AT 2 /* where they are */

/* Pure. 1: the header is there and good. 0: not all of it is there; of EW_FRAME_FIXED bytes on, header and body are
   known and *frame's other members are not. -1: not a message. */
gint ew_frame_parse (const guint8 *data, gsize length, EwFrame *frame);
/* The number that is the whole body of an answer like GetConnectionUnixUser's; body: 4 bytes. */
guint32 ew_frame_get_u32 (const EwFrame *frame, const guint8 *body);

G_END_DECLS
