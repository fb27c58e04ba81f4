#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Writes the header that names the commit, and leaves it alone where it says that already, so that nothing is built again.
# Usage: commit.sh SOURCE HEADER
set -eu
source=$1 header=$2
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE  # a hook's, perhaps of another repository
# `git archive`, which `meson dist` uses, has written the commit into the file (.gitattributes).
commit=$(grep -x '[0-9a-f]\{40,64\}' "$source/daemon/version/commit" || true)
changed=
if [ -z "$commit" ] && [ -e "$source/.git" ] && commit=$(git -C "$source" rev-parse --verify HEAD 2>/dev/null); then
  # Without taking the lock that the user's own git may need at that moment.
  [ -z "$(git --no-optional-locks -C "$source" status --porcelain --untracked-files=no 2>/dev/null)" ] || changed=+
fi
# Seven digits, cut here: how many git itself would show depends on how much of the history a clone has.
text=
[ -z "$commit" ] || text=" ($(printf %.7s "$commit")$changed)"
line="#define EW_COMMIT \"$text\""
[ "$(cat "$header" 2>/dev/null)" = "$line" ] || printf '%s\n' "$line" >"$header"
