/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/temp.h"
#include "history/history.h"
#include "history/merge.h"
#include "history/state.h"
#include "history/text.h"
#include "history/words.h"

static char *dir;

static int git(char *const argv[], struct buf *out)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;

	spec.argv = argv;
	spec.out = out;
	spec.err = out;
	spec.out_fd = -1;
	spec.err_fd = -1;
	assert_int_equal(proc_run(&spec, &res), 0);
	return res.exit_status;
}

#define GIT(out, ...)                                                      \
	git((char *const[]){(char *)"git", (char *)"-C", dir, __VA_ARGS__, \
			    NULL},                                         \
	    out)

static void assert_sound(void)
{
	struct buf out;

	buf_init(&out, 1 << 16);
	assert_int_equal(GIT(&out, (char *)"fsck", (char *)"--strict",
			     (char *)"--no-dangling"),
			 0);
	buf_release(&out);
}

static int fresh(void **state)
{
	char base[] = "/tmp/schedkit-history.XXXXXX";

	(void)state;
	setenv("SCHEDKIT_TIME", "1795230000", 1);
	assert_non_null(mkdtemp(base));
	dir = mem_printf("%s/history", base);
	return 0;
}

static int away(void **state)
{
	(void)state;
	*strrchr(dir, '/') = '\0';
	temp_clear(dir);
	free(dir);
	return 0;
}

static struct json *parse(const char *text)
{
	struct json *v = json_parse(text, strlen(text));

	if (!v)
		fail_msg("%s", err_text());
	return v;
}

static struct doc *make(const char *kind, const char *parent, char *body)
{
	struct doc *d =
		doc_new(kind, "test", parse(body), &parent, parent ? 1 : 0);

	if (!d)
		fail_msg("%s", err_text());
	free(body);
	return d;
}

static struct doc *policy(const char *title, int slice)
{
	return make("policy", NULL,
		    mem_printf("{\"form\":\"params\",\"title\":\"%s\","
			       "\"why\":\"because\",\"uses\":[],\"params\":"
			       "{\"queue\":\"global\",\"slice_us\":%d}}",
			       title, slice));
}

static struct doc *verdict(const struct doc *p, const char *workload,
			   const char *decision, double ratio, double low)
{
	return make("verdict", p->id,
		    mem_printf("{\"policy\":\"%s\",\"workload\":\"%s\","
			       "\"decision\":\"%s\",\"why\":\"measured\","
			       "\"target\":\"vm\",\"kernel\":\"6.18.15\","
			       "\"stages\":[],\"metrics\":[{\"name\":"
			       "\"makespan\",\"unit\":\"s\",\"baseline\":2.65,"
			       "\"candidate\":2.02,\"ratio\":%g,\"ci95\":"
			       "[%g,1.9],\"pairs\":5,\"guard\":false}]}",
			       p->id, workload, decision, ratio, low));
}

static struct history *open_new(void)
{
	struct history *h;

	if (history_open(dir, true, &h))
		fail_msg("%s", err_text());
	return h;
}

static int add_one(struct history *h, const struct doc *d)
{
	return history_add(h, &d, 1);
}

static void add(struct history *h, const struct doc *d, int expected)
{
	int rc = add_one(h, d);

	if (rc != expected)
		fail_msg("%d: %s", rc, err_text());
}

static void records_once(void **state)
{
	struct doc *p = policy("shared queue", 5000), *back;
	struct history *h = open_new();
	char *line, *again;
	struct buf out;

	(void)state;
	add(h, p, 1);
	add(h, p, 0);
	assert_int_equal(history_read(h, "policy", p->id, &back), 0);
	line = doc_line(p);
	again = doc_line(back);
	assert_string_equal(line, again);
	buf_init(&out, 1 << 16);
	assert_int_equal(GIT(&out, (char *)"log",
			     (char *)"--format=%s|%an|%ae|"
				     "%at"),
			 0);
	assert_string_equal(out.data, "policy: 'shared queue'|schedkit|"
				      "schedkit@localhost|1795230000\n");
	buf_release(&out);
	assert_sound();
	free(line);
	free(again);
	doc_free(back);
	doc_free(p);
	history_close(h);
}

static void words_of_a_verdict(void **state)
{
	struct doc *p = policy("shared queue", 5000);
	struct doc *v = verdict(p, "longtail", "accepted", 1.31, 1.28);
	struct history *h = open_new();
	struct buf out;

	(void)state;
	add(h, p, 1);
	add(h, v, 1);
	buf_init(&out, 1 << 16);
	assert_int_equal(GIT(&out, (char *)"log", (char *)"-1"), 0);
	assert_non_null(strstr(out.data,
			       "verdict: accepted 'shared queue' for longtail, "
			       "makespan 1.31x (1.28–1.90)\n"));
	assert_non_null(strstr(out.data, "\n    Kernel: 6.18.15\n"));
	assert_non_null(strstr(out.data, "\n    Policy: "));
	assert_non_null(strstr(out.data, "Notes (metrics):\n    makespan "
					 "1.31x (1.28–1.90), 2.65 -> 2.02 s, "
					 "5 pairs\n"));
	buf_reset(&out);
	assert_int_equal(GIT(&out, (char *)"log", (char *)"-1",
			     (char *)"--format=%(trailers:key=Id,valueonly)"),
			 0);
	assert_memory_equal(out.data, v->id, DOC_ID_LEN - 1);
	/* The policy's own note tells of the verdict. */
	buf_reset(&out);
	assert_int_equal(GIT(&out, (char *)"notes", (char *)"--ref=metrics",
			     (char *)"show", (char *)"main~1"),
			 0);
	assert_non_null(strstr(out.data, "longtail: accepted, makespan 1.31x"));
	buf_release(&out);
	assert_sound();
	doc_free(p);
	doc_free(v);
	history_close(h);
}

/* A note that git itself rewrote is added to, not doubled. */
static void notes_live_with_git(void **state)
{
	struct doc *p = policy("a", 5000);
	struct doc *v = verdict(p, "one", "accepted", 1.3, 1.2);
	struct doc *w = verdict(p, "two", "rejected", 0.9, 0.8);
	struct history *h = open_new();
	struct buf out;

	(void)state;
	add(h, p, 1);
	add(h, v, 1);
	buf_init(&out, 1 << 16);
	assert_int_equal(GIT(&out, (char *)"-c", (char *)"user.name=x",
			     (char *)"-c", (char *)"user.email=x@x",
			     (char *)"notes", (char *)"--ref=metrics",
			     (char *)"append", (char *)"-m", (char *)"by hand",
			     (char *)"main~1"),
			 0);
	add(h, w, 1);
	buf_reset(&out);
	assert_int_equal(GIT(&out, (char *)"notes", (char *)"--ref=metrics",
			     (char *)"show", (char *)"main~2"),
			 0);
	assert_non_null(strstr(out.data, "one: accepted"));
	assert_non_null(strstr(out.data, "by hand"));
	assert_non_null(strstr(out.data, "two: rejected"));
	buf_release(&out);
	assert_sound();
	doc_free(p);
	doc_free(v);
	doc_free(w);
	history_close(h);
}

/* What documents say is data: it can fake neither a trailer nor an escape. */
static void hostile_text(void **state)
{
	struct doc *p =
		policy("x\\u001b[31m\\n\\nKind: verdict\\nId: 00", 5000);
	struct history *h = open_new();
	struct buf out;

	(void)state;
	add(h, p, 1);
	buf_init(&out, 1 << 16);
	assert_int_equal(GIT(&out, (char *)"log",
			     (char *)"--format=%s%n"
				     "%(trailers)"),
			 0);
	assert_null(strchr(out.data, '\033'));
	assert_non_null(strstr(out.data, "\nKind: policy\n"));
	assert_null(strstr(out.data, "\nKind: verdict"));
	buf_release(&out);
	doc_free(p);
	history_close(h);
}

struct seen {
	int n;
	char subjects[8][128];
};

static int see(const struct history_entry *e, void *arg)
{
	struct seen *s = arg;

	snprintf(s->subjects[s->n++], sizeof(s->subjects[0]), "%s", e->subject);
	return s->n == 2 ? 7 : 0;
}

static void log_and_find(void **state)
{
	struct doc *p = policy("one", 1000), *q = policy("two", 2000);
	struct doc *v = verdict(q, "w", "accepted", 1.2, 1.1);
	struct history *h = open_new();
	struct history_key keys[4];
	struct seen s = {0};
	char prefix[9];

	(void)state;
	assert_int_equal(history_log(h, see, &s), 0);
	assert_int_equal(s.n, 0);
	add(h, p, 1);
	add(h, q, 1);
	add(h, v, 1);
	assert_int_equal(history_log(h, see, &s), 7);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.subjects[1], "policy: 'two'");
	snprintf(prefix, sizeof(prefix), "%.8s", v->id);
	assert_int_equal(history_find(h, prefix, keys, 4), 1);
	assert_string_equal(keys[0].id, v->id);
	assert_string_equal(keys[0].kind, "verdict");
	assert_int_equal(history_find(h, "fff0fff0fff0", keys, 4), 0);
	assert_int_equal(history_find(h, "../..", keys, 4), -EINVAL);
	assert_int_equal(history_find(h, "ab", keys, 4), -EINVAL);
	doc_free(p);
	doc_free(q);
	doc_free(v);
	history_close(h);
}

static void best_is_latest_and_largest(void **state)
{
	struct doc *p = policy("p", 1000), *q = policy("q", 2000),
		   *r = policy("r", 3000);
	struct history *h = open_new();
	struct history_best *b;
	struct doc *v[5];
	size_t n;

	(void)state;
	v[0] = verdict(p, "w", "accepted", 1.5, 1.1);
	v[1] = verdict(q, "w", "accepted", 1.5, 1.2);
	v[2] = verdict(r, "w", "accepted", 1.9, 1.8);
	setenv("SCHEDKIT_TIME", "1795230100", 1);
	v[3] = verdict(r, "w", "rejected", 0.9, 0.8);
	v[4] = verdict(r, "other", "inconclusive", 1.0, 0.9);
	add(h, p, 1);
	add(h, q, 1);
	for (int i = 0; i < 5; i++)
		add(h, v[i], 1);
	assert_int_equal(history_best(h, NULL, NULL, &b, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(b[0].verdict->id, v[1]->id);
	assert_string_equal(b[0].policy->id, q->id);
	history_best_free(b, n);
	assert_int_equal(history_best(h, "other", NULL, &b, &n), 0);
	assert_int_equal(n, 0);
	history_best_free(b, n);
	for (int i = 0; i < 5; i++)
		doc_free(v[i]);
	doc_free(p);
	doc_free(q);
	doc_free(r);
	history_close(h);
}

static void write_file(const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	free(path);
}

static void stale_lock_is_removed(void **state)
{
	struct doc *p = policy("p", 1000), *q = policy("q", 2000);
	struct history *h = open_new();

	(void)state;
	add(h, p, 1);
	write_file("refs/heads/main.lock", "");
	add(h, q, 1);
	assert_sound();
	doc_free(p);
	doc_free(q);
	history_close(h);
}

static void half_made_is_finished(void **state)
{
	struct doc *p = policy("p", 1000);
	struct history *h;

	(void)state;
	assert_int_equal(mkdir(dir, 0700), 0);
	write_file("config", "");
	write_file("config.lock", "");
	write_file("HEAD.lock", "");
	h = open_new();
	add(h, p, 1);
	assert_sound();
	doc_free(p);
	history_close(h);
}

static void other_things_in_the_way(void **state)
{
	struct history *h;
	struct buf out;

	(void)state;
	assert_int_equal(history_open(dir, false, &h), -ENOENT);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(history_open(dir, false, &h), -ENOENT);
	write_file("letter.txt", "dear");
	assert_int_equal(history_open(dir, true, &h), -EEXIST);
	buf_init(&out, 1 << 16);
	assert_int_equal(GIT(&out, (char *)"init", (char *)"-q"), 0);
	assert_int_equal(history_open(dir, true, &h), -EEXIST);
	assert_non_null(strstr(err_text(), "working tree"));
	buf_release(&out);
}

static void damage_is_named(void **state)
{
	struct doc *p = policy("p", 1000), *q = policy("q", 1001);
	struct history *h = open_new();

	(void)state;
	add(h, p, 1);
	write_file("refs/heads/main",
		   "1234567890123456789012345678901234567890\n");
	assert_int_equal(add_one(h, q), -EUCLEAN);
	assert_non_null(strstr(err_text(), "damaged"));
	assert_non_null(strstr(err_text(), "fsck"));
	doc_free(p);
	doc_free(q);
	history_close(h);
}

/* How many packs of git this process has open. */
static int packs_open(void)
{
	DIR *fds = opendir("/proc/self/fd");
	struct dirent *e;
	int n = 0;

	assert_non_null(fds);
	while ((e = readdir(fds))) {
		char to[256];
		ssize_t len =
			readlinkat(dirfd(fds), e->d_name, to, sizeof(to) - 1);

		to[len > 0 ? len : 0] = '\0';
		n += strstr(to, ".pack") != NULL;
	}
	closedir(fds);
	return n;
}

static int count_entry(const struct history_entry *e, void *n)
{
	(void)e;
	++*(int *)n;
	return 0;
}

/* Each pull leaves one: who reads for weeks must not keep all of them open. */
static void many_packs(void **state)
{
	struct history *h = open_new();
	struct buf out;
	int n = 0;

	(void)state;
	buf_init(&out, 1 << 16);
	for (int i = 0; i < 40; i++) {
		char *title = mem_printf("policy %d", i);
		struct doc *p = policy(title, i + 1);

		add(h, p, 1);
		assert_int_equal(GIT(&out, (char *)"repack", (char *)"-qd"), 0);
		doc_free(p);
		free(title);
	}
	assert_int_equal(history_log(h, count_entry, &n), 0);
	assert_int_equal(n, 40);
	assert_in_range(packs_open(), 1, 16);
	history_close(h);
	buf_release(&out);
	assert_sound();
}

static void many_writers(void **state)
{
	struct history *h;
	struct buf out;

	(void)state;
	for (int w = 0; w < 4; w++) {
		if (fork())
			continue;
		h = open_new();
		for (int i = 0; i < 10; i++) {
			struct doc *d = policy("p", 1000 + w * 100 + i);

			if (add_one(h, d) != 1)
				_exit(1);
			doc_free(d);
		}
		history_close(h);
		_exit(0);
	}
	for (int w = 0; w < 4; w++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	buf_init(&out, 1 << 16);
	assert_int_equal(GIT(&out, (char *)"rev-list", (char *)"--count",
			     (char *)"main"),
			 0);
	assert_string_equal(out.data, "40\n");
	buf_release(&out);
	assert_sound();
}

static void check_text(void (*fn)(struct buf *, const char *), const char *in,
		       const char *want)
{
	struct buf b;

	buf_init(&b, 1 << 12);
	fn(&b, in);
	assert_string_equal(b.data, want);
	buf_release(&b);
}

static void ten(struct buf *b, const char *s)
{
	buf_puts(b, "");
	text_line(b, s, 10);
}

static void text(void **state)
{
	struct json *v =
		parse("{\"a\":{\"b\":[1,2]},\"c\":\"0123456789012345678"
		      "90123456789012345678901234567890\"}");
	char *out = text_json(v);

	(void)state;
	check_text(ten, "a\n\tb  c", "a b c");
	check_text(ten, "0123456789", "0123456789");
	check_text(ten, "0123456789a", "0123456789…");
	check_text(ten, "äöüäöüäöüäö", "äöüäöüäöüä…");
	check_text(ten,
		   "a\xc2\x9b"
		   "b\xe2\x80\xae"
		   "c",
		   "a b c");
	check_text(text_wrap, "", "\n");
	check_text(text_wrap,
		   "0123456789 0123456789 0123456789 0123456789 0123456789 "
		   "0123456789 0123456789",
		   "0123456789 0123456789 0123456789 0123456789 0123456789 "
		   "0123456789\n0123456789\n");
	assert_string_equal(out, "{\n  \"a\": {\"b\":[1,2]},\n  \"c\": "
				 "\"0123456789012345678901234567890123456789"
				 "01234567890\"\n}\n");
	free(out);
	json_free(v);
}

/* ---- states ----------------------------------------------------------- */

static void step(struct history *h, int to, const struct doc *p)
{
	struct history_step s = {
		.policy = p->id, .workload = "w", .force = true};
	static char at[24] = "1795230000";
	struct doc *note;

	/* A second later each. */
	snprintf(at, sizeof(at), "%ld", strtol(at, NULL, 10) + 1);
	setenv("SCHEDKIT_TIME", at, 1);
	if (to < 0)
		assert_int_equal(history_demote(h, &s, &note), 0);
	else
		assert_int_equal(history_promote(h, (enum state)to, &s, &note),
				 0);
	doc_free(note);
}

/* The policies as the letters that they are called. */
static void check_placed(struct history *h, const struct doc *const *p,
			 const char *want)
{
	char(*row)[DOC_ID_LEN], got[16] = "";
	size_t n;

	assert_int_equal(history_placed(h, "w", &row, &n), 0);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < 3; k++)
			if (!strcmp(row[i], p[k]->id))
				got[strlen(got)] = (char)('a' + k);
	assert_string_equal(got, want);
	free(row);
}

/* Canaries are what was in place as long as nobody was trusted, and not once
 * the only one that ever was is taken down. */
static void in_place(void **state)
{
	struct doc *a = policy("a", 1), *b = policy("b", 2),
		   *c = policy("c", 3);
	const struct doc *const p[] = {a, b, c};
	struct history *h;

	(void)state;
	assert_int_equal(history_open(dir, true, &h), 0);
	assert_int_equal(history_add(h, p, 3), 3);
	step(h, STATE_CANARY, c);
	check_placed(h, p, "c");
	step(h, STATE_CANARY, a);
	check_placed(h, p, "ca");
	step(h, STATE_TRUSTED, a);
	check_placed(h, p, "a");
	step(h, -1, a);
	step(h, STATE_CANARY, b);
	check_placed(h, p, "a");
	step(h, STATE_TRUSTED, b);
	check_placed(h, p, "ab");
	step(h, STATE_TRUSTED, c);
	step(h, -1, c);
	check_placed(h, p, "abcb");
	history_close(h);
	doc_free(a);
	doc_free(b);
	doc_free(c);
}

/* ---- merging ---------------------------------------------------------- */

/* Two policies whose ids begin with the same two digits, and one behind them
 * in order. */
static void neighbours(struct doc *out[static 3])
{
	struct doc *seen[256] = {NULL};

	out[0] = out[2] = NULL;
	for (int i = 1; !out[0] || !out[2]; i++) {
		struct doc *d = policy("p", i);
		size_t at = strtoul((char[]){d->id[0], d->id[1], 0}, NULL, 16);

		if (!out[0] && seen[at] && at < 0xf0) {
			out[0] = seen[at];
			out[1] = d;
			seen[at] = NULL;
		} else if (out[0] && strncmp(d->id, out[0]->id, 2) > 0) {
			out[2] = d;
		} else if (!seen[at]) {
			seen[at] = d;
		} else {
			doc_free(d);
		}
	}
	for (size_t i = 0; i < 256; i++)
		doc_free(seen[i]);
}

static void said(char *out, size_t size, const char *what)
{
	struct buf b;

	buf_init(&b, 1 << 12);
	assert_int_equal(GIT(&b, (char *)"rev-parse", (char *)what), 0);
	snprintf(out, size, "%.*s", (int)strcspn(b.data, "\n"), b.data);
	buf_release(&b);
}

/* A folder of theirs that is lost is said, whatever was looked at before. */
static void theirs_is_damaged(void **state)
{
	char oid[64], what[64], *path;
	struct merged m;
	struct history *h;
	struct doc *p[3];
	struct buf out;

	(void)state;
	neighbours(p);
	assert_int_equal(history_open(dir, true, &h), 0);
	assert_int_equal(add_one(h, p[0]), 1);
	said(oid, sizeof(oid), "refs/heads/main");
	assert_int_equal(add_one(h, p[1]), 1);
	assert_int_equal(add_one(h, p[2]), 1);
	history_close(h);
	buf_init(&out, 1 << 12);
	assert_int_equal(GIT(&out, (char *)"update-ref",
			     (char *)"refs/schedkit/remote/x/heads/main",
			     (char *)"refs/heads/main"),
			 0);
	assert_int_equal(
		GIT(&out, (char *)"update-ref", (char *)"refs/heads/main", oid),
		0);
	buf_release(&out);
	snprintf(what, sizeof(what),
		 "refs/schedkit/remote/x/heads/main:policies/%.2s", p[2]->id);
	said(oid, sizeof(oid), what);
	path = mem_printf("%s/objects/%.2s/%s", dir, oid, oid + 2);
	assert_int_equal(unlink(path), 0);
	free(path);
	assert_int_equal(history_open(dir, true, &h), 0);
	assert_int_equal(
		merge_documents(h, "refs/schedkit/remote/x/", false, &m),
		-EUCLEAN);
	assert_non_null(strstr(err_text(), "is damaged"));
	history_close(h);
	for (size_t i = 0; i < 3; i++)
		doc_free(p[i]);
}

/* Names of tags are theirs, as long as git lets them be. */
static void theirs_has_a_long_name(void **state)
{
	char ref[800] = "refs/schedkit/remote/x/tags", got[64], head[64];
	struct doc *p = policy("a", 1);
	struct merged m;
	struct history *h;
	struct buf out;
	size_t kept;

	(void)state;
	for (int i = 0; i < 3; i++)
		snprintf(ref + strlen(ref), sizeof(ref) - strlen(ref),
			 "/%0200d", i);
	assert_int_equal(history_open(dir, true, &h), 0);
	assert_int_equal(add_one(h, p), 1);
	buf_init(&out, 1 << 12);
	assert_int_equal(
		GIT(&out, (char *)"update-ref", ref, (char *)"refs/heads/main"),
		0);
	buf_release(&out);
	assert_int_equal(merge_tags(h, "refs/schedkit/remote/x/", &m, &kept),
			 0);
	assert_int_equal(m.taken, 1);
	said(head, sizeof(head), "refs/heads/main");
	memmove(ref, "refs", 4);
	memmove(ref + 5, strstr(ref, "tags"), strlen(strstr(ref, "tags")) + 1);
	said(got, sizeof(got), ref);
	assert_string_equal(got, head);
	history_close(h);
	doc_free(p);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, fresh, away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
		WITH(records_once),
		WITH(words_of_a_verdict),
		WITH(notes_live_with_git),
		WITH(hostile_text),
		WITH(log_and_find),
		WITH(best_is_latest_and_largest),
		WITH(stale_lock_is_removed),
		WITH(half_made_is_finished),
		WITH(other_things_in_the_way),
		WITH(damage_is_named),
		WITH(in_place),
		WITH(theirs_is_damaged),
		WITH(theirs_has_a_long_name),
		WITH(many_packs),
		WITH(many_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
