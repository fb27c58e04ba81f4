/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The little wheel on pages without a map: dashed while it is not there. Drawn in the colors of the widget that shows
 * it, light or dark.
 */
#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

typedef enum
{
  EW_PICTURE_ABSENT,  /* all of it dashed and grey */
  EW_PICTURE_INVITED, /* this computer's place, and the edge, in color */
  EW_PICTURE_BROKEN,  /* this computer is there; its spoke is cut */
  EW_PICTURE_ALONE,   /* this computer and the edge are there, the others are not yet */
} EwPicture;

#define EW_TYPE_PAGE_PICTURE (ew_page_picture_get_type ())
G_DECLARE_FINAL_TYPE (EwPagePicture, ew_page_picture, EW, PAGE_PICTURE, GObject)

/* widget: whose theme's colors and icons; not kept alive. */
GdkPaintable *ew_page_picture_new (GtkWidget *widget, EwPicture picture);

G_END_DECLS
