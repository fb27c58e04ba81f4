# SPDX-License-Identifier: GPL-3.0-or-later
"""Processor time and memory of processes, and how much of the machine other programs used in the meantime.

CPU is user and system time of a daemon with all its threads (/proc/PID/stat), so it holds the work that the kernel does on
its behalf. Two things disturb: other programs, and the hypervisor (steal). Both are told, in cores.
"""
import os
import re
import time

HZ = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """Seconds so far; with those of children that have ended. 0 where there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / HZ


def memory_of(pid):
    """MB: the resident memory now and at its highest (VmHWM), and what of it now belongs to the process alone (RssAnon)."""
    try:
        with open(f"/proc/{pid}/status") as file:
            found = dict(re.findall(r"^(VmHWM|VmRSS|RssAnon):\s+(\d+)", file.read(), re.M))
        return {name: round(int(found[field]) / 1024, 1) for name, field in (("peak_mb", "VmHWM"), ("rss_mb", "VmRSS"), ("anon_mb", "RssAnon"))}
    except (OSError, KeyError):
        return None


def wakeups_of(pid):
    """Thread's number and name → how often it has given up the processor to wait."""
    found = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/status") as file:
                text = file.read()
        except OSError:
            continue  # it has ended
        found[(task, re.search(r"^Name:\s+(.*)$", text, re.M).group(1))] = int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", text, re.M).group(1))
    return found


def difference(after, before):
    """Wakeups by thread's name. Those of a thread that came and went in between aren't seen."""
    found = {}
    for thread, count in after.items():
        found[thread[1]] = found.get(thread[1], 0) + count - before.get(thread, 0)
    return found


def _ksoftirqd():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and _comm(entry).startswith("ksoftirqd")]


def _comm(pid):
    try:
        with open(f"/proc/{pid}/comm") as file:
            return file.read()
    except OSError:
        return ""


class Meter:
    """Reads before and after. daemons: name → process; loads: the load generators that run on."""
    _kernel = None

    def __init__(self, daemons, loads=()):
        Meter._kernel = Meter._kernel if Meter._kernel is not None else _ksoftirqd()
        self.daemons, self.loads = daemons, loads
        self.before = self._read()

    def _read(self):
        with open("/proc/stat") as file:
            busy = [int(word) / HZ for word in file.readline().split()[1:9]]  # user nice system idle iowait irq softirq steal
        return {"daemons": {name: cpu_of(process.pid) for name, process in self.daemons.items()},
                "loads": sum(cpu_of(process.pid) for process in self.loads), "kernel": sum(map(cpu_of, Meter._kernel)),
                "busy": sum(busy[:3]) + sum(busy[5:7]), "steal": busy[7], "time": time.monotonic()}

    def read(self, ended=0.0):
        """Seconds since the start, and the disturbance. ended: CPU of load generators that have ended, in seconds."""
        now, then = self._read(), self.before
        cpu = {name: now["daemons"][name] - then["daemons"][name] for name in self.daemons}
        load = now["loads"] - then["loads"] + ended
        kernel, seconds = now["kernel"] - then["kernel"], now["time"] - then["time"]
        total = sum(cpu.values()) + load + kernel
        return {"cpu": cpu, "load": load, "total": total, "seconds": seconds, "steal": (now["steal"] - then["steal"]) / seconds,
                "others": max(0.0, now["busy"] - then["busy"] - total) / seconds}


def finish(process, seconds):
    """Waits for a load generator that ends: its output, and its CPU seconds. (None, CPU) where it failed or had to be ended."""
    end = time.monotonic() + seconds
    process.stdin.close()
    try:
        output = _read_all(process, end)
    except TimeoutError:
        process.kill()
        output = None
    for pipe in (process.stdout, process.stderr):
        pipe.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return output if process.returncode == 0 else None, usage.ru_utime + usage.ru_stime


def _read_all(process, end):
    os.set_blocking(process.stdout.fileno(), False)
    chunks = []
    while True:
        chunk = process.stdout.buffer.read()
        if chunk == b"":
            return b"".join(chunks).decode(errors="replace")
        if chunk:
            chunks.append(chunk)
            continue
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.005)
