/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/http-head.h"

#include <string.h>

static const gchar start[] = "HTTP/1.";

/* Where the empty line ends; 0: nowhere yet. */
static gsize
find_end (const gchar *data, gsize length)
{
  for (gsize i = 0; i + 1 < length; i++)
    if (data[i] == '\n')
      {
        const gsize next = i + 1 + (data[i + 1] == '\r');
        if (next < length && data[next] == '\n')
          return next + 1;
      }
  return 0;
}

/* 0: it isn't a status line. */
static guint
read_status (const gchar *data, gsize length)
{
  if (length < 13 || !g_ascii_isdigit (data[7]) || data[8] != ' ' || !g_ascii_isdigit (data[9])
      || !g_ascii_isdigit (data[10]) || !g_ascii_isdigit (data[11])
      || (data[12] != ' ' && data[12] != '\r' && data[12] != '\n'))
    return 0;
  const guint status = (guint)(data[9] - '0') * 100 + (guint)(data[10] - '0') * 10 + (guint)(data[11] - '0');
  return status >= 100 && status <= 599 ? status : 0;
}

EwHeadResult
ew_head_read (const gchar *data, gsize length, EwHead *head)
{
  *head = (EwHead){ 0 };
  if (memcmp (data, start, MIN (length, strlen (start))) != 0)
    return EW_HEAD_WRONG;
  const gsize size = find_end (data, MIN (length, EW_HEAD_MAX));
  if (size == 0)
    return length < EW_HEAD_MAX ? EW_HEAD_MORE : EW_HEAD_WRONG;
  const guint status = read_status (data, size);
  if (status == 0 || memchr (data, '\0', size) != NULL)
    return EW_HEAD_WRONG;
  *head = (EwHead){ .status = status, .size = size };
  return EW_HEAD_WHOLE;
}

void
ew_head_visit (const gchar *data, const EwHead *head, EwHeadVisit visit, gpointer user_data)
{
  g_autofree gchar *text = g_strndup (data, head->size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 0);

  for (gchar **line = lines + 1; *line; line++)
    {
      gchar *colon = strchr (*line, ':');
      if (colon == NULL || colon == *line)
        continue;
      *colon = '\0';
      visit (*line, g_strstrip (colon + 1), user_data);
    }
}
