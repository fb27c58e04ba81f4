# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge's connect-udp (RFC 9298) as a client sees it that isn't Edgeway's: curl of Debian sid, which carries HTTP/3 through it."""
import unittest

from current_wireguard import current_curl
from demo_mesh import EDGE_ADDRESS
from mesh_case import Failure, MeshCase

EDGE = f"https://{EDGE_ADDRESS}:443"


class TestCurl(MeshCase):
    JOIN = ()

    def ask(self, target):
        """What curl says of its request to the edge for that target."""
        try:
            command, _ = current_curl()
        except Failure as failure:
            self.skipTest(str(failure))
        script = '"$@" 2>&1 | LC_ALL=C tr -cd "\\11\\12\\40-\\176"'
        return self.mesh.machine("laptop").run("sh", "-c", script, "sh", *command, "-ksv", "-m", "4", "--proxytunnel", "--http3-only", "--proxy-insecure", "--proxy", EDGE, target).stdout

    def test_target_is_the_edge(self):
        """The edge takes the capsules. They hold QUIC, which WireGuard passes over: curl waits for an answer until its time is up."""
        said = self.ask(EDGE + "/")
        self.assertIn("< HTTP/1.1 101 ", said)
        self.assertIn("tunnel established", said)
        self.assertIn("timed out", said)

    def test_other_target(self):
        said = self.ask("https://198.51.100.1:443/")
        self.assertIn("< HTTP/1.1 403 ", said)
        self.assertIn("< Proxy-Status: edgeway-edge; error=destination_ip_prohibited", said)


if __name__ == "__main__":
    unittest.main()
