/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an edge, or a forger, answers to a question of edgewayd's. Whatever it says, the outcome names nothing outside
 * the mesh. The first byte chooses the question.
 */
#include "names/question.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  EwPrefix networks[3];
  static const gchar text[] = "suffix home.internal\ndomain corp.example\n";
  EwNamesConf conf;
  const EwQuestionScope scope = { &conf, networks, 2, G_N_ELEMENTS (networks) };
  const gchar *name;
  EwQuestion question;
  EwNamesReply reply;
  guint8 out[EW_NAMES_REPLY_MAX];

  if (size < 1)
    return 0;
  ew_prefix_parse ("100.96.0.0/12", &networks[0], NULL);
  ew_prefix_parse ("fd45::/64", &networks[1], NULL);
  ew_prefix_parse ("10.77.0.0/16", &networks[2], NULL);
  g_assert_true (ew_names_conf_parse (text, strlen (text), &conf));
  const gboolean reverse = data[0] & 1, v6 = (data[0] & 2) != 0;
  name = reverse ? "5.0.96.100.in-addr.arpa" : data[0] & 4 ? "wiki.corp.example" : "nas.home.internal";
  g_assert_true (ew_question_make (&question, name, reverse, v6, 0x4142, 0));
  if (ew_question_read (&question, &scope, data + 1, size - 1, &reply) != EW_ANSWER_READ)
    return 0;
  g_assert_cmpuint (reply.ttl, <=, EW_QUESTION_TTL_MAX);
  g_assert_cmpuint (reply.n_addresses, <=, EW_NAMES_ADDRESSES);
  for (guint i = 0; i < reply.n_addresses; i++)
    g_assert_true (ew_question_is_in_scope (&scope, name, &reply.addresses[i]));
  g_assert_true (reply.name[0] == '\0' || ew_names_conf_covers (&conf, reply.name));
  (void)ew_names_reply_write (&reply, out);
  return 0;
}
