# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs become medians, ratios, tables, and a sentence on each target. Ratios are taken within a repetition, then their median."""
import datetime
import platform
import statistics
import subprocess

from ground import program

REFERENCE = "wireguard-go"  # the current one

# Key, heading, digits; how it is read from a run.
VALUES = (
    ("tcp1", "TCP 1 Mbit/s", 0, lambda run: run["tcp1"]["mbps"]),
    ("tcp4", "TCP 4 Mbit/s", 0, lambda run: run["tcp4"]["mbps"]),
    ("cpu_a", "A", 2, lambda run: cpu(run, "a")),
    ("cpu_edge", "edge", 2, lambda run: cpu(run, "edge")),
    ("cpu_b", "B", 2, lambda run: cpu(run, "b")),
    ("cpu_total", "all", 2, lambda run: cpu(run, "total")),
    ("pps", "128 B kpps", 0, lambda run: best_small(run)["pps"] / 1000),
    ("packet_edge", "edge µs/packet", 2, lambda run: best_small(run)["us_per_packet"].get("edge")),
    ("paced_edge", "at 20 kpps", 2, lambda run: run["small"][0]["us_per_packet"].get("edge")),
    ("idle_p50", "idle p50 ms", 3, lambda run: run["rtt_idle"]["p50"]),
    ("idle_p99", "p99", 3, lambda run: run["rtt_idle"]["p99"]),
    ("load_p50", "loaded p50 ms", 2, lambda run: run["rtt_load"]["p50"]),
    ("load_p99", "p99", 2, lambda run: run["rtt_load"]["p99"]),
    ("load4_p50", "4 streams p50 ms", 2, lambda run: run["rtt_load4"]["p50"]),
    ("load4_p99", "p99", 2, lambda run: run["rtt_load4"]["p99"]),
    ("peak_node", "peak MB A", 1, lambda run: memory(run, "a", "peak_mb")),
    ("peak_edge", "edge", 1, lambda run: memory(run, "edge", "peak_mb")),
    ("anon_node", "RssAnon A", 1, lambda run: memory(run, "a", "anon_mb")),
    ("anon_edge", "edge", 1, lambda run: memory(run, "edge", "anon_mb")),
    ("connect", "connect ms", 0, lambda run: run["connect_ms"]),
)


def reader(read):
    """None where a run didn't measure it."""
    def read_run(run):
        try:
            return read(run)
        except KeyError:
            return None
    return read_run


READ = {key: reader(read) for key, _, _, read in VALUES}
FIRST = ("tcp1", "tcp4", "cpu_a", "cpu_edge", "cpu_b", "cpu_total", "pps", "packet_edge", "paced_edge")
SECOND = ("idle_p50", "idle_p99", "load_p50", "load_p99", "load4_p50", "load4_p99", "peak_node", "peak_edge", "anon_node", "anon_edge", "connect")
HIGHER_IS_BETTER = ("tcp1", "tcp4", "pps")
# Shown as times better than the reference.
RATIOS = (("cpu_edge", "edge CPU/GB"), ("cpu_a", "A CPU/GB"), ("cpu_b", "B CPU/GB"), ("cpu_total", "all CPU/GB"), ("tcp1", "TCP 1"), ("tcp4", "TCP 4"), ("pps", "128 B rate"),
          ("packet_edge", "edge CPU/packet"), ("paced_edge", "at 20 kpps"), ("idle_p50", "idle RTT"), ("load_p99", "loaded p99"), ("connect", "connect"))


# … than another build of Edgeway.
BESIDE = (("tcp1", "TCP 1"), ("tcp4", "TCP 4"), ("load_p50", "loaded p50"), ("load_p99", "p99"), ("load4_p50", "4 streams p50"), ("load4_p99", "p99"), ("cpu_edge", "edge CPU/GB"),
          ("cpu_a", "A CPU/GB"), ("cpu_b", "B CPU/GB"), ("pps", "128 B rate"), ("packet_edge", "edge CPU/packet"), ("idle_p50", "idle RTT"), ("connect", "connect"))


def cpu(run, who):
    """Both TCP measurements together: seconds per GB."""
    return (run["tcp1"]["cpu_s_per_gb"][who] + run["tcp4"]["cpu_s_per_gb"][who]) / 2 if who in run["tcp1"]["cpu_s_per_gb"] else None


def best_small(run):
    return max(run["small"], key=lambda step: step["pps"])


def memory(run, who, what):
    return (run["memory"].get(who) or {}).get(what)


def median(values):
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def one_line(run):
    edge = cpu(run, "edge")
    return (f"TCP {run['tcp1']['mbps']:.0f} and {run['tcp4']['mbps']:.0f} Mbit/s, edge {number(edge, 2)} s/GB, {number(READ['pps'](run), 0)} kpps, "
            f"RTT {number(READ['idle_p50'](run), 3)} ms, loaded {run['rtt_load']['p50']:.2f} and {run['rtt_load4']['p50']:.2f} ms, connect {number(run['connect_ms'], 0)} ms")


def noise(runs):
    """How far the edge's (else all) CPU per GB of the runs lies apart, in percent of the median; cores lost to others and to the hypervisor."""
    costs = [cpu(run, "edge") or cpu(run, "total") for run in runs]
    parts = [part for run in runs for part in (run["tcp1"], run["tcp4"], run.get("rtt_idle"), run["rtt_load"], run["rtt_load4"], *run.get("small", ())) if part]
    return {"spread_percent": 100 * (max(costs) - min(costs)) / statistics.median(costs) if len(costs) > 1 and statistics.median(costs) else None,
            "steal": median([part["steal"] for part in parts]), "others": median([part["others"] for part in parts])}


def ratio(key, run, reference):
    mine, its = READ[key](run), READ[key](reference)
    if not mine or not its:
        return None
    return mine / its if key in HIGHER_IS_BETTER else its / mine


def summarize(results, options):
    wires = {}
    for wire, rows in results.items():
        reference = rows.get(REFERENCE, {}).get("runs", [])
        mine = rows.get("edgeway", {}).get("runs", [])
        wires[wire] = {}
        for name, row in rows.items():
            runs = row["runs"]
            wires[wire][name] = entry = {"label": row["label"], "unavailable": row["unavailable"], "runs": len(runs)}
            if runs:
                entry.update(values={key: median([read(run) for run in runs]) for key, read in READ.items()}, noise=noise(runs),
                             better={key: median([ratio(key, *pair) for pair in zip(runs, reference)]) for key, _ in RATIOS})
            if runs and name in dict(options.builds):
                entry["beside"] = {key: median([ratio(key, *pair) for pair in zip(mine, runs)]) for key, _ in BESIDE}
    return {"when": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "processor": processor(), "kernel": platform.release(),
            "runs": options.runs, "tcp_seconds": options.seconds, "reference": REFERENCE, "wires": wires}


def processor():
    with open("/proc/cpuinfo") as file:
        text = file.read()
    name = next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")), platform.machine())
    return f"{name}, {text.count('processor	:')} cores" + (", AVX-512 IFMA" if " avx512ifma" in text else ", AVX2" if " avx2 " in text else "")


def number(value, digits):
    return "–" if value is None else f"{value:.{digits}f}"


def table(head, rows, markdown):
    if markdown:
        lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
        return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))) for row in [head, *rows])


def tables(summary, markdown):
    headings = {key: (heading, digits) for key, heading, digits, _ in VALUES}
    headings.update(cpu_a=("CPU s/GB A", 2))
    parts = [f"{summary['when']}, {summary['processor']}, Linux {summary['kernel']}; medians of {summary['runs']} runs, TCP {summary['tcp_seconds']:g} s each"]
    for wire, rows in summary["wires"].items():
        done = {name: row for name, row in rows.items() if "values" in row}
        parts.append(("### " if markdown else "") + f"The wire: {wire}")
        for keys in (FIRST, SECOND):
            head = ["", *(headings[key][0] for key in keys)]
            body = [[row["label"], *(number(row["values"][key], headings[key][1]) for key in keys)] for row in done.values()]
            if keys is SECOND:
                head += ["spread %", "steal", "others"]
                for line, row in zip(body, done.values()):
                    line += [number(row["noise"]["spread_percent"], 0), number(row["noise"]["steal"], 2), number(row["noise"]["others"], 2)]
            parts.append(table(head, body, markdown))
        if REFERENCE in done:
            parts.append(f"Times better than {done[REFERENCE]['label']}:")
            parts.append(table(["", *(heading for _, heading in RATIOS)],
                               [[row["label"], *(number(row["better"][key], 2) for key, _ in RATIOS)] for name, row in done.items() if name != REFERENCE], markdown))
        for row in done.values():
            if "beside" in row:
                parts.append(f"Edgeway, times better than {row['label']}:")
                parts.append(table([heading for _, heading in BESIDE], [[number(row["beside"][key], 2) for key, _ in BESIDE]], markdown))
        if done:
            parts.append("CPU of the daemons, user and system. spread: of the edge's CPU per GB; steal, others: cores lost to the hypervisor and to other programs.")
        parts += [f"{row['label']}: left out: {row['unavailable']}" for row in rows.values() if row["unavailable"]]
    return "\n\n".join(parts)


# The targets: what, of which row, ratio, at least.
TARGETS = (
    ("hub, CPU per byte, OpenSSL", "engine-openssl", ("cpu_edge",), 2),
    ("hub, CPU per byte, as it runs here", "edgeway", ("cpu_edge",), 4),
    ("node, CPU per byte (the worse of A and B), OpenSSL", "engine-openssl", ("cpu_a", "cpu_b"), 1.5),
    ("node, CPU per byte (the worse of A and B), as it runs here", "edgeway", ("cpu_a", "cpu_b"), 2.2),
    ("128-byte packets, edge CPU per packet at its highest rate", "edgeway", ("packet_edge",), 10),
    ("128-byte packets, edge CPU per packet at 20,000 a second", "edgeway", ("paced_edge",), 10),
    ("idle round trip", "edgeway", ("idle_p50",), 1),
    ("round trip under load, 99th percentile", "edgeway", ("load_p99",), 2),
)


def targets(summary):
    lines = ["", f"Targets, times better than {REFERENCE} (current):"]
    for wire, rows in summary["wires"].items():
        for what, name, keys, least in TARGETS:
            found = [rows.get(name, {}).get("better", {}).get(key) for key in keys]
            if None in found:
                word = "not measured"
            else:
                word = f"{'reached' if min(found) >= least else 'NOT reached'}: {min(found):.2f}"
            lines.append(f"  {wire}: {what}: at least {least}: {word}")
    return "\n".join(lines)


def draw(summary, path):
    """The CPU per GB of each system as bars, by the program `chart`."""
    lines = [f"title\tA → edge → B: what a GB of TCP costs · {summary['processor']} · {summary['when'][:10]}", "axis\tCPU seconds per GB (less is better)",
             "series\tnode A (sends)\tedge\tnode B (receives)"]
    for wire, rows in summary["wires"].items():
        lines.append(f"panel\tThe wire: {wire}")
        for row in rows.values():
            if row.get("values") and row["values"]["cpu_edge"] is not None:
                lines.append("\t".join(["bar", row["label"], *(f"{row['values'][key]:.4f}" for key in ("cpu_a", "cpu_edge", "cpu_b"))]))
    subprocess.run([program("tests", "bench.d", "chart"), path], input="\n".join(lines) + "\n", text=True, check=True, timeout=60)
