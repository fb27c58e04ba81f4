#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program on a display of its own (Xvfb), with settings and folders of its own: display.py PROGRAM [ARGUMENT…].

Warnings of GLib end the program. DISPLAY_SIZE=1280x900, DISPLAY_ANIMATIONS=1. Without Xvfb the test is skipped.
"""
import os
import shutil
import subprocess
import sys
import tempfile

SETTINGS = "[Settings]\ngtk-font-name=Cantarell 11\ngtk-icon-theme-name=Adwaita\ngtk-enable-animations=%s\n"


def environment(folder, display):
    config = os.path.join(folder, "config")
    os.makedirs(os.path.join(config, "gtk-4.0"))
    os.mkdir(os.path.join(folder, "run"), 0o700)
    with open(os.path.join(config, "gtk-4.0/settings.ini"), "w") as file:
        file.write(SETTINGS % ("true" if os.environ.get("DISPLAY_ANIMATIONS") else "false"))
    kept = {name: value for name, value in os.environ.items() if name not in ("WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS")}
    return {**kept, "DISPLAY": f":{display}", "GDK_BACKEND": "x11", "GSK_RENDERER": "cairo", "GTK_A11Y": "none", "GSETTINGS_BACKEND": "memory",
            "GIO_USE_VFS": "local", "GTK_USE_PORTAL": "0", "ADW_DISABLE_PORTAL": "1", "XDG_CONFIG_HOME": config, "XDG_CACHE_HOME": os.path.join(folder, "cache"), "XDG_DATA_HOME": os.path.join(folder, "data"),
            "XDG_RUNTIME_DIR": os.path.join(folder, "run"), "HOME": folder, "LC_ALL": "C.UTF-8", "G_DEBUG": os.environ.get("G_DEBUG", "fatal-warnings")}


def main():
    if shutil.which("Xvfb") is None:
        print("1..0 # SKIP Xvfb is not installed")
        return 0
    folder = tempfile.mkdtemp(prefix="ew-display-")
    read, write = os.pipe()
    size = os.environ.get("DISPLAY_SIZE", "1280x900") + "x24"
    server = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"], pass_fds=[write],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        os.close(write)
        with os.fdopen(read) as pipe:
            display = pipe.readline().strip()
        if not display:
            print("Bail out! Xvfb did not start")
            return 1
        return subprocess.run(sys.argv[1:], env=environment(folder, display)).returncode
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
