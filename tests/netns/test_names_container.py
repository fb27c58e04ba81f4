#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names in containers that run edgewayd: as `docker run` makes them, with a read-only root folder, and with Docker's own
resolver (a stand-in on 127.0.0.11)."""
import signal
import unittest

import resolver_world
from demo_mesh import SERVICE
from mesh_case import wait_for
from names_case import NAS, NamesCase, unordered


class Containers(NamesCase):
    KINDS = tuple(resolver_world.CONTAINERS)

    def test_names(self):
        for kind in ("container", "container-net"):
            self.wait_found(kind, "connected", 30)
            self.wait_names(kind)
            self.assertEqual(self.bad_answers(kind), [])
        # Nothing can be written there: the status says so, and what resolved before still does.
        wait_for("the reason", lambda: self.status("container-ro")["names"] == "nsswitch-refused", 30, 0.2)
        self.assertIn("Read-only file system", self.status("container-ro")["names_message"])
        self.assert_unchanged("with the mesh up")
        self.signal_daemons(signal.SIGSTOP)
        self.assert_unchanged("edgewayd hung")
        self.signal_daemons(signal.SIGKILL)
        self.assert_unchanged("edgewayd killed")
        self.world.each(self.mesh.start_daemon)

    def test_host_of_containers(self):
        """As with `docker run --dns SERVICE`: a container behind a bridge of a node asks the edge, with Docker's rules."""
        machine = self.host("container").machine
        machine.run("sh", "-ec", """
            echo 1 >/proc/sys/net/ipv4/ip_forward
            ip netns add inner; ip link add docker0 type bridge; ip link set docker0 up; ip addr add 172.17.0.1/16 dev docker0
            ip link add veth1 type veth peer name eth0 netns inner; ip link set veth1 master docker0 up
            ip -n inner link set lo up; ip -n inner addr add 172.17.0.2/16 dev eth0; ip -n inner link set eth0 up; ip -n inner route add default via 172.17.0.1""")
        machine.nft("""table ip docker {
            chain post { type nat hook postrouting priority 100; ip saddr 172.17.0.0/16 oifname != "docker0" masquerade; }
            chain forward { type filter hook forward priority 0; policy drop; oifname "docker0" ct state related,established accept; iifname "docker0" accept; }
            }""")
        for name, address in ((NAS, self.addresses["nas"][0]), ("a0.example.com", "198.18.0.0")):
            said = machine.run("ip", "netns", "exec", "inner", "dig", "+tries=2", "+time=2", "@" + SERVICE, name, check=False).stdout
            self.assertIn(address, said)

    def test_vpn(self):
        """Where no module can be installed, names work as soon as all questions go to the edge."""
        def switch(kind):
            self.assertTrue(self.asks_from_one_port(kind))
            self.mesh.ctl(kind, "mode", "vpn")
            self.mesh.ctl(kind, "mode", "--confirm", check=False)
            self.wait_found(kind, "VPN mode")
            host, lan = self.host(kind), self.world.lans[kind]
            start = lan.log_size()
            bad = [program for program in ("musl", "dig") if self.addresses["nas"][0] not in host.ask(program, [NAS])[NAS]]
            bad += self.changed(kind, {"musl": host.ask("musl", ["a0.example.com", "both0.example.org"])}, unordered)
            bad += [] if self.asks_from_one_port(kind) else ["from one port"]
            bad += lan.asked(start)
            self.mesh.ctl(kind, "mode", "connector")
            bad += [] if self.asks_from_one_port(kind) else ["from one port, afterwards"]
            self.wait_as_before(kind, "connector-only again")
            return bad
        self.assertEqual([what for bad in self.world.each(switch).values() for what in bad], [])


if __name__ == "__main__":
    unittest.main()
