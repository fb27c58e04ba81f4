/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge/dns/server-private.h"
#include "sandbox/capabilities.h"

#define RETRY_SECONDS 2
#define IDLE_MS 10000
#define NICENESS 5 /* the data path comes first where there is one processor */

/* A change on its way to the server's thread. */
typedef struct
{
  EwDnsServer *server;
  EwDnsZone *zone; /* a new one, or NULL: of the one that is there: */
  gchar *id;
  GStrv names; /* NULL: the host is removed */
  EwIp addresses[2];
} Change;

/* Who asks. */

static EwIp
get_ip (const struct sockaddr_storage *from, guint16 *port)
{
  if (from->ss_family == AF_INET)
    {
      const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;
      *port = ntohs (in->sin_port);
      return ew_ip_from_bytes (EW_FAMILY_V4, (const guint8 *)&in->sin_addr);
    }
  const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)from;
  *port = ntohs (in6->sin6_port);
  return ew_ip_from_bytes (EW_FAMILY_V6, (const guint8 *)&in6->sin6_addr);
}

static gboolean
on_owner_change (gpointer user_data)
{
  EwDnsServer *self = user_data;

  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->change, g_source_unref);
  g_mutex_unlock (&self->lock);
  self->on_change (self->user_data);
  return G_SOURCE_REMOVE;
}

/* With the lock. */
static void
tell_owner (EwDnsServer *self)
{
  if (self->on_change == NULL || self->change != NULL)
    return;
  self->change = g_idle_source_new ();
  g_source_set_callback (self->change, on_owner_change, self, NULL);
  g_source_attach (self->change, self->owner);
}

EwDnsHost *
ew_dns_server_identify (const EwDnsDoor *door, const struct sockaddr_storage *from, EwDnsAsker *asker)
{
  EwDnsZone *zone = door->server->zone;

  if (zone == NULL || (from->ss_family != AF_INET && from->ss_family != AF_INET6))
    return NULL;
  asker->ip = get_ip (from, &asker->port);
  EwDnsHost *host = ew_dns_zone_find_host (zone, &asker->ip);
  if (host == NULL || asker->port == 0) /* an answer to port 0 is lost */
    return NULL;
  if (host != ew_dns_zone_get_edge (zone) && g_atomic_int_compare_and_exchange (&door->server->asked, FALSE, TRUE))
    {
      g_mutex_lock (&door->server->lock);
      tell_owner (door->server);
      g_mutex_unlock (&door->server->lock);
    }
  g_strlcpy (asker->node, ew_dns_host_get_id (host), sizeof asker->node);
  return host;
}

gboolean
ew_dns_server_take (EwDnsServer *self, EwDnsHost *host)
{
  return self->interval_us == 0 || ew_dns_host_take (host, g_get_monotonic_time (), self->interval_us, EW_DNS_BURST);
}

/* The thread. */

static void
publish_state (EwDnsServer *self)
{
  gchar *limits = ew_dns_doors_limits (self);

  g_mutex_lock (&self->lock);
  g_free (self->limits);
  self->limits = limits;
  tell_owner (self);
  g_mutex_unlock (&self->lock);
}

static void
keep_capabilities (guint64 keep)
{
  if (!ew_capabilities_limit (keep))
    g_debug ("the DNS server's capabilities couldn't be given up");
}

/* Once everything is bound, no port is anybody's to take any more. */
static gboolean
on_retry (gpointer user_data)
{
  EwDnsServer *self = user_data;
  gboolean all;

  if (ew_dns_doors_open (self, &all))
    publish_state (self);
  if (!all)
    return G_SOURCE_CONTINUE;
  keep_capabilities (0);
  g_clear_pointer (&self->retry, g_source_unref);
  return G_SOURCE_REMOVE;
}

static gpointer
run_server (gpointer user_data)
{
  EwDnsServer *self = user_data;
  gboolean all;

  (void)setpriority (PRIO_PROCESS, (id_t)gettid (), NICENESS);
  g_main_context_push_thread_default (self->context);
  (void)ew_dns_doors_open (self, &all);
  keep_capabilities (all ? 0 : EW_CAPABILITY (CAP_NET_BIND_SERVICE));
  if (all)
    g_debug ("the DNS server's ports are bound");
  else
    {
      self->retry = g_timeout_source_new_seconds (RETRY_SECONDS);
      g_source_set_callback (self->retry, on_retry, self, NULL);
      g_source_attach (self->retry, self->context);
    }
  publish_state (self);
  if (self->forward_calls != NULL)
    self->forward = self->forward_calls->make (self->forward_data);
  g_main_loop_run (self->loop);
  if (self->retry != NULL)
    g_source_destroy (self->retry);
  g_clear_pointer (&self->retry, g_source_unref);
  ew_dns_tcp_close_all (self);
  if (self->forward != NULL)
    self->forward_calls->free (self->forward);
  self->forward = NULL;
  ew_dns_doors_close (self);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

/* Life. */

static void
add_door (EwDnsServer *self, const EwIp *address)
{
  self->doors[self->n_doors++]
    = (EwDnsDoor){ .server = self, .address = *address, .sockets = { { .fd = -1 }, { .fd = -1 } } };
}

EwDnsServer *
ew_dns_server_new (const EwDnsServerConfig *config)
{
  EwDnsServer *self = g_new0 (EwDnsServer, 1);

  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->interface = g_strdup (config->interface != NULL ? config->interface : "lo");
  self->port = config->port;
  self->interval_us = config->rate > 0 ? G_USEC_PER_SEC / config->rate : 0;
  self->idle_us = (config->idle_ms > 0 ? config->idle_ms : IDLE_MS) * G_TIME_SPAN_MILLISECOND;
  self->forward_calls = config->forward;
  self->forward_data = config->forward_data;
  self->batch = ew_dns_batch_new ();
  g_queue_init (&self->connections);
  g_mutex_init (&self->lock);
  self->owner = g_main_context_ref_thread_default ();
  self->on_change = config->on_change;
  self->user_data = config->user_data;
  for (gsize i = 0; i < G_N_ELEMENTS (config->addresses); i++)
    if (config->addresses[i].family != EW_FAMILY_NONE)
      add_door (self, &config->addresses[i]);
  self->thread = g_thread_new ("dns", run_server, self);
  return self;
}

/* In the server's thread, in the order of the calls and before questions. Not by g_main_context_invoke(), which runs it
 * here where the thread has not got to its loop yet. */
static void
send_call (EwDnsServer *self, GSourceFunc func, gpointer data, GDestroyNotify free_data)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_HIGH);
  g_source_set_callback (source, func, data, free_data);
  g_source_attach (source, self->context);
  g_source_unref (source);
}

static gboolean
quit_loop (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

void
ew_dns_server_free (EwDnsServer *self)
{
  if (self == NULL)
    return;
  send_call (self, quit_loop, self->loop, NULL);
  g_thread_join (self->thread);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context); /* with the changes that are still on their way */
  ew_dns_zone_free (self->zone);
  if (self->change != NULL)
    g_source_destroy (self->change);
  g_clear_pointer (&self->change, g_source_unref);
  g_main_context_unref (self->owner);
  g_mutex_clear (&self->lock);
  ew_dns_batch_free (self->batch);
  g_free (self->limits);
  g_free (self->interface);
  g_free (self);
}

/* Changes. */

static void
free_change (gpointer data)
{
  Change *change = data;

  ew_dns_zone_free (change->zone);
  g_strfreev (change->names);
  g_free (change->id);
  g_free (change);
}

static gboolean
apply_change (gpointer user_data)
{
  Change *change = user_data;
  EwDnsServer *self = change->server;

  if (change->zone != NULL)
    {
      ew_dns_zone_free (self->zone);
      self->zone = g_steal_pointer (&change->zone);
    }
  else if (self->zone != NULL && change->names != NULL)
    {
      const EwDnsHostSpec spec
        = { change->id, (const gchar *const *)change->names, { change->addresses[0], change->addresses[1] } };
      ew_dns_zone_set_host (self->zone, &spec);
    }
  else if (self->zone != NULL)
    ew_dns_zone_remove_host (self->zone, change->id);
  return G_SOURCE_REMOVE;
}

static void
send_change (EwDnsServer *self, Change *change)
{
  change->server = self;
  send_call (self, apply_change, change, free_change);
}

gboolean
ew_dns_server_set_zone (EwDnsServer *self, const gchar *suffix, const EwPrefix ranges[2])
{
  EwDnsZone *zone = ew_dns_zone_new (suffix, ranges, (guint32)(g_get_real_time () / G_USEC_PER_SEC));

  if (zone == NULL)
    return FALSE;
  Change *change = g_new0 (Change, 1);
  change->zone = zone;
  send_change (self, change);
  return TRUE;
}

void
ew_dns_server_set_host (EwDnsServer *self, const EwDnsHostSpec *spec)
{
  Change *change = g_new0 (Change, 1);

  change->id = g_strdup (spec->id);
  change->names = g_strdupv ((GStrv)spec->names);
  memcpy (change->addresses, spec->addresses, sizeof change->addresses);
  send_change (self, change);
}

void
ew_dns_server_remove_host (EwDnsServer *self, const gchar *id)
{
  Change *change = g_new0 (Change, 1);

  change->id = g_strdup (id);
  send_change (self, change);
}

/* State. */

gboolean
ew_dns_server_is_listening (EwDnsServer *self)
{
  g_mutex_lock (&self->lock);
  gboolean listening = self->listening;
  g_mutex_unlock (&self->lock);
  return listening;
}

gboolean
ew_dns_server_was_asked (EwDnsServer *self)
{
  return g_atomic_int_get (&self->asked);
}

gchar *
ew_dns_server_dup_limits (EwDnsServer *self)
{
  g_mutex_lock (&self->lock);
  gchar *limits = g_strdup (self->limits);
  g_mutex_unlock (&self->lock);
  return limits;
}
