/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a name server of the LAN, which may be anybody, answers to a diagnosis.
 */
#include <stdint.h>

#include "names/survey.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const EwSurveyType types[] = { EW_SURVEY_A, EW_SURVEY_SOA, EW_SURVEY_AAAA };
  guint16 id = size > 1 ? (guint16)(data[0] << 8 | data[1]) : 0;

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      EwSurveyAnswer answer;
      gboolean taken = ew_names_survey_parse (data, size, "nas.home.internal", types[i], id, &answer);
      g_assert_cmpint (taken, ==, answer.answered);
      g_assert_true (answer.answered || !answer.found);
    }
  return 0;
}
