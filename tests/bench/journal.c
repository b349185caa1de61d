/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records a second that the runtime's journal takes: a commit for each, and
 * one for every 64; without a cost, so that no disk is waited for, and with
 * one.
 *
 *   journal FILE [RECORDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "rt/journal.h"

static const struct rt_ops ops;

static void request(struct rt_task *t)
{
	*t = (struct rt_task){.id = 1};
	rt_request_init(&t->q);
	free(t->q.payload);
	t->q.payload = strdup("{\"verb\":\"run\",\"argv\":[\"make\",\"-j4\"]}");
	free(t->q.run);
	t->q.run = strdup("run-2026-11-21-1");
	free(t->q.key);
	t->q.key = strdup("candidate-1/climb-7");
	t->q.need.v[RES_CORES] = 1000;
	t->q.need.v[RES_MEMORY] = 512;
}

static void fail(void)
{
	fprintf(stderr, "journal: %s\n", err_text());
	exit(1);
}

static void measure(const char *path, long n, long every, bool billed)
{
	struct rt_opts o;
	struct rt_journal *j;
	struct rt_task t;
	struct rt *r;
	struct rt_event e = {billed ? RT_EV_ENDED : RT_EV_SUBMITTED, &t, NULL};
	double start;
	size_t lost;

	unlink(path);
	rt_opts_init(&o);
	o.ops = &ops;
	if (rt_new(&o, &r) || rt_journal_open(path, r, 0, &lost, &j))
		fail();
	request(&t);
	t.state = RT_DONE;
	t.used.tokens_out = billed;
	start = clock_monotonic();
	for (long i = 1; i <= n; i++) {
		t.id++;
		rt_journal_add(j, &e);
		if (i % every == 0 && rt_journal_commit(j))
			fail();
	}
	printf("%-9s a commit for %2ld: %9.0f records/s\n",
	       billed ? "billed," : "no cost,", every,
	       (double)n / (clock_monotonic() - start));
	rt_journal_close(j);
	rt_free(r);
	rt_request_release(&t.q);
	unlink(path);
}

int main(int argc, char **argv)
{
	long n = argc > 2 ? atol(argv[2]) : 200000;

	if (argc < 2 || n < 64) {
		fprintf(stderr, "usage: journal FILE [RECORDS]\n");
		return 2;
	}
	measure(argv[1], n, 1, false);
	measure(argv[1], n, 64, false);
	measure(argv[1], n / 400 + 1, 1, true);
	measure(argv[1], n / 20, 64, true);
	return 0;
}
