/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/told.h"

#include <string.h>

#include "common/phrase.h"

struct _EwTold
{
  GQueue entries; /* "SENDER SENTENCE", the last one told is the tail */
};

EwTold *
ew_told_new (void)
{
  EwTold *self = g_new0 (EwTold, 1);

  g_queue_init (&self->entries);
  return self;
}

void
ew_told_free (EwTold *self)
{
  g_queue_clear_full (&self->entries, g_free);
  g_free (self);
}

static GList *
find_entry (EwTold *self, const gchar *entry)
{
  return g_queue_find_custom (&self->entries, entry, (GCompareFunc)strcmp);
}

/* NULL: no such sentence has a phrase. */
static gchar *
make_entry (const gchar *sender, const gchar *sentence)
{
  return strlen (sentence) <= EW_PHRASE_TEXT_MAX ? g_strconcat (sender != NULL ? sender : "", " ", sentence, NULL)
                                                 : NULL;
}

void
ew_told_add (EwTold *self, const gchar *sender, const gchar *sentence)
{
  gchar *entry = make_entry (sender, sentence);
  GList *before = entry != NULL ? find_entry (self, entry) : NULL;

  if (entry == NULL)
    return;
  if (before != NULL)
    {
      g_free (before->data);
      g_queue_delete_link (&self->entries, before);
    }
  g_queue_push_tail (&self->entries, entry);
  if (self->entries.length > EW_TOLD)
    g_free (g_queue_pop_head (&self->entries));
}

gboolean
ew_told_has (EwTold *self, const gchar *sender, const gchar *sentence)
{
  g_autofree gchar *entry = make_entry (sender, sentence);

  return entry != NULL && find_entry (self, entry) != NULL;
}
