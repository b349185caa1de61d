/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of one tool that does nothing, one after the other on one connection:
 * how many a second, how long each takes, and what the server's memory was
 * before and after.  It looks into an answer no more than it must, so that it
 * is the server that is measured.
 *
 *     mcp ERA CALLS stdio COMMAND...
 *     mcp ERA CALLS http PORT PID
 *
 * ERA is older (a session of 2025-11-25) or newer (2026-07-28).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "stats/sample.h"

#define WARM 2000
#define TOOL "test_simple_text"

struct peer {
	int in, out; /* what it says, what it is told */
	bool http, newer;
	int port;
	pid_t pid;
	char session[160]; /* a header line, or nothing */
	char buf[1 << 16];
	size_t len;
};

static void die(const char *what)
{
	fprintf(stderr, "bench mcp: %s\n", what);
	exit(3);
}

static void put(struct peer *p, const char *s, size_t n)
{
	while (n) {
		ssize_t k = write(p->out, s, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			die("the server takes nothing more");
		s += k;
		n -= (size_t)k;
	}
}

static void fill(struct peer *p)
{
	ssize_t n;

	if (p->len + 1 >= sizeof(p->buf))
		die("an answer is too long");
	n = read(p->in, p->buf + p->len, sizeof(p->buf) - 1 - p->len);
	if (n <= 0)
		die("the server is gone");
	p->len += (size_t)n;
	p->buf[p->len] = '\0';
}

static void drop(struct peer *p, size_t n)
{
	memmove(p->buf, p->buf + n, p->len - n + 1);
	p->len -= n;
}

/* The value of a header within the first n bytes; its length, or -1. */
static int header(const struct peer *p, size_t n, const char *name,
		  const char **value)
{
	size_t k = strlen(name);

	for (const char *s = p->buf;
	     (s = strstr(s, "\r\n")) && (size_t)(s - p->buf) < n;) {
		s += 2;
		if (strncasecmp(s, name, k) || s[k] != ':')
			continue;
		s += k + 1;
		s += strspn(s, " ");
		*value = s;
		return (int)strcspn(s, "\r");
	}
	return -1;
}

/* Where an answer by HTTP ends, its head being of n bytes. */
static size_t end_of(struct peer *p, size_t n)
{
	const char *v, *at;
	size_t more;

	if (header(p, n, "Content-Length", &v) >= 0) {
		more = strtoul(v, NULL, 10);
		while (p->len < n + more)
			fill(p);
		return n + more;
	}
	if (header(p, n, "Transfer-Encoding", &v) < 0)
		return n;
	while (!(at = strstr(p->buf + n - 2, "\r\n0\r\n\r\n")))
		fill(p);
	return (size_t)(at + 7 - p->buf);
}

/* Says a message; the answer is in p->buf and is dropped after it was held
 * against what has to be in it. */
static void ask(struct peer *p, const char *method, const char *text,
		const char *in_it)
{
	size_t n, body = strlen(text);
	char head[1024];
	const char *v;
	char *at;

	if (!p->http) {
		put(p, text, body);
		put(p, "\n", 1);
		while (in_it && !strchr(p->buf, '\n'))
			fill(p);
		n = in_it ? (size_t)(strchr(p->buf, '\n') + 1 - p->buf) : 0;
	} else {
		n = (size_t)snprintf(
			head, sizeof(head),
			"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
			"Content-Type: application/json\r\n"
			"Accept: application/json, text/event-stream\r\n"
			"MCP-Protocol-Version: %s\r\n%s%s%s%s%s"
			"Content-Length: %zu\r\n\r\n",
			p->port, p->newer ? "2026-07-28" : "2025-11-25",
			p->newer ? "Mcp-Method: " : "", p->newer ? method : "",
			!p->newer		       ? ""
			: strcmp(method, "tools/call") ? ""
						       : "\r\nMcp-Name: " TOOL,
			p->newer ? "\r\n" : "", p->session, body);
		put(p, head, n);
		put(p, text, body);
		while (!(at = strstr(p->buf, "\r\n\r\n")))
			fill(p);
		n = end_of(p, (size_t)(at + 4 - p->buf));
		if (header(p, n, "Mcp-Session-Id", &v) > 0 && !*p->session)
			snprintf(p->session, sizeof(p->session),
				 "Mcp-Session-Id: %.*s\r\n",
				 (int)strcspn(v, "\r"), v);
	}
	if (in_it && !strstr(p->buf, in_it)) {
		fprintf(stderr, "%s\n", p->buf);
		die("another answer than was expected");
	}
	drop(p, n);
}

static void hello(struct peer *p)
{
	if (p->newer)
		return;
	ask(p, "initialize",
	    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\","
	    "\"params\":{\"protocolVersion\":\"2025-11-25\","
	    "\"capabilities\":{},\"clientInfo\":{\"name\":\"bench\","
	    "\"version\":\"1\"}}}",
	    "protocolVersion");
	ask(p, "notifications/initialized",
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
	    NULL);
}

static void call(struct peer *p, size_t id)
{
	static const char meta[] =
		",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"
		"\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":"
		"{},\"io.modelcontextprotocol/clientInfo\":{\"name\":\"bench\","
		"\"version\":\"1\"}}";
	char text[512];

	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"tools/call\","
		 "\"params\":{\"name\":\"" TOOL "\",\"arguments\":{}%s}}",
		 id, p->newer ? meta : "");
	ask(p, "tools/call", text, "simple text response");
}

static void start(struct peer *p, char **argv)
{
	int to[2], from[2];

	if (pipe(to) || pipe(from))
		die("no pipe");
	p->pid = fork();
	if (p->pid < 0)
		die("no process");
	if (!p->pid) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		close(to[1]);
		close(from[0]);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	p->in = from[0];
	p->out = to[1];
}

static void reach(struct peer *p)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)p->port),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;

	p->in = p->out = socket(AF_INET, SOCK_STREAM, 0);
	if (p->in < 0 || connect(p->in, (struct sockaddr *)&a, sizeof(a)))
		die("no connection");
	setsockopt(p->in, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* In MiB. */
static double resident(pid_t pid)
{
	char path[64], line[256];
	double kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmRSS:", 6))
			kib = strtod(line + 6, NULL);
	if (f)
		fclose(f);
	return kib / 1024;
}

int main(int argc, char **argv)
{
	struct peer *p = mem_zalloc(1, sizeof(*p));
	double *us, begun, before, took;
	size_t n;

	if (argc < 5)
		die("usage: mcp older|newer CALLS stdio COMMAND...\n"
		    "       mcp older|newer CALLS http PORT PID");
	signal(SIGPIPE, SIG_IGN);
	p->newer = !strcmp(argv[1], "newer");
	n = strtoul(argv[2], NULL, 10);
	p->http = !strcmp(argv[3], "http");
	us = mem_zalloc(n, sizeof(*us));
	if (p->http) {
		p->port = (int)strtol(argv[4], NULL, 10);
		p->pid = argc > 5 ? (pid_t)strtol(argv[5], NULL, 10) : 0;
		reach(p);
	} else {
		start(p, argv + 4);
	}
	hello(p);
	for (size_t i = 0; i < WARM; i++)
		call(p, i + 1);
	before = resident(p->pid);
	begun = clock_monotonic();
	for (size_t i = 0; i < n; i++) {
		double t = clock_monotonic();

		call(p, i + 1);
		us[i] = (clock_monotonic() - t) * 1e6;
	}
	took = clock_monotonic() - begun;
	sample_sort(us, n);
	printf("%.0f\t%.0f\t%.0f\t%.1f\t%.1f\n", (double)n / took, us[n / 2],
	       us[n / 100 * 99], before, resident(p->pid));
	close(p->out);
	if (!p->http)
		waitpid(p->pid, NULL, 0);
	free(us);
	free(p);
	return 0;
}
