# Shared by the scripts that need a bare Debian: making one, and letting it reach what this machine reaches. Read by bash
# after lib.sh. Needs root and debootstrap.
roots=${DRAY_ROOTS:-$root/build/roots}

# Makes the archive $roots/SUITE.tar, once.
bare_tree() { # SUITE
	local new
	[ ! -s "$roots/$1.tar" ] || return 0
	say "Making a bare $1"
	mkdir -p "$roots"
	new=$(mktemp -d "$roots/new.XXXXXX")
	logged "$roots/$1.log" debootstrap --variant=minbase --include=ca-certificates "$1" "$new" &&
		tar -C "$new" -cf "$roots/$1.tar" . || fail "debootstrap failed"
	rm -rf "$new"
}

# Gives a tree this machine's way to the packages, and lets apt be quick, since it is thrown away soon.
let_reach() { # PLACE
	cp /etc/resolv.conf /etc/hosts "$1/etc/" 2>/dev/null
	[ ! -d /etc/apt/apt.conf.d ] || cp -r /etc/apt/apt.conf.d/. "$1/etc/apt/apt.conf.d/"
	[ ! -d /usr/local/share/ca-certificates ] ||
		cp -r /usr/local/share/ca-certificates/. "$1/usr/local/share/ca-certificates/"
	echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/passing"
}
