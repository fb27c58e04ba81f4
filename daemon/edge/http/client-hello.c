/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/http/client-hello.h"

#include <string.h>

#define RECORD_HEADER 5 /* type, version, length */
#define RECORD_MAX 16384
#define RECORD_HANDSHAKE 22
#define MESSAGE_HEADER 4 /* type, length */
#define MESSAGE_CLIENT_HELLO 1
#define TLS_1_2 0x0303 /* what TLS 1.3 says here too */
#define RANDOM_LENGTH 32
#define EXTENSION_SERVER_NAME 0 /* RFC 6066 section 3 */
#define NAME_TYPE_HOST 0
#define EXTENSION_ALPN 16 /* RFC 7301 section 3.1 */
#define ACME "acme-tls/1"

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

/* What it says. A part is read from the front; one that is shorter than it says is empty from then on. */
typedef struct
{
  const guint8 *at;
  gsize left;
} Part;

static guint
take_number (Part *part, guint bytes)
{
  guint value = 0;
  if (part->left < bytes)
    {
      part->left = 0;
      return 0;
    }
  for (guint i = 0; i < bytes; i++)
    value = value << 8 | part->at[i];
  part->at += bytes;
  part->left -= bytes;
  return value;
}

/* A part with its length in so many bytes before it. */
static Part
take_part (Part *part, guint bytes)
{
  gsize length = take_number (part, bytes);
  Part taken = { part->at, length <= part->left ? length : 0 };
  part->at += taken.left;
  part->left = length <= part->left ? part->left - length : 0;
  return taken;
}

static gboolean
is_name (const guint8 *data, gsize length)
{
  if (length == 0 || length > EW_CLIENT_HELLO_NAME_MAX)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (data[i]) && data[i] != '-' && data[i] != '.' && data[i] != '_')
      return FALSE;
  return TRUE;
}

static void
read_server_name (Part extension, EwClientHelloNames *out)
{
  Part list = take_part (&extension, 2);
  while (list.left > 0 && out->name[0] == '\0')
    {
      guint type = take_number (&list, 1);
      Part name = take_part (&list, 2);
      if (type != NAME_TYPE_HOST || !is_name (name.at, name.left))
        continue;
      for (gsize i = 0; i < name.left; i++)
        out->name[i] = g_ascii_tolower ((gchar)name.at[i]);
      out->name[name.left] = '\0';
    }
}

static void
read_protocols (Part extension, EwClientHelloNames *out)
{
  Part list = take_part (&extension, 2);
  while (list.left > 0)
    {
      Part protocol = take_part (&list, 1);
      out->acme |= protocol.left == strlen (ACME) && memcmp (protocol.at, ACME, strlen (ACME)) == 0;
    }
}

static void
read_extensions (Part message, EwClientHelloNames *out)
{
  take_number (&message, 2); /* the version */
  if (message.left < RANDOM_LENGTH)
    return;
  message.at += RANDOM_LENGTH;
  message.left -= RANDOM_LENGTH;
  take_part (&message, 1); /* the session */
  take_part (&message, 2); /* ciphers */
  take_part (&message, 1); /* compression */
  Part extensions = take_part (&message, 2);
  while (extensions.left > 0)
    {
      guint type = take_number (&extensions, 2);
      Part extension = take_part (&extensions, 2);
      if (type == EXTENSION_SERVER_NAME)
        read_server_name (extension, out);
      else if (type == EXTENSION_ALPN)
        read_protocols (extension, out);
    }
}

void
ew_http_client_hello_read (const guint8 *data, gsize length, EwClientHelloNames *out)
{
  guint8 message[EW_CLIENT_HELLO_MAX];
  gsize gathered = 0;
  Part records = { data, MIN (length, EW_CLIENT_HELLO_MAX) };
  *out = (EwClientHelloNames){ 0 };
  while (records.left > 0)
    {
      guint type = take_number (&records, 1);
      take_number (&records, 2); /* the version */
      if (type != RECORD_HANDSHAKE || records.left < 2)
        break;
      gsize size = take_number (&records, 2), there = MIN (size, records.left);
      memcpy (message + gathered, records.at, there);
      gathered += there;
      records.at += there;
      records.left -= there;
    }
  Part all = { message, gathered };
  if (take_number (&all, 1) == MESSAGE_CLIENT_HELLO)
    read_extensions (take_part (&all, 3), out);
}
