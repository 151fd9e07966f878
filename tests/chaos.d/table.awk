# What many runs gave, as a table. Ends with 1 where many runs never hit some kind of fault.
/^FAULT / {
	name = $2
	for (i = 3; i <= NF - 2; i++)
		name = name " " $i
	hit[name] += $(NF - 1)
	tried[name] += $NF
}
/^ACTION / { done[$2] += $3 }
/^STALL / {
	name = $2
	for (i = 3; i < NF; i++)
		name = name " " $i
	if ($NF + 0 > stall[name] + 0)
		stall[name] = $NF
}
/^RESULT / {
	runs++
	bad += $2 == "BREACH"
	for (i = 3; i <= NF; i++) {
		split($i, part, "=")
		sum[part[1]] += part[2]
		if (part[1] == "server")
			server = part[2]
		if (part[1] == "stall_ms" && part[2] + 0 > longest)
			longest = part[2] + 0
	}
}
END {
	printf "\n%s, nats-server %s: %d runs of %d ended, %d good; %d rows, %d queued messages, %d faults\n",
		database, server, runs, seeds, runs - bad, sum["rows"], sum["queued"], sum["faults"]
	printf "lost %d, leaked %d, duplicated %d, altered %d, out of order %d, in total %d; archive %d, stored again %d, queue %d, not dead %d, badly settled %d, early %d, stuck %d, slow %d\n",
		sum["lost"], sum["leaked"], sum["duplicated"], sum["altered"], sum["reordered"], sum["unsorted"], sum["archive"], sum["again"],
		sum["queue"], sum["undead"], sum["unmarked"], sum["early"], sum["stuck"], sum["slow"]
	printf "longest stall %d ms; %d s a run\n", longest, runs ? sum["ms"] / runs / 1000 : 0
	printf "%-36s %6s %6s %10s\n", "fault", "hit", "tried", "stall ms"
	for (name in tried) {
		printf "%-36s %6d %6d %10s\n", name, hit[name], tried[name], stall[name] | "sort"
		zero += hit[name] == 0
	}
	close("sort")
	printf "writers:"
	for (name in done) {
		printf " %s %d", name, done[name]
		zero += done[name] == 0
	}
	printf "\n"
	if (zero)
		printf "%d kinds of faults or turns never happened\n", zero
	exit zero && seeds >= 20
}
