/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A check in the diagnosis: an icon for its result, what was found, below that what to do, and below that a button.
 * (At its side, as an AdwActionRow has it, the button leaves the words no room in a narrow window with large text.)
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef struct
{
  const gchar *icon;  /* its name */
  const gchar *style; /* its CSS class */
  const gchar *word;  /* what the icon says */
} EwDiagnosisLook;

/* found: a sentence; advice: likewise, may be ""; button: taken, NULL: none. A row for a list box. (transfer floating) */
GtkWidget *ew_diagnosis_row_new (const EwDiagnosisLook *look, const gchar *found, const gchar *advice,
                                 GtkWidget *button);

G_END_DECLS
