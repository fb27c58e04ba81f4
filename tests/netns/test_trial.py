#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A trial (app/run) whose edgewayd is killed: the trial says so, ends, and leaves nothing of it on this computer."""
import os
import subprocess
import tempfile
import unittest

from mesh_case import BUILD, SOURCE

# In namespaces of its own, with folders and an nsswitch.conf of its own: $1 the sources, $2 the programs, $3 a folder.
SCRIPT = r"""
set -u
mount -t tmpfs none /run; mkdir /run/edgeway /run/wireguard
cp /etc/nsswitch.conf /run/nsswitch.conf; mount --bind /run/nsswitch.conf /etc/nsswitch.conf
[ ! -d /var/lib/edgeway ] || mount -t tmpfs none /var/lib/edgeway
[ ! -d /var/lib/edgeway-edge ] || mount -t tmpfs none /var/lib/edgeway-edge
ip link set lo up
begin() {
  python3 -B "$1/app/launch/trial.py" --programs "$2" >"$3/said" 2>&1 & trial=$!
  for i in $(seq 1200); do ! grep -q "until Ctrl-C" "$3/said" || break; kill -0 $trial 2>/dev/null || break; sleep 0.05; done
  daemon=$(pgrep -P $trial -x edgewayd)
}
rest() { ip -o link | cut -d: -f2; ip rule; ip -6 rule; nft list ruleset; ls -A /run/edgeway /run/wireguard; ls -d /run/edgeway-* 2>/dev/null; cat /etc/nsswitch.conf; }
rest >"$3/before"
begin "$@"
kill -9 "$daemon"; wait $trial; echo "exit code $?"; grep '✗' "$3/said"
rest >"$3/after"; diff "$3/before" "$3/after" && echo "nothing left"
begin "$@"
"$2/edgewayd" --revert; ls /run/edgeway/names /run/edgeway/names.conf
# Killed with its edgewayd: --revert without its folder knows nothing of it, and says so. The next trial undoes it.
kill -9 $trial; wait $trial 2>/dev/null
for i in $(seq 200); do kill -0 "$daemon" 2>/dev/null || break; sleep 0.05; done
"$2/edgewayd" --revert && echo "lied"
begin "$@"
kill -INT $trial; wait $trial; echo "exit code $?"; grep '✗' "$3/said"
rm -f /run/.edgeway-places
rest >"$3/after"; diff "$3/before" "$3/after" && echo "nothing left"
"$2/edgewayd" --revert
"""


class Trial(unittest.TestCase):
    def test_killed(self):
        with tempfile.TemporaryDirectory() as folder:
            programs = os.path.join(folder, "bin")
            os.mkdir(programs)
            for path in ("daemon/service/edgewayd", "daemon/edge/edgeway-edge", "app/ctl/edgewayctl"):
                os.symlink(os.path.join(BUILD, path), os.path.join(programs, os.path.basename(path)))
            result = subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", SCRIPT, "bash", SOURCE, programs, folder],
                                    capture_output=True, text=True, timeout=200)
        self.assertEqual(result.stdout.splitlines(), [
            "exit code 1",
            "✗ The trial's edgewayd was ended by SIGKILL, so the trial ends. For another one: app/run",
            "nothing left",
            "There was nothing to undo in /var/lib/edgeway.",
            "An edgewayd with another state folder runs and keeps what it has changed.",
            "/run/edgeway/names", "/run/edgeway/names.conf",
            "There was nothing to undo in /var/lib/edgeway.",
            "exit code 0",
            "nothing left",
            "There was nothing to undo in /var/lib/edgeway."], result.stderr)
        self.assertIn("There are still rules of an edgewayd that doesn't run any more", result.stderr)


if __name__ == "__main__":
    unittest.main()
