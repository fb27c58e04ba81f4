#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""resolver_packages.py BUILD: fetches the packages of the resolvers that tests/lib/resolver_world.py runs, and of the firewalls that
tests/lib/firewall_case.py runs, and unpacks each set into a folder of its own below BUILD/resolvers. They are never installed: each would change
how this computer resolves names, or what it lets in.
"""
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile

SETS = {
    "resolved": ("systemd-resolved", "libnss-resolve"),
    "network-manager": ("network-manager",),
    "network-manager-resolved": ("network-manager", "systemd-resolved"),
    "openresolv": ("openresolv",),
    "resolvconf": ("resolvconf",),
    "firewalls": ("iptables", "ufw", "firewalld", "python3-firewall", "python3-nftables", "docker.io"),
}
KEPT = ("libc6", "libc-bin")  # those of this computer belong together


def fetch(packages, folder):
    """The packages and what they need beyond what is installed here, as files in the folder."""
    os.makedirs(os.path.join(folder, "partial"), exist_ok=True)
    argv = ["apt-get", "-y", "-q", "--no-install-recommends", "--download-only", "--reinstall", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root",
            "-o", f"Dir::Cache::archives={folder}", "install", *packages]
    if subprocess.run(argv, stdin=subprocess.DEVNULL).returncode != 0:
        subprocess.run(["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "update"], stdin=subprocess.DEVNULL, check=True)
        subprocess.run(argv, stdin=subprocess.DEVNULL, check=True)


def unpack(archives, root):
    """/lib and /sbin lead into /usr, as on a Debian system."""
    for name in ("usr/lib", "usr/sbin", "usr/bin", "etc"):
        os.makedirs(os.path.join(root, name))
    for name in ("lib", "sbin", "bin"):
        os.symlink("usr/" + name, os.path.join(root, name))
    for archive in sorted(os.listdir(archives)):
        if archive.endswith(".deb") and archive.split("_")[0] not in KEPT:
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", os.path.join(archives, archive)], stdout=subprocess.PIPE) as tar:
                subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", root], stdin=tar.stdout, check=True)


def prepare(build):
    """The folder of all sets, fetched where one is missing."""
    top = os.path.join(os.path.abspath(build), "resolvers")
    os.makedirs(top, exist_ok=True)
    with open(os.path.join(top, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run side by side
        for name, packages in SETS.items():
            ready = os.path.join(top, name)
            if not os.path.isdir(ready):
                with tempfile.TemporaryDirectory(dir=top) as work:
                    os.chmod(work, 0o755)
                    fetch(packages, os.path.join(work, "archives"))
                    unpack(os.path.join(work, "archives"), os.path.join(work, "root"))
                    shutil.move(os.path.join(work, "root"), ready)
            elif os.geteuid() == 0 and os.stat(ready).st_uid != 0:
                # tests/run gives the build folder to the clone's owner at the end; daemons want theirs to be root's.
                subprocess.run(["chown", "-R", "-h", "0:0", ready], check=True)
    return top


if __name__ == "__main__":
    prepare(sys.argv[1])
