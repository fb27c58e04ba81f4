# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes an image as an OCI layout (image-spec 1.0: layout, manifest and configuration) and packs it into an archive."""
import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import time

TYPE = "application/vnd.oci.image."


def time_text(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def to_json(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Layer:
    """A layer's tar, compressed always in the same way."""

    def __init__(self, tar):
        self.size, self.diff_id = len(tar), digest(tar)
        self.blob = gzip.compress(tar, 6, mtime=0)


def blob(layout, content, kind):
    """Writes content under the path of its digest, and returns its descriptor."""
    name = digest(content)
    with open(os.path.join(layout, "blobs/sha256", name.removeprefix("sha256:")), "wb") as file:
        file.write(content)
    return {"mediaType": TYPE + kind, "digest": name, "size": len(content)}


def put(layout, name, value):
    with open(os.path.join(layout, name), "wb") as file:
        file.write(to_json(value))


def write(layout, config, layers, name, epoch, keep):
    """layout.tar, and the folder layout if it is to be kept. name: NAME:TAG. The sizes of the archive and of the layers' files."""
    shutil.rmtree(layout, ignore_errors=True)
    os.makedirs(os.path.join(layout, "blobs/sha256"))
    config = {**config, "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
              "history": [{"created": config["created"], "created_by": "data/container/build"} for _ in layers]}
    settings = blob(layout, to_json(config), "config.v1+json")
    described = [blob(layout, layer.blob, "layer.v1.tar+gzip") for layer in layers]
    manifest = blob(layout, to_json({"schemaVersion": 2, "mediaType": TYPE + "manifest.v1+json", "config": settings, "layers": described}), "manifest.v1+json")
    manifest["annotations"] = {"org.opencontainers.image.ref.name": name.rpartition(":")[2], "io.containerd.image.name": name}
    put(layout, "index.json", {"schemaVersion": 2, "mediaType": TYPE + "index.v1+json", "manifests": [manifest]})
    put(layout, "oci-layout", {"imageLayoutVersion": "1.0.0"})
    # What `docker load` read before it knew OCI layouts (Docker 25).
    put(layout, "manifest.json", [{"Config": path_of(settings), "RepoTags": [name], "Layers": [path_of(layer) for layer in described]}])
    pack(layout, epoch)
    if not keep:
        shutil.rmtree(layout)
    return os.stat(layout + ".tar").st_size, sum(layer.size for layer in layers)


def path_of(described):
    return "blobs/" + described["digest"].replace(":", "/")


def pack(layout, epoch):
    with tarfile.open(layout + ".tar.new", "w", format=tarfile.GNU_FORMAT) as tar:
        for folder, folders, files in os.walk(layout):
            folders.sort()
            for name in sorted(files):
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    content = file.read()
                member = tarfile.TarInfo(os.path.relpath(path, layout))
                member.size, member.mtime, member.mode = len(content), epoch, 0o644
                tar.addfile(member, io.BytesIO(content))
    os.replace(layout + ".tar.new", layout + ".tar")
