/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/ledger.h"
#include "net/host.h"
#include "common/util.h"
#include "common/phrase.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define ENTRIES_MAX 16384
#define SUM_HEX 16
/* What surrounds the entry's own bytes in a line. */
#define BEFORE_SUM "{\"sum\":\""
#define AFTER_SUM "\",\"entry\":"
/* So many lines of undone changes before the file is rewritten. */
#define STALE_LINES 512

struct EwLedger
{
  gchar *path, *spare;
  const gchar *file; /* which of the two it is in */
  gboolean unclean;  /* the file ends in the middle of a line, and it couldn't be rewritten yet */
  gchar *boot_id;
  GPtrArray *changes; /* EwChange, oldest first */
  guint64 next_id;
  guint stale;
  int fd; /* -1 until the first write */
};

static void
entry_sum (const gchar *entry, gsize length, gchar out[SUM_HEX + 1])
{
  guint8 digest[32];

  ew_sha256 (entry, length, digest);
  for (guint i = 0; i < SUM_HEX / 2; i++)
    g_snprintf (out + 2 * i, 3, "%02x", digest[i]);
}

static gchar *
format_line (JsonObject *entry)
{
  g_autofree gchar *text = ew_json_to_string (entry, FALSE);
  gchar sum[SUM_HEX + 1];

  entry_sum (text, strlen (text), sum);
  return g_strconcat (BEFORE_SUM, sum, AFTER_SUM, text, "}\n", NULL);
}

gchar *
ew_ledger_format (const EwChange *change, guint64 id, const gchar *boot_id)
{
  g_autoptr (JsonObject) entry = ew_change_to_json (change);

  json_object_set_int_member (entry, "id", (gint64)id);
  json_object_set_string_member (entry, "boot", boot_id);
  return format_line (entry);
}

/* The entry of one line (without its end), checked against its sum. NULL: broken. */
static JsonObject *
parse_line (const gchar *line, gsize length)
{
  const gsize before = strlen (BEFORE_SUM), after = strlen (AFTER_SUM), frame = before + SUM_HEX + after;
  gchar sum[SUM_HEX + 1];

  if (length < frame + 3 || length > LINE_MAX_BYTES || memcmp (line, BEFORE_SUM, before) != 0
      || memcmp (line + before + SUM_HEX, AFTER_SUM, after) != 0 || line[length - 1] != '}')
    return NULL;
  entry_sum (line + frame, length - frame - 1, sum);
  if (memcmp (sum, line + before, SUM_HEX) != 0)
    return NULL;
  return ew_json_parse_object (line + frame, (gssize)(length - frame - 1), LINE_MAX_BYTES, NULL);
}

static gboolean
find_change (GPtrArray *changes, guint64 id, guint *index)
{
  for (guint i = 0; i < changes->len; i++)
    if (((EwChange *)changes->pdata[i])->id == id)
      {
        *index = i;
        return TRUE;
      }
  return FALSE;
}

/* Takes one entry into changes. FALSE: it isn't from this program. */
static gboolean
take_entry (JsonObject *entry, const gchar *boot_id, GPtrArray *changes, guint64 *next_id, gboolean *rewrite)
{
  gint64 undone = ew_json_int (entry, "undone", 0);
  gint64 id = ew_json_int (entry, "id", 0);
  const gchar *boot = ew_json_string (entry, "boot");
  guint index;

  if (undone > 0)
    {
      *rewrite = TRUE;
      if (find_change (changes, (guint64)undone, &index))
        g_ptr_array_remove_index (changes, index);
      return TRUE;
    }
  if (id < (gint64)*next_id || id >= G_MAXINT64 || boot == NULL || changes->len >= ENTRIES_MAX)
    return FALSE;
  g_autoptr (EwChange) change = ew_change_from_json (entry);
  if (change == NULL)
    return FALSE;
  change->id = (guint64)id;
  *next_id = change->id + 1;
  *rewrite |= g_strcmp0 (boot, boot_id) != 0;
  if (g_strcmp0 (boot, boot_id) == 0 || ew_change_outlives_boot (change))
    g_ptr_array_add (changes, g_steal_pointer (&change));
  return TRUE;
}

/* Two lines whose line end between them was lost are damage, not a last line cut off: the first one was made. */
static gboolean
holds_second_line (const gchar *line, gsize length)
{
  const gsize before = strlen (BEFORE_SUM);

  return length > before && memmem (line + 1, length - 1, BEFORE_SUM, before) != NULL;
}

gboolean
ew_ledger_parse (const gchar *data, gsize length, const gchar *boot_id, GPtrArray *changes, guint64 *next_id,
                 gboolean *rewrite, GError **error)
{
  *next_id = 1;
  *rewrite = FALSE;
  for (guint line = 1; length > 0; line++)
    {
      const gchar *end = memchr (data, '\n', length);
      gsize used = end != NULL ? (gsize)(end - data) + 1 : length;
      g_autoptr (JsonObject) entry = end != NULL ? parse_line (data, used - 1) : NULL;

      if (entry == NULL && used == length && !holds_second_line (data, length))
        {
          *rewrite = TRUE; /* the last line, never finished */
          return TRUE;
        }
      if (entry == NULL || !take_entry (entry, boot_id, changes, next_id, rewrite))
        {
          ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_LEDGER, "line %u is damaged", line);
          return FALSE;
        }
      data += used;
      length -= used;
    }
  return TRUE;
}

/* The sentence for a ledger that cannot be obeyed. */
static void
set_broken (GError **error, const gchar *path, const gchar *why)
{
  ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_LEDGER,
                "The undo ledger %s can't be used (%s), so nothing in it was undone. Restart this computer, which "
                "undoes everything in it, or undo by hand what it lists. Then move the file away.",
                path, why);
}

/* The file of the two that can be written gets all of it. The disk comes first; the spare file is removed once its
   contents are on the disk. */
static gboolean
write_either (EwLedger *ledger, GString *text, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (ew_file_write_atomic (ledger->path, text->str, (gssize)text->len, 0600, error))
    {
      if (ledger->file == ledger->spare)
        g_message ("The undo ledger is on the disk again.");
      ledger->file = ledger->path;
      (void)unlink (ledger->spare);
      return TRUE;
    }
  if (!ew_file_write_atomic (ledger->spare, text->str, (gssize)text->len, 0600, &local))
    {
      g_debug ("%s", local->message);
      return FALSE;
    }
  if (ledger->file != ledger->spare && error != NULL)
    g_warning ("%s Changes to this computer are noted in %s until the disk can be written.", (*error)->message,
               ledger->spare);
  g_clear_error (error);
  ledger->file = ledger->spare;
  return TRUE;
}

/* What it takes to say the same with fewer lines, and with more after them if lines_after isn't NULL. */
static gboolean
ledger_rewrite (EwLedger *ledger, const gchar *lines_after, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) local = NULL;

  for (guint i = 0; i < ledger->changes->len; i++)
    {
      const EwChange *change = ledger->changes->pdata[i];
      g_autofree gchar *line = ew_ledger_format (change, change->id, ledger->boot_id);
      g_string_append (text, line);
    }
  if (lines_after != NULL)
    g_string_append (text, lines_after);
  if (ledger->fd >= 0)
    close (ledger->fd);
  ledger->fd = -1;
  ledger->stale = 0;
  ledger->unclean = FALSE;
  if (write_either (ledger, text, &local))
    return TRUE;
  ledger->unclean = TRUE;
  ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_LEDGER,
                "The undo ledger can't be written, so nothing was changed. %s Free some space or fix the folder's "
                "permissions, then try again.",
                local->message);
  return FALSE;
}

static gboolean
ledger_load (EwLedger *ledger, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree gchar *data = NULL;
  gsize length = 0;
  gboolean rewrite = FALSE;

  ledger->file = g_file_test (ledger->spare, G_FILE_TEST_EXISTS) ? ledger->spare : ledger->path;
  if (!ew_file_read (ledger->file, EW_LEDGER_MAX, &data, &length, &local))
    {
      if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        return TRUE;
      set_broken (error, ledger->file, local->message);
      return FALSE;
    }
  if (!ew_ledger_parse (data, length, ledger->boot_id, ledger->changes, &ledger->next_id, &rewrite, &local))
    {
      set_broken (error, ledger->file, local->message);
      return FALSE;
    }
  if ((rewrite || ledger->file == ledger->spare) && !ledger_rewrite (ledger, NULL, &local))
    g_debug ("%s", local->message); /* what it says is known; it is tried again before the next change */
  return TRUE;
}

EwLedger *
ew_ledger_open (const gchar *path, const gchar *spare, const gchar *boot_id, GError **error)
{
  g_autoptr (EwLedger) ledger = g_new0 (EwLedger, 1);

  ledger->path = g_strdup (path);
  ledger->spare = g_strdup (spare);
  ledger->boot_id = g_strdup (boot_id);
  ledger->changes = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_change_free);
  ledger->next_id = 1;
  ledger->fd = -1;
  return ledger_load (ledger, error) ? g_steal_pointer (&ledger) : NULL;
}

void
ew_ledger_free (EwLedger *ledger)
{
  if (ledger == NULL)
    return;
  if (ledger->fd >= 0)
    close (ledger->fd);
  g_ptr_array_unref (ledger->changes);
  g_free (ledger->path);
  g_free (ledger->spare);
  g_free (ledger->boot_id);
  g_free (ledger);
}

guint
ew_ledger_length (EwLedger *ledger)
{
  return ledger->changes->len;
}

const EwChange *
ew_ledger_get (EwLedger *ledger, guint i)
{
  return ledger->changes->pdata[i];
}

/* Appends whole lines or nothing. FALSE: errno. */
static gboolean
append_lines (EwLedger *ledger, const gchar *lines, gboolean sync)
{
  const gsize length = strlen (lines);
  struct stat info;

  if (ledger->unclean)
    {
      errno = EIO;
      return FALSE;
    }
  if (ledger->fd < 0)
    ledger->fd = open (ledger->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (ledger->fd < 0 || fstat (ledger->fd, &info) < 0)
    return FALSE;
  ssize_t written = write (ledger->fd, lines, length);
  if (written == (ssize_t)length && (!sync || fdatasync (ledger->fd) == 0))
    return TRUE;
  int saved = written >= 0 && written < (ssize_t)length ? ENOSPC : errno;
  if (ftruncate (ledger->fd, info.st_size) < 0)
    g_warning ("The undo ledger %s can't be shortened: %s.", ledger->file, g_strerror (errno));
  errno = saved;
  return FALSE;
}

static gboolean
set_full (GError **error)
{
  ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_LEDGER,
                "The undo ledger is full, so nothing was changed. Accept fewer routes.");
  return FALSE;
}

/* The lines of changes, with the ids that they would get. NULL: too many, or too long. (transfer full) */
static gchar *
format_all (const EwLedger *ledger, const GPtrArray *changes)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (ledger->changes->len + changes->len > ENTRIES_MAX)
    return NULL;
  for (guint i = 0; i < changes->len; i++)
    {
      g_autofree gchar *line = ew_ledger_format (changes->pdata[i], ledger->next_id + i, ledger->boot_id);
      if (strlen (line) > LINE_MAX_BYTES)
        return NULL;
      g_string_append (text, line);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

gboolean
ew_ledger_add_all (EwLedger *ledger, const GPtrArray *changes, GError **error)
{
  g_autofree gchar *lines = format_all (ledger, changes);

  if (lines == NULL)
    return set_full (error);
  if (changes->len == 0)
    return TRUE;
  if (!append_lines (ledger, lines, TRUE) && !ledger_rewrite (ledger, lines, error))
    return FALSE;
  for (guint i = 0; i < changes->len; i++)
    {
      EwChange *change = changes->pdata[i];
      change->id = ledger->next_id++;
      g_ptr_array_add (ledger->changes, ew_change_copy (change));
    }
  return TRUE;
}

const EwChange *
ew_ledger_add (EwLedger *ledger, const EwChange *change, GError **error)
{
  g_autoptr (GPtrArray) one = g_ptr_array_new_with_free_func ((GDestroyNotify)ew_change_free);

  g_ptr_array_add (one, ew_change_copy (change));
  if (!ew_ledger_add_all (ledger, one, error))
    return NULL;
  const EwChange *known = ledger->changes->pdata[ledger->changes->len - 1];
  if (ledger->file == ledger->path || !ew_change_outlives_boot (change))
    return known;
  ew_ledger_remove (ledger, known->id);
  ew_set_error (error, EW_HOST_ERROR, EW_HOST_ERROR_LEDGER,
                "The undo ledger can't be written to the disk, so %s wasn't changed. Free some space or fix the "
                "folder's permissions, then try again.",
                change->name);
  return NULL;
}

void
ew_ledger_remove (EwLedger *ledger, guint64 id)
{
  g_autoptr (JsonObject) entry = json_object_new ();
  guint index;

  if (!find_change (ledger->changes, id, &index))
    return;
  g_ptr_array_remove_index (ledger->changes, index);
  if (ledger->changes->len == 0 && ledger->file == ledger->path && ledger->fd >= 0 && ftruncate (ledger->fd, 0) == 0)
    {
      ledger->stale = 0;
      return;
    }
  json_object_set_int_member (entry, "undone", (gint64)id);
  g_autofree gchar *line = format_line (entry);
  if (!append_lines (ledger, line, FALSE) || ++ledger->stale > STALE_LINES || ledger->changes->len == 0)
    {
      g_autoptr (GError) error = NULL;
      if (!ledger_rewrite (ledger, NULL, &error))
        g_warning ("%s", error->message);
    }
}
