/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/names.h"
#include "common/phrase.h"
#include "names/answer.h"
#include "names/check.h"
#include "names/files.h"
#include "names/module.h"
#include "names/resolved.h"
#include "net/notes.h"
#include "nss/names-socket.h"

#include <string.h>

#define SETTLE_MS 50
#define CHECK_EVERY_S 300
#define FAILURES_MEANT 2 /* in a row, before they are reported */

struct EwNames
{
  EwHost *host;
  EwResolved *resolved;
  EwNamesFiles *files;
  EwNamesCheck *check;
  EwNamesAnswer *answer; /* for Edgeway's module; NULL: never needed, or it can't be made */
  gchar *module_error;   /* why the module isn't in use; NULL: it is, or needn't be */
  EwNamesContest contest;
  guint settle, next; /* timers: the change, the next look-up */

  /* What is wanted; link 0: nothing. */
  guint link;
  gchar *interface, *suffix, *probe;
  gboolean served, refused, working, all;
  gboolean foreign;  /* the suffix isn't the one that this computer has enrolled with or accepted */
  gboolean searched; /* … and the network that it is in has names there */
  GArray *servers;   /* EwIp */
  GArray *ranges;    /* EwPrefix: the mesh's */
  GArray *reverse;   /* EwPrefix: those of ranges that are the mesh's alone here */
  GArray *routes;    /* EwPrefix: accepted */
  GStrv offered;     /* domains of gateways, accepted */
  GStrv domains;     /* whose names are the link's besides SUFFIX */

  EwNamesWay way;
  gboolean answered; /* the last look-up found it */
  guint failures;    /* look-ups in a row */

  gchar *link_local; /* the name server that all other names would be asked of, and can't be led into the tunnel */
  gchar *written;    /* what others have written: services, and resolv.conf */

  gchar *code, *message;
  void (*changed) (gpointer user_data);
  gpointer user_data;
};

static void settle_soon (EwNames *self);

static void
show_result (EwNames *self, const gchar *code, const gchar *message)
{
  if (g_strcmp0 (code, self->code) == 0 && g_strcmp0 (message, self->message) == 0)
    return;
  if (g_strcmp0 (code, self->code) != 0)
    g_message ("names: %s → %s%s%s", self->code, code, *message != '\0' ? ": " : "", message);
  g_free (self->code);
  g_free (self->message);
  self->code = g_strdup (code);
  self->message = g_strdup (message);
  self->changed (self->user_data);
}

/* Reports what prevents names from working before anything is tried; TRUE: something was reported. */
static gboolean
show_obstacle (EwNames *self)
{
  g_autofree gchar *message = NULL;

  if (self->link == 0 || !self->working)
    show_result (self, "not-connected",
                 N_ ("This computer isn't connected to its mesh, so the mesh's names don't work."));
  else if (!self->served)
    show_result (self, "edge-without-names",
                 N_ ("The edge doesn't answer names. Install a newer version of Edgeway on it."));
  else if (self->refused)
    {
      message
        = ew_phrase ("The edge names the mesh's computers below %s, which may be a domain of the internet, so "
                     "this computer doesn't use these names. To use them anyway: `sudo edgewayctl name accept %s`.",
                     self->suffix, self->suffix);
      show_result (self, "suffix-refused", message);
    }
  else if (self->searched)
    {
      message
        = ew_phrase ("The edge now names the mesh's computers below %s, where the network that this computer is in "
                     "may have names of its own, so this computer doesn't use these names. To use them anyway: "
                     "`sudo edgewayctl name accept %s`.",
                     self->suffix, self->suffix);
      show_result (self, "suffix-refused", message);
    }
  else
    return FALSE;
  return TRUE;
}

/* Why programs don't find what the edge knows. */
static void
show_failure (EwNames *self, EwNamesCheckResult result)
{
  g_autofree gchar *message = NULL;
  const gchar *refusal = ew_resolved_get_error (self->resolved);

  if (result == EW_NAMES_CHECK_OTHER)
    {
      message
        = ew_phrase ("Another name server, or /etc/hosts, gives %s another address. Look for which with `edgewayctl "
                     "diagnose`.",
                     self->probe);
      show_result (self, "suffix-taken", message);
    }
  else if (ew_resolved_get_state (self->resolved) == EW_RESOLVED_HUNG)
    show_result (self, "resolver-hung",
                 N_ ("systemd-resolved doesn't answer, so programs wait for names. Restart it with `systemctl restart "
                     "systemd-resolved`."));
  else if (self->way == EW_NAMES_BY_RESOLVED && refusal != NULL)
    {
      message = ew_phrase ("systemd-resolved refuses the mesh's name server: %s", refusal);
      show_result (self, "resolver-refused", message);
    }
  else if (!ew_names_module_is_installed ())
    show_result (self, self->way == EW_NAMES_BY_RESOLVED ? "resolver-not-asked" : "module-missing",
                 N_ ("Programs on this computer don't ask a resolver that knows the mesh, and Edgeway's own module "
                     "(libnss_edgeway) isn't installed. Install Edgeway's package for this system."));
  else if (self->module_error != NULL)
    show_result (self, "nsswitch-refused", self->module_error);
  else if (result == EW_NAMES_CHECK_NOT_FOUND && self->way == EW_NAMES_BY_RESOLVED)
    show_result (
      self, "resolver-not-asked",
      N_ ("systemd-resolved knows the mesh's name server, but programs don't ask it. Look for the reason with "
          "`edgewayctl diagnose`."));
  else
    {
      message = ew_phrase ("The name %s isn't found, although the tunnel works. Look for the reason with `edgewayctl "
                           "diagnose`.",
                           self->probe);
      show_result (self, "no-answer", message);
    }
}

/* The mesh's names are found. */
static void
show_success (EwNames *self)
{
  g_autofree gchar *message = NULL;

  if (!self->all || self->way != EW_NAMES_BY_MODULE || self->link_local == NULL)
    {
      show_result (self, "ok", "");
      return;
    }
  message = ew_phrase ("The mesh's names work, but in VPN mode no other name is found: this network's name server, %s, "
                       "has a link-local address, and questions for it can't go through the tunnel. Add any other "
                       "name server to the network's settings, for example 9.9.9.9: the edge answers in its place.",
                       self->link_local);
  show_result (self, "resolver-link-local", message);
}

/* ---- the look-up */

static gboolean
on_next (gpointer user_data)
{
  EwNames *self = user_data;

  self->next = 0;
  ew_resolved_look (self->resolved);
  ew_names_check_start (self->check, self->probe, (const EwIp *)self->servers->data, self->servers->len);
  return G_SOURCE_REMOVE;
}

static void
check_in (EwNames *self, guint seconds)
{
  g_clear_handle_id (&self->next, g_source_remove);
  self->next = g_timeout_add_seconds (seconds, on_next, self);
}

static void
on_checked (EwNamesCheckResult result, gpointer user_data)
{
  static const guint retry_s[] = { 1, 1, 2, 5, 10, 30, 60 };
  EwNames *self = user_data;

  self->answered = result == EW_NAMES_CHECK_OK;
  if (self->answered)
    {
      self->failures = 0;
      show_success (self);
      check_in (self, CHECK_EVERY_S);
      return;
    }
  self->failures++;
  check_in (self, retry_s[MIN (self->failures, G_N_ELEMENTS (retry_s)) - 1]);
  if (result == EW_NAMES_CHECK_HUNG)
    ew_resolved_look (self->resolved);
  if (self->failures >= FAILURES_MEANT || g_str_equal (self->code, "ok"))
    show_failure (self, result);
}

/* ---- what is set up */

static EwChange *
resolver_change (EwNames *self)
{
  EwChange *change = ew_change_new (EW_CHANGE_RESOLVER);

  change->interface = g_strdup (self->interface);
  change->link = self->link;
  change->value = g_strdup (EW_CHANGE_RESOLVED);
  return change;
}

/* FALSE: it can't be noted, so it isn't made. */
static gboolean
set_resolved (EwNames *self)
{
  g_autoptr (EwChange) change = resolver_change (self);
  g_autoptr (GError) error = NULL;
  const EwResolvedLink link = {
    .link = self->link,
    .servers = (const EwIp *)self->servers->data,
    .n_servers = self->servers->len,
    .suffix = self->suffix,
    .domains = (const gchar *const *)self->domains,
    .default_route = self->all,
  };

  if (!ew_host_note (self->host, change, &error))
    {
      show_result (self, "ledger", error->message);
      return FALSE;
    }
  ew_resolved_set_link (self->resolved, &link);
  return TRUE;
}

/* Programs that ask through Edgeway's module are answered. */
static void
serve_programs (EwNames *self, gboolean wanted)
{
  g_autoptr (GError) error = NULL;
  const EwNamesAnswerConfig config = {
    .suffix = self->suffix,
    .domains = (const gchar *const *)self->offered,
    .service = (const EwIp *)self->servers->data,
    .n_service = self->servers->len,
    .ranges = (const EwPrefix *)self->ranges->data,
    .n_ranges = self->ranges->len,
    .reverse = (const EwPrefix *)self->reverse->data,
    .n_reverse = self->reverse->len,
    .routes = (const EwPrefix *)self->routes->data,
    .n_routes = self->routes->len,
    .interface = self->interface,
    .works = self->working,
  };

  if (wanted && self->answer == NULL)
    {
      self->answer = ew_names_answer_new (EW_NAMES_FOLDER, &error);
      if (self->answer == NULL)
        g_message ("%s", error->message);
    }
  if (self->answer != NULL)
    ew_names_answer_configure (self->answer, wanted ? &config : NULL);
}

static void
use_module (EwNames *self, gboolean use)
{
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&self->module_error, g_free);
  if (!ew_names_module_use (self->host, use && ew_names_module_is_installed (), &self->contest, &error))
    self->module_error = g_strdup (error->message);
}

/* What others have written has changed: what was found out about it doesn't count any more. Edgeway's own words in
   nsswitch.conf are left out. */
static void
look_at_files (EwNames *self, EwNamesFacts *facts)
{
  ew_names_files_read (self->files, facts);
  g_free (self->link_local);
  self->link_local = ew_names_find_link_local (facts->resolv_conf, facts->resolv_conf_length);
  g_auto (GStrv) services = ew_nsswitch_hosts (facts->nsswitch, facts->nsswitch_length);
  g_autoptr (GString) written = g_string_new (NULL);

  for (guint i = 0; services[i] != NULL; i++)
    if (!g_str_has_prefix (services[i], "edgeway"))
      g_string_append_printf (written, "%s ", services[i]);
  g_string_append (written, facts->resolv_conf != NULL ? facts->resolv_conf : "-");
  if (g_strcmp0 (written->str, self->written) == 0)
    return;
  g_free (self->written);
  self->written = g_strdup (written->str);
  self->failures = 0;
}

/* Whether names are to be set up at all. */
static gboolean
is_wanted (const EwNames *self)
{
  return self->link != 0 && self->served && !self->refused && !self->searched && self->servers->len > 0;
}

/* An edge that is hostile now must not get the names of the network. */
static void
look_at_search (EwNames *self)
{
  g_auto (GStrv) domains = ew_resolved_get_domains (self->resolved, self->link);
  EwNamesFacts facts = { 0 };
  gboolean before = self->searched;

  ew_names_files_read (self->files, &facts);
  self->searched = self->foreign && self->suffix != NULL
                   && (ew_names_is_searched (self->suffix, facts.resolv_conf, facts.resolv_conf_length)
                       || ew_names_overlaps (self->suffix, (const gchar *const *)domains));
  if (self->searched && !before)
    ew_resolved_set_link (self->resolved, NULL);
}

static void
settle (EwNames *self)
{
  look_at_search (self);
  EwResolvedState state = ew_resolved_get_state (self->resolved);
  EwNamesFacts facts = { .resolved_answers = state == EW_RESOLVED_ANSWERS };

  if (!is_wanted (self) || !self->working)
    {
      ew_names_check_cancel (self->check);
      g_clear_handle_id (&self->next, g_source_remove);
    }
  serve_programs (self, is_wanted (self));
  if (is_wanted (self))
    {
      look_at_files (self, &facts);
      self->way = ew_names_plan (&facts);
      if (state != EW_RESOLVED_ABSENT && !set_resolved (self))
        return;
      use_module (self, TRUE); /* short names are its, wherever the others are asked */
    }
  if (show_obstacle (self) || state == EW_RESOLVED_UNKNOWN)
    return;
  if (!self->answered && !g_str_equal (self->code, "ok") && self->failures < FAILURES_MEANT)
    show_result (self, "checking", N_ ("Setting up the mesh's names on this computer."));
  if (self->way == EW_NAMES_BY_RESOLVED && !ew_resolved_is_set (self->resolved)
      && ew_resolved_get_error (self->resolved) == NULL)
    return; /* its answers come first */
  check_in (self, 0);
}

static gboolean
on_settle (gpointer user_data)
{
  EwNames *self = user_data;

  self->settle = 0;
  settle (self);
  return G_SOURCE_REMOVE;
}

static void
settle_soon (EwNames *self)
{
  if (self->settle == 0)
    self->settle = g_timeout_add (SETTLE_MS, on_settle, self);
}

static void
on_resolved_changed (gpointer user_data)
{
  settle_soon (user_data);
}

static void
on_files_changed (gpointer user_data)
{
  EwNames *self = user_data;

  ew_resolved_look (self->resolved); /* it rewrites resolv.conf whenever the domains of a network change */
  settle_soon (user_data);
}

/* ---- from outside */

/* The tunnel's interface is removed right after, and the settings with it: so nothing waits for the answer. */
static gboolean
undo_resolver (const EwChange *change, gpointer user_data, GError **error)
{
  EwNames *self = user_data;

  if (change->link == self->link)
    ew_resolved_set_link (self->resolved, NULL);
  else
    ew_resolved_revert (self->resolved, change->link);
  return TRUE;
}

static gboolean
undo_resolver_now (const EwChange *change, gpointer user_data, GError **error)
{
  return ew_resolved_revert_now (NULL, change->link, error);
}

void
ew_names_register_undo (EwHost *host)
{
  ew_host_set_undo (host, EW_CHANGE_RESOLVER, (EwNoteUndo){ undo_resolver_now, NULL });
  ew_names_module_register (host);
}

EwNames *
ew_names_new (EwHost *host, const gchar *bus, void (*changed) (gpointer user_data), gpointer user_data)
{
  EwNames *self = g_new0 (EwNames, 1);

  self->host = host;
  self->code = g_strdup ("not-connected");
  self->message = g_strdup ("");
  self->servers = g_array_new (FALSE, FALSE, sizeof (EwIp));
  self->ranges = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  self->reverse = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  self->routes = g_array_new (FALSE, FALSE, sizeof (EwPrefix));
  self->changed = changed;
  self->user_data = user_data;
  self->resolved = ew_resolved_new (bus, on_resolved_changed, self);
  self->files = ew_names_files_new (on_files_changed, self);
  self->check = ew_names_check_new (on_checked, self);
  ew_host_set_undo (host, EW_CHANGE_RESOLVER, (EwNoteUndo){ undo_resolver, self });
  ew_names_module_register (host);
  return self;
}

void
ew_names_free (EwNames *self)
{
  if (self == NULL)
    return;
  ew_host_set_undo (self->host, EW_CHANGE_RESOLVER, (EwNoteUndo){ NULL, NULL });
  g_clear_handle_id (&self->settle, g_source_remove);
  g_clear_handle_id (&self->next, g_source_remove);
  ew_names_check_free (self->check);
  ew_names_files_free (self->files);
  ew_resolved_free (self->resolved);
  ew_names_answer_free (self->answer);
  g_free (self->module_error);
  g_array_unref (self->servers);
  g_array_unref (self->ranges);
  g_array_unref (self->reverse);
  g_array_unref (self->routes);
  g_strfreev (self->offered);
  g_strfreev (self->domains);
  g_free (self->interface);
  g_free (self->suffix);
  g_free (self->probe);
  g_free (self->link_local);
  g_free (self->written);
  g_free (self->code);
  g_free (self->message);
  g_free (self);
}

/* Routed to the link besides SUFFIX: the reverse zones, what a gateway knows, in VPN mode everything. */
static GStrv
collect_domains (const EwNamesConfig *config)
{
  g_autoptr (GStrvBuilder) domains = g_strv_builder_new ();
  g_auto (GStrv) reverse = ew_names_reverse_domains (config->reverse, config->n_reverse);

  g_strv_builder_addv (domains, (const char **)reverse);
  if (config->domains != NULL)
    g_strv_builder_addv (domains, (const char **)config->domains);
  if (config->all)
    g_strv_builder_add (domains, ".");
  return g_strv_builder_end (domains);
}

static gboolean
same_servers (const EwNames *self, const EwNamesConfig *config)
{
  return self->servers->len == config->n_servers
         && (config->n_servers == 0
             || memcmp (self->servers->data, config->servers, config->n_servers * sizeof (EwIp)) == 0);
}

static void
drop_config (EwNames *self)
{
  if (self->link != 0)
    ew_resolved_set_link (self->resolved, NULL);
  self->link = 0;
  self->contest = (EwNamesContest){ 0 };
  self->working = self->answered = FALSE;
  self->failures = 0;
  ew_names_check_cancel (self->check);
  g_clear_handle_id (&self->next, g_source_remove);
  g_clear_handle_id (&self->settle, g_source_remove);
  serve_programs (self, FALSE);
  show_obstacle (self);
}

void
ew_names_set (EwNames *self, const EwNamesConfig *config)
{
  if (config == NULL)
    {
      drop_config (self);
      return;
    }
  g_auto (GStrv) domains = collect_domains (config);
  g_array_set_size (self->reverse, 0);
  if (config->n_reverse > 0)
    g_array_append_vals (self->reverse, config->reverse, (guint)config->n_reverse);
  g_array_set_size (self->routes, 0);
  if (config->n_routes > 0)
    g_array_append_vals (self->routes, config->routes, (guint)config->n_routes);
  g_strfreev (self->offered);
  self->offered = g_strdupv ((gchar **)config->domains);
  gboolean refused = !ew_names_may_have_suffix (config->suffix, config->accepted_suffix);
  gboolean foreign
    = config->accepted_suffix == NULL || g_ascii_strcasecmp (config->suffix, config->accepted_suffix) != 0;

  if (self->link == config->link && g_strcmp0 (self->interface, config->interface) == 0
      && g_strcmp0 (self->suffix, config->suffix) == 0 && self->served == config->served && self->refused == refused
      && self->foreign == foreign && self->all == config->all && same_servers (self, config)
      && g_strv_equal ((const gchar *const *)self->domains, (const gchar *const *)domains))
    {
      serve_programs (self, is_wanted (self));
      return;
    }
  g_free (self->interface);
  g_free (self->suffix);
  g_free (self->probe);
  g_strfreev (self->domains);
  self->link = config->link;
  self->interface = g_strdup (config->interface);
  self->suffix = g_strdup (config->suffix);
  self->probe = g_strconcat ("edge.", config->suffix, NULL);
  self->domains = g_steal_pointer (&domains);
  self->served = config->served;
  self->refused = refused;
  self->foreign = foreign;
  self->all = config->all;
  g_array_set_size (self->servers, 0);
  g_array_append_vals (self->servers, config->servers, (guint)config->n_servers);
  g_array_set_size (self->ranges, 0);
  g_array_append_vals (self->ranges, config->ranges, (guint)config->n_ranges);
  self->answered = FALSE;
  self->failures = 0;
  if (!is_wanted (self))
    ew_resolved_set_link (self->resolved, NULL);
  settle (self);
}

void
ew_names_set_working (EwNames *self, gboolean working)
{
  if (self->working == working)
    return;
  self->working = working;
  self->answered = FALSE;
  self->failures = 0;
  if (working)
    ew_names_forget_failures (self);
  settle (self);
}

void
ew_names_forget_failures (EwNames *self)
{
  if (self->way == EW_NAMES_BY_RESOLVED)
    ew_resolved_forget_failures (self->resolved);
}

void
ew_names_look (EwNames *self)
{
  if (self->link == 0)
    return;
  self->failures = 0;
  ew_resolved_look (self->resolved);
  settle_soon (self);
}

gboolean
ew_names_by_resolved (EwNames *self)
{
  return self->way == EW_NAMES_BY_RESOLVED;
}

const gchar *
ew_names_get_code (EwNames *self)
{
  return self->code;
}

const gchar *
ew_names_get_message (EwNames *self)
{
  return self->message;
}
