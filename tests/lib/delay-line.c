/* SPDX-License-Identifier: GPL-3.0-or-later
 * A line between two network namespaces that delays, loses and limits, for kernels without netem:
 *
 *      namespace A: eth0 (TAP) ──── queue ─ rate ─ delay ─ loss ────► eth0 (TAP) :namespace B
 *                               ◄──── the same, on its own ─────
 *
 * delay-line NETNS_A NAME_A NETNS_B NAME_B, where NETNS is a file such as /proc/PID/ns/net. It says "ready" and then obeys lines on its
 * input, until that ends. Each answers with a line:
 *
 *   delay MS | loss PERCENT | rate MBIT | queue BYTES | cut 0 or 1      for both directions, 0: without; "ok". Packets under way stay
 *   count       "A-to-B PASSED LOST DROPPED BYTES B-to-A …": LOST by chance, DROPPED by a full queue or while it is cut
 *   seed N      starts the chance of both directions again
 *
 * Whether the Nth packet of a direction is lost follows from the seed alone. The kernel cuts large packets before it hands them over, and fills
 * in checksums. One thread: about 2 µs a packet.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 2048
#define SLOTS                                                                                                          \
  65536 /* packets under way in one direction: 1 Gb/s and 300 ms of full-size packets, or a burst of small ones */
#define BURST 64 /* packets taken from one end before the other has its turn */
#define SECOND_NS UINT64_C (1000000000)

typedef struct
{
  uint64_t due;
  uint16_t len;
  uint8_t data[FRAME_MAX];
} Slot;

typedef struct
{
  int from, to;
  Slot *slots; /* a ring: those between first and first + n_slots, in the order of their due times */
  unsigned first, n_slots;
  uint64_t line_free; /* when the last packet has left the sender's interface, at the line's rate */
  uint64_t chance, passed, lost, dropped, bytes;
} Direction;

typedef struct
{
  uint64_t delay_ns, rate_bits, queue_bytes;
  double loss; /* 0 to 1 */
  bool cut;
  Direction directions[2];
} Line;

static uint64_t
now_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* splitmix64: the seed alone decides. */
static double
next_chance (uint64_t *state)
{
  uint64_t z = *state += UINT64_C (0x9e3779b97f4a7c15);

  z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
  return (double)((z ^ (z >> 31)) >> 11) / (double)(UINT64_C (1) << 53);
}

static void
seed_chance (Line *line, uint64_t seed)
{
  line->directions[0].chance = seed;
  line->directions[1].chance = ~seed;
}

static void
quit_because (const char *what, const char *name)
{
  fprintf (stderr, "delay-line: %s: %s: %s\n", what, name, strerror (errno));
  exit (1);
}

static int
open_tap (const char *netns, const char *name)
{
  struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
  int fd = open (netns, O_RDONLY | O_CLOEXEC);

  if (fd < 0 || setns (fd, CLONE_NEWNET) < 0)
    quit_because ("Can't enter the namespace", netns);
  close (fd);
  if (strlen (name) >= sizeof request.ifr_name)
    {
      errno = ENAMETOOLONG;
      quit_because ("Can't create the interface", name);
    }
  strcpy (request.ifr_name, name);
  fd = open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 || ioctl (fd, TUNSETIFF, &request) < 0)
    quit_because ("Can't create the interface", name);
  return fd;
}

/* A packet has arrived at the line's end: when it will leave the other, or 0 where it won't. */
static uint64_t
schedule_packet (const Line *line, Direction *d, size_t len, uint64_t now)
{
  bool unlucky = line->loss > 0 && next_chance (&d->chance) < line->loss;
  uint64_t start = d->line_free > now ? d->line_free : now;

  if (line->cut || d->n_slots == SLOTS)
    {
      d->dropped++;
      return 0;
    }
  if (line->rate_bits)
    {
      double waiting = (double)(start - now) * (double)line->rate_bits / 8 / SECOND_NS; /* bytes */
      if (line->queue_bytes && waiting + (double)len > (double)line->queue_bytes)
        {
          d->dropped++;
          return 0;
        }
      start += len * 8 * SECOND_NS / line->rate_bits;
      d->line_free = start;
    }
  if (unlucky) /* lost on the line: it has taken its time there */
    {
      d->lost++;
      return 0;
    }
  return start + line->delay_ns;
}

static void
take_packets (Line *line, Direction *d)
{
  uint8_t overflow[FRAME_MAX];

  for (int i = 0; i < BURST; i++)
    {
      Slot *slot = &d->slots[(d->first + d->n_slots) % SLOTS];
      uint8_t *into = d->n_slots == SLOTS ? overflow : slot->data;
      ssize_t len = read (d->from, into, FRAME_MAX);
      if (len <= 0)
        return;
      uint64_t due = schedule_packet (line, d, (size_t)len, now_ns ());
      if (due == 0)
        continue;
      if (d->n_slots > 0) /* a shorter delay from now on: nothing overtakes */
        {
          uint64_t last = d->slots[(d->first + d->n_slots - 1) % SLOTS].due;
          due = due < last ? last : due;
        }
      slot->due = due;
      slot->len = (uint16_t)len;
      d->n_slots++;
    }
}

static void
deliver_packets (Direction *d)
{
  while (d->n_slots > 0)
    {
      Slot *slot = &d->slots[d->first];
      if (slot->due > now_ns ())
        return;
      if (write (d->to, slot->data, slot->len) < 0)
        d->dropped++; /* the interface is down */
      else
        {
          d->passed++;
          d->bytes += slot->len;
        }
      d->first = (d->first + 1) % SLOTS;
      d->n_slots--;
    }
}

static void
print_counters (const Line *line)
{
  const Direction *a = &line->directions[0], *b = &line->directions[1];

  printf ("A-to-B %ju %ju %ju %ju B-to-A %ju %ju %ju %ju\n", (uintmax_t)a->passed, (uintmax_t)a->lost,
          (uintmax_t)a->dropped, (uintmax_t)a->bytes, (uintmax_t)b->passed, (uintmax_t)b->lost, (uintmax_t)b->dropped,
          (uintmax_t)b->bytes);
}

static void
obey_command (Line *line, const char *command)
{
  char word[16] = "";
  double value = 0;

  if (sscanf (command, "%15s %lf", word, &value) < 1)
    return;
  if (strcmp (word, "count") == 0)
    {
      print_counters (line);
      return;
    }
  if (value < 0)
    word[0] = '\0';
  if (strcmp (word, "delay") == 0)
    line->delay_ns = (uint64_t)(value * 1e6);
  else if (strcmp (word, "loss") == 0)
    line->loss = value / 100;
  else if (strcmp (word, "rate") == 0)
    line->rate_bits = (uint64_t)(value * 1e6);
  else if (strcmp (word, "queue") == 0)
    line->queue_bytes = (uint64_t)value;
  else if (strcmp (word, "cut") == 0)
    line->cut = value != 0;
  else if (strcmp (word, "seed") == 0)
    seed_chance (line, (uint64_t)value);
  else
    {
      printf ("unknown: %s", command);
      return;
    }
  puts ("ok");
}

/* false: the input has ended. */
static bool
read_commands (Line *line)
{
  static char text[512];
  static size_t used;
  ssize_t len = read (STDIN_FILENO, text + used, sizeof text - 1 - used);

  if (len <= 0)
    return false;
  used += (size_t)len;
  text[used] = '\0';
  for (char *end; (end = strchr (text, '\n'));)
    {
      char command[sizeof text];
      size_t size = (size_t)(end - text) + 1;
      memcpy (command, text, size);
      command[size] = '\0';
      memmove (text, end + 1, used - size + 1);
      used -= size;
      obey_command (line, command);
    }
  fflush (stdout);
  return used < sizeof text - 1;
}

/* How long nothing is due. */
static struct timespec
time_to_next (const Line *line)
{
  uint64_t now = now_ns (), wait = SECOND_NS;

  for (int i = 0; i < 2; i++)
    {
      const Direction *d = &line->directions[i];
      if (d->n_slots > 0)
        {
          uint64_t due = d->slots[d->first].due;
          uint64_t rest = due > now ? due - now : 0;
          wait = rest < wait ? rest : wait;
        }
    }
  return (struct timespec){ .tv_sec = (time_t)(wait / SECOND_NS), .tv_nsec = (long)(wait % SECOND_NS) };
}

int
main (int argc, char **argv)
{
  static Line line;

  if (argc != 5)
    {
      fprintf (stderr, "Usage: delay-line NETNS_A NAME_A NETNS_B NAME_B\n");
      return 2;
    }
  prctl (PR_SET_TIMERSLACK, 1UL); /* ns; the default of 50 µs would be seen in a short delay */
  int a = open_tap (argv[1], argv[2]), b = open_tap (argv[3], argv[4]);
  line.directions[0] = (Direction){ .from = a, .to = b, .slots = calloc (SLOTS, sizeof (Slot)) };
  line.directions[1] = (Direction){ .from = b, .to = a, .slots = calloc (SLOTS, sizeof (Slot)) };
  if (!line.directions[0].slots || !line.directions[1].slots)
    quit_because ("Can't start", "memory");
  seed_chance (&line, 1);
  puts ("ready");
  fflush (stdout);

  struct pollfd fds[]
    = { { .fd = a, .events = POLLIN }, { .fd = b, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLIN } };
  for (;;)
    {
      struct timespec wait = time_to_next (&line);
      if (ppoll (fds, 3, &wait, NULL) < 0 && errno != EINTR)
        return 1;
      if ((fds[2].revents) && !read_commands (&line))
        return 0;
      for (int i = 0; i < 2; i++)
        {
          if (fds[i].revents & POLLIN)
            take_packets (&line, &line.directions[i]);
          deliver_packets (&line.directions[i]);
        }
    }
}
