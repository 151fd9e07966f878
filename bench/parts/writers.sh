# Transactions a second of 16 writers: without Dray's trigger and indexes, with them, and with a relay at work.

writers_before() { make_database "$1" calm; }

# Where the application lets SQLite commit without waiting for the disk.
writers_lazy() { # ROUND LOAD
	fresh sqlite calm
	measure writers "$1" sqlite '16 writers NORMAL plain' '' writers $2 --lazy 1 --mode plain
	fresh sqlite calm
	measure writers "$1" sqlite '16 writers NORMAL outbox' '16 writers NORMAL plain' writers $2 --lazy 1 --mode dray
}

writers_round() { # ROUND KIND
	load="--writers 16 --seconds $writing --database $(database "$2" work)"
	fresh "$2" calm
	measure writers "$1" "$2" '16 writers plain table' '' writers $load --mode plain
	fresh "$2" calm
	measure writers "$1" "$2" '16 writers outbox' '16 writers plain table' writers $load --mode dray
	fresh "$2" calm
	measure writers "$1" "$2" '16 writers outbox and relay' '16 writers plain table' writers $load --mode dray \
		-- $(relay_of "$2")
	[ "$2" != sqlite ] || writers_lazy "$1" "$load"
}
