# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret in argv, environment, logs or files that others may read: the real ones of a mesh are searched for."""
import base64
import json
import os
import re
import subprocess
import threading
import unittest

from mesh_case import MeshCase


class Watcher(threading.Thread):
    """Reads the command line and environment of every process again and again, as another user's `ps` would."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.over, self.rounds = set(), False, 0

    def run(self):
        while not self.over:
            for pid in filter(str.isdigit, os.listdir("/proc")):
                if int(pid) == os.getpid():
                    continue
                for name in ("cmdline", "environ"):
                    try:
                        with open(f"/proc/{pid}/{name}", "rb") as file:
                            self.seen.add(file.read())
                    except OSError:
                        pass
            self.rounds += 1


class Secrets(MeshCase):
    SITES = JOIN = ("laptop", "nas")

    @classmethod
    def setUpClass(cls):
        # All output of daemons and programs, with the debugging output of GLib and its libraries.
        for name, value in (("EDGEWAY_DEBUG", "1"), ("G_MESSAGES_DEBUG", "all")):
            os.environ[name] = value
            cls.addClassCleanup(os.environ.pop, name)
        cls.watcher = Watcher()
        cls.watcher.start()
        super().setUpClass()
        cls.config = cls.mesh.ctl("laptop", "node", "config", "phone").stdout
        cls.server_key = cls.mesh.new_key("later")
        cls.mesh.ctl("laptop", "mode", "vpn")
        cls.mesh.ctl("laptop", "mode", "connector")
        cls.mesh.ctl("nas", "enroll", "--key-file", "-", input=cls.server_key + "\n", check=False)
        cls.watcher.over = True
        cls.watcher.join()
        cls.secrets = cls.collect()

    @classmethod
    def collect(cls):
        """name → text of each secret, in the forms it could appear in."""
        found = {}
        for label, key in (("first key", cls.key), ("server key", cls.server_key)):
            body = json.loads(base64.urlsafe_b64decode(key[4:] + "=" * (-len(key[4:]) % 4))[:-4])
            found[label], found[label + "'s secret"] = key, body["secret"]
        found["phone's private key"] = re.search(r"^PrivateKey\s*=\s*(\S+)", cls.config, re.M).group(1)
        for name in cls.SITES:
            account = cls.mesh.machine(name).run("cat", "/var/lib/edgeway/account.json").stdout
            for field in ("private_key", "credential"):
                values = re.findall(rf'"{field}"\s*:\s*"([^"]+)"', account)
                assert values, f"{field} not in account.json"
                found[f"{name}'s {field}"] = values[0]
        for path in cls.mesh.machine("edge").run("sh", "-c", "find /var/lib/edgeway-edge -type f -size -8k -print0 | xargs -0 grep -lE 'PRIVATE KEY' || true").stdout.split():
            lines = [line for line in cls.mesh.machine("edge").run("cat", path).stdout.splitlines() if line and not line.startswith("-")]
            found[f"edge's {os.path.basename(path)}"] = lines[1] if len(lines) > 1 else lines[0]
        found["edge's private key"] = cls.mesh.machine("edge").run("cat", "/var/lib/edgeway-edge/wireguard.key").stdout.strip()
        return found

    def forms(self):
        for name, text in self.secrets.items():
            yield name, text.encode()
            try:
                raw = base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))
                if len(raw) == 32:
                    yield name + " (hex)", raw.hex().encode()
                    yield name + " (base64url)", base64.urlsafe_b64encode(raw).rstrip(b"=")
            except ValueError:
                pass

    def test_argv_and_environment(self):
        self.assertGreater(self.watcher.rounds, 20)
        blob = b"\n".join(self.watcher.seen)
        self.assertIn(b"edgewayd", blob, "the watcher saw nothing")
        for name, form in self.forms():
            self.assertNotIn(form, blob, f"{name} stood in a command line or an environment")

    def test_behaviour_nothing_secret_in_logs(self):
        """At the most verbose level there is. For session keys, which no other process can know, see tests/unit/engine/test-behaviour-secrets.c."""
        logs = b""
        for folder, _, names in os.walk(self.mesh.world.folder):
            for name in names:
                if name.endswith(".log"):
                    with open(os.path.join(folder, name), "rb") as file:
                        logs += file.read()
        for program in (b"edgewayd: debug: ", b"edgeway-edge: debug: "):
            self.assertIn(program, logs, "nothing was told at that level")
        for name, form in self.forms():
            self.assertNotIn(form, logs, f"{name} stands in a log")

    def test_files_are_closed_to_others(self):
        for name, folder in (("laptop", "/var/lib/edgeway"), ("nas", "/var/lib/edgeway"), ("edge", "/var/lib/edgeway-edge")):
            machine = self.mesh.machine(name)
            self.assertEqual(machine.run("stat", "-c", "%a", folder).stdout.strip(), "700")
            self.assertEqual(machine.run("find", folder, "-type", "f", "-perm", "/077").stdout, "", "readable by others")
            self.assertEqual(machine.run("find", folder, "-type", "s", "-perm", "/077").stdout, "", "a socket open to others")

    def test_secret_is_stored_hashed(self):
        """The enrollment secret itself is nowhere in the edge's folder, only its hash."""
        dump = self.mesh.machine("edge").run("sh", "-c", "cat /var/lib/edgeway-edge/* | base64 -w0").stdout
        blob = base64.b64decode(dump)
        for label in ("first key's secret", "server key's secret", "laptop's credential", "nas's credential", "phone's private key", "laptop's private_key"):
            for form in (self.secrets[label].encode(), base64.urlsafe_b64decode(self.secrets[label].replace("+", "-").replace("/", "_") + "=" * (-len(self.secrets[label]) % 4))):
                self.assertNotIn(form, blob, label)

    def test_sockets(self):
        laptop = self.mesh.machine("laptop")
        for path in ("/run/wireguard/edgeway0.sock", "/run/edgeway/bus"):
            self.assertEqual(laptop.run("stat", "-c", "%a %u", path).stdout.strip(), "600 0")
        self.assertNotIn(self.secrets["laptop's private_key"], laptop.run("wg", "show", "edgeway0").stdout)

    def test_memory_is_closed(self):
        """A process that may leave a core file lets its memory be read by its own user: here root with the daemons' own capability alone."""
        for name in ("edge", "laptop"):
            command = self.mesh.running[name][0].args
            program = next(word for word in command if os.path.basename(word).startswith("edgeway"))
            pids = self.mesh.machine(name).run("pgrep", "-x", os.path.basename(program)[:15]).stdout.split()
            space = os.readlink(f"/proc/{self.mesh.machine(name).pid}/ns/net")
            pid = next(pid for pid in pids if os.readlink(f"/proc/{pid}/ns/net") == space)
            self.assertEqual(subprocess.run(["head", "-c", "8", f"/proc/{pid}/auxv"], capture_output=True).returncode, 0)
            confined = subprocess.run(["setpriv", "--bounding-set", "-all,+net_admin", "head", "-c", "8", f"/proc/{pid}/auxv"], capture_output=True)
            self.assertNotEqual(confined.returncode, 0, name)


if __name__ == "__main__":
    unittest.main()
