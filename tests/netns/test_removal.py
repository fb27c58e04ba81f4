# SPDX-License-Identifier: GPL-3.0-or-later
"""What app/run --remove ends: the app and the tray whose program is no longer there, and nobody else."""
import os
import subprocess
import unittest

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
# In namespaces of its own, with a /usr/bin of its own.
SCRIPT = r"""
set -eu
mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work
cp "$(command -v sleep)" /mnt/sleep
mount -t overlay -o lowerdir=/usr/bin,upperdir=/mnt/upper,workdir=/mnt/work overlay /usr/bin
for name in edgeway edgeway-tray edgewayctl; do
  cp /mnt/sleep /usr/bin/$name; /usr/bin/$name 60 & eval "${name//-/_}=$!"
done
. "$1/app/launch/common.sh"; . "$1/app/launch/install.sh"
sleep 0.5
close_apps; kill -0 $edgeway $edgeway_tray $edgewayctl && echo "still installed: left alone"
rm /usr/bin/edgeway /usr/bin/edgeway-tray /usr/bin/edgewayctl
close_apps
wait $edgeway || echo "app $?"
wait $edgeway_tray || echo "tray $?"
kill -0 $edgewayctl && echo "another program: left alone"
"""


class Removal(unittest.TestCase):
    def test_apps_that_are_open(self):
        said = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", SCRIPT, "bash", SOURCE], capture_output=True, text=True, timeout=60)
        self.assertEqual("still installed: left alone\napp 143\ntray 143\nanother program: left alone\n", said.stdout, said.stderr)


if __name__ == "__main__":
    unittest.main()
