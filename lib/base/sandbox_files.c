/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Landlock, by its system calls: the C library has no wrappers, and the
 * headers of an older system know less than the kernel that runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/sandbox_parts.h"

#define CREATE_VERSION	  1u
#define RULE_PATH_BENEATH 1

#define FS_EXECUTE     (1ull << 0)
#define FS_WRITE_FILE  (1ull << 1)
#define FS_READ_FILE   (1ull << 2)
#define FS_READ_DIR    (1ull << 3)
#define FS_REMOVE_DIR  (1ull << 4)
#define FS_REMOVE_FILE (1ull << 5)
#define FS_MAKE_DIR    (1ull << 7)
#define FS_MAKE_REG    (1ull << 8)
#define FS_MAKE_SOCK   (1ull << 9)
#define FS_MAKE_FIFO   (1ull << 10)
#define FS_MAKE_SYM    (1ull << 12)
#define FS_REFER       (1ull << 13) /* from version 2 */
#define FS_TRUNCATE    (1ull << 14) /* from version 3 */
#define FS_IOCTL_DEV   (1ull << 15) /* from version 5 */
#define FS_ALL_1       ((1ull << 13) - 1)

#define NET_BIND    (1ull << 0) /* from version 4 */
#define NET_CONNECT (1ull << 1)
/* Abstract sockets and signals, from version 6. */
#define SCOPE_ALL 3ull

#define READ (FS_EXECUTE | FS_READ_FILE | FS_READ_DIR)
/* All but making devices and executing what was written. */
#define WRITE                                                         \
	(FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_REMOVE_DIR | \
	 FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SOCK |  \
	 FS_MAKE_FIFO | FS_MAKE_SYM | FS_REFER | FS_TRUNCATE)
/* What a rule for something that is no folder may name. */
#define OF_FILE \
	(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

const char *const sandbox_system[] = {"/usr",
				      "/bin",
				      "/sbin",
				      "/lib",
				      "/lib32",
				      "/lib64",
				      "/libx32",
				      "/etc/alternatives",
				      "/etc/ca-certificates",
				      "/etc/gai.conf",
				      "/etc/group",
				      "/etc/host.conf",
				      "/etc/hosts",
				      "/etc/ld.so.cache",
				      "/etc/ld.so.conf",
				      "/etc/ld.so.conf.d",
				      "/etc/ld.so.preload",
				      "/etc/localtime",
				      "/etc/nsswitch.conf",
				      "/etc/os-release",
				      "/etc/passwd",
				      "/etc/pki/ca-trust",
				      "/etc/pki/tls/certs",
				      "/etc/protocols",
				      "/etc/resolv.conf",
				      "/etc/services",
				      "/etc/ssl/cert.pem",
				      "/etc/ssl/certs",
				      "/etc/ssl/openssl.cnf",
				      "/etc/timezone",
				      "/proc/cpuinfo",
				      "/proc/loadavg",
				      "/proc/meminfo",
				      "/proc/stat",
				      "/proc/sys",
				      "/proc/uptime",
				      "/proc/version",
				      "/sys/devices/system",
				      "/sys/fs/cgroup/cgroup.controllers",
				      "/sys/kernel/btf",
				      "/dev/zero",
				      NULL};

static const char *const devices_read[] = {"/dev/urandom", "/dev/random",
					   SANDBOX_SANITIZED ? "/proc" : NULL,
					   NULL};
static const char *const devices_write[] = {"/dev/null", NULL};

static int version(void)
{
	return (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
			    CREATE_VERSION);
}

static uint64_t handled(int abi)
{
	uint64_t fs = FS_ALL_1;

	if (abi >= 2)
		fs |= FS_REFER;
	if (abi >= 3)
		fs |= FS_TRUNCATE;
	if (abi >= 5)
		fs |= FS_IOCTL_DEV;
	return fs;
}

/* Paths that do not exist, or that this user cannot reach, are left out. */
static int allow(int ruleset, const char *const *paths, uint64_t access)
{
	for (; paths && *paths; paths++) {
		struct path_rule r = {.allowed = access};
		struct stat st;
		int rc = 0;

		r.fd = open(*paths, O_PATH | O_CLOEXEC);
		if (r.fd < 0 &&
		    (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
			continue;
		if (r.fd < 0 || fstat(r.fd, &st) < 0)
			rc = -errno;
		if (!rc && !S_ISDIR(st.st_mode))
			r.allowed &= OF_FILE;
		if (!rc && syscall(SYS_landlock_add_rule, ruleset,
				   RULE_PATH_BENEATH, &r, 0) < 0)
			rc = -errno;
		if (r.fd >= 0)
			close(r.fd);
		if (rc)
			return err_set(-rc, "cannot allow '%s': %s", *paths,
				       strerror(-rc));
	}
	return 0;
}

int sandbox_files_make(const struct sandbox *s, int *fd)
{
	struct ruleset set = {0};
	size_t size = sizeof(set.fs);
	int abi = version(), rc;

	if (abi < 1)
		return err_set(ENOTSUP, "the kernel has no Landlock; boot one "
					"with CONFIG_SECURITY_LANDLOCK and "
					"'landlock' in the parameter lsm=");
	set.fs = handled(abi);
	if (abi >= 4) {
		set.net = NET_BIND | (s->network ? 0 : NET_CONNECT);
		size = offsetof(struct ruleset, scoped);
	}
	if (abi >= 6) {
		set.scoped = SCOPE_ALL;
		size = sizeof(set);
	}
	*fd = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
	if (*fd < 0)
		return err_set(errno, "cannot make a Landlock rule set: %s",
			       strerror(errno));
	rc = allow(*fd, devices_read, READ & set.fs);
	if (!rc)
		rc = allow(*fd, devices_write, WRITE & set.fs);
	if (!rc)
		rc = allow(*fd, s->read, READ & set.fs);
	if (!rc)
		rc = allow(*fd, s->write, WRITE & set.fs);
	if (rc)
		close(*fd);
	return rc;
}

int sandbox_files_shut(int fd)
{
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return err_set(errno, "cannot enter the Landlock rule set: %s",
			       strerror(errno));
	return 0;
}
