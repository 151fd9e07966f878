# Shared by test and matrix: building one way and running ctest on it. Read by bash after lib.sh.

test_packages="clang clang-format-19 libcmocka-dev sqlite3 postgresql pgbouncer faketime nats-server openssl
	chromium chromium-driver zsh fish"
summary=()

# The runtime of clang's sanitizers and of its fuzzer is a package of its own; before Debian 13 it has a number
# in its name only.
clang_runtime() {
	local version
	version=$(clang --version | sed -n 's/.*version \([0-9]*\).*/\1/p' | head -n 1)
	echo "libclang-rt-$version-dev"
}

# The targets of tests/fuzz and nothing else.
fuzz_options="-DFUZZ=ON -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo"

# The thread sanitizer of older compilers cannot live with the address randomisation of newer kernels.
steady() {
	local bits
	bits=$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)
	if [ "$bits" -gt 28 ] && setarch -R true 2>/dev/null; then
		setarch -R "$@"
	else
		"$@"
	fi
}

# gcc warns of what is not there when it adds a sanitizer's checks (its manual says so of -fsanitize).
sanitized() { echo "-DFAILPOINTS=ON -DWERROR=OFF -DSANITIZE=$1"; }

# NAME, further ARGUMENTS of ctest in one word, then OPTIONS of cmake. Where a test fails, its output is shown.
build_and_test() {
	local name=$1 selection=$2 folder=build/test/$1 started=$SECONDS status
	shift 2
	say ""
	say "== $name"
	mkdir -p $folder
	local generator=()
	[ -e $folder/CMakeCache.txt ] || generator=(-G Ninja)
	logged $folder.configure.log cmake -S . -B $folder "${generator[@]}" -DCMAKE_BUILD_TYPE=Debug \
		-DCMAKE_C_FLAGS_DEBUG='-O2 -g' -DWERROR=ON -DTESTS=ON "$@" &&
		logged $folder.build.log cmake --build $folder ||
		{ summary+=("$name: the build failed"); return 1; }
	say "built in $((SECONDS - started)) s"
	(cd $folder && steady ctest --no-tests=error --output-on-failure -j "$(jobs_at_once)" $selection) |
		tee $folder.ctest.log
	status=${PIPESTATUS[0]}
	summary+=("$name: $(grep 'tests passed' $folder.ctest.log || echo 'no tests ran') ($((SECONDS - started)) s)")
	return $status
}

jobs_at_once() {
	local processors
	processors=$(nproc)
	echo $((processors < 2 ? 2 : processors > 4 ? 4 : processors))
}

# Runs run_part on each, goes on where one fails, and ends the script with what ctest said of each.
run_parts() {
	local part failed=0 started=$SECONDS
	for part in "$@"; do
		run_part "$part" || failed=1
	done
	say ""
	printf '%s\n' "${summary[@]}"
	if [ $failed = 0 ]; then
		say "All passed in $((SECONDS - started)) s."
	else
		say "Not all passed."
	fi
	exit $failed
}
