#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network that drops UDP: the node comes through the edge's TCP port, and leaves it again once UDP works. No flow is lost."""
import os
import signal
import unittest

from mesh_case import MeshCase, wait_for

SENDER = """
import hashlib, socket, sys, time
peer = socket.create_connection((sys.argv[1], 7000), 30)
block, sent, digest = bytes(range(256)) * 4, 0, hashlib.sha256()
end = open(sys.argv[2], "r")  # a pipe: closed by the test when the flow may end
import select
while not select.select([end], [], [], 0.01)[0]:
    peer.sendall(block)
    digest.update(block)
    sent += len(block)
peer.shutdown(socket.SHUT_WR)
assert peer.recv(100).decode() == f"{sent} {digest.hexdigest()}", "what arrived isn't what was sent"
print(sent)
"""

RECEIVER = """
import hashlib, socket
server = socket.create_server(("0.0.0.0", 7000))
print("ready", flush=True)
peer, _ = server.accept()
got, digest = 0, hashlib.sha256()
while True:
    block = peer.recv(65536)
    if not block:
        break
    digest.update(block)
    got += len(block)
peer.sendall(f"{got} {digest.hexdigest()}".encode())
"""


class Flow:
    """A TCP flow from one node to another that lasts until end() and is compared byte by byte."""

    def __init__(self, case, sender, receiver):
        self.case = case
        self.sender, self.receiver = case.mesh.machine(sender), case.mesh.machine(receiver)
        self.pipe = f"/tmp/flow-{os.getpid()}-{sender}"
        self.server = self.receiver.start("/usr/bin/python3", "-B", "-c", RECEIVER)
        wait_for("the flow's receiver", lambda: self.receiver.ok("sh", "-c", "ss -Hltn sport = :7000 | grep -q ."), 10)
        os.mkfifo(self.pipe)
        self.client = self.sender.start("/usr/bin/python3", "-B", "-c", SENDER, case.address(receiver), self.pipe)
        self.held = os.open(self.pipe, os.O_RDWR)

    def is_alive(self):
        return self.client.poll() is None and self.server.poll() is None

    def end(self):
        os.write(self.held, b".")
        try:
            self.case.assertEqual(self.client.wait(60), 0, "the flow was cut, or its bytes were changed")
            self.case.assertEqual(self.server.wait(10), 0)
        finally:
            os.close(self.held)
            os.unlink(self.pipe)


class Https(MeshCase):
    SITES = JOIN = ("laptop", "nas")

    def address(self, name):
        return self.status(name)["addresses"][0]

    def drop_udp(self, name, dropped=True):
        if dropped:
            self.mesh.drop_udp(name)
        else:
            self.mesh.machine(f"nat-{self.mesh.sites[name]}").run("nft", "delete", "table", "inet", "strict")

    def transport(self, name):
        status = self.status(name)
        return status["edge"] and status["state"] == "connected" and status["edge"]["transport"]

    def wait_transport(self, name, transport, seconds):
        wait_for(f"{name} is connected by {transport}", lambda: self.transport(name) == transport, seconds)

    def reaches(self, name, other, seconds=10):
        wait_for(f"{name} reaches {other}", lambda: self.mesh.machine(name).ok("ping", "-n", "-c", "1", "-W", "1", self.address(other)), seconds)

    def restart(self, name):
        process, start = self.mesh.running[name]
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        self.mesh.running[name][0] = start()

    def test_blocked_from_the_start(self):
        self.ctl("laptop", "disconnect")
        self.drop_udp("laptop")
        self.addCleanup(self.drop_udp, "laptop", False)
        self.ctl("laptop", "connect")
        self.wait_transport("laptop", "https", 20)
        self.assertEqual(self.status("laptop")["edge"]["endpoint"], "203.0.113.5:443")
        self.reaches("laptop", "nas")
        self.reaches("nas", "laptop")
        # Everybody who looks at the mesh is told.
        wait_for("the edge says so", lambda: self.mesh.ctl_json("laptop", "node", "show", "laptop")["transport"] == "https", 20)
        self.assertEqual(self.mesh.ctl_json("laptop", "node", "show", "nas")["transport"], "udp")
        self.assertIn("via https", self.ctl("laptop", "map").stdout)
        diagnosis = self.ctl("laptop", "diagnose")
        self.assertIn("via https", diagnosis.stdout)
        self.assertIn("endpoint: 203.0.113.5:443", self.mesh.machine("laptop").run("wg", "show", "edgeway0").stdout)
        flow = Flow(self, "laptop", "nas")
        self.assertTrue(flow.is_alive())
        flow.end()
        # This network is remembered: the next time https is begun at once.
        self.ctl("laptop", "disconnect")
        self.ctl("laptop", "connect")
        self.wait_transport("laptop", "https", 10)

    def test_there_and_back(self):
        """UDP is dropped while a flow runs, let through again, and dropped once more."""
        self.wait_transport("laptop", "udp", 60)
        flow = Flow(self, "laptop", "nas")
        other = Flow(self, "nas", "laptop")
        for _ in range(2):
            self.drop_udp("laptop")
            self.wait_transport("laptop", "https", 50)
            self.drop_udp("laptop", False)
            self.wait_transport("laptop", "udp", 5 * 30)
            self.assertTrue(flow.is_alive() and other.is_alive())
        flow.end()
        other.end()

    def test_cut_and_restarted(self):
        """The stream is cut, the edge restarts, the node restarts: https again each time, and what runs on goes on."""
        self.drop_udp("laptop")
        self.addCleanup(self.drop_udp, "laptop", False)
        self.wait_transport("laptop", "https", 50)
        flow = Flow(self, "laptop", "nas")
        for _ in range(3):
            self.mesh.machine("edge").run("ss", "-K", "sport", "=", ":443", "dst", "203.0.113.11")
            self.reaches("laptop", "nas")
            self.reaches("nas", "laptop")
        self.restart("edge")
        self.reaches("nas", "laptop", 60)
        self.wait_transport("laptop", "https", 50)
        self.assertTrue(flow.is_alive())
        flow.end()
        self.restart("laptop")
        wait_for("laptop's daemon", lambda: self.ctl("laptop", "status", check=False).returncode == 0, 20)
        self.wait_transport("laptop", "https", 50)
        self.reaches("nas", "laptop")


if __name__ == "__main__":
    unittest.main()
