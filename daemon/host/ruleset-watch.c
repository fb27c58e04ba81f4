/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host/ruleset-watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stddef.h>
#include <sys/socket.h>

#define SETTLE_MS 500
#define REST_SHARE 100 /* of the time that a look takes */
#define REST_MAX_US (10 * G_USEC_PER_SEC)
#define NEW_GENERATION ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWGEN)

struct EwRulesetWatch
{
  GMainContext *context;
  struct mnl_socket *socket;
  GSource *readable, *settle;
  gint64 rest_until; /* monotonic */
  EwRulesetWatcher watcher;
  gpointer user_data;
};

/* What a block list of 200,000 elements says when it is loaded never leaves the kernel. */
static gboolean
filter_messages (struct mnl_socket *socket)
{
  struct sock_filter code[] = {
    BPF_STMT (BPF_LD | BPF_H | BPF_ABS, offsetof (struct nlmsghdr, nlmsg_type)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, htons (NEW_GENERATION), 0, 1),
    BPF_STMT (BPF_RET | BPF_K, UINT32_MAX),
    BPF_STMT (BPF_RET | BPF_K, 0),
  };
  struct sock_fprog program = { .len = G_N_ELEMENTS (code), .filter = code };

  return setsockopt (mnl_socket_get_fd (socket), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

static gboolean
on_settled (gpointer data)
{
  EwRulesetWatch *watch = data;
  gint64 begun = g_get_monotonic_time ();

  g_clear_pointer (&watch->settle, g_source_unref);
  gboolean news = watch->watcher.look (watch->user_data);
  gint64 now = g_get_monotonic_time ();
  watch->rest_until = now + MIN ((now - begun) * REST_SHARE, REST_MAX_US);
  if (news)
    watch->watcher.tell (watch->user_data); /* last: it may end the watch */
  return G_SOURCE_REMOVE;
}

static void
settle_soon (EwRulesetWatch *watch)
{
  if (watch->settle != NULL)
    return;
  gint64 rest = MAX (watch->rest_until - g_get_monotonic_time (), 0) / 1000;
  watch->settle = g_timeout_source_new ((guint)MAX (rest, SETTLE_MS));
  g_source_set_callback (watch->settle, on_settled, watch, NULL);
  g_source_attach (watch->settle, watch->context);
}

/* What it says does not matter: that something came, or was lost (ENOBUFS), is all. */
static gboolean
on_readable (gint fd, GIOCondition condition, gpointer data)
{
  EwRulesetWatch *watch = data;
  char buffer[4096];
  gboolean came = FALSE;

  for (;;)
    {
      ssize_t length = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (length < 0 && errno != EINTR && errno != ENOBUFS)
        break;
      came = TRUE;
    }
  if (came)
    settle_soon (watch);
  return G_SOURCE_CONTINUE;
}

static struct mnl_socket *
subscribe (void)
{
  struct mnl_socket *socket = mnl_socket_open2 (NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
  int group = NFNLGRP_NFTABLES;

  if (socket == NULL)
    return NULL;
  if (filter_messages (socket) && mnl_socket_bind (socket, 0, MNL_SOCKET_AUTOPID) >= 0
      && mnl_socket_setsockopt (socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) >= 0)
    return socket;
  mnl_socket_close (socket);
  return NULL;
}

EwRulesetWatch *
ew_ruleset_watch_new (GMainContext *context, const EwRulesetWatcher *watcher, gpointer user_data)
{
  struct mnl_socket *socket = subscribe ();
  EwRulesetWatch *watch;

  if (socket == NULL)
    return NULL;
  watch = g_new0 (EwRulesetWatch, 1);
  watch->context = g_main_context_ref (context);
  watch->socket = socket;
  watch->watcher = *watcher;
  watch->user_data = user_data;
  watch->readable = g_unix_fd_source_new (mnl_socket_get_fd (socket), G_IO_IN | G_IO_ERR);
  g_source_set_callback (watch->readable, G_SOURCE_FUNC (on_readable), watch, NULL);
  g_source_attach (watch->readable, watch->context);
  return watch;
}

static void
detach (GSource *source)
{
  if (source == NULL)
    return;
  g_source_destroy (source);
  g_source_unref (source);
}

void
ew_ruleset_watch_free (EwRulesetWatch *watch)
{
  if (watch == NULL)
    return;
  detach (watch->settle);
  detach (watch->readable);
  mnl_socket_close (watch->socket);
  g_main_context_unref (watch->context);
  g_free (watch);
}
