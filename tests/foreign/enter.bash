# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The first process of a foreign machine, in namespaces of its own; place.bash
# starts it:  enter.bash USER COMMAND...
#
# AT, LOWER, SEEN: its folder, what its root lies on, what is in /mnt there.
# NO_KVM: without /dev/kvm.  HOME_IS=ro: the user's home cannot be written.
set -euo pipefail

user=$1
shift
cd "$AT/root"
mount -t overlay overlay . -o "lowerdir=$LOWER,upperdir=$AT/up,workdir=$AT/work"
cd "$AT/root"

mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 run run
mount -t tmpfs -o mode=755,nosuid dev dev
cp -a /dev/{null,zero,full,random,urandom,tty} dev
[ -n "$NO_KVM" ] || [ ! -e /dev/kvm ] || cp -a /dev/kvm dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,gid=5,mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for i in 0:stdin 1:stdout 2:stderr; do
	ln -s "/proc/self/fd/${i%:*}" "dev/${i#*:}"
done
mount --bind "$SEEN" mnt
mount -o remount,bind,ro mnt

echo foreign >/proc/sys/kernel/hostname
echo foreign >etc/hostname
cp /etc/resolv.conf etc
{
	cat /etc/hosts
	echo '127.0.1.1 foreign'
} >etc/hosts

# Not chroot: that forbids user namespaces.
mkdir run/old
pivot_root . run/old
cd /
umount -l run/old
rmdir run/old
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
home=$(getent passwd "$user" | cut -d : -f 6)
if [ "$HOME_IS" = ro ]; then
	mount --bind "$home" "$home"
	mount -o remount,bind,ro "$home"
fi
cd "$home"
exec setsid -w setpriv --reuid="$user" --regid="$user" --init-groups \
	env -i HOME="$home" USER="$user" LOGNAME="$user" SHELL=/bin/bash \
	TERM=dumb PATH="$PATH" "$@"
