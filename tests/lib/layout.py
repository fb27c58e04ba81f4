# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether files obey .editorconfig: what its sections say of a file, and what is wrong with the file."""
import os
import re

KNOWN = {"charset", "end_of_line", "insert_final_newline", "trim_trailing_whitespace", "indent_style", "indent_size"}


def pattern_to_regex(pattern):
    """A section's name: * within a folder, ** over folders, ?, {a,b}. Without a slash it is the file's name in any folder."""
    out, depth, i = "", 0, 0
    while i < len(pattern):
        char = pattern[i]
        if pattern.startswith("**", i):
            out, i = out + ".*", i + 1
        elif char == "*":
            out += "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "{":
            out, depth = out + "(?:", depth + 1
        elif char == "}" and depth:
            out, depth = out + ")", depth - 1
        elif char == "," and depth:
            out += "|"
        else:
            out += re.escape(char)
        i += 1
    return out


class EditorConfig:
    def __init__(self, text):
        self.sections, section = [], None
        for line in map(str.strip, text.splitlines()):
            if not line or line[0] in "#;":
                continue
            if line[0] == "[" and line[-1] == "]":
                section = (re.compile(rf"(?:.*/)?(?:{pattern_to_regex(line[1:-1])})"), {})
                self.sections.append(section)
            elif section is not None:
                key, value = (part.strip().lower() for part in line.split("=", 1))
                if key not in KNOWN:
                    raise ValueError(f".editorconfig: {key} isn't known to tests/lib/layout.py")
                section[1][key] = value

    def of(self, path):
        settings = {}
        for regex, values in self.sections:
            if regex.fullmatch(path):
                settings.update(values)
        return {key: value for key, value in settings.items() if value != "unset"}

    def wrong(self, path, content):
        """Sentences about a file's bytes, each with the first line that it is true of."""
        settings, found = self.of(path), []
        if settings.get("charset") == "utf-8":
            try:
                content.decode("utf-8")
            except UnicodeDecodeError as error:
                found.append((content.count(b"\n", 0, error.start) + 1, "isn't UTF-8"))
        lines = content.split(b"\n")
        checks = [("end_of_line", "lf", rb"\r", "ends with a carriage return"), ("trim_trailing_whitespace", "true", rb"[ \t]\r?$", "ends with blanks"),
                  ("indent_style", "space", rb"^ *\t", "is indented with tabs, not spaces"), ("indent_style", "tab", rb"^\t* {2,}\S", "is indented with spaces, not tabs")]
        for key, value, regex, text in checks:
            if settings.get(key) == value:
                found += [(number, text) for number, line in enumerate(lines, 1) if re.search(regex, line)][:1]
        if settings.get("insert_final_newline") == "true" and content:
            if not content.endswith(b"\n"):
                found.append((len(lines), "is the last line and has no end"))
            elif content.endswith(b"\n\n"):
                found.append((len(lines) - 1, "is empty, at the end of the file"))
        return [f"{path}:{line}: this line {text} (.editorconfig)" for line, text in sorted(found)]


def check(top, paths):
    with open(os.path.join(top, ".editorconfig"), encoding="utf-8") as file:
        config = EditorConfig(file.read())
    found = []
    for path in paths:
        with open(os.path.join(top, path), "rb") as file:
            found += config.wrong(path, file.read())
    return found
