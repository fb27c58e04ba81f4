# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad keys, bad edges, bad machines: each a sentence on what to do, the exit code that the manual page says, nothing half-done."""
import base64
import hashlib
import json
import os
import subprocess
import unittest

from demo_mesh import EDGE_ADDRESS, first_key
from mesh_case import MeshCase, wait_for

KEY_MAX = 1024  # characters


def make_key(**fields):
    body = json.dumps(fields, separators=(",", ":")).encode()
    return "ew1_" + base64.urlsafe_b64encode(body + hashlib.sha256(body).digest()[:4]).decode().rstrip("=")


def read_key(key):
    raw = base64.urlsafe_b64decode(key[4:] + "=" * (-len(key[4:]) % 4))
    return json.loads(raw[:-4])


class Keys(MeshCase):
    SITES, JOIN = ("laptop", "nas"), ("laptop",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mesh.start_daemon("nas")

    def setUp(self):
        # A bad key that was accepted fails only its own test.
        if self.status("nas")["state"] != "not-enrolled":
            self.ctl("nas", "leave")

    def enroll(self, key, *options, **checks):
        line = self.refused("nas", "enroll", "--key-file", "-", *options, input=key + "\n", **checks)
        if len(key) > 20:
            self.assertNotIn(key[10:40], line)
        self.assertEqual(self.status("nas")["state"], "not-enrolled")
        return line

    def test_no_key_at_all(self):
        self.enroll("hello", says="enrollment key")
        self.enroll("", says="key")

    def test_truncated(self):
        key = self.mesh.new_key("t1")
        for length in (len(key) - 1, len(key) - 2, len(key) - 3, len(key) - 4, len(key) - 9, len(key) // 2, 9):
            with self.subTest(length):
                self.enroll(key[:length], says="is incomplete")

    def test_altered(self):
        key = self.mesh.new_key("t2")
        for place in (len(key) // 2, len(key) - 6, len(key) - 1):  # the end too: the length is right, so nothing was cut
            with self.subTest(place):
                self.enroll(key[:place] + ("A" if key[place] != "A" else "B") + key[place + 1:], says="mistyped or altered")

    def test_wrong_secret(self):
        fields = read_key(self.mesh.new_key("t3"))
        fields["secret"] = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
        self.enroll(make_key(**fields), says="doesn't know")

    def test_other_pin(self):
        fields = read_key(self.mesh.new_key("t4"))
        raw = base64.urlsafe_b64decode(fields["pin"] + "=" * (-len(fields["pin"]) % 4))
        fields["pin"] = base64.urlsafe_b64encode(bytes([raw[0] ^ 1]) + raw[1:]).decode().rstrip("=")
        self.enroll(make_key(**fields), says="pin")

    def test_used(self):
        self.enroll(self.key, says="used")

    def test_edge_down(self):
        fields = read_key(self.mesh.new_key("t5"))
        fields["api"] = [f"https://{EDGE_ADDRESS}:444"]
        self.enroll(make_key(**fields), says=EDGE_ADDRESS)

    def test_name_taken_and_malformed(self):
        # A key that was made for a name keeps it; this one was not.
        key = self.mesh.machine("edge").run(self.mesh.program("edgeway-edge"), "admin-key").stdout.split()[-1]
        self.enroll(key, "--name", "laptop", says="laptop")
        self.enroll(key, "--name", "not a name", code=2, says="name")

    def test_oversized(self):
        self.enroll("ew1_" + "A" * 5000, says="altered")
        # Right in all but its length.
        fields = read_key(self.mesh.new_key("t6"))
        for length in (KEY_MAX + 4, 2 * KEY_MAX, 3 * KEY_MAX):
            with self.subTest(length):
                key = make_key(**fields, more="x" * (length * 3 // 4 - len(make_key(**fields, more="")) * 3 // 4))
                self.assertTrue(KEY_MAX < len(key) <= length, len(key))
                self.enroll(key, says="altered")

    def test_wrong_usage(self):
        for argv, says in ((("nonsense",), 'Unknown command "nonsense"'), (("--what",), "--what"), ((), "A command is missing"), (("mode", "fast"), "vpn or connector"), (("ping",), "needs NAME"),
                           (("route",), "add, remove"), (("route", "add"), "needs CIDR"), (("node", "add"), "needs NAME"), (("connect", "--what"), "--what"), (("status", "extra"), '"extra"')):
            with self.subTest(argv):
                self.refused("nas", *argv, code=2, says=(says, "--help"))

    def test_output_cannot_be_written(self):
        """One line and the exit code say why: a person expects a configuration in that file."""
        for argv in (("status", "--json"), ("--version",)):
            with self.subTest(argv), open("/dev/full", "w") as full:
                command = self.mesh.machine("laptop").command([self.mesh.program("edgewayctl"), *argv])
                result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
                self.assertEqual(result.returncode, 1, result)
                self.assertRegex(result.stderr, r"\Aedgewayctl: .*No space left.*\n\Z")

    def test_no_escapes_in_errors(self):
        for argv in (("\x1b[2J",), ("ping", "\x1b[2J"), ("status", "\x1b[2J")):
            with self.subTest(argv):
                self.assertNotIn("\x1b", self.ctl("laptop", *argv, check=False).stderr)


class Routes(MeshCase):
    def test_refused(self):
        """By the edge, for any node; the machine itself refuses to forward some of these besides."""
        self.mesh.new_key("gateway")
        for cidr, says in (("10.0.0.1/24", "10.0.0.0/24"), ("10.0.0.0/40", "10.0.0.0/40"), ("banana", "banana"), ("127.0.0.0/8", "loopback"), ("169.254.1.0/24", "link-local"),
                           ("224.0.0.0/8", "multicast"), ("0.0.0.0/0", "0.0.0.0/0"), ("10.0.0.0/7", "/7"), ("2000::/3", "2000::/3"), ("100.96.5.0/24", "mesh"), (EDGE_ADDRESS + "/32", "frankfurt")):
            with self.subTest(cidr):
                self.refused("laptop", "route", "add", cidr, "gateway", says=says)
                self.assertEqual(self.mesh.ctl_json("laptop", "node", "show", "gateway")["routes"], [])

    def test_overlap(self):
        self.ctl("laptop", "route", "add", "10.50.0.0/16")
        self.addCleanup(self.ctl, "laptop", "route", "remove", "10.50.0.0/16")
        self.mesh.new_key("other")
        self.refused("laptop", "route", "add", "10.50.1.0/24", "other", says="10.50.0.0/16")

    def test_unknown_node(self):
        def mesh():
            return [node["name"] for node in self.mesh.ctl_json("laptop", "node", "list")["nodes"]], self.mesh.ctl_json("laptop", "route", "list")
        before = mesh()
        for argv in (("route", "add", "10.51.0.0/24", "nobody"), ("node", "show", "nobody"), ("node", "rename", "nobody", "somebody"), ("ping", "nobody"),
                     ("node", "remove", "nobody")):
            with self.subTest(argv):
                self.refused("laptop", *argv, says=('no node "nobody"', "edgewayctl node list"))
        self.assertEqual(mesh(), before)


class Machines(MeshCase):
    SITES, JOIN = ("laptop", "nas"), ()

    def refused_edge(self, edge, folder, port, code=1, before=()):
        """An edge that can't start prints one line."""
        result = edge.run(*before, self.mesh.program("edgeway-edge"), "run", "--state-dir", folder, "--listen", f":{port}", check=False, timeout=20)
        self.assertEqual(result.returncode, code, result)
        self.assertRegex(result.stderr, r"\Aedgeway-edge: [^\n]+\n\Z")
        self.assertEqual(result.stdout, "")
        return result.stderr

    def test_edge_port_in_use(self):
        edge = self.mesh.machine("edge")
        self.assertRegex(self.refused_edge(edge, "/run/edgeway/second", 443), "TCP port 443 is in use .*--listen")
        self.assertFalse(edge.ok("test", "-e", "/run/edgeway/second"), "a refusal leaves nothing half-done")

    def test_edge_state_in_use(self):
        edge = self.mesh.machine("edge")
        result = edge.run(self.mesh.program("edgeway-edge"), "run", "--state-dir", "/var/lib/edgeway-edge", "--listen", ":8443", check=False, timeout=20)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("/var/lib/edgeway-edge", result.stderr)

    def give_user(self, machine):
        """The edge's own user, where nothing was ever installed on this computer."""
        with open("/etc/passwd") as file:
            users = file.read()
        if "edgeway-edge:" not in users:
            machine.mask("/etc/passwd", users + "edgeway-edge:x:61320:61320::/:/usr/sbin/nologin\n", 0o644)
            self.addCleanup(machine.run, "umount", "/etc/passwd")

    def test_edge_where_the_tunnel_device_is_root_s(self):
        """Without udev only uid 0 may open /dev/net/tun: an edge that root started still gets its TUN, as its own user."""
        machine = self.mesh.machine("laptop")  # that has no edge
        self.give_user(machine)
        machine.run("sh", "-c", "rm -f /run/edgeway/tun && mknod -m 600 /run/edgeway/tun c 10 200 && chmod 755 /run/edgeway && mount --bind /run/edgeway/tun /dev/net/tun")
        self.addCleanup(machine.run, "umount", "/dev/net/tun")
        edge = machine.start(self.mesh.program("edgeway-edge"), "run", "--state-dir", "/run/edgeway/locked", "--listen", ":9444", "--public", "192.0.2.1:9444", secret_output=True)
        self.addCleanup(edge.wait)
        self.addCleanup(edge.terminate)
        wait_for("its first key", lambda: first_key(edge.output_path), 20)
        with open(f"/proc/{edge.pid}/status") as file:
            self.assertNotRegex(file.read(), r"\nUid:\t0\t")
        with open(edge.log_path) as file:
            self.assertNotIn("No TUN", file.read())
        self.assertIn("100.96.0.1", machine.run("ip", "-o", "addr").stdout)

    def test_edge_leaves_other_folders_alone(self):
        """A mistake like --state-dir /root must not give that folder to the edge's user."""
        edge = self.mesh.machine("edge")
        self.give_user(edge)
        edge.run("sh", "-c", "mkdir -m 700 /run/edgeway/home && echo precious > /run/edgeway/home/file && chmod 644 /run/edgeway/home/file")
        result = edge.run(self.mesh.program("edgeway-edge"), "run", "--state-dir", "/run/edgeway/home", "--listen", ":7443", check=False, timeout=20)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("--state-dir", result.stderr)
        self.assertEqual(edge.run("stat", "-c", "%u %a", "/run/edgeway/home", "/run/edgeway/home/file").stdout.split(), ["0", "700", "0", "644"])
        self.assertEqual(edge.run("ls", "/run/edgeway/home").stdout, "file\n")

    def test_edge_without_privilege(self):
        edge = self.mesh.machine("edge")
        edge.run("sh", "-c", "mkdir -p /run/edgeway/nobody && chown 65534 /run/edgeway/nobody && chmod 755 /run/edgeway && sysctl -qw net.ipv4.ip_unprivileged_port_start=1024")
        nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all")
        says = self.refused_edge(edge, "/run/edgeway/nobody", 80, code=4, before=nobody)
        self.assertRegex(says, "TCP port 80 needs a privilege.*--listen")
        self.assertEqual(edge.run("ls", "-A", "/run/edgeway/nobody").stdout, "", "a refusal leaves nothing half-done")

    def test_daemon_without_tun(self):
        laptop = self.mesh.machine("laptop")
        result = laptop.run("unshare", "--mount", "--propagation", "private", "sh", "-c",
                            "mount -t tmpfs none /dev/net && mkdir -p /run/edgeway/x && " + self.mesh.program("edgewayd") + " --state-dir /run/edgeway/x/state & "
                            "pid=$!; for i in $(seq 50); do sleep 0.1; " + self.mesh.program("edgewayctl") + " status >/dev/null 2>&1 && break; done; "
                            "cat >/dev/null; echo KEY | true; " + self.mesh.program("edgewayctl") + " enroll --key-file /run/edgeway/key --name tunless; echo code $?; "
                            + self.mesh.program("edgewayctl") + " status --json; kill $pid; wait $pid",
                            input="", check=False, timeout=60) if self._write_key(laptop) else None
        self.assertIn("/dev/net/tun", result.stdout + result.stderr)

    def _write_key(self, laptop):
        laptop.run("sh", "-c", "umask 077; cat > /run/edgeway/key", input=self.key + "\n")
        return True

    def test_daemon_as_nobody(self):
        laptop = self.mesh.machine("laptop")
        result = laptop.run("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", self.mesh.program("edgewayd"), "--state-dir", "/tmp/edgeway-nobody", check=False, timeout=20)
        self.assertIn(result.returncode, (1, 4), result)
        self.assertIn("root", result.stderr)

    def test_ctl_without_daemon(self):
        result = self.mesh.ctl("laptop", "status", check=False)
        self.assertEqual(result.returncode, 3, result)
        self.assertIn("edgewayd", result.stderr)

    def test_ctl_on_an_edge(self):
        """The problem isn't that edgewayd doesn't run: this computer is an edge, which has other commands."""
        for argv in (("status",), ("map",), ("node", "add", "x"), ("enroll", "--key-file", "/dev/null")):
            with self.subTest(argv):
                line = self.refused("edge", *argv, code=3 if argv[0] != "enroll" else 1)
                if argv[0] != "enroll":
                    self.assertIn("This computer runs an edge", line)
                    self.assertIn("edgeway-edge status", line)
                    self.assertIn("edgeway-edge admin-key", line)
                    self.assertNotIn("start edgewayd", line)
        # A node that is an edge too, and is stopped: it is edgewayd that has to be started.
        edge = self.mesh.machine("edge")
        edge.run("sh", "-c", "umask 077; echo {} > /var/lib/edgeway/account.json")
        try:
            self.refused("edge", "status", code=3, says="start")
        finally:
            edge.run("rm", "/var/lib/edgeway/account.json")

    def test_broken_state_file(self):
        nas = self.mesh.machine("nas")
        nas.run("sh", "-c", "mkdir -p /var/lib/edgeway && chmod 700 /var/lib/edgeway && umask 077 && printf '{\"half\":' > /var/lib/edgeway/account.json")
        process = nas.start(self.mesh.program("edgewayd"))
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        status = wait_for("the daemon says what is broken", lambda: nas.run(self.mesh.program("edgewayctl"), "status", "--json", check=False).stdout, 20)
        status = json.loads(status)
        self.assertEqual(status["state"], "error")
        self.assertIn("/var/lib/edgeway/account.json, is damaged", status["message"])
        self.assertEqual(nas.run("cat", "/var/lib/edgeway/account.json").stdout, '{"half":', "a broken file is never overwritten silently")

    def test_full_disk_of_the_edge(self):
        """It says so, and starts once there is room. The disk is full from the start, while the store is written, or with the first change."""
        edge, folder = self.mesh.machine("laptop"), "/var/lib/edgeway-edge"  # a machine that has no edge yet
        for ballast in (65536, 60000, 0):
            with self.subTest(ballast):
                edge.run("sh", "-c", f"mount -t tmpfs -o size=64k,mode=0755 none {folder} && head -c {ballast} /dev/zero > {folder}/ballast")
                try:
                    self.assertRegex(self.refused_edge(edge, folder + "/state", 9443), "disk.* is full.*[Nn]othing was changed.*Free some space")
                    edge.run("sh", "-c", f"rm {folder}/ballast && mount -o remount,size=4m {folder}")
                    process = edge.start(self.mesh.program("edgeway-edge"), "run", "--state-dir", folder + "/state", "--listen", ":9443", secret_output=True)
                    try:
                        wait_for("the edge's first key, now that there is room", lambda: first_key(process.output_path), 20)
                    finally:
                        process.terminate()
                        process.wait()
                finally:
                    # The process beside it that would start a web server ends a moment after it.
                    wait_for("nobody to be in the folder", lambda: edge.ok("umount", folder), 10)


if __name__ == "__main__":
    unittest.main()
