/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The client of systemd-resolved against a fake one, on a private bus: which calls it gets, in which order, and what
 * happens when it is restarted, refuses, or doesn't answer.
 */
#include "names/resolved.h"

#include <string.h>

#define LINK 42

static const gchar xml[]
  = "<node><interface name='org.freedesktop.resolve1.Manager'>"
    "<method name='SetLinkDNS'><arg type='i' direction='in'/><arg type='a(iay)' direction='in'/></method>"
    "<method name='SetLinkDomains'><arg type='i' direction='in'/><arg type='a(sb)' direction='in'/></method>"
    "<method name='SetLinkDefaultRoute'><arg type='i' direction='in'/><arg type='b' direction='in'/></method>"
    "<method name='SetLinkLLMNR'><arg type='i' direction='in'/><arg type='s' direction='in'/></method>"
    "<method name='SetLinkMulticastDNS'><arg type='i' direction='in'/><arg type='s' direction='in'/></method>"
    "<method name='SetLinkDNSSECNegativeTrustAnchors'><arg type='i' direction='in'/><arg type='as' direction='in'/>"
    "</method>"
    "<method name='FlushCaches'/>"
    "<method name='RevertLink'><arg type='i' direction='in'/></method>"
    "<method name='GetLink'><arg type='i' direction='in'/><arg type='o' direction='out'/></method>"
    "<property name='Domains' type='a(isb)' access='read'/>"
    "</interface><interface name='org.freedesktop.resolve1.Link'>"
    "<property name='DNS' type='a(iay)' access='read'/></interface></node>";

typedef struct
{
  GTestDBus *bus;
  GDBusConnection *connection;
  GDBusNodeInfo *info;
  guint name, manager, link;
  GString *calls; /* "SetLinkDNS(42, …)\n" */
  GVariant *dns;  /* of the link; NULL: none */
  const gchar *error, *domains;
  gboolean silent;
  GPtrArray *unanswered; /* GDBusMethodInvocation */
  EwResolved *resolved;
  guint changes;
} World;

static void
on_call (GDBusConnection *connection, const gchar *sender, const gchar *path, const gchar *interface,
         const gchar *method, GVariant *parameters, GDBusMethodInvocation *invocation, gpointer user_data)
{
  World *world = user_data;
  g_autofree gchar *text = g_variant_print (parameters, FALSE);

  if (world->silent)
    {
      g_ptr_array_add (world->unanswered, invocation);
      return;
    }
  if (!g_str_equal (method, "GetLink"))
    g_string_append_printf (world->calls, "%s%s\n", method, text);
  if (world->error != NULL && g_str_equal (method, "SetLinkDNS"))
    g_dbus_method_invocation_return_dbus_error (invocation, world->error, "No.");
  else if (g_str_equal (method, "GetLink"))
    g_dbus_method_invocation_return_value (invocation, g_variant_new ("(o)", "/org/freedesktop/resolve1/link/_342"));
  else
    {
      if (g_str_equal (method, "SetLinkDNS"))
        {
          g_clear_pointer (&world->dns, g_variant_unref);
          world->dns = g_variant_get_child_value (parameters, 1);
        }
      g_dbus_method_invocation_return_value (invocation, NULL);
    }
}

static GVariant *
on_property (GDBusConnection *connection, const gchar *sender, const gchar *path, const gchar *interface,
             const gchar *property, GError **error, gpointer user_data)
{
  World *world = user_data;

  if (g_str_equal (property, "Domains"))
    return g_variant_new_parsed (world->domains != NULL ? world->domains : "@a(isb) []");
  return world->dns != NULL ? g_variant_ref (world->dns) : g_variant_new_array (G_VARIANT_TYPE ("(iay)"), NULL, 0);
}

static void
on_changed (gpointer user_data)
{
  ((World *)user_data)->changes++;
}

static void
start_resolved (World *world)
{
  world->name = g_bus_own_name_on_connection (world->connection, "org.freedesktop.resolve1",
                                              G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL, NULL, NULL);
}

static void
stop_resolved (World *world)
{
  g_bus_unown_name (world->name);
  world->name = 0;
}

static void
world_up (World *world, gconstpointer data)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_call, .get_property = on_property };
  g_autoptr (GError) error = NULL;

  world->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (world->bus);
  world->connection = g_dbus_connection_new_for_address_sync (
    g_test_dbus_get_bus_address (world->bus),
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL, NULL, &error);
  g_assert_no_error (error);
  world->calls = g_string_new (NULL);
  world->unanswered = g_ptr_array_new ();
  world->info = g_dbus_node_info_new_for_xml (xml, &error);
  g_assert_no_error (error);
  world->manager = g_dbus_connection_register_object (world->connection, "/org/freedesktop/resolve1",
                                                      world->info->interfaces[0], &vtable, world, NULL, &error);
  world->link = g_dbus_connection_register_object (world->connection, "/org/freedesktop/resolve1/link/_342",
                                                   world->info->interfaces[1], &vtable, world, NULL, &error);
  g_assert_no_error (error);
  world->resolved = ew_resolved_new (g_test_dbus_get_bus_address (world->bus), on_changed, world);
}

static void
answer_late (World *world)
{
  for (guint i = 0; i < world->unanswered->len; i++)
    g_dbus_method_invocation_return_value (world->unanswered->pdata[i], NULL);
  g_ptr_array_set_size (world->unanswered, 0);
}

static void
world_down (World *world, gconstpointer data)
{
  ew_resolved_call_ms = 5000;
  ew_resolved_free (world->resolved);
  answer_late (world);
  if (world->name != 0)
    stop_resolved (world);
  g_dbus_connection_unregister_object (world->connection, world->manager);
  g_dbus_connection_unregister_object (world->connection, world->link);
  g_dbus_connection_close_sync (world->connection, NULL, NULL);
  g_object_unref (world->connection);
  g_dbus_node_info_unref (world->info);
  g_ptr_array_unref (world->unanswered);
  g_string_free (world->calls, TRUE);
  g_clear_pointer (&world->dns, g_variant_unref);
  g_test_dbus_down (world->bus);
  g_object_unref (world->bus);
}

#define wait_until(condition)                                                                                          \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    gint64 end = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;                                                        \
    while (!(condition))                                                                                               \
      {                                                                                                                \
        g_assert_cmpint (g_get_monotonic_time (), <, end);                                                             \
        if (!g_main_context_iteration (NULL, FALSE))                                                                   \
          g_usleep (1000);                                                                                             \
      }                                                                                                                \
  }                                                                                                                    \
  G_STMT_END

static void
set_link (World *world, guint link)
{
  const EwIp servers[] = { { .family = EW_FAMILY_V4, .bytes = { 100, 96, 0, 1 } } };
  const gchar *const domains[] = { "96.100.in-addr.arpa", NULL };
  const EwResolvedLink config
    = { .link = link, .servers = servers, .n_servers = 1, .suffix = "home.internal", .domains = domains };

  ew_resolved_set_link (world->resolved, &config);
}

#define SET                                                                                                            \
  "SetLinkDefaultRoute(42, false)\nSetLinkLLMNR(42, 'no')\nSetLinkMulticastDNS(42, 'no')\n"                            \
  "SetLinkDNSSECNegativeTrustAnchors(42, ['home.internal'])\n"                                                         \
  "SetLinkDomains(42, [('home.internal', true), ('96.100.in-addr.arpa', true)])\n"                                     \
  "SetLinkDNS(42, [(2, [0x64, 0x60, 0x00, 0x01])])\n"

static void
test_set (World *world, gconstpointer data)
{
  start_resolved (world);
  wait_until (ew_resolved_get_state (world->resolved) == EW_RESOLVED_ANSWERS);
  set_link (world, LINK);
  wait_until (ew_resolved_is_set (world->resolved));
  /* Never a default route, not even between two of these; a method that is missing (DNSOverTLS here) isn't a
     failure. */
  g_assert_cmpstr (world->calls->str, ==, SET);
  g_assert_null (ew_resolved_get_error (world->resolved));
  set_link (world, LINK);
  g_assert_true (ew_resolved_is_set (world->resolved));
  ew_resolved_set_link (world->resolved, NULL);
  wait_until (g_str_has_suffix (world->calls->str, "RevertLink(42,)\n"));
  g_assert_cmpstr (world->calls->str, ==, SET "RevertLink(42,)\n");
}

/* Where it's there. */
static void
test_failures (World *world, gconstpointer data)
{
  ew_resolved_forget_failures (world->resolved);
  start_resolved (world);
  wait_until (ew_resolved_get_state (world->resolved) == EW_RESOLVED_ANSWERS);
  ew_resolved_forget_failures (world->resolved);
  wait_until (world->calls->len > 0);
  g_assert_cmpstr (world->calls->str, ==, "FlushCaches()\n");
}

/* A restart of resolved keeps a link's settings; they are set again only where they are lost. Other programs' settings
   stay. */
static void
test_restart (World *world, gconstpointer data)
{
  start_resolved (world);
  set_link (world, LINK);
  wait_until (ew_resolved_is_set (world->resolved));
  stop_resolved (world);
  wait_until (ew_resolved_get_state (world->resolved) == EW_RESOLVED_ABSENT);
  start_resolved (world);
  wait_until (ew_resolved_get_state (world->resolved) == EW_RESOLVED_ANSWERS);
  g_assert_cmpstr (world->calls->str, ==, SET);
  stop_resolved (world);
  wait_until (ew_resolved_get_state (world->resolved) == EW_RESOLVED_ABSENT);
  g_clear_pointer (&world->dns, g_variant_unref);
  start_resolved (world);
  wait_until (world->dns != NULL && ew_resolved_is_set (world->resolved));
  g_assert_cmpstr (world->calls->str, ==, SET SET);
}

static void
test_refused (World *world, gconstpointer data)
{
  world->error = "org.freedesktop.DBus.Error.AccessDenied";
  start_resolved (world);
  set_link (world, LINK);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*refuses SetLinkDNS: No.*");
  wait_until (ew_resolved_get_error (world->resolved) != NULL && world->changes >= 2);
  g_test_assert_expected_messages ();
  g_assert_false (ew_resolved_is_set (world->resolved));
  g_assert_cmpint (ew_resolved_get_state (world->resolved), ==, EW_RESOLVED_ANSWERS);
}

static gchar *
others (World *world)
{
  g_auto (GStrv) domains = ew_resolved_get_domains (world->resolved, LINK);

  return g_strjoinv (" ", domains);
}

/* Those of other networks, for search or for routing; known before the link is set, and forgotten with that resolved. */
static void
test_domains (World *world, gconstpointer data)
{
  world->domains = "[(0, 'site.example', false), (7, 'corp.internal', true), (42, 'home.internal', true)]";
  start_resolved (world);
  wait_until (world->changes >= 2);
  g_autofree gchar *found = others (world);
  g_assert_cmpstr (found, ==, "site.example corp.internal");
  world->domains = "[(7, '.', true)]";
  guint changes = world->changes;
  ew_resolved_look (world->resolved);
  wait_until (world->changes > changes);
  g_autofree gchar *later = others (world);
  g_assert_cmpstr (later, ==, ".");
  stop_resolved (world);
  wait_until (ew_resolved_get_state (world->resolved) == EW_RESOLVED_ABSENT);
  g_autofree gchar *gone = others (world);
  g_assert_cmpstr (gone, ==, "");
}

/* The link was removed while it was being configured: not an error. */
static void
test_no_such_link (World *world, gconstpointer data)
{
  world->error = "org.freedesktop.resolve1.NoSuchLink";
  start_resolved (world);
  set_link (world, LINK);
  wait_until (ew_resolved_is_set (world->resolved));
  g_assert_null (ew_resolved_get_error (world->resolved));
}

static void
test_hung (World *world, gconstpointer data)
{
  ew_resolved_call_ms = 50;
  start_resolved (world);
  wait_until (ew_resolved_get_state (world->resolved) == EW_RESOLVED_ANSWERS);
  world->silent = TRUE;
  set_link (world, LINK);
  wait_until (ew_resolved_get_state (world->resolved) == EW_RESOLVED_HUNG);
  g_assert_false (ew_resolved_is_set (world->resolved));
  ew_resolved_call_ms = 5000;
  world->silent = FALSE;
  answer_late (world);
  wait_until (ew_resolved_is_set (world->resolved)); /* it is retried automatically */
  g_assert_cmpint (ew_resolved_get_state (world->resolved), ==, EW_RESOLVED_ANSWERS);
}

/* The interface was recreated with another number. The old one's settings were lost with it. */
static void
test_other_link (World *world, gconstpointer data)
{
  start_resolved (world);
  set_link (world, 41);
  wait_until (ew_resolved_is_set (world->resolved));
  set_link (world, LINK);
  wait_until (ew_resolved_is_set (world->resolved));
  g_assert_true (g_str_has_suffix (world->calls->str, "RevertLink(41,)\n" SET));
}

/* Without a bus nothing is set, and no call blocks. */
static void
test_no_bus (World *world, gconstpointer data)
{
  start_resolved (world);
  set_link (world, LINK);
  wait_until (ew_resolved_is_set (world->resolved));
  ew_resolved_free (world->resolved);
  world->resolved = ew_resolved_new ("unix:path=/nonexistent/bus", on_changed, world);
  set_link (world, LINK);
  wait_until (ew_resolved_get_state (world->resolved) == EW_RESOLVED_ABSENT);
  g_assert_false (ew_resolved_is_set (world->resolved));
}

static void
test_revert_now (World *world, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ew_resolved_revert_now ("unix:path=/nonexistent/bus", LINK, &error));
  g_assert_no_error (error);
  g_assert_true (ew_resolved_revert_now (g_test_dbus_get_bus_address (world->bus), LINK, &error)); /* no server */
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_autofree gchar *daemon = g_find_program_in_path ("dbus-daemon");

  g_test_init (&argc, &argv, NULL);
  if (daemon == NULL)
    {
      g_print ("1..0 # SKIP needs dbus-daemon\n");
      return 0;
    }
#define ADD(name, func) g_test_add ("/names/resolved/" name, World, NULL, world_up, func, world_down)
  ADD ("set", test_set);
  ADD ("failures", test_failures);
  ADD ("restart", test_restart);
  ADD ("refused", test_refused);
  ADD ("domains", test_domains);
  ADD ("no-such-link", test_no_such_link);
  ADD ("hung", test_hung);
  ADD ("other-link", test_other_link);
  ADD ("no-bus", test_no_bus);
  ADD ("revert-now", test_revert_now);
  return g_test_run ();
}
