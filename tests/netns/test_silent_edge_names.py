#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions to the mesh's DNS while the edge is silent: the node answers them itself, at once, and stops as soon as the edge is back."""
import signal
import time
import unittest

from mesh_case import MeshCase, wait_for

SUFFIX = "demo.internal"


class SilentEdge(MeshCase):
    SITES = JOIN = ("nas",)

    def dig(self, *more):
        begun = time.monotonic()
        said = self.mesh.machine("nas").run("dig", "+time=9", "+tries=1", *more, "AAAA", f"nas.{SUFFIX}", check=False).stdout
        return said, time.monotonic() - begun

    def test_failure_at_once(self):
        service4, service6 = "@100.96.0.1", "@" + ":".join(next(a for a in self.status("nas")["addresses"] if ":" in a).split(":")[:3]) + "::1"
        wait_for("names", lambda: "NOERROR" in self.dig(service4)[0], 20)
        edge, _ = self.mesh.running["edge"]
        edge.send_signal(signal.SIGSTOP)
        try:
            wait_for("a failure", lambda: "SERVFAIL" in self.dig(service4, "+time=1")[0], 60)  # the tunnel notices in its own time
            for server in (service4, service6):
                for more in ((), ("+noedns",), ("+cookie",)):
                    said, took = self.dig(server, *more)
                    self.assertIn("SERVFAIL", said)
                    self.assertIn("QUERY: 1, ANSWER: 0", said)
                    self.assertLess(took, 2)
                said, took = self.dig(server, "+tcp")
                self.assertIn("connection refused", said)
                self.assertLess(took, 2)
        finally:
            edge.send_signal(signal.SIGCONT)
        wait_for("names again", lambda: "NOERROR" in self.dig(service4, "+time=1")[0], 60)


if __name__ == "__main__":
    unittest.main()
