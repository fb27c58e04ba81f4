/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the window shows without a map: what happened, why, and what to do, with a command to copy where one helps.
 * Uses actions of the application by their names.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"
#include "window/page-choice.h"

G_BEGIN_DECLS

/* Signals: "copied" (s: what was copied, for a toast). */
#define EW_TYPE_PAGES (ew_pages_get_type ())
G_DECLARE_FINAL_TYPE (EwPages, ew_pages, EW, PAGES, AdwBin)

EwPages *ew_pages_new (EwDaemon *daemon, EwTopology *topology);
/* EW_PAGE_MESH is not one of these: shows nothing. */
void ew_pages_show (EwPages *self, EwPage page);

G_END_DECLS
