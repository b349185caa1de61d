/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was changed for knobs, written down and undone: on real tasks. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cgroup.h"
#include "base/mem.h"
#include "base/task.h"
#include "base/temp.h"
#include "knob/hold.h"
#include "knob/request.h"
#include "knob/tune.h"
#include "knob/undo.h"

static char *folder, *file;

static int make_folder(void **state)
{
	(void)state;
	folder = mem_strdup("/tmp/knob-XXXXXX");
	assert_non_null(mkdtemp(folder));
	file = mem_printf("%s/knobs.journal", folder);
	setenv("SCHEDKIT_RUN", folder, 1);
	return 0;
}

static int drop_folder(void **state)
{
	(void)state;
	temp_clear(folder);
	free(folder);
	free(file);
	return 0;
}

static void path_write(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static pid_t start_task(void)
{
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	assert_true(pid > 0);
	return pid;
}

static void end_task(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* As it is, and as it would be four nicer. */
/* A nice value can be taken back by whom the kernel lets. */
static bool nice_comes_back(void)
{
	int status = 1, now = getpriority(PRIO_PROCESS, 0);
	pid_t pid = fork();

	if (!pid)
		_exit(now > 18 || setpriority(PRIO_PROCESS, 0, now + 1) < 0 ||
		      setpriority(PRIO_PROCESS, 0, now) < 0);
	waitpid(pid, &status, 0);
	return !status;
}

static struct knob_entry entry_of(pid_t pid)
{
	struct knob_entry e = {.kind = KNOB_TASK,
			       .tid = pid,
			       .start = task_start(pid),
			       .set = KNOB_NICE | KNOB_POLICY,
			       .rule = -1};

	assert_int_equal(attr_read(pid, &e.former), 0);
	e.since = e.start;
	e.ours = e.former;
	if (nice_comes_back())
		e.ours.nice = e.former.nice > 15 ? e.former.nice - 4
						 : e.former.nice + 4;
	else
		e.set &= ~(unsigned)KNOB_NICE;
	e.ours.policy =
		e.former.policy == SCHED_BATCH ? SCHED_OTHER : SCHED_BATCH;
	return e;
}

static void assert_same(const struct attr *a, const struct attr *b)
{
	assert_memory_equal(a, b, sizeof(*a));
}

static void a_line_says_it_all(void **state)
{
	struct knob_entry t = entry_of(getpid()), f;
	struct knob_journal j;

	(void)state;
	t.former.nice = -20;
	t.ours.cpus[7] = 1ull << 63;
	assert_int_equal(knob_journal_open(&j), 0);
	knob_journal_add(&j, &t);
	f = knob_entry_of(KNOB_FILE, "/a b/%\n.", "cpu.max", "", "5 100000");
	knob_journal_add(&j, &f);
	assert_int_equal(knob_journal_sync(&j), 0);
	knob_journal_close(&j);
	assert_int_equal(knob_journal_read(&j, false), 0);
	assert_int_equal(j.count, 2);
	assert_int_equal(j.v[0].tid, getpid());
	assert_true(j.v[0].start == t.start && j.v[0].set == t.set);
	assert_same(&j.v[0].former, &t.former);
	assert_same(&j.v[0].ours, &t.ours);
	assert_string_equal(j.v[1].dir, "/a b/%\n.");
	assert_string_equal(j.v[1].was, "");
	assert_string_equal(j.v[1].is, "5 100000");
	knob_journal_close(&j);
	unlink(file);
}

/* Cut off anywhere, what is before the cut is there and nothing else. */
static void torn_at_every_byte(void **state)
{
	struct knob_journal j;
	struct buf whole;
	size_t lines = 0;

	(void)state;
	assert_int_equal(knob_journal_open(&j), 0);
	for (int i = 0; i < 4; i++) {
		struct knob_entry e = entry_of(getpid());

		e.tid = 100 + i;
		knob_journal_add(&j, &e);
		assert_int_equal(knob_journal_sync(&j), 0);
	}
	knob_journal_close(&j);
	buf_init(&whole, 1 << 20);
	assert_int_equal(buf_read_file(&whole, file), 0);
	for (size_t cut = 0; cut <= whole.len; cut++) {
		struct knob_entry e = entry_of(getpid());

		path_write(file, whole.data, cut);
		lines += cut && whole.data[cut - 1] == '\n';
		assert_int_equal(knob_journal_open(&j), 0);
		assert_int_equal(j.count, lines ? lines - 1 : 0);
		/* And it goes on behind it. */
		knob_journal_add(&j, &e);
		assert_int_equal(knob_journal_sync(&j), 0);
		knob_journal_close(&j);
		assert_int_equal(knob_journal_read(&j, false), 0);
		/* Whole but for its newline, it gets that now. */
		assert_int_equal(j.count, (lines ? lines : 1) +
						  (lines && cut < whole.len &&
						   whole.data[cut] == '\n'));
		assert_non_null(knob_journal_task(&j, e.tid, e.start));
		knob_journal_close(&j);
	}
	buf_release(&whole);
	unlink(file);
}

/* The head and one line, a word of which is another one, or not there. */
static size_t read_with(const struct buf *whole, size_t word, const char *with)
{
	const char *at = strchr(whole->data, '\n') + 1, *end;
	struct knob_journal j;
	struct buf b;
	size_t count;

	buf_init(&b, 1 << 20);
	for (size_t i = 0; i < word; i++)
		at = strchr(at, ' ') + 1;
	end = at + strcspn(at, " \n");
	buf_add(&b, whole->data, (size_t)(at - whole->data));
	buf_puts(&b, with);
	buf_puts(&b, *with ? end : end + 1);
	path_write(file, b.data, b.len);
	assert_int_equal(knob_journal_read(&j, false), 0);
	count = j.count;
	knob_journal_close(&j);
	buf_release(&b);
	return count;
}

/* A line that lacks a word, or has what is none, says nothing. */
static void a_damaged_line_does_not_count(void **state)
{
	struct knob_entry e[2] = {
		entry_of(getpid()),
		knob_entry_of(KNOB_FILE, "/a b", "cpu.max", "max", "5"),
	};
	const size_t words[2] = {13, 5};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct knob_journal j;
		struct buf whole;

		assert_int_equal(knob_journal_open(&j), 0);
		knob_journal_add(&j, &e[i]);
		assert_int_equal(knob_journal_sync(&j), 0);
		knob_journal_close(&j);
		buf_init(&whole, 1 << 20);
		assert_int_equal(buf_read_file(&whole, file), 0);
		assert_int_equal(read_with(&whole, 0,
					   e[i].kind == KNOB_TASK ? "t" : "f"),
				 1);
		for (size_t k = 0; k < words[i]; k++) {
			if (read_with(&whole, k, "") ||
			    read_with(&whole, k, "?"))
				fail_msg("kind %d, word %zu", e[i].kind, k);
		}
		/* A number of a task that none can have. */
		assert_int_equal(read_with(&whole, 1, "2147483648"), 0);
		buf_release(&whole);
		unlink(file);
	}
}

/* What was replaced a thousand times is not kept for ever. */
static void it_does_not_grow_for_ever(void **state)
{
	struct knob_journal j;
	struct stat before, after;

	(void)state;
	assert_int_equal(knob_journal_open(&j), 0);
	for (int i = 0; i < 1200; i++) {
		struct knob_entry e = entry_of(getpid());

		/* Half are of tasks that ended since. */
		e.tid = 1000 + i / 2;
		e.ours.nice = i % 2;
		knob_journal_add(&j, &e)->gone = i < 1100;
	}
	assert_int_equal(knob_journal_sync(&j), 0);
	assert_int_equal(stat(file, &before), 0);
	assert_int_equal(knob_journal_compact(&j), 0);
	assert_int_equal(j.count, 50);
	assert_int_equal(stat(file, &after), 0);
	assert_true(after.st_size * 10 < before.st_size);
	assert_int_equal(after.st_mode & 0777, 0644);
	for (int i = 0; i < 2; i++) {
		const struct knob_entry *e =
			knob_journal_task(&j, 1599, entry_of(getpid()).start);

		assert_non_null(e);
		assert_int_equal(e->ours.nice, 1);
		assert_null(knob_journal_task(&j, 1400, e->start));
		knob_journal_close(&j);
		assert_int_equal(knob_journal_open(&j), 0);
		assert_int_equal(j.count, 50);
	}
	knob_journal_end(&j);
	knob_journal_close(&j);
}

static void of_another_boot(void **state)
{
	struct knob_entry e = entry_of(getpid());
	struct knob_journal j;
	int fd;

	(void)state;
	assert_int_equal(knob_journal_open(&j), 0);
	knob_journal_add(&j, &e);
	assert_int_equal(knob_journal_sync(&j), 0);
	knob_journal_close(&j);
	fd = open(file, O_WRONLY);
	assert_int_equal(pwrite(fd, "boot 0", 6, 0), 6);
	close(fd);
	assert_int_equal(knob_journal_open(&j), 0);
	assert_int_equal(j.count, 0);
	knob_journal_end(&j);
	knob_journal_close(&j);
}

/* ---- undoing ---------------------------------------------------------- */

/* Whatever had been done of it when its process died. */
static void set_or_not_it_is_undone(void **state)
{
	(void)state;
	for (unsigned done = 0; done < 4; done++) {
		pid_t pid = start_task();
		struct knob_entry e = entry_of(pid);
		struct knob_journal j;
		struct knob_count c;
		struct attr now;

		assert_int_equal(knob_journal_open(&j), 0);
		knob_journal_add(&j, &e);
		assert_int_equal(knob_journal_sync(&j), 0);
		attr_put(pid,
			 (done & 1 ? KNOB_NICE : 0) |
				 (done & 2 ? KNOB_POLICY : 0),
			 &e.ours);
		/* Twice: it may die over the undoing, too. */
		for (int i = 0; i < 2; i++) {
			assert_int_equal(knob_undo(&j, &c), 0);
			assert_int_equal(c.tasks, 1);
			assert_int_equal(c.left.len, 0);
			knob_count_release(&c);
		}
		assert_int_equal(attr_read(pid, &now), 0);
		assert_same(&now, &e.former);
		knob_journal_close(&j);
		assert_int_equal(access(file, F_OK), -1);
		end_task(pid);
	}
}

static void another_task_of_that_number(void **state)
{
	pid_t pid = start_task();
	struct knob_entry e = entry_of(pid);
	struct knob_journal j;
	struct knob_count c;
	struct attr now;

	(void)state;
	attr_put(pid, e.set, &e.ours);
	e.start--;
	assert_int_equal(knob_journal_open(&j), 0);
	knob_journal_add(&j, &e);
	assert_int_equal(knob_undo(&j, &c), 0);
	assert_int_equal(c.gone, 1);
	assert_int_equal(c.tasks, 0);
	attr_read(pid, &now);
	assert_int_equal(now.nice, e.ours.nice);
	knob_count_release(&c);
	knob_journal_close(&j);
	end_task(pid);
}

static void what_others_changed_is_theirs(void **state)
{
	pid_t pid = start_task();
	struct knob_entry e = entry_of(pid);
	struct knob_journal j;
	struct knob_count c;
	struct attr now;
	char *words;

	(void)state;
	if (!(e.set & KNOB_NICE)) {
		end_task(pid);
		skip();
	}
	attr_put(pid, e.set, &e.ours);
	assert_int_equal(setpriority(PRIO_PROCESS, (id_t)pid, e.ours.nice + 1),
			 0);
	assert_int_equal(knob_journal_open(&j), 0);
	knob_journal_add(&j, &e);
	assert_int_equal(knob_undo(&j, &c), 0);
	assert_int_equal(c.left.len, 1);
	words = mem_printf("task %d: its nice value is %d now", pid,
			   e.ours.nice + 1);
	assert_string_equal(c.left.v[0], words);
	attr_read(pid, &now);
	assert_int_equal(now.nice, e.ours.nice + 1);
	assert_int_equal(now.policy, e.former.policy);
	free(words);
	knob_count_release(&c);
	knob_journal_close(&j);
	end_task(pid);
}

/* It had inherited what its parent was given, and nobody had seen it. */
static void a_child_of_meanwhile(void **state)
{
	int out[2];
	struct knob_entry e;
	struct knob_journal j;
	struct knob_count c;
	struct attr now;
	pid_t pid, child;

	(void)state;
	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (!pid) {
		raise(SIGSTOP);
		child = start_task();
		if (write(out[1], &child, sizeof(child)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	waitpid(pid, NULL, WUNTRACED);
	e = entry_of(pid);
	attr_put(pid, e.set, &e.ours);
	kill(pid, SIGCONT);
	assert_int_equal(read(out[0], &child, sizeof(child)), sizeof(child));
	attr_read(child, &now);
	assert_int_equal(now.nice, e.ours.nice);
	assert_int_equal(knob_journal_open(&j), 0);
	knob_journal_add(&j, &e);
	assert_int_equal(knob_undo(&j, &c), 0);
	attr_read(child, &now);
	assert_same(&now, &e.former);
	knob_count_release(&c);
	knob_journal_close(&j);
	kill(child, SIGKILL);
	end_task(pid);
	close(out[0]);
	close(out[1]);
}

static void files_of_cgroups(void **state)
{
	static const struct {
		const char *now, *after;
		size_t left, gone;
	} rows[] = {
		{"50", "100", 0, 0},  /* ours */
		{"100", "100", 0, 0}, /* not yet set, or set back already */
		{"70", "70", 1, 0},   /* somebody else's */
		{NULL, NULL, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct knob_entry e = knob_entry_of(KNOB_FILE, folder,
						    "cpu.weight", "100", "50");
		char *path = mem_printf("%s/cpu.weight", folder), *held;
		struct knob_journal j;
		struct knob_count c;

		unlink(path);
		if (rows[i].now)
			path_write(path, rows[i].now, strlen(rows[i].now));
		assert_int_equal(knob_journal_open(&j), 0);
		knob_journal_add(&j, &e);
		assert_int_equal(knob_undo(&j, &c), 0);
		assert_int_equal(c.left.len, rows[i].left);
		assert_int_equal(c.gone, rows[i].gone);
		held = cgroup_read(folder, "cpu.weight");
		if (rows[i].after)
			assert_memory_equal(held, rows[i].after,
					    strlen(rows[i].after));
		free(held);
		knob_count_release(&c);
		knob_journal_close(&j);
		unlink(path);
		free(path);
	}
}

/* Set again and again: whichever of ours is in it when the process dies, it is
 * undone; and what it holds in the file is read back as it was in memory. */
static void files_that_change(void **state)
{
	static const struct {
		const char *now, *after;
		size_t left;
	} rows[] = {
		{"50", "100", 0}, /* the next one was not yet written */
		{"60", "100", 0}, {"100", "100", 0},
		{"40", "40", 1}, /* what was ours once is not ours for ever */
		{"70", "70", 1},
	};
	char *path = mem_printf("%s/cpu.weight", folder), *held;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		const char *ours[] = {"40", "50", "60"};
		const char *now = rows[i / 2].now;
		struct knob_journal j;
		struct knob_count c;

		path_write(path, now, strlen(now));
		assert_int_equal(knob_journal_open(&j), 0);
		for (size_t k = 0; k < ARRAY_LEN(ours); k++) {
			struct knob_entry e =
				knob_entry_of(KNOB_FILE, folder, "cpu.weight",
					      "100", ours[k]);

			knob_journal_add(&j, &e);
		}
		assert_int_equal(j.count, 1);
		assert_int_equal(j.dropped, 2);
		if (i % 2) {
			assert_int_equal(knob_journal_sync(&j), 0);
			knob_journal_close(&j);
			assert_int_equal(knob_journal_open(&j), 0);
			assert_int_equal(j.count, 1);
		}
		assert_int_equal(knob_undo(&j, &c), 0);
		assert_int_equal(c.left.len, rows[i / 2].left);
		held = cgroup_read(folder, "cpu.weight");
		assert_string_equal(held, rows[i / 2].after);
		free(held);
		knob_count_release(&c);
		knob_journal_close(&j);
	}
	unlink(path);
	free(path);
}

static void tunings_are_checked(void **state)
{
	struct knob_tune t = {.size = sizeof(t)}, good;

	(void)state;
	assert_int_equal(knob_tune_check(&t), -EINVAL);
	t.may = KNOB_TUNES;
	assert_int_equal(knob_tune_check(&t), 0);
	t.set = KNOB_NICE;
	assert_int_equal(knob_tune_check(&t), -EINVAL);
	t.set = KNOB_TUNES;
	t.cpu_weight = 10000;
	t.cpu_max_pct = 150;
	t.uclamp_min_pct = 100;
	t.cpus[0] = 2;
	assert_int_equal(knob_tune_check(&t), 0);
	good = t;
	t.cpu_weight = 0;
	assert_int_equal(knob_tune_check(&t), -EINVAL);
	t = good;
	t.cpu_max_pct = NAN;
	assert_int_equal(knob_tune_check(&t), -EINVAL);
	t = good;
	t.uclamp_min_pct = 100.1;
	assert_int_equal(knob_tune_check(&t), -EINVAL);
	t = good;
	t.cpus[0] = 0;
	assert_int_equal(knob_tune_check(&t), -EINVAL);
	t = good;
	t.may = KNOB_WEIGHT;
	assert_int_equal(knob_tune_check(&t), -EINVAL);
	t = good;
	memset(t.cgroup, '/', sizeof(t.cgroup));
	assert_int_equal(knob_tune_check(&t), -EINVAL);
	strcpy(good.cgroup, "/no-such-cgroup");
	assert_true(knob_tune_look(&good, true) < 0);
}

/* The real thing: a cgroup that was made goes, and who was in it is back. */
static void a_cgroup_of_ours(void **state)
{
	char *root = cgroup_root(), *home, *dir, word[16], *in;
	pid_t pid = start_task();
	struct knob_journal j;
	struct knob_count c;
	struct knob_entry e;

	(void)state;
	home = root ? cgroup_of(root, pid) : NULL;
	dir = root ? mem_printf("%s/knob-test-%d", root, getpid()) : NULL;
	snprintf(word, sizeof(word), "%d", pid);
	if (!dir || mkdir(dir, 0755) < 0 ||
	    cgroup_write(dir, "cgroup.procs", word)) {
		if (dir)
			rmdir(dir);
		end_task(pid);
		skip();
		return;
	}
	assert_int_equal(knob_journal_open(&j), 0);
	e = knob_entry_of(KNOB_GROUP, dir, "", home, "");
	knob_journal_add(&j, &e);
	assert_int_equal(knob_undo(&j, &c), 0);
	assert_int_equal(c.groups, 1);
	assert_int_equal(access(dir, F_OK), -1);
	in = cgroup_of(root, pid);
	assert_string_equal(in, home);
	knob_count_release(&c);
	knob_journal_close(&j);
	end_task(pid);
	free(in);
	free(dir);
	free(home);
	free(root);
}

/* ---- holding ---------------------------------------------------------- */

static void a_tree_is_held_and_let_go(void **state)
{
	struct knobs k = {.count = 1, .set = KNOB_NICE | KNOB_CPUS};
	struct knob_scope s = {.where = KNOB_TREE};
	struct strs changes = {0};
	struct knob_journal j;
	struct knob_hold *h;
	struct knob_count c;
	struct attr before, now;
	pid_t pid = start_task();

	(void)state;
	strcpy(k.rules[0].match, "*");
	k.rules[0].set = k.set;
	k.rules[0].nice = 19;
	k.rules[0].cpus[0] = 1;
	s.pid = pid;
	assert_int_equal(knobs_check(&k), 0);
	attr_read(pid, &before);
	assert_int_equal(knob_journal_open(&j), 0);
	assert_int_equal(knob_hold_open(&k, &s, &j, &h), 0);
	/* Without privilege it could not be undone. */
	if (geteuid()) {
		assert_int_equal(knob_hold_look(h), -EPERM);
		goto out;
	}
	assert_int_equal(knob_hold_plan(h, &changes), 0);
	attr_read(pid, &now);
	assert_same(&now, &before);
	assert_int_equal(knob_hold_look(h), 0);
	assert_int_equal(knob_hold_look(h), 0);
	attr_read(pid, &now);
	assert_int_equal(now.nice, 19);
	assert_int_equal(now.cpus[0], 1);
	assert_int_equal(knob_hold_tasks(h, 0), 1);
	knob_in_force(&j, &c);
	assert_int_equal(c.tasks, 1);
	knob_count_release(&c);
	assert_int_equal(knob_undo(&j, &c), 0);
	attr_read(pid, &now);
	assert_same(&now, &before);
	knob_count_release(&c);
out:
	strs_release(&changes);
	knob_hold_free(h);
	knob_journal_end(&j);
	knob_journal_close(&j);
	end_task(pid);
}

static void requests_are_checked(void **state)
{
	struct knob_request *r = mem_zalloc(1, sizeof(*r));

	(void)state;
	assert_int_equal(knob_request_check(r), -EINVAL);
	r->size = sizeof(*r);
	assert_int_equal(knob_request_check(r), -EINVAL);
	r->knobs.count = 1;
	strcpy(r->knobs.rules[0].match, "*");
	r->knobs.rules[0].set = r->knobs.set = KNOB_NICE;
	assert_int_equal(knob_request_check(r), 0);
	r->knobs.rules[0].nice = 20;
	assert_int_equal(knob_request_check(r), -EINVAL);
	r->knobs.rules[0].nice = 1;
	memset(r->knobs.rules[0].match, 'x', sizeof(r->knobs.rules[0].match));
	assert_int_equal(knob_request_check(r), -EINVAL);
	strcpy(r->knobs.rules[0].match, "a");
	r->knobs.count = KNOBS_MAX_RULES + 1;
	assert_int_equal(knob_request_check(r), -EINVAL);
	r->knobs.count = 1;
	strcpy(r->policy, "model text");
	assert_int_equal(knob_request_check(r), -EINVAL);
	r->policy[0] = '\0';
	memset(r->scope.cgroup, '/', sizeof(r->scope.cgroup));
	assert_int_equal(knob_request_check(r), -EINVAL);
	free(r);
}

/* Whoever asks says which; there is none above the root of them all. */
static void no_cgroup_is_above_the_root(void **state)
{
	static const char *const above[] = {"..",    "/..",	"a/..",
					    "../..", "a/../..", "../x"};
	char *in = mem_printf("%s/a", folder), *found;

	(void)state;
	assert_int_equal(mkdir(in, 0755), 0);
	found = cgroup_folder(folder, "/a/");
	assert_string_equal(found, in);
	free(found);
	for (size_t i = 0; i < ARRAY_LEN(above); i++)
		assert_null(cgroup_folder(folder, above[i]));
	/* A name with dots is one. */
	assert_int_equal(rmdir(in), 0);
	free(in);
	in = mem_printf("%s/..a", folder);
	assert_int_equal(mkdir(in, 0755), 0);
	found = cgroup_folder(folder, "..a");
	assert_string_equal(found, in);
	free(found);
	free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_says_it_all),
		cmocka_unit_test(torn_at_every_byte),
		cmocka_unit_test(a_damaged_line_does_not_count),
		cmocka_unit_test(it_does_not_grow_for_ever),
		cmocka_unit_test(of_another_boot),
		cmocka_unit_test(set_or_not_it_is_undone),
		cmocka_unit_test(another_task_of_that_number),
		cmocka_unit_test(what_others_changed_is_theirs),
		cmocka_unit_test(a_child_of_meanwhile),
		cmocka_unit_test(files_of_cgroups),
		cmocka_unit_test(files_that_change),
		cmocka_unit_test(tunings_are_checked),
		cmocka_unit_test(a_cgroup_of_ours),
		cmocka_unit_test(a_tree_is_held_and_let_go),
		cmocka_unit_test(requests_are_checked),
		cmocka_unit_test(no_cgroup_is_above_the_root),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
