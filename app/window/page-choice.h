/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which page, and which line above the map, represent what is known about the daemon and its mesh. Pure: no widgets.
 */
#pragma once

#include "model/topology.h"

G_BEGIN_DECLS

typedef enum
{
  EW_PAGE_LOOKING, /* the first moments, and a map on its way */
  EW_PAGE_MESH,    /* the map or the list */
  EW_PAGE_EMPTY,   /* a mesh with only this computer */
  EW_PAGE_NOT_ENROLLED,
  EW_PAGE_REMOVED,
  EW_PAGE_DISCONNECTED,
  EW_PAGE_UNREACHABLE, /* connecting or reconnecting, and no map is known */
  EW_PAGE_FAILED,      /* the daemon's error, or no map though the tunnel is up */
  EW_PAGE_NO_BUS,
  EW_PAGE_NOT_INSTALLED,
  EW_PAGE_NOT_STARTING,
  EW_PAGE_NOT_ALLOWED,
} EwPage;

typedef enum
{
  EW_PROBLEM_NONE,
  EW_PROBLEM_RECONNECTING, /* the map is as last seen */
  EW_PROBLEM_LOGIN,        /* likewise, until someone has logged in on the network's own page */
  EW_PROBLEM_PASSWORD,     /* likewise, until someone has entered a password for the network's proxy */
  EW_PROBLEM_INTERNET_OFF, /* likewise, and in VPN mode the internet waits for the edge too */
  EW_PROBLEM_DISCONNECTED, /* likewise */
  EW_PROBLEM_ERROR,        /* likewise */
  EW_PROBLEM_STREAM,       /* connected, and the map does not come */
  EW_PROBLEM_WARNING,      /* connected, and the daemon has something to say */
  EW_PROBLEM_PARTIAL,      /* connected, and one thing does not work */
  EW_PROBLEM_TRIAL,
  EW_PROBLEM_LOCKDOWN, /* on every page: nothing leaves this computer, as there is no tunnel */
} EwProblem;

typedef struct
{
  EwAvailability availability;
  EwState state;
  EwStreamState stream;
  guint n_nodes; /* of the map as last seen; 0: none known */
  gboolean self_known;
  gboolean explained; /* the daemon has a reason for its state */
  gboolean partial;   /* the daemon names something that does not work while the rest does */
  gboolean trial;
  gboolean internet_off;
  gboolean login;      /* the network wants one on its own page */
  gboolean password;   /* the network's proxy wants one */
  gboolean locked_out; /* lockdown blocks all traffic */
} EwSituation;

EwSituation ew_situation_get (EwDaemon *daemon, EwTopology *topology);
EwPage ew_page_choose (const EwSituation *situation);
EwProblem ew_problem_choose (const EwSituation *situation);

G_END_DECLS
