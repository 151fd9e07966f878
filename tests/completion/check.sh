#!/bin/sh
# check.sh ROOT DRAY SHELL: what SHELL makes of each line of `lines` with its file in completion/.
set -u
here=$1/tests/completion
completion=$1/completion
command -v "$3" >/dev/null || { echo "completion: $3 is missing: install it" >&2; exit 1; }
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
mkdir bin
ln -s "${DRAY_BINARY:-$2}" bin/dray
PATH=$scratch/bin:$PATH HOME=$scratch XDG_CONFIG_HOME=$scratch XDG_DATA_HOME=$scratch TERM=dumb LC_ALL=C
export PATH HOME XDG_CONFIG_HOME XDG_DATA_HOME TERM LC_ALL completion
dray init >/dev/null && sed 's/name: shop/name: other/' dray.yaml >'my file.yaml' || exit 1
cp "$here/lines" lines
. "$here/$3.sh"
diff -u "$here/expected.$3" told && exit 0
cat shown 2>/dev/null >&2
exit 1
