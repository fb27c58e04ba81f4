# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages out of the plain build, in several versions, and what they leave on a machine."""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import booted

BUILD, SOURCE = os.environ["EDGEWAY_BUILD"], os.environ["EDGEWAY_SOURCE"]
PACKAGES = ("edgewayd", "edgeway-edge", "edgeway")
VERSIONS = {"old": "0.1.0", "next": "99.0"}  # before and after every existing version
# What a server has: systemd, udev (which opens /dev/net/tun to all), a bus, SSH. sysctl and nft are for the test to look with.
SERVER = ("systemd", "systemd-sysv", "udev", "libpam-systemd", "dbus", "dbus-user-session", "openssh-server", "openssh-client", "iproute2", "nftables",
          "iputils-ping", "procps")
packages = None  # the folder; its files are NAME-VERSION.deb, VERSION: old, current, next


def make_packages():
    """Called by setUpModule. tests/clean/packages passes packages of a clean build, and those of an older commit."""
    global packages
    if not booted.can_boot():
        raise unittest.SkipTest("needs root and a cgroup2 file system that can be written to")
    folder = tempfile.mkdtemp(prefix="edgeway-deb-")
    unittest.addModuleCleanup(shutil.rmtree, folder)
    built, older = os.environ.get("EDGEWAY_DEBS", f"{folder}/built"), os.environ.get("EDGEWAY_OLDER_DEBS")
    if not os.path.isdir(built):
        subprocess.run([f"{SOURCE}/data/debian/build", "--from", BUILD, built], stdout=subprocess.DEVNULL, check=True, timeout=300)
    packages = f"{folder}/packages"
    os.mkdir(packages)
    for name in PACKAGES:
        deb = glob.glob(f"{built}/{name}_*.deb")[0]
        shutil.copy(deb, f"{packages}/{name}-current.deb")
        if older and name != "edgeway":
            shutil.copy(glob.glob(f"{older}/{name}_*.deb")[0], f"{packages}/{name}-old.deb")
        if name != "edgeway":
            make_versions(deb, name, ("next",) if older else ("old", "next"))
    for path in glob.glob(f"{packages}/*"):
        os.chmod(path, 0o644)
    os.chmod(folder, 0o755)


def make_versions(deb, name, words):
    """The same under another version's number."""
    with tempfile.TemporaryDirectory() as tree:
        subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
        for word in words:
            subprocess.run(["sed", "-i", f"s/^Version: .*/Version: {VERSIONS[word]}/", f"{tree}/DEBIAN/control"], check=True)
            subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", tree, f"{packages}/{name}-{word}.deb"], stdout=subprocess.DEVNULL, check=True)


def field(deb, name, word="current"):
    return subprocess.run(["dpkg-deb", "-f", f"{packages}/{deb}-{word}.deb", name], capture_output=True, text=True, check=True).stdout.strip()


def server_root():
    """A server's root file system, with what our packages depend on, but without them."""
    needed = {re.split(r"[ (|]", one.strip())[0] for name in ("edgewayd", "edgeway-edge") for one in field(name, "Depends").split(",")}
    return booted.prepare_root(SOURCE, "the packages' tests", sorted(needed.union(SERVER)))


class Snapshot:
    """What a package could have left on a machine, as lines by topic."""
    # Logs and caches, what dpkg and systemd keep about other things, copies that user tools make, and linker's cache.
    ELSEWHERE = ("/proc", "/sys", "/dev", "/run", "/tmp", "/packages", "/old", "/var/log", "/var/cache", "/var/backups", "/var/lib/systemd/random-seed",
                 "/var/lib/systemd/timers", "/var/lib/dpkg/status*", "/var/lib/dpkg/lock*", "/var/lib/dpkg/triggers/Lock", "/var/lib/dpkg/info/format",
                 "/var/lib/dpkg/updates", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-", "/etc/.pwd.lock",
                 "/etc/ld.so.cache", "/var/lib/private", "/var/lib/apt")
    TOPICS = {
        "files": "find / -xdev \\( " + " -o ".join(f"-path '{path}'" for path in ELSEWHERE) + " \\) -prune -o -printf '%y %m %u:%g %p %l\\n' | sort",
        "contents": "find /etc -xdev -type f ! -path '/etc/*-' ! -name ld.so.cache ! -name .pwd.lock -exec sha256sum {} + | sort -k 2",
        "sockets and states": "ls -d /run/*edgeway* /run/wireguard /run/systemd/*/*edgeway* 2>/dev/null; ls /sys/fs/cgroup/system.slice | grep edgeway; true",
        "packages": "dpkg -l",
        "users": "getent passwd; getent group",
        "units": "systemctl list-unit-files --no-legend --no-pager; systemctl list-units --all --no-legend --no-pager --plain 'edgeway*'",
        "links": "ip -o link | sed 's/@.*mtu/ mtu/'; ip -o addr | awk '{print $2, $4}'",
        # The kernel makes an interface's own link-local routes seconds after the interface.
        "routes": "ip -4 route show table all; ip -6 route show table all | grep -v '^[a-z]* fe80:'; ip rule; ip -6 rule",
        "nftables": "nft list ruleset",
        "sysctls": "sysctl -a 2>/dev/null | grep -E '^net\\.(ipv4|ipv6|core)\\.' | grep -vE '(_dst_|neigh|gc_|stable_secret|tcp_fastopen_key|base_reachable|^net.ipv4.(tcp_mem|udp_mem))'",
        "processes": "ps -eo comm | grep edgeway; true",
    }

    def __init__(self, machine, topics=tuple(TOPICS)):
        self.machine = machine
        self.lines = {topic: machine.text(self.TOPICS[topic]).splitlines() for topic in topics}

    def changes(self):
        after = Snapshot(self.machine, tuple(self.lines))
        return [f"{topic}: {sign} {line}" for topic, before in self.lines.items() for sign, lines, others in
                (("gone:", before, after.lines[topic]), ("new:", after.lines[topic], before)) for line in lines if line not in others]
