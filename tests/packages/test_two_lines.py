#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two lines that install Edgeway from an edge, on a computer with apt and nothing else: a bare Debian of its own that reaches only the
edge. An administrator's edgewayctl shows them, and they are pasted into a terminal as they are.

    laptop ── nat-11 ──────┐
                           internet ── edge 203.0.113.5:443 (hands out packages)
    bare ──── nat-13 ──────┘   └ 203.0.113.1: an attacker on the path

EDGEWAY_RELEASE: bookworm (by default), trixie. EDGEWAY_DEBS: a folder of packages that were compiled on that release itself, instead of
those of what is compiled here. Each step's time is printed, and not judged.
"""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from bare_computer import RELEASE, Bare, Terminal, bare_root
from mesh_case import BUILD, SOURCE, Failure, MeshCase, wait_for

SYSTEM = {"bookworm": "debian-12", "trixie": "debian-13", "sid": "debian-sid"}[RELEASE]
DEBS = os.environ.get("EDGEWAY_DEBS")
# Forwards data until so many bytes went to the client; then nothing more.
CUT = """
import socket, sys, threading
left = [int(sys.argv[1])]
server = socket.create_server(("203.0.113.1", 444))
def move(a, b, counted):
    try:
        while data := a.recv(65536):
            if counted:
                left[0] -= len(data)
            if left[0] < 0:
                break
            b.sendall(data)
    except OSError:
        pass
    for one in (a, b):
        try: one.shutdown(socket.SHUT_RDWR)
        except OSError: pass
while True:
    caller = server.accept()[0]
    if left[0] < 0:
        caller.close()
        continue
    edge = socket.create_connection(("203.0.113.5", 443))
    threading.Thread(target=move, args=(caller, edge, False), daemon=True).start()
    threading.Thread(target=move, args=(edge, caller, True), daemon=True).start()
"""
# Serves its own script, and ends TLS without close_notify.
RAGGED = """
import os, socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/var/lib/edgeway-edge/api.pem")
server = socket.create_server(("203.0.113.1", 445))
body = b"#!/bin/sh\\ntouch /evil\\n"
while True:
    try:
        tls = context.wrap_socket(server.accept()[0], server_side=True)
        tls.recv(4096)
        tls.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\nConnection: close\\r\\n\\r\\n" % len(body) + body)
        os.close(tls.detach())
    except OSError:
        pass
"""


# What dpkg has noted and not yet put into its list of packages: apt refuses to work then.
INTERRUPT = "sed -n '/^Package: edgewayd$/,/^$/p' /var/lib/dpkg/status | sed 's/^Status: .*/Status: install ok unpacked/' >/var/lib/dpkg/updates/0001"
OLD_APP = """Package: edgeway
Status: install ok installed
Maintainer: x
Architecture: all
Version: 0.1
Depends: edgewayd (= 0.1)
Description: x
"""
# What app/run does on a server without a screen: what is compiled here is configured without the app, out of sight of everybody else.
WITHOUT_APP = """
set -e
source=$1 build=$2 folder=$3 system=$4
mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work
mount -t overlay -o "lowerdir=$build,upperdir=/mnt/upper,workdir=/mnt/work" overlay "$build"
meson configure "$build" -Dapp=disabled -Dtray=disabled -Dtests=false
ninja -C "$build"
. "$source/app/launch/common.sh"; . "$source/app/launch/install.sh"
repository=$folder manifest=/mnt/manifest
: >$manifest
mkdir -p "$repository/$system"
install_repository "$build"
"""


class TwoLinesCase(MeshCase):
    SITES, JOIN = ("laptop", "web"), ("laptop",)

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="edgeway-two-lines-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.chmod(cls.folder, 0o755)
        began = time.monotonic()
        bare_root()
        cls.note("the bare root", began)
        began = time.monotonic()
        cls.make_repository()
        cls.note("packages and repository", began)
        super().setUpClass()
        cls.mesh.machine("edge").run("cp", "-r", f"{cls.folder}/repository", "/var/lib/edgeway-edge/repository")
        wait_for("the edge's packages", lambda: SYSTEM in cls.mesh.machine("edge").run(cls.mesh.program("edgeway-edge"), "status").stdout, 10, 0.5)

    @classmethod
    def make_repository(cls):
        """What the edge hands out, in the folder "repository"."""
        if DEBS:
            argv = [f"{SOURCE}/data/debian/repository", SYSTEM, f"{cls.folder}/repository/{SYSTEM}", *glob.glob(f"{DEBS}/edgewayd_*.deb"), *glob.glob(f"{DEBS}/edgeway_*.deb")]
        else:
            argv = [f"{SOURCE}/data/debian/build", "--from", BUILD, "--repository", f"{cls.folder}/repository", "--for", SYSTEM, f"{cls.folder}/built"]
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=True, timeout=600)

    @staticmethod
    def note(what, began):
        print(f"    {what}: {time.monotonic() - began:.1f} s", flush=True)

    def add(self, name):
        """The lines and the key, as a person copies them from what is shown."""
        result = self.ctl("laptop", "node", "add", name)
        lines = re.search(r"asks for the key:\n(/usr/lib/apt/.* &&\n  sh ~/edgeway-install)\n", result.stderr)
        self.assertTrue(lines, result.stderr)
        return lines.group(1), result.stdout.strip()

    def bare(self):
        bare = Bare(self.mesh.machine("web"))
        self.addCleanup(bare.close)
        terminal = Terminal(bare)
        self.addCleanup(terminal.close)
        return bare, terminal

    def join(self, terminal, lines, key):
        """A person pastes the lines, and then the key."""
        print()
        began = time.monotonic()
        terminal.paste(lines)
        shown = terminal.expect(r"[Kk]ey[^\n]*: ?$")
        self.note("from the lines to the question for the key", began)
        for step in re.findall(r"(?m)^  (.*: \d+ s)$", shown):
            print(f"      {step}")
        self.assertIn("This installs Edgeway on this computer, from the edge \"frankfurt\" of the mesh \"demo\" (https://203.0.113.5).", shown)
        joined = time.monotonic()
        terminal.paste(key)
        terminal.expect(r"connected[^$]*\$ ", 60)
        self.note("from the key to connected", joined)
        self.note("all of it", began)


class WithoutApp(TwoLinesCase):
    """An edge on a server without a screen, where the app isn't compiled."""

    @classmethod
    def make_repository(cls):
        result = subprocess.run(["unshare", "--mount", "--propagation", "private", "bash", "-c", WITHOUT_APP, "bash", SOURCE, BUILD, f"{cls.folder}/repository", SYSTEM],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600)
        if result.returncode != 0:
            raise Failure(f"the packages couldn't be made: {result.stdout[-1500:]}")

    def test_joined(self):
        names = {os.path.basename(path).split("_")[0] for path in glob.glob(f"{self.folder}/repository/{SYSTEM}/*.deb")}
        self.assertEqual({name for name in names if name.startswith("edgeway")}, {"edgewayd"})
        lines, key = self.add("web")
        bare, terminal = self.bare()
        self.join(terminal, lines, key)
        wait_for("the laptop to answer", lambda: bare.ok("edgewayctl ping -c 1 laptop"), 20)
        with self.subTest("the app is asked for, which this edge doesn't have: the next step is named"):
            status, shown = terminal.run(lines + " --app")
            self.assertEqual(status, 1, shown)
            self.assertIn("edgeway-install: The edge has no package of the app. Everything else is done. For the app, in a clone of Edgeway here", shown)
            self.assertIn("data/debian/build && sudo apt-get install ", shown)
        with self.subTest("an upgrade that would remove the app is refused"):
            bare.run("sh", "-c", "sed -i '/^Package: edgewayd$/,/^$/s/^Version: .*/Version: 0.1/' /var/lib/dpkg/status && { echo; cat; } >>/var/lib/dpkg/status <<'TXT'\n" + OLD_APP + "TXT\n")
            status, shown = terminal.run(lines)
            self.assertEqual(status, 1, shown)
            self.assertIn("an upgrade would remove the app. Upgrade both from a clone: data/debian/build", shown)
            self.assertEqual(bare.version(), "installed 0.1")


class TwoLines(TwoLinesCase):
    def lead_to(self, port):
        """From now on the bare computer's connections to the edge end at an attacker on the path."""
        self.mesh.machine("nat-13").nft("table ip between { chain pre { type nat hook prerouting priority -110; "
                                        f"ip daddr 203.0.113.5 tcp dport 443 dnat to 203.0.113.1:{port}; }}; }}")
        self.addCleanup(self.lead_back)

    def lead_back(self):
        self.mesh.machine("nat-13").run("nft", "delete", "table", "ip", "between", check=False)

    def newer(self, version):
        """The edge has another version of edgewayd from now on."""
        folder = f"{self.folder}/{version}"
        shutil.copytree(f"{self.folder}/repository/{SYSTEM}", folder)
        deb = glob.glob(f"{folder}/edgewayd_*.deb")[0]
        subprocess.run(["dpkg-deb", "-R", deb, f"{self.folder}/tree"], check=True)
        subprocess.run(["sed", "-i", f"s/^Version: .*/Version: {version}/", f"{self.folder}/tree/DEBIAN/control"], check=True)
        os.remove(deb)
        subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", f"{self.folder}/tree", f"{folder}/edgewayd_{version}.deb"], stdout=subprocess.DEVNULL, check=True)
        shutil.rmtree(f"{self.folder}/tree")
        with open(f"{folder}/Packages", "w") as file:
            subprocess.run(["dpkg-scanpackages", "."], cwd=folder, stdout=file, stderr=subprocess.DEVNULL, check=True)
        edge = self.mesh.machine("edge")
        edge.run("cp", "-r", folder, "/var/lib/edgeway-edge/repository/new")
        place = f"/var/lib/edgeway-edge/repository/{SYSTEM}"
        edge.run("sh", "-c", f"mv {place} /var/lib/edgeway-edge/before && mv /var/lib/edgeway-edge/repository/new {place}")

        def undo():
            edge.run("sh", "-c", f"rm -r {place} && mv /var/lib/edgeway-edge/before {place}")
            self.offered("git")
        self.addCleanup(undo)
        self.offered(version)

    def offered(self, version):
        edge = self.mesh.machine("edge")
        wait_for("the edge's new packages", lambda: version in edge.run(edge_program := self.mesh.program("edgeway-edge"), "status").stdout and edge_program, 10, 0.3)

    def test_joined_upgraded_purged(self):
        lines, key = self.add("web")
        bare, terminal = self.bare()
        before = set(bare.run("find", "/", "-xdev", "-not", "-path", "/proc/*").stdout.split("\n"))
        sources = bare.run("sh", "-c", "cat /etc/apt/sources.list; ls -A /etc/apt/*").stdout
        for program in ("curl", "wget", "openssl", "sudo", "python3", "gpg"):
            self.assertFalse(bare.ok(f"command -v {program}"), f"{program} is no part of a bare system")
        self.join(terminal, lines, key)
        self.assertNotIn(key, terminal.text, "the key isn't shown")
        wait_for("the laptop to answer", lambda: bare.ok("edgewayctl ping -c 1 laptop"), 20)
        self.assertEqual(self.mesh.ctl_json("laptop", "node", "show", "web")["state"], "online")
        self.assertEqual(bare.run("sh", "-c", "cat /etc/apt/sources.list; ls -A /etc/apt/*").stdout, sources)
        self.assertEqual(bare.run("sh", "-c", "ls -A /root | grep -v '^\\.'; ls -A /tmp; ls /var/cache/apt/archives/*.deb; find / /run -xdev -name '*edgeway-install*'", check=False).stdout.replace(
            "ls: cannot access '/var/cache/apt/archives/*.deb': No such file or directory\n", ""), "")

        with self.subTest("the same lines again"):
            status, shown = terminal.run(lines)
            self.assertEqual(status, 0, shown)
            self.assertIn("was installed already", shown)
            self.assertIn("This computer is in a mesh already", shown)

        with self.subTest("the same lines after the edge was upgraded"):
            old = bare.version()
            self.newer("99.0")
            began = time.monotonic()
            # As su without - leaves it, and libpam-tmpdir.
            bare.run("mkdir", "-m", "700", "/tmp/private")
            status, shown = terminal.run("export PATH=/usr/bin:/bin TMPDIR=/tmp/private; " + lines)
            self.note("the upgrade", began)
            self.assertEqual((status, bare.version()), (0, "installed 99.0"), shown)
            self.assertIn(f"Edgeway was upgraded from {old.split()[1]} to 99.0.", shown)
            wait_for("the node to be back", lambda: bare.ok("edgewayctl status --json | grep -q '\"connected\"'"), 40, 0.5)

        with self.subTest("purged"):
            bare.run("start-stop-daemon", "--stop", "--retry", "10", "--pidfile", "/run/edgewayd.pid", "--exec", "/usr/sbin/edgewayd", check=False)
            bare.run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "purge", "-y", "--autoremove", "edgewayd")
            after = set(bare.run("find", "/", "-xdev", "-not", "-path", "/proc/*").stdout.split("\n"))
            self.assertEqual([path for path in sorted(after - before) if "edgeway" in path], [])

    def nothing_done(self, bare, shown):
        self.assertEqual(bare.version().split(" ")[0], "dpkg-query:", shown)
        self.assertFalse(bare.ok("[ -e /evil ]"), "somebody else's script was run")
        self.assertEqual(bare.run("sh", "-c", 'find / -xdev -name "*edgeway*" -not -path "$HOME/*" -not -path "/var/cache/edgeway-install*" -not -path "/proc/*"').stdout, "")
        self.assertEqual(bare.run("sh", "-c", "ls -A /tmp").stdout, "")

    def test_an_attacker_in_between(self):
        """Another mesh's edge in place of the real one, a changed script, changed packages: nothing is run or installed."""
        lines, _ = self.add("between")
        bare, terminal = self.bare()
        fetch = lines.split(" &&\n")[0]
        status, shown = terminal.run(fetch)
        self.assertEqual(status, 0, shown)
        self.assertTrue(bare.ok("cp ~/edgeway-install ~/kept"))
        internet = self.mesh.machine("internet")
        with open(f"{self.folder}/evil.conf", "w") as file:
            file.write(f"[edge]\nexit=false\ninterface=evil\n[install]\npackages={self.folder}/repository\n")
        internet.start(self.mesh.program("edgeway-edge"), "run", "--state-dir", "/var/lib/edgeway-edge", "--listen", "203.0.113.1:443", "--public", "203.0.113.5:443",
                       "--mesh", "demo", "--name", "frankfurt", "--config", f"{self.folder}/evil.conf", secret_output=True)
        wait_for("the other edge", lambda: internet.ok("sh", "-c", "ss -Hltn sport = :443 | grep -q ."), 20)
        internet.start("/usr/bin/python3", "-c", RAGGED, log="ragged")
        wait_for("the other server", lambda: internet.ok("sh", "-c", "ss -Hltn sport = :445 | grep -q ."), 20)
        for port, what in ((443, "another edge's script"), (445, "a script of its own, and TLS without an end")):
            with self.subTest(what):
                self.lead_to(port)
                bare.run("sh", "-c", "rm -f ~/edgeway-install")
                status, shown = terminal.run(lines)
                self.assertNotEqual(status, 0, shown)
                self.assertNotIn("This installs Edgeway", shown)
                self.nothing_done(bare, shown)
                self.lead_back()
        with self.subTest("the edge's own script, and another edge's packages"):
            self.lead_to(443)
            bare.run("sh", "-c", "cp ~/kept ~/edgeway-install")
            status, shown = terminal.run("sh ~/edgeway-install --no-join")
            self.assertEqual(status, 1, shown)
            self.assertIn("The edge couldn't be asked", shown)
            self.assertIn("ertificate", shown)
            self.nothing_done(bare, shown)
            self.lead_back()
        with self.subTest("a package that was changed on the edge"):
            edge = self.mesh.machine("edge")
            deb = glob.glob(f"{self.folder}/repository/{SYSTEM}/edgewayd_*.deb")[0]
            place = f"/var/lib/edgeway-edge/repository/{SYSTEM}/{os.path.basename(deb)}"
            edge.run("sh", "-c", f"printf x | dd of={place} bs=1 seek=2000 conv=notrunc")
            self.addCleanup(edge.run, "cp", deb, place)
            status, shown = terminal.run("sh ~/edgeway-install --no-join")
            self.assertEqual(status, 1, shown)
            self.assertIn("Hash Sum mismatch", shown)
            self.nothing_done(bare, shown)

    def test_what_it_refuses(self):
        """Each refusal says what the problem is and what to do, before anything is changed."""
        lines, _ = self.add("refused")
        bare, terminal = self.bare()
        status, shown = terminal.run(lines.split(" &&\n")[0])
        self.assertEqual(status, 0, shown)
        script = "sh ~/edgeway-install"
        release = "cat >/etc/os-release <<'TXT'\n%s\nTXT\n"
        bare.run("sh", "-c", "cp /etc/os-release ~/os-release; cp /etc/debian_version ~/debian_version; cp ~/edgeway-install /tmp; chmod 644 /tmp/edgeway-install")
        cases = (
            ("a key as an argument", f"{script} ew1_abc", 2, "Others on this computer can see a key"),
            ("an unknown option", f"{script} --colour", 2, "Unknown option --colour"),
            ("help", f"{script} --help", 0, "Usage: sh edgeway-install"),
            ("not root, and no sudo", "setpriv --reuid 1000 --clear-groups sh /tmp/edgeway-install", 4, "there is no sudo. Become root (su -), then run: sh /tmp/edgeway-install"),
            ("not root", "printf '#!/bin/sh\\necho as root: \"$@\"\\n' >/usr/bin/sudo; chmod 755 /usr/bin/sudo; setpriv --reuid 1000 --clear-groups sh /tmp/edgeway-install --no-join;"
                         " s=$?; rm /usr/bin/sudo; exit $s", 0, "as root: sh /tmp/edgeway-install --introduced --no-join"),
            ("as root, after it introduced itself", release % 'ID=fedora\nPRETTY_NAME="Fedora 42"' + f"{script} --introduced | grep 'This installs'; {script} --introduced", 1,
             "edgeway-install: This is Fedora 42"),
            ("Ubuntu", release % 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04"' + script, 1, "This is Ubuntu 24.04. The edge's packages are made for Debian"),
            ("made of Ubuntu", release % 'ID=linuxmint\nID_LIKE="ubuntu debian"\nPRETTY_NAME="Linux Mint 22"' + script, 1, "This is Linux Mint 22."),
            ("another system", release % 'ID=fedora\nPRETTY_NAME="Fedora 42"' + script, 1, "This is Fedora 42, and the edge's packages are for Debian."),
            ("made of some Debian", release % 'ID=kali\nID_LIKE=debian\nPRETTY_NAME="Kali"' + f"echo kali-rolling >/etc/debian_version; {script}", 1, "doesn't say which Debian"),
            ("made of an older Debian", release % 'ID=mx\nID_LIKE=debian\nPRETTY_NAME="MX 21"' + f"echo 11.4 >/etc/debian_version; {script}", 1,
             f"The edge has no packages for this computer (debian-11 on amd64). It has: {SYSTEM} on amd64.\nOn the edge's host, one command makes those for a later Debian than its own: see \"For another Debian\" in data/doc/edge.md"),
            ("an older Debian", release % 'ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian 11"' + script, 1, "The edge has no packages for this computer (debian-11 on amd64)"),
            ("running already", f"flock /run/edgeway-install.lock {script}", 1, "This runs already, perhaps in another terminal."),
            ("installed by app/run", f"mkdir -p /usr/share/edgeway && touch /usr/share/edgeway/manifest && {script}; s=$?; rm -r /usr/share/edgeway; exit $s", 1, "installed here from a clone, by app/run"),
            ("a full disk", f"mkdir -p /var/cache/edgeway-install && mount -t tmpfs -o size=2m tmpfs /var/cache/edgeway-install && {script}; s=$?; umount /var/cache/edgeway-install; exit $s", 1,
             "the disk that holds /var/cache/edgeway-install is full. Free some space"),
        )
        for what, command, code, words in cases:
            with self.subTest(what):
                bare.run("sh", "-c", "cp ~/os-release /etc/os-release; cp ~/debian_version /etc/debian_version")
                result = bare.run("sh", "-c", command, check=False)
                self.assertEqual(result.returncode, code, result.stdout)
                self.assertIn(words, result.stdout)
                self.assertLessEqual(result.stdout.count("This installs Edgeway"), 0 if "--introduced" in command else 1)
                self.assertFalse(bare.ok("dpkg-query -W edgewayd"))

    def test_waits_for_others(self):
        """Another program installs packages."""
        lines, _ = self.add("patient")
        bare, terminal = self.bare()
        script = lines + " --no-join"
        other = r"Another program is installing packages on this computer \(perl, process \d+\)\. This goes on when it has finished\.\n"
        with self.subTest("it waits, and says so; what that one is at isn't called interrupted"):
            bare.run("sh", "-c", "sed 's/^Status: .*/Status: install ok half-configured/' /var/lib/dpkg/status | sed -n '/^Package: apt$/,/^$/p' >/var/lib/dpkg/updates/0001")
            lock = bare.lock_packages()
            terminal.paste(f"{script}; echo \"ended: $?\".")
            self.assertNotIn("unfinished", terminal.expect(other))
            bare.run("rm", "/var/lib/dpkg/updates/0001")
            lock.communicate("\n", timeout=20)
            shown = terminal.expect(r"ended: \d+\.")
            self.assertIn("ended: 0.", shown)
            self.assertNotIn("unfinished", shown)
        # From here on, apt-get tells what it has found, and goes on when it is told.
        bare.run("sh", "-c", "mkdir /window; mkfifo /window/checked /window/go; printf '#!/bin/sh\\n/usr/bin/apt-get \"$@\"; s=$?; case \"$*\" in *check) "
                             "[ ! -e /window/checked ] || { echo >/window/checked; cat /window/go; rm /window/*ed; } ;; esac; exit $s\\n' >/window/apt-get; chmod 755 /window/apt-get")
        script = f"export PATH=/window:$PATH; {script}"
        with self.subTest("one that begins after apt was asked: apt itself waits"):
            terminal.paste(f"{script}; echo \"ended: $?\".")
            bare.run("cat", "/window/checked")
            lock = bare.lock_packages()
            bare.run("sh", "-c", ": >/window/go")
            terminal.expect("Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend")
            lock.communicate("\n", timeout=20)
            self.assertIn("ended: 0.", terminal.expect(r"ended: \d+\."))
        with self.subTest("one that begins where dpkg was interrupted: that is completed after it"):
            bare.run("sh", "-c", "mkfifo /window/checked; " + INTERRUPT)
            terminal.paste(f"{script}; echo \"ended: $?\".")
            bare.run("cat", "/window/checked")
            lock = bare.lock_packages()
            bare.run("sh", "-c", ": >/window/go")
            self.assertIn("dpkg has an unfinished installation here", terminal.expect(other))
            lock.communicate("\n", timeout=20)
            shown = terminal.expect(r"ended: \d+\.")
            self.assertIn("ended: 0.", shown)
            self.assertNotIn("unfinished", shown, "that was said")
            self.assertTrue(bare.version().startswith("installed "), shown)

    def test_upgraded_edge(self):
        """Lines that are older than the edge: its status has the new ones. The app can't be installed where no archive is: the rest is done."""
        lines, key = self.add("later")
        bare, terminal = self.bare()
        old = re.sub("SHA256:[0-9a-f]*", "SHA256:" + "0" * 64, lines)
        status, shown = terminal.run(old)
        self.assertNotEqual(status, 0, shown)
        self.assertIn("Hash Sum mismatch", shown)
        self.assertTrue(bare.ok("[ -e ~/edgeway-install.FAILED ]"), "apt-helper leaves it")
        shown = self.mesh.machine("edge").run(self.mesh.program("edgeway-edge"), "status").stdout
        current = re.search(r"(?m)^/usr/lib/apt/.* &&\n  sh ~/edgeway-install$", shown)
        self.assertTrue(current, shown)
        self.assertEqual(current.group(0), lines)
        terminal.paste(current.group(0) + " --app; echo \"ended: $?\".")
        terminal.expect(r"[Kk]ey[^\n]*: ?$")
        terminal.paste(key)
        shown = terminal.expect(r"ended: \d+\.")
        print(f"\n{shown}")
        has_app = glob.glob(f"{self.folder}/repository/{SYSTEM}/edgeway_*.deb")
        self.assertIn("ended: 1.", shown)
        self.assertIn("edgeway-install: The app couldn't be installed (above): " if has_app else "edgeway-install: The edge has no package of the app.", shown)
        self.assertIn("Everything else is done.", shown)
        self.assertLess(shown.index("Connected to the mesh"), shown.index("The app couldn't" if has_app else "The edge has no"), "it joins first")
        self.assertTrue(bare.ok("edgewayctl status | grep ^connected"))
        self.assertNotIn("Setting up", shown)
        status, shown = terminal.run("sh ~/edgeway-install")
        self.assertEqual(status, 0, shown)
        self.assertEqual(bare.run("sh", "-c", "ls -A /root | grep edgeway", check=False).stdout, "", "nothing of it is left, nor of the first try")

    def test_interrupted(self):
        """An interrupted download is reported, and continues where it stopped."""
        lines, _ = self.add("interrupted")
        bare, terminal = self.bare()
        internet = self.mesh.machine("internet")
        internet.start("/usr/bin/python3", "-c", CUT, "6000000", log="cut")
        wait_for("whoever cuts", lambda: internet.ok("sh", "-c", "ss -Hltn sport = :444 | grep -q ."), 20)
        self.lead_to(444)
        status, shown = terminal.run(lines)
        self.assertEqual(status, 1, shown)
        self.assertIn("Run this again when that is solved; what was fetched is kept.", shown)
        self.assertFalse(bare.ok("dpkg-query -W edgewayd"), shown)
        self.lead_back()
        status, shown = terminal.run("sh ~/edgeway-install --no-join")
        self.assertEqual(status, 0, shown)
        need = re.search(r"Need to get ([\d.,]+) ([kM]?B)/([\d.,]+) ([kM]?B) of archives", shown)
        self.assertTrue(need, shown)
        print(f"\n    the second time: {need.group(0)}")
        self.assertTrue(bare.version().startswith("installed "), shown)
        self.assertIn("edgewayctl enroll", shown)
        self.assertFalse(bare.ok("[ -e /var/cache/edgeway-install ]"))

        with self.subTest("dpkg was interrupted"):
            bare.run("sh", "-c", INTERRUPT)
            self.assertIn("dpkg was interrupted", bare.run("apt-get", "install", "-y", "edgewayd", check=False).stdout)
            status, shown = terminal.run(lines + " --no-join")
            self.assertEqual(status, 0, shown)
            self.assertIn("dpkg has an unfinished installation here: dpkg --configure -a completes it first.", shown)
            self.assertTrue(bare.version().startswith("installed "), shown)

        with self.subTest("Ctrl-C"):
            lock = bare.lock_packages()
            terminal.paste(lines + " --no-join")
            terminal.expect("Another program is installing packages")
            terminal.paste("\x03")
            terminal.expect("edgeway-install: Interrupted. To continue, paste the same lines again.")
            terminal.expect("$ ", 20)
            lock.communicate("\n", timeout=20)
            status, shown = terminal.run(lines + " --no-join")
            self.assertEqual(status, 0, shown)


if __name__ == "__main__":
    unittest.main()
