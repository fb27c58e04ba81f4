/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "version.h"

#include <edgeway-commit.h>
#include <edgeway-config.h>

const char *
ew_version_text (void)
{
  return EW_VERSION EW_COMMIT;
}
