/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Resuming from sleep, signalled by a fake logind on a private bus.
 */
#include "tunnel/resume.h"

static guint resumed;

static void
on_resumed (gpointer user_data)
{
  resumed++;
}

static void
spin (guint ms)
{
  gint64 end = g_get_monotonic_time () + ms * 1000;
  while (g_get_monotonic_time () < end)
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (1000);
}

static void
emit (GDBusConnection *bus, gboolean starts)
{
  g_assert_true (g_dbus_connection_emit_signal (bus, NULL, "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
                                                "PrepareForSleep", g_variant_new ("(b)", starts), NULL));
  g_assert_true (g_dbus_connection_flush_sync (bus, NULL, NULL));
}

static void
test_resume (void)
{
  g_autofree gchar *daemon = g_find_program_in_path ("dbus-daemon");
  if (!daemon)
    {
      g_test_skip ("needs dbus-daemon");
      return;
    }
  g_autoptr (GTestDBus) test_bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (test_bus);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", g_test_dbus_get_bus_address (test_bus), TRUE);
  g_autoptr (GDBusConnection) logind = g_dbus_connection_new_for_address_sync (
    g_test_dbus_get_bus_address (test_bus),
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL, NULL, NULL);
  g_assert_nonnull (logind);
  g_bus_own_name_on_connection (logind, "org.freedesktop.login1", G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL, NULL, NULL);
  spin (200);
  EwResume *resume = ew_resume_watch (on_resumed, NULL);
  spin (500);
  emit (logind, TRUE);
  spin (200);
  g_assert_cmpuint (resumed, ==, 0);
  emit (logind, FALSE);
  for (guint i = 0; i < 100 && resumed == 0; i++)
    spin (50);
  g_assert_cmpuint (resumed, ==, 1);
  /* Losing the bus doesn't end the tunnel. */
  g_dbus_connection_set_exit_on_close (logind, FALSE);
  g_test_dbus_stop (test_bus);
  spin (200);
  ew_resume_free (resume);
  /* Freed before it was ready. */
  ew_resume_free (ew_resume_watch (on_resumed, NULL));
  spin (100);
  g_assert_cmpuint (resumed, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tunnel/resume", test_resume);
  return g_test_run ();
}
