# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a layer: those needed of Debian's packages, and Edgeway's. Nothing is unpacked to the disk or run."""
import io
import os
import re
import subprocess
import tarfile


class Missing(Exception):
    """A library that isn't in any package."""


def merged(path):
    """A path as it is where /bin, /sbin and /lib are links into /usr."""
    path = os.path.normpath(path.lstrip("/")).removeprefix("./")
    return "usr/" + path if re.match(r"(bin|sbin|lib|lib32|lib64|libx32)(/|$)", path) else path


def is_program(content):
    return content is not None and content[:4] == b"\x7fELF"


def needed(content, folder):
    """The names of the libraries that a program or library links."""
    path = os.path.join(folder, "elf")
    with open(path, "wb") as file:
        file.write(content)
    text = subprocess.run(["readelf", "-d", path], check=True, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
    return re.findall(r"\(NEEDED\).*\[(.+)\]", text)


def read_deb(path):
    """Its members, each with its content; None unless it is a file."""
    files = subprocess.run(["dpkg-deb", "--fsys-tarfile", path], check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout
    with tarfile.open(fileobj=io.BytesIO(files)) as tar:
        for member in tar:
            member.name = merged(member.name)
            if member.name == ".":
                continue
            if member.islnk():
                member.linkname = merged(member.linkname)
            yield member, tar.extractfile(member).read() if member.isreg() else None


def read_control(path):
    return subprocess.run(["dpkg-deb", "--field", path], check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout


class Files:
    """What a layer holds: its members by path, and their contents."""

    def __init__(self):
        self.members, self.contents = {}, {}

    def add(self, member, content):
        if member.islnk():  # a layer's files don't refer to those of another layer
            member.type, member.size, content = tarfile.REGTYPE, len(self.contents[member.linkname]), self.contents[member.linkname]
        self.members[member.name], self.contents[member.name] = member, content

    def write(self, path, content, when, mode=0o644):
        member = tarfile.TarInfo(path)
        member.mode, member.mtime, member.size = mode, when, len(content)
        self.add(member, content)

    def folder(self, path, when, mode=0o755):
        member = tarfile.TarInfo(path)
        member.type, member.mode, member.mtime = tarfile.DIRTYPE, mode, when
        self.add(member, None)

    def link(self, path, target, when):
        member = tarfile.TarInfo(path)
        member.type, member.mode, member.mtime, member.linkname = tarfile.SYMTYPE, 0o777, when, target
        self.add(member, None)

    def programs(self):
        return [content for content in self.contents.values() if is_program(content)]

    def tar(self, epoch):
        """The same bytes for the same files: in order, root's, no file newer than epoch."""
        for path in list(self.members):
            while path := os.path.dirname(path):
                if path not in self.members:
                    self.folder(path, epoch)
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for path in sorted(self.members):
                member, content = self.members[path], self.contents[path]
                member.uid = member.gid = 0
                member.uname = member.gname = ""
                member.mtime = min(int(member.mtime), epoch)
                tar.addfile(member, io.BytesIO(content) if content is not None else None)
        return out.getvalue()


def packages(tar, folder):
    """All members of the packages in a tar file, each with its content and the package's file: {path: (member, content, deb)}."""
    found = {}
    for entry in tar:
        # NAME_VERSION_ARCHITECTURE.deb. No program of the image is or links Perl's or systemd's, which libraries depend on.
        name = os.path.basename(entry.name)
        if not name.endswith(".deb") or name.startswith(("perl", "libperl", "systemd", "dbus-")):
            continue
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            file.write(tar.extractfile(entry).read())
        for member, content in read_deb(path):
            if member.name not in found or not member.isdir():
                found[member.name] = member, content, path
    return found


def follow(found, path):
    """path and the targets of its links."""
    while path in found:
        yield path
        member = found[path][0]
        if not member.issym():
            return
        target = member.linkname
        path = merged(target if target.startswith("/") else os.path.join(os.path.dirname(path), target))


def select(tar, folder, patterns, programs, applets, epoch):
    """The lower layer: files that match a pattern, what they and the programs link, and the licences of the packages they are of."""
    found = packages(tar, folder)
    libraries = {}
    for path in sorted(found):
        if re.fullmatch(r"usr/lib(64)?/([^/]+-linux-[^/]+/)?[^/]+\.so[.\d]*", path):
            libraries.setdefault(os.path.basename(path), path)
    wanted = [path for path in sorted(found) if any(re.fullmatch(pattern, path) for pattern in patterns)]
    files, owners, todo = Files(), set(), [name for content in programs for name in needed(content, folder)]

    def take(path):
        for step in follow(found, path):
            member, content, owner = found[step]
            if step in files.members:
                continue
            files.add(member, content)
            owners.add(owner)
            if is_program(content):
                todo.extend(needed(content, folder))
    for path in wanted:
        take(path)
    ours = {"libnss_edgeway.so.2"}
    while todo:
        name = todo.pop()
        if name not in libraries and name not in ours:
            raise Missing(f"No package has {name}, which a program of the image links.")
        take(libraries[name])
    for deb in sorted(owners):
        owner = os.path.basename(deb).split("_")[0]
        take(f"usr/share/doc/{owner}/copyright")
        # Where vulnerability scanners look in images without dpkg.
        files.write(f"var/lib/dpkg/status.d/{owner}", read_control(deb), epoch)
    for name in ("bin", "sbin", "lib", "lib64"):
        files.link(name, "usr/" + name, epoch)
    for path, mode in (("tmp", 0o1777), ("run", 0o755), ("proc", 0o755), ("sys", 0o755), ("dev", 0o755), ("root", 0o700), ("usr/lib64", 0o755), ("var/tmp", 0o1777)):
        if path not in files.members:
            files.folder(path, epoch, mode)
    files.link("var/run", "/run", epoch)
    for name in applets:
        files.link("usr/bin/" + name, "busybox", epoch)
    return files
