/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/qemu.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "target/cell.h"

#define DEFAULT_CPUS	   4
#define MAX_CPUS	   64
#define MAX_NODES	   4
#define DEFAULT_MEMORY_MIB 1024
#define MIN_MEMORY_MIB	   256
#define NOBODY		   65534
#define FIRST_QEMU_MAJOR   5 /* of those that had a virtiofsd */

static long host_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return CPU_COUNT(&set);
}

enum { NODES, SOCKETS, DIES, CORES, THREADS, LEVELS };

static const char *const level_names[LEVELS] = {"nodes", "sockets", "dies",
						"cores", "threads"};

/* "level=n,…" into n, 0 for what is not named; false: it is not like that. */
static bool levels_read(const char *s, long n[static LEVELS])
{
	for (;; s++) {
		size_t i, len = strcspn(s, "=");
		char *end;

		for (i = 0; i < LEVELS; i++)
			if (strlen(level_names[i]) == len &&
			    !strncmp(s, level_names[i], len))
				break;
		if (i == LEVELS || s[len] != '=' || n[i])
			return false;
		n[i] = strtol(s + len + 1, &end, 10);
		if (n[i] < 1 || n[i] > MAX_CPUS || (*end && *end != ','))
			return false;
		if (!*end)
			return true;
		s = end;
	}
}

static int topology_read_text(const char *text, struct machine *m)
{
	long n[LEVELS] = {0};
	size_t at = 0;

	if (strlen(text) >= sizeof(m->topology) || !levels_read(text, n))
		return err_set(EINVAL,
			       "topology '%s' is not like "
			       "sockets=1,cores=2,threads=1",
			       text);
	m->nodes = n[NODES] ? n[NODES] : 1;
	if (n[NODES] && !n[SOCKETS])
		n[SOCKETS] = n[NODES];
	if (m->nodes > MAX_NODES)
		return err_set(EINVAL, "a guest has 1 to %d nodes, not %ld",
			       MAX_NODES, m->nodes);
	if (m->nodes > 1 && n[SOCKETS] % m->nodes)
		return err_set(EINVAL,
			       "topology '%s': %ld nodes cannot have the same "
			       "number of %ld sockets",
			       text, m->nodes, n[SOCKETS]);
	strcpy(m->topology, text);
	m->cpus = 1;
	for (size_t i = SOCKETS; i < LEVELS; i++) {
		if (!n[i])
			continue;
		m->cpus *= n[i];
		at += (size_t)snprintf(m->smp + at, sizeof(m->smp) - at,
				       ",%s=%ld", level_names[i], n[i]);
	}
	return 0;
}

int machine_read(long cpus, long memory_mib, const char *topology,
		 struct machine *m)
{
	long host = host_cpus();
	int rc;

	*m = (struct machine){
		.nodes = 1,
		.cpus = cpus		      ? cpus
			: host < DEFAULT_CPUS ? host
					      : DEFAULT_CPUS,
		.memory_mib = memory_mib ? memory_mib : DEFAULT_MEMORY_MIB,
	};
	if (topology) {
		rc = topology_read_text(topology, m);
		if (rc)
			return rc;
		if (cpus && cpus != m->cpus)
			return err_set(EINVAL,
				       "topology '%s' makes %ld CPUs, not %ld",
				       topology, m->cpus, cpus);
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

/* Memory that virtiofsd sees as well.  Each node has a backend of its own. */
static void add_memory(const struct machine *m, struct strs *argv)
{
	long cpus = m->cpus / m->nodes, mib = m->memory_mib / m->nodes;
	long rest = m->memory_mib % m->nodes;

	strs_add(argv, "-machine");
	strs_printf(argv, "pc,%susb=off,vmport=off",
		    m->nodes > 1 ? "" : "memory-backend=mem0,");
	strs_add(argv, "-m");
	strs_printf(argv, "%ld", m->memory_mib);
	for (long i = 0; i < m->nodes; i++) {
		strs_add(argv, "-object");
		strs_printf(argv,
			    "memory-backend-memfd,id=mem%ld,size=%ldM,share=on",
			    i, mib + (i ? 0 : rest));
		if (m->nodes == 1)
			continue;
		strs_add(argv, "-numa");
		strs_printf(argv, "node,nodeid=%ld,memdev=mem%ld,cpus=%ld-%ld",
			    i, i, i * cpus, (i + 1) * cpus - 1);
	}
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
	add_memory(m, argv);
	strs_add(argv, "-accel");
	strs_add(argv, strcmp(accel, "kvm") ? "tcg,thread=multi" : "kvm");
	strs_add(argv, "-smp");
	strs_printf(argv, "%ld%s", m->cpus, m->smp);
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
	/* Starved at boot the timer seems broken to the kernel: no check. */
	strs_add(argv, "-append");
	strs_printf(
		argv,
		"console=ttyS0 quiet panic=-1 oops=panic nokaslr tsc=reliable "
		"no_timer_check "
		"mitigations=off audit=0 random.trust_cpu=on "
		"rootfstype=virtiofs root=root ro init=\"%s\"",
		init);
}

/*
 * The one written in Rust, 1.x, can do without a second cell, and without root
 * it has to; the other came with QEMU, until 7.2.  fetch-guest leaves the
 * version beside what it fetched.
 */
static bool is_rust(const char *virtiofsd)
{
	const char *slash = strrchr(virtiofsd, '/');
	char *path =
		mem_printf("%.*s/version", slash ? (int)(slash - virtiofsd) : 0,
			   virtiofsd);
	bool rust = strstr(virtiofsd, "/libexec/") != NULL;
	struct buf b;
	char *version;

	buf_init(&b, 256);
	if (access(path, F_OK) < 0 || buf_read_file(&b, path))
		buf_reset(&b);
	version = buf_take(&b);
	if (*version)
		rust = atoi(version) < FIRST_QEMU_MAJOR;
	free(version);
	free(path);
	return rust;
}

void virtiofsd_argv(const struct parts *p, struct strs *argv)
{
	bool root = geteuid() == 0;

	strs_add(argv, p->virtiofsd);
	strs_printf(argv, "--fd=%d", CELL_FD_LISTEN);
	if (is_rust(p->virtiofsd)) {
		strs_add(argv, "--shared-dir=/");
		strs_add(argv, "--cache=always");
		/* Nothing can be mounted over a mount that the guest knows. */
		strs_add(argv, "--no-announce-submounts");
		strs_printf(argv, "--sandbox=%s", root ? "chroot" : "none");
	} else {
		strs_add(argv, "-f");
		strs_add(argv, "-o");
		strs_add(argv, "source=/");
		strs_add(argv, "-o");
		strs_add(argv, "cache=always");
		strs_add(argv, "-o");
		strs_add(argv, "sandbox=chroot");
	}
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
