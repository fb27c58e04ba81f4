# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection's life on a real mesh: roaming, no network, UDP blocked, the edge unreachable or replaced, the interface deleted, and the cost of
idling.

  laptop ── nat ── internet ── edge
"""
import glob
import json
import os
import re
import signal
import subprocess
import time
import unittest

from demo_mesh import EDGE_ADDRESS, EDGE_PORT, SERVICE, SITES, DemoMesh
from mesh_case import BUILD, MeshCase, host_state, wait_for


class Link(MeshCase):
    SITES = JOIN = ("laptop",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.laptop = cls.mesh.machine("laptop")
        cls.number = SITES["laptop"]
        cls.nat = cls.mesh.machine(f"nat-{cls.number}")

    def setUp(self):
        self.wait_state("laptop", "connected", 60)

    def wait_reason(self, reason, seconds):
        wait_for(f"the reason is {reason} (now {self.status('laptop')})", lambda: self.status("laptop")["reason"] == reason, seconds)
        status = self.status("laptop")
        self.assertEqual(status["state"], "reconnecting")
        self.assertTrue(status["message"])

    def block(self, rules):
        self.nat.nft(f"table ip blocked {{ chain forward {{ type filter hook forward priority -10; {rules}; }}; }}\n")
        self.addCleanup(self.nat.run, "nft", "delete", "table", "ip", "blocked", check=False)

    def unblock(self):
        self.nat.run("nft", "delete", "table", "ip", "blocked")

    def test_roams(self):
        """Promised: traffic flows again within 1 s of a new address."""
        ping = subprocess.Popen(self.laptop.command(["ping", "-n", "-D", "-i", "0.2", SERVICE]), stdout=subprocess.PIPE, text=True)
        self.addCleanup(ping.wait)
        self.addCleanup(ping.kill)
        wait_for("ping", lambda: "bytes from" in ping.stdout.readline(), 5)
        old, new = f"192.168.{self.number}.2/24", f"192.168.{self.number}.77/24"
        self.addCleanup(self.laptop.run, "sh", "-c", f"ip addr del {new} dev eth0; ip addr add {old} dev eth0; ip route replace default via 192.168.{self.number}.1")
        self.laptop.run("sh", "-c", f"ip addr del {old} dev eth0; ip addr add {new} dev eth0; ip route add default via 192.168.{self.number}.1")
        moved = time.time()

        def heard():
            stamp = re.match(r"\[([\d.]+)\].*bytes from", ping.stdout.readline())
            return stamp and float(stamp.group(1)) > moved
        wait_for("an answer at the new address", heard, 5, interval=0)
        self.assertLess(time.time() - moved, 5)
        self.assertEqual(self.status("laptop")["state"], "connected")

    def test_no_network(self):
        self.laptop.ip("link", "set", "eth0", "down")
        self.wait_reason("no-network", 25)
        self.laptop.ip("link", "set", "eth0", "up")
        self.laptop.run("ip", "route", "replace", "default", "via", f"192.168.{self.number}.1")
        self.wait_state("laptop", "connected", 10)

    def test_udp_blocked(self):
        """One way or both: the edge's TCP port is the way then, until UDP works again."""
        for rule in (f"udp dport {EDGE_PORT} drop", f"udp sport {EDGE_PORT} drop"):
            self.block(rule)
            wait_for(f"https beside \"{rule}\"", lambda: self.is_connected_by("https"), 50)
            self.unblock()
            wait_for(f"UDP without \"{rule}\"", lambda: self.is_connected_by("udp"), 150)

    def is_connected_by(self, transport):
        status = self.status("laptop")
        return status["state"] == "connected" and status["edge"]["transport"] == transport

    def test_all_blocked(self):
        self.block(f"ip daddr {EDGE_ADDRESS} drop")
        self.wait_reason("edge-unreachable", 90)
        self.assertIn(EDGE_ADDRESS, self.status("laptop")["message"])
        self.unblock()
        self.wait_state("laptop", "connected", 30)

    def test_another_edge(self):
        """A server at the edge's address without the mesh's pin gets no data and is reported."""
        process, start = self.mesh.running["edge"]
        process.send_signal(signal.SIGKILL)
        process.wait()
        edge = self.mesh.machine("edge")
        impostor = edge.start(self.mesh.program("edgeway-edge"), "run", "--state-dir", "/var/lib/edgeway-edge/impostor", "--listen", f":{EDGE_PORT}",
                              "--public", f"{EDGE_ADDRESS}:{EDGE_PORT}", log="impostor", secret_output=True)
        try:
            self.wait_reason("pin-mismatch", 90)
        finally:
            impostor.kill()
            impostor.wait()
            self.mesh.running["edge"][0] = start()
        self.wait_state("laptop", "connected", 50)

    def test_edge_restarts(self):
        self.mesh.restart("edge", signal.SIGKILL)
        self.wait_state("laptop", "connected", 50)
        wait_for("packets", lambda: self.laptop.ok("ping", "-n", "-q", "-c", "1", "-W", "1", SERVICE), 50)

    def test_interface_deleted(self):
        self.laptop.ip("link", "del", "edgeway0")
        wait_for("the interface is made again", lambda: self.laptop.ok("ping", "-n", "-q", "-c", "1", "-W", "1", SERVICE), 30)
        self.wait_state("laptop", "connected", 10)

    def test_ping_names_the_leg(self):
        pinged = self.ctl("laptop", "ping", "frankfurt", "-c", "1").stdout
        self.assertIn("frankfurt", pinged)
        self.assertEqual(self.ctl("laptop", "ping", "100.96.77.77", "-c", "1", check=False).returncode, 1)
        self.block(f"ip daddr {EDGE_ADDRESS} drop")
        result = self.ctl("laptop", "ping", "frankfurt", "-c", "1", check=False, timeout=60)
        self.assertIn("leg", result.stderr + result.stdout)
        self.unblock()

    def test_many_viewers_and_one_dead(self):
        viewers = [subprocess.Popen(self.laptop.command([self.mesh.program("edgewayctl"), "map", "--json"]), stdout=subprocess.PIPE, text=True) for _ in range(8)]
        viewers[0].kill()
        for viewer in viewers:
            out, _ = viewer.communicate(timeout=30)
            if viewer is not viewers[0]:
                self.assertEqual([n["name"] for n in json.loads(out)["nodes"] if n["self"]], ["laptop"])

    def daemon_pid(self):
        for path in glob.glob("/proc/[0-9]*/comm"):
            pid = path.split("/")[2]
            try:
                if open(path).read().strip() == "edgewayd" and os.readlink(f"/proc/{pid}/ns/net") == os.readlink(f"/proc/{self.laptop.pid}/ns/net"):
                    return pid
            except OSError:
                pass
        self.fail("no edgewayd on laptop")

    def test_idle_cost(self):
        """Promised: a probe in 25 s, one wake in 10 s beyond that, 12 MB of its own, 1 kB a minute."""
        pid = self.daemon_pid()

        def wakes():
            found = {}
            for path in glob.glob(f"/proc/{pid}/task/*/status"):
                try:
                    with open(path) as file:
                        found[path] = int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.M).group(1))
                except OSError:
                    pass  # a thread that ended
            return found

        def transfer():
            fields = self.laptop.run("wg", "show", "edgeway0", "transfer").stdout.split()
            return int(fields[2])
        time.sleep(13)  # real time: viewers expire, and connections to the API are closed
        sent, before = transfer(), wakes()
        time.sleep(26)  # real time: how often an idle program wakes up is measured
        woken = sum(count - before.get(path, 0) for path, count in wakes().items())
        sent = transfer() - sent
        self.assertLess(woken, 5 * (26 / 10 + 2 * 6), f"{woken} wakes in 26 s")
        self.assertLess(sent, 5 * 450, f"{sent} bytes in 26 s")
        with open(f"/proc/{pid}/status") as file:
            status = file.read()
        memory = int(re.search(r"RssAnon:\s+(\d+) kB", status).group(1))
        resident = int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))
        print(f"idle: {woken} wakes and {sent} bytes in 26 s, {memory} kB of its own, {resident} kB resident")
        self.assertLess(memory, 5 * 12 * 1024)
        self.assertFalse(self.laptop.run("sh", "-c", f"ss -Htn state established dport = :{EDGE_PORT} | grep . || true").stdout, "an idle node holds no TLS connection")


class Disk(MeshCase):
    """A full disk on the node: a sentence, nothing half done, and the same key and tunnel go on when there is room again."""
    SITES, JOIN = ("laptop", "nas"), ("laptop",)
    STATE = "/var/lib/edgeway"

    def fill(self, nas):
        nas.run("sh", "-c", f"head -c 1000000 /dev/zero > {self.STATE}/ballast; head -c 1000000 /dev/zero > {self.STATE}/ballast2; true", check=False)

    def free(self, nas):
        nas.run("rm", f"{self.STATE}/ballast", f"{self.STATE}/ballast2")

    def test_full_disk(self):
        nas = self.mesh.machine("nas")
        nas.run("sh", "-c", f"mkdir -p {self.STATE} && mount -t tmpfs -o size=128k,mode=0700 none {self.STATE}")
        key = self.mesh.new_key("nas")
        self.fill(nas)
        before = host_state(nas)
        self.mesh.start_daemon("nas")
        line = self.refused("nas", "enroll", "--key-file", "-", input=key + "\n", says="free some space")
        self.assertNotIn(key[10:], line)
        self.assertEqual(self.status("nas")["state"], "not-enrolled")
        self.free(nas)
        self.ctl("nas", "enroll", "--key-file", "-", input=key + "\n")
        self.wait_state("nas", "connected")
        self.fill(nas)
        # What is in force on the host is always undone; whether the wish could be stored depends on what that freed.
        self.ctl("nas", "disconnect", check=False)
        self.assertEqual(self.status("nas")["state"], "disconnected")
        self.assertFalse(nas.ok("ip", "link", "show", "edgeway0"))
        self.fill(nas)
        self.ctl("nas", "connect")
        self.wait_state("nas", "connected")
        self.free(nas)
        for verb in ("disconnect", "connect"):  # a wish that is stored
            self.ctl("nas", verb)
        # An administrator who frees space has to log in first: the node must work over restarts too, and after kills, and its timestamps must not go
        # back.
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL):
            self.restart(nas, number, self.fill)
        self.assertTrue(nas.run("sh", "-c", "ls /run/edgeway").stdout.count("undo."), "the ledger is in memory")
        self.restart(nas, signal.SIGKILL, lambda nas: nas.run("mount", "-o", "remount,ro", self.STATE))
        nas.run("mount", "-o", "remount,rw", self.STATE)
        self.free(nas)
        self.restart(nas, signal.SIGKILL)
        self.assertFalse(nas.run("sh", "-c", "ls /run/edgeway | grep undo || true").stdout, "it is on the disk again")
        self.ctl("nas", "disconnect")
        self.assertEqual(host_state(nas), before)

    def restart(self, nas, number, meanwhile=lambda nas: None):
        process, start = self.mesh.running["nas"]
        process.send_signal(number)
        process.wait()
        meanwhile(nas)
        self.mesh.running["nas"][0] = start()
        wait_for("edgewayd", lambda: nas.ok(self.mesh.program("edgewayctl"), "status"), 10)
        self.wait_state("nas", "connected", 10)
        address = self.status("nas")["addresses"][0]
        wait_for("nas is reached", lambda: self.mesh.machine("laptop").ok("ping", "-n", "-q", "-c", "1", "-W", "1", address), 10)


class EdgeDisk(MeshCase):
    """A full or read-only disk on the edge: it starts, carries packets and shows the mesh, and refuses what it would have to store."""
    SITES, JOIN = ("laptop", "nas"), ("laptop", "nas")
    STATE = "/var/lib/edgeway-edge"

    @classmethod
    def setUpClass(cls):
        cls.mesh = DemoMesh(BUILD, lambda text: None, cls.SITES, "edge-disk")
        cls.addClassCleanup(cls.mesh.close)
        cls.mesh.build_ground()
        cls.edge = cls.mesh.machine("edge")
        with open("/etc/passwd") as file:
            users = file.read()
        if "edgeway-edge:" not in users:  # as installed, it runs as a user of its own
            cls.edge.mask("/etc/passwd", users + "edgeway-edge:x:977:977::/var/lib/edgeway-edge:/usr/sbin/nologin\n", 0o644)
        cls.edge.run("mount", "-t", "tmpfs", "-o", "size=2000k,mode=0700", "none", cls.STATE)
        cls.mesh.join("laptop", cls.mesh.start_edge())
        cls.mesh.join("nas", cls.mesh.new_key("nas"))

    def restart(self, number, meanwhile):
        process, start = self.mesh.running["edge"]
        process.send_signal(number)
        process.wait()
        meanwhile()
        self.mesh.running["edge"][0] = start()

    def carries(self):
        address = self.status("nas")["addresses"][0]
        wait_for("packets", lambda: self.mesh.machine("laptop").ok("ping", "-n", "-q", "-c", "1", "-W", "1", address), 40)
        self.assertEqual(sorted(node["name"] for node in self.mesh.ctl_json("laptop", "node", "list")["nodes"]), ["laptop", "nas"])

    def test_full_and_read_only(self):
        def fill():
            self.edge.run("sh", "-c", f"dd if=/dev/zero of={self.STATE}/ballast bs=512 2>/dev/null", check=False)
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.restart(number, fill)
            self.carries()
            self.refused("laptop", "node", "add", "later", says="free some space")
            self.refused("laptop", "node", "rename", "nas", "store", says="free some space")
            self.edge.run(self.mesh.program("edgeway-edge"), "status", "--state-dir", self.STATE)
            result = self.edge.run(self.mesh.program("edgeway-edge"), "admin-key", "--state-dir", self.STATE, check=False)
            self.assertEqual(result.returncode, 1)
            self.assertIn("ree some space", result.stderr)
        self.restart(signal.SIGKILL, lambda: self.edge.run("mount", "-o", "remount,ro", self.STATE))
        self.carries()
        self.refused("laptop", "node", "add", "later", says="free some space")

        def free():
            self.edge.run("sh", "-c", f"mount -o remount,rw {self.STATE} && rm {self.STATE}/ballast")
        self.restart(signal.SIGTERM, free)
        self.carries()
        self.ctl("laptop", "node", "add", "later")


if __name__ == "__main__":
    unittest.main()
