/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `ew-wg IFACE`: a plain WireGuard daemon on the engine, in the foreground, configured by `wg`. It shows that the
 * engine speaks the protocol like any other implementation; it is not installed.
 */
#include <glib-unix.h>
#include <stdio.h>

#include "engine/engine.h"
#include "lib/bench-aead.h"

static gboolean
on_signal (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_CONTINUE;
}

static void
on_tun_lost (void *loop)
{
  g_main_loop_quit (loop);
}

int
main (int argc, char **argv)
{
  if (argc != 2)
    {
      fprintf (stderr, "Usage: ew-wg IFACE\n");
      return 2;
    }
  if (!ew_bench_aead_choose ())
    return 2;

  g_autoptr (GError) error = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  const EwEngineConfig config = { .interface_name = argv[1], .on_tun_lost = on_tun_lost, .event_user = loop };
  g_autoptr (EwEngine) engine = ew_engine_new (&config, &error);
  if (engine == NULL || !ew_engine_serve_uapi (engine, FALSE, &error))
    {
      fprintf (stderr, "ew-wg: %s\n", error->message);
      return 1;
    }

  g_unix_signal_add (SIGTERM, on_signal, loop);
  g_unix_signal_add (SIGINT, on_signal, loop);
  puts ("ready");
  fflush (stdout);
  g_main_loop_run (loop);
  return 0;
}
