/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"

static void
test_names (void)
{
  for (gint code = 0; code < EW_ERROR_N; code++)
    {
      g_assert_cmpint (ew_error_from_name (ew_error_get_name (code)), ==, code);
      g_assert_cmpuint (ew_error_get_http_status (code), >=, 400);
    }
  g_assert_cmpstr (ew_error_get_name (EW_ERROR_KEY_USED), ==, "KeyUsed");
  g_assert_cmpstr (ew_error_get_name (EW_ERROR_INTERNAL), ==, "InternalError");
  g_assert_cmpstr (ew_error_get_name (4711), ==, "Failed");
  g_assert_cmpint (ew_error_from_name ("Nothing"), ==, -1);
  g_assert_cmpint (ew_error_from_name (NULL), ==, -1);
  g_assert_cmpuint (ew_error_get_http_status (EW_ERROR_REMOVED), ==, 410);
  g_assert_cmpuint (ew_error_get_http_status (EW_ERROR_KEY_EXPIRED), ==, 422);
}

/* An error keeps its code over the bus, there and back. */
static void
test_dbus (void)
{
  ew_error_register_dbus ();
  ew_error_register_dbus ();
  g_autoptr (GError) error = g_error_new_literal (EW_ERROR, EW_ERROR_ROUTE_OVERLAP, "A sentence.");
  g_autofree gchar *name = g_dbus_error_encode_gerror (error);
  g_autoptr (GError) back = g_dbus_error_new_for_dbus_error (name, "A sentence.");
  g_assert_cmpstr (name, ==, "org.edgeway.Error.RouteOverlap");
  g_assert_error (back, EW_ERROR, EW_ERROR_ROUTE_OVERLAP);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/common/error/names", test_names);
  g_test_add_func ("/common/error/dbus", test_dbus);
  return g_test_run ();
}
