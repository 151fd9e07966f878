# Makes of a Markdown page the shell script that fill.sh runs: see there.
function quoted(text) { gsub(/'/, "'\\''", text); return "'" text "'" }

function directive(name,  start) {
	start = "<!-- " name " "
	if (substr($0, 1, length(start)) != start || $0 !~ / -->$/)
		return ""
	return substr($0, length(start) + 1, length($0) - length(start) - 4)
}

function end_command() {
	if (command == "")
		return
	if (during != "")
		print "ended_by_hand " quoted(command) " " quoted(during)
	else
		print "shown " quoted(command)
	command = during = ""
}

block == "console" && /^\$ / { end_command(); command = substr($0, 3); more = 1; next }
block == "console" && /^> / && more { command = command "\n" substr($0, 3); next }
block == "console" && !/^```$/ { more = 0; next }
block == "fed" && !/^```$/ { print "printf '%s\\n' " quoted($0) " >>\"$scratch/in\"" }

{ end_command(); print "say " quoted($0) }

block == "fed" && /^```$/ { print "fed " quoted(feed); feed = "" }
block != "" && /^```$/ { block = ""; next }
block == "" && /^```/ {
	block = $0 == "```console" ? "console" : feed != "" ? "fed" : "other"
	more = 0
	if (block == "fed")
		print ": >\"$scratch/in\""
	next
}
block == "" && directive("run") != "" { print "hidden " quoted(directive("run")) }
block == "" && directive("feed") != "" { feed = directive("feed") }
block == "" && directive("while") != "" { during = directive("while") }
