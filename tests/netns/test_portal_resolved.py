#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A captive portal where the real systemd-resolved looks names up, by its stub and by nss-resolve: it asks for the page's name beside the tunnel, and for
no other."""
import unittest

import resolver_world
from portal_case import NAME, PAGE, PortalCase


class PortalByResolved(PortalCase):
    KIND, NUMBER = "resolved", resolver_world.ResolverWorld.FIRST_SITE
    NODE, NAT = KIND, f"nat-{NUMBER}"
    OWN, ROUTER = f"192.168.{NUMBER}.2", f"192.168.{NUMBER}.1"

    @classmethod
    def prepare(cls):
        cls.world = resolver_world.ResolverWorld(cls.mesh, (cls.KIND,))
        cls.addClassCleanup(cls.world.close)

    @classmethod
    def start_names(cls):
        lan = cls.world.lans[cls.KIND]
        with open(lan.config, "a") as file:
            file.write(f"host-record={NAME},{cls.HOST},5\n")
        lan.stop()
        lan.start()
        key = cls.mesh.ctl("laptop", "node", "add", cls.KIND).stdout.strip()
        cls.world.each(lambda kind: cls.mesh.join(kind, key))

    def test_vpn_and_lockdown(self):
        self.lock()
        leaks = self.seal()
        self.close_up()
        self.wait_caught(60)
        self.look_at_page(leaks)

    def test_lockdown_on_arrival(self):
        self.lock()
        self.ctl(self.NODE, "disconnect")
        leaks = self.seal()
        self.close_up()
        self.ctl(self.NODE, "connect", "--no-wait")
        self.wait_caught()
        self.look_at_page(leaks)

    def test_vpn_alone(self):
        self.ctl(self.NODE, "mode", "vpn")
        self.ctl(self.NODE, "mode", "--confirm")
        self.close_up()
        self.wait_caught(60)
        self.assertEqual(self.browse(PAGE), "")
        self.open_page()
        self.assertIn("Welcome", self.browse(PAGE))
        self.assertLess(self.login(), 20)


class PortalByResolvedModule(PortalByResolved):
    KIND = NODE = "resolved-nss"


if __name__ == "__main__":
    unittest.main()
