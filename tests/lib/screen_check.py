# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program can check on a screen, from the report of tests/lib/screen-report.c and the pixels.

    reports = read(path)                     a Report per window, as it was at one moment
    faults = judge(report, picture)          sentences
"""
import json
import subprocess

BLACK_ON_WHITE = 4.5  # WCAG 2.1, 1.4.3: least contrast of words
OF_LARGE = 3.0        # of large ones, and of those that only show that something can't be used now
LARGE = 24            # px: the height from which glyphs count as large, for certain
DIMMED = 0.4          # opacity of what is shown as disabled
ACCENTS = (0x35, 0x84, 0xE4), (0xE0, 0x1B, 0x24), (0xC0, 0x1C, 0x28)  # the toolkit's own, below words that are bold and white
TOUCH = 2             # px that boxes of glyphs may share


class Report:
    def __init__(self, head):
        self.title, self.type, self.width, self.height, self.least = (head[key] for key in ("window", "type", "width", "height", "least"))
        self.painted, self.labels = [], []

    def texts(self):
        return sorted(label["text"] for label in self.labels) + sorted(item.get("text", "") for item in self.painted)


def read(path):
    reports = []
    with open(path) as file:
        for line in map(json.loads, file):
            if "window" in line:
                reports.append(Report(line))
            elif "label" in line:
                reports[-1].labels.append(line)
            elif line:
                reports[-1].painted.append(line)
    return reports


def shared(a, b):
    """Width and height of what two boxes share."""
    return min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0]), min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])


def holds(outer, inner):
    return outer[0] <= inner[0] + 1 and outer[1] <= inner[1] + 1 and outer[0] + outer[2] + 1 >= inner[0] + inner[2] and outer[1] + outer[3] + 1 >= inner[1] + inner[3]


def seen_words(report):
    """What is painted of words and not hidden by what is painted later; those half hidden have "half"."""
    seen = []
    for item in report.painted:
        if "words" in item:
            seen.append(dict(item))
            continue
        kept = []
        for words in seen:
            wide, high = shared(item["fill"], words["words"])
            if holds(item["fill"], words["words"]):
                continue
            words["half"] = words.get("half") or (wide > TOUCH and high > TOUCH)
            kept.append(words)
        seen = kept
    return seen


def name(report, words):
    """The text of painted words: their own, or that of the label they lie in."""
    if words.get("text") is not None:
        return words["text"]
    inside = [label for label in report.labels if holds([label["label"][0] - 2, label["label"][1] - 6, label["label"][2] + 4, label["label"][3] + 12], words["words"])]
    return min(inside, key=lambda label: label["label"][2] * label["label"][3])["text"] if inside else "?"


def cut_words(report, seen):
    faults = []
    for words in seen:
        if words.get("cut"):
            faults.append(f"cut: “{words['text']}”")
    for label in report.labels:
        if label["cut"] and not label["tooltip"] and any(holds(label["label"], w["words"]) for w in seen):
            faults.append(f"cut, and no tooltip says the rest: “{label['text']}”")
    return faults


def overlaps(report, seen):
    faults = []
    for i, one in enumerate(seen):
        if one["turned"]:  # its box is larger than it is
            continue
        if one.get("half"):
            faults.append(f"half hidden: “{name(report, one)}”")
        for other in seen[i + 1:]:
            wide, high = shared(one["words"], other["words"])
            twice = wide > 0.8 * min(one["words"][2], other["words"][2]) and name(report, one) == name(report, other)  # with a selection
            if not other["turned"] and wide > TOUCH and high > TOUCH and not twice:
                faults.append(f"“{name(report, one)}” and “{name(report, other)}” lie on each other")
    return faults


def pixels(picture, size):
    raw = subprocess.run(["convert", picture, "-depth", "8", "-crop", f"{size[0]}x{size[1]}+0+0", "rgb:-"], capture_output=True, check=True).stdout
    return raw


def luminance(colour):
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a, b):
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def faint_words(report, seen, raw, size):
    faults = []
    for words in seen:
        x, y, wide, high = (round(side) for side in words["words"])
        count = {}
        for row in range(max(0, y - 1), min(size[1], y + high + 1)):
            start = 3 * (row * size[0] + max(0, x - 1))
            line = raw[start:start + 3 * max(0, min(size[0] - max(0, x - 1), wide + 2))]
            for i in range(0, len(line), 3):
                count[line[i:i + 3]] = count.get(line[i:i + 3], 0) + 1
        if not count:
            continue
        below = [part / 255 for part in max(count, key=count.get)]
        red, green, blue, alpha = words["colour"]
        if alpha < DIMMED:
            continue
        mixed = [alpha * c + (1 - alpha) * b for c, b in zip((red, green, blue), below)]
        least = OF_LARGE if high >= LARGE or alpha < 0.6 or tuple(round(255 * part) for part in below) in ACCENTS else BLACK_ON_WHITE
        found = contrast(mixed, below)
        if found < least - 0.05:
            faults.append(f"faint ({found:.1f} : 1): “{name(report, words)}”")
    return faults


def judge(report, picture=None):
    """Sentences about what is wrong with a window; picture: of it alone."""
    seen = seen_words(report)
    faults = cut_words(report, seen) + overlaps(report, seen)
    if picture:
        size = tuple(map(int, subprocess.run(["identify", "-format", "%w %h", picture], capture_output=True, text=True, check=True).stdout.split()))
        raw = pixels(picture, size)
        if len(set(raw[3 * i:3 * i + 3] for i in range(0, size[0] * size[1], 7))) < 4:
            faults.append("nothing is to be seen")
        faults += faint_words(report, seen, raw, size)
    return sorted(set(faults))
