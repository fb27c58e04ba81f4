# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh of namespaces for one test class: an internet, an edge and the named nodes behind a NAT each, with the built programs."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch"))
from demo_mesh import DemoMesh  # noqa: E402
from machines import Failure, wait_for  # noqa: E402,F401

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build")


class MeshCase(unittest.TestCase):
    SITES = ("laptop",)
    JOIN = ("laptop",)  # the first one with the administrator's key

    @classmethod
    def setUpClass(cls):
        cls.mesh = DemoMesh(BUILD, lambda text: None, cls.SITES, "test")
        cls.addClassCleanup(cls.mesh.close)
        cls.mesh.build_ground()
        cls.prepare()
        cls.key = cls.mesh.start_edge()
        for number, name in enumerate(cls.JOIN):
            cls.mesh.join(name, cls.key if number == 0 else cls.mesh.new_key(name))

    @classmethod
    def prepare(cls):
        """What a test's machines need before any program of the mesh starts."""

    def ctl(self, name, *argv, **options):
        return self.mesh.ctl(name, *argv, **options)

    def status(self, name):
        return self.mesh.ctl_json(name, "status")

    def wait_state(self, name, state, seconds=20):
        return wait_for(f"{name} is {state} (now {self.status(name)})", lambda: self.status(name)["state"] == state, seconds)

    def refused(self, name, *argv, code=1, says=(), **options):
        """The command fails with that exit code and one line on stderr that holds each of `says`."""
        result = self.ctl(name, *argv, check=False, **options)
        self.assertEqual(result.returncode, code, result)
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        self.assertEqual(len(lines), 1, result.stderr)
        for text in says if isinstance(says, (tuple, list)) else (says,):
            self.assertIn(text.lower(), lines[0].lower())
        return lines[0]


def host_state(machine):
    """Routes, rules, addresses, firewall and sysctls of a machine, to be compared byte by byte."""
    parts = (("ip", "-o", "addr"), ("ip", "route", "show", "table", "all"), ("ip", "-6", "route", "show", "table", "all"), ("ip", "rule"), ("ip", "-6", "rule"),
             ("nft", "list", "ruleset"), ("sh", "-c", "grep -rH . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf /proc/sys/net/ipv4/ip_forward 2>/dev/null | grep -v edgeway0 | sort"))
    texts = []
    for argv in parts:
        text = machine.run(*argv, check=False).stdout
        # Lifetimes count down, and caches are filled and dropped at any time.
        lines = [line for line in text.splitlines() if "cache" not in line]
        texts.append(" ".join(argv[:3]) + "\n" + "\n".join(lines))
    return "\n".join(texts)
