/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A plain main for a fuzzer: runs LLVMFuzzerTestOneInput() over every file of the corpus folders (or the single files)
 * named on the command line, so that what a fuzzer once found is tested in every build, without clang. Prints TAP.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static unsigned count;

static int
replay_file (const char *path)
{
  FILE *f = fopen (path, "rb");
  if (f == NULL)
    {
      printf ("Bail out! cannot read %s\n", path);
      return -1;
    }
  fseek (f, 0, SEEK_END);
  long size = ftell (f);
  rewind (f);
  /* Exactly as large as the input, so that ASan sees the first byte read beyond it. */
  uint8_t *data = malloc (size > 0 ? (size_t)size : 1);
  size_t n = data != NULL && size > 0 ? fread (data, 1, (size_t)size, f) : 0;
  fclose (f);
  LLVMFuzzerTestOneInput (data, n);
  free (data);
  printf ("ok %u - %s\n", ++count, strrchr (path, '/') != NULL ? strrchr (path, '/') + 1 : path);
  fflush (stdout);
  return 0;
}

static int
replay (const char *path)
{
  struct stat st;
  if (stat (path, &st) != 0 || !S_ISDIR (st.st_mode))
    return replay_file (path);
  struct dirent **names;
  int n = scandir (path, &names, NULL, alphasort);
  int result = n < 0 ? -1 : 0;
  for (int i = 0; i < n; i++)
    {
      char *file = NULL;
      if (names[i]->d_name[0] != '.' && result == 0 && asprintf (&file, "%s/%s", path, names[i]->d_name) >= 0)
        result = replay_file (file);
      free (file);
      free (names[i]);
    }
  if (n >= 0)
    free (names);
  return result;
}

int
main (int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    if (replay (argv[i]) != 0)
      return EXIT_FAILURE;
  printf ("1..%u\n", count);
  return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE; /* an empty corpus tests nothing */
}
