# SPDX-License-Identifier: GPL-3.0-or-later
"""A real edgeway-edge on the loopback interface, and a client for its API made of the standard library alone."""

import base64
import ctypes
import errno
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import time

PROGRAM = os.environ["EDGEWAY_EDGE"]
SLOW = 5  # a deadline in a test is five times the promise


def isolate():
    """As uid 0 an edge makes a TUN and firewall rules: in the tests' own network namespace, never in the host's."""
    CLONE_NEWNET, SIOCSIFFLAGS, IFF_UP = 0x40000000, 0x8914, 1
    if os.geteuid() != 0 or ctypes.CDLL(None).unshare(CLONE_NEWNET) != 0:
        return False  # without the privilege for this the edge has none for the others either
    with socket.socket(type=socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    return True


ISOLATED = isolate()


def b64(data):
    return base64.b64encode(data).decode()


def outside_ephemeral():
    """The numbers that the kernel never gives to outgoing connections: their ends, TIME_WAIT too, would keep an edge from its own port."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        low, high = map(int, file.read().split())
    return [*range(10000, low), *range(high + 1, 65536)] or list(range(10000, 65536))


def is_free(kind, port):
    with socket.socket(socket.AF_INET, kind) as every, socket.socket(socket.AF_INET6, kind) as every6:
        try:
            every.bind(("", port))
        except OSError:
            return False
        try:
            every6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            every6.bind(("::", port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE  # no IPv6 here
    return True


TAKEN = []  # an abstract socket of this name is the lock between processes in one network namespace; it disappears with this process


def free_port():
    """One number that is free on TCP and UDP, at every address, and that no other test's process is given while this one lives."""
    ports = outside_ephemeral()
    begin = os.getpid() * 61 % len(ports)
    for port in ports[begin:] + ports[:begin]:
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind(f"\0edgeway-test-port-{port}")
        except OSError:
            lock.close()
            continue
        if is_free(socket.SOCK_STREAM, port) and is_free(socket.SOCK_DGRAM, port):
            TAKEN.append(lock)
            return port
        lock.close()
    raise AssertionError("no port is free")


def parse_key(key):
    """The JSON of an enrollment key; its checksum is checked."""
    raw = base64.urlsafe_b64decode(key[4:] + "=" * (-len(key[4:]) % 4))
    assert key.startswith("ew1_") and hashlib.sha256(raw[:-4]).digest()[:4] == raw[-4:]
    return json.loads(raw[:-4])


class Answer:
    def __init__(self, status, body, headers):
        self.status, self.raw, self.headers = status, body, headers
        try:
            self.json = json.loads(body)
        except ValueError:
            self.json = None

    @property
    def code(self):
        return (self.json or {}).get("error", {}).get("code")

    def __repr__(self):
        return f"<{self.status} {self.raw[:400]!r}>"


class Edge:
    def __init__(self, config="", mesh="home", name="frankfurt", **options):
        self.folder = tempfile.mkdtemp(prefix="edgeway-api-")
        os.chmod(self.folder, 0o711)  # an edge started as root becomes its own user, where that exists
        self.state = os.path.join(self.folder, "state")
        self.port = free_port()
        self.log_path = os.path.join(self.folder, "log")
        self.output_path = os.path.join(self.folder, "output")
        self.config = os.path.join(self.folder, "edge.conf")
        with open(self.config, "w") as file:
            file.write(config or f"[edge]\nexit=false\ninterface=ewt{self.port}\n")
        self.arguments = ["--state-dir", self.state, "--listen", f"127.0.0.1:{self.port}", "--config", self.config]
        self.arguments += ["--mesh", mesh] if mesh else []
        self.arguments += ["--name", name] if name else []
        self.process = None

    def start(self, *more, wait=True, host_name=None):
        named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', host_name] if host_name else []
        with open(self.log_path, "ab") as log, open(self.output_path, "ab") as output:
            self.process = subprocess.Popen([*named, PROGRAM, "run", *self.arguments, *more], stdout=output, stderr=log, stdin=subprocess.DEVNULL)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError("edgeway-edge ended: " + self.log())
            try:
                if self.get("/v1/mesh").status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("edgeway-edge does not answer: " + self.log())

    def stop(self):
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        return code, time.monotonic() - begin

    def kill(self):
        self.process.kill()
        self.process.wait()

    def remove(self):
        if self.process and self.process.poll() is None:
            self.kill()
        log = self.log() if os.path.exists(self.log_path) else ""
        shutil.rmtree(self.folder)
        for word in ("AddressSanitizer", "runtime error", "CRITICAL", "critical:", "SUMMARY"):
            assert word not in log, log[-4000:]

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def output(self):
        with open(self.output_path) as file:
            return file.read()

    def first_key(self):
        end = time.monotonic() + 20
        while not self.output().endswith("\n") and time.monotonic() < end:
            time.sleep(0.02)
        return self.output().split()[0]

    def verb(self, *arguments):
        return subprocess.run([PROGRAM, *arguments, "--state-dir", self.state], capture_output=True, text=True, timeout=30)

    def admin_key(self):
        result = self.verb("admin-key")
        assert result.returncode == 0, result
        return result.stdout.strip()

    # HTTP.

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def connect(self, source="127.0.0.1", timeout=20):
        return self.context().wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout, (source, 0)))

    def call(self, method, path, body=None, token=None, headers=None, source="127.0.0.1"):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=self.context(), source_address=(source, 0))
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.read(), response.headers)
        finally:
            connection.close()

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def owner(self, method, path, body=None):
        """By the control socket."""
        connection = http.client.HTTPConnection("localhost", timeout=20)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(20)
        connection.sock.connect(os.path.join(self.state, "control.sock"))
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            response = connection.getresponse()
            return Answer(response.status, response.read(), response.headers)
        finally:
            connection.close()

    def raw(self, data, shut=False, timeout=20):
        """Sends bytes inside TLS and reads until the edge closes."""
        received = b""
        try:
            with self.connect(timeout=timeout) as stream:
                stream.sendall(data)
                if shut:
                    stream.unwrap()
                while chunk := stream.recv(65536):
                    received += chunk
        except OSError:  # also a time-out: it is not always answered
            pass
        return received

    # The mesh.

    def join(self, key, name, **more):
        node = Node(self, key, name, **more)
        node.answer = node.enroll()
        assert node.answer.status == 200, node.answer
        node.id = node.answer.json["id"]
        return node


class Node:
    """A computer with Edgeway's software, as seen by the API."""

    def __init__(self, edge, key, name, **more):
        self.edge, self.key, self.name = edge, parse_key(key), name
        self.public_key = os.urandom(32)
        self.credential = os.urandom(32)
        self.more = more
        self.id = None

    def request(self):
        return {"secret": self.key["secret"], "name": self.name, "public_key": b64(self.public_key),
                "credential_hash": b64(hashlib.sha256(self.credential).digest()), "os": "Debian 12", "version": "0.1.0"} | self.more

    def enroll(self, source="127.0.0.1", **changed):
        body = {k: v for k, v in (self.request() | changed).items() if v is not None}
        return self.edge.call("POST", "/v1/enroll", body, source=source)

    @property
    def token(self):
        return self.id + "." + base64.urlsafe_b64encode(self.credential).decode().rstrip("=")

    def call(self, method, path, body=None, **more):
        return self.edge.call(method, path, body, token=self.token, **more)

    def view(self):
        return Viewer(self.edge, self.token)


class Viewer:
    """A WebSocket client (RFC 6455)."""

    def __init__(self, edge, token, timeout=20):
        self.stream = edge.connect(timeout=timeout)
        self.buffer = b""
        self.stream.sendall((f"GET /v1/topology HTTP/1.1\r\nHost: edge\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                             f"Sec-WebSocket-Key: {b64(os.urandom(16))}\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "") + "\r\n").encode())
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        self.status = int(head.split()[1])

    def _fill(self):
        chunk = self.stream.recv(65536)
        if not chunk:
            raise EOFError
        self.buffer += chunk

    def _take(self, n):
        while len(self.buffer) < n:
            self._fill()
        taken, self.buffer = self.buffer[:n], self.buffer[n:]
        return taken

    def frame(self):
        first, second = self._take(2)
        length = second & 0x7F
        if length == 126:
            length, = struct.unpack(">H", self._take(2))
        elif length == 127:
            length, = struct.unpack(">Q", self._take(8))
        return first & 0x0F, self._take(length)

    def message(self):
        while True:
            opcode, payload = self.frame()
            if opcode == 1:
                return json.loads(payload)
            if opcode == 8:
                raise EOFError

    def until(self, wanted, timeout=SLOW):
        """The first message that wanted() accepts."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            self.stream.settimeout(max(0.01, end - time.monotonic()))
            message = self.message()
            if wanted(message):
                return message
        raise AssertionError("no such message in time")

    def send(self, opcode, payload):
        mask = os.urandom(4)
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack(">H", len(payload))
        self.stream.sendall(bytes([0x80 | opcode]) + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def close(self):
        self.stream.close()
