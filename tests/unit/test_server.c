/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon and clients that mean it no good. */
#include <errno.h>
#include <fcntl.h>
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rt/ask.h"
#include "rt/config.h"
#include "rt/listen.h"
#include "rt/server.h"
#include "rt/socket.h"
#include "rt/wire.h"

#define PATIENCE_S 20.0

static char dir[32];
static char *sock, *journal, *mark;
static pid_t daemon_pid;

/* ---- what serves notes, which is this program as well ---------------------
 */

static void store_answer(struct rt_wire *w, const struct json *v,
			 const char *rest)
{
	char *line = mem_printf("{\"id\":%.0f,%s}",
				json_as_number(json_get(v, "id"), 0), rest);

	rt_wire_put_line(w, line, strlen(line));
	free(line);
}

/* "full": the first one reads nothing and is gone, the next one reads late.
 * "odd": it says things that nobody asked for, and at first that it is to be
 * asked again.  "mad": it answers nothing that can be read. */
static int be_store(const char *way, const char *mark_path)
{
	bool first = !mkdir(mark_path, 0700);
	struct rt_wire w;
	struct json *v;

	if (!strcmp(way, "full"))
		poll(NULL, 0, 200);
	if (!strcmp(way, "full") && first)
		return 0;
	rt_wire_init(&w, 0);
	for (;;) {
		struct pollfd p = {0, POLLIN, 0};

		poll(&p, 1, -1);
		if (rt_wire_fill(&w))
			return 0;
		while (rt_wire_next(&w, &v) == 1) {
			if (!strcmp(way, "mad"))
				rt_wire_put_line(&w, "mad", 3);
			if (!strcmp(way, "odd")) {
				rt_wire_put_line(&w, "{\"id\":4711}", 11);
				rt_wire_put_line(&w, "{\"error\":{}}", 12);
			}
			if (!strcmp(way, "odd") && first)
				store_answer(&w, v,
					     "\"error\":{\"errno\":\"EAGAIN\","
					     "\"text\":\"later\"}");
			else
				store_answer(&w, v, "\"result\":7");
			first = false;
			json_free(v);
		}
		rt_wire_flush(&w);
	}
}

/* ---- a daemon ---------------------------------------------------------- */

static volatile sig_atomic_t stop;

static void on_term(int sig)
{
	(void)sig;
	stop = 1;
}

static void serve(rlim_t file_size)
{
	struct rlimit r = {file_size, file_size};
	struct rt_config config;
	struct rt_server_opts o = {.config = &config, .stop = &stop};
	struct rt_listener l;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, on_term);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &r);
	if (getenv("TEST_STORE"))
		o.store = "/proc/self/exe";
	/* The others write nothing down. */
	if (file_size != RLIM_INFINITY)
		o.journal = journal;
	if (rt_config_load(NULL, &config) || rt_listen_make(sock, &l))
		_exit(3);
	o.listen_fd = l.fd;
	_exit(rt_serve(&o) != 0);
}

static void daemon_start(rlim_t file_size)
{
	daemon_pid = fork();
	assert_true(daemon_pid >= 0);
	if (!daemon_pid)
		serve(file_size);
	for (int i = 0; i < 10000; i++) {
		int fd = rt_connect(sock);

		if (fd >= 0) {
			close(fd);
			return;
		}
		poll(NULL, 0, 2);
	}
	fail_msg("no daemon: %s", err_text());
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_server.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	setenv("XDG_CONFIG_HOME", dir, 1);
	sock = mem_printf("%s/s", dir);
	journal = mem_printf("%s/j", dir);
	mark = mem_printf("%s/mark", dir);
	setenv("TEST_MARK", mark, 1);
	return 0;
}

static int teardown(void **state)
{
	char *command = mem_printf("%s/s.lock", dir);
	int status = 0;

	(void)state;
	if (daemon_pid > 0) {
		kill(daemon_pid, SIGTERM);
		waitpid(daemon_pid, &status, 0);
	}
	daemon_pid = 0;
	unlink(sock);
	unsetenv("TEST_STORE");
	unlink(journal);
	rmdir(mark);
	unlink(command);
	rmdir(dir);
	free(command);
	free(sock);
	free(journal);
	free(mark);
	return status;
}

/* ---- a client ---------------------------------------------------------- */

/* Sends it all, reading nothing: false once the daemon has hung up. */
static bool say(int fd, const char *line)
{
	double until = clock_monotonic() + PATIENCE_S;
	size_t len = strlen(line);

	while (len) {
		struct pollfd p = {fd, POLLOUT, 0};
		ssize_t n = send(fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0) {
			poll(&p, 1, 100);
			assert_true(clock_monotonic() < until);
			continue;
		}
		line += n;
		len -= (size_t)n;
	}
	return true;
}

/* The next line; NULL: the daemon has hung up, or (patience) is silent. */
static struct json *hear(struct rt_wire *w, double patience)
{
	double until = clock_monotonic() + patience;
	struct json *v;
	int rc;

	for (;;) {
		struct pollfd p = {w->fd, POLLIN, 0};

		rc = rt_wire_next(w, &v);
		if (rc == 1)
			return v;
		assert_int_equal(rc, 0);
		if (clock_monotonic() > until)
			return NULL;
		poll(&p, 1, 50);
		if (p.revents && rt_wire_fill(w) && w->in_seen == w->in.len)
			return NULL;
	}
}

static void join(struct rt_wire *w)
{
	int fd = rt_connect(sock);
	struct json *v;

	assert_true(fd >= 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	rt_wire_init(w, fd);
	assert_true(say(fd, "{\"hello\":{\"agent\":\"a\",\"run\":\"\","
			    "\"version\":1}}\n"));
	v = hear(w, PATIENCE_S);
	assert_non_null(json_get(v, "welcome"));
	json_free(v);
}

static void leave(struct rt_wire *w)
{
	close(w->fd);
	rt_wire_release(w);
}

/* The answer to a line with a "ref", whatever else comes. */
static struct json *answer(struct rt_wire *w, const char *line)
{
	struct json *v;

	assert_true(say(w->fd, line));
	for (;;) {
		v = hear(w, PATIENCE_S);
		assert_non_null(v);
		if (json_get(v, "ref"))
			return v;
		json_free(v);
	}
}

/* Its error; 0: none. */
static int ask(struct rt_wire *w, const char *line)
{
	struct json *v = answer(w, line);
	int rc = json_get(v, "error") ? rt_error_read(json_get(v, "error")) : 0;

	json_free(v);
	return rc;
}

/* A request that waits for ever, of about so many bytes. */
static char *big(const char *run, size_t n, size_t bytes)
{
	char *fill = mem_zalloc(bytes + 1, 1), *line;

	memset(fill, 'x', bytes);
	line = mem_printf("{\"submit\":[{\"kind\":\"tool\",\"place\":\"self\","
			  "\"run\":\"%s\",\"key\":\"k%zu\",\"need\":{\"cores\":"
			  "0.001},\"payload\":\"%s\"}],\"ref\":1}\n",
			  run, n, fill);
	free(fill);
	return line;
}

static double memory_held(struct rt_wire *w)
{
	struct json *v;
	double held;

	v = answer(w, "{\"look\":\"metrics\",\"ref\":1}\n");
	assert_non_null(json_path(v, "value.daemon.held_bytes"));
	held = json_as_number(json_path(v, "value.daemon.held_bytes"), 0);
	json_free(v);
	return held;
}

/* One that asks for all the memory there is leaves room for the next. */
static void test_room_for_others(void **state)
{
	struct rt_wire hog, other;
	size_t taken = 0;
	char *line;
	int rc = 0;

	(void)state;
	daemon_start(RLIM_INFINITY);
	join(&hog);
	for (; !rc && taken < 200; taken++) {
		line = big("hog", taken, 4000000);
		rc = ask(&hog, line);
		free(line);
	}
	assert_int_equal(rc, -EAGAIN);
	assert_in_range(taken, 20, 40);
	join(&other);
	line = big("other", 0, 4000000);
	assert_int_equal(ask(&other, line), 0);
	free(line);
	assert_true(memory_held(&other) > 100e6);
	/* When it is gone, so is what it asked for. */
	leave(&hog);
	for (int i = 0; i < 2000 && memory_held(&other) > 50e6; i++)
		poll(NULL, 0, 10);
	assert_true(memory_held(&other) < 50e6);
	leave(&other);
}

/* Who asks and never reads is hung up on; the others are served. */
static void test_deaf(void **state)
{
	struct rt_wire deaf, other;
	char *ref = mem_zalloc(1000001, 1), *line;
	bool heard = true;
	double start = clock_monotonic();

	(void)state;
	daemon_start(RLIM_INFINITY);
	join(&deaf);
	join(&other);
	memset(ref, 'x', 1000000);
	line = mem_printf("{\"look\":\"workers\",\"ref\":\"%s\"}\n", ref);
	for (size_t i = 0; heard && i < 200; i++) {
		heard = say(deaf.fd, line);
		if (i % 10 == 0)
			assert_int_equal(
				ask(&other, "{\"look\":\"top\",\"ref\":2}\n"),
				0);
	}
	assert_false(heard);
	assert_int_equal(ask(&other, "{\"look\":\"top\",\"ref\":2}\n"), 0);
	assert_true(clock_monotonic() - start < PATIENCE_S);
	leave(&deaf);
	leave(&other);
	free(line);
	free(ref);
}

/* Lines that are almost something. */
static void test_nonsense(void **state)
{
	static const struct {
		const char *line;
		int rc;
	} lines[] = {
		{"{\"cancel\":{\"id\":1e300},\"ref\":1}\n", -EINVAL},
		{"{\"cancel\":{\"id\":-1},\"ref\":1}\n", -EINVAL},
		{"{\"cancel\":{\"id\":\"1\"},\"ref\":1}\n", -EINVAL},
		{"{\"done\":{\"lease\":1e300},\"ref\":1}\n", -EINVAL},
		{"{\"grow\":{\"lease\":77,\"more\":{}},\"ref\":1}\n", -ESTALE},
		{"{\"submit\":[],\"ref\":1}\n", -EINVAL},
		{"{\"submit\":[{\"kind\":\"tool\",\"agent\":\"b\"}],"
		 "\"ref\":1}\n",
		 -EACCES},
		{"{\"submit\":[{\"kind\":\"storage\",\"payload\":{\"kind\":"
		 "\"storage\",\"verb\":\"read\",\"name\":\"../b/x\"}}],"
		 "\"ref\":1}\n",
		 -EACCES},
		{"{\"drop\":{\"name\":\"nobody\"},\"ref\":1}\n", -ENOENT},
		{"{\"look\":\"\\n\",\"ref\":1}\n", -ENOENT},
		{"{\"set\":{\"policy\":\"x\"},\"ref\":[[[]]]}\n", -EINVAL},
		{"{\"set\":{},\"ref\":1}\n", -EINVAL},
		{"{\"set\":{\"policy\":\"fifo\"},\"ref\":1}\n", 0},
		{"{\"done\":{},\"ref\":1}\n", -EINVAL},
		{"{\"suspended\":{\"lease\":0.5},\"ref\":1}\n", -EINVAL},
		{"{\"progress\":{\"lease\":\"1\"},\"ref\":1}\n", -EINVAL},
		{"{\"grow\":{\"lease\":-1},\"ref\":1}\n", -EINVAL},
		{"{\"cancel\":{\"run\":7},\"ref\":1}\n", -EINVAL},
		{"{\"cancel\":{\"candidate\":[]},\"ref\":1}\n", -EINVAL},
		/* A connection without a run has none to cancel. */
		{"{\"cancel\":{\"run\":\"\"},\"ref\":1}\n", -EINVAL},
		{"{\"cancel\":{\"candidate\":\"c\"},\"ref\":1}\n", -EINVAL},
		/* What is no more is cancelled. */
		{"{\"cancel\":{\"id\":4711},\"ref\":1}\n", 0},
		{"{\"cancel\":{\"run\":\"nobody's\"},\"ref\":1}\n", 0},
		{"{\"submit\":{},\"ref\":1}\n", -EINVAL},
		{"{\"submit\":[7],\"ref\":1}\n", -EINVAL},
		{"{\"submit\":[{\"kind\":\"tool\",\"agent\":\"aa\"}],"
		 "\"ref\":1}\n",
		 -EACCES},
		{"{\"submit\":[{\"kind\":\"memory\",\"payload\":{\"kind\":"
		 "\"storage\",\"verb\":\"get\"}}],\"ref\":1}\n",
		 -EINVAL},
		{"{\"submit\":[{\"kind\":\"memory\"}],\"ref\":1}\n", -EINVAL},
		{"{\"worker\":{\"name\":\"w\"},\"ref\":1}\n", -EINVAL},
		{"{\"worker\":{\"name\":\"w\",\"kinds\":[\"llm\"],"
		 "\"ours\":1},\"ref\":1}\n",
		 -EINVAL},
		{"{\"beat\":{\"name\":\"host\"},\"ref\":1}\n", -EACCES},
		{"{\"beat\":{},\"ref\":1}\n", -ENOENT},
		{"{\"drop\":{\"name\":\"host\",\"now\":\"yes\"},"
		 "\"ref\":1}\n",
		 -EINVAL},
		{"{\"look\":7,\"ref\":1}\n", -ENOENT},
		{"{\"drain\":1,\"ref\":1}\n", -EINVAL},
		{"{\"stop\":false,\"ref\":1}\n", -EINVAL},
		{"{\"hello\":{\"agent\":\"b\",\"version\":1},"
		 "\"ref\":1}\n",
		 -EPROTO},
	};
	struct rt_wire w;

	(void)state;
	daemon_start(RLIM_INFINITY);
	join(&w);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		int rc = ask(&w, lines[i].line);

		if (rc != lines[i].rc)
			fail_msg("%s: %d", lines[i].line, rc);
	}
	leave(&w);
}

#define TEN "{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n"

/* What a stranger says first, and whether it is hung up on for that. */
static void test_at_the_door(void **state)
{
	static const struct {
		const char *line, *says;
		bool closes;
	} lines[] = {
		{"{\"look\":\"top\",\"ref\":1}\n", "hello comes first", false},
		{"{\"hello\":{\"agent\":\"a\",\"version\":2}}\n", "version 1",
		 true},
		{"{\"hello\":{\"agent\":\"a\"}}\n", "version 1", true},
		{"{\"hello\":{\"version\":1}}\n", "an agent's name", false},
		{"{\"hello\":{\"agent\":7,\"version\":1}}\n", "an agent's name",
		 false},
		{"{\"hello\":{\"agent\":\"a\",\"version\":1,\"run\":7}}\n",
		 "'run' is no text", false},
		{"{\"hello\":{\"agent\":\"a\",\"version\":1,"
		 "\"still\":\"k\"}}\n",
		 "'still' is no list", false},
		{"{\"greetings\":{}}\n", "nothing that there is", false},
		{"[]\n", "no object", false},
		{TEN TEN TEN, "bye", true},
	};

	(void)state;
	daemon_start(RLIM_INFINITY);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		int fd = rt_connect(sock);
		struct rt_wire w;
		struct json *v;
		bool said = false, gone = false;

		assert_true(fd >= 0);
		rt_wire_init(&w, fd);
		assert_true(say(fd, lines[i].line));
		while (!said && (v = hear(&w, PATIENCE_S))) {
			char *text = json_canonical(v);

			said = strstr(text, lines[i].says);
			free(text);
			json_free(v);
		}
		if (!said)
			fail_msg("%s", lines[i].line);
		if (lines[i].closes) {
			v = hear(&w, PATIENCE_S);
			gone = !v;
			json_free(v);
		}
		/* Who is not hung up on may still say it as it should. */
		if (!gone) {
			assert_true(say(fd, "{\"hello\":{\"agent\":\"a\","
					    "\"version\":1}}\n"));
			v = hear(&w, PATIENCE_S);
			assert_non_null(json_get(v, "welcome"));
			json_free(v);
		}
		assert_int_equal(gone, lines[i].closes);
		leave(&w);
	}
}

/* Names have their most: those of others' runs get a user before them. */
static void test_long_names(void **state)
{
	char name[200];

	(void)state;
	daemon_start(RLIM_INFINITY);
	for (int what = 0; what < 4; what++) {
		int fd = rt_connect(sock);
		size_t most = what < 2 ? 128 : 112;
		struct rt_wire w;
		struct json *v;
		char *line;

		assert_true(fd >= 0);
		rt_wire_init(&w, fd);
		memset(name, 'n', sizeof(name));
		name[most + what % 2] = '\0';
		line = mem_printf("{\"hello\":{\"agent\":\"%s\",\"run\":"
				  "\"%s\",\"version\":1}}\n",
				  what < 2 ? name : "a", what < 2 ? "" : name);
		assert_true(say(fd, line));
		v = hear(&w, PATIENCE_S);
		assert_non_null(json_get(v, what % 2 ? "error" : "welcome"));
		json_free(v);
		free(line);
		leave(&w);
	}
}

/* The next line that says such a thing, others left out. */
static struct json *await(struct rt_wire *w, const char *key)
{
	struct json *v;

	while ((v = hear(w, PATIENCE_S)) && !json_get(v, key))
		json_free(v);
	assert_non_null(v);
	return v;
}

static double number_in(struct json *v, const char *path)
{
	double x = json_as_number(json_path(v, path), 0);

	json_free(v);
	return x;
}

#define TOOL                                                                \
	"{\"kind\":\"tool\",\"place\":\"self\",\"need\":{\"cores\":0.001}," \
	"\"preemptible\":true,\"idempotent\":true"

static void say_of(struct rt_wire *w, double lease, const char *what,
		   const char *more)
{
	char *line =
		mem_printf("{\"%s\":{\"lease\":%.0f%s}}\n", what, lease, more);

	assert_true(say(w->fd, line));
	free(line);
}

/* A lease: what is wrong about it is refused and changes nothing. */
static void test_a_lease_and_what_is_said_of_it(void **state)
{
	static const struct {
		const char *what, *more;
	} bad[] = {
		{"progress", ",\"usage\":7,\"ref\":1"},
		{"suspended", ",\"usage\":{\"seconds\":-1}"},
		{"grow", ",\"more\":{\"cores\":-1}"},
		{"done", ",\"again\":true,\"usage\":[]"},
	};
	struct rt_wire w;
	double lease;

	(void)state;
	daemon_start(RLIM_INFINITY);
	join(&w);
	assert_int_equal(ask(&w, "{\"submit\":[" TOOL "}],\"ref\":1}\n"), 0);
	lease = number_in(await(&w, "start"), "start.lease");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		say_of(&w, lease, bad[i].what, bad[i].more);
		json_free(await(&w, "error"));
	}
	say_of(&w, lease, "progress", ",\"usage\":{\"seconds\":1}");
	/* It grows by nothing; then it goes on from where it was stopped. */
	{
		char *line = mem_printf("{\"grow\":{\"lease\":%.0f},"
					"\"ref\":3}\n",
					lease);

		assert_int_equal(ask(&w, line), 0);
		free(line);
	}
	say_of(&w, lease, "suspended", ",\"checkpoint\":{\"at\":9}");
	{
		struct json *v = await(&w, "start");
		double again = json_as_number(json_path(v, "start.lease"), 0);

		assert_true(again > lease);
		assert_true(json_as_number(json_path(v, "start.checkpoint.at"),
					   0) == 9);
		json_free(v);
		/* The old one is nobody's. */
		say_of(&w, lease, "done", "");
		say_of(&w, lease, "suspended", "");
		say_of(&w, lease, "progress", "");
		lease = again;
	}
	/* Without a checkpoint it begins anew. */
	say_of(&w, lease, "suspended", "");
	{
		struct json *v = await(&w, "start");

		assert_null(json_path(v, "start.checkpoint"));
		lease = json_as_number(json_path(v, "start.lease"), 0);
		json_free(v);
	}
	say_of(&w, lease, "done", ",\"result\":{\"x\":1}");
	assert_true(number_in(await(&w, "ended"), "ended.result.x") == 1);
	/* Said twice, and of what another has, and of nothing. */
	assert_true(say(w.fd, "{\"delivered\":{\"id\":1}}\n"
			      "{\"delivered\":{\"id\":1}}\n"
			      "{\"delivered\":{}}\n"));
	assert_int_equal(ask(&w, "{\"look\":\"top\",\"ref\":2}\n"), 0);
	leave(&w);
}

static void test_a_checkpoint_has_its_most(void **state)
{
	char *fill = mem_zalloc((4u << 20) + 1, 1), *more;
	struct rt_wire w;
	double lease;

	(void)state;
	daemon_start(RLIM_INFINITY);
	join(&w);
	assert_int_equal(ask(&w, "{\"submit\":[" TOOL "}],\"ref\":1}\n"), 0);
	lease = number_in(await(&w, "start"), "start.lease");
	memset(fill, 'x', 4u << 20);
	more = mem_printf(",\"checkpoint\":\"%s\"", fill);
	say_of(&w, lease, "suspended", more);
	json_free(await(&w, "error"));
	/* It runs on. */
	say_of(&w, lease, "done", "");
	json_free(await(&w, "ended"));
	free(more);
	free(fill);
	leave(&w);
}

/* Of another connection nothing is taken, given or acknowledged. */
static void test_of_others(void **state)
{
	static const char worker[] =
		"{\"worker\":{\"name\":\"w\",\"kinds\":[\"llm\"],"
		"\"capacity\":{\"endpoint_slots\":1}},\"ref\":1}\n";
	struct rt_wire a, b;
	double lease, id;
	char *line;

	(void)state;
	daemon_start(RLIM_INFINITY);
	join(&a);
	join(&b);
	assert_int_equal(ask(&a, "{\"submit\":[" TOOL "}],\"ref\":1}\n"), 0);
	{
		struct json *v = await(&a, "start");

		lease = json_as_number(json_path(v, "start.lease"), 0);
		id = json_as_number(json_path(v, "start.id"), 0);
		json_free(v);
	}
	say_of(&b, lease, "done", "");
	line = mem_printf("{\"delivered\":{\"id\":%.0f},\"ref\":1}\n", id);
	assert_int_equal(ask(&b, line), -EACCES);
	free(line);
	say_of(&a, lease, "done", ",\"result\":7");
	assert_true(number_in(await(&a, "ended"), "ended.result") == 7);
	assert_int_equal(ask(&a, worker), 0);
	assert_int_equal(ask(&b, worker), -EEXIST);
	assert_int_equal(ask(&b, "{\"beat\":{\"name\":\"w\"},\"ref\":1}\n"),
			 -EACCES);
	/* The user's own connections may steer each other's. */
	assert_int_equal(ask(&b, "{\"drop\":{\"name\":\"w\",\"now\":true},"
				 "\"ref\":1}\n"),
			 0);
	assert_int_equal(ask(&b, worker), 0);
	leave(&a);
	leave(&b);
}

/* One that two told of goes with the second of them. */
static void test_shared_workers(void **state)
{
	static const char worker[] =
		"{\"worker\":{\"name\":\"w\",\"kinds\":[\"llm\"],"
		"\"capacity\":{\"endpoint_slots\":1},\"ours\":false},"
		"\"ref\":1}\n";
	static const char two[] =
		"{\"submit\":[{\"kind\":\"llm\",\"place\":\"self\","
		"\"need\":{\"endpoint_slots\":2}}],\"ref\":1}\n";
	static const char top[] = "{\"look\":\"workers\",\"ref\":1}\n";
	struct rt_wire a, b, c;
	bool there = true;

	(void)state;
	daemon_start(RLIM_INFINITY);
	join(&a);
	join(&b);
	join(&c);
	assert_int_equal(ask(&a, worker), 0);
	assert_int_equal(ask(&a, worker), 0);
	assert_int_equal(ask(&b, worker), 0);
	leave(&a);
	/* Too much for it: -ERANGE as long as there is one. */
	for (int i = 0; i < 20; i++)
		assert_int_equal(ask(&c, two), -ERANGE);
	leave(&b);
	for (int i = 0; there && i < 2000; i++) {
		struct json *v = answer(&c, top);
		char *text = json_canonical(v);

		there = strstr(text, "\"w\"");
		free(text);
		json_free(v);
		poll(NULL, 0, 2);
	}
	assert_false(there);
	assert_int_equal(ask(&c, two), -ENODEV);
	leave(&c);
}

/* ---- what serves notes ----------------------------------------------------
 */

/* A note of so many bytes is to be added. */
static void add_note(struct rt_wire *w, size_t bytes)
{
	char *fill = mem_zalloc(bytes + 1, 1), *line;

	memset(fill, 'x', bytes);
	line = mem_printf("{\"submit\":[{\"kind\":\"memory\",\"payload\":{"
			  "\"kind\":\"memory\",\"verb\":\"add\",\"text\":"
			  "\"%s\"}}],\"ref\":1}\n",
			  fill);
	assert_int_equal(ask(w, line), 0);
	free(line);
	free(fill);
}

/* One that died with its socket full is followed by one that is told all. */
static void test_store_that_does_not_read(void **state)
{
	struct rt_wire w;

	(void)state;
	setenv("TEST_STORE", "full", 1);
	daemon_start(RLIM_INFINITY);
	join(&w);
	/* More than a socket holds, so that the rest has to be sent by itself.
	 */
	for (int i = 0; i < 2; i++)
		add_note(&w, 1000000);
	for (int i = 0; i < 2; i++)
		assert_true(number_in(await(&w, "ended"), "ended.result") == 7);
	leave(&w);
}

static void test_store_that_says_odd_things(void **state)
{
	struct rt_wire w;

	(void)state;
	setenv("TEST_STORE", "odd", 1);
	daemon_start(RLIM_INFINITY);
	join(&w);
	add_note(&w, 10);
	assert_true(number_in(await(&w, "ended"), "ended.result") == 7);
	leave(&w);
}

/* It is started again and again, more slowly each time; what makes it die is
 * given up. */
static void test_store_that_is_mad(void **state)
{
	struct rt_wire w;
	struct json *v;

	(void)state;
	setenv("TEST_STORE", "mad", 1);
	daemon_start(RLIM_INFINITY);
	join(&w);
	add_note(&w, 10);
	v = await(&w, "ended");
	assert_string_equal(json_text_at(v, "ended.state"), "failed");
	json_free(v);
	leave(&w);
}

static void test_many_workers(void **state)
{
	struct rt_wire w;
	size_t n = 0;
	int rc = 0;

	(void)state;
	daemon_start(RLIM_INFINITY);
	join(&w);
	for (; !rc && n < 2000; n++) {
		char *line = mem_printf(
			"{\"worker\":{\"name\":\"w%zu\",\"kinds\":[\"llm\"],"
			"\"capacity\":{\"endpoint_slots\":1},\"ours\":false},"
			"\"ref\":1}\n",
			n);

		rc = ask(&w, line);
		free(line);
	}
	assert_int_equal(rc, -EAGAIN);
	assert_in_range(n, 1000, 1024);
	leave(&w);
}

/* What a full disk kept out of the journal nobody hears of, not even when the
 * daemon leaves over it. */
static void test_full_disk(void **state)
{
	struct rt_wire w;
	struct json *v;
	char *line;
	int status;

	(void)state;
	daemon_start(2000);
	join(&w);
	line = big("r", 1, 500);
	assert_int_equal(ask(&w, line), 0);
	free(line);
	line = big("r", 2, 5000);
	assert_true(say(w.fd, line));
	free(line);
	while ((v = hear(&w, 1.5))) {
		assert_null(json_get(v, "ids"));
		json_free(v);
	}
	kill(daemon_pid, SIGTERM);
	while ((v = hear(&w, PATIENCE_S))) {
		assert_null(json_get(v, "ids"));
		json_free(v);
	}
	assert_int_equal(waitpid(daemon_pid, &status, 0), daemon_pid);
	assert_int_equal(status, 0);
	daemon_pid = 0;
	leave(&w);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_room_for_others),
		T(test_deaf),
		T(test_nonsense),
		T(test_at_the_door),
		T(test_long_names),
		T(test_a_lease_and_what_is_said_of_it),
		T(test_a_checkpoint_has_its_most),
		T(test_of_others),
		T(test_shared_workers),
		T(test_store_that_does_not_read),
		T(test_store_that_says_odd_things),
		T(test_store_that_is_mad),
		T(test_many_workers),
		T(test_full_disk),
	};

	if (getenv("TEST_STORE"))
		return be_store(getenv("TEST_STORE"), getenv("TEST_MARK"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
