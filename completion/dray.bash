# Completion of dray for bash. "dray complete" says what may follow.
_dray() {
	local words=() glued=no word whole part prefix cut

	# bash takes --config=FILE and sqlite:FILE apart; to dray each is one word.
	for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
		if [[ $word && $word != *[!:=]* && ${#words[@]} -gt 0 ]]; then
			words[-1]+=$word glued=yes
		elif [[ $glued = yes ]]; then
			words[-1]+=$word glued=no
		else
			word=${word//[\"\'\\]/} # what quotes it is none of it
			words+=("${word/#\~\//$HOME/}")
		fi
	done
	whole=${words[-1]} part=${COMP_WORDS[COMP_CWORD]}
	[[ $part == *[!:=]* ]] || part=
	cut=$((${#whole} > ${#part} ? ${#whole} - ${#part} : 0)) # so much of the word stands already and stays

	COMPREPLY=()
	while IFS=$'\t' read -r word _; do
		if [[ $word == ":files "* ]]; then
			prefix=${word#:files }
			compopt -o filenames
			while IFS= read -r word; do
				word=$prefix$word
				COMPREPLY+=("${word:cut}")
			done < <(compgen -f -- "${whole#"$prefix"}")
		else
			COMPREPLY+=("${word:cut}")
		fi
	done < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null)
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *[:=/] ]] || compopt -o nospace
}
complete -F _dray dray
