#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages, out of the plain build: what is in them, and their life on whole Debian 12 machines with systemd as PID 1.

    a ───── edge ───── b          a, b: nodes; 198.18.0.1 is the edge's address, on its loopback
"""
import glob
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import unittest

import booted
import deb_case
import machines
from deb_case import PACKAGES, Snapshot, field, server_root

SOURCE = os.environ["EDGEWAY_SOURCE"]
RECONNECTED = 5 * 5.0  # seconds: five times the promise
HOME = "/root"  # in the machines


def setUpModule():
    deb_case.make_packages()


class Files(unittest.TestCase):
    def test_lintian(self):
        """No errors and no warnings, nor what it calls pedantic; to tests/clean/packages the release's own lintian says so."""
        argv = ["lintian", "--pedantic", "--fail-on", "error,warning,pedantic", "--profile", "debian", "--allow-root"]
        names = sorted(os.path.basename(path) for path in glob.glob(f"{deb_case.packages}/*-current.deb"))
        if os.environ.get("EDGEWAY_RELEASE"):
            machine = booted.Booted(SOURCE, booted.prepare_root(SOURCE, "lintian", ["lintian"]), "lintian", deb_case.packages, init="none")
            self.addCleanup(machine.close)
            print(machine.text("lintian --version").strip(), flush=True)
            result = machine.run(*argv, *(f"/packages/{name}" for name in names), check=False, timeout=300)
        else:
            result = subprocess.run([*argv, *(f"{deb_case.packages}/{name}" for name in names)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        self.assertEqual((result.returncode, result.stdout), (0, ""))

    def test_everything_is_packaged(self):
        """What meson installs is in one of the packages; debhelper fails where a file is in none. Programs are stripped."""
        contents = {}
        for name in PACKAGES:
            text = subprocess.run(["dpkg-deb", "-c", f"{deb_case.packages}/{name}-current.deb"], capture_output=True, text=True, check=True).stdout
            contents[name] = [line.split(None, 5)[5].lstrip(".") for line in text.splitlines() if not line.startswith("d")]
            self.assertEqual([line for line in text.splitlines() if " root/root " not in line], [])
            self.assertEqual([line for line in text.splitlines() if not re.match("-rw-r--r--|[-d]rwxr-xr-x|l", line)], [])
        programs = {"/usr/sbin/edgewayd": "edgewayd", "/usr/bin/edgewayctl": "edgewayd", "/usr/bin/edgeway-edge": "edgeway-edge", "/usr/bin/edgeway": "edgeway",
                    "/usr/bin/edgeway-tray": "edgeway"}
        self.assertEqual({path: name for name, paths in contents.items() for path in paths if re.match("/usr/s?bin/", path)}, programs)
        self.assertEqual(len([path for path in contents["edgewayd"] if "/libnss_edgeway" in path]), 2)
        self.assertIn(".service", "".join(path for path in contents["edgewayd"] if path.endswith("/systemd/system/edgewayd.service")))
        with tempfile.TemporaryDirectory() as tree:
            subprocess.run(["dpkg-deb", "-x", f"{deb_case.packages}/edgewayd-current.deb", tree], check=True)
            sections = subprocess.run(["readelf", "-SW", f"{tree}/usr/sbin/edgewayd"], capture_output=True, text=True, check=True).stdout
            self.assertNotIn(".debug_info", sections)

    def test_asks_nothing(self):
        """No debconf."""
        for deb in glob.glob(f"{deb_case.packages}/*-current.deb"):
            control = subprocess.run(["dpkg-deb", "--ctrl-tarfile", deb], stdout=subprocess.PIPE, check=True).stdout
            names = subprocess.run(["tar", "-t"], input=control, capture_output=True, check=True).stdout.decode().split()
            self.assertEqual([name for name in names if name in ("./config", "./templates")], [], deb)

    def test_ended_by_itself(self):
        """A daemon that ends while its package is removed doesn't stop the removal."""
        gone = subprocess.Popen(["true"])
        gone.wait()
        script = f"set -e; . {SOURCE}/data/debian/stop-processes; sleep() {{ :; }}; processes() {{ echo {gone.pid}; }}; stop_processes /usr/bin/true; echo removed"
        result = subprocess.run(["sh", "-c", script], capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stdout), (0, "removed\n"), result.stderr)

    def test_version(self):
        """One number in one place, and a newer commit is a newer version."""
        with open(f"{SOURCE}/meson.build") as file:
            base = re.search(r"^ *version: '([0-9.]+)',$", file.read(), re.M).group(1)
        self.assertRegex(field("edgewayd", "Version"), rf"^{re.escape(base)}(\+git\d{{8}}\.\d{{6}}\.[0-9a-f]+(\.modified)?)?$")
        self.assertEqual(field("edgeway", "Version"), field("edgewayd", "Version"))


NETWORK = ("links", "routes", "nftables", "sysctls", "contents")


# A TCP connection through the mesh that sends something every 20 ms and expects an echo. At its input's end, it prints how often that
# worked and the longest wait in seconds.
FLOW_SERVER = """if 1:
    import socket
    listener = socket.create_server((%r, 7000), reuse_port=True)
    print("listening", flush=True)
    connection = listener.accept()[0]
    while data := connection.recv(100):
        connection.sendall(data)
"""
FLOW_CLIENT = """if 1:
    import select, socket, sys, time
    connection = socket.create_connection((%r, 7000), timeout=20)
    print("connected", flush=True)
    connection.settimeout(120)
    count, longest = 0, 0.0
    while not select.select([sys.stdin], [], [], 0.02)[0]:
        sent, word = time.monotonic(), b"%%20d" %% count
        connection.sendall(word)
        back = b""
        while len(back) < len(word):
            piece = connection.recv(len(word) - len(back))
            if not piece: sys.exit("the connection was closed")
            back += piece
        assert back == word
        longest, count = max(longest, time.monotonic() - sent), count + 1
    print(count, longest)
"""


class Flow:
    def __init__(self, case, a, b, address):
        self.case = case
        self.server = b.in_network("/usr/bin/python3", "-c", FLOW_SERVER % address)
        case.assertEqual(self.server.stdout.readline(), "listening\n")
        self.client = a.in_network("/usr/bin/python3", "-c", FLOW_CLIENT % address)
        case.assertEqual(self.client.stdout.readline(), "connected\n")

    def end(self):
        """Nothing was lost; the longest wait in seconds."""
        out, _ = self.client.communicate("\n", timeout=130)
        self.server.communicate(timeout=20)
        self.case.assertEqual(self.client.returncode, 0, out)
        count, longest = out.split()
        self.case.assertGreater(int(count), 10)
        return float(longest)


class Life(unittest.TestCase):
    """In the order of their names: each test continues where the previous one ended."""

    @classmethod
    def setUpClass(cls):
        cls.maxDiff = None
        root = server_root()
        for name in ("edge", "a", "b"):
            setattr(cls, name, booted.Booted(SOURCE, root, name, deb_case.packages))
            cls.addClassCleanup(getattr(cls, name).close)
        for number, node in ((1, cls.a), (2, cls.b)):
            booted.cable(cls.edge, f"to-{node.name}", node, "wan")
            cls.edge.run("ip", "addr", "add", f"198.18.{number}.1/24", "dev", f"to-{node.name}")
            node.run("ip", "addr", "add", f"198.18.{number}.2/24", "dev", "wan")
            node.run("ip", "route", "add", "default", "via", f"198.18.{number}.1")
        cls.edge.run("ip", "addr", "add", "198.18.0.1/32", "dev", "lo")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/key"], check=True)
            for machine, source, path in ((cls.a, "key", f"{HOME}/.ssh/id_ed25519"), (cls.b, "key.pub", f"{HOME}/.ssh/authorized_keys")):
                with open(f"{folder}/{source}") as file:
                    machine.write(path, file.read(), "600")
        cls.b.run("systemctl", "start", "ssh")
        # Does now what a boot does later in the background.
        for machine in (cls.edge, cls.a, cls.b):
            machine.run("systemctl", "start", "systemd-tmpfiles-clean.service")
        cls.before = {machine.name: Snapshot(machine) for machine in (cls.edge, cls.a, cls.b)}
        cls.times = {}

    @classmethod
    def tearDownClass(cls):
        print("seconds: " + ", ".join(f"{what} {seconds:.1f}" for what, seconds in cls.times.items()))

    def install(self, machine, name, word, **options):
        return machine.run("dpkg", "-i", f"/packages/{name}-{word}.deb", **options)

    def status(self, node):
        return json.loads(node.run("edgewayctl", "status", "--json").stdout)

    def wait_connected(self, node, what):
        started = time.monotonic()
        machines.wait_for(f"{node.name} is connected", lambda: self.status(node)["state"] == "connected", RECONNECTED, 0.2)
        self.times[what] = time.monotonic() - started

    def test_1_install(self):
        """The daemon runs and is enabled, and has changed nothing on the host. The edge waits for its configuration."""
        for node in (self.a, self.b):
            network = Snapshot(node, NETWORK[:-1])
            said = self.install(node, "edgewayd", "old").stdout
            self.assertEqual(node.text("systemctl is-enabled edgewayd; systemctl is-active edgewayd"), "enabled\nactive\n", said)
            self.assertEqual(self.status(node)["state"], "not-enrolled")
            self.assertEqual(network.changes(), [])
            self.assertEqual([line for line in Snapshot(node, ("contents",)).changes() if "nsswitch" in line], [])
        self.install(self.edge, "edgeway-edge", "old")
        self.assertEqual(self.edge.text("systemctl is-enabled edgeway-edge; systemctl is-active edgeway-edge || true"), "enabled\ninactive\n")
        self.edge.run("sh", "-ec", "mkdir /etc/edgeway; sed 's/^public=.*/public=198.18.0.1:443/' /usr/share/doc/edgeway-edge/examples/edge.conf >/etc/edgeway/edge.conf")
        self.edge.run("systemctl", "restart", "edgeway-edge")
        self.assertEqual(self.edge.text("stat -c '%U %a' /var/lib/edgeway-edge"), "edgeway-edge 700\n")

    def test_2_join(self):
        key = self.edge.text("edgeway-edge admin-key 2>/dev/null")
        self.a.run("edgewayctl", "enroll", "--key-file", "-", input=key)
        self.wait_connected(self.a, "join")
        key = re.search("^ew1_.*$", self.a.text("edgewayctl node add b 2>/dev/null"), re.M).group(0)
        self.b.run("edgewayctl", "enroll", "--key-file", "-", input=key)
        self.wait_connected(self.b, "second join")
        Life.address = self.status(self.b)["addresses"][0]

    def test_3_upgrade_in_its_own_session(self):
        """Two upgrades, each from within the SSH session over the mesh that it interrupts: the session and a TCP connection survive."""
        self.assertEqual(self.address, self.status(self.b)["addresses"][0])
        flow = Flow(self, self.a, self.b, self.address)
        session = self.a.start("timeout", "240", "ssh", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", f"root@{self.address}", "sh 2>&1")

        def say(line, end):
            session.stdin.write(f"{line}; echo {end}=$?\n")
            session.stdin.flush()
            return machines.wait_for(f"{end} of the session", lambda: next((text for text in iter(session.stdout.readline, "") if text.startswith(end + "=")), None), 60)

        self.assertEqual(say("test -n \"$SSH_CONNECTION\"", "START"), "START=0\n")
        for word in ("current", "next"):
            before = self.b.text("systemctl show -p MainPID --value edgewayd")
            self.assertEqual(say(f"dpkg -i /packages/edgewayd-{word}.deb", word), f"{word}=0\n")
            self.wait_connected(self.b, f"{word} of the daemon")
            self.assertEqual(self.b.text("systemctl is-enabled edgewayd edgeway-lockdown"), "enabled\nenabled\n", "a unit that an older version didn't have, too")
            self.assertNotEqual(self.b.text("systemctl show -p MainPID --value edgewayd"), before, "the new version runs")
        self.assertEqual(say("true", "END"), "END=0\n")
        session.stdin.close()
        self.assertEqual(session.wait(20), 0)
        session.stdout.close()
        longest = flow.end()
        self.times["longest wait of a flow, daemon's upgrades"] = longest
        self.assertLess(longest, RECONNECTED)

    def test_4_upgrade_of_the_edge(self):
        flow = Flow(self, self.a, self.b, self.address)
        for word in ("current", "next"):
            self.install(self.edge, "edgeway-edge", word)
            self.wait_connected(self.a, f"{word} of the edge")
        longest = flow.end()
        self.times["longest wait of a flow, edge's upgrades"] = longest
        self.assertLess(longest, RECONNECTED)

    def test_5_downgrade(self):
        """With the same formats on disk an older version works. A newer version's format is refused before anything is replaced."""
        self.install(self.b, "edgewayd", "old")
        self.wait_connected(self.b, "downgrade")
        keys = self.b.text("cat /var/lib/edgeway/account.json")
        self.write_keys(re.sub(r'"schema" *: *\d+', '"schema":77', keys, count=1))
        result = self.install(self.b, "edgewayd", "current", check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("were written by a newer version of Edgeway (schema 77)", result.stdout)
        self.assertEqual(self.b.text("dpkg-query -W -f '${Status} ${Version}' edgewayd"), "install ok installed " + field("edgewayd", "Version", "old"))
        self.assertTrue(machines.wait_for("the old one's reason", lambda: self.status(self.b)["message"], 20))
        self.assertIn('"schema":77', self.b.text("cat /var/lib/edgeway/account.json"))
        self.write_keys(keys)
        self.install(self.b, "edgewayd", "current")
        self.wait_connected(self.b, "the same keys again")
        self.write_keys(re.sub(r'"schema" *: *\d+', '"schema":77', keys, count=1))
        self.assertIn("was written by a newer version", machines.wait_for("the reason", lambda: self.status(self.b)["message"], 20))
        self.assertIn('"schema":77', self.b.text("cat /var/lib/edgeway/account.json"))
        self.write_keys(keys)
        self.wait_connected(self.b, "and again")

    def write_keys(self, text):
        """While the daemon doesn't run: it writes the file itself."""
        self.b.run("systemctl", "stop", "edgewayd")
        self.b.write("/var/lib/edgeway/account.json", text, "600")
        self.b.run("systemctl", "start", "edgewayd")

    def test_6_downgrade_of_the_edge(self):
        self.edge.run("systemctl", "stop", "edgeway-edge")
        store = os.path.join(f"/proc/{self.edge.pid}/root", "var/lib/edgeway-edge/store.db")
        with open(store, "rb") as file:
            good = file.read()
        self.set_format(store, 77)
        result = self.install(self.edge, "edgeway-edge", "old", check=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("was written by a newer version of Edgeway (format 77)", result.stdout)
        self.assertEqual(self.edge.text("dpkg-query -W -f '${Status} ${Version}' edgeway-edge"), "install ok installed " + field("edgeway-edge", "Version", "next"))
        said = self.edge.text("runuser -u edgeway-edge -- edgeway-edge run --config /etc/edgeway/edge.conf --listen :8443", check=False)
        self.assertIn("was written by a newer version of Edgeway (format 77). Install that version.", said)
        self.edge.run("systemctl", "stop", "edgeway-edge")
        self.set_format(store, 1)
        with open(store, "rb") as file:
            self.assertEqual(file.read(), good, "nothing was lost")
        self.install(self.edge, "edgeway-edge", "current")
        self.edge.run("systemctl", "start", "edgeway-edge")
        self.wait_connected(self.a, "the same store again")
        self.assertIn("b", self.a.text("edgewayctl node list"))

    @staticmethod
    def set_format(store, number):
        """SQLite's user_version, in the header's bytes 60 to 63. (SQLite itself would resolve the links in /proc/PID/root, and open this
        computer's file of that name.)"""
        with open(store, "r+b") as file:
            file.seek(60)
            file.write(number.to_bytes(4, "big"))

    def test_7_remove(self):
        """The host is as before, the mesh is kept: installed again, the same node is connected."""
        own = Life.before["b"]
        self.b.run("dpkg", "--remove", "edgewayd")
        self.assertEqual([line for line in own.changes() if line.split(":")[0] in ("links", "routes", "nftables", "sysctls", "processes", "users")], [])
        self.assertEqual(self.b.text("sha256sum </etc/nsswitch.conf").split()[0], next(line.split()[0] for line in own.lines["contents"] if line.endswith(" /etc/nsswitch.conf")))
        machines.wait_for("the edge sees it leave", lambda: not self.is_online("b"), RECONNECTED)
        self.install(self.b, "edgewayd", "current")
        self.wait_connected(self.b, "installed again")
        self.assertEqual(self.status(self.b)["addresses"][0], self.address)

    def is_online(self, name):
        return next(node for node in json.loads(self.a.text("edgewayctl map --json"))["nodes"] if node["name"] == name)["online"]

    def test_8_purge(self):
        """Nothing is left, neither of a daemon that was killed in VPN mode and lockdown, nor of an edge with a mesh that was killed."""
        for argv in (("mode", "vpn"), ("mode", "--confirm"), ("lockdown", "on"), ("lockdown", "--confirm")):
            self.b.run("edgewayctl", *argv)
        for machine, name, topic in ((self.b, "edgewayd", "routes"), (self.edge, "edgeway-edge", "nftables")):
            self.kill(machine, name)
            self.assertNotEqual([line for line in Life.before[machine.name].changes() if line.startswith(topic)], [], f"{name} left something")
        self.b.run("nft", "list", "table", "inet", "edgeway_lockdown")
        for machine, name in ((self.b, "edgewayd"), (self.a, "edgewayd"), (self.edge, "edgeway-edge")):
            with self.subTest(machine.name):
                machine.run("dpkg", "--purge", name)
                self.assertEqual(Life.before[machine.name].changes(), [])

    def kill(self, machine, name):
        """As if it were removed before systemd starts it again."""
        folder = f"/run/systemd/system/{name}.service.d"
        machine.run("sh", "-ec", f"mkdir -p {folder}; printf '[Service]\\nRestart=no\\n' >{folder}/x.conf; systemctl daemon-reload")
        os.kill(self.outer_pid(machine, name), signal.SIGKILL)
        machines.wait_for("its end", lambda: machine.text(f"systemctl is-active {name} || true") == "failed\n", 20)
        machine.run("rm", "-r", folder)

    @staticmethod
    def outer_pid(machine, comm):
        for entry in glob.glob("/proc/[0-9]*"):
            try:
                with open(f"{entry}/comm") as file:
                    if file.read().strip() == comm and os.readlink(f"{entry}/ns/net") == os.readlink(f"/proc/{machine.pid}/ns/net"):
                        return int(entry[6:])
            except OSError:
                pass
        raise machines.Failure(f"{comm} doesn't run on {machine.name}")

    def test_9_app_run_refuses(self):
        """app/run and the packages don't touch each other's installation."""
        self.b.write("/usr/share/edgeway/manifest", "/usr/bin/edgewayctl\n")
        for name in ("edgewayd", "edgeway"):
            result = self.install(self.b, name, "current", check=False)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("Run `app/run --remove` in its clone first", result.stdout)
        self.assertEqual(self.b.run("test", "-e", "/usr/sbin/edgewayd", check=False).returncode, 1)
        said = subprocess.run(["bash", "-c", f". {SOURCE}/app/launch/common.sh; . {SOURCE}/app/launch/install.sh; dpkg-query() {{ echo 'installed edgewayd'; }}; refuse_packages"],
                              capture_output=True, text=True)
        self.assertEqual((said.returncode, said.stderr), (1, "Edgeway is installed on this computer from Debian packages, which app/run leaves alone. "
                                                          "Remove them first (without purge, the computer keeps its place in the mesh): sudo apt-get remove edgewayd\n"
                                                          "Or keep the packages and make new ones of this clone, with the app: data/debian/build (see data/doc/add-laptop.md)\n"))


class WithoutSystemd(unittest.TestCase):
    """A container: no systemd as PID 1, so nothing is started. And a host whose policy forbids it."""

    def test_container(self):
        machine = booted.Booted(SOURCE, server_root(), "container", deb_case.packages, init="none")
        self.addCleanup(machine.close)
        topics = [topic for topic in Snapshot.TOPICS if topic != "units"]
        before = Snapshot(machine, topics)
        for name in ("edgewayd", "edgeway-edge"):
            self.assertNotRegex(machine.run("dpkg", "-i", f"/packages/{name}-current.deb").stdout, "(?i)error|warning|fail")
        self.assertEqual(machine.text("ps -eo comm | grep edgeway || true"), "")
        machine.run("sh", "-c", "mkdir -p /run/edgeway; edgewayd >/dev/null 2>&1 & i=0; until edgewayctl status >/dev/null 2>&1; do i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done")
        self.assertIn("edgewayd", machine.text("ps -eo comm"))
        machine.run("dpkg", "-i", "/packages/edgewayd-next.deb")
        machine.run("dpkg", "--purge", "edgewayd", "edgeway-edge")
        self.assertEqual(before.changes(), [])

    def test_policy(self):
        machine = booted.Booted(SOURCE, server_root(), "policy", deb_case.packages)
        self.addCleanup(machine.close)
        machine.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", "755")
        machine.run("dpkg", "-i", "/packages/edgewayd-current.deb")
        self.assertEqual(machine.text("systemctl is-enabled edgewayd; systemctl is-active edgewayd || true"), "enabled\ninactive\n")


if __name__ == "__main__":
    unittest.main()
