/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/dns/upstream.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/mman.h>
#include <unbound.h>
#include <unistd.h>
#include "common/error.h"
#include "edge/dns/special.h"

/* Queries without a resolver are sent here, so that the root's servers aren't asked: RFC 863, where no program
   listens. */
#define NOWHERE "127.0.0.1@9"

struct EwDnsUpstream
{
  struct ub_ctx *context;
  GSource *source;
  GQueue queries; /* Query: those that are open */
  EwDnsUpstreamDone done;
  EwDnsUpstreamPause pause;
  gpointer user_data;
};

/* One question. libunbound hands its pointer back, from this thread. */
typedef struct
{
  EwDnsUpstream *upstream;
  gpointer asked;
  GList link;
} Query;

static void
format_forwards (GString *out, const gchar *zone, const EwDnsResolver *resolvers, gsize n)
{
  gchar text[EW_DNS_RESOLVER_STRLEN];
  g_string_append_printf (out, "forward-zone:\n name: \"%s.\"\n", zone);
  for (gsize i = 0; i < n; i++)
    {
      ew_dns_resolver_format (&resolvers[i], text);
      g_string_append_printf (out, " forward-addr: %s\n", text);
    }
  if (n == 0)
    g_string_append (out, " forward-addr: " NOWHERE "\n");
}

/* Five tries, each twice as long after the one before: 200 ms to 6.2 s where the server is known as quick, 376 ms to
   11.7 s where it isn't. A server that is believed to be down is tried again after 5 s, and so is a name that failed. */
static const gchar server[] = "server:\n"
                              " module-config: \"iterator\"\n"
                              " verbosity: 0\n"
                              " use-syslog: no\n"
                              " do-not-query-localhost: no\n"
                              " qname-minimisation: no\n"
                              " minimal-responses: yes\n"
                              " edns-buffer-size: 1232\n"
                              " outgoing-num-tcp: 16\n"
                              " outbound-msg-retry: 5\n"
                              " infra-cache-min-rtt: 200\n"
                              " infra-host-ttl: 5\n"
                              " infra-keep-probing: yes\n"
                              " infra-cache-numhosts: 256\n"
                              " unblock-lan-zones: yes\n"
                              " insecure-lan-zones: yes\n";

gchar *
ew_dns_upstream_format (const EwDnsUpstreamConfig *config)
{
  GString *out = g_string_new (server);
  gchar text[EW_PREFIX_STRLEN];
  g_string_append_printf (out, " outgoing-range: %u\n msg-cache-size: %zu\n rrset-cache-size: %zu\n", config->queries,
                          config->cache / 3, config->cache / 3 * 2);
  /* It has answers of its own for these: special.h decides about them. */
  for (const gchar *const *domain = ew_dns_special_domains (); *domain; domain++)
    g_string_append_printf (out, " local-zone: \"%s.\" nodefault\n", *domain);
  for (gsize i = 0; i < config->n_closed; i++)
    {
      ew_prefix_format (&config->closed[i], text);
      g_string_append_printf (out, " private-address: %s\n", text);
    }
  for (gsize i = 0; i < config->n_domains; i++)
    g_string_append_printf (out, " private-domain: \"%s.\"\n", config->domains[i].domain);
  format_forwards (out, "", config->resolvers, config->n_resolvers);
  for (gsize i = 0; i < config->n_domains; i++)
    format_forwards (out, config->domains[i].domain, config->domains[i].resolvers, config->domains[i].n_resolvers);
  return g_string_free (out, FALSE);
}

/* libunbound reads files only. */
static gboolean
load_config (struct ub_ctx *context, const gchar *text, GError **error)
{
  int fd = memfd_create ("edgeway-dns", MFD_CLOEXEC);
  gsize length = strlen (text);
  g_autofree gchar *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  int code = fd >= 0 && write (fd, text, length) == (ssize_t)length ? ub_ctx_config (context, path) : UB_READFILE;
  if (code != 0)
    g_set_error (error, EW_ERROR, EW_ERROR_FAILED, "the resolvers can't be set up: %s",
                 code == UB_READFILE ? g_strerror (errno) : ub_strerror (code));
  if (fd >= 0)
    close (fd);
  return code == 0;
}

static gboolean
on_answers (gint fd, GIOCondition condition, gpointer user_data)
{
  EwDnsUpstream *self = user_data;
  ub_process (self->context);
  self->pause (self->user_data); /* may free self */
  return G_SOURCE_CONTINUE;
}

EwDnsUpstream *
ew_dns_upstream_new (const EwDnsUpstreamConfig *config, EwDnsUpstreamDone done, EwDnsUpstreamPause pause,
                     gpointer user_data, GError **error)
{
  g_autofree gchar *text = ew_dns_upstream_format (config);
  struct ub_ctx *context = ub_ctx_create ();
  if (context == NULL)
    {
      g_set_error (error, EW_ERROR, EW_ERROR_FAILED, "the resolvers can't be set up: %s", g_strerror (errno));
      return NULL;
    }
  ub_ctx_debugout (context, NULL);
  if (!load_config (context, text, error))
    {
      ub_ctx_delete (context);
      return NULL;
    }
  ub_ctx_async (context, 1); /* a thread: a process couldn't be had, and would have the mesh's keys */
  EwDnsUpstream *self = g_new0 (EwDnsUpstream, 1);
  self->context = context;
  self->done = done;
  self->pause = pause;
  self->user_data = user_data;
  self->source = g_unix_fd_source_new (ub_fd (context), G_IO_IN);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_answers), self, NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());
  return self;
}

void
ew_dns_upstream_free (EwDnsUpstream *self)
{
  if (self == NULL)
    return;
  g_source_destroy (self->source);
  g_source_unref (self->source);
  ub_ctx_delete (self->context);
  for (GList *link = self->queries.head, *next; link; link = next)
    {
      next = link->next;
      g_free (link->data);
    }
  g_free (self);
}

static void
on_answer (void *data, int failure, struct ub_result *result)
{
  Query *query = data;
  EwDnsUpstream *self = query->upstream;
  const gint rcode = failure || result == NULL ? 2 /* SERVFAIL */ : result->rcode;
  self->done (self->user_data, query->asked, rcode, result ? result->answer_packet : NULL,
              result ? (gsize)MAX (result->answer_len, 0) : 0);
  ub_resolve_free (result);
  g_queue_unlink (&self->queries, &query->link);
  g_free (query);
}

gboolean
ew_dns_upstream_ask (EwDnsUpstream *self, const gchar *name, guint16 type, gpointer asked)
{
  Query *query = g_new (Query, 1);
  *query = (Query){ self, asked, { query, NULL, NULL } };
  if (ub_resolve_async (self->context, name, type, 1 /* IN */, query, on_answer, NULL) != 0)
    {
      g_free (query);
      return FALSE;
    }
  g_queue_push_tail_link (&self->queries, &query->link);
  return TRUE;
}
