/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/outside-resolver.h"

#include <string.h>

#define NAME "\4edge\7example\3com"
#define HEAD(flags, answers) "\x12\x34" flags "\0\1\0" answers "\0\0\0\0"
#define QUESTION NAME "\0\0\1\0\1"
#define RECORD "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xcb\0\x71\5"

static GArray *
read_answer (const gchar *message, gsize length, guint16 id, const gchar *name, guint8 family)
{
  guint32 ttl = G_MAXUINT32;

  return ew_outside_read_answer ((const guint8 *)message, length, id, name, family, &ttl);
}

static void
test_answer (void)
{
  static const gchar good[] = HEAD ("\x81\x80", "\1") QUESTION RECORD, none[] = HEAD ("\x81\x83", "\0") QUESTION;
  static const gchar failed[] = HEAD ("\x81\x82", "\0") QUESTION, query[] = HEAD ("\1\0", "\0") QUESTION;
  g_autoptr (GArray) found = read_answer (good, sizeof good - 1, 0x1234, "Edge.example.com", EW_FAMILY_V4);
  g_autoptr (GArray) nothing = read_answer (none, sizeof none - 1, 0x1234, "edge.example.com", EW_FAMILY_V4);
  gchar text[EW_IP_STRLEN];

  g_assert_nonnull (found);
  g_assert_cmpuint (found->len, ==, 1);
  ew_ip_format (&g_array_index (found, EwIp, 0), text);
  g_assert_cmpstr (text, ==, "203.0.113.5");
  g_assert_nonnull (nothing);
  g_assert_cmpuint (nothing->len, ==, 0);
  /* An answer to another question: keep waiting. */
  g_assert_null (read_answer (good, sizeof good - 1, 0x1235, "edge.example.com", EW_FAMILY_V4));
  g_assert_null (read_answer (good, sizeof good - 1, 0x1234, "other.example.com", EW_FAMILY_V4));
  g_assert_null (read_answer (good, sizeof good - 1, 0x1234, "edge.example.com", EW_FAMILY_V6));
  g_assert_null (read_answer (failed, sizeof failed - 1, 0x1234, "edge.example.com", EW_FAMILY_V4));
  g_assert_null (read_answer (query, sizeof query - 1, 0x1234, "edge.example.com", EW_FAMILY_V4));
  for (gsize length = 0; length < sizeof good - 1; length++)
    g_assert_null (read_answer (good, length, 0x1234, "edge.example.com", EW_FAMILY_V4));
}

/* The shortest of all records: an alias may hold for less than the address that it leads to. */
static void
test_ttl (void)
{
  static const gchar alias[] = HEAD ("\x81\x80", "\2") QUESTION "\xc0\x0c\0\5\0\1\0\0\0\7\0\2\xc0\x11" RECORD;
  static const gchar none[] = HEAD ("\x81\x83", "\0") QUESTION;
  guint32 ttl = G_MAXUINT32;
  g_autoptr (GArray) found
    = ew_outside_read_answer ((const guint8 *)alias, sizeof alias - 1, 0x1234, "edge.example.com", EW_FAMILY_V4, &ttl);

  g_assert_nonnull (found);
  g_assert_cmpuint (found->len, ==, 1);
  g_assert_cmpuint (ttl, ==, 7);
  g_autoptr (GArray) nothing
    = ew_outside_read_answer ((const guint8 *)none, sizeof none - 1, 0x1234, "edge.example.com", EW_FAMILY_V4, &ttl);
  g_assert_nonnull (nothing);
  g_assert_cmpuint (ttl, ==, 7);
}

static void
test_hosts (void)
{
  static const gchar text[] = "127.0.0.1 localhost\n203.0.113.7\tx edge.example.com # y\n#1.1.1.1 edge.example.com\n"
                              "2001:db8::7 EDGE.example.com\nnonsense edge.example.com\n203.0.113.8 edge.example.com.x";
  g_autoptr (GArray) found = ew_outside_read_hosts (text, strlen (text), "edge.example.com");

  g_assert_cmpuint (found->len, ==, 2);
  g_assert_cmpuint (g_array_index (found, EwIp, 1).family, ==, EW_FAMILY_V6);
}

/* Not in VPN mode: the previous resolvers are asked. */
static void
on_found (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  GList *found = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);

  g_assert_no_error (error);
  g_assert_true (g_inet_address_get_is_loopback (found->data));
  g_resolver_free_addresses (found);
  *(gboolean *)user_data = TRUE;
}

static void
test_inactive (void)
{
  g_autoptr (GResolver) system = g_resolver_get_default ();
  g_autoptr (EwOutsideResolver) outside = ew_outside_resolver_new (system, 1);
  gboolean done = FALSE;

  g_resolver_lookup_by_name_async (G_RESOLVER (outside), "localhost", NULL, on_found, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/names/outside/answer", test_answer);
  g_test_add_func ("/names/outside/ttl", test_ttl);
  g_test_add_func ("/names/outside/hosts", test_hosts);
  g_test_add_func ("/names/outside/inactive", test_inactive);
  return g_test_run ();
}
