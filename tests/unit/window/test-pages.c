/* SPDX-License-Identifier: GPL-3.0-or-later
 * Which page and which line above the map represent what is known.
 */
#include "window/page-choice.h"

typedef struct
{
  const gchar *what;
  EwSituation situation;
  EwPage page;
  EwProblem problem;
} Case;

#define READY EW_AVAILABILITY_READY
#define LIVE EW_STREAM_LIVE

static const Case cases[] = {
  { "looking", { EW_AVAILABILITY_LOOKING }, EW_PAGE_LOOKING, EW_PROBLEM_NONE },
  { "no bus", { EW_AVAILABILITY_NO_BUS }, EW_PAGE_NO_BUS, EW_PROBLEM_NONE },
  { "not installed", { EW_AVAILABILITY_NOT_INSTALLED }, EW_PAGE_NOT_INSTALLED, EW_PROBLEM_NONE },
  { "not starting", { EW_AVAILABILITY_NOT_STARTING }, EW_PAGE_NOT_STARTING, EW_PROBLEM_NONE },
  { "not allowed", { EW_AVAILABILITY_NOT_ALLOWED }, EW_PAGE_NOT_ALLOWED, EW_PROBLEM_NONE },
  { "a service that is gone says so though a map is known",
    { EW_AVAILABILITY_NOT_STARTING, EW_STATE_CONNECTED, LIVE, .n_nodes = 9, .self_known = TRUE },
    EW_PAGE_NOT_STARTING,
    EW_PROBLEM_NONE },
  { "not enrolled", { READY, EW_STATE_NOT_ENROLLED }, EW_PAGE_NOT_ENROLLED, EW_PROBLEM_NONE },
  { "removed", { READY, EW_STATE_REMOVED, LIVE, .n_nodes = 9 }, EW_PAGE_REMOVED, EW_PROBLEM_NONE },
  { "disconnected, no map", { READY, EW_STATE_DISCONNECTED }, EW_PAGE_DISCONNECTED, EW_PROBLEM_NONE },
  { "disconnected, map as last seen",
    { READY, EW_STATE_DISCONNECTED, EW_STREAM_CLOSED, .n_nodes = 9, .self_known = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_DISCONNECTED },
  { "connecting", { READY, EW_STATE_CONNECTING }, EW_PAGE_LOOKING, EW_PROBLEM_NONE },
  { "connecting in vain", { READY, EW_STATE_CONNECTING, .explained = TRUE }, EW_PAGE_UNREACHABLE, EW_PROBLEM_NONE },
  { "reconnecting, no map", { READY, EW_STATE_RECONNECTING }, EW_PAGE_UNREACHABLE, EW_PROBLEM_NONE },
  { "reconnecting",
    { READY, EW_STATE_RECONNECTING, EW_STREAM_FAILED, .n_nodes = 9, .self_known = TRUE, .explained = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_RECONNECTING },
  { "reconnecting in VPN mode",
    { READY, EW_STATE_RECONNECTING, LIVE, .n_nodes = 9, .self_known = TRUE, .explained = TRUE, .internet_off = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_INTERNET_OFF },
  { "a network that wants a login",
    { READY, EW_STATE_RECONNECTING, LIVE, .n_nodes = 9, .self_known = TRUE, .explained = TRUE, .internet_off = TRUE,
      .login = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_LOGIN },
  { "a network that wants a login, no map",
    { READY, EW_STATE_CONNECTING, .explained = TRUE, .login = TRUE },
    EW_PAGE_UNREACHABLE,
    EW_PROBLEM_NONE },
  { "reconnecting in lockdown",
    { READY, EW_STATE_RECONNECTING, LIVE, .n_nodes = 9, .self_known = TRUE, .explained = TRUE, .internet_off = TRUE,
      .locked_out = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_LOCKDOWN },
  { "a network that wants a login, in lockdown",
    { READY, EW_STATE_RECONNECTING, LIVE, .n_nodes = 9, .self_known = TRUE, .explained = TRUE, .login = TRUE,
      .locked_out = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_LOGIN },
  { "a proxy that wants a password, in VPN mode",
    { READY, EW_STATE_RECONNECTING, LIVE, .n_nodes = 9, .self_known = TRUE, .explained = TRUE, .internet_off = TRUE,
      .password = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_PASSWORD },
  { "a proxy that wants a password, in lockdown",
    { READY, EW_STATE_RECONNECTING, LIVE, .n_nodes = 9, .self_known = TRUE, .explained = TRUE, .password = TRUE,
      .locked_out = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_PASSWORD },
  { "a proxy that wants a password, no map",
    { READY, EW_STATE_CONNECTING, .explained = TRUE, .password = TRUE },
    EW_PAGE_UNREACHABLE,
    EW_PROBLEM_NONE },
  { "reconnecting in lockdown, no map",
    { READY, EW_STATE_RECONNECTING, .locked_out = TRUE },
    EW_PAGE_UNREACHABLE,
    EW_PROBLEM_LOCKDOWN },
  { "removed in lockdown", { READY, EW_STATE_REMOVED, .locked_out = TRUE }, EW_PAGE_REMOVED, EW_PROBLEM_LOCKDOWN },
  { "error", { READY, EW_STATE_ERROR, .explained = TRUE }, EW_PAGE_FAILED, EW_PROBLEM_NONE },
  { "error, map as last seen",
    { READY, EW_STATE_ERROR, .n_nodes = 9, .self_known = TRUE, .explained = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_ERROR },
  { "connected, map on its way", { READY, EW_STATE_CONNECTED, EW_STREAM_LOADING }, EW_PAGE_LOOKING, EW_PROBLEM_NONE },
  { "connected, no map", { READY, EW_STATE_CONNECTED, EW_STREAM_FAILED }, EW_PAGE_FAILED, EW_PROBLEM_NONE },
  { "connected, stream lost",
    { READY, EW_STATE_CONNECTED, EW_STREAM_FAILED, .n_nodes = 9, .self_known = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_STREAM },
  { "connected", { READY, EW_STATE_CONNECTED, LIVE, .n_nodes = 9, .self_known = TRUE }, EW_PAGE_MESH, EW_PROBLEM_NONE },
  { "connected, and something is wrong",
    { READY, EW_STATE_CONNECTED, LIVE, .n_nodes = 9, .self_known = TRUE, .explained = TRUE, .trial = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_WARNING },
  { "connected, stream lost, and something is wrong",
    { READY, EW_STATE_CONNECTED, EW_STREAM_FAILED, .n_nodes = 9, .self_known = TRUE, .explained = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_STREAM },
  { "connected, one thing does not work",
    { READY, EW_STATE_CONNECTED, LIVE, .n_nodes = 9, .self_known = TRUE, .partial = TRUE, .trial = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_PARTIAL },
  { "reconnecting, one thing would not work",
    { READY, EW_STATE_RECONNECTING, LIVE, .n_nodes = 9, .self_known = TRUE, .explained = TRUE, .partial = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_RECONNECTING },
  { "trial",
    { READY, EW_STATE_CONNECTED, LIVE, .n_nodes = 9, .self_known = TRUE, .trial = TRUE },
    EW_PAGE_MESH,
    EW_PROBLEM_TRIAL },
  { "trial alone",
    { READY, EW_STATE_CONNECTED, LIVE, .n_nodes = 1, .self_known = TRUE, .trial = TRUE },
    EW_PAGE_EMPTY,
    EW_PROBLEM_TRIAL },
  { "alone", { READY, EW_STATE_CONNECTED, LIVE, .n_nodes = 1, .self_known = TRUE }, EW_PAGE_EMPTY, EW_PROBLEM_NONE },
  { "one node, and not this one", { READY, EW_STATE_CONNECTED, LIVE, .n_nodes = 1 }, EW_PAGE_MESH, EW_PROBLEM_NONE },
};

static void
test_choice (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_test_message ("%s", cases[i].what);
      g_assert_cmpint (ew_page_choose (&cases[i].situation), ==, cases[i].page);
      g_assert_cmpint (ew_problem_choose (&cases[i].situation), ==, cases[i].problem);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/window/page-choice", test_choice);
  return g_test_run ();
}
