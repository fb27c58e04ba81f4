# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured of one system that is being brought up on a Ground: measure() returns it all as a dictionary of numbers."""
import json
import time

import meters
from ground import PROBE, Failure, wait_for

RATES = (20_000, 100_000, 300_000)  # small packets offered, a second
SMALL = 100                         # bytes of UDP payload: 128 with its headers
UDP_PORT = 5999
CONNECT_MS = 15_000


class Measures:
    def __init__(self, ground, system, options):
        self.ground, self.system, self.seconds = ground, system, options.seconds
        self.only_load = getattr(options, "only_load", False)
        self.server = None

    def run(self):
        system, ground = self.system, self.ground
        system.prepare(ground)
        system.start_edge(ground)
        system.start_node(ground, ground.b)
        result = {"connect_ms": self._connect()}
        self.server = ground.b.start("iperf3", "-s")
        wait_for("iperf3", lambda: ground.b.ok("sh", "-c", "ss -Hltn sport = :5201 | grep -q ."), 5, 0.05)
        if not self.only_load:
            result["rtt_idle"] = self._echo(400, 2000)
        result["tcp1"], result["tcp4"] = self._tcp(1), self._tcp(4)
        result["rtt_load"], result["rtt_load4"] = self._echo_under_load(1), self._echo_under_load(4)
        if not self.only_load:
            result["small"] = [self._small(rate) for rate in RATES]
        system.check()
        result["memory"] = {name: meters.memory_of(process.pid) for name, process in system.daemons.items()}
        return result

    def _connect(self):
        """From the start of A's daemon to the first answer of B, in ms. B is up and has communicated before. None
        without a daemon."""
        ground, system = self.ground, self.system
        ground.piped(ground.b, PROBE, "connect", system.reference(ground), "15000").communicate(timeout=20)
        probe = ground.piped(ground.a, PROBE, "connect", system.target, str(CONNECT_MS))
        time.sleep(0.05)
        begun = time.monotonic_ns()
        system.start_node(ground, ground.a)
        output, _ = meters.finish(probe, CONNECT_MS / 1000 + 1)
        system.check()
        if not output:
            raise Failure(f"{system.label}: A does not reach B")
        return (json.loads(output)["at"] - begun) / 1e6 if system.daemons else None

    def _meter(self):
        return meters.Meter(self.system.daemons, [self.server])

    def _probe(self, machine, *argv):
        return self.ground.piped(machine, PROBE, *map(str, argv))

    def _noise(self, reading):
        return {"steal": reading["steal"], "others": reading["others"]}

    def _iperf(self, streams, seconds):
        return self.ground.piped(self.ground.a, "iperf3", "-c", self.system.target, "-t", str(seconds), "-P", str(streams), "-C", "cubic", "-J",
                                 "--connect-timeout", "4000")

    def _received(self, output):
        """Bytes and seconds."""
        try:
            end = json.loads(output)["end"]["sum_received"]
            if end["bytes"]:
                return end["bytes"], end["seconds"]
        except (TypeError, ValueError, KeyError):
            pass
        raise Failure(f"{self.system.label}: iperf3 moved nothing")

    def _tcp(self, streams):
        wire, meter = self.ground.wire_bytes(), self._meter()
        output, ended = meters.finish(self._iperf(streams, self.seconds), self.seconds + 15)
        reading = meter.read(ended)
        size, seconds = self._received(output)
        giga = size / 1e9
        cpu = {name: value / giga for name, value in reading["cpu"].items()}
        return {"mbps": size * 8 / seconds / 1e6, "cpu_s_per_gb": {**cpu, "load": reading["load"] / giga, "total": reading["total"] / giga},
                "wire_ratio": (self.ground.wire_bytes() - wire) / size, **self._noise(reading)}

    def _echo(self, count, interval_us):
        meter = self._meter()
        output, _ = meters.finish(self._probe(self.ground.a, "echo", self.system.target, count, interval_us), count * interval_us / 1e6 + 5)
        if not output:
            raise Failure(f"{self.system.label}: no echo")
        return {**json.loads(output), **self._noise(meter.read())}

    def _echo_under_load(self, streams):
        load = self._iperf(streams, self.seconds)
        time.sleep(0.4)
        result = self._echo(int((self.seconds - 0.8) * 250), 4000)
        self._received(meters.finish(load, self.seconds + 15)[0])
        return result

    def _small(self, rate, milliseconds=700):
        """UDP packets of 128 bytes: what arrives of an offered rate, and the edge's CPU for each that does."""
        receiver = self._probe(self.ground.b, "receive", UDP_PORT, milliseconds + 5000)
        time.sleep(0.05)
        meter = self._meter()
        output, ended = meters.finish(self._probe(self.ground.a, "send", self.system.target, UDP_PORT, SMALL, rate, milliseconds), 10)
        time.sleep(0.25)
        counted, receiving = meters.finish(receiver, 5)
        reading = meter.read(ended + receiving)
        if not output or not counted:
            raise Failure(f"{self.system.label}: the UDP probe failed")
        sent, got = json.loads(output)["sent"], json.loads(counted)["received"]
        if not got:
            raise Failure(f"{self.system.label}: no UDP packet arrived")
        return {"offered": rate, "sent_pps": sent * 1000 / milliseconds, "pps": got * 1000 / milliseconds, "loss": 1 - got / sent if sent else None,
                "us_per_packet": {name: value * 1e6 / got for name, value in reading["cpu"].items()},
                "total_us_per_packet": reading["total"] * 1e6 / got, **self._noise(reading)}
