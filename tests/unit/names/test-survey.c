/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/survey.h"

#include <arpa/inet.h>
#include <string.h>

#define NAME "nas.home.internal"

/* An answer to the question of that ID: its header's second word, and one record of that type with that data. */
static GByteArray *
make_answer (EwSurveyType asked, guint16 id, guint16 flags, guint16 type, const guint8 *data, guint16 length)
{
  g_autoptr (GBytes) question = ew_names_survey_write (NAME, asked, id);
  gsize size;
  const guint8 *bytes = g_bytes_get_data (question, &size);
  GByteArray *answer = g_byte_array_new ();
  const guint16 record[] = { htons (0xc00c), htons (type), htons (1), 0, htons (5), htons (length) };
  guint16 header[6] = { htons (id), htons (flags), htons (1), htons (data != NULL ? 1 : 0), 0, 0 };

  g_byte_array_append (answer, bytes, (guint)size);
  memcpy (answer->data, header, sizeof header);
  if (data != NULL)
    {
      g_byte_array_append (answer, (const guint8 *)record, sizeof record);
      g_byte_array_append (answer, data, length);
    }
  return answer;
}

static void
test_question (void)
{
  static const guint8 expected[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
                                   "\x03nas\x04home\x08internal\x00\x00\x06\x00\x01";
  g_autoptr (GBytes) question = ew_names_survey_write (NAME, EW_SURVEY_SOA, 0x1234);
  gsize size;
  const guint8 *bytes = g_bytes_get_data (question, &size);

  g_assert_cmpmem (bytes, size, expected, sizeof expected - 1);
  g_assert_null (ew_names_survey_write ("a..b", EW_SURVEY_A, 1));
}

static void
test_answer (void)
{
  static const guint8 address[] = { 192, 168, 1, 9 };
  static const struct
  {
    guint16 flags, type;
    gboolean data, answered, found;
  } cases[] = {
    { 0x8180, 1, TRUE, TRUE, TRUE },    { 0x8183, 1, FALSE, TRUE, FALSE },
    { 0x8180, 1, FALSE, TRUE, FALSE },  { 0x8182, 1, FALSE, FALSE, FALSE }, /* SERVFAIL */
    { 0x8185, 1, FALSE, FALSE, FALSE },                                     /* REFUSED */
    { 0x0100, 1, TRUE, FALSE, FALSE },                                      /* a question */
    { 0x8180, 10, TRUE, TRUE, FALSE },                                      /* another type */
  };
  EwSurveyAnswer answer;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) bytes
        = make_answer (EW_SURVEY_A, 7, cases[i].flags, cases[i].type, cases[i].data ? address : NULL, sizeof address);
      g_assert_cmpint (ew_names_survey_parse (bytes->data, bytes->len, NAME, EW_SURVEY_A, 7, &answer), ==,
                       cases[i].answered);
      g_assert_cmpint (answer.found, ==, cases[i].found);
      if (answer.found)
        g_assert_cmpmem (answer.address.bytes, 4, address, 4);
      /* An answer to another question, and one truncated anywhere. */
      g_assert_false (ew_names_survey_parse (bytes->data, bytes->len, NAME, EW_SURVEY_A, 8, &answer));
      g_assert_false (ew_names_survey_parse (bytes->data, bytes->len, NAME, EW_SURVEY_AAAA, 7, &answer));
      g_assert_false (ew_names_survey_parse (bytes->data, bytes->len, "other.home.internal", EW_SURVEY_A, 7, &answer));
      for (guint length = 0; length < bytes->len; length++)
        g_assert_false (ew_names_survey_parse (bytes->data, length, NAME, EW_SURVEY_A, 7, &answer));
    }
}

typedef struct
{
  GMainLoop *loop;
  EwSurveyAnswer answer;
} Waiting;

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Waiting *waiting = user_data;

  waiting->answer = ew_names_survey_ask_finish (result);
  g_main_loop_quit (waiting->loop);
}

/* Without any server it still ends, and without a busy loop. */
static void
test_nobody (void)
{
  Waiting waiting = { .loop = g_main_loop_new (NULL, FALSE), .answer = { .answered = TRUE } };
  EwIp nobody = ew_ip_from_v4 (0x7f3a4b5c);

  ew_names_survey_ask_async (&nobody, 0, NAME, EW_SURVEY_A, NULL, on_answered, &waiting);
  g_main_loop_run (waiting.loop);
  g_assert_false (waiting.answer.answered);
  g_main_loop_unref (waiting.loop);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/names/survey/question", test_question);
  g_test_add_func ("/names/survey/answer", test_answer);
  g_test_add_func ("/names/survey/nobody", test_nobody);
  return g_test_run ();
}
