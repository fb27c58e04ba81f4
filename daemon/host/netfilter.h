/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <glib.h>

/* Whether this kernel can be asked about nftables at all. libnftables ends the whole process where it cannot (NAS
   kernels, some containers, a kernel that was updated and not yet booted, so that no module can be loaded): this comes
   before every use of it. FALSE: errno says why. */
gboolean ew_netfilter_is_there (void);
