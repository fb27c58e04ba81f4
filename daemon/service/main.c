/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/daemon.h"

int
main (int argc, char **argv)
{
  return ew_daemon_main (argc, argv);
}
