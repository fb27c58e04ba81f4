/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edgeway-config.h"

#include "window/diagnosis.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>

#include "access/access.h"
#include "access/scroller.h"
#include "access/spinner.h"
#include "access/toast.h"
#include "model/translate.h"
#include "model/words.h"
#include "version/version.h"
#include "window/diagnosis-row.h"

struct _EwDiagnosis
{
  AdwWindow parent_instance;
  EwDaemon *daemon;
  GCancellable *cancellable; /* of the check, or the fix, that runs; NULL: none */
  GString *report;           /* all of it as text, in English: it is pasted into reports */
  gchar *fixing;             /* the check whose fix, or undoing, was asked for; NULL: none */
  AdwToastOverlay *toasts;
  GtkStack *stack;
  EwSpinner *spinner;
  AdwStatusPage *failure;
  GtkListBox *checks;
  GtkLabel *summary;
  GtkWidget *copy;
};

G_DEFINE_FINAL_TYPE (EwDiagnosis, ew_diagnosis, ADW_TYPE_WINDOW)

typedef enum
{
  CHECK_GOOD,
  CHECK_BAD,
  CHECK_WARNING,
  CHECK_UNKNOWN,
} CheckResult;

static EwDiagnosisLook
look_of (CheckResult result)
{
  switch (result)
    {
    case CHECK_GOOD:
      return (EwDiagnosisLook){ "object-select-symbolic", "success", _ ("Works") };
    case CHECK_BAD:
      return (EwDiagnosisLook){ "dialog-error-symbolic", "error", _ ("Doesn't work") };
    case CHECK_WARNING:
      return (EwDiagnosisLook){ "dialog-warning-symbolic", "warning", _ ("Warning") };
    case CHECK_UNKNOWN:
    default:
      return (EwDiagnosisLook){ "dialog-question-symbolic", "dim-label", _ ("Unknown") };
    }
}

/* In the report. */
static const gchar *const signs[] = {
  [CHECK_GOOD] = "✓",
  [CHECK_BAD] = "✗",
  [CHECK_WARNING] = "!",
  [CHECK_UNKNOWN] = "?",
};

static CheckResult
result_of (JsonObject *check)
{
  JsonNode *ok = json_object_get_member (check, "ok");
  JsonNode *warning = json_object_get_member (check, "warning");
  if (ok == NULL || !JSON_NODE_HOLDS_VALUE (ok))
    return warning != NULL && JSON_NODE_HOLDS_VALUE (warning) && json_node_get_boolean (warning) ? CHECK_WARNING
                                                                                                 : CHECK_UNKNOWN;
  return json_node_get_boolean (ok) ? CHECK_GOOD : CHECK_BAD;
}

static const gchar *
text_of (JsonObject *check, const gchar *member)
{
  JsonNode *node = json_object_get_member (check, member);
  const gchar *text = node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
                        ? json_node_get_string (node)
                        : NULL;
  return text != NULL ? text : "";
}

/* In the person's language. */
static gchar *
shown_of (JsonObject *check, const gchar *member)
{
  g_autofree gchar *said = ew_translate_member (check, member);
  return ew_words_plain (said);
}

/* ---- fixes */

static void ew_diagnosis_run (EwDiagnosis *self);

/* What came back; FALSE: the window has been closed in the meantime. */
static gboolean
end_call (EwDiagnosis *self, GObject *source, GAsyncResult *result, GVariant **answer, GError **error)
{
  *answer = ew_daemon_call_finish (EW_DAEMON (source), result, error);
  const gboolean open = self->cancellable != NULL;
  g_clear_object (&self->cancellable);
  return open;
}

/* Whoever is at the keyboard, or listens, goes on at the check that was to be fixed. */
static void
return_to_check (EwDiagnosis *self)
{
  g_autofree gchar *check = g_steal_pointer (&self->fixing);
  for (GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self->checks)); row != NULL && check != NULL;
       row = gtk_widget_get_next_sibling (row))
    if (g_strcmp0 (g_object_get_data (G_OBJECT (row), "check"), check) == 0)
      {
        gtk_widget_grab_focus (row);
        ew_scroller_show (row);
      }
}

/* What it did is then seen in the checks, which run again. */
static void
on_fixed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwDiagnosis) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = NULL;
  if (!end_call (self, source, result, &answer, &error))
    return;
  gtk_widget_set_sensitive (GTK_WIDGET (self->checks), TRUE);
  if (answer != NULL)
    {
      ew_diagnosis_run (self);
      return;
    }
  return_to_check (self);
  if (!g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    ew_toast_refuse (self->toasts, error->message);
}

static void
on_fix_clicked (GtkButton *button, EwDiagnosis *self)
{
  const gchar *method = g_object_get_data (G_OBJECT (button), "method");
  GtkWidget *row = gtk_widget_get_ancestor (GTK_WIDGET (button), GTK_TYPE_LIST_BOX_ROW);
  const gchar *check = g_object_get_data (G_OBJECT (row), "check");
  if (self->cancellable != NULL)
    return;
  g_free (self->fixing);
  self->fixing = g_strdup (check);
  self->cancellable = g_cancellable_new ();
  gtk_widget_set_sensitive (GTK_WIDGET (self->checks), FALSE);
  ew_daemon_call_async (self->daemon, method, g_variant_new ("(s)", check), self->cancellable, on_fixed,
                        g_object_ref (self));
}

static gboolean
is_set (JsonObject *check, const gchar *member)
{
  JsonNode *node = json_object_get_member (check, member);
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_BOOLEAN
         && json_node_get_boolean (node);
}

/* For what Edgeway can do about the check, or has done; NULL: nothing. */
static GtkWidget *
make_fix (EwDiagnosis *self, JsonObject *check, const gchar *found)
{
  const gboolean fixable = is_set (check, "fixable");
  if (!fixable && !is_set (check, "fixed"))
    return NULL;
  GtkWidget *button = gtk_button_new_with_label (fixable ? _ ("Fix") : _ ("Undo Fix"));
  g_object_set_data (G_OBJECT (button), "method", (gpointer)(fixable ? "Fix" : "RevertFixes"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, found, -1);
  g_signal_connect (button, "clicked", G_CALLBACK (on_fix_clicked), self);
  return button;
}

static CheckResult
add_check (EwDiagnosis *self, JsonObject *check)
{
  CheckResult result = result_of (check);
  EwDiagnosisLook look = look_of (result);
  const gchar *fix = result == CHECK_GOOD ? "" : text_of (check, "fix");
  g_autofree gchar *found = shown_of (check, "message");
  g_autofree gchar *advice = result == CHECK_GOOD ? g_strdup ("") : shown_of (check, "fix");
  GtkWidget *row = ew_diagnosis_row_new (&look, found, advice, make_fix (self, check, found));
  g_object_set_data_full (G_OBJECT (row), "check", g_strdup (text_of (check, "check")), g_free);
  gtk_list_box_append (self->checks, row);
  g_string_append_printf (self->report, "%s %s: %s\n", signs[result], text_of (check, "check"),
                          text_of (check, "message"));
  if (*fix != '\0')
    g_string_append_printf (self->report, "  → %s\n", fix);
  return result;
}

static void
clear_checks (EwDiagnosis *self)
{
  GtkWidget *row;
  while ((row = gtk_widget_get_first_child (GTK_WIDGET (self->checks))) != NULL)
    gtk_list_box_remove (self->checks, row);
  g_string_printf (self->report, "Edgeway %s, edgewayd %s\n", ew_version_text (), ew_daemon_get_version (self->daemon));
}

static void
show_checks (EwDiagnosis *self, JsonArray *checks)
{
  guint bad = 0, warnings = 0;
  clear_checks (self);
  for (guint i = 0; i < json_array_get_length (checks); i++)
    {
      JsonNode *element = json_array_get_element (checks, i);
      if (!JSON_NODE_HOLDS_OBJECT (element))
        continue;
      CheckResult result = add_check (self, json_node_get_object (element));
      bad += result == CHECK_BAD ? 1 : 0;
      warnings += result == CHECK_WARNING ? 1 : 0;
    }
  g_autofree gchar *summary = bad > 0 ? g_strdup_printf (ngettext ("%u check failed.", "%u checks failed.", bad), bad)
                              : warnings > 0
                                ? g_strdup_printf (ngettext ("No check failed. There is %u warning.",
                                                             "No check failed. There are %u warnings.", warnings),
                                                   warnings)
                                : g_strdup (_ ("All checks passed."));
  gtk_label_set_label (self->summary, summary);
  gtk_stack_set_visible_child_name (self->stack, "checks");
  return_to_check (self);
}

static void
show_failure (EwDiagnosis *self, const gchar *message)
{
  g_autofree gchar *escaped = g_markup_escape_text (message, -1);
  adw_status_page_set_description (self->failure, escaped);
  gtk_stack_set_visible_child_name (self->stack, "failure");
}

static void
show_report (EwDiagnosis *self, const gchar *text)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root = json_parser_load_from_data (parser, text, -1, NULL) ? json_parser_get_root (parser) : NULL;
  JsonObject *report = root != NULL && JSON_NODE_HOLDS_OBJECT (root) ? json_node_get_object (root) : NULL;
  JsonNode *checks = report != NULL ? json_object_get_member (report, "checks") : NULL;
  if (checks != NULL && JSON_NODE_HOLDS_ARRAY (checks))
    show_checks (self, json_node_get_array (checks));
  else
    show_failure (self, _ ("The service's report can't be read. The service may have another version: update both."));
}

static void
diagnosed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (EwDiagnosis) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = NULL;
  if (!end_call (self, source, result, &answer, &error))
    return;
  ew_spinner_set_spinning (self->spinner, FALSE);
  gtk_widget_set_sensitive (self->copy, answer != NULL);
  if (answer != NULL)
    {
      const gchar *text;
      g_variant_get (answer, "(&s)", &text);
      show_report (self, text);
    }
  else if (g_error_matches (error, EW_CALL_ERROR, EW_CALL_ERROR_CANCELLED))
    gtk_window_close (GTK_WINDOW (self));
  else
    show_failure (self, error->message);
}

static void
ew_diagnosis_run (EwDiagnosis *self)
{
  if (self->cancellable != NULL)
    return;
  self->cancellable = g_cancellable_new ();
  gtk_widget_set_sensitive (self->copy, FALSE);
  ew_spinner_set_spinning (self->spinner, TRUE); /* without animations it is an arc that stands still */
  gtk_stack_set_visible_child_name (self->stack, "running");
  ew_daemon_call_async (self->daemon, "Diagnose", NULL, self->cancellable, diagnosed, g_object_ref (self));
}

static void
ew_diagnosis_copy (EwDiagnosis *self)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), self->report->str);
  ew_toast_show (self->toasts, ew_toast_copied (GTK_WIDGET (self), _ ("Report copied")));
}

static gboolean
ew_diagnosis_close_request (GtkWindow *window)
{
  EwDiagnosis *self = EW_DIAGNOSIS (window);
  g_autoptr (GCancellable) cancellable = g_steal_pointer (&self->cancellable);
  g_cancellable_cancel (cancellable);
  return GTK_WINDOW_CLASS (ew_diagnosis_parent_class)->close_request (window);
}

static void
ew_diagnosis_finalize (GObject *object)
{
  EwDiagnosis *self = EW_DIAGNOSIS (object);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->daemon);
  g_string_free (self->report, TRUE);
  g_free (self->fixing);
  G_OBJECT_CLASS (ew_diagnosis_parent_class)->finalize (object);
}

static void
ew_diagnosis_class_init (EwDiagnosisClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = ew_diagnosis_finalize;
  GTK_WINDOW_CLASS (klass)->close_request = ew_diagnosis_close_request;
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Escape, 0, "window.close", NULL);
  g_type_ensure (EW_TYPE_SPINNER);
  gtk_widget_class_set_template_from_resource (widget_class, EW_RESOURCE_PATH "/window/diagnosis.ui");
  gtk_widget_class_bind_template_child (widget_class, EwDiagnosis, toasts);
  gtk_widget_class_bind_template_child (widget_class, EwDiagnosis, stack);
  gtk_widget_class_bind_template_child (widget_class, EwDiagnosis, spinner);
  gtk_widget_class_bind_template_child (widget_class, EwDiagnosis, failure);
  gtk_widget_class_bind_template_child (widget_class, EwDiagnosis, checks);
  gtk_widget_class_bind_template_child (widget_class, EwDiagnosis, summary);
  gtk_widget_class_bind_template_child (widget_class, EwDiagnosis, copy);
  gtk_widget_class_bind_template_callback (widget_class, ew_diagnosis_run);
  gtk_widget_class_bind_template_callback (widget_class, ew_diagnosis_copy);
}

static void
ew_diagnosis_init (EwDiagnosis *self)
{
  self->report = g_string_new (NULL);
  gtk_widget_init_template (GTK_WIDGET (self));
}

EwDiagnosis *
ew_diagnosis_new (GtkWindow *parent, EwDaemon *daemon)
{
  EwDiagnosis *self = g_object_new (EW_TYPE_DIAGNOSIS, "transient-for", parent, NULL);
  self->daemon = g_object_ref (daemon);
  ew_access_tidy (GTK_WIDGET (self));
  ew_diagnosis_run (self);
  return self;
}
