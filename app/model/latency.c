/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "latency.h"

#include <math.h>

#define LEAST 0.01
#define MOST 1e9

guint
ew_latency_decimals (gdouble ms)
{
  return ms < 0.995 ? 2 : ms < 9.95 ? 1 : 0;
}

gdouble
ew_latency_round (gdouble ms)
{
  gchar format[] = "%.0f", text[G_ASCII_DTOSTR_BUF_SIZE];

  if (!isfinite (ms) || ms < 0 || ms > MOST)
    return -1;
  /* By printf itself: 8.35 * 10 isn't 83.5, and a half is rounded as it is printed. */
  format[2] = (gchar)('0' + ew_latency_decimals (ms));
  return MAX (g_ascii_strtod (g_ascii_formatd (text, sizeof text, format, ms), NULL), LEAST);
}

gdouble
ew_latency_sum (gdouble near_ms, gdouble far_ms)
{
  gdouble near_shown = ew_latency_round (near_ms), far_shown = ew_latency_round (far_ms);

  return near_shown < 0 || far_shown < 0 ? -1 : ew_latency_round (near_shown + far_shown);
}
