# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Foreign machines, and being on one:  . place.bash
#
# $FOREIGN_DIR/SUITE/root      as debootstrap made it, with git and make
# $FOREIGN_DIR/NAME/up         what was changed on a machine called NAME since
# $FOREIGN_DIR/seen            what all of them find in /mnt
#
# A machine is a root of its own (overlayfs; pivot_root, so that user namespaces
# are allowed in it), its own processes, name, devices and /run, and nobody
# else's caches.  What it shares with this one is the kernel, and the network
# unless that is taken away.

# The mirror of Debian that this system itself uses.
mirror() {
	local uri codename
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	# shellcheck disable=SC2016
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' \
		"Codename: $codename" 2>/dev/null | head -n 1)
	uri=${uri:-${SCHEDKIT_MIRROR:-}}
	[ -n "$uri" ] || {
		echo "no mirror of Debian among this system's package sources;" \
			'name one with SCHEDKIT_MIRROR'
		return 1
	} >&2
	echo "$uri"
}

# base SUITE: the least that Debian can be, and what a clone and a make need.
base() {
	local at=$FOREIGN_DIR/$1 uri
	[ ! -d "$at/root" ] || return 0
	uri=$(mirror) || return
	rm -rf "$at.new"
	mkdir -p "$at.new"
	debootstrap --variant=minbase --include=ca-certificates,git,make \
		"$1" "$at.new/root" "$uri" || return
	rm -rf "$at.new"/root/var/cache/apt/archives/*.deb
	mv -T "$at.new" "$at"
}

# The commit that is tested, as a file that git clones from, whoever owns it.
pack() {
	rm -rf "$FOREIGN_DIR/seen"
	mkdir -p "$FOREIGN_DIR/seen"
	git -C "$TREE" bundle create -q "$FOREIGN_DIR/seen/schedkit.bundle" \
		HEAD || return
	cp "$TREE/tests/foreign/stranger" "$FOREIGN_DIR/seen"
}

# The variables below say what there is on a machine; as an administrator sets
# things up there is everything.
declare no_network='' no_kvm='' home_is=rw one_cpu=''

# on NAME LOWER USER COMMAND...: on the machine NAME, whose root lies on top of
# LOWER (folders as overlayfs takes them).
on() {
	local name=$1 lower=$2 flags=(--mount --pid --fork --kill-child
		--propagation private --uts --ipc --cgroup) cpu=()
	shift 2
	mkdir -p "$FOREIGN_DIR/$name"/{up,work,root} "$FOREIGN_DIR/mnt"
	[ -z "$no_network" ] || flags+=(--net)
	[ -z "$one_cpu" ] || cpu=(taskset -c "$(first_cpu)")
	NO_KVM=$no_kvm HOME_IS=$home_is LOWER=$lower \
		AT=$FOREIGN_DIR/$name SEEN=$FOREIGN_DIR/seen \
		"${cpu[@]}" unshare "${flags[@]}" \
		bash "$TREE/tests/foreign/enter.bash" "$@" </dev/null
}

# Of those that we may use.
first_cpu() {
	taskset -cp $$ | sed 's/.*: //; s/[-,].*//'
}
