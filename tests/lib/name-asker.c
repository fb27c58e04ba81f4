/* SPDX-License-Identifier: GPL-3.0-or-later
 * Asks the C library for each name on a line of its input, and writes the result as a line:
 *
 *   NAME ADDRESS,ADDRESS… CANONICAL       or       NAME error CODE
 *
 * A line "@ADDRESS" asks for the name of an address. One program, so that a process that was there before a change is asked after it;
 * linked with musl and without shared libraries, it is a program that no NSS module reaches.
 */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void
ask_address (const char *text)
{
  struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM }, *result;
  char host[1025];

  if (getaddrinfo (text, NULL, &hints, &result) != 0)
    {
      printf ("@%s error\n", text);
      return;
    }
  int error = getnameinfo (result->ai_addr, result->ai_addrlen, host, sizeof host, NULL, 0, NI_NAMEREQD);
  if (error)
    printf ("@%s error %d\n", text, error);
  else
    printf ("@%s %s\n", text, host);
  freeaddrinfo (result);
}

static void
ask_name (const char *name)
{
  struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME }, *result;
  int error = getaddrinfo (name, NULL, &hints, &result);

  if (error)
    {
      printf ("%s error %d\n", name, error);
      return;
    }
  printf ("%s ", name);
  for (struct addrinfo *a = result; a; a = a->ai_next)
    {
      char host[64];
      getnameinfo (a->ai_addr, a->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST);
      printf ("%s%s", host, a->ai_next ? "," : " ");
    }
  printf ("%s\n", result->ai_canonname ? result->ai_canonname : "-");
  freeaddrinfo (result);
}

int
main (void)
{
  char line[1100];

  while (fgets (line, sizeof line, stdin))
    {
      line[strcspn (line, "\n")] = '\0';
      if (line[0] == '@')
        ask_address (line + 1);
      else
        ask_name (line);
      fflush (stdout);
    }
  return 0;
}
