/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a policy says, read naively: rule by rule, end by end, name by name. Shares nothing with the compiled classifier
 * but the document.
 */
#pragma once

#include "edge/policy/classifier.h"

EwPolicyVerdict policy_model_judge (const EwPolicy *policy, const EwPolicyWorld *world, const EwPolicyKey *key);
/* Some nodes, tags, groups and services of both families. */
const EwPolicyWorld *policy_model_world (void);
/* One of the addresses that are worth asking about: those of the world, those beside them, and others. */
EwIp policy_model_address (guint choice, gboolean v6);
