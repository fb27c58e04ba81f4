# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge and a node, each a whole Debian 12 with systemd as PID 1, installed from the packages of a build, for tests/clean.

    internet 9.9.9.9 ─── edge 198.18.0.1 ─── node 198.18.1.2
"""
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import booted
import machines

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVER = ("systemd", "systemd-sysv", "udev", "dbus", "polkitd", "iproute2", "nftables", "procps", "wireguard-tools", "firewalld", "ufw", "python3-minimal")
PUBLIC = "9.9.9.9"
INTERNET = f"""if 1:
    import socket
    listener = socket.create_server(({PUBLIC!r}, 80))
    print("listening", flush=True)
    while True:
        connection, peer = listener.accept()
        connection.sendall(peer[0].encode())
        connection.close()
"""
ASK = """if 1:
    import socket, sys
    try:
        with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5) as connection:
            print(connection.recv(100).decode() if sys.argv[3:] else "open")
    except OSError as error:
        print(type(error).__name__)
"""


class UnitsCase(unittest.TestCase):
    """In the order of their names: each test continues where the previous one ended."""
    BUILD = None  # a compiled tree with the prefix /usr
    MORE = ()  # packages
    kept = ""  # of the node (Booted)

    @classmethod
    def boot(cls, name, **options):
        setattr(cls, name, booted.Booted(SOURCE, cls.root, name, cls.folder, init="none" if name == "internet" else "systemd", **options))

    @classmethod
    def plug_node(cls):
        booted.cable(cls.edge, "to-node", cls.node, "wan")
        cls.edge.run("ip", "addr", "add", "198.18.1.1/24", "dev", "to-node")
        cls.node.run("ip", "addr", "add", "198.18.1.2/24", "dev", "wan")
        cls.node.run("ip", "route", "add", "default", "via", "198.18.1.1")

    @classmethod
    def setUpClass(cls):
        cls.folder = folder = tempfile.mkdtemp(prefix="edgeway-units-")
        cls.addClassCleanup(shutil.rmtree, folder)
        subprocess.run([f"{SOURCE}/data/debian/build", "--from", cls.BUILD, folder], stdout=subprocess.DEVNULL, check=True, timeout=600)
        os.chmod(folder, 0o755)
        needed = set()
        for name in ("edgewayd", "edgeway-edge"):
            cls_deb = glob.glob(f"{folder}/{name}_*.deb")[0]
            os.chmod(cls_deb, 0o644)
            depends = subprocess.run(["dpkg-deb", "-f", cls_deb, "Depends"], capture_output=True, text=True, check=True).stdout
            needed |= {re.split(r"[ (|]", one.strip())[0] for one in depends.split(",")}
        cls.root = booted.prepare_root(SOURCE, "the units' tests", sorted(needed.union(SERVER, cls.MORE)))
        for name in ("edge", "node", "internet"):
            cls.boot(name, **({"kept": cls.kept} if name == "node" else {}))
            cls.addClassCleanup(lambda name=name: getattr(cls, name).close())
        booted.cable(cls.edge, "to-internet", cls.internet, "wan")
        cls.edge.run("ip", "addr", "add", "198.18.9.1/24", "dev", "to-internet")
        cls.internet.run("ip", "addr", "add", "198.18.9.2/24", "dev", "wan")
        cls.internet.run("ip", "route", "add", "default", "via", "198.18.9.1")
        cls.plug_node()
        cls.edge.run("ip", "addr", "add", "198.18.0.1/32", "dev", "lo")
        cls.edge.run("ip", "route", "add", "default", "via", "198.18.9.2")
        cls.internet.run("ip", "addr", "add", f"{PUBLIC}/32", "dev", "lo")
        cls.web = cls.internet.in_network("/usr/bin/python3", "-c", INTERNET)
        cls.addClassCleanup(cls.web.kill)
        assert cls.web.stdout.readline() == "listening\n"
        for machine, name in ((cls.node, "edgewayd"), (cls.edge, "edgeway-edge")):
            machine.run("systemctl", "disable", "--now", "firewalld")
            machine.run("sh", "-c", f"dpkg -i /packages/{name}_*.deb")
        cls.edge.run("sh", "-ec", "mkdir -p /etc/edgeway; sed 's/^public=.*/public=198.18.0.1:443/' /usr/share/doc/edgeway-edge/examples/edge.conf >/etc/edgeway/edge.conf")
        cls.edge.run("systemctl", "restart", "edgeway-edge")

    def join_node(self):
        key = self.edge.text("edgeway-edge admin-key 2>/dev/null")
        self.node.run("edgewayctl", "enroll", "--name", "node", "--key-file", "-", input=key)
        machines.wait_for("connected", self.is_connected, 60)

    def ask(self, machine, *argv):
        """Who the web sees, or "open", or the error."""
        return machine.in_network("/usr/bin/python3", "-c", ASK, *argv).communicate(timeout=60)[0].strip()

    def pid(self, machine, unit):
        return machine.text(f"systemctl show -p MainPID --value {unit}").strip()

    def is_connected(self):
        text = self.node.run("edgewayctl", "status", "--json", check=False).stdout
        return text.startswith("{") and json.loads(text)["state"] == "connected"

    def has_name(self):
        return "100.96." in self.node.run("getent", "ahostsv4", f"node.{self.suffix}", check=False).stdout
