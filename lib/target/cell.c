/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/cell.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#define CONSOLE_PIPE (1 << 20)

/* Where the ends are in the cell's first process, beside cell.h's. */
enum { FD_CONSOLE = 13, FD_LOG, FD_LIFE, FD_FREE };

/* The ends that the cell's processes get. */
struct inside {
	int port, console, log, life;
	bool user_ns;
	uid_t uid;
	gid_t gid;
};

/* Between clone and exec only system calls: other threads may hold locks. */
static void __attribute__((noreturn)) die(int log, const char *what)
{
	char text[256];
	int e = errno;

	snprintf(text, sizeof(text), "cell: %s: %s\n", what, strerror(e));
	if (write(log, text, strlen(text)) < 0)
		_exit(126);
	_exit(125);
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* The caller's own ids, so that its files are its files in the guest too. */
static void map_ids(const struct inside *in)
{
	char map[64];

	snprintf(map, sizeof(map), "%u %u 1", in->uid, in->uid);
	if (!put("/proc/self/uid_map", map))
		die(in->log, "cannot map the user id");
	if (!put("/proc/self/setgroups", "deny"))
		die(in->log, "cannot deny setgroups");
	snprintf(map, sizeof(map), "%u %u 1", in->gid, in->gid);
	if (!put("/proc/self/gid_map", map))
		die(in->log, "cannot map the group id");
}

static void seal(const struct inside *in)
{
	struct mount_attr a = {.attr_set = MOUNT_ATTR_RDONLY};

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die(in->log, "cannot make the mounts private");
	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &a, sizeof(a)) < 0)
		die(in->log, "cannot make the file tree read-only");
}

/* Nothing of our maker's stays open here but the ends. */
static void place_ends(struct inside *in)
{
	int null = open("/dev/null", O_RDWR);

	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	if (dup3(in->port, CELL_FD_PORT, O_CLOEXEC) < 0 ||
	    dup3(in->console, FD_CONSOLE, O_CLOEXEC) < 0 ||
	    dup3(in->log, FD_LOG, O_CLOEXEC) < 0 ||
	    dup3(in->life, FD_LIFE, O_CLOEXEC) < 0)
		die(in->log, "cannot place a descriptor");
	in->port = CELL_FD_PORT;
	in->console = FD_CONSOLE;
	in->log = FD_LOG;
	in->life = FD_LIFE;
	close_range(3, CELL_FD_PORT - 1, 0);
	close_range(FD_FREE, ~0U, 0);
}

/* A listener in the cell's own network namespace and a connection to it. */
static void connect_fs(const struct inside *in)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(a);
	int l = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* Binding just the family makes the kernel choose a name. */
	if (l < 0 || c < 0 ||
	    bind(l, (struct sockaddr *)&a, sizeof(a.sun_family)) < 0 ||
	    listen(l, 1) < 0 ||
	    getsockname(l, (struct sockaddr *)&a, &len) < 0 ||
	    connect(c, (struct sockaddr *)&a, len) < 0)
		die(in->log, "cannot connect virtiofsd and QEMU");
	if (dup3(l, CELL_FD_LISTEN, O_CLOEXEC) < 0 ||
	    dup3(c, CELL_FD_FS, O_CLOEXEC) < 0)
		die(in->log, "cannot place a descriptor");
	close(l);
	close(c);
}

static void pass_fd(int fd)
{
	fcntl(fd, F_SETFD, 0);
}

/* Without this an ordinary user's exec loses the namespace's privileges. */
static void keep_caps(const struct inside *in)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d) < 0)
		die(in->log, "cannot read the capabilities");
	d[0].inheritable = d[0].permitted;
	d[1].inheritable = d[1].permitted;
	if (syscall(SYS_capset, &h, d) < 0)
		die(in->log, "cannot set the capabilities");
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (d[cap / 32].permitted & 1u << cap % 32)
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
}

static void __attribute__((noreturn))
run(const struct inside *in, char *const *argv, char *const *env, int out)
{
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (out >= 0)
		dup2(out, 1);
	dup2(in->log, 2);
	execve(argv[0], argv, env);
	die(2, argv[0]);
}

static pid_t start_virtiofsd(const struct inside *in, const struct cell_spec *s)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (in->user_ns)
		keep_caps(in);
	pass_fd(CELL_FD_LISTEN);
	run(in, s->virtiofsd, s->virtiofsd_env, -1);
}

static pid_t start_qemu(const struct inside *in, const struct cell_spec *s)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	pass_fd(CELL_FD_PORT);
	pass_fd(CELL_FD_FS);
	run(in, s->qemu, s->qemu_env, in->console);
}

/* The first process: when either of the two ends, so does the cell. */
static void __attribute__((noreturn))
live(struct inside *in, const struct cell_spec *s)
{
	struct pollfd p = {FD_LIFE, POLLIN, 0};
	sigset_t none;
	pid_t fs, qemu;

	place_ends(in);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Our maker may have died before that. */
	if (poll(&p, 1, 0) != 0)
		_exit(0);
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (in->user_ns)
		map_ids(in);
	seal(in);
	connect_fs(in);
	fs = start_virtiofsd(in, s);
	qemu = start_qemu(in, s);
	if (fs < 0 || qemu < 0)
		die(in->log, "cannot fork");
	close(CELL_FD_LISTEN);
	close(CELL_FD_FS);
	close(in->port);
	close(in->console);
	while (wait(NULL) < 0 && errno == EINTR)
		;
	_exit(0);
}

static int namespaces_failed(int e, bool user_ns)
{
	if (!user_ns)
		return err_set(e,
			       "cannot make namespaces for the guest: %s; "
			       "CAP_SYS_ADMIN is missing",
			       strerror(e));
	return err_set(EPERM,
		       "cannot make namespaces for the guest: %s; run as root "
		       "or allow user namespaces "
		       "(sysctl kernel.unprivileged_userns_clone=1)",
		       strerror(e));
}

/* High numbers first: the fixed ones must be free in the cell. */
static int lift(int *fd)
{
	int high = fcntl(*fd, F_DUPFD_CLOEXEC, 32);

	if (high < 0)
		return -1;
	close(*fd);
	*fd = high;
	return 0;
}

static void shut(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int ends(struct cell *c, struct inside *in)
{
	int port[2] = {-1, -1}, console[2] = {-1, -1}, log[2] = {-1, -1};
	int life[2] = {-1, -1};
	int *all[] = {&port[0],	   &port[1],	&log[0],  &log[1],
		      &console[0], &console[1], &life[0], &life[1]};
	int rc = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, port) < 0 ||
	    pipe2(console, O_CLOEXEC) < 0 || pipe2(log, O_CLOEXEC) < 0 ||
	    pipe2(life, O_CLOEXEC) < 0)
		rc = err_set(errno, "cannot make a socket or a pipe: %s",
			     strerror(errno));
	for (size_t i = 0; i < ARRAY_LEN(all) && !rc; i++)
		if (lift(all[i]) < 0)
			rc = err_set(errno, "cannot place a descriptor: %s",
				     strerror(errno));
	if (rc) {
		for (size_t i = 0; i < ARRAY_LEN(all); i++)
			shut(all[i]);
		return rc;
	}
	/* QEMU must not block on a chatty guest while nobody reads. */
	fcntl(console[1], F_SETPIPE_SZ, CONSOLE_PIPE);
	fcntl(port[0], F_SETFL, O_NONBLOCK);
	fcntl(console[0], F_SETFL, O_NONBLOCK);
	fcntl(log[0], F_SETFL, O_NONBLOCK);
	*c = (struct cell){.pidfd = -1,
			   .port = port[0],
			   .console = console[0],
			   .log = log[0],
			   .life = life[1]};
	in->port = port[1];
	in->console = console[1];
	in->log = log[1];
	in->life = life[0];
	return 0;
}

int cell_start(const struct cell_spec *spec, struct cell *c)
{
	struct inside in = {.uid = geteuid(), .gid = getegid()};
	unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET |
			      CLONE_NEWIPC | SIGCHLD;
	int rc;
	pid_t pid;

	*c = CELL_NONE;
	in.user_ns = in.uid != 0;
	if (in.user_ns)
		flags |= CLONE_NEWUSER;
	rc = ends(c, &in);
	if (rc)
		return rc;
	pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
	if (pid == 0) {
		close(c->life);
		close(c->port);
		close(c->console);
		close(c->log);
		live(&in, spec);
	}
	if (pid < 0)
		rc = namespaces_failed(errno, in.user_ns);
	shut(&in.port);
	shut(&in.console);
	shut(&in.log);
	shut(&in.life);
	if (rc) {
		cell_kill(c);
		return rc;
	}
	c->pid = pid;
	c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (c->pidfd < 0) {
		/* Nobody would hear of its end. */
		rc = err_set(errno, "cannot watch the cell: %s",
			     strerror(errno));
		cell_kill(c);
	}
	return rc;
}

void cell_kill(struct cell *c)
{
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	shut(&c->pidfd);
	shut(&c->port);
	shut(&c->console);
	shut(&c->log);
	shut(&c->life);
	*c = CELL_NONE;
}
