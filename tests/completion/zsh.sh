# zsh.sh: a real zsh in a terminal of its own; Tab puts in every completion, M-w tells what stands there then.
mkdir functions
cp "$completion/_dray" functions/
cat >setup <<'END'
PS1= PS2=
fpath=($PWD/functions $fpath)
autoload -Uz compinit && compinit -D -u
zstyle ':completion:*' completer _all_matches _complete
zstyle ':completion:*:all-matches:*' insert yes
tell() { print -r -- "[$BUFFER]" >>told; BUFFER= }
zle -N tell
bindkey '\ew' tell
: >>told
END
cat >drive <<'END'
zmodload zsh/zpty zsh/mapfile
told() { repeat 600 { [[ -e told && ${#${(f)mapfile[told]}} -ge $1 ]] && return; sleep 0.05 }; exit 1 }
zpty terminal 'zsh -f -i'
zpty -w terminal '. ./setup'
told 0
typeset -i count=0
while IFS= read -r line; do
	zpty -w -n terminal "$line"$'\t\ew'
	told $((++count))
	while zpty -r -t terminal >>shown; do :; done # or its terminal fills up
done <lines
zpty -d terminal
END
zsh -f ./drive
