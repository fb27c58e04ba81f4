#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`app/run --demo [--check]`: a whole mesh in network namespaces on this computer. See demo_mesh.py for the drawing."""
import argparse
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from demo_check import Check  # noqa: E402
from demo_mesh import DemoMesh, have  # noqa: E402
from demo_window import PERSON, Window, prepare_person  # noqa: E402
from machines import Failure, differences, host_snapshot, require_root  # noqa: E402
import person as session  # noqa: E402


APP_ID = "org.edgeway.Edgeway"


class Interrupted(Exception):
    pass


def say(text):
    print(text, flush=True)


def interrupt(number, _frame):
    raise Interrupted(signal.Signals(number).name)


def prove(mesh, started, pictures):
    mesh.build_ground()
    prepare_person(mesh)
    mesh.build_mesh()
    mesh.add_service()
    mesh.start_traffic()
    say(f"✓ an edge and five nodes, up ({time.monotonic() - started:.1f} s)")
    with Window(mesh, say, pictures) as window:
        window.check()
        Check(mesh, say).run()
        window.finish()


def app_command(mesh, program, suffix=""):
    """A separate application, beside the one that may be open on this computer's own mesh."""
    return [mesh.program(program), f"--gapplication-app-id={APP_ID}.Demo{suffix}", "--bus", mesh.bus.address]


def open_app(mesh, person):
    """The app and the tray of the person at this screen, on the laptop of the demo."""
    for program, suffix in (("edgeway", ""), ("edgeway-tray", ".Tray")):
        if os.path.isabs(mesh.program(program)):
            person.open(app_command(mesh, program, suffix), os.path.join(mesh.world.folder, program + ".log"))
    say(f"\nThe app is open on it. Closed, it opens again with:\n\n    {' '.join(app_command(mesh, 'edgeway'))}")


def show(mesh, person, why_not):
    mesh.build_ground()
    mesh.build_mesh()
    mesh.add_service()
    mesh.start_traffic()
    time.sleep(2)
    laptop = mesh.machine("laptop")
    if person:
        open_app(mesh, person)
    elif why_not:
        say("\n" + why_not)
    say("\nIts map, as the laptop sees it:\n")
    subprocess.run(laptop.command([mesh.program("edgewayctl"), "map"]), stdin=subprocess.DEVNULL, timeout=40, check=False)
    say(f"\nThe demo runs until Ctrl-C. In another terminal, a shell on its laptop:\n\n    sudo nsenter -t {laptop.pid} -m -n -u bash\n\n"
        "and there, for example:\n\n    edgewayctl map\n    getent hosts nas\n    edgewayctl names\n    edgewayctl ping phone\n    edgewayctl ping ha\n    edgewayctl route list\n")
    while True:
        signal.pause()


def keep_logs(mesh):
    """A failed check prints the daemons' last log lines; the folder itself is removed."""
    for folder, _, names in os.walk(mesh.world.folder):
        for name in sorted(names):
            if name.startswith(("edgeway", "wireguard-go")) and name.endswith(".log"):
                with open(os.path.join(folder, name), errors="replace") as file:
                    lines = file.read().splitlines()[-12:]
                say(f"--- {os.path.basename(folder)}/{name}\n" + "\n".join(lines))


def main():
    parser = argparse.ArgumentParser(prog="app/run --demo")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--programs", default="/usr/bin", help=argparse.SUPPRESS)
    parser.add_argument("--pictures", help="a folder for the check's screenshots")
    arguments = parser.parse_args()
    require_root("The demo")
    missing = [p for p in ("wireguard-go", "wg", "nft", "ip", "ssh", "ping", "nsenter") if not have(p)]
    if missing:
        say(f"Not installed: {', '.join(missing)}. app/run --demo installs them.")
        return 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    before, started = host_snapshot(), time.monotonic()
    person, why_not = (None, None) if arguments.check else session.find()
    name = PERSON if arguments.check else person and person.name
    mesh = DemoMesh(arguments.programs, lambda text: say(f"  {text}"), person=name)
    status = 0
    try:
        if arguments.check:
            prove(mesh, started, arguments.pictures)
        else:
            show(mesh, person, why_not)
    except Failure as failure:
        keep_logs(mesh)
        say(f"✗ {failure}")
        status = 1
    except Interrupted:
        say("\nTaking the demo down.")
        status = 0 if not arguments.check else 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        mesh.close()
    left = differences(before, host_snapshot())
    for line in left:
        say(f"✗ {line}")
    if left:
        return 1
    if arguments.check and status == 0:
        say(f"✓ nothing left behind. The demo's check passed in {time.monotonic() - started:.0f} s.")
    return status


if __name__ == "__main__":
    sys.exit(main())
