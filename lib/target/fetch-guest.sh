#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fetch-guest [SERIES]          fetch what a guest needs and is not there yet
# fetch-guest --print [SERIES]  say what is there; no network
# fetch-guest --list            say which series there are, Debian's and those
#                               that were fetched, the oldest first
#
# SERIES is "6.18" (the default): the newest kernel of that series.  What the
# system has installed is used; the rest is downloaded from Debian with apt
# into ${XDG_CACHE_HOME:-~/.cache}/schedkit, without touching the system:
#
#   kernels/SERIES/{vmlinuz,release,overlay.ko*}
#   qemu/{qemu-system-x86_64,version,lib/,share/}
#   virtiofsd/{virtiofsd,version,lib/}
#
# Each of the folders appears complete or not at all.  A killed run leaves its
# downloads in fetch/, where the next one goes on.
#
# SCHEDKIT_MIRROR=URI  the Debian mirror, instead of the system's own
#
# --print writes NAME<tab>VALUE lines: qemu, qemu-version, qemu-lib,
# qemu-share, virtiofsd, virtiofsd-lib, kernel, release, overlay.  A value
# that is not there is empty.

set -eu

SERIES=6.18
QEMU_MIN=10
WAIT_FOR_OTHER_S=900

# Words of other programs are read here.
export LC_ALL=C

cache=${XDG_CACHE_HOME:-}
case $cache in
/*) ;;
*) cache=${HOME:-$(getent passwd "$(id -u)" | cut -d : -f 6)}/.cache ;;
esac
cache=$cache/schedkit
work=$cache/fetch

say() { printf 'fetch-guest: %s\n' "$*" >&2; }

die() {
	say "$*"
	exit 3
}

usage() {
	echo 'usage: fetch-guest [--print] [SERIES] | --list' >&2
	exit 2
}

# ---- what is there ----------------------------------------------------

# The version of a QEMU that Debian installed, without its epoch.
system_qemu_version() {
	dpkg-query -W -f '${Version}' qemu-system-x86 2>/dev/null |
		sed 's/^[0-9]*://'
}

find_qemu() {
	qemu='' qemu_version='' qemu_lib='' qemu_share=''
	if [ -x "$cache/qemu/qemu-system-x86_64" ]; then
		qemu=$cache/qemu/qemu-system-x86_64
		qemu_version=$(cat "$cache/qemu/version")
		qemu_lib=$cache/qemu/lib
		qemu_share=$cache/qemu/share
		return
	fi
	[ -x /usr/bin/qemu-system-x86_64 ] || return 0
	v=$(system_qemu_version)
	[ -n "$v" ] && [ "${v%%[!0-9]*}" -ge "$QEMU_MIN" ] || return 0
	qemu=/usr/bin/qemu-system-x86_64
	qemu_version=$v
}

find_virtiofsd() {
	virtiofsd='' virtiofsd_lib=''
	for f in /usr/libexec/virtiofsd /usr/lib/qemu/virtiofsd \
		"$cache/virtiofsd/virtiofsd"; do
		[ -x "$f" ] || continue
		virtiofsd=$f
		case $f in "$cache"/*) virtiofsd_lib=$cache/virtiofsd/lib ;; esac
		return
	done
}

find_kernel() {
	kernel='' release='' overlay=''
	k=$cache/kernels/$series
	[ -f "$k/vmlinuz" ] || return 0
	kernel=$k/vmlinuz
	release=$(cat "$k/release")
	for f in "$k"/overlay.ko*; do
		[ -f "$f" ] && overlay=$f
	done
	return 0
}

find_all() {
	find_qemu
	find_virtiofsd
	find_kernel
}

print_all() {
	printf '%s\t%s\n' qemu "$qemu" qemu-version "$qemu_version" \
		qemu-lib "$qemu_lib" qemu-share "$qemu_share" \
		virtiofsd "$virtiofsd" virtiofsd-lib "$virtiofsd_lib" \
		kernel "$kernel" release "$release" overlay "$overlay"
}

# ---- apt, privately ---------------------------------------------------

private() {
	cmd=$1
	shift
	"$cmd" -o Dir::Etc::sourcelist="$work/sources.list" \
		-o Dir::Etc::sourceparts=- -o Dir::State::Lists="$work/lists" \
		-o Dir::Cache="$work/apt" -o APT::Get::List-Cleanup=0 \
		-o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
		-o Debug::NoLocking=1 -o APT::Sandbox::User=root \
		-o Acquire::Retries=3 "$@"
}

# The first mirror of Debian proper among the system's package sources.
mirror() {
	if [ -n "${SCHEDKIT_MIRROR:-}" ]; then
		echo "$SCHEDKIT_MIRROR"
		return
	fi
	{
		# Most systems have only some of these files.
		cat /etc/apt/sources.list.d/*.sources |
			sed -n 's/^URIs:[[:space:]]*//p'
		cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list |
			sed -n 's/^deb[[:space:]]\(\[[^]]*\][[:space:]]*\)\{0,1\}//p'
	} 2>/dev/null | tr '[:space:]' '\n' |
		grep -E '^([a-z+]+://.*/debian/?|mirror\+file:.*/debian\.list)$' |
		head -n 1 | grep .
}

index_ready=
index() {
	[ -z "$index_ready" ] || return 0
	case $(dpkg --print-architecture) in
	amd64) ;;
	*) die "cannot fetch $1: only amd64 guests are known" ;;
	esac
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	case $codename in
	bookworm) suites='trixie-backports bookworm-backports bookworm' ;;
	trixie) suites='trixie-backports trixie' ;;
	*) die "cannot fetch $1: Debian 12 and 13 are known, not '$codename'; install qemu-system-x86 (>= $QEMU_MIN) and virtiofsd, and give the kernel's path" ;;
	esac
	m=$(mirror) || die "cannot fetch $1: no mirror of Debian among this system's package sources; name one with SCHEDKIT_MIRROR"
	mkdir -p "$work/lists/partial" "$work/apt/archives/partial" "$work/deb"
	for s in $suites; do
		echo "deb [arch=amd64] $m $s main"
	done >"$work/sources.list"
	say "reading the package lists of $m"
	private apt-get -qq update >"$work/log" 2>&1 || {
		why=$(grep -E '^[EW]:' "$work/log" | head -n 1)
		die "cannot fetch $1: ${why:-apt-get update failed}; check the network, or set SCHEDKIT_MIRROR"
	}
	# apt takes an unreachable suite for a warning.
	for s in $suites; do
		ls "$work/lists"/*"_dists_${s}_"*Release >/dev/null 2>&1 || {
			why=$(grep -E '^[EW]:' "$work/log" | head -n 1)
			die "cannot fetch $1: no package list of $s from $m; ${why:-check the network}"
		}
	done
	index_ready=1
}

# download WHAT PACKAGE[=VERSION]...: into $work/deb
download() {
	what=$1
	shift
	(cd "$work/deb" && private apt-get -qq download "$@") \
		>"$work/log" 2>&1 || {
		why=$(grep '^E:' "$work/log" | head -n 1)
		die "cannot fetch $what: ${why:-apt-get download failed}; run it again"
	}
}

deb_of() {
	for f in "$work/deb/$1"_*.deb; do
		[ -f "$f" ] && echo "$f"
	done | tail -n 1
}

# extract PACKAGE FOLDER: the whole package
extract() {
	dpkg-deb -x "$(deb_of "$1")" "$2"
}

# publish NEW FINAL: NEW appears as FINAL in one step
publish() {
	sync -f "$1"
	rm -rf "$2"
	mkdir -p "${2%/*}"
	mv -T "$1" "$2"
}

# libraries PACKAGE=VERSION SUITE FOLDER: the shared libraries that the system
# lacks
libraries() {
	list=$(private apt-get -qq -t "$2" --no-install-recommends \
		--allow-downgrades --print-uris install "$1" 2>"$work/log" |
		sed "s/^'[^']*' \([^_]*\)_.*/\1/" | grep '^lib' || true)
	mkdir -p "$3"
	[ -n "$list" ] || return 0
	# shellcheck disable=SC2086
	download "the libraries of $1" $list
	for l in $list; do
		rm -rf "$work/lib.tmp"
		extract "$l" "$work/lib.tmp"
		find "$work/lib.tmp" -name '*.so*' ! -type d \
			-path '*/lib/x86_64-linux-gnu/*.so*' \
			-exec cp -Pn -t "$3" {} +
	done
}

check_libraries() {
	lack=$(LD_LIBRARY_PATH=$2 ldd "$1" | grep 'not found' || true)
	[ -z "$lack" ] || die "cannot use ${1##*/}: $(echo "$lack" | tr -s '[:space:]' ' ')"
}

version_of() {
	private apt-cache madison "$1" | tr -d ' ' |
		awk -F '|' -v s="$2" 'index($3, s "/") { print $2; exit }'
}

# ---- the three parts --------------------------------------------------

fetch_qemu() {
	index QEMU
	case $codename in
	bookworm) suite=bookworm-backports ;;
	*) suite=$codename ;;
	esac
	v=$(version_of qemu-system-x86 "$suite")
	[ -n "$v" ] || die "cannot fetch QEMU: no qemu-system-x86 in $suite"
	bios=$(version_of seabios "$suite")
	say "fetching QEMU $v"
	download QEMU "qemu-system-x86=$v" "qemu-system-data=$v" \
		"seabios=$bios"
	tmp=$work/qemu.tmp
	rm -rf "$tmp" "$work/x"
	mkdir -p "$tmp/share"
	for p in qemu-system-x86 qemu-system-data seabios; do
		extract "$p" "$work/x"
	done
	mv "$work/x/usr/bin/qemu-system-x86_64" "$tmp/"
	mv "$work/x/usr/share/seabios/bios-256k.bin" \
		"$work/x/usr/share/qemu/kvmvapic.bin" \
		"$work/x/usr/share/qemu/linuxboot_dma.bin" \
		"$work/x/usr/share/qemu/linuxboot.bin" "$tmp/share/"
	libraries "qemu-system-x86=$v" "$suite" "$tmp/lib"
	check_libraries "$tmp/qemu-system-x86_64" "$tmp/lib"
	echo "${v#*:}" >"$tmp/version"
	publish "$tmp" "$cache/qemu"
}

fetch_virtiofsd() {
	index virtiofsd
	# QEMU 8 dropped it, Debian 13 has the new one as a package.
	case $codename in
	bookworm) p=qemu-system-common f=usr/lib/qemu/virtiofsd ;;
	*) p=virtiofsd f=usr/libexec/virtiofsd ;;
	esac
	v=$(version_of "$p" "$codename")
	[ -n "$v" ] || die "cannot fetch virtiofsd: no $p in $codename"
	say "fetching virtiofsd $v"
	rm -f "$work/deb/$p"_*.deb
	download virtiofsd "$p=$v"
	tmp=$work/virtiofsd.tmp
	rm -rf "$tmp" "$work/x"
	mkdir -p "$tmp"
	extract "$p" "$work/x"
	mv "$work/x/$f" "$tmp/virtiofsd"
	libraries "$p=$v" "$codename" "$tmp/lib"
	check_libraries "$tmp/virtiofsd" "$tmp/lib"
	echo "${v#*:}" >"$tmp/version"
	publish "$tmp" "$cache/virtiofsd"
}

# The newest NAME-of-a-package that ends in a release of the series.
newest() {
	private apt-cache search --names-only \
		"^linux-$1-$(echo "$series" | sed 's/[.]/[.]/g')[.+][^ ]*-cloud-amd64$2\$" |
		cut -d ' ' -f 1 | sort -V | tail -n 1
}

# Where the image is and where the modules are has changed over time: one
# package until 6.18, two from 6.19 on, unsigned only when very new.
fetch_kernel() {
	index "guest kernel $series"
	image=$(newest binary '')
	[ -n "$image" ] || image=$(newest binary-unsigned '')
	[ -n "$image" ] || image=$(newest image '')
	[ -n "$image" ] || image=$(newest image -unsigned)
	[ -n "$image" ] ||
		die "cannot fetch guest kernel $series: no such series in $suites; there are: $(kernel_series | tr '\n' ' ')"
	r=$(echo "$image" | sed 's/^linux-[a-z]*-\(unsigned-\)\{0,1\}//; s/-unsigned$//')
	modules=$image
	[ -z "$(private apt-cache search --names-only "^linux-modules-$(echo "$r" | sed 's/[.+]/[&]/g')\$")" ] ||
		modules=linux-modules-$r
	say "fetching kernel $r"
	if [ "$modules" = "$image" ]; then
		download "guest kernel $series" "$image"
	else
		download "guest kernel $series" "$image" "$modules"
	fi
	tmp=$work/kernel.tmp
	rm -rf "$tmp" "$work/x"
	mkdir -p "$tmp"
	extract "$image" "$work/x"
	[ "$modules" = "$image" ] || extract "$modules" "$work/x"
	find "$work/x" -name "vmlinuz*" -type f -exec mv {} "$tmp/vmlinuz" \;
	find "$work/x" -name 'overlay.ko*' -type f -exec mv -t "$tmp" {} +
	[ -f "$tmp/vmlinuz" ] ||
		die "cannot fetch guest kernel $series: no vmlinuz in $image"
	echo "$r" >"$tmp/release"
	publish "$tmp" "$cache/kernels/$series"
}

kernel_series() {
	private apt-cache search --names-only \
		'^linux-(image|binary|binary-unsigned)-[0-9.]*[+][^ ]*-cloud-amd64$' |
		sed 's/^linux-[a-z-]*-\([0-9]*[.][0-9]*\).*/\1/' |
		sort -Vu
}

list_kernels() {
	index 'the list of guest kernels'
	{
		kernel_series
		ls "$cache/kernels" 2>/dev/null || :
	} | grep -E '^[0-9]+[.][0-9]+$' | sort -Vu
}

# ---- main -------------------------------------------------------------

print='' list='' left=''
series=$SERIES
for a in "$@"; do
	case $a in
	--print) print=1 ;;
	--list) list=1 ;;
	[0-9]*.[0-9]*) series=$a ;;
	*) usage ;;
	esac
done
case $series in
*[!0-9.]*) usage ;;
esac
[ -z "$list" ] || [ $# = 1 ] || usage

if [ -n "$print" ]; then
	find_all
	print_all
	exit 0
fi

# A cache that cannot be written will do if it has everything.
find_all
[ -n "$list" ] || [ -z "$qemu" ] || [ -z "$virtiofsd" ] || [ -z "$kernel" ] ||
	[ -e "$work" ] || exit 0
{ mkdir -p "$cache" && touch "$cache/fetch.lock"; } 2>/dev/null ||
	die "cannot fetch a guest: $cache cannot be written; name another place for caches with XDG_CACHE_HOME"
exec 9>"$cache/fetch.lock"
flock -n 9 || {
	say 'waiting for another fetch-guest'
	flock -w "$WAIT_FOR_OTHER_S" 9 ||
		die "cannot fetch: another fetch-guest has been at work for $WAIT_FOR_OTHER_S s"
}
if [ -n "$list" ]; then
	# The downloads of a run that was killed are not ours to remove.
	[ ! -d "$work" ] || left=1
	list_kernels
else
	find_all
	[ -n "$qemu" ] || fetch_qemu
	[ -n "$virtiofsd" ] || fetch_virtiofsd
	[ -n "$kernel" ] || fetch_kernel
fi
[ -n "$left" ] || rm -rf "$work"
