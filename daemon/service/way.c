/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/way.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
close_fds (GArray *fds)
{
  for (guint i = 0; i < fds->len; i++)
    close (g_array_index (fds, gint, i));
  g_array_set_size (fds, 0);
}

EwWay *
ew_way_new (gint from, gint to)
{
  EwWay *way = g_new0 (EwWay, 1);

  way->from = from;
  way->to = to;
  way->in_fds = g_array_new (FALSE, FALSE, sizeof (gint));
  way->out = g_byte_array_new ();
  way->out_fds = g_array_new (FALSE, FALSE, sizeof (EwWayDescriptor));
  return way;
}

void
ew_way_free (EwWay *way)
{
  close_fds (way->in_fds);
  for (guint i = 0; i < way->out_fds->len; i++)
    close (g_array_index (way->out_fds, EwWayDescriptor, i).fd);
  g_array_unref (way->in_fds);
  g_array_unref (way->out_fds);
  g_byte_array_unref (way->out);
  g_free (way);
}

static void
keep_fds (EwWay *way, struct msghdr *header)
{
  for (struct cmsghdr *control = CMSG_FIRSTHDR (header); control != NULL; control = CMSG_NXTHDR (header, control))
    {
      gsize n = (control->cmsg_len - CMSG_LEN (0)) / sizeof (gint);
      if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
        continue;
      for (gsize i = 0; i < n; i++)
        {
          gint fd;
          memcpy (&fd, CMSG_DATA (control) + i * sizeof fd, sizeof fd);
          if (way->in_fds->len < EW_WAY_FDS_MAX)
            g_array_append_val (way->in_fds, fd);
          else
            close (fd);
        }
    }
}

void
ew_way_read (EwWay *way)
{
  _Alignas(struct cmsghdr) guint8 control[CMSG_SPACE (EW_WAY_FDS_MAX * sizeof (gint))];
  struct iovec data = { .iov_base = way->in + way->in_length, .iov_len = EW_WAY_IN - way->in_length };
  struct msghdr header
    = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
  gssize n = recvmsg (way->from, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

  if (n > 0)
    {
      keep_fds (way, &header);
      way->in_length += (gsize)n;
    }
  else if (n == 0 || (errno != EAGAIN && errno != EINTR))
    way->ended = TRUE;
}

/* One call of sendmsg(): up to the next byte that has descriptors of its own. */
void
ew_way_write (EwWay *way)
{
  _Alignas(struct cmsghdr) guint8 control[CMSG_SPACE (EW_WAY_FDS_MAX * sizeof (gint))] = { 0 };
  struct iovec data = { .iov_base = way->out->data, .iov_len = way->out->len };
  struct msghdr header = { .msg_iov = &data, .msg_iovlen = 1 };
  guint n_fds = 0;
  gssize n;

  while (n_fds < way->out_fds->len && g_array_index (way->out_fds, EwWayDescriptor, n_fds).at == 0)
    n_fds++;
  if (n_fds < way->out_fds->len)
    data.iov_len = g_array_index (way->out_fds, EwWayDescriptor, n_fds).at;
  if (n_fds > 0)
    {
      struct cmsghdr *rights = (struct cmsghdr *)control;
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE (n_fds * sizeof (gint));
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN (n_fds * sizeof (gint));
      for (guint i = 0; i < n_fds; i++)
        memcpy (CMSG_DATA (rights) + i * sizeof (gint), &g_array_index (way->out_fds, EwWayDescriptor, i).fd,
                sizeof (gint));
    }
  n = sendmsg (way->to, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (n < 0)
    {
      way->ended = way->ended || (errno != EAGAIN && errno != EINTR);
      return;
    }
  for (guint i = 0; i < n_fds; i++)
    close (g_array_index (way->out_fds, EwWayDescriptor, i).fd);
  if (n_fds > 0)
    g_array_remove_range (way->out_fds, 0, n_fds);
  for (guint i = 0; i < way->out_fds->len; i++)
    g_array_index (way->out_fds, EwWayDescriptor, i).at -= (gsize)n;
  g_byte_array_remove_range (way->out, 0, (guint)n);
}

void
ew_way_consume (EwWay *way, gsize n)
{
  way->in_length -= n;
  memmove (way->in, way->in + n, way->in_length);
}

/* The descriptors of a message whose first byte is the next of out. */
void
ew_way_take_fds (EwWay *way, guint n, gboolean pass)
{
  n = MIN (n, way->in_fds->len);
  for (guint i = 0; i < n; i++)
    {
      EwWayDescriptor descriptor = { .at = way->out->len, .fd = g_array_index (way->in_fds, gint, i) };
      if (pass)
        g_array_append_val (way->out_fds, descriptor);
      else
        close (descriptor.fd);
    }
  if (n > 0)
    g_array_remove_range (way->in_fds, 0, n);
}

gsize
ew_way_take_rest (EwWay *way, gsize at)
{
  gsize n = MIN (way->rest, way->in_length - at);

  if (way->pass)
    g_byte_array_append (way->out, way->in + at, (guint)n);
  way->rest -= n;
  return n;
}
