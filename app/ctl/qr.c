/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "qr.h"

#include <qrencode.h>

#include "common/error.h"
#include "common/util.h"

#define QUIET_ZONE 4 /* modules around the code (ISO/IEC 18004, 6.3.8) */
#define LIGHT_ON_DARK "\033[40;97m"

static gboolean
is_dark (const QRcode *code, gint x, gint y)
{
  return x >= 0 && y >= 0 && x < code->width && y < code->width && (code->data[y * code->width + x] & 1);
}

/* A block is light: the terminal's ground is dark. */
static void
append_row (GString *text, const QRcode *code, gint y, const EwTerminal *terminal)
{
  for (gint x = -QUIET_ZONE; x < code->width + QUIET_ZONE; x++)
    {
      gboolean upper = is_dark (code, x, y), lower = is_dark (code, x, y + 1);
      if (terminal->utf8)
        g_string_append (text, upper ? (lower ? " " : "▄") : (lower ? "▀" : "█"));
      else
        g_string_append (text, upper ? "  " : "##");
    }
}

gchar *
ew_qr_draw (const gchar *text, const EwTerminal *terminal, GError **error)
{
  QRcode *code = QRcode_encodeString8bit (text, 0, QR_ECLEVEL_L);
  GString *drawn;

  if (code == NULL)
    {
      g_set_error_literal (error, EW_ERROR, EW_ERROR_TOO_LARGE,
                           "The configuration doesn't fit in a QR code. Write it to a file and import that instead.");
      return NULL;
    }
  drawn = g_string_sized_new (65536); /* never grows: a reallocation would leave a copy of the key in memory */
  for (gint y = -QUIET_ZONE; y < code->width + QUIET_ZONE; y += terminal->utf8 ? 2 : 1)
    {
      if (terminal->colour)
        g_string_append (drawn, LIGHT_ON_DARK);
      append_row (drawn, code, y, terminal);
      g_string_append (drawn, terminal->colour ? EW_STYLE_RESET "\n" : "\n");
    }
  ew_zero (code->data, (gsize)code->width * (gsize)code->width);
  QRcode_free (code);
  return g_string_free (drawn, FALSE);
}
