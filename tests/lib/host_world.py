# SPDX-License-Identifier: GPL-3.0-or-later
"""A small world around one machine whose network edgewayd's room "net" changes.

      client 203.0.113.9, site 198.51.100.5                    site 198.51.100.5, node 100.96.2.2, 10.9.0.5
      client 2001:db8:9::9, site 2001:db8:5::5                 site 2001:db8:5::5, node fd45::22
                |                                                          |
        [ outside ] 192.168.7.1 ---- 192.168.7.2 [ host ] edgeway0 ~~~~ edge0 [ beyond ]
                    2001:db8:7::1   192.0.2.2 ::2  | 192.168.55.1
                                                   | 192.168.55.10 (no default route)
                                                [ inner ]

The "~" is a pump between two TUN devices: in place of the real engine and edge. The two sites have one address: which
one answers tells which way a packet went. Sockets are made by this process inside the namespaces.
"""
import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import threading
import time

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build")
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
SITE, SITE6, CLIENT, CLIENT6 = "198.51.100.5", "2001:db8:5::5", "203.0.113.9", "2001:db8:9::9"
PUBLIC = "192.0.2.2"  # an address of the host that is not private
MESH = ("address=100.96.1.7 address=fd45::7 route=100.96.0.0/12 route=fd45::/48 route=10.9.0.0/16 "
        "mesh=100.96.0.0/12 mesh=fd45::/48")
GATEWAY = " forward=192.168.55.0/24 forward=fd55::/64"

# What Edgeway may change, all of it; counters and lifetimes left out. TUN keeps its queue discipline once it was up.
SNAPSHOT = r"""
ip -d addr | sed -E 's/valid_lft [^ ]+ preferred_lft [^ ]+//'
for f in 4 6; do ip -$f -d route show table all | sed -E 's/expires [0-9]+sec//' | sort; ip -$f -d rule; done
nft -s list ruleset
cd /proc/sys/net
grep -r . ipv4/ip_forward ipv4/conf/*/forwarding ipv4/conf/*/rp_filter ipv4/conf/*/src_valid_mark ipv4/conf/*/accept_redirects \
  ipv4/conf/*/arp_ignore ipv6/conf/*/forwarding ipv6/conf/*/accept_ra ipv6/conf/*/disable_ipv6
"""


@contextlib.contextmanager
def inside(namespace):
    """This thread's sockets and devices are made in the namespace."""
    with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{namespace}") as there:
        if LIBC.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            LIBC.setns(home.fileno(), CLONE_NEWNET)


def open_tun(namespace, name):
    with inside(namespace):
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH14x", name.encode(), IFF_TUN | IFF_NO_PI))
    return tun


class Driver:
    """A process of tests/lib/ew-host on a ledger."""

    def __init__(self, world, kill_at=0, wrap=()):
        argv = ["ip", "netns", "exec", world.host, *wrap, os.path.join(BUILD, "tests/lib/ew-host"), world.ledger, str(kill_at)]
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, command):
        """The answer's line; "" where the process died."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def do(self, command):
        answer = self.ask(command)
        if not answer.startswith("ok"):
            raise AssertionError(f"{command}: {answer or 'died: ' + self.process.stderr.read()}")
        return answer[3:]

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.said = said = self.process.stderr.read()
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()
        self.process.wait(20)
        if "Sanitizer" in said or "runtime error" in said:
            raise AssertionError(said)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class World:
    def __init__(self):
        prefix = f"ewh{os.getpid()}"
        self.host, self.outside, self.beyond, self.inner = (f"{prefix}{letter}" for letter in "hobi")
        self.names = (self.host, self.outside, self.beyond, self.inner)
        self.folder = f"/tmp/{prefix}"
        self.ledger = f"{self.folder}/undo"
        self.tuns, self.sockets, self.stop = [], [], threading.Event()
        os.makedirs(self.folder, 0o700, exist_ok=True)
        try:
            self.build()
        except BaseException:
            self.close()
            raise

    def sh(self, namespace, script, check=True):
        result = subprocess.run(["ip", "netns", "exec", namespace, "sh", "-ec", script], capture_output=True, text=True, timeout=60)
        if check and result.returncode:
            raise AssertionError(f"{script}: {result.stdout}{result.stderr}")
        return result.stdout

    def build(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "add", name], check=True)
            # A new network has the forwarding that the computer's own has at this moment: Docker's, or that of a trial.
            self.sh(name, "sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv6.conf.default.accept_dad=0 "
                          "net.ipv6.conf.all.accept_dad=0; ip link set lo up")
        self.sh(self.host, f"""
            ip link add eth0 type veth peer name eth0 netns {self.outside}
            ip link add lan0 type veth peer name lan0 netns {self.inner}
            ip addr add 192.168.7.2/24 dev eth0; ip addr add {PUBLIC}/32 dev eth0; ip addr add 2001:db8:7::2/64 dev eth0 nodad; ip link set eth0 up
            ip addr add 192.168.55.1/24 dev lan0; ip addr add fd55::1/64 dev lan0 nodad; ip link set lan0 up""")
        self.sh(self.outside, f"""
            sysctl -qw net.ipv4.ip_forward=1
            ip addr add 192.168.7.1/24 dev eth0; ip addr add 2001:db8:7::1/64 dev eth0 nodad; ip link set eth0 up
            for a in {SITE} {CLIENT} {SITE6} {CLIENT6}; do ip addr add $a dev lo; done; ip route add {PUBLIC} via 192.168.7.2""")
        self.sh(self.host, "ip route add default via 192.168.7.1; ip -6 route add default via 2001:db8:7::1")
        self.sh(self.inner, "ip addr add 192.168.55.10/24 dev lan0; ip addr add fd55::10/64 dev lan0 nodad; ip link set lan0 up")
        self.tuns = [open_tun(self.host, "edgeway0"), open_tun(self.beyond, "edge0")]
        self.sh(self.host, "ip link set edgeway0 up; ip link set edgeway0 down")
        self.sh(self.beyond, f"""
            for a in {SITE} {SITE6} 100.96.2.2 10.9.0.5 fd45::22; do ip addr add $a dev lo; done
            ip link set edge0 up; ip route add default dev edge0; ip -6 route add default dev edge0""")
        threading.Thread(target=self.pump, daemon=True).start()
        for name in (self.outside, self.beyond, self.inner):
            self.serve(name)

    def pump(self):
        while not self.stop.is_set():
            for tun in select.select(self.tuns, [], [], 0.2)[0]:
                with contextlib.suppress(OSError):  # the other one is down
                    os.write(self.tuns[1 - self.tuns.index(tun)], os.read(tun, 65536))

    def listen(self, namespace, port, family=socket.AF_INET6, kind=socket.SOCK_STREAM, address=""):
        with inside(namespace):
            listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        if kind == socket.SOCK_STREAM:
            listener.listen(16)
        self.sockets.append(listener)
        return listener

    def serve(self, namespace):
        """Port 80 answers each connection with the namespace's letter and the address it sees."""
        listener = self.listen(namespace, 80)

        def loop():
            with contextlib.suppress(OSError):
                while True:
                    connection, peer = listener.accept()
                    with connection:
                        connection.sendall(f"{namespace[-1]} {peer[0].replace('::ffff:', '')}".encode())
        threading.Thread(target=loop, daemon=True).start()

    def seen(self, address, namespace=None, source=None, timeout=2.0):
        """Which site answered and what address it saw: "o 192.168.7.2"; otherwise the error's name."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with inside(namespace or self.host):
            client = socket.socket(family, socket.SOCK_STREAM)
        with client:
            client.settimeout(timeout)
            try:
                if source:
                    client.bind((source, 0))
                client.connect((address, 80))
                return client.recv(100).decode()
            except OSError as error:
                return type(error).__name__ + (f" {error.errno}" if error.errno else "")

    def snapshot(self):
        return self.sh(self.host, SNAPSHOT)

    def settled_snapshot(self):
        """Once the kernel has made what it makes of new interfaces: two in a row that are equal."""
        last = None
        while (now := self.snapshot()) != last:
            last = now
            time.sleep(0.1)
        return now

    def driver(self, **options):
        return Driver(self, **options)

    def close(self):
        self.stop.set()
        for listener in self.sockets:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        time.sleep(0.3)  # real time: the threads of the listeners end
        for tun in self.tuns:
            os.close(tun)
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["rm", "-rf", self.folder], check=False)


class Session:
    """A TCP connection from outside into the host, as an SSH session is."""

    def __init__(self, world, client=CLIENT, server="192.168.7.2", port=2222, keep_listener=True):
        family = socket.AF_INET6 if ":" in client else socket.AF_INET
        listener = world.listen(world.host, port)
        with inside(world.outside):
            self.client = socket.socket(family, socket.SOCK_STREAM)
        self.client.settimeout(3)
        self.client.bind((client, 0))
        self.client.connect((server, port))
        self.server = listener.accept()[0]
        self.server.settimeout(3)
        self.listener = listener
        if not keep_listener:
            listener.close()

    def works(self):
        """The server speaks first: its packet is the first that anybody sees after a switch. Both ways, twice."""
        try:
            for _ in range(2):
                for sender, receiver in ((self.server, self.client), (self.client, self.server)):
                    sender.sendall(b"edgeway")
                    if receiver.recv(100) != b"edgeway":
                        return False
            return True
        except OSError:
            return False

    def close(self):
        for end in (self.client, self.server, self.listener):
            end.close()
