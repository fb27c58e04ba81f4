/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/publish/proxy.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/phrase.h"
#include "common/util.h"
#include "edge/publish/nginx-config.h"

#define CONFIG "nginx.conf"
#define NEW_CONFIG "nginx.conf.new"
#define TEST_LOG "test.log"
#define LOG_MAX (64 * 1024)
#define REASON_MAX 200
#define RETRY_MAX_S 60
#define MISSING_S 30
#define STABLE_US (60 * G_TIME_SPAN_SECOND) /* one that ran so long may be started again at once */

struct EwProxy
{
  EwLauncher *launcher;
  gchar *folder;
  gchar *wanted, *tested; /* configurations: what it should do; what is being tested, or was */
  guint test, nginx;      /* runs of the launcher; 0: none */
  gboolean stopping;      /* nginx was told to end */
  EwProxyState state;
  gchar *message;
  guint retry, retry_s;
  gint64 started_us;
  void (*taken) (gpointer user_data);
  gpointer user_data;
};

static const gchar *const start_command[] = { EW_PUBLISH_NGINX, "-p", ".", "-c", CONFIG, "-e", "stderr", NULL };
static const gchar *const test_command[]
  = { EW_PUBLISH_NGINX, "-t", "-q", "-p", ".", "-c", NEW_CONFIG, "-e", "stderr", NULL };

static void follow_wish (EwProxy *self);

/* Takes message. */
static void
set_state (EwProxy *self, EwProxyState state, gchar *message)
{
  if (message && g_strcmp0 (message, self->message) != 0)
    g_warning ("published names: %s", message);
  if (state == EW_PROXY_RUNNING && self->state != state)
    g_message ("published names: nginx runs");
  self->state = state;
  g_free (self->message);
  self->message = message;
}

gchar *
ew_publish_find_reason (const gchar *log)
{
  static const gchar *const weights[] = { "[emerg] ", "[alert] ", "[crit] " };
  g_autofree gchar *valid = g_utf8_make_valid (log, -1);
  for (gsize i = 0; i < G_N_ELEMENTS (weights); i++)
    {
      gchar *line = strstr (valid, weights[i]);
      if (line == NULL)
        continue;
      line += strlen (weights[i]);
      line[strcspn (line, "\n")] = '\0';
      /* "123#123: " is whose words they are. */
      gchar *words = strstr (line, ": ");
      return ew_text_one_line (words && strspn (line, "0123456789#") == (gsize)(words - line) ? words + 2 : line,
                               REASON_MAX);
    }
  return NULL;
}

/* Retries. */

static gboolean
on_retry (gpointer user_data)
{
  EwProxy *self = user_data;
  self->retry = 0;
  follow_wish (self);
  return G_SOURCE_REMOVE;
}

static void
retry_within (EwProxy *self, guint seconds)
{
  if (self->retry == 0)
    self->retry = g_timeout_add_seconds (seconds, on_retry, self);
}

/* Starting. */

static void
remove_file (EwProxy *self, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (self->folder, name, NULL);
  g_unlink (path);
}

static void
start_nginx (EwProxy *self)
{
  remove_file (self, EW_PUBLISH_SOCKET); /* a killed one leaves it, and the next couldn't listen there */
  self->nginx = ew_publish_launcher_run (self->launcher, start_command, NULL);
  self->started_us = g_get_monotonic_time ();
  if (self->nginx)
    set_state (self, EW_PROXY_RUNNING, NULL);
}

/* The tested configuration becomes nginx's. */
static void
take_config (EwProxy *self)
{
  g_autofree gchar *new_path = g_build_filename (self->folder, NEW_CONFIG, NULL);
  g_autofree gchar *path = g_build_filename (self->folder, CONFIG, NULL);
  if (g_rename (new_path, path) != 0)
    {
      set_state (self, EW_PROXY_FAILED, ew_phrase ("nginx's configuration can't be written: %s.", g_strerror (errno)));
      return;
    }
  if (self->nginx == 0)
    start_nginx (self);
  else
    {
      ew_publish_launcher_signal (self->launcher, self->nginx, SIGHUP);
      set_state (self, EW_PROXY_RUNNING, NULL);
    }
  self->taken (self->user_data);
}

static void
refuse_config (EwProxy *self)
{
  g_autofree gchar *path = g_build_filename (self->folder, TEST_LOG, NULL), *log = NULL, *reason = NULL;
  if (ew_file_read (path, LOG_MAX, &log, NULL, NULL))
    reason = ew_publish_find_reason (log);
  set_state (self, self->nginx ? EW_PROXY_RUNNING : EW_PROXY_FAILED,
             reason ? ew_phrase ("nginx refuses the new configuration: %s.", reason)
                    : ew_phrase ("nginx refuses the new configuration. See the edge's log: `journalctl -u "
                                 "edgeway-edge`."));
}

static void
start_test (EwProxy *self)
{
  g_autofree gchar *path = g_build_filename (self->folder, NEW_CONFIG, NULL);
  g_autoptr (GError) error = NULL;
  g_free (self->tested);
  self->tested = g_strdup (self->wanted);
  if (!ew_file_write_atomic (path, self->tested, -1, 0600, &error))
    {
      set_state (self, self->nginx ? EW_PROXY_RUNNING : EW_PROXY_FAILED,
                 ew_phrase ("nginx's configuration can't be written: %s.", error->message));
      retry_within (self, RETRY_MAX_S);
      return;
    }
  self->test = ew_publish_launcher_run (self->launcher, test_command, TEST_LOG);
  if (self->nginx == 0)
    set_state (self, EW_PROXY_STARTING, NULL);
}

static gboolean
is_startable (EwProxy *self)
{
  if (self->launcher == NULL)
    set_state (self, EW_PROXY_FAILED,
               ew_phrase ("The edge can't start nginx. Restart the edge: `sudo systemctl restart edgeway-edge`."));
  else if (access (EW_PUBLISH_NGINX, F_OK) != 0)
    {
      set_state (
        self, EW_PROXY_MISSING,
        ew_phrase ("nginx isn't installed on the edge's host. Install it there: `sudo apt install "
                   "nginx-light`, then `sudo systemctl disable --now nginx`, because the edge starts its own."));
      retry_within (self, MISSING_S);
    }
  else
    return TRUE;
  return FALSE;
}

static void
follow_wish (EwProxy *self)
{
  if (self->test || (self->stopping && self->wanted))
    return; /* then */
  if (self->wanted == NULL)
    {
      g_clear_handle_id (&self->retry, g_source_remove);
      g_clear_pointer (&self->tested, g_free);
      if (self->nginx && !self->stopping)
        ew_publish_launcher_signal (self->launcher, self->nginx, SIGTERM);
      self->stopping = self->nginx != 0;
      set_state (self, EW_PROXY_OFF, NULL);
      return;
    }
  /* Also one that was refused: what nginx complained about may be different now. */
  if ((self->nginx == 0 || g_strcmp0 (self->wanted, self->tested) != 0) && is_startable (self))
    start_test (self);
}

/* Endings. */

static void
on_test_ended (EwProxy *self, gint status)
{
  self->test = 0;
  if (self->wanted == NULL || !g_str_equal (self->wanted, self->tested))
    ; /* there is another wish in the meantime */
  else if (status == 0)
    take_config (self);
  else
    {
      refuse_config (self);
      if (self->nginx == 0)
        retry_within (self, RETRY_MAX_S);
      return;
    }
  if (g_strcmp0 (self->wanted, self->tested) != 0)
    follow_wish (self);
}

static void
on_nginx_ended (EwProxy *self, gint status)
{
  self->nginx = 0;
  if (self->stopping || self->wanted == NULL)
    {
      self->stopping = FALSE;
      follow_wish (self);
      return;
    }
  if (g_get_monotonic_time () - self->started_us >= STABLE_US)
    self->retry_s = 0;
  self->retry_s = CLAMP (self->retry_s * 2, 1, RETRY_MAX_S);
  if (status >= 0 && WIFSIGNALED (status))
    set_state (
      self, EW_PROXY_FAILED,
      ew_phrase ("nginx was ended by signal %d. It's started again in %u s.", WTERMSIG (status), self->retry_s));
  else
    set_state (self, EW_PROXY_FAILED,
               ew_phrase ("nginx ended with status %d. It's started again in %u s. See the edge's log: `journalctl -u "
                          "edgeway-edge`.",
                          status >= 0 ? WEXITSTATUS (status) : -1, self->retry_s));
  retry_within (self, self->retry_s);
}

static void
on_ended (gpointer user_data, guint run, gint status)
{
  EwProxy *self = user_data;
  if (run == 0)
    {
      self->launcher = NULL;
      self->test = self->nginx = 0;
      self->stopping = FALSE;
      follow_wish (self);
    }
  else if (run == self->test)
    on_test_ended (self, status);
  else if (run == self->nginx)
    on_nginx_ended (self, status);
}

/* From outside. */

void
ew_publish_proxy_set_config (EwProxy *self, const gchar *config)
{
  if (g_strcmp0 (config, self->wanted) == 0)
    return;
  g_free (self->wanted);
  self->wanted = g_strdup (config);
  g_clear_handle_id (&self->retry, g_source_remove);
  follow_wish (self);
}

EwProxyState
ew_publish_proxy_get_state (EwProxy *self, const gchar **message)
{
  *message = self->message;
  return self->state;
}

EwProxy *
ew_publish_proxy_new (EwLauncher *launcher, const gchar *folder, void (*taken) (gpointer user_data), gpointer user_data)
{
  EwProxy *self = g_new0 (EwProxy, 1);
  self->launcher = launcher;
  self->folder = g_strdup (folder);
  self->taken = taken;
  self->user_data = user_data;
  if (launcher)
    ew_publish_launcher_set_func (launcher, on_ended, self);
  return self;
}

void
ew_publish_proxy_free (EwProxy *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->retry, g_source_remove);
  if (self->launcher)
    ew_publish_launcher_set_func (self->launcher, NULL, NULL);
  g_free (self->folder);
  g_free (self->wanted);
  g_free (self->tested);
  g_free (self->message);
  g_free (self);
}
