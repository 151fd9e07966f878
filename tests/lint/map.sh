#!/bin/sh
# map.sh ROOT: src/README.md has a line for every file of src/, and no other.
set -u
export LC_ALL=C
cd "$1" || exit 2
told=$(mktemp) && there=$(mktemp) || exit 2
trap 'rm -f "$told" "$there"' EXIT

# The lines between the fences begin with a file's path; [ch] stands for two of them.
awk '
	/^```/ { inside = !inside; next }
	NF < 2 { next } # nothing is said of it
	inside && sub(/\.\[ch\]$/, "", $1) { print $1 ".c"; print $1 ".h"; next }
	inside { print $1 }' src/README.md | sort >"$told"
(cd src && find . -name '*.[ch]' | sed 's|^\./||' | sort) >"$there"
[ -s "$there" ] || { echo "map: there is nothing in src/" >&2; exit 1; }
diff "$told" "$there" >/dev/null && exit 0
comm -13 "$told" "$there" | sed 's|.*|src/README.md: src/& is missing|' >&2
comm -23 "$told" "$there" | sed 's|.*|src/README.md: there is no src/&, or it is there twice|' >&2
exit 1
