# Replaces what differs from run to run, inside ```console blocks, by fixed values.
BEGIN {
	hex = "[0-9a-f]"
	four = hex hex hex hex
	uuid = four four "-" four "-" four "-" four "-" four four four
	day = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
	clock = "[0-9][0-9]:[0-9][0-9]:[0-9][0-9][.][0-9][0-9][0-9]"
	split("3.4.1 3.40.1 15.20 2.14 0.2.5", versions, " ")
	split("nats.c SQLite libpq jansson libyaml", libraries, " ")
}

# The n-th id that the page shows is always the same one.
function settle_ids(line,  done, id) {
	while (match(line, uuid)) {
		id = substr(line, RSTART, RLENGTH)
		if (!(id in ids))
			ids[id] = sprintf("6f1ce9a2-58d4-4b07-9c3e-70d2a84b5e%02x", ++count)
		done = done substr(line, 1, RSTART - 1) ids[id]
		line = substr(line, RSTART + RLENGTH)
	}
	return done line
}

function settle_cell(line, from, width, value) {
	if (substr(line, from, width) ~ /^ *-$/)
		return line
	return substr(line, 1, from - 1) sprintf("%" width "s", value) substr(line, from + width)
}

# A line of dray status has its numbers in fixed places.
function settle_status(line) {
	if (line !~ /^[^ ]+ +(relay|sink) +(running|standby|waiting|paused|stopped|silent|never ran) +[-0-9]/)
		return line
	line = settle_cell(line, 67, 10, "0.0")
	line = settle_cell(line, 78, 7, "12ms")
	return settle_cell(line, 86, 7, "1.5s")
}

function settle_versions(line,  i) {
	for (i in libraries) {
		if (line ~ "^" libraries[i] " [0-9.]+$")
			line = libraries[i] " " versions[i]
		gsub("\"" libraries[i] "\":\"[0-9.]+\"", "\"" libraries[i] "\":\"" versions[i] "\"", line)
	}
	return line
}

/^```console$/ { inside = 1 }
/^```$/ { inside = 0 }
inside {
	sub(/[ \t]+$/, "")
	gsub(day "T" clock "Z", "2026-01-31T12:00:00.000Z")
	gsub("20[0-9][0-9][01][0-9][0-3][0-9]T[0-9][0-9][0-9][0-9][0-9][0-9]Z-" four, "20260131T120000Z-8c41") # a replay
	gsub("db1/4711/[0-9a-f]+-[0-9a-f]+-" four four, "db1/4711/5f0c6a1e9b2d7c38-8c41-2e90b7d4")
	gsub(/ by [a-z0-9_-]+@[^; "]*/, " by ada@db1")
	gsub(/"lag_ms":[0-9]+/, "\"lag_ms\":12")
	gsub(/"age_ms":[0-9]+/, "\"age_ms\":259200000")
	gsub(/"oldest_ms":[0-9]+/, "\"oldest_ms\":1500")
	gsub(/"rate":[0-9.]+/, "\"rate\":0.0")
	sub(/epoch [0-9]+$/, "epoch 4")
	gsub(/after [0-9.]+ s$/, "after 3.2 s")
	$0 = settle_versions(settle_status(settle_ids($0)))
}
{ print }
