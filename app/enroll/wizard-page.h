/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One step of the wizard: a heading, a sentence, contents that scroll, and a bar of buttons below. A page knows the
 * wizard that it is in; it asks it to go on, back or away.
 */
#pragma once

#include "enroll/wizard.h"

G_BEGIN_DECLS

typedef enum
{
  EW_LEAVE_BACK,
  EW_LEAVE_CLOSE,
} EwLeave;

/* Properties: title s (of the window while this page is shown); heading s; body s ("" none); step u and steps u
   (0: the page shows no step); error s (a sentence above the buttons, NULL: none); busy s (what is being waited for,
   NULL: nothing; the contents are insensitive in the meantime); default-widget GtkWidget (what Enter does); can-go-back
   b. In a template children are contents, those of type "start" and "end" are buttons of the bar. */
#define EW_TYPE_WIZARD_PAGE (ew_wizard_page_get_type ())
G_DECLARE_DERIVABLE_TYPE (EwWizardPage, ew_wizard_page, EW, WIZARD_PAGE, AdwBin)

struct _EwWizardPageClass
{
  AdwBinClass parent_class;
  /* Back, Escape or the close button: TRUE: the page may be left at once. FALSE: the page asks the person, or undoes
     something first, and then calls ew_wizard_leave(). Default: TRUE. */
  gboolean (*may_leave) (EwWizardPage *self, EwLeave how);
};

void ew_wizard_page_set_heading (EwWizardPage *self, const gchar *heading);
void ew_wizard_page_set_body (EwWizardPage *self, const gchar *body);
void ew_wizard_page_set_steps (EwWizardPage *self, guint step, guint steps);
void ew_wizard_page_set_error (EwWizardPage *self, const gchar *error);
void ew_wizard_page_set_busy (EwWizardPage *self, const gchar *busy);
gboolean ew_wizard_page_is_busy (EwWizardPage *self);
void ew_wizard_page_set_can_go_back (EwWizardPage *self, gboolean can);
/* The title and "Step 1 of 3" or NULL. (get_subtitle: transfer full) */
const gchar *ew_wizard_page_get_title (EwWizardPage *self);
gchar *ew_wizard_page_get_subtitle (EwWizardPage *self);
GtkWidget *ew_wizard_page_get_default_widget (EwWizardPage *self);
gboolean ew_wizard_page_may_leave (EwWizardPage *self, EwLeave how);
/* To the template's first-focus, or to what comes first. */
void ew_wizard_page_take_focus (EwWizardPage *self);

/* Shows an error of a call above the buttons; a cancelled one shows nothing. */
void ew_wizard_page_show_call_error (EwWizardPage *self, const GError *error);
/* An entry with a note below it: problem in words (the entry is marked), or a hint. */
void ew_wizard_set_field (GtkWidget *entry, GtkLabel *note, const gchar *problem, const gchar *hint);

/* The wizard, for its pages. NULL where the page is no longer in a wizard. */
EwWizard *ew_wizard_page_get_wizard (EwWizardPage *self);
EwTopology *ew_wizard_get_topology (EwWizard *self);   /* borrowed */
void ew_wizard_push (EwWizard *self, GtkWidget *page); /* takes the floating page */
/* Shows page in place of all the others: the person can't go back. */
void ew_wizard_replace (EwWizard *self, GtkWidget *page);
/* Leaves the page without asking it again. */
void ew_wizard_leave (EwWizard *self, EwLeave how);
void ew_wizard_toast (EwWizard *self, const gchar *text);

G_END_DECLS
