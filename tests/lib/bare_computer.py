# SPDX-License-Identifier: GPL-3.0-or-later
"""A computer with a fresh bare Debian (EDGEWAY_RELEASE: bookworm by default, trixie, sid) in the network of a mesh's machine, and a person's
terminal on it."""
import fcntl
import glob
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

from mesh_case import SOURCE, Failure, wait_for

RELEASE = os.environ.get("EDGEWAY_RELEASE") or "bookworm"
ROOTS = os.environ.get("EDGEWAY_ROOTS") or "/var/tmp/edgeway-clean"
SLOW = 300  # seconds: an installation beside other stages; what it should take is in the README
ENTER = """. tests/clean/mounts.sh
mount --make-rprivate / 2>/dev/null
mount -t tmpfs -o mode=755 tmpfs /mnt && mkdir /mnt/upper /mnt/work /mnt/root
root=/mnt/root
mount -t overlay -o "lowerdir=$1,upperdir=/mnt/upper,workdir=/mnt/work" overlay $root || exit
mount_system $root || exit
# What apt knows of is nowhere to be reached, and there is no resolver.
rm -f $root/etc/resolv.conf; : >$root/etc/resolv.conf
rm -f $root/etc/apt/sources.list.d/*
echo "deb http://192.0.2.1/debian nowhere main" >$root/etc/apt/sources.list
cd $root && mkdir -p old && pivot_root . old && umount -l /old && rmdir /old || exit
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sleep infinity
"""
# Holds dpkg's lock until its input ends. fcntl(2)'s struct flock.
LOCK = """
open F, ">>/var/lib/dpkg/lock-frontend" or die;
my $lock = pack("s s x![q] q q l x![q]", F_WRLCK, 0, 0, 0, 0);
fcntl(F, F_SETLK, $lock) or die;
$| = 1;
print "locked\n";
<STDIN>;
"""


def bare_root():
    """The folder of a Debian with nothing but its required packages and apt, kept between runs."""
    folder = os.path.join(ROOTS, "minbase" if RELEASE == "bookworm" else f"minbase-{RELEASE}")
    os.makedirs(ROOTS, exist_ok=True)
    with open(os.path.join(ROOTS, "minbase.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(folder):
            shutil.rmtree(folder + ".new", ignore_errors=True)
            result = subprocess.run(["mmdebstrap", "--variant=minbase", RELEASE, folder + ".new"], capture_output=True, text=True, timeout=600)
            if result.returncode != 0:
                raise Failure(f"mmdebstrap failed: {result.stderr[-1500:]}")
            os.rename(folder + ".new", folder)
    return folder


class Bare:
    """A computer with a fresh bare Debian, in a machine's network."""

    def __init__(self, machine):
        self.holder = machine.start("unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", f"cd {SOURCE}; {ENTER}", "bash", bare_root(), log="bare")
        self.machine = machine
        self.pid = wait_for("the bare system", self._first_process, 30)

    def _first_process(self):
        if self.holder.poll() is not None:
            with open(self.holder.log_path) as log:
                raise Failure(f"the bare system didn't start: {log.read()[-800:]}")
        found = []
        for path in glob.glob("/proc/[0-9]*/status"):
            try:
                with open(path) as file:
                    text = file.read()
            except OSError:
                continue
            if re.search(r"^Name:\tsleep$", text, re.M) and (pid := int(path.split("/")[2])) and self._is_ours(pid):
                found.append(pid)
        return found[0] if found else None

    def _is_ours(self, pid):
        while pid > 1:
            if pid == self.holder.pid:
                return True
            try:
                with open(f"/proc/{pid}/stat") as file:
                    pid = int(file.read().rsplit(") ", 1)[1].split()[1])
            except OSError:
                return False
        return False

    def command(self, argv):
        return ["nsenter", "-t", str(self.pid), "-m", "-p", "-n", "-u", "-r", "--wdns=/root", "--", "env", "-i", "HOME=/root", "TERM=dumb",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *argv]

    def run(self, *argv, check=True, timeout=SLOW):
        result = subprocess.run(self.command(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)
        if check and result.returncode != 0:
            raise Failure(f"bare: {' '.join(argv)} exited {result.returncode}: {result.stdout[-1500:]}")
        return result

    def ok(self, script):
        return self.run("sh", "-c", script, check=False).returncode == 0

    def lock_packages(self):
        """Another program that installs packages, until the end of its input."""
        other = subprocess.Popen(self.command(["perl", "-MFcntl", "-e", LOCK]), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if other.stdout.readline() != "locked\n":
            raise Failure("bare: dpkg's lock couldn't be taken")
        return other

    def version(self):
        return self.run("dpkg-query", "-W", "-f=${db:Status-Status} ${Version}", "edgewayd", check=False).stdout.strip()

    def close(self):
        self.holder.kill()
        self.holder.wait()


class Terminal:
    """A shell on a terminal of its own, into which is pasted."""

    def __init__(self, bare):
        self.text, self.read = "", 0
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp("nsenter", bare.command(["PS1=$ ", "sh", "-i"]))
        self.expect("$ ", 20)

    def expect(self, words, seconds=SLOW):
        """What was shown up to any of these words (regular expressions), and which it was."""
        end, pattern = time.monotonic() + seconds, re.compile(words if isinstance(words, str) and words != "$ " else re.escape(words))
        while not (match := pattern.search(self.text, self.read)):
            if time.monotonic() > end:
                raise Failure(f"no “{words}” on the terminal within {seconds} s, but: {self.text[self.read:][-1500:]}")
            if select.select([self.fd], [], [], 0.5)[0]:
                try:
                    self.text += os.read(self.fd, 65536).decode(errors="replace").replace("\r\n", "\n")
                except OSError:
                    raise Failure(f"the terminal was closed: {self.text[-1500:]}") from None
        shown, self.read = self.text[self.read:match.end()], match.end()
        return shown

    def paste(self, text):
        os.write(self.fd, text.encode() + b"\r")

    def run(self, text, seconds=SLOW):
        """Pastes it, and waits for its end: its exit status and what it showed."""
        self.paste(text + "; echo \"ended: $?\".")
        shown = self.expect(r"ended: \d+\.", seconds)
        self.expect("$ ", 20)
        return int(re.search(r"ended: (\d+)\.$", shown).group(1)), shown

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
