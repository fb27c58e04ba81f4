/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nss/hosts-file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first word of a line is an address, or glibc leaves the line out; the others are names. */
static void
end_word (EwHostsScan *scan)
{
  unsigned char address[sizeof (struct in6_addr)];
  const bool fits = scan->length < sizeof scan->word;

  if (scan->length == 0)
    return;
  scan->word[fits ? scan->length : 0] = '\0';
  if (scan->words++ == 0)
    scan->unusable = inet_pton (AF_INET, scan->word, address) != 1 && inet_pton (AF_INET6, scan->word, address) != 1;
  else if (!scan->unusable && fits && strcasecmp (scan->word, scan->name) == 0)
    scan->found = true;
  scan->length = 0;
}

void
ew_names_hosts_scan (EwHostsScan *scan, const char *text, size_t length)
{
  for (const char *end = text + length; text < end && !scan->found; text++)
    {
      if (*text == '\n')
        {
          end_word (scan);
          scan->words = 0;
          scan->comment = scan->unusable = false;
        }
      else if (scan->comment)
        continue;
      else if (*text == '#' || *text == ' ' || (*text >= '\t' && *text <= '\r'))
        {
          end_word (scan);
          scan->comment = *text == '#';
        }
      else if (scan->length < sizeof scan->word)
        scan->word[scan->length++] = *text;
    }
}

bool
ew_names_hosts_has (const char *path, const char *name)
{
  EwHostsScan scan = { .name = name };
  char text[4096];
  struct stat info;
  long total = 0;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

  if (fd < 0)
    return false;
  while (fstat (fd, &info) == 0 && S_ISREG (info.st_mode) && !scan.found && total < EW_HOSTS_MAX)
    {
      ssize_t got = read (fd, text, sizeof text);
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        break;
      total += got;
      ew_names_hosts_scan (&scan, text, (size_t)got);
    }
  close (fd);
  ew_names_hosts_scan (&scan, "\n", 1);
  return scan.found || total >= EW_HOSTS_MAX;
}
