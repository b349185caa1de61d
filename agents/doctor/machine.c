/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine that we run on. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "agents/doctor/check.h"

#define PSI_PATH "/proc/pressure/cpu"

/* Measuring a guest of two CPUs takes two that nobody else uses. */
#define ENOUGH_CPUS 2
#define ENOUGH_MIB  2048

static void check_machine(struct json *checks)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN), mib = 0;
	struct sysinfo si;
	bool enough;

	if (sysinfo(&si) == 0)
		mib = (long)(si.totalram / (1 << 20) * si.mem_unit);
	enough = cpus >= ENOUGH_CPUS && mib >= ENOUGH_MIB;
	doctor_add(checks, "machine", enough ? DOCTOR_OK : DOCTOR_WARN,
		   enough ? "" : "use a machine with 2 CPUs and 2 GiB",
		   "%ld CPUs, %ld MiB of memory", cpus, mib);
}

static bool has_cap(int cap)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct d[2] = {0};

	if (syscall(SYS_capget, &h, d) < 0)
		return false;
	return d[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

/*
 * Loads "return 0" as a tracing program: capabilities alone do not tell
 * (lockdown, a container's filter of system calls).
 */
static int try_load(void)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = sizeof(insns) / sizeof(insns[0]);
	attr.license = (uintptr_t) "GPL";
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void check_privilege(struct json *checks)
{
	bool caps = has_cap(CAP_SYS_ADMIN) ||
		    (has_cap(CAP_BPF) && has_cap(CAP_PERFMON));
	int rc = try_load();

	if (rc == 0)
		doctor_add(checks, "bpf", DOCTOR_OK, "",
			   "a tracing program loads: observation by BPF");
	else if (!caps)
		doctor_add(checks, "bpf", DOCTOR_WARN,
			   "run as root, or with CAP_BPF and CAP_PERFMON",
			   "no privilege (CAP_BPF and CAP_PERFMON); "
			   "observation falls back to /proc");
	else
		doctor_add(checks, "bpf", DOCTOR_WARN,
			   "lift the lockdown or the container's filter of "
			   "system calls",
			   "privileged, but the kernel refuses to load a "
			   "program (%s); observation falls back to /proc",
			   strerror(-rc));
}

static void check_psi(struct json *checks, const struct site *s)
{
	char word[SITE_WORD];

	/* Without psi=1 the file can be opened and not be read. */
	errno = 0;
	if (site_word(s, PSI_PATH, word) && *word)
		doctor_add(checks, "psi", DOCTOR_OK, "",
			   "pressure can be read");
	else
		doctor_add(checks, "psi", DOCTOR_WARN,
			   "a kernel with CONFIG_PSI, booted with psi=1",
			   PSI_PATH ": %s; profiles lack pressure",
			   errno ? strerror(errno) : "is empty");
}

void doctor_machine(struct json *checks, const struct site *s)
{
	check_machine(checks);
	check_privilege(checks);
	check_psi(checks, s);
}
