/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The world by name: which prefixes an end stands for. Borrows the world.
 */
#pragma once

#include "edge/policy/classifier.h"

typedef struct EwPolicyNames EwPolicyNames;

EwPolicyNames *ew_policy_names_new (const EwPolicyWorld *world);
void ew_policy_names_free (EwPolicyNames *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EwPolicyNames, ew_policy_names_free)
/* Calls found for each prefix of the end. FALSE: the world doesn't have that name. */
gboolean ew_policy_names_look_up (const EwPolicyNames *self, const EwPolicyEnd *end,
                                  void (*found) (gpointer user, const EwPrefix *prefix), gpointer user);
