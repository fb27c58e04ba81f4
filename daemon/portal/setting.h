/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the administrator wants to be asked: the file "portal" in the state folder.
 *
 *   edge          the edge's own address, port 80, where nobody answers (as without the file)
 *   off           nothing
 *   http://…      this page; on a second line how its body begins, without one the answer is expected to be 204
 */
#pragma once

#include "portal/page.h"

G_BEGIN_DECLS

#define EW_PORTAL_SETTING_FILE "portal" /* in the state folder */
#define EW_PORTAL_SETTING_MAX 4096

typedef struct
{
  gboolean off;
  EwPortalPage *page; /* NULL: the edge */
  gchar *expected;    /* NULL: nothing */
} EwPortalSetting;

void ew_portal_setting_clear (EwPortalSetting *setting);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (EwPortalSetting, ew_portal_setting_clear)

/* Pure. FALSE with EW_ERROR_INVALID_ARGUMENT, a sentence without the file's name. */
gboolean ew_portal_setting_parse (const gchar *text, EwPortalSetting *setting, GError **error);
/* A missing file is the edge. FALSE: it can't be used; nothing should be asked then. */
gboolean ew_portal_setting_read (const gchar *path, EwPortalSetting *setting, GError **error);

G_END_DECLS
