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
static char *sock, *journal;
static pid_t daemon_pid;

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
	unlink(journal);
	unlink(command);
	rmdir(dir);
	free(command);
	free(sock);
	free(journal);
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
		T(test_room_for_others), T(test_deaf),	    T(test_nonsense),
		T(test_many_workers),	 T(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
