/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/external_run.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
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
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/strs.h"
#include "scx/link.h"
#include "scx/sysfs.h"
#include "target/external_file.h"

#define ATTACH_S    30 /* under emulation */
#define INTERRUPT_S 10 /* as long as a person would wait, then … */
#define TERMINATE_S 5  /* … and then it is killed */
#define DETACH_S    15
#define AGAIN_S	    10 /* to attach anew */
#define STEADY_S    10 /* … if it was attached for that long */
#define WORDS_S	    3  /* else to say why it is not, and to end */
#define NAP_NS	    20000000
#define OUTPUT_MAX  (16u << 20) /* of the program; more it cannot write */
#define OUTPUT_TRIM (1u << 20)	/* cut down to its end when it is watched */
#define WORDS_MAX   4096
#define FAILED	    127 /* it could not be executed */

struct external_run {
	pid_t pid; /* 0: not running */
	int status;
	int output; /* a file in memory */
	unsigned restarts;
	double since; /* when it attached */
	double lost;  /* when it was seen not to be any more; 0: it is */
	char sha256[DIGEST_HEX_LEN];
	char ops[SYSFS_WORD], seq[SYSFS_WORD];
};

static void nap(void)
{
	const struct timespec t = {.tv_nsec = NAP_NS};

	nanosleep(&t, NULL);
}

/* ---- its process ------------------------------------------------------ */

static void __attribute__((noreturn))
child(int program, char *const *argv, int output, pid_t parent)
{
	static char locale[] = "LANG=C.UTF-8",
		    dirs[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *const env[] = {locale, dirs, NULL};
	const struct rlimit most = {OUTPUT_MAX, OUTPUT_MAX};
	int in = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	child_usual_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(FAILED);
	/* What would be too much is lost, not the program. */
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &most);
	dup2(in, 0);
	dup2(output, 1);
	dup2(output, 2);
	/* It has privilege, and flags that a model may have chosen. */
	if (chdir("/") == 0 && unshare(CLONE_NEWNET) == 0)
		execveat(program, "", argv, env, AT_EMPTY_PATH);
	_exit(FAILED);
}

/*
 * True while it runs.  As long as nobody has waited for it its number is no
 * one else's, and neither is its group's.
 */
static bool running(struct external_run *e)
{
	siginfo_t info = {.si_pid = 0};

	if (!e->pid)
		return false;
	if (waitid(P_PID, (id_t)e->pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
		    0 &&
	    !info.si_pid)
		return true;
	kill(-e->pid, SIGKILL);
	waitpid(e->pid, &e->status, 0);
	e->pid = 0;
	return false;
}

static int start(struct external_run *e, const struct external *what,
		 int program)
{
	struct strs argv = {0};
	pid_t me = getpid();

	strs_add(&argv, what->program);
	for (size_t i = 0; i < what->count; i++)
		strs_add(&argv, what->flags[i]);
	child_hear_ends();
	e->pid = fork();
	if (e->pid == 0)
		child(program, argv.v, e->output, me);
	strs_release(&argv);
	if (e->pid > 0) {
		/* Whoever comes first. */
		setpgid(e->pid, e->pid);
		return 0;
	}
	e->pid = 0;
	return err_set(errno, "cannot fork: %s", strerror(errno));
}

/* ---- what it said ----------------------------------------------------- */

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

/* What is written meanwhile may be lost. */
static void trim(const struct external_run *e)
{
	struct buf b;

	if (lseek(e->output, 0, SEEK_END) < OUTPUT_TRIM)
		return;
	b = last_output(e);
	if (ftruncate(e->output, 0) == 0 && write(e->output, b.data, b.len) < 0)
		err_set(errno, "cannot keep what the program said");
	buf_release(&b);
}

char *external_run_output(const struct external_run *e)
{
	struct buf b = last_output(e);

	return buf_take(&b);
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

char *external_run_end(const struct external_run *e)
{
	char *words = external_run_words(e), *text;

	text = mem_printf("it ended with %s %d%s%s",
			  WIFSIGNALED(e->status) ? "signal" : "status",
			  WIFSIGNALED(e->status) ? WTERMSIG(e->status)
						 : WEXITSTATUS(e->status),
			  *words ? ": " : "", words);
	free(words);
	return text;
}

static int ended(const struct external_run *e)
{
	char *text = external_run_end(e);
	int rc = err_set(EIO, "%s", text);

	free(text);
	return rc;
}

/* ---- the kernel's side ------------------------------------------------ */

/* The kernel has another scheduler than before, and it is this one's. */
static bool attached_anew(struct external_run *e)
{
	char ops[SYSFS_WORD], seq[SYSFS_WORD];

	/* The kernel counts an attachment last of all. */
	if (!sysfs_state_is("enabled") || !sysfs_word("root/ops", ops) ||
	    !sysfs_word("enable_seq", seq) || !strcmp(seq, e->seq) ||
	    !link_held_by(e->pid))
		return false;
	memcpy(e->ops, ops, sizeof(ops));
	memcpy(e->seq, seq, sizeof(seq));
	e->since = clock_monotonic();
	e->lost = 0;
	return true;
}

static int await_attached(struct external_run *e,
			  const struct external_start *s)
{
	double until = clock_monotonic() + ATTACH_S;

	while (!attached_anew(e)) {
		if (!running(e))
			return ended(e);
		if (s->over && s->over(s->arg))
			return err_set(EINTR, "stopped on request");
		if (clock_monotonic() > until)
			return err_set(ETIMEDOUT,
				       "it runs, but the kernel has no "
				       "scheduler of its after %d s",
				       ATTACH_S);
		nap();
	}
	return 0;
}

static bool is_attached(const struct external_run *e)
{
	char ops[SYSFS_WORD], seq[SYSFS_WORD];

	sysfs_word("enable_seq", seq);
	return sysfs_state_is("enabled") && sysfs_word("root/ops", ops) &&
	       !strcmp(ops, e->ops) && !strcmp(seq, e->seq);
}

/* Somebody else was quick. */
static bool taken_over(const struct external_run *e)
{
	char seq[SYSFS_WORD];

	return e->since > 0 && !e->lost && sysfs_state_is("enabled") &&
	       sysfs_word("enable_seq", seq) && strcmp(seq, e->seq);
}

/* ---- its life --------------------------------------------------------- */

static int open_output(struct external_run *e)
{
	e->output = memfd_create("external", MFD_CLOEXEC);
	if (e->output < 0 || fcntl(e->output, F_SETFL, O_APPEND) < 0)
		return err_set(errno, "cannot make a file in memory: %s",
			       strerror(errno));
	return 0;
}

int external_run_start(const struct external_start *s,
		       struct external_run **out)
{
	struct external_run *e = mem_zalloc(1, sizeof(*e));
	int program = -1, rc = external_check(s->what);

	e->output = -1;
	if (!rc)
		rc = program =
			external_file_open(s->path, s->sha256, e->sha256);
	if (rc >= 0)
		rc = open_output(e);
	if (!rc && !sysfs_state_is("disabled"))
		rc = err_set(EBUSY, "another scheduler is attached, or this "
				    "kernel has no sched_ext");
	sysfs_word("enable_seq", e->seq);
	if (!rc)
		rc = start(e, s->what, program);
	if (!rc)
		rc = await_attached(e, s);
	if (program >= 0)
		close(program);
	if (rc) {
		external_run_free(e);
		e = NULL;
	}
	*out = e;
	return rc;
}

bool external_run_alive(struct external_run *e)
{
	return running(e) && is_attached(e);
}

bool external_run_look(struct external_run *e)
{
	double now = clock_monotonic();

	trim(e);
	if (!running(e))
		return false;
	if (is_attached(e)) {
		e->lost = 0;
		return true;
	}
	if (!e->lost)
		e->lost = now;
	if (e->lost - e->since < STEADY_S)
		return now - e->lost < WORDS_S;
	if (attached_anew(e)) {
		e->restarts++;
		return true;
	}
	return now - e->lost < AGAIN_S;
}

/* True: it ended in time. */
static bool ends_by(struct external_run *e, int sig, double patience_s)
{
	double until = clock_monotonic() + patience_s;

	if (running(e))
		kill(-e->pid, sig);
	while (running(e) && clock_monotonic() < until)
		nap();
	return !running(e);
}

int external_run_stop(struct external_run *e)
{
	double until;

	if (!ends_by(e, SIGINT, INTERRUPT_S) &&
	    !ends_by(e, SIGTERM, TERMINATE_S)) {
		kill(-e->pid, SIGKILL);
		waitpid(e->pid, &e->status, 0);
		e->pid = 0;
	}
	/* The kernel detaches what nobody holds any more. */
	until = clock_monotonic() + DETACH_S;
	while (!sysfs_state_is("disabled") && !taken_over(e) &&
	       clock_monotonic() < until)
		nap();
	return is_attached(e) ? err_set(ETIMEDOUT,
					"the kernel still has '%s' %d s after "
					"its program ended",
					e->ops, DETACH_S)
			      : 0;
}

pid_t external_run_pid(const struct external_run *e)
{
	return e->pid;
}

const char *external_run_ops(const struct external_run *e)
{
	return e->ops;
}

const char *external_run_sha256(const struct external_run *e)
{
	return e->sha256;
}

unsigned external_run_restarts(const struct external_run *e)
{
	return e->restarts;
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
