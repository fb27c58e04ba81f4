/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * dns-load ADDRESS PORT THREADS SECONDS NAME [RATE]: asks for A of NAME by UDP and counts the answers. "*" in NAME is a
 * random number, "%" a random one below 10,000. Without RATE as fast as answers come, up to 256 open questions a thread;
 * with RATE that many questions a second, whether answers come or not. Prints "asking", then "ASKED ANSWERED".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define WINDOW 256
#define QUERY_MAX 300
#define HEADER 12

static struct sockaddr_storage server;
static socklen_t server_len;
static const char *pattern;
static double seconds, rate;

typedef struct
{
  pthread_t thread;
  unsigned seed;
  unsigned long asked, answered;
} Worker;

static double
get_time (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static size_t
make_query (uint8_t *out, Worker *worker)
{
  static const uint8_t header[HEADER] = { 0, 0, 1, 0, 0, 1 };
  char name[256];
  size_t used = 0, at = HEADER;
  for (const char *c = pattern; *c != '\0' && used < sizeof name - 12; c++)
    if (*c == '*' || *c == '%')
      used += (size_t)snprintf (name + used, 12, "%d",
                                *c == '*' ? rand_r (&worker->seed) : rand_r (&worker->seed) % 10000);
    else
      name[used++] = *c;
  name[used] = '\0';
  memcpy (out, header, HEADER);
  out[0] = (uint8_t)rand_r (&worker->seed);
  out[1] = (uint8_t)rand_r (&worker->seed);
  char *rest = name;
  for (char *label = strsep (&rest, "."); label != NULL; label = strsep (&rest, "."))
    {
      size_t len = strlen (label);
      out[at++] = (uint8_t)len;
      memcpy (out + at, label, len);
      at += len;
    }
  static const uint8_t end[] = { 0, 0, 1, 0, 1 };
  memcpy (out + at, end, sizeof end);
  return at + sizeof end;
}

typedef struct
{
  struct mmsghdr messages[BATCH];
  struct iovec parts[BATCH];
  uint8_t bytes[BATCH][512];
} Batch;

static unsigned
receive_answers (int fd, Batch *batch)
{
  for (unsigned i = 0; i < BATCH; i++)
    {
      batch->parts[i] = (struct iovec){ batch->bytes[i], sizeof batch->bytes[i] };
      batch->messages[i].msg_hdr = (struct msghdr){ .msg_iov = &batch->parts[i], .msg_iovlen = 1 };
    }
  int n = recvmmsg (fd, batch->messages, BATCH, MSG_DONTWAIT, NULL);
  return n > 0 ? (unsigned)n : 0;
}

static unsigned
send_queries (int fd, Batch *batch, Worker *worker, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    {
      batch->parts[i] = (struct iovec){ batch->bytes[i], make_query (batch->bytes[i], worker) };
      batch->messages[i].msg_hdr = (struct msghdr){ .msg_iov = &batch->parts[i], .msg_iovlen = 1 };
    }
  int sent = n > 0 ? sendmmsg (fd, batch->messages, n, 0) : 0;
  return sent > 0 ? (unsigned)sent : 0;
}

static void *
run_worker (void *data)
{
  Worker *worker = data;
  Batch *batch = calloc (1, sizeof *batch);
  int fd = socket (server.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), buffer = 4 << 20;
  setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (connect (fd, (const struct sockaddr *)&server, server_len) != 0)
    exit (EXIT_FAILURE);
  double start = get_time (), now = start, heard = start;
  unsigned long open = 0;
  while ((now = get_time ()) - start < seconds)
    {
      unsigned got = receive_answers (fd, batch), n;
      worker->answered += got;
      open -= got < open ? got : open;
      heard = got > 0 ? now : heard;
      if (rate == 0 && now - heard > 0.1) /* what is lost is asked again */
        open = 0;
      if (rate > 0)
        n = (now - start) * rate > (double)worker->asked ? BATCH : 0;
      else
        n = open + BATCH <= WINDOW ? BATCH : 0;
      unsigned sent = send_queries (fd, batch, worker, n);
      worker->asked += sent;
      open += sent;
      if (sent == 0 && got == 0)
        poll (&(struct pollfd){ fd, POLLIN, 0 }, 1, 1);
    }
  close (fd);
  free (batch);
  return NULL;
}

static int
parse_server (const char *address, const char *port)
{
  struct sockaddr_in *in = (struct sockaddr_in *)(void *)&server;
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&server;
  in_port_t number = htons ((uint16_t)atoi (port));
  if (inet_pton (AF_INET, address, &in->sin_addr) == 1)
    {
      in->sin_family = AF_INET;
      in->sin_port = number;
      server_len = sizeof *in;
    }
  else if (inet_pton (AF_INET6, address, &in6->sin6_addr) == 1)
    {
      in6->sin6_family = AF_INET6;
      in6->sin6_port = number;
      server_len = sizeof *in6;
    }
  return server_len != 0;
}

int
main (int argc, char **argv)
{
  if (argc < 6 || !parse_server (argv[1], argv[2]) || strlen (argv[5]) > 200)
    {
      fprintf (stderr, "dns-load ADDRESS PORT THREADS SECONDS NAME [RATE]\n");
      return EXIT_FAILURE;
    }
  unsigned n = (unsigned)atoi (argv[3]);
  Worker *workers = calloc (n, sizeof *workers);
  seconds = atof (argv[4]);
  pattern = argv[5];
  rate = argc > 6 ? atof (argv[6]) / n : 0;
  printf ("asking\n");
  fflush (stdout);
  unsigned long asked = 0, answered = 0;
  for (unsigned i = 0; i < n; i++)
    {
      workers[i].seed = i + 1;
      pthread_create (&workers[i].thread, NULL, run_worker, &workers[i]);
    }
  for (unsigned i = 0; i < n; i++)
    {
      pthread_join (workers[i].thread, NULL);
      asked += workers[i].asked;
      answered += workers[i].answered;
    }
  printf ("%lu %lu\n", asked, answered);
  free (workers);
  return EXIT_SUCCESS;
}
