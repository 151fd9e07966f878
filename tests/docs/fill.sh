#!/bin/sh
# fill.sh PAGE DRAY: runs the examples of a Markdown page in order, in one scratch folder, and prints the page
# with what they really put out. Needs sh, awk, sed, and what the examples call.
#
# In a ```console block a line "$ COMMAND" is run (its further lines begin with "> "); everything else is what
# it put out, and is written anew. Comments in the page direct the rest:
#
#   <!-- run COMMAND -->     runs a command that the page does not show
#   <!-- feed COMMAND -->    the block that follows is the command's standard input
#   <!-- while COMMAND -->   the command of the block that follows runs on; COMMAND meanwhile, then Ctrl-C
#
# Commands are run by this shell, with the functions below. What differs from run to run (times, ids, ports,
# process numbers, durations) is replaced by fixed values.
set -u
page=$1
program=$2
here=$(cd "$(dirname "$0")" && pwd)
case $page in /*) ;; *) page=$PWD/$page ;; esac
case $program in /*) ;; *) program=$PWD/$program ;; esac
patience=${DRAY_PATIENCE:-1}
server_pid='' daemon_pid='' shown_pid='' cluster=''

scratch=$(mktemp -d /tmp/dray-docs.XXXXXX) || exit 2
chmod 755 "$scratch" # PostgreSQL's user works in it too
mkdir "$scratch/bin" "$scratch/work" "$scratch/log"

end_all() {
	for pid in $daemon_pid $shown_pid; do kill -9 "$pid" 2>/dev/null; done
	stop_nats
	stop_postgres
	cd / && rm -rf "$scratch"
}
trap end_all EXIT
trap 'exit 130' INT TERM HUP

exec 3>&2 # commands run with their output elsewhere
give_up() {
	{
		echo "fill: $*"
		for log in "$scratch/out" "$scratch"/log/*; do
			[ ! -s "$log" ] || { echo "--- ${log##*/}" && tail -n 20 "$log"; }
		done
	} >&3
	exit 1
}

# Waits until COMMAND succeeds.
until_true() {
	tries=$((200 * patience))
	until eval "$1" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || give_up "this did not come true: $1"
		sleep 0.1
	done
}

# --- servers ---

start_nats() { # further ARGUMENTS of nats-server
	server=${DRAY_NATS_SERVER:-$(command -v nats-server || echo /usr/sbin/nats-server)}
	rm -f "$scratch"/log/*.ports
	"$server" -a 127.0.0.1 -p "${nats_port:--1}" --ports_file_dir "$scratch/log" -js -sd "$scratch/jetstream" \
		"$@" >>"$scratch/log/nats" 2>&1 </dev/null 3>&- &
	server_pid=$!
	until_true 'grep -q 127.0.0.1 "$scratch"/log/*.ports'
	nats_port=$(sed -n 's/.*nats:\/\/127\.0\.0\.1:\([0-9]*\).*/\1/p' "$scratch"/log/*.ports | head -n 1)
	export NATS_URL=nats://127.0.0.1:"$nats_port"
}

stop_nats() {
	[ -n "$server_pid" ] || return 0
	kill "$server_pid" 2>/dev/null && wait "$server_pid" 2>/dev/null
	server_pid=''
}

postgres_bin() {
	[ -z "${DRAY_POSTGRES_BIN:-}" ] || { echo "$DRAY_POSTGRES_BIN" && return; }
	newest=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t / -k 5 -n | tail -n 1)
	echo "${newest:-$(pg_config --bindir)}"
}

# initdb and postgres refuse to run as root.
as_postgres() {
	if [ "$(id -u)" = 0 ]; then setpriv --reuid postgres --regid postgres --clear-groups "$@"; else "$@"; fi
}

# A cluster that listens on a socket only, with the role dray and the database shop.
start_postgres() {
	cluster=$scratch/postgres
	bin=$(postgres_bin)
	mkdir "$cluster" && chmod 777 "$cluster"
	(cd / && as_postgres "$bin/initdb" -D "$cluster/data" -U postgres -A trust -E UTF8 --locale=C --no-sync) \
		>"$scratch/log/initdb" 2>&1 || give_up "initdb fails"
	(cd / && as_postgres "$bin/pg_ctl" -D "$cluster/data" -l "$cluster/log" -w -t 60 \
		-o "-c listen_addresses='' -k $cluster -c fsync=off -c shared_buffers=32MB" start) \
		>"$scratch/log/postgres" 2>&1 </dev/null 3>&- || give_up "PostgreSQL does not start"
	export PGHOST="$cluster" PGUSER=postgres
	psql -q -d postgres -c 'CREATE ROLE dray LOGIN' -c 'CREATE DATABASE shop OWNER dray'
}

stop_postgres() {
	[ -n "$cluster" ] || return 0
	(cd / && as_postgres "$bin/pg_ctl" -D "$cluster/data" -m immediate stop) >/dev/null 2>&1
	cluster=''
}

# --- running ---

say() { printf '%s\n' "$1" >>"$scratch/page"; }

say_output() { awk 1 "$scratch/out" >>"$scratch/page"; } # with a line feed at the end

last=0
shown() {
	printf '%s\n' "$1" | sed -e '1s/^/$ /' -e '2,$s/^/> /' >>"$scratch/page"
	eval "(exit $last)
$1" >"$scratch/out" 2>&1 </dev/null
	last=$?
	say_output
}

hidden() {
	eval "$1" >"$scratch/out" 2>&1 </dev/null || give_up "this fails: $1"
}

fed() {
	eval "$1" >"$scratch/out" 2>&1 <"$scratch/in" || give_up "this fails: $1"
}

# The log of the command that runs on has TEXT.
says() { until_true "grep -qF -- '$1' '$scratch/out'"; }

ended_by_hand() { # COMMAND MEANWHILE
	printf '$ %s\n' "$1" >>"$scratch/page"
	: >"$scratch/out"
	eval "exec_dray ${1#dray} &" >"$scratch/out" 2>&1 </dev/null 3>&-
	shown_pid=$!
	eval "$2" >"$scratch/log/meanwhile" 2>&1 </dev/null || give_up "this fails: $2"
	kill -INT "$shown_pid"
	wait "$shown_pid"
	last=$?
	shown_pid=''
	sed -e '/SIGINT: finishing/i\
^C' "$scratch/out" >"$scratch/out2" && mv "$scratch/out2" "$scratch/out"
	say_output
}

# A daemon beside the commands; start_dray returns when its pipelines run.
start_dray() { # ARGUMENTS
	exec_dray "$@" >"$scratch/log/dray" 2>&1 </dev/null 3>&- &
	daemon_pid=$!
	until_true 'dray status --json | grep -v "\"state\":\"[^r]"'
}

stop_dray() {
	kill -TERM "$daemon_pid"
	wait "$daemon_pid"
	daemon_pid=''
}

# The program itself in the place of a shell of its own, so that the signal reaches it.
exec_dray() { exec "$program" "$@"; }

printf '#!/bin/sh\nexec timeout 60 "%s" "$@"\n' "$program" >"$scratch/bin/dray"
chmod 755 "$scratch/bin/dray"
PATH=$scratch/bin:$PATH
cd "$scratch/work" || exit 2
unset NATS_URL
export LC_ALL=C TZ=UTC SQLITE_HISTORY=/dev/null PSQLRC=/dev/null
: >"$scratch/page"
awk -f "$here/story.awk" "$page" >"$scratch/story" || exit 1
. "$scratch/story"
sed -e "s/127\.0\.0\.1:${nats_port:-4222}/127.0.0.1:4222/g" -e "s|$(uname -n)/[0-9]*/|db1/4711/|g" "$scratch/page" |
	awk -f "$here/settle.awk"
