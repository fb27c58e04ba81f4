/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * proxy: which HTTP proxy leads to the edge, and the password that it asks for. A password comes from a file, from
 * standard input or from a prompt without echo, never from an argument.
 */
#include "ctl.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/util.h"
#include "console/format.h"

#define PASSWORD_MAX 512
#define USER_MAX 256
#define URL_MAX 2048
#define ASKS_WITHIN_US (4 * (gint64)G_USEC_PER_SEC) /* a proxy that has just been set */

static const gchar *
get_asking (EwCtl *ctl)
{
  const gchar *asks = ew_daemon1_get_proxy_asks (ew_link_get_proxy (ctl->link));

  return asks != NULL ? asks : "";
}

/* Passwords. */

/* The first line of a file, or of standard input. */
static gchar *
read_password (const gchar *file, GError **error)
{
  gchar *text = NULL, *password = NULL;
  gsize length = 0;

  if (g_str_equal (file, "-"))
    {
      text = g_malloc0 (PASSWORD_MAX + 2);
      length = fread (text, 1, PASSWORD_MAX + 1, stdin);
    }
  else if (!ew_file_read (file, PASSWORD_MAX + 2, &text, &length, error))
    return NULL;
  password = g_strndup (text, strcspn (text, "\r\n"));
  ew_zero (text, length);
  g_free (text);
  return password;
}

static gboolean
can_ask (void)
{
  return isatty (STDIN_FILENO) && isatty (STDERR_FILENO);
}

/* place: the proxy's, cleaned; NULL: it's in the command. */
static gchar *
ask_password (const gchar *user, const gchar *place, GError **error)
{
  g_autofree gchar *prompt = place != NULL
                               ? g_strdup_printf ("Password of %s for the proxy %s (it isn't shown): ", user, place)
                               : g_strdup_printf ("Password of %s (it isn't shown): ", user);
  gchar *password = can_ask () ? ew_terminal_ask_secret (prompt, "", NULL, NULL) : NULL;

  if (password != NULL)
    password[strcspn (password, "\r\n")] = '\0';
  else
    g_set_error_literal (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                         "No password was given. Type it at the prompt, or use --password-file FILE, or "
                         "--password-file - to read it from standard input.");
  return password;
}

static gchar *
ask_user (const gchar *place, gboolean asks)
{
  gchar line[USER_MAX + 1];

  if (asks)
    ew_ctl_hint ("The proxy %s asks for a user name and a password.\nUser name: ", place);
  else
    ew_ctl_hint ("User name for the proxy %s: ", place);
  if (fgets (line, sizeof line, stdin) == NULL)
    return NULL;
  g_strstrip (line);
  return *line != '\0' ? g_strdup (line) : NULL;
}

static gboolean
send_password (EwCtl *ctl, const gchar *place, const gchar *user, const gchar *password, GError **error)
{
  g_autoptr (GVariant) answer
    = ew_link_call (ctl->link, "SetProxyPassword", g_variant_new ("(sss)", place, user, password), error);

  return answer != NULL;
}

/* What isn't given is asked for. FALSE without an error: the person gave no user name. */
static gboolean
store_password (EwCtl *ctl, const gchar *place, const gchar *user, const gchar *file, GError **error)
{
  g_autofree gchar *shown = ew_terminal_clean (&ctl->terminal, place);
  g_autofree gchar *name = user != NULL ? g_strdup (user) : ask_user (shown, g_str_equal (place, get_asking (ctl)));
  gchar *password = NULL;
  gboolean done;

  if (name == NULL)
    return FALSE;
  password = file != NULL ? read_password (file, error) : ask_password (name, shown, error);
  done = password != NULL && send_password (ctl, place, name, password, error);
  ew_free_secret (password);
  return done;
}

gboolean
ew_ctl_ask_proxy_password (EwCtl *ctl)
{
  g_autofree gchar *place = g_strdup (get_asking (ctl)); /* another may ask by the time it's answered */
  g_autoptr (GError) error = NULL;
  gboolean done;

  if (*place == '\0' || !can_ask ())
    return FALSE;
  done = store_password (ctl, place, NULL, NULL, &error);
  if (error != NULL)
    (void)ew_ctl_fail (ctl, error);
  return done;
}

/* Verbs. */

static gint
show_proxy (EwCtl *ctl, gboolean json)
{
  g_autoptr (JsonObject) status = NULL;
  g_autoptr (GError) error = NULL;

  if (ew_ctl_open (ctl, &error) == NULL || (status = ew_link_call_json (ctl->link, "GetStatus", NULL, &error)) == NULL)
    return ew_ctl_fail (ctl, error);
  JsonObject *proxy = ew_json_object (status, "proxy");
  if (proxy == NULL)
    proxy = json_object_new ();
  else
    json_object_ref (proxy);
  g_autoptr (JsonObject) owned = proxy;
  if (json)
    {
      json_object_set_int_member (proxy, "schema", 1);
      return ew_ctl_print_json (proxy), EW_EXIT_DONE;
    }
  g_autofree gchar *choice = ew_format_get_text (&ctl->terminal, proxy, "choice", "auto");
  g_autofree gchar *in_use = ew_format_get_text (&ctl->terminal, proxy, "in_use", "");
  ew_ctl_print ("%s\n", *choice != '\0' ? choice : "unusable");
  if (*choice == '\0')
    ew_ctl_hint ("What is stored can't be used. Choose again: sudo edgewayctl proxy auto\n");
  else if (g_str_equal (choice, "auto") && *in_use != '\0')
    ew_ctl_print ("Now the proxy %s leads to the edge.\n", in_use);
  else if (g_str_equal (choice, "auto"))
    ew_ctl_print ("Now no proxy leads to the edge.\n");
  if (ew_json_bool (proxy, "asks_password", FALSE))
    ew_ctl_hint ("It asks for a user name and a password: sudo edgewayctl proxy password\n");
  return EW_EXIT_DONE;
}

/* Whose password is meant where no proxy is named: that of the one that asks now, else of the one in use. "": none. */
static gchar *
find_meant (EwCtl *ctl)
{
  g_autoptr (JsonObject) status = NULL;
  JsonObject *proxy;
  const gchar *in_use;

  if (*get_asking (ctl) != '\0')
    return g_strdup (get_asking (ctl));
  status = ew_link_look (ctl->link, "GetStatus", NULL);
  proxy = status != NULL ? ew_json_object (status, "proxy") : NULL;
  in_use = proxy != NULL ? ew_json_string (proxy, "in_use") : NULL;
  return g_strdup (in_use != NULL ? in_use : "");
}

/* Which proxy it is stands before the password is typed: another one that asks by then doesn't get it. */
static gint
set_password (EwCtl *ctl, const gchar *proxy, const gchar *user, const gchar *file)
{
  g_autoptr (GError) error = NULL;

  if (ew_ctl_open (ctl, &error) == NULL)
    return ew_ctl_fail (ctl, error);
  g_autofree gchar *place = proxy != NULL ? g_strdup (proxy) : find_meant (ctl);
  if (proxy == NULL && user == NULL && *get_asking (ctl) == '\0')
    return ew_ctl_usage (ctl, "No proxy asks for a password. Name the proxy or use --user NAME to store one anyway.");
  if (user == NULL && !can_ask ())
    return ew_ctl_usage (ctl, "Without a terminal, use --user NAME and --password-file FILE.");
  if (*place == '\0')
    return ew_ctl_usage (ctl, "No proxy is in use here. Name the one that gets the password: HOST:PORT.");
  if (!store_password (ctl, place, user, file, &error))
    return error != NULL ? ew_ctl_fail (ctl, error) : ew_ctl_usage (ctl, "No user name was given.");
  g_autofree gchar *shown = ew_terminal_clean (&ctl->terminal, place);
  ew_ctl_print ("Stored for the proxy %s.\n", shown);
  return EW_EXIT_DONE;
}

/* What a proxy that has just been set answers is known soon, where there is a tunnel to make. */
static void
wait_for_question (EwCtl *ctl)
{
  const gint64 deadline = g_get_monotonic_time () + ASKS_WITHIN_US;
  EwDaemon1 *daemon = ew_link_get_proxy (ctl->link);

  while (*get_asking (ctl) == '\0' && g_strcmp0 (ew_daemon1_get_state (daemon), "connected") != 0
         && ew_link_wait_change (ctl->link, deadline))
    ;
}

static gint
choose_proxy (EwCtl *ctl, const gchar *proxy, const gchar *user, const gchar *password)
{
  const gboolean is_url = !g_str_equal (proxy, "auto") && !g_str_equal (proxy, "off");
  const gint exit_code = ew_ctl_do (
    ctl, "SetProxy", g_variant_new ("(sss)", proxy, user != NULL ? user : "", password),
    is_url                        ? "This proxy is used to reach the edge. To see whether it works: edgewayctl diagnose"
    : g_str_equal (proxy, "auto") ? "The proxy of the environment or the desktop leads to the edge, if there is one."
                                  : "No proxy leads to the edge.");

  if (exit_code != EW_EXIT_DONE || !is_url || user != NULL || !can_ask ())
    return exit_code;
  wait_for_question (ctl);
  if (*get_asking (ctl) != '\0')
    (void)ew_ctl_ask_proxy_password (ctl);
  return EW_EXIT_DONE;
}

/* A password in a URL: removed from the command line that others on this computer see. */
static gboolean
hides_password (gchar *url)
{
  gchar *end = strrchr (url, '@');

  if (end == NULL)
    return FALSE;
  memset (url, '*', (gsize)(end - url));
  return TRUE;
}

/* From standard input, the URL may hold a password. */
static gint
choose_from_stdin (EwCtl *ctl, const gchar *user, const gchar *password)
{
  gchar *url = g_malloc0 (URL_MAX + 1);
  const gsize length = fread (url, 1, URL_MAX, stdin);
  gint exit_code;

  url[strcspn (url, "\r\n")] = '\0';
  exit_code = *g_strstrip (url) != '\0' ? choose_proxy (ctl, url, user, password)
                                        : ew_ctl_usage (ctl, "Standard input has no URL.");
  ew_zero (url, length);
  g_free (url);
  return exit_code;
}

static gint
run_action (EwCtl *ctl, gint argc, gchar **argv, const gchar *user, const gchar *password)
{
  const gchar *action = argc > 1 ? argv[1] : "show";

  if (g_str_equal (action, "set") && argc == 3 && g_str_equal (argv[2], "-"))
    return choose_from_stdin (ctl, user, password);
  if (g_str_equal (action, "set") && argc == 3)
    return choose_proxy (ctl, argv[2], user, password);
  if (argc > 2)
    return ew_ctl_usage (ctl, "A URL belongs to set and password.");
  if (g_str_equal (action, "auto") || g_str_equal (action, "off"))
    return choose_proxy (ctl, action, NULL, "");
  return ew_ctl_usage (ctl, "Choose show, set URL, off, auto or password.");
}

gint
ew_verb_proxy (EwCtl *ctl, gint argc, gchar **argv)
{
  g_autofree gchar *user = NULL, *file = NULL;
  gboolean json = FALSE;
  const GOptionEntry entries[] = {
    { "user", 0, 0, G_OPTION_ARG_STRING, &user, "The name that the proxy asks for; the password is asked for", "NAME" },
    { "password-file", 0, 0, G_OPTION_ARG_FILENAME, &file,
      "Read the password from a file, or from standard input with -", "FILE" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON, for programs", NULL },
    { NULL },
  };
  g_autoptr (GError) error = NULL;
  gchar *password = NULL;
  gint exit_code;

  if (!ew_ctl_parse (ctl, entries, &argc, &argv, 0, 2, &exit_code))
    return exit_code;
  if (argc < 2 || g_str_equal (argv[1], "show"))
    return argc < 3 && user == NULL && file == NULL ? show_proxy (ctl, json)
                                                    : ew_ctl_usage (ctl, "show takes no other arguments.");
  if (json || (file != NULL && user == NULL))
    return ew_ctl_usage (ctl, json ? "--json belongs to show." : "--password-file needs --user NAME.");
  if (user != NULL && !g_str_equal (argv[1], "set") && !g_str_equal (argv[1], "password"))
    return ew_ctl_usage (ctl, "--user belongs to set and password.");
  if (argc > 2 && hides_password (argv[2]))
    return ew_ctl_usage (ctl, "Others on this computer can see a password given as an argument. Write the URL as "
                              "http://HOST:PORT, and use --user NAME: the password is asked for.");
  if (g_str_equal (argv[1], "password"))
    return set_password (ctl, argc > 2 ? argv[2] : NULL, user, file);
  if (user != NULL)
    password = file != NULL ? read_password (file, &error) : ask_password (user, NULL, &error);
  if (error != NULL)
    return ew_ctl_fail (ctl, error);
  exit_code = run_action (ctl, argc, argv, user, password != NULL ? password : "");
  ew_free_secret (password);
  return exit_code;
}
