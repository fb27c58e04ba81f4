# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that takes smaller packets than the mesh: `node mtu`, its own interface, and what the edge tells senders of larger ones."""
import unittest

from mesh_case import MeshCase, wait_for
from switch_case import SERVER

# Connects at once, and takes its megabyte when the file is there.
PATIENT_CLIENT = """
import os, socket, sys, time
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=60)
print("connected", flush=True)
while not os.path.exists(sys.argv[3]):
    time.sleep(0.05)
s.sendall(b"x")
size = 0
while chunk := s.recv(65536):
    size += len(chunk)
assert size > 1000000, size
print("all", flush=True)
"""


class NodeMtu(MeshCase):
    SITES = JOIN = ("laptop", "nas")

    def interface_mtu(self, name):
        return self.mesh.machine(name).json("ip", "-j", "link", "show", "edgeway0")[0]["mtu"]

    def ping(self, size, address):
        return self.mesh.machine("laptop").run("ping", "-n", "-c", "1", "-W", "2", "-M", "do", "-s", str(size), address, check=False)

    def start_transfer(self, address, port, go):
        """A connection over which laptop will send nas a megabyte; its segments are of the size that both had then."""
        laptop, nas = self.mesh.machine("laptop"), self.mesh.machine("nas")
        own = self.status("laptop")["addresses"][":" in address]
        server = laptop.start("/usr/bin/python3", "-c", SERVER, own, str(port), log=f"server-{port}")
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        wait_for("a server", lambda: laptop.ok("sh", "-c", f"ss -Hltn sport = :{port} | grep -q ."), 10)
        client = nas.start("/usr/bin/python3", "-c", PATIENT_CLIENT, own, str(port), go, log=f"client-{port}")
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)

        def said(word):
            with open(client.log_path) as file:
                return word in file.read()
        wait_for("it is connected", lambda: said("connected"), 20)
        return client, said

    def test_smaller_for_one_node(self):
        laptop, nas = self.mesh.machine("laptop"), self.mesh.machine("nas")
        addresses = self.status("nas")["addresses"]
        self.assertEqual((self.interface_mtu("nas"), self.interface_mtu("laptop")), (1420, 1420))
        for address, header in zip(addresses, (28, 48)):
            self.assertEqual(self.ping(1420 - header, address).returncode, 0)
        transfers = [self.start_transfer(address, 7001 + i, f"/run/edgeway/go-{i}") for i, address in enumerate(addresses)]

        self.assertIn("1280", self.ctl("laptop", "node", "mtu", "nas", "1280").stdout)
        self.assertEqual(self.mesh.ctl_json("laptop", "node", "show", "nas")["mtu"], 1280)
        wait_for("nas has it on its interface", lambda: self.interface_mtu("nas") == 1280, 20)
        self.assertEqual(self.interface_mtu("laptop"), 1420)
        # An open TCP connection with larger segments continues: the edge reports what is too big, and laptop's kernel adapts.
        for i, (address, (client, said)) in enumerate(zip(addresses, transfers)):
            with self.subTest(address):
                nas.run("touch", f"/run/edgeway/go-{i}")
                wait_for("all of it has arrived", lambda: said("all"), 60)
                self.assertEqual(client.wait(10), 0)
                self.assertIn("mtu 1280", laptop.run("ip", "route", "get", address).stdout)
        laptop.ip("route", "flush", "cache")
        laptop.ip("-6", "route", "flush", "cache", "table", "all")  # without the table: of the main one alone
        for address, header, sender in zip(addresses, (28, 48), self.service()):
            with self.subTest(address):
                self.assertRegex(self.ping(1420 - header, address).stdout, rf"From {sender}.*mtu ?= ?1280")
                self.assertEqual(self.ping(1280 - header, address).returncode, 0)
        # It survives a kill of the edge, and one word resets it.
        self.mesh.restart("edge", 9)
        wait_for("nas is back", lambda: self.status("nas")["state"] == "connected" and laptop.ok("ping", "-n", "-q", "-c", "1", "-W", "1", addresses[0]), 60)
        laptop.ip("route", "flush", "cache")
        self.assertRegex(self.ping(1392, addresses[0]).stdout, r"From 100.96.0.1.*mtu ?= ?1280")
        self.ctl("laptop", "node", "mtu", "nas", "default")
        wait_for("nas's interface is as before", lambda: self.interface_mtu("nas") == 1420, 20)
        laptop.ip("route", "flush", "cache")
        self.assertEqual(self.ping(1392, addresses[0]).returncode, 0)

    def service(self):
        """The edge's two addresses inside, as ICMP errors bear them."""
        v6 = self.status("laptop")["addresses"][1]
        return "100.96.0.1", ":".join(v6.split("::")[0].split(":")[:3]) + "::1"

    def test_refused(self):
        self.refused("laptop", "node", "mtu", "nas", "9000", says="1420")
        self.refused("laptop", "node", "mtu", "nobody", "1280", says="nobody")
        self.refused("nas", "node", "mtu", "laptop", "1280", code=4, says="administrator")


if __name__ == "__main__":
    unittest.main(verbosity=2)
