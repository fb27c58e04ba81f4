# SPDX-License-Identifier: GPL-3.0-or-later
"""libnss_edgeway in the real glibc: an /etc, a /run and a network of this test's own, the LAN's resolver and the edge's as stand-ins.

    getent, a running python ──→ glibc ──→ libnss_edgeway ──→ /run/edgeway/names (ew-names) ──→ 127.0.0.2:53 "the edge"
                                   └─────→ nss_dns ──────────────────────────────────────────→ 127.0.0.1:53 "the LAN"
"""
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

BUILD = os.environ["EDGEWAY_BUILD"]
MODULES = os.path.join(BUILD, "daemon/nss")
NEWNS, NEWNET, PRIVATE = 0x20000, 0x40000000, 0x44000
ETC = ("passwd", "group", "ld.so.cache", "gai.conf", "host.conf", "services", "protocols", "ld.so.conf")
DEBIAN = "passwd:         files # by hand\nhosts:          files mdns4_minimal [NOTFOUND=return] dns\nnetworks:       files\n"
SUFFIX = "home.internal"
STOLEN = "stolen." + SUFFIX  # a name of the mesh's that the LAN's name server would answer
DEADLINE = 5 * 0.1  # five times what a hung edgewayd may cost


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def setUpModule():
    if ctypes.CDLL(None, use_errno=True).unshare(NEWNS | NEWNET) != 0:
        raise unittest.SkipTest("needs root")
    mount("--make-rprivate", "/")
    os.makedirs("/run/etc", exist_ok=True)
    mount("-t", "tmpfs", "-o", "mode=755", "none", "/run/etc")
    for name in ETC:
        if os.path.isfile(f"/etc/{name}"):
            shutil.copy(f"/etc/{name}", "/run/etc")
    mount("--move", "/run/etc", "/etc")
    os.rmdir("/run/etc")
    write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n")
    write("/etc/hosts", "127.0.0.1 localhost\n10.7.7.7 written.example\n")
    write("/etc/nsswitch.conf", DEBIAN)
    os.makedirs("/etc/state", mode=0o700)
    os.makedirs("/run/edgeway", exist_ok=True)
    mount("-t", "tmpfs", "-o", "mode=755", "none", "/run/edgeway")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def write(path, text):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.chmod(path + ".new", 0o644)
    os.rename(path + ".new", path)


def read(path):
    with open(path) as file:
        return file.read()


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("not in time")
        time.sleep(0.01)


class NameServer(threading.Thread):
    """Answers UDP by a table: (name, type) → addresses, a name, or "servfail"; other types of a known name are empty, the rest is NXDOMAIN."""
    A, PTR, AAAA, SOA = 1, 12, 28, 6

    def __init__(self, address, table):
        super().__init__(daemon=True)
        self.table, self.asked, self.delay, self.mute = table, [], 0.0, False
        self.known = {name for name, _ in table}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.tcp = socket.create_server((address, 53))
        self.cut = False
        threading.Thread(target=self.serve_tcp, daemon=True).start()
        self.start()

    @staticmethod
    def spell(name):
        return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"

    def answer(self, query, cut=False):
        end = query.index(0, 12) + 5
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, (kind,) = ".".join(labels).lower(), struct.unpack(">H", query[end - 4:end - 2])
        self.asked.append(name)
        found = self.table.get((name, kind), [])
        code = 2 if found == "servfail" else 0 if name in self.known else 3
        records = b""
        count = 0
        for one in found if code == 0 and not cut else []:
            data = self.spell(one) if kind == self.PTR else socket.inet_pton(socket.AF_INET6 if kind == self.AAAA else socket.AF_INET, one)
            records += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(data)) + data
            count += 1
        flags = 0x8580 | code | (0x0200 if cut else 0)
        return query[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + query[12:end] + records

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            if self.mute:
                self.asked.append("mute")
                continue
            if self.delay:
                time.sleep(self.delay)
            self.socket.sendto(self.answer(query, self.cut), peer)

    def serve_tcp(self):
        while True:
            connection, _ = self.tcp.accept()
            with connection:
                length = connection.recv(2)
                if len(length) == 2:
                    answer = self.answer(connection.recv(4096))
                    connection.sendall(struct.pack(">H", len(answer)) + answer)


PROBE = """
import json, socket, sys
def outcome(name, *arguments):
    try:
        return json.dumps(getattr(socket, name)(*arguments))
    except (OSError, UnicodeError) as error:
        return f"{type(error).__name__} {error.args[0]}"
for line in sys.stdin:
    name = line.strip()
    if name[:1].isdigit() or ":" in name:
        print(json.dumps([outcome("gethostbyaddr", name)]), flush=True)
        continue
    print(json.dumps([outcome("getaddrinfo", name, None, f, socket.SOCK_STREAM, 0, socket.AI_CANONNAME) for f in (0, socket.AF_INET, socket.AF_INET6)]
                     + [outcome("gethostbyname_ex", name)]), flush=True)
"""
FOREIGN = ["www.example", "v4.example", "v6.example", "broken.example", "none.example", "written.example", "printer", "nobody", "localhost", "home.internal",
           "internal", "nas.home.internal.example", "xhome.internal", "nas.xhome.internal", "bad_name.example", "-", "a" * 64 + ".example", "ex\u00e4mple.de", "x.local",
           "10.5.0.1", "10.5.0.9", "fd99::1", "127.0.0.1"]


class Program:
    """A process that was there before anything changed."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-B", "-c", PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, LD_LIBRARY_PATH=MODULES, PYTHONUTF8="1"))

    def look(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


class Daemon:
    def __init__(self, **environment):
        self.process = subprocess.Popen([os.path.join(BUILD, "tests/lib/ew-names"), "/run/edgeway", "/etc/state/undo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, **environment))

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def works(self, word="works"):
        said = self.say(f"{word} {SUFFIX} 127.0.0.2 53 100.96.0.0/12 fd45::/64")
        time.sleep(0.02)  # real time: nothing says when its thread has it
        return said

    def end(self, number=None):
        if number is not None:
            self.process.send_signal(number)
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)


def getent(*arguments):
    result = subprocess.run(["getent", *arguments], capture_output=True, text=True, env=dict(os.environ, LD_LIBRARY_PATH=MODULES), timeout=30)
    return result.returncode, result.stdout


def addresses(name):
    return sorted({line.split()[0] for line in getent("ahosts", name)[1].splitlines()})


class Nss(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        A, AAAA, PTR = NameServer.A, NameServer.AAAA, NameServer.PTR
        cls.lan = NameServer("127.0.0.1", {("www.example", A): ["192.0.2.1"], ("www.example", AAAA): ["2001:db8::1"], ("v4.example", A): ["192.0.2.4"],
                                           ("v6.example", AAAA): ["2001:db8::6"], ("broken.example", A): "servfail", ("broken.example", AAAA): "servfail",
                                           (STOLEN, A): ["192.0.2.66"], (STOLEN, AAAA): ["2001:db8::66"], ("66.0.96.100.in-addr.arpa", PTR): ["stolen.example"],
                                           ("printer", A): ["192.0.2.9"], ("v4", A): "servfail", ("v4", AAAA): "servfail", ("1.0.5.10.in-addr.arpa", PTR): ["www.example"]})
        cls.edge = NameServer("127.0.0.2", {("nas.home.internal", A): ["100.96.0.5"], ("nas.home.internal", AAAA): ["fd45::5"], ("v4.home.internal", A): ["100.96.0.4"],
                                            ("printer.home.internal", A): ["100.96.0.9"], ("printer.home.internal", AAAA): ["fd45::9"], ("evil.home.internal", A): ["192.168.1.1", "100.96.0.6"],
                                            ("outside.home.internal", A): ["192.168.1.1"], ("www.example", A): ["100.96.0.66"],
                                            ("wiki.corp.example", A): ["10.77.0.8", "192.168.1.1"], ("behind.home.internal", A): ["10.77.0.8"],
                                            ("broken.home.internal", A): "servfail", ("broken.home.internal", AAAA): "servfail",
                                            ("5.0.96.100.in-addr.arpa", PTR): ["nas.home.internal"], ("6.0.96.100.in-addr.arpa", PTR): ["www.example"],
                                            ("5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.4.d.f.ip6.arpa", PTR): ["nas.home.internal"]})
        cls.program = Program()
        cls.before = {name: cls.program.look(name) for name in FOREIGN}

    @classmethod
    def tearDownClass(cls):
        cls.program.end()

    def setUp(self):
        write("/etc/nsswitch.conf", DEBIAN)
        if os.path.exists("/etc/state/undo"):
            os.remove("/etc/state/undo")
        self.edge.delay, self.edge.mute, self.edge.cut = 0.0, False, False
        self.daemon = None

    def tearDown(self):
        if self.daemon and self.daemon.process.poll() is None:
            self.daemon.process.send_signal(signal.SIGCONT)
            self.daemon.end()

    def start(self, word="works", **environment):
        self.daemon = Daemon(**environment)
        self.assertEqual(self.daemon.works(word), "ok")
        self.assertEqual(self.daemon.say("add"), "ok")
        self.assertIn("files edgeway [!UNAVAIL=return] mdns4_minimal [NOTFOUND=return] dns edgeway_short\n", read("/etc/nsswitch.conf"))

    def found(self, look, wanted):
        """Of the mesh's names: a machine under load may miss the module's bound of 100 ms now and then."""
        end = time.monotonic() + 20
        while (seen := look()) != wanted and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(seen, wanted)

    def compare_foreign(self, what):
        new = Program()
        for program in (self.program, new):
            for name, outcome in self.before.items():
                self.assertEqual(program.look(name), outcome, (what, name))
        new.end()

    def test_names(self):
        self.start()
        self.found(lambda: addresses("nas.home.internal"), ["100.96.0.5", "fd45::5"])
        self.found(lambda: addresses("NAS.Home.Internal."), ["100.96.0.5", "fd45::5"])
        self.found(lambda: getent("hosts", "v4.home.internal"), (0, "100.96.0.4      v4.home.internal\n"))
        self.assertEqual(getent("ahostsv6", "v4.home.internal")[1].count("STREAM"), getent("ahostsv6", "v4.example")[1].count("STREAM"))
        # Of one label: only names that no other source knows.
        self.found(lambda: addresses("nas"), ["100.96.0.5", "fd45::5"])
        self.found(lambda: addresses("printer"), ["192.0.2.9"])
        # /etc/hosts has it, with an address of the other family only.
        self.found(lambda: getent("hosts", "nas")[1].split(), ["fd45::5", "nas.home.internal"])
        hosts = read("/etc/hosts")
        for line in ("10.7.7.8 nas", "127.0.1.1\tbox.lan.example NAS # mine", "fd00:7::8 nas"):
            write("/etc/hosts", hosts + line + "\n")
            try:
                for family in ("hosts", "ahosts", "ahostsv4", "ahostsv6"):
                    seen = getent(family, "nas")[1]
                    self.assertNotRegex(seen, "fd45::5|100.96.0.5", (line, family))
                self.assertIn(line.split()[0], getent("hosts", "nas")[1])
            finally:
                write("/etc/hosts", hosts)
        # Where no name server can be reached, and where one refuses every single label, as systemd-resolved's stub does.
        for text in ("nameserver 127.0.0.9\noptions timeout:5 attempts:2\n", "# stub\nsearch lan.example\nnameserver 127.0.0.53\noptions edns0\n"):
            write("/etc/resolv.conf", text)
            try:
                self.found(lambda: addresses("nas"), ["100.96.0.5", "fd45::5"])
                self.found(lambda: self.program.look("nas") == self.program.look("nas.home.internal"), True)
                self.found(lambda: addresses("nas.home.internal"), ["100.96.0.5", "fd45::5"])
                self.assertEqual(self.program.look("nobody")[0], f"gaierror {socket.EAI_AGAIN}")
            finally:
                write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n")
        # … and where it is silent, or fails at this name: as soon as the C library has stopped waiting.
        write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        self.lan.mute = True
        try:
            self.found(lambda: addresses("nas"), ["100.96.0.5", "fd45::5"])
            self.assertEqual(addresses("nobody"), [])
        finally:
            self.lan.mute = False
            write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n")
        self.found(lambda: addresses("v4"), ["100.96.0.4"])
        # A gateway's domain leads into its network, the mesh's names don't.
        self.found(lambda: addresses("wiki.corp.example"), ["10.77.0.8"])
        self.assertEqual(addresses("behind.home.internal"), [])
        # Reverse.
        self.found(lambda: getent("hosts", "100.96.0.5"), (0, "100.96.0.5      nas.home.internal\n"))
        self.found(lambda: getent("hosts", "fd45::5"), (0, "fd45::5         nas.home.internal\n"))
        # Names that don't exist in the mesh are not asked for elsewhere.

        def leaks():
            self.lan.asked.clear()
            self.assertEqual(getent("hosts", "nobody.home.internal"), (2, ""))
            self.assertEqual(getent("hosts", "100.96.0.77"), (2, ""))
            return [name for name in self.lan.asked if "internal" in name or "arpa" in name]
        self.found(leaks, [])
        # An edge that turned hostile: addresses of others, names of others.
        self.found(lambda: addresses("evil.home.internal"), ["100.96.0.6"])
        self.assertEqual(addresses("outside.home.internal"), [])
        self.assertEqual(getent("hosts", "100.96.0.6"), (2, ""))
        # In a program that was already running, and with every function of glibc.
        self.found(lambda: [text in seen for text, seen in zip(("fd45::5", "100.96.0.5", "fd45::5", '"nas.home.internal"'), self.program.look("nas.home.internal"))], [True] * 4)
        self.found(lambda: self.program.look("broken.home.internal")[0], f"gaierror {socket.EAI_AGAIN}")
        self.compare_foreign("works")
        self.assertEqual([name for name in self.edge.asked if not name.endswith(("home.internal", "arpa", "corp.example"))], [])

    def test_long_way(self):
        """An edge that is far away, and one whose answer must be asked for by TCP."""
        self.start()
        self.edge.delay = 0.2
        self.found(lambda: addresses("nas.home.internal"), ["100.96.0.5", "fd45::5"])
        self.edge.delay, self.edge.cut = 0.0, True
        time.sleep(1.1)  # real time: the record's TTL, in the module's process
        self.found(lambda: addresses("nas.home.internal"), ["100.96.0.5", "fd45::5"])

    def test_no_answer(self):
        again = f"gaierror {socket.EAI_AGAIN}"
        self.start("down")
        self.found(lambda: self.program.look("nas.home.internal")[0], again)
        self.compare_foreign("down")
        self.assertEqual(self.daemon.works(), "ok")
        self.edge.mute = True
        begun = time.monotonic()
        self.program.look("nas.home.internal")  # four look-ups
        self.assertLess(time.monotonic() - begun, 4 * 5 * 1.5)
        self.edge.mute = False
        self.assertEqual(self.daemon.say("none"), "ok")
        self.compare_foreign("no mesh")

    def test_buffers(self):
        """The caller's buffer of any size: ERANGE, or all of the answer, and never a byte beyond it."""
        self.start()
        module = ctypes.CDLL(os.path.join(MODULES, "libnss_edgeway.so.2"))
        fine, small = 1, -2  # NSS_STATUS_SUCCESS, _TRYAGAIN
        name, address = b"nas.home.internal", bytes((100, 96, 0, 5))
        for what in ("4", "3", "2", "address"):
            outcomes = []
            for size in (*range(0, 400, 7), 1024):
                memory = (ctypes.c_ubyte * (size + 64))(*([0xA5] * (size + 64)))
                result, error, h_error, ttl = (ctypes.c_void_p * 8)(), ctypes.c_int(0), ctypes.c_int(0), ctypes.c_int32(-1)
                tail = (memory, ctypes.c_size_t(size), ctypes.byref(error), ctypes.byref(h_error))
                self.found(lambda: addresses("nas.home.internal") != [], True) if size == 0 else None
                if what == "4":
                    status = module._nss_edgeway_gethostbyname4_r(name, ctypes.byref(result), *tail, ctypes.byref(ttl))
                elif what == "3":
                    status = module._nss_edgeway_gethostbyname3_r(name, socket.AF_INET6, ctypes.byref(result), *tail, ctypes.byref(ttl), None)
                elif what == "2":
                    status = module._nss_edgeway_gethostbyname2_r(name, socket.AF_INET, ctypes.byref(result), *tail)
                else:
                    status = module._nss_edgeway_gethostbyaddr2_r(address, 4, socket.AF_INET, ctypes.byref(result), *tail, ctypes.byref(ttl))
                self.assertEqual(bytes(memory[size:]), b"\xa5" * 64, (what, size))
                if status == -1:
                    continue  # the bound was missed
                if status == small:
                    self.assertEqual((error.value, h_error.value), (errno.ERANGE, -1), (what, size))  # NETDB_INTERNAL
                    self.assertTrue(what != "4" or not result[0])
                else:
                    self.assertEqual((status, h_error.value), (fine, 0), (what, size))
                    self.assertTrue(what == "2" or 0 < ttl.value <= 30, ttl.value)
                outcomes.append(status)
            self.assertEqual(outcomes, sorted(outcomes), what)
            self.assertEqual(set(outcomes), {small, fine}, what)

    @unittest.skipUnless(shutil.which("valgrind"), "needs valgrind")
    def test_memory(self):
        self.start()
        for form in (["ahosts", "nas.home.internal", "nas", "www.example"], ["hosts", "100.96.0.5", "v4.home.internal", "nobody"]):
            def look():
                result = subprocess.run(["valgrind", "-q", "--leak-check=full", "--error-exitcode=9", "getent", *form], capture_output=True, text=True,
                                        env=dict(os.environ, LD_LIBRARY_PATH=MODULES), timeout=120)
                self.assertNotIn("==", result.stderr)
                self.assertIn(result.returncode, (0, 2))
                return "100.96.0.5" in result.stdout
            self.found(look, True)

    def test_word_that_ends(self):
        """A name server whose "not found" ends the look-up: names of one label are looked up right after it, and nothing follows that didn't
        before."""
        ends = "hosts: files dns [!UNAVAIL=return] db files\n"
        write("/etc/nsswitch.conf", ends)
        before = {name: self.program.look(name) for name in FOREIGN}
        self.daemon = Daemon()
        self.daemon.works()
        self.assertEqual(self.daemon.say("add"), "ok")
        self.assertEqual(read("/etc/nsswitch.conf"),
                         "hosts: files edgeway [!UNAVAIL=return] dns [!UNAVAIL=return NOTFOUND=continue] edgeway_short [NOTFOUND=return] db files edgeway_short\n")
        self.found(lambda: addresses("nas"), ["100.96.0.5", "fd45::5"])
        self.found(lambda: addresses("printer"), ["192.0.2.9"])
        self.assertEqual({name: self.program.look(name) for name in FOREIGN}, before)
        self.assertEqual(self.daemon.say("remove"), "ok")
        self.assertEqual(read("/etc/nsswitch.conf"), ends)

    def look_stolen(self, found):
        """The mesh's name isn't left to the LAN's name server: it may be found later, or it isn't there."""
        for name in (STOLEN, "100.96.0.66"):
            for outcome in self.program.look(name):
                self.assertTrue(outcome in found or outcome == "herror 2", (name, outcome))
        self.assertNotIn(STOLEN, self.lan.asked)

    def test_hung(self):
        self.start()
        self.lan.asked.clear()
        self.daemon.process.send_signal(signal.SIGSTOP)
        tasks = f"/proc/{self.daemon.process.pid}/task"
        wait_until(lambda: all(read(f"{tasks}/{task}/stat").rsplit(")", 1)[1].split()[0] == "T" for task in os.listdir(tasks)))
        self.look_stolen([f"gaierror {socket.EAI_AGAIN}"])
        for name in ("nas.home.internal", "nobody", "100.96.0.5"):
            begun = time.monotonic()
            self.program.look(name)  # four look-ups
            self.assertLess(time.monotonic() - begun, 4 * DEADLINE)
        asked = len(self.edge.asked)
        self.compare_foreign("hung")
        self.assertEqual(len(self.edge.asked), asked)
        # Full queue: no caller waits.
        with contextlib.ExitStack() as waiting:
            with self.assertRaises(BlockingIOError):
                for _ in range(1500):
                    one = waiting.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK))
                    one.connect("/run/edgeway/names")
            begun = time.monotonic()
            self.look_stolen([f"gaierror {socket.EAI_AGAIN}"])
            self.assertLess(time.monotonic() - begun, 6 * DEADLINE)

    def test_killed(self):
        """Wherever it is killed, other names resolve as before, and the next start leaves the file as it was."""
        for step in ("note down", "set up the word", "alive", "both"):
            with self.subTest(step=step):
                write("/etc/nsswitch.conf", DEBIAN)
                self.daemon = Daemon(**({"NO_KEEPER": "1"} if step == "both" else {"KILL_AT": step}))
                self.assertEqual(self.daemon.works(), "ok")
                if step in ("alive", "both"):
                    self.assertEqual(self.daemon.say("add"), "ok")
                    self.daemon.end(signal.SIGKILL)
                else:
                    self.assertEqual(self.daemon.say("add"), "")
                    self.daemon.end()
                self.compare_foreign(step)
                if step != "both":  # the keeper has cleaned up
                    wait_until(lambda: read("/etc/nsswitch.conf") == DEBIAN)
                self.next_boot()
                self.daemon = Daemon()
                self.assertEqual(self.daemon.say("undo"), "ok")
                self.assertEqual(read("/etc/nsswitch.conf"), DEBIAN)
                self.assertEqual(read("/etc/state/undo") if os.path.exists("/etc/state/undo") else "", "")
                self.daemon.end()

    @staticmethod
    def revert():
        result = subprocess.run([os.path.join(BUILD, "daemon/service/edgewayd"), "--revert", "--state-dir", "/etc/state"], capture_output=True, text=True, timeout=30)
        return result.returncode, result.stdout + result.stderr

    def test_revert(self):
        """Without the daemon: all of it is undone, and nothing of what others have changed."""
        self.assertEqual(self.revert(), (0, "There was nothing to undo in /etc/state.\n"))
        self.daemon = Daemon(NO_KEEPER="1")
        self.assertEqual(self.daemon.works(), "ok")
        self.assertEqual(self.daemon.say("add"), "ok")
        self.daemon.end(signal.SIGKILL)
        write("/etc/nsswitch.conf", read("/etc/nsswitch.conf") + "ethers: db files\n")
        self.next_boot()
        self.assertEqual(self.revert(), (0, "Every change that was noted in /etc/state was undone.\n"))
        self.assertEqual(read("/etc/nsswitch.conf"), DEBIAN + "ethers: db files\n")
        self.assertEqual(read("/etc/state/undo"), "")
        self.assertEqual(os.listdir("/run/edgeway"), [])
        # The ledger is lost.
        write("/etc/nsswitch.conf", "hosts: files edgeway [!UNAVAIL=return] dns edgeway_short\n")
        self.assertEqual(self.revert(), (0, "Every change that was noted in /etc/state was undone.\n"))
        self.assertEqual(read("/etc/nsswitch.conf"), "hosts: files dns\n")
        # What can't be undone is reported; so is a running edgewayd.
        write("/etc/state/undo", "rubbish\nrubbish\n")
        code, said = self.revert()
        self.assertEqual(code, 1)
        self.assertIn("can't be used (line 1 is damaged)", said)
        with open("/etc/state/lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            code, said = self.revert()
        self.assertEqual(code, 1)
        self.assertIn("Another edgewayd already uses the state in /etc/state. Stop it first", said)

    def next_boot(self):
        """The ledger as an earlier boot would have left it: the sums are of the entries alone."""
        if not os.path.exists("/etc/state/undo"):
            return
        import hashlib
        boot, lines = read("/proc/sys/kernel/random/boot_id").strip(), []
        for line in read("/etc/state/undo").splitlines():
            entry = line[line.index('"entry":') + 8:-1].replace(boot, "00000000-0000-4000-8000-000000000000")
            lines.append('{"sum":"%s","entry":%s}\n' % (hashlib.sha256(entry.encode()).hexdigest()[:16], entry))
        write("/etc/state/undo", "".join(lines))

    def test_others_write(self):
        self.start()
        # An administrator's or an updater's edits stay, Edgeway's are removed.
        write("/etc/nsswitch.conf", read("/etc/nsswitch.conf").replace("passwd:         files", "passwd: files systemd").replace(" dns edgeway_short", " dns mymachines edgeway_short"))
        self.assertEqual(self.daemon.say("remove"), "ok")
        self.assertEqual(read("/etc/nsswitch.conf"), DEBIAN.replace("passwd:         files", "passwd: files systemd").replace(" dns\n", " dns mymachines\n"))
        # Words that were there before must not be removed.
        write("/etc/nsswitch.conf", "hosts: files edgeway dns edgeway_short\n")
        self.assertEqual(self.daemon.say("add"), "ok")
        self.assertEqual(self.daemon.say("undo"), "ok")
        self.assertEqual(read("/etc/nsswitch.conf"), "hosts: files edgeway dns edgeway_short\n")

    def test_kinds_of_file(self):
        """A link, a mount, no file, a read-only /etc, an immutable file: it works, or the error says why."""
        self.daemon = Daemon()
        os.makedirs("/etc/authselect", exist_ok=True)
        write("/etc/authselect/nsswitch.conf", DEBIAN)
        os.remove("/etc/nsswitch.conf")
        os.symlink("authselect/nsswitch.conf", "/etc/nsswitch.conf")
        self.assertEqual(self.daemon.say("add"), "ok")
        self.assertTrue(os.path.islink("/etc/nsswitch.conf"))
        self.assertIn("edgeway_short", read("/etc/authselect/nsswitch.conf"))
        self.assertEqual(self.daemon.say("remove"), "ok")
        self.assertEqual(read("/etc/authselect/nsswitch.conf"), DEBIAN)
        os.remove("/etc/nsswitch.conf")
        self.assertIn("has no line", self.daemon.say("add"))
        os.symlink("/usr/share/libc-bin/nsswitch.conf" if os.path.exists("/usr/share/libc-bin/nsswitch.conf") else "/usr/bin/env", "/etc/nsswitch.conf")
        self.assertIn("outside /etc", self.daemon.say("add"))
        os.remove("/etc/nsswitch.conf")
        write("/etc/nsswitch.conf", DEBIAN)
        write("/etc/mounted", DEBIAN)
        mount("--bind", "/etc/mounted", "/etc/nsswitch.conf")
        self.daemon.end()
        self.daemon = Daemon()
        self.assertEqual(self.daemon.say("add"), "ok")
        self.assertIn("edgeway_short", read("/etc/mounted"))
        self.assertEqual(self.daemon.say("remove"), "ok")
        self.assertEqual(read("/etc/mounted"), DEBIAN)
        subprocess.run(["umount", "/etc/nsswitch.conf"], check=True)
        mount("-o", "remount,ro", "/etc")
        try:
            self.assertIn("The undo ledger can't be written to the disk, so /etc/nsswitch.conf wasn't changed.", self.daemon.say("add"))
        finally:
            mount("-o", "remount,rw", "/etc")
        self.assertEqual(os.stat("/etc/nsswitch.conf").st_mode & 0o7777, 0o644)

    def test_access_list(self):
        """Whom an access control list lets read the file: entries of tag, permissions and ID (acl(5))."""
        self.daemon = Daemon()
        acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in ((1, 6, -1), (2, 4, 60001), (4, 0, -1), (16, 4, -1), (32, 0, -1)))
        os.setxattr("/etc/nsswitch.conf", "system.posix_acl_access", acl)
        for order in ("add", "remove"):
            self.assertEqual(self.daemon.say(order), "ok")
            self.assertEqual(os.getxattr("/etc/nsswitch.conf", "system.posix_acl_access"), acl)
        self.assertEqual(read("/etc/nsswitch.conf"), DEBIAN)

    def test_readers(self):
        """A program that reads the file in the meantime sees the old one or the new one."""
        self.daemon = Daemon()
        self.daemon.works()
        stop, seen = threading.Event(), set()

        def look():
            while not stop.is_set():
                seen.add(read("/etc/nsswitch.conf"))
        reader = threading.Thread(target=look)
        reader.start()
        for _ in range(50):
            self.assertEqual(self.daemon.say("add"), "ok")
            self.assertEqual(self.daemon.say("remove"), "ok")
        stop.set()
        reader.join()
        self.assertEqual(len(seen), 2)

    def test_two_writers(self):
        """A daemon that exits late edits the file while the next one starts: neither overwrites the file with the other's half-written text."""
        self.daemon = Daemon()
        other = subprocess.Popen([os.path.join(BUILD, "tests/lib/ew-names"), "/run/edgeway", "/etc/state/other"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(other.wait)
        self.addCleanup(other.stdout.close)
        self.addCleanup(other.stdin.close)
        stop, seen, failed = threading.Event(), set(), []

        def look():
            while not stop.is_set():
                with open("/etc/nsswitch.conf") as file:
                    seen.add((file.read(), os.fstat(file.fileno()).st_mode & 0o7777))

        def toggle():
            for _ in range(4000):
                for order in ("add", "remove"):
                    other.stdin.write(order + "\n")
                    other.stdin.flush()
                    failed.append(other.stdout.readline().strip())
        threads = [threading.Thread(target=look), threading.Thread(target=toggle)]
        for thread in threads:
            thread.start()
        while threads[1].is_alive():
            failed += [self.daemon.say("add"), self.daemon.say("remove")]
        stop.set()
        threads[0].join()
        self.assertEqual({mode for _, mode in seen}, {0o644})
        self.assertEqual(len(seen), 2, seen)
        self.assertEqual(set(failed), {"ok"})
        self.assertFalse([name for name in os.listdir("/etc") if name.startswith(".nsswitch")])

    def test_strangers(self):
        """Whatever connects: nonsense, silence, crowds; another user than root is answered too."""
        self.start()
        for data in (b"", b"\1", b"\2\1\0\0nas.home.internal", b"\1\1\0\0" + b"a" * 400, os.urandom(64), b"\1\1\0\0nas..home.internal"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
                one.settimeout(5)
                one.connect("/run/edgeway/names")
                one.send(data)
                self.assertEqual(one.recv(100), b"", data)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:  # other names don't leave
            one.settimeout(5)
            one.connect("/run/edgeway/names")
            one.send(b"\1\1\0\0www.example")
            self.assertEqual(one.recv(100)[1], 4)
        crowd = []
        for _ in range(32):
            one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            one.connect("/run/edgeway/names")
            crowd.append(one)
        self.copy_modules()
        self.found(lambda: "100.96.0.5" in subprocess.run(["setpriv", "--reuid", "65534", "--clear-groups", "getent", "ahosts", "nas.home.internal"], capture_output=True,
                                                          text=True, env=dict(os.environ, LD_LIBRARY_PATH="/run/edgeway/lib"), timeout=60).stdout, True)
        for one in crowd:
            one.close()

    def test_crowd_of_many(self):
        """One local user may have many user IDs: connections without a question make room for those with one."""
        self.start()
        take = ("import os, socket, sys, time\nos.setuid(int(sys.argv[1]))\nheld = []\nwhile True:\n    one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
                "    one.connect('/run/edgeway/names')\n    held = held[-900:] + [one]\n    if len(held) > 40:\n        print(flush=True)\n        time.sleep(0.002)\n")
        with contextlib.ExitStack() as crowd:
            for uid in (60001, 60002, 60003):
                one = subprocess.Popen([sys.executable, "-B", "-c", take, str(uid)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                crowd.callback(one.wait)
                crowd.callback(one.kill)
                crowd.callback(one.stdout.close)
                one.stdout.readline()
            answered = sum(self.ask_by_hand(b"nas.home.internal") for _ in range(40))
        self.assertGreater(answered, 20)

    @staticmethod
    def ask_by_hand(name):
        """TRUE: its address is the answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
            one.settimeout(DEADLINE)
            try:
                one.connect("/run/edgeway/names")
                one.send(b"\1\1\4\0" + name)
                return one.recv(500)[1:2] == b"\0"
            except OSError:
                return False

    def test_interface_removed(self):
        """Without the tunnel, another host with the edge's address is not asked."""
        self.start(INTERFACE="gone0")
        asked = len(self.edge.asked)
        self.assertEqual(self.program.look("nas.home.internal")[0], f"gaierror {socket.EAI_AGAIN}")
        self.assertEqual(len(self.edge.asked), asked)

    @staticmethod
    def copy_modules():
        os.makedirs("/run/edgeway/lib", exist_ok=True)
        for name in ("libnss_edgeway.so.2", "libnss_edgeway_short.so.2"):
            shutil.copy(os.path.join(MODULES, name), "/run/edgeway/lib")
        os.chmod("/run/edgeway/lib", 0o755)
        return True

    def test_rate(self):
        self.start()
        refused = 0
        for _ in range(12000):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
                one.connect("/run/edgeway/names")
                one.send(b"\1\1\4\0nas.home.internal")
                refused += one.recv(500)[1] == 3
            if refused:
                break
        self.assertGreater(refused, 0)


if __name__ == "__main__":
    unittest.main()
