#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names on every kind of Linux host: the mesh's are found, and the answer to no other name changes, whatever happens to the mesh."""
import os
import signal
import subprocess
import time
import unittest

import resolver_world
from demo_mesh import SERVICE
from mesh_case import wait_for
from names_case import NAMES, NAS, NamesCase, SOME, SUFFIX, unordered

PUBLIC = [name for name in NAMES if name.rstrip(".").rsplit(".", 1)[-1].lower() in ("com", "net", "org") and not name.startswith(SUFFIX)]

STEPS = (1, 2, 3, 5, 8)  # changes of the ledger


class Names(NamesCase):
    def test_1_found(self):
        self.wait_names("nas", seconds=30)  # its nsswitch.conf is a mount point

        def look(kind):
            self.wait_found(kind, "connected", 30)
            self.wait_names(kind)
            return self.bad_answers(kind)
        self.assertEqual([line for bad in self.world.each(look).values() for line in bad], [])
        # Where systemd-resolved's stub is asked, programs that know no NSS module find the mesh's names, too.
        for kind in [kind for kind in self.KINDS if "resolved" in self.host(kind).processes]:
            for program in ("musl", "dig", "kdig"):
                self.assertIn(self.addresses["nas"][0], self.host(kind).ask(program, [NAS])[NAS], (kind, program))

    def test_2_other_names(self):
        self.assert_unchanged("with the mesh up", every=None)
        self.signal_daemons(signal.SIGSTOP)
        self.assert_unchanged("edgewayd hung")
        self.signal_daemons(signal.SIGKILL)
        self.assert_unchanged("edgewayd killed")
        self.world.each(self.mesh.start_daemon)
        edge, start = self.mesh.running["edge"]
        edge.kill()
        edge.wait()
        self.assert_unchanged("the edge killed")
        # No name of the mesh may block a program: glibc would ask twice, five seconds each.
        self.world.each(lambda kind: self.host(kind).machine.run("getent", "hosts", NAS, check=False, timeout=20))
        self.mesh.running["edge"][0] = start()
        self.world.each(lambda kind: self.mesh.ctl(kind, "disconnect"))
        self.assert_unchanged("disconnected")
        self.world.each(lambda kind: self.mesh.ctl(kind, "connect"))

    def test_3_hostile_edge(self):
        """An edge that answers every name is asked only for the mesh's names."""
        edge = self.mesh.machine("edge")
        server = edge.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--port=5300", "--address=/#/192.0.2.66", "--address=/#/2001:db8::66",
                            "--user=root", "--pid-file=", log="hostile")
        device = edge.run("sh", "-c", "ip -o link show type tun | cut -d: -f2").stdout.strip()
        # Behind the edge's own rules, and without conntrack, which doesn't see these.
        edge.nft(f"""table inet hostile {{
            chain in {{ type filter hook input priority 0; iifname "{device}" udp dport 53 udp dport set 5300; }}
            chain out {{ type filter hook output priority -400; oifname "{device}" udp sport 5300 udp sport set 53; }}
            }}""")
        try:
            wait_for("the edge lies", lambda: "192.0.2.66" in self.mesh.machine("nas").run("dig", "+tries=1", "+time=1", "+short", "@" + SERVICE, "a0.example.com", check=False).stdout, 10)
            self.assert_unchanged("with a hostile edge")
        finally:
            edge.run("nft", "delete", "table", "inet", "hostile")
            server.kill()
            server.wait()

    def test_3_repairs(self):
        """Whatever is killed or changed, the host resolves as before at once, and the mesh's names are found again."""
        def chain(kind):
            host = self.host(kind)
            self.wait_found(kind, "connected", 30)
            self.signal_daemon(kind, signal.SIGKILL)
            self.wait_as_before(kind, "edgewayd killed")
            self.mesh.start_daemon(kind)
            self.wait_found(kind, "edgewayd started again", 30)
            for name in list(host.processes):
                host.restart(name, signal.SIGTERM if name == "bus" else signal.SIGKILL)
                self.wait_both(kind, f"{name} restarted")
            if "resolved" in host.processes:
                host.kill("resolved")
                host.machine.run("rm", "-rf", "/run/systemd/resolve/netif")
                host.start_process("resolved", *host.processes["resolved"][1])
                host.wait_alive("resolved", lambda: host.owns_name("org.freedesktop.resolve1"))
                host.set_link()
                self.wait_both(kind, "resolved without what it wrote down")
            host.machine.run("sh", "-ec", "ip link set edgeway0 down; ip link set edgeway0 name other0")
            self.wait_both(kind, "the tunnel's interface renamed")
            host.roam()
            self.wait_both(kind, "at another address")
            if "bus" in host.processes:
                host.resume()
                self.wait_both(kind, "woken up")
            self.wait_daemon(kind)
        self.world.each(chain)

    def test_3_hung_resolver(self):
        """A resolver that hangs blocks its callers, as before, but not edgewayd."""
        def hang(kind):
            process = self.host(kind).processes["resolved"][0]
            process.send_signal(signal.SIGSTOP)
            try:
                self.mesh.ctl(kind, "disconnect", timeout=10)
                self.mesh.ctl(kind, "connect", timeout=10)
                wait_for(f"{kind} connected", lambda: self.status(kind)["state"] == "connected", 30)
                self.assertNotEqual(self.status(kind)["names"], "ok")
            finally:
                process.send_signal(signal.SIGCONT)
            self.wait_both(kind, "resolved goes on")
            self.wait_names(kind)
        self.world.each(hang, [kind for kind in self.KINDS if "resolved" in self.host(kind).processes])

    def kill_at(self, kind, step):
        """Connects and kills edgewayd as soon as its ledger has changed so many times; FALSE where that was too late."""
        path = self.host(kind).path("/var/lib/edgeway/undo")

        def state():
            try:
                status = os.stat(path)
                return status.st_mtime_ns, status.st_size, status.st_ino
            except FileNotFoundError:
                return None
        before, changes, end = state(), 0, time.monotonic() + 3
        asking = subprocess.Popen(self.host(kind).machine.command([self.mesh.program("edgewayctl"), "connect"]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while changes < step and time.monotonic() < end:
            now = state()
            changes, before = changes + (now != before), now
            time.sleep(0.0002)
        self.signal_daemon(kind, signal.SIGKILL)
        asking.wait()
        return changes == step

    def test_3_killed_at_steps(self):
        """Killed while connecting: the host resolves as before, and after the next start too."""
        def chain(kind):
            self.wait_found(kind, "connected", 30)
            reached = 0
            for step in STEPS:
                self.mesh.ctl(kind, "disconnect")
                self.assertEqual(self.host(kind).read("/etc/nsswitch.conf"), self.texts[kind])
                reached += self.kill_at(kind, step)
                self.wait_as_before(kind, f"killed at step {step}")
                self.mesh.start_daemon(kind)
                self.mesh.ctl(kind, "connect")
                self.wait_found(kind, f"started after the kill at step {step}", 30)
            self.assertGreater(reached, 0, kind)
        self.world.each(chain, [kind for kind in ("resolved", "nm", "plain") if kind in self.KINDS])
        self.assert_untouched("killed at steps")

    def test_4_writers(self):
        """What other programs write in the meantime stays."""
        def write(kind):
            host = self.host(kind)
            host.write("/etc/nsswitch.conf", host.read("/etc/nsswitch.conf") + "# an administrator's word\n")
            if isinstance(host, resolver_world.NetworkManager):
                host.nmcli("connection", "modify", "lan", "ipv4.dns-search", resolver_world.SEARCH + ",second.example")
                host.nmcli("connection", "up", "lan")
                wait_for("NetworkManager's words", lambda: "second.example" in host.machine.run("cat", "/etc/resolv.conf").stdout, 10)
            self.wait_both(kind, "after others wrote")
            self.assertIn("# an administrator's word", host.read("/etc/nsswitch.conf"))
        self.world.each(write)

    def test_5_vpn(self):
        """Every program's names are looked up at the edge, and none at the LAN's resolver; nothing of it remains afterwards."""
        def switch(kind):
            host, lan = self.host(kind), self.world.lans[kind]
            self.assertTrue(self.asks_from_one_port(kind))
            self.mesh.ctl(kind, "mode", "vpn")
            self.mesh.ctl(kind, "mode", "--confirm", check=False)
            wait_for(f"{kind} asks the edge", lambda: not self.changed(kind, {"new": host.ask("new", ["a0.example.com"])}), 10)
            start = lan.log_size()
            # A node may ask for 400 at once.
            names = {program: [name for name in PUBLIC if name in self.before[kind][program]][:50] for program in SOME}
            lines = self.changed(kind, {program: host.ask(program, names[program]) for program in SOME}, unordered)
            lines += [f"{kind}, {program}: {NAS}" for program in ("musl", "dig", "kdig") if self.addresses["nas"][0] not in host.ask(program, [NAS])[NAS]]
            lines += self.bad_answers(kind) + ([] if self.asks_from_one_port(kind) else [f"{kind}: from one port"])
            lines += [f"{kind}: the LAN's resolver was asked for {name}" for name in lan.asked(start)]
            self.signal_daemon(kind, signal.SIGKILL)
            self.mesh.start_daemon(kind)
            wait_for(f"{kind} asks the edge again", lambda: not self.changed(kind, {"new": host.ask("new", ["a0.example.com"])}), 20)
            self.mesh.ctl(kind, "mode", "connector")
            self.wait_both(kind, "connector-only again")
            return lines
        self.assertEqual([line for lines in self.world.each(switch).values() for line in lines][:20], [])

    def test_6_undone(self):
        """After edgewayd was killed, one command restores the previous state."""
        def undo(kind):
            host = self.host(kind)
            self.signal_daemon(kind, signal.SIGKILL)
            host.machine.run(self.mesh.program("edgewayd"), "--revert")
            self.assertEqual(host.read("/etc/nsswitch.conf").replace("# an administrator's word\n", ""), self.texts[kind])
            self.wait_as_before(kind, "reverted")
        self.world.each(undo)


if __name__ == "__main__":
    unittest.main()
