# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's life: first start, stop, restart, killed at any moment, wrong usage, conflicts with others; and what it must never reveal."""

import base64
import glob
import json
import os
import random
import shutil
import socket
import sqlite3
import stat
import subprocess
import tempfile
import threading
import time
import unittest

from edge import ISOLATED, PROGRAM, SLOW, Edge, Node, b64, parse_key


def run(*arguments, program=PROGRAM, **more):
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL, **more)


class Usage(unittest.TestCase):
    def test_help_and_version(self):
        for arguments in (("--help",), ("run", "--help"), ("admin-key", "--help"), ("status", "--help"), ("node", "list", "--help"), ("node", "show", "--help"), ("key", "revoke", "-h")):
            result = run(*arguments)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn("Usage:", result.stdout)
            plain = run(*arguments, env={**os.environ, "LC_ALL": "C"}).stdout
            self.assertIn("[OPTION...]", plain)
            self.assertTrue(plain.isascii(), plain)
        for option in ("--state-dir", "--listen", "--public", "--mesh", "--name", "--config"):
            self.assertIn(option, run("run", "--help").stdout)
        self.assertRegex(run("--version").stdout, r"^edgeway-edge \d+\.\d+\.\d+( \([0-9a-f]{7}\+?\))?\n$")

    def test_wrong_usage(self):
        with tempfile.TemporaryDirectory(prefix="edgeway-usage-") as folder:
            for arguments in ((), ("walk",), ("run", "--nothing"), ("run", "more"), ("run", "--listen", "443"), ("run", "--listen", ":0"), ("run", "--listen", "host:1"), ("run", "--listen", ":65536"),
                              ("run", "--public", "here"), ("run", "--mesh", "Not A Name"), ("run", "--name", "-x"), ("run", "--config", folder + "/none"), ("admin-key", "--valid", "1s"),
                              ("admin-key", "--valid", "soon"), ("admin-key", "x"), ("status", "--xml"), ("node",), ("node", "lost"), ("node", "show"), ("node", "list", "x"), ("node", "remove", "a", "b"),
                              ("key",), ("key", "revoke"), ("key", "list", "--valid", "1h"), ("admin-key", "--json")):
                result = run(*arguments)
                self.assertEqual((result.returncode, result.stdout), (2, ""), (arguments, result))
                self.assertRegex(result.stderr, r"^edgeway-edge: .*\n$")
            for text, word in (("[edge]\nlisten=x\n", "listen"), ("[edge]\nopen-ports=22;x\n", "open-ports"), ("[edge]\nexit=yes\n", "exit"),
                               ("[edge]\npublic-ports=80;x\n", "public-ports"), ("[edge]\nexit-closed=198.51.100.1/24\n", "exit-closed"), ("[edge]\nwhat=1\n", "what"), ("[mesh]\nipv4=10.0.0.1/8\n", "10.0.0.1/8"),
                               ("[mesh]\nipv4=8.8.0.0/16\n", "private"), ("[mesh]\nipv4=10.0.0.0/24\n", "/24"), ("[mesh]\nipv6=fd00::/64\n", "/48"), ("[mesh]\nmtu=1000\n", "mtu"), ("[house]\nx=1\n", "house"),
                               ("[dns]\nforward=maybe\n", "forward"), ("[dns]\nresolvers=dns.example\n", "dns.example"), ("[dns]\nresolvers=9.9.9.9;100.96.0.1\n", "own address"),
                               ("[dns]\ndomains=corp.example\n", "corp.example"), ("[dns]\ndomains=corp.example=100.96.0.1\n", "own address"), ("[dns]\ndomains=.=9.9.9.9\n", "domain"),
                               ("nonsense", "edge.conf"), ("[edge]\ninterface=a/b\n", "a/b")):
                path = os.path.join(folder, "edge.conf")
                with open(path, "w") as file:
                    file.write(text)
                result = run("run", "--state-dir", os.path.join(folder, "state"), "--config", path)
                self.assertEqual(result.returncode, 2, (text, result))
                self.assertIn(word, result.stderr)
            self.assertFalse(os.path.exists(os.path.join(folder, "state")), "wrong usage leaves nothing behind")

    def test_no_edge_runs(self):
        with tempfile.TemporaryDirectory(prefix="edgeway-none-") as folder:
            for verb in ("status", "admin-key"):
                result = run(verb, "--state-dir", folder)
                self.assertEqual((result.returncode, result.stdout), (3, ""), result)
                self.assertIn("--state-dir", result.stderr)
            with socket.socket(socket.AF_UNIX) as dead:
                dead.bind(os.path.join(folder, "control.sock"))
            self.assertEqual(run("status", "--state-dir", folder).returncode, 3)


class OwnersVerbs(unittest.TestCase):
    """node and key of edgeway-edge, by the control socket."""

    @classmethod
    def setUpClass(cls):
        cls.edge = Edge().start()
        cls.addClassCleanup(cls.edge.remove)
        cls.admin = cls.edge.join(cls.edge.first_key(), "laptop")

    def done(self, *arguments):
        result = self.edge.verb(*arguments)
        self.assertEqual((result.returncode, result.stderr), (0, ""), (arguments, result))
        return result.stdout

    def fails(self, code, *arguments, says):
        result = self.edge.verb(*arguments)
        self.assertEqual((result.returncode, result.stdout), (code, ""), (arguments, result))
        self.assertRegex(result.stderr, r"^edgeway-edge: .*[.?]\n$")
        self.assertIn(says, result.stderr)

    def test_nodes(self):
        waiting = self.admin.call("POST", "/v1/keys", {"kind": "server", "name": "build"}).json
        listed = self.done("node", "list").splitlines()
        self.assertRegex(listed[0], r"^NAME +KIND +STATE +SEEN +ADDRESSES +ROUTES$")
        rows = {line.split()[0]: line for line in listed[1:]}
        self.assertRegex(rows["laptop"], r"^laptop +device, administrator +offline +never +100\.96\.1\.1 ")
        self.assertRegex(rows["build"], r"^build +server +not-joined +never$")
        nodes = json.loads(self.done("node", "list", "--json"))
        self.assertEqual((nodes["schema"], sorted(n["name"] for n in nodes["nodes"])), (1, ["build", "laptop"]))
        shown = self.done("node", "show", "100.96.1.1")
        for pattern in (r"^name +laptop$", r"^role +admin$", r"^state +offline$", r"^system +Debian 12$", r"^traffic +0 B received, 0 B sent$"):
            self.assertRegex(shown, "(?m)" + pattern)
        self.assertEqual(json.loads(self.done("node", "show", "laptop", "--json"))["id"], self.admin.id)
        self.assertIn("build has been removed", self.done("node", "remove", "build"))
        self.assertNotIn("build", self.done("node", "list"))
        self.assertEqual(Node(self.edge, waiting["key"], None).enroll().code, "KeyInvalid")
        self.fails(1, "node", "show", "build", says="no node \"build\"")
        self.fails(1, "node", "remove", "b/u?i#l d", says="no node")

    def test_keys(self):
        first = self.edge.verb("admin-key")
        self.assertEqual((first.returncode, first.stderr), (0, ""), "nothing else is open")
        named = self.admin.call("POST", "/v1/keys", {"kind": "server", "name": "web", "valid_seconds": 7200}).json
        listed = self.done("key", "list").splitlines()
        self.assertRegex(listed[0], r"^ID +FOR +KIND +MADE BY +MADE +EXPIRES$")
        self.assertRegex(listed[1], r"^[0-9a-f]{12} +any name +admin +the owner +(now|\d+ s ago) +in \d+ min$")
        self.assertRegex(listed[2], rf"^{named['id']} +web +server +laptop +(now|\d+ s ago) +in \d+ (min|h)$")
        keys = json.loads(self.done("key", "list", "--json"))["keys"]
        self.assertEqual([key["id"] for key in keys], [line.split()[0] for line in listed[1:]])
        second = self.edge.verb("admin-key", "--valid", "7d")
        self.assertEqual(second.returncode, 0)
        self.assertIn(named["id"], second.stderr)
        self.assertIn(keys[0]["id"], second.stderr)
        self.assertEqual(len(second.stderr.splitlines()), 5, "itself is not among them")
        for made in (first.stdout.strip(), second.stdout.strip(), named["key"]):
            self.assertNotIn(parse_key(made)["secret"], second.stderr + json.dumps(keys))
        self.fails(2, "admin-key", "--valid", "8d", says="--valid")
        for key in json.loads(self.done("key", "list", "--json"))["keys"]:
            self.assertIn("Revoked", self.done("key", "revoke", key["id"][:8]))
        self.assertEqual(self.edge.verb("key", "list").stderr, "There are no open enrollment keys.\n")
        self.assertEqual(Node(self.edge, first.stdout.strip(), "x").enroll().code, "KeyInvalid")
        self.fails(1, "key", "revoke", named["id"], says="no open enrollment key")

    def test_stolen_laptop(self):
        thief = self.edge.join(self.edge.admin_key(), "stolen")
        hidden = thief.call("POST", "/v1/keys", {"kind": "admin", "valid_seconds": 86400}).json["key"]
        self.done("node", "remove", "stolen")
        self.assertEqual(Node(self.edge, hidden, "evil").enroll().code, "KeyInvalid")
        self.assertEqual(thief.call("GET", "/v1/self").status, 410)
        self.assertIn("node stolen was removed, by the owner", self.edge.log())

    def test_full_disk(self):
        for arguments in (("node", "list"), ("key", "list", "--json"), ("status",)):
            with open("/dev/full", "w") as full:
                result = subprocess.run([PROGRAM, *arguments, "--state-dir", self.edge.state], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
            self.assertEqual(result.returncode, 1, arguments)
            self.assertIn("Can't write", result.stderr)


class Life(unittest.TestCase):
    def edge(self, *arguments, **more):
        edge = Edge(*arguments, **more)
        self.addCleanup(edge.remove)
        return edge

    @unittest.skipIf(not ISOLATED, "needs root for a network namespace")
    def test_tests_leave_the_host_alone(self):
        edge = self.edge().start()
        self.assertNotEqual(os.readlink(f"/proc/{edge.process.pid}/ns/net"), os.readlink(f"/proc/{os.getppid()}/ns/net"))

    def test_first_start(self):
        edge = self.edge().start()
        output = edge.output()
        self.assertRegex(output, r"^ew1_[A-Za-z0-9_-]+\n$")
        self.assertEqual(parse_key(edge.first_key())["kind"], "admin")
        for path in glob.glob(edge.state + "/*"):
            self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)
        self.assertEqual(stat.S_IMODE(os.stat(edge.state).st_mode), 0o700)
        code, took = edge.stop()
        self.assertEqual(code, 0, edge.log())
        self.assertLess(took, 1 * SLOW)
        self.assertFalse(os.path.exists(edge.state + "/control.sock"))
        edge.start()
        self.assertEqual(edge.output(), output, "the key is shown once")
        self.assertEqual(edge.join(edge.first_key(), "admin").answer.json["role"], "admin", "and still good after a restart")

    def test_journal_gets_no_key(self):
        edge = self.edge()
        os.mkdir(edge.state, 0o700)
        with open(edge.output_path, "wb") as output:
            info = os.fstat(output.fileno())
            environment = os.environ | {"JOURNAL_STREAM": f"{info.st_dev}:{info.st_ino}"}
            with open(edge.log_path, "wb") as log:
                edge.process = subprocess.Popen([PROGRAM, "run", *edge.arguments], stdout=output, stderr=log, env=environment)
        edge.wait_ready()
        self.assertEqual(edge.output(), "")
        self.assertIn("admin-key", edge.log())
        self.assertEqual(edge.join(edge.admin_key(), "admin").answer.json["role"], "admin")

    def test_tells_its_supervisor(self):
        edge = self.edge()
        path = edge.folder + "/notify"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.bind(path)
            os.chmod(path, 0o777)
            supervisor.settimeout(20)
            environment = os.environ | {"NOTIFY_SOCKET": path}
            with open(edge.log_path, "wb") as log, open(edge.output_path, "wb") as output:
                edge.process = subprocess.Popen([PROGRAM, "run", *edge.arguments], stdout=output, stderr=log, env=environment)
            self.assertIn(b"READY=1", supervisor.recv(1000))
            edge.stop()
            self.assertIn(b"STOPPING=1", supervisor.recv(1000))

    def test_restart_keeps_everything(self):
        edge = self.edge().start()
        admin = edge.join(edge.first_key(), "admin")
        node = edge.join(admin.call("POST", "/v1/keys", {"kind": "server"}).json["key"], "web")
        unused = admin.call("POST", "/v1/keys", {"kind": "server", "name": "later"}).json["key"]
        admin.call("POST", "/v1/routes", {"cidr": "10.1.0.0/16", "node": "web"})
        gone = edge.join(admin.call("POST", "/v1/keys", {"kind": "server"}).json["key"], "gone")
        admin.call("DELETE", "/v1/nodes/gone")
        before = [admin.call("GET", path).json for path in ("/v1/self", "/v1/nodes", "/v1/routes")] + [node.call("GET", "/v1/self").json]
        for end in (edge.stop, edge.kill):
            end()
            edge.start()
            after = [admin.call("GET", path).json for path in ("/v1/self", "/v1/nodes", "/v1/routes")] + [node.call("GET", "/v1/self").json]
            self.assertEqual(after, before)
            self.assertEqual(gone.call("GET", "/v1/self").status, 410)
            self.assertEqual(node.enroll().json["id"], node.id, "a replay after the restart")
        self.assertEqual(edge.join(unused, "x").answer.json["name"], "later")
        fresh = edge.join(admin.call("POST", "/v1/keys", {"kind": "server"}).json["key"], "gone")
        self.assertNotEqual(fresh.answer.json["addresses"], gone.answer.json["addresses"], "addresses rest")

    @unittest.skipUnless(ISOLATED, "needs root: a host name of its own")
    def test_names_may_change_later(self):
        edge = self.edge(mesh=None, name=None).start(host_name="Fra-1.Example.ORG")
        admin = edge.join(edge.first_key(), "admin")
        before = admin.call("GET", "/v1/self").json
        self.assertEqual((before["mesh"], json.loads(before["edges"]["list"])[0]["name"]), ("example", "fra-1"), "at first the host's names")
        edge.stop()
        edge.start(host_name="other.example.net")
        self.assertEqual(admin.call("GET", "/v1/self").json, before, "a mesh keeps its names on a host of another name")
        first_id = json.loads(before["edges"]["list"])[0]["id"]
        self.assertRegex(first_id, "^e[0-9a-f]{16}$")
        edge.stop()
        edge.start("--mesh", "new", "--name", "paris", "--public", "edge.example:443")
        renamed = admin.call("GET", "/v1/self").json
        self.assertEqual((renamed["mesh"], renamed["suffix"], renamed["addresses"]), ("new", "new.internal", before["addresses"]))
        self.assertEqual(json.loads(renamed["edges"]["list"])[0] | {"public_key": 0}, {"id": first_id, "name": "paris", "public_key": 0, "endpoints": ["edge.example:443"], "api": ["https://edge.example:443"]})
        self.assertNotEqual(renamed["revision"], before["revision"])
        self.assertEqual(parse_key(edge.admin_key())["api"], ["https://edge.example:443"])
        edge.stop()
        edge.start()
        self.assertEqual(admin.call("GET", "/v1/self").json, renamed, "without the options a mesh keeps its own")
        self.assertEqual(admin.call("PATCH", "/v1/nodes/admin", {"name": "fra-1"}).status, 200, "the edge's old name is free")
        edge.stop()
        edge.start("--suffix", "net.example.org")
        moved = admin.call("GET", "/v1/self").json
        self.assertEqual((moved["mesh"], moved["suffix"]), ("new", "net.example.org"))
        self.assertNotEqual(moved["revision"], renamed["revision"])
        edge.stop()
        edge.start("--suffix", "home.local", wait=False)
        self.assertEqual(edge.process.wait(20), 2)
        self.assertIn(".local", edge.log().splitlines()[-1])
        edge.start("--name", "fra-1", wait=False)
        self.assertEqual(edge.process.wait(20), 1)
        self.assertIn("--name", edge.log().splitlines()[-1])

    def test_ranges(self):
        config = "[edge]\nexit=false\ninterface=ewr{0}\n[mesh]\nipv4=10.200.0.0/16\nipv6=fd01:2:3::/48\nmtu=1380\n"
        edge = self.edge(config.format(os.getpid())).start()
        document = edge.join(edge.first_key(), "admin").answer.json
        self.assertEqual((document["ranges"], document["addresses"], document["service"], document["mtu"]),
                         (["10.200.0.0/16", "fd01:2:3::/48"], ["10.200.1.1", "fd01:2:3:1::1"], ["10.200.0.1", "fd01:2:3::1"], 1380))
        edge.stop()
        with open(edge.config, "w") as file:
            file.write(config.format(os.getpid()).replace("10.200", "10.201"))
        edge.start(wait=False)
        self.assertEqual(edge.process.wait(20), 1)
        self.assertRegex(edge.log().splitlines()[-1], "10.200.0.0/16.*can't be changed")

    def test_expiry(self):
        """The shortest validity is a minute: the clock is moved in the store instead of waiting."""
        edge = self.edge().start()
        admin = edge.join(edge.first_key(), "admin")
        key = admin.call("POST", "/v1/keys", {"kind": "server", "name": "late", "valid_seconds": 60}).json["key"]
        other = admin.call("POST", "/v1/keys", {"kind": "server", "valid_seconds": 60}).json["key"]
        used = edge.join(admin.call("POST", "/v1/keys", {"kind": "server", "valid_seconds": 60}).json["key"], "used")
        plain = admin.call("POST", "/v1/nodes", {"name": "plain", "kind": "server", "public_key": b64(os.urandom(32)), "valid_seconds": 60})
        self.assertEqual(plain.status, 200)
        edge.stop()
        changed = 0
        database = sqlite3.connect(edge.state + "/store.db")
        for table, in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            for column in columns:
                for rowid, value in database.execute(f"SELECT rowid, {column} FROM {table}").fetchall():
                    text = value.decode(errors="replace") if isinstance(value, bytes) else value
                    if isinstance(text, str) and '"expires_us":' in text and '"expires_us":0' not in text:
                        record = json.loads(text)
                        record["expires_us"] -= 120 * 10 ** 6
                        new = json.dumps(record)
                        database.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (new.encode() if isinstance(value, bytes) else new, rowid))
                        changed += 1
        database.commit()
        database.close()
        self.assertGreaterEqual(changed, 5)
        edge.start()
        self.assertEqual(Node(edge, key, "late").enroll().code, "KeyExpired")
        self.assertEqual(Node(edge, other, "other").enroll().code, "KeyExpired")
        self.assertEqual(used.enroll().code, "KeyUsed", "a replay after the validity")
        self.assertEqual(used.call("GET", "/v1/self").status, 200, "who joined stays")
        for name in ("late", "plain"):
            self.assertEqual(admin.call("GET", f"/v1/nodes/{name}").status, 404, "never joined: gone")
        self.assertEqual(edge.join(admin.call("POST", "/v1/keys", {"kind": "server"}).json["key"], "late").answer.json["name"], "late")


class InTheWay(unittest.TestCase):
    def failing(self, edge, *words, code=1, arguments=(), **more):
        if "user" in more:  # the build may be in a folder that is closed to others
            more["program"] = shutil.copy(PROGRAM, os.path.join(edge.folder, "edgeway-edge"))
            os.chmod(edge.folder, os.stat(edge.folder).st_mode | 0o055)
        result = run("run", *edge.arguments, *arguments, **more)
        self.assertEqual((result.returncode, result.stdout), (code, ""), result)
        last = result.stderr.splitlines()[-1]
        self.assertRegex(last, r"^edgeway-edge: \S.*$")
        for word in words:
            self.assertIn(word, last)

    def edge(self):
        edge = Edge()
        self.addCleanup(edge.remove)
        return edge

    def test_port_in_use(self):
        edge = self.edge()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", edge.port))
            taken.listen()
            self.failing(edge, "TCP", str(edge.port), "in use", "--listen")
        self.assertFalse(os.path.exists(edge.state), "nothing half-done")
        with socket.socket(type=socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", edge.port))
            self.failing(edge, "UDP", str(edge.port), "in use", "--listen")
        edge.start()
        self.assertTrue(edge.first_key(), "what was begun is completed")

    def test_waits_for_its_port(self):
        """An existing mesh waits until the port is free: at boot another program can be first. With a supervisor it exits, to be started again."""
        edge = self.edge().start()
        edge.stop()
        for kind, name in ((socket.SOCK_STREAM, "TCP"), (socket.SOCK_DGRAM, "UDP")):
            with socket.socket(type=kind) as taken:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken.bind(("127.0.0.1", edge.port))
                if kind == socket.SOCK_STREAM:
                    taken.listen()
                with self.subTest(name):
                    self.assertEqual(run("run", *edge.arguments, env=dict(os.environ, NOTIFY_SOCKET=edge.folder + "/none")).returncode, 1)
                before = len(edge.log())
                edge.start(wait=False)
                end = time.monotonic() + 10
                while "tries again" not in edge.log()[before:] and time.monotonic() < end:
                    time.sleep(0.05)
                self.assertRegex(edge.log()[before:], rf"warning: {name} port {edge.port}.* in use .*The edge tries again")
                self.assertIsNone(edge.process.poll())
            edge.wait_ready()
            edge.stop()

    @unittest.skipUnless(ISOLATED, "an address of its own takes a network namespace")
    def test_waits_for_its_address(self):
        """A listen address may appear after the edge has started; a mistyped one at the first start is reported."""
        edge = self.edge()
        edge.arguments[edge.arguments.index("--listen") + 1] = f"10.99.0.1:{edge.port}"
        self.failing(edge, "listen", str(edge.port))
        self.assertFalse(os.path.exists(edge.state))
        subprocess.run(["ip", "addr", "add", "10.99.0.1/32", "dev", "lo"], check=True)
        edge.start(wait=False)
        self.assertTrue(edge.first_key())
        edge.stop()
        subprocess.run(["ip", "addr", "del", "10.99.0.1/32", "dev", "lo"], check=True)
        edge.start(wait=False)
        end = time.monotonic() + 10
        while edge.log().count("listening on 10.99.0.1") < 2 and time.monotonic() < end:
            time.sleep(0.05)
        self.assertIsNone(edge.process.poll(), edge.log())
        subprocess.run(["ip", "addr", "add", "10.99.0.1/32", "dev", "lo"], check=True)
        socket.create_connection(("10.99.0.1", edge.port), timeout=5).close()
        udp = subprocess.run(["ss", "-Hlun", f"sport = :{edge.port}"], capture_output=True, text=True).stdout
        self.assertIn(f"10.99.0.1:{edge.port}", udp)
        edge.stop()

    def test_two_edges_on_one_state(self):
        edge, second = self.edge().start(), self.edge()
        second.arguments[1] = edge.state
        self.failing(second, edge.state)
        self.assertEqual(edge.get("/v1/mesh").status, 200)
        self.assertEqual(edge.verb("status").returncode, 0, "the first's control socket is untouched")

    def test_broken_state(self):
        for name, content in (("store.db", b"not a database at all" * 100), ("wireguard.key", b"x\n"), ("ca.pem", b"-----BEGIN NOTHING-----"), ("wireguard.key", None), ("ca.pem", None), ("store.db", None)):
            with self.subTest(name=name, content=content):
                edge = self.edge().start()
                admin = edge.join(edge.first_key(), "admin")
                edge.stop()
                path = os.path.join(edge.state, name)
                with open(path, "rb") as file:
                    good = file.read()
                if content is None:
                    os.unlink(path)
                else:
                    with open(path, "wb") as file:
                        file.write(content)
                self.failing(edge, name)
                if content is not None:
                    with open(path, "rb") as file:
                        self.assertEqual(file.read(), content, "a broken file is not overwritten")
                with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                    file.write(good)
                edge.start()
                self.assertEqual(admin.call("GET", "/v1/self").status, 200)
                edge.stop()

    def test_broken_api_certificate_is_replaced(self):
        edge = self.edge().start()
        edge.stop()
        with open(edge.state + "/api.pem", "w") as file:
            file.write("broken")
        edge.start()
        self.assertEqual(edge.get("/v1/mesh").status, 200)

    def test_state_of_another(self):
        edge = self.edge()
        os.mkdir(edge.state, 0o700)
        if os.geteuid() == 0:
            os.chown(edge.state, 12345, 12345)
            self.failing(edge, edge.state)
            os.chown(edge.state, 0, 0)
            self.failing(edge, edge.state, user=61235, group=61235, extra_groups=[])
        os.chmod(edge.state, 0o700)

    @unittest.skipIf(os.geteuid() != 0, "needs root to give its privilege away")
    def test_port_without_privilege(self):
        edge = self.edge()
        os.chmod(edge.folder, 0o777)
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as file:
            first = int(file.read())
        if first < 2:
            self.skipTest("here anyone may bind any port")
        self.failing(edge, "--listen", code=4, arguments=("--listen", "127.0.0.1:1"), user=61235, group=61235, extra_groups=[])

    @unittest.skipIf(os.geteuid() != 0, "needs root to mount")
    def test_full_disk(self):
        edge = self.edge()
        # The state is a folder of its own on the small disk: one with a ballast in it would be refused as another program's.
        disk = os.path.join(edge.folder, "disk")
        os.mkdir(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k,mode=0755", "none", disk], capture_output=True).returncode:
            self.skipTest("no mounts here")
        self.addCleanup(subprocess.run, ["umount", disk])
        ballast, state = os.path.join(disk, "ballast"), edge.state
        edge.state = os.path.join(disk, "state")
        edge.arguments = [edge.state if argument == state else argument for argument in edge.arguments]

        def fill():
            with open(ballast, "ab", buffering=0) as file:
                try:
                    while True:
                        file.write(b"x" * 4096)
                except OSError:
                    pass
        fill()
        result = run("run", *edge.arguments)
        self.assertEqual(result.returncode, 1, result)
        self.assertRegex(result.stderr.lower(), "full|space")
        os.unlink(ballast)
        edge.start()
        admin = edge.join(edge.first_key(), "admin")
        fill()
        codes = [admin.call("POST", "/v1/keys", {"kind": "server", "name": f"n{i}"}) for i in range(60)]
        refused = [c for c in codes if c.status != 200]
        self.assertTrue(refused, "the disk was not full")
        self.assertEqual({(c.status, c.code) for c in refused}, {(503, "StoreFull")})
        self.assertEqual(admin.call("GET", "/v1/self").status, 200)
        there = {n["name"] for n in admin.call("GET", "/v1/nodes").json["nodes"]}
        self.assertEqual(there, {"admin"} | {c.json["name"] for c in codes if c.status == 200}, "exactly what was promised is there")
        os.unlink(ballast)
        self.assertEqual(admin.call("POST", "/v1/keys", {"kind": "server", "name": "room"}).status, 200)
        edge.stop()


@unittest.skipIf(os.geteuid() != 0, "needs root to give it away")
class Privileges(unittest.TestCase):
    ONLY_NET_ADMIN = 1 << 12

    def setUp(self):
        self.edge = Edge()
        self.addCleanup(self.edge.remove)

    def status(self):
        """The process's; every thread of it is held to the same."""
        tasks = f"/proc/{self.edge.process.pid}/task"
        found = {}
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/status") as file:
                found[task] = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertIn("ew-device", [status["Name"] for status in found.values()], "the data threads run")
        for status in found.values():
            self.check_narrow(status)
        return found[str(self.edge.process.pid)]

    def check_narrow(self, status):
        self.assertEqual(int(status["CapEff"], 16) & ~self.ONLY_NET_ADMIN, 0)
        self.assertEqual(int(status["CapPrm"], 16) & ~self.ONLY_NET_ADMIN, 0)
        self.assertEqual(int(status["CapInh"], 16), 0)
        self.assertEqual(int(status["CapAmb"], 16), 0)
        self.assertEqual(int(status["CapBnd"], 16) & ~(self.ONLY_NET_ADMIN | 1 << 10), 0)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(status["Seccomp"], "2", status["Name"])

    def test_without_its_user(self):
        self.as_user(None)
        status = self.status()
        self.assertEqual(status["Uid"].split(), ["0"] * 4)
        self.check_narrow(status)

    def as_user(self, line):
        """In a mount namespace whose /etc/passwd has that line for edgeway-edge, or none."""
        with open("/etc/passwd") as file:
            lines = [line for line in file if not line.startswith("edgeway-edge:")]
        passwd = os.path.join(self.edge.folder, "passwd")
        with open(passwd, "w") as file:
            file.writelines(lines + ([line + "\n"] if line else []))
        os.chmod(passwd, 0o644)
        with open(self.edge.log_path, "ab") as log, open(self.edge.output_path, "ab") as output:
            self.edge.process = subprocess.Popen(["unshare", "--mount", "sh", "-c", f"mount --bind {passwd} /etc/passwd && exec \"$@\"", "sh", PROGRAM, "run", *self.edge.arguments],
                                                 stdout=output, stderr=log)
        self.edge.wait_ready()

    def test_with_its_user(self):
        self.as_user(None)  # an earlier start, as root
        admin = self.edge.join(self.edge.first_key(), "admin")
        self.edge.stop()
        os.symlink("/etc/hostname", self.edge.state + "/link")
        os.makedirs(self.edge.state + "/publish/pages")
        with open(self.edge.state + "/publish/pages/x", "w"):
            pass
        before = os.stat("/etc/hostname").st_uid
        self.as_user("edgeway-edge:x:61777:61777::/nonexistent:/usr/sbin/nologin")
        status = self.status()
        self.assertEqual((status["Uid"].split(), status["Gid"].split(), status["Groups"].strip()), (["61777"] * 4, ["61777"] * 4, ""))
        self.check_narrow(status)
        for path in [self.edge.state, *glob.glob(self.edge.state + "/**", recursive=True)]:
            if not path.endswith("/link"):
                self.assertEqual(os.lstat(path).st_uid, 61777, path)
        self.assertEqual(os.stat("/etc/hostname").st_uid, before)
        self.assertEqual(admin.call("GET", "/v1/self").status, 200)
        self.assertEqual(self.edge.verb("status").returncode, 0, "root may always ask")
        self.assertEqual(self.edge.stop()[0], 0)


class Killed(unittest.TestCase):
    def test_first_start_killed_at_any_moment(self):
        random.seed(3)
        edge = Edge()
        self.addCleanup(edge.remove)
        seen = set()
        for i in range(40):
            edge.start(wait=False)
            time.sleep(0.004 * i if i < 30 else random.random() * 0.3)
            edge.kill()
            seen.add(tuple(sorted(os.path.basename(p) for p in glob.glob(edge.state + "/*") if not p.endswith(("-wal", "-shm", "-journal")))))
            if edge.output():
                break
        edge.start()
        self.assertGreater(len(seen), 1, seen)
        key = [line for line in edge.output().splitlines() if line.startswith("ew1_")][-1]
        admin = edge.join(key, "admin")
        self.assertEqual(admin.answer.json["role"], "admin")
        edge.stop()
        lines = edge.output()
        edge.start()
        self.assertEqual(edge.output(), lines)
        self.assertEqual(admin.call("GET", "/v1/self").status, 200)

    def test_killed_while_writing(self):
        """Enrollments, names and routes from several threads while the edge is killed again and again: what was confirmed exists, and
        every replay ends in exactly one node."""
        edge = Edge().start()
        self.addCleanup(edge.remove)
        admin = edge.join(edge.first_key(), "admin")
        keys = [admin.call("POST", "/v1/keys", {"kind": "server"}).json["key"] for _ in range(60)]
        answered, nodes, failures, lock = {}, [], [], threading.Lock()

        def work(part):
            for i in part:
                node = Node(edge, keys[i], f"web-{i}")
                with lock:
                    nodes.append(node)
                end = time.monotonic() + 60
                while time.monotonic() < end:
                    try:
                        answer = node.enroll(source=f"127.0.{i + 1}.1")
                    except (OSError, EOFError, Exception) as error:
                        if not isinstance(error, (OSError, EOFError)) and "http.client" not in type(error).__module__:
                            failures.append(error)
                            return
                        time.sleep(0.01)
                        continue
                    if answer.status == 200:
                        with lock:
                            answered[node.name] = answer.json["id"]
                        time.sleep(0.05)  # a fast machine would be done before the second kill
                    else:
                        failures.append(answer)
                    break
        threads = [threading.Thread(target=work, args=(range(t, 60, 4),)) for t in range(4)]
        for thread in threads:
            thread.start()
        kills = 0
        while any(t.is_alive() for t in threads):
            time.sleep(0.15)
            edge.kill()
            kills += 1
            edge.start()
        self.assertEqual(failures, [])
        self.assertGreater(kills, 1)
        there = {n["name"]: n for n in admin.call("GET", "/v1/nodes").json["nodes"]}
        self.assertEqual(set(there), set(answered) | {"admin"})
        self.assertEqual({name: there[name]["id"] for name in answered}, answered)
        addresses = [a for n in there.values() for a in n["addresses"]]
        self.assertEqual(len(addresses), len(set(addresses)))
        edge.stop()


class Secrets(unittest.TestCase):
    @unittest.skipUnless(ISOLATED, "needs root: the edge lets nobody else look into its process")
    def test_nothing_secret_is_told(self):
        edge = Edge()
        self.addCleanup(edge.remove)
        os.environ["EDGEWAY_DEBUG"] = "1"
        self.addCleanup(os.environ.pop, "EDGEWAY_DEBUG")
        edge.start()
        first = edge.first_key()
        admin = edge.join(first, "admin")
        second = admin.call("POST", "/v1/keys", {"kind": "server", "name": "web"}).json["key"]
        node = edge.join(second, "web")
        node.enroll()
        node.enroll(secret=parse_key(edge.admin_key())["secret"] + "x")
        edge.get("/v1/self", token=node.token + "x")
        node.call("DELETE", "/v1/self")
        node.call("GET", "/v1/self")
        edge.raw(b"POST /v1/enroll HTTP/1.1\r\nHost: e\r\nContent-Length: 5\r\n\r\n" + json.dumps(node.request()).encode(), timeout=1)
        with open(f"/proc/{edge.process.pid}/cmdline", "rb") as file:
            told = file.read()
        with open(f"/proc/{edge.process.pid}/environ", "rb") as file:
            told += file.read()
        edge.stop()
        told += edge.log().encode()
        self.assertIn(b"web", told)
        stored = b"".join(open(path, "rb").read() for path in glob.glob(edge.state + "/*") if os.path.isfile(path))
        with open(edge.state + "/wireguard.key") as file:
            private = file.read().strip()
        secrets = {"first key": first.encode(), "second key": second.encode()}
        for name, holder in (("admin", admin), ("node", node)):
            secrets[name + "'s secret"] = holder.key["secret"].encode()
            secrets[name + "'s secret, raw"] = base64.urlsafe_b64decode(holder.key["secret"] + "=")
            secrets[name + "'s credential"] = holder.token.split(".")[1].encode()
            secrets[name + "'s credential, raw"] = holder.credential
        for name, secret in secrets.items():
            self.assertNotIn(secret, told, name)
            self.assertNotIn(secret, stored, name)
        with open(edge.state + "/ca.pem") as file:
            ca = file.read().splitlines()[1]
        for secret in (private, ca):
            self.assertNotIn(secret.encode(), told)
            self.assertNotIn(secret.encode(), open(edge.state + "/store.db", "rb").read())


if __name__ == "__main__":
    unittest.main()
