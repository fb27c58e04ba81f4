# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs on one computer: the end of one leaves the other's folders alone, and the last one leaves nothing behind. A
machine doesn't start to share what is replaced on the computer in the meantime."""
import os
import subprocess
import sys
import unittest

LAUNCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch")
sys.path.insert(0, LAUNCH)
from machines import Machine, World  # noqa: E402

# Its /etc is the computer's for the machine "a".
REPLACED = """mkdir -p /run/edgeway /run/wireguard; for d in /run/edgeway /run/wireguard; do mount -t tmpfs none $d; done
d=$(mktemp -d); mount -t tmpfs -o mode=755 none $d; cp /etc/passwd /etc/group $d; echo 'hosts: files' >$d/nsswitch.conf
mount --bind $d /etc; umount $d; rmdir $d; exec "$0" -B -c "$1" "$2"
"""
IN_IT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from machines import World
with World("test") as world:
    machine = world.machine("a")
    os.rename("/etc/nsswitch.conf", "/etc/old")
    with open("/etc/nsswitch.conf", "w") as file:
        file.write("hosts: dns")
    machine.run("sh", "-c", "echo '# of the machine' >>/etc/nsswitch.conf && grep -q files /etc/nsswitch.conf && touch /etc/new")
    print(open("/etc/nsswitch.conf").read(), sorted(os.listdir("/etc")))
"""


class Worlds(unittest.TestCase):
    def test_two_at_once(self):
        place, usual = f"/run/edgeway-place-{os.getpid()}", Machine.PRIVATE
        self.addCleanup(setattr, Machine, "PRIVATE", usual)
        Machine.PRIVATE = (place,)
        first, second = World("test"), World("test")
        self.addCleanup(second.close)
        first.machine("a")
        machine = second.machine("b")
        first.close()
        machine.run("touch", f"{place}/private")
        self.assertEqual(os.listdir(place) if os.path.isdir(place) else [], [], "written to the host's folder")
        self.assertEqual(machine.run("stat", "-f", "-c", "%T", place).stdout.strip(), "tmpfs")
        self.assertEqual(machine.run("stat", "-c", "%d", place).stdout == machine.run("stat", "-c", "%d", "/run").stdout, False, "its own mount is gone")

    def test_replaced_nsswitch(self):
        """Renaming over a file removes its mounts in all namespaces: daemons would write to the computer's own."""
        result = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-ec", REPLACED, sys.executable, IN_IT, LAUNCH], capture_output=True, text=True, timeout=60)
        self.assertEqual((result.stdout, result.stderr), ("hosts: dns ['group', 'nsswitch.conf', 'old', 'passwd']\n", ""))


if __name__ == "__main__":
    unittest.main()
