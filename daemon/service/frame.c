/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/frame.h"

#include <string.h>

enum
{
  FIELD_PATH = 1,
  FIELD_INTERFACE = 2,
  FIELD_MEMBER = 3,
  FIELD_REPLY_SERIAL = 5,
  FIELD_DESTINATION = 6,
  FIELD_SENDER = 7,
  FIELD_UNIX_FDS = 9
};

/* A place in the header. */
typedef struct
{
  const guint8 *data;
  gsize at, end;
  gboolean big_endian;
} Cursor;

static guint32
get_u32 (const guint8 *data, gboolean big_endian)
{
  guint32 value;

  memcpy (&value, data, sizeof value);
  return big_endian ? GUINT32_FROM_BE (value) : GUINT32_FROM_LE (value);
}

guint32
ew_frame_get_u32 (const EwFrame *frame, const guint8 *body)
{
  return get_u32 (body, frame->big_endian);
}

static gboolean
align (Cursor *cursor, gsize to)
{
  cursor->at = (cursor->at + to - 1) / to * to;
  return cursor->at <= cursor->end;
}

static gboolean
take_u32 (Cursor *cursor, guint32 *value)
{
  if (!align (cursor, 4) || cursor->end - cursor->at < 4)
    return FALSE;
  *value = get_u32 (cursor->data + cursor->at, cursor->big_endian);
  cursor->at += 4;
  return TRUE;
}

static gboolean
take_byte (Cursor *cursor, guint8 *value)
{
  if (cursor->at >= cursor->end)
    return FALSE;
  *value = cursor->data[cursor->at++];
  return TRUE;
}

/* Text of a length that has been read, and the NUL after it. */
static gboolean
take_text (Cursor *cursor, gsize length, const gchar **text)
{
  if (cursor->end - cursor->at <= length || cursor->data[cursor->at + length] != '\0'
      || memchr (cursor->data + cursor->at, '\0', length) != NULL)
    return FALSE;
  *text = (const gchar *)cursor->data + cursor->at;
  cursor->at += length + 1;
  return TRUE;
}

/* Of the types that header fields have. */
static gboolean
take_value (Cursor *cursor, gchar type, const gchar **text, guint32 *number)
{
  guint8 length;
  guint32 long_length;

  switch (type)
    {
    case 's':
    case 'o':
      return take_u32 (cursor, &long_length) && take_text (cursor, long_length, text);
    case 'g':
      return take_byte (cursor, &length) && take_text (cursor, length, text);
    case 'u':
      return take_u32 (cursor, number);
    default:
      return FALSE;
    }
}

static gboolean
take_field (Cursor *cursor, EwFrame *frame)
{
  const gchar *type, *text = NULL;
  guint32 number = 0;
  guint8 code, length;

  if (!align (cursor, 8) || !take_byte (cursor, &code) || !take_byte (cursor, &length)
      || !take_text (cursor, length, &type) || length != 1 || !take_value (cursor, *type, &text, &number))
    return FALSE;
  if (code == FIELD_SENDER && *type == 's')
    frame->sender = text;
  else if (code == FIELD_INTERFACE && *type == 's')
    frame->interface = text;
  else if (code == FIELD_MEMBER && *type == 's')
    frame->member = text;
  else if (code == FIELD_PATH && *type == 'o')
    frame->path = text;
  else if (code == FIELD_DESTINATION && *type == 's')
    frame->destination = text;
  else if (code == FIELD_REPLY_SERIAL && *type == 'u')
    frame->reply_serial = number;
  else if (code == FIELD_UNIX_FDS && *type == 'u')
    frame->n_fds = number;
  return TRUE;
}

gint
ew_frame_parse (const guint8 *data, gsize length, EwFrame *frame)
{
  Cursor cursor = { .data = data, .at = EW_FRAME_FIXED };
  guint32 fields;

  *frame = (EwFrame){ 0 };
  if (length < EW_FRAME_FIXED)
    return 0;
  if ((data[0] != 'l' && data[0] != 'B') || data[3] != 1)
    return -1;
  frame->big_endian = cursor.big_endian = data[0] == 'B';
  frame->type = data[1];
  frame->flags = data[EW_FRAME_FLAGS_AT];
  frame->body = get_u32 (data + 4, frame->big_endian);
  frame->serial = get_u32 (data + 8, frame->big_endian);
  fields = get_u32 (data + 12, frame->big_endian);
  if (fields > EW_FRAME_MAX || frame->body > EW_FRAME_MAX)
    return -1;
  frame->header = ((gsize)EW_FRAME_FIXED + fields + 7) / 8 * 8;
  if (length < frame->header)
    return 0;
  cursor.end = EW_FRAME_FIXED + fields;
  while (cursor.at < cursor.end)
    if (!take_field (&cursor, frame))
      return -1;
  return 1;
}
