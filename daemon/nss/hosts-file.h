/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether hosts(5) contains a name. libc only, and no memory except the stack: programs load this with Edgeway's NSS
 * module.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define EW_HOSTS_PATH "/etc/hosts"
#define EW_HOSTS_MAX (8L << 20) /* bytes that are looked at: lists against advertising have some */

typedef struct
{
  const char *name; /* looked for; case doesn't matter */
  bool found;
  /* Of the line, and of the word, that is being read. */
  char word[256];
  size_t length;
  unsigned words;
  bool comment, unusable;
} EwHostsScan;

/* Pure. More of the file's bytes, in pieces of any size; begun with a scan of zeros except for the name, ended with
   "\n". */
void ew_names_hosts_scan (EwHostsScan *scan, const char *text, size_t length);
/* TRUE: the file has the name, or is too large to tell. Sets errno to anything. */
bool ew_names_hosts_has (const char *path, const char *name);
