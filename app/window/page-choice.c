/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "window/page-choice.h"

#include "model/words.h"

EwSituation
ew_situation_get (EwDaemon *daemon, EwTopology *topology)
{
  g_autofree gchar *problem = ew_daemon_dup_problem (daemon);

  return (EwSituation){
    .availability = ew_daemon_get_availability (daemon),
    .state = ew_daemon_get_state (daemon),
    .stream = ew_topology_get_stream (topology),
    .n_nodes = ew_topology_get_n_nodes (topology),
    .self_known = ew_topology_get_self (topology) != NULL,
    .explained = *ew_daemon_get_reason (daemon) != '\0',
    .partial = problem != NULL,
    .trial = ew_daemon_get_trial (daemon),
    .internet_off = ew_words_internet_is_off (daemon),
    .login = ew_words_wants_login (daemon),
    .password = ew_words_wants_password (daemon),
    .locked_out = ew_words_lockdown_blocks (daemon),
  };
}

/* In a mesh, and no node is known: what replaces the map. */
static EwPage
page_without_map (const EwSituation *situation)
{
  switch (situation->state)
    {
    case EW_STATE_DISCONNECTED:
      return EW_PAGE_DISCONNECTED;
    case EW_STATE_CONNECTING:
      return situation->explained ? EW_PAGE_UNREACHABLE : EW_PAGE_LOOKING;
    case EW_STATE_RECONNECTING:
      return EW_PAGE_UNREACHABLE;
    case EW_STATE_CONNECTED:
      return situation->stream == EW_STREAM_FAILED ? EW_PAGE_FAILED : EW_PAGE_LOOKING;
    default:
      return EW_PAGE_FAILED;
    }
}

EwPage
ew_page_choose (const EwSituation *situation)
{
  switch (situation->availability)
    {
    case EW_AVAILABILITY_LOOKING:
      return EW_PAGE_LOOKING;
    case EW_AVAILABILITY_NO_BUS:
      return EW_PAGE_NO_BUS;
    case EW_AVAILABILITY_NOT_INSTALLED:
      return EW_PAGE_NOT_INSTALLED;
    case EW_AVAILABILITY_NOT_STARTING:
      return EW_PAGE_NOT_STARTING;
    case EW_AVAILABILITY_NOT_ALLOWED:
      return EW_PAGE_NOT_ALLOWED;
    case EW_AVAILABILITY_READY:
    default:
      break;
    }
  if (situation->state == EW_STATE_NOT_ENROLLED)
    return EW_PAGE_NOT_ENROLLED;
  if (situation->state == EW_STATE_REMOVED)
    return EW_PAGE_REMOVED;
  if (situation->n_nodes == 0)
    return page_without_map (situation);
  if (situation->n_nodes == 1 && situation->self_known && situation->state == EW_STATE_CONNECTED)
    return EW_PAGE_EMPTY;
  return EW_PAGE_MESH;
}

EwProblem
ew_problem_choose (const EwSituation *situation)
{
  EwPage page = ew_page_choose (situation);
  if (situation->locked_out && !situation->login && !situation->password) /* without them no tunnel can come */
    return EW_PROBLEM_LOCKDOWN;
  if (page != EW_PAGE_MESH && page != EW_PAGE_EMPTY)
    return EW_PROBLEM_NONE;
  if (situation->login)
    return EW_PROBLEM_LOGIN;
  if (situation->password)
    return EW_PROBLEM_PASSWORD;
  switch (situation->state)
    {
    case EW_STATE_CONNECTING:
      return situation->explained ? EW_PROBLEM_RECONNECTING : EW_PROBLEM_NONE;
    case EW_STATE_RECONNECTING:
      return situation->internet_off ? EW_PROBLEM_INTERNET_OFF : EW_PROBLEM_RECONNECTING;
    case EW_STATE_DISCONNECTED:
      return EW_PROBLEM_DISCONNECTED;
    case EW_STATE_CONNECTED:
      break;
    default:
      return EW_PROBLEM_ERROR;
    }
  if (situation->stream == EW_STREAM_FAILED)
    return EW_PROBLEM_STREAM;
  if (situation->explained)
    return EW_PROBLEM_WARNING;
  if (situation->partial)
    return EW_PROBLEM_PARTIAL;
  return situation->trial ? EW_PROBLEM_TRIAL : EW_PROBLEM_NONE;
}
