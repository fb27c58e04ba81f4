#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edge from packages that moves to another address, port and server, is restored and purged: the commands of data/doc/move-edge.md and
backup.md, as they are there, on whole machines with systemd as PID 1.

    old server ───── a ───── new server      a: a node; 198.18.0.9, then 198.18.0.1, is the edge's address, on the loopback of its server
"""
import json
import os
import re
import subprocess
import unittest

import booted
import deb_case
import machines
from deb_case import Snapshot, server_root

SOURCE = os.environ["EDGEWAY_SOURCE"]
BEFORE, AFTER = "198.18.0.9:443", "198.18.0.1:8443"
# Other people's, beside the edge's own: by their names and places they could be taken for the edge's.
FOREIGN = """mkdir -p /etc/edgeway /etc/ufw/applications.d /var/lib/edgeway-edge.bak /var/log/edgeway
for file in /etc/edgeway/notes /etc/edgeway/edge.conf.mine /etc/ufw/applications.d/edgeway-edge.mine /var/lib/edgeway-edge.bak/store.db; do echo mine >$file; done
useradd --system --no-create-home edgeway-edger"""
# app/run writes it when an edge moves; it stays where app/run was interrupted then, or replaced by packages.
FIND_MOVE = """. app/launch/common.sh; . app/launch/install.sh; eval "$(grep -B1 -A99 '^find_move()' app/run | sed '/^}/q')"
public=$1; find_move "$2" && cat "$2/moved-from" """


def setUpModule():
    deb_case.make_packages()


def commands(page, heading):
    """The blocks of commands below a heading, with this test's names."""
    with open(f"{SOURCE}/data/doc/{page}", encoding="utf-8") as file:
        text = re.search(rf"(?ms)^## {re.escape(heading)}$(.*?)(?=^## |\Z)", file.read()).group(1)
    blocks = re.findall(r"(?ms)^ *```sh\n(.*?)^ *```", text)
    return [block.replace("./build/packages/edgeway-edge_*.deb", "/packages/edgeway-edge-current.deb").replace("edge.example.org:8443", AFTER) for block in blocks]


class MovedEdge(unittest.TestCase):
    """In the order of their names: each test continues where the previous one ended."""

    @classmethod
    def setUpClass(cls):
        cls.maxDiff = None
        root = server_root()
        for name in ("old", "new", "a"):
            setattr(cls, name, booted.Booted(SOURCE, root, name, deb_case.packages))
            cls.addClassCleanup(getattr(cls, name).close)
        for number, server in ((1, cls.old), (2, cls.new)):
            booted.cable(server, "to-a", cls.a, f"to-{server.name}")
            server.run("ip", "addr", "add", f"198.18.{number}.1/24", "dev", "to-a")
            cls.a.run("ip", "addr", "add", f"198.18.{number}.2/24", "dev", f"to-{server.name}")
            server.run("systemctl", "start", "systemd-tmpfiles-clean.service")
        cls.lead_to(1)
        cls.old.text(FOREIGN)
        cls.new.text("mkdir -p /var/lib/edgeway-edge && mount -t tmpfs -o mode=700 volume /var/lib/edgeway-edge")
        cls.before = {server.name: Snapshot(server) for server in (cls.old, cls.new)}
        for host in ("198.18.0.1", "198.18.0.9"):
            cls.old.run("ip", "addr", "add", f"{host}/32", "dev", "lo")

    @classmethod
    def lead_to(cls, number):
        cls.a.run("ip", "route", "replace", "198.18.0.0/24", "via", f"198.18.{number}.1")

    def follow(self, server, block):
        """A person's commands, in root's home. This person is root, and needs no sudo."""
        return server.text(f'sudo() {{ "$@"; }}\ncd /root\nset -e\n{block}')

    def status(self):
        return json.loads(self.a.text("edgewayctl status --json"))

    def reaches(self, endpoint):
        def ready():
            status = self.status()
            return status["state"] == "connected" and status["edge"]["endpoint"] == endpoint and self.a.run("edgewayctl", "ping", "-c", "1", "100.96.0.1", check=False).returncode == 0
        machines.wait_for(f"the edge at {endpoint}", ready, 60, 0.3)

    def nodes(self):
        return {node["name"] for node in json.loads(self.a.text("edgewayctl node list --json"))["nodes"]}

    def test_1_address_and_port(self):
        self.old.run("dpkg", "-i", "/packages/edgeway-edge-current.deb")
        self.old.text(f"sed 's/^public=.*/public={BEFORE}/' /usr/share/doc/edgeway-edge/examples/edge.conf >/etc/edgeway/edge.conf; systemctl restart edgeway-edge")
        self.a.run("dpkg", "-i", "/packages/edgewayd-current.deb")
        self.a.run("edgewayctl", "enroll", "--name", "a", "--key-file", "-", input=self.old.text("edgeway-edge admin-key 2>/dev/null"))
        self.reaches(BEFORE)
        noted = subprocess.run(["bash", "-c", FIND_MOVE, "bash", AFTER, f"/proc/{self.old.pid}/root/etc/edgeway"], cwd=SOURCE, capture_output=True, text=True)
        self.assertEqual((noted.stdout, noted.stderr), (f"{BEFORE}\n", ""))
        (change,) = commands("move-edge.md", "With packages")
        redirect = commands("move-edge.md", "To another port")[1]
        self.follow(self.old, redirect)
        self.follow(self.old, change)
        self.reaches(AFTER)
        self.old.run("nft", "delete", "table", "ip", "edgeway-moved")
        self.old.run("ip", "addr", "del", "198.18.0.9/32", "dev", "lo")
        self.reaches(AFTER)
        self.a.run("edgewayctl", "node", "config", "my-phone")
        self.follow(self.a, commands("move-edge.md", "To another address")[1])
        self.assertIn(f"Endpoint = {AFTER}\n", self.a.text("edgewayctl node config my-phone --renew"))

    def test_2_server(self):
        archive, copy, clone, package = commands("move-edge.md", "To another server")
        self.assertEqual(clone.splitlines()[0].split(), package.splitlines()[1].split(), "the archive is unpacked in the same way")
        before = self.status()
        self.follow(self.old, archive)
        self.assertEqual(self.old.text("stat -c %a%U /root/edgeway-edge.tar"), "600root\n")
        self.assertEqual(self.old.text("systemctl is-active edgeway-edge; systemctl is-enabled edgeway-edge; true"), "inactive\ndisabled\n")
        # SSH would carry it.
        here, there = re.fullmatch(r"(.*) \| ssh YOU@NEW-SERVER '(.*)'\n", copy.strip(" ")).groups()
        sent = subprocess.run(self.old.command(["sh", "-c", here.replace("sudo ", "")]), stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(self.new.command(["sh", "-c", f"cd /root; {there}"]), input=sent, check=True)
        self.follow(self.new, package)
        self.assertEqual(self.new.text("find /var/lib/edgeway-edge ! -user edgeway-edge; find /var/lib/edgeway-edge -perm /077; systemctl is-enabled edgeway-edge"), "enabled\n")
        self.new.run("ip", "addr", "add", "198.18.0.1/32", "dev", "lo")
        self.lead_to(2)
        self.reaches(AFTER)
        self.assertEqual(self.status()["addresses"], before["addresses"])
        self.new.run("test", "-s", "/etc/edgeway/moved-from")

    def test_3_restore(self):
        """What an edge that was killed had written after the backup isn't mixed into it."""
        (archive,), (restore, _) = commands("backup.md", "Back up"), (commands("backup.md", "Restore on the same server")[0].splitlines())
        self.follow(self.new, archive)
        self.reaches(AFTER)
        for number in range(5):
            self.a.run("edgewayctl", "node", "add", f"later{number}")
        self.assertIn("later4", self.nodes())
        self.new.text("mkdir -p /run/systemd/system/edgeway-edge.service.d; printf '[Service]\\nRestart=no\\n' >/run/systemd/system/edgeway-edge.service.d/x.conf; systemctl daemon-reload; "
                      "systemctl kill -s KILL edgeway-edge; rm -r /run/systemd/system/edgeway-edge.service.d")
        machines.wait_for("its end", lambda: self.new.text("systemctl is-active edgeway-edge || true") == "failed\n", 20)
        self.new.run("test", "-s", "/var/lib/edgeway-edge/store.db-wal")
        self.follow(self.new, restore)
        with open(f"{SOURCE}/data/doc/backup.md", encoding="utf-8") as file:
            self.follow(self.new, re.search(r"For an edge from packages, the second line is `(.*)`", file.read()).group(1))
        self.reaches(AFTER)
        self.assertEqual(self.nodes(), {"a", "my-phone"})

    def test_4_purge(self):
        """Of an edge that was moved nothing is left on either server, and what is others' stays: a volume, too."""
        for server in (self.old, self.new):
            with self.subTest(server.name):
                self.assertEqual(server.text("cat /etc/edgeway/moved-from"), f"{BEFORE}\n")
                server.text("rm -f /root/edgeway-edge.tar; ip addr del 198.18.0.1/32 dev lo")
                server.run("dpkg", "--purge", "edgeway-edge")
                if server == self.new:
                    # They came with the archive.
                    self.assertEqual(server.text("cd /etc/edgeway; grep . *"), "edge.conf.mine:mine\nnotes:mine\n")
                    server.run("rm", "-r", "/etc/edgeway")
                self.assertEqual(self.before[server.name].changes(), [])


if __name__ == "__main__":
    unittest.main()
