/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Versioned files of agents and the notes' index, judged by git itself. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strs.h"
#include "base/temp.h"
#include "history/file.h"
#include "history/recall.h"

static char *base;
static struct history *h;
static struct files *f;

static int run(const char *const *argv, struct buf *out)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;

	spec.argv = (char *const *)argv;
	spec.out = out;
	spec.out_fd = -1;
	spec.err_fd = -1;
	assert_int_equal(proc_run(&spec, &res), 0);
	return res.exit_status;
}

/* What git says, without its last newline; to be freed. */
#define GIT(...) \
	git_says((const char *const[]){"git", "-C", base, __VA_ARGS__, NULL})

static char *git_says(const char *const *argv)
{
	struct buf out;
	int status;

	buf_init(&out, 1 << 20);
	status = run(argv, &out);
	if (status)
		fail_msg("git %s: %s", argv[3], out.data ? out.data : "");
	while (out.len && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	return buf_take(&out);
}

static void assert_git(char *said, const char *want)
{
	assert_string_equal(said, want);
	free(said);
}

static void at(const char *seconds)
{
	setenv("SCHEDKIT_TIME", seconds, 1);
}

static int fresh(void **state)
{
	/* In memory if there is such a place: each commit waits for the disk.
	 */
	char shm[] = "/dev/shm/schedkit-files.XXXXXX";
	char tmp[] = "/tmp/schedkit-files.XXXXXX";
	char *dir = mkdtemp(shm);

	(void)state;
	at("1795230000");
	dir = dir ? dir : mkdtemp(tmp);
	assert_non_null(dir);
	base = mem_strdup(dir);
	if (history_open(base, true, &h))
		fail_msg("%s", err_text());
	f = files_new(h);
	return 0;
}

static int away(void **state)
{
	(void)state;
	files_free(f);
	history_close(h);
	temp_clear(base);
	free(base);
	return 0;
}

static void ok(int rc)
{
	if (rc)
		fail_msg("%d: %s", rc, err_text());
}

static long put(const char *agent, const char *name, const char *text)
{
	struct file_version v;

	ok(file_put(f, agent, name, text, strlen(text), FILE_ANY, &v));
	ok(files_commit(f));
	return v.version;
}

static void assert_content(const char *owner, const char *name, long version,
			   const char *want)
{
	struct file_version v;
	struct buf b;

	buf_init(&b, FILE_SIZE_MAX);
	ok(file_get(f, owner, name, version, &b, &v));
	assert_int_equal(b.len, strlen(want));
	assert_int_equal(v.size, strlen(want));
	assert_memory_equal(b.len ? b.data : "", want, b.len);
	buf_release(&b);
}

/* ---- versions ----------------------------------------------------------- */

static int count_down(void *arg, const struct file_version *v)
{
	long *next = arg;

	assert_int_equal(v->version, (*next)--);
	return 0;
}

static void test_versions(void **state)
{
	struct file_version v;
	long next = 3;

	(void)state;
	assert_int_equal(put("a", "dir/plan.md", "one"), 1);
	at("1795230060");
	assert_int_equal(put("a", "other", "x"), 1);
	assert_int_equal(put("a", "dir/plan.md", "two"), 2);
	assert_int_equal(put("a", "dir/plan.md", "two"), 2); /* the same */
	assert_int_equal(put("b", "dir/plan.md", "of b"), 1);
	assert_int_equal(put("a", "dir/plan.md", ""), 3);
	assert_content("a", "dir/plan.md", 0, "");
	assert_content("a", "dir/plan.md", 1, "one");
	assert_content("a", "dir/plan.md", 2, "two");
	assert_content("b", "dir/plan.md", 0, "of b");
	ok(file_log(f, "a", "dir/plan.md", count_down, &next));
	assert_int_equal(next, 0);
	assert_int_equal(file_get(f, "a", "dir/plan.md", 4, NULL, &v), -ENOENT);
	assert_int_equal(file_get(f, "a", "nothing", 0, NULL, &v), -ENOENT);
	assert_int_equal(file_get(f, "c", "other", 0, NULL, &v), -ENOENT);
	ok(file_get(f, "a", "dir/plan.md", 1, NULL, &v));
	assert_int_equal(v.time, 1795230000);
	assert_git(GIT("cat-file", "-p", v.blob), "one");
}

static void test_rollback(void **state)
{
	struct file_version v;

	(void)state;
	put("a", "f", "one");
	put("a", "f", "two");
	ok(file_rollback(f, "a", "f", 1, &v));
	ok(files_commit(f));
	assert_int_equal(v.version, 3);
	assert_int_equal(v.of, 1);
	assert_content("a", "f", 0, "one");
	assert_content("a", "f", 2, "two"); /* nothing is lost */
	ok(file_rollback(f, "a", "f", 3, &v));
	assert_int_equal(v.version, 3); /* it is like that */
	assert_int_equal(file_rollback(f, "a", "f", 9, &v), -ENOENT);
	assert_int_equal(file_rollback(f, "a", "f", 0, &v), -EINVAL);
	assert_int_equal(file_rollback(f, "b", "f", 1, &v), -ENOENT);
	files_abort(f);
	assert_git(GIT("log", "--format=%s", FILES_REF),
		   "rollback: f of a, version 3 is version 1\n"
		   "put: f of a, version 2\nput: f of a, version 1");
	assert_git(GIT("log", "-1",
		       "--format=%(trailers:key=Version,valueonly)", FILES_REF,
		       "--", "a/files/f"),
		   "3");
	assert_git(GIT("show", FILES_REF ":a/files/f"), "one");
}

static void test_compare_and_put(void **state)
{
	struct file_version v;

	(void)state;
	ok(file_put(f, "a", "f", "1", 1, 0, &v));
	assert_int_equal(file_put(f, "a", "f", "2", 1, 0, &v), -ESTALE);
	ok(file_put(f, "a", "f", "2", 1, 1, &v));
	assert_int_equal(v.version, 2);
	assert_int_equal(file_put(f, "a", "f", "3", 1, 1, &v), -ESTALE);
	ok(files_commit(f));
	assert_content("a", "f", 0, "2");
}

static void test_together_or_not(void **state)
{
	struct files *g = files_new(h);
	struct file_version v;

	(void)state;
	ok(file_put(f, "a", "f", "1", 1, FILE_ANY, &v));
	ok(file_put(f, "a", "g", "1", 1, FILE_ANY, &v));
	assert_content("a", "f", 0, "1"); /* the writer sees it */
	assert_int_equal(file_get(g, "a", "f", 0, NULL, &v), -ENOENT);
	files_abort(f);
	assert_int_equal(file_get(f, "a", "f", 0, NULL, &v), -ENOENT);
	put("a", "f", "2");
	ok(file_get(g, "a", "f", 0, NULL, &v));
	assert_int_equal(v.version, 1);
	files_free(g);
}

/* Somebody pushes in the middle of a transaction. */
static void test_moved_meanwhile(void **state)
{
	struct file_version v;

	(void)state;
	put("a", "f", "1");
	put("a", "f", "2");
	ok(file_put(f, "a", "f", "3", 1, FILE_ANY, &v));
	free(GIT("update-ref", FILES_REF, FILES_REF "~1"));
	assert_int_equal(files_commit(f), -ESTALE);
	ok(file_put(f, "a", "f", "3", 1, FILE_ANY, &v));
	ok(files_commit(f));
	assert_int_equal(v.version, 2);
}

static void test_many_versions(void **state)
{
	struct file_version v;
	char text[16];

	(void)state;
	for (int i = 1; i <= 300; i++) {
		snprintf(text, sizeof(text), "%d", i);
		ok(file_put(f, "a", "f", text, strlen(text), FILE_ANY, &v));
	}
	ok(files_commit(f));
	for (int i = 1; i <= 300; i += 37) {
		snprintf(text, sizeof(text), "%d", i);
		assert_content("a", "f", i, text);
	}
	free(GIT("gc", "-q", "--prune=now"));
	assert_content("a", "f", 1, "1");
	free(GIT("fsck", "--strict", "--no-dangling"));
}

/* ---- kill -9 ------------------------------------------------------------ */

#define KILLS 200
#define PUTS  1000

/* Puts and acknowledges until it is killed. */
static void __attribute__((noreturn)) putter(int fd, int round)
{
	struct history *own;
	struct files *g;
	struct file_version v = {0};
	char text[32];

	/* As a process of its own: with the numbers that its parent's libgit2
	 * draws, it would give what it writes the names of what an earlier one
	 * left behind. */
	files_free(f);
	history_close(h);
	if (history_open(base, true, &own) ||
	    write(fd, &v, sizeof(v)) != sizeof(v))
		_exit(1);
	g = files_new(own);
	for (int i = 0; i < PUTS; i++) {
		snprintf(text, sizeof(text), "%d %d", round, i);
		if (file_put(g, "a", "f", text, strlen(text), FILE_ANY, &v) ||
		    files_commit(g) || write(fd, &v, sizeof(v)) != sizeof(v))
			_exit(1);
	}
	_exit(0);
}

/* What was acknowledged in a pipe is there. */
static size_t check_said(int fd)
{
	struct file_version said, v;
	size_t n = 0;

	while (read(fd, &said, sizeof(said)) == sizeof(said)) {
		ok(file_get(f, "a", "f", said.version, NULL, &v));
		assert_string_equal(v.blob, said.blob);
		n++;
	}
	return n;
}

/* What some puts take here, in microseconds. */
static uint64_t time_of_puts(void)
{
	double begun = clock_monotonic();

	for (int i = 0; i < 4; i++)
		put("a", "f", i % 2 ? "odd" : "even");
	return (uint64_t)((clock_monotonic() - begun) * 1e6) + 1;
}

static void test_kills(void **state)
{
	uint64_t longest = 0;
	struct file_version ready;
	size_t said = 0;
	struct rng r;
	int status;

	(void)state;
	rng_init(&r, 3);
	for (int i = 0; i < KILLS; i++) {
		int p[2];
		pid_t pid;

		/* Others may take more or less of the machine by now. */
		if (i % 20 == 0)
			longest = time_of_puts();
		assert_int_equal(pipe(p), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (!pid)
			putter(p[1], i);
		close(p[1]);
		assert_int_equal(read(p[0], &ready, sizeof(ready)),
				 sizeof(ready));
		usleep((useconds_t)rng_below(&r, longest));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status)); /* it did not fail */
		said += check_said(p[0]);
		close(p[0]);
	}
	print_message("%d kills, %zu versions acknowledged\n", KILLS, said);
	assert_true(said > 50);
	put("a", "f", "after all");
	free(GIT("fsck", "--strict", "--no-dangling"));
}

/* What a put takes beside a lock with this in it, and a mark. */
static double time_of_put(const char *lock, const char *held, const char *mark,
			  const char *text)
{
	static int n;
	char content[16];
	double begun;

	snprintf(content, sizeof(content), "put %d", ++n);
	ok(path_write_atomic(lock, held, strlen(held)));
	ok(path_write_atomic(mark, text, strlen(text)));
	begun = clock_monotonic();
	put("a", "f", content);
	return clock_monotonic() - begun;
}

/* A lock that a writer of ours left is gone at once, one of git's is not. */
static void test_left_lock(void **state)
{
	char *lock = mem_printf("%s/" FILES_REF ".lock", base);
	char *mark = mem_printf("%s/schedkit.moving", base);
	const char *oid = "0123456789012345678901234567890123456789";
	char *text = mem_printf(FILES_REF " %s", oid);
	const char *const ours[] = {oid, ""};
	struct timespec old[2] = {{0}};
	double begun, took;

	(void)state;
	put("a", "f", "1");
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		took = INFINITY;
		/* Where the disk is busy no put is quick. */
		for (int n = 0; n < 5 && took >= 2; n++)
			took = time_of_put(lock, ours[i], mark, text);
		assert_true(took < 2);
	}
	assert_int_equal(access(mark, F_OK), -1);
	/* Another's: its content is not ours. */
	ok(path_write_atomic(lock, "ffff", 4));
	ok(path_write_atomic(mark, text, strlen(text)));
	begun = clock_monotonic();
	old[0].tv_sec = old[1].tv_sec = time(NULL) - 3;
	assert_int_equal(utimensat(AT_FDCWD, lock, old, 0), 0);
	put("a", "f", "4"); /* after 5 seconds it is nobody's */
	assert_true(clock_monotonic() - begun > 0.9);
	free(text);
	free(mark);
	free(lock);
}

/* ---- names -------------------------------------------------------------- */

static void test_names(void **state)
{
	static const char *const bad[] = {
		"",
		"/etc/passwd",
		"..",
		"a/../b",
		"a//b",
		"a/",
		".git",
		"a/.git/config",
		".GIT",
		"git~1",
		"a\nb",
		"a\x1b[2J",
		"a\\b",
		"c:x",
		"a/b.",
		" a",
		"\xff",
		"a\xed\xa0\x80",
		"\xe2\x80\x8cgit",
		"a\x7f",
		"x/ ",
		".gitmodules",
		"\xe2\x80\xae.txt",
		"1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17"};
	static const char *const good[] = {"a",	    "b/c/d.txt", "Zürich.md",
					   "x y z", "git",	 "a~b",
					   "HEAD",  "a@{1}",	 "-x"};
	struct file_version v;
	char name[FILE_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (file_name_check(bad[i]) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
	memset(name, 'n', sizeof(name));
	name[FILE_NAME_MAX + 1] = '\0';
	assert_int_equal(file_name_check(name), -EINVAL);
	name[FILE_NAME_MAX] = '\0';
	assert_int_equal(file_name_check(name), 0);
	put("a", name, "long");
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ok(file_put(f, "a", good[i], "x", 1, FILE_ANY, &v));
	ok(files_commit(f));
	free(GIT("fsck", "--strict", "--no-dangling"));
}

static int add_name(void *arg, const char *owner)
{
	strs_add(arg, owner);
	return 0;
}

/* Agents are whatever their program calls itself. */
static void test_agents(void **state)
{
	static const char *const agents[] = {
		"sched-synth", "sched-synth/coder", "..",	  ".git",
		"a/../..",     "refs/x.lock",	    "a b:c~^?*[", "%2F"};
	struct strs owners = {0};
	char longest[FILE_AGENT_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(agents); i++)
		put(agents[i], "f", agents[i]);
	memset(longest, '/', sizeof(longest));
	longest[FILE_AGENT_MAX + 1] = '\0';
	assert_int_equal(file_agent_check(longest), -EINVAL);
	longest[FILE_AGENT_MAX] = '\0';
	put(longest, "f", "long");
	for (size_t i = 0; i < ARRAY_LEN(agents); i++)
		assert_content(agents[i], "f", 0, agents[i]);
	assert_content(longest, "f", 0, "long");
	ok(files_owners(f, add_name, &owners));
	assert_int_equal(owners.len, ARRAY_LEN(agents) + 1);
	strs_release(&owners);
	assert_int_equal(file_agent_check(""), -EINVAL);
	assert_int_equal(file_agent_check("a\nFile: b"), -EINVAL);
	free(GIT("fsck", "--strict", "--no-dangling"));
}

static void test_places_and_sizes(void **state)
{
	struct file_version v;
	char *big = mem_zalloc(FILE_SIZE_MAX + 1, 1);

	(void)state;
	put("a", "d/f", "1");
	assert_int_equal(file_put(f, "a", "d", "1", 1, FILE_ANY, &v), -EISDIR);
	assert_int_equal(file_put(f, "a", "d/f/g", "1", 1, FILE_ANY, &v),
			 -ENOTDIR);
	assert_int_equal(
		file_put(f, "a", "b", big, FILE_SIZE_MAX + 1, FILE_ANY, &v),
		-EFBIG);
	ok(file_put(f, "a", "b", big, FILE_SIZE_MAX, FILE_ANY, &v));
	ok(files_commit(f));
	free(big);
}

static int list_name(void *arg, const char *name, const struct file_version *v)
{
	buf_printf(arg, "%s:%ld ", name, v->version);
	return 0;
}

static void test_list(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1024);
	ok(file_list(f, "a", list_name, &b));
	assert_int_equal(b.len, 0);
	put("a", "z", "1");
	put("a", "d/e/f", "1");
	put("a", "z", "2");
	put("b", "b", "1");
	ok(file_list(f, "a", list_name, &b));
	assert_string_equal(b.data, "d/e/f:1 z:2 ");
	buf_release(&b);
}

/* ---- shares ------------------------------------------------------------- */

static int allows(const char *reader)
{
	return share_allows(f, "a", SHARE_FILE, "d/f", reader);
}

static int count_shares(void *arg, const char *name, const char *with,
			time_t until)
{
	(void)with;
	(void)until;
	assert_string_equal(name, "d/f");
	++*(int *)arg;
	return 0;
}

static void test_shares(void **state)
{
	int n = 0;

	(void)state;
	assert_int_equal(share_set(f, "a", SHARE_FILE, "d/f", "b", 0), -ENOENT);
	put("a", "d/f", "1");
	assert_int_equal(allows("a"), 1);
	assert_int_equal(allows("b"), 0);
	ok(share_set(f, "a", SHARE_FILE, "d/f", "b*", 0));
	ok(share_set(f, "a", SHARE_FILE, "d/f", "c", 1795230100));
	ok(files_commit(f));
	assert_int_equal(allows("b"), 1);
	assert_int_equal(allows("b/sub"), 1);
	assert_int_equal(allows("c"), 1);
	assert_int_equal(allows("d"), 0);
	assert_int_equal(share_allows(f, "b", SHARE_FILE, "d/f", "a"), 0);
	at("1795230100");
	assert_int_equal(allows("c"), 0);
	ok(share_each(f, "a", SHARE_FILE, count_shares, &n));
	assert_int_equal(n, 1);
	assert_int_equal(share_drop(f, "a", SHARE_FILE, "d/f", "c"), -ENOENT);
	ok(share_drop(f, "a", SHARE_FILE, "d/f", "b*"));
	ok(files_commit(f));
	assert_int_equal(allows("b"), 0);
	assert_int_equal(allows("a"), 1);
	assert_int_equal(share_set(f, "a", SHARE_FILE, "d/f", "c", 1795230100),
			 -EINVAL);
	for (int i = 0; i <= FILE_SHARES_MAX; i++) {
		char with[16];

		snprintf(with, sizeof(with), "x%d", i);
		assert_int_equal(share_set(f, "a", SHARE_FILE, "d/f", with, 0),
				 i < FILE_SHARES_MAX ? 0 : -E2BIG);
	}
	ok(share_drop(f, "a", SHARE_FILE, "d/f", NULL));
	assert_int_equal(allows("x1"), 0);
	files_abort(f);
}

/* ---- notes -------------------------------------------------------------- */

static struct doc *note_doc(const char *agent, const char *text,
			    const char *more)
{
	struct json *body = json_object();
	struct json *v = json_parse(more, strlen(more));
	struct doc *d;

	json_set_string(body, "text", text);
	if (*agent)
		json_set_string(body, "agent", agent);
	json_each (m, v)
		json_set(body, json_key(m), json_copy(m));
	json_free(v);
	d = doc_new("note", "test", body, NULL, 0);
	if (!d)
		fail_msg("%s", err_text());
	return d;
}

static void note(const char *agent, const char *text, const char *more)
{
	const struct doc *d = note_doc(agent, text, more);

	if (history_add(h, &d, 1) != 1)
		fail_msg("%s", err_text());
	doc_free((struct doc *)d);
}

static bool not_b(void *arg, const struct recall_note *n)
{
	(void)arg;
	return strcmp(n->agent, "b") != 0;
}

static const char *found(const struct recall *r, const struct recall_query *q,
			 size_t want)
{
	struct recall_hit hit[8];
	size_t n = recall_search(r, q, hit, 8);

	assert_int_equal(n, want);
	return n ? recall_at(r, hit[0].note)->text : "";
}

static struct json *features(const char *text)
{
	return json_parse(text, strlen(text));
}

static void test_recall(void **state)
{
	struct recall *r = recall_new(h);
	struct json *near = features("{\"cpus\":4,\"load\":1}");
	struct recall_query q = {.words = "slice"};

	(void)state;
	ok(recall_refresh(r)); /* nothing there */
	assert_string_equal(found(r, &q, 0), "");
	note("a", "a short slice helps", "{\"features\":{\"cpus\":2}}");
	note("b", "slice slice", "{\"features\":{\"cpus\":4,\"load\":1}}");
	note("", "nobody's word", "{\"tags\":[\"odd\"]}");
	ok(recall_refresh(r));
	assert_string_equal(found(r, &q, 2), "slice slice");
	q.visible = not_b;
	assert_string_equal(found(r, &q, 1), "a short slice helps");
	note("a", "the newest slice", "{\"features\":{\"cpus\":64}}");
	ok(recall_refresh(r));
	assert_string_equal(found(r, &q, 2), "the newest slice");
	q.words = NULL;
	q.features = near;
	assert_string_equal(found(r, &q, 2), "a short slice helps");
	q.visible = NULL;
	assert_string_equal(found(r, &q, 3), "slice slice");
	q.words = "newest";
	assert_string_equal(found(r, &q, 3), "the newest slice");
	q = (struct recall_query){.tag = "odd"};
	assert_string_equal(found(r, &q, 1), "nobody's word");
	q = (struct recall_query){.words = "odd"};
	assert_string_equal(found(r, &q, 1), "nobody's word");
	q = (struct recall_query){0};
	assert_string_equal(found(r, &q, 4), "the newest slice");
	json_free(near);
	recall_free(r);
}

/* A new process reads the copy, and what came after it. */
static void test_recall_copy(void **state)
{
	struct recall_query q = {.words = "number"};
	struct recall *r = recall_new(h);
	struct recall_hit hit[128];
	char *copy = mem_printf("%s/notes.index", base);
	const struct doc *docs[80];
	char text[32];

	(void)state;
	for (int i = 0; i < 80; i++) {
		snprintf(text, sizeof(text), "number n%d", i);
		docs[i] = note_doc("a", text, "{}");
	}
	assert_int_equal(history_add(h, docs, 80), 80);
	for (int i = 0; i < 80; i++)
		doc_free((struct doc *)docs[i]);
	ok(recall_refresh(r));
	assert_int_equal(recall_search(r, &q, hit, 128), 80);
	recall_free(r);
	assert_int_equal(access(copy, R_OK), 0);
	note("a", "number last", "{}");
	r = recall_new(h);
	ok(recall_refresh(r));
	assert_int_equal(recall_search(r, &q, hit, 128), 81);
	assert_string_equal(recall_at(r, hit[0].note)->text, "number last");
	recall_free(r);
	/* Torn: read from the history again. */
	assert_int_equal(truncate(copy, 1000), 0);
	r = recall_new(h);
	ok(recall_refresh(r));
	assert_int_equal(recall_search(r, &q, hit, 128), 81);
	recall_free(r);
	free(copy);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fresh, away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_versions),
		TEST(test_rollback),
		TEST(test_compare_and_put),
		TEST(test_together_or_not),
		TEST(test_moved_meanwhile),
		TEST(test_many_versions),
		TEST(test_kills),
		TEST(test_left_lock),
		TEST(test_names),
		TEST(test_agents),
		TEST(test_places_and_sizes),
		TEST(test_list),
		TEST(test_shares),
		TEST(test_recall),
		TEST(test_recall_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
