/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "names/check.h"

#include <gio/gio.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct EwNamesCheck
{
  void (*func) (EwNamesCheckResult result, gpointer user_data);
  gpointer user_data;
  GMainContext *context;
  gboolean running; /* a thread is inside the C library */
  gboolean wanted;  /* what it finds is awaited */
  gboolean again;   /* something else is to be looked up after it */
  gchar *name;
  GArray *addresses; /* EwIp */
  GSource *deadline;
  gboolean freed; /* the thread's end frees it */
};

static void begin_thread (EwNamesCheck *check);

static void
free_now (EwNamesCheck *check)
{
  g_main_context_unref (check->context);
  g_array_unref (check->addresses);
  g_free (check->name);
  g_free (check);
}

EwNamesCheckResult
ew_names_check_judge (const EwIp *expected, gsize n_expected, const EwIp *found, gsize n_found)
{
  for (gsize i = 0; i < n_found; i++)
    {
      gboolean known = FALSE;
      for (gsize j = 0; j < n_expected; j++)
        known |= ew_ip_equal (&expected[j], &found[i]);
      if (!known)
        return EW_NAMES_CHECK_OTHER;
    }
  return n_found > 0 ? EW_NAMES_CHECK_OK : EW_NAMES_CHECK_NOT_FOUND;
}

/* ---- the thread */

typedef struct
{
  EwNamesCheck *check;
  gchar *name;
  GArray *addresses;
  EwNamesCheckResult result;
} Lookup;

static void
lookup_free (Lookup *lookup)
{
  g_array_unref (lookup->addresses);
  g_free (lookup->name);
  g_free (lookup);
}

static GArray *
collect_addresses (const struct addrinfo *list)
{
  GArray *found = g_array_new (FALSE, FALSE, sizeof (EwIp));

  for (const struct addrinfo *item = list; item != NULL; item = item->ai_next)
    {
      const void *address = item->ai_addr;
      EwIp ip = { .family = item->ai_family == AF_INET ? EW_FAMILY_V4 : EW_FAMILY_V6 };
      if (ip.family == EW_FAMILY_V4)
        memcpy (ip.bytes, &((const struct sockaddr_in *)address)->sin_addr, sizeof (struct in_addr));
      else
        memcpy (ip.bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof (struct in6_addr));
      g_array_append_val (found, ip);
    }
  return found;
}

static EwNamesCheckResult
look_up (const Lookup *lookup)
{
  const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
  struct addrinfo *list = NULL;
  int failure = getaddrinfo (lookup->name, NULL, &hints, &list);
  g_autoptr (GArray) found = NULL;

  if (failure == EAI_NONAME || failure == EAI_NODATA || failure == EAI_ADDRFAMILY)
    return EW_NAMES_CHECK_NOT_FOUND;
  if (failure != 0)
    return EW_NAMES_CHECK_FAILED;
  found = collect_addresses (list);
  freeaddrinfo (list);
  return ew_names_check_judge ((const EwIp *)lookup->addresses->data, lookup->addresses->len, (const EwIp *)found->data,
                               found->len);
}

static gboolean
on_looked_up (gpointer user_data)
{
  Lookup *lookup = user_data;
  EwNamesCheck *check = lookup->check;

  check->running = FALSE;
  if (check->freed)
    free_now (check);
  else if (check->again)
    begin_thread (check);
  else if (check->wanted)
    {
      check->wanted = FALSE;
      if (check->deadline != NULL)
        g_source_destroy (check->deadline);
      g_clear_pointer (&check->deadline, g_source_unref);
      check->func (lookup->result, check->user_data);
    }
  return G_SOURCE_REMOVE;
}

static gpointer
run_lookup (gpointer data)
{
  Lookup *lookup = data;
  GMainContext *context = lookup->check->context;

  lookup->result = look_up (lookup);
  g_autoptr (GSource) source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_looked_up, lookup, (GDestroyNotify)lookup_free);
  g_source_attach (source, context);
  return NULL;
}

static void
begin_thread (EwNamesCheck *check)
{
  Lookup *lookup = g_new0 (Lookup, 1);

  check->again = FALSE;
  check->running = TRUE;
  lookup->check = check;
  lookup->name = g_strdup (check->name);
  lookup->addresses = g_array_copy (check->addresses);
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_try_new ("names-check", run_lookup, lookup, &error);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return;
    }
  g_debug ("%s", error->message);
  check->running = FALSE;
  lookup_free (lookup);
}

/* ---- from outside */

EwNamesCheck *
ew_names_check_new (void (*func) (EwNamesCheckResult result, gpointer user_data), gpointer user_data)
{
  EwNamesCheck *check = g_new0 (EwNamesCheck, 1);

  check->func = func;
  check->user_data = user_data;
  check->context = g_main_context_ref_thread_default ();
  check->addresses = g_array_new (FALSE, FALSE, sizeof (EwIp));
  return check;
}

void
ew_names_check_cancel (EwNamesCheck *check)
{
  check->wanted = check->again = FALSE;
  if (check->deadline != NULL)
    g_source_destroy (check->deadline);
  g_clear_pointer (&check->deadline, g_source_unref);
}

void
ew_names_check_free (EwNamesCheck *check)
{
  if (check == NULL)
    return;
  ew_names_check_cancel (check);
  check->freed = TRUE;
  if (!check->running)
    free_now (check);
}

static gboolean
on_deadline (gpointer user_data)
{
  EwNamesCheck *check = user_data;

  ew_names_check_cancel (check);
  check->func (EW_NAMES_CHECK_HUNG, check->user_data);
  return G_SOURCE_REMOVE;
}

void
ew_names_check_start (EwNamesCheck *check, const gchar *name, const EwIp *addresses, gsize n_addresses)
{
  ew_names_check_cancel (check);
  g_free (check->name);
  check->name = g_strdup (name);
  g_array_set_size (check->addresses, 0);
  g_array_append_vals (check->addresses, addresses, (guint)n_addresses);
  check->wanted = TRUE;
  check->deadline = g_timeout_source_new_seconds (EW_NAMES_CHECK_SECONDS);
  g_source_set_callback (check->deadline, on_deadline, check, NULL);
  g_source_attach (check->deadline, check->context);
  if (check->running)
    check->again = TRUE;
  else
    begin_thread (check);
}
