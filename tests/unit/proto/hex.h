/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Hexadecimal for test vectors. */
#pragma once

#include <glib.h>
#include <stdint.h>
#include <string.h>

/* Fills out with exactly len bytes. */
static inline void
hex (uint8_t *out, size_t len, const char *text)
{
  g_assert_cmpuint (strlen (text), ==, 2 * len);
  for (size_t i = 0; i < len; i++)
    out[i] = (uint8_t)(g_ascii_xdigit_value (text[2 * i]) << 4 | g_ascii_xdigit_value (text[2 * i + 1]));
}

/* g_assert that the bytes are those of text. */
#define assert_hex(bytes, len, text)                                                                                   \
  do                                                                                                                   \
    {                                                                                                                  \
      uint8_t expected_bytes[4096];                                                                                    \
      size_t expected_len = (len);                                                                                     \
      hex (expected_bytes, expected_len, text);                                                                        \
      g_assert_cmpmem ((bytes), expected_len, expected_bytes, expected_len);                                           \
    }                                                                                                                  \
  while (0)
