# fish.sh: fish's own way to ask what it would offer.
cat >drive <<'END'
source $completion/dray.fish
while read -l line
    set -l all (complete -C "$line" | string replace -r '\t.*' '' | sort | string collect)
    printf '[%s] %s\n' "$line" (string join -- ', ' (string split \n -- $all))
end <lines >told
END
fish --no-config ./drive
