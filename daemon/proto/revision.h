/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The revision of a node document: a hash of what it says. Two are equal or not; neither is the newer one. It's a
 * struct so that the compiler refuses every other comparison.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct
{
  uint64_t hash; /* for the wire and JSON only */
} EwRevision;

static inline bool
ew_revision_equal (EwRevision a, EwRevision b)
{
  return a.hash == b.hash;
}
