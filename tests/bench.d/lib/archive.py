# SPDX-License-Identifier: GPL-3.0-or-later
"""A current wireguard-go: the package of Debian's newest suite, from the archive that this machine's apt uses, checked by the
archive's signature and extracted into a cache; it is not installed."""
import glob
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import tempfile

from ground import Failure

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache"), "edgeway-bench")
SUITE, PACKAGE = "sid", "wireguard-go"


def _run(*argv, **options):
    return subprocess.run(argv, capture_output=True, text=True, timeout=150, **options)


def _fetch(url, path):
    # apt's own helper downloads, with apt's proxies and certificates.
    result = _run("/usr/lib/apt/apt-helper", "download-file", url, path)
    if result.returncode != 0 or not os.path.isfile(path):
        raise Failure(f"not reachable: {url}")


def _archive():
    for line in _run("apt-cache", "policy", "base-files").stdout.splitlines():
        found = re.search(r"(https?://\S+)", line)
        if found:
            return found[1].rstrip("/")
    raise Failure("apt has no archive here")


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def _index(base, architecture, folder):
    """The suite's list of packages: its hash is in the signed InRelease."""
    release, index = os.path.join(folder, "InRelease"), os.path.join(folder, "Packages.xz")
    _fetch(f"{base}/dists/{SUITE}/InRelease", release)
    keyrings = [word for path in glob.glob("/usr/share/keyrings/debian-archive-*.gpg") if "removed" not in path for word in ("--keyring", path)]
    signed = _run("gpgv", *keyrings, "--output", release + ".text", release)
    # Signed by several keys: one that we know is enough.
    if "Good signature" not in signed.stderr or "BAD signature" in signed.stderr or not os.path.isfile(release + ".text"):
        raise Failure(f"{base}/dists/{SUITE}/InRelease is not signed by a key that this machine knows")
    name = f"main/binary-{architecture}/Packages.xz"
    with open(release + ".text") as file:
        wanted = re.search(rf"^ ([0-9a-f]{{64}}) +\d+ {re.escape(name)}$", file.read(), re.M)
    if not wanted:
        raise Failure(f"{name} is not in {SUITE}")
    _fetch(f"{base}/dists/{SUITE}/{name}", index)
    if _sha256(index) != wanted[1]:
        raise Failure(f"{name} is not the one that the archive signed")
    with lzma.open(index, "rt") as file:
        return file.read()


def current_wireguard_go():
    """Path and version; fetched once, then taken from the cache. Failure says why there is none."""
    version_path, binary = os.path.join(CACHE, "version"), os.path.join(CACHE, PACKAGE)
    if os.path.isfile(version_path) and os.access(binary, os.X_OK):
        with open(version_path) as file:
            return binary, file.read().strip()
    base, architecture = _archive(), _run("dpkg", "--print-architecture").stdout.strip()
    with tempfile.TemporaryDirectory(prefix="edgeway-bench-") as folder:
        entry = re.search(rf"^Package: {PACKAGE}\n(?:.+\n)+", _index(base, architecture, folder), re.M)
        fields = dict(re.findall(r"^(\w+): (.+)$", entry[0] if entry else "", re.M))
        if not {"Filename", "SHA256", "Version"} <= fields.keys():
            raise Failure(f"no {PACKAGE} in {SUITE}")
        package = os.path.join(folder, "package.deb")
        _fetch(f"{base}/{fields['Filename']}", package)
        if _sha256(package) != fields["SHA256"]:
            raise Failure(f"{fields['Filename']} is not the one that the archive signed")
        if _run("dpkg-deb", "-x", package, os.path.join(folder, "out")).returncode != 0:
            raise Failure(f"{fields['Filename']} cannot be extracted")
        os.makedirs(CACHE, exist_ok=True)
        shutil.copy(os.path.join(folder, "out", "usr", "bin", PACKAGE), binary + ".new")
        os.chmod(binary + ".new", 0o755)
        os.rename(binary + ".new", binary)
        with open(version_path, "w") as file:
            file.write(fields["Version"] + "\n")
    return binary, fields["Version"]
