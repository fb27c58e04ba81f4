/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "control/control.h"

#include <glib/gi18n.h>

#include "model/words.h"

struct _EwControl
{
  GObject parent_instance;
  EwDaemon *daemon;
  EwGuardWatch *guard;
  GSimpleAction *connected, *mode, *lockdown, *lockdown_off, *keep, *undo, *portal;
  GCancellable *cancellable; /* of the call that runs; NULL: none */
  const gchar *busy_text;
};

G_DEFINE_FINAL_TYPE (EwControl, ew_control, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_BUSY_TEXT,
  N_PROPS
};

enum
{
  FAILED,
  DONE,
  N_SIGNALS
};

static GParamSpec *properties[N_PROPS];
static guint signals[N_SIGNALS];

EwDaemon *
ew_control_get_daemon (EwControl *self)
{
  return self->daemon;
}

EwGuardWatch *
ew_control_get_guard (EwControl *self)
{
  return self->guard;
}

const gchar *
ew_control_get_busy_text (EwControl *self)
{
  return self->busy_text;
}

gboolean
ew_control_get_connected (EwControl *self)
{
  switch (ew_daemon_get_state (self->daemon))
    {
    case EW_STATE_CONNECTING:
    case EW_STATE_CONNECTED:
    case EW_STATE_RECONNECTING:
    case EW_STATE_AWAITING_APPROVAL:
      return TRUE;
    default:
      return FALSE;
    }
}

gboolean
ew_control_get_possible (EwControl *self)
{
  return ew_daemon_get_availability (self->daemon) == EW_AVAILABILITY_READY && ew_daemon_get_enrolled (self->daemon);
}

gboolean
ew_control_get_lockable (EwControl *self)
{
  if (ew_daemon_get_locked_down (self->daemon)) /* also of a computer that was removed from its mesh */
    return ew_daemon_get_availability (self->daemon) == EW_AVAILABILITY_READY;
  return ew_control_get_possible (self) && ew_daemon_get_mode (self->daemon) == EW_MODE_VPN
         && ew_daemon_get_guard_until (self->daemon) == 0;
}

static const gchar *
mode_word (EwMode mode)
{
  return mode == EW_MODE_VPN ? "vpn" : "connector";
}

/* lockdown: it was switched on, or was what was being tried. */
static const gchar *
name_outcome (EwControl *self, const gchar *method, gboolean lockdown)
{
  gboolean vpn = ew_daemon_get_mode (self->daemon) == EW_MODE_VPN;
  if (g_str_equal (method, "Connect"))
    return _ ("Connected");
  if (g_str_equal (method, "Disconnect"))
    return _ ("Disconnected");
  if (g_str_equal (method, "ConfirmMode"))
    return lockdown ? _ ("Lockdown Is Kept") : _ ("VPN Mode Is Kept");
  if (g_str_equal (method, "UndoMode"))
    return lockdown ? _ ("Lockdown Was Turned Off") : _ ("VPN Mode Was Turned Off");
  if (g_str_equal (method, "SetLockdown"))
    return lockdown ? _ ("Lockdown Is On") : _ ("Lockdown Is Off");
  return vpn ? _ ("VPN Mode Is On") : _ ("Connector Only Is On");
}

/* The one place where the actions' states are set. */
static void
follow (EwControl *self)
{
  gboolean possible = ew_control_get_possible (self);
  gboolean guarded
    = possible && (ew_daemon_get_guard_until (self->daemon) > 0 || ew_daemon_get_lockdown_until (self->daemon) > 0);
  gboolean locked = ew_daemon_get_locked_down (self->daemon);
  g_simple_action_set_state (self->connected, g_variant_new_boolean (ew_control_get_connected (self)));
  g_simple_action_set_state (self->mode, g_variant_new_string (mode_word (ew_daemon_get_mode (self->daemon))));
  g_simple_action_set_state (self->lockdown, g_variant_new_boolean (locked));
  g_simple_action_set_enabled (self->lockdown, ew_control_get_lockable (self));
  g_simple_action_set_enabled (self->lockdown_off, locked);
  g_simple_action_set_enabled (self->connected, possible);
  g_simple_action_set_enabled (self->mode, possible);
  g_simple_action_set_enabled (self->keep, guarded);
  g_simple_action_set_enabled (self->undo, guarded);
  g_simple_action_set_enabled (self->portal, possible && ew_words_wants_login (self->daemon));
}

static void
set_busy_text (EwControl *self, const gchar *busy_text)
{
  self->busy_text = busy_text;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_BUSY_TEXT]);
}

void
ew_control_cancel (EwControl *self)
{
  g_autoptr (GCancellable) cancellable = g_steal_pointer (&self->cancellable);
  if (cancellable == NULL)
    return;
  g_cancellable_cancel (cancellable);
  set_busy_text (self, NULL);
}

static void
on_page_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwControl) self = user_data;
  g_autoptr (GError) error = NULL;
  if (g_app_info_launch_default_for_uri_finish (result, &error))
    return;
  /* Translators: %s is what went wrong */
  g_autofree gchar *sentence = g_strdup_printf (
    _ ("No browser could be opened: %s. Open any page that begins with http:// in yours."), error->message);
  g_signal_emit (self, signals[FAILED], 0, sentence);
}

/* A network has named it: the service takes nothing else than http and https, and neither does this. */
static void
open_page (EwControl *self, GVariant *answer)
{
  const gchar *url = NULL;
  if (g_variant_is_of_type (answer, G_VARIANT_TYPE ("(s)")))
    g_variant_get (answer, "(&s)", &url);
  if (url != NULL && (g_str_has_prefix (url, "http://") || g_str_has_prefix (url, "https://")))
    g_app_info_launch_default_for_uri_async (url, NULL, NULL, on_page_opened, g_object_ref (self));
}

typedef struct
{
  EwControl *self;
  GCancellable *cancellable;
  const gchar *method;
  gboolean lockdown; /* as of name_outcome() */
} Call;

static void
called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Call *call = user_data;
  g_autoptr (EwControl) self = call->self;
  g_autoptr (GCancellable) cancellable = call->cancellable;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ew_daemon_call_finish (EW_DAEMON (source), result, &error);
  if (self->cancellable != cancellable)
    return; /* something else was asked since, or no caller is waiting any longer */
  g_clear_object (&self->cancellable);
  g_object_freeze_notify (G_OBJECT (self)); /* what is kept alive for the call lives until its end was announced */
  set_busy_text (self, NULL);
  if (answer != NULL && g_str_equal (call->method, "OpenPortal"))
    open_page (self, answer);
  else if (answer != NULL)
    g_signal_emit (self, signals[DONE], 0, name_outcome (self, call->method, call->lockdown));
  else if (!g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    g_signal_emit (self, signals[FAILED], 0, error->message);
  g_object_thaw_notify (G_OBJECT (self));
}

/* The newest request counts: the wait for an older one ends. Repeating a request that is still running does nothing. */
static void
ask (EwControl *self, const gchar *method, GVariant *parameters, const gchar *busy_text)
{
  g_autoptr (GVariant) sunk = parameters != NULL ? g_variant_ref_sink (parameters) : NULL;
  if (self->cancellable != NULL && g_strcmp0 (self->busy_text, busy_text) == 0)
    return;
  Call *call = g_new (Call, 1);
  ew_control_cancel (self);
  self->cancellable = g_cancellable_new ();
  *call = (Call){ .self = g_object_ref (self), .cancellable = g_object_ref (self->cancellable), .method = method };
  call->lockdown = ew_daemon_get_lockdown_until (self->daemon) > 0;
  if (g_str_equal (method, "SetLockdown"))
    g_variant_get_child (sunk, 0, "b", &call->lockdown);
  set_busy_text (self, busy_text);
  ew_daemon_call_async (self->daemon, method, sunk, self->cancellable, called, call);
}

void
ew_control_set_connected (EwControl *self, gboolean connected)
{
  if (connected)
    ask (self, "Connect", NULL, _ ("Connecting…"));
  else
    ask (self, "Disconnect", NULL, _ ("Disconnecting…"));
}

void
ew_control_set_mode (EwControl *self, EwMode mode)
{
  GVariantBuilder options;
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  ask (self, "SetMode", g_variant_new ("(sa{sv})", mode_word (mode), &options),
       mode == EW_MODE_VPN ? _ ("Switching to VPN…") : _ ("Switching to connector only…"));
}

void
ew_control_set_lockdown (EwControl *self, gboolean on)
{
  GVariantBuilder options;
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  ask (self, "SetLockdown", g_variant_new ("(ba{sv})", on, &options),
       on ? _ ("Turning lockdown on…") : _ ("Turning lockdown off…"));
}

static void
change_connected (GSimpleAction *action, GVariant *value, gpointer user_data)
{
  EwControl *self = user_data;
  if (g_variant_get_boolean (value) != ew_control_get_connected (self))
    ew_control_set_connected (self, g_variant_get_boolean (value));
}

static void
change_mode (GSimpleAction *action, GVariant *value, gpointer user_data)
{
  EwControl *self = user_data;
  EwMode mode = g_strcmp0 (g_variant_get_string (value, NULL), "vpn") == 0 ? EW_MODE_VPN : EW_MODE_CONNECTOR;
  if (mode != ew_daemon_get_mode (self->daemon))
    ew_control_set_mode (self, mode);
}

static void
change_lockdown (GSimpleAction *action, GVariant *value, gpointer user_data)
{
  EwControl *self = user_data;
  if (g_variant_get_boolean (value) != ew_daemon_get_locked_down (self->daemon))
    ew_control_set_lockdown (self, g_variant_get_boolean (value));
}

static void
turn_lockdown_off (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  ew_control_set_lockdown (user_data, FALSE);
}

static void
keep_mode (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  ask (user_data, "ConfirmMode", NULL, _ ("Keeping the change…"));
}

static void
undo_mode (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  ask (user_data, "UndoMode", NULL, _ ("Undoing the change…"));
}

static void
open_portal (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GVariantBuilder options;
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  ask (user_data, "OpenPortal", g_variant_new ("(a{sv})", &options), _ ("Opening the login page…"));
}

void
ew_control_add_actions (EwControl *self, GActionMap *map)
{
  g_action_map_add_action (map, G_ACTION (self->connected));
  g_action_map_add_action (map, G_ACTION (self->mode));
  g_action_map_add_action (map, G_ACTION (self->lockdown));
  g_action_map_add_action (map, G_ACTION (self->lockdown_off));
  g_action_map_add_action (map, G_ACTION (self->keep));
  g_action_map_add_action (map, G_ACTION (self->undo));
  g_action_map_add_action (map, G_ACTION (self->portal));
}

static void
ew_control_dispose (GObject *object)
{
  EwControl *self = EW_CONTROL (object);
  if (self->daemon != NULL)
    g_signal_handlers_disconnect_by_data (self->daemon, self);
  /* The actions may outlive this object in their map. */
  GSimpleAction *actions[]
    = { self->connected, self->mode, self->lockdown, self->lockdown_off, self->keep, self->undo, self->portal };
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    if (actions[i] != NULL)
      g_signal_handlers_disconnect_by_data (actions[i], self);
  g_clear_object (&self->connected);
  g_clear_object (&self->mode);
  g_clear_object (&self->lockdown);
  g_clear_object (&self->lockdown_off);
  g_clear_object (&self->keep);
  g_clear_object (&self->undo);
  g_clear_object (&self->portal);
  g_clear_object (&self->guard);
  g_clear_object (&self->daemon);
  g_clear_object (&self->cancellable);
  G_OBJECT_CLASS (ew_control_parent_class)->dispose (object);
}

static void
ew_control_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  EwControl *self = EW_CONTROL (object);
  if (id == PROP_BUSY_TEXT)
    g_value_set_string (value, self->busy_text);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ew_control_class_init (EwControlClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  object_class->dispose = ew_control_dispose;
  object_class->get_property = ew_control_get_property;
  properties[PROP_BUSY_TEXT]
    = g_param_spec_string ("busy-text", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  signals[FAILED]
    = g_signal_new ("failed", EW_TYPE_CONTROL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[DONE]
    = g_signal_new ("done", EW_TYPE_CONTROL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
ew_control_init (EwControl *self)
{
  self->connected = g_simple_action_new_stateful ("connected", NULL, g_variant_new_boolean (FALSE));
  self->mode = g_simple_action_new_stateful ("mode", G_VARIANT_TYPE_STRING, g_variant_new_string ("connector"));
  self->lockdown = g_simple_action_new_stateful ("lockdown", NULL, g_variant_new_boolean (FALSE));
  self->lockdown_off = g_simple_action_new ("lockdown-off", NULL);
  self->keep = g_simple_action_new ("keep-mode", NULL);
  self->undo = g_simple_action_new ("undo-mode", NULL);
  self->portal = g_simple_action_new ("open-portal", NULL);
  g_signal_connect (self->connected, "change-state", G_CALLBACK (change_connected), self);
  g_signal_connect (self->mode, "change-state", G_CALLBACK (change_mode), self);
  g_signal_connect (self->lockdown, "change-state", G_CALLBACK (change_lockdown), self);
  g_signal_connect (self->lockdown_off, "activate", G_CALLBACK (turn_lockdown_off), self);
  g_signal_connect (self->keep, "activate", G_CALLBACK (keep_mode), self);
  g_signal_connect (self->undo, "activate", G_CALLBACK (undo_mode), self);
  g_signal_connect (self->portal, "activate", G_CALLBACK (open_portal), self);
}

EwControl *
ew_control_new (EwDaemon *daemon)
{
  EwControl *self = g_object_new (EW_TYPE_CONTROL, NULL);
  const gchar *const followed[]
    = { "availability", "state", "reason", "mode", "guard-until", "lockdown", "lockdown-until" };
  self->daemon = g_object_ref (daemon);
  self->guard = ew_guard_watch_new (daemon);
  for (guint i = 0; i < G_N_ELEMENTS (followed); i++)
    {
      g_autofree gchar *signal = g_strconcat ("notify::", followed[i], NULL);
      g_signal_connect_swapped (daemon, signal, G_CALLBACK (follow), self);
    }
  follow (self);
  return self;
}
