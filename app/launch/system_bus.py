# SPDX-License-Identifier: GPL-3.0-or-later
"""A system bus with the real polkitd for one machine of a run: edgewayd there is reached as on any computer, by the person whom the
run's own rule allows what belongs to Edgeway, without a password."""
import glob
import os
import pwd
import shutil
import tempfile

from machines import Failure, wait_for

SOCKET = "/run/dbus/system_bus_socket"
CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type>%s<auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><deny own="*"/><deny send_type="method_call"/><allow send_type="signal"/>
<allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
<allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
<allow send_destination="org.freedesktop.DBus"/></policy>
<policy user="root"><allow send_type="method_call"/><allow own="org.freedesktop.login1"/></policy>
<include>/usr/share/dbus-1/system.d/org.freedesktop.PolicyKit1.conf</include>%s</busconfig>"""
RULE = """polkit.addRule(function (action, subject) {
  if (action.id.indexOf("org.edgeway.") == 0 && subject.user == "%s") return polkit.Result.YES;
});
"""


def config(addresses, policies):
    """The text of a dbus-daemon's configuration."""
    return CONFIG % ("".join(f"<listen>{a}</listen>" for a in addresses), "".join(f"<include>{p}</include>" for p in policies))


class SystemBus:
    """For a machines.Machine, before its edgewayd starts. `address` is reached from every mount namespace."""

    def __init__(self, machine, person, data):
        """data: this source's data folder. person: a user's name."""
        self.machine = machine
        # Open to all as any system bus is; the world's own folder is not.
        self.folder = tempfile.mkdtemp(prefix=f"edgeway-bus-{os.getpid()}-", dir="/run")
        os.chmod(self.folder, 0o755)
        self.address = f"unix:path={self.folder}/bus"
        self._masks(person, data)
        with open(os.path.join(self.folder, "bus.conf"), "w") as file:
            file.write(config(["unix:path=" + SOCKET, self.address], [os.path.join(data, "dbus/org.edgeway.Daemon1.conf")]))
        bus = machine.start("dbus-daemon", "--config-file=" + file.name, "--nofork", "--nopidfile")
        wait_for("the system bus", lambda: self._alive(bus) and os.path.exists(f"{self.folder}/bus"), 20)
        polkitd = next((p for p in ("/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd") if os.path.exists(p)), None)
        if polkitd is None:
            raise Failure("polkitd isn't installed. Install it with app/run --demo.")
        machine.start(polkitd, "--no-debug")
        wait_for("polkitd", lambda: machine.ok("dbus-send", f"--bus={self.address}", "--print-reply", "--dest=org.freedesktop.PolicyKit1",
                                               "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.DBus.Peer.Ping"), 20)

    @staticmethod
    def _alive(bus):
        if bus.poll() is not None:
            with open(bus.log_path, errors="replace") as log:
                raise Failure("dbus-daemon ended: " + log.read()[-400:].strip())
        return True

    def _masks(self, person, data):
        rules, actions = os.path.join(self.folder, "rules"), os.path.join(self.folder, "actions")
        os.mkdir(rules)
        os.mkdir(actions)
        with open(os.path.join(rules, "10-edgeway.rules"), "w") as file:
            file.write(RULE % person)
        shutil.chown(rules, pwd.getpwnam("polkitd").pw_uid)
        for policy in glob.glob("/usr/share/polkit-1/actions/org.freedesktop.policykit.policy") + [os.path.join(data, "polkit/org.edgeway.policy")]:
            shutil.copy(policy, actions)
        self.machine.run("mount", "--bind", rules, "/etc/polkit-1/rules.d")
        self.machine.run("mount", "--bind", actions, "/usr/share/polkit-1/actions")

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)
