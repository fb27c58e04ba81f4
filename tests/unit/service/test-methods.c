/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The table and the XML say the same, and every property of the XML has a value of its type.
 */
#include <string.h>

#include "service/edgeway-daemon1-info.h"
#include "service/methods.h"
#include "service/service.h"

static void
test_every_method_has_a_row (void)
{
  GDBusMethodInfo **infos = ew_daemon1_interface.methods;
  guint n = 0;

  for (; infos[n] != NULL; n++)
    {
      g_test_message ("%s", infos[n]->name);
      g_assert_nonnull (ew_methods_find (infos[n]->name));
      g_assert_cmpstr (ew_methods_get_all ()[n].name, ==, infos[n]->name);
    }
  g_assert_null (ew_methods_get_all ()[n].name);
  g_assert_cmpuint (n, >, 20);
}

static void
test_rows_are_whole (void)
{
  guint open_to_all = 0;

  for (const EwMethod *method = ew_methods_get_all (); method->name != NULL; method++)
    {
      g_assert_nonnull (method->handle);
      if (method->action == NULL)
        open_to_all++;
      else
        g_assert_true (g_str_has_prefix (method->action, "org.edgeway."));
    }
  g_assert_cmpuint (open_to_all, ==, 3); /* GetStatus, GetPhrase, CancelPrompt */
  g_assert_null (ew_methods_find ("GetStatus")->action);
}

static void
test_what_is_not_there_is_refused (void)
{
  static const gchar *const names[] = { "", "connect", "Connect ", "Introspect", "Get", "org.edgeway.Daemon1.Connect" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_null (ew_methods_find (names[i]));
}

static void
test_actions_are_in_the_policy (void)
{
  g_autofree gchar *policy = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (POLICY, &policy, NULL, &error);
  g_assert_no_error (error);
  for (const EwMethod *method = ew_methods_get_all (); method->name != NULL; method++)
    if (method->action != NULL)
      {
        g_autofree gchar *tag = g_strdup_printf ("<action id=\"%s\">", method->action);
        g_assert_nonnull (strstr (policy, tag));
      }
}

static void
test_properties (void)
{
  g_autoptr (EwTunnel) tunnel = ew_tunnel_new ("/nonexistent", "edgeway0", NULL);
  g_autoptr (EwService) service = ew_service_new (tunnel);
  GDBusPropertyInfo **infos = ew_daemon1_interface.properties;

  for (guint i = 0; infos[i] != NULL; i++)
    {
      g_autoptr (GVariant) value = ew_service_get_property (service, infos[i]->name);
      g_test_message ("%s", infos[i]->name);
      g_assert_nonnull (value);
      g_variant_ref_sink (value);
      g_assert_cmpstr (g_variant_get_type_string (value), ==, infos[i]->signature);
    }
  g_assert_null (ew_service_get_property (service, "Secret"));
  g_assert_null (ew_service_get_property (service, ""));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/service/methods/every-method-has-a-row", test_every_method_has_a_row);
  g_test_add_func ("/service/methods/rows-are-whole", test_rows_are_whole);
  g_test_add_func ("/service/methods/not-there", test_what_is_not_there_is_refused);
  g_test_add_func ("/service/methods/policy", test_actions_are_in_the_policy);
  g_test_add_func ("/service/properties", test_properties);
  return g_test_run ();
}
