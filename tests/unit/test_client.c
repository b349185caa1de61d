/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runtime as tools see it: in-process, shared, and with a daemon that is
 * killed under them at every point. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/client.h"
#include "rt/config.h"
#include "rt/listen.h"
#include "rt/server.h"
#include "rt/socket.h"

#define MANY 24
/* The daemon may not get the CPU for a while. */
#define PATIENCE_S 30

static char dir[] = "/tmp/test_client.XXXXXX";
static char *sock, *journal;
static struct rt_config config;

/* ---- a daemon ------------------------------------------------------------ */

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void serve(void)
{
	struct rt_server_opts o = {
		.config = &config, .journal = journal, .stop = &stop};
	struct rt_listener l;
	int rc;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, on_term);
	rc = rt_listen_make(sock, &l);
	if (!rc) {
		o.listen_fd = l.fd;
		rc = rt_serve(&o);
		l.fd = -1;
		rt_listen_close(&l);
	}
	if (rc)
		fprintf(stderr, "daemon: %s\n", err_text());
	rt_config_release(&config);
	free(sock);
	free(journal);
	exit(rc != 0);
}

static pid_t daemon_start(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		serve();
	for (int i = 0; i < 10000; i++) {
		int fd = rt_connect(sock);

		if (fd >= 0) {
			close(fd);
			return pid;
		}
		poll(NULL, 0, 2);
	}
	fail_msg("no daemon: %s", err_text());
	return -1;
}

static void daemon_end(pid_t pid, int sig)
{
	int status;

	kill(pid, sig);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (sig != SIGKILL)
		assert_int_equal(status, 0);
}

static void fresh(void)
{
	unlink(journal);
}

/* ---- a user ------------------------------------------------------------ */

struct user {
	struct rt_client *c;
	uint64_t leases[MANY]; /* running */
	size_t running, most;
	size_t starts, ends, cancels;
	size_t ended[MANY]; /* of each request, by its number */
	size_t started[MANY];
	size_t failed;
	bool hold; /* starts are not done at once */
	char last[64];
};

static size_t number_of(const char *key)
{
	size_t n = (size_t)strtoul(key + 1, NULL, 10);

	assert_true(n < MANY);
	return n;
}

static void on_start(void *arg, const struct rt_grant *g)
{
	struct user *u = arg;

	u->starts++;
	u->started[number_of(g->key)]++;
	assert_true(u->running < MANY);
	u->leases[u->running++] = g->lease;
	if (u->running > u->most)
		u->most = u->running;
	snprintf(u->last, sizeof(u->last), "%s", g->payload ? g->payload : "");
}

static void on_cancel(void *arg, uint64_t lease)
{
	struct user *u = arg;

	u->cancels++;
	for (size_t i = 0; i < u->running; i++)
		if (u->leases[i] == lease)
			u->leases[i--] = u->leases[--u->running];
}

static void on_ended(void *arg, uint64_t id, const char *key,
		     enum rt_state state, const struct rt_outcome *o)
{
	struct user *u = arg;

	assert_true(id > 0);
	u->ends++;
	u->ended[number_of(key)]++;
	u->failed += state != RT_DONE;
	snprintf(u->last, sizeof(u->last), "%s",
		 o && o->result ? o->result : "");
	if (state != RT_DONE && o && o->text)
		print_message("%s: %s\n", key, o->text);
}

static const struct rt_client_ops ops = {
	.start = on_start, .cancel = on_cancel, .ended = on_ended};

static void user_open(struct user *u, const char *run, const char *path)
{
	struct rt_client_opts o = {.agent = "test",
				   .run = run,
				   .socket = path,
				   .config = &config,
				   .ops = &ops,
				   .arg = u};

	memset(u, 0, sizeof(*u));
	if (!path)
		setenv("SCHEDKIT_RUNTIME", "off", 1);
	if (rt_client_open(&o, &u->c))
		fail_msg("%s", err_text());
	unsetenv("SCHEDKIT_RUNTIME");
	assert_int_equal(rt_client_shared(u->c), path != NULL);
}

static void request_init(struct rt_request *q, size_t n)
{
	rt_request_init(q);
	q->kind = RT_TOOL;
	q->place = RT_SELF;
	q->need.v[RES_CORES] = 1000;
	free(q->key);
	q->key = mem_printf("k%zu", n);
}

/* q is used up. */
static void submit(struct user *u, struct rt_request *q)
{
	uint64_t id;

	if (rt_client_submit(u->c, q, 1, &id))
		fail_msg("%s", err_text());
	rt_request_release(q);
}

static void user_submit(struct user *u, size_t n, const char *after)
{
	struct rt_request q;

	request_init(&q, n);
	if (after) {
		q.deps = mem_zalloc(1, sizeof(*q.deps));
		q.deps[0].key = mem_strdup(after);
		q.dep_count = 1;
	}
	submit(u, &q);
}

static void done_one(struct user *u)
{
	struct rt_outcome o;

	rt_outcome_init(&o);
	o.used.seconds = 0.001;
	o.result = mem_strdup("{\"x\":1}");
	assert_int_equal(rt_client_done(u->c, u->leases[--u->running], &o), 0);
	rt_outcome_release(&o);
}

static void turn(struct user *u, double longest)
{
	struct pollfd p = {rt_client_fd(u->c), POLLIN, 0};
	double wait = fmin(rt_client_wait(u->c), longest);

	poll(&p, 1, (int)ceil(wait * 1e3));
	if (rt_client_step(u->c))
		fail_msg("%s", err_text());
	while (!u->hold && u->running)
		done_one(u);
}

/* Until so many have ended. */
static void finish(struct user *u, size_t ends)
{
	double until = clock_monotonic() + PATIENCE_S;

	while (u->ends < ends) {
		turn(u, 0.05);
		if (clock_monotonic() > until)
			fail_msg("%zu of %zu have ended, %zu started", u->ends,
				 ends, u->starts);
	}
}

static void all_once(const struct user *u, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (u->started[i] != 1 || u->ended[i] != 1)
			fail_msg("k%zu was started %zu times and ended %zu "
				 "times",
				 i, u->started[i], u->ended[i]);
	assert_int_equal(u->failed, 0);
}

/* ---- both ways --------------------------------------------------------- */

static void carry_out_all(const char *path)
{
	struct user u;

	user_open(&u, "run", path);
	for (size_t i = 0; i < MANY; i++)
		user_submit(&u, i, NULL);
	finish(&u, MANY);
	all_once(&u, MANY);
	assert_string_equal(u.last, "{\"x\":1}");
	/* Two cores. */
	assert_int_equal(u.most, 2);
	rt_client_close(u.c);
}

static void test_in_process(void **state)
{
	(void)state;
	carry_out_all(NULL);
}

static void test_shared(void **state)
{
	pid_t d;

	(void)state;
	fresh();
	d = daemon_start();
	carry_out_all(sock);
	/* A run of that name again: its keys are known, nothing is done twice,
	 * and what it led to is told again. */
	{
		struct user u;

		user_open(&u, "run", sock);
		for (size_t i = 0; i < MANY; i++)
			user_submit(&u, i, NULL);
		finish(&u, MANY);
		assert_int_equal(u.starts, 0);
		rt_client_close(u.c);
	}
	daemon_end(d, SIGTERM);
}

static void test_no_daemon_is_named(void **state)
{
	struct rt_client_opts o = {.agent = "test", .socket = "/nowhere/x"};
	struct rt_client *c;

	(void)state;
	assert_int_equal(rt_client_open(&o, &c), -ENOENT);
	assert_non_null(strstr(err_text(), "/nowhere/x"));
	o.socket = NULL;
	setenv("SCHEDKIT_RUNTIME", "sometimes", 1);
	assert_int_equal(rt_client_open(&o, &c), -EINVAL);
	unsetenv("SCHEDKIT_RUNTIME");
}

static void infeasible(const char *path)
{
	struct rt_request q;
	struct user u;
	uint64_t id;

	user_open(&u, "", path);
	rt_request_init(&q);
	q.kind = RT_GUEST;
	q.place = RT_SELF;
	q.need.v[RES_GUESTS] = 9;
	assert_int_equal(rt_client_submit(u.c, &q, 1, &id), -ERANGE);
	assert_non_null(strstr(err_text(), "guest_slots"));
	rt_request_release(&q);
	rt_client_close(u.c);
}

static void test_infeasible_is_said_at_once(void **state)
{
	pid_t d = daemon_start();

	(void)state;
	infeasible(NULL);
	infeasible(sock);
	daemon_end(d, SIGTERM);
}

static void take_and_give(const char *path)
{
	volatile sig_atomic_t cancel = 0;
	struct rt_request q;
	struct rt_outcome o;
	struct user a, b;
	uint64_t lease, other;

	user_open(&a, "a", path);
	rt_request_init(&q);
	q.kind = RT_GUEST;
	q.place = RT_SELF;
	q.need.v[RES_GUESTS] = 1;
	assert_int_equal(rt_lease_take(a.c, &q, &cancel, &lease), 0);
	if (path) {
		/* The only guest is taken. */
		user_open(&b, "b", path);
		cancel = 1;
		assert_int_equal(rt_lease_take(b.c, &q, &cancel, &other),
				 -EINTR);
		rt_client_close(b.c);
	}
	rt_outcome_init(&o);
	assert_int_equal(rt_lease_give(a.c, lease, &o), 0);
	assert_int_equal(rt_lease_give(a.c, lease, &o), -ESTALE);
	cancel = 0;
	assert_int_equal(rt_lease_take(a.c, &q, &cancel, &lease), 0);
	assert_int_equal(rt_lease_give(a.c, lease, &o), 0);
	rt_outcome_release(&o);
	rt_request_release(&q);
	assert_int_equal(a.starts, 0);
	rt_client_close(a.c);
}

static void test_a_lease(void **state)
{
	pid_t d = daemon_start();

	(void)state;
	take_and_give(NULL);
	take_and_give(sock);
	daemon_end(d, SIGTERM);
}

/* ---- others ------------------------------------------------------------ */

/* From killing a client until another one has done what waited for it. */
static double time_of_freeing(void)
{
	pid_t d = daemon_start(), child;
	int told[2];
	struct user u;
	double at, took;
	char byte;

	assert_int_equal(pipe(told), 0);
	child = fork();
	if (!child) {
		user_open(&u, "child", sock);
		u.hold = true;
		user_submit(&u, 0, NULL);
		user_submit(&u, 1, NULL);
		while (u.starts < 2)
			turn(&u, 1);
		(void)!write(told[1], "x", 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(told[0], &byte, 1), 1);
	user_open(&u, "parent", sock);
	user_submit(&u, 0, NULL);
	turn(&u, 0.02);
	assert_int_equal(u.starts, 0);
	kill(child, SIGKILL);
	at = clock_monotonic();
	finish(&u, 1);
	took = clock_monotonic() - at;
	waitpid(child, NULL, 0);
	close(told[0]);
	close(told[1]);
	rt_client_close(u.c);
	daemon_end(d, SIGTERM);
	fresh();
	return took;
}

/* A client that is killed gives back what it held, within 100 ms: where the
 * machine is busy, once in some. */
static void test_a_killed_client_frees_its_lease(void **state)
{
	double took = INFINITY;

	(void)state;
	for (int i = 0; i < 20 && took >= 0.1; i++)
		took = time_of_freeing();
	assert_true(took < 0.1);
}

/* One serves what the other asks for. */
static void test_a_worker(void **state)
{
	struct rt_worker_spec w;
	struct rt_request q;
	struct user asks, serves;
	pid_t d = daemon_start();
	double until;
	uint64_t id;

	(void)state;
	user_open(&serves, "s", sock);
	rt_worker_spec_init(&w);
	free(w.name);
	w.name = mem_strdup("calculator");
	w.kinds = 1u << RT_MEMORY;
	w.capacity.v[RES_SLOTS] = 1;
	if (rt_client_worker(serves.c, &w, true))
		fail_msg("%s", err_text());
	rt_worker_spec_release(&w);
	user_open(&asks, "a", sock);
	rt_request_init(&q);
	q.kind = RT_MEMORY;
	q.place = RT_WORKER;
	free(q.key);
	q.key = mem_strdup("k3");
	free(q.payload);
	q.payload = mem_strdup("{\"kind\":\"memory\",\"verb\":\"add\"}");
	if (rt_client_submit(asks.c, &q, 1, &id))
		fail_msg("%s", err_text());
	rt_request_release(&q);
	until = clock_monotonic() + PATIENCE_S;
	while (!asks.ends && clock_monotonic() < until) {
		turn(&serves, 0.01);
		turn(&asks, 0.01);
	}
	assert_int_equal(serves.starts, 1);
	assert_int_equal(serves.ends, 0);
	assert_int_equal(asks.starts, 0);
	assert_int_equal(asks.ends, 1);
	assert_string_equal(asks.last, "{\"x\":1}");
	rt_client_close(asks.c);
	rt_client_close(serves.c);
	daemon_end(d, SIGTERM);
}

static void test_cancelling(void **state)
{
	pid_t d = daemon_start();
	struct user u;

	(void)state;
	for (int way = 0; way < 2; way++) {
		user_open(&u, "c", way ? sock : NULL);
		u.hold = true;
		for (size_t i = 0; i < 4; i++)
			user_submit(&u, i, NULL);
		while (u.starts < 2)
			turn(&u, 1);
		/* One that runs and one that waits; the rest goes on. */
		assert_int_equal(rt_client_cancel(u.c, 1), 0);
		assert_int_equal(rt_client_cancel(u.c, 4), 0);
		finish(&u, 2);
		assert_int_equal(u.failed, 2);
		assert_int_equal(u.cancels, 1);
		u.hold = false;
		finish(&u, 4);
		assert_int_equal(u.failed, 2);
		assert_int_equal(u.starts, 3);
		rt_client_close(u.c);
	}
	daemon_end(d, SIGTERM);
}

/* ---- daemons that are killed ------------------------------------------- */

/* Chains of four; two run at once. */
static void submit_chains(struct user *u)
{
	for (size_t i = 0; i < MANY; i++) {
		char before[16];

		snprintf(before, sizeof(before), "k%zu", i - 1);
		user_submit(u, i, i % 4 ? before : NULL);
	}
}

/*
 * The daemon is killed once `point` things have been told to the client, some
 * of them done and not yet said to have ended, some running, some waiting.
 */
static void killed_at(size_t point, bool again)
{
	pid_t d;
	struct user u;

	fresh();
	d = daemon_start();
	user_open(&u, "run", sock);
	u.hold = true;
	submit_chains(&u);
	while (u.starts + u.ends < point) {
		size_t told = u.starts + u.ends;

		turn(&u, 0.002);
		if (u.running && (told % 3 || told == u.starts + u.ends))
			done_one(&u);
	}
	if (point % 2 && u.running)
		done_one(&u);
	daemon_end(d, SIGKILL);
	if (again)
		d = daemon_start();
	u.hold = false;
	finish(&u, MANY);
	assert_int_equal(rt_client_shared(u.c), again);
	/* Nothing comes after that. */
	for (int i = 0; i < 3; i++)
		turn(&u, 0.001);
	all_once(&u, MANY);
	assert_int_equal(u.cancels, 0);
	rt_client_close(u.c);
	if (again)
		daemon_end(d, SIGTERM);
}

/* All of one candidate, what runs and what waits, and nothing else. */
static void test_cancelling_a_candidate(void **state)
{
	pid_t d = daemon_start();
	struct user u;

	(void)state;
	for (int way = 0; way < 2; way++) {
		user_open(&u, "cc", way ? sock : NULL);
		u.hold = true;
		for (size_t i = 0; i < 6; i++) {
			struct rt_request q;

			request_init(&q, i);
			free(q.candidate);
			q.candidate = mem_strdup(i % 2 ? "odd" : "even");
			submit(&u, &q);
		}
		while (u.starts < 2)
			turn(&u, 1);
		assert_int_equal(rt_client_cancel_candidate(u.c, "odd"), 0);
		finish(&u, 3);
		assert_int_equal(u.failed, 3);
		assert_int_equal(u.cancels, 1);
		u.hold = false;
		finish(&u, 6);
		assert_int_equal(u.failed, 3);
		for (size_t i = 0; i < 6; i++)
			assert_int_equal(u.ended[i], 1);
		rt_client_close(u.c);
	}
	daemon_end(d, SIGTERM);
}

/* More for a lease, once another has given back what it takes. */
static void test_growing(void **state)
{
	struct vec one = {.v[RES_CORES] = 1000};
	pid_t d = daemon_start();
	struct rt_request q;
	struct user u;

	(void)state;
	for (int way = 0; way < 2; way++) {
		user_open(&u, "g", way ? sock : NULL);
		u.hold = true;
		request_init(&q, 0);
		q.most.v[RES_CORES] = 2000;
		submit(&u, &q);
		while (u.starts < 1)
			turn(&u, 1);
		user_submit(&u, 1, NULL);
		while (u.starts < 2)
			turn(&u, 1);
		assert_int_equal(rt_client_grow(u.c, u.leases[0], &one),
				 -EAGAIN);
		done_one(&u);
		finish(&u, 1);
		/* It is told by another start of the same lease. */
		while (u.starts < 3)
			turn(&u, 1);
		assert_int_equal(u.started[0], 2);
		assert_int_equal(u.leases[0], u.leases[1]);
		assert_int_equal(rt_client_grow(u.c, u.leases[0], &one),
				 -ERANGE);
		u.running = 1;
		done_one(&u);
		finish(&u, 2);
		assert_int_equal(u.failed, 0);
		rt_client_close(u.c);
	}
	daemon_end(d, SIGTERM);
}

static void test_killed_daemon_and_on_in_process(void **state)
{
	(void)state;
	for (size_t point = 0; point < 2 * MANY - 4; point++)
		killed_at(point, false);
}

static void test_killed_daemon_and_on_with_the_next(void **state)
{
	(void)state;
	for (size_t point = 0; point < 2 * MANY - 4; point++)
		killed_at(point, true);
}

/* With nothing to do the end of the daemon is no event. */
static void test_a_sleeping_client_survives(void **state)
{
	pid_t d = daemon_start();
	struct user u;

	(void)state;
	user_open(&u, "sleepy", sock);
	daemon_end(d, SIGTERM);
	turn(&u, 1);
	assert_false(rt_client_shared(u.c));
	assert_int_equal(rt_client_fd(u.c), -1);
	d = daemon_start();
	user_submit(&u, 0, NULL);
	assert_true(rt_client_shared(u.c));
	finish(&u, 1);
	rt_client_close(u.c);
	daemon_end(d, SIGTERM);
}

/* ---- around ------------------------------------------------------------ */

static int setup(void **state)
{
	static const char settings[] =
		"{\"policy\":\"fifo\",\"workers\":[{\"name\":\"host\","
		"\"kinds\":[\"tool\",\"guest\"],\"capacity\":"
		"{\"cores\":2,\"guest_slots\":1}}]}";
	char *path;
	FILE *f;
	int rc;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	sock = mem_printf("%s/s/sock", dir);
	journal = mem_printf("%s/journal", dir);
	path = mem_printf("%s/runtime.json", dir);
	f = fopen(path, "w");
	fputs(settings, f);
	fclose(f);
	rc = rt_config_load(path, &config);
	free(path);
	return rc;
}

static int teardown(void **state)
{
	static const char *const files[] = {"s/sock",  "s/sock.lock",  "s",
					    "journal", "runtime.json", ""};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *path = mem_printf("%s/%s", dir, files[i]);

		remove(path);
		free(path);
	}
	rt_config_release(&config);
	free(sock);
	free(journal);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_process),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_no_daemon_is_named),
		cmocka_unit_test(test_infeasible_is_said_at_once),
		cmocka_unit_test(test_a_lease),
		cmocka_unit_test(test_a_killed_client_frees_its_lease),
		cmocka_unit_test(test_a_worker),
		cmocka_unit_test(test_cancelling),
		cmocka_unit_test(test_cancelling_a_candidate),
		cmocka_unit_test(test_growing),
		cmocka_unit_test(test_killed_daemon_and_on_in_process),
		cmocka_unit_test(test_killed_daemon_and_on_with_the_next),
		cmocka_unit_test(test_a_sleeping_client_survives),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
