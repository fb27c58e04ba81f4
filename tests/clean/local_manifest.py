#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Flatpak's manifest for a runtime that was made here, where Flathub's can't be fetched: the same modules, options and permissions, another
runtime; what that runtime has already is left out.

Usage: local_manifest.py MANIFEST RUNTIME VERSION SOURCE LEFT-OUT… >OUT      SOURCE: Edgeway's tree; RUNTIME is its own SDK"""
import json
import sys


def make_local(manifest, runtime, version, source, left_out):
    unknown = set(left_out) - {module["name"] for module in manifest["modules"]}
    if unknown:
        raise SystemExit(f"local_manifest.py: the manifest has no module {', '.join(sorted(unknown))}.")
    manifest.update({"runtime": runtime, "sdk": runtime, "runtime-version": version})
    manifest["modules"] = [module for module in manifest["modules"] if module["name"] not in left_out]
    manifest["modules"][-1]["sources"] = [{"type": "dir", "path": source}]
    return manifest


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        json.dump(make_local(json.load(file), *sys.argv[2:5], sys.argv[5:]), sys.stdout, indent=2)
