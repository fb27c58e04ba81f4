/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "edge/dns/forward.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include "common/util.h"
#include "edge/dns/forward-message.h"
#include "edge/dns/forward-private.h"
#include "edge/dns/special.h"
#include "edge/dns/upstream.h"

#define HOST_FILE_MAX (64 * 1024)
#define LOOK_US G_TIME_SPAN_SECOND /* between two looks at it */
#define SWEEP_MS 100
#define NAMES_CACHE (12 * 1024 * 1024)
#define GATEWAYS_CACHE (3 * 1024 * 1024)

/* Two upstreams, so that an unreachable gateway uses up no ports or queue places of the internet's names. */
typedef struct
{
  EwDnsUpstream *upstream; /* NULL: there is no resolver to ask */
  gint64 answered_us;      /* when it last did */
  gboolean silent;         /* it left a question unanswered, and answered none since that was asked */
} Side;

typedef struct
{
  EwDnsQuestion *question;
  EwDnsForwardDone done;
  gpointer user_data;
  EwDnsAskerUse *asker;
  Side *side;
  gint64 asked_us, until_us;
  gboolean failed; /* its asker has an answer; it is only a place that is still taken */
  GList link;
} Open;

typedef struct
{
  EwDnsForwardDone done;
  gpointer user_data;
  GBytes *answer; /* NULL: none */
} Ready;

struct EwDnsForward
{
  EwDnsForwardSettings *settings;
  EwDnsForwardPlan *plan;
  EwDnsKinds *kinds;
  GArray *host;         /* EwDnsResolver, of the host's file */
  GArray *resolvers;    /* … or of the owner: those that are asked */
  gboolean only_itself; /* there were some, but all of them the edge's own addresses */
  struct stat host_stat;
  gint64 looked_us;
  Side names, gateways;
  EwDnsAskers askers;
  GQueue open;  /* Open, the oldest first */
  GQueue ready; /* Ready: made where neither asker nor resolver can influence it */
  GSource *give, *sweep;
};

static void on_answer (gpointer user_data, gpointer asked, gint rcode, const guint8 *answer, gsize len);
static void on_pause (gpointer user_data);

/* Answers. */

static void
give_all (EwDnsForward *self)
{
  Ready *ready;
  while ((ready = g_queue_pop_head (&self->ready)))
    {
      gsize len = 0;
      const guint8 *answer = ready->answer ? g_bytes_get_data (ready->answer, &len) : NULL;
      ready->done (ready->user_data, answer, len);
      g_clear_pointer (&ready->answer, g_bytes_unref);
      g_free (ready);
    }
}

static gboolean
on_give (gpointer user_data)
{
  EwDnsForward *self = user_data;
  g_clear_pointer (&self->give, g_source_unref);
  give_all (self);
  return G_SOURCE_REMOVE;
}

/* answer: taken. */
static void
put (EwDnsForward *self, EwDnsForwardDone done, gpointer user_data, GBytes *answer)
{
  Ready *ready = g_new (Ready, 1);
  *ready = (Ready){ done, user_data, answer };
  g_queue_push_tail (&self->ready, ready);
  if (self->give)
    return;
  self->give = g_idle_source_new ();
  g_source_set_priority (self->give, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->give, on_give, self, NULL);
  g_source_attach (self->give, g_main_context_get_thread_default ());
}

static void
release (EwDnsForward *self, Open *open)
{
  open->asker->open--;
  g_queue_unlink (&self->open, &open->link);
  ew_dns_question_free (open->question);
  g_free (open);
}

/* Questions without an answer. */

static GBytes *
fail_silent (const Open *open)
{
  return ew_dns_reply_failure (open->question, LDNS_RCODE_SERVFAIL, LDNS_EDE_NO_REACHABLE_AUTHORITY,
                               "The edge's resolver for this name didn't answer in time.");
}

static gboolean
on_sweep (gpointer user_data)
{
  EwDnsForward *self = user_data;
  const gint64 now = g_get_monotonic_time ();
  guint waiting = 0;
  for (GList *link = self->open.head; link; link = link->next)
    {
      Open *open = link->data;
      if (open->failed)
        continue;
      if (now < open->until_us)
        {
          waiting++;
          continue;
        }
      open->failed = TRUE;
      open->side->silent = open->side->answered_us < open->asked_us;
      put (self, open->done, open->user_data, fail_silent (open));
    }
  if (waiting > 0)
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&self->sweep, g_source_unref);
  return G_SOURCE_REMOVE;
}

static void
start_sweeps (EwDnsForward *self)
{
  if (self->sweep)
    return;
  self->sweep = g_timeout_source_new (SWEEP_MS);
  g_source_set_callback (self->sweep, on_sweep, self, NULL);
  g_source_attach (self->sweep, g_main_context_get_thread_default ());
}

/* The upstreams. */

static guint
count_ports (void)
{
  struct rlimit limit;
  /* Each has a descriptor; the edge's callers need some too. */
  return getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 8192 ? 128 : EW_DNS_OPEN_MAX;
}

static EwDnsUpstream *
make_upstream (EwDnsForward *self, gboolean gateways)
{
  const EwDnsForwardPlan *plan = self->plan;
  g_autoptr (GArray) domains = g_array_new (FALSE, FALSE, sizeof (EwDnsDomain));
  g_autoptr (GError) error = NULL;
  g_array_append_vals (domains, plan->domains->data,
                       plan->domains->len); /* ew_dns_forward_check() has looked at them */
  if (gateways)
    g_array_append_vals (domains, plan->gateways->data, plan->gateways->len);
  EwDnsUpstreamConfig config = {
    .resolvers = (const EwDnsResolver *)(void *)self->resolvers->data,
    .n_resolvers = plan->forward ? self->resolvers->len : 0,
    .domains = (const EwDnsDomain *)(void *)domains->data,
    .n_domains = domains->len,
    .closed = plan->ranges,
    .n_closed = G_N_ELEMENTS (plan->ranges),
    .cache = gateways ? GATEWAYS_CACHE : NAMES_CACHE,
    .queries = count_ports (),
  };
  if (gateways ? plan->gateways->len == 0 : config.n_resolvers + config.n_domains == 0)
    return NULL;
  EwDnsUpstream *upstream = ew_dns_upstream_new (&config, on_answer, on_pause, self, &error);
  if (upstream == NULL)
    g_warning ("names outside the mesh aren't answered: %s", error->message);
  return upstream;
}

/* Open queries continue with the new one; what has failed already is forgotten. */
static void
replace_upstream (EwDnsForward *self, Side *side)
{
  const gint64 now = g_get_monotonic_time ();
  ew_dns_upstream_free (side->upstream);
  side->upstream = make_upstream (self, side == &self->gateways);
  side->silent = FALSE;
  for (GList *link = self->open.head, *next; link; link = next)
    {
      Open *open = link->data;
      next = link->next;
      if (open->side != side)
        continue;
      open->until_us = MAX (open->until_us, now + EW_DNS_PATIENCE_SILENT_MS * G_TIME_SPAN_MILLISECOND);
      if (!open->failed && side->upstream
          && ew_dns_upstream_ask (side->upstream, open->question->name, open->question->type, open))
        continue;
      if (!open->failed)
        put (self, open->done, open->user_data, fail_silent (open));
      release (self, open);
    }
}

/* Resolvers. */

static gboolean
has_changed (EwDnsForward *self)
{
  const struct stat *before = &self->host_stat;
  struct stat now;
  if (self->plan->resolvers->len > 0 || stat (self->plan->host_file, &now) != 0)
    return FALSE;
  gboolean changed = now.st_ino != before->st_ino || now.st_dev != before->st_dev || now.st_size != before->st_size
                     || now.st_mtim.tv_sec != before->st_mtim.tv_sec || now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
  self->host_stat = now;
  return changed;
}

static gboolean
equal_resolvers (const GArray *a, const GArray *b)
{
  gboolean equal = a->len == b->len;
  for (guint i = 0; equal && i < a->len; i++)
    equal = ew_dns_resolver_equal (&g_array_index (a, EwDnsResolver, i), &g_array_index (b, EwDnsResolver, i));
  return equal;
}

static void
read_host_file (EwDnsForward *self)
{
  g_autofree gchar *text = NULL;
  if (!ew_file_read (self->plan->host_file, HOST_FILE_MAX, &text, NULL, NULL))
    return; /* as glibc: what was known stays */
  g_array_unref (self->host);
  self->host = ew_dns_resolvers_from_resolv_conf (text);
}

/* TRUE: they are others than before. */
static gboolean
choose_resolvers (EwDnsForward *self)
{
  const EwDnsForwardPlan *plan = self->plan;
  const GArray *wanted = plan->resolvers->len > 0 ? plan->resolvers : self->host;
  guint dropped;
  GArray *before = self->resolvers;
  self->resolvers = ew_dns_resolvers_without (wanted, plan->service, G_N_ELEMENTS (plan->service), &dropped);
  self->only_itself = dropped > 0 && self->resolvers->len == 0;
  if (self->only_itself)
    g_warning ("the host's only resolver is this edge itself, so names outside the mesh aren't answered; set "
               "resolvers= in [dns] of the edge's configuration");
  gboolean changed = !equal_resolvers (before, self->resolvers);
  g_array_unref (before);
  return changed;
}

static void
make_kinds (EwDnsForward *self)
{
  ew_dns_kinds_free (self->kinds);
  self->kinds = ew_dns_kinds_new ();
  for (guint i = 0; i < self->plan->gateways->len; i++)
    ew_dns_kinds_add (self->kinds, g_array_index (self->plan->gateways, EwDnsDomain, i).domain, EW_DNS_KIND_GATEWAY);
  for (guint i = 0; i < self->plan->domains->len; i++) /* the owner's word counts more */
    ew_dns_kinds_add (self->kinds, g_array_index (self->plan->domains, EwDnsDomain, i).domain, EW_DNS_KIND_OWNER);
}

/* Updates everything to what is wanted now. */
static void
follow (EwDnsForward *self, gint64 now_us)
{
  const gboolean first = self->plan == NULL;
  const gboolean planned = ew_dns_forward_settings_follow (self->settings, &self->plan);
  gboolean changed = first;
  if (planned)
    make_kinds (self);
  if (first || now_us - self->looked_us >= LOOK_US)
    {
      self->looked_us = now_us;
      if (has_changed (self) || first)
        {
          read_host_file (self);
          changed = choose_resolvers (self) || first;
        }
    }
  if (changed)
    replace_upstream (self, &self->names);
  if (changed || planned)
    replace_upstream (self, &self->gateways);
}

/* Questions. */

static void
on_answer (gpointer user_data, gpointer asked, gint rcode, const guint8 *answer, gsize len)
{
  EwDnsForward *self = user_data;
  Open *open = asked;
  Side *side = open->side;
  const gint64 now = g_get_monotonic_time ();
  GBytes *bytes = NULL;
  if (rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN)
    {
      side->answered_us = now;
      side->silent = FALSE;
      if (!open->failed && answer)
        bytes = ew_dns_reply_relay (open->question, answer, len);
    }
  if (!open->failed && bytes == NULL)
    /* One that is silent may fail by libunbound's own count too, which knows it as such. */
    bytes = side->silent ? fail_silent (open)
                         : ew_dns_reply_failure (open->question, LDNS_RCODE_SERVFAIL, LDNS_EDE_NETWORK_ERROR,
                                                 "The edge's resolver for this name answered with a failure.");
  if (!open->failed)
    put (self, open->done, open->user_data, bytes);
  release (self, open);
}

static void
on_pause (gpointer user_data)
{
  give_all (user_data);
}

/* NULL: it has been asked, and the question is taken. */
static GBytes *
ask (EwDnsForward *self, Side *side, EwDnsAskerUse *asker, EwDnsQuestion *question, EwDnsForwardDone done,
     gpointer user_data)
{
  const gint64 now = g_get_monotonic_time ();
  if (!ew_dns_asker_may_open (asker, self->open.length))
    return ew_dns_reply_failure (question, LDNS_RCODE_SERVFAIL, LDNS_EDE_OTHER,
                                 "Too many questions of this node are open.");
  Open *open = g_new0 (Open, 1);
  *open = (Open){
    .question = question,
    .done = done,
    .user_data = user_data,
    .asker = asker,
    .side = side,
    .asked_us = now,
    .until_us = now + (side->silent ? EW_DNS_PATIENCE_SILENT_MS : EW_DNS_PATIENCE_MS) * G_TIME_SPAN_MILLISECOND,
  };
  if (!ew_dns_upstream_ask (side->upstream, question->name, question->type, open))
    {
      g_free (open);
      return ew_dns_reply_failure (question, LDNS_RCODE_SERVFAIL, LDNS_EDE_OTHER, "The edge can't ask its resolver.");
    }
  open->link.data = open;
  g_queue_push_tail_link (&self->open, &open->link);
  asker->open++;
  start_sweeps (self);
  return NULL;
}

/* NULL: the question has been taken, and is asked. */
static GBytes *
answer_or_ask (EwDnsForward *self, EwDnsAskerUse *asker, EwDnsQuestion *question, EwDnsForwardDone done,
               gpointer user_data)
{
  const gchar *domain;
  const EwDnsKind kind = ew_dns_kinds_find (self->kinds, question->name, &domain);
  Side *side = kind == EW_DNS_KIND_GATEWAY ? &self->gateways : &self->names;
  if (ew_dns_question_is_meta (question))
    return ew_dns_reply_failure (question, LDNS_RCODE_NOTIMPL, LDNS_EDE_NOT_SUPPORTED,
                                 "The edge forwards no questions of this type.");
  if (kind == EW_DNS_KIND_LOCALHOST)
    return ew_dns_reply_localhost (question);
  if (kind == EW_DNS_KIND_ABSENT || kind == EW_DNS_KIND_EMPTY)
    return ew_dns_reply_absent (question, domain, kind == EW_DNS_KIND_EMPTY);
  if (kind == EW_DNS_KIND_FOREIGN && !self->plan->forward)
    return ew_dns_reply_failure (question, LDNS_RCODE_REFUSED, LDNS_EDE_PROHIBITED,
                                 "This edge answers only the mesh's own names.");
  if (side->upstream == NULL || (kind == EW_DNS_KIND_FOREIGN && self->resolvers->len == 0))
    return ew_dns_reply_failure (question, LDNS_RCODE_SERVFAIL, LDNS_EDE_NOT_READY,
                                 self->only_itself ? "The only resolver of the edge's host is the edge itself."
                                                   : "The edge's host knows no resolver.");
  return ask (self, side, asker, question, done, user_data);
}

void
ew_dns_forward_async (EwDnsForward *self, const EwDnsAsker *asker, const guint8 *query, gsize len,
                      EwDnsForwardDone done, gpointer user_data)
{
  const gint64 now = g_get_monotonic_time ();
  EwDnsAskerUse *use = ew_dns_askers_take (&self->askers, asker, now);
  g_autoptr (EwDnsQuestion) question = use ? ew_dns_question_parse (query, len) : NULL;
  if (question == NULL)
    {
      put (self, done, user_data, NULL);
      return;
    }
  follow (self, now);
  GBytes *answer = answer_or_ask (self, use, question, done, user_data);
  if (answer)
    put (self, done, user_data, answer);
  else
    g_steal_pointer (&question);
}

/* Life. */

EwDnsForward *
ew_dns_forward_make (gpointer settings)
{
  EwDnsForward *self = g_new0 (EwDnsForward, 1);
  self->settings = settings;
  self->host = g_array_new (FALSE, FALSE, sizeof (EwDnsResolver));
  self->resolvers = g_array_new (FALSE, FALSE, sizeof (EwDnsResolver));
  ew_dns_askers_init (&self->askers);
  return self;
}

static void
clear_source (GSource **source)
{
  if (*source)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

void
ew_dns_forward_free (EwDnsForward *self)
{
  if (self == NULL)
    return;
  ew_dns_upstream_free (self->names.upstream);
  ew_dns_upstream_free (self->gateways.upstream);
  clear_source (&self->sweep);
  while (self->open.head)
    {
      Open *open = self->open.head->data;
      if (!open->failed)
        put (self, open->done, open->user_data, NULL);
      release (self, open);
    }
  clear_source (&self->give);
  give_all (self);
  ew_dns_kinds_free (self->kinds);
  ew_dns_askers_clear (&self->askers);
  ew_dns_forward_plan_release (self->plan);
  g_array_unref (self->host);
  g_array_unref (self->resolvers);
  g_free (self);
}
