/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The tray's entry in the autostart folder: present only while it is chosen; in a sandbox, the portal's questions and
 * answers. Each test has a folder of its own (G_TEST_OPTION_ISOLATE_DIRS).
 */
#include "model/autostart.h"

#include <string.h>

#include <glib/gstdio.h>

static gchar *
entry (void)
{
  return g_build_filename (g_get_user_config_dir (), "autostart", "org.edgeway.Edgeway.Tray.desktop", NULL);
}

static void
on_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_null (*(GAsyncResult **)user_data);
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static gboolean
set (EwAutostart *autostart, gboolean on, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ew_autostart_set_async (autostart, on, on_set, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return ew_autostart_set_finish (autostart, result, error);
}

static void
test_chosen (void)
{
  g_autoptr (EwAutostart) autostart = ew_autostart_new (FALSE);
  g_autoptr (GError) error = NULL;
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree gchar *path = entry (), *exec = NULL;

  g_assert_false (ew_autostart_get (autostart));
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_true (set (autostart, TRUE, &error));
  g_assert_no_error (error);
  g_assert_true (ew_autostart_get (autostart));
  g_assert_true (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &error));
  exec = g_key_file_get_string (file, "Desktop Entry", "Exec", &error);
  g_assert_cmpstr (exec, ==, "edgeway-tray");
  g_assert_true (set (autostart, TRUE, &error)); /* again: as before */
  g_assert_true (ew_autostart_get (autostart));

  g_assert_true (set (autostart, FALSE, &error));
  g_assert_false (ew_autostart_get (autostart));
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_true (set (autostart, FALSE, &error));
  g_assert_no_error (error);
}

/* Desktops' own tools switch entries off by a key. */
static void
test_switched_off_elsewhere (void)
{
  static const gchar *const keys[] = { "Hidden=true\n", "X-GNOME-Autostart-enabled=false\n" };
  g_autofree gchar *path = entry ();
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autofree gchar *text = NULL, *more = NULL;
      g_autoptr (EwAutostart) autostart = ew_autostart_new (FALSE), later = NULL;

      g_assert_true (set (autostart, TRUE, &error));
      g_assert_true (g_file_get_contents (path, &text, NULL, &error));
      more = g_strconcat (text, keys[i], NULL);
      g_assert_true (g_file_set_contents (path, more, -1, &error));
      later = ew_autostart_new (FALSE);
      g_assert_false (ew_autostart_get (later));
      while (ew_autostart_get (autostart)) /* the change is followed */
        g_main_context_iteration (NULL, TRUE);
      g_assert_true (set (autostart, TRUE, &error)); /* chosen again: as if new */
      g_assert_true (ew_autostart_get (autostart));
    }
}

static void
test_refused (void)
{
  g_autoptr (EwAutostart) autostart = ew_autostart_new (FALSE);
  g_autofree gchar *path = entry ();
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_mkdir_with_parents (g_get_user_config_dir (), 0700), ==, 0);
  g_assert_true (g_file_set_contents (folder, "no folder", -1, NULL)); /* this fails even for root */
  g_assert_false (set (autostart, TRUE, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, folder));
  g_assert_false (ew_autostart_get (autostart));
  g_assert_cmpint (g_unlink (folder), ==, 0);
}

/* The Background portal of a desktop that decides as answer says. */

typedef enum
{
  ANSWER_AS_ASKED,
  ANSWER_NO,        /* the person, or a backend that fails: success, and false */
  ANSWER_CANCELLED, /* the question was closed */
  ANSWER_EMPTY,     /* success, without what was asked for */
  ANSWER_NEVER,     /* the portal ends */
} Answer;

typedef struct
{
  Answer answer;
  guint requests, name;
  gchar *command;
} Portal;

static const gchar portal_xml[]
  = "<node><interface name='org.freedesktop.portal.Background'><method name='RequestBackground'>"
    "<arg type='s' direction='in'/><arg type='a{sv}' direction='in'/><arg type='o' "
    "direction='out'/></method></interface></node>";

static void
on_request (GDBusConnection *bus, const gchar *sender, const gchar *path, const gchar *interface, const gchar *method,
            GVariant *parameters, GDBusMethodInvocation *invocation, gpointer user_data)
{
  Portal *portal = user_data;
  g_autoptr (GVariant) options = g_variant_get_child_value (parameters, 1);
  g_autofree gchar *name = g_strdelimit (g_strdup (sender + 1), ".", '_'), *handle = NULL;
  g_autofree const gchar **command = NULL;
  const gchar *token = NULL, *reason = NULL;
  gboolean asked = FALSE;
  GVariantBuilder results;

  portal->requests++;
  g_assert_true (g_variant_lookup (options, "handle_token", "&s", &token));
  g_assert_true (g_variant_lookup (options, "autostart", "b", &asked));
  g_assert_true (g_variant_lookup (options, "commandline", "^a&s", &command));
  g_assert_true (g_variant_lookup (options, "reason", "&s", &reason));
  g_assert_cmpstr (reason, !=, "");
  g_free (portal->command);
  portal->command = g_strjoinv (" ", (gchar **)command);
  handle = g_strconcat ("/org/freedesktop/portal/desktop/request/", name, "/", token, NULL);
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(o)", handle));
  if (portal->answer == ANSWER_NEVER)
    {
      g_clear_handle_id (&portal->name, g_bus_unown_name);
      return;
    }
  g_variant_builder_init (&results, G_VARIANT_TYPE_VARDICT);
  if (portal->answer != ANSWER_EMPTY && portal->answer != ANSWER_CANCELLED)
    g_variant_builder_add (&results, "{sv}", "autostart",
                           g_variant_new_boolean (portal->answer == ANSWER_AS_ASKED ? asked : FALSE));
  g_dbus_connection_emit_signal (bus, sender, handle, "org.freedesktop.portal.Request", "Response",
                                 g_variant_new ("(ua{sv})", portal->answer == ANSWER_CANCELLED ? 1 : 0, &results),
                                 NULL);
}

static void
on_owned (GDBusConnection *bus, const gchar *name, gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
}

/* Owns the portal's name on a connection of its own. */
static GDBusConnection *
portal_start (Portal *portal, const gchar *xml)
{
  static const GDBusInterfaceVTable table = { .method_call = on_request };
  g_autoptr (GError) error = NULL;
  g_autoptr (GDBusNodeInfo) node = xml != NULL ? g_dbus_node_info_new_for_xml (xml, &error) : NULL;
  GDBusConnection *bus = g_dbus_connection_new_for_address_sync (
    g_getenv ("DBUS_SESSION_BUS_ADDRESS"),
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL, NULL, &error);
  gboolean owned = FALSE;

  g_assert_no_error (error);
  if (node != NULL)
    g_dbus_connection_register_object (bus, "/org/freedesktop/portal/desktop", node->interfaces[0], &table, portal,
                                       NULL, &error);
  g_assert_no_error (error);
  portal->name = g_bus_own_name_on_connection (bus, "org.freedesktop.portal.Desktop", G_BUS_NAME_OWNER_FLAGS_NONE,
                                               on_owned, NULL, &owned, NULL);
  while (!owned)
    g_main_context_iteration (NULL, TRUE);
  return bus;
}

static void
portal_stop (Portal *portal, GDBusConnection *bus)
{
  g_clear_handle_id (&portal->name, g_bus_unown_name);
  g_dbus_connection_close_sync (bus, NULL, NULL);
  g_object_unref (bus);
  g_clear_pointer (&portal->command, g_free);
}

static void
test_portal (void)
{
  g_autoptr (EwAutostart) autostart = ew_autostart_new (TRUE), other = ew_autostart_new (TRUE);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *path = entry ();
  Portal portal = { .answer = ANSWER_AS_ASKED };
  GDBusConnection *bus = portal_start (&portal, portal_xml);

  g_assert_false (ew_autostart_get (autostart));
  g_assert_true (set (autostart, TRUE, &error));
  g_assert_no_error (error);
  g_assert_true (ew_autostart_get (autostart));
  g_assert_true (ew_autostart_get (other)); /* the tray's, say */
  g_assert_cmpstr (portal.command, ==, "edgeway-tray");
  g_assert_true (set (autostart, FALSE, &error));
  g_assert_no_error (error);
  g_assert_false (ew_autostart_get (autostart));
  g_assert_cmpuint (portal.requests, ==, 2);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS)); /* of the sandbox: no desktop would read it */
  portal_stop (&portal, bus);
}

/* Whatever the portal answers, "on" is the actual state. */
static void
test_portal_refuses (void)
{
  static const Answer answers[] = { ANSWER_NO, ANSWER_CANCELLED, ANSWER_EMPTY, ANSWER_NEVER };

  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (EwAutostart) autostart = ew_autostart_new (TRUE);
      g_autoptr (GError) error = NULL;
      Portal portal = { .answer = answers[i] };
      GDBusConnection *bus = portal_start (&portal, portal_xml);

      g_assert_false (set (autostart, TRUE, &error));
      g_assert_true (g_error_matches (error, G_IO_ERROR,
                                      answers[i] == ANSWER_NO ? G_IO_ERROR_PERMISSION_DENIED : G_IO_ERROR_FAILED));
      g_assert_false (ew_autostart_get (autostart));
      portal_stop (&portal, bus);
    }
}

/* Autostart that was granted and is now refused is off; a question that was closed changes nothing. */
static void
test_portal_changes_its_mind (void)
{
  g_autoptr (EwAutostart) autostart = ew_autostart_new (TRUE);
  g_autoptr (GError) error = NULL;
  Portal portal = { .answer = ANSWER_AS_ASKED };
  GDBusConnection *bus = portal_start (&portal, portal_xml);

  g_assert_true (set (autostart, TRUE, &error));
  portal.answer = ANSWER_CANCELLED;
  g_assert_false (set (autostart, FALSE, NULL));
  g_assert_true (ew_autostart_get (autostart));
  portal.answer = ANSWER_NO;
  g_assert_false (set (autostart, TRUE, NULL));
  g_assert_false (ew_autostart_get (autostart));
  portal_stop (&portal, bus);
}

/* As with the GTK backend alone: a portal without this interface; or none at all. */
static void
test_no_portal (void)
{
  for (guint there = 0; there < 2; there++)
    {
      g_autoptr (EwAutostart) autostart = ew_autostart_new (TRUE);
      g_autoptr (GError) error = NULL;
      Portal portal = { .answer = ANSWER_AS_ASKED };
      GDBusConnection *bus = there != 0 ? portal_start (&portal, NULL) : NULL;

      g_assert_false (set (autostart, TRUE, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
      g_assert_nonnull (strstr (error->message, "flatpak run --command=edgeway-tray org.edgeway.Edgeway"));
      g_assert_false (ew_autostart_get (autostart));
      if (bus != NULL)
        portal_stop (&portal, bus);
    }
}

int
main (int argc, char **argv)
{
  g_autoptr (GTestDBus) bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  int status;

  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_dbus_up (bus);
  g_test_add_func ("/autostart/chosen", test_chosen);
  g_test_add_func ("/autostart/switched-off-elsewhere", test_switched_off_elsewhere);
  g_test_add_func ("/autostart/refused", test_refused);
  g_test_add_func ("/autostart/portal", test_portal);
  g_test_add_func ("/autostart/portal/refuses", test_portal_refuses);
  g_test_add_func ("/autostart/portal/changes-its-mind", test_portal_changes_its_mind);
  g_test_add_func ("/autostart/portal/none", test_no_portal);
  status = g_test_run ();
  g_test_dbus_down (bus);
  return status;
}
