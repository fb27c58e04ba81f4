/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "window/diagnosis-row.h"

#include "access/hyphens.h"
#include "access/wrap-box.h"

static GtkWidget *
add_words (GtkWidget *box, const gchar *words, const gchar *style)
{
  GtkWidget *label = gtk_label_new (words);

  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_add_css_class (label, style);
  ew_hyphens_keep_out (label);
  gtk_box_append (GTK_BOX (box), label);
  return label;
}

static GtkWidget *
make_icon (const EwDiagnosisLook *look)
{
  GtkWidget *icon = gtk_image_new_from_icon_name (look->icon);

  gtk_widget_add_css_class (icon, look->style);
  gtk_accessible_update_property (GTK_ACCESSIBLE (icon), GTK_ACCESSIBLE_PROPERTY_LABEL, look->word, -1);
  return icon;
}

GtkWidget *
ew_diagnosis_row_new (const EwDiagnosisLook *look, const gchar *found, const gchar *advice, GtkWidget *button)
{
  GtkWidget *row = gtk_list_box_row_new (), *header = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6),
            *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  GtkWidget *title = add_words (box, found, "title");

  /* The style sheet's names for what an AdwActionRow is made of. */
  gtk_widget_add_css_class (header, "header");
  gtk_widget_add_css_class (box, "title");
  gtk_widget_set_valign (box, GTK_ALIGN_CENTER);
  gtk_widget_set_hexpand (box, TRUE);
  gtk_box_append (GTK_BOX (header), make_icon (look));
  gtk_box_append (GTK_BOX (header), box);
  gtk_accessible_update_relation (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_RELATION_LABELLED_BY, title, NULL, -1);
  if (*advice != '\0')
    gtk_accessible_update_relation (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_RELATION_DESCRIBED_BY,
                                    add_words (box, advice, "subtitle"), NULL, -1);
  if (button != NULL)
    {
      ew_wrap_button (GTK_BUTTON (button));
      gtk_widget_set_halign (button, GTK_ALIGN_START);
      gtk_widget_set_margin_top (button, 6);
      gtk_widget_set_margin_bottom (button, 6);
      gtk_box_append (GTK_BOX (box), button);
    }
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), header);
  return row;
}
