#!/bin/sh
# includes.sh ROOT: who may include what. The libraries stay behind their wrappers and drivers; the layers
# look down only: cmd -> history -> relay -> db | nats -> base, and sink beside the relay. Tests and benchmarks may include what they like.
set -u
cd "$1" || exit 2
found=$(mktemp) || exit 2
trap 'rm -f "$found"' EXIT

# Prints FILE INCLUDED for every #include in src/.
includes() {
	find src -name '*.[ch]' | sort | xargs awk '
		/^[ \t]*#[ \t]*include/ { gsub(/.*include[ \t]*[<"]|[>"].*/, ""); print FILENAME, $0 }'
}

includes | awk '
	function wrong(why) { print $1 ": includes " $2 ": " why; }
	{ file = $1; included = $2; layer = file; sub(/^src\//, "", layer); sub(/\/?[^\/]*$/, "", layer) }
	included ~ /^sqlite3/ && file !~ /^src\/(db\/sqlite\.[ch]|relay\/outbox_sqlite[a-z_]*\.[ch]|sink\/table_sqlite[a-z_]*\.[ch]|history\/[a-z]*_sqlite\.c)$/ {
		wrong("only db/sqlite.[ch] and the SQLite drivers may") }
	included ~ /^(libpq|postgresql\/|pg_)/ && file !~ /^src\/(db\/postgres(_url)?\.[ch]|relay\/outbox_postgres[a-z_]*\.[ch]|sink\/table_postgres[a-z_]*\.[ch]|history\/[a-z]*_postgres\.c)$/ {
		wrong("only db/postgres[_url].[ch] and the PostgreSQL drivers may") }
	included ~ /^nats(\/nats)?\.h$/ && file !~ /^src\/(nats\/[^\/]*\.c|relay\/publisher\.c|sink\/consumer\.c)$/ {
		wrong("only nats/*.c, relay/publisher.c and sink/consumer.c may") }
	layer ~ /^relay/ && included ~ /^sink\// { wrong("relay/ and sink/ know nothing of each other") }
	layer ~ /^sink/ && included ~ /^relay\// { wrong("relay/ and sink/ know nothing of each other") }
	layer ~ /^(relay|sink)/ && included ~ /^history\// { wrong("history/ stands above the relay") }
	layer ~ /^history/ && included ~ /^sink\// { wrong("history/ and sink/ know nothing of each other") }
	layer ~ /^base/ && included ~ /\// && included !~ /^(base|sys|linux|netinet|arpa)\// {
		wrong("base/ stands at the bottom") }
	layer ~ /^base/ && included ~ /^(event|config|config_[a-z]*|cli|cmd|daemon|statements)\.h$/ {
		wrong("base/ stands at the bottom") }
	layer ~ /^(db|nats)/ && included ~ /^((history|relay|sink|http)\/|(cli|cmd|cmd_[a-z]*|daemon)\.h$)/ {
		wrong("db/ and nats/ stand below relay/, sink/ and the commands") }
	layer ~ /^db/ && included ~ /^nats\// { wrong("db/ and nats/ stand side by side") }
	layer ~ /^nats/ && included ~ /^db\// { wrong("db/ and nats/ stand side by side") }
	layer ~ /^(history|relay|sink)/ && included ~ /^(cli|cmd|cmd_[a-z]*|daemon)\.h$/ {
		wrong("a pipeline does not know who runs it") }
' >"$found"
[ -s "$found" ] || exit 0
cat "$found" >&2
exit 1
