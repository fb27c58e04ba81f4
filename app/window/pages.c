/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "window/pages.h"

#include <glib/gi18n.h>

#include "access/spinner.h"
#include "model/words.h"
#include "access/toast.h"
#include "window/page-choice.h"
#include "window/page-picture.h"
#include "window/service-advice.h"
#include "access/wrap-box.h"

/* Usually the map is there within moments: wait without a word, then with words, then with a spinner; after
   TOO_LONG_MS the person can try again. */
#define WORDS_AFTER_MS 400
#define SPINNER_AFTER_MS 1000
#define TOO_LONG_MS 10000

/* How long something has been waited for. */
typedef enum
{
  STAGE_SILENT,
  STAGE_WORDS,
  STAGE_SPINNER,
  STAGE_TOO_LONG,
} Stage;

static const guint stage_ends_ms[] = { WORDS_AFTER_MS, SPINNER_AFTER_MS, TOO_LONG_MS };

typedef enum
{
  WAIT_NONE,
  WAIT_SERVICE,
  WAIT_TUNNEL,
  WAIT_MAP,
} Wait;

struct _EwPages
{
  AdwBin parent_instance;
  EwDaemon *daemon;
  EwTopology *topology;
  EwPage page;
  gboolean trial;  /* the mesh that was seen last was a trial's */
  gboolean locked; /* lockdown was on when the service was seen last */
  Wait wait;
  Stage stage;
  guint stage_end;
  GtkStack *stack;
  EwSpinner *spinner;
  AdwStatusPage *status;
  GtkWidget *cause_list, *command_box, *buttons;
  AdwActionRow *cause;
  GtkLabel *command;
};

G_DEFINE_FINAL_TYPE (EwPages, ew_pages, ADW_TYPE_BIN)

enum
{
  COPIED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

typedef struct
{
  const gchar *label;  /* NULL: no button */
  const gchar *action; /* of the application, NULL: Try Again */
} PageButton;

/* What a page says; strings are owned where their name says so. */
typedef struct
{
  EwPicture picture;
  const gchar *title;
  gchar *owned_title;
  const gchar *text;
  gchar *owned_text;
  const gchar *cause; /* NULL: no row */
  const gchar *cause_detail;
  const gchar *command; /* NULL: none to copy */
  gchar *owned_command;
  PageButton buttons[3];
} PageContent;

/* A sandbox doesn't see it; systems that have Flatpak mostly have it. */
static gboolean
have_systemd (void)
{
  return ew_service_origin () == EW_ORIGIN_SANDBOX || g_file_test ("/run/systemd/system", G_FILE_TEST_IS_DIR);
}

/* From a sandbox a service that was stopped looks like one that was never installed. */
static void
describe_missing_service (PageContent *content)
{
  EwOrigin origin = ew_service_origin ();
  g_autofree gchar *os_release = ew_service_read_os_release (origin);
  content->title = _ ("The Edgeway Service Isn't Installed");
  content->owned_command = ew_service_commands (origin, os_release);
  content->command = *content->owned_command != '\0' ? content->owned_command : NULL;
  if (origin == EW_ORIGIN_CLONE)
    content->text = _ ("Tunnels are made by a background service, and it isn't on this computer. "
                       "In Edgeway's folder, this command builds and installs it:");
  else if (content->command == NULL)
    content->text = _ ("Tunnels are made by a background service, the system package edgewayd, which isn't running. "
                       "Install it, or build it from Edgeway's source, then try again.");
  else
    content->text = _ ("Tunnels are made by a background service, the system package edgewayd. These commands install "
                       "and start it. If the package isn't found, ask your mesh's administrator for the commands that "
                       "Add a Computer shows.");
  if (origin == EW_ORIGIN_SANDBOX)
    content->title = _ ("The Edgeway Service Isn't Running");
}

static void
describe_service (EwPages *self, PageContent *content)
{
  const gchar *message = ew_daemon_get_unavailable_message (self->daemon);
  content->picture = EW_PICTURE_ABSENT;
  content->text = _ ("Tunnels are made by a background service. Without it your normal network stays as it is.");
  content->buttons[0] = (PageButton){ _ ("Try Again"), NULL };
  if (self->locked && self->page == EW_PAGE_NOT_STARTING)
    {
      content->title = _ ("The Edgeway Service Isn't Running");
      content->text = _ ("Tunnels are made by a background service. Without it lockdown stays on and blocks all "
                         "traffic. Start the service again, or turn lockdown off with this command:");
      content->command = "sudo edgewayctl lockdown off";
      return;
    }
  if (self->trial)
    {
      content->title = _ ("The Trial Has Ended");
      content->text
        = _ ("Its edge and its service ran only as long as app/run did. Start it again, in Edgeway's folder:");
      content->command = "app/run";
      return;
    }
  switch (self->page)
    {
    case EW_PAGE_NO_BUS:
      if (ew_daemon_get_bus_address (self->daemon) != NULL)
        {
          content->title = _ ("The Demo Has Ended");
          content->text = _ ("This window was opened for another bus (--bus), where nothing answers any more. Your "
                             "computer's own service isn't affected.");
          break;
        }
      content->title = _ ("The System Bus Isn't Running");
      content->text = _ ("Edgeway talks to its background service over the D-Bus system bus, which isn't running.");
      content->command = have_systemd () ? "sudo systemctl start dbus" : "sudo service dbus start";
      break;
    case EW_PAGE_NOT_INSTALLED:
      describe_missing_service (content);
      break;
    case EW_PAGE_NOT_ALLOWED:
      content->title = _ ("The Edgeway Service Doesn't Answer You");
      content->text = _ (
        "The system bus doesn't let you talk to the background service. Its rules may be missing or not loaded yet:");
      content->command = have_systemd () ? "sudo systemctl reload dbus" : "sudo service dbus reload";
      break;
    default:
      content->title = _ ("The Edgeway Service Isn't Running");
      content->cause = message;
      content->command = have_systemd () ? "sudo systemctl restart edgewayd" : "sudo edgewayd";
      break;
    }
}

/* The words for a tunnel that is down: in VPN mode the internet waits for it too. */
static void
describe_unreachable (EwPages *self, PageContent *content)
{
  const gchar *edge = ew_daemon_get_edge_name (self->daemon);
  gboolean locked = ew_words_lockdown_blocks (self->daemon);
  gboolean off = ew_words_internet_is_off (self->daemon) || locked;
  gboolean login = ew_words_wants_login (self->daemon), password = ew_words_wants_password (self->daemon);
  content->picture = EW_PICTURE_BROKEN;
  content->title = content->owned_title = *edge != '\0' ? g_strdup_printf (_ ("Can't Reach %s"), edge) : NULL;
  if (content->title == NULL)
    content->title = _ ("Can't Reach the Edge");
  content->text = off ? _ ("Until the edge answers, nodes are out of reach and your internet is off.")
                      : _ ("Nodes are out of reach until the tunnel is back. Your normal network isn't affected.");
  content->cause = ew_daemon_get_message (self->daemon);
  content->cause_detail = _ ("Edgeway keeps trying by itself.");
  guint n = 0;
  if (login)
    content->buttons[n++] = (PageButton){ _ ("Open the Network's Login Page"), "app.open-portal" };
  else if (password)
    content->buttons[n++] = (PageButton){ _ ("Enter Password…"), "app.proxy-password" };
  else if (off && !locked) /* lockdown needs VPN mode */
    content->buttons[n++] = (PageButton){ _ ("Use Connector Only"), "app.mode::connector" };
  content->buttons[n++] = (PageButton){ _ ("Diagnose…"), "app.diagnose" };
  content->buttons[n] = (PageButton){ _ ("Disconnect"), "app.connected" };
}

static void
describe_failed (EwPages *self, PageContent *content)
{
  gboolean connected = ew_daemon_get_state (self->daemon) == EW_STATE_CONNECTED;
  content->picture = EW_PICTURE_BROKEN;
  content->title = connected ? _ ("The Map Can't Be Shown") : _ ("The Tunnel Is Down");
  content->text = connected ? _ ("The tunnel is up; only the map is missing.")
                            : _ ("Something on this computer keeps the tunnel from coming up.");
  content->cause = connected ? ew_topology_get_error (self->topology) : ew_daemon_get_message (self->daemon);
  if (connected && ew_topology_is_refused (self->topology))
    {
      content->picture = EW_PICTURE_ALONE;
      content->text = _ ("The tunnel is up. This computer's policy lets only whoever works at its screen see the map.");
      content->cause = NULL;
    }
  content->buttons[0] = (PageButton){ _ ("Diagnose…"), "app.diagnose" };
  content->buttons[1] = (PageButton){ _ ("Try Again"), connected ? NULL : "app.connected" };
}

static void
describe_empty (EwPages *self, PageContent *content)
{
  const gchar *mesh = ew_daemon_get_mesh (self->daemon);
  content->picture = EW_PICTURE_ALONE;
  content->title = _ ("Nobody Else Is Here Yet");
  if (!ew_daemon_get_administrator (self->daemon))
    {
      content->owned_text
        = g_strdup_printf (_ ("This computer is the only node of %s. Its administrator can add others."), mesh);
      content->text = content->owned_text;
      return;
    }
  if (ew_daemon_get_trial (self->daemon))
    {
      content->text = _ ("Other computers can't reach a trial's edge. See a whole mesh on this computer with the demo, "
                         "in Edgeway's folder:");
      content->command = ew_service_demo (EW_ORIGIN_CLONE); /* a trial is app/run's, too */
      content->buttons[0] = (PageButton){ _ ("Start a Mesh on a Server…"), "app.new-mesh" };
      return;
    }
  content->command = ew_service_demo (ew_service_origin ());
  if (content->command != NULL)
    content->owned_text
      = g_strdup_printf (_ ("This computer is the only node of %s. Add a server or a phone, or see a whole "
                            "mesh on this computer with the demo, in Edgeway's folder:"),
                         mesh);
  else
    content->owned_text
      = g_strdup_printf (_ ("This computer is the only node of %s. Add a server, a laptop or a phone."), mesh);
  content->text = content->owned_text;
  content->buttons[0] = (PageButton){ _ ("Add a Computer…"), "app.add-server" };
  content->buttons[1] = (PageButton){ _ ("Add a Phone…"), "app.add-phone" };
}

static void
describe_membership (EwPages *self, PageContent *content)
{
  const gchar *mesh = ew_daemon_get_mesh (self->daemon);
  switch (self->page)
    {
    case EW_PAGE_NOT_ENROLLED:
      content->picture = EW_PICTURE_INVITED;
      content->title = _ ("Join Your Mesh");
      content->text = _ ("This computer isn't part of a mesh yet. Once it joins, you can reach your other computers as "
                         "if they were next to you.");
      content->buttons[0] = (PageButton){ _ ("Join With a Key…"), "app.join" };
      content->buttons[1] = (PageButton){ _ ("Start a New Mesh…"), "app.new-mesh" };
      break;
    case EW_PAGE_REMOVED:
      content->picture = EW_PICTURE_ABSENT;
      content->title = _ ("This Computer Was Removed");
      content->text = _ ("Its tunnel was removed; your normal network isn't affected. Join again with a new enrollment "
                         "key, or leave the mesh to erase what is left of it here.");
      if (ew_words_lockdown_blocks (self->daemon))
        content->text = _ ("Its tunnel was removed, so lockdown blocks all traffic until you turn it off. Join again "
                           "with a new enrollment key, or leave the mesh to erase what is left of it here.");
      content->cause = ew_daemon_get_message (self->daemon);
      content->buttons[0] = (PageButton){ _ ("Join Again…"), "app.join" };
      content->buttons[1] = (PageButton){ _ ("Leave the Mesh…"), "app.leave" };
      break;
    default:
      content->picture = EW_PICTURE_INVITED;
      content->title = _ ("Disconnected");
      content->owned_text = g_strdup_printf (_ ("This computer is part of %s. Connect to see the map."), mesh);
      content->text = content->owned_text;
      content->buttons[0] = (PageButton){ _ ("Connect"), "app.connected" };
      break;
    }
}

static void
describe_waiting (EwPages *self, PageContent *content)
{
  const gchar *edge = ew_daemon_get_edge_name (self->daemon);
  gboolean too_long = self->stage == STAGE_TOO_LONG;
  content->picture = EW_PICTURE_ABSENT;
  switch (self->wait)
    {
    case WAIT_TUNNEL:
      content->title = content->owned_title = *edge != '\0' ? g_strdup_printf (_ ("Connecting to %s…"), edge) : NULL;
      if (content->title == NULL)
        content->title = _ ("Connecting…");
      content->text = too_long ? _ ("Connecting takes longer than usual.") : NULL;
      content->buttons[0] = (PageButton){ _ ("Cancel"), "app.connected" };
      if (too_long)
        content->buttons[1] = (PageButton){ _ ("Diagnose…"), "app.diagnose" };
      break;
    case WAIT_MAP:
      content->title = _ ("Reading the map…");
      content->text = too_long ? _ ("Reading the map takes longer than usual.") : NULL;
      if (too_long)
        {
          content->buttons[0] = (PageButton){ _ ("Try Again"), NULL };
          content->buttons[1] = (PageButton){ _ ("Diagnose…"), "app.diagnose" };
        }
      break;
    default:
      content->title = _ ("Looking for the service…");
      content->text = too_long ? _ ("The service takes longer than usual to answer.") : NULL;
      if (too_long)
        content->buttons[0] = (PageButton){ _ ("Try Again"), NULL };
      break;
    }
}

static PageContent
describe (EwPages *self)
{
  PageContent content = { 0 };
  switch (self->page)
    {
    case EW_PAGE_LOOKING:
      describe_waiting (self, &content);
      break;
    case EW_PAGE_NOT_ENROLLED:
    case EW_PAGE_REMOVED:
    case EW_PAGE_DISCONNECTED:
      describe_membership (self, &content);
      break;
    case EW_PAGE_EMPTY:
      describe_empty (self, &content);
      break;
    case EW_PAGE_UNREACHABLE:
      describe_unreachable (self, &content);
      break;
    case EW_PAGE_FAILED:
      describe_failed (self, &content);
      break;
    default:
      describe_service (self, &content);
      break;
    }
  return content;
}

static void refresh_content (EwPages *self);

static gboolean
on_stage_end (gpointer user_data)
{
  EwPages *self = user_data;
  self->stage_end = 0;
  self->stage++;
  if (self->stage < STAGE_TOO_LONG)
    self->stage_end = g_timeout_add (stage_ends_ms[self->stage] - stage_ends_ms[self->stage - 1], on_stage_end, self);
  refresh_content (self);
  return G_SOURCE_REMOVE;
}

/* From now on, if there is anything to wait for. */
static void
start_waiting (EwPages *self, Stage stage)
{
  g_clear_handle_id (&self->stage_end, g_source_remove);
  self->stage = self->wait != WAIT_NONE ? stage : STAGE_WORDS;
  if (self->wait != WAIT_NONE)
    self->stage_end = g_timeout_add (stage_ends_ms[self->stage], on_stage_end, self);
  refresh_content (self);
}

static Wait
choose_wait (EwPages *self)
{
  if (self->page != EW_PAGE_LOOKING)
    return WAIT_NONE;
  if (ew_daemon_get_availability (self->daemon) != EW_AVAILABILITY_READY)
    return WAIT_SERVICE;
  return ew_daemon_get_state (self->daemon) == EW_STATE_CONNECTED ? WAIT_MAP : WAIT_TUNNEL;
}

static void
try_again (EwPages *self)
{
  /* Where the service is there, only the map was refused, failed or is late. */
  if (self->page == EW_PAGE_FAILED || self->wait == WAIT_MAP)
    ew_topology_retry (self->topology);
  else
    ew_daemon_retry (self->daemon);
}

static void
on_try_again (EwPages *self)
{
  try_again (self);
  if (self->page == EW_PAGE_LOOKING)
    start_waiting (self, STAGE_SPINNER);
}

static void
add_button (EwPages *self, const PageButton *description, gboolean suggested)
{
  GtkWidget *button = gtk_button_new_with_label (description->label);
  gtk_widget_add_css_class (button, "pill");
  ew_wrap_button (GTK_BUTTON (button));
  if (suggested)
    gtk_widget_add_css_class (button, "suggested-action");
  if (description->action != NULL)
    gtk_actionable_set_detailed_action_name (GTK_ACTIONABLE (button), description->action);
  else
    g_signal_connect_object (button, "clicked", G_CALLBACK (on_try_again), self, G_CONNECT_SWAPPED);
  gtk_widget_set_parent (button, self->buttons);
}

/* Kept when they are the same: a button that has the focus, or is being pressed, is not replaced under the hand. */
static void
show_buttons (EwPages *self, const PageContent *content)
{
  GtkWidget *child = gtk_widget_get_first_child (self->buttons);
  guint same = 0;
  for (; child != NULL && same < G_N_ELEMENTS (content->buttons); child = gtk_widget_get_next_sibling (child), same++)
    if (g_strcmp0 (gtk_button_get_label (GTK_BUTTON (child)), content->buttons[same].label) != 0)
      break;
  if (child == NULL && (same == G_N_ELEMENTS (content->buttons) || content->buttons[same].label == NULL))
    return;
  while ((child = gtk_widget_get_first_child (self->buttons)) != NULL)
    gtk_widget_unparent (child);
  for (guint i = 0; i < G_N_ELEMENTS (content->buttons) && content->buttons[i].label != NULL; i++)
    add_button (self, &content->buttons[i], i == 0 && self->wait != WAIT_TUNNEL);
  gtk_widget_set_visible (self->buttons, content->buttons[0].label != NULL);
}

static void
show_content (EwPages *self, const PageContent *content)
{
  g_autoptr (GdkPaintable) picture = ew_page_picture_new (GTK_WIDGET (self->status), content->picture);
  g_autofree gchar *text = content->text != NULL ? g_markup_escape_text (content->text, -1) : NULL;
  g_autofree gchar *plain = content->cause != NULL ? ew_words_plain (content->cause) : NULL;
  g_autofree gchar *cause = plain != NULL ? g_markup_escape_text (plain, -1) : NULL;
  adw_status_page_set_paintable (self->status, picture);
  adw_status_page_set_title (self->status, content->title);
  adw_status_page_set_description (self->status, text);
  /* One that spins without animations is an arc that stands still. */
  ew_spinner_set_spinning (self->spinner, self->stage >= STAGE_SPINNER);
  gtk_widget_set_visible (GTK_WIDGET (self->spinner), self->wait != WAIT_NONE);
  gtk_widget_set_visible (self->cause_list, cause != NULL && *cause != '\0');
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->cause), cause != NULL ? cause : "");
  adw_action_row_set_subtitle (self->cause, content->cause_detail != NULL ? content->cause_detail : "");
  gtk_widget_set_visible (self->command_box, content->command != NULL);
  gtk_label_set_label (self->command, content->command != NULL ? content->command : "");
  show_buttons (self, content);
}

static void
refresh_content (EwPages *self)
{
  if (ew_daemon_get_availability (self->daemon) == EW_AVAILABILITY_READY)
    {
      self->trial = ew_daemon_get_trial (self->daemon);
      self->locked = ew_daemon_get_locked_down (self->daemon);
    }

  gboolean shown = self->page != EW_PAGE_MESH && self->stage != STAGE_SILENT;
  if (shown)
    {
      PageContent content = describe (self);
      show_content (self, &content);
      g_free (content.owned_title);
      g_free (content.owned_text);
      g_free (content.owned_command);
    }
  gtk_stack_set_visible_child_name (self->stack, shown ? "status" : "nothing");
}

static void
refresh (EwPages *self)
{
  Wait wait = choose_wait (self);
  if (wait == self->wait)
    {
      refresh_content (self);
      return;
    }
  gboolean silent = self->stage == STAGE_SILENT;
  self->wait = wait;
  start_waiting (self, silent ? STAGE_SILENT : STAGE_WORDS);
}

void
ew_pages_show (EwPages *self, EwPage page)
{
  if (page == self->page)
    return;
  gboolean seen = self->page != EW_PAGE_MESH;
  self->page = page;
  self->wait = choose_wait (self);
  start_waiting (self, seen ? STAGE_WORDS : STAGE_SILENT); /* one page is followed by the next one at once */
}

static void
ew_pages_copy (EwPages *self)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), gtk_label_get_label (self->command));
  g_signal_emit (self, signals[COPIED], 0, ew_toast_copied (GTK_WIDGET (self), _ ("Command copied")));
}

static void
ew_pages_dispose (GObject *object)
{
  EwPages *self = EW_PAGES (object);
  g_clear_handle_id (&self->stage_end, g_source_remove);
  g_clear_object (&self->daemon);
  g_clear_object (&self->topology);
  G_OBJECT_CLASS (ew_pages_parent_class)->dispose (object);
}

static void
ew_pages_class_init (EwPagesClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->dispose = ew_pages_dispose;
  signals[COPIED]
    = g_signal_new ("copied", EW_TYPE_PAGES, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  g_type_ensure (EW_TYPE_WRAP_BOX);
  g_type_ensure (EW_TYPE_SPINNER);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/window/pages.ui");
  gtk_widget_class_bind_template_child (widget_class, EwPages, stack);
  gtk_widget_class_bind_template_child (widget_class, EwPages, spinner);
  gtk_widget_class_bind_template_child (widget_class, EwPages, status);
  gtk_widget_class_bind_template_child (widget_class, EwPages, cause_list);
  gtk_widget_class_bind_template_child (widget_class, EwPages, cause);
  gtk_widget_class_bind_template_child (widget_class, EwPages, command_box);
  gtk_widget_class_bind_template_child (widget_class, EwPages, command);
  gtk_widget_class_bind_template_child (widget_class, EwPages, buttons);
  gtk_widget_class_bind_template_callback (widget_class, ew_pages_copy);
}

static void
ew_pages_init (EwPages *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

EwPages *
ew_pages_new (EwDaemon *daemon, EwTopology *topology)
{
  EwPages *self = g_object_new (EW_TYPE_PAGES, NULL);
  const gchar *const followed[]
    = { "availability",        "state",    "reason",    "message", "mode", "edge-name", "mesh", "administrator",
        "unavailable-message", "lockdown", "proxy-asks" };
  self->daemon = g_object_ref (daemon);
  self->topology = g_object_ref (topology);
  self->page = EW_PAGE_MESH;
  for (guint i = 0; i < G_N_ELEMENTS (followed); i++)
    {
      g_autofree gchar *signal = g_strconcat ("notify::", followed[i], NULL);
      g_signal_connect_object (daemon, signal, G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
    }
  g_signal_connect_object (topology, "notify::error", G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
  return self;
}
