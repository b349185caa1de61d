/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cgroups that are set and set back, where a plain folder stands in for the
 * hierarchy: mounted over it in a mount namespace of this test's own.  A plain
 * file keeps what a shorter word leaves of it, so words here are as long as
 * those that they replace.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cgroup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/temp.h"
#include "knob/hold_state.h"
#include "knob/request.h"
#include "knob/tune.h"
#include "knob/undo.h"

static char *folder, *root, *app, *home;

static void put(const char *dir, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	free(path);
}

static void drop(const char *dir, const char *name)
{
	char *path = mem_printf("%s/%s", dir, name);

	unlink(path);
	free(path);
}

static void assert_holds(const char *dir, const char *name, const char *text)
{
	char *now = cgroup_read(dir, name);

	if (!now || strcmp(now, text))
		fail_msg("%s/%s holds '%s', not '%s'", dir, name,
			 now ? now : "nothing", text);
	free(now);
}

/* Each folder on the way to what this process's cgroup is named. */
static void make_home(void)
{
	char *at;

	home = cgroup_of(root, getpid());
	if (!home)
		home = mem_strdup(root);
	for (at = home + strlen(root); (at = strchr(at + !!*at, '/'));) {
		*at = '\0';
		mkdir(home, 0755);
		*at = '/';
	}
	mkdir(home, 0755);
}

static int mount_over(void)
{
	char *on = cgroup_root();

	if (on && unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount(folder, on, NULL, MS_BIND, NULL) == 0)
		root = on;
	else
		free(on);
	return 0;
}

static int make_folder(void **state)
{
	char *run;

	(void)state;
	folder = mem_strdup("/tmp/groups-XXXXXX");
	assert_non_null(mkdtemp(folder));
	run = mem_printf("%s/run", folder);
	assert_int_equal(mkdir(run, 0755), 0);
	setenv("SCHEDKIT_RUN", run, 1);
	free(run);
	mount_over();
	if (root) {
		make_home();
		app = mem_printf("%s/app", root);
		assert_int_equal(mkdir(app, 0755), 0);
	}
	return 0;
}

static int drop_folder(void **state)
{
	(void)state;
	if (root)
		umount2(root, MNT_DETACH);
	temp_clear(folder);
	free(folder);
	free(home);
	free(app);
	free(root);
	return 0;
}

/* As they are before each test. */
static bool begin(void)
{
	if (!root)
		return false;
	put(root, "cgroup.controllers", "cpuset cpu");
	put(root, "cgroup.subtree_control", "cpuset cpu");
	put(root, "cpuset.cpus.effective", "0-3");
	put(app, "cgroup.controllers", "cpuset cpu");
	put(app, "cpu.weight", "100");
	put(app, "cpu.max", "250000 100000");
	put(app, "cpuset.cpus", "1");
	put(app, "cpu.uclamp.min", "0.00");
	return true;
}

static struct knobs knobs_of(const char *match, unsigned set)
{
	struct knobs k = {
		.count = 1, .set = set, .by_name = strcmp(match, "*") != 0};

	snprintf(k.rules[0].match, sizeof(k.rules[0].match), "%s", match);
	k.rules[0].set = set;
	k.rules[0].nice = 3;
	k.rules[0].cpus[0] = 1;
	k.rules[0].cpu_weight = 250;
	k.rules[0].cpu_max_pct = 150;
	return k;
}

/* ---- a cgroup's own files ----------------------------------------------- */

static void a_scope_is_set_and_set_back(void **state)
{
	const unsigned set = KNOB_WEIGHT | KNOB_MAX | KNOB_CPUS;
	struct knobs k = knobs_of("*", set);
	struct knob_scope s = {.where = KNOB_CGROUP_TREE, .cgroup = "/app"};
	struct strs changes = {0};
	struct knob_journal j;
	struct knob_hold *h;
	struct knob_count c;
	char *first;

	(void)state;
	if (!begin())
		skip();
	assert_int_equal(knob_journal_open(&j), 0);
	assert_int_equal(knob_hold_open(&k, &s, &j, &h), 0);
	assert_int_equal(knob_hold_plan(h, &changes), 0);
	assert_int_equal(changes.len, 3);
	first = mem_printf("cgroup '%s': cpu.weight 250, now '100'", app);
	assert_string_equal(changes.v[0], first);
	free(first);
	strs_release(&changes);
	assert_holds(app, "cpu.weight", "100");
	assert_int_equal(knob_hold_look(h), 0);
	assert_holds(app, "cpu.weight", "250");
	assert_holds(app, "cpu.max", "150000 100000");
	assert_holds(app, "cpuset.cpus", "0");
	knob_in_force(&j, &c);
	assert_int_equal(c.groups, 3);
	assert_int_equal(c.left.len, 0);
	knob_count_release(&c);
	/* Again: it is so already. */
	assert_int_equal(knob_hold_look(h), 0);
	assert_int_equal(j.count, 3);
	put(app, "cpu.max", "200000 100000");
	knob_in_force(&j, &c);
	assert_int_equal(c.groups, 2);
	assert_int_equal(c.left.len, 1);
	knob_count_release(&c);
	assert_int_equal(knob_undo(&j, &c), 0);
	assert_int_equal(c.groups, 2);
	assert_int_equal(c.left.len, 1);
	assert_holds(app, "cpu.weight", "100");
	assert_holds(app, "cpu.max", "200000 100000");
	assert_holds(app, "cpuset.cpus", "1");
	knob_count_release(&c);
	knob_hold_free(h);
	knob_journal_close(&j);
}

static void what_a_scope_lacks_is_named(void **state)
{
	static const struct {
		const char *match, *dir, *gone, *cgroup, *says;
		unsigned set;
		int rc;
	} rows[] = {
		{"*", "app", "cpu.weight", "/app", "has no 'cpu.weight'",
		 KNOB_WEIGHT, -ENOTSUP},
		{"*", "app", "cpu.max", "/app", "has no 'cpu.max'", KNOB_MAX,
		 -ENOTSUP},
		{"*", "app", "cpuset.cpus", "/app", "has no 'cpuset.cpus'",
		 KNOB_CPUS, -ENOTSUP},
		/* Then it is set on each of its tasks. */
		{"*", "app", "cgroup.controllers", "/app", NULL, KNOB_CPUS, 0},
		{"cc", ".", "cgroup.controllers", "/app",
		 "need the controller 'cpu'", KNOB_WEIGHT, -ENOTSUP},
		{"cc", ".", "cgroup.controllers", "/app", NULL, KNOB_NICE, 0},
		{"*", ".", "nothing", "/nowhere", "there is no cgroup",
		 KNOB_NICE, -ENOENT},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct knobs k = knobs_of(rows[i].match, rows[i].set);
		struct knob_scope s = {.where = KNOB_CGROUP_TREE};
		struct knob_journal j;
		struct knob_hold *h;
		char *dir;

		if (!begin())
			skip();
		dir = mem_printf("%s/%s", root, rows[i].dir);
		drop(dir, rows[i].gone);
		strcpy(s.cgroup, rows[i].cgroup);
		assert_int_equal(knob_journal_open(&j), 0);
		err_clear();
		assert_int_equal(knob_hold_open(&k, &s, &j, &h), rows[i].rc);
		if (rows[i].says && !strstr(err_text(), rows[i].says))
			fail_msg("row %zu: %s", i, err_text());
		knob_hold_free(h);
		knob_journal_end(&j);
		knob_journal_close(&j);
		free(dir);
	}
}

static void who_is_in_a_cgroup(void **state)
{
	struct knob_hold h = {0};

	(void)state;
	if (!begin())
		skip();
	h.root = root;
	h.cgroup = mem_strdup(home);
	assert_true(knob_groups_hold(&h, getpid()));
	assert_false(knob_groups_hold(&h, 0x7ffffff0));
	/* What only begins like it is another one. */
	h.cgroup[strlen(h.cgroup) - 1] = '\0';
	assert_false(knob_groups_hold(&h, getpid()));
	free(h.cgroup);
	h.cgroup = mem_strdup(root);
	assert_true(knob_groups_hold(&h, getpid()));
	free(h.cgroup);
}

/* ---- cgroups of ours --------------------------------------------------------
 */

static pid_t start_task(const char *name)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_NAME, name);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end_task(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The folder that the first cgroup of ours will be. */
static char *first_of_ours(void)
{
	char *parent = cgroup_parent(root, home);
	char *dir = mem_printf("%s/schedkit-%d-0", parent ? parent : root,
			       getpid());

	free(parent);
	assert_int_equal(mkdir(dir, 0755), 0);
	put(dir, "cpu.weight", "100");
	put(dir, "cpu.max", "250000 100000");
	put(dir, "cgroup.procs", "");
	return dir;
}

static void processes_go_into_one_of_ours(void **state)
{
	struct knobs k = knobs_of("mover", KNOB_WEIGHT | KNOB_MAX);
	struct knob_scope s = {.where = KNOB_TREE};
	struct knob_journal j;
	struct knob_hold *h;
	struct knob_count c;
	char word[16], *dir;
	struct strs changes = {0};

	(void)state;
	if (!begin())
		skip();
	s.pid = start_task("mover");
	snprintf(word, sizeof(word), "%d", s.pid);
	dir = first_of_ours();
	put(home, "cgroup.procs", "");
	put(root, "cgroup.subtree_control", "io");
	assert_int_equal(knob_journal_open(&j), 0);
	assert_int_equal(knob_hold_open(&k, &s, &j, &h), 0);
	assert_int_equal(knob_hold_plan(h, &changes), 0);
	assert_int_equal(changes.len, 2);
	assert_non_null(strstr(changes.v[0], "to be made, for rule 0"));
	assert_non_null(strstr(changes.v[1], "into the cgroup"));
	strs_release(&changes);
	assert_int_equal(knob_hold_look(h), 0);
	assert_holds(dir, "cpu.weight", "250");
	assert_holds(dir, "cpu.max", "150000 100000");
	assert_holds(dir, "cgroup.procs", word);
	assert_holds(root, "cgroup.subtree_control", "+cpu");
	assert_int_equal(knob_hold_tasks(h, 0), 1);
	knob_in_force(&j, &c);
	assert_int_equal(c.groups, 1);
	knob_count_release(&c);
	/* It cannot go as long as something is in it: then it is not undone,
	 * and the journal is still there. */
	put(root, "cgroup.subtree_control", "cpu");
	assert_true(knob_undo(&j, &c) < 0);
	assert_holds(home, "cgroup.procs", word);
	assert_holds(root, "cgroup.subtree_control", "-cpu");
	assert_int_equal(access(j.path, F_OK), 0);
	knob_count_release(&c);
	drop(dir, "cpu.weight");
	drop(dir, "cpu.max");
	drop(dir, "cgroup.procs");
	assert_int_equal(knob_undo(&j, &c), 0);
	assert_int_equal(access(dir, F_OK), -1);
	assert_int_equal(access(j.path, F_OK), -1);
	knob_count_release(&c);
	knob_hold_free(h);
	knob_journal_close(&j);
	end_task(s.pid);
	free(dir);
}

static void what_went_away_meanwhile(void **state)
{
	const struct {
		enum knob_kind kind;
		const char *dir, *name, *was;
		size_t groups, gone, left;
	} rows[] = {
		{KNOB_FILE, "nowhere", "cpu.weight", "100", 0, 1, 0},
		{KNOB_GROUP, "nowhere", "", "app", 0, 0, 0},
		{KNOB_GROUP, "ours", "", "app", 1, 0, 0},
		{KNOB_GROUP, "ours", "", "app/gone/too", 1, 0, 1},
		{KNOB_CONTROL, "nowhere", "cpu", "", 0, 1, 0},
		/* Somebody else switched it off. */
		{KNOB_CONTROL, "app", "cpu", "", 1, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct knob_journal j;
		struct knob_entry e;
		struct knob_count c;
		char *dir, *was, *ours;

		if (!begin())
			skip();
		put(app, "cgroup.subtree_control", "cpuset");
		ours = mem_printf("%s/ours", root);
		mkdir(ours, 0755);
		dir = mem_printf("%s/%s", root, rows[i].dir);
		was = rows[i].kind == KNOB_GROUP
			      ? mem_printf("%s/%s", root, rows[i].was)
			      : mem_strdup(rows[i].was);
		assert_int_equal(knob_journal_open(&j), 0);
		e = knob_entry_of(rows[i].kind, dir, rows[i].name, was, "50");
		knob_journal_add(&j, &e);
		assert_int_equal(knob_undo(&j, &c), 0);
		if (c.groups != rows[i].groups || c.gone != rows[i].gone ||
		    c.left.len != rows[i].left)
			fail_msg("row %zu: %zu set back, %zu gone, %zu left", i,
				 c.groups, c.gone, c.left.len);
		if (c.left.len)
			assert_non_null(strstr(c.left.v[0], "went away"));
		assert_holds(app, "cgroup.subtree_control", "cpuset");
		knob_count_release(&c);
		knob_journal_close(&j);
		free(dir);
		free(was);
		free(ours);
	}
}

/* ---- one cgroup after the other
 * ----------------------------------------------- */

static struct knob_tune tune_of(unsigned may, unsigned set)
{
	struct knob_tune t = {.size = sizeof(t),
			      .may = may,
			      .set = set,
			      .cpu_weight = 250,
			      .cpu_max_pct = 150,
			      .uclamp_min_pct = 5,
			      .cpus = {1},
			      .cgroup = "/app"};

	assert_int_equal(knob_tune_check(&t), 0);
	return t;
}

static void tuned_and_as_it_was(void **state)
{
	struct knob_tune all = tune_of(KNOB_TUNES, KNOB_TUNES);
	struct knob_tune some = tune_of(KNOB_TUNES, KNOB_WEIGHT);
	struct knob_journal j;
	struct knob_count c;

	(void)state;
	if (!begin())
		skip();
	assert_int_equal(knob_journal_open(&j), 0);
	assert_int_equal(knob_tune_look(&all, true), 0);
	assert_int_equal(knob_tune_set(&all, &j), 0);
	assert_holds(app, "cpu.weight", "250");
	assert_holds(app, "cpu.max", "150000 100000");
	assert_holds(app, "cpuset.cpus", "0");
	assert_holds(app, "cpu.uclamp.min", "5.00");
	assert_int_equal(j.count, 4);
	/* What is asked for no more is as it was. */
	assert_int_equal(knob_tune_set(&some, &j), 0);
	assert_holds(app, "cpu.weight", "250");
	assert_holds(app, "cpu.max", "250000 100000");
	assert_holds(app, "cpuset.cpus", "1");
	assert_holds(app, "cpu.uclamp.min", "0.00");
	assert_int_equal(knob_undo(&j, &c), 0);
	assert_holds(app, "cpu.weight", "100");
	knob_count_release(&c);
	knob_journal_close(&j);
}

static void a_tuning_that_cannot_be(void **state)
{
	struct knob_tune t = tune_of(KNOB_WEIGHT, KNOB_WEIGHT), other;
	struct knob_journal j;
	struct knob_count c;

	(void)state;
	if (!begin())
		skip();
	assert_int_equal(knob_journal_open(&j), 0);
	assert_int_equal(knob_tune_set(&t, &j), 0);
	/* Somebody else wrote: that stays. */
	put(app, "cpu.weight", "777");
	assert_int_equal(knob_tune_set(&t, &j), -EEXIST);
	assert_holds(app, "cpu.weight", "777");
	/* The kernel makes something else of it. */
	put(app, "cpu.weight", "1000");
	other = tune_of(KNOB_MAX, KNOB_MAX);
	other.cpu_max_pct = 15;
	assert_int_equal(knob_tune_set(&other, &j), -EEXIST);
	assert_non_null(strstr(err_text(), "after '15000 100000' was written"));
	drop(app, "cpu.max");
	assert_int_equal(knob_tune_look(&other, true), -ENOTSUP);
	assert_non_null(strstr(err_text(), "has no 'cpu.max'"));
	assert_int_equal(knob_tune_set(&other, &j), -ENOENT);
	strcpy(t.cgroup, "/nowhere");
	assert_int_equal(knob_tune_look(&t, false), -ENOENT);
	assert_int_equal(knob_undo(&j, &c), 0);
	knob_count_release(&c);
	knob_journal_close(&j);
}

/* A list of CPUs that was empty cannot be so again: it becomes all. */
static void no_cpus_are_all_of_them(void **state)
{
	struct knob_tune t = tune_of(KNOB_CPUS, KNOB_CPUS);
	struct knob_journal j;
	struct knob_count c;

	(void)state;
	if (!begin())
		skip();
	put(app, "cpuset.cpus", "");
	t.cpus[0] = 7;
	assert_int_equal(knob_journal_open(&j), 0);
	assert_int_equal(knob_tune_set(&t, &j), 0);
	assert_holds(app, "cpuset.cpus", "0-2");
	t.set = 0;
	assert_int_equal(knob_tune_set(&t, &j), 0);
	assert_holds(app, "cpuset.cpus", "0-3");
	assert_int_equal(knob_undo(&j, &c), 0);
	knob_count_release(&c);
	knob_journal_close(&j);
}

/* ---- what is asked over a socket
 * ------------------------------------------------ */

/* What a service of this request says, which ends when that was read. */
static char *ask(const struct knob_request *r, const void *more, size_t len)
{
	volatile sig_atomic_t cancel = 0;
	char *said = mem_zalloc(65536, 1);
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_int_equal(write(s[0], r, sizeof(*r)), sizeof(*r));
	if (len)
		assert_int_equal(write(s[0], more, len), len);
	shutdown(s[0], SHUT_WR);
	knob_serve(s[1], &cancel);
	close(s[1]);
	assert_true(read(s[0], said, 65535) >= 0);
	close(s[0]);
	return said;
}

static void asked_to_tune(void **state)
{
	struct knob_request *r;
	struct knob_tune t[3];
	char *said;

	(void)state;
	if (!begin())
		skip();
	r = mem_zalloc(1, sizeof(*r));
	r->size = sizeof(*r);
	r->verb = KNOB_TUNE;
	t[0] = tune_of(KNOB_WEIGHT, KNOB_WEIGHT);
	t[1] = t[0];
	t[1].cpu_weight = 0;
	t[2] = t[0];
	t[2].cpu_weight = 350;
	said = ask(r, t, 2 * sizeof(t[0]) + sizeof(t[0]) / 2);
	assert_memory_equal(said, "held\ntuned\nrefused EINVAL ", 26);
	/* Half of the third is the end. */
	assert_non_null(strstr(said, "\ndone 0 1 0\n"));
	assert_holds(app, "cpu.weight", "100");
	free(said);
	free(r);
}

static void what_was_left_is_undone_first(void **state)
{
	static const struct {
		enum knob_verb verb;
		const char *says, *weight;
	} rows[] = {
		{KNOB_PLAN, "no EBUSY ", "250"},
		{KNOB_UNDO, "done 0 1 0\n", "100"},
		{KNOB_HOLD, "held\ndone 0 0 0 0\n", "100"},
		{KNOB_TUNE, "held\ndone 0 0 0\n", "100"},
	};
	struct knob_request *r;

	(void)state;
	if (!begin())
		skip();
	r = mem_zalloc(1, sizeof(*r));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct knob_journal j;
		struct knob_entry e;
		char *said;

		begin();
		put(app, "cpu.weight", "250");
		assert_int_equal(knob_journal_open(&j), 0);
		e = knob_entry_of(KNOB_FILE, app, "cpu.weight", "100", "250");
		knob_journal_add(&j, &e);
		assert_int_equal(knob_journal_sync(&j), 0);
		knob_journal_close(&j);
		r->size = sizeof(*r);
		r->verb = rows[i].verb;
		r->scope.pid = getpid();
		r->knobs = knobs_of("nobody-has-that", KNOB_NICE);
		said = ask(r, NULL, 0);
		if (strncmp(said, rows[i].says, strlen(rows[i].says)))
			fail_msg("row %zu: %s", i, said);
		assert_holds(app, "cpu.weight", rows[i].weight);
		free(said);
	}
	free(r);
}

/* ---- what a process may
 * --------------------------------------------------------- */

/* Of another user, or with a limit of its own; 0: not to be had here. */
static pid_t start_other(uid_t uid, rlim_t limit)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		struct rlimit r = {limit, limit};

		if (setrlimit(RLIMIT_NICE, &r) < 0 || (uid && setuid(uid)) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		end_task(pid);
		pid = 0;
	}
	close(ready[0]);
	return pid;
}

/* user_check_sched_setscheduler() and can_nice() of the kernel, by hand. */
static void without_privilege(void **state)
{
	static const struct {
		uid_t uid;
		rlim_t limit; /* 20: down to 0, 40: to -20 */
		struct attr former, now, ours;
		const char *command, *lacks; /* NULL: nothing */
	} rows[] = {
		{0, 20, {0}, {0}, {.nice = 5}, "", NULL},
		{0, 0, {0}, {0}, {.nice = 5}, "", "could not be set back"},
		{0, 19, {0}, {0}, {.nice = 5}, "", "could not be set back"},
		{0, 0, {0}, {0}, {.nice = 5}, "make", NULL},
		{0, 24, {0}, {0}, {.nice = -4}, "", NULL},
		{0, 24, {0}, {0}, {.nice = -5}, "", "cannot be raised"},
		{0, 40, {0}, {0}, {.nice = -20}, "", NULL},
		{0, RLIM_INFINITY, {0}, {0}, {.nice = -20}, "", NULL},
		{0,
		 0,
		 {.policy = SCHED_IDLE},
		 {.policy = SCHED_IDLE},
		 {.policy = SCHED_OTHER},
		 "",
		 "cannot be raised"},
		{0,
		 20,
		 {.policy = SCHED_IDLE},
		 {.policy = SCHED_IDLE},
		 {.policy = SCHED_OTHER},
		 "",
		 NULL},
		{0, 0, {0}, {0}, {.policy = SCHED_IDLE}, "", "set back"},
		{0, 0, {0}, {0}, {.policy = SCHED_BATCH}, "", NULL},
		{65534, 40, {0}, {0}, {.nice = 5}, "", "another user's"},
	};

	(void)state;
	if (geteuid())
		skip();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct knob_hold h = {0};
		struct knob_todo t = {.now = rows[i].now};

		strcpy(h.scope.command, rows[i].command);
		t.pid = start_other(rows[i].uid, rows[i].limit);
		if (!t.pid)
			continue;
		t.e.former = rows[i].former;
		t.e.ours = rows[i].ours;
		knob_may_set(&h, &t); /* sets nothing */
		assert_int_equal(h.lacks.len, 0);
		t.e.set = KNOB_NICE | KNOB_POLICY;
		knob_may_set(&h, &t);
		if (h.lacks.len != (rows[i].lacks ? 1 : 0) ||
		    (h.lacks.len && !strstr(h.lacks.v[0], rows[i].lacks)))
			fail_msg("row %zu: %s", i,
				 h.lacks.len ? h.lacks.v[0] : "nothing");
		strs_release(&h.lacks);
		h.may_nice = true;
		knob_may_set(&h, &t);
		assert_int_equal(h.lacks.len, 0);
		end_task(t.pid);
	}
}

static void a_change_in_words(void **state)
{
	struct knob_todo t = {
		.e = {.tid = 7,
		      .set = KNOB_NICE | KNOB_POLICY | KNOB_SLICE | KNOB_CPUS,
		      .ours = {.nice = 5,
			       .policy = SCHED_BATCH,
			       .slice_ns = 3000000,
			       .cpus = {5}}},
		.now = {.nice = 0,
			.policy = SCHED_OTHER,
			.slice_ns = 0,
			.cpus = {7}},
	};
	struct strs out = {0};

	(void)state;
	knob_tell(&t, &out);
	assert_int_equal(out.len, 1);
	assert_string_equal(out.v[0],
			    "task 7: nice 5, now 0; policy batch, now other; "
			    "slice 3000 us, now 0; CPUs 0,2, now 0-2");
	strs_release(&out);
	/* Nothing of what is so already. */
	t.now = t.e.ours;
	t.now.nice = 1;
	t.e.set &= ~(unsigned)KNOB_NICE;
	knob_tell(&t, &out);
	assert_int_equal(out.len, 0);
	strs_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scope_is_set_and_set_back),
		cmocka_unit_test(what_a_scope_lacks_is_named),
		cmocka_unit_test(who_is_in_a_cgroup),
		cmocka_unit_test(processes_go_into_one_of_ours),
		cmocka_unit_test(what_went_away_meanwhile),
		cmocka_unit_test(tuned_and_as_it_was),
		cmocka_unit_test(a_tuning_that_cannot_be),
		cmocka_unit_test(no_cpus_are_all_of_them),
		cmocka_unit_test(asked_to_tune),
		cmocka_unit_test(what_was_left_is_undone_first),
		cmocka_unit_test(without_privilege),
		cmocka_unit_test(a_change_in_words),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
