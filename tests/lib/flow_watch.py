# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a path is away: `flow_watch.py serve ADDRESS` echoes, `flow_watch.py watch ADDRESS` sends a UDP packet every 10 ms and writes to one TCP flow
every 50 ms, and answers each line "SINCE" (of CLOCK_MONOTONIC) on its standard input with a line of JSON:

    away    the longest time since then without an answer to a packet, with the one that lasts
    lost    packets sent since then that were due 0.5 s ago and have no answer
    cut     the flow has been cut
    stood   the longest time since then in which nothing of the flow came back, with the one that lasts
    quiet   for how long there has been no answer, and
    stands  … nothing of the flow
"""
import json
import select
import socket
import sys
import time

PORT, EVERY, WRITE_EVERY, LATE = 7001, 0.01, 0.05, 0.5


def serve(address):
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((address, PORT))
    listener = socket.create_server((address, PORT))
    flows = []
    print("ready", flush=True)
    while True:
        for ready in select.select([udp, listener, *flows], [], [])[0]:
            if ready is udp:
                udp.sendto(*udp.recvfrom(2048))
            elif ready is listener:
                flows.append(listener.accept()[0])
            else:
                try:
                    data = ready.recv(4096)
                    ready.sendall(data)
                except OSError:
                    data = b""
                if not data:
                    flows.remove(ready)
                    ready.close()


def longest(times):
    return max(later - at for at, later in zip(times, times[1:]))


class Watch:
    def __init__(self, address):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setblocking(False)
        self.to = (address, PORT)
        self.flow = socket.create_connection(self.to, 20)
        self.flow.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.flow.setblocking(False)
        self.sent, self.answered, self.heard, self.cut = [], {}, [time.monotonic()], False

    def send(self):
        now = time.monotonic()
        self.sent.append(now)
        try:
            self.udp.sendto(f"{now!r}".encode(), self.to)
        except OSError:
            pass  # no route at this moment

    def write(self):
        try:
            self.flow.send(b".")
        except BlockingIOError:
            pass
        except OSError:
            self.cut = True

    def hear(self):
        try:
            while True:
                self.answered.setdefault(float(self.udp.recv(2048)), time.monotonic())
        except OSError:
            pass

    def read(self):
        try:
            self.cut = not self.flow.recv(4096) or self.cut
            self.heard.append(time.monotonic())
        except BlockingIOError:
            pass
        except OSError:
            self.cut = True

    def say(self, since):
        now = time.monotonic()
        answers = sorted(at for sent, at in self.answered.items() if sent >= since)
        lost = sum(since <= sent <= now - LATE and sent not in self.answered for sent in self.sent)
        flow = [at for at in self.heard if at >= since]
        quiet, stands = (now - (heard or [since])[-1] for heard in (answers, flow))
        print(json.dumps({"away": longest([since, *answers, now]), "lost": lost, "cut": self.cut, "stood": longest([since, *flow, now]), "quiet": quiet, "stands": stands}), flush=True)

    def run(self):
        print("ready", flush=True)
        send_at = write_at = time.monotonic()
        while True:
            wait = max(0, min(send_at, write_at) - time.monotonic())
            ready = select.select([self.udp, sys.stdin] + ([] if self.cut else [self.flow]), [], [], wait)[0]
            now = time.monotonic()
            if now >= send_at:
                self.send()
                send_at = max(send_at + EVERY, now)
            if now >= write_at and not self.cut:
                self.write()
                write_at = max(write_at + WRITE_EVERY, now)
            if self.udp in ready:
                self.hear()
            if self.flow in ready:
                self.read()
            if sys.stdin in ready:
                line = sys.stdin.readline()
                if not line:
                    return
                self.say(float(line))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        Watch(sys.argv[2]).run()
