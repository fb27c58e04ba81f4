# SPDX-License-Identifier: GPL-3.0-or-later
"""`--version` names the commit: in a clone, in a folder that an archive was unpacked to, and nothing where it can't be known."""
import os
import shutil
import subprocess
import tempfile
import unittest

SOURCE = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
FILES = (".gitattributes", "daemon/version/commit", "daemon/version/commit.sh")


@unittest.skipUnless(shutil.which("git"), "no git")
class Commit(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.clone = folder.name, os.path.join(folder.name, "clone")
        for file in FILES:
            os.makedirs(os.path.dirname(os.path.join(self.clone, file)), exist_ok=True)
            shutil.copy(os.path.join(SOURCE, file), os.path.join(self.clone, file))
        with open(os.path.join(self.clone, "daemon/version/commit"), "w") as file:
            file.write("$Format:%H$\n")  # as git keeps it: in an archive it has been filled in

    def git(self, *words, folder=None):
        env = {"PATH": os.environ["PATH"], "HOME": self.folder, "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main", *words],
                              cwd=folder or self.clone, env=env, capture_output=True, text=True, timeout=60, check=True).stdout.strip()

    def commit(self):
        self.git("init")
        self.git("add", "-A")
        self.git("commit", "-m", "first")
        return self.git("rev-parse", "HEAD")[:7]

    def header(self, source, **env):
        """What commit.sh writes, and whether it wrote at all."""
        path = os.path.join(self.folder, "header.h")
        before = os.stat(path).st_mtime_ns if os.path.exists(path) else 0
        subprocess.run([os.path.join(source, "daemon/version/commit.sh"), source, path], env=os.environ | env, timeout=60, check=True)
        with open(path) as file:
            return file.read(), os.stat(path).st_mtime_ns != before

    def test_clone(self):
        commit = self.commit()
        self.assertEqual(self.header(self.clone), (f'#define EW_COMMIT " ({commit})"\n', True))
        self.assertEqual(self.header(self.clone)[1], False, "written again: all programs would be linked again in each build")
        with open(os.path.join(self.clone, "new"), "w"):
            pass  # a packager's debian/, for one
        self.assertEqual(self.header(self.clone)[0], f'#define EW_COMMIT " ({commit})"\n')
        with open(os.path.join(self.clone, "daemon/version/commit.sh"), "a") as file:
            file.write("# changed\n")
        self.assertEqual(self.header(self.clone)[0], f'#define EW_COMMIT " ({commit}+)"\n')

    def test_shallow(self):
        """The same digits, however little of the history a clone has."""
        self.commit()
        self.git("commit", "--allow-empty", "-m", "second")
        shallow = os.path.join(self.folder, "shallow")
        self.git("clone", "--depth", "1", "file://" + self.clone, shallow)
        self.assertEqual(self.header(shallow)[0], self.header(self.clone)[0])

    def test_archive(self):
        """It names its commit wherever it lies: in another repository, say, which packages it."""
        commit = self.commit()
        unpacked = os.path.join(self.folder, "other", "edgeway")
        os.makedirs(unpacked)
        self.git("archive", "--output", os.path.join(self.folder, "archive.tar"), "HEAD")
        subprocess.run(["tar", "-C", unpacked, "-xf", os.path.join(self.folder, "archive.tar")], timeout=60, check=True)
        self.assertEqual(self.header(unpacked)[0], f'#define EW_COMMIT " ({commit})"\n')
        self.git("init", folder=unpacked)
        self.git("add", "-A", folder=unpacked)
        self.git("commit", "-m", "packaged", folder=unpacked)
        self.assertEqual(self.header(unpacked)[0], f'#define EW_COMMIT " ({commit})"\n')

    def test_unknown(self):
        """A copy of the files, also one inside another repository, where a hook of that one may have said which that is."""
        self.assertEqual(self.header(self.clone)[0], '#define EW_COMMIT ""\n')
        self.git("init", folder=self.folder)
        self.git("add", "-A", folder=self.folder)
        self.git("commit", "-m", "other", folder=self.folder)
        self.assertEqual(self.header(self.clone, GIT_DIR=os.path.join(self.folder, ".git"))[0], '#define EW_COMMIT ""\n')


if __name__ == "__main__":
    unittest.main()
