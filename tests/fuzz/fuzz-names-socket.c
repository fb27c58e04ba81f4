/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Both ends of the socket for names and the file beside it: what a stranger sends to edgewayd, and what a program that
 * resolves names may read. What is taken is written again byte for byte.
 */
#include "nss/names-socket.h"

#include <glib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  guint8 out[MAX (EW_NAMES_QUESTION_MAX, EW_NAMES_REPLY_MAX)];
  EwNamesQuestion question;
  EwNamesReply reply;
  EwNamesConf conf;

  if (ew_names_question_parse (data, size, &question))
    g_assert_cmpmem (out, ew_names_question_write (&question, out), data, size);
  if (ew_names_reply_parse (data, size, &reply))
    g_assert_cmpmem (out, ew_names_reply_write (&reply, out), data, size);
  if (ew_names_conf_parse ((const char *)data, size, &conf))
    {
      const EwNamesAddress address = { 6, { 0xfd, 0x45 } };
      (void)ew_names_conf_holds (&conf, &address);
      g_assert_cmpuint (conf.n_ranges, <=, EW_NAMES_RANGES);
    }
  return 0;
}
