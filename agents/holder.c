/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/task.h"

#define STOP_WAIT_MS 15000
#define RECORD_MAX   65536
#define PROGRAM	     "sched-deploy"
#define RECORD	     "deployment.json"

/* Others' links cannot be read without privilege; their names can. */
static bool is_deployer(long pid)
{
	char path[64];
	struct buf b;
	bool yes;

	snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
	buf_init(&b, 256);
	yes = !buf_read_file(&b, path) && b.len &&
	      !strcmp(b.data, PROGRAM "\n");
	buf_release(&b);
	return yes;
}

/* Everybody may ask for root's, too. */
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

static struct json *living(struct json *v)
{
	long pid = (long)json_as_number(json_get(v, "pid"), 0);
	double start = json_as_number(json_get(v, "start"), 0);

	if (pid > 0 && start > 0 && (double)task_start((pid_t)pid) == start &&
	    is_deployer(pid))
		return v;
	json_free(v);
	return NULL;
}

struct json *holder_read(void)
{
	struct json *v = living(read_record(path_run(RECORD)));
	char *roots = path_run_root(RECORD);

	if (!v && roots)
		v = living(read_record(roots));
	else
		free(roots);
	return v;
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

int holder_write(const struct json *body)
{
	static const char *const keys[] = {"policy", "verdict", "ops", "since",
					   "program"};
	char *path = path_run(RECORD), *text, *dir;
	struct json *v = json_object();
	int rc;

	json_set_number(v, "pid", getpid());
	json_set_number(v, "start", (double)task_start(getpid()));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct json *m = json_get(body, keys[i]);

		if (m)
			json_set(v, keys[i], json_copy(m));
	}
	text = json_canonical(v);
	rc = path_write_atomic(path, text, strlen(text));
	/* What is attached is no secret: status works for everybody. */
	dir = path_run("");
	if (!rc && (chmod(path, 0644) < 0 || chmod(dir, 0755) < 0))
		rc = err_set(errno, "cannot open up '%s': %s", path,
			     strerror(errno));
	free(dir);
	free(text);
	free(path);
	json_free(v);
	return rc;
}

void holder_clear(void)
{
	char *path = path_run(RECORD);

	unlink(path);
	free(path);
}

int holder_stop(void)
{
	struct json *v = holder_read();
	long pid = (long)json_as_number(json_get(v, "pid"), 0);
	struct pollfd p;
	int fd, rc = 0;

	if (!v)
		return err_set(ESRCH, "no sched-deploy holds a policy here");
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	/* Now that the descriptor pins it: is it still the same one? */
	if (fd < 0 || (double)task_start((pid_t)pid) !=
			      json_as_number(json_get(v, "start"), 0)) {
		rc = err_set(ESRCH, "process %ld ended by itself", pid);
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
