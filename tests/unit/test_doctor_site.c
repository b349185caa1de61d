/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor makes of files of a machine, some of which are empty, odd or
 * not there; and who is taken for the bringer of a scheduler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/doctor/check.h"
#include "agents/host/bringer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/temp.h"

static char root[] = "/tmp/schedkit-site.XXXXXX";
static struct site site;

static void put(const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", root, name);
	FILE *f;

	assert_int_equal(path_make_parent(path), 0);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	free(path);
}

static int fresh(void **state)
{
	(void)state;
	strcpy(root, "/tmp/schedkit-site.XXXXXX");
	if (!mkdtemp(root) || site_open(&site, root))
		return -1;
	return 0;
}

static int away(void **state)
{
	(void)state;
	site_close(&site);
	temp_clear(root);
	rmdir(root);
	return 0;
}

/* The rows of that name: the first one's text has these words; words NULL:
 * there is none. */
static void says(void (*look)(struct json *checks, const struct site *s),
		 const char *name, const char *status, const char *words)
{
	struct json *checks = json_array();
	bool found = false;

	look(checks, &site);
	json_each (c, checks) {
		if (found || strcmp(json_text_at(c, "name"), name))
			continue;
		found = true;
		if (!words || strcmp(json_text_at(c, "status"), status) ||
		    !strstr(json_text_at(c, "text"), words))
			fail_msg("%s: %s '%s'", name, json_text_at(c, "status"),
				 json_text_at(c, "text"));
	}
	if (found != (words != NULL))
		fail_msg("%s: %s", name, found ? "there" : "not there");
	json_free(checks);
}

/* ---- cgroups ----------------------------------------------------------- */

static void what_cgroups_ask_for(void **state)
{
	static const struct {
		const char *file, *text, *row, *words;
	} rows[] = {
		{"cpu.weight", "100\n", "cpu.weight", NULL},
		{"cpu.weight", "", "cpu.weight", NULL},
		{"cpu.weight", "200\n", "cpu.weight",
		 "1 with a weight that a policy does not know of: /g (weight "
		 "200)"},
		{"cpu.idle", "0\n", "cpu.weight", NULL},
		{"cpu.idle", "1\n", "cpu.weight", "/g (idle)"},
		{"cpu.max", "max 100000\n", "cpu.max", NULL},
		{"cpu.max", "", "cpu.max", NULL},
		{"cpu.max", "50000 100000\n", "cpu.max", "/g (50000 100000)"},
		{"cpuset.cpus.partition", "member\n", "cpuset", NULL},
		{"cpuset.cpus.partition", "root\n", "cpuset", "/g (root)"},
		{"cpuset.cpus.partition", "isolated\n", "cpuset",
		 "/g (isolated)"},
		{"cpuset.cpus.partition", "root invalid (x)\n", "cpuset",
		 "/g (root invalid"},
		{"cpuset.cpus", "", "cpuset", NULL},
	};

	(void)state;
	put("sys/fs/cgroup/cgroup.controllers", "cpu\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *name = mem_printf("sys/fs/cgroup/g/%s", rows[i].file);
		char *path = mem_printf("%s/%s", root, name);

		put(name, rows[i].text);
		says(doctor_cgroups, rows[i].row, DOCTOR_WARN, rows[i].words);
		if (!rows[i].words)
			says(doctor_cgroups, "cgroups", DOCTOR_OK,
			     "1 looked at; none asks for what");
		unlink(path);
		free(path);
		free(name);
	}
	put("sys/fs/cgroup/g/cpuset.cpus", "0-3\n");
	says(doctor_cgroups, "cgroups", DOCTOR_OK,
	     "policies keep to cpusets, of which there are: /g (0-3)");
}

static void many_and_deep_ones(void **state)
{
	struct buf path;

	(void)state;
	put("sys/fs/cgroup/cgroup.controllers", "cpu\n");
	for (int i = 0; i < 8; i++) {
		char *name = mem_printf("sys/fs/cgroup/g%d/cpu.max", i);

		put(name, "1 2\n");
		free(name);
	}
	says(doctor_cgroups, "cpu.max", DOCTOR_WARN, ", and others");
	says(doctor_cgroups, "cgroups", DOCTOR_OK, NULL);
	buf_init(&path, 4096);
	buf_puts(&path, "sys/fs/cgroup");
	for (int i = 0; i < 18; i++)
		buf_puts(&path, "/d");
	buf_puts(&path, "/cpu.weight");
	put(path.data, "7\n");
	/* What is that deep is not looked at, and that is said. */
	says(doctor_cgroups, "cpu.weight", DOCTOR_WARN, NULL);
	says(doctor_cgroups, "cgroups", DOCTOR_WARN, "not all were looked at");
	buf_release(&path);
}

static void no_cgroups_at_all(void **state)
{
	(void)state;
	says(doctor_cgroups, "cgroups", DOCTOR_WARN, "no cgroup2 hierarchy");
	/* Beside the first version's. */
	put("sys/fs/cgroup/unified/cgroup.controllers", "");
	put("sys/fs/cgroup/unified/x/cpu.weight", "7\n");
	put("sys/fs/cgroup/cgroup.controllers", "");
	says(doctor_cgroups, "cpu.weight", DOCTOR_WARN, "/x (weight 7)");
}

/* ---- who brought it ---------------------------------------------------- */

/* Field 22 of stat is when it began, in ticks of a hundredth of a second. */
static void process(int pid, const char *comm, const char *stat,
		    const char *cgroup)
{
	char *name = mem_printf("proc/%d/comm", pid), *text;

	text = mem_printf("%s\n", comm);
	put(name, text);
	free(text);
	free(name);
	if (stat) {
		name = mem_printf("proc/%d/stat", pid);
		put(name, stat);
		free(name);
	}
	if (cgroup) {
		name = mem_printf("proc/%d/cgroup", pid);
		put(name, cgroup);
		free(name);
	}
}

#define STAT "7 (scx a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 "

static void who_brought_it(void **state)
{
	static const struct {
		const char *comm, *ops, *stat, *cgroup, *unit;
		bool owner, loader;
		long since;
	} rows[] = {
		{"scx_simple", "simple_1.0", STAT "500 0\n",
		 "0::/system.slice/scx.service\n", "scx.service", true, false,
		 1005},
		{"scx_simple", "simple", STAT "500 0\n",
		 "0::/user.slice/session-1.scope\n", "", true, false, 1005},
		{"scx_simple", "simple", "7 (x) S 1\n", "", "", true, false, 0},
		{"scx_simple", "simple", "nothing", "no slash\n", "", true,
		 false, 0},
		{"scx_simple", "simple", "", "0::/a.service/b\n", "", true,
		 false, 0},
		{"scx_simple", "simple", NULL, NULL, "", true, false, 0},
		{"scx_other", "simple", NULL, NULL, "", false, false, 0},
		{"scx_", "simple", NULL, NULL, "", false, false, 0},
		{"simple", "simple", NULL, NULL, "", false, false, 0},
		{"scx_loader", "simple", STAT "100 0\n", NULL, "", false, true,
		 1001},
	};

	(void)state;
	put("proc/stat", "cpu 1\nbtime 1000\n");
	put("proc/cpuinfo", "");
	put("proc/0/comm", "scx_simple\n");
	put("proc/12x/comm", "scx_simple\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *dir = mem_printf("%s/proc/7", root);
		struct bringer loader, owner;
		const struct bringer *is;

		process(7, rows[i].comm, rows[i].stat, rows[i].cgroup);
		bringers_find(&site, rows[i].ops, &loader, &owner);
		if ((owner.pid == 7) != rows[i].owner ||
		    (loader.pid == 7) != rows[i].loader)
			fail_msg("row %zu: %ld %ld", i, owner.pid, loader.pid);
		is = rows[i].loader ? &loader : &owner;
		assert_string_equal(is->pid ? is->unit : "", rows[i].unit);
		assert_int_equal(is->since, rows[i].since);
		temp_clear(dir);
		free(dir);
	}
}

/* Without the time of boot nobody knows since when. */
static void since_when(void **state)
{
	struct bringer loader, owner;

	(void)state;
	process(7, "scx_simple", STAT "500 0\n", NULL);
	bringers_find(&site, "simple", &loader, &owner);
	assert_true(owner.pid == 7 && owner.since == 0);
	put("proc/stat", "cpu 1\nbtime -5\n");
	bringers_find(&site, "simple", &loader, &owner);
	assert_true(owner.since == 0);
	put("proc/stat", "");
	bringers_find(&site, "simple", &loader, &owner);
	assert_true(owner.since == 0);
}

static void another_scheduler(void **state)
{
	(void)state;
	says(doctor_others, "scheduler", DOCTOR_OK, "there is no sched_ext");
	put("sys/kernel/sched_ext/state", "disabled\n");
	put("sys/kernel/sched_ext/nr_rejected", "0\n");
	says(doctor_others, "scheduler", DOCTOR_OK, "no policy is attached");
	says(doctor_others, "rejected", DOCTOR_WARN, NULL);
	put("sys/kernel/sched_ext/nr_rejected", "12\n");
	says(doctor_others, "rejected", DOCTOR_WARN, "12 tasks were kept");
	put("sys/kernel/sched_ext/state", "enabled\n");
	says(doctor_others, "scheduler", DOCTOR_WARN,
	     "another one is loaded: '?' (sched_ext is enabled)");
	put("sys/kernel/sched_ext/root/ops", "simple_1.0\n");
	process(9, "scx_simple", NULL, "0::/x/scx.service\n");
	says(doctor_others, "scheduler", DOCTOR_WARN, ", of scx_simple[9]");
	process(8, "scx_loader", NULL, NULL);
	says(doctor_others, "scx_loader", DOCTOR_WARN, "scx_loader[8] runs");
}

/* ---- how the kernel was configured ------------------------------------- */

static void options_of_the_kernel(void **state)
{
	(void)state;
	says(doctor_options, "kernel options", DOCTOR_WARN, "cannot be told");
	put("proc/sys/kernel/osrelease", "6.18\n");
	put("boot/config-6.18", "");
	says(doctor_options, "kernel options", DOCTOR_WARN, "cannot be told");
	put("boot/config-6.18", "nothing of that kind\n");
	says(doctor_options, "kernel options", DOCTOR_WARN, "cannot be told");
	put("boot/config-6.18", "# CONFIG_PSI is not set\nXCONFIG_CGROUPS=y\n"
				"CONFIG_SCHED_CLASS_EXT=y\nCONFIG_BPF_JIT=m\n");
	says(doctor_options, "kernel options", DOCTOR_WARN,
	     "1 of 11 that matter are set, by /boot/config-6.18");
	says(doctor_options, "CONFIG_PSI", DOCTOR_WARN, "profiles lack");
	says(doctor_options, "CONFIG_SCHED_CLASS_EXT", DOCTOR_WARN, NULL);
	/* As a module it is not there yet, and a word's end is none. */
	says(doctor_options, "CONFIG_BPF_JIT", DOCTOR_WARN, "interpreted");
	says(doctor_options, "CONFIG_CGROUPS", DOCTOR_WARN, "no cgroups");
	/* What is no archive is passed over for the next place. */
	put("proc/config.gz", "no archive");
	says(doctor_options, "kernel options", DOCTOR_WARN,
	     "by /boot/config-6.18");
	put("proc/config.gz", "");
	says(doctor_options, "kernel options", DOCTOR_WARN,
	     "by /boot/config-6.18");
	/* A release that leads elsewhere is none. */
	put("proc/sys/kernel/osrelease", "../6.18\n");
	says(doctor_options, "kernel options", DOCTOR_WARN, "cannot be told");
	says(doctor_options, "bpf jit", DOCTOR_WARN, NULL);
	put("proc/sys/net/core/bpf_jit_enable", "0\n");
	says(doctor_options, "bpf jit", DOCTOR_WARN, "switched off");
	put("proc/sys/net/core/bpf_jit_enable", "2\n");
	says(doctor_options, "bpf jit", DOCTOR_OK, "switched on (2)");
}

static void a_site_that_is_not_there(void **state)
{
	struct site s;

	(void)state;
	assert_true(site_open(&s, "/nonexistent/root") < 0);
	assert_non_null(strstr(err_text(), "/nonexistent/root"));
	site_close(&s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_cgroups_ask_for),
		TEST(many_and_deep_ones),
		TEST(no_cgroups_at_all),
		TEST(who_brought_it),
		TEST(since_when),
		TEST(another_scheduler),
		TEST(options_of_the_kernel),
		TEST(a_site_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
