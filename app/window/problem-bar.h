/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One line above the map while something about it is not as it should be: the map is as last seen, it does not come,
 * one thing does not work here while the rest does, or the edge is a trial; with the one action that helps.
 */
#pragma once

#include <adwaita.h>

#include "model/topology.h"
#include "window/page-choice.h"

G_BEGIN_DECLS

#define EW_TYPE_PROBLEM_BAR (ew_problem_bar_get_type ())
G_DECLARE_FINAL_TYPE (EwProblemBar, ew_problem_bar, EW, PROBLEM_BAR, AdwBin)

EwProblemBar *ew_problem_bar_new (EwDaemon *daemon, EwTopology *topology);
void ew_problem_bar_show (EwProblemBar *self, EwProblem problem);

G_END_DECLS
