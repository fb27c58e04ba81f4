/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bytes that are keys: random, base64, compared and forgotten without leaking through time or memory.
 */
#include "common/util.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>
#include <sys/random.h>

void
ew_random (void *out, gsize length)
{
  guint8 *at = out;
  while (length > 0)
    {
      ssize_t n = getrandom (at, length, 0);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        g_error ("The kernel gives no random numbers: %s.", g_strerror (errno));
      at += n;
      length -= (gsize)n;
    }
}

void
ew_zero (void *data, gsize length)
{
  if (length > 0)
    explicit_bzero (data, length);
}

void
ew_free_secret (gchar *text)
{
  if (text != NULL)
    ew_zero (text, strlen (text));
  g_free (text);
}

gboolean
ew_equal_secret (const void *a, const void *b, gsize length)
{
  return CRYPTO_memcmp (a, b, length) == 0;
}

void
ew_sha256 (const void *data, gsize length, guint8 out[32])
{
  SHA256 (data, length, out);
}

/* Base64 by arithmetic: no table whose cache lines tell what was looked up, no branch on a secret. The two alphabets
   differ in their last two characters, "+/" and "-_". */

/* All ones where low ≤ c ≤ high, else zero. */
static gint
within (gint c, gint low, gint high)
{
  return ~((c - low) | (high - c)) >> 31;
}

static gchar
sextet_to_char (guint sextet, const gchar last[2])
{
  gint s = (gint)(sextet & 63);
  return (gchar)((within (s, 0, 25) & (s + 'A')) | (within (s, 26, 51) & (s - 26 + 'a'))
                 | (within (s, 52, 61) & (s - 52 + '0')) | (within (s, 62, 62) & last[0])
                 | (within (s, 63, 63) & last[1]));
}

/* 0…63, or negative for a character of neither alphabet. */
static gint
char_to_sextet (gchar character, const gchar last[2])
{
  gint c = (guchar)character;
  return -1
         + ((within (c, 'A', 'Z') & (c - 'A' + 1)) | (within (c, 'a', 'z') & (c - 'a' + 27))
            | (within (c, '0', '9') & (c - '0' + 53)) | (within (c, last[0], last[0]) & 63)
            | (within (c, last[1], last[1]) & 64));
}

static gsize
encoded_size (gsize length)
{
  return length / 3 * 4 + (length % 3 * 4 + 2) / 3;
}

static void
encode (const guint8 *data, gsize length, const gchar last[2], gchar *out)
{
  guint32 bits = 0;
  guint n = 0;
  for (gsize i = 0; i < length; i++)
    {
      bits = bits << 8 | data[i];
      for (n += 8; n >= 6; n -= 6)
        *out++ = sextet_to_char (bits >> (n - 6), last);
    }
  if (n > 0)
    *out = sextet_to_char (bits << (6 - n), last);
}

/* size characters, without padding, into size * 3 / 4 bytes. FALSE: a foreign character, an impossible size, or unused
   bits that are not zero (two texts would mean the same bytes). */
static gboolean
decode (const gchar *text, gsize size, const gchar last[2], guint8 *out)
{
  guint32 bits = 0;
  guint n = 0;
  gint bad = 0;
  for (gsize i = 0; i < size; i++)
    {
      gint sextet = char_to_sextet (text[i], last);
      bad |= sextet;
      bits = bits << 6 | (guint32)(sextet & 63);
      n += 6;
      if (n >= 8)
        {
          n -= 8;
          *out++ = (guint8)(bits >> n);
        }
    }
  return bad >= 0 && size % 4 != 1 && (bits & ((1u << n) - 1)) == 0;
}

gchar *
ew_base64url_encode (const guint8 *data, gsize length)
{
  gchar *text = g_malloc0 (encoded_size (length) + 1);
  encode (data, length, "-_", text);
  return text;
}

guint8 *
ew_base64url_decode (const gchar *text, gsize *length)
{
  gsize size = strlen (text), n = size / 4 * 3 + size % 4 * 3 / 4;
  guint8 *data = g_malloc0 (n + 1);
  if (!decode (text, size, "-_", data))
    {
      ew_zero (data, n);
      g_free (data);
      return NULL;
    }
  *length = n;
  return data;
}

gchar *
ew_key_to_base64 (const guint8 key[32])
{
  gchar *text = g_malloc0 (45);
  encode (key, 32, "+/", text);
  text[43] = '=';
  return text;
}

gboolean
ew_key_from_base64 (const gchar *text, guint8 out[32])
{
  guint8 key[32];
  gboolean ok = text != NULL && strlen (text) == 44 && text[43] == '=' && decode (text, 43, "+/", key);
  if (ok)
    memcpy (out, key, sizeof key);
  ew_zero (key, sizeof key);
  return ok;
}
