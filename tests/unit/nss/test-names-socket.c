/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nss/names-socket.h"

#include <glib.h>
#include <string.h>

static void
test_names (void)
{
  static const gchar *const good[] = { "nas", "nas.home.internal", "a-b_c.D3", "1.2.3.4" };
  static const gchar *const bad[] = { "", ".", "nas.", ".nas", "a..b", "a b", "n\303\244s", "a/b", "a*" };
  g_autofree gchar *label = g_strnfill (64, 'a'), *longest = g_strnfill (254, 'a');

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (ew_names_is_name (good[i], strlen (good[i])));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (ew_names_is_name (bad[i], strlen (bad[i])));
  g_assert_false (ew_names_is_name (label, 64));
  g_assert_true (ew_names_is_name (label, 63));
  for (guint i = 1; i < 254; i += 2)
    longest[i] = '.';
  g_assert_false (ew_names_is_name (longest, 254));
  g_assert_true (ew_names_is_name (longest, 253));

  g_assert_true (ew_names_is_below ("nas.home.internal", "home.internal"));
  g_assert_true (ew_names_is_below ("x.NAS.Home.INTERNAL", "home.internal"));
  g_assert_false (ew_names_is_below ("home.internal", "home.internal"));
  g_assert_false (ew_names_is_below (".home.internal", "home.internal"));
  g_assert_false (ew_names_is_below ("xhome.internal", "home.internal"));
  g_assert_false (ew_names_is_below ("nas.home.internal.example", "home.internal"));
  g_assert_false (ew_names_is_below ("nas", ""));
}

static void
test_question (void)
{
  EwNamesQuestion question = { .kind = EW_NAMES_ADDRESS_OF, .address.family = 6, .name = "nas.home.internal" }, back;
  guint8 data[EW_NAMES_QUESTION_MAX];
  size_t length = ew_names_question_write (&question, data);

  g_assert_true (ew_names_question_parse (data, length, &back));
  g_assert_cmpmem (&question, sizeof question, &back, sizeof back);
  for (size_t cut = 0; cut < 5; cut++)
    g_assert_false (ew_names_question_parse (data, cut, &back));
  data[0]++;
  g_assert_false (ew_names_question_parse (data, length, &back));
  question = (EwNamesQuestion){ .kind = EW_NAMES_NAME_OF, .address = { 4, { 100, 96, 0, 5 } } };
  length = ew_names_question_write (&question, data);
  g_assert_cmpuint (length, ==, 8);
  g_assert_true (ew_names_question_parse (data, length, &back));
  g_assert_cmpmem (&question, sizeof question, &back, sizeof back);
  g_assert_false (ew_names_question_parse (data, length - 1, &back));
}

static void
test_reply (void)
{
  EwNamesReply reply
    = { .status = EW_NAMES_FOUND, .ttl = 0x01020304, .name = "nas.home.internal", .n_addresses = EW_NAMES_ADDRESSES },
    back;
  guint8 data[EW_NAMES_REPLY_MAX + 1] = { 0 };

  for (guint i = 0; i < EW_NAMES_ADDRESSES; i++)
    {
      reply.addresses[i].family = i % 2 ? 4 : 6;
      memset (reply.addresses[i].bytes, (int)i + 1, i % 2 ? 4 : 16);
    }
  size_t length = ew_names_reply_write (&reply, data);
  g_assert_true (ew_names_reply_parse (data, length, &back));
  g_assert_cmpmem (&reply, sizeof reply, &back, sizeof back);
  for (size_t cut = 0; cut < length; cut++)
    g_assert_false (ew_names_reply_parse (data, cut, &back));
  g_assert_false (ew_names_reply_parse (data, length + 1, &back));
  data[2] = EW_NAMES_ADDRESSES + 1;
  g_assert_false (ew_names_reply_parse (data, length, &back));
}

static void
test_conf (void)
{
  static const gchar text[]
    = "# x\nsuffix home.internal\nrange 100.96.0.0/12\nrange fd45::/64\nrange 10.0.0.0/33\nrange "
      "x/8\nfuture word\nrange 10.0.0.0/8";
  const EwNamesAddress in4 = { 4, { 100, 111, 255, 255 } }, out4 = { 4, { 100, 112, 0, 0 } };
  const EwNamesAddress in6 = { 6, { 0xfd, 0x45, 0, 0, 0, 0, 0, 0, 1 } }, out6 = { 6, { 0xfd, 0x45, 0, 0, 0, 0, 0, 1 } };
  EwNamesConf conf;

  g_assert_true (ew_names_conf_parse (text, strlen (text), &conf));
  g_assert_cmpstr (conf.suffix, ==, "home.internal");
  g_assert_cmpuint (conf.n_ranges, ==, 2); /* the last line was never finished */
  g_assert_true (ew_names_conf_holds (&conf, &in4));
  g_assert_false (ew_names_conf_holds (&conf, &out4));
  g_assert_true (ew_names_conf_holds (&conf, &in6));
  g_assert_false (ew_names_conf_holds (&conf, &out6));
  static const gchar domains[] = "suffix a.b\ndomain Corp.example\ndomain x..y\ndomain z\n";
  g_assert_true (ew_names_conf_parse (domains, strlen (domains), &conf));
  g_assert_true (ew_names_conf_covers (&conf, "n.a.b"));
  g_assert_false (ew_names_conf_covers (&conf, "a.b"));
  g_assert_true (ew_names_conf_covers (&conf, "corp.example"));
  g_assert_true (ew_names_conf_covers (&conf, "wiki.CORP.example"));
  g_assert_false (ew_names_conf_covers (&conf, "xcorp.example"));
  g_assert_false (ew_names_conf_covers (&conf, "x.y"));
  g_assert_true (ew_names_conf_covers (&conf, "n.z"));
  g_assert_false (ew_names_conf_parse ("range 10.0.0.0/8\n", 17, &conf));
  g_assert_false (ew_names_conf_parse ("suffix .\n", 9, &conf));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/names-socket/names", test_names);
  g_test_add_func ("/names-socket/question", test_question);
  g_test_add_func ("/names-socket/reply", test_reply);
  g_test_add_func ("/names-socket/conf", test_conf);
  return g_test_run ();
}
