/* SPDX-License-Identifier: GPL-3.0-or-later
 * The bottom bar follows the daemon and never leads it: switch, modes, guard, a dismissed prompt.
 */
#include "fake-service.h"

#include <string.h>

#include "access/spinner.h"
#include "window/status-bar.h"

typedef struct
{
  FakeService *service;
  EwDaemon *daemon;
  EwControl *control;
  EwStatusBar *bar;
  GtkWidget *window;
  GSimpleActionGroup *actions;
  gchar *failure; /* the last sentence of "failed" */
} Fixture;

static gboolean
is_ready (gpointer data)
{
  return ew_daemon_get_availability (data) == EW_AVAILABILITY_READY;
}

static void
failed (Fixture *fixture, const gchar *message)
{
  g_free (fixture->failure);
  fixture->failure = g_strdup (message);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->service = fake_service_new (TRUE);
  fixture->daemon = ew_daemon_new (fake_service_address (fixture->service));
  wait_until (is_ready, fixture->daemon, "the daemon is there");
  fixture->control = ew_control_new (fixture->daemon);
  g_signal_connect_swapped (fixture->control, "failed", G_CALLBACK (failed), fixture);
  fixture->actions = g_simple_action_group_new ();
  ew_control_add_actions (fixture->control, G_ACTION_MAP (fixture->actions));
  fixture->bar = ew_status_bar_new (fixture->control);
  fixture->window = gtk_window_new ();
  gtk_widget_insert_action_group (fixture->window, "app", G_ACTION_GROUP (fixture->actions));
  gtk_window_set_child (GTK_WINDOW (fixture->window), GTK_WIDGET (fixture->bar));
  gtk_window_present (GTK_WINDOW (fixture->window));
  gtk_test_widget_wait_for_draw (fixture->window);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  gtk_window_destroy (GTK_WINDOW (fixture->window));
  g_object_unref (fixture->actions);
  g_object_unref (fixture->control);
  g_object_unref (fixture->daemon);
  g_free (fixture->failure);
  fake_service_free (fixture->service);
}

/* The first widget of this type under widget, itself counted; name: its CSS class, NULL: any. */
static GtkWidget *
find (GtkWidget *widget, GType type, const gchar *name)
{
  if (G_TYPE_CHECK_INSTANCE_TYPE (widget, type) && (name == NULL || gtk_widget_has_css_class (widget, name)))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find (child, type, name);
      if (found != NULL)
        return found;
    }
  return NULL;
}

static GtkSwitch *
get_switch (Fixture *fixture)
{
  return GTK_SWITCH (find (GTK_WIDGET (fixture->bar), GTK_TYPE_SWITCH, "ew-connect"));
}

/* The label whose text contains text, shown; NULL: none. */
static GtkWidget *
find_text (GtkWidget *widget, const gchar *text)
{
  if (!gtk_widget_get_visible (widget))
    return NULL;
  if (GTK_IS_LABEL (widget) && strstr (gtk_label_get_text (GTK_LABEL (widget)), text) != NULL)
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_text (child, text);
      if (found != NULL)
        return found;
    }
  return NULL;
}

static GtkSwitch *
get_lockdown (Fixture *fixture)
{
  GtkWidget *row = gtk_widget_get_ancestor (find_text (GTK_WIDGET (fixture->bar), "Lockdown"), GTK_TYPE_BOX);
  return GTK_SWITCH (gtk_widget_get_prev_sibling (row));
}

static GtkCheckButton *
get_mode (Fixture *fixture, const gchar *label)
{
  GtkWidget *text = find_text (GTK_WIDGET (fixture->bar), label);
  g_assert_nonnull (text);
  return GTK_CHECK_BUTTON (gtk_widget_get_ancestor (text, GTK_TYPE_CHECK_BUTTON));
}

static gboolean
has_call (gpointer data)
{
  return !g_queue_is_empty (&((FakeService *)data)->waiting);
}

static gboolean
is_idle (gpointer data)
{
  return ew_control_get_busy_text (data) == NULL;
}

static gboolean
is_off (gpointer data)
{
  return !gtk_switch_get_state (data) && !gtk_switch_get_active (data);
}

static gboolean
is_back_on (gpointer data)
{
  return gtk_switch_get_state (data) && gtk_switch_get_active (data);
}

static void
test_switch_follows (Fixture *fixture, gconstpointer data)
{
  GtkSwitch *connect_switch = get_switch (fixture);
  g_assert_true (gtk_switch_get_state (connect_switch));
  g_assert_true (gtk_switch_get_active (connect_switch));
  gtk_switch_set_active (connect_switch, FALSE);
  wait_until (has_call, fixture->service, "Disconnect is called");
  g_assert_cmpstr (fixture->service->calls->str, ==, "Disconnect\n");
  let_pass (100);
  g_assert_true (gtk_switch_get_state (connect_switch)); /* requested, and not in effect yet */
  gtk_test_accessible_assert_state (connect_switch, GTK_ACCESSIBLE_STATE_CHECKED, TRUE);
  fake_service_answer (fixture->service);
  ew_daemon1_set_state (fixture->service->object, "disconnected");
  wait_until (is_off, connect_switch, "the switch is off");
  gtk_test_accessible_assert_state (connect_switch, GTK_ACCESSIBLE_STATE_CHECKED, FALSE);
  g_assert_nonnull (find_text (GTK_WIDGET (fixture->bar), "Disconnected"));
}

static void
test_dismissed_prompt (Fixture *fixture, gconstpointer data)
{
  GtkSwitch *connect_switch = get_switch (fixture);
  gtk_switch_set_active (connect_switch, FALSE);
  wait_until (has_call, fixture->service, "Disconnect is called");
  fake_service_refuse (fixture->service, "Cancelled", "The prompt was dismissed");
  wait_until (is_back_on, connect_switch, "the switch is on again");
  g_assert_null (fixture->failure);
}

static void
test_refusal_is_said (Fixture *fixture, gconstpointer data)
{
  GtkSwitch *connect_switch = get_switch (fixture);
  gtk_switch_set_active (connect_switch, FALSE);
  wait_until (has_call, fixture->service, "Disconnect is called");
  fake_service_refuse (fixture->service, "NotAuthorized", "You may not.");
  wait_until (is_back_on, connect_switch, "the switch is on again");
  g_assert_cmpstr (fixture->failure, ==, "You may not.");
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  GtkWidget *spinner = find (GTK_WIDGET (fixture->bar), EW_TYPE_SPINNER, NULL);
  gtk_switch_set_active (get_switch (fixture), FALSE);
  wait_until (has_call, fixture->service, "Disconnect is called");
  let_pass (500);
  g_assert_true (gtk_widget_get_mapped (spinner));
  g_assert_nonnull (find_text (GTK_WIDGET (fixture->bar), "Disconnecting…"));
  ew_control_cancel (fixture->control);
  g_assert_true (is_back_on (get_switch (fixture)));
  g_assert_false (gtk_widget_get_mapped (spinner));
  g_assert_null (fixture->failure);
}

static gboolean
is_checked (gpointer data)
{
  return gtk_check_button_get_active (data);
}

static void
test_mode_follows (Fixture *fixture, gconstpointer data)
{
  GtkCheckButton *vpn = get_mode (fixture, "VPN");
  GtkCheckButton *connector = get_mode (fixture, "Connector only");
  g_assert_nonnull (find_text (GTK_WIDGET (vpn), "Internet traffic leaves from Frankfurt"));
  g_assert_true (gtk_check_button_get_active (connector));
  gtk_widget_activate (GTK_WIDGET (vpn));
  wait_until (has_call, fixture->service, "SetMode is called");
  g_assert_cmpstr (fixture->service->calls->str, ==, "SetMode vpn\n");
  let_pass (100);
  g_assert_false (gtk_check_button_get_active (vpn));
  g_assert_true (gtk_check_button_get_active (connector));
  ew_daemon1_set_mode (fixture->service->object, "vpn");
  fake_service_answer (fixture->service);
  wait_until (is_checked, vpn, "VPN is checked");
  wait_until (is_idle, fixture->control, "nothing is asked any more");
}

static gboolean
lockdown_is_shown (gpointer data)
{
  return find_text (data, "Lockdown") != NULL;
}

static gboolean
is_sensitive (gpointer data)
{
  return gtk_widget_is_sensitive (data);
}

static gboolean
is_insensitive (gpointer data)
{
  return !gtk_widget_is_sensitive (data);
}

/* It's there in VPN mode, off by itself, and one click off again. */
static void
test_lockdown_follows (Fixture *fixture, gconstpointer data)
{
  EwDaemon1 *object = fixture->service->object;
  GtkSwitch *lockdown;
  g_assert_null (find_text (GTK_WIDGET (fixture->bar), "Lockdown"));
  ew_daemon1_set_mode (object, "vpn");
  wait_until (lockdown_is_shown, fixture->bar, "the switch is there");
  lockdown = get_lockdown (fixture);
  g_assert_true (is_off (lockdown));
  wait_until (is_sensitive, lockdown, "it can be switched on");
  gtk_switch_set_active (lockdown, TRUE);
  wait_until (has_call, fixture->service, "SetLockdown is called");
  g_assert_cmpstr (fixture->service->calls->str, ==, "SetLockdown on\n");
  let_pass (100);
  g_assert_false (gtk_switch_get_state (lockdown)); /* requested, and not in effect yet */
  gtk_test_accessible_assert_state (lockdown, GTK_ACCESSIBLE_STATE_CHECKED, FALSE);
  fake_service_answer (fixture->service);
  ew_daemon1_set_lockdown (object, "on");
  wait_until (is_back_on, lockdown, "lockdown is on");
  gtk_test_accessible_assert_state (lockdown, GTK_ACCESSIBLE_STATE_CHECKED, TRUE);
  gtk_switch_set_active (lockdown, FALSE);
  wait_until (has_call, fixture->service, "SetLockdown is called again");
  g_assert_cmpstr (fixture->service->calls->str, ==, "SetLockdown on\nSetLockdown off\n");
  fake_service_refuse (fixture->service, "NotAuthorized", "You may not.");
  wait_until (is_back_on, lockdown, "lockdown is still on");
  g_assert_cmpstr (fixture->failure, ==, "You may not.");
  ew_daemon1_set_state (object, "disconnected");
  ew_daemon1_set_lockdown (object, "off");
  wait_until (is_off, lockdown, "lockdown is off");
}

/* While VPN mode is only tried it can't be switched on; what is on can be switched off in every state. */
static void
test_lockdown_possible (Fixture *fixture, gconstpointer data)
{
  EwDaemon1 *object = fixture->service->object;
  GtkSwitch *lockdown;
  ew_daemon1_set_guard_until (object, g_get_real_time () + 42 * G_USEC_PER_SEC);
  ew_daemon1_set_mode (object, "vpn");
  wait_until (lockdown_is_shown, fixture->bar, "the switch is there");
  lockdown = get_lockdown (fixture);
  wait_until (is_insensitive, lockdown, "VPN mode has to be kept first");
  ew_daemon1_set_lockdown (object, "on");
  wait_until (is_sensitive, lockdown, "it can be switched off");
}

static gboolean
undone_shown (gpointer data)
{
  return find_text (data, "Change undone.") != NULL;
}

static gboolean
lockdown_trial_is_shown (gpointer data)
{
  return find_text (data, "Trying lockdown. Turns off in 0:") != NULL;
}

static void
test_lockdown_tried (Fixture *fixture, gconstpointer data)
{
  EwDaemon1 *object = fixture->service->object;
  ew_daemon1_set_mode (object, "vpn");
  ew_daemon1_set_lockdown_until (object, g_get_real_time () + G_USEC_PER_SEC);
  ew_daemon1_set_lockdown (object, "trying");
  wait_until (lockdown_trial_is_shown, fixture->bar, "the time counts");
  g_action_group_activate_action (G_ACTION_GROUP (fixture->actions), "keep-mode", NULL);
  wait_until (has_call, fixture->service, "ConfirmMode is called");
  g_assert_cmpstr (fixture->service->calls->str, ==, "ConfirmMode\n");
  ew_daemon1_set_lockdown_until (object, 0);
  ew_daemon1_set_lockdown (object, "off");
  wait_until (undone_shown, fixture->bar, "the undone change is told");
}

static gboolean
guard_shown (gpointer data)
{
  return find_text (data, "Trying VPN mode. Reverts in 0:") != NULL;
}

static gboolean
guard_gone (gpointer data)
{
  return find_text (data, "Trying VPN mode") == NULL;
}

static void
begin_guard (Fixture *fixture, gint64 microseconds)
{
  ew_daemon1_set_mode (fixture->service->object, "vpn");
  ew_daemon1_set_guard_until (fixture->service->object, g_get_real_time () + microseconds);
}

static void
test_guard_kept (Fixture *fixture, gconstpointer data)
{
  g_assert_null (find_text (GTK_WIDGET (fixture->bar), "being tried"));
  begin_guard (fixture, 42 * G_USEC_PER_SEC);
  wait_until (guard_shown, fixture->bar, "the guard counts");
  g_action_group_activate_action (G_ACTION_GROUP (fixture->actions), "keep-mode", NULL);
  wait_until (has_call, fixture->service, "ConfirmMode is called");
  g_assert_cmpstr (fixture->service->calls->str, ==, "ConfirmMode\n");
  ew_daemon1_set_guard_until (fixture->service->object, 0);
  fake_service_answer (fixture->service);
  wait_until (guard_gone, fixture->bar, "the guard is gone");
  g_assert_false (undone_shown (fixture->bar));
}

static void
test_guard_expired (Fixture *fixture, gconstpointer data)
{
  begin_guard (fixture, G_USEC_PER_SEC);
  wait_until (guard_shown, fixture->bar, "the guard counts");
  ew_daemon1_set_guard_until (fixture->service->object, 0);
  ew_daemon1_set_mode (fixture->service->object, "connector");
  wait_until (undone_shown, fixture->bar, "the undone change is told");
  g_assert_nonnull (find_text (GTK_WIDGET (fixture->bar), "It wasn't confirmed in time"));
  ew_guard_watch_dismiss (ew_control_get_guard (fixture->control));
  g_assert_false (undone_shown (fixture->bar));
}

static void
test_guard_lost_contact (Fixture *fixture, gconstpointer data)
{
  begin_guard (fixture, G_USEC_PER_SEC);
  wait_until (guard_shown, fixture->bar, "the guard counts");
  ew_daemon1_set_state (fixture->service->object, "reconnecting");
  let_pass (100);
  ew_daemon1_set_mode (fixture->service->object, "connector");
  ew_daemon1_set_guard_until (fixture->service->object, 0);
  wait_until (undone_shown, fixture->bar, "the undone change is told");
  g_assert_nonnull (find_text (GTK_WIDGET (fixture->bar), "This computer lost contact"));
}

static void
test_guard_undone_by_hand (Fixture *fixture, gconstpointer data)
{
  begin_guard (fixture, 42 * G_USEC_PER_SEC);
  wait_until (guard_shown, fixture->bar, "the guard counts");
  ew_daemon1_set_guard_until (fixture->service->object, 0);
  ew_daemon1_set_mode (fixture->service->object, "connector");
  wait_until (guard_gone, fixture->bar, "the guard is gone");
  let_pass (100);
  g_assert_false (undone_shown (fixture->bar));
}

static void
test_narrow (Fixture *fixture, gconstpointer data)
{
  gint wide, narrow, minimum;
  gtk_widget_measure (GTK_WIDGET (fixture->bar), GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
  gtk_widget_measure (GTK_WIDGET (fixture->bar), GTK_ORIENTATION_VERTICAL, 1200, &wide, NULL, NULL, NULL);
  gtk_widget_measure (GTK_WIDGET (fixture->bar), GTK_ORIENTATION_VERTICAL, 360, &narrow, NULL, NULL, NULL);
  g_assert_cmpint (minimum, <=, 360);
  g_assert_cmpint (narrow, >, wide);
}

int
main (int argc, char **argv)
{
  g_setenv ("GTK_A11Y", "test", TRUE); /* accessible states can be queried */
  gtk_test_init (&argc, &argv, NULL);
  adw_init ();
#define ADD(path, test) g_test_add ("/window/status-bar/" path, Fixture, NULL, set_up, test, tear_down)
  ADD ("switch-follows", test_switch_follows);
  ADD ("dismissed-prompt", test_dismissed_prompt);
  ADD ("refusal-is-said", test_refusal_is_said);
  ADD ("cancel", test_cancel);
  ADD ("mode-follows", test_mode_follows);
  ADD ("lockdown-follows", test_lockdown_follows);
  ADD ("lockdown-possible", test_lockdown_possible);
  ADD ("lockdown-tried", test_lockdown_tried);
  ADD ("guard-kept", test_guard_kept);
  ADD ("guard-expired", test_guard_expired);
  ADD ("guard-lost-contact", test_guard_lost_contact);
  ADD ("guard-undone-by-hand", test_guard_undone_by_hand);
  ADD ("narrow", test_narrow);
#undef ADD
  return g_test_run ();
}
