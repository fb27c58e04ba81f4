/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/module.h"

gboolean
ew_names_module_is_installed (void)
{
  return FALSE;
}

void
ew_names_module_use (EwHost *host, gboolean use)
{
  (void)host;
  (void)use;
}
