/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * QR codes drawn with text: they scan.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "common/error.h"
#include "qr.h"

#define CONFIG                                                                                                         \
  "[Interface]\nPrivateKey = 4GgaQCy68nzNsUE5aJ9fuLzHhB65tAlwbmA72MWnOm8=\nAddress = 100.96.1.3/32, "                  \
  "fd12:3456:789a:1::3/128\nMTU = 1420\n\n[Peer]\nPublicKey = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"          \
  "Endpoint = 203.0.113.5:443\nAllowedIPs = 100.96.0.0/12, fd12:3456:789a::/48\nPersistentKeepalive = 25\n"

/* Four pixels a module; a block on the screen is light. */
static void
draw (GString *image, const gchar *text, gboolean utf8, guint *width, guint *height)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  guint rows = g_strv_length (lines) - 1; /* the last is empty */

  *width = (guint)g_utf8_strlen (lines[0], -1) * (utf8 ? 4 : 2);
  *height = rows * (utf8 ? 8 : 4);
  for (guint y = 0; y < *height; y++)
    for (guint x = 0; x < *width; x++)
      {
        gunichar c = g_utf8_get_char (g_utf8_offset_to_pointer (lines[y / (utf8 ? 8 : 4)], x / (utf8 ? 4 : 2)));
        gboolean lower = utf8 && y % 8 >= 4;
        gboolean light = c == '#' || c == 0x2588 || (c == 0x2580 && !lower) || (c == 0x2584 && lower);
        g_string_append_c (image, light ? '\377' : '\0');
      }
}

static void
check_scans (const gchar *zbarimg, const EwTerminal *terminal)
{
  g_autofree gchar *config = g_strdup (CONFIG);
  g_autofree gchar *qr = ew_qr_draw (config, terminal, NULL);
  g_autofree gchar *folder = g_dir_make_tmp ("ewqr.XXXXXX", NULL), *path = g_build_filename (folder, "qr.pgm", NULL);
  g_autoptr (GString) pixels = g_string_new (NULL), image = g_string_new (NULL);
  g_autoptr (GSubprocess) process = NULL;
  g_autofree gchar *answer = NULL;
  guint width, height;

  draw (pixels, qr, terminal->utf8, &width, &height);
  g_string_append_printf (image, "P5\n%u %u\n255\n", width, height);
  g_string_append_len (image, pixels->str, (gssize)pixels->len);
  g_assert_true (g_file_set_contents (path, image->str, (gssize)image->len, NULL));
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL, zbarimg,
                              "--raw", "-q", path, NULL);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &answer, NULL, NULL));
  g_assert_cmpstr (g_strchomp (answer), ==, g_strchomp (config));
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_qr (void)
{
  g_autofree gchar *zbarimg = g_find_program_in_path ("zbarimg");
  const EwTerminal unicode = { .utf8 = TRUE }, ascii = { .utf8 = FALSE };

  if (zbarimg == NULL)
    {
      g_test_skip ("zbarimg is not installed");
      return;
    }
  check_scans (zbarimg, &unicode);
  check_scans (zbarimg, &ascii);
}

static void
test_qr_too_long (void)
{
  g_autofree gchar *text = g_strnfill (5000, 'x');
  g_autoptr (GError) error = NULL;
  const EwTerminal terminal = { .utf8 = TRUE };

  g_assert_null (ew_qr_draw (text, &terminal, &error));
  g_assert_error (error, EW_ERROR, EW_ERROR_TOO_LARGE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ctl/qr/scans", test_qr);
  g_test_add_func ("/ctl/qr/too-long", test_qr_too_long);
  return g_test_run ();
}
