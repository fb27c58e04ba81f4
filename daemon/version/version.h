/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a program says of itself: the version and the commit that it was built from. The number alone, EW_VERSION, is
 * what is sent over the network and D-Bus.
 */
#pragma once

/* "0.2.0 (4657383)"; "0.2.0 (4657383+)" where files had been changed since that commit; "0.2.0" where the commit isn't
 * known. Static. */
const char *ew_version_text (void);
