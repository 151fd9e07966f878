# Shared by the scripts here: saying things, and installing Debian packages without any side effect but the
# packages. Read by bash with `.`; $root is the project.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Runs a command quietly; what it said is shown only where it fails. LOG COMMAND...
logged() {
	local log=$1
	shift
	"$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; return 1; }
}

build_packages="gcc cmake ninja-build pkg-config libc6-dev libnats-dev libpq-dev libsqlite3-dev
	libjansson-dev libyaml-dev libssl-dev libmicrohttpd-dev"

missing_packages() {
	local package
	for package in "$@"; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
	done
}

# Commands of the administrator.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# While packages are installed no service may start: invoke-rc.d asks this file. And PostgreSQL's packages
# make a cluster unless told not to.
policy=/usr/sbin/policy-rc.d
policy_mark='# made by the scripts of Dray, for as long as they install packages'
cluster_folder=/etc/postgresql-common/createcluster.d
cluster_file=$cluster_folder/dray.conf

prevent_services() {
	if [ -e $policy ] && ! grep -qF "$policy_mark" $policy; then
		as_root mv $policy $policy.before-dray
	fi
	printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" | as_root tee $policy >/dev/null
	as_root chmod 755 $policy
	cluster_folders_made=$(for folder in /etc/postgresql-common $cluster_folder; do
		[ -d "$folder" ] || echo "$folder"
	done)
	as_root mkdir -p $cluster_folder
	echo 'create_main_cluster = false' | as_root tee $cluster_file >/dev/null
}

allow_services() {
	as_root rm -f $policy $cluster_file
	[ ! -e $policy.before-dray ] || as_root mv $policy.before-dray $policy
	local folder
	for folder in $(printf '%s\n' $cluster_folders_made | sort -r); do
		as_root rmdir "$folder" 2>/dev/null || :
	done
}

# The packages also ask for their services at the next boot. That is undone for services that came now.
services="nats-server postgresql pgbouncer"

present_services() {
	local service
	for service in $services; do
		[ ! -e /lib/systemd/system/$service.service ] || echo $service
	done
}

disable_services_but() {
	local service
	for service in $(present_services); do
		case " $* " in *" $service "*) continue ;; esac
		as_root env DPKG_MAINTSCRIPT_PACKAGE=$service deb-systemd-helper disable $service.service || :
		[ ! -e /etc/init.d/$service ] || as_root update-rc.d $service disable || :
	done >/dev/null 2>&1
}

apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -q -y \
		-o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@"
}

apt_install() {
	apt_get update && apt_get --no-install-recommends install "$@"
}

# Installs what is missing of the given packages; nothing is asked of apt where all are there.
need_packages() {
	local missing log had status started=$SECONDS
	command -v dpkg-query >/dev/null ||
		{ say "This is not Debian; these packages, or what they are called here, must be there: $*"; return 0; }
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	[ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
		fail "these packages are missing, and neither are you root nor is there sudo:" $missing
	say "Installing $(echo $missing | wc -w) packages: $(echo $missing)"
	log=$(mktemp)
	had=$(present_services)
	trap 'allow_services; exit 130' INT TERM HUP
	prevent_services
	# A mirror fails now and then; what came the first time is kept.
	apt_install $missing >"$log" 2>&1 || { sleep 5; apt_install $missing >"$log" 2>&1; }
	status=$?
	allow_services
	trap - INT TERM HUP
	disable_services_but $had
	[ $status = 0 ] || tail -n 40 "$log" >&2
	rm -f "$log"
	[ $status = 0 ] || fail "apt-get could not install the packages"
	say "Installed in $((SECONDS - started)) s."
}
