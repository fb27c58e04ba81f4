# SPDX-License-Identifier: GPL-3.0-or-later
"""Where there is no systemd, app/run's services log what they say on stderr; what is on stdout may be a key."""
import os
import subprocess
import unittest

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
SCRIPT = """
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/log
. "$1/app/launch/common.sh"; . "$1/app/launch/install.sh"
systemd_runs() { false; }
cp "$(command -v sleep)" /run/edgeway-test # a service is stopped by its own name alone
start_service edgeway-test /bin/sh -c 'echo a secret; echo a "line  of" log >&2; exec /run/edgeway-test 60' >/dev/null
for i in $(seq 100); do [ -s /var/log/edgeway/edgeway-test.log ] && break; sleep 0.1; done
cat /var/log/edgeway/edgeway-test.log
pid=$(cat /run/edgeway-test.pid); cat /proc/$pid/comm
stop_service edgeway-test
[ ! -e /proc/$pid ] && echo stopped
"""


class ServiceLog(unittest.TestCase):
    def test_stdout_is_not_logged(self):
        result = subprocess.run(["unshare", "--mount", "--propagation", "private", "bash", "-c", SCRIPT, "bash", SOURCE], capture_output=True, text=True, timeout=60)
        self.assertEqual(result.stdout.splitlines(), ["a line  of log", "edgeway-test", "stopped"], result.stderr)


if __name__ == "__main__":
    unittest.main()
