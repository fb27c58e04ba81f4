# SPDX-License-Identifier: GPL-3.0-or-later
"""Published names over the edge's API: who may, what is refused, what is said of one, and that its key never comes out."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from test_calls import EdgeCase  # noqa: E402


class Published(EdgeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with tempfile.TemporaryDirectory() as folder:
            base = os.path.join(folder, "made")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", base + ".key", "-out", base + ".pem", "-subj", "/CN=test",
                            "-addext", "subjectAltName=DNS:*.example.org", "-days", "30"], check=True, capture_output=True)
            with open(base + ".pem") as pem, open(base + ".key") as key:
                cls.files = {"certificate": pem.read(), "key": key.read()}

    def setUp(self):
        self.node = self.new_node()
        self.assertEqual(self.admin.call("POST", "/v1/services", {"name": "ha", "targets": [f"{self.node.name}:80"]}).status, 200)

    def tearDown(self):
        self.admin.call("DELETE", "/v1/services/ha")  # and its names

    def publish(self, host="ha.example.org", **more):
        return self.admin.call("POST", "/v1/published", {"service": "ha", "host": host, "access": "closed", **self.files, **more})

    def listed(self, caller=None):
        return {one["host"]: one for one in (caller or self.admin).call("GET", "/v1/published").json["published"]}

    def test_life(self):
        made = self.publish("HA.example.org")
        self.assertEqual(made.status, 200, made)
        self.assertEqual({name: made.json[name] for name in ("host", "service", "access")}, {"host": "ha.example.org", "service": "ha", "access": "closed"})
        self.assertRegex(made.json["url"], r"^https://ha\.example\.org(:\d+)?$")
        self.assertIn("warning", made.json)
        self.assertEqual(self.publish(access="public", certificate=None, key=None).json["access"], "public")
        self.assertEqual(self.publish(access=None).json["access"], "public")
        self.assertEqual(list(self.listed(self.node)), ["ha.example.org"])
        self.assertNotIn("PRIVATE KEY", str(self.node.call("GET", "/v1/published").json) + str(made.json))
        self.edge.stop()
        self.edge.start()
        self.assertEqual(self.listed()["ha.example.org"]["access"], "public")
        self.assertEqual(self.admin.call("DELETE", "/v1/published/ha.example.org").json, {"schema": 1})
        self.refused(self.admin.call("DELETE", "/v1/published/ha.example.org"), 404, "NotFound", "publish list")

    def test_who_may(self):
        self.publish()
        for method, path in (("POST", "/v1/published"), ("DELETE", "/v1/published/ha.example.org")):
            body = {"service": "ha", "host": "x.example.org", "access": "public", **self.files} if method == "POST" else None
            self.refused(self.node.call(method, path, body), 403, "NotAdministrator")
            self.refused(self.edge.call(method, path, body), 401, "NotAuthenticated")
        self.refused(self.edge.get("/v1/published"), 401, "NotAuthenticated")
        self.assertEqual(list(self.listed()), ["ha.example.org"])

    def test_refused(self):
        for body, status, code, words in (
                ({"access": None}, 400, "InvalidArgument", ["--access public", "closed"]), ({"access": "login"}, 400, "InvalidArgument", ["isn't available yet"]),
                ({"access": "everybody"}, 400, "InvalidArgument", ["access"]), ({"access": True}, 400, "InvalidArgument", ["access"]),
                ({"host": "ha"}, 422, "NameInvalid", ["isn't a host name"]), ({"host": "203.0.113.5"}, 422, "NameInvalid", ["isn't a host name"]), ({"host": 5}, 400, "InvalidArgument", ["host"]),
                ({"host": "a.b.example.org"}, 400, "InvalidArgument", ["isn't for a.b.example.org"]), ({"service": "none"}, 404, "NotFound", ["service list"]),
                ({"certificate": None, "key": None}, 400, "InvalidArgument", ["--certificate"]), ({"key": None}, 400, "InvalidArgument", ["belong together"]),
                ({"certificate": "x"}, 400, "InvalidArgument", ["PEM"]), ({"key": "x"}, 400, "InvalidArgument", ["PEM"]), ({"certificate": "x" * 33000}, 400, "InvalidArgument", ["too long"])):
            with self.subTest(body):
                self.refused(self.publish(**body), status, code, *words)
        self.assertEqual(self.listed(), {})


if __name__ == "__main__":
    unittest.main()
