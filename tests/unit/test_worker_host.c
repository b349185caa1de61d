/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this machine leaves to us, from trees of control groups. */
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/temp.h"
#include "rt/worker_parts.h"

#define MIB (1024.0 * 1024)

static char *root;

static void put(const char *path, const char *text)
{
	char *full = mem_printf("%s%s", root, path);
	char *cut = strrchr(full, '/');

	*cut = '\0';
	assert_int_equal(path_make_dirs(full), 0);
	*cut = '/';
	assert_int_equal(path_write_atomic(full, text, strlen(text)), 0);
	free(full);
}

static int begin(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	root = mem_printf("%s/schedkit-host-XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(root) ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	temp_clear(root);
	free(root);
	return 0;
}

static void no_groups_no_limits(void **state)
{
	struct host_limits l;

	(void)state;
	host_limits_read(root, &l);
	assert_true(l.cpus == INFINITY && l.bytes == INFINITY);
}

static void every_folder_above_has_a_say(void **state)
{
	struct host_limits l;

	(void)state;
	put("/proc/self/cgroup", "0::/user/app\n");
	put("/sys/fs/cgroup/user/app/cpu.max", "max 100000\n");
	put("/sys/fs/cgroup/user/app/memory.max", "max\n");
	put("/sys/fs/cgroup/user/cpu.max", "350000 100000\n");
	put("/sys/fs/cgroup/user/memory.max", "1073741824\n");
	host_limits_read(root, &l);
	assert_true(l.cpus == 3.5 && l.bytes == 1024 * MIB);
	put("/sys/fs/cgroup/user/app/cpu.max", "50000 100000\n");
	put("/sys/fs/cgroup/user/app/memory.max", "536870912\n");
	host_limits_read(root, &l);
	assert_true(l.cpus == 0.5 && l.bytes == 512 * MIB);
}

/* A container sees its own group at the mount, whatever its name outside. */
static void unseen_path_leaves_the_mount(void **state)
{
	struct host_limits l;

	(void)state;
	put("/proc/self/cgroup", "0::/../../elsewhere/app\n");
	put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
	host_limits_read(root, &l);
	assert_true(l.cpus == 2 && l.bytes == INFINITY);
}

static void version_1_is_read_as_well(void **state)
{
	struct host_limits l;

	(void)state;
	put("/proc/self/cgroup",
	    "4:memory:/a\n3:cpuacct,cpu:/b\n1:name=systemd:/\n0::/\n");
	put("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "268435456\n");
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes",
	    "9223372036854771712\n");
	put("/sys/fs/cgroup/cpu/b/cpu.cfs_quota_us", "150000\n");
	put("/sys/fs/cgroup/cpu/b/cpu.cfs_period_us", "100000\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
	put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	host_limits_read(root, &l);
	assert_true(l.cpus == 1.5 && l.bytes == 256 * MIB);
}

static void nonsense_limits_nothing(void **state)
{
	struct host_limits l;

	(void)state;
	put("/proc/self/cgroup", "\n0\n:\n::\n0::/x\n4:memory\n");
	put("/sys/fs/cgroup/x/cpu.max", "");
	put("/sys/fs/cgroup/x/memory.max", "many\n");
	put("/sys/fs/cgroup/cpu.max", "0 0\n");
	host_limits_read(root, &l);
	assert_true(l.cpus == INFINITY && l.bytes == INFINITY);
}

static void at_least_one_of_each(void **state)
{
	struct host_limits all = {INFINITY, INFINITY}, few = {0.25, 64 * MIB};
	struct vec v;

	(void)state;
	host_capacity(7, 8192 * MIB, &all, &v);
	assert_int_equal(v.v[RES_CORES], 7000);
	assert_int_equal(v.v[RES_MEMORY], 6144);
	assert_int_equal(v.v[RES_GUESTS], 3);
	host_capacity(7, 8192 * MIB, &few, &v);
	assert_int_equal(v.v[RES_CORES], 1000);
	assert_int_equal(v.v[RES_MEMORY], 48);
	assert_int_equal(v.v[RES_GUESTS], 1);
	assert_int_equal(v.v[RES_SLOTS], 0);
}

/* The real one, under an affinity to one CPU. */
static void host_follows_affinity(void **state)
{
	struct rt_worker_spec s;
	cpu_set_t was, one;
	int cpu = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(was), &was), 0);
	while (!CPU_ISSET(cpu, &was))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	rt_worker_spec_host(&s);
	assert_int_equal(sched_setaffinity(0, sizeof(was), &was), 0);
	assert_string_equal(s.name, "host");
	assert_int_equal(s.capacity.v[RES_CORES], 1000);
	assert_int_equal(s.capacity.v[RES_GUESTS], 1);
	assert_true(s.capacity.v[RES_MEMORY] > 0);
	assert_false(s.kinds & 1u << RT_LLM);
	rt_worker_spec_release(&s);
}

#define IN_A_TREE(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_TREE(no_groups_no_limits),
		IN_A_TREE(every_folder_above_has_a_say),
		IN_A_TREE(unseen_path_leaves_the_mount),
		IN_A_TREE(version_1_is_read_as_well),
		IN_A_TREE(nonsense_limits_nothing),
		cmocka_unit_test(at_least_one_of_each),
		cmocka_unit_test(host_follows_affinity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
