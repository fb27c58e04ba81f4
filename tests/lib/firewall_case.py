# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway of gateway_case.py on a computer that has ufw, firewalld, iptables-nft and Docker, each as its Debian package brings it. Nothing is
installed: the packages are laid over /usr and /etc of that one machine.

  laptop ── edge ── office-gw ── printer 10.77.0.9
"""
import os

import resolver_packages
from demo_mesh import SUBNET_HOST
from gateway_case import CONNECT, Gateway
from mesh_case import BUILD, wait_for

# What the packages' scripts do when they are installed: alternatives, ufw's files.
INSTALL = """
top=$1 packages=$2 build=$3
mkdir -p $top; mount -t tmpfs -o mode=755 none $top; mkdir -p $top/usr/sbin
for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do ln -s xtables-nft-multi $top/usr/sbin/$name; done
libraries=$(dirname /usr/lib/*/libc.so.6); mkdir -p $top$libraries; cp $build/daemon/nss/libnss_edgeway*.so.2 $top$libraries
mount -t overlay -o lowerdir=$top/usr:$packages/usr:/usr overlay /usr
cp -a $packages/etc/. /etc
for file in before before6 after after6 user user6; do cp /usr/share/ufw/$file.rules /etc/ufw; done
cp /usr/share/ufw/before.init /usr/share/ufw/after.init /usr/share/ufw/ufw.conf /etc/ufw; chmod 640 /etc/ufw/*.rules
mkdir -p /run/lock; mount -t tmpfs -o mode=755 none /var/log
"""
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=%s</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/></policy></busconfig>"""


class FirewallCase(Gateway):
    @classmethod
    def prepare(cls):
        gateway = cls.mesh.machine("office-gw")
        packages = os.path.join(resolver_packages.prepare(BUILD), "firewalls")
        gateway.run("sh", "-ec", INSTALL, "sh", os.path.join(gateway.log_dir, "packages"), packages, BUILD)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.serve(cls.laptop)
        cls.serve(cls.gateway)
        cls.addresses = {name: cls.mesh.ctl_json(name, "status")["addresses"][0] for name in cls.JOIN}

    @classmethod
    def connects(cls, machine, address):
        return machine.ok("/usr/bin/python3", "-c", CONNECT, address)

    def ways(self):
        """The ways that work: from the gateway's computer to a node, from a node to it, and through it."""
        found = set()
        if self.connects(self.gateway, self.addresses["laptop"]):
            found.add("out")
        if self.connects(self.laptop, self.addresses["office-gw"]):
            found.add("in")
        if self.connects(self.laptop, SUBNET_HOST):
            found.add("through")
        return found

    def wait_ways(self, what, wanted=("out", "in", "through"), seconds=20):
        wait_for(f"{what}: {' '.join(wanted)}", lambda: self.ways() == set(wanted), seconds)

    @classmethod
    def start_firewalld(cls):
        """With a bus of its own, so that edgewayd's isn't another than before. The command that its clients begin with."""
        folder = os.path.join(cls.gateway.log_dir, "bus")
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/bus.conf", "w", encoding="utf-8") as file:
            file.write(BUS % f"{folder}/bus")
        cls.gateway.start("dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile")
        wait_for("the bus", lambda: os.path.exists(f"{folder}/bus"), 20)
        cls.bus = f"DBUS_SYSTEM_BUS_ADDRESS=unix:path={folder}/bus"
        cls.firewalld = None
        cls.restart_firewalld()

    @classmethod
    def restart_firewalld(cls):
        if cls.firewalld is not None:
            cls.stop_firewalld()
        cls.firewalld = cls.gateway.start("env", cls.bus, "/usr/sbin/firewalld", "--nofork", "--nopid", log="firewalld")
        wait_for("firewalld", lambda: cls.gateway.ok("env", cls.bus, "firewall-cmd", "--state"), 60)

    @classmethod
    def stop_firewalld(cls):
        cls.firewalld.terminate()
        cls.firewalld.wait(60)

    def firewall(self, *argv):
        return self.gateway.run("env", self.bus, "firewall-cmd", *argv)
