#!/bin/sh
# selftest.sh ROOT: the other checks here find what they look for.
set -u
lint=$1/tests/lint
tree=$(mktemp -d) || exit 2
trap 'rm -rf "$tree"' EXIT
bad=0

fresh() {
	rm -rf "${tree:?}"/*
	mkdir -p "$tree/src/base" "$tree/src/db" "$tree/src/nats" "$tree/src/relay" "$tree/src/sink" \
		"$tree/sql/sqlite" "$tree/sql/postgres" "$tree/tests/lint"
	cp "$1/.clang-format" "$tree/"
}

expect() { # green|red SCRIPT WHAT
	if sh "$lint/$2.sh" "$tree" >/dev/null 2>&1; then seen=green; else seen=red; fi
	[ "$seen" = "$1" ] || { echo "selftest: $2 is $seen for $3" >&2; bad=1; }
}

breach() { # FILE INCLUDE
	fresh "$root"
	printf '#include %s\n' "$2" >"$tree/$1"
	expect red includes "$1 with $2"
}

allowed() {
	fresh "$root"
	printf '#include %s\n' "$2" >"$tree/$1"
	expect green includes "$1 with $2"
}

root=$1
breach src/cmd_version.c '<sqlite3.h>'
breach src/relay/relay.c '<libpq-fe.h>'
breach src/sink/sink.c '<nats/nats.h>'
breach src/nats/link.h '<nats/nats.h>'
breach src/relay/order.c '"sink/sink.h"'
breach src/sink/sink.c '"relay/relay.h"'
breach src/base/log.c '"config.h"'
breach src/base/log.c '"db/db.h"'
breach src/db/db.c '"relay/relay.h"'
breach src/nats/link.c '"cmd.h"'
allowed src/db/sqlite.c '<sqlite3.h>'
allowed src/relay/outbox_sqlite.c '<sqlite3.h>'
allowed src/db/postgres.h '<libpq-fe.h>'
allowed src/relay/publisher.c '<nats/nats.h>'
allowed src/base/log.c '"base/clock.h"'
allowed src/base/log.c '<sys/stat.h>'

fresh "$root"
printf 'int a;\n' >"$tree/src/a.c"
expect green format 'a well laid out file'
printf 'int   a ;\n' >"$tree/src/a.c"
expect red format 'a badly laid out file'

fresh "$root"
printf 'SELECT 1\n' | tee "$tree/sql/sqlite/a.sql" >"$tree/sql/postgres/a.sql"
expect green files 'a statement on both sides'
rm "$tree/sql/postgres/a.sql"
expect red files 'a statement on one side'
echo 'sqlite/a.sql' >"$tree/tests/lint/sql-one-sided.txt"
expect green files 'a listed statement on one side'
printf 'SELECT 1 \n' >"$tree/sql/sqlite/a.sql"
expect red files 'white space at the end of a line'
exit $bad
