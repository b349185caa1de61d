/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/steward/jobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/random.h"
#include "doc/json_file.h"

#define FILE_MAX   (1u << 20)
#define QUICK_KEPT 20 /* of those that were answered at once */

char *steward_jobs_dir(void)
{
	return path_state("mcp/jobs");
}

char *steward_texts_dir(void)
{
	return path_state("mcp/texts");
}

int steward_dirs_make(void)
{
	char *jobs = steward_jobs_dir(), *texts = steward_texts_dir();
	int rc = path_make_dirs(jobs);

	if (!rc)
		rc = path_make_dirs(texts);
	free(jobs);
	free(texts);
	return rc;
}

void steward_job_name(char out[static STEWARD_JOB_LEN])
{
	/* A handle that could be guessed would be another client's. */
	random_hex(out, STEWARD_JOB_LEN);
}

bool steward_job_is_name(const char *s)
{
	return strlen(s) == STEWARD_JOB_LEN - 1 &&
	       strspn(s, "0123456789abcdef") == STEWARD_JOB_LEN - 1;
}

/* ---- reading ------------------------------------------------------------ */

/* *out stays NULL with 0 where there is none, or none that says anything. */
static int read_json(const char *dir, const char *name, struct json **out)
{
	char *path = mem_printf("%s/%s", dir, name);
	struct buf b;
	int rc;

	buf_init(&b, FILE_MAX);
	rc = buf_read_file(&b, path);
	if (!rc)
		*out = json_parse(b.len ? b.data : "", b.len);
	buf_release(&b);
	free(path);
	return rc == -ENOENT ? 0 : rc;
}

/* 1: somebody looks after it; *pid who.  The number counts only as long as the
 * lock is held. */
static int is_held(const char *dir, pid_t *pid)
{
	char *path = mem_printf("%s/lock", dir), text[24];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int rc = fd < 0 && errno != ENOENT
			 ? err_set(errno, "'%s': %s", path, strerror(errno))
			 : 0;
	bool held = false;
	ssize_t n;

	free(path);
	*pid = 0;
	if (fd < 0)
		return rc;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		held = true;
		n = read(fd, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		*pid = (pid_t)strtol(text, NULL, 10);
	}
	close(fd);
	return held;
}

int steward_job_read(const char *jobs, const char *id, struct steward_job *j)
{
	int rc, held;
	pid_t pid;

	*j = (struct steward_job){.exit_status = -1};
	if (!steward_job_is_name(id))
		return err_set(ENOENT, "there is no such job");
	j->dir = mem_printf("%s/%s", jobs, id);
	memcpy(j->id, id, STEWARD_JOB_LEN);
	rc = read_json(j->dir, "order", &j->order);
	if (!rc && !j->order)
		rc = err_set(ENOENT, "there is no such job, or none any more");
	held = rc ? rc : is_held(j->dir, &pid);
	/* After the look at the lock, which is let go behind it. */
	rc = held < 0 ? held : read_json(j->dir, "status", &j->status);
	if (rc) {
		steward_job_release(j);
		return rc;
	}
	j->created = json_as_number(json_get(j->order, "created"), 0);
	j->state = held ? STEWARD_JOB_RUNS : STEWARD_JOB_LOST;
	if (j->status) {
		j->state = STEWARD_JOB_ENDED;
		j->exit_status = (int)json_as_number(
			json_get(j->status, "exit_status"), -1);
		j->cancelled =
			json_as_bool(json_get(j->status, "cancelled"), false);
		j->ended = json_as_number(json_get(j->status, "ended"), 0);
	}
	return 0;
}

void steward_job_release(struct steward_job *j)
{
	free(j->dir);
	json_free(j->order);
	json_free(j->status);
	*j = (struct steward_job){.exit_status = -1};
}

const char *steward_job_tool(const struct steward_job *j)
{
	return json_text_at(j->order, "tool");
}

bool steward_job_is_long(const struct steward_job *j)
{
	const struct steward_tool *t = steward_tool_find(steward_job_tool(j));

	return t && t->flags & STEWARD_LONG;
}

const char *steward_job_client(const struct steward_job *j)
{
	return json_text_at(j->order, "client");
}

const char *steward_job_word(const struct steward_job *j)
{
	switch (j->state) {
	case STEWARD_JOB_RUNS:
		return "runs";
	case STEWARD_JOB_ENDED:
		return j->cancelled ? "cancelled" : "ended";
	case STEWARD_JOB_LOST:
		break;
	}
	return "lost";
}

static int newer(const void *a, const void *b)
{
	const struct steward_job *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? 1 : -1;
	return strcmp(x->id, y->id);
}

int steward_jobs_read(const char *jobs, struct steward_job **out, size_t *count)
{
	DIR *d = opendir(jobs);
	size_t n = 0, cap = 0;
	struct dirent *e;
	int rc = 0;

	*out = NULL;
	*count = 0;
	if (!d && errno != ENOENT)
		return err_set(errno, "cannot look into '%s': %s", jobs,
			       strerror(errno));
	while (d && !rc && (errno = 0, e = readdir(d))) {
		if (n == cap) {
			cap = cap ? 2 * cap : 16;
			*out = mem_realloc(*out, cap, sizeof(**out));
		}
		if (!steward_job_is_name(e->d_name))
			continue;
		rc = steward_job_read(jobs, e->d_name, &(*out)[n]);
		n += !rc;
		rc = rc == -ENOENT ? 0 : rc;
	}
	if (d && !rc && errno)
		rc = err_set(errno, "cannot look into '%s': %s", jobs,
			     strerror(errno));
	if (d)
		closedir(d);
	if (rc) {
		while (n)
			steward_job_release(&(*out)[--n]);
		free(*out);
		*out = NULL;
		return rc;
	}
	if (n)
		qsort(*out, n, sizeof(**out), newer);
	err_clear();
	*count = n;
	return 0;
}

/* ---- ending ------------------------------------------------------------- */

int steward_job_cancel(const char *jobs, const char *id)
{
	struct steward_job j;
	pid_t pid = 0;
	int rc = steward_job_read(jobs, id, &j);

	if (rc)
		return rc;
	if (j.state == STEWARD_JOB_RUNS && is_held(j.dir, &pid) && pid > 1 &&
	    kill(pid, SIGTERM) < 0 && errno != ESRCH)
		rc = err_set(errno, "cannot end the job: %s", strerror(errno));
	steward_job_release(&j);
	return rc;
}

static void remove_flat(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

void steward_jobs_tidy(const char *jobs, const struct steward_config *cfg)
{
	struct steward_job *all;
	size_t n;
	double now = (double)clock_wall();
	long kept[2] = {0}, most[2] = {QUICK_KEPT, cfg->kept};

	/* What is not seen now is removed another time. */
	steward_jobs_read(jobs, &all, &n);
	for (size_t i = 0; i < n; i++) {
		struct steward_job *j = &all[i];
		double ended = j->ended > 0 ? j->ended : j->created;
		bool big = steward_job_is_long(j);

		if (j->state != STEWARD_JOB_RUNS &&
		    (++kept[big] > most[big] || now - ended > cfg->keep_s))
			remove_flat(j->dir);
		steward_job_release(j);
	}
	free(all);
}

/* ---- starting ----------------------------------------------------------- */

static int write_order(const char *dir, const struct steward_order *o,
		       const struct json *args)
{
	struct json *v = json_object();
	char *path = mem_printf("%s/order", dir);
	struct timespec now;
	int rc;

	/* To the moment: lists go by it. */
	clock_gettime(CLOCK_REALTIME, &now);
	json_set_string(v, "tool", o->tool->name);
	json_set(v, "arguments", json_copy(args));
	json_set_string(v, "client", o->who->name);
	json_set_number(v, "created",
			(double)now.tv_sec + (double)now.tv_nsec / 1e9);
	rc = json_save(path, v);
	free(path);
	json_free(v);
	return rc;
}

static int take_words(const char *dir, const char *words)
{
	char *to;
	int rc = 0;

	if (!words)
		return 0;
	to = mem_printf("%s/words", dir);
	if (rename(words, to) < 0)
		rc = err_set(errno, "the words of the order are gone: %s",
			     strerror(errno));
	free(to);
	return rc;
}

/* Locked before there is a process: at no moment does it look abandoned. */
static int make_lock(const char *dir)
{
	char *path = mem_printf("%s/lock", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = fd < 0 ? -errno : 0;

	free(path);
	if (!rc && flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = -errno;
	if (!rc)
		return fd;
	if (fd >= 0)
		close(fd);
	return err_set(-rc, "cannot make a job: %s", strerror(-rc));
}

static int launch(const struct steward_order *o, const char *dir, int lock,
		  int input, pid_t *pid)
{
	char text[24];
	int n;

	*pid = fork();
	if (*pid < 0)
		return err_set(EAGAIN, "cannot fork: %s", strerror(errno));
	if (!*pid)
		steward_job_supervise(o, dir, lock, input);
	n = snprintf(text, sizeof(text), "%d\n", (int)*pid);
	io_write(lock, text, (size_t)n);
	return 0;
}

int steward_job_start(const char *jobs, const struct steward_order *o,
		      const struct json *args, const char *words, int input,
		      char id[static STEWARD_JOB_LEN], pid_t *pid)
{
	int lock = -1, rc = 0;
	char *dir;

	steward_job_name(id);
	dir = mem_printf("%s/%s", jobs, id);
	if (mkdir(dir, 0700) < 0)
		rc = err_set(errno, "cannot make a job in '%s': %s", jobs,
			     strerror(errno));
	if (!rc) {
		lock = make_lock(dir);
		rc = lock < 0 ? lock : 0;
	}
	if (!rc)
		rc = take_words(dir, words);
	if (!rc)
		rc = write_order(dir, o, args);
	if (!rc)
		rc = launch(o, dir, lock, input, pid);
	if (lock >= 0)
		close(lock);
	if (rc)
		remove_flat(dir);
	free(dir);
	return rc;
}
