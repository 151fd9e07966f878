# What does not change, or hardly, as things grow: rows that are settled, rows that wait, an old snapshot, pipelines
# in one process, servers in the cluster.

growth_shape="--rows $half --keys $keys --size $size"

# So many settled rows, and then those that are relayed.
behind_settled() { # ROUND KIND NAME COUNT
	drop_database "$2" work
	make_database "$2" work
	[ "$4" = 0 ] || quietly "$tool" fill --database "$(database "$2" work)" --rows "$4" --keys "$keys" \
		--size "$size" --state delivered
	quietly "$tool" fill --database "$(database "$2" work)" $growth_shape
	floor=''
	[ "$4" = 0 ] || floor='relay nothing settled'
	measure growth "$1" "$2" "$3" "$floor" relay $growth_shape \
		--database "$(database "$2" work)" -- $(relay_of "$2")
}

ahead() { # ROUND KIND NAME COUNT
	drop_database "$2" work
	make_database "$2" work
	many="--rows $4 --keys $keys --size $size --database $(database "$2" work)"
	quietly "$tool" fill $many
	measure growth "$1" "$2" "$3" 'relay nothing settled' relay $many --limit $limit -- $(relay_of "$2")
}

# Rows are settled and others come while a snapshot older than all of them is open.
old_snapshot() { # ROUND KIND
	for held in 0 1; do
		drop_database "$2" work
		make_database "$2" work
		quietly "$tool" fill --database "$(database "$2" work)" $growth_shape
		figure='more rows' floor=''
		[ $held = 0 ] || { figure='more rows under an old snapshot' floor='more rows'; }
		measure growth "$1" "$2" "$figure" "$floor" more $growth_shape --snapshot $held \
			--database "$(database "$2" work)" -- $(relay_of "$2")
	done
}

# Rows behind one failing key, and then rows of other keys.
failing_key() { # ROUND KIND COUNT
	drop_database "$2" work
	make_database "$2" work
	quietly "$tool" behind --database "$(database "$2" work)" --rows "$3" --size "$size"
	measure growth "$1" "$2" "more rows beside $3 of a failing key" 'more rows' more $growth_shape --state held \
		--database "$(database "$2" work)" -- $(relay_of "$2") --set retry.max_attempts=0
}

# The same rows in N tables (PostgreSQL) or files (SQLite), one process.
pipelines() { # ROUND KIND N
	config=$scratch/pipelines.yaml
	each=$((half / $3))
	drop_database "$2" work
	[ "$2" != postgres ] || quietly psql postgres -c 'CREATE DATABASE work'
	printf 'nats: { url: "%s" }\nrelays:\n' "$nats" >"$config"
	for i in $(seq "$3"); do
		case $2 in
		sqlite) url=$(database sqlite "pipe$i") rest='' ;;
		postgres) url=$(database postgres work) rest=", table: dray.outbox$i" ;;
		esac
		echo "  - { name: p$i, database: \"$url\", stream: BENCH$rest }" >>"$config"
	done
	quietly "$dray" migrate -c "$config"
	for i in $(seq "$3"); do
		some="--rows $each --keys $keys --size $size"
		if [ "$2" = sqlite ]; then
			quietly "$tool" fill --database "$(database sqlite "pipe$i")" $some
		else
			sed "s/dray.outbox/dray.outbox$i/" "$here/peers/dray/insert.sql" >"$scratch/insert.sql"
			quietly "$tool" fill --database "$(database postgres work)" $some --insert "$scratch/insert.sql"
		fi
	done
	floor='1 pipelines'
	[ "$3" != 1 ] || floor=''
	measure growth "$1" "$2" "$3 pipelines" "$floor" through --rows $((each * $3)) --keys "$keys" --size "$size" \
		--mode count --limit 60 -- "$dray" run -c "$config" -q
	for i in $(seq "$3"); do
		drop_database sqlite "pipe$i"
	done
}

# Three servers with three replicas.
cluster() { # ROUND KIND
	alone=$nats alone_pids=$nats_pids
	start_cluster
	nats=$nats_url
	! first "$2" || measure growth "$1" any 'publish-floor three replicas' '' publish $growth_shape --replicas 3
	drop_database "$2" work
	make_database "$2" work
	quietly "$tool" fill --database "$(database "$2" work)" $growth_shape
	measure growth "$1" "$2" 'relay three replicas' 'publish-floor three replicas' relay $growth_shape --replicas 3 \
		--database "$(database "$2" work)" -- $(relay_of "$2")
	kill ${nats_pids#"$alone_pids"}
	nats=$alone nats_pids=$alone_pids
}

growth_long() { # ROUND KIND
	behind_settled "$1" "$2" 'relay nothing settled' 0
	for count in $counts_behind; do
		behind_settled "$1" "$2" "relay behind $count settled" "$count"
		ahead "$1" "$2" "relay $count waiting" "$count"
	done
	old_snapshot "$1" "$2"
	failing_key "$1" "$2" "$((half * 5))"
	for count in 1 10 50; do
		pipelines "$1" "$2" "$count"
	done
	cluster "$1" "$2"
}
