/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "portal/setting.h"
#include "common/error.h"
#include "common/phrase.h"
#include "common/util.h"
#include "portal/answer.h"

#include <string.h>

void
ew_portal_setting_clear (EwPortalSetting *setting)
{
  g_clear_pointer (&setting->page, ew_portal_page_free);
  g_clear_pointer (&setting->expected, g_free);
  setting->off = FALSE;
}

gboolean
ew_portal_setting_parse (const gchar *text, EwPortalSetting *setting, GError **error)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", 3);
  const gchar *first = lines[0] != NULL ? g_strstrip (lines[0]) : "";
  const gchar *second = lines[0] != NULL && lines[1] != NULL ? g_strchomp (lines[1]) : "";

  *setting = (EwPortalSetting){ .off = g_str_equal (first, "off") };
  if (setting->off || g_str_equal (first, "edge") || *first == '\0')
    return TRUE;
  setting->page = ew_portal_page_parse (first, NULL);
  if (setting->page == NULL || setting->page->tls || strlen (second) > EW_PORTAL_EXPECTED_MAX)
    {
      ew_portal_setting_clear (setting);
      ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT,
                    "The first line must be edge, off or the URL of a page, beginning with http://.");
      return FALSE;
    }
  setting->expected = *second != '\0' ? g_strdup (second) : NULL;
  return TRUE;
}

gboolean
ew_portal_setting_read (const gchar *path, EwPortalSetting *setting, GError **error)
{
  g_autofree gchar *text = NULL;
  g_autoptr (GError) cause = NULL;

  *setting = (EwPortalSetting){ 0 };
  if (!ew_file_read (path, EW_PORTAL_SETTING_MAX, &text, NULL, &cause))
    {
      if (g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        return TRUE;
      ew_set_error (error, EW_ERROR, EW_ERROR_FAILED, "%s can't be read: %s.", path, ew_phrase_cause (cause));
      return FALSE;
    }
  if (ew_portal_setting_parse (text, setting, &cause))
    return TRUE;
  ew_set_error (error, EW_ERROR, EW_ERROR_INVALID_ARGUMENT, "%s can't be used: %s", path, cause->message);
  return FALSE;
}
