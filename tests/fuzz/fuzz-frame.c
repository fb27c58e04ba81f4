/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The beginning of D-Bus messages, and GDBus' own view of the same.
 */
#include <gio/gio.h>
#include <string.h>
#include "service/frame.h"

int LLVMFuzzerTestOneInput (const guint8 *data, size_t size);

static void
compare (const guint8 *data, size_t size, const EwFrame *frame)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);
  g_autoptr (GDBusMessage) message
    = g_dbus_message_new_from_blob (copy, size, G_DBUS_CAPABILITY_FLAGS_UNIX_FD_PASSING, NULL);
  if (message == NULL)
    return;
  g_assert_cmpint (frame->type, ==, g_dbus_message_get_message_type (message));
  g_assert_cmpuint (frame->serial, ==, g_dbus_message_get_serial (message));
  g_assert_cmpuint (frame->reply_serial, ==, g_dbus_message_get_reply_serial (message));
  g_assert_cmpuint (frame->n_fds, ==, g_dbus_message_get_num_unix_fds (message));
  g_assert_cmpstr (frame->sender, ==, g_dbus_message_get_sender (message));
  g_assert_cmpstr (frame->interface, ==, g_dbus_message_get_interface (message));
  g_assert_cmpstr (frame->member, ==, g_dbus_message_get_member (message));
  g_assert_cmpstr (frame->path, ==, g_dbus_message_get_path (message));
  g_assert_cmpstr (frame->destination, ==, g_dbus_message_get_destination (message));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, size_t size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size); /* so that a read beyond it is noticed */
  EwFrame frame;
  gint found = ew_frame_parse (copy, size, &frame);
  if (found > 0)
    {
      g_assert_true (frame.header <= size && frame.header % 8 == 0);
      if (frame.sender)
        g_assert_true ((const guint8 *)frame.sender > copy
                       && (const guint8 *)frame.sender + strlen (frame.sender) < copy + size);
      if (frame.header + frame.body == size)
        compare (data, size, &frame);
    }
  else if (found == 0 && size >= EW_FRAME_FIXED)
    g_assert_true (frame.header > size);
  return 0;
}
