/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The packets that tests/bench measures with; each prints one line of JSON.
 *
 *   probe connect DESTINATION TIMEOUT_MS       echoes every ms until the first reply: when it came (CLOCK_MONOTONIC)
 *   probe echo DESTINATION COUNT INTERVAL_US   round trips in ms: 50th and 99th percentile, the longest
 *   probe send DESTINATION PORT SIZE RATE MS   UDP, paced to RATE packets a second
 *   probe receive PORT MS                      counts UDP for that long, or until its input ends
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MS INT64_C (1000000)
#define BATCH 64
#define LINGER (500 * MS) /* how long late replies are waited for */

static int64_t
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C (1000000000) + time.tv_nsec;
}

static void __attribute__ ((noreturn)) die (const char *what)
{
  perror (what);
  exit (2);
}

static struct sockaddr_in
address_of (const char *text, int port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((uint16_t)port) };

  if (inet_pton (AF_INET, text, &address.sin_addr) != 1)
    {
      fprintf (stderr, "probe: not an address: %s\n", text);
      exit (2);
    }
  return address;
}

/* ICMP echo; the kernel of the other side answers. */

typedef struct
{
  struct icmphdr header;
  int64_t sent;
  uint8_t rest[40];
} Echo;

static uint16_t
checksum (const void *data, size_t len)
{
  const uint8_t *bytes = data;
  uint32_t sum = 0;

  for (size_t i = 0; i + 1 < len; i += 2)
    sum += (uint32_t)(bytes[i] | bytes[i + 1] << 8);
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

static int
echo_socket (void)
{
  int fd = socket (AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

  if (fd < 0)
    die ("socket");
  return fd;
}

static void
send_echo (int fd, const struct sockaddr_in *to, uint16_t sequence)
{
  Echo echo = { .header.type = ICMP_ECHO, .sent = now () };

  echo.header.un.echo.id = (uint16_t)getpid ();
  echo.header.un.echo.sequence = htons (sequence);
  echo.header.checksum = checksum (&echo, sizeof echo);
  /* Not yet a route, not yet an interface: the next one may find it. */
  (void)!sendto (fd, &echo, sizeof echo, MSG_DONTWAIT, (const struct sockaddr *)to, sizeof *to);
}

/* Takes what is there; returns the round trip of a reply in ns, else -1. */
static int64_t
receive_echo (int fd, const struct sockaddr_in *from)
{
  uint8_t buffer[512];
  struct iphdr ip;
  Echo echo;
  ssize_t len = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT);

  if (len < (ssize_t)sizeof ip)
    return -1;
  memcpy (&ip, buffer, sizeof ip);
  if (len < (ssize_t)(ip.ihl * 4 + sizeof echo) || ip.saddr != from->sin_addr.s_addr)
    return -1;
  memcpy (&echo, buffer + ip.ihl * 4, sizeof echo);
  if (echo.header.type != ICMP_ECHOREPLY || echo.header.un.echo.id != (uint16_t)getpid ())
    return -1;
  return now () - echo.sent;
}

static void
wait_for (int fd, int64_t until)
{
  struct pollfd poll_fd = { fd, POLLIN, 0 };
  int64_t left = until - now ();
  struct timespec time = { .tv_sec = left / (1000 * MS), .tv_nsec = left % (1000 * MS) };

  if (left > 0)
    ppoll (&poll_fd, 1, &time, NULL);
}

static int
connect_probe (char **words)
{
  struct sockaddr_in to = address_of (words[0], 0);
  int64_t end = now () + atoll (words[1]) * MS, next = now ();
  int fd = echo_socket ();

  for (uint16_t sequence = 0; now () < end;)
    {
      if (now () >= next)
        {
          send_echo (fd, &to, sequence++);
          next += MS;
        }
      wait_for (fd, next);
      if (receive_echo (fd, &to) >= 0)
        {
          printf ("{\"at\": %" PRId64 "}\n", now ());
          return 0;
        }
    }
  printf ("{\"at\": null}\n");
  return 1;
}

static int
compare (const void *a, const void *b)
{
  int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

  return left < right ? -1 : left > right;
}

static int
echo_probe (char **words)
{
  struct sockaddr_in to = address_of (words[0], 0);
  size_t count = (size_t)atoll (words[1]), got = 0, sent = 0;
  int64_t interval = atoll (words[2]) * 1000, next = now (), end = next + (int64_t)count * interval + LINGER;
  int64_t *times = calloc (count + 1, sizeof *times);
  int fd = echo_socket ();

  if (times == NULL || count == 0)
    return 2;
  while (got < count && now () < end)
    {
      int64_t time;

      if (sent < count && now () >= next)
        {
          send_echo (fd, &to, (uint16_t)sent++);
          next += interval;
        }
      wait_for (fd, sent < count ? next : end);
      time = receive_echo (fd, &to);
      if (time >= 0)
        times[got++] = time;
    }
  if (got == 0)
    return 1;
  qsort (times, got, sizeof *times, compare);
  printf ("{\"sent\": %zu, \"got\": %zu, \"p50\": %.4f, \"p99\": %.4f, \"max\": %.4f}\n", sent, got,
          (double)times[got / 2] / 1e6, (double)times[got * 99 / 100] / 1e6, (double)times[got - 1] / 1e6);
  free (times);
  return 0;
}

/* UDP. */

static int
send_probe (char **words)
{
  struct sockaddr_in to = address_of (words[0], atoi (words[1]));
  static char data[2048];
  struct iovec part = { data, (size_t)atoi (words[2]) % sizeof data };
  struct mmsghdr messages[BATCH] = { 0 };
  double rate = atof (words[3]);
  int64_t begin = now (), length = atoll (words[4]) * MS, passed;
  uint64_t sent = 0, failed = 0;
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  if (fd < 0 || connect (fd, (struct sockaddr *)&to, sizeof to) != 0)
    die ("connect");
  for (int i = 0; i < BATCH; i++)
    messages[i].msg_hdr = (struct msghdr){ .msg_iov = &part, .msg_iovlen = 1 };
  prctl (PR_SET_TIMERSLACK, 1000);
  while ((passed = now () - begin) < length)
    {
      uint64_t due = (uint64_t)((double)passed * rate / 1e9);
      unsigned n = due - sent - failed > BATCH ? BATCH : (unsigned)(due - sent - failed);
      int done;

      if (due <= sent + failed)
        {
          nanosleep (&(struct timespec){ .tv_nsec = 50000 }, NULL);
          continue;
        }
      done = sendmmsg (fd, messages, n, 0);
      if (done > 0)
        sent += (uint64_t)done;
      else
        failed += n; /* costs its turn: never a spin */
    }
  printf ("{\"sent\": %" PRIu64 ", \"failed\": %" PRIu64 "}\n", sent, failed);
  return 0;
}

static int
receive_probe (char **words)
{
  struct sockaddr_in at = address_of ("0.0.0.0", atoi (words[0]));
  int64_t end = now () + atoll (words[1]) * MS;
  int fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), size = 8 << 20;
  static char data[BATCH][2048];
  struct iovec parts[BATCH];
  struct mmsghdr messages[BATCH] = { 0 };
  uint64_t received = 0;

  setsockopt (fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  if (fd < 0 || bind (fd, (struct sockaddr *)&at, sizeof at) != 0)
    die ("bind");
  for (int i = 0; i < BATCH; i++)
    {
      parts[i] = (struct iovec){ data[i], sizeof data[i] };
      messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
    }
  while (now () < end)
    {
      struct pollfd fds[2] = { { fd, POLLIN, 0 }, { 0, POLLIN, 0 } };

      poll (fds, 2, 20);
      if (fds[0].revents != 0)
        {
          int n = recvmmsg (fd, messages, BATCH, MSG_DONTWAIT, NULL);
          received += n > 0 ? (uint64_t)n : 0;
        }
      else if (fds[1].revents != 0)
        break; /* the end of the input; the socket is empty */
    }
  printf ("{\"received\": %" PRIu64 "}\n", received);
  return 0;
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    int words;
    int (*run) (char **words);
  } probes[] = { { "connect", 2, connect_probe },
                 { "echo", 3, echo_probe },
                 { "send", 5, send_probe },
                 { "receive", 2, receive_probe } };

  for (size_t i = 0; argc > 1 && i < sizeof probes / sizeof *probes; i++)
    if (strcmp (argv[1], probes[i].name) == 0 && argc == probes[i].words + 2)
      return probes[i].run (argv + 2);
  fprintf (stderr, "Usage: probe connect|echo|send|receive ARGUMENT…\n");
  return 2;
}
