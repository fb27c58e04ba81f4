/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/packages/index.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "edge/packages/request.h"

#define PROGRAM "edgewayd"
#define APP "edgeway"
#define LIST "Packages"
#define LIST_MAX (4 * 1024 * 1024) /* bytes; that of a whole closure has some 50 KiB */
#define FILES_MAX 4096
#define SYSTEMS_MAX 16
#define LOOK_US G_USEC_PER_SEC

typedef struct
{
  EwPackagesSystem shown; /* its texts are those below */
  gchar *name, *version, *architectures;
  gboolean app;
  GHashTable *files; /* name → size (guint64, owned) */
  struct stat list;  /* as it was when it was read */
} Repository;

struct EwPackagesIndex
{
  gchar **folders;
  gchar *folder;            /* that counts; NULL: none has packages */
  GHashTable *repositories; /* system → Repository */
  gint64 looked_us;
};

static void
repository_free (gpointer data)
{
  Repository *repository = data;
  g_free (repository->name);
  g_free (repository->version);
  g_free (repository->architectures);
  g_hash_table_unref (repository->files);
  g_free (repository);
}

/* The list. */

/* One paragraph of deb822(5), as far as it is looked at. The values are borrowed. */
typedef struct
{
  const gchar *package, *version, *architecture, *filename, *size;
} Paragraph;

static void
add_architecture (Repository *repository, const gchar *architecture)
{
  g_auto (GStrv) known = g_strsplit (repository->architectures ? repository->architectures : "", " ", -1);
  if (!ew_packages_is_system (architecture) || g_strv_contains ((const gchar *const *)known, architecture))
    return;
  gchar *joined = repository->architectures ? g_strconcat (repository->architectures, " ", architecture, NULL)
                                            : g_strdup (architecture);
  g_free (repository->architectures);
  repository->architectures = joined;
}

static void
take_paragraph (Repository *repository, const Paragraph *paragraph)
{
  const gchar *name = paragraph->filename;
  guint64 size;
  if (name && g_str_has_prefix (name, "./"))
    name += 2;
  if (name == NULL || !ew_packages_is_file (name) || g_hash_table_size (repository->files) >= FILES_MAX
      || paragraph->size == NULL || !g_ascii_string_to_unsigned (paragraph->size, 10, 1, G_MAXINT64, &size, NULL))
    return;
  g_hash_table_replace (repository->files, g_strdup (name), g_memdup2 (&size, sizeof size));
  repository->app |= g_strcmp0 (paragraph->package, APP) == 0;
  /* The version is shown, and is part of a line of text: the rules for file names are enough. */
  if (g_strcmp0 (paragraph->package, PROGRAM) != 0 || paragraph->version == NULL || paragraph->architecture == NULL
      || !ew_packages_is_file (paragraph->version))
    return;
  g_free (repository->version);
  repository->version = g_strdup (paragraph->version);
  add_architecture (repository, paragraph->architecture);
}

static void
take_line (Paragraph *paragraph, gchar *line)
{
  const struct
  {
    const gchar *field;
    const gchar **value;
  } fields[] = {
    { "Package", &paragraph->package },
    { "Version", &paragraph->version },
    { "Architecture", &paragraph->architecture },
    { "Filename", &paragraph->filename },
    { "Size", &paragraph->size },
  };
  gchar *colon = strchr (line, ':');
  if (colon == NULL || g_ascii_isspace (*line))
    return;
  *colon = '\0';
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (g_ascii_strcasecmp (line, fields[i].field) == 0)
      *fields[i].value = g_strstrip (colon + 1);
}

/* text is written into. */
static void
read_list (Repository *repository, gchar *text)
{
  Paragraph paragraph = { NULL };
  while (text)
    {
      gchar *line = text, *end = strchr (text, '\n');
      if (end)
        *end++ = '\0';
      text = end;
      if (*line != '\0')
        take_line (&paragraph, line);
      if (*line == '\0' || text == NULL)
        {
          take_paragraph (repository, &paragraph);
          paragraph = (Paragraph){ NULL };
        }
    }
}

/* A regular file, never through a link. */
static gint
open_regular (const gchar *folder, const gchar *system, const gchar *file, struct stat *st)
{
  g_autofree gchar *path = g_build_filename (folder, system, NULL);
  gint directory = open (path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  gint fd = directory < 0 ? -1 : openat (directory, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (directory >= 0)
    close (directory);
  if (fd >= 0 && (fstat (fd, st) != 0 || !S_ISREG (st->st_mode)))
    {
      close (fd);
      return -1;
    }
  return fd;
}

/* (transfer full) NULL: it can't be read, or is too large. */
static gchar *
read_text (gint fd, gsize size)
{
  g_autofree gchar *text = g_malloc (size + 1);
  gsize length = 0;
  while (length < size)
    {
      gssize n = read (fd, text + length, size - length);
      if (n <= 0)
        break;
      length += (gsize)n;
    }
  text[length] = '\0';
  return length == size && memchr (text, '\0', length) == NULL ? g_steal_pointer (&text) : NULL;
}

static gboolean
is_same (const struct stat *a, const struct stat *b)
{
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size
         && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* old: as it was read before, or NULL; taken over where nothing changed. NULL: not found. (transfer full) */
static Repository *
read_repository (const gchar *folder, const gchar *system, GHashTable *old)
{
  struct stat st;
  gint fd = open_regular (folder, system, LIST, &st);
  Repository *before = g_hash_table_lookup (old, system);
  if (fd < 0)
    return NULL;
  if (before && is_same (&before->list, &st))
    {
      close (fd);
      g_hash_table_steal (old, system);
      return before;
    }
  g_autofree gchar *text = st.st_size <= LIST_MAX ? read_text (fd, (gsize)st.st_size) : NULL;
  close (fd);
  if (text == NULL)
    return NULL;
  Repository *repository = g_new0 (Repository, 1);
  repository->name = g_strdup (system);
  repository->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  repository->list = st;
  read_list (repository, text);
  repository->shown
    = (EwPackagesSystem){ repository->name, repository->version, repository->architectures, repository->app };
  return repository;
}

/* The folder. */

static GHashTable *
new_repositories (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, NULL, repository_free);
}

/* Adds what is in folder. */
static void
scan_folder (const gchar *folder, GHashTable *old, GHashTable *found)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const gchar *name;
  while (dir && (name = g_dir_read_name (dir)) && g_hash_table_size (found) < SYSTEMS_MAX)
    {
      Repository *repository = ew_packages_is_system (name) ? read_repository (folder, name, old) : NULL;
      if (repository)
        g_hash_table_insert (found, repository->name, repository);
    }
}

void
ew_packages_index_refresh (EwPackagesIndex *self, gint64 now_us)
{
  if (self->looked_us && now_us - self->looked_us < LOOK_US)
    return;
  self->looked_us = now_us;
  g_autoptr (GHashTable) old = g_steal_pointer (&self->repositories);
  g_autofree gchar *before = g_steal_pointer (&self->folder);
  self->repositories = new_repositories ();
  for (guint i = 0; self->folders[i] && self->folder == NULL; i++)
    {
      if (before && !g_str_equal (before, self->folders[i]))
        g_hash_table_remove_all (old);
      scan_folder (self->folders[i], old, self->repositories);
      if (g_hash_table_size (self->repositories) > 0)
        self->folder = g_strdup (self->folders[i]);
    }
}

static gint
compare_systems (gconstpointer a, gconstpointer b)
{
  const EwPackagesSystem *const *first = a, *const *second = b;
  return strcmp ((*first)->system, (*second)->system);
}

GPtrArray *
ew_packages_index_list (EwPackagesIndex *self)
{
  GPtrArray *systems = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, self->repositories);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Repository *repository = value;
      if (repository->version)
        g_ptr_array_add (systems, &repository->shown);
    }
  g_ptr_array_sort (systems, compare_systems);
  return systems;
}

gint
ew_packages_index_open (EwPackagesIndex *self, const gchar *system, const gchar *file, guint64 *size, gint64 *modified)
{
  const Repository *repository = g_hash_table_lookup (self->repositories, system);
  gboolean list = g_str_equal (file, LIST);
  const guint64 *listed = repository ? g_hash_table_lookup (repository->files, file) : NULL;
  struct stat st;
  if (repository == NULL || (!list && listed == NULL))
    return -1;
  gint fd = open_regular (self->folder, system, file, &st);
  /* While the folder is being replaced, the list is another's. */
  if (fd >= 0 && (list ? st.st_size > LIST_MAX : (guint64)st.st_size != *listed))
    {
      close (fd);
      return -1;
    }
  *size = fd < 0 ? 0 : (guint64)st.st_size;
  *modified = fd < 0 ? 0 : st.st_mtim.tv_sec;
  return fd;
}

EwPackagesIndex *
ew_packages_index_new (const gchar *const *folders)
{
  EwPackagesIndex *self = g_new0 (EwPackagesIndex, 1);
  self->folders = g_strdupv ((gchar **)folders);
  self->repositories = new_repositories ();
  return self;
}

void
ew_packages_index_free (EwPackagesIndex *self)
{
  if (self == NULL)
    return;
  g_strfreev (self->folders);
  g_free (self->folder);
  g_hash_table_unref (self->repositories);
  g_free (self);
}
