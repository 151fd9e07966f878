# Servers, databases and measuring, for bench/run and its parts.

say() { printf '%s\n' "$*"; }
fail() { printf 'bench: %s\n' "$*" >&2; exit 1; }

# --- servers, ended by their ids ---

nats_pids=''
end_all() {
	trap - EXIT INT TERM HUP
	for pid in $nats_pids; do
		kill "$pid" 2>/dev/null
	done
	for file in "$scratch"/pg-*/data/postmaster.pid; do
		[ ! -e "$file" ] || kill -INT "$(head -n 1 "$file")"
	done
	wait
	rm -rf "$scratch"
}

# Waits up to 20 s for a COMMAND to succeed.
wait_for() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || return 1
		sleep 0.1
	done
}

nats_listens() { # FOLDER
	nats_url=$(cat "$1"/nats-server*.ports 2>/dev/null | grep -o 'nats://127.0.0.1:[0-9]*' | head -n 1)
	[ -n "$nats_url" ]
}

# Sets nats_url; the rest goes to the server.
start_nats() { # NAME ARGUMENT...
	nats_dir=$scratch/nats-$1
	shift
	mkdir "$nats_dir"
	"$nats_server" -a 127.0.0.1 -p -1 --ports_file_dir "$nats_dir" -js -sd "$nats_dir/jetstream" "$@" \
		>"$nats_dir/log" 2>&1 &
	nats_pids="$nats_pids $!"
	wait_for nats_listens "$nats_dir" || { cat "$nats_dir/log" >&2; fail "nats-server did not start"; }
}

# Three servers; nats_url is one of them.
start_cluster() {
	one=$("$tool" port) two=$("$tool" port) three=$("$tool" port)
	for port in $one $two $three; do
		start_nats "cluster-$port" -n "n$port" --cluster_name bench --cluster "nats://127.0.0.1:$port" \
			--routes "nats://127.0.0.1:$one,nats://127.0.0.1:$two,nats://127.0.0.1:$three"
	done
	# Until a leader is chosen, streams cannot be made.
	wait_for "$tool" publish --nats "$nats_url" --rows 1 --replicas 3 ||
		fail "the cluster of nats-servers does not make a stream of three replicas"
}

as_postgres() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
	else
		"$@"
	fi
}

# As installed, but for memory and for checkpoints, which would come into the middle of some round. Sets
# pg_dir, which is also where its socket is, and pg_port.
start_postgres() { # NAME ARGUMENT...
	pg_dir=$scratch/pg-$1
	shift
	pg_port=$("$tool" port)
	mkdir "$pg_dir"
	[ "$(id -u)" != 0 ] || chown postgres "$pg_dir"
	(cd / && as_postgres "$pg_bin/initdb" -D "$pg_dir/data" -U postgres -A trust -E UTF8 \
		--locale=C --no-sync) >"$scratch/initdb.log" 2>&1 ||
		{ cat "$scratch/initdb.log" >&2; fail "initdb fails"; }
	as_postgres "$pg_bin/postgres" -D "$pg_dir/data" -k "$pg_dir" -c listen_addresses=127.0.0.1 \
		-c port="$pg_port" -c shared_buffers=512MB -c max_wal_size=8GB -c checkpoint_timeout=1h \
		-c max_connections=200 "$@" >"$scratch/postgres.log" 2>&1 &
	wait_for grep -q 'ready to accept' "$scratch/postgres.log" ||
		{ cat "$scratch/postgres.log" >&2; fail "PostgreSQL did not start"; }
}

psql() { # DATABASE ARGUMENT...
	on=$1
	shift
	as_postgres "$pg_bin/psql" -qX -v ON_ERROR_STOP=1 -h "$pg_dir" -p "$pg_port" -U postgres -d "$on" "$@"
}

# --- databases: a template that is filled once, and a copy of it for every run ---

database() { # KIND NAME
	case $1 in
	sqlite) echo "sqlite:$scratch/$2.db" ;;
	postgres) echo "postgresql:///$2?host=$pg_dir&port=$pg_port&user=postgres" ;;
	esac
}

quietly() { # COMMAND...
	"$@" >"$scratch/quiet.log" 2>&1 || { cat "$scratch/quiet.log" >&2; fail "$1 ended with an error"; }
}

make_database() { # KIND NAME
	[ "$1" != postgres ] || quietly psql postgres -c "CREATE DATABASE $2"
	quietly "$dray" migrate "$(database "$1" "$2")"
}

drop_database() { # KIND NAME
	case $1 in
	sqlite) rm -f "$scratch/$2.db" "$scratch/$2.db-wal" "$scratch/$2.db-shm" ;;
	postgres) quietly psql postgres -c "DROP DATABASE IF EXISTS $2 WITH (FORCE)" ;;
	esac
}

fresh() { # KIND NAME
	quietly "$tool" fresh --from "$(database "$1" "$2")" --database "$(database "$1" work)"
}

# --- measuring ---

# Runs a command of the tool, whose lines MEASURE,VALUE become lines of the raw figures. FLOOR is the figure that this
# one is compared with, or empty. What fails is said, and left out.
failures=0
measure() { # PART ROUND KIND FIGURE FLOOR COMMAND OPTION...
	prefix="$2,$1,$3,$4,$5,"
	label=$4
	command=$6
	shift 6
	[ ! -t 2 ] || printf '\r\033[K%s' "$prefix" >&2
	if timeout "$limit" "$tool" "$command" --nats "$nats" --label "$label" "$@" >"$scratch/line" \
		2>"$scratch/measure.log"; then
		sed "s|^|$prefix|" "$scratch/line" >>"$raw"
	else
		failures=$((failures + 1))
		say "left out, failed: $prefix $(tail -n 3 "$scratch/measure.log")" >&2
		say "$prefix: failed" >>"$scratch/left-out"
	fi
}

relay_of() { # KIND [SETTING...]
	echo "$dray relay $(database "$1" work) --nats $nats --stream BENCH --subjects bench.> -q"
}

first() { # of the databases
	[ "$1" = "${databases%% *}" ]
}
