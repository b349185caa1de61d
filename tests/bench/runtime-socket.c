/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No-op requests through the socket of a daemon that writes its journal and its
 * audit log: how many a second when many are under way, and how long one takes
 * when there is nothing else.  The client reads with as little as it takes, so
 * that it is the daemon that is measured.
 *
 *     runtime-socket SOCKET [REQUESTS]
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/ask.h"
#include "rt/socket.h"
#include "rt/wire.h"
#include "stats/sample.h"

#define WINDOW 512
#define ALONE  5000

struct client {
	struct rt_wire w;
	size_t at; /* of w.in, taken */
	size_t asked, ended;
};

static void die(const char *what)
{
	fprintf(stderr, "runtime-socket: %s: %s\n", what, err_text());
	exit(3);
}

static void ask(struct client *c)
{
	static const char line[] =
		"{\"submit\":[{\"kind\":\"tool\",\"place\":\"self\"}]}";

	if (rt_wire_put_line(&c->w, line, strlen(line)))
		die("submit");
	c->asked++;
}

static unsigned long long number(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void take(struct client *c, const char *line)
{
	char out[128];
	int n = 0;

	if (!strncmp(line, "{\"start\"", 8))
		n = snprintf(out, sizeof(out), "{\"done\":{\"lease\":%llu}}",
			     number(line, "\"lease\":"));
	else if (!strncmp(line, "{\"ended\"", 8)) {
		n = snprintf(out, sizeof(out), "{\"delivered\":{\"id\":%llu}}",
			     number(line, "\"id\":"));
		c->ended++;
	} else if (strstr(line, "\"error\"") || strstr(line, "\"bye\"")) {
		err_set(EPROTO, "%s", line);
		die("the daemon");
	}
	if (n && rt_wire_put_line(&c->w, out, (size_t)n))
		die("answer");
}

static void turn(struct client *c)
{
	struct pollfd p = {c->w.fd, POLLIN, 0};
	char *nl;

	if (rt_wire_flush(&c->w))
		die("send");
	if (rt_wire_left(&c->w))
		p.events |= POLLOUT;
	poll(&p, 1, -1);
	if (rt_wire_fill(&c->w))
		die("the daemon is gone");
	while ((nl = memchr(c->w.in.data + c->w.in_used, '\n',
			    c->w.in.len - c->w.in_used))) {
		*nl = '\0';
		take(c, c->w.in.data + c->w.in_used);
		c->w.in_used = (size_t)(nl + 1 - c->w.in.data);
		c->w.in_seen = c->w.in_used;
	}
}

static double many(struct client *c, size_t n)
{
	double begun = clock_monotonic();
	size_t until = c->ended + n, most = c->asked + n;

	while (c->ended < until) {
		while (c->asked < most && c->asked - c->ended < WINDOW)
			ask(c);
		turn(c);
	}
	return (double)n / (clock_monotonic() - begun);
}

static void alone(struct client *c, double *us, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double begun = clock_monotonic();
		size_t until = c->ended + 1;

		ask(c);
		while (c->ended < until)
			turn(c);
		us[i] = (clock_monotonic() - begun) * 1e6;
	}
	sample_sort(us, n);
}

int main(int argc, char **argv)
{
	size_t n = argc > 2 ? strtoul(argv[2], NULL, 10) : 200000;
	double *us = mem_zalloc(ALONE, sizeof(*us)), rate, p99;
	struct client c = {0};
	int fd;

	if (argc < 2)
		return 2;
	fd = rt_connect(argv[1]);
	if (fd < 0)
		die("connect");
	rt_wire_init(&c.w, fd);
	rt_wire_put(&c.w, rt_hello("bench", "bench", NULL));
	many(&c, n / 20);
	rate = many(&c, n);
	alone(&c, us, ALONE);
	p99 = us[ALONE / 100 * 99];
	printf("%.0f requests/s through the socket, %d under way\n", rate,
	       WINDOW);
	printf("alone: p50 %.0f us, p99 %.0f us\n", us[ALONE / 2], p99);
	free(us);
	rt_wire_release(&c.w);
	return rate >= 20000 && p99 < 1000 ? 0 : 1;
}
