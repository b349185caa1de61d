#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian package, built from the tree and handled by dpkg for real: in a
# copy of this system's root that is one in name only (an overlay), so that the
# system itself stays as it is.  PACKAGE_ROOT names another root to use, as
# mmdebstrap makes them.  PACKAGE names one that is built already.

load ../lib

setup_file() {
	needs_root
	needs unshare
	needs dpkg-deb
	export DIR=$BATS_FILE_TMPDIR
	mkdir -p "$DIR/up" "$DIR/work" "$DIR/root" "$DIR/debs"
	unshare -m mount -t overlay overlay \
		-o "lowerdir=/usr,upperdir=$DIR/up,workdir=$DIR/work" \
		"$DIR/root" 2>/dev/null || skip 'needs overlayfs'
	if [ -n "${PACKAGE:-}" ]; then
		cp "$PACKAGE" "$DIR/debs/new.deb"
		return
	fi
	needs dh
	needs dpkg-buildpackage
	env -u BUILD "$TREE/.ci/deb" "$DIR/built" >"$DIR/names"
	cp "$DIR"/built/schedkit_*.deb "$DIR/debs/new.deb"
}

setup() {
	[ -f "$DIR/debs/new.deb" ] || skip 'there is no package'
}

# inside COMMAND: of bash, in the root.  What it changes stays for the next.
inside() {
	# shellcheck disable=SC2016
	unshare --mount --pid --fork --propagation private bash -ec '
		mount -t overlay overlay "$DIR/root" -o "lowerdir=$1" \
			-o "upperdir=$DIR/up,workdir=$DIR/work"
		cd "$DIR/root"
		mount -t proc proc proc
		mount --rbind /dev dev
		mount --rbind /sys sys
		for d in run tmp root; do mount -t tmpfs tmpfs $d; done
		mkdir tmp/debs
		mount --bind "$DIR/debs" tmp/debs
		exec chroot . env -i TERM=dumb LC_ALL=C.UTF-8 HOME=/root \
			DEBIAN_FRONTEND=noninteractive \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin bash -ec "$2"
	' bash "${PACKAGE_ROOT:-/}" "$1"
}

# Files of the package's concern, and everything that is not dpkg's or a cache.
files() {
	inside 'find / -xdev \( -path /tmp -o -path /proc -o -path /work \
		-o -path /home -o -path /var/tmp -o -path /var/cache \
		-o -path /var/log -o -path /var/lib/dpkg -o -path /boot \
		-o -path /etc/ld.so.cache \) -prune -o -print 2>/dev/null |
		sort'
}

@test 'package: lintian finds nothing' {
	needs lintian
	[ -z "${PACKAGE:-}" ] || skip 'it was built elsewhere'
	local said
	said=$(lintian --allow-root --fail-on none "$DIR"/built/*.changes)
	is "$said" ''
}

@test 'package: what it is, and what it needs' {
	local d=$DIR/debs/new.deb
	is "$(dpkg-deb -f "$d" Package)" schedkit
	is "$(dpkg-deb -f "$d" Version)" "$(sched --version | cut -d ' ' -f 2)"
	has "$(dpkg-deb -f "$d" Depends)" libbpf1
	# Nothing of the tests or of the build, nothing that others may write.
	lacks "$(dpkg-deb -c "$d")" "$TREE"
	is "$(dpkg-deb -c "$d" | awk '$1 ~ /^-.......w/ || $2 != "root/root"')" ''
	# Every program and page of the tree.
	local f
	for f in "$BUILD"/bin/* "$BUILD"/libexec/schedkit/* "$TREE"/man/*.[157]; do
		dpkg-deb -c "$d" | grep -q "/${f##*/}\(.gz\)\?$" ||
			{ echo "lacks $f"; false; }
	done
	for f in "$TREE"/man/*.[157]; do
		dpkg-deb -c "$d" |
			grep -q "/usr/share/doc/schedkit/html/${f##*/}.html$" ||
			{ echo "lacks ${f##*/} as HTML"; false; }
	done
}

@test 'package: installs and runs' {
	files >"$DIR/before"
	inside 'dpkg -i /tmp/debs/new.deb' >"$DIR/log" 2>&1 ||
		{ cat "$DIR/log"; false; }
	run inside 'sched --version; sched-sim --version; sched doctor --json |
		jq -r ".body.checks[] | select(.name == \"policy object\").text"
		ls -ld /run/schedkit /var/lib/schedkit /etc/schedkit/keys.d |
			cut -d " " -f 1,3,4,9'
	has "$output" "sched $(dpkg-deb -f "$DIR/debs/new.deb" Version)"
	has "$output" /usr/lib/schedkit/policy.bpf.o
	has "$output" 'drwx------ root root'
	# Where dpkg leaves manuals out there is none to read.
	run inside 'man -w sched-deploy || echo "$(grep -l path-exclude \
		/etc/dpkg/dpkg.cfg.d/* | head -n 1)"'
	[ -n "$output" ]
	run inside '[ ! -e /usr/share/man/man7/schedkit-policies.7.gz ] ||
		sched help starve_us | grep -o "Who waited longer" ||
		echo "packed pages are not read"'
	lacks "$output" 'not read'
	# Nothing is enabled, for nobody.
	run inside 'find /etc/systemd -name "sched*"'
	is "$output" ''
}

@test "package: root's history is the system's" {
	inside 'cat >/tmp/note; sched-history add </tmp/note >/dev/null
		ls /var/lib/schedkit' < <(doc note '{"text": "hello"}') >"$DIR/o"
	has "$(cat "$DIR/o")" history
	run inside 'XDG_STATE_HOME=/tmp/own sched-history log 2>&1 || true'
	has "$output" 'no history'
}

@test 'package: an upgrade keeps history and keys' {
	# The same with an older number.
	dpkg-deb -R "$DIR/debs/new.deb" "$DIR/old"
	sed -i 's/^Version: .*/Version: 0.0.1~old/' "$DIR/old/DEBIAN/control"
	dpkg-deb --root-owner-group -Znone -b "$DIR/old" "$DIR/debs/old.deb" \
		>/dev/null
	inside 'dpkg -i /tmp/debs/old.deb
		echo "# mine" >/etc/schedkit/keys.d/revoked
		dpkg -i /tmp/debs/new.deb
		dpkg-query -W -f "version \${Version}\n" schedkit
		cat /etc/schedkit/keys.d/revoked
		sched-history log --json | jq -r .body.text
		stat -c "%a %U %G %n" /usr/libexec/schedkit/* /var/lib/schedkit
		getcap /usr/libexec/schedkit/load-policy
		' >"$DIR/o" 2>&1
	has "$(cat "$DIR/o")" "version $(dpkg-deb -f "$DIR/debs/new.deb" Version)"
	has "$(cat "$DIR/o")" '# mine'
	has "$(cat "$DIR/o")" hello
	has "$(cat "$DIR/o")" '700 root root /var/lib/schedkit'
	has "$(cat "$DIR/o")" '750 root schedkit /usr/libexec/schedkit/load-policy'
	has "$(cat "$DIR/o")" 'load-policy cap_perfmon,cap_bpf=ep'
}

@test 'package: removal keeps what is not its own' {
	inside 'mkdir -p /etc/systemd/system/multi-user.target.wants
		ln -s /usr/lib/systemd/system/schedkit-deploy@.service \
			/etc/systemd/system/multi-user.target.wants/schedkit-deploy@w.service
		dpkg -r schedkit
		command -v sched && exit 1
		ls /usr/lib/schedkit /usr/libexec/schedkit 2>&1 || true
		cat /etc/schedkit/keys.d/revoked
		ls /var/lib/schedkit' >"$DIR/o" 2>&1 || { cat "$DIR/o"; false; }
	has "$(cat "$DIR/o")" '# mine'
	has "$(cat "$DIR/o")" history
}

@test 'package: purge leaves nothing behind' {
	inside 'dpkg -P schedkit' >"$DIR/o" 2>&1 || { cat "$DIR/o"; false; }
	files >"$DIR/after"
	is "$(diff "$DIR/before" "$DIR/after" | grep '^[<>]')" ''
	run inside 'dpkg-query -W schedkit 2>&1; find /var/lib/dpkg -name "schedkit*"'
	has "$output" 'no packages found'
	lacks "$output" /var/lib
}

@test 'package: comes back after a purge' {
	inside 'dpkg -i /tmp/debs/new.deb && sched --version && dpkg -P schedkit
		' >"$DIR/o" 2>&1 || { cat "$DIR/o"; false; }
	has "$(cat "$DIR/o")" 'sched 0'
}
