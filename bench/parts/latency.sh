# From commit to stored, and from stored to stored in SQL, each beside its floor; what idling costs.

latency_before() { make_database "$1" quiet; }

sink_line() { echo "$dray sink $(database "$1" work) --nats $nats --stream BENCH -q"; }

latency_pair() { # ROUND KIND FIGURE COMMAND OPTIONS, and the words of a dray
	round=$1 kind=$2 figure=$3 command=$4 options=$5
	shift 5
	fresh "$kind" quiet
	measure latency "$round" "$kind" "$figure floor" '' "$command" $options --database "$(database "$kind" work)"
	fresh "$kind" quiet
	measure latency "$round" "$kind" "$figure" "$figure floor" "$command" $options \
		--database "$(database "$kind" work)" -- "$@"
}

# The events are enough for the last percentile that is told.
latency_long() { # ROUND KIND
	latency_pair "$1" "$2" 'commit to stored 100/s' latency "--rows $slow_events --rate 100" $(relay_of "$2")
	latency_pair "$1" "$2" 'commit to stored 5000/s' latency "--rows $fast_events --rate 5000" $(relay_of "$2")
	latency_pair "$1" "$2" 'commit to stored one key 1000/s' latency \
		"--rows $slow_events --rate 1000 --keys 1" $(relay_of "$2")
	latency_pair "$1" "$2" 'stored to SQL 100/s' sink-latency "--rows $slow_events --rate 100" $(sink_line "$2")
	latency_pair "$1" "$2" 'stored to SQL 5000/s' sink-latency "--rows $fast_events --rate 5000" $(sink_line "$2")
}

# A relay and a sink on one database.
idle_long() { # ROUND KIND
	config=$scratch/idle-$2.yaml
	counts=$scratch/idle-$2.counts
	drop_database "$2" idle
	make_database "$2" idle
	url=$(database "$2" idle)
	cat >"$config" <<-END
		nats: { url: "$nats" }
		streams: [ { name: BENCH, subjects: ["bench.>"] } ]
		relays: [ { name: out, database: "$url", stream: BENCH } ]
		sinks: [ { name: archive, database: "$url", stream: BENCH } ]
	END
	quietly "$dray" migrate -c "$config"
	measure idle "$1" "$2" idle '' idle --seconds "$idle" --database "$url" --counts "$counts" -- \
		env LD_PRELOAD="$build/bench/count_sqlite.so" COUNT_SQLITE="$counts" "$dray" run -c "$config" -q
}
