/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * enroll, leave. The key comes from a file, from standard input or from a prompt without echo, which asks again after a
 * wrong one; an argument works too, with a warning: other users of this computer see arguments.
 */
#include "ctl.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/domain.h"
#include "common/enrollment-key.h"
#include "common/error.h"
#include "common/util.h"

#define PASSWORD_TRIES 3

static gchar *
read_stdin (GError **error)
{
  gchar *text = g_malloc0 (EW_KEY_TEXT_MAX + 1), *key = NULL;
  gsize length = fread (text, 1, EW_KEY_TEXT_MAX, stdin);

  if (length > 0)
    key = ew_enrollment_key_find (text, length, error);
  else
    g_set_error_literal (error, EW_ERROR, EW_ERROR_KEY_INVALID,
                         "Standard input is empty. Give the enrollment key, a line that begins with ew1_.");
  ew_zero (text, length);
  g_free (text);
  return key;
}

static gchar *
read_file (const gchar *file, GError **error)
{
  gchar *text = NULL, *key;
  gsize length = 0;

  if (!ew_file_read (file, EW_KEY_TEXT_MAX, &text, &length, error))
    return NULL;
  key = ew_enrollment_key_find (text, length, error);
  ew_zero (text, length);
  g_free (text);
  return key;
}

/* The key in what the person gave: a key, a link or a file. */
static gchar *
find_given (gchar *text, GError **error)
{
  gchar *key = ew_enrollment_key_find (text, strlen (text), error);

  ew_free_secret (text);
  return key;
}

static gboolean
is_whole (const gchar *text)
{
  gchar *key = ew_enrollment_key_find (text, strlen (text), NULL);
  const gboolean found = key != NULL;

  ew_free_secret (key);
  return found;
}

/* argument: removed from the command line that other users see, before a password is asked for. */
static gchar *
read_key (const gchar *file, gchar *argument, GError **error)
{
  gchar *copy;

  if (argument != NULL)
    {
      ew_ctl_hint ("edgewayctl: warning: Others on this computer can see a key given as an argument. Run `edgewayctl "
                   "enroll` alone, and it asks for the key.\n");
      copy = g_strdup (argument);
      memset (argument, '*', strlen (argument));
      return find_given (copy, error);
    }
  return g_str_equal (file, "-") ? read_stdin (error) : read_file (file, error);
}

/* NULL without an error: nothing was typed, or there is no terminal. */
static gchar *
ask_for_key (const gchar *prompt, GError **error)
{
  gchar *text
    = isatty (STDIN_FILENO)
        ? ew_terminal_ask_secret (prompt, "The key isn't complete. Paste the rest, or press Enter to start again: ",
                                  ew_enrollment_key_is_cut, is_whole)
        : NULL;

  return text != NULL ? find_given (text, error) : NULL;
}

/* Tells a person, before anything is sent, which edge the key leads to. The mesh's name isn't proved yet. */
static void
print_where (const EwEnrollmentKey *key)
{
  g_autofree gchar *edges = g_strjoinv (", ", key->api);

  if (!isatty (STDERR_FILENO))
    return;
  if (key->mesh != NULL)
    ew_ctl_hint ("Joining %s at %s …\n", key->mesh, edges);
  else
    ew_ctl_hint ("Joining the mesh at %s …\n", edges);
}

/* What was offered in this computer's name before it joined. */

static gboolean
ask_to_forward (const gchar *cidr)
{
  g_autofree gchar *question
    = g_strdup_printf ("The administrator asks this computer to forward %s. Accept? [y/N] ", cidr);

  return ew_terminal_ask (question);
}

static void
settle_route (EwCtl *ctl, const gchar *cidr, gboolean accept)
{
  gboolean can_ask = isatty (STDIN_FILENO) && isatty (STDERR_FILENO);
  g_autofree gchar *shown = ew_terminal_clean (&ctl->terminal, cidr);
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GError) error = NULL;

  if (!accept && (!can_ask || !ask_to_forward (shown)))
    {
      ew_ctl_hint ("To forward %s%s: sudo edgewayctl route accept %s\n", shown,
                   can_ask ? " later" : ", as the administrator asks this computer to", shown);
      return;
    }
  answer = ew_link_call (ctl->link, "AcceptRoute", g_variant_new ("(s)", cidr), &error);
  if (answer != NULL)
    ew_ctl_print ("This computer forwards %s.\n", shown);
  else
    {
      g_autofree gchar *why = ew_terminal_clean (&ctl->terminal, error->message);
      ew_ctl_hint ("edgewayctl: warning: %s isn't forwarded: %s\n", shown, why);
    }
}

static void
settle_routes (EwCtl *ctl, gboolean accept)
{
  g_autoptr (JsonObject) answer = ew_link_call_json (ctl->link, "ListRoutes", NULL, NULL);
  JsonArray *routes = answer != NULL ? ew_json_array (answer, "routes") : NULL;

  for (guint i = 0; routes != NULL && i < json_array_get_length (routes); i++)
    {
      JsonNode *element = json_array_get_element (routes, i);
      JsonObject *route = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      const gchar *cidr = route != NULL ? ew_json_string (route, "cidr") : NULL;
      if (cidr != NULL && g_strcmp0 (ew_json_string (route, "state"), "unaccepted-forward") == 0)
        settle_route (ctl, cidr, accept);
    }
}

/* Which names are the mesh's from now on: the edge has chosen them, and may be hostile. What may be a domain of the
   internet edgewayd takes only when told to. */
static void
settle_suffix (EwCtl *ctl, const gchar *suffix)
{
  gboolean can_ask = isatty (STDIN_FILENO) && isatty (STDERR_FILENO);
  g_autofree gchar *shown = ew_terminal_clean (&ctl->terminal, suffix);
  g_autofree gchar *question = g_strdup_printf ("Look up names below %s in the mesh? [y/N] ", shown);
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GError) error = NULL;

  if (!ew_suffix_is_private (suffix))
    {
      ew_ctl_hint ("The edge names the mesh's computers below %s, which may be a domain of the internet.\n", shown);
      if (!can_ask || !ew_terminal_ask (question))
        {
          ew_ctl_hint ("To use these names%s: sudo edgewayctl name accept %s\n", can_ask ? " later" : "", shown);
          return;
        }
      answer = ew_link_call (ctl->link, "AcceptDomain", g_variant_new ("(s)", suffix), &error);
      if (answer == NULL)
        {
          g_autofree gchar *why = ew_terminal_clean (&ctl->terminal, error->message);
          ew_ctl_hint ("edgewayctl: warning: These names aren't used: %s\n", why);
          return;
        }
    }
  ew_ctl_print ("Names below %s are now this mesh's.\n", shown);
}

/* A proxy may ask for a password first; a person has some tries. */
static GVariant *
join_mesh (EwCtl *ctl, const gchar *key, const gchar *name, GError **error)
{
  GVariant *answer;
  guint tries = 0;

  do
    {
      g_clear_error (error);
      answer = ew_link_call (ctl->link, "Enroll",
                             g_variant_new ("(ss@a{sv})", key, name != NULL ? name : "", g_variant_new ("a{sv}", NULL)),
                             error);
    }
  while (answer == NULL && g_error_matches (*error, EW_ERROR, EW_ERROR_PROXY_PASSWORD) && tries++ < PASSWORD_TRIES
         && ew_ctl_ask_proxy_password (ctl));
  return answer;
}

/* Checked here first, so that a truncated key doesn't cost a password prompt. */
static gboolean
enroll_with (EwCtl *ctl, const gchar *key, const gchar *name, gboolean accept, GError **error)
{
  g_autoptr (EwEnrollmentKey) parsed = ew_enrollment_key_parse (key, error);
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (JsonObject) status = NULL;

  if (parsed == NULL || ew_ctl_open (ctl, error) == NULL)
    return FALSE;
  print_where (parsed);
  answer = join_mesh (ctl, key, name, error);
  if (answer == NULL)
    return FALSE;
  status = ew_link_call_json (ctl->link, "GetStatus", NULL, NULL);
  if (status != NULL)
    {
      g_autofree gchar *mesh = ew_terminal_clean (&ctl->terminal, ew_json_string (status, "mesh"));
      g_autofree gchar *own = ew_terminal_clean (&ctl->terminal, ew_json_string (status, "name"));
      ew_ctl_print ("Joined the mesh %s as %s.\n", mesh, own);
      if (name != NULL && !g_str_equal (name, own))
        ew_ctl_hint ("The key was made for %s, so --name wasn't used.\n", own);
      const gchar *suffix = ew_json_string (status, "suffix");
      if (suffix != NULL && *suffix != '\0')
        settle_suffix (ctl, suffix);
    }
  settle_routes (ctl, accept);
  return TRUE;
}

/* Another key may do better. */
static gboolean
is_about_key (const GError *error)
{
  return g_error_matches (error, EW_ERROR, EW_ERROR_KEY_INVALID) || g_error_matches (error, EW_ERROR, EW_ERROR_KEY_USED)
         || g_error_matches (error, EW_ERROR, EW_ERROR_KEY_EXPIRED);
}

/* Until a key is taken, or the person gives none. */
static gint
enroll_by_asking (EwCtl *ctl, const gchar *name, gboolean accept)
{
  static const gchar *const prompts[]
    = { "Enrollment key (it isn't shown): ", "Enrollment key (it isn't shown; press Enter to stop): " };
  gboolean again = FALSE;

  for (gint exit_code = EW_EXIT_FAILED;; again = TRUE)
    {
      g_autoptr (GError) error = NULL;
      gchar *key = ask_for_key (prompts[again], &error);
      const gboolean done = key != NULL && enroll_with (ctl, key, name, accept, &error);
      ew_free_secret (key);
      if (done)
        return EW_EXIT_DONE;
      if (error == NULL && !again)
        ew_ctl_hint ("edgewayctl: No enrollment key was given. Type it at the prompt, or use --key-file FILE, or "
                     "--key-file - to read it from standard input.\n");
      if (error == NULL)
        return exit_code;
      exit_code = ew_ctl_fail (ctl, error);
      if (!is_about_key (error))
        return exit_code;
    }
}

gint
ew_verb_enroll (EwCtl *ctl, gint argc, gchar **argv)
{
  g_autofree gchar *name = NULL, *file = NULL;
  gboolean accept = FALSE;
  const GOptionEntry entries[] = {
    { "name", 0, 0, G_OPTION_ARG_STRING, &name, "The node's name (default: made from the host name)", "NAME" },
    { "key-file", 0, 0, G_OPTION_ARG_FILENAME, &file, "Read the key from a file, or from standard input with -",
      "FILE" },
    { "accept", 0, 0, G_OPTION_ARG_NONE, &accept, "Forward what the administrator offered through this computer",
      NULL },
    { NULL },
  };
  g_autoptr (GError) error = NULL;
  gchar *key;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 1, &exit_code))
    return exit_code;
  if (file != NULL && argc > 1)
    return ew_ctl_usage (ctl, "The key is given twice, as an argument and as a file.");
  if (name != NULL && !ew_name_check (name, &error))
    return ew_ctl_usage (ctl, "%s", error->message);
  if (file == NULL && argc == 1)
    return enroll_by_asking (ctl, name, accept);
  key = read_key (file, argc > 1 ? argv[1] : NULL, &error);
  exit_code = key != NULL && enroll_with (ctl, key, name, accept, &error) ? EW_EXIT_DONE : ew_ctl_fail (ctl, error);
  ew_free_secret (key);
  return exit_code;
}

/* leave. */

static gboolean
is_administrator (JsonObject *node)
{
  return node != NULL && g_strcmp0 (ew_json_string (node, "role"), "admin") == 0;
}

/* Whether the mesh has no administrator left after this computer leaves. Also FALSE where the edge cannot be asked, or
   only with a password. */
static gboolean
is_last_administrator (EwCtl *ctl)
{
  g_autoptr (JsonObject) status = ew_link_look (ctl->link, "GetStatus", NULL), answer = NULL;
  const gchar *state = status != NULL ? ew_json_string (status, "state") : NULL;
  JsonArray *nodes;

  /* In other states the daemon is still looking for the edge, and the call would only wait for that. */
  if (!is_administrator (status) || (g_strcmp0 (state, "connected") != 0 && g_strcmp0 (state, "disconnected") != 0))
    return FALSE;
  answer = ew_link_look (ctl->link, "ListNodes", NULL);
  nodes = answer != NULL ? ew_json_array (answer, "nodes") : NULL;
  for (guint i = 0; nodes != NULL && i < json_array_get_length (nodes); i++)
    {
      JsonNode *element = json_array_get_element (nodes, i);
      JsonObject *node = JSON_NODE_HOLDS_OBJECT (element) ? json_node_get_object (element) : NULL;
      if (is_administrator (node) && !ew_json_bool (node, "self", FALSE)
          && g_strcmp0 (ew_json_string (node, "state"), "not-joined") != 0)
        return FALSE;
    }
  return nodes != NULL;
}

/* Warns; a person at a terminal is asked. FALSE: they want to stay. */
static gboolean
confirm_last_administrator (void)
{
  ew_ctl_hint ("edgewayctl: warning: This computer is the mesh's last administrator. After it has left, make a new "
               "administrator's key on the edge: sudo edgeway-edge admin-key\n");
  if (!isatty (STDIN_FILENO) || !isatty (STDERR_FILENO))
    return TRUE;
  return ew_terminal_ask ("Leave anyway? [y/N] ");
}

gint
ew_verb_leave (EwCtl *ctl, gint argc, gchar **argv)
{
  const GOptionEntry entries[] = { { NULL } };
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (JsonObject) status = NULL;
  g_autoptr (GError) error = NULL;
  const gchar *name;
  gboolean edge_told;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 0, &exit_code))
    return exit_code;
  if (ew_ctl_open (ctl, &error) == NULL)
    return ew_ctl_fail (ctl, error);
  if (is_last_administrator (ctl) && !confirm_last_administrator ())
    {
      ew_ctl_hint ("edgewayctl: Nothing was changed: this computer stays in the mesh.\n");
      return EW_EXIT_FAILED;
    }
  status = ew_link_look (ctl->link, "GetStatus", NULL);
  name = status != NULL ? ew_json_string (status, "name") : NULL;
  answer = ew_link_call (ctl->link, "Leave", NULL, &error);
  if (answer == NULL)
    return ew_ctl_fail (ctl, error);
  g_variant_get (answer, "(b)", &edge_told);
  ew_ctl_print ("This computer has left the mesh, and its keys are erased.\n");
  if (!edge_told)
    ew_ctl_hint ("The edge couldn't be told, so it still lists this computer. An administrator can remove it: sudo "
                 "edgewayctl node remove %s\n",
                 name != NULL ? name : "NAME");
  return EW_EXIT_DONE;
}
