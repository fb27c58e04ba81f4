# SPDX-License-Identifier: GPL-3.0-or-later
"""Computers that resolve names in the ways that Linux computers do, with the real programs, each in its namespaces behind a LAN of its own:

        [ HOST ] eth0 192.168.N.2, 2001:db8:N::2 ---- lan 192.168.N.1, 2001:db8:N::1 [ nat-N ] dnsmasq: lan.example, 1,000 foreign names
          /etc, /usr, /run are its own                                                  |
          system bus, resolver as its kind says                                     internet, edge (demo_mesh.py)

    world = ResolverWorld(mesh, kinds)       after mesh.build_ground(); kinds: of KINDS and CONTAINERS; a second for eight
    host = world.hosts["nm"]                 host.machine, host.lan
    world.each(lambda kind: …)               side by side
    host.ask("running", names)               → {name: answer} of a program: see PROGRAMS
    host.file_state()                        /etc/resolv.conf and nsswitch.conf: bytes, inode, time
    host.restart("resolved")                 or "bus", "network-manager"; host.kill(), host.processes

Everything here dies with the THREAD that started it (machines.dying): make hosts in the main thread or in a pool that stays.
The host's edgewayd is started by mesh.join(name, key): it finds the host's own bus.
"""
import concurrent.futures
import os
import re
import signal
import subprocess

import foreign_names
import resolver_packages
import system_bus
from machines import Failure, end_of, wait_for

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
BUILD = os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build")
BUS = "/run/dbus/system_bus_socket"
SEARCH = "lan.example"
SERVER, SERVER6 = "192.168.%d.1", "2001:db8:%d::1"
PROGRAMS = ("running", "new", "getent", "musl", "dig", "kdig")
LIBC = ("running", "new", "getent")  # what asks through glibc and its modules
STUB = "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n"


def musl_asker():
    """tests/lib/name-asker.c linked with musl alone, built here where it is older than its source."""
    source, program = os.path.join(SOURCE, "tests/lib/name-asker.c"), os.path.join(BUILD, "tests/lib/name-asker-musl")
    if not os.path.exists(program) or os.path.getmtime(program) < os.path.getmtime(source):
        subprocess.run(["musl-gcc", "-static", "-O1", "-o", f"{program}.{os.getpid()}", source], check=True)
        os.rename(f"{program}.{os.getpid()}", program)
    return program


RESUME = """
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
def owned(*_):
    for sleeps in (True, False):
        bus.emit_signal(None, "/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep", GLib.Variant("(b)", (sleeps,)))
    bus.flush_sync()
    loop.quit()
loop = GLib.MainLoop()
Gio.bus_own_name_on_connection(bus, "org.freedesktop.login1", 0, owned, None)
loop.run()
"""


class NameServer:
    """dnsmasq on a machine's interface, with the foreign names and none of the mesh's, for which it answers NXDOMAIN."""

    def __init__(self, machine, interface, suffix, more=""):
        self.machine = machine
        self.hosts, self.config = foreign_names.write_zone(machine.log_dir, suffix, SEARCH)
        with open(self.config, "a") as file:
            file.write(f"no-resolv\nno-hosts\ndomain-needed\nbind-interfaces\nlog-queries\nlog-facility=-\ninterface={interface}\nexcept-interface=lo\nlocal=/{suffix}/\n{more}")
        self.start()

    def start(self):
        self.process = self.machine.start("dnsmasq", "--keep-in-foreground", "--conf-file=" + self.config, "--addn-hosts=" + self.hosts, "--user=root", "--pid-file=")
        wait_for("dnsmasq", lambda: self.machine.ok("sh", "-c", "ss -Hlun sport = :53 | grep -q ."), 10, 0.02)

    def stop(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait()

    def asked(self, start=0):
        """The names that it was asked for since the log had `start` bytes."""
        with open(self.process.log_path, errors="replace") as log:
            log.seek(start)
            return re.findall(r"query\[\S+\] (\S+) from", log.read())

    def log_size(self):
        return os.path.getsize(self.process.log_path)


class Lan(NameServer):
    """The LAN of a site: its resolver, which is the site's NAT as at home, and IPv6 beside IPv4."""

    def __init__(self, mesh, number, suffix="demo.internal"):
        machine = mesh.machine(f"nat-{number}")
        self.number, self.server, self.server6 = number, SERVER % number, SERVER6 % number
        machine.ip("addr", "add", self.server6 + "/64", "dev", "lan", "nodad")
        super().__init__(machine, "lan", suffix, f"host-record=router.{SEARCH},{self.server}\n")


class Asker:
    """A program that was started before a change and asks when it is told to."""

    def __init__(self, machine, program):
        self.process = subprocess.Popen(machine.command([program]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, names):
        answers = {}
        for first in range(0, len(names), 200):
            part = names[first:first + 200]
            self.process.stdin.write("".join(name + "\n" for name in part))
            self.process.stdin.flush()
            answers.update((name, self.process.stdout.readline().rstrip("\n").partition(" ")[2]) for name in part)
        return answers

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class ResolverHost:
    """A machine with folders of its own. What belongs to a kind is in the classes below."""

    PACKAGES = None  # one of resolver_packages.SETS
    NSSWITCH = "files dns"
    BUS_POLICIES = ()

    def __init__(self, machine, lan):
        self.machine, self.lan, self.processes = machine, lan, {}
        self.network()
        self.folders()
        self.write("/etc/nsswitch.conf", f"passwd: files\ngroup: files\nshadow: files\nhosts: {self.NSSWITCH}\nnetworks: files\n")
        self.write("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.1.1 {machine.name}\n")
        if self.BUS_POLICIES:
            self.start_bus()
        self.start()
        self.running = Asker(machine, os.path.join(BUILD, "tests/lib/name-asker"))
        self.wait_resolves()

    def network(self):
        number = self.lan.number
        self.machine.ip("addr", "add", f"2001:db8:{number}::2/64", "dev", "eth0", "nodad")
        self.machine.run("ip", "-6", "route", "replace", "default", "via", self.lan.server6)

    def folders(self):
        """/run is empty; /usr and /etc are this computer's with the packages put in; what is written to either stays here."""
        m = self.machine
        packages = os.path.join(resolver_packages.prepare(BUILD), self.PACKAGES) if self.PACKAGES else None
        layers, world = f"{m.log_dir}/layers", m.world.folder
        own = "".join(f"mkdir -p {path} && mount -t tmpfs -o mode=755 none {path}\n" for path in ("/var/lib/NetworkManager",) if m.world.may_create(path))
        # The machine's own /etc goes: the kernel stacks two layers, and a container has one.
        script = f"umount -l /etc 2>/dev/null || true\nmkdir {layers} && mount -t tmpfs -o mode=755 none {layers} && cd {layers} && mkdir packages run\n"
        script += f"mount --bind '{packages}' packages\n" if packages else "mkdir packages/usr packages/etc\n"
        script += own + f"""
            for d in usr etc; do mkdir $d $d.work; mount -t overlay -o lowerdir=packages/$d:/$d,upperdir=$d,workdir=$d.work overlay /$d; done
            mount -t tmpfs -o mode=755 none run
            mkdir -p run/dbus run/edgeway run/wireguard run/sshd run/lock run/NetworkManager run/systemd/system run{world}
            mkdir -p run/{world[len("/run/"):] if world.startswith("/run/") else "none"}
            {f"mount --rbind {world} run/{world[len('/run/'):]}" if world.startswith("/run/") else ""}
            mount --rbind run /run
            mount -t sysfs -o ro sysfs /sys
            rm -rf /etc/resolv.conf /etc/resolvconf /etc/resolvconf.conf /etc/NetworkManager /etc/systemd/resolved.conf*
            cp -a packages/etc/. /etc
            getent passwd systemd-resolve >/dev/null || {{ echo systemd-resolve:x:61235:61235::/:/usr/sbin/nologin >>/etc/passwd; echo systemd-resolve:x:61235: >>/etc/group; }}
            install -d -o systemd-resolve -g systemd-resolve /run/systemd/resolve
            for module in {BUILD}/daemon/nss/libnss_edgeway*.so.2; do [ ! -e "$module" ] || install -m 644 "$module" "$(dirname /usr/lib/*/libc.so.6)"; done"""
        m.run("sh", "-ec", script)

    def path(self, path):
        """A file of the machine's, as this process sees it."""
        return f"/proc/{self.machine.pid}/root{path}"

    def write(self, path, text, mode=0o644):
        with open(os.open(self.path(path), os.O_CREAT | os.O_TRUNC | os.O_WRONLY, mode), "w") as file:
            file.write(text)

    def read(self, path):
        with open(self.path(path)) as file:
            return file.read()

    # What runs there.

    def start_process(self, name, *argv):
        self.processes[name] = (self.machine.start(*argv, log=name), argv)
        return self.processes[name][0]

    def start_bus(self):
        policies = [f"/usr/share/dbus-1/system.d/{name}.conf" for name in self.BUS_POLICIES] + [os.path.join(SOURCE, "data/dbus/org.edgeway.Daemon1.conf")]
        path = os.path.join(self.machine.log_dir, "bus.conf")
        with open(path, "w") as file:
            file.write(system_bus.config(["unix:path=" + BUS], policies))
        self.start_process("bus", "dbus-daemon", "--config-file=" + path, "--nofork", "--nopidfile")
        self.wait_alive("bus", lambda: os.path.exists(self.path(BUS)))

    def wait_alive(self, name, test, seconds=20):
        def ready():
            process = self.processes[name][0]
            if process.poll() is not None:
                raise Failure(f"{name} on {self.machine.name} ended: {end_of(process.log_path)}")
            return test()
        wait_for(f"{name} on {self.machine.name}", ready, seconds, 0.03)

    def owns_name(self, name):
        return self.machine.ok("busctl", f"--address=unix:path={BUS}", "--timeout=2", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                               "GetNameOwner", "s", name)

    def kill(self, name, number=signal.SIGKILL):
        process = self.processes[name][0]
        process.send_signal(number)
        process.wait()

    def restart(self, name, number=signal.SIGTERM):
        """As systemd would; the bus' clients survive if they can reconnect."""
        self.kill(name, number)
        if name == "bus" and os.path.exists(self.path(BUS)):
            os.unlink(self.path(BUS))
        self.start_process(name, *self.processes[name][1])

    def start(self):
        """Starts what resolves names here."""

    def roam(self, host=3):
        """Another address in the LAN, as after a new lease."""
        self.machine.run("sh", "-ec", f"ip addr flush dev eth0 scope global; ip addr add 192.168.{self.lan.number}.{host}/24 dev eth0; ip addr add 2001:db8:{self.lan.number}::{host}/64 dev eth0 nodad; "
                         f"ip -6 route replace default via {self.lan.server6}; ip route replace default via {self.lan.server}")

    def wait_resolves(self, seconds=10):
        wait_for(f"{self.machine.name} resolves", lambda: self.running.ask(["a1.example.com"])["a1.example.com"].startswith("198.18."), seconds, 0.03)

    # What is asked.

    @staticmethod
    def names_for(program, names):
        """systemd-resolved refuses a single label that doesn't exist: musl asks for 5 s then, where glibc gives up."""
        return [name for name in names if "." in name] if program == "musl" else names

    def ask(self, program, names):
        """{name: what the program says}, in a form that doesn't change by itself."""
        if program == "running":
            return in_order(self.running.ask(names))
        if program in ("new", "musl"):
            asker = os.path.join(BUILD, "tests/lib/name-asker") if program == "new" else musl_asker()
            lines = self.machine.run(asker, input="".join(name + "\n" for name in names), timeout=300).stdout.splitlines()
            return in_order({name: line.partition(" ")[2] for name, line in zip(names, lines)})
        if program == "getent":
            # A key that isn't found prints nothing: the answers stand together under one name.
            text = self.machine.run("getent", "hosts", *names, check=False, timeout=300).stdout
            return {"getent hosts": text}
        return self.ask_tool(program, names)

    def ask_tool(self, program, names):
        """dig and kdig write a block for each name that they ask."""
        argv = ["dig", "+noall", "+comments", "+question", "+answer", "+tries=1", "+time=5", *names] if program == "dig" else ["kdig", "+retry=0", "+timeout=5", *names]
        text = self.machine.run(*argv, check=False, timeout=300).stdout
        blocks = re.split(r"^;; ->>HEADER<<-", text, flags=re.M)[1:]
        answers = []
        for block in blocks:
            status = re.search(r"status: (\w+)", block).group(1)
            records = sorted(re.sub(r"\s+\d+\s+IN\s+", " IN ", line) for line in block.splitlines() if line and line[0] not in "; ")
            answers.append(" ".join([status, *records]))
        if len(answers) != len(names):
            return {"answers": text}
        return dict(zip(names, answers))

    def file_state(self, paths=("/etc/resolv.conf", "/etc/nsswitch.conf")):
        """What shows whether a file was touched: where it leads, inodes, times and bytes, by path."""
        script = 'for f; do stat -c "%N %i %y" "$f"; stat -L -c "%i %y" "$f"; cat "$f"; printf "\\0"; done'
        return dict(zip(paths, self.machine.run("sh", "-c", script, "sh", *paths).stdout.split("\0")))

    def resume(self):
        """logind says that the computer goes to sleep, and that it woke up."""
        self.machine.run("/usr/bin/python3", "-B", "-c", RESUME)

    def close(self):
        self.running.close()


class PlainFile(ResolverHost):
    """A file that a person or an installer wrote once."""

    def start(self):
        self.write("/etc/resolv.conf", f"# By hand\nsearch {SEARCH}\nnameserver {self.lan.server}\noptions timeout:2\n")


def start_resolved(host):
    # Debian's default, LLMNR, costs 8 s for each single label that doesn't exist.
    os.makedirs(host.path("/etc/systemd/resolved.conf.d"), exist_ok=True)
    host.write("/etc/systemd/resolved.conf.d/test.conf", "[Resolve]\nLLMNR=no\nMulticastDNS=no\n")
    os.symlink("../run/systemd/resolve/stub-resolv.conf", host.path("/etc/resolv.conf"))
    host.start_process("resolved", "/usr/lib/systemd/systemd-resolved")
    host.wait_alive("resolved", lambda: host.owns_name("org.freedesktop.resolve1"))


class Resolved(ResolverHost):
    """systemd-resolved with its stub; programs ask by DNS."""

    PACKAGES = "resolved"
    BUS_POLICIES = ("org.freedesktop.resolve1",)

    def start(self):
        start_resolved(self)
        self.set_link()

    def set_link(self):
        """As the program that runs the network does."""
        self.machine.run("sh", "-ec", f"resolvectl dns eth0 {self.lan.server}; resolvectl domain eth0 {SEARCH}; resolvectl default-route eth0 yes")

    def status(self, link=""):
        return self.machine.run("resolvectl", "--no-pager", "status", *([link] if link else [])).stdout


class ResolvedModule(Resolved):
    """systemd-resolved asked over its socket by nss-resolve, as Fedora and Debian's libnss-resolve have it."""

    NSSWITCH = "files resolve [!UNAVAIL=return] dns"


class ResolvedCopy(Resolved):
    """/etc/resolv.conf is a copy of the stub's: its search line isn't kept up to date."""

    def start(self):
        super().start()
        os.unlink(self.path("/etc/resolv.conf"))
        self.write("/etc/resolv.conf", STUB.replace("search .", f"search {SEARCH}"))


class NetworkManager(ResolverHost):
    """NetworkManager owns eth0 and writes /etc/resolv.conf."""

    PACKAGES = "network-manager"
    BUS_POLICIES = ("org.freedesktop.NetworkManager",)
    DNS = "default"

    def network(self):
        self.machine.run("sh", "-ec", "ip addr flush dev eth0; ip link set eth0 down")

    def start(self):
        number = self.lan.number
        os.makedirs(self.path("/etc/NetworkManager/system-connections"), exist_ok=True)
        self.write("/etc/NetworkManager/NetworkManager.conf", f"[main]\nplugins=keyfile\ndns={self.DNS}\nauth-polkit=false\nno-auto-default=*\n[connectivity]\nenabled=false\n")
        self.write("/etc/NetworkManager/system-connections/lan.nmconnection", "[connection]\nid=lan\ntype=ethernet\ninterface-name=eth0\n"
                   f"[ipv4]\nmethod=manual\naddress1=192.168.{number}.2/24,{self.lan.server}\ndns={self.lan.server};\ndns-search={SEARCH};\n"
                   f"[ipv6]\nmethod=manual\naddress1=2001:db8:{number}::2/64,{self.lan.server6}\naddr-gen-mode=0\n", 0o600)
        self.start_process("network-manager", "/usr/sbin/NetworkManager", "--no-daemon")
        self.wait_alive("network-manager", lambda: self.machine.ok("ip", "route", "get", "192.0.2.1"))

    def nmcli(self, *argv, **options):
        return self.machine.run("nmcli", *argv, **options)

    def roam(self, host=3):
        self.nmcli("connection", "modify", "lan", "ipv4.addresses", f"192.168.{self.lan.number}.{host}/24")
        self.nmcli("connection", "up", "lan")


class Openresolv(ResolverHost):
    PACKAGES = "openresolv"

    def start(self):
        self.write("/etc/resolv.conf", "# Before resolvconf\n")
        self.announce()

    def announce(self):
        """As a DHCP client does."""
        self.machine.run("resolvconf", "-a", "eth0.dhcp", input=f"domain {SEARCH}\nsearch {SEARCH}\nnameserver {self.lan.server}\n")


class Resolvconf(Openresolv):
    """Debian's own: /etc/resolv.conf leads into its folder."""

    PACKAGES = "resolvconf"

    def start(self):
        self.machine.run("sh", "-ec", "mkdir -p /run/resolvconf/interface; ln -sfn /run/resolvconf /etc/resolvconf/run; ln -sf /etc/resolvconf/run/resolv.conf /etc/resolv.conf; resolvconf --enable-updates")
        self.announce()


class NetworkManagerResolved(NetworkManager):
    """NetworkManager owns eth0 and tells systemd-resolved, as on most desktops."""

    BUS_POLICIES = ("org.freedesktop.NetworkManager", "org.freedesktop.resolve1")
    DNS = "systemd-resolved"
    PACKAGES = "network-manager-resolved"

    def start(self):
        start_resolved(self)
        super().start()

    def set_link(self):
        """NetworkManager configures systemd-resolved again when that is back."""


class Container(ResolverHost):
    """As `docker run` makes one: no systemd and no bus, and /etc/resolv.conf is a mount point."""

    SERVERS = ""

    def start(self):
        self.machine.run("rm", "-rf", "/run/systemd", "/run/dbus")
        self.write("/etc/resolv.conf", "")
        self.machine.mask("/etc/resolv.conf", f"search {SEARCH}\nnameserver {self.SERVERS or self.lan.server}\noptions ndots:0\n", 0o644)


class ContainerReadOnly(Container):
    """With `--read-only`, and a volume for edgewayd's state."""

    def start(self):
        super().start()
        self.machine.run("mount", "-o", "remount,ro", "/etc")


class ContainerEmbedded(Container):
    """In a network of Docker's own: 127.0.0.11 is led to Docker's resolver, which listens on another port there and asks the LAN's from
    inside the container. dnsmasq replaces it; the rules are Docker's."""

    SERVERS = "127.0.0.11"
    RULES = """table ip nat {
        chain output { type nat hook output priority -100; ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:40053; ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:40053; }
        chain post { type nat hook postrouting priority 100; ip saddr 127.0.0.11 udp sport 40053 snat to :53; ip saddr 127.0.0.11 tcp sport 40053 snat to :53; }
    }"""

    def start(self):
        super().start()
        self.start_process("dnsmasq", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--bind-interfaces", "--listen-address=127.0.0.11",
                           "--port=40053", "--cache-size=0", "--user=root", "--pid-file=", f"--server={self.lan.server}")
        self.machine.nft(self.RULES)
        self.wait_alive("dnsmasq", lambda: self.machine.ok("sh", "-c", "ss -Hlun sport = :40053 | grep -q ."))


KINDS = {"resolved": Resolved, "resolved-nss": ResolvedModule, "resolved-copy": ResolvedCopy, "nm": NetworkManager, "nm-resolved": NetworkManagerResolved,
         "openresolv": Openresolv, "resolvconf": Resolvconf, "plain": PlainFile}
CONTAINERS = {"container": Container, "container-ro": ContainerReadOnly, "container-net": ContainerEmbedded}


def in_order(answers):
    """A server may turn the addresses of one family around from answer to answer; which family comes first is the C library's choice."""
    def order(answer):
        addresses, space, rest = answer.partition(" ")
        listed = addresses.split(",")
        return ",".join(sorted(listed, key=lambda a: ((":" in a) != (":" in listed[0]), a))) + space + rest

    return {name: order(answer) for name, answer in answers.items()}


class ResolverWorld:
    """Hosts of several kinds in a DemoMesh whose ground is built: each is a site of its own, named like its kind. hosts, lans: by kind."""

    FIRST_SITE = 20

    def __init__(self, mesh, kinds=tuple(KINDS)):
        self.mesh, self.hosts, self.lans = mesh, {}, {}
        musl_asker()
        resolver_packages.prepare(BUILD)
        self.pool = concurrent.futures.ThreadPoolExecutor(len(kinds))  # its threads stay: what they start lives as long as they do
        for number, kind in enumerate(kinds, self.FIRST_SITE):
            mesh.add_site(kind, number)
            self.lans[kind] = Lan(mesh, number)
        for kind, host in self.each(lambda kind: {**KINDS, **CONTAINERS}[kind](mesh.machine(kind), self.lans[kind]), kinds).items():
            self.hosts[kind] = host

    def each(self, work, kinds=None):
        """Calls work(kind) for each side by side: {kind: result}. All of them end before the first exception is raised."""
        jobs = {kind: self.pool.submit(work, kind) for kind in kinds or self.hosts}
        concurrent.futures.wait(jobs.values())
        return {kind: job.result() for kind, job in jobs.items()}

    def close(self):
        """Ends everything that was started here."""
        for host in self.hosts.values():
            host.close()
        self.pool.shutdown()
