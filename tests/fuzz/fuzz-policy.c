/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A policy's document, and the classifier that is made of it: what it says is what the model reads. The document ends at
 * a NUL; what follows are flows to ask about, six bytes each.
 */
#include <stdint.h>

#include "policy/model.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const uint8_t *end = size > 0 ? memchr (data, '\0', size) : NULL;
  const size_t length = end != NULL ? (size_t)(end - data) : size;
  g_autoptr (GError) error = NULL;
  g_autoptr (EwPolicy) policy = ew_policy_parse ((const gchar *)data, length, &error);

  g_assert_true ((policy == NULL) == (error != NULL));
  if (policy == NULL)
    return 0;
  g_assert_cmpuint (policy->n_rules, <=, EW_POLICY_RULES_MAX);
  g_autoptr (EwPolicyClassifier) classifier = ew_policy_classifier_new (policy, policy_model_world ());
  g_autofree gchar *missing = ew_policy_find_missing (policy, policy_model_world ());
  for (const uint8_t *at = data + length + 1; end != NULL && at + 6 <= data + size; at += 6)
    {
      EwPolicyKey key = { .source = policy_model_address (at[0] | (at[1] & 3u) << 8, (at[1] & 0x80) != 0),
                          .destination = policy_model_address (at[2] | (at[1] & 12u) << 6, (at[1] & 0x80) != 0),
                          .protocol = at[3] };
      if (ew_policy_has_ports (key.protocol))
        {
          key.unreadable = (at[1] & 0x40) != 0;
          key.port = key.unreadable ? 0 : (guint16)(at[4] << 8 | at[5]);
        }
      const EwPolicyVerdict is = ew_policy_classifier_judge (classifier, &key);
      const EwPolicyVerdict should = policy_model_judge (policy, policy_model_world (), &key);
      g_assert_cmpint (is.rule, ==, should.rule);
      g_assert_cmpint (is.allowed, ==, should.allowed);
      g_assert_cmpint (is.unreadable, ==, should.unreadable);
    }
  return 0;
}
