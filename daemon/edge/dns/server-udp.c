/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Questions via UDP, many with one system call: in a flood, most of the work is the kernel's.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "edge/dns/server-private.h"

#define BATCH 64
#define ROUNDS 8 /* then other sources have their turn */

struct EwDnsBatch
{
  struct mmsghdr in[BATCH], out[BATCH];
  struct iovec in_parts[BATCH], out_parts[BATCH];
  struct sockaddr_storage from[BATCH];
  guint8 queries[BATCH][EW_DNS_QUERY_MAX], answers[BATCH][EW_DNS_OWN_ANSWER_MAX];
  guint n_out;
};

/* One that the forwarder has. */
typedef struct
{
  EwDnsDoor *door;
  struct sockaddr_storage from;
  socklen_t from_len;
  gsize len;
  guint8 query[];
} OpenQuestion;

EwDnsBatch *
ew_dns_batch_new (void)
{
  EwDnsBatch *batch = g_new0 (EwDnsBatch, 1);

  for (guint i = 0; i < BATCH; i++)
    {
      batch->in_parts[i] = (struct iovec){ batch->queries[i], EW_DNS_QUERY_MAX };
      batch->in[i].msg_hdr
        = (struct msghdr){ .msg_name = &batch->from[i], .msg_iov = &batch->in_parts[i], .msg_iovlen = 1 };
      batch->out_parts[i] = (struct iovec){ batch->answers[i], 0 };
      batch->out[i].msg_hdr = (struct msghdr){ .msg_iov = &batch->out_parts[i], .msg_iovlen = 1 };
    }
  return batch;
}

void
ew_dns_batch_free (EwDnsBatch *batch)
{
  g_free (batch);
}

static void
on_forwarded (gpointer user_data, const guint8 *answer, gsize len)
{
  g_autofree OpenQuestion *question = user_data;
  guint8 cut[EW_DNS_UDP_MIN];
  EwDnsQuery query;
  guint rcode;

  question->door->server->open--;
  if (answer == NULL || question->door->sockets[0].fd < 0
      || ew_dns_query_read (&query, question->query, question->len, &rcode) != EW_DNS_CHECK_GOOD)
    return;
  if (len > query.size)
    {
      len = ew_dns_answer_cut (&query, answer, len, cut);
      answer = cut;
    }
  if (len > 0)
    (void)sendto (question->door->sockets[0].fd, answer, len, MSG_DONTWAIT | MSG_NOSIGNAL,
                  (const struct sockaddr *)&question->from, question->from_len);
}

static void
forward_query (EwDnsDoor *door, const EwDnsAsker *asker, const struct msghdr *message, const guint8 *query, gsize len)
{
  if (door->server->open >= OPEN_MAX)
    return;
  OpenQuestion *question = g_malloc (sizeof *question + len);
  question->door = door;
  question->from_len = message->msg_namelen;
  memcpy (&question->from, message->msg_name, sizeof question->from);
  question->len = len;
  memcpy (question->query, query, len);
  door->server->open++;
  door->server->forward_calls->async (door->server->forward, asker, question->query, len, on_forwarded, question);
}

static void
handle_query (EwDnsDoor *door, guint i)
{
  EwDnsServer *self = door->server;
  EwDnsBatch *batch = self->batch;
  struct msghdr *message = &batch->in[i].msg_hdr;
  gsize len = batch->in[i].msg_len, answer_len = 0;
  EwDnsAsker asker;
  EwDnsHost *host = ew_dns_server_identify (door, &batch->from[i], &asker);
  EwDnsQuery query;

  if (host == NULL || (message->msg_flags & MSG_TRUNC) != 0 || !ew_dns_server_take (self, host))
    return;
  EwDnsVerdict verdict
    = ew_dns_answer (self->zone, batch->queries[i], len, FALSE, &query, batch->answers[batch->n_out], &answer_len);
  if (verdict == EW_DNS_VERDICT_DROP)
    return;
  if (verdict == EW_DNS_VERDICT_FORWARD && self->forward != NULL)
    {
      forward_query (door, &asker, message, batch->queries[i], len);
      return;
    }
  struct mmsghdr *out = &batch->out[batch->n_out];
  out->msg_hdr.msg_name = message->msg_name;
  out->msg_hdr.msg_namelen = message->msg_namelen;
  batch->out_parts[batch->n_out].iov_len = answer_len;
  batch->n_out++;
}

/* Receivers that the kernel has no buffer or route for are skipped: it asks again. */
static void
send_answers (int fd, EwDnsBatch *batch)
{
  for (guint sent = 0; sent < batch->n_out;)
    {
      int n = sendmmsg (fd, batch->out + sent, batch->n_out - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

      if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
        break;
      sent += n > 0 ? (guint)n : errno != EINTR;
    }
  batch->n_out = 0;
}

gboolean
ew_dns_udp_ready (int fd, GIOCondition condition, gpointer user_data)
{
  EwDnsDoor *door = user_data;
  EwDnsBatch *batch = door->server->batch;

  for (guint round = 0; round < ROUNDS; round++)
    {
      for (guint i = 0; i < BATCH; i++)
        batch->in[i].msg_hdr.msg_namelen = sizeof batch->from[i];
      int n = recvmmsg (fd, batch->in, BATCH, MSG_DONTWAIT, NULL);
      for (int i = 0; i < n; i++)
        handle_query (door, (guint)i);
      send_answers (fd, batch);
      if (n < BATCH)
        break;
    }
  return G_SOURCE_CONTINUE;
}
