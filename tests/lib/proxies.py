# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that let only some of it through, for a node of a DemoMesh (demo_mesh.py). Everything here happens on its router:

      node 192.168.N.2 ──── nat-N: 192.168.N.1 ──── internet ──── edge 203.0.113.5:443
                            firewall, proxy or box on the way

   firewall   drop_udp(): UDP to anywhere is dropped; reject_udp(): refused. only_proxy(): nothing is forwarded any more, the router's own proxy is the only way
   proxies    start_squid(), start_tinyproxy(), with or without Basic; start_bad_proxy(): those of bad_proxy.py
   boxes      redirect(): TCP to the edge comes here instead: start_haproxy() or start_nginx() pass it on, start_reader() ends TLS with a certificate
              of its own and starts it again, start_bad_box() is bad_proxy.py
"""
import os
import shutil
import subprocess

from demo_mesh import EDGE_ADDRESS, EDGE_PORT, SITES
from machines import end_of, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
PROXY_PORT, BOX_PORT = 3128, 8443
FIREWALL = """
table inet office {
  chain forward {
    type filter hook forward priority -10; policy accept;
    iifname "lan" %s
  }
}
"""
REDIRECT = """
table ip office-box {
  chain pre { type nat hook prerouting priority -110; iifname "lan" ip daddr %s tcp dport %d redirect to :%d; }
}
"""
SQUID = """
http_port %d
acl SSL_ports port 443
acl CONNECT method CONNECT
http_access deny CONNECT !SSL_ports
http_access deny !CONNECT
%s
cache deny all
access_log none
cache_log /etc/squid/log
pid_filename none
coredump_dir /etc/squid
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
visible_hostname proxy.office
"""
SQUID_OPEN = "http_access allow all"
SQUID_BASIC = """auth_param basic program /usr/lib/squid/basic_ncsa_auth /etc/squid/passwords
auth_param basic children 1
auth_param basic realm office
acl users proxy_auth REQUIRED
http_access allow users
http_access deny all"""
TINYPROXY = "Port %d\nTimeout 600\nMaxClients 50\nLogLevel Warning\nConnectPort 443\n%s\n"
HAPROXY = """
defaults
  mode tcp
  timeout connect 5s
  timeout client %s
  timeout server %s
listen edge
  bind :%d
  server edge %s
"""
READER = """
defaults
  mode http
  timeout connect 5s
  timeout client 50s
  timeout server 50s
listen edge
  bind :%d ssl crt %s alpn http/1.1
  server edge %s ssl verify none
"""
NGINX = """load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 1; daemon off; pid %(folder)s/nginx.pid; error_log %(folder)s/nginx-errors;
events {}
stream { server { listen %(port)d; proxy_pass %(edge)s; } }
"""
NEEDED = ("squid", "tinyproxy", "haproxy", "nginx", "openssl")


def missing_programs():
    return [name for name in NEEDED if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")]


class Office:
    """The router of one node. What was started here is ended by close(), and the network is an ordinary one again."""

    def __init__(self, mesh, name):
        self.mesh, self.name, self.number = mesh, name, SITES[name]
        self.router = mesh.machine(f"nat-{self.number}")
        self.address = f"192.168.{self.number}.1"
        self.edge = f"{EDGE_ADDRESS}:{EDGE_PORT}"
        self.processes = []

    def stop_programs(self):
        """The firewall and the redirection stay."""
        for process in self.processes:
            process.terminate()
            process.wait(10)
        self.processes = []

    def close(self):
        self.stop_programs()
        for table in ("inet office", "ip office-box"):
            self.router.run("sh", "-c", f"nft delete table {table} 2>/dev/null || true")
        self.forget_flows()

    def forget_flows(self):
        """A rule is for what comes; connections that there are already pass until they are forgotten."""
        self.router.run("conntrack", "-F", check=False)

    def _firewall(self, rule):
        self.router.nft("table inet office {}\ndelete table inet office\n" + FIREWALL % rule)
        self.forget_flows()

    def drop_udp(self):
        self._firewall("meta l4proto udp drop")

    def reject_udp(self):
        """With ICMP's answer."""
        self._firewall("meta l4proto udp reject")

    def only_proxy(self):
        self._firewall("drop")

    def redirect(self):
        """TCP to the edge comes to a box on the router."""
        self.router.nft("table ip office-box {}\ndelete table ip office-box\n" + REDIRECT % (EDGE_ADDRESS, EDGE_PORT, BOX_PORT))

    def _write(self, name, text):
        path = os.path.join(self.router.log_dir, name)
        with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)
        return path

    def _start(self, port, *argv, log):
        process = self.router.start(*argv, log=log)
        self.processes.append(process)

        def listens():
            if process.poll() is not None:
                raise AssertionError(f"{log} ended: {end_of(process.log_path)}")
            return self.router.ok("sh", "-c", f"ss -Hltn sport = :{port} | grep -q .")
        wait_for(log, listens, 20)
        return process

    def proxy_url(self, credentials=""):
        return f"http://{credentials}{'@' if credentials else ''}{self.address}:{PROXY_PORT}"

    def start_squid(self, user=None, password=None):
        """CONNECT to port 443 alone. With a user: Basic."""
        script = "mountpoint -q /etc/squid || mount -t tmpfs -o mode=755 tmpfs /etc/squid; cat >/etc/squid/squid.conf; chown proxy /etc/squid; touch /etc/squid/errorpage.css"
        self.router.run("sh", "-c", script, input=SQUID % (PROXY_PORT, SQUID_BASIC if user else SQUID_OPEN))
        if user:
            line = subprocess.run(["openssl", "passwd", "-apr1", "-stdin"], input=password, capture_output=True, text=True, check=True).stdout
            self.router.run("sh", "-c", "umask 077; cat >/etc/squid/passwords; chown proxy /etc/squid/passwords", input=f"{user}:{line}")
        return self._start(PROXY_PORT, "/usr/sbin/squid", "-N", "-f", "/etc/squid/squid.conf", log="squid")

    def start_tinyproxy(self, user=None, password=None):
        path = self._write("tinyproxy.conf", TINYPROXY % (PROXY_PORT, f"BasicAuth {user} {password}" if user else ""))
        return self._start(PROXY_PORT, "/usr/bin/tinyproxy", "-d", "-c", path, log="tinyproxy")

    def start_bad_proxy(self, behaviour, argument=""):
        return self._start(PROXY_PORT, "/usr/bin/python3", "-B", os.path.join(HERE, "bad_proxy.py"), str(PROXY_PORT), behaviour, str(argument), log=f"proxy-{behaviour}{argument}")

    def start_bad_box(self, behaviour, argument=""):
        self.redirect()
        return self._start(BOX_PORT, "/usr/bin/python3", "-B", os.path.join(HERE, "bad_proxy.py"), str(BOX_PORT), behaviour, str(argument), "--to", self.edge, log=f"box-{behaviour}{argument}")

    def start_haproxy(self, idle="50s"):
        self.redirect()
        return self._start(BOX_PORT, "/usr/sbin/haproxy", "-db", "-f", self._write("haproxy.cfg", HAPROXY % (idle, idle, BOX_PORT, self.edge)), log="haproxy")

    def start_nginx(self):
        self.redirect()
        config = self._write("nginx.conf", NGINX % {"folder": self.router.log_dir, "port": BOX_PORT, "edge": self.edge})
        return self._start(BOX_PORT, "/usr/sbin/nginx", "-c", config, log="nginx")

    def start_reader(self, issuer="Office\x1b[31m TLS Inspection"):
        """A box that reads TLS: haproxy with a certificate that it has made, with a name that terminals take for a command."""
        key, certificate = self._write("reader.key", ""), self._write("reader.crt", "")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
                        "-subj", f"/O={issuer}/CN=inspection", "-addext", f"subjectAltName=IP:{EDGE_ADDRESS}", "-days", "2"], capture_output=True, check=True)
        with open(key) as file, open(certificate) as other:
            both = self._write("reader.pem", other.read() + file.read())
        self.redirect()
        return self._start(BOX_PORT, "/usr/sbin/haproxy", "-db", "-f", self._write("reader.cfg", READER % (BOX_PORT, both, self.edge)), log="reader")

    def seen(self, process):
        """What bad_proxy.py was asked, a line a connection."""
        with open(process.log_path) as log:
            return [line for line in log.read().splitlines() if line != "ready"]
