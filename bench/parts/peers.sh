# What else relays rows of PostgreSQL into JetStream, and Dray among them: bench/peers/README.md. All on one server of
# their own, which has the write-ahead log that Debezium reads; over TCP.

peers_build=${DRAY_PEERS:-$root/build/peers}
peers_have=''

peers_server() {
	start_postgres peers -c wal_level=logical
	for peer in $(printf '%s\n' $peers | cut -d : -f 1 | uniq); do
		mkdir -p "$peers_build/$peer"
		if [ ! -x "$here/peers/$peer/setup" ] || PEERS=$peers_build "$here/peers/$peer/setup" \
			>"$peers_build/$peer/setup.log" 2>&1 </dev/null; then
			peers_have="$peers_have $peer"
		else
			say "left out: $peer cannot be built here: $(tail -n 1 "$peers_build/$peer/setup.log")" |
				tee -a "$scratch/left-out" >&2
		fi
	done
}

peer_file() { # PEER NAME: its own, else the common one
	if [ -e "$here/peers/$1/$2" ]; then echo "$here/peers/$1/$2"; else echo "$here/peers/$2"; fi
}

# The peer's environment, and a database with its table and no rows.
peer_anew() { # PEER
	export PGHOST=127.0.0.1 PGPORT="$pg_port" PGUSER=postgres PGDATABASE=peer NATS_URL="$nats" DRAY="$dray"
	export PEERS="$peers_build" WORK="$scratch/peer" HTTP_PORT
	HTTP_PORT=$("$tool" port)
	rm -rf "$WORK"
	mkdir "$WORK"
	drop_database postgres peer
	quietly psql postgres -c 'CREATE DATABASE peer'
	if [ -x "$here/peers/$1/table" ]; then
		quietly "$here/peers/$1/table"
	else
		quietly psql peer -f "$(peer_file "$1" table.sql)"
	fi
}

peer_round() { # ROUND PEER VARIANT
	what="$2${3:+ $3}"
	of="--database $(database postgres peer) --keys $keys --size $size --insert $(peer_file "$2" insert.sql)"
	peer_anew "$2"
	quietly "$tool" fill $of --rows "$half"
	[ "$2" = dray ] && than='' || than=dray
	measure peers "$1" postgres "$what" "$than" through --rows "$half" --keys "$keys" --limit 180 -- \
		"$here/peers/$2/run" "$3"
	peer_anew "$2"
	measure peers "$1" postgres "$what 100/s" '' latency $of --rows "$peer_events" --rate 100 --limit 60 -- \
		"$here/peers/$2/run" "$3"
	unset PGHOST PGPORT PGUSER PGDATABASE
}

# The other way: the same stream into a table of PostgreSQL.
sinks() { # ROUND
	case " $peers_have " in *" dray "*) ;; *) return ;; esac
	case " $peers_have " in *" node "*) ;; *) return ;; esac
	count='SELECT count(*) FROM'
	quietly "$tool" publish --nats "$nats" --rows "$half" --keys "$keys" --size "$size"
	into="--rows $half --limit 180 --database $(database postgres peer)"
	peer_anew dray
	measure peers "$1" postgres 'sink dray' '' into $into --question "$count dray.events" -- \
		"$dray" sink "postgresql://$PGUSER@$PGHOST:$PGPORT/$PGDATABASE" --nats "$nats" --stream BENCH -q
	peer_anew node
	quietly psql peer -f "$here/peers/node/sink.sql"
	measure peers "$1" postgres 'sink node' 'sink dray' into $into --question "$count events" -- \
		"$here/peers/node/run" sink
	unset PGHOST PGPORT PGUSER PGDATABASE
}

peers_long() { # ROUND
	main_dir=$pg_dir main_port=$pg_port
	if [ -z "${peers_dir:-}" ]; then
		peers_server
		peers_dir=$pg_dir peers_port=$pg_port
	fi
	pg_dir=$peers_dir pg_port=$peers_port
	for each in $peers; do
		case " $peers_have " in
		*" ${each%%:*} "*)
			case $each in
			*:*) peer_round "$1" "${each%%:*}" "${each#*:}" ;;
			*) peer_round "$1" "$each" '' ;;
			esac
			;;
		esac
	done
	sinks "$1"
	pg_dir=$main_dir pg_port=$main_port
}
