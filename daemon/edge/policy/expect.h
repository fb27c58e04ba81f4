/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What holds for whom: the tests in a policy, and the question which rule decides. Answered by the compiled classifier, so
 * what is tested is what is in force; by classes of addresses, so that `*` costs no more than the rules make different.
 *
 * A test is about each address of the one end and each of the other of the same family. With a port, "may reach" holds
 * if all of these may, "may not reach" if none may. Without one, any protocol and port at all counts: "may reach" holds
 * if each pair has one by which it may, "may not reach" if no pair has any.
 */
#pragma once

#include "edge/policy/classifier.h"

G_BEGIN_DECLS

#define EW_POLICY_LOOKUPS_MAX 20000000 /* of all tests of a policy; about a second */

/* Which verdicts there are for two ends: both, if it depends on the address. Neither: the ends have no addresses of the
   same family. */
typedef struct
{
  gboolean allowed, denied;
  EwPolicyVerdict allowing, denying; /* one of each */
} EwPolicyAnswer;

/* A sentence for each test that fails, with the rule that decided; empty if all hold. classifier is of the same policy
   and world. (transfer full) */
GPtrArray *ew_policy_run_tests (const EwPolicy *policy, const EwPolicyWorld *world,
                                const EwPolicyClassifier *classifier);
/* port: 0 for a protocol without ports. FALSE with EW_ERROR_NOT_FOUND: the world doesn't have that name. */
gboolean ew_policy_explain (const EwPolicyClassifier *classifier, const EwPolicyWorld *world, const EwPolicyEnd *from,
                            const EwPolicyEnd *to, guint8 protocol, guint16 port, EwPolicyAnswer *out, GError **error);
/* `Rule 3 ("web") allows it.`, "No rule fits, and the default denies it." (transfer full) */
gchar *ew_policy_verdict_format (const EwPolicy *policy, const EwPolicyVerdict *verdict);

G_END_DECLS
