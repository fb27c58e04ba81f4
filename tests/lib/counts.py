# SPDX-License-Identifier: GPL-3.0-or-later
"""The result that a test program reports, as (passed, failed, skipped). A test that was skipped, in whole or in part, hasn't passed; neither
has one whose failure is expected. A program that ended without a report has failed."""
import json
import os
import re

TAP = re.compile(r"^\s*(ok|not ok) \d+(.*)$", re.M)
# "OK (skipped=2, expected failures=1)"
SUMMARY = re.compile(r"^(?:OK|FAILED|NO TESTS RAN)(?: \((.*)\))?$", re.M)


def add(*counts):
    return tuple(map(sum, zip((0, 0, 0), *counts)))


def count_unittest(text, status):
    """unittest's last lines. With several skipped subtests in one test, the others that passed may be counted short, never too many."""
    ran = re.findall(r"^Ran (\d+) tests?", text, re.M)
    total = int(ran[-1]) if ran else 0
    summary = SUMMARY.findall(text)
    said = {name: int(number) for name, number in re.findall(r"([a-z][a-z ]*)=(\d+)", summary[-1] if summary else "")}
    bad = said.get("failures", 0) + said.get("errors", 0) + said.get("unexpected successes", 0)
    skipped = said.get("skipped", 0) + said.get("expected failures", 0)
    # A class or a module that is skipped at its beginning is one skip, and none of its tests is among those that ran.
    classes = len(re.findall(r"^setUp(?:Class|Module) \(.*\) \.\.\. skipped ", text, re.M))
    if (status or not (total or skipped)) and not bad:
        bad, total = 1, max(total, 1)
    return max(0, total - bad - max(0, skipped - classes)), bad, skipped


def count_tap(text, good):
    """(0, 0, 0) where no case is listed. `good` is how the program ended."""
    passed = failed = skipped = 0
    for word, rest in TAP.findall(text):
        directive = re.search(r"#\s*(SKIP|TODO)\b", rest, re.I)
        skipped += bool(directive)
        passed += word == "ok" and not directive
        failed += word == "not ok" and not directive
    if (passed or skipped) and not good and not failed:
        failed = 1
    return passed, failed, skipped


def count_test(test):
    """A line of meson's testlog.json."""
    good = test["result"] in ("OK", "SKIP", "EXPECTEDFAIL")
    if re.search(r"^Ran \d+ tests? in ", test.get("stderr") or "", re.M):
        return count_unittest(test["stderr"], not good)
    counted = count_tap(test.get("stdout") or "", good)
    if any(counted):
        return counted
    return {"OK": (1, 0, 0), "SKIP": (0, 0, 1), "EXPECTEDFAIL": (0, 0, 1)}.get(test["result"], (0, 1, 0))


def count_meson(build, status, suites):
    """What meson's log says of each test, by the first of its suites. A run that still failed, or ran no test of a suite, has failed."""
    counts = {suite: (0, 0, 0) for suite in suites}
    try:
        with open(os.path.join(build, "meson-logs", "testlog.json"), encoding="utf-8") as file:
            for test in map(json.loads, file):
                # "edgeway:unit+threads / proto-window"
                suite = next((s for s in re.split(r"[+]", test["name"].rpartition(" / ")[0].rpartition(":")[2]) if s in counts), suites[0])
                counts[suite] = add(counts[suite], count_test(test))
    except (OSError, ValueError, KeyError):
        status = status or 1
    for suite in suites:
        if not any(counts[suite]):
            counts[suite] = (0, 1, 0)
    if status and not any(failed for _, failed, _ in counts.values()):
        counts[suites[0]] = add(counts[suites[0]], (0, 1, 0))
    return counts


def skips_in(text):
    """The lines that say what was skipped, and why."""
    return [line for line in text.splitlines() if " ... skipped " in line or " ... expected failure" in line or re.match(r"\s*(?:not )?ok .*#\s*(?:SKIP|TODO)\b", line, re.I)]
