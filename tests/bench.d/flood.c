/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What an edge's port has to stand.
 *
 *   flood capture DEVICE PORT FILE MS    writes the first handshake initiation that leaves for that UDP port
 *   flood send DESTINATION PORT FILE RATE MS SOURCE…
 *       so many packets a second from those addresses in turn: junk of all lengths and types, and, every other one,
 *       that initiation again, whose first MAC is right
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INITIATION 148
#define MAX_SOURCES 64

static int64_t
now_ms (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C (1000) + time.tv_nsec / 1000000;
}

static void __attribute__ ((noreturn)) die (const char *what)
{
  perror (what);
  exit (1);
}

/* The UDP payload of an Ethernet frame where it is an initiation to that port; else NULL. */
static const uint8_t *
find_initiation (const uint8_t *frame, size_t len, int port)
{
  struct iphdr ip;
  struct udphdr udp;
  const uint8_t *payload;

  if (len < 14 + sizeof ip + sizeof udp + INITIATION || frame[12] != 8 || frame[13] != 0)
    return NULL;
  memcpy (&ip, frame + 14, sizeof ip);
  if (ip.protocol != IPPROTO_UDP || len < 14 + (size_t)ip.ihl * 4 + sizeof udp + INITIATION)
    return NULL;
  memcpy (&udp, frame + 14 + ip.ihl * 4, sizeof udp);
  payload = frame + 14 + ip.ihl * 4 + sizeof udp;
  return ntohs (udp.dest) == port && ntohs (udp.len) == sizeof udp + INITIATION && payload[0] == 1 ? payload : NULL;
}

static int
capture (char **words)
{
  int fd = socket (AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons (ETH_P_ALL));
  struct sockaddr_ll at
    = { .sll_family = AF_PACKET, .sll_protocol = htons (ETH_P_ALL), .sll_ifindex = (int)if_nametoindex (words[0]) };
  int64_t end = now_ms () + atoll (words[3]);

  if (fd < 0 || bind (fd, (struct sockaddr *)&at, sizeof at) != 0)
    die ("capture");
  puts ("ready");
  fflush (stdout);
  while (now_ms () < end)
    {
      struct pollfd poll_fd = { fd, POLLIN, 0 };
      static uint8_t frame[65536];
      const uint8_t *found;
      ssize_t len;

      if (poll (&poll_fd, 1, 100) <= 0)
        continue;
      len = recv (fd, frame, sizeof frame, 0);
      found = len > 0 ? find_initiation (frame, (size_t)len, atoi (words[1])) : NULL;
      if (found != NULL)
        {
          FILE *file = fopen (words[2], "wb");

          if (file == NULL || fwrite (found, 1, INITIATION, file) != INITIATION || fclose (file) != 0)
            die (words[2]);
          return 0;
        }
    }
  fprintf (stderr, "flood: no initiation came by\n");
  return 1;
}

static int
open_source (const char *address, const struct sockaddr_in *to)
{
  struct sockaddr_in from = { .sin_family = AF_INET };
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  if (inet_pton (AF_INET, address, &from.sin_addr) != 1 || fd < 0
      || bind (fd, (struct sockaddr *)&from, sizeof from) != 0
      || connect (fd, (const struct sockaddr *)to, sizeof *to) != 0)
    die (address);
  return fd;
}

static size_t
make_junk (uint8_t *junk)
{
  static const size_t sizes[] = { 148, 92, 64, 32 }; /* those that the protocol knows */
  size_t len = rand () % 2 == 0 ? sizes[rand () % 4] : (size_t)(1 + rand () % 1400);

  for (size_t i = 0; i < len; i++)
    junk[i] = (uint8_t)rand ();
  if (rand () % 2 == 0)
    memcpy (junk, (uint8_t[]){ (uint8_t)(1 + rand () % 4), 0, 0, 0 }, len < 4 ? len : 4);
  return len;
}

static int
send_flood (int n, char **words)
{
  struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons ((uint16_t)atoi (words[1])) };
  uint8_t initiation[INITIATION], junk[1500];
  int sources[MAX_SOURCES], n_sources = n - 5 < MAX_SOURCES ? n - 5 : MAX_SOURCES;
  double rate = atof (words[3]);
  int64_t begin = now_ms (), length = atoll (words[4]);
  uint64_t tried = 0, sent = 0;
  FILE *file = fopen (words[2], "rb");

  if (file == NULL || fread (initiation, 1, INITIATION, file) != INITIATION)
    die (words[2]);
  fclose (file);
  inet_pton (AF_INET, words[0], &to.sin_addr);
  for (int i = 0; i < n_sources; i++)
    sources[i] = open_source (words[5 + i], &to);
  srand (1);
  while (now_ms () - begin < length)
    {
      if ((double)tried >= (double)(now_ms () - begin) * rate / 1000)
        {
          usleep (500);
          continue;
        }
      for (int i = 0; i < 32; i++, tried++)
        {
          int fd = sources[tried / 2 % (uint64_t)n_sources];
          size_t len = tried % 2 == 0 ? make_junk (junk) : INITIATION;

          sent += send (fd, tried % 2 == 0 ? junk : initiation, len, MSG_DONTWAIT) > 0;
        }
    }
  printf ("{\"sent\": %llu}\n", (unsigned long long)sent);
  return 0;
}

int
main (int argc, char **argv)
{
  if (argc == 6 && strcmp (argv[1], "capture") == 0)
    return capture (argv + 2);
  if (argc >= 8 && strcmp (argv[1], "send") == 0)
    return send_flood (argc - 2, argv + 2);
  fprintf (stderr,
           "Usage: flood capture DEVICE PORT FILE MS\n       flood send DESTINATION PORT FILE RATE MS SOURCE…\n");
  return 2;
}
