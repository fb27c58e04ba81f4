# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads OpenTopology of the machine's edgewayd, on its own socket: each JSON line as it comes, after the monotonic time in seconds."""
import os
import time

from gi.repository import Gio, GLib

connection = Gio.DBusConnection.new_for_address_sync("unix:path=/run/edgeway/bus", Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT, None, None)
_, descriptors = connection.call_with_unix_fd_list_sync(None, "/org/edgeway/Daemon1", "org.edgeway.Daemon1", "OpenTopology", None, GLib.VariantType("(h)"),
                                                        Gio.DBusCallFlags.NONE, -1, None, None)
with os.fdopen(descriptors.get(0)) as stream:
    for line in stream:
        print(time.monotonic(), line, end="", flush=True)
