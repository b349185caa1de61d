/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/qemu.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "target/cell.h"

#define DEFAULT_CPUS	   4
#define MAX_CPUS	   64
#define DEFAULT_MEMORY_MIB 1024
#define MIN_MEMORY_MIB	   256
#define NOBODY		   65534

static long host_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return CPU_COUNT(&set);
}

/* The product of the levels; 0 when the text is not "level=n,…". */
static long topology_cpus(const char *text)
{
	static const char *const levels[] = {"sockets", "dies", "cores",
					     "threads"};
	long product = 1;

	for (const char *s = text;;) {
		size_t i, len = strcspn(s, "=");
		char *end;
		long n;

		for (i = 0; i < ARRAY_LEN(levels); i++)
			if (strlen(levels[i]) == len &&
			    !strncmp(s, levels[i], len))
				break;
		if (i == ARRAY_LEN(levels) || s[len] != '=')
			return 0;
		n = strtol(s + len + 1, &end, 10);
		if (n < 1 || n > MAX_CPUS || (*end && *end != ','))
			return 0;
		product *= n;
		if (!*end)
			return product;
		s = end + 1;
	}
}

int machine_read(long cpus, long memory_mib, const char *topology,
		 struct machine *m)
{
	long host = host_cpus(), product;

	*m = (struct machine){
		.cpus = cpus		      ? cpus
			: host < DEFAULT_CPUS ? host
					      : DEFAULT_CPUS,
		.memory_mib = memory_mib ? memory_mib : DEFAULT_MEMORY_MIB,
	};
	if (topology) {
		product = topology_cpus(topology);
		if (!product || strlen(topology) >= sizeof(m->topology))
			return err_set(EINVAL,
				       "topology '%s' is not like "
				       "sockets=1,cores=2,threads=1",
				       topology);
		if (cpus && cpus != product)
			return err_set(EINVAL,
				       "topology '%s' makes %ld CPUs, not %ld",
				       topology, product, cpus);
		m->cpus = product;
		strcpy(m->topology, topology);
	}
	if (m->cpus < 1 || m->cpus > MAX_CPUS)
		return err_set(EINVAL, "a guest has 1 to %d CPUs, not %ld",
			       MAX_CPUS, m->cpus);
	if (m->memory_mib < MIN_MEMORY_MIB)
		return err_set(EINVAL,
			       "a guest needs %d MiB of memory, not %ld",
			       MIN_MEMORY_MIB, m->memory_mib);
	return 0;
}

static void add_all(struct strs *l, const char *const *words)
{
	for (; *words; words++)
		strs_add(l, *words);
}

void qemu_argv(const struct parts *p, const struct machine *m,
	       const char *accel, const char *init, struct strs *argv)
{
	static const char *const fixed[] = {
		"-nodefaults",
		"-no-user-config",
		"-no-reboot",
		"-display",
		"none",
		"-serial",
		"stdio",
		"-cpu",
		"max",
		"-device",
		"vhost-user-fs-pci,chardev=fs,tag=root",
		"-device",
		"virtio-serial-pci",
		"-device",
		"virtserialport,chardev=port,name=schedkit",
		NULL};
	bool root = geteuid() == 0;

	strs_add(argv, p->qemu);
	if (*p->qemu_share) {
		strs_add(argv, "-L");
		strs_add(argv, p->qemu_share);
	}
	strs_add(argv, "-machine");
	strs_add(argv, "pc,memory-backend=mem,usb=off,vmport=off");
	strs_add(argv, "-accel");
	strs_add(argv, strcmp(accel, "kvm") ? "tcg,thread=multi" : "kvm");
	strs_add(argv, "-smp");
	strs_printf(argv, "%ld%s%s", m->cpus, *m->topology ? "," : "",
		    m->topology);
	strs_add(argv, "-m");
	strs_printf(argv, "%ld", m->memory_mib);
	strs_add(argv, "-object");
	strs_printf(argv, "memory-backend-memfd,id=mem,size=%ldM,share=on",
		    m->memory_mib);
	strs_add(argv, "-chardev");
	strs_printf(argv, "socket,id=fs,fd=%d", CELL_FD_FS);
	strs_add(argv, "-chardev");
	strs_printf(argv, "socket,id=port,fd=%d", CELL_FD_PORT);
	add_all(argv, fixed);
	/* elevateprivileges=deny would forbid becoming nobody. */
	strs_add(argv, "-sandbox");
	strs_printf(argv,
		    "on,obsolete=deny,spawn=deny,resourcecontrol=deny,"
		    "elevateprivileges=%s",
		    root ? "allow" : "deny");
	if (root) {
		strs_add(argv, "-run-with");
		strs_printf(argv, "user=%d:%d", NOBODY, NOBODY);
	}
	strs_add(argv, "-kernel");
	strs_add(argv, p->kernel);
	strs_add(argv, "-append");
	strs_printf(
		argv,
		"console=ttyS0 quiet panic=-1 oops=panic nokaslr tsc=reliable "
		"mitigations=off audit=0 random.trust_cpu=on "
		"rootfstype=virtiofs root=root ro init=\"%s\"",
		init);
}

void virtiofsd_argv(const struct parts *p, struct strs *argv)
{
	/* The one written in Rust can do without a second cell. */
	bool rust = strstr(p->virtiofsd, "/libexec/") != NULL;
	bool root = geteuid() == 0;

	strs_add(argv, p->virtiofsd);
	strs_add(argv, "-f");
	strs_printf(argv, "--fd=%d", CELL_FD_LISTEN);
	strs_add(argv, "-o");
	strs_add(argv, "source=/");
	strs_add(argv, "-o");
	strs_add(argv, "cache=always");
	strs_add(argv, "-o");
	strs_printf(argv, "sandbox=%s", rust && !root ? "none" : "chroot");
	if (!root)
		strs_add(argv, "--rlimit-nofile=0");
}

static void common_env(const char *lib, struct strs *env)
{
	strs_add(env, "PATH=/usr/bin:/bin");
	strs_add(env, "LANG=C.UTF-8");
	if (*lib)
		strs_printf(env, "LD_LIBRARY_PATH=%s", lib);
}

void qemu_env(const struct parts *p, struct strs *env)
{
	common_env(p->qemu_lib, env);
}

void virtiofsd_env(const struct parts *p, struct strs *env)
{
	char *preload = path_libexec("unprivileged.so");

	common_env(p->virtiofsd_lib, env);
	if (geteuid() != 0)
		strs_printf(env, "LD_PRELOAD=%s", preload);
	free(preload);
}
