# SPDX-License-Identifier: GPL-3.0-or-later
"""What `app/run --demo --check` proves, on a mesh that demo_mesh.py has built."""
import concurrent.futures
import os
import queue
import signal
import threading
import time

from demo_mesh import EDGE_ADDRESS, OWN, SERVICE, SITES, STRICT, SUBNET_HOST, SUFFIX, WEB_PORT, WEBSITE
from machines import Failure, wait_for

HEAL_SECONDS = 5 * 10  # promised: ten seconds; a check's deadline is five times that, and the measured time is printed


def pings(machine, address, tries=3):
    return machine.ok("ping", "-n", "-q", "-c", "1", "-W", "2", address) or (tries > 1 and pings(machine, address, tries - 1))


def all_true(jobs):
    """Runs (what, test) jobs side by side; Failure names each that was false."""
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda job: (job[0], job[1]()), jobs))
    failed = [what for what, ok in results if not ok]
    if failed:
        raise Failure("; ".join(failed))
    return len(results)


class Check:
    def __init__(self, mesh, say):
        self.mesh, self.say = mesh, say

    def run(self):
        for step in (self.walls, self.pairs, self.subnet, self.tcp, self.statuses, self.transports, self.ssh_between, self.names, self.service, self.founding_accident,
                     self.vpn_exit, self.show_map, self.healing):
            started = time.monotonic()
            what = step()
            self.say(f"✓ {what} ({time.monotonic() - started:.1f} s)")

    def wait_for_port(self, name, port):
        machine = self.mesh.machine(name)
        wait_for(f"port {port} on {name}", lambda: machine.ok("sh", "-c", f"ss -Hltn sport = :{port} | grep -q ."), 60)

    def walls(self):
        """The NATs are real: no node can reach another one's private address."""
        jobs = []
        for source in SITES:
            for target, number in SITES.items():
                if source != target:
                    jobs.append((f"{source} reaches 192.168.{number}.2 past the NATs",
                                 lambda s=source, n=number: not self.mesh.machine(s).ok("ping", "-n", "-q", "-c", "1", "-W", "0.3", "-I", "eth0", f"192.168.{n}.2")))
        return f"nodes reach one another only through the edge ({all_true(jobs)} tries)"

    def pairs(self):
        jobs = []
        for source in SITES:
            for target in SITES:
                if source != target:
                    for address in self.mesh.addresses[target]:
                        jobs.append((f"{source} → {target} ({address}): no ping", lambda s=source, a=address: pings(self.mesh.machine(s), a)))
            jobs.append((f"{source} → edge: no ping", lambda s=source: pings(self.mesh.machine(s), SERVICE)))
        return f"every node reaches every other and the edge, both ways, IPv4 and IPv6 ({all_true(jobs)} pairs)"

    def subnet(self):
        jobs = [(f"{source} → printer behind office-gw: no ping", lambda s=source: pings(self.mesh.machine(s), SUBNET_HOST)) for source in SITES]
        return f"the subnet behind office-gw answers ({all_true(jobs)} nodes)"

    def tcp(self):
        """A megabyte by TCP between all pairs of two, each direction once."""
        serve = ("import socket\ns=socket.create_server(('::',7001),family=socket.AF_INET6,dualstack_ipv6=True)\n"
                 "while True:\n c,_=s.accept()\n n=0\n while n<1<<20:\n  d=c.recv(65536)\n  if not d: break\n  n+=len(d)\n c.sendall(b'%d'%n); c.close()")
        fetch = ("import socket,sys\nc=socket.create_connection((sys.argv[1],7001),20); c.settimeout(60); c.sendall(bytes(1<<20))\n"
                 "sys.exit(c.recv(100)!=b'%d'%(1<<20))")
        for name in SITES:
            self.mesh.machine(name).start("/usr/bin/python3", "-c", serve, log="tcp")
        for name in SITES:
            self.wait_for_port(name, 7001)
        jobs = [(f"{s} → {t}: a megabyte by TCP failed", lambda s=s, t=t: self.mesh.machine(s).ok("/usr/bin/python3", "-c", fetch, self.mesh.addresses[t][0], timeout=90))
                for s in SITES for t in SITES if s != t]
        return f"a megabyte by TCP between every pair, both ways ({all_true(jobs)} transfers)"

    def names(self):
        """Every computer by its name, full and short, on the plain WireGuard node too; and the name of an address."""
        for name in OWN:
            wait_for(f"the mesh's names work on {name}", lambda n=name: self.mesh.ctl_json(n, "status")["names"] == "ok", 60)
        jobs = []
        for source in SITES:
            for target in SITES:
                ipv4 = self.mesh.addresses[target][0]
                for name in (f"{target}.{SUFFIX}", target):
                    jobs.append((f"{source}: {name} isn't {ipv4}", lambda s=source, n=name, a=ipv4: self.resolves(s, "ahostsv4", n, a)))
                jobs.append((f"{source}: {ipv4} isn't {target}", lambda s=source, t=target, a=ipv4: self.resolves(s, "hosts", a, f"{t}.{SUFFIX}")))
            jobs.append((f"{source}: nobody.{SUFFIX} is found", lambda s=source: not self.mesh.machine(s).ok("getent", "hosts", f"nobody.{SUFFIX}")))
        said = self.mesh.machine("laptop").run(*self.ssh_command("nas"), "hostname").stdout.strip()
        if said != "nas":
            raise Failure(f"ssh nas said {said!r}")
        return f"every node finds every other by its name ({all_true(jobs)} look-ups, the phone by DNS); ssh nas"

    def service(self):
        """A name without a port, on every node and the plain WireGuard one too; the target sees who asks."""
        fetch = f"import urllib.request as u; print(u.build_opener(u.ProxyHandler({{}})).open('http://ha.{SUFFIX}/',timeout=20).read().decode())"

        def says(source):
            said = self.mesh.machine(source).run("/usr/bin/python3", "-c", fetch, check=False, timeout=60).stdout.split()
            # nas itself is asked by the edge: a computer takes no packets from outside that carry its own address.
            return len(said) == 2 and said[0] == "nas" and (source == "nas" or said[1] in self.mesh.addresses[source])
        jobs = [(f"{source}: http://ha.{SUFFIX}/ isn't the page on nas", lambda s=source: says(s)) for source in SITES]
        n = all_true(jobs)
        answer = self.mesh.ctl("web", "ping", "ha", "-c", "1").stdout
        if f"nas:{WEB_PORT}" not in answer:
            raise Failure(f"edgewayctl ping ha: {answer}")
        return f"http://ha.{SUFFIX} is port {WEB_PORT} of nas ({n} nodes), which sees who asks; ping names the target"

    def resolves(self, source, database, key, answer, tries=3):
        """A busy computer may take longer than the tenth of a second after which a program tries another resolver."""
        said = self.mesh.machine(source).run("getent", database, key, check=False).stdout.split()
        return answer in said or (tries > 1 and self.resolves(source, database, key, answer, tries - 1))

    def statuses(self):
        for name in OWN:
            status = self.mesh.ctl_json(name, "status")
            if status["state"] != "connected" or status["mode"] != "connector" or status["edge"]["name"] != "frankfurt":
                raise Failure(f"{name} says {status['state']}, {status['mode']}, edge {status['edge']}")

        def online():
            nodes = {n["name"]: n for n in self.mesh.ctl_json("nas", "map")["nodes"]}
            return all(nodes[name]["online"] for name in SITES)
        wait_for("all five nodes online on the map of nas", online, 10)
        answer = self.mesh.ctl("laptop", "ping", "phone", "-c", "2").stdout
        if "phone" not in answer:
            raise Failure(f"edgewayctl ping: {answer}")
        return "every daemon says connected, connector-only; the map says online; ping shows the legs"

    # SSH, with keys of this run.

    def prepare_ssh(self):
        if getattr(self, "ssh_key", None):
            return
        m = self.mesh
        folder = m.world.folder
        self.ssh_key = os.path.join(folder, "ssh-key")
        laptop = m.machine("laptop")
        laptop.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.ssh_key)
        with open(self.ssh_key + ".pub") as file:
            public = file.read()
        for name in ("laptop", "nas", "web"):
            machine = m.machine(name)
            host_key = os.path.join(machine.log_dir, "host-key")
            machine.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key)
            keys = os.path.join(machine.log_dir, "authorized_keys")
            with open(os.open(keys, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
                file.write(public)
            # sshd refuses accounts whose password is locked by "!"; here root simply has none.
            with open("/etc/shadow") as file:
                machine.mask("/etc/shadow", "".join("root:*:19000:0:99999:7:::\n" if line.startswith("root:") else line for line in file))
            machine.start("/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-p", "22", "-h", host_key, "-o", f"AuthorizedKeysFile={keys}",
                          "-o", "PermitRootLogin=prohibit-password", "-o", "UsePAM=no", "-o", "StrictModes=no", "-o", "PidFile=none", "-o", "UseDNS=no")
            self.wait_for_port(name, 22)

    def transports(self):
        """Where the network drops UDP the way is https, the map says so to all, and the others keep UDP."""
        nodes = {node["name"]: node for node in self.mesh.ctl_json("laptop", "map")["nodes"]}
        for name in SITES:
            wanted = "https" if name == STRICT else "udp"
            if nodes[name]["transport"] != wanted:
                raise Failure(f"{name} comes by {nodes[name]['transport']}, not by {wanted}")
        if self.mesh.ctl_json(STRICT, "status")["edge"]["transport"] != "https":
            raise Failure(f"{STRICT} doesn't say that its way is https")
        return f"{STRICT}, whose network drops UDP, comes via https"

    def ssh_command(self, address):
        return ["ssh", "-F", "/dev/null", "-i", self.ssh_key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
                "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=2", "-o", "ServerAliveCountMax=5", f"root@{address}"]

    def ssh_between(self):
        self.prepare_ssh()
        for source, target in (("nas", "laptop"), ("laptop", "nas")):
            said = self.mesh.machine(source).run(*self.ssh_command(self.mesh.addresses[target][0]), "hostname").stdout.strip()
            if said != target:
                raise Failure(f"ssh {source} → {target} said {said!r}")
        return "SSH from a server to the laptop and from the laptop to a server"

    def founding_accident(self):
        """A server's administrator, logged in over SSH from the internet, switches VPN mode on."""
        self.prepare_ssh()
        m = self.mesh
        with RemoteShell(m.machine("internet"), self.ssh_command("203.0.113.13")) as shell:
            if shell.ask("hostname") != "web":
                raise Failure("the SSH session doesn't lead to web")
            answer = shell.ask(f"{m.program('edgewayctl')} mode vpn --confirm-within 8 >/dev/null 2>&1; echo $?")
            if answer != "0":
                raise Failure(f"edgewayctl mode vpn over SSH exited {answer}")
            status = m.ctl_json("web", "status")
            if status["mode"] != "vpn" or not status["guard_until"]:
                raise Failure(f"after the switch web says {status['mode']}, guard {status['guard_until']}")
            if shell.ask("echo alive") != "alive":
                raise Failure("the SSH session died when VPN mode was switched on")
            route = m.machine("web").run("ip", "route", "get", WEBSITE).stdout
            if "edgeway0" not in route:
                raise Failure(f"VPN mode doesn't lead through the tunnel: {route.strip()}")
            fresh = m.machine("internet").run(*self.ssh_command("203.0.113.13"), "hostname").stdout.strip()
            if fresh != "web":
                raise Failure("a new SSH session from outside isn't let in while VPN mode is on")
            wait_for("the countdown undoes the switch", lambda: m.ctl_json("web", "status")["mode"] == "connector", 8 + 10)
            if shell.ask("echo alive") != "alive":
                raise Failure("the SSH session died when the switch was undone")
        return "VPN mode over SSH: the session lives, the countdown undoes the switch"

    def vpn_exit(self):
        """VPN mode on the laptop: the website sees the edge, the LAN stays, and back."""
        m = self.mesh
        laptop, internet = m.machine("laptop"), m.machine("internet")
        serve = ("import http.server\nclass H(http.server.BaseHTTPRequestHandler):\n def do_GET(s):\n  s.send_response(200); s.end_headers(); s.wfile.write(s.client_address[0].encode())\n"
                 " def log_message(*a): pass\nhttp.server.ThreadingHTTPServer(('',80),H).serve_forever()")
        fetch = f"import urllib.request as u; print(u.build_opener(u.ProxyHandler({{}})).open('http://{WEBSITE}/',timeout=40).read().decode())"
        internet.start("/usr/bin/python3", "-c", serve, log="website")
        self.wait_for_port("internet", 80)

        def seen():
            return laptop.run("/usr/bin/python3", "-c", fetch).stdout.strip()
        if (before := seen()) != "203.0.113.11":
            raise Failure(f"before VPN mode the website saw {before}")
        m.ctl("laptop", "mode", "vpn")
        m.ctl("laptop", "mode", "--confirm")
        if (through := seen()) != EDGE_ADDRESS:
            raise Failure(f"in VPN mode the website saw {through}, not the edge")
        if not pings(laptop, "192.168.11.1"):
            raise Failure("in VPN mode the laptop lost its own LAN")
        for name in (f"nas.{SUFFIX}", "nas"):
            if not self.resolves("laptop", "ahostsv4", name, m.addresses["nas"][0]):
                raise Failure(f"in VPN mode {name} isn't found")
        if laptop.ok("ping", "-n", "-q", "-c", "1", "-W", "1", "-I", "edgeway0", "203.0.113.12"):
            raise Failure("the exit leads into the edge's own network")
        m.ctl("laptop", "mode", "connector")
        if (after := seen()) != "203.0.113.11":
            raise Failure(f"after VPN mode the website saw {after}")
        return "VPN mode: the website sees the edge, the LAN stays, names are found, and back again"

    def show_map(self):
        names = {node["name"] for node in self.mesh.ctl_json("laptop", "map")["nodes"]} | set(SITES)
        text = self.mesh.ctl("laptop", "map").stdout
        for name in (*names, "frankfurt"):
            if name not in text:
                raise Failure(f"{name} isn't on the map:\n{text}")
        for line in text.splitlines():
            self.say("    " + line)
        return f"the map shows the edge and all {len(names)} nodes"

    def healing(self):
        """After any one process was killed and started again, every node reaches every other one again."""
        times = []
        for victim in ("edge", *OWN, "phone"):
            self.mesh.restart(victim, signal.SIGKILL)
            started = time.monotonic()
            pairs = ([(a, b) for a in SITES for b in SITES if a != b] if victim == "edge"
                     else [(victim, o) for o in SITES if o != victim] + [(o, victim) for o in SITES if o != victim])
            while pairs:
                with concurrent.futures.ThreadPoolExecutor(8) as pool:
                    good = list(pool.map(lambda p: self.mesh.machine(p[0]).ok("ping", "-n", "-q", "-c", "1", "-W", "1", self.mesh.addresses[p[1]][0]), pairs))
                pairs = [pair for pair, ok in zip(pairs, good) if not ok]
                if pairs and time.monotonic() - started > HEAL_SECONDS:
                    raise Failure(f"{victim} killed and started again: {HEAL_SECONDS} s later still no way {pairs}")
            times.append(f"{victim} {time.monotonic() - started:.1f} s")
        return "killed and started again, healed: " + ", ".join(times)


class RemoteShell:
    """One interactive SSH session that stays open, spoken to a line at a time."""

    def __init__(self, machine, command):
        import subprocess
        self.process = subprocess.Popen(machine.command([*command, "sh"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, bufsize=1)
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.strip())

    def ask(self, command, seconds=45):
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            return self.lines.get(timeout=seconds)
        except (queue.Empty, OSError):
            return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
