# Shared by scripts/mutants and tests/chaos: a copy of the tree with one patch of tests/mutants in it, and its
# build. Read by bash after lib.sh. They stay under build/mutants (or $DRAY_MUTANTS), so that a second run is
# quicker.
folder=${DRAY_MUTANTS:-$root/build/mutants}
patches=tests/mutants
jobs=${DRAY_JOBS:-$(nproc)}

all_mutants() {
	ls $patches/*.patch | sed 's|.*/||; s|\.patch$||'
}

# The tree as it is, and only what differs is touched, so that little is built again.
copy_tree() {
	mkdir -p "$folder/tree" "$folder/fresh"
	rm -rf "$folder/fresh" && mkdir -p "$folder/fresh"
	tar -c --exclude=./build --exclude=./.git . | tar -x -C "$folder/fresh"
	sync_tree "$folder/fresh" "$folder/tree"
}

# FROM TO: copies what differs, removes what is not there.
sync_tree() {
	local file
	(cd "$2" && find . -type f) | while IFS= read -r file; do
		[ -e "$1/$file" ] || rm -f "$2/$file"
	done
	(cd "$1" && find . -type f) | while IFS= read -r file; do
		cmp -s "$1/$file" "$2/$file" && continue
		mkdir -p "$2/${file%/*}"
		cp "$1/$file" "$2/$file"
	done
}

configure() {
	logged "$folder/configure.log" timeout 120 cmake -S "$folder/tree" -B "$folder/build" -G Ninja \
		-DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG='-O1 -g' -DTESTS=ON -DFAILPOINTS=ON
}

# TARGET...
build_mutant() {
	timeout 600 cmake --build "$folder/build" -j "$jobs" --target "$@" >"$folder/build.log" 2>&1
}

apply_mutant() {
	(cd "$folder/tree" && patch -p1 -s -f -F3 <"$root/$patches/$1.patch")
}

undo_mutant() {
	sync_tree "$folder/fresh" "$folder/tree"
}
