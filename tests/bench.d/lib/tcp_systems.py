# SPDX-License-Identifier: GPL-3.0-or-later
"""Tunnels over TCP, for tests/bench tcp: from A to the edge's host to B, each leg a TCP connection of its own. Each is set up as fast as its own
manual makes it: AES-GCM, no delay, no compression."""
import json
import os
import subprocess

from ground import EDGE, Failure, end_of, wait_for
from systems import INNER, Edgeway, Plain, System, write

PORT = 1194
SSH_PORT = 2222
NO_UDP = "table inet bench-udp { chain input { type filter hook input priority 0; meta l4proto udp drop; }; }"


def openssl(*argv):
    subprocess.run(["openssl", *argv], check=True, capture_output=True)


class OpenVpn(System):
    name, label = "openvpn", "OpenVPN over TCP"
    COMMON = ("--dev", "tun", "--topology", "subnet", "--cipher", "AES-256-GCM", "--data-ciphers", "AES-256-GCM", "--socket-flags", "TCP_NODELAY", "--persist-key", "--verb", "3",
              "--txqueuelen", "500", "--script-security", "0")

    def prepare(self, ground):
        folder = self.folder = ground.edge.log_dir
        key, ca = os.path.join(folder, "ca.key"), os.path.join(folder, "ca.crt")
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        openssl("req", "-x509", *curve, "-keyout", key, "-out", ca, "-subj", "/CN=bench", "-days", "2")
        for name in INNER:
            path = os.path.join(folder, name)
            openssl("req", "-x509", *curve, "-CA", ca, "-CAkey", key, "-keyout", f"{path}.key", "-out", f"{path}.crt", "-subj", f"/CN={name}", "-days", "2",
                    "-addext", "basicConstraints=critical,CA:FALSE")
        os.makedirs(os.path.join(folder, "clients"), exist_ok=True)
        for name in "ab":
            with open(os.path.join(folder, "clients", name), "w") as file:
                file.write(f"ifconfig-push {INNER[name]} 255.255.255.0\n")

    def _files(self, name):
        return ("--ca", f"{self.folder}/ca.crt", "--cert", f"{self.folder}/{name}.crt", "--key", f"{self.folder}/{name}.key")

    def start_edge(self, ground):
        process = self.daemons["edge"] = ground.edge.start(
            "openvpn", *self.COMMON, *self._files("edge"), "--mode", "server", "--tls-server", "--dh", "none", "--proto", "tcp-server", "--port", str(PORT),
            "--ifconfig", INNER["edge"], "255.255.255.0", "--push", "topology subnet", "--client-to-client", "--client-config-dir", f"{self.folder}/clients",
            "--keepalive", "10", "60", log="daemon")

        def listens():
            self.check()
            return ground.edge.ok("sh", "-c", f"ss -Hltn sport = :{PORT} | grep -q .")
        wait_for("openvpn on the edge", listens, 20, 0.05)
        return process

    def start_node(self, ground, machine):
        self.daemons[machine.name] = machine.start("openvpn", *self.COMMON, *self._files(machine.name), "--client", "--proto", "tcp-client", "--remote", EDGE, str(PORT), "--nobind",
                                                   log="daemon")


class Ssh(System):
    name, label = "ssh", "ssh -w"
    NUMBERS = {"a": 0, "b": 1}  # of the tun devices

    def prepare(self, ground):
        folder = self.folder = ground.edge.log_dir
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", os.path.join(folder, name)], check=True)
        self.config = write(ground.edge, "sshd.conf", f"Port {SSH_PORT}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\nStrictModes no\nPermitTunnel point-to-point\n"
                            "PermitRootLogin prohibit-password\nUsePAM no\nPidFile none\n")
        ground.edge.nft("table inet bench {}\ndelete table inet bench")  # its kernel forwards from tun to tun

    def start_edge(self, ground):
        self.daemons["edge"] = ground.edge.start("/usr/sbin/sshd", "-D", "-e", "-f", self.config, log="daemon")
        wait_for("sshd", lambda: ground.edge.ok("sh", "-c", f"ss -Hltn sport = :{SSH_PORT} | grep -q ."), 20, 0.05)
        # The devices are there before: what is timed and measured is ssh.
        for name, number in self.NUMBERS.items():
            ground.edge.run("sh", "-c", f"ip tuntap add tun{number} mode tun && ip link set tun{number} up && ip addr add {INNER['edge']}/32 dev tun{number} && "
                            f"ip route add {INNER[name]}/32 dev tun{number}")

    def start_node(self, ground, machine):
        machine.run("sh", "-c", f"ip tuntap add tun0 mode tun && ip link set tun0 up && ip addr add {INNER[machine.name]}/24 dev tun0")
        self.daemons[machine.name] = machine.start(
            "ssh", "-N", "-p", str(SSH_PORT), "-i", f"{self.folder}/user", "-w", f"0:{self.NUMBERS[machine.name]}", "-c", "aes128-gcm@openssh.com", "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "ExitOnForwardFailure=yes", "-o", "Compression=no", f"root@{EDGE}", log="daemon")


class EdgewayHttps(Edgeway):
    """The programs themselves, where UDP is dropped: both nodes come through https."""
    name, label = "edgeway", "Edgeway, https"

    def start_edge(self, ground):
        super().start_edge(ground)
        ground.edge.nft(NO_UDP)

    def uses_https(self, machine):
        """Failure where a measurement would be of UDP."""
        def edge():
            self.check()
            return json.loads(self._ctl(machine, "status", "--json"))["edge"]
        found = wait_for(f"{machine.name} connected", edge, 30)
        if found["transport"] != "https":
            raise Failure(f"{machine.name} uses {found['transport']}, not https: {end_of(self.daemons[machine.name].log_path)}")


SYSTEMS = (EdgewayHttps, OpenVpn, Ssh, Plain)
