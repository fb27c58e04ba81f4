# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's life: enroll, connect, restart, leave, removed; routes through a gateway; a viewer sees a change within a second."""
import glob
import json
import os
import re
import select
import signal
import subprocess
import time
import unittest

from current_wireguard import network_manager
from demo_mesh import EDGE_ADDRESS, SERVICE, SUBNET, SUBNET_HOST, WEBSITE
from mesh_case import SOURCE, MeshCase, wait_for


CROWD = """
import http.client, json, socket
for i in range(%d):
    c = http.client.HTTPConnection("edge")
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect("/var/lib/edgeway-edge/control.sock")
    c.request("POST", "/v1/keys", json.dumps({"kind": "server", "name": "crowd-%%d" %% i}))
    assert c.getresponse().status == 200
    c.close()
"""


# NetworkManager with a bus and folders of its own: $1 its root, $2 its libraries, $3 the file. What it kept of it, KEY:VALUE each.
NETWORK_MANAGER = r"""
set -eu
export LD_LIBRARY_PATH=$2 PATH=$1/usr/sbin:$1/usr/bin:$PATH DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/bus
mount -t tmpfs none /var/lib; mkdir /var/lib/NetworkManager; cp "$3" /var/lib; file=/var/lib/${3##*/}
mount -t tmpfs none /run; mkdir /run/NetworkManager /run/etc /run/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/work overlay /etc; mkdir -p /etc/NetworkManager/system-connections
umount -l /sys; mount -t sysfs -o ro sysfs /sys
cat > /run/bus.conf <<END
<busconfig><type>system</type><listen>unix:path=/run/bus</listen><policy context="default"><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
END
printf '[main]\nplugins=keyfile\nauth-polkit=false\ndns=none\n' > /run/nm.conf
dbus-daemon --config-file=/run/bus.conf --nofork --nopidfile > /run/bus.log 2>&1 & bus=$!
for try in $(seq 200); do [ ! -S /run/bus ] || break; sleep 0.05; done
NetworkManager --no-daemon --config=/run/nm.conf --log-level=WARN --pid-file=/run/nm.pid --state-file=/run/nm.state > /run/nm.log 2>&1 & nm=$!
trap 'kill $nm $bus; wait' EXIT
for try in $(seq 200); do nmcli general > /dev/null 2>&1 && break; sleep 0.05; done
nmcli connection import type wireguard file "$file" > /dev/null
nmcli -t -f connection.interface-name,wireguard.listen-port,wireguard.mtu,ipv4.method,ipv4.addresses,ipv4.dns,ipv4.dns-search,ipv6.dns,ipv6.method,ipv6.addresses connection show demo
sed -n 's/^\(endpoint\|persistent-keepalive\|allowed-ips\)=/\1:/p' /etc/NetworkManager/system-connections/demo.nmconnection
"""


class Viewer:
    """The map as the application gets it, with the time at which each message came."""

    def __init__(self, test, machine):
        program = os.path.join(SOURCE, "tests", "lib", "map_viewer.py")
        self.process = subprocess.Popen(machine.command(["/usr/bin/python3", "-B", program]), stdout=subprocess.PIPE)
        self.pending, self.begun = b"", time.monotonic()
        test.addCleanup(self.process.stdout.close)
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.kill)

    def wait(self, wanted, begun=None, seconds=20):
        """The first message from now on that wanted() accepts and that came within so many seconds after begun."""
        end = (begun or self.begun) + seconds
        while True:
            while b"\n" in self.pending:
                line, self.pending = self.pending.split(b"\n", 1)
                came, text = line.split(b" ", 1)
                if float(came) <= end and wanted(message := json.loads(text)):
                    return message
            left = end + 1 - time.monotonic()  # what arrived within the limit may be read a little later
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"the viewer was not told within {seconds} s")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                raise AssertionError("the viewer's stream ended")
            self.pending += chunk


class Life(MeshCase):
    SITES, JOIN = ("laptop", "nas", "web", "office-gw", "phone"), ("laptop", "nas", "office-gw")

    def ping(self, name, address, seconds=10):
        wait_for(f"{name} reaches {address}", lambda: self.mesh.machine(name).ok("ping", "-n", "-q", "-c", "1", "-W", "1", address), seconds)

    def test_status_fields(self):
        status = self.status("laptop")
        for field in ("schema", "state", "reason", "message", "mode", "guard_until", "mesh", "name", "kind", "role", "addresses", "edge", "since", "rx_bytes", "tx_bytes", "interface"):
            self.assertIn(field, status)
        self.assertEqual((status["schema"], status["state"], status["mode"], status["mesh"], status["name"], status["role"], status["interface"]),
                         (1, "connected", "connector", "demo", "laptop", "admin", "edgeway0"))
        self.assertTrue(status["addresses"][0].startswith("100.96."))
        self.assertEqual((status["edge"]["name"], status["edge"]["transport"]), ("frankfurt", "udp"))
        self.assertIn(EDGE_ADDRESS, status["edge"]["endpoint"])

    def test_wg_show(self):
        shown = self.mesh.machine("laptop").run("wg", "show", "edgeway0").stdout
        self.assertIn("latest handshake", shown)
        laptop = self.mesh.machine("laptop")
        peer = laptop.run("wg", "show", "edgeway0", "peers").stdout.strip()
        for words in (("peer", "A" * 43 + "="), ("peer", peer, "remove"), ("peer", peer, "allowed-ips", "10.0.0.0/8"), ("private-key", "/dev/null")):
            self.assertNotEqual(laptop.run("wg", "set", "edgeway0", *words, check=False).returncode, 0, words)
        mark = laptop.run("wg", "show", "edgeway0", "fwmark").stdout.strip()
        laptop.run("wg", "set", "edgeway0", "listen-port", "51999", "fwmark", mark)  # these are the administrator's
        self.assertEqual(laptop.run("wg", "show", "edgeway0", "listen-port").stdout.strip(), "51999")
        self.assertIn("latest handshake", laptop.run("wg", "show", "edgeway0").stdout)
        self.ping("laptop", "100.96.0.1")

    def test_enrolling_twice_changes_nothing(self):
        key = self.mesh.new_key("twice")
        self.addCleanup(self.ctl, "laptop", "node", "remove", "twice")
        since = self.status("nas")["since"]
        self.refused("nas", "enroll", "--key-file", "-", says="Leave it first", input=key + "\n")
        status = self.status("nas")
        self.assertEqual((status["state"], status["since"]), ("connected", since))
        self.ctl("nas", "connect")
        self.ping("nas", "100.96.0.1")

    def test_member_may_not_administer(self):
        for argv in (("node", "add", "x"), ("node", "remove", "laptop"), ("node", "rename", "laptop", "x"), ("route", "add", "10.60.0.0/24", "nas"), ("node", "config", "x")):
            with self.subTest(argv):
                self.refused("nas", *argv, code=4, says="administrator")

    def test_disconnect_is_remembered(self):
        self.ctl("nas", "disconnect")
        self.assertEqual(self.status("nas")["state"], "disconnected")
        self.ctl("nas", "disconnect")
        node = wait_for("the map says offline at once", lambda: not self.node("nas")["online"], 5)
        self.assertTrue(node)
        self.mesh.restart("nas", signal.SIGTERM)
        wait_for("edgewayd", lambda: self.mesh.machine("nas").ok(self.mesh.program("edgewayctl"), "status"), 10)
        time.sleep(1)  # real time: that it stays so shows in nothing else
        self.assertEqual(self.status("nas")["state"], "disconnected")
        self.ctl("nas", "connect")
        self.assertEqual(self.status("nas")["state"], "connected")
        self.ctl("nas", "connect")

    def node(self, name):
        return next(n for n in self.mesh.ctl_json("laptop", "map")["nodes"] if n["name"] == name)

    def test_leave_and_remove(self):
        self.mesh.join("web", self.mesh.new_key("web"))
        address = self.status("web")["addresses"][0]
        self.ping("laptop", address)
        self.ctl("web", "leave")
        self.assertEqual(self.status("web")["state"], "not-enrolled")
        self.assertEqual(self.mesh.machine("web").run("sh", "-c", "ip -o link show edgeway0 2>/dev/null || true").stdout, "")
        self.assertNotIn("web", [n["name"] for n in self.mesh.ctl_json("laptop", "node", "list")["nodes"]])
        self.mesh.restart("edge", signal.SIGKILL)  # a new edge begins at the first address that is free
        self.ping("laptop", self.status("nas")["addresses"][0], 20)
        key = self.mesh.new_key("crew")
        self.ctl("web", "enroll", "--name", "crew", "--key-file", "-", input=key + "\n")
        self.assertNotEqual(self.status("web")["addresses"][0], address, "addresses rest before another name is given them")
        self.ctl("web", "leave")
        self.ctl("web", "enroll", "--name", "web", "--key-file", "-", input=self.mesh.new_key("web") + "\n")
        self.wait_state("web", "connected")
        self.assertEqual(self.status("web")["addresses"][0], address, "its name has them back")
        self.ping("laptop", address)
        self.ctl("laptop", "node", "remove", "web")
        self.wait_state("web", "removed", 40)
        self.assertIn("removed", self.status("web")["message"].lower())
        self.assertEqual(self.mesh.machine("web").run("sh", "-c", "ip -o addr show edgeway0 2>/dev/null || true").stdout, "")

    def test_rename(self):
        self.ctl("laptop", "node", "rename", "nas", "store")
        self.addCleanup(self.ctl, "laptop", "node", "rename", "store", "nas")
        wait_for("nas hears its new name", lambda: self.status("nas")["name"] == "store", 35)
        self.refused("laptop", "node", "rename", "store", "laptop", says="laptop")

    def test_gateway(self):
        self.ctl("laptop", "route", "add", SUBNET, "office-gw")
        self.addCleanup(self.ctl, "laptop", "route", "remove", SUBNET, check=False)
        routes = wait_for("nas hears of the route", lambda: [r for r in self.mesh.ctl_json("nas", "route", "list")["routes"] if r["cidr"] == SUBNET], 35)
        self.assertEqual(routes[0]["state"], "offered")
        self.assertEqual(self.mesh.machine("nas").run("ip", "route", "show", SUBNET).stdout, "", "not taken unasked")
        self.ctl("nas", "route", "accept", SUBNET)
        self.assertFalse(self.mesh.machine("nas").ok("ping", "-n", "-q", "-c", "1", "-W", "1", SUBNET_HOST), "forwarded although the gateway's own administrator has not accepted")
        wait_for("the gateway hears of its route", lambda: any(r["cidr"] == SUBNET for r in self.mesh.ctl_json("office-gw", "route", "list")["routes"]), 35)
        self.ctl("office-gw", "route", "accept", SUBNET)
        self.ping("nas", SUBNET_HOST)
        self.ctl("nas", "route", "refuse", SUBNET)
        self.assertEqual(self.mesh.machine("nas").run("ip", "route", "show", SUBNET).stdout, "")

    def test_idle_nodes_follow_at_once(self):
        """Twenty changes made here are in force there within 2 s: an idle node learns of them from the edge's notice."""
        def accepted(there, cidr, state):
            return lambda: any(r["cidr"] == cidr and r["state"].startswith(state) for r in self.mesh.ctl_json(there, "route", "list")["routes"])

        def listed(there, cidr, wanted):
            return lambda: wanted == any(r["cidr"] == cidr for r in self.mesh.ctl_json(there, "route", "list")["routes"])

        def routed(there, cidr, wanted):
            return lambda: wanted == bool(self.mesh.machine(there).run("ip", "route", "show", cidr).stdout)

        changes = []
        for i in range(5):
            cidr = f"10.80.{i}.0/24"
            changes.append((("laptop", "route", "add", cidr, "office-gw"), listed("nas", cidr, True)))
            changes.append((("laptop", "node", "rename", "nas" if i % 2 == 0 else "store", "store" if i % 2 == 0 else "nas"),
                            lambda name="store" if i % 2 == 0 else "nas": self.status("nas")["name"] == name))
            changes.append((("nas", "route", "accept", cidr), routed("nas", cidr, True)))
            changes.append((("laptop", "route", "remove", cidr), routed("nas", cidr, False)))
        self.addCleanup(self.ctl, "laptop", "node", "rename", "store", "nas", check=False)
        for argv, in_force in changes:
            begun = time.monotonic()
            self.ctl(*argv)
            wait_for(f"{' '.join(argv)} is in force on an idle node", in_force, 2 - (time.monotonic() - begun), 0.05)

    def test_viewer_sees_a_change(self):
        """Promised within a second: a node that is new, renamed, removed, offline and online."""
        viewer = Viewer(self, self.mesh.machine("laptop"))
        snapshot = viewer.wait(lambda message: message["type"] == "snapshot" and not message["more"])
        ids = {node["name"]: node["id"] for node in snapshot["map"]["nodes"]}
        self.assertLessEqual({"laptop", "nas", "office-gw"}, set(ids))

        def sees(wanted, name, *argv):
            """What the viewer gets within five times the promised time after the command was started."""
            with self.subTest(argv):
                begun = time.monotonic()
                self.ctl(name, *argv)
                message = viewer.wait(wanted, begun, 5)
                return message.get("node")
        added = sees(lambda m: m["type"] == "node" and m["node"]["name"] == "newcomer", "laptop", "node", "add", "newcomer")
        self.assertEqual(added["state"], "not-joined")
        renamed = sees(lambda m: m["type"] == "node" and m["node"]["name"] == "latecomer", "laptop", "node", "rename", "newcomer", "latecomer")
        self.assertEqual(renamed["id"], added["id"])
        sees(lambda m: m["type"] == "node-removed" and m["id"] == added["id"], "laptop", "node", "remove", "latecomer")
        self.addCleanup(self.ctl, "nas", "connect")
        sees(lambda m: m["type"] == "node" and m["node"]["id"] == ids["nas"] and not m["node"]["online"], "nas", "disconnect")
        sees(lambda m: m["type"] == "node" and m["node"]["id"] == ids["nas"] and m["node"]["online"], "nas", "connect")

    def test_plain_wireguard(self):
        self.mesh.phone_config = self.ctl("laptop", "node", "config", "phone").stdout
        self.assertRegex(self.mesh.phone_config, r"(?m)^PersistentKeepalive\s*=\s*25$")
        self.assertNotIn("DNS", self.mesh.phone_config)
        self.assertEqual(self.node("phone")["state"], "not-joined")
        self.mesh.start_phone()
        wait_for("phone online", lambda: self.node("phone")["state"] == "online", 10)
        self.ping("laptop", self.node("phone")["addresses"][0])
        self.assertRegex(self.node("phone")["last_handshake"], r"^20\d\d-.*Z$")
        shown = self.ctl("laptop", "node", "show", "phone").stdout
        self.assertRegex(shown, r"(?m)^handshake +(now|\d+ s ago)$")
        self.assertRegex(shown, r"(?m)^edge +frankfurt$")
        self.ping("phone", self.status("laptop")["addresses"][0])
        self.ping("phone", SERVICE)

    def test_edge_restart(self):
        """The edge finds its nodes again, the plain one included, faster than a session grows old."""
        self.mesh.restart("edge", signal.SIGKILL)
        self.ping("laptop", self.status("nas")["addresses"][0], 20)
        for name in self.JOIN:
            self.wait_state(name, "connected")


class OtherTools(MeshCase):
    """What node config writes, used with wg-quick and wg."""
    SITES, JOIN = ("laptop", "phone"), ("laptop",)

    def test_wg_quick_and_syncconf(self):
        phone = self.mesh.machine("phone")
        for options in ((), ("--vpn", "--no-names")):  # wg-quick wants resolvconf for names
            with self.subTest(options):
                made = self.ctl("laptop", "node", "config", f"tablet{len(options)}", *options)
                file_name = re.search(r"> (\S+\.conf)\.", made.stderr)[1]
                self.assertEqual(file_name, "demo.conf")  # the mesh's name, whatever the node's is
                path, stripped = (os.path.join(phone.log_dir, name) for name in (file_name, "stripped"))
                with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
                    file.write(made.stdout)
                phone.run("wg-quick", "up", path, env={"WG_QUICK_USERSPACE_IMPLEMENTATION": "wireguard-go"})
                try:
                    for address in (SERVICE, self.status("laptop")["addresses"][0], *([WEBSITE] if options else [])):
                        self.reaches(phone, address)
                    before = phone.run("wg", "show", "demo", "dump").stdout.splitlines()
                    self.assertEqual(before[0].split("\t")[2], re.search(r"(?m)^ListenPort = (\d+)$", made.stdout)[1])
                    if options:  # a file for every tool can't contain wg-quick's mark, and syncconf removes it
                        continue
                    phone.run("sh", "-c", f"umask 077; wg-quick strip {path} > {stripped}; wg syncconf demo {stripped}")
                    after = phone.run("wg", "show", "demo", "dump").stdout.splitlines()
                    unchanged = [0, 1, 2, 3, 4, 7]  # of a peer: keys, endpoint, allowed IPs, handshake, keepalive
                    self.assertEqual(after[0], before[0])
                    self.assertEqual([after[1].split("\t")[i] for i in unchanged], [before[1].split("\t")[i] for i in unchanged])
                    self.reaches(phone, SERVICE)
                finally:
                    phone.run("wg-quick", "down", path)

    def test_network_manager_import(self):
        """Debian's NetworkManager takes the file under the name that is offered, with all that is in it, the mesh's names too, and nothing that is not."""
        root = network_manager()
        made = self.ctl("laptop", "node", "config", "a-tablet-with-a-long-name", "--vpn")
        phone = self.mesh.machine("phone")
        path = os.path.join(phone.log_dir, re.search(r"> (\S+\.conf)\.", made.stderr)[1])
        with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            file.write(made.stdout)
        library = glob.glob(os.path.join(root, "usr", "lib", "*", "libnm.so.0"))[0]
        result = phone.run("unshare", "--mount", "--propagation", "private", "bash", "-c", NETWORK_MANAGER, "-", root, os.path.dirname(library), path)
        kept = dict(line.split(":", 1) for line in result.stdout.splitlines() if ":" in line)
        config = dict(re.findall(r"(?m)^(\w+) = (.+)$", made.stdout))
        v4, v6 = config["Address"].split(", ")
        dns_v4, dns_v6, search = config["DNS"].split(", ")
        self.assertEqual(kept, {"connection.interface-name": "demo", "wireguard.listen-port": config["ListenPort"], "wireguard.mtu": config["MTU"], "ipv4.method": "manual",
                                "ipv4.addresses": v4, "ipv4.dns": dns_v4, "ipv4.dns-search": search, "ipv6.dns": dns_v6, "ipv6.method": "manual", "ipv6.addresses": v6,
                                "allowed-ips": "0.0.0.0/0;::/0;", "persistent-keepalive": "25", "endpoint": config["Endpoint"]})

    def reaches(self, machine, address):
        wait_for(f"{machine.name} reaches {address}", lambda: machine.ok("ping", "-n", "-q", "-c", "1", "-W", "1", address), 10)


class Administrators(MeshCase):
    SITES = JOIN = ("laptop", "nas")
    LAST = "the mesh's last administrator"

    def test_the_last_one_is_warned(self):
        added = self.ctl("laptop", "node", "add", "web")
        self.assertNotIn("trial", added.stderr)  # this edge isn't one
        left = self.ctl("nas", "leave")  # a member
        self.assertNotIn(self.LAST, left.stderr)
        edge = self.mesh.machine("edge")

        def new_key():
            return edge.run(self.mesh.program("edgeway-edge"), "admin-key").stdout.strip().splitlines()[-1]
        self.ctl("nas", "enroll", "--name", "nas", "--key-file", "-", input=new_key() + "\n")
        self.assertNotIn(self.LAST, self.ctl("laptop", "leave").stderr)  # nas is one too
        left = self.ctl("nas", "leave")
        self.assertIn(self.LAST, left.stderr)
        self.assertIn("edgeway-edge admin-key", left.stderr)
        self.assertEqual(self.status("nas")["state"], "not-enrolled")  # warned, without a terminal to ask on
        self.ctl("laptop", "enroll", "--name", "laptop", "--key-file", "-", input=new_key() + "\n")  # what it said helps
        self.wait_state("laptop", "connected")
        self.assertEqual(self.status("laptop")["role"], "admin")


class Renewal(MeshCase):
    """Another machine, or another key pair, takes a node's place: name and addresses stay, and the previous one is removed."""
    SITES, JOIN = ("laptop", "nas", "web", "phone"), ("laptop", "nas")

    def reaches(self, name, address):
        return self.mesh.machine(name).ok("ping", "-n", "-q", "-c", "1", "-W", "1", address)

    def test_enrolled(self):
        before, laptop = self.status("nas"), self.status("laptop")["addresses"][0]
        wait_for("laptop reaches nas", lambda: self.reaches("laptop", before["addresses"][0]), 20)
        self.refused("laptop", "node", "config", "nas", "--renew", says="node add nas --renew")
        key = self.ctl("laptop", "node", "add", "nas", "--renew").stdout.strip()
        self.assertRegex(self.ctl("laptop", "key", "list").stdout, r"nas \(renewal\) +server +laptop")
        self.assertTrue(self.reaches("nas", laptop), "nothing changes until the key is used")
        self.mesh.start_daemon("web")
        self.ctl("web", "enroll", "--name", "anything", "--key-file", "-", input=key + "\n")
        self.assertFalse(self.reaches("nas", laptop), "the session of the old machine goes on")
        self.wait_state("web", "connected")
        after = self.status("web")
        self.assertEqual({k: after[k] for k in ("name", "addresses", "kind", "role")}, {k: before[k] for k in ("name", "addresses", "kind", "role")})
        wait_for("laptop reaches the new machine", lambda: self.reaches("laptop", after["addresses"][0]), 10)
        self.wait_state("nas", "removed", 40)
        self.assertIn("place", self.status("nas")["message"])
        nodes = [node["name"] for node in self.mesh.ctl_json("laptop", "node", "list")["nodes"]]
        self.assertEqual(nodes.count("nas"), 1)
        self.refused("web", "enroll", "--key-file", "-", input=key + "\n", says="leave")
        self.ctl("nas", "leave")
        self.assertTrue(self.reaches("laptop", after["addresses"][0]), "the old machine took the new one along as it left")
        self.refused("nas", "enroll", "--key-file", "-", input=key + "\n", says="used")
        key = self.ctl("laptop", "node", "add", "nas", "--renew").stdout.strip()
        self.ctl("web", "leave")  # and only then comes back, in this order too with all that it had
        self.assertRegex(self.ctl("laptop", "node", "list").stdout, r"(?m)^nas +server +not-joined")
        self.ctl("web", "enroll", "--key-file", "-", input=key + "\n")
        self.wait_state("web", "connected")
        self.assertEqual((self.status("web")["name"], self.status("web")["addresses"]), ("nas", before["addresses"]))
        wait_for("laptop reaches the one that came back", lambda: self.reaches("laptop", before["addresses"][0]), 10)

    def test_plain(self):
        self.mesh.phone_config = self.ctl("laptop", "node", "config", "phone").stdout
        self.mesh.start_phone()
        laptop = self.status("laptop")["addresses"][0]
        wait_for("phone reaches laptop", lambda: self.reaches("phone", laptop), 20)
        self.refused("laptop", "node", "add", "phone", "--renew", says="node config phone --renew")
        renewed = self.ctl("laptop", "node", "config", "phone", "--renew").stdout
        self.assertFalse(self.reaches("phone", laptop), "the session of the old key goes on")
        old, new = ({line.split(" = ")[0]: line for line in text.splitlines()} for text in (self.mesh.phone_config, renewed))
        self.assertEqual(old | {"PrivateKey": 0}, new | {"PrivateKey": 0}, "only the key is another")
        self.assertNotEqual(old["PrivateKey"], new["PrivateKey"])
        phone = self.mesh.machine("phone")
        path = os.path.join(phone.log_dir, "renewed.conf")
        with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            file.writelines(line for line in renewed.splitlines(True) if not line.startswith(("Address", "MTU")))
        phone.run("wg", "setconf", "phone0", path)
        wait_for("the renewed phone reaches laptop", lambda: self.reaches("phone", laptop), 10)


class Crowd(MeshCase):
    NAMES = 1100  # more than one page of the edge's list, or one message of its map

    def test_no_node_is_missing(self):
        edge = self.mesh.machine("edge")
        edge.run("/usr/bin/python3", "-c", CROWD % self.NAMES, timeout=120)
        wanted = {"laptop", *(f"crowd-{i}" for i in range(self.NAMES))}
        for argv in (("node", "list"), ("map",)):
            with self.subTest(argv):
                names = [node["name"] for node in self.mesh.ctl_json("laptop", *argv)["nodes"]]
                self.assertEqual(len(names), len(wanted))
                self.assertEqual(set(names), wanted)


if __name__ == "__main__":
    unittest.main()
