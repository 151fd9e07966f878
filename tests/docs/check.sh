#!/bin/sh
# check.sh ROOT DRAY PAGE: the examples of docs/PAGE put out what the page says.
set -u
root=$1
new=$(mktemp) || exit 2
trap 'rm -f "$new"' EXIT
sh "$root/tests/docs/fill.sh" "$root/docs/$3" "${DRAY_BINARY:-$2}" >"$new" || exit 1
diff -u "$root/docs/$3" "$new" && exit 0
echo "docs/$3 is not true any more: run scripts/docs, and look at what changed" >&2
exit 1
