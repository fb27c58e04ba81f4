# SPDX-License-Identifier: GPL-3.0-or-later
"""The Linux kernel's WireGuard: Debian's kernel for virtual machines under qemu (no KVM needed), on a cable like a machine.

It boots in some 7 s into a memory disk of its own: busybox, `wg`, the modules. Commands and answers use its second serial
port; its network card is a tap device that lies in a bridge with the machine's end of the cable.
"""
import glob
import gzip
import os
import re
import shlex
import socket
import subprocess
import time

from current_wireguard import kernel
from machines import Failure, wait_for

MODULES = ("virtio_pci", "virtio_net", "wireguard")
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/usr/bin
mount -t proc p /proc; mount -t sysfs s /sys; mount -t devtmpfs d /dev
while read -r m; do insmod "/modules/$m" || echo "no $m"; done </modules/order
ip link set lo up
stty raw -echo </dev/ttyS1
exec 3<>/dev/ttyS1
echo @@ready >&3
# A child's end may interrupt the shell's reading: what it has got by then is the line's beginning.
begun=
while :; do
  if read -r line <&3; then line=$begun$line begun=; else begun=$begun$line; sleep 0.1; continue; fi
  eval "$line" >/tmp/out 2>&1 </dev/null 3>&-; status=$?; cat /tmp/out >&3; echo "@@$status" >&3
done
"""


def _dependencies(folder):
    """The modules' files, each after those that it needs."""
    files = {os.path.basename(path)[:-3].replace("-", "_"): path for path in glob.glob(os.path.join(folder, "lib/modules/*/kernel/**/*.ko"), recursive=True)}
    order = []

    def add(name):
        path = files[name]
        if path in order:
            return
        with open(path, "rb") as file:
            found = re.search(rb"\0depends=([^\0]*)\0", file.read())
        for needed in found[1].decode().split(",") if found and found[1] else []:
            add(needed.replace("-", "_"))
        order.append(path)
    for name in MODULES:
        add(name)
    return order


def _libraries(program):
    return [path for path in re.findall(r"(/\S+) \(0x", subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout)]


class _Archive:
    """A cpio archive, format newc, as the kernel unpacks it at boot."""

    def __init__(self):
        self.parts, self.folders, self.n = [], set(), 0

    def _entry(self, name, mode, data):
        self.n += 1
        numbers = (self.n, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        for part in (b"070701" + b"".join(b"%08x" % n for n in numbers) + name.encode() + b"\0", data):
            self.parts.append(part + b"\0" * (-len(part) % 4))

    def folder(self, path):
        if path and path not in self.folders:
            self.folder(os.path.dirname(path))
            self.folders.add(path)
            self._entry(path, 0o040755, b"")

    def add(self, path, data, mode=0o755):
        self.folder(os.path.dirname(path))
        self._entry(path, 0o100000 | mode, data)

    def add_file(self, path, source):
        with open(source, "rb") as file:
            self.add(path, file.read())

    def write(self, path):
        self._entry("TRAILER!!!", 0, b"")
        with gzip.open(path, "wb", 1) as file:
            file.write(b"".join(self.parts))


def _make_disk(folder, path):
    disk = _Archive()
    for name in ("bin", "proc", "sys", "dev", "tmp", "modules"):
        disk.folder(name)
    disk.add_file("bin/busybox", "/bin/busybox")
    disk.add_file("usr/bin/wg", "/usr/bin/wg")
    for library in _libraries("/usr/bin/wg"):
        disk.add_file(library.lstrip("/"), os.path.realpath(library))
    modules = _dependencies(folder)
    for module in modules:
        disk.add_file("modules/" + os.path.basename(module), module)
    disk.add("modules/order", "".join(os.path.basename(m) + "\n" for m in modules).encode())
    disk.add("init", INIT.encode())
    disk.write(path)


class KernelMachine:
    """Looks like a Machine for run(), ok() and ip(). `machine`: where qemu runs, with an interface "wire" of its own."""

    def __init__(self, machine):
        self.machine, self.name = machine, machine.name
        folder = kernel()
        disk, path = os.path.join(machine.log_dir, "disk.gz"), os.path.join(machine.log_dir, "serial")
        _make_disk(folder, disk)
        machine.ip("tuntap", "add", "tap0", "mode", "tap")
        machine.ip("link", "add", "bridge", "type", "bridge")
        for device in ("tap0", "wire"):
            machine.ip("link", "set", device, "master", "bridge")
        for device in ("tap0", "bridge"):
            machine.ip("link", "set", device, "up")
        argv = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "256", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-kernel", glob.glob(os.path.join(folder, "boot", "vmlinuz-*"))[0], "-initrd", disk, "-append", "console=ttyS0 panic=-1",
                "-serial", f"file:{os.path.join(machine.log_dir, 'console.log')}", "-serial", f"unix:{path},server=on,wait=on",
                "-netdev", "tap,id=n,ifname=tap0,script=no,downscript=no", "-device", "virtio-net-pci,netdev=n,romfile="]
        self.process = machine.start(*argv)
        wait_for("qemu's serial port", lambda: os.path.exists(path) or self.process.poll() is not None, 20)
        self.serial = socket.socket(socket.AF_UNIX)
        self.serial.connect(path)
        self.rest = b""

    def wait_until_up(self):
        self._answer(90)
        self.ip("link", "set", "eth0", "name", "wire")
        self.ip("link", "set", "wire", "up")

    def _answer(self, seconds):
        """Everything before the next line "@@STATUS", and the status."""
        end = time.monotonic() + seconds
        while not (found := re.search(rb"^@@(\w+)\n", self.rest, re.M)):
            self.serial.settimeout(max(0.05, end - time.monotonic()))
            try:
                data = self.serial.recv(65536)
            except TimeoutError:
                raise Failure(f"{self.name}: no answer after {seconds:g} s")
            if not data:
                with open(os.path.join(self.machine.log_dir, "console.log"), errors="replace") as console:
                    raise Failure(f"{self.name}: qemu has ended; its console's end: {console.read()[-2000:]}")
            self.rest += data
        text, self.rest = self.rest[:found.start()].decode(errors="replace"), self.rest[found.end():]
        return text, found[1].decode()

    def run(self, *argv, check=True, timeout=40, input=None):
        words = " ".join(shlex.quote(word) for word in argv)
        # A command's input becomes a file, since `wg` requires one.
        line = words if input is None else f"printf %s {shlex.quote(input.strip())} >/tmp/in; {words.replace('/dev/stdin', '/tmp/in')}"
        assert "\n" not in line, line
        self.serial.sendall(line.encode() + b"\n")
        text, status = self._answer(timeout)
        if check and status != "0":
            raise Failure(f"{self.name}: {words} exited {status}: {text.strip()[-600:]}")
        return subprocess.CompletedProcess(argv, int(status), text, text)

    def ok(self, *argv, **options):
        return self.run(*argv, check=False, **options).returncode == 0

    def ip(self, *argv):
        self.run("ip", *argv)

    def close(self):
        self.serial.close()
        self.process.terminate()
        self.process.wait(10)
