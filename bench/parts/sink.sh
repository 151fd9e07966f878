# The sink in each mode, on a stream that is published before the first sink of a round.

sink_shape="--rows $half --keys $keys --size $size"
modes=archive

# A sink's config, in the file that is printed.
sink_config() { # KIND MODE
	file=$scratch/sink-$1-$2.yaml
	case $2 in
	archive) rest='' ;;
	insert) rest='table: bench_insert, columns: { seq: "@seq", key: "@key"' ;;
	upsert) rest='table: bench_upsert, key: [key], columns: { key: "@key", seq: "@seq"' ;;
	esac
	[ -z "$rest" ] || rest=", $rest, subject: '@subject', n: '\$.n', p: '\$.p', at: '@time' }"
	cat >"$file" <<-END
		nats: { url: "$nats" }
		sinks: [ { name: bench, database: "$(database "$1" work)", stream: BENCH, mode: $2$rest } ]
	END
	echo "$file"
}

# Which modes the program has: the others it refuses as a config it cannot use.
sink_modes() { # KIND
	fresh "$1" empty
	quietly "$tool" publish --nats "$nats" --rows 1
	for mode in insert upsert; do
		"$dray" check -c "$(sink_config "$1" $mode)" >"$scratch/check.log" 2>&1
		if [ $? -ne 2 ]; then
			modes="$modes $mode"
		else
			say "left out: dray refuses mode $mode: $(grep -m 1 "$mode" "$scratch/check.log")" |
				tee -a "$scratch/left-out" >&2
		fi
	done
}

sink_before() { # KIND
	make_database "$1" empty
	quietly "$tool" tables --database "$(database "$1" empty)"
	! first "$1" || sink_modes "$1"
}

sink_round() { # ROUND KIND
	work="--database $(database "$2" work)"
	if first "$2"; then
		measure sink "$1" any fill '' publish $sink_shape
		measure sink "$1" any consume-floor '' consume $sink_shape
	fi
	for mode in $modes; do
		[ $mode != archive ] || fresh "$2" empty
		[ $mode != archive ] || measure sink "$1" "$2" "ingest-floor $mode" '' ingest $sink_shape $work --mode $mode
		fresh "$2" empty
		measure sink "$1" "$2" "sink-joint-floor $mode" '' sink-joint $sink_shape $work --mode $mode
		fresh "$2" empty
		measure sink "$1" "$2" "sink $mode" "sink-joint-floor $mode" sink $sink_shape $work --mode $mode \
			-- "$dray" run -c "$(sink_config "$2" $mode)" -q
	done
}
