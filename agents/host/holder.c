/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/host/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/task.h"
#include "scx/ext.h"

#define STOP_WAIT_MS 15000
#define RECORD_MAX   65536
#define RECORD	     "deployment.json"
#define PINNED	     "pinned.json"
#define ENDED	     "ended.json"
#define DECLARED     "intents.json"
#define LEARNED	     "model.json"
#define NOBODY	     4294967295.0 /* loginuid of what no login began */

/* Others' links cannot be read without privilege; their names can. */
static bool is_deployer(long pid)
{
	static const char *const holders[] = {"sched-deploy\n",
					      "sched-demand\n"};
	char path[64];
	struct buf b;
	bool yes = false;

	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	buf_init(&b, 256);
	if (!buf_read_file(&b, path) && b.len)
		for (size_t i = 0; i < ARRAY_LEN(holders); i++)
			yes |= !strcmp(b.data, holders[i]);
	buf_release(&b);
	return yes;
}

/* Takes path. */
static struct json *read_record(char *path)
{
	struct json *v = NULL;
	struct buf b;

	buf_init(&b, RECORD_MAX);
	if (!buf_read_file(&b, path) && b.len)
		v = json_parse(b.data, b.len);
	buf_release(&b);
	free(path);
	return v;
}

static bool is_living(const struct json *v)
{
	long pid = (long)json_as_number(json_get(v, "pid"), 0);
	double start = json_as_number(json_get(v, "start"), 0);

	return pid > 0 && start > 0 &&
	       (double)task_start((pid_t)pid) == start && is_deployer(pid);
}

/* The user's own, else root's. */
static struct json *read_either(const char *name)
{
	struct json *v = read_record(path_run(name));
	char *roots = path_run_root(name);

	if (v)
		free(roots);
	else if (roots)
		v = read_record(roots);
	return v;
}

static void remove_record(const char *name)
{
	char *path = path_run(name);

	unlink(path);
	free(path);
}

/* The record of one who lives, or does not; one's own, else root's. */
static struct json *record_of(bool alive)
{
	struct json *v = read_record(path_run(RECORD));
	char *roots = path_run_root(RECORD);

	if (v && is_living(v) == alive) {
		free(roots);
		return v;
	}
	json_free(v);
	v = roots ? read_record(roots) : NULL;
	if (v && is_living(v) == alive)
		return v;
	json_free(v);
	return NULL;
}

struct json *holder_read(void)
{
	return record_of(true);
}

struct json *holder_left(void)
{
	return record_of(false);
}

bool holder_names(const struct json *record, const struct json *kernel)
{
	const char *name = json_text_at(record, "ops");

	return *name &&
	       !strncmp(json_text_at(kernel, "ops"), name, strlen(name));
}

bool holder_is_of(const struct json *record, const struct json *kernel)
{
	double seq = json_as_number(json_get(record, "enable_seq"), -1);

	return holder_names(record, kernel) &&
	       (seq < 0 ||
		seq == json_as_number(json_get(kernel, "enable_seq"), -1));
}

int holder_lock(void)
{
	char *path = path_run("deploy.lock"), *dir = path_run("");
	int fd, rc = path_make_dirs(dir);

	free(dir);
	if (rc)
		goto out;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0) {
		rc = err_set(errno, "cannot open '%s': %s", path,
			     strerror(errno));
		goto out;
	}
	if (!flock(fd, LOCK_EX | LOCK_NB)) {
		rc = fd;
		goto out;
	}
	rc = err_set(errno == EWOULDBLOCK ? EBUSY : errno,
		     "another sched-deploy is at work on this host (see "
		     "'sched-deploy status'; 'sched-deploy stop' ends it)");
	close(fd);
out:
	free(path);
	return rc;
}

static void set_user(struct json *v, const char *key, double uid)
{
	const struct passwd *pw = getpwuid((uid_t)uid);

	if (pw)
		json_set_string(v, key, pw->pw_name);
}

static void tell_who(struct json *v)
{
	struct buf b;
	double login;

	json_set_number(v, "uid", getuid());
	set_user(v, "user", getuid());
	buf_init(&b, 64);
	if (!buf_read_file(&b, "/proc/self/loginuid") && b.len) {
		login = strtod(b.data, NULL);
		if (login < NOBODY)
			set_user(v, "login", login);
	}
	buf_release(&b);
}

/* What is attached is no secret: status works for everybody. */
static int put_record(const char *name, const struct json *v)
{
	char *path = path_run(name), *dir = path_run("");
	char *text = json_canonical(v);
	int rc = path_write_public(path, text, strlen(text));

	if (!rc && chmod(dir, 0755) < 0)
		rc = err_set(errno, "cannot open up '%s': %s", dir,
			     strerror(errno));
	free(dir);
	free(text);
	free(path);
	return rc;
}

int holder_write(const struct json *body)
{
	static const char *const keys[] = {
		"policy", "verdict", "title",  "ops",	 "since",  "events",
		"scope",  "canary",  "guards", "pinned", "program"};
	struct json *v = json_object(), *kernel = ext_kernel_state();
	const struct json *seq = json_get(kernel, "enable_seq");
	int rc;

	json_set_number(v, "pid", getpid());
	json_set_number(v, "start", (double)task_start(getpid()));
	tell_who(v);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct json *m = json_get(body, keys[i]);

		if (m)
			json_set(v, keys[i], json_copy(m));
	}
	if (seq && json_get(body, "ops"))
		json_set(v, "enable_seq", json_copy(seq));
	rc = put_record(json_as_bool(json_get(v, "pinned"), false) ? PINNED
								   : RECORD,
			v);
	json_free(kernel);
	json_free(v);
	return rc;
}

/* That it cannot be told is no reason to do anything else. */
void holder_ended(const struct json *body)
{
	static const char *const keys[] = {
		"policy",    "verdict",	    "title",	    "ops",
		"since",     "state",	    "why",	    "held_us",
		"exit_kind", "exit_reason", "exit_message", "trip"};
	struct json *v = json_object(), *old, *counts;
	const char *state = json_text_at(body, "state");
	char when[CLOCK_TEXT_LEN];

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct json *m = json_get(body, keys[i]);

		if (m)
			json_set(v, keys[i], json_copy(m));
	}
	clock_text(clock_wall(), when);
	json_set_string(v, "until", when);
	old = read_record(path_run(ENDED));
	counts = json_set(v, "counts",
			  json_get(old, "counts")
				  ? json_copy(json_get(old, "counts"))
				  : json_object());
	json_set_number(counts, state,
			json_as_number(json_get(counts, state), 0) + 1);
	put_record(ENDED, v);
	json_free(old);
	json_free(v);
}

struct json *holder_last(void)
{
	return read_either(ENDED);
}

void holder_declare(const struct json *rules)
{
	put_record(DECLARED, rules);
}

/* What is noted beside the record of one who lives. */
static struct json *read_beside(const char *name)
{
	struct json *holder = holder_read();
	struct json *v = holder ? read_either(name) : NULL;

	json_free(holder);
	return v;
}

struct json *holder_declared(void)
{
	return read_beside(DECLARED);
}

void holder_learn(const struct json *model)
{
	put_record(LEARNED, model);
}

struct json *holder_learned(void)
{
	return read_beside(LEARNED);
}

void holder_clear(void)
{
	remove_record(DECLARED);
	remove_record(LEARNED);
	remove_record(RECORD);
}

struct json *holder_pinned(void)
{
	return read_either(PINNED);
}

void holder_unpin(void)
{
	remove_record(PINNED);
}

/* A descriptor of the process that began then, or an error: -ESRCH, it is no
 * more. */
static int pin_process(long pid, double start)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {fd, POLLIN, 0};
	double began;
	int rc;

	if (fd < 0 && errno != ESRCH && errno != EINVAL)
		return err_set(errno, "cannot stop process %ld: %s", pid,
			       strerror(errno));
	/* Now that the descriptor pins it: is it still the same one? */
	began = fd < 0 ? 0 : (double)task_start((pid_t)pid);
	if (fd >= 0 && began == start)
		return fd;
	/* One that lives and does not tell may be it. */
	if (fd >= 0 && !began && poll(&p, 1, 0) == 0)
		rc = err_set(EAGAIN, "cannot see since when process %ld runs",
			     pid);
	else
		rc = err_set(ESRCH, "process %ld ended by itself", pid);
	if (fd >= 0)
		close(fd);
	return rc;
}

int holder_stop(void)
{
	struct json *v = holder_read();
	long pid = (long)json_as_number(json_get(v, "pid"), 0);
	struct pollfd p;
	int fd, rc = 0;

	if (!v)
		return err_set(ESRCH, "no sched-deploy holds a policy here");
	fd = pin_process(pid, json_as_number(json_get(v, "start"), 0));
	if (fd < 0) {
		rc = fd;
	} else if (syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) < 0) {
		rc = err_set(errno, "cannot stop process %ld: %s", pid,
			     strerror(errno));
	} else {
		p = (struct pollfd){fd, POLLIN, 0};
		if (poll(&p, 1, STOP_WAIT_MS) <= 0)
			rc = err_set(ETIMEDOUT,
				     "process %ld was asked to stop and still "
				     "runs after %d s",
				     pid, STOP_WAIT_MS / 1000);
	}
	if (fd >= 0)
		close(fd);
	json_free(v);
	return rc;
}
