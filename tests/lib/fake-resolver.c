/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/fake-resolver.h"

#include <arpa/inet.h>
#include <ldns/ldns.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALLERS 16

struct FakeResolver
{
  guint number;
  guint16 port;
  int udp, tcp, stop[2];
  struct pollfd callers[CALLERS];
  GThread *thread;
  pthread_mutex_t lock; /* GLib's are futexes, which ThreadSanitizer does not see */
  GHashTable *counts;   /* name → times */
  guint total;
  gboolean mute;
};

static gboolean
has_label (const gchar *name, const gchar *label)
{
  g_auto (GStrv) labels = g_strsplit (name, ".", -1);
  return g_strv_contains ((const gchar *const *)labels, label);
}

static void add (ldns_pkt *answer, ldns_pkt_section section, const gchar *format, ...) G_GNUC_PRINTF (3, 4);

static void
add (ldns_pkt *answer, ldns_pkt_section section, const gchar *format, ...)
{
  va_list args;
  ldns_rr *record = NULL;
  va_start (args, format);
  g_autofree gchar *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_assert_cmpint (ldns_rr_new_frm_str (&record, text, 60, NULL, NULL), ==, LDNS_STATUS_OK);
  ldns_pkt_push_rr (answer, section, record);
}

static void
add_records (FakeResolver *self, ldns_pkt *answer, const gchar *name, ldns_rr_type type, gboolean tcp)
{
  if (has_label (name, "trunc") && !tcp)
    ldns_pkt_set_tc (answer, true);
  else if (has_label (name, "servfail"))
    ldns_pkt_set_rcode (answer, LDNS_RCODE_SERVFAIL);
  else if (has_label (name, "refused"))
    ldns_pkt_set_rcode (answer, LDNS_RCODE_REFUSED);
  else if (has_label (name, "nx"))
    ldns_pkt_set_rcode (answer, LDNS_RCODE_NXDOMAIN);
  else if (type == LDNS_RR_TYPE_A)
    {
      if (has_label (name, "mesh"))
        add (answer, LDNS_SECTION_ANSWER, "%s IN A 100.96.0.7", name);
      if (!has_label (name, "mesh") || has_label (name, "both"))
        add (answer, LDNS_SECTION_ANSWER, "%s IN A 192.0.2.%u", name, self->number);
      if (has_label (name, "signed"))
        add (answer, LDNS_SECTION_ANSWER, "%s IN RRSIG A 13 2 60 20380101000000 20200101000000 1 example. AAAA", name);
    }
  if (!ldns_pkt_tc (answer) && ldns_pkt_ancount (answer) == 0 && ldns_pkt_get_rcode (answer) % 3 == 0)
    add (answer, LDNS_SECTION_AUTHORITY, ". IN SOA . . 1 1 1 1 30");
}

/* NULL: none. */
static uint8_t *
make_answer (FakeResolver *self, const guint8 *data, gsize len, gboolean tcp, size_t *size)
{
  ldns_pkt *query = NULL, *answer;
  uint8_t *wire = NULL;
  if (ldns_wire2pkt (&query, data, len) != LDNS_STATUS_OK)
    return NULL;
  ldns_rr *question = ldns_rr_list_rr (ldns_pkt_question (query), 0);
  char *text = ldns_rdf2str (ldns_rr_owner (question));
  g_autofree gchar *name = g_ascii_strdown (text, -1);
  pthread_mutex_lock (&self->lock);
  guint *count = g_hash_table_lookup (self->counts, name);
  if (count == NULL)
    g_hash_table_insert (self->counts, g_strdup (name), (count = g_new0 (guint, 1)));
  ++*count;
  self->total++;
  gboolean silent = self->mute || has_label (name, "hang");
  pthread_mutex_unlock (&self->lock);
  if (!silent)
    {
      answer = ldns_pkt_new ();
      ldns_pkt_set_id (answer, ldns_pkt_id (query));
      ldns_pkt_set_qr (answer, true);
      ldns_pkt_set_rd (answer, ldns_pkt_rd (query));
      ldns_pkt_set_ra (answer, true);
      ldns_pkt_set_ad (answer, has_label (name, "ad"));
      ldns_pkt_set_edns_udp_size (answer, 1232);
      ldns_pkt_set_edns_do (answer, ldns_pkt_edns_do (query));
      ldns_pkt_push_rr (answer, LDNS_SECTION_QUESTION, ldns_rr_clone (question));
      add_records (self, answer, text, ldns_rr_get_type (question), tcp);
      g_assert_cmpint (ldns_pkt2wire (&wire, answer, size), ==, LDNS_STATUS_OK);
      ldns_pkt_free (answer);
    }
  free (text);
  ldns_pkt_free (query);
  return wire;
}

static void
serve_udp (FakeResolver *self)
{
  guint8 data[4096];
  struct sockaddr_in from;
  socklen_t from_len = sizeof from;
  size_t size;
  ssize_t n = recvfrom (self->udp, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
  uint8_t *wire = n > 0 ? make_answer (self, data, (gsize)n, FALSE, &size) : NULL;
  if (wire)
    g_assert_cmpint (sendto (self->udp, wire, size, 0, (struct sockaddr *)&from, from_len), ==, (ssize_t)size);
  free (wire);
}

/* One message a call, which comes in one piece on loopback. */
static void
serve_tcp (FakeResolver *self, struct pollfd *caller)
{
  guint8 data[4096];
  size_t size = 0;
  ssize_t n = recv (caller->fd, data, sizeof data, 0);
  uint8_t *wire = n > 2 ? make_answer (self, data + 2, (gsize)n - 2, TRUE, &size) : NULL;
  const guint8 length[2] = { (guint8)(size >> 8), (guint8)size };
  if (wire && (send (caller->fd, length, 2, MSG_NOSIGNAL) != 2 || send (caller->fd, wire, size, MSG_NOSIGNAL) < 0))
    n = 0;
  free (wire);
  if (n > 0)
    return;
  close (caller->fd);
  caller->fd = -1;
}

static void
take_caller (FakeResolver *self)
{
  int fd = accept (self->tcp, NULL, NULL);
  for (guint i = 0; i < CALLERS && fd >= 0; i++)
    if (self->callers[i].fd < 0)
      {
        self->callers[i].fd = fd;
        return;
      }
  close (fd);
}

static gpointer
serve (gpointer data)
{
  FakeResolver *self = data;
  for (;;)
    {
      struct pollfd fds[3 + CALLERS]
        = { { self->udp, POLLIN, 0 }, { self->tcp, POLLIN, 0 }, { self->stop[0], POLLIN, 0 } };
      memcpy (fds + 3, self->callers, sizeof self->callers);
      if (poll (fds, G_N_ELEMENTS (fds), -1) < 0)
        continue;
      if (fds[2].revents)
        return NULL;
      if (fds[0].revents)
        serve_udp (self);
      for (guint i = 0; i < CALLERS; i++)
        if (fds[3 + i].fd >= 0 && fds[3 + i].revents)
          serve_tcp (self, &self->callers[i]);
      if (fds[1].revents)
        take_caller (self);
    }
}

FakeResolver *
fake_resolver_new (guint number)
{
  FakeResolver *self = g_new0 (FakeResolver, 1);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t len = sizeof address;
  int size = 4 * 1024 * 1024;
  self->number = number;
  self->udp = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  self->tcp = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (setsockopt (self->udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), ==, 0);
  do
    {
      address.sin_port = 0;
      if (self->port)
        close (self->udp), self->udp = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      g_assert_cmpint (bind (self->udp, (struct sockaddr *)&address, sizeof address), ==, 0);
      g_assert_cmpint (getsockname (self->udp, (struct sockaddr *)&address, &len), ==, 0);
      self->port = ntohs (address.sin_port);
    }
  while (bind (self->tcp, (struct sockaddr *)&address, sizeof address) != 0); /* another program has that one */
  g_assert_cmpint (listen (self->tcp, CALLERS), ==, 0);
  g_assert_cmpint (pipe (self->stop), ==, 0);
  for (guint i = 0; i < CALLERS; i++)
    self->callers[i] = (struct pollfd){ -1, POLLIN, 0 };
  pthread_mutex_init (&self->lock, NULL);
  self->counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->thread = g_thread_new ("resolver", serve, self);
  return self;
}

void
fake_resolver_free (FakeResolver *self)
{
  g_assert_cmpint (write (self->stop[1], "", 1), ==, 1);
  g_thread_join (self->thread);
  close (self->udp);
  close (self->tcp);
  close (self->stop[0]);
  close (self->stop[1]);
  for (guint i = 0; i < CALLERS; i++)
    if (self->callers[i].fd >= 0)
      close (self->callers[i].fd);
  g_hash_table_unref (self->counts);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

guint16
fake_resolver_get_port (FakeResolver *self)
{
  return self->port;
}

guint
fake_resolver_count (FakeResolver *self, const gchar *name)
{
  pthread_mutex_lock (&self->lock);
  const guint *count = name ? g_hash_table_lookup (self->counts, name) : &self->total;
  guint times = count ? *count : 0;
  pthread_mutex_unlock (&self->lock);
  return times;
}

void
fake_resolver_set_mute (FakeResolver *self, gboolean mute)
{
  pthread_mutex_lock (&self->lock);
  self->mute = mute;
  pthread_mutex_unlock (&self->lock);
}
