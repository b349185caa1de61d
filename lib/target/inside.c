/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/inside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/module.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "scx/ext.h"

#define HOST_NAME    "schedkit"
#define SCRATCH	     "/run"
#define SCRATCH_SIZE "size=60%,mode=0755"
#define OPEN_FILES   1048576
#define KLOG_ALL     3 /* SYSLOG_ACTION_READ_ALL */

struct fs {
	const char *type, *at, *options;
	unsigned long flags;
};

static const struct fs boot_table[] = {
	{"devtmpfs", "/dev", "mode=0755", MS_NOSUID},
	{"proc", "/proc", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV},
	{"sysfs", "/sys", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV},
};

static const struct fs root_table[] = {
	{"devtmpfs", "/dev", "mode=0755", MS_NOSUID},
	{"devpts", "/dev/pts", "mode=0620,ptmxmode=0666", MS_NOSUID},
	{"tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV},
	{"tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV},
	{"proc", "/proc", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV},
	{"sysfs", "/sys", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV},
	{"cgroup2", "/sys/fs/cgroup", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV},
	{"bpf", "/sys/fs/bpf", "mode=0700", MS_NOSUID | MS_NOEXEC | MS_NODEV},
	{"tracefs", "/sys/kernel/tracing", NULL, MS_NOSUID | MS_NODEV},
	{"debugfs", "/sys/kernel/debug", NULL, MS_NOSUID | MS_NODEV},
};

static int mount_all(const struct fs *t, size_t n)
{
	for (; n--; t++) {
		/* Only some of them are part of every tree. */
		mkdir(t->at, 0755);
		if (mount(t->type, t->at, t->type, t->flags, t->options) < 0)
			return err_set(errno, "cannot mount %s on %s: %s",
				       t->type, t->at, strerror(errno));
	}
	return 0;
}

static void loopback_up(void)
{
	struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		return;
	ioctl(s, SIOCSIFFLAGS, &r);
	close(s);
}

int inside_boot(void)
{
	struct rlimit files = {1024, OPEN_FILES};
	int rc = mount_all(boot_table, ARRAY_LEN(boot_table));

	if (rc)
		return rc;
	loopback_up();
	if (sethostname(HOST_NAME, strlen(HOST_NAME)) < 0 ||
	    setrlimit(RLIMIT_NOFILE, &files) < 0)
		return err_set(errno,
			       "cannot set the host name or a limit: "
			       "%s",
			       strerror(errno));
	return 0;
}

static bool has_file_system(const char *name)
{
	char *want = mem_printf("\t%s\n", name);
	struct buf b;
	bool has;

	buf_init(&b, 1 << 16);
	has = buf_read_file(&b, "/proc/filesystems") == 0 && b.data &&
	      strstr(b.data, want);
	buf_release(&b);
	free(want);
	return has;
}

int inside_load_overlay(const char *module)
{
	bool plain = strlen(module) > 3 &&
		     !strcmp(module + strlen(module) - 3, ".ko");
	int fd, rc = 0;

	if (has_file_system("overlay"))
		return 0;
	if (!*module)
		return err_set(ENOENT, "the kernel has no overlay file system, "
				       "and no overlay.ko lies beside it");
	fd = open(module, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, "",
			      plain ? 0 : MODULE_INIT_COMPRESSED_FILE) < 0)
		rc = err_set(errno, "cannot load '%s': %s", module,
			     strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

static bool port_is(const char *dev, const char *name)
{
	char *path = mem_printf("/sys/class/virtio-ports/%s/name", dev);
	struct buf b;
	bool is;

	buf_init(&b, 256);
	is = buf_read_file(&b, path) == 0 && b.data &&
	     !strncmp(b.data, name, strlen(name)) &&
	     b.data[strlen(name)] == '\n';
	buf_release(&b);
	free(path);
	return is;
}

int inside_open_port(const char *name)
{
	DIR *d = opendir("/sys/class/virtio-ports");
	struct dirent *e;
	char *path;
	int fd = -1;

	while (d && fd < 0 && (e = readdir(d))) {
		if (!port_is(e->d_name, name))
			continue;
		path = mem_printf("/dev/%s", e->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		free(path);
	}
	if (d)
		closedir(d);
	return fd >= 0 ? fd
		       : err_set(ENODEV, "no virtio port '%s' to the host",
				 name);
}

static int overlay(void)
{
	if (mount("scratch", SCRATCH, "tmpfs", MS_NOSUID, SCRATCH_SIZE) < 0 ||
	    mkdir(SCRATCH "/upper", 0755) < 0 ||
	    mkdir(SCRATCH "/work", 0755) < 0 ||
	    mkdir(SCRATCH "/root", 0755) < 0)
		return err_set(errno, "cannot make a scratch: %s",
			       strerror(errno));
	if (mount("root", SCRATCH "/root", "overlay", 0,
		  "lowerdir=/,upperdir=" SCRATCH "/upper,workdir=" SCRATCH
		  "/work") < 0)
		return err_set(errno, "cannot mount the overlay: %s",
			       strerror(errno));
	return 0;
}

/* udev's part, without which a shell's <(…) and tee /dev/stderr fail. */
static int dev_links(void)
{
	static const char *const links[][2] = {
		{"/proc/self/fd", "/dev/fd"},
		{"/proc/self/fd/0", "/dev/stdin"},
		{"/proc/self/fd/1", "/dev/stdout"},
		{"/proc/self/fd/2", "/dev/stderr"},
	};

	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (symlink(links[i][0], links[i][1]) < 0 && errno != EEXIST)
			return err_set(errno, "cannot make '%s': %s",
				       links[i][1], strerror(errno));
	return 0;
}

/* pivot_root(2) with both names alike stacks the old root on the new one. */
static int enter(void)
{
	if (chdir(SCRATCH "/root") < 0 ||
	    syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_set(errno, "cannot enter the new root: %s",
			       strerror(errno));
	return 0;
}

int inside_new_root(const char *cwd)
{
	int rc;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(errno, "cannot make a mount namespace: %s",
			       strerror(errno));
	rc = overlay();
	if (!rc)
		rc = enter();
	if (!rc)
		rc = mount_all(root_table, ARRAY_LEN(root_table));
	if (!rc)
		rc = dev_links();
	if (!rc && access(cwd, F_OK) < 0)
		rc = path_make_dirs(cwd);
	return rc;
}

static void word_of(const char *path, char *out, size_t size)
{
	struct buf b;

	buf_init(&b, size - 1);
	if (buf_read_file(&b, path) < 0 || !b.data)
		buf_reset(&b);
	snprintf(out, size, "%.*s", b.data ? (int)strcspn(b.data, "\n") : 0,
		 b.data ? b.data : "");
	buf_release(&b);
}

struct json *inside_facts(void)
{
	struct json *f = json_object(), *state = ext_kernel_state();
	struct utsname u;
	char clock[64];

	uname(&u);
	word_of("/sys/devices/system/clocksource/clocksource0/"
		"current_clocksource",
		clock, sizeof(clock));
	json_set_string(f, "kernel", u.release);
	json_set_number(f, "cpus", (double)sysconf(_SC_NPROCESSORS_ONLN));
	json_set_string(f, "clocksource", clock);
	json_set_string(f, "sched_ext",
			json_as_string(json_get(state, "state"), "absent"));
	json_free(state);
	return f;
}

long inside_oom_kills(void)
{
	struct buf b;
	char *at;
	long n = 0;

	buf_init(&b, 1 << 16);
	if (buf_read_file(&b, "/proc/vmstat") == 0 && b.data) {
		at = strstr(b.data, "\noom_kill ");
		n = at ? strtol(at + 10, NULL, 10) : 0;
	}
	buf_release(&b);
	return n;
}

char *inside_oom_words(void)
{
	static const char key[] = "Killed process ";
	char *text = mem_zalloc(1 << 18, 1), *last = NULL, *words;
	int n = klogctl(KLOG_ALL, text, (1 << 18) - 1);

	for (char *s = n > 0 ? strstr(text, key) : NULL; s;
	     s = strstr(s + 1, key))
		last = s;
	words = last ? mem_strndup(last, strcspn(last, ",\n")) : mem_strdup("");
	free(text);
	return words;
}
