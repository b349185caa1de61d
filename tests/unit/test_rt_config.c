/* SPDX-License-Identifier: GPL-2.0-or-later */
/* runtime.json, and where the daemon listens. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "rt/config.h"
#include "rt/listen.h"
#include "rt/socket.h"
#include "rt/start.h"

static char dir[] = "/tmp/test_rt_config.XXXXXX";
static char *path;

static int load(const char *text, struct rt_config *c)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return rt_config_load(path, c);
}

/* ---- settings ------------------------------------------------------------ */

static void wrong_settings_are_named(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"", ""},
		{"{", ""},
		{"[]", "an object is needed"},
		{"7", "an object is needed"},
		{"{\"polcy\":\"fifo\"}", "polcy: no such setting"},
		{"{\"policy\":7}", "policy: a name is needed"},
		{"{\"policy\":\"lottery\"}", "policy"},
		{"{\"quantum_tokens\":0}", "quantum_tokens: a number from 1"},
		{"{\"quantum_s\":\"1\"}", "quantum_s: a number"},
		{"{\"aging_s\":null}", "aging_s: a number"},
		{"{\"boost_s\":1e9}", "boost_s: a number"},
		{"{\"levels\":65}", "levels: a number from 1 to 64"},
		{"{\"hedge_pct\":-1}", "hedge_pct: a number from 0 to 100"},
		{"{\"max_queued\":0}", "max_queued: a number"},
		{"{\"idle_s\":0}", "idle_s: a number"},
		{"{\"workers\":{}}", "workers: an array is needed"},
		{"{\"workers\":[7]}", "workers.0"},
		{"{\"workers\":[{\"name\":\"a\",\"kinds\":[\"sim\"]},"
		 "{\"name\":\"b\"}]}",
		 "workers.1"},
		{"{\"workers\":[{\"name\":\"a\",\"kinds\":[\"sim\"]},"
		 "{\"name\":\"a\",\"kinds\":[\"llm\"]}]}",
		 "two workers named 'a'"},
		{"{\"access\":{}}", "access: an array is needed"},
	};
	struct rt_config c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(load(bad[i].text, &c), -EINVAL);
		if (!strstr(err_text(), bad[i].says))
			fail_msg("'%s' does not say '%s'", err_text(),
				 bad[i].says);
		/* Which file it is, and nothing is left of it. */
		assert_non_null(strstr(err_text(), path));
		assert_null(c.workers);
		assert_null(c.policy);
	}
	assert_int_equal(rt_config_load("/nonesuch", &c), -ENOENT);
}

static void settings_are_taken(void **state)
{
	struct rt_config c;

	(void)state;
	assert_int_equal(
		load("{\"policy\":\"mlfq\",\"levels\":3,\"hedge_pct\":0,"
		     "\"max_queued\":9,\"idle_s\":1.5,\"workers\":[{\"name\":"
		     "\"a\",\"kinds\":[\"sim\"]}],\"access\":[]}",
		     &c),
		0);
	assert_string_equal(c.engine.policy, "mlfq");
	assert_int_equal(c.engine.policy_opts.levels, 3);
	assert_true(c.engine.hedge_pct == 0 && c.idle_s == 1.5);
	assert_int_equal(c.engine.max_queued, 9);
	assert_int_equal(c.worker_count, 1);
	assert_int_equal(json_type(c.access), JSON_ARRAY);
	rt_config_release(&c);
	/* No worker at all is what was said, too. */
	assert_int_equal(load("{\"workers\":[]}", &c), 0);
	assert_int_equal(c.worker_count, 0);
	assert_null(c.access);
	rt_config_release(&c);
}

/* Who has no file has this machine; who has a broken one is told. */
static void no_file_is_the_host(void **state)
{
	struct rt_config c;
	char *own;

	(void)state;
	setenv("XDG_CONFIG_HOME", dir, 1);
	assert_int_equal(rt_config_load(NULL, &c), 0);
	assert_int_equal(c.worker_count, 1);
	assert_string_equal(c.workers[0].name, "host");
	assert_true(c.workers[0].capacity.v[RES_CORES] >= 1000);
	assert_true(c.idle_s == 300);
	rt_config_release(&c);
	own = mem_printf("%s/schedkit", dir);
	assert_int_equal(mkdir(own, 0700), 0);
	free(path);
	path = mem_printf("%s/schedkit/runtime.json", dir);
	assert_int_equal(load("{\"idle_s\":0}", &c), -EINVAL);
	assert_int_equal(rt_config_load(NULL, &c), -EINVAL);
	unlink(path);
	/* Something else is there: it is not as if there were none. */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(rt_config_load(NULL, &c), -EISDIR);
	rmdir(path);
	rmdir(own);
	free(own);
}

/* ---- listening ----------------------------------------------------------- */

static char *in_dir(const char *name)
{
	return mem_printf("%s/%s", dir, name);
}

/* Whose folder it is, what is in the way, and how long a name may be. */
static void where_nobody_may_listen(void **state)
{
	char *folder = in_dir("open"), *sock = in_dir("open/sock"), *far;
	struct rt_listener l;
	struct stat st;
	char longest[120];
	int fd;

	(void)state;
	assert_int_equal(mkdir(folder, 0700), 0);
	for (mode_t mode = 0020; mode; mode = mode == 0020 ? 0002 : 0) {
		chmod(folder, 0700 | mode);
		assert_int_equal(rt_listen_make(sock, &l), -EACCES);
		assert_non_null(strstr(err_text(), "0700"));
	}
	chmod(folder, 0700);
	/* A file that is no socket stays. */
	fd = open(sock, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(rt_listen_make(sock, &l), -EEXIST);
	assert_int_equal(l.fd, -1);
	assert_int_equal(l.lock, -1);
	assert_int_equal(lstat(sock, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	unlink(sock);
	assert_int_equal(symlink("/nonesuch", sock), 0);
	assert_int_equal(rt_listen_make(sock, &l), -EEXIST);
	unlink(sock);
	/* Nor is a lock followed that leads elsewhere. */
	far = in_dir("open/sock.lock");
	unlink(far);
	assert_int_equal(symlink("/tmp/nonesuch", far), 0);
	assert_int_equal(rt_listen_make(sock, &l), -ELOOP);
	unlink(far);
	free(far);
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, dir, strlen(dir));
	longest[strlen(dir)] = '/';
	longest[sizeof(((struct sockaddr_un *)0)->sun_path)] = '\0';
	assert_int_equal(rt_listen_make(longest, &l), -ENAMETOOLONG);
	assert_int_equal(rt_connect(longest), -ENAMETOOLONG);
	far = mem_printf("%s.lock", longest);
	unlink(far);
	free(far);
	rmdir(folder);
	free(folder);
	free(sock);
}

/* What a dead one left is taken over; its socket is this user's alone. */
static void what_is_left_is_taken_over(void **state)
{
	char *folder = in_dir("s"), *sock = in_dir("s/sock");
	struct rt_listener l;
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(rt_listen_make(sock, &l), 0);
	assert_int_equal(stat(sock, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* As if it had been killed. */
	close(l.fd);
	close(l.lock);
	free(l.path);
	assert_int_equal(rt_connect(sock), -ENOENT);
	assert_int_equal(rt_listen_make(sock, &l), 0);
	fd = rt_connect(sock);
	assert_true(fd >= 0);
	close(fd);
	rt_listen_close(&l);
	assert_int_equal(access(sock, F_OK), -1);
	rt_listen_close(&l);
	/* Below a file there is no daemon either. */
	free(folder);
	folder = in_dir("s/sock.lock/x");
	assert_int_equal(rt_connect(folder), -ENOENT);
	unlink(folder);
	free(folder);
	folder = in_dir("s/sock.lock");
	unlink(folder);
	free(folder);
	folder = in_dir("s");
	rmdir(folder);
	free(folder);
	free(sock);
}

/* ---- the service manager ------------------------------------------------- */

/* In a process of its own, as descriptor 3 is a certain one.  way 0: a pipe,
 * 1: of another family, 2: of another type, 3: it does not listen, 4: right. */
static int passed(int way, const char *pid, const char *fds)
{
	pid_t child = fork();
	int status;

	if (!child) {
		struct sockaddr_un a = {.sun_family = AF_UNIX};
		int fd = way == 1   ? socket(AF_INET, SOCK_STREAM, 0)
			 : way == 2 ? socket(AF_UNIX, SOCK_DGRAM, 0)
				    : socket(AF_UNIX, SOCK_STREAM, 0);
		struct rt_listener l = {.fd = -1, .lock = -1};
		int pipes[2];
		char own[20];
		int rc;

		if (way == 0 && !pipe(pipes))
			fd = pipes[0];
		/* The kernel names it. */
		if (way == 4 &&
		    (bind(fd, (struct sockaddr *)&a, sizeof(a.sun_family)) ||
		     listen(fd, 1)))
			_exit(50);
		if (fd != 3 && dup2(fd, 3) < 0)
			_exit(51);
		snprintf(own, sizeof(own), "%d", (int)getpid());
		if (pid)
			setenv("LISTEN_PID", *pid ? pid : own, 1);
		if (fds)
			setenv("LISTEN_FDS", fds, 1);
		setenv("LISTEN_FDNAMES", "x", 1);
		rc = rt_listen_passed(&l);
		/* Never for those that are started. */
		if (getenv("LISTEN_PID") || getenv("LISTEN_FDS") ||
		    getenv("LISTEN_FDNAMES"))
			_exit(52);
		if (rc == 1 && (l.fd != 3 || l.lock != -1 || l.path ||
				!(fcntl(3, F_GETFD) & FD_CLOEXEC) ||
				!(fcntl(3, F_GETFL) & O_NONBLOCK)))
			_exit(53);
		_exit(rc < 0 ? -rc : 100 + rc);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	status = WEXITSTATUS(status);
	return status >= 100 ? status - 100 : -status;
}

static void only_a_right_socket_is_taken(void **state)
{
	(void)state;
	for (int way = 0; way < 4; way++)
		assert_int_equal(passed(way, "", "1"), -EINVAL);
	assert_int_equal(passed(4, "", "1"), 1);
	assert_int_equal(passed(4, "", "2"), 1);
	/* It was for another, or for nobody. */
	assert_int_equal(passed(4, "1", "1"), 0);
	assert_int_equal(passed(4, "", "0"), 0);
	assert_int_equal(passed(4, "", "many"), 0);
	assert_int_equal(passed(4, "", NULL), 0);
	assert_int_equal(passed(4, NULL, "1"), 0);
}

static void readiness_is_told(void **state)
{
	static const char *const wrong[] = {"", "relative/path", "/nonesuch/x"};
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char longest[200], heard[16] = "";
	char *name = in_dir("notify");
	int manager;

	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(rt_notify_open(), -1);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		setenv("NOTIFY_SOCKET", wrong[i], 1);
		assert_int_equal(rt_notify_open(), -1);
	}
	memset(longest, '/', sizeof(longest));
	longest[sizeof(a.sun_path)] = '\0';
	setenv("NOTIFY_SOCKET", longest, 1);
	assert_int_equal(rt_notify_open(), -1);
	/* A path, and a name of Linux's that is no path. */
	for (int way = 0; way < 2; way++) {
		socklen_t len =
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				    strlen(name) + !way);
		int fd;

		memcpy(a.sun_path, name, strlen(name) + 1);
		if (way)
			a.sun_path[0] = '\0';
		manager = socket(AF_UNIX, SOCK_DGRAM, 0);
		assert_int_equal(bind(manager, (struct sockaddr *)&a, len), 0);
		if (way)
			name[0] = '@';
		setenv("NOTIFY_SOCKET", name, 1);
		fd = rt_notify_open();
		assert_true(fd >= 0);
		rt_notify(fd, "READY=1");
		assert_int_equal(
			recv(manager, heard, sizeof(heard) - 1, MSG_DONTWAIT),
			7);
		assert_string_equal(heard, "READY=1");
		/* Whether it listens is its business. */
		close(manager);
		rt_notify(fd, "READY=1");
		close(fd);
		if (!way)
			unlink(name);
	}
	rt_notify(-1, "READY=1");
	unsetenv("NOTIFY_SOCKET");
	free(name);
}

/* ---- starting it --------------------------------------------------------- */

static void who_answers_is_not_started(void **state)
{
	char *folder = in_dir("s"), *sock = in_dir("s/sock"), *lock;
	struct rt_listener l;
	char *was = getcwd(NULL, 0);

	(void)state;
	assert_int_equal(rt_listen_make(sock, &l), 0);
	assert_int_equal(rt_daemon_start(sock, 1), 0);
	/* By a name that counts from here. */
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(rt_daemon_start("s/sock", 1), 0);
	assert_int_equal(chdir(was), 0);
	rt_listen_close(&l);
	/* Where there is a file there is no folder for it. */
	lock = in_dir("s/sock.lock");
	free(sock);
	sock = in_dir("s/sock.lock/deep/sock");
	assert_int_equal(rt_daemon_start(sock, 1), -ENOTDIR);
	unlink(lock);
	rmdir(folder);
	free(lock);
	free(sock);
	free(folder);
	free(was);
}

/* ---- around -------------------------------------------------------------- */

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	path = in_dir("runtime.json");
	return 0;
}

static int teardown(void **state)
{
	char *first = in_dir("runtime.json");

	(void)state;
	unlink(first);
	free(first);
	free(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_settings_are_named),
		cmocka_unit_test(settings_are_taken),
		cmocka_unit_test(no_file_is_the_host),
		cmocka_unit_test(where_nobody_may_listen),
		cmocka_unit_test(what_is_left_is_taken_over),
		cmocka_unit_test(only_a_right_socket_is_taken),
		cmocka_unit_test(readiness_is_told),
		cmocka_unit_test(who_answers_is_not_started),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
