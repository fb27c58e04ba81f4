# SPDX-License-Identifier: GPL-3.0-or-later
"""What app/run --remove ends: the app and the tray whose program no longer exists, and no other process; and the folders that it
keeps: those of other packages."""
import os
import subprocess
import unittest

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
# In separate namespaces, with a separate /usr/bin.
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
mkdir /mnt/upper2 /mnt/work2
mount -t overlay -o lowerdir=/usr/lib,upperdir=/mnt/upper2,workdir=/mnt/work2 overlay /usr/lib
refresh_caches() { :; }; manifest=/mnt/manifest packages_list=/mnt/packages
for owned in none /usr/lib/NetworkManager/conf.d; do
  rm -rf /usr/lib/NetworkManager; mkdir -p /usr/lib/NetworkManager/conf.d; echo >/usr/lib/NetworkManager/conf.d/edgeway.conf
  echo /usr/lib/NetworkManager/conf.d/edgeway.conf >$manifest
  dpkg-query() { [ "$2" = "$owned" ]; }
  remove_files || true
  echo "folders:" $(cd /usr/lib && find NetworkManager 2>/dev/null)
done
"""


class Removal(unittest.TestCase):
    def test_apps_that_are_open(self):
        said = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", SCRIPT, "bash", SOURCE], capture_output=True, text=True, timeout=60)
        self.assertEqual("still installed: left alone\napp 143\ntray 143\nanother program: left alone\n"
                         "folders:\nfolders: NetworkManager NetworkManager/conf.d\n", said.stdout, said.stderr)


if __name__ == "__main__":
    unittest.main()
