/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What edgewayd may say on the message bus, from messages as GDBus makes them: each call that it needs, and those with
 * which uid 0 would get the rest of root's privileges.
 */
#include "service/bus-filter.h"

#include <gio/gio.h>
#include <string.h>

#define BUS "org.freedesktop.DBus"
#define MANAGER "org.freedesktop.systemd1.Manager"

/* (transfer none) message */
static gboolean
passes (GDBusMessage *message)
{
  EwFrame frame;
  gsize size;
  g_autofree guchar *blob = NULL;

  g_dbus_message_set_serial (message, 7);
  blob = g_dbus_message_to_blob (message, &size, G_DBUS_CAPABILITY_FLAGS_NONE, NULL);
  g_assert_nonnull (blob);
  g_assert_cmpint (ew_frame_parse (blob, size, &frame), ==, 1);
  return ew_bus_filter_allows (&frame, ew_bus_filter_needs_body (&frame) ? blob + frame.header : NULL);
}

static gboolean
call_passes (const gchar *destination, const gchar *interface, const gchar *member, const gchar *body)
{
  g_autoptr (GDBusMessage) call = g_dbus_message_new_method_call (destination, "/", interface, member);

  if (body != NULL)
    g_dbus_message_set_body (call, g_variant_new_parsed (body));
  return passes (call);
}

static void
test_calls (void)
{
  static const struct
  {
    const gchar *destination, *interface, *member, *body;
    gboolean allowed;
  } cases[] = {
    { BUS, BUS, "Hello", NULL, TRUE },
    { BUS, BUS, "RequestName", "('org.edgeway.Daemon1', uint32 4)", TRUE },
    { BUS, BUS, "AddMatch", "(\"type='signal',member='NameOwnerChanged'\",)", TRUE },
    { BUS, BUS, "GetConnectionCredentials", "(':1.7',)", TRUE },
    { "org.freedesktop.PolicyKit1", "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization", NULL, TRUE },
    { "org.freedesktop.resolve1", "org.freedesktop.resolve1.Manager", "SetLinkDNS", NULL, TRUE },
    { "org.freedesktop.resolve1", "org.freedesktop.resolve1.Manager", "FlushCaches", NULL, TRUE },
    { "org.freedesktop.login1", "org.freedesktop.DBus.Properties", "GetAll", "('',)", TRUE },
    { "org.freedesktop.login1", "org.freedesktop.login1.Manager", "GetSessionByPID", "(uint32 7,)", TRUE },
    /* Root's other powers. */
    { "org.freedesktop.systemd1", MANAGER, "StartTransientUnit", NULL, FALSE },
    { ":1.0", MANAGER, "StartTransientUnit", NULL, FALSE },
    { NULL, MANAGER, "StartTransientUnit", NULL, FALSE },
    { "org.freedesktop.login1", "org.freedesktop.login1.Manager", "PowerOff", "(false,)", FALSE },
    { "org.freedesktop.login1", "org.freedesktop.DBus.Properties", "Set", NULL, FALSE },
    { "org.freedesktop.PolicyKit1", "org.freedesktop.PolicyKit1.Authority", "AuthenticationAgentResponse2", NULL,
      FALSE },
    { "org.freedesktop.PackageKit", "org.freedesktop.PackageKit", "CreateTransaction", NULL, FALSE },
    { BUS, BUS, "UpdateActivationEnvironment", "({'LD_PRELOAD': '/tmp/x.so'},)", FALSE },
    { BUS, BUS ".Monitoring", "BecomeMonitor", "(@as [], uint32 0)", FALSE },
    { BUS, BUS, "AddMatch", "('eavesdrop=true',)", FALSE },
    { BUS, BUS, "RequestName", "('org.freedesktop.PolicyKit1', uint32 4)", FALSE },
    { BUS, BUS, "RequestName", "('org.edgeway.Daemon1x', uint32 4)", FALSE },
    { BUS, NULL, "Hello", NULL, FALSE },
    { BUS, BUS, "Hello AddMatch", NULL, FALSE },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    if (!g_dbus_is_member_name (cases[i].member)) /* GDBus doesn't make it */
      {
        const EwFrame frame = { .type = EW_FRAME_CALL,
                                .destination = cases[i].destination,
                                .interface = cases[i].interface,
                                .member = cases[i].member };
        g_assert_cmpint (ew_bus_filter_allows (&frame, NULL), ==, cases[i].allowed);
      }
    else if (call_passes (cases[i].destination, cases[i].interface, cases[i].member, cases[i].body) != cases[i].allowed)
      g_error ("%s.%s", cases[i].interface, cases[i].member);
}

static void
test_others (void)
{
  g_autoptr (GDBusMessage) call = g_dbus_message_new_method_call (":1.7", "/", "a.b", "c");
  g_autoptr (GDBusMessage) own
    = g_dbus_message_new_signal ("/org/edgeway/Daemon1", "org.freedesktop.DBus.Properties", "PropertiesChanged");
  g_autoptr (GDBusMessage) others
    = g_dbus_message_new_signal ("/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep");
  g_autoptr (GDBusMessage) answer = NULL, error = NULL;

  g_dbus_message_set_serial (call, 3);
  g_dbus_message_set_sender (call, ":1.7");
  answer = g_dbus_message_new_method_reply (call);
  error = g_dbus_message_new_method_error_literal (call, "a.b", "no");
  g_assert_true (passes (answer));
  g_assert_true (passes (error));
  g_assert_true (passes (own));
  g_assert_false (passes (others));
}

/* A body that says that it is longer than it is. */
static void
test_short_body (void)
{
  const EwFrame frame
    = { .type = EW_FRAME_CALL, .destination = BUS, .interface = BUS, .member = "RequestName", .body = 4 };
  const guint8 body[4] = { 19, 0, 0, 0 };

  g_assert_false (ew_bus_filter_allows (&frame, body));
  g_assert_false (ew_bus_filter_allows (&frame, NULL));
}

static void
test_lines (void)
{
  static const struct
  {
    const gchar *line;
    gboolean allowed;
  } cases[] = { { "AUTH", TRUE },
                { "AUTH EXTERNAL 30", TRUE },
                { "NEGOTIATE_UNIX_FD", TRUE },
                { "BEGIN", TRUE },
                { "DATA", TRUE },
                { "BEGIN x", FALSE },
                { " BEGIN", FALSE },
                { "BEGIN\t", FALSE },
                { "DATA \nBEGIN", FALSE },
                { "AUTHENTIC", FALSE },
                { "", FALSE },
                { "ERROR", FALSE } };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (ew_bus_filter_allows_line ((const guint8 *)cases[i].line, strlen (cases[i].line)), ==,
                     cases[i].allowed);
  g_assert_true (ew_bus_filter_allows_line ((const guint8 *)"\0AUTH", 5));
  g_assert_false (ew_bus_filter_allows_line ((const guint8 *)"AUTH\0", 5));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/service/bus-filter/calls", test_calls);
  g_test_add_func ("/service/bus-filter/others", test_others);
  g_test_add_func ("/service/bus-filter/short-body", test_short_body);
  g_test_add_func ("/service/bus-filter/lines", test_lines);
  return g_test_run ();
}
