/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Serves memory and storage to agents: a request in each line of standard
 * input, an answer in each line of standard output (schedkit-store(5)).  It
 * has what models wrote, and neither network nor privilege; it writes the
 * history and nothing else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/keeper/keeper.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "cmd/cli.h"
#include "doc/json.h"
#include "history/history.h"
#include "llm/secret.h"
#include "rt/request.h"

#define MAX_LINE   (RT_PAYLOAD_MAX + (64u << 10))
#define CHUNK	   (256u << 10)
#define TOGETHER   256 /* requests */
#define MEMORY_MIB 4096

static const char *history;

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .name = "history",
	 .arg = "DIR",
	 .help = "the repository; $SCHEDKIT_HISTORY, else the user's own",
	 .target = &history},
	{0},
};

static const struct opt_tool tool = {
	.name = "agent-store",
	.purpose = "keep notes and files of agents, line by line",
	.synopsis = "[--history DIR] <requests >answers",
	.options = options,
};

/* ---- answers ----------------------------------------------------------- */

static struct json *error_json(int rc)
{
	struct json *v = json_object(),
		    *e = json_set(v, "error", json_object());

	json_set_string(e, "errno", err_name(-rc));
	json_set_string(e, "text", err_text());
	return v;
}

/* Takes v. */
static int put(struct json *v)
{
	char *text = json_canonical(v), *line;
	struct json *e;
	int rc;

	if (strlen(text) > MAX_LINE) {
		e = error_json(err_set(E2BIG,
				       "the answer has more than %u bytes: ask "
				       "for less, with 'max'",
				       MAX_LINE));
		if (json_get(v, "id"))
			json_set(e, "id", json_copy(json_get(v, "id")));
		free(text);
		text = json_canonical(e);
		json_free(e);
	}
	line = mem_printf("%s\n", text);
	rc = io_write(STDOUT_FILENO, line, strlen(line));
	free(line);
	free(text);
	json_free(v);
	return rc;
}

struct batch {
	struct json *requests[TOGETHER];
	struct json *bad[TOGETHER]; /* the answer to no request; or NULL */
	size_t n;
};

static void take_line(struct batch *b, const char *line, size_t len)
{
	struct json *v = len <= MAX_LINE ? json_parse(line, len) : NULL;

	if (len > MAX_LINE)
		b->bad[b->n] = error_json(err_set(
			E2BIG, "a request has at most %u bytes", MAX_LINE));
	else if (json_type(v) != JSON_OBJECT)
		b->bad[b->n] = error_json(
			v ? err_set(EBADMSG, "a request is an object")
			  : err_prefix(-EBADMSG, "a request"));
	else
		b->bad[b->n] = NULL;
	if (b->bad[b->n]) {
		json_free(v);
		v = NULL;
	}
	b->requests[b->n++] = v;
}

/* The lines' order is kept, bad ones among them. */
static int serve_batch(struct keeper *k, struct batch *b)
{
	const struct json *good[TOGETHER];
	struct json *answers[TOGETHER] = {NULL};
	size_t n = 0, at = 0;
	int rc = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->requests[i])
			good[n++] = b->requests[i];
	if (n)
		keeper_answer(k, good, n, answers);
	for (size_t i = 0; i < b->n; i++) {
		struct json *v = b->bad[i] ? b->bad[i] : answers[at++];

		if (rc)
			json_free(v);
		else
			rc = put(v);
		json_free(b->requests[i]);
	}
	b->n = 0;
	return rc;
}

/* ---- lines ------------------------------------------------------------- */

struct input {
	struct buf b;
	bool skipping; /* the rest of a line that was too long */
};

/* Every whole line there is. */
static int serve_lines(struct keeper *k, struct input *in)
{
	struct batch b = {.n = 0};
	char *from = in->b.data, *end = from + in->b.len, *nl;
	int rc = 0;

	while (!rc && (nl = memchr(from, '\n', (size_t)(end - from)))) {
		if (!in->skipping)
			take_line(&b, from, (size_t)(nl - from));
		in->skipping = false;
		from = nl + 1;
		if (b.n == TOGETHER)
			rc = serve_batch(k, &b);
	}
	/* One that is longer than it may be is answered before its end. */
	if ((size_t)(end - from) > MAX_LINE) {
		if (!in->skipping && !rc)
			take_line(&b, from, (size_t)(end - from));
		in->skipping = true;
		from = end;
	}
	if (b.n)
		rc = serve_batch(k, &b);
	in->b.len = (size_t)(end - from);
	memmove(in->b.data, from, in->b.len);
	return rc;
}

/* Until the end of standard input: who asks has gone then. */
static int serve(struct keeper *k)
{
	char *chunk = mem_zalloc(CHUNK, 1);
	struct input in = {.skipping = false};
	ssize_t n;
	int rc = 0;

	buf_init(&in.b, MAX_LINE + CHUNK + 1);
	while (!rc && !cli_stop) {
		n = read(STDIN_FILENO, chunk, CHUNK);
		if (!n)
			break;
		if (n < 0 && errno != EINTR)
			rc = err_set(errno, "cannot read standard input: %s",
				     strerror(errno));
		if (n > 0) {
			buf_add(&in.b, chunk, (size_t)n);
			rc = serve_lines(k, &in);
		}
	}
	buf_release(&in.b);
	free(chunk);
	return rc;
}

/* ---- starting ---------------------------------------------------------- */

static int shut_in(const char *dir)
{
	const char *const write[] = {dir, NULL};
	const struct sandbox s = {
		.read = sandbox_system,
		.write = write,
		.memory_mib = MEMORY_MIB,
	};

	return sandbox_enter(&s);
}

int main(int argc, char **argv)
{
	int first = cli_options(&tool, argc, argv), rc;
	struct history *h = NULL;
	struct keeper *k;
	char *dir;

	if (first < argc)
		cli_usage(&tool, "no operand is taken: '%s'", argv[first]);
	cli_catch_stop();
	secret_leave_env();
	signal(SIGPIPE, SIG_IGN);
	/* A limit on the size of files is an answer, as a full disk is. */
	signal(SIGXFSZ, SIG_IGN);
	dir = history_dir(history);
	rc = history_become_owner(dir);
	if (!rc)
		rc = history_open(dir, true, &h);
	if (!rc)
		rc = shut_in(dir);
	if (rc) {
		put(error_json(rc));
	} else {
		k = keeper_new(h);
		rc = serve(k);
		keeper_free(k);
	}
	history_close(h);
	free(dir);
	return rc ? CLI_CANNOT : CLI_YES;
}
