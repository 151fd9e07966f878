# bash.sh: a real bash with its line editor; M-q puts in every completion, M-w tells what stands there then.
cat >setup <<'END'
PS1= PS2=
. "$completion/dray.bash"
tell() { printf '[%s]\n' "$READLINE_LINE" >>told; READLINE_LINE= READLINE_POINT=0; }
bind '"\eq": insert-completions'
bind -x '"\ew": tell'
END
while IFS= read -r line; do
	printf '%s\033q\033w' "$line"
done <lines | INPUTRC=/dev/null bash --noprofile --rcfile ./setup -i >shown 2>&1
