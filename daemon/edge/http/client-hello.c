/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/http/client-hello.h"

#include <string.h>

#define RECORD_HEADER 5 /* type, version, length */
#define RECORD_MAX 16384
#define RECORD_HANDSHAKE 22
#define MESSAGE_HEADER 4 /* type, length */
#define MESSAGE_CLIENT_HELLO 1
#define TLS_1_2 0x0303 /* what TLS 1.3 says here too */

/* The message's beginning, put together from the records. */
typedef struct
{
  guint8 head[MESSAGE_HEADER + 2]; /* with its version */
  gsize length;                    /* of the message so far */
} Message;

static void
add_fragment (Message *message, const guint8 *data, gsize length)
{
  if (message->length < sizeof message->head)
    memcpy (message->head + message->length, data, MIN (length, sizeof message->head - message->length));
  message->length += length;
}

static EwClientHello
check_message (const Message *message)
{
  gsize size;

  if (message->length >= 1 && message->head[0] != MESSAGE_CLIENT_HELLO)
    return EW_CLIENT_HELLO_NONE;
  if (message->length < sizeof message->head)
    return EW_CLIENT_HELLO_MORE;
  if ((message->head[4] << 8 | message->head[5]) < TLS_1_2)
    return EW_CLIENT_HELLO_OLD;
  size = MESSAGE_HEADER + ((gsize)message->head[1] << 16 | (gsize)message->head[2] << 8 | message->head[3]);
  if (size < sizeof message->head)
    return EW_CLIENT_HELLO_NONE;
  return message->length >= size ? EW_CLIENT_HELLO_WHOLE : EW_CLIENT_HELLO_MORE;
}

EwClientHello
ew_http_client_hello_check (const guint8 *data, gsize length, gsize *need)
{
  Message message = { 0 };
  EwClientHello found = EW_CLIENT_HELLO_MORE;
  gsize at = 0;

  *need = RECORD_HEADER;
  while (found == EW_CLIENT_HELLO_MORE && length >= *need)
    {
      gsize size = (gsize)(data[at + 3] << 8 | data[at + 4]);
      if (data[at] != RECORD_HANDSHAKE || data[at + 1] != 3 || size == 0 || size > RECORD_MAX)
        return EW_CLIENT_HELLO_NONE;
      at += RECORD_HEADER;
      add_fragment (&message, data + at, MIN (size, length - at));
      found = check_message (&message);
      at += size;
      *need = length < at ? at : at + RECORD_HEADER;
    }
  return found == EW_CLIENT_HELLO_MORE && *need > EW_CLIENT_HELLO_MAX ? EW_CLIENT_HELLO_NONE : found;
}
