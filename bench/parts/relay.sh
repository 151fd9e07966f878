# The relay on the rows that its floors had, and the grid around it.

shape="--rows $rows --keys $keys --size $size"
joint="joint-floor ${size}B"

relay_before() { # KIND
	make_database "$1" filled
	quietly "$tool" fill $shape --database "$(database "$1" filled)"
}

relay_round() { # ROUND KIND
	work="--database $(database "$2" work)"
	! first "$2" || measure relay "$1" any "publish-floor ${size}B" '' publish $shape
	fresh "$2" filled
	measure relay "$1" "$2" "table-floor ${size}B" '' table $shape $work
	fresh "$2" filled
	measure relay "$1" "$2" "$joint" '' joint $shape $work
	fresh "$2" filled
	measure relay "$1" "$2" relay "$joint" relay $shape $work -- $(relay_of "$2")
}

# --- the grid: ORDERING:KEYS:MARK_OR_DELETE:BYTES ---

grid_core='none:1000:mark:256 stream:1000:mark:256 key:10:mark:256 key:100000:mark:256
	key:1000:delete:256 key:1000:mark:1024 key:1000:mark:16384'

grid_full() {
	for bytes in 256 1024 16384; do
		for settle in mark delete; do
			for order in none:1000 key:10 key:1000 key:100000 stream:1000; do
				echo "$order:$settle:$bytes"
			done
		done
	done
}

grid_cells() {
	if [ "$grid" = full ]; then grid_full; else echo $grid_core; fi
}

# Large rows are fewer.
grid_rows() { # BYTES
	if [ "$1" -gt 4096 ]; then echo $((half / 10)); else echo "$half"; fi
}

grid_shape() { # KEYS BYTES
	echo "--rows $(grid_rows "$2") --keys $1 --size $2"
}

grid_fill() { # KIND KEYS BYTES
	case " $filled " in *" $1-$2-$3 "*) return ;; esac
	filled="$filled $1-$2-$3"
	make_database "$1" "grid_$2_$3"
	quietly "$tool" fill $(grid_shape "$2" "$3") --database "$(database "$1" "grid_$2_$3")"
}

filled=''
grid_before() { # KIND
	for cell in $(grid_cells); do
		IFS=: read -r order many settle bytes <<-END
			$cell
		END
		grid_fill "$1" "$many" "$bytes"
	done
	grid_fill "$1" 1000 256
}

grid_floors() { # ROUND KIND
	for bytes in $(grid_cells | tr ' ' '\n' | cut -d : -f 4 | sort -nu); do
		[ "joint-floor ${bytes}B" != "$joint" ] || case " $parts " in *" relay "*) continue ;; esac
		fresh "$2" "grid_1000_$bytes"
		measure grid "$1" "$2" "joint-floor ${bytes}B" '' joint $(grid_shape 1000 "$bytes") \
			--database "$(database "$2" work)"
	done
}

grid_cell() { # ROUND KIND ORDERING KEYS SETTLE BYTES
	floor="joint-floor ${6}B"
	[ "$3" != stream ] || floor="none/$4 $5 ${6}B"
	fresh "$2" "grid_$4_$6"
	measure grid "$1" "$2" "$3/$4 $5 ${6}B" "$floor" relay $(grid_shape "$4" "$6") \
		--database "$(database "$2" work)" -- $(relay_of "$2") --set ordering="$3" --set on_delivered="$5"
}

# One key alone goes one round trip an event, and so does its floor.
hot_key() { # ROUND KIND
	few="--rows $((half / 5)) --keys 1 --size 256"
	! first "$2" || measure grid "$1" any 'publish-floor one by one' '' publish $few --window 1
	drop_database "$2" work
	make_database "$2" work
	quietly "$tool" fill $few --database "$(database "$2" work)"
	measure grid "$1" "$2" 'key/1 mark 256B' 'publish-floor one by one' relay $few \
		--database "$(database "$2" work)" -- $(relay_of "$2")
}

grid_round() { # ROUND KIND
	grid_floors "$1" "$2"
	for cell in $(grid_cells); do
		IFS=: read -r order many settle bytes <<-END
			$cell
		END
		grid_cell "$1" "$2" "$order" "$many" "$settle" "$bytes"
	done
	hot_key "$1" "$2"
}
