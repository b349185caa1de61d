/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy history: record a stream, read it back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/cli.h"
#include "doc/stream.h"
#include "history/history.h"
#include "term/num.h"
#include "term/text.h"

#define SHORT_ID   12
#define MATCHES	   64
#define WORDS_MAX  (16u << 20)
#define LOG_UNSAID (-1)
#define BATCH	   64
#define TICK_US	   100000

static struct {
	const char *dir, *kind, *workload;
	long max;
	bool json;
} arg = {.max = LOG_UNSAID};

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .name = "history",
	 .arg = "DIR",
	 .help = "the repository; $SCHEDKIT_HISTORY, else the user's own",
	 .target = &arg.dir},
	{.kind = OPT_LONG,
	 .letter = 'n',
	 .name = "max",
	 .arg = "N",
	 .help = "log: at most so many documents",
	 .target = &arg.max,
	 .min = 0,
	 .max = 1e9},
	{.kind = OPT_STRING,
	 .letter = 'k',
	 .name = "kind",
	 .arg = "KIND",
	 .help = "log: only this kind of document",
	 .target = &arg.kind},
	{.kind = OPT_STRING,
	 .letter = 'w',
	 .name = "workload",
	 .arg = "NAME",
	 .help = "best: only for this workload",
	 .target = &arg.workload},
	{.kind = OPT_FLAG,
	 .letter = 'j',
	 .name = "json",
	 .help = "documents, even on a terminal",
	 .target = &arg.json},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "the git-versioned history of scheduling policies",
	.synopsis = "[OPTION...] add | log | show ID | best",
	.options = options,
	.epilogue = "  add      record the documents of standard input, and "
		    "pass them on\n"
		    "  log      what was recorded, newest first\n"
		    "  show ID  one document; the beginning of its id is "
		    "enough\n"
		    "  best     the best accepted policy of each workload",
};

static void put_clean(const char *s)
{
	struct buf b;

	buf_init(&b, WORDS_MAX);
	text_clean(&b, s, 0);
	fputs(b.len ? b.data : "", stdout);
	buf_release(&b);
}

static void put_doc(const struct doc *d)
{
	char *line = doc_line(d);

	puts(line);
	free(line);
}

/* ---- add ---- */

struct recorder {
	struct history *h; /* NULL: it could not be opened */
	struct stream *s;
	const struct doc *pending[BATCH];
	size_t n;
	size_t seen, added, lost;
	int rc; /* the first failure */
};

/* The next document may be minutes away: what has come must not wait for it.
 * The tick interrupts the reading. */
static volatile sig_atomic_t tick;

static void on_tick(int sig)
{
	(void)sig;
	tick = 1;
}

static void set_tick(long us)
{
	const struct itimerval t = {{0, us}, {0, us}};

	setitimer(ITIMER_REAL, &t, NULL);
}

/* Whatever happens here, the stream has to go on. */
static void flush(struct recorder *r)
{
	int rc = r->h ? history_add(r->h, r->pending, r->n) : r->rc;

	if (rc >= 0) {
		r->added += (size_t)rc;
	} else {
		if (!r->rc) {
			r->rc = rc;
			cli_fail(&tool, rc);
			stream_emit_error(r->s, rc, r->pending[0]->id);
		}
		r->lost += r->n;
	}
	r->n = 0;
	set_tick(0);
}

static void record(struct recorder *r, const struct doc *d)
{
	if (!history_keeps(d->kind))
		return;
	r->seen++;
	r->pending[r->n++] = d;
	if (r->n == BATCH)
		flush(r);
	else if (r->n == 1)
		set_tick(TICK_US);
}

static int run_stream(struct recorder *r)
{
	struct sigaction sa = {.sa_handler = on_tick};
	const struct doc *d;
	int rc;

	sigaction(SIGALRM, &sa, NULL);
	while ((rc = stream_next(r->s, &d)) != 0) {
		if (rc == -EINVAL)
			cli_note(&tool, "%s", err_text());
		else if (rc < 0 && (rc != -EINTR || cli_stop))
			break;
		else if (rc > 0)
			record(r, d);
		if (tick && r->n)
			flush(r);
		tick = 0;
	}
	if (rc)
		rc = cli_fail(&tool, rc);
	else
		rc = stream_bad_lines(r->s) ? CLI_CANNOT : CLI_YES;
	if (r->n)
		flush(r);
	return rc;
}

static int add(const char *dir)
{
	bool quiet = cli_wants_json(arg.json);
	struct recorder r = {0};
	int status, failed = CLI_YES;

	r.s = stream_open(STDIN_FILENO, quiet ? STDOUT_FILENO : -1, tool.name);
	r.rc = history_become_owner(dir);
	if (!r.rc)
		r.rc = history_open(dir, true, &r.h);
	if (r.rc) {
		failed = cli_fail(&tool, r.rc);
		stream_emit_error(r.s, r.rc, NULL);
	}
	status = run_stream(&r);
	if (r.lost) {
		cli_note(&tool, "%zu of %zu documents were not recorded",
			 r.lost, r.seen);
		if (failed == CLI_YES)
			failed = r.rc == -EAGAIN ? CLI_LATER : CLI_CANNOT;
	}
	if (!quiet)
		printf("%zu of %zu documents recorded, %zu were there "
		       "already\n",
		       r.added, r.seen, r.seen - r.added - r.lost);
	stream_free(r.s);
	history_close(r.h);
	return failed == CLI_YES ? status : failed;
}

/* ---- log ---- */

struct logger {
	struct history *h;
	struct table *t; /* NULL: documents */
	long left;
};

static void log_row(struct table *t, const struct history_entry *e)
{
	char when[CLOCK_TEXT_LEN];
	size_t skip = strlen(e->kind) + 2; /* "policy: " */

	clock_text(e->time, when);
	table_cell(t, "%s", when);
	table_cell(t, "%s", e->kind);
	table_cell(t, "%.*s", SHORT_ID, e->id);
	table_cell(t, "%s", strlen(e->subject) > skip ? e->subject + skip : "");
}

static int log_entry(const struct history_entry *e, void *a)
{
	struct logger *l = a;
	struct doc *d;
	int rc;

	if (arg.kind && strcmp(arg.kind, e->kind))
		return 0;
	if (!l->left)
		return 1;
	if (l->left > 0)
		l->left--;
	if (l->t) {
		log_row(l->t, e);
		return 0;
	}
	rc = history_read(l->h, e->kind, e->id, &d);
	if (rc)
		return rc;
	put_doc(d);
	doc_free(d);
	return 0;
}

static int show_log(struct history *h)
{
	struct logger l = {.h = h, .left = arg.max};
	int rc;

	if (arg.kind && !history_keeps(arg.kind))
		cli_usage(&tool, "option --kind: the history keeps no '%s'",
			  arg.kind);
	if (!cli_wants_json(arg.json)) {
		l.t = table_new();
		table_column(l.t, "time", TABLE_LEFT);
		table_column(l.t, "kind", TABLE_LEFT);
		table_column(l.t, "id", TABLE_LEFT);
		table_column(l.t, "what", TABLE_WRAP);
	}
	rc = history_log(h, log_entry, &l);
	if (l.t)
		cli_table(l.t, text_columns(STDOUT_FILENO));
	return rc < 0 ? cli_fail(&tool, rc) : CLI_YES;
}

/* ---- show ---- */

static int put_words(struct history *h, const struct doc *d)
{
	struct buf words;
	char *next;
	int rc;

	buf_init(&words, WORDS_MAX);
	rc = history_words(h, d->kind, d->id, &words);
	for (char *s = words.data; !rc && s && *s; s = next) {
		next = strchrnul(s, '\n');
		if (*next)
			*next++ = '\0';
		put_clean(s);
		putchar('\n');
	}
	buf_release(&words);
	if (rc)
		return rc;
	printf("\nid      %s\ntime    ", d->id);
	put_clean(json_as_string(json_get(d->env, "time"), ""));
	printf("\nby      ");
	put_clean(json_as_string(json_get(d->env, "by"), ""));
	for (size_t i = 0; i < doc_parent_count(d); i++)
		printf("\nparent  %s", doc_parent(d, i));
	putchar('\n');
	return 0;
}

static int show_one(struct history *h, const struct history_key *k)
{
	struct doc *d;
	int rc;

	rc = history_read(h, k->kind, k->id, &d);
	if (rc)
		return rc;
	if (cli_wants_json(arg.json))
		put_doc(d);
	else
		rc = put_words(h, d);
	doc_free(d);
	return rc;
}

static int show(struct history *h, const char *prefix)
{
	struct history_key keys[MATCHES];
	int n = history_find(h, prefix, keys, MATCHES), shown, rc = 0;

	if (n == -EINVAL)
		cli_usage(&tool, "%s", err_text());
	if (n < 0)
		return cli_fail(&tool, n);
	if (!n) {
		cli_note(&tool, "no document's id begins with '%s'", prefix);
		return CLI_NO;
	}
	shown = n < MATCHES ? n : MATCHES;
	for (int i = 1; i < shown; i++) {
		if (!strcmp(keys[i].id, keys[0].id))
			continue;
		cli_note(&tool, "'%s' is the beginning of %d ids:", prefix, n);
		for (int j = 0; j < shown; j++)
			fprintf(stderr, "  %-10s %s\n", keys[j].kind,
				keys[j].id);
		return CLI_USAGE;
	}
	for (int i = 0; i < shown && !rc; i++)
		rc = show_one(h, &keys[i]);
	return rc ? cli_fail(&tool, rc) : CLI_YES;
}

/* ---- best ---- */

/* An interval from one pair has no ends. */
static const char *ratio(char out[static NUM_LEN], const struct json *v)
{
	return json_type(v) == JSON_NUMBER
		       ? num_ratio(out, json_as_number(v, 0))
		       : "?";
}

static void best_row(struct table *t, const struct history_best *b)
{
	const struct json *v = b->verdict->body, *m, *goal = NULL;
	size_t n = json_len(json_get(v, "metrics"));
	char num[3][NUM_LEN];

	for (size_t i = 0; i < n && !goal; i++) {
		m = json_at(json_get(v, "metrics"), i);
		if (!json_as_bool(json_get(m, "guard"), false))
			goal = m;
	}
	table_cell(t, "%s", b->workload);
	table_cell(t, "%.*s", SHORT_ID,
		   json_as_string(json_get(v, "policy"), ""));
	table_cell(t, "%s",
		   b->policy ? json_as_string(
				       json_get(b->policy->body, "title"), "")
			     : "");
	table_cell(t, "%s", json_as_string(json_get(goal, "name"), ""));
	table_cell(t, "%s (%s to %s)", ratio(num[0], json_get(goal, "ratio")),
		   ratio(num[1], json_path(goal, "ci95.0")),
		   ratio(num[2], json_path(goal, "ci95.1")));
	table_cell(t, "%s, %s", json_as_string(json_get(v, "target"), ""),
		   json_as_string(json_get(v, "kernel"), ""));
}

static void put_best(const struct history_best *b, size_t n)
{
	static const char *const titles[] = {"workload", "policy", "title",
					     "metric"};
	struct table *t = table_new();

	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_LEFT);
	table_column(t, "better", TABLE_RIGHT);
	table_column(t, "measured on", TABLE_LEFT);
	for (size_t i = 0; i < n; i++)
		best_row(t, &b[i]);
	cli_table(t, text_columns(STDOUT_FILENO));
}

static int best(struct history *h)
{
	struct history_best *b;
	size_t n;
	int rc = history_best(h, arg.workload, &b, &n);

	if (rc)
		return cli_fail(&tool, rc);
	if (n && !cli_wants_json(arg.json))
		put_best(b, n);
	for (size_t i = 0; i < n && cli_wants_json(arg.json); i++) {
		if (b[i].policy)
			put_doc(b[i].policy);
		put_doc(b[i].verdict);
	}
	history_best_free(b, n);
	if (n)
		return CLI_YES;
	cli_note(&tool, "no policy is accepted%s%s",
		 arg.workload ? " for " : "", arg.workload ? arg.workload : "");
	return CLI_NO;
}

static int run(const char *dir, const char *word, const char *id)
{
	struct history *h;
	int rc;

	if (!strcmp(word, "add"))
		return add(dir);
	rc = history_open(dir, false, &h);
	if (rc)
		return cli_fail(&tool, rc);
	if (!strcmp(word, "log"))
		rc = show_log(h);
	else if (!strcmp(word, "show"))
		rc = show(h, id);
	else
		rc = best(h);
	history_close(h);
	return rc;
}

int main(int argc, char **argv)
{
	int at = cli_options(&tool, argc, argv), status;
	const char *word = at < argc ? argv[at] : NULL;
	int operands;
	char *dir;

	if (!word)
		cli_usage(&tool, "say what to do: add, log, show or best");
	if (strcmp(word, "add") && strcmp(word, "log") &&
	    strcmp(word, "show") && strcmp(word, "best"))
		cli_usage(&tool, "unknown command '%s'", word);
	/* Options may stand after the command, too. */
	argc -= at;
	argv += at;
	at = cli_options(&tool, argc, argv);
	operands = argc - at;
	if (operands != !strcmp(word, "show"))
		cli_usage(&tool, operands ? "too many arguments"
					  : "show what? give an id");
	cli_catch_stop();
	dir = history_dir(arg.dir);
	status = run(dir, word, operands ? argv[at] : NULL);
	free(dir);
	return cli_finish(&tool, status);
}
