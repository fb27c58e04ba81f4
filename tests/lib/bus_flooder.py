# SPDX-License-Identifier: GPL-3.0-or-later
"""bus_flooder.py SOCKET WHAT SECONDS: a user's program that sends one kind of message to edgewayd as fast as the bus takes it, on connections
of its own without any library between, so that the flood is the bus's limit and not the sender's. Prints how many were sent."""
import os
import select
import socket
import struct
import sys
import time

NAME, PATH = "org.edgeway.Daemon1", "/org/edgeway/Daemon1"
CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
NO_REPLY = 1
CONNECTIONS = 3
BATCH = 100


def pad(data, n):
    return data + bytes(-len(data) % n)


def text(value):
    return struct.pack("<I", len(value)) + value.encode() + b"\0"


def field(code, kind, value):
    if kind == "u":
        data = struct.pack("<I", value)
    elif kind == "g":
        data = bytes([len(value)]) + value.encode() + b"\0"
    else:
        data = text(value)
    return bytes([code, 1]) + kind.encode() + b"\0" + data


def message(kind, serial, flags=0, body=b"", **fields):
    codes = {"path": (1, "o"), "interface": (2, "s"), "member": (3, "s"), "error": (4, "s"), "reply": (5, "u"), "destination": (6, "s"), "signature": (8, "g")}
    array = b""
    for name, value in fields.items():
        array = pad(array, 8) + field(*codes[name], value)
    return pad(struct.pack("<cBBBIII", b"l", kind, flags, 1, len(body), serial, len(array)) + array, 8) + body


class Connection:
    def __init__(self, path, deaf=False):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        assert self.socket.recv(200).startswith(b"OK")
        self.socket.sendall(b"BEGIN\r\n" + message(CALL, 1, path="/org/freedesktop/DBus", interface="org.freedesktop.DBus", member="Hello", destination="org.freedesktop.DBus"))
        self.socket.recv(4096)
        self.socket.setblocking(False)
        self.serial, self.rest, self.deaf = 1, b"", deaf

    def turn(self, make):
        """Sends what fits and discards what arrives; returns how many messages were begun."""
        begun = 0
        if not self.rest:
            parts = []
            for _ in range(BATCH):
                self.serial += 1
                parts.append(make(self.serial))
            self.rest, begun = b"".join(parts), BATCH
        try:
            self.rest = self.rest[self.socket.send(self.rest):]
        except BlockingIOError:
            pass
        try:
            if not self.deaf:
                self.socket.recv(1 << 20)
        except BlockingIOError:
            pass
        return begun


def call(interface, member, flags=0, signature="", body=b""):
    fields = {"path": PATH, "interface": interface, "member": member, "destination": NAME}
    if signature:
        fields["signature"] = signature
    return lambda serial: message(CALL, serial, flags, body, **fields)


def many_variants(size):
    """An array of variants, the costliest thing to take apart for its size."""
    return struct.pack("<I", size // 4 * 4) + b"\1y\0\0" * (size // 4)


OWN = "org.edgeway.Daemon1"
PROPERTIES = "org.freedesktop.DBus.Properties"
KINDS = {
    "Connect": call(OWN, "Connect"),
    "GetStatus": call(OWN, "GetStatus"),
    "silent": call(OWN, "GetStatus", NO_REPLY),
    "Introspect": call("org.freedesktop.DBus.Introspectable", "Introspect"),
    "Get": call(PROPERTIES, "Get", 0, "ss", pad(text(OWN), 4) + text("State")),
    "GetAll": call(PROPERTIES, "GetAll", 0, "s", text(OWN)),
    "unknown": call(OWN, "NoSuchMethod"),
    "signal": lambda serial: message(SIGNAL, serial, path=PATH, interface=OWN, member="Noise", destination=NAME),
    "broadcast": lambda serial: message(SIGNAL, serial, path="/org/freedesktop/login1", interface="org.freedesktop.login1.Manager", member="PrepareForSleep", signature="b", body=struct.pack("<I", 1)),
    "reply": lambda serial: message(RETURN, serial, reply=serial, destination=NAME),
    "large": call(OWN, "GetStatus", 0, "av", many_variants(4 << 20)),
}


def main():
    path, what, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    global BATCH
    if what == "large":
        BATCH = 1
    deaf = what.startswith("deaf ")  # answers are left to the bus
    what = what.removeprefix("deaf ")
    connections = [Connection(path, deaf) for _ in range(1 if what == "large" else CONNECTIONS)]
    print("ready", flush=True)
    end, sent, renewed = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        select.select([] if deaf else [c.socket for c in connections], [c.socket for c in connections if c.rest], [], 0.1 if all(c.rest for c in connections) else 0)
        for i, connection in enumerate(connections):
            try:
                sent += connection.turn(KINDS[what])
            except OSError:  # the bus has disconnected this one
                connections[i], renewed = Connection(path, deaf), renewed + 1
    print(sent, renewed, flush=True)


if __name__ == "__main__":
    main()
