/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks a language model for a process that has neither network nor keys: a
 * request in each line of standard input, an answer in each line of standard
 * output (agents/model.h).  It has the network and what a model wrote, and no
 * privilege.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "cmd/cli.h"
#include "doc/json.h"
#include "llm/ledger.h"
#include "llm/llm.h"
#include "llm/record.h"
#include "llm/secret.h"

#define MAX_LINE   (64u << 20)
#define MEMORY_MIB 4096
#define MAX_S	   86400.0

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
	 .help = "openai, anthropic, command:CMD, replay:FILE (SCHED_LLM)",
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

/* ---- lines ------------------------------------------------------------ */

/* Takes v.  Nothing leaves this process that has not passed the scrubber. */
static int put(struct json *v)
{
	char *text = json_canonical(v), *clean = secret_scrub(text);
	int rc = io_write(STDOUT_FILENO, clean, strlen(clean));

	if (!rc)
		rc = io_write(STDOUT_FILENO, "\n", 1);
	free(clean);
	free(text);
	json_free(v);
	return rc;
}

static struct json *error_json(int rc)
{
	struct json *e = json_object();

	json_set_string(e, "errno", err_name(-rc));
	json_set_string(e, "text", err_text());
	return e;
}

static int put_error(int rc)
{
	struct json *v = json_object();

	json_set(v, "error", error_json(rc));
	return put(v);
}

static struct json *answer_json(const struct llm_answer *a, int rc)
{
	struct json *v = json_object();
	struct json *u = json_set(v, "usage", json_object());

	json_set_number(u, "in", (double)a->usage.in);
	json_set_number(u, "cached", (double)a->usage.cached);
	json_set_number(u, "out", (double)a->usage.out);
	json_set_bool(v, "estimated", a->estimated);
	json_set(v, "cost_usd",
		 a->cost_usd < 0 ? json_null() : json_number(a->cost_usd));
	json_set_number(v, "seconds", a->seconds);
	json_set_number(v, "attempts", (double)a->attempts);
	json_set_string(v, "finish", finish_name(a->finish));
	json_set_string(v, "text", a->text ? a->text : "");
	json_set(v, "value", a->value ? json_copy(a->value) : json_null());
	json_set(v, "calls", a->calls ? json_copy(a->calls) : json_array());
	json_set_string(v, "model", a->model ? a->model : "");
	if (rc)
		json_set(v, "error", error_json(rc));
	return v;
}

/* One message of the three kinds. */
static bool is_message(const struct json *m)
{
	const char *role = json_as_string(json_get(m, "role"), "");

	if (!strcmp(role, "tool"))
		return json_type(json_get(m, "results")) == JSON_ARRAY;
	return (!strcmp(role, "user") || !strcmp(role, "assistant")) &&
	       json_type(json_get(m, "text")) == JSON_STRING;
}

static int read_request(const struct json *v, struct llm_request *r)
{
	double most = json_as_number(json_get(v, "max_tokens"), 4096);

	*r = (struct llm_request){
		.role = json_as_string(json_get(v, "role"), "user"),
		.system = json_as_string(json_get(v, "system"), NULL),
		.messages = json_get(v, "messages"),
		.tools = json_get(v, "tools"),
		.schema = json_get(v, "schema"),
	};
	if (json_type(r->messages) != JSON_ARRAY || !json_len(r->messages))
		return err_set(EINVAL, "a request lacks 'messages'");
	json_each (it, r->messages)
		if (!is_message(it))
			return err_set(EINVAL,
				       "a message is neither a user's, an "
				       "assistant's nor a tool's");
	if (!(most >= 1 && most <= 1e7))
		return err_set(EINVAL, "'max_tokens' has to be 1 to 10000000");
	r->max_tokens = (long)most;
	if (!json_len(r->tools))
		r->tools = NULL;
	if (json_type(r->schema) != JSON_OBJECT)
		r->schema = NULL;
	return 0;
}

static int answer(struct llm *l, const char *line, size_t len)
{
	struct json *v = json_parse(line, len);
	struct llm_request r;
	struct llm_answer a;
	int rc;

	if (!v)
		return put_error(err_prefix(-EINVAL, "a request"));
	err_clear();
	rc = read_request(v, &r);
	if (rc) {
		rc = put_error(rc);
	} else {
		rc = llm_ask(l, &r, &a);
		secret_scrub_err(rc);
		rc = put(answer_json(&a, rc));
		llm_answer_release(&a);
	}
	json_free(v);
	return rc;
}

/* Every whole line of standard input, until its end or a signal. */
static int serve(struct llm *l)
{
	char chunk[65536], *nl;
	struct buf b;
	ssize_t n;
	int rc = 0;

	buf_init(&b, MAX_LINE);
	while (!rc && !cli_stop) {
		nl = b.len ? memchr(b.data, '\n', b.len) : NULL;
		if (nl) {
			size_t used = (size_t)(nl - b.data) + 1;

			rc = answer(l, b.data, used - 1);
			b.len -= used;
			memmove(b.data, b.data + used, b.len);
			continue;
		}
		n = read(STDIN_FILENO, chunk, sizeof(chunk));
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			rc = err_set(errno, "cannot read standard input: %s",
				     strerror(errno));
		if (n > 0 && buf_add(&b, chunk, (size_t)n))
			rc = err_prefix(-E2BIG, "a request");
	}
	buf_release(&b);
	return rc;
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

static int put_hello(const struct llm *l)
{
	struct json *v = json_object();

	json_set_string(v, "name", llm_name(l));
	json_set_string(v, "backend", llm_backend(l));
	return put(v);
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
	rc = open_all(&g, &l);
	if (!rc)
		rc = shut_in();
	if (rc)
		put_error(rc);
	if (!rc)
		rc = put_hello(l);
	if (!rc)
		rc = serve(l);
	llm_close(l);
	ledger_close(g);
	return rc ? CLI_CANNOT : CLI_YES;
}
