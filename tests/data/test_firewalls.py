# SPDX-License-Identifier: GPL-3.0-or-later
"""What firewalld and ufw are told about the edge: its default port, with both protocols. Both programs understand it: tests/clean/units."""
import configparser
import os
import re
import unittest
import xml.etree.ElementTree as tree

SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


class Firewalls(unittest.TestCase):
    def test_ports(self):
        port = re.search(r'DEFAULT_LISTEN ":(\d+)"', read("daemon/edge/options.c")).group(1)
        service = tree.fromstring(read("data/firewalld/edgeway-edge.service.xml").encode())
        self.assertEqual(sorted((p.get("protocol"), p.get("port")) for p in service.findall("port")), [("tcp", port), ("udp", port)])
        profiles = configparser.ConfigParser()
        profiles.read_string(read("data/ufw/edgeway-edge"))
        self.assertEqual(profiles["Edgeway-Edge"]["ports"], f"{port}/tcp|{port}/udp")

    def test_off_by_default(self):
        """Until an administrator puts an interface into the zone, a package doesn't change any firewall."""
        zone = tree.fromstring(read("data/firewalld/edgeway.zone.xml").encode())
        self.assertEqual([zone.findall("interface"), zone.findall("source"), zone.get("target")], [[], [], None])
        policy = tree.fromstring(read("data/firewalld/edgeway.policy.xml").encode())
        self.assertEqual([z.get("name") for z in policy.findall("ingress-zone")], ["edgeway"])


if __name__ == "__main__":
    unittest.main()
