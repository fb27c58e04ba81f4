#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container images, run by crun as documented: a read-only root folder, CAP_NET_ADMIN and /dev/net/tun alone, and what
Docker's seccomp profile refuses. tests/clean/container does more, with podman.

    edge 198.51.100.1  ────  node 198.51.100.2      a container each, joined by a veth pair
"""
import contextlib
import json
import os
import signal
import stat
import subprocess
import tarfile
import tempfile
import time
import unittest

from machines import wait_for

SOURCE = os.environ["EDGEWAY_SOURCE"]
BUILD = os.environ["EDGEWAY_BUILD"]
# Debian's packages below the images are kept between runs.
CACHE = "/var/tmp/edgeway-clean"
PUBLIC = "198.51.100.1:8443"
NO_KEY = "ew1_" + "A" * 200
# crun knows the unified hierarchy of cgroups alone, and would look at this computer's even where it is to use none.
CRUN = ("unshare", "--mount", "--propagation=slave", "sh", "-c", 'mount -t cgroup2 none /sys/fs/cgroup; exec crun --cgroup-manager=disabled "$@"', "crun")
# What Docker's default profile refuses to a container without CAP_SYS_ADMIN, and, before 2021, whatever it didn't know.
REFUSED = ("mount", "umount2", "unshare", "setns", "pivot_root", "open_tree", "move_mount", "mount_setattr", "fsopen", "fsmount", "fsconfig", "fspick", "bpf", "perf_event_open",
           "keyctl", "add_key", "request_key", "io_uring_setup", "userfaultfd", "open_by_handle_at", "kexec_load", "init_module", "finit_module", "delete_module", "reboot",
           "swapon", "swapoff", "settimeofday", "clock_settime", "process_vm_readv", "ptrace", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self")


def run(*argv, check=True, timeout=60, **options):
    result = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False, **{"stdin": subprocess.DEVNULL, **options})
    if check and result.returncode:
        raise AssertionError(f"{argv}: {result.returncode}\n{result.stdout}{result.stderr}")
    return result


class Image:
    """An archive of data/container/build, unpacked."""

    def __init__(self, archive, folder):
        self.archive, self.root = archive, os.path.join(folder, os.path.basename(archive) + ".root")
        with tarfile.open(archive) as tar:
            def blob(described):
                return tar.extractfile("blobs/" + described["digest"].replace(":", "/"))
            index = json.load(tar.extractfile("index.json"))
            self.manifest = json.load(blob(index["manifests"][0]))
            self.config = json.load(blob(self.manifest["config"]))
            self.members = []
            for layer in self.manifest["layers"]:
                with tarfile.open(fileobj=blob(layer)) as files:
                    self.members += files.getmembers()
                    files.extractall(self.root)


class Container:
    """One that runs in a namespace of the network, its state in a folder."""

    def __init__(self, case, image, name, network, environment=(), state="", key="", arguments=()):
        self.case, self.image, self.name = case, image, f"{case.prefix}-{name}"
        self.bundle = tempfile.mkdtemp(dir=case.folder)
        self.log = os.path.join(self.bundle, "log")
        self.process = None
        mounts = [self.mount("/proc", "proc"), self.mount("/dev", "tmpfs", "nosuid", "mode=755"), self.mount("/dev/shm", "tmpfs", "nosuid", "nodev", "noexec", "mode=1777"),
                  self.mount("/sys", "sysfs", "nosuid", "nodev", "noexec", "ro"), self.mount("/run", "tmpfs", "nosuid", "nodev", "noexec", "size=16m")]
        if state:
            mounts.append(self.bind(state, image.config["config"]["Labels"]["org.edgeway.state"]))
        if key:
            mounts.append(self.bind(key, "/run/secrets/key", "ro"))
        environment = [*image.config["config"]["Env"], *environment, *(["EDGEWAY_KEY_FILE=/run/secrets/key"] if key else [])]
        with open(os.path.join(self.bundle, "config.json"), "w", encoding="utf-8") as file:
            json.dump(self.configuration(mounts, environment, network, arguments), file)

    @staticmethod
    def mount(place, kind, *options):
        return {"destination": place, "type": kind, "source": kind, "options": list(options)}

    @staticmethod
    def bind(source, place, *options):
        return {"destination": place, "type": "bind", "source": source, "options": ["bind", *options]}

    def configuration(self, mounts, environment, network, arguments):
        allowed = self.case.CAPABILITIES
        return {
            "ociVersion": "1.0.0",
            "process": {"args": [*self.image.config["config"]["Entrypoint"], *arguments], "env": environment, "cwd": "/", "user": {"uid": 0, "gid": 0}, "noNewPrivileges": True,
                        "capabilities": {kind: allowed for kind in ("bounding", "effective", "permitted")}},
            "root": {"path": self.image.root, "readonly": True},
            "hostname": self.name,
            "mounts": mounts,
            "linux": {
                "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")] + [{"type": "network", "path": f"/run/netns/{network}"}],
                "devices": [{"path": "/dev/net/tun", "type": "c", "major": 10, "minor": 200, "fileMode": 0o666, "uid": 0, "gid": 0}],
                "sysctl": {"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"} if "edge" in self.name else {},
                "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
                "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
                "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64" if os.uname().machine == "x86_64" else "SCMP_ARCH_AARCH64"],
                            "syscalls": [{"names": list(REFUSED), "action": "SCMP_ACT_ERRNO", "errnoRet": 1}]},
            },
        }

    def crun(self, *argv, **options):
        return run(*CRUN, f"--root={self.case.folder}/crun", *argv, **options)

    def start(self):
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([*CRUN, f"--root={self.case.folder}/crun", "run", f"--bundle={self.bundle}", self.name],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def exec(self, *argv, **options):
        return self.crun("exec", self.name, *argv, **options)

    def wait(self, seconds=20):
        """Its exit status, once it has ended."""
        return self.process.wait(seconds)

    def stop(self, number=signal.SIGTERM):
        self.crun("kill", self.name, signal.Signals(number).name[3:])
        return self.wait(5)  # five times the promise

    def said(self):
        with open(self.log, encoding="utf-8") as file:
            return file.read()

    def remove(self):
        if self.process and self.process.poll() is None:
            self.crun("kill", self.name, "KILL", check=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        self.crun("delete", "--force", self.name, check=False)

    def is_healthy(self):
        return self.exec(*self.image.config["config"]["Healthcheck"]["Test"][1:], check=False).returncode == 0


def setUpModule():
    folder = tempfile.TemporaryDirectory(prefix="edgeway-container.")
    unittest.addModuleCleanup(folder.cleanup)
    os.makedirs(CACHE, exist_ok=True)
    run(f"{SOURCE}/data/debian/build", "--from", BUILD, f"{folder.name}/debs", timeout=300)
    run(f"{SOURCE}/data/container/build", "--debs", f"{folder.name}/debs", "--archive", f"{CACHE}/images.tar", folder.name, timeout=600)
    ContainerCase.folder = folder.name
    ContainerCase.images = {name: Image(f"{folder.name}/edgeway-{name}.tar", folder.name) for name in ("node", "edge")}


class ContainerCase(unittest.TestCase):
    CAPABILITIES = ["CAP_NET_ADMIN"]
    folder, images, prefix = "", {}, f"ewc{os.getpid()}"

    def setUp(self):
        self.containers = []
        self.networks = {}
        for name in ("edge", "node"):
            self.networks[name] = f"{self.prefix}-{name}"
            run("ip", "netns", "add", self.networks[name])
            self.addCleanup(run, "ip", "netns", "del", self.networks[name])
        run("ip", "link", "add", "eth0", "netns", self.networks["edge"], "type", "veth", "peer", "name", "eth0", "netns", self.networks["node"])
        for number, (name, other) in enumerate((("edge", 2), ("node", 1)), 1):
            for argv in (("link", "set", "lo", "up"), ("link", "set", "eth0", "up"), ("addr", "add", f"198.51.100.{number}/24", "dev", "eth0"), ("route", "add", "default", "via", f"198.51.100.{other}")):
                run("ip", "-n", self.networks[name], *argv)

    def container(self, name, **options):
        made = Container(self, self.images[name], f"{name}{len(self.containers)}", self.networks[name], **options)
        self.containers.append(made)
        self.addCleanup(made.remove)
        return made

    def state(self):
        return tempfile.mkdtemp(dir=self.folder)

    def key_file(self, text, mode=0o400):
        descriptor, path = tempfile.mkstemp(dir=self.folder)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def edge(self, **options):
        made = self.container("edge", environment=[f"EDGEWAY_PUBLIC={PUBLIC}", "EDGEWAY_MESH=home", "EDGEWAY_NAME=fra"], state=self.state(), **options).start()
        wait_for("the edge", made.is_healthy, 30, 0.2)
        return made


class Images(ContainerCase):
    def test_contents(self):
        for name, image in self.images.items():
            with self.subTest(name):
                self.assertLess(os.stat(image.archive).st_size, 25e6)
                paths = {member.name for member in image.members}
                self.assertTrue(paths.isdisjoint({"usr/bin/dpkg", "usr/bin/apt-get", "usr/bin/perl", "usr/bin/bash"}))
                self.assertEqual([m.name for m in image.members if m.mode & (stat.S_ISUID | stat.S_ISGID)], [])
                self.assertEqual([m.name for m in image.members if m.uid or m.gid], [])
                self.assertEqual([m.name for m in image.members if m.mode & 0o002 and not m.issym() and not m.mode & stat.S_ISVTX], [])
                self.assertIn("usr/share/doc/libc6/copyright", paths)
                self.assertEqual(image.config["config"]["Entrypoint"], ["/usr/lib/edgeway/start", name])
                self.assertEqual("".join(image.config["config"]["Env"])[:5], "PATH=")
        lower = [image.manifest["layers"][0]["digest"] for image in self.images.values()]
        self.assertEqual(lower[0], lower[1], "the lower layer is shared")
        self.assertIn("usr/sbin/edgewayd", {m.name for m in self.images["node"].members})
        self.assertNotIn("usr/sbin/edgewayd", {m.name for m in self.images["edge"].members})

    def test_refusals(self):
        """Each exits at once, with a line that says what to do; and a key that others can read is never used."""
        for options, said in (({"state": self.state(), "environment": ["EDGEWAY_KEY=" + NO_KEY]}, "The variable EDGEWAY_KEY contains an enrollment key"),
                              ({"state": self.state(), "environment": ["EDGEWAY_KEY_FILE=" + NO_KEY]}, "The variable EDGEWAY_KEY_FILE contains an enrollment key"),
                              ({"state": self.state(), "environment": ["NOTE=two\nlines, " + NO_KEY]}, "A variable of this container contains an enrollment key"),
                              ({"state": self.state(), "arguments": [NO_KEY]}, "An argument of this container contains an enrollment key"),
                              ({}, "/var/lib/edgeway can't be written to. Mount a volume there"),
                              ({"state": self.state()}, "set EDGEWAY_KEY_FILE to that file's path"),
                              ({"state": self.state(), "environment": ["EDGEWAY_KEY_FILE=/run/nothing"]}, "/run/nothing, doesn't exist in this container"),
                              ({"state": self.state(), "environment": ["EDGEWAY_KEY_FILE=/run"]}, "EDGEWAY_KEY_FILE, /run, isn't a file that holds the key"),
                              ({"state": self.state(), "key": self.pipe()}, "EDGEWAY_KEY_FILE, /run/secrets/key, isn't a file that holds the key"),
                              ({"state": self.state(), "key": self.key_file("hello\n")}, "edgewayctl: This doesn't contain an enrollment key."),
                              ({"state": self.state(), "key": self.foreign_key()}, "can't be read by user 0 of this container")):
            with self.subTest(said):
                container = self.container("node", **options).start()
                self.assertEqual(container.wait(), 1)
                self.assertIn(said, container.said())
                self.assertNotIn(NO_KEY, container.said())
        edge = self.container("edge", state=self.state()).start()
        self.assertEqual(edge.wait(), 1)
        self.assertIn("Set EDGEWAY_PUBLIC to the address at which nodes reach this edge", edge.said())

    def pipe(self):
        path = os.path.join(self.state(), "pipe")
        os.mkfifo(path)
        return path

    def foreign_key(self):
        path = self.key_file("hello\n")
        os.chown(path, 1000, 1000)
        return path


class Mesh(ContainerCase):
    def status(self, node):
        return json.loads(node.exec("edgewayctl", "status", "--json").stdout)

    def test_life(self):
        edge = self.edge()
        self.assertNotIn("ew1_", edge.said())  # a container's output is kept
        self.assertNotIn("warning", edge.said())
        self.assertRegex(edge.exec("edgeway-edge", "status").stdout, r"exit +yes")
        key = edge.exec("edgeway-edge", "admin-key").stdout
        state = self.state()
        node = self.container("node", state=state, key=self.key_file(key), environment=["EDGEWAY_NAME=n1", "EDGEWAY_DEBUG=1"]).start()
        wait_for("the node", lambda: node.is_healthy() and self.status(node)["names"] == "ok", 30, 0.2)
        self.check_node(node)
        # Its key is used up; its state remains.
        first = self.status(node)
        self.assertEqual(node.stop(), 0)
        self.assertEqual(os.listdir(state).count("account.json"), 1)
        again = self.container("node", state=state).start()
        wait_for("the node again", again.is_healthy, 30, 0.2)
        self.assertEqual([self.status(again)[field] for field in ("name", "addresses", "mesh")], [first[field] for field in ("name", "addresses", "mesh")])
        # A node is healthy if it has heard from the edge recently.
        edge.stop(signal.SIGKILL)
        wait_for("an unhealthy node", lambda: not again.is_healthy(), 60, 0.2)
        self.assertEqual(self.status(again)["state"], "reconnecting")
        edge.start()
        wait_for("a healthy node", again.is_healthy, 60, 0.2)
        self.assertEqual(edge.stop(), 0)
        self.assertEqual(again.stop(), 0)

    def check_node(self, node):
        said = node.said()
        self.assertNotIn("ew1_", said)
        self.assertIn("no Landlock in this kernel", said)  # refused here; it still runs
        self.assertIn("system calls narrowed by seccomp", said)
        self.assertIn("no mount namespace of our own", said)
        self.assertRegex(node.exec("edgewayctl", "ping", "fra", "-c", "1").stdout, r"\d ms")
        # With glibc in the container, whose nsswitch.conf is read-only.
        self.assertRegex(node.exec("busybox", "ping", "-c", "1", "-w", "1", "n1.home.internal", check=False).stdout, r"^PING n1\.home\.internal \((100\.96\.|fd)")
        # Process 1 reaps orphans.
        node.exec("sh", "-c", "sh -c 'sleep 0.1 & exec true'")
        wait_for("no zombies", lambda: "Z" not in node.exec("sh", "-c", "cat /proc/[0-9]*/stat | cut -d' ' -f3").stdout, 10, 0.1)
        for pid in node.exec("sh", "-c", "cd /proc; ls -d [0-9]*").stdout.split():
            text = node.exec("cat", f"/proc/{pid}/status", check=False).stdout
            self.assertNotRegex(text, r"CapPrm:\s+(?!0000000000001000|0000000000000000)")
        self.assertNotEqual(node.exec("touch", "/usr/file", check=False).returncode, 0)

    def test_stop_while_enrolling(self):
        """An edge that doesn't answer must not prevent stopping the container."""
        edge = self.edge()
        key = edge.exec("edgeway-edge", "admin-key").stdout
        run("ip", "-n", self.networks["edge"], "link", "set", "eth0", "down")
        run("ip", "-n", self.networks["node"], "addr", "add", "198.51.100.9/24", "dev", "eth0")
        node = self.container("node", state=self.state(), key=self.key_file(key)).start()
        wait_for("edgewayctl enroll", lambda: "enroll" in node.exec("ps", check=False).stdout, 20, 0.1)
        started = time.monotonic()
        node.stop()
        self.assertLess(time.monotonic() - started, 5)


if __name__ == "__main__":
    unittest.main()
