/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl.h"

int
main (int argc, char **argv)
{
  return ew_ctl_main (argc, argv);
}
