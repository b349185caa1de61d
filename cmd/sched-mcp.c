/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server of the Model Context Protocol.  This process becomes the hand,
 * which runs our programs; its child, in a sandbox, talks to clients.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/steward/steward.h"
#include "agents/steward/config.h"
#include "agents/steward/hand.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/events.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "cmd/mcp.h"
#include "llm/secret.h"
#include "mcp/http.h"
#include "mcp/server.h"
#include "mcp/stdio.h"

#define LINGER_S   10.0
#define TICK_S	   1.0
#define END_S	   10.0
#define CALLS	   64
#define WATCHES	   256
#define MEMORY_MIB 1024

static struct {
	const char *http, *config;
	struct strs origins, hosts;
} arg;

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .name = "http",
	 .arg = "[ADDRESS:]PORT",
	 .help = "serve by HTTP there; else standard input and output",
	 .target = &arg.http},
	{.kind = OPT_STRING,
	 .letter = 'c',
	 .name = "config",
	 .arg = "FILE",
	 .help = "settings; else mcp.json of the user's configuration",
	 .target = &arg.config},
	{.kind = OPT_LIST,
	 .name = "origin",
	 .arg = "URL",
	 .help = "pages from there may ask, too (--http)",
	 .target = &arg.origins},
	{.kind = OPT_LIST,
	 .name = "host",
	 .arg = "NAME",
	 .help = "a name that it is reached by (--http)",
	 .target = &arg.hosts},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-mcp",
	.purpose = MCP_PURPOSE,
	.synopsis = "[--http [ADDRESS:]PORT] [--config FILE]",
	.options = options,
};

/* ---- the front ---------------------------------------------------------- */

struct front {
	const struct steward_config *config;
	struct events *events;
	struct steward *steward;
	struct mcp_server *server;
	struct mcp_stdio *stdio;
	struct mcp_http *http;
	struct event_timer *timer;
	int rc;
};

static void on_changed(void *to, const char *uri)
{
	mcp_server_changed(((struct front *)to)->server, uri);
}

static void on_list_changed(void *to, enum mcp_list what)
{
	mcp_server_list_changed(((struct front *)to)->server, what);
}

static void on_task_changed(void *to, const struct mcp_task *t)
{
	mcp_server_task_changed(((struct front *)to)->server, t);
}

static void tick(struct front *f)
{
	double now = clock_monotonic();
	int rc;

	mcp_tick(f->server, now);
	rc = steward_tick(f->steward, now);
	if (!rc)
		return;
	f->rc = err_set(-rc, "the process that runs programs is gone");
	events_stop(f->events);
}

static void on_time(void *to)
{
	struct front *f = to;

	tick(f);
	event_timer_set(f->timer, TICK_S);
}

static void on_hand(void *to, short ready)
{
	(void)ready;
	tick(to);
}

static void on_over(void *to, int rc)
{
	struct front *f = to;

	f->rc = rc;
	events_stop(f->events);
}

/* Where it may look: what jobs made, the history, our own pages. */
static int shut_in(void)
{
	struct strs read = {0}, write = {0};
	struct sandbox s = {.memory_mib = MEMORY_MIB};
	int rc;

	for (size_t i = 0; sandbox_system[i]; i++)
		strs_add(&read, sandbox_system[i]);
	rc = steward_folders(&read, &write);
	if (!rc) {
		s.read = (const char *const *)read.v;
		s.write = (const char *const *)write.v;
		rc = sandbox_enter(&s);
	}
	/* Root's files are in reach of who is not shut in. */
	if (rc == -ENOTSUP && geteuid()) {
		cli_note(&tool, "without a sandbox: %s", err_text());
		rc = 0;
	}
	strs_release(&read);
	strs_release(&write);
	return rc;
}

/* "[::1]:8080", "127.0.0.1:8080", "8080"; the address is to be freed. */
static int read_address(char **address, unsigned *port)
{
	const char *colon = strrchr(arg.http, ':');
	const char *digits = colon ? colon + 1 : arg.http;
	size_t n = colon ? (size_t)(colon - arg.http) : 0;
	char *end;
	unsigned long p = strtoul(digits, &end, 10);

	*address = NULL;
	if (*end || end == digits || p > 65535 || (colon && !n))
		return err_set(EINVAL, "'%s' is not [ADDRESS:]PORT", arg.http);
	*port = (unsigned)p;
	if (n > 2 && arg.http[0] == '[' && colon[-1] == ']')
		*address = mem_strndup(arg.http + 1, n - 2);
	else if (n)
		*address = mem_strndup(arg.http, n);
	return 0;
}

static int open_http(struct front *f)
{
	const struct steward_config *c = f->config;
	struct mcp_http_token *tokens = mem_zalloc(c->n, sizeof(*tokens));
	struct mcp_http_opts o;
	char *address;
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < c->n; i++)
		if (c->clients[i].token_sha256[0])
			tokens[n++] = (struct mcp_http_token){
				.principal = c->clients[i].name,
				.sha256 = c->clients[i].token_sha256};
	mcp_http_defaults(&o);
	o.server = f->server;
	o.events = f->events;
	o.tokens = tokens;
	o.token_count = n;
	o.origins = (const char *const *)arg.origins.v;
	o.origin_count = arg.origins.len;
	o.hosts = (const char *const *)arg.hosts.v;
	o.host_count = arg.hosts.len;
	rc = read_address(&address, &o.port);
	o.address = address;
	if (!rc)
		rc = mcp_http_open(&o, &f->http);
	if (!rc)
		cli_note(&tool, "serving at http://%s:%u" MCP_HTTP_PATH,
			 address ? address : "localhost",
			 mcp_http_port(f->http));
	free(tokens);
	free(address);
	return rc;
}

static void open_stdio(struct front *f)
{
	const struct mcp_stdio_opts o = {
		.server = f->server,
		.events = f->events,
		.in = STDIN_FILENO,
		.out = STDOUT_FILENO,
		.principal = "stdio",
		.linger_s = LINGER_S,
		.over = on_over,
		.arg = f,
	};

	f->stdio = mcp_stdio_open(&o);
}

static int open_front(struct front *f, int hand)
{
	const struct steward_opts s = {
		.config = f->config,
		.hand = hand,
		.changed = on_changed,
		.list_changed = on_list_changed,
		.task_changed = on_task_changed,
		.arg = f,
	};
	struct mcp_server_opts o = {.max_calls = CALLS, .max_watches = WATCHES};
	int rc = 0;

	if (getrandom(o.key, sizeof(o.key), 0) != (ssize_t)sizeof(o.key))
		return err_set(EIO, "there are no random numbers");
	f->events = events_new();
	f->steward = steward_open(&s);
	o.offer = steward_offer(f->steward);
	f->server = mcp_server_new(&o);
	event_new(f->events, steward_fd(f->steward), POLLIN, on_hand, f);
	f->timer = event_timer_new(f->events, on_time, f);
	/* Before it is shut in, and before anything is read. */
	if (arg.http)
		rc = open_http(f);
	return rc ? rc : shut_in();
}

static void close_front(struct front *f)
{
	mcp_stdio_close(f->stdio);
	mcp_http_close(f->http);
	if (f->server)
		mcp_server_free(f->server);
	if (f->steward)
		steward_close(f->steward);
	if (f->events)
		events_free(f->events);
}

static void front(int hand, void *config)
{
	struct front f = {.config = config};
	int rc;

	cli_catch_stop();
	/* It is the hand that starts those who ask models. */
	secret_leave_env();
	rc = open_front(&f, hand);
	if (!rc) {
		on_time(&f);
		if (!arg.http)
			open_stdio(&f);
		rc = events_run(f.events, &cli_stop);
	}
	if (!rc && !cli_stop)
		rc = f.rc;
	rc = rc ? cli_fail(&tool, rc) : CLI_YES;
	close_front(&f);
	exit(rc);
}

/* ---- the hand ----------------------------------------------------------- */

/* What clients say is none of its business. */
static void let_go(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close(null);
}

static int serve(struct steward_config *config)
{
	struct child c;
	int rc = child_fork(front, config, true, &c), status;

	if (rc)
		return cli_fail(&tool, rc);
	let_go();
	rc = steward_hand(c.fd, config, arg.http ? NULL : "stdio");
	/* It is to know that this is no accident. */
	if (rc > 0)
		kill(c.pid, SIGTERM);
	close(c.fd);
	if (rc < 0)
		cli_fail(&tool, rc);
	status = child_end(&c, END_S);
	return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_CANNOT;
}

static int run(int argc, char **argv)
{
	struct steward_config config;
	int rc;

	if (cli_options(&tool, argc, argv) < argc)
		cli_usage(&tool, "no operand is taken");
	if (!arg.http && (arg.origins.len || arg.hosts.len))
		cli_usage(&tool, "--origin and --host go with --http");
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	/* It outlives who fixed the time of its own documents. */
	unsetenv("SCHEDKIT_TIME");
	steward_config_init(&config);
	rc = steward_config_read(&config, arg.config);
	rc = rc ? cli_fail(&tool, rc) : serve(&config);
	steward_config_release(&config);
	return rc;
}

static const struct cli_command own = {.tool = &tool, .run = run};

static const struct cli_command *const commands[] = {
	&mcp_approve,
	&mcp_jobs,
	&mcp_token,
};

int main(int argc, char **argv)
{
	return cli_program(&own, commands, ARRAY_LEN(commands), argc, argv);
}
