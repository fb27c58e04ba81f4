#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The style checks find faults: one of each kind is planted into a separate repository, as a person would commit it."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(TOP, "tests/lib"))
import analysis  # noqa: E402
import layout  # noqa: E402
import second_compiler  # noqa: E402
import sleeps  # noqa: E402
import style  # noqa: E402

CONFIGURATION = (".clang-format", ".editorconfig", ".flake8", ".shellcheckrc", "tests/data/words.txt", "tests/data/rooms.txt")
GOOD = {
    "app/good.c": "#include <stddef.h>\n\nint\new_good (void)\n{\n  return 0;\n}\n",
    "tests/lib/good.py": "import os\n\nprint(os.getpid())\n",
    "tests/good": "#!/bin/sh\necho \"$1\"\n",
    "data/debian/rules": "#!/usr/bin/make -f\n%:\n\tdh $@\n",
}
# check → the files in which it finds something, and a word of what it says
BAD = {
    "format": ("app/bad.c", "int  bad;\n", "bad.c"),
    "functions": ("app/long.c", "void\new_long (void)\n{\n" + "  ew_good ();\n" * 81 + "}\n", "ew_long"),
    "shell": ("tests/bad", "#!/bin/bash\ncd $1\n", "SC2086"),
    "python": ("tests/lib/bad.py", "import os\n", "F401"),
    "sleeps": ("tests/unit/bad.c", "void\new_bad (void)\n{\n  while (!done)\n    g_usleep (1);\n  g_usleep (2);\n}\n", "bad.c:6"),
    "layout": ("data/bad.txt", "a  \nb\n", "bad.txt:1"),
}


class Repository(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.top = holder.name
        for name in CONFIGURATION:
            os.makedirs(os.path.dirname(os.path.join(self.top, name)), exist_ok=True)
            shutil.copy(os.path.join(TOP, name), os.path.join(self.top, name))
        self.git("init", "-q")
        for name, text in GOOD.items():
            self.write(name, text)
        self.git("add", "-A")

    def git(self, *argv):
        subprocess.run(["git", "-C", self.top, *argv], check=True, timeout=60)

    def write(self, name, text):
        path = os.path.join(self.top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def check(self, name, *options):
        result = subprocess.run([sys.executable, "-B", os.path.join(TOP, "tests/lib/style.py"), "--top", self.top, *options, name], capture_output=True, text=True, timeout=120, check=False)
        return result.returncode, result.stdout + result.stderr

    def test_each_check(self):
        for name in BAD:
            self.assertEqual(self.check(name)[0], 0, self.check(name))
        for name, (path, text, said) in BAD.items():
            with self.subTest(name):
                self.write(path, text)
                self.assertEqual(self.check(name, "--staged")[0], 0, "it isn't part of the commit")
                self.git("add", path)
                for options in ([], ["--staged"]):
                    status, found = self.check(name, *options)
                    self.assertEqual((status, said in found), (1, True), found)
                self.git("rm", "-qf", path)

    def test_analysis(self):
        """Each of both analyzers finds what the other is not asked for."""
        self.assertIn("nothing to look at", "".join(analysis.check(self.compiled({"app/x.c": ""}))))
        good = "#include <stdlib.h>\nint ew_x (const char *text);\nint\new_x (const char *text)\n{\n  return atoi (text) > 0;\n}\n"
        clean = good.replace("atoi (text) > 0", "text != NULL")
        self.assertEqual(analysis.check(self.compiled({"daemon/proto/x.c": clean, "daemon/names/x.c": clean})), [])
        leak = clean.replace("return", "int *p = malloc (4);\n  if (p == NULL)\n    return 0;\n  return *text +")
        found = analysis.check(self.compiled({"daemon/proto/leak.c": leak, "daemon/names/unchecked.c": good, "app/x.c": good}))
        self.assertEqual({line.split(":")[0] for line in found}, {"daemon/proto/leak.c", "daemon/names/unchecked.c"}, found)
        build = self.compiled({"app/x.c": good, "app/x/y.c": good})
        for rooms, files in ((), {"app/x.c", "app/x/y.c"}), (["app/x"], {"app/x/y.c"}), (["app/x.c"], {"app/x.c"}), (["app"], {"app/x.c", "app/x/y.c"}):
            self.assertEqual({line.split(":")[0] for line in analysis.check(build, everything=True, rooms=rooms)}, files, rooms)
        self.assertIn("nothing to look at in daemon", "".join(analysis.check(build, everything=True, rooms=["daemon"])))

    def test_second_compiler(self):
        """Clang compiles the tree, and what it warns of is found: all of it, by paths of the tree."""
        os.makedirs(os.path.join(self.top, "app/launch"))
        shutil.copy(os.path.join(TOP, "app/launch/common.sh"), os.path.join(self.top, "app/launch"))
        good = "int ew_x (int n);\nint\new_x (int n)\n{\n  return n + 1;\n}\n"
        self.write("app/x.c", good)
        self.write("app/y.c", "int ew_y;\n")
        self.write("meson.build", "project('x', 'c')\nstatic_library('x', 'app/x.c', 'app/y.c', c_args: '-Wself-assign')\n")
        self.assertEqual(second_compiler.check(self.top, ["-Dwerror=true"]), [])
        with open(os.path.join(self.top, second_compiler.FOLDER, "compile_commands.json"), encoding="utf-8") as file:
            self.assertTrue(all(entry["command"].split()[0].endswith("clang") or "clang" in entry["command"].split()[:2] for entry in json.load(file)))
        self.write("app/x.c", good.replace("return", "n = n;\n  return"))
        self.write("app/y.c", "int ew_y = ew_z;\n")
        found = second_compiler.check(self.top, ["-Dwerror=true"])
        self.assertEqual(sorted({line.split(":")[0] for line in found}), ["app/x.c", "app/y.c"], found)
        self.assertIn("-Wself-assign", "".join(found))
        self.write("meson.build", "project('x', 'c')\nthis is no build\n")
        self.assertTrue(second_compiler.check(self.top, ["-Dwerror=true"]))

    def compiled(self, files):
        """A build folder that says how each file is compiled."""
        build = os.path.join(self.top, "build")
        os.makedirs(build, exist_ok=True)
        for name, text in files.items():
            self.write(name, text)
        shutil.copy(os.path.join(TOP, ".clang-tidy"), self.top)
        with open(os.path.join(build, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump([{"directory": build, "file": f"../{name}", "output": f"{name[:-2]}.o", "command": f"ccache gcc -O2 -g -Wshadow=local -MD -MQ x.o -MF x.d -o x.o -c ../{name}"} for name in files], file)
        return build

    def test_missing_tool(self):
        self.assertIn("no-such-tool", style.run(self.top, ["no-such-tool"])[0])
        self.assertEqual(self.check("nonsense")[0], 2)


class Sleeps(unittest.TestCase):
    def test_python(self):
        text = ("import time\ndef f():\n    time.sleep(1)\n    while g():\n        time.sleep(1)\n    for i in h():\n        time.sleep(1)\n"
                "    for i in h():\n        if i:\n            break\n        time.sleep(1)\n    while g():\n        def later():\n            time.sleep(1)\n")
        self.assertEqual(sleeps.find_in_python(text), [3, 7, 14])

    def test_c(self):
        text = ("static void\nf (void)\n{\n  g_usleep (1);\n  while (!g ())\n    g_usleep (1);\n  do\n    {\n      h ();\n      g_usleep (1);\n    }\n  while (!g ());\n"
                "  if (g ())\n    g_usleep (1);\n  for (guint i = 0; !g (); i++, g_usleep (1))\n    ;\n}\n/* g_usleep (1) */\n")
        self.assertEqual(sleeps.find_in_c(text), [4, 14])

    def test_reasons(self):
        with tempfile.TemporaryDirectory() as top:
            os.makedirs(os.path.join(top, "tests/netns"))
            with open(os.path.join(top, "tests/netns/x.py"), "w", encoding="utf-8") as file:
                file.write("import time\ntime.sleep(1)\n\ntime.sleep(2)  # real time: the kernel's\n# real time: another's\ntime.sleep(3)\n")
            self.assertEqual([reason for _, reason in sleeps.look(top, ["tests/netns/x.py"])], [None, "the kernel's", "another's"])
            self.assertEqual(len(sleeps.check(top, ["tests/netns/x.py"])), 1)


class Hooks(unittest.TestCase):
    def test_both_run_the_same(self):
        """git's own hook and pre-commit's configuration call what is here, and fetch nothing."""
        with open(os.path.join(TOP, ".githooks/pre-commit"), encoding="utf-8") as file:
            self.assertIn("tests/lib/style.py\" --staged", file.read())
        self.assertTrue(os.access(os.path.join(TOP, ".githooks/pre-commit"), os.X_OK) and os.access(os.path.join(TOP, "tests/lib/style.py"), os.X_OK))
        with open(os.path.join(TOP, ".pre-commit-config.yaml"), encoding="utf-8") as file:
            lines = [line.strip() for line in file]
        self.assertEqual([line for line in lines if line.startswith("- repo:")], ["- repo: local"])
        self.assertIn("entry: tests/lib/style.py --staged", lines)
        self.assertLessEqual(set(style.QUICK), set(style.CHECKS))


class Layout(unittest.TestCase):
    CONFIG = layout.EditorConfig("root = true\n[*]\ncharset = utf-8\nend_of_line = lf\ninsert_final_newline = true\ntrim_trailing_whitespace = true\nindent_style = space\n"
                                 "[*.mk]\nindent_style = tab\n[{raw/**,*.png}]\ncharset = unset\nend_of_line = unset\ninsert_final_newline = unset\n"
                                 "trim_trailing_whitespace = unset\nindent_style = unset\n")

    def test_faults(self):
        for path, content, line in (("a.c", b"a\nb", 2), ("a.c", b"a\n\n", 2), ("a.c", b"a\r\nb\n", 1), ("a.c", b"a\nb \n", 2), ("a.c", b"a\n\tb\n", 2),
                                    ("a.c", b"a\n\xff\n", 2), ("x/y.mk", b"all:\n    true\n", 2)):
            self.assertEqual([found.split(":")[1] for found in self.CONFIG.wrong(path, content)], [str(line)], (path, content))

    def test_good(self):
        for path, content in (("a.c", b""), ("a.c", "ä\n  b\n\nc\n".encode()), ("y.mk", b"all:\n\ttrue\n"), ("raw/deep/x", b"\xff \r\n\n"), ("d/x.png", b"\xff")):
            self.assertEqual(self.CONFIG.wrong(path, content), [], (path, content))
        with self.assertRaises(ValueError):
            layout.EditorConfig("[*]\nindent_sytle = tab\n")


if __name__ == "__main__":
    unittest.main()
