#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A short real life under valgrind: an edge and two daemons enroll, talk, switch to VPN mode and back, and stop, without an error of
memory and without a leak."""
import os
import unittest

from demo_mesh import SERVICE, DemoMesh
from machines import wait_for
from mesh_case import BUILD, SOURCE

# What libraries do by design: GLib says so itself.
SUPPRESSIONS = [path for path in ("/usr/share/glib-2.0/valgrind/glib.supp", os.path.join(SOURCE, "tests/data/valgrind.supp")) if os.path.exists(path)]
RESOLVER = "203.0.113.1"
SLOW = 120  # seconds: valgrind takes 20 to 50 times as long
FETCH = "import socket, sys\nc = socket.create_connection((sys.argv[1], 7001), 60)\nc.settimeout(60)\nn = 0\nwhile chunk := c.recv(65536):\n    n += len(chunk)\nassert n == 300000, n"
SERVE = "import socket\ns = socket.create_server(('', 7001), family=socket.AF_INET6, dualstack_ipv6=True)\nwhile True:\n    c, _ = s.accept()\n    c.sendall(b'x' * 300000)\n    c.close()"


class WatchedMesh(DemoMesh):
    """Its daemons run under valgrind; what it says goes to a file beside their logs."""

    START_S = SLOW

    def program(self, name):
        path = super().program(name)
        if name not in ("edgewayd", "edgeway-edge"):
            return path
        script = os.path.join(self.world.folder, name)
        if not os.path.exists(script):
            options = ["--quiet", "--vgdb=no", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite", "--num-callers=30",
                       f"--log-file={script}.%p.valgrind", *[f"--suppressions={file}" for file in SUPPRESSIONS]]
            with open(script, "w") as file:
                file.write("#!/bin/sh\nexport G_SLICE=always-malloc\nexec valgrind " + " ".join(options) + f" {path} \"$@\"\n")
            os.chmod(script, 0o755)
        return script


class Valgrind(unittest.TestCase):
    def test_life(self):
        mesh = WatchedMesh(BUILD, lambda text: None, ("laptop", "nas"), "valgrind")
        self.addCleanup(mesh.close)
        mesh.build_ground()
        mesh.machine("internet").start("/usr/bin/python3", os.path.join(SOURCE, "tests/lib/fake_resolver.py"), RESOLVER, os.devnull)
        mesh.machine("edge").mask("/etc/resolv.conf", f"nameserver {RESOLVER}\n", 0o644)
        mesh.join("laptop", mesh.start_edge())
        mesh.join("nas", mesh.new_key("nas"))
        for name in ("laptop", "nas"):
            wait_for(f"{name} connected", lambda n=name: mesh.ctl_json(n, "status")["state"] == "connected", SLOW)
        laptop, nas = mesh.machine("laptop"), mesh.machine("nas")
        nas.start("/usr/bin/python3", "-c", SERVE)
        wait_for("the server", lambda: nas.ok("sh", "-c", "ss -Hltn sport = :7001 | grep -q ."), SLOW)
        for address in mesh.ctl_json("nas", "status")["addresses"]:
            wait_for(f"{address} answers", lambda a=address: laptop.ok("ping", "-c", "1", "-W", "5", a), SLOW)
            laptop.run("/usr/bin/python3", "-c", FETCH, address, timeout=SLOW)
        self.assertIn("nas", mesh.ctl("laptop", "map").stdout)
        mesh.ctl("laptop", "mode", "vpn")
        mesh.ctl("laptop", "mode", "connector")
        mesh.ctl("nas", "leave")
        wait_for("a name of others", lambda: self.ask(laptop, "a.example").stdout.strip() == "192.0.2.9", SLOW)
        self.ask(laptop, "hang.example")  # and one that is still open at the end
        for name in ("laptop", "nas", "edge"):
            process = mesh.running[name][0]
            process.terminate()
            self.assertEqual(0, process.wait(SLOW), f"{name}: {self.said(mesh)}")

    @staticmethod
    def ask(machine, name):
        return machine.run("dig", "+short", "+time=1", "+tries=1", f"@{SERVICE}", name, check=False)

    @staticmethod
    def said(mesh):
        text = ""
        for name in sorted(os.listdir(mesh.world.folder)):
            if name.endswith(".valgrind"):
                with open(os.path.join(mesh.world.folder, name), errors="replace") as file:
                    text += file.read()
        return text


if __name__ == "__main__":
    unittest.main()
