#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy, or a box on the way, that behaves badly: bad_proxy.py PORT BEHAVIOUR [ARGUMENT] [--to HOST:PORT]

Without --to it answers CONNECT. With it, what comes in is meant for that host, as where a firewall redirects it here.

What it does to a connection, by name (ARGUMENT):
  nonsense      answers with bytes that aren't HTTP           page      answers 200 and a login page, and closes
  redirect      answers 302 to a portal                        refuse    answers with that status (ARGUMENT)
  silent        takes the connection and says nothing          endless   a head that never ends
  old           passes all on, after HTTP/1.0 200 with headers that mean nothing there
  cut           passes all on for ARGUMENT seconds, then closes
  reset         passes ARGUMENT bytes back, then resets        inject    passes ARGUMENT bytes back, then puts 100 bytes of its own in between
  hold          passes ARGUMENT bytes back, then nothing in either direction, and keeps the connection open
  trickle       passes all on, one byte a write, ARGUMENT bytes long
  late          passes all on, ARGUMENT seconds later

It says "ready", then a line for each connection: what was asked. Bounded: 200 connections, each 120 s.
"""
import argparse
import collections
import contextlib
import select
import socket
import struct
import sys
import threading
import time

PAGE = b"<html><title>Sign in</title><form action=/login>Room number</form></html>"
ENDLESS = b"X-Padding: " + b"x" * 1000 + b"\r\n"
OPEN_SECONDS = 120


def plain_answer(status, body=b"", extra=b""):
    return b"HTTP/1.1 " + status + b"\r\nContent-Type: text/html\r\nContent-Length: %d\r\n" % len(body) + extra + b"\r\n" + body


def read_head(connection):
    data = b""
    while b"\r\n\r\n" not in data and len(data) < 65536:
        more = connection.recv(4096)
        if not more:
            break
        data += more
    head, _, rest = data.partition(b"\r\n\r\n")
    return head, rest


class Pump:
    """Bytes between the two connections, until the behaviour has had enough."""

    def __init__(self, near, far, options, early):
        self.near, self.far, self.options = near, far, options
        self.amount = float(options.argument or 0)
        self.back = 0
        self.waiting = collections.deque()  # when, from where, what
        if early:
            far.sendall(early)

    def run(self):
        begun = time.monotonic()
        while time.monotonic() - begun < OPEN_SECONDS:
            if self.options.behaviour == "cut" and time.monotonic() - begun >= self.amount:
                return
            for source in select.select([self.near, self.far], [], [], 0.01 if self.waiting else 0.05)[0]:
                self.waiting.append((time.monotonic() + (self.amount if self.options.behaviour == "late" else 0), source, source.recv(65536)))
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, source, data = self.waiting.popleft()
                if not data or not (self.pass_there(data) if source is self.near else self.pass_back(data)):
                    return

    def holds(self):
        return self.options.behaviour == "hold" and self.back > self.amount

    def pass_there(self, data):
        if not self.holds():
            self.far.sendall(data)
        return True

    def pass_back(self, data):
        """False where the connection is to end."""
        behaviour, rest = self.options.behaviour, int(self.amount) - self.back
        self.back += len(data)
        if self.holds():
            return True
        if behaviour in ("reset", "inject") and 0 <= rest < len(data):
            self.near.sendall(data[:rest])
            if behaviour == "reset":
                self.near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            data = b"\x17\x03\x03\x00\x5f" + b"injected" * 12 + data[rest:]
        if behaviour == "trickle" and rest > 0:
            self.near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in data[:rest]:
                self.near.sendall(bytes((byte,)))
            data = data[rest:]
        self.near.sendall(data)
        return True


def misbehave(connection, options):
    """Those that never pass anything on. False: this behaviour does."""
    behaviour = options.behaviour
    if behaviour == "nonsense":
        connection.sendall(bytes(range(256)) * 4)
    elif behaviour == "page":
        connection.sendall(plain_answer(b"200 OK", PAGE))
    elif behaviour == "redirect":
        connection.sendall(plain_answer(b"302 Found", b"", b"Location: http://portal.example/login\r\n"))
    elif behaviour == "refuse":
        connection.sendall(plain_answer(options.argument.encode() + b" No", PAGE, b'Proxy-Authenticate: Basic realm="office"\r\n'))
    elif behaviour == "silent":
        while connection.recv(4096):
            pass
    elif behaviour == "endless":
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(2000):
            connection.sendall(ENDLESS)
    else:
        return False
    return True


def serve(connection, options):
    with connection, contextlib.suppress(OSError):
        connection.settimeout(OPEN_SECONDS)
        head, early = (b"", b"") if options.to else read_head(connection)
        target = options.to or (head.split(b" ")[1].decode("latin-1") if head.startswith(b"CONNECT ") else "")
        print(head.split(b"\r\n")[0].decode("latin-1") or "connection", flush=True)
        if misbehave(connection, options) or not target:
            return
        host, _, port = target.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), 10) as far:
            if not options.to:
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" if options.behaviour == "old"
                                   else b"HTTP/1.1 200 Connection established\r\n\r\n")
            Pump(connection, far, options, early).run()


def main():
    parser = argparse.ArgumentParser(usage=__doc__.splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("behaviour")
    parser.add_argument("argument", nargs="?", default="")
    parser.add_argument("--to", default="")
    options = parser.parse_args()
    listener = socket.create_server(("", options.port))
    print("ready", flush=True)
    for _ in range(200):
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, options), daemon=True).start()
    sys.exit("too many connections")


main()
