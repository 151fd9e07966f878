# Transactions a second of 16 writers: without Dray's trigger and indexes, with them, and with a relay at work.

writers_before() { make_database "$1" calm; }

writers_round() { # ROUND KIND
	load="--writers 16 --seconds $writing --database $(database "$2" work)"
	fresh "$2" calm
	measure writers "$1" "$2" '16 writers plain table' '' writers $load --mode plain
	fresh "$2" calm
	measure writers "$1" "$2" '16 writers outbox' '16 writers plain table' writers $load --mode dray
	fresh "$2" calm
	measure writers "$1" "$2" '16 writers outbox and relay' '16 writers plain table' writers $load --mode dray \
		-- $(relay_of "$2")
}
