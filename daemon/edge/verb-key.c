/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * admin-key, key list, key revoke.
 */
#include <stdio.h>
#include "common/install-lines.h"
#include "common/util.h"
#include "console/listing.h"
#include "edge/verbs.h"
#include "edge/warnings.h"

/* A forgotten key is a door left open: the next user who makes a key sees it. */
static void
print_other_keys (const EwControl *control, const gchar *except)
{
  gint exit_code;
  g_autoptr (JsonObject) answer = ew_control_call (control, "GET", "/v1/keys", NULL, &exit_code);
  g_autofree gchar *text = answer ? ew_listing_keys (&control->terminal, answer, except) : NULL;
  if (text)
    g_printerr ("\nOther open enrollment keys (revoke one with `sudo edgeway-edge key revoke ID`):\n%s", text);
}

static void
print_lines (JsonObject *install)
{
  g_autofree gchar *lines = ew_install_lines (install), *systems = ew_install_systems (install);
  if (lines)
    g_printerr ("\nOn the computer that is to have it (%s), these two lines install Edgeway and ask for the key:\n%s\n",
                systems, lines);
  if (lines && ew_install_has_app (install))
    g_printerr ("On a laptop or desktop, add --app to the end of the second one, for the app and its tray icon too:\n"
                "  sh ~/edgeway-install --app\n");
}

/* Whoever joins with the key looks for the edge where it says that it is. */
static void
print_warnings (const EwControl *control)
{
  gint exit_code;
  g_autoptr (JsonObject) status = ew_control_call (control, "GET", "/v1/status", NULL, &exit_code);
  if (status == NULL)
    return;
  ew_edge_add_warnings (status);
  JsonArray *warnings = ew_json_array (status, "warnings");
  for (guint i = 0; warnings && i < json_array_get_length (warnings); i++)
    g_printerr ("\nedgeway-edge: warning: %s\n", json_array_get_string_element (warnings, i));
}

gint
ew_control_admin_key (const EwControl *control)
{
  gint exit_code;
  g_autoptr (JsonObject) body = json_object_new ();
  json_object_set_int_member (body, "valid_seconds", control->valid_seconds);
  g_autoptr (JsonObject) answer = ew_control_call (control, "POST", "/v1/admin-key", body, &exit_code);
  if (answer == NULL)
    return exit_code;
  printf ("%s\n", ew_json_string (answer, "key"));
  if (fflush (stdout) != 0)
    {
      g_printerr (
        "edgeway-edge: Can't write the key to stdout. Find it with `sudo edgeway-edge key list`, and revoke it.\n");
      return EW_EXIT_FAILED;
    }
  print_lines (ew_json_object (answer, "install"));
  print_other_keys (control, ew_json_string (answer, "id"));
  print_warnings (control);
  return EW_EXIT_DONE;
}

gint
ew_control_key_list (const EwControl *control)
{
  gint exit_code;
  g_autoptr (JsonObject) answer = ew_control_call (control, "GET", "/v1/keys", NULL, &exit_code);
  if (answer == NULL)
    return exit_code;
  g_autofree gchar *text = control->json ? NULL : ew_listing_keys (&control->terminal, answer, NULL);
  if (control->json)
    ew_control_print_json (answer);
  else if (text)
    printf ("%s", text);
  else
    g_printerr ("There are no open enrollment keys.\n");
  return EW_EXIT_DONE;
}

gint
ew_control_key_revoke (const EwControl *control)
{
  g_autofree gchar *path = ew_control_path ("/v1/keys/", control->argument);
  gint exit_code;
  g_autoptr (JsonObject) answer = ew_control_call (control, "DELETE", path, NULL, &exit_code);
  if (answer == NULL)
    return exit_code;
  printf ("Revoked: nobody can join with that key.\n");
  return EW_EXIT_DONE;
}
