/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "legacy-tray.h"

#include <gdk/gdk.h>
#ifdef GDK_WINDOWING_X11
#include <gdk/gdkx.h>
#endif

gboolean
ew_legacy_tray_is_there (void)
{
#ifdef GDK_WINDOWING_X11
  GdkDisplay *display = gdk_display_get_default ();

  if (GDK_IS_X11_DISPLAY (display))
    {
      g_autofree gchar *name = g_strdup_printf (
        "_NET_SYSTEM_TRAY_S%d", gdk_x11_screen_get_screen_number (gdk_display_get_default_screen (display)));

      return XGetSelectionOwner (GDK_DISPLAY_XDISPLAY (display), gdk_x11_get_xatom_by_name_for_display (display, name))
             != None;
    }
#endif
  return FALSE;
}
