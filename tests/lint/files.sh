#!/bin/sh
# files.sh ROOT: no trailing white space, a line feed at every end, and every
# statement in both folders of sql/ unless sql-one-sided.txt lists it.
set -u
cd "$1" || exit 2
here=$1/tests/lint
bad=0

complain() {
	echo "$1" >&2
	bad=1
}

texts() {
	find . \( -path ./.git -o -path './build*' -o -path ./bench/results \) -prune -o -type f \
		\( -name '*.[ch]' -o -name '*.sql' -o -name '*.sh' -o -name '*.md' -o -name '*.cmake' -o \
		-name '*.txt' -o -name '*.yaml' -o -name '*.yml' -o -name '*.patch' -o -path './scripts/*' -o \
		-path './.ci/*' \) -print | sort
}

for file in $(texts); do
	case $file in
	*.patch) ;; # an empty line of context is a space there
	*) lines=$(grep -nE '[ 	]+$' "$file" | cut -d: -f1 | tr '\n' ' ')
		[ -z "$lines" ] || complain "$file: white space at the end of line $lines" ;;
	esac
	[ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || complain "$file: no line feed at its end"
done

one_sided() {
	[ ! -f "$here/sql-one-sided.txt" ] || sed 's/[ \t]*#.*//; /^$/d' "$here/sql-one-sided.txt"
}

for pair in sqlite:postgres postgres:sqlite; do
	for file in sql/"${pair%:*}"/*.sql; do
		[ -e "$file" ] || continue
		name=${file##*/}
		if one_sided | grep -qx "${pair%:*}/$name"; then
			[ ! -e "sql/${pair#*:}/$name" ] || complain "sql-one-sided.txt: $name is in both folders"
		elif [ ! -e "sql/${pair#*:}/$name" ]; then
			complain "$file: sql/${pair#*:} has no $name, and sql-one-sided.txt does not list it"
		fi
	done
done

for name in $(one_sided); do
	[ -e "sql/$name" ] || complain "sql-one-sided.txt: there is no sql/$name"
done
exit $bad
