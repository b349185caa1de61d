/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/tracee.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/tracee_parts.h"

#define LOOK_NS	  100000000
#define SCRATCH	  4096
#define WORDS_MAX (64u << 10)
#define FOLLOW                                                 \
	((void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | \
		  PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |  \
		  PTRACE_O_TRACEEXEC | (uintptr_t)PTRACE_O_EXITKILL))

struct followed {
	pid_t pid;
	bool executed;
	bool fresh; /* it has executed a program, and done nothing since */
	char program[32];
};

struct tracees {
	pid_t first;
	pid_t held; /* stopped right before a call; 0: none */
	struct followed *all;
	size_t n;
	int input;  /* our end of the first one's */
	int said;   /* a file in memory */
	long place; /* of what was put into the process that is held */
	double start;
	sigset_t before;
};

/* ---- starting --------------------------------------------------------- */

static void __attribute__((noreturn))
child(const struct tracee_spec *s, const struct tracees *t, int in, int go)
{
	int null = open("/dev/null", O_RDWR);
	char c;

	/* It is followed from its first step on. */
	if (read(go, &c, 1) != 1)
		_exit(127);
	sigprocmask(SIG_SETMASK, &t->before, NULL);
	dup2(in, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(t->said, STDERR_FILENO);
	if (s->keep >= 0)
		dup2(s->keep, TRACEE_KEPT);
	close_range(STDERR_FILENO + 1, TRACEE_KEPT - 1, 0);
	close_range(TRACEE_KEPT + 1, ~0u, 0);
	if (!s->cwd || !chdir(s->cwd))
		execve(s->argv[0], s->argv, s->env);
	_exit(127);
}

/* The child waits at go until it is followed. */
static int begin(struct tracees *t, const struct tracee_spec *s, int in,
		 const int go[2])
{
	t->first = fork();
	if (t->first < 0) {
		t->first = 0;
		return err_set(errno, "cannot fork: %s", strerror(errno));
	}
	if (!t->first)
		child(s, t, in, go[0]);
	if (ptrace(PTRACE_SEIZE, t->first, NULL, FOLLOW) < 0)
		return err_set(errno, "the kernel lets nobody be traced: %s",
			       strerror(errno));
	if (write(go[1], "", 1) != 1)
		return err_set(errno, "cannot start '%s': %s", s->argv[0],
			       strerror(errno));
	/* From its next stop on it is followed by calls. */
	if (ptrace(PTRACE_INTERRUPT, t->first, NULL, NULL) < 0)
		return err_set(errno, "cannot follow '%s': %s", s->argv[0],
			       strerror(errno));
	return 0;
}

static int feed(const struct tracees *t, const struct tracee_spec *s)
{
	size_t len = s->input ? strlen(s->input) : 0;

	/* What a socket does not take at once is no question. */
	if (len && send(t->input, s->input, len, MSG_DONTWAIT | MSG_NOSIGNAL) !=
			   (ssize_t)len)
		return err_set(EMSGSIZE, "too much to ask");
	if (s->ends)
		shutdown(t->input, SHUT_WR);
	return 0;
}

int tracee_start(const struct tracee_spec *s, struct tracees **out)
{
	struct tracees *t = mem_zalloc(1, sizeof(*t));
	int pair[2] = {-1, -1}, go[2] = {-1, -1}, rc = regs_known();
	sigset_t child_only;

	t->start = clock_monotonic();
	sigemptyset(&child_only);
	sigaddset(&child_only, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_only, &t->before);
	t->said = memfd_create("said", MFD_CLOEXEC);
	if (!rc &&
	    (t->said < 0 || pipe2(go, O_CLOEXEC) < 0 ||
	     socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0))
		rc = err_set(errno, "cannot make a socket: %s",
			     strerror(errno));
	t->input = pair[0];
	if (!rc)
		rc = feed(t, s);
	if (!rc)
		rc = begin(t, s, pair[1], go);
	for (int i = 0; i < 2; i++)
		if (go[i] >= 0)
			close(go[i]);
	if (pair[1] >= 0)
		close(pair[1]);
	if (rc) {
		tracee_end(t);
		t = NULL;
	}
	*out = t;
	return rc;
}

/* ---- who they are ----------------------------------------------------- */

static void read_program(struct followed *f)
{
	char path[64];
	struct buf b;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)f->pid);
	buf_init(&b, sizeof(f->program));
	buf_read_file(&b, path);
	snprintf(f->program, sizeof(f->program), "%.*s",
		 (int)strcspn(b.data ? b.data : "", "\n"),
		 b.data ? b.data : "");
	buf_release(&b);
}

/* The new one's stop may come before what its parent says of it. */
static struct followed *find(struct tracees *t, pid_t pid)
{
	struct followed *f;

	for (size_t i = 0; i < t->n; i++)
		if (t->all[i].pid == pid)
			return &t->all[i];
	t->all = mem_realloc(t->all, t->n + 1, sizeof(*t->all));
	f = &t->all[t->n++];
	*f = (struct followed){.pid = pid};
	read_program(f);
	return f;
}

static void forget(struct tracees *t, pid_t pid)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->all[i].pid == pid)
			t->all[i] = t->all[--t->n];
}

/* ---- from moment to moment -------------------------------------------- */

static bool is_wait(uint64_t nr, uint64_t fd)
{
	switch (nr) {
	case SYS_read:
	case SYS_readv:
	case SYS_recvfrom:
	case SYS_recvmsg:
		return fd == STDIN_FILENO;
	case SYS_ppoll:
	case SYS_pselect6:
	case SYS_epoll_pwait:
/* Those that newer architectures do without. */
#ifdef SYS_poll
	case SYS_poll:
	case SYS_select:
	case SYS_epoll_wait:
#endif
		return true;
	default:
		return false;
	}
}

/* The number of the call that it is about to make; -1: it comes from one. */
static long entering(pid_t pid, uint64_t *first)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <
		    0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return -1;
	*first = info.entry.args[0];
	return (long)info.entry.nr;
}

static bool is_thread(pid_t pid)
{
	return syscall(SYS_tgkill, pid, pid, 0) < 0;
}

/* True: this is one of the moments. */
static bool is_moment(struct tracees *t, pid_t pid, struct tracee_stop *out)
{
	uint64_t fd = 0;
	long nr = entering(pid, &fd);
	struct followed *f = find(t, pid);

	if (nr < 0 || is_thread(pid))
		return false;
	*out = (struct tracee_stop){
		.pid = pid, .first = pid == t->first, .executed = f->executed};
	memcpy(out->program, f->program, sizeof(out->program));
	if (f->fresh)
		out->at = TRACEE_EXECUTED;
	else if (nr == SYS_exit_group)
		out->at = TRACEE_ENDS;
	else if (is_wait((uint64_t)nr, fd))
		out->at = TRACEE_WAITS;
	else
		return false;
	f->fresh = false;
	return true;
}

static void go_on(pid_t pid, int sig)
{
	ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(uintptr_t)sig);
}

/* What it stopped for; true: a moment, and it is held. */
static bool take_stop(struct tracees *t, pid_t pid, int status,
		      struct tracee_stop *out)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	struct followed *f = find(t, pid);

	if (sig == (SIGTRAP | 0x80)) {
		if (is_moment(t, pid, out))
			return true;
		sig = 0;
	} else if (event) {
		if (event == PTRACE_EVENT_EXEC) {
			f->executed = f->fresh = true;
			read_program(f);
		}
		sig = 0;
	}
	go_on(pid, sig);
	return false;
}

int tracee_next(struct tracees *t, double limit_s, struct tracee_stop *out)
{
	const struct timespec look = {.tv_nsec = LOOK_NS};
	sigset_t child_only;
	int status;

	sigemptyset(&child_only);
	sigaddset(&child_only, SIGCHLD);
	if (t->held)
		go_on(t->held, 0);
	t->held = 0;
	t->place = 0;
	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL | WNOHANG);

		if (pid < 0 && errno == ECHILD)
			return 0;
		if (pid > 0 && !WIFSTOPPED(status)) {
			forget(t, pid);
		} else if (pid > 0 && take_stop(t, pid, status, out)) {
			t->held = pid;
			return 1;
		} else if (pid <= 0) {
			sigtimedwait(&child_only, NULL, &look);
		}
		if (clock_monotonic() - t->start > limit_s)
			return err_set(ETIMEDOUT, "it took more than %.0f s",
				       limit_s);
	}
}

/* ---- trying ----------------------------------------------------------- */

/* To the next end of a call; 1: it has executed a program instead. */
static int step(pid_t pid)
{
	int status;

	for (go_on(pid, 0);; go_on(pid, 0)) {
		if (waitpid(pid, &status, __WALL) < 0 || !WIFSTOPPED(status))
			return -ESRCH;
		if (status >> 16 == PTRACE_EVENT_EXEC)
			return 1;
		/* What else it is sent is of no interest any more. */
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			return 0;
	}
}

long tracee_call(struct tracees *t, long nr, long a, long b, long c, long d)
{
	const long args[] = {a, b, c, d, -1, 0};
	struct regs was, is;
	long result;
	int rc;

	if (!t->held)
		return -ESRCH;
	rc = regs_read(t->held, &was);
	is = was;
	regs_call(&is, nr, args);
	if (!rc)
		rc = regs_write(t->held, &is);
	if (!rc)
		rc = step(t->held);
	if (rc > 0) {
		t->held = 0;
		return 0;
	}
	if (!rc)
		rc = regs_read(t->held, &is);
	result = rc ? rc : regs_result(&is);
	/* Back before the call that it wanted to make. */
	regs_again(&was);
	if (!rc)
		rc = regs_write(t->held, &was);
	if (!rc)
		rc = step(t->held);
	if (rc == -ESRCH) {
		forget(t, t->held);
		t->held = 0;
	}
	return rc ? -ESRCH : result;
}

long tracee_put(struct tracees *t, const void *data, size_t len)
{
	struct iovec from = {(void *)data, len}, to = {NULL, len};

	if (!t->place)
		t->place = tracee_call(t, SYS_mmap, 0, SCRATCH,
				       PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS);
	if (t->place < 0 && t->place > -SCRATCH)
		return t->place;
	to.iov_base = (void *)(uintptr_t)t->place;
	if (len > SCRATCH)
		return -E2BIG;
	if (process_vm_writev(t->held, &from, 1, &to, 1, 0) != (ssize_t)len)
		return -errno;
	return t->place;
}

/* ---- the end ---------------------------------------------------------- */

char *tracee_words(const struct tracees *t)
{
	char text[1024], *line;
	off_t end = lseek(t->said, 0, SEEK_END);
	off_t from = end > (off_t)sizeof(text) - 1
			     ? end - (off_t)sizeof(text) + 1
			     : 0;
	ssize_t n = pread(t->said, text, sizeof(text) - 1, from);

	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n > 0 ? n : 0] = '\0';
	line = strrchr(text, '\n');
	return mem_strdup(line ? line + 1 : text);
}

void tracee_end(struct tracees *t)
{
	int status;

	if (!t)
		return;
	/* Those that are born meanwhile stop, and are killed when they do. */
	if (t->first)
		kill(t->first, SIGKILL);
	for (size_t i = 0; i < t->n; i++)
		kill(t->all[i].pid, SIGKILL);
	for (pid_t pid; t->first && (pid = waitpid(-1, &status, __WALL)) > 0;)
		if (WIFSTOPPED(status))
			kill(pid, SIGKILL);
	if (t->input >= 0)
		close(t->input);
	if (t->said >= 0)
		close(t->said);
	sigprocmask(SIG_SETMASK, &t->before, NULL);
	free(t->all);
	free(t);
}
