# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs to measure and test against that this computer does not have installed: a current wireguard-go, wg and curl, Debian's kernel and
NetworkManager.

They are packages of the archive that apt uses here, extracted into the build folder's cache and not installed. Where the archive
cannot be reached a Failure says so; the caller skips what needed them.
"""
import glob
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "app", "launch"))
from machines import Failure  # noqa: E402

SOURCE = os.environ.get("EDGEWAY_SOURCE") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
CACHE = os.path.join(os.environ.get("EDGEWAY_BUILD") or os.path.join(SOURCE, "build"), "test-cache")
SUITE = "sid"  # Debian's newest


def _run(*argv, **options):
    return subprocess.run(argv, capture_output=True, text=True, timeout=150, **options)


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _fetch(url, path, sha256=None):
    # apt's own helper downloads, with apt's proxies and certificates.
    result = _run("/usr/lib/apt/apt-helper", "download-file", url, path)
    if result.returncode != 0 or not os.path.isfile(path):
        raise Failure(f"the archive cannot be reached: {url}")
    if sha256 is not None and _sha256(path) != sha256:
        raise Failure(f"{url} is not what the archive has signed")


def _index(folder):
    """The suite's list of packages, and the archive's address. The list's hash is in the signed InRelease."""
    found = re.search(r"(https?://\S+)", _run("apt-cache", "policy", "base-files").stdout)
    if not found:
        raise Failure("apt has no archive here")
    base, release = found[1].rstrip("/"), os.path.join(folder, "InRelease")
    _fetch(f"{base}/dists/{SUITE}/InRelease", release)
    keyrings = [word for path in glob.glob("/usr/share/keyrings/debian-archive-*.gpg") if "removed" not in path for word in ("--keyring", path)]
    signed = _run("gpgv", *keyrings, "--output", release + ".text", release)
    if "Good signature" not in signed.stderr or "BAD signature" in signed.stderr:  # by one of several keys, that this computer knows
        raise Failure(f"{base}/dists/{SUITE}/InRelease is not signed by a key that this machine knows")
    name = f"main/binary-{_architecture()}/Packages.xz"
    with open(release + ".text") as file:
        listed = re.search(rf"^ ([0-9a-f]{{64}}) +\d+ {re.escape(name)}$", file.read(), re.M)
    if not listed:
        raise Failure(f"{name} is not in {SUITE}")
    _fetch(f"{base}/dists/{SUITE}/{name}", os.path.join(folder, "Packages.xz"), listed[1])
    with lzma.open(os.path.join(folder, "Packages.xz"), "rt") as file:
        return file.read(), base


def _architecture():
    return _run("dpkg", "--print-architecture").stdout.strip()


def _cached(name, make):
    """The folder `name` of the cache, which make(folder) fills once; an aborted run leaves no folder behind."""
    path = os.path.join(CACHE, name)
    if not os.path.isdir(path):
        os.makedirs(CACHE, exist_ok=True)
        folder = tempfile.mkdtemp(prefix=".", dir=CACHE)
        try:
            os.chmod(folder, 0o755)
            make(folder)
            try:
                os.rename(folder, path)
            except OSError:
                if not os.path.isdir(path):  # else another run was faster
                    raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return path


def _extract(name, folder):
    with tempfile.TemporaryDirectory(prefix="edgeway-archive-") as work:
        packages, base = _index(work)
        entry = re.search(rf"^Package: {name}\n(?:.+\n)+", packages, re.M)
        fields = dict(re.findall(r"^(\w+): (.+)$", entry[0] if entry else "", re.M))
        if not {"Filename", "SHA256", "Version"} <= fields.keys():
            raise Failure(f"there is no {name} in {SUITE}")
        package = os.path.join(work, "package.deb")
        _fetch(f"{base}/{fields['Filename']}", package, fields["SHA256"])
        if _run("dpkg-deb", "-x", package, folder).returncode != 0:
            raise Failure(f"{fields['Filename']} cannot be extracted")
        with open(os.path.join(folder, "version"), "w") as file:
            file.write(fields["Version"] + "\n")


def _extract_with_dependencies(name, folder):
    """All that it depends on too, the first of each choice, so that it runs with its own C library."""
    with tempfile.TemporaryDirectory(prefix="edgeway-archive-") as work:
        packages, base = _index(work)
        wanted, version = [name], None
        for one in wanted:
            entry = re.search(rf"^Package: {re.escape(one)}\n(?:.+\n)+", packages, re.M)
            fields = dict(re.findall(r"^([\w-]+): (.+)$", entry[0] if entry else "", re.M))
            if not {"Filename", "SHA256", "Version"} <= fields.keys():
                continue  # a virtual package
            version = version or fields["Version"]
            depends = ", ".join(filter(None, (fields.get("Pre-Depends"), fields.get("Depends"))))
            wanted += [found for found in (re.split(r"[ |:(]", part.strip())[0] for part in depends.split(",") if part.strip()) if found not in wanted]
            package = os.path.join(work, "package.deb")
            _fetch(f"{base}/{fields['Filename']}", package, fields["SHA256"])
            if _run("dpkg-deb", "-x", package, folder).returncode != 0:
                raise Failure(f"{fields['Filename']} cannot be extracted")
            os.unlink(package)
        if version is None:
            raise Failure(f"there is no {name} in {SUITE}")
        with open(os.path.join(folder, "version"), "w") as file:
            file.write(version + "\n")


def current_curl():
    """How to call a curl that speaks connect-udp (8.21 and later), and its version."""
    folder = _cached("curl", lambda path: _extract_with_dependencies("curl", path))
    loader = glob.glob(os.path.join(folder, "usr", "lib", "*", "ld-linux-*.so.*"))
    if not loader:
        raise Failure("the C library has no loader")
    with open(os.path.join(folder, "version")) as file:
        return [loader[0], "--library-path", os.path.dirname(loader[0]), os.path.join(folder, "usr", "bin", "curl")], file.read().strip()


def current_wireguard_go():
    """Path and version of the program."""
    return _current("wireguard-go", "wireguard-go")


def current_wg():
    """How to call `wg` (with the C library that it was built for), and its version."""
    program, version = _current("wireguard-tools", "wg")
    library = _cached("libc6", lambda folder: _extract("libc6", folder))
    loader = glob.glob(os.path.join(library, "usr", "lib", "*", "ld-linux-*.so.*"))
    if not loader:
        raise Failure("the C library has no loader")
    return [loader[0], "--library-path", os.path.dirname(loader[0]), program], version


def _current(package, program):
    folder = _cached(package, lambda folder: _extract(package, folder))
    with open(os.path.join(folder, "version")) as file:
        return os.path.join(folder, "usr", "bin", program), file.read().strip()


def _extract_kernel(folder):
    if _architecture() != "amd64":
        raise Failure("its machine is of amd64, as this one is not")
    depends = re.search(r"Depends: (linux-image-\S+)", _run("apt-cache", "depends", f"linux-image-cloud-{_architecture()}").stdout)
    if not depends:
        raise Failure("apt knows of no kernel for virtual machines here")
    with tempfile.TemporaryDirectory(prefix="edgeway-archive-") as work:
        result = _run("apt-get", "-o", "APT::Sandbox::User=root", "download", depends[1], cwd=work)  # checks the signature itself
        package = glob.glob(os.path.join(work, "*.deb"))
        if result.returncode != 0 or not package:
            raise Failure(f"{depends[1]} cannot be downloaded: {result.stderr.strip()[-200:]}")
        if _run("dpkg-deb", "-x", package[0], folder).returncode != 0:
            raise Failure(f"{depends[1]} cannot be extracted")


# What NetworkManager needs beyond a minimal system.
NETWORK_MANAGER = ("network-manager", "libnm0", "libndp0", "libteamdctl0", "libbluetooth3", "libmm-glib0", "libnewt0.52")


def _extract_network_manager(folder):
    with tempfile.TemporaryDirectory(prefix="edgeway-archive-") as work:
        result = _run("apt-get", "-o", "APT::Sandbox::User=root", "download", *NETWORK_MANAGER, cwd=work)
        packages = glob.glob(os.path.join(work, "*.deb"))
        if result.returncode != 0 or len(packages) != len(NETWORK_MANAGER):
            raise Failure(f"NetworkManager cannot be downloaded: {result.stderr.strip()[-200:]}")
        for package in packages:
            if _run("dpkg-deb", "-x", package, folder).returncode != 0:
                raise Failure(f"{package} cannot be extracted")


def network_manager():
    """The folder of Debian's NetworkManager and what it needs: usr/sbin/NetworkManager, usr/bin/nmcli, usr/lib/…"""
    return _cached("network-manager", _extract_network_manager)


def kernel():
    """The folder of Debian's kernel for virtual machines: boot/vmlinuz-…, lib/modules/…"""
    return _cached("kernel", _extract_kernel)
