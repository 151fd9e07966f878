#!/bin/sh
# format.sh ROOT: every C file is as .clang-format has it. Version 19, since others lay out differently.
set -eu
cd "$1"
command -v clang-format-19 >/dev/null || {
	echo "format: clang-format-19 is missing: install it" >&2
	exit 1
}
find src tests bench -name '*.[ch]' 2>/dev/null | sort | xargs clang-format-19 --dry-run -Werror
