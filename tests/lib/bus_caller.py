# SPDX-License-Identifier: GPL-3.0-or-later
"""bus_caller.py ADDRESS: makes the D-Bus calls that come as JSON lines on stdin, answers with JSON lines on stdout. On a peer's
socket (/run/edgeway/bus) it talks to the daemon without a bus."""
import json
import os
import sys

from gi.repository import Gio, GLib

PATHS = {"org.freedesktop.DBus": "/org/freedesktop/DBus"}
address = sys.argv[1]
is_peer = "/run/edgeway/" in address
flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
if not is_peer:
    flags |= Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
try:
    connection = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)
except GLib.Error as error:
    print("refused", error.message, flush=True)
    sys.exit(0)
signals = []
connection.signal_subscribe(None, None, None, "/org/edgeway/Daemon1", None, Gio.DBusSignalFlags.NONE,
                            lambda c, sender, path, interface, name, parameters: signals.append([name, parameters.unpack()]))
print("ready", connection.get_unique_name() or "peer", flush=True)


def read_stream(message):
    fds = message.get_unix_fd_list()
    if not fds or not fds.get_length():
        return None
    with os.fdopen(fds.get(0)) as stream:
        return stream.readline()


def reply(connection, result):
    try:
        message = connection.send_message_with_reply_finish(result)
        if message.get_message_type() == Gio.DBusMessageType.ERROR:
            body = message.get_body()
            answer = {"error": message.get_error_name(), "message": body.unpack()[0] if body and body.n_children() else ""}
        else:
            body = message.get_body()
            answer = {"value": body.print_(False) if body else "()", "stream": read_stream(message)}
    except GLib.Error as error:
        answer = {"error": "local", "message": error.message}
    answer["signals"] = list(signals)
    signals.clear()
    print(json.dumps(answer), flush=True)


def make(call):
    name = call["interface"] if call["interface"] in PATHS else "org.edgeway.Daemon1"
    message = Gio.DBusMessage.new_method_call(None if is_peer else name, PATHS.get(call["interface"], "/org/edgeway/Daemon1"), call["interface"], call["method"])
    message.set_body(GLib.Variant.parse(None, call["args"], None, None))
    if call["interactive"]:
        message.set_flags(Gio.DBusMessageFlags.ALLOW_INTERACTIVE_AUTHORIZATION)
    if call["silent"]:
        message.set_flags(Gio.DBusMessageFlags.NO_REPLY_EXPECTED)
        connection.send_message(message, Gio.DBusSendMessageFlags.NONE)
        return
    connection.send_message_with_reply(message, Gio.DBusSendMessageFlags.NONE, GLib.MAXINT, None, reply)


pending = b""


def take(channel, condition):
    global pending
    data = os.read(0, 65536)
    if not data:
        loop.quit()
        return False
    *lines, pending = (pending + data).split(b"\n")
    for line in lines:
        make(json.loads(line))
    return True


loop = GLib.MainLoop()
GLib.io_add_watch(GLib.IOChannel.unix_new(0), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, take)
loop.run()
