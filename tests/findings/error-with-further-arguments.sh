#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The guess: a D-Bus error may have further arguments after its message, and a caller that knows only the message still gets that. The D-Bus
# specification says so: "If the first argument exists and is a string, it is an error message" ("Message types", ERROR).
# Seen: a caller that uses GDBus gets neither. The message of its GError is "Error return with body of type “(sas)”: ".
# Version: GLib 2.74.6 of Debian 12.
# What follows: what a message was made of can't be in the error; clients ask for it with GetPhrase (data/dbus/org.edgeway.Daemon1.xml).
# Exit status: 0 as described, 1 when it behaves otherwise, 2 when it cannot be tried here.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download libglib2.0-0=2.74.6-2+deb12u9 gir1.2-glib-2.0 >/dev/null 2>&1 || { echo "The packages cannot be downloaded."; exit 2; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$(find root -name 'libgio-2.0.so.0')")
typelibs=$(dirname "$(find root -name 'Gio-2.0.typelib')")
export LD_LIBRARY_PATH="$libraries" GI_TYPELIB_PATH="$typelibs"
/usr/bin/python3 -c "import gi" 2>/dev/null || { echo "PyGObject isn't here."; exit 2; }
/usr/bin/python3 - <<'PYTHON'
import os
import sys

from gi.repository import Gio, GLib

XML = "<node><interface name='org.example'><method name='Fail'/></interface></node>"
kept = []
loop = GLib.MainLoop()
seen = {}


def on_call(connection, sender, path, interface, method, parameters, invocation):
    error = Gio.DBusMessage.new_method_error_literal(invocation.get_message(), "org.example.Error", "")
    error.set_body(bodies[0])
    connection.send_message(error, Gio.DBusSendMessageFlags.NONE)


def on_connection(server, connection):
    connection.register_object("/", Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], on_call, None, None)
    kept.append(connection)
    return True


def ask(connection):
    connection.call(None, "/", "org.example", "Fail", None, None, Gio.DBusCallFlags.NONE, 5000, None, on_answer)


def on_answer(connection, result):
    try:
        connection.call_finish(result)
    except GLib.Error as error:
        body = bodies.pop(0)
        seen[body.get_type_string()] = error.message
        print(body.get_type_string(), "→", error.message)
    if bodies:
        ask(connection)
    else:
        loop.quit()


def on_client(source, result):
    kept.append(Gio.DBusConnection.new_for_address_finish(result))
    ask(kept[-1])


bodies = [GLib.Variant("(s)", ("What happened.",)), GLib.Variant("(sas)", ("What happened.", ["a", "b"]))]
print("GLib 2.74.6 or later:", GLib.check_version(2, 74, 6) is None)
server = Gio.DBusServer.new_sync("unix:tmpdir=" + os.getcwd(), Gio.DBusServerFlags.AUTHENTICATION_ALLOW_ANONYMOUS, Gio.dbus_generate_guid(), None, None)
server.connect("new-connection", on_connection)
server.start()
Gio.DBusConnection.new_for_address(server.get_client_address(), Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT, None, None, on_client)
GLib.timeout_add_seconds(20, loop.quit)
loop.run()
expected = {"(s)": "GDBus.Error:org.example.Error: What happened.", "(sas)": "GDBus.Error:org.example.Error: Error return with body of type “(sas)”: "}
sys.exit(0 if seen == expected else 1)
PYTHON
