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
#include "scx/configuration.h"
#include "scx/ext.h"

#define HOST_NAME  "schedkit"
#define OPEN_FILES 1048576
#define KLOG_ALL   3 /* SYSLOG_ACTION_READ_ALL */

static const struct inside_fs boot_table[] = {
	{"devtmpfs", "/dev", "mode=0755", MS_NOSUID},
	{"proc", "/proc", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV},
	{"sysfs", "/sys", NULL, MS_NOSUID | MS_NOEXEC | MS_NODEV},
};

int inside_mount(const struct inside_fs *t, size_t n)
{
	for (; n--; t++) {
		/* Only some of them are part of every tree. */
		mkdir(t->at, 0755);
		/* Busy: the very same is mounted there already. */
		if (mount(t->type, t->at, t->type, t->flags, t->options) < 0 &&
		    errno != EBUSY)
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
	int rc = inside_mount(boot_table, ARRAY_LEN(boot_table));

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

bool inside_has_overlay(void)
{
	struct buf b;
	bool has;

	buf_init(&b, 1 << 16);
	has = buf_read_file(&b, "/proc/filesystems") == 0 && b.data &&
	      strstr(b.data, "\toverlay\n");
	buf_release(&b);
	return has;
}

int inside_load_overlay(const char *module)
{
	bool plain = strlen(module) > 3 &&
		     !strcmp(module + strlen(module) - 3, ".ko");
	int fd, rc = 0;

	if (!*module || inside_has_overlay())
		return 0;
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
	char clock[64], configuration[DIGEST_HEX_LEN];
	struct utsname u;

	uname(&u);
	word_of("/sys/devices/system/clocksource/clocksource0/"
		"current_clocksource",
		clock, sizeof(clock));
	json_set_string(f, "kernel", u.release);
	configuration_digest(configuration);
	json_set_string(f, "configuration", configuration);
	json_set_number(f, "cpus", (double)sysconf(_SC_NPROCESSORS_ONLN));
	json_set_string(f, "clocksource", clock);
	json_set_string(f, "writable",
			inside_has_overlay() ? "everything"
					     : "new files in /tmp and the "
					       "current folder");
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
