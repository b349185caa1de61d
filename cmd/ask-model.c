/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks a language model for a process that has neither network nor keys: a
 * request in each line of standard input, an answer in each line of standard
 * output (agents/model/model.h).  It has the network and what a model wrote,
 * and no privilege.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "cmd/cli.h"
#include "doc/json.h"
#include "llm/ledger.h"
#include "llm/line.h"
#include "llm/llm.h"
#include "llm/secret.h"

#define MAX_LINE   (64u << 20)
#define MEMORY_MIB 4096
#define MAX_S	   86400.0
#define MAX_CALLS  1024
#define MAX_OUT	   (2 * MAX_LINE)
#define OUT_ENOUGH (1u << 20)

static struct {
	const char *backend, *model, *record, *budget, *run;
	bool no_stream;
	long max_bytes;
	struct llm_limits limits;
} arg;

#define SECONDS(n, field, words)                                          \
	{                                                                 \
		.kind = OPT_DOUBLE, .name = n, .arg = "S", .help = words, \
		.target = &arg.limits.field, .min = 0.01, .max = MAX_S    \
	}

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 'b',
	 .name = "backend",
	 .arg = "NAME",
	 .words = "openai|anthropic",
	 .help = "openai, anthropic, URLs, command:CMD, replay:FILE "
		 "(SCHED_LLM)",
	 .target = &arg.backend},
	{.kind = OPT_STRING,
	 .letter = 'm',
	 .name = "model",
	 .arg = "NAME",
	 .help = "the model (SCHED_LLM_MODEL)",
	 .target = &arg.model},
	{.kind = OPT_STRING,
	 .name = "record",
	 .arg = "FILE",
	 .help = "append every exchange, without keys",
	 .target = &arg.record},
	{.kind = OPT_STRING,
	 .name = "budget",
	 .arg = "LIMITS",
	 .help = "calls=,tokens=,usd=,time=,calls_day=,tokens_day=,usd_day=",
	 .target = &arg.budget},
	{.kind = OPT_STRING,
	 .name = "run",
	 .arg = "NAME",
	 .help = "names this run in the ledger",
	 .target = &arg.run},
	{.kind = OPT_FLAG,
	 .name = "no-stream",
	 .help = "take answers in one piece",
	 .target = &arg.no_stream},
	SECONDS("connect", connect_s, "to connect (10)"),
	SECONDS("first-byte", first_byte_s, "to the first byte (120)"),
	SECONDS("idle", idle_s, "between two bytes (60)"),
	SECONDS("total", total_s, "of a call with all its attempts (600)"),
	SECONDS("retry-wait", retry_s, "of all waits before retries (120)"),
	{.kind = OPT_LONG,
	 .name = "attempts",
	 .arg = "N",
	 .help = "of one call (4)",
	 .target = &arg.limits.attempts,
	 .min = 1,
	 .max = 100},
	{.kind = OPT_LONG,
	 .name = "max-bytes",
	 .arg = "N",
	 .help = "of one answer (4194304)",
	 .target = &arg.max_bytes,
	 .min = 256,
	 .max = MAX_LINE / 2.0},
	{0},
};

static const struct opt_tool tool = {
	.name = "ask-model",
	.purpose = "ask a language model, line by line",
	.synopsis = "[options] <requests >answers",
	.options = options,
};

/* ---- cancelling ------------------------------------------------------- */

/* A sandboxed caller cannot send a signal: it shuts its end of the socket. */
static void on_input(int sig)
{
	struct pollfd p = {STDIN_FILENO, POLLRDHUP, 0};
	int saved = errno;

	(void)sig;
	if (poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP)))
		cli_stop = 1;
	errno = saved;
}

static void watch_input(void)
{
	struct sigaction sa = {.sa_handler = on_input, .sa_flags = SA_RESTART};
	struct stat st;

	if (fstat(STDIN_FILENO, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	sigemptyset(&sa.sa_mask);
	sigaction(SIGIO, &sa, NULL);
	fcntl(STDIN_FILENO, F_SETOWN, getpid());
	fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_ASYNC);
}

/* ---- what goes up ----------------------------------------------------- */

struct question {
	struct question *next;
	struct json *line; /* the request is lent from it */
	struct llm_request r;
	struct llm_call *call;
	bool has_id;
	double id;
	long progress, told; /* tokens: every so many; of the last */
};

static struct server {
	struct llm *l;
	struct buf in, out;
	struct question *first;
	size_t count;
	bool alone; /* one without an id: what follows waits for its end */
	bool ended; /* nothing more comes */
} server;

/* Takes v.  Nothing leaves this process that has not passed the scrubber. */
static int put(struct json *v)
{
	char *text = json_canonical(v), *clean = secret_scrub(text);
	int rc = buf_puts(&server.out, clean);

	if (!rc)
		rc = buf_puts(&server.out, "\n");
	free(clean);
	free(text);
	json_free(v);
	return rc;
}

static void set_id(struct json *v, const struct question *q)
{
	if (q && q->has_id)
		json_set_number(v, "id", q->id);
}

static int put_error(const struct question *q, int rc, bool again)
{
	struct json *v = json_object();

	set_id(v, q);
	json_set(v, "error", line_error(rc));
	if (again)
		json_set_bool(v, "again", true);
	return put(v);
}

static int put_progress(struct question *q)
{
	long tokens = q->progress ? llm_tokens(q->call) : 0;
	struct json *v;

	if (!q->progress || tokens < q->told + q->progress)
		return 0;
	q->told = tokens;
	v = json_object();
	set_id(v, q);
	json_set_number(json_set(v, "progress", json_object()), "tokens_out",
			(double)tokens);
	return put(v);
}

/* ---- what comes down -------------------------------------------------- */

/* A whole number above 0, 0 where there is none. */
static int read_whole(const struct json *v, const char *key, long *out)
{
	double x = json_as_number(json_get(v, key), 0);

	*out = 0;
	if (!(x >= 0 && x <= 1e7) || x != (double)(long)x)
		return err_set(EINVAL, "'%s' has to be 0 to 10000000", key);
	*out = (long)x;
	return 0;
}

static struct question *find(double id)
{
	struct question *q = server.first;

	while (q && !(q->has_id && q->id == id))
		q = q->next;
	return q;
}

static int start_question(struct question *q, const struct json *v)
{
	struct llm_call_opts o = {
		.endpoint = json_as_string(json_get(v, "endpoint"), NULL),
		.resume = json_get(v, "resume"),
	};
	int rc = line_request(v, &q->r);

	if (!q->has_id && json_get(v, "id"))
		return err_set(EINVAL, "'id' has to be a number");
	if (q->has_id && find(q->id))
		return err_set(EEXIST, "a request with this id is under way");
	if (!rc)
		rc = read_whole(v, "attempts", &o.attempts);
	if (!rc)
		rc = read_whole(v, "progress_tokens", &q->progress);
	if (json_type(o.resume) == JSON_NULL)
		o.resume = NULL;
	return rc ? rc : llm_start(server.l, &q->r, &o, &q->call);
}

static void free_question(struct question *q)
{
	json_free(q->line);
	free(q);
}

/* Takes v. */
static int ask(struct json *v)
{
	struct question *q = mem_zalloc(1, sizeof(*q));
	bool full = server.count >= MAX_CALLS;
	int rc;

	q->line = v;
	q->has_id = json_type(json_get(v, "id")) == JSON_NUMBER;
	q->id = json_as_number(json_get(v, "id"), 0);
	rc = full ? err_set(EAGAIN, "%d calls are under way", MAX_CALLS)
		  : start_question(q, v);
	if (rc) {
		rc = put_error(q, secret_scrub_err(rc), full);
		free_question(q);
		return rc;
	}
	server.alone = !q->has_id;
	q->next = server.first;
	server.first = q;
	server.count++;
	return 0;
}

/* What was meant may have ended already. */
static void steer(const struct json *id, void (*how)(struct llm_call *c))
{
	struct question *q = json_type(id) == JSON_NUMBER
				     ? find(json_as_number(id, 0))
				     : NULL;

	if (q)
		how(q->call);
}

static int take_line(const char *text, size_t len)
{
	struct json *v = json_parse(text, len);
	const struct json *cancel = json_get(v, "cancel");
	const struct json *suspend = json_get(v, "suspend");

	if (!v)
		return put_error(NULL, err_prefix(-EINVAL, "a request"), false);
	err_clear();
	if (!cancel && !suspend)
		return ask(v);
	steer(cancel ? cancel : suspend, cancel ? llm_cancel : llm_suspend);
	json_free(v);
	return 0;
}

/* The whole lines that are here and may be taken now. */
static int take_lines(void)
{
	struct buf *b = &server.in;
	size_t at = 0;
	int rc = 0;

	while (!rc && !server.alone && !cli_stop && at < b->len) {
		char *nl = memchr(b->data + at, '\n', b->len - at);

		if (!nl)
			break;
		rc = take_line(b->data + at, (size_t)(nl - b->data) - at);
		at = (size_t)(nl - b->data) + 1;
	}
	if (at) {
		b->len -= at;
		memmove(b->data, b->data + at, b->len);
	}
	return rc;
}

static int read_more(void)
{
	char chunk[65536];
	ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));

	if (n < 0 && errno != EINTR && errno != EAGAIN)
		return err_set(errno, "cannot read standard input: %s",
			       strerror(errno));
	if (n == 0)
		server.ended = true;
	if (n > 0 && buf_add(&server.in, chunk, (size_t)n))
		return err_prefix(-E2BIG, "a request");
	return 0;
}

/* ---- the loop --------------------------------------------------------- */

/* So much as the other side takes now: it may be about to write itself. */
static int write_some(void)
{
	struct buf *b = &server.out;
	ssize_t n = send(STDOUT_FILENO, b->data, b->len,
			 MSG_DONTWAIT | MSG_NOSIGNAL);

	/* Of a pipe that can be written at all, so much can. */
	if (n < 0 && errno == ENOTSOCK)
		n = write(STDOUT_FILENO, b->data,
			  b->len < PIPE_BUF ? b->len : PIPE_BUF);
	if (n < 0 && errno != EINTR && errno != EAGAIN)
		return err_set(errno, "cannot write: %s", strerror(errno));
	if (n > 0) {
		b->len -= (size_t)n;
		memmove(b->data, b->data + n, b->len);
	}
	return 0;
}

static int put_result(struct question *q)
{
	struct llm_answer a;
	int rc = llm_take(q->call, &a);
	struct json *v;

	secret_scrub_err(rc);
	v = line_answer(&a, rc);
	set_id(v, q);
	llm_answer_release(&a);
	return put(v);
}

/* The answers that are there, and how far the others are; while whoever reads
 * them is slow they stay where they are. */
static int collect(void)
{
	struct question **at = &server.first, *q;
	int rc = 0;

	while (!rc && server.out.len < OUT_ENOUGH && (q = *at)) {
		if (!llm_done(q->call)) {
			rc = put_progress(q);
			at = &q->next;
			continue;
		}
		rc = put_result(q);
		*at = q->next;
		server.alone = server.alone && q->has_id;
		server.count--;
		free_question(q);
	}
	return rc;
}

static int turn(void)
{
	struct pollfd fds[2];
	nfds_t n = 0;
	int rc = 0;

	if (!server.ended && !server.alone && !cli_stop &&
	    server.out.len < MAX_LINE)
		fds[n++] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
	if (server.out.len)
		fds[n++] = (struct pollfd){STDOUT_FILENO, POLLOUT, 0};
	llm_step(server.l, 1, fds, n);
	for (nfds_t i = 0; !rc && i < n; i++) {
		if (!fds[i].revents)
			continue;
		rc = fds[i].fd == STDIN_FILENO ? read_more() : write_some();
	}
	return rc ? rc : collect();
}

/* Every whole line of standard input, until its end or a signal. */
static int serve(struct llm *l)
{
	int rc = 0;

	server.l = l;
	while (!rc) {
		rc = take_lines();
		if (!rc && !server.count && !server.out.len &&
		    (server.ended || cli_stop))
			break;
		if (!rc)
			rc = turn();
	}
	return rc;
}

static void release_server(void)
{
	while (server.first) {
		struct question *q = server.first;

		server.first = q->next;
		free_question(q);
	}
	buf_release(&server.in);
	buf_release(&server.out);
}

/* ---- starting --------------------------------------------------------- */

/* Nobody looks into this process, and nothing of it falls to the disk. */
static void close_up(void)
{
	struct rlimit none = {0, 0};

	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
}

static int open_all(struct ledger **g, struct llm **l)
{
	struct budget budget = {0};
	struct llm_opts o = {
		.backend = arg.backend,
		.model = arg.model,
		.record = arg.record,
		.stream = !arg.no_stream,
		.limits = arg.limits,
		.cancel = &cli_stop,
	};
	int rc = arg.budget ? budget_parse(arg.budget, &budget) : 0;

	if (!rc)
		rc = ledger_open(NULL, NULL, arg.run, &budget, g);
	o.limits.max_bytes = (size_t)arg.max_bytes;
	o.ledger = *g;
	return rc ? rc : llm_open(&o, l);
}

/*
 * The files it writes are open by now, so it needs none of them by name; what
 * it still reads are the system's files and one's own certificates.
 */
static int shut_in(void)
{
	static const char *const certificates[] = {"CURL_CA_BUNDLE",
						   "SSL_CERT_FILE"};
	struct sandbox s = {
		.network = true,
		.memory_mib = MEMORY_MIB,
	};
	struct strs read = {0};
	int rc;

	for (size_t i = 0; sandbox_system[i]; i++)
		strs_add(&read, sandbox_system[i]);
	for (size_t i = 0; i < ARRAY_LEN(certificates); i++) {
		const char *file = getenv(certificates[i]);

		if (file && *file)
			strs_add(&read, file);
	}
	secret_clear_env();
	s.read = (const char *const *)read.v;
	rc = sandbox_enter(&s);
	strs_release(&read);
	return rc;
}

int main(int argc, char **argv)
{
	struct ledger *g = NULL;
	struct llm *l = NULL;
	int rc, first;

	close_up();
	first = cli_options(&tool, argc, argv);
	if (first < argc)
		cli_usage(&tool, "no operand is taken: '%s'", argv[first]);
	cli_catch_stop();
	signal(SIGPIPE, SIG_IGN);
	watch_input();
	buf_init(&server.in, MAX_LINE);
	buf_init(&server.out, MAX_OUT);
	rc = open_all(&g, &l);
	if (!rc)
		rc = shut_in();
	if (rc)
		put_error(NULL, rc, false);
	if (!rc)
		rc = put(line_hello(l));
	if (!rc)
		rc = serve(l);
	if (server.out.len)
		io_write(STDOUT_FILENO, server.out.data, server.out.len);
	llm_close(l);
	release_server();
	ledger_close(g);
	return rc ? CLI_CANNOT : CLI_YES;
}
