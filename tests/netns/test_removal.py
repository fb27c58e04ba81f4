# SPDX-License-Identifier: GPL-3.0-or-later
"""What app/run --remove ends: the app and the tray whose program no longer exists, and no other process; and what it
leaves: folders of other packages."""
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
for name in lib share; do
  mkdir /mnt/$name /mnt/$name/upper /mnt/$name/work
  mount -t overlay -o "lowerdir=/usr/$name,upperdir=/mnt/$name/upper,workdir=/mnt/$name/work" overlay /usr/$name
done
refresh_caches() { :; }; manifest=/mnt/manifest packages_list=/mnt/packages
for owned in none /usr/lib/NetworkManager/conf.d; do
  rm -rf /usr/lib/NetworkManager /usr/share/{edgeway,dbus-1/interfaces}
  dpkg-query() { case $2 in "$owned" | /usr/lib | /usr/share | /usr/share/dbus-1) ;; *) return 1 ;; esac; }
  find /usr/lib /usr/share | sort >/mnt/before
  printf '%s\n' /usr/lib/NetworkManager/conf.d/edgeway.conf /usr/share/dbus-1/interfaces/org.edgeway.Edgeway1.xml /usr/share/edgeway/manifest >$manifest
  while read -r file; do mkdir -p "${file%/*}"; echo >$file; done <$manifest
  mkdir -p $repository/debian-{13,14}; echo >$repository/debian-13/Packages
  remove_files || true
  echo "left:" $(find /usr/lib /usr/share | sort | comm -13 /mnt/before -)
done
"""


class Removal(unittest.TestCase):
    def test_apps_that_are_open(self):
        said = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "bash", "-c", SCRIPT, "bash", SOURCE], capture_output=True, text=True, timeout=60)
        self.assertEqual("still installed: left alone\napp 143\ntray 143\nanother program: left alone\n"
                         "left:\nleft: /usr/lib/NetworkManager /usr/lib/NetworkManager/conf.d\n", said.stdout, said.stderr)

    def test_purge_with_mounts(self):
        """The package's own script goes on where a folder is a mount, and removes the log of a computer without systemd."""
        script = """set -e; mount --make-rprivate /
for folder in /run /var/lib /var/log; do mount -t tmpfs tmpfs $folder; done
[ ! -e /usr/share/edgeway ] || mount -t tmpfs tmpfs /usr/share/edgeway
for folder in /run/edgeway /run/wireguard /var/lib/edgeway; do mkdir $folder; mount -t tmpfs tmpfs $folder; touch $folder/here; done
mkdir /var/log/edgeway; echo >/var/log/edgeway/edgewayd.log; echo >/run/edgewayd.pid
sh "$1/data/debian/edgewayd.postrm" purge; echo $?; cd /; find run var/lib var/log -mindepth 1 | grep -v ^run/mount | sort"""
        said = subprocess.run(["unshare", "--mount", "bash", "-c", script, "bash", SOURCE], capture_output=True, text=True, timeout=60)
        self.assertEqual((said.stdout, said.stderr), ("0\nrun/edgeway\nrun/wireguard\nrun/wireguard/here\nvar/lib/edgeway\n", ""))


if __name__ == "__main__":
    unittest.main()
