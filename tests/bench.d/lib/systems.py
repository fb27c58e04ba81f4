# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: each system is brought up on a Ground, first edge and B, then, timed, A."""
import json
import os
import re
import subprocess

from ground import BUILD, EDGE, Failure, end_of, program, wait_for
from current_wireguard import current_wireguard_go  # noqa: E402

INNER = {"edge": "10.99.0.254", "a": "10.99.0.1", "b": "10.99.0.2"}  # where we choose them
PORT = 51820
SERVICE = "100.96.0.1"  # the edge, in the benchmark's own mesh


def new_key():
    private = subprocess.run(["wg", "genkey"], capture_output=True, text=True, check=True).stdout.strip()
    return private, subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True).stdout.strip()


def write(machine, name, text):
    """A file of the run's own folder, for its owner alone."""
    path = os.path.join(machine.log_dir, name)
    with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    return path


class System:
    name = label = None
    bypass = False

    def __init__(self):
        self.daemons = {}  # machine's name → the daemon's process
        self.target = INNER["b"]

    def unavailable(self):
        """Why it cannot be measured here, or None."""

    def prepare(self, ground):
        """Keys and files."""

    def start_edge(self, ground):
        pass

    def start_node(self, ground, machine):
        pass

    def reference(self, ground):
        """An address that B reaches once it is connected."""
        return INNER["edge"]

    def check(self):
        """Failure where a daemon has ended."""
        for name, process in self.daemons.items():
            if process.poll() is not None:
                raise Failure(f"{self.label}: the daemon on {name} ended ({process.returncode}): {end_of(process.log_path)}")


class Plain(System):
    name, label, bypass = "plain", "plain forwarding, no tunnel", True

    def __init__(self):
        super().__init__()
        self.target = "10.98.2.1"

    def reference(self, ground):
        return "10.98.1.1"


class WireguardGo(System):
    """One tunnel per node to the edge, forwarded by the edge's kernel."""
    name, label, binary = "wireguard-go-12", "wireguard-go of Debian 12", "wireguard-go"

    def command(self):
        return ["env", "WG_PROCESS_FOREGROUND=1", self.binary, "-f", "wg0"]

    def prepare(self, ground):
        self.keys = {name: new_key() for name in INNER}
        for node in (ground.a, ground.b):
            write(node, "wg.conf", f"[Interface]\nPrivateKey={self.keys[node.name][0]}\n[Peer]\nPublicKey={self.keys['edge'][1]}\n"
                  f"Endpoint={EDGE}:{PORT}\nAllowedIPs=10.99.0.0/24\nPersistentKeepalive=25\n")
        write(ground.edge, "wg.conf", f"[Interface]\nPrivateKey={self.keys['edge'][0]}\nListenPort={PORT}\n" +
              "".join(f"[Peer]\nPublicKey={self.keys[n][1]}\nAllowedIPs={INNER[n]}/32\n" for n in "ab"))

    def _start(self, machine, command):
        # One shell sets it up as soon as it answers; the daemon itself is the process that is measured.
        script = (f"(until wg setconf wg0 {machine.log_dir}/wg.conf 2>/dev/null; do sleep 0.003; done; ip link set wg0 mtu 1420 up; "
                  f"ip addr add {INNER[machine.name]}/24 dev wg0) & exec \"$@\"")
        self.daemons[machine.name] = machine.start("sh", "-c", script, "sh", *command, log="daemon")

    def start_edge(self, ground):
        self._start(ground.edge, self.command())
        wait_for("the edge's interface", lambda: ground.edge.ok("sh", "-c", "ip -br addr show dev wg0 | grep -q 10.99"), 10, 0.05)

    def start_node(self, ground, machine):
        self._start(machine, self.command())


class CurrentWireguardGo(WireguardGo):
    name, label = "wireguard-go", "wireguard-go, current"

    def unavailable(self):
        try:
            self.binary, version = current_wireguard_go()
            self.label = f"wireguard-go {version}"
        except Failure as failure:
            return str(failure)
        return None


class Engine(WireguardGo):
    """The engine alone: the edge's switch and, on the nodes, a plain WireGuard daemon on it. These are test programs, so
    that they can be told which cipher to use; EDGEWAY_BENCH_AEAD tells it to them."""
    name, label = "engine", "Edgeway's engine in its test programs"

    def __init__(self, aead=None):
        super().__init__()
        self.environment = [f"EDGEWAY_BENCH_AEAD={aead}"] if aead else []
        if aead:
            self.name, self.label = f"engine-{aead}", f"Edgeway's engine, {aead}"

    def command(self):
        return ["env", *self.environment, program("tests", "lib", "ew-wg"), "wg0"]

    def start_edge(self, ground):
        lines = [f"port {PORT}", f"key {self.keys['edge'][0]}", f"service {INNER['edge']}", "range 10.99.0.0/24", "interface edge0"]
        lines += [f"node {n} {self.keys[n][1]} 1 plain {INNER[n]}/32" for n in "ab"]
        path = write(ground.edge, "switch", "\n".join(lines) + "\n")
        fifo = os.path.join(ground.edge.log_dir, "input")
        os.mkfifo(fifo, 0o600)  # open for reading and writing: never at its end
        process = ground.edge.start("sh", "-c", 'input=$1; shift; exec "$@" <>"$input"', "sh", fifo, "env", *self.environment,
                                    program("tests", "lib", "ew-switch"), path, log="daemon")
        self.daemons["edge"] = process

        def ready():
            self.check()
            with open(process.log_path) as log:
                return "ready" in log.read()
        wait_for("the switch", ready, 10, 0.05)


class Edgeway(System):
    """The programs themselves: edgeway-edge, and an edgewayd that has joined on either side."""
    name, label = "edgeway", "Edgeway"

    def __init__(self, build=BUILD, name=None):
        """build: its build folder; name: what another build than this one is called."""
        super().__init__()
        self.build = build
        if name:
            self.name, self.label = name, f"Edgeway, {name}"

    def _program(self, *path):
        return program(*path, build=self.build)

    def _ctl(self, machine, *argv, **options):
        return machine.run(self._program("app", "ctl", "edgewayctl"), *argv, **options).stdout

    def start_edge(self, ground):
        edge = ground.edge
        process = edge.start(self._program("daemon", "edge", "edgeway-edge"), "run", "--state-dir", "/var/lib/edgeway-edge", "--listen", ":443",
                             "--public", f"{EDGE}:443", "--mesh", "bench", "--name", "edge", log="daemon", secret_output=True)
        self.daemons["edge"] = process

        def key():
            self.check()
            with open(process.output_path) as output:
                return re.search(r"^(ew1_[A-Za-z0-9_-]+)$", output.read(), re.M)
        first = wait_for("the edge's first key", key, 20, 0.05).group(1)
        wait_for("the edge's HTTPS", lambda: edge.ok("sh", "-c", "ss -Hltn sport = :443 | grep -q ."), 20, 0.05)
        # Both join now; A's daemon is ended again, so that its start by itself can be timed.
        self._join(ground.a, first)
        self._join(ground.b, self._ctl(ground.a, "node", "add", "b").strip())
        self.target = json.loads(self._ctl(ground.b, "status", "--json"))["addresses"][0].split("/")[0]
        for node in (ground.a, ground.b):
            daemon = self.daemons.pop(node.name)
            daemon.terminate()
            daemon.wait(10)

    def _join(self, machine, key):
        self.start_node(None, machine)

        def answers():
            self.check()
            return machine.ok(self._program("app", "ctl", "edgewayctl"), "status")
        wait_for(f"edgewayd on {machine.name}", answers, 20, 0.05)
        self._ctl(machine, "enroll", "--name", machine.name, "--key-file", "-", input=key + "\n")
        self.wait_connected(machine)

    def wait_connected(self, machine):
        def connected():
            self.check()
            answer = machine.run(self._program("app", "ctl", "edgewayctl"), "status", "--json", check=False)
            return answer.returncode == 0 and json.loads(answer.stdout)["state"] == "connected"
        wait_for(f"{machine.name} connected", connected, 20, 0.05)

    def ask(self, machine):
        """Has edgewayd ask the edge for something, over HTTPS."""
        self._ctl(machine, "node", "list")

    def start_node(self, ground, machine):
        self.daemons[machine.name] = machine.start(self._program("daemon", "service", "edgewayd"), log="daemon")

    def reference(self, ground):
        return SERVICE
