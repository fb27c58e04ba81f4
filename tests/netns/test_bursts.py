# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernels that damage bursts of packets and report no error, on both nodes and on the edge: TCP gets through, and `diagnose` says why it takes more CPU.

    laptop ── nat-11 ── internet ── edge "frankfurt" ── nas         everything sent with UDP_SEGMENT is lost (tests/lib/damaged-bursts.c)
"""
import json
import os
import unittest

from mesh_case import BUILD, MeshCase, wait_for

DAMAGED_BURSTS = os.path.join(BUILD, "tests/lib/damaged-bursts.so")
SIZE = 8_000_000
RECEIVE = f"""
import socket, sys
server = socket.create_server((sys.argv[1], 7000))
while True:
    client, _ = server.accept()
    left = {SIZE}
    while left and (data := client.recv(65536)):
        left -= len(data)
    client.sendall(b"all" if left == 0 else b"cut")
    client.close()
"""
SEND = f"""
import socket, sys
server = socket.create_connection((sys.argv[1], 7000), 10)
server.settimeout(30)
server.sendall(bytes({SIZE}))
print(server.recv(3).decode())
"""


class Bursts(MeshCase):
    SITES = JOIN = ("laptop", "nas")

    @classmethod
    def prepare(cls):
        os.environ["LD_PRELOAD"] = DAMAGED_BURSTS
        cls.addClassCleanup(os.environ.pop, "LD_PRELOAD")

    def checks(self, name):
        report = json.loads(self.ctl(name, "diagnose", "--json", check=False).stdout)
        return {check["check"]: check for check in report["checks"]}

    def test_damaged_everywhere(self):
        address = self.status("nas")["addresses"][0]
        nas = self.mesh.machine("nas")
        nas.start("/usr/bin/python3", "-c", RECEIVE, address, log="receive")
        wait_for("a server on nas", lambda: nas.ok("sh", "-c", "ss -Hltn sport = :7000 | grep -q ."), 10)
        self.assertEqual(self.mesh.machine("laptop").run("/usr/bin/python3", "-c", SEND, address, timeout=60).stdout.strip(), "all")
        check = self.checks("laptop")["bursts"]
        self.assertTrue(check["warning"], check)
        self.assertIn("damages bursts", check["message"])
        self.assertIn("tx-udp-segmentation off", check["fix"])
        # What the edge knows, it says with its next answer.
        wait_for("nas says it of the edge", lambda: "bursts-edge" in self.checks("nas"), 20)
        self.assertIn("the edge's host", self.checks("nas")["bursts-edge"]["fix"])


if __name__ == "__main__":
    unittest.main()
