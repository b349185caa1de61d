/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the kernel was configured. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/doctor/check.h"
#include "base/mem.h"
#include "base/proc.h"

#define CONFIG_BYTES (4u << 20)
#define UNPACK_S     20
#define JIT_PATH     "/proc/sys/net/core/bpf_jit_enable"

static const struct {
	const char *name, *lost;
} wanted[] = {
	{"SCHED_CLASS_EXT", "no policy can be attached to this kernel"},
	{"EXT_GROUP_SCHED", "policies hear nothing of cgroups' weights"},
	{"BPF_SYSCALL", "no BPF at all: no policy, and observation falls back "
			"to /proc"},
	{"BPF_JIT", "BPF is interpreted, and no policy can be attached"},
	{"DEBUG_INFO_BTF", "the kernel's types are not known: no policy, and "
			   "observation falls back to /proc"},
	{"BPF_EVENTS", "no BPF at trace points: observation falls back to "
		       "/proc"},
	{"CGROUPS", "no cgroups: nothing can be observed or tried by them"},
	{"CGROUP_SCHED", "no cpu.weight: knobs have less to set"},
	{"CFS_BANDWIDTH", "no cpu.max: knobs have less to set"},
	{"CPUSETS", "no cpusets: knobs have less to set"},
	{"PSI", "profiles lack pressure"},
};

/* ---- reading it -------------------------------------------------------- */

/* What gzip makes of it, into out. */
static int unpack(const struct buf *packed, struct buf *out)
{
	char program[] = "gzip", flags[] = "-dc";
	char *argv[] = {program, flags, NULL};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;
	struct buf words;
	int fd = memfd_create("config", MFD_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	buf_init(&words, 4096);
	rc = write(fd, packed->data, packed->len) == (ssize_t)packed->len &&
			     lseek(fd, 0, SEEK_SET) == 0
		     ? 0
		     : -EIO;
	spec.argv = argv;
	spec.stdin_fd = fd;
	spec.out = out;
	spec.out_fd = -1;
	spec.err = &words;
	spec.err_fd = -1;
	spec.timeout_s = UNPACK_S;
	if (!rc)
		rc = proc_run(&spec, &res);
	if (!rc && (res.exit_status || out->len >= CONFIG_BYTES))
		rc = -EINVAL;
	close(fd);
	buf_release(&words);
	return rc;
}

static int read_config(const struct site *s, const char *path, struct buf *out)
{
	size_t n = strlen(path);
	struct buf packed;
	int rc;

	buf_reset(out);
	if (n < 3 || strcmp(path + n - 3, ".gz"))
		return site_read(s, path, out);
	buf_init(&packed, CONFIG_BYTES);
	rc = site_read(s, path, &packed);
	if (!rc)
		rc = packed.len ? unpack(&packed, out) : -EINVAL;
	buf_release(&packed);
	return rc;
}

/* Where the configuration is; NULL: nowhere that can be read.  The caller's. */
static char *find_config(const struct site *s, struct buf *out)
{
	static const char *const places[] = {
		"/proc/config.gz", "/boot/config-%s", "/lib/modules/%s/config",
		"/usr/lib/modules/%s/config", "/lib/modules/%s/build/.config"};
	char release[SITE_WORD];

	site_release(s, release);
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char *path = mem_printf(places[i], release);

		/* "CONFIG_" is in every one, whatever else is. */
		if ((!strchr(places[i], '%') || *release) &&
		    read_config(s, path, out) == 0 && out->data &&
		    strlen(out->data) == out->len &&
		    strstr(out->data, "CONFIG_"))
			return path;
		free(path);
	}
	return NULL;
}

/* 'y', 'm', or 'n' where it is not set. */
static char value_of(const char *config, const char *name)
{
	char *line = mem_printf("CONFIG_%s=", name);
	const char *s = config;
	char value = 'n';

	for (; (s = strstr(s, line)); s++)
		if (s == config || s[-1] == '\n') {
			value = s[strlen(line)];
			break;
		}
	free(line);
	return value;
}

/* ---- telling ----------------------------------------------------------- */

static void check_options(struct json *checks, const char *path,
			  const char *config)
{
	size_t lack = 0;

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		char name[64];

		if (value_of(config, wanted[i].name) == 'y')
			continue;
		snprintf(name, sizeof(name), "CONFIG_%s", wanted[i].name);
		doctor_add(checks, name, DOCTOR_WARN,
			   "a kernel built with it, or a guest (--target vm)",
			   "not set: %s", wanted[i].lost);
		lack++;
	}
	doctor_add(checks, "kernel options", lack ? DOCTOR_WARN : DOCTOR_OK,
		   lack ? "see those above" : "",
		   "%zu of %zu that matter are set, by %s",
		   ARRAY_LEN(wanted) - lack, ARRAY_LEN(wanted), path);
}

static void check_jit(struct json *checks, const struct site *s)
{
	char word[SITE_WORD];

	if (!site_word(s, JIT_PATH, word))
		return;
	if (!strcmp(word, "0"))
		doctor_add(checks, "bpf jit", DOCTOR_WARN,
			   "sysctl net.core.bpf_jit_enable=1",
			   "switched off: no policy can be attached, and "
			   "observation costs more");
	else
		doctor_add(checks, "bpf jit", DOCTOR_OK, "",
			   "switched on (%.16s)", word);
}

void doctor_options(struct json *checks, const struct site *s)
{
	struct buf config;
	char *path;

	buf_init(&config, CONFIG_BYTES);
	path = find_config(s, &config);
	if (path)
		check_options(checks, path, config.data);
	else
		doctor_add(checks, "kernel options", DOCTOR_WARN,
			   "modprobe configs, or install the kernel's package "
			   "again: /boot/config-RELEASE tells",
			   "cannot be told: neither /proc/config.gz nor "
			   "/boot/config-RELEASE can be read");
	free(path);
	buf_release(&config);
	check_jit(checks, s);
}
