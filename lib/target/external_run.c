/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/external_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/strs.h"
#include "policy/external.h"
#include "scx/sysfs.h"

#define ATTACH_S   30 /* under emulation */
#define STOP_S	   15
#define NAP_NS	   20000000
#define OUTPUT_MAX (16u << 20) /* of the program; more it cannot write */
#define WORDS_MAX  4096

struct external_run {
	pid_t pid; /* 0: not running */
	int status;
	int output; /* a file in memory */
	char ops[SYSFS_WORD], seq[SYSFS_WORD];
};

static void nap(void)
{
	const struct timespec t = {.tv_nsec = NAP_NS};

	nanosleep(&t, NULL);
}

static bool state_is(const char *wanted)
{
	char word[SYSFS_WORD];

	return sysfs_word("state", word) && !strcmp(word, wanted);
}

static void __attribute__((noreturn))
child(const char *path, char *const *argv, int output, pid_t parent)
{
	static char locale[] = "LANG=C.UTF-8",
		    dirs[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *const env[] = {locale, dirs, NULL};
	const struct rlimit most = {OUTPUT_MAX, OUTPUT_MAX};
	int in = open("/dev/null", O_RDONLY);
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	/* What would be too much is lost, not the program. */
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &most);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	dup2(in, 0);
	dup2(output, 1);
	dup2(output, 2);
	if (chdir("/") == 0)
		execve(path, argv, env);
	_exit(127);
}

/* True while it runs. */
static bool running(struct external_run *e)
{
	if (e->pid && waitpid(e->pid, &e->status, WNOHANG) != 0)
		e->pid = 0;
	return e->pid > 0;
}

static struct buf last_output(const struct external_run *e)
{
	off_t end = lseek(e->output, 0, SEEK_END);
	off_t from = end > WORDS_MAX ? end - WORDS_MAX : 0;
	char text[WORDS_MAX];
	ssize_t n = pread(e->output, text, sizeof(text), from);
	struct buf b;

	buf_init(&b, WORDS_MAX + 1);
	buf_add(&b, text, n > 0 ? (size_t)n : 0);
	return b;
}

char *external_run_words(const struct external_run *e)
{
	struct buf b = last_output(e);
	char *text, *line, *copy;

	while (b.len && strchr("\r\n ", b.data[b.len - 1]))
		b.data[--b.len] = '\0';
	text = buf_take(&b);
	line = strrchr(text, '\n');
	copy = mem_strdup(line ? line + 1 : text);
	free(text);
	return copy;
}

/* Why it is not there any more, for a person. */
static int ended(const struct external_run *e)
{
	char *words = external_run_words(e);
	int rc = err_set(EIO, "it ended with %s %d%s%s",
			 WIFSIGNALED(e->status) ? "signal" : "status",
			 WIFSIGNALED(e->status) ? WTERMSIG(e->status)
						: WEXITSTATUS(e->status),
			 *words ? ": " : "", words);

	free(words);
	return rc;
}

static int await_attached(struct external_run *e)
{
	double until = clock_monotonic() + ATTACH_S;
	char before[SYSFS_WORD];

	/* The kernel counts an attachment last of all. */
	memcpy(before, e->seq, sizeof(before));
	while (!state_is("enabled") || !sysfs_word("root/ops", e->ops) ||
	       !sysfs_word("enable_seq", e->seq) || !strcmp(e->seq, before)) {
		if (!running(e))
			return ended(e);
		if (clock_monotonic() > until)
			return err_set(ETIMEDOUT,
				       "it runs, but the kernel has no "
				       "scheduler of its after %d s",
				       ATTACH_S);
		nap();
	}
	return 0;
}

static int start(struct external_run *e, const struct json *body,
		 const char *path)
{
	struct strs argv = {0};
	pid_t me = getpid();

	strs_add(&argv,
		 json_as_string(json_path(body, "external.program"), ""));
	json_each (f, json_path(body, "external.flags"))
		strs_add(&argv, json_as_string(f, ""));
	e->pid = fork();
	if (e->pid == 0)
		child(path, argv.v, e->output, me);
	strs_release(&argv);
	if (e->pid > 0)
		return 0;
	e->pid = 0;
	return err_set(errno, "cannot fork: %s", strerror(errno));
}

int external_run_start(const struct json *body, const char *path,
		       struct external_run **out)
{
	struct external_run *e = mem_zalloc(1, sizeof(*e));
	int rc = external_check(body);

	e->output = memfd_create("external", MFD_CLOEXEC);
	if (!rc)
		rc = external_check_file(path);
	if (!rc && !state_is("disabled"))
		rc = err_set(EBUSY, "another scheduler is attached, or this "
				    "kernel has no sched_ext");
	if (!rc && e->output < 0)
		rc = err_set(errno, "cannot make a file in memory: %s",
			     strerror(errno));
	sysfs_word("enable_seq", e->seq);
	if (!rc)
		rc = start(e, body, path);
	if (!rc)
		rc = await_attached(e);
	if (rc) {
		external_run_free(e);
		e = NULL;
	}
	*out = e;
	return rc;
}

bool external_run_alive(struct external_run *e)
{
	char ops[SYSFS_WORD], seq[SYSFS_WORD];

	sysfs_word("enable_seq", seq);
	return running(e) && state_is("enabled") &&
	       sysfs_word("root/ops", ops) && !strcmp(ops, e->ops) &&
	       !strcmp(seq, e->seq);
}

int external_run_stop(struct external_run *e)
{
	double until = clock_monotonic() + STOP_S;

	if (running(e))
		kill(e->pid, SIGINT);
	while (running(e) && clock_monotonic() < until)
		nap();
	/* Whatever it left goes with its group; the kernel detaches what
	 * nobody holds any more. */
	if (running(e)) {
		kill(-e->pid, SIGKILL);
		waitpid(e->pid, &e->status, 0);
		e->pid = 0;
	}
	until = clock_monotonic() + STOP_S;
	while (!state_is("disabled") && clock_monotonic() < until)
		nap();
	return state_is("disabled")
		       ? 0
		       : err_set(ETIMEDOUT,
				 "the kernel still has '%s' %d s after its "
				 "program ended",
				 e->ops, STOP_S);
}

struct json *external_run_report(const struct external_run *e)
{
	struct json *v = json_object();
	struct buf b = last_output(e);

	json_set_string(v, "name", e->ops);
	json_set_string(v, "output", b.data ? b.data : "");
	buf_release(&b);
	return v;
}

void external_run_free(struct external_run *e)
{
	if (!e)
		return;
	if (e->pid)
		external_run_stop(e);
	if (e->output >= 0)
		close(e->output);
	free(e);
}
