/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every refusal is looked at from a child that entered a sandbox, and once
 * without, so that none holds for another reason. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sandbox_parts.h"
#include "base/temp.h"

#define CANNOT_ENTER 99

static char dir[] = "/tmp/schedkit-sandbox.XXXXXX";
static char secret[64], written[64];

static int in_dir(void **state)
{
	int fd;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(secret, sizeof(secret), "%s/secret", dir);
	snprintf(written, sizeof(written), "%s/written", dir);
	fd = open(secret, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "key", 3) != 3 || close(fd) < 0)
		return -1;
	return mkdir(written, 0700);
}

static int remove_dir(void **state)
{
	(void)state;
	temp_clear(dir);
	return 0;
}

/* What f returns in a child, which enters the sandbox first if there is one;
 * a signal as a shell reports it. */
static int in_child(const struct sandbox *s, int (*f)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(s && sandbox_enter(s) ? CANNOT_ENTER : f());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status);
}

static const char *const no_files[] = {NULL};
static const char *const writable[] = {written, NULL};
static const struct sandbox tight = {.read = no_files, .write = writable};

static int nothing(void)
{
	return 0;
}

/* -ENOTSUP is the one answer that leaves a process as it was. */
static int missing(void)
{
	return sandbox_enter(&tight) == -ENOTSUP &&
			       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0
		       ? 1
		       : 0;
}

static void need_landlock(void)
{
	if (in_child(NULL, missing)) {
		print_message("the kernel has no Landlock or no seccomp\n");
		skip();
	}
	assert_int_equal(in_child(&tight, nothing), 0);
}

/* 0: it could be opened. */
static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int read_secret(void)
{
	return opened(secret, O_RDONLY);
}

static int write_beside(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/new", dir);
	return opened(path, O_CREAT | O_WRONLY);
}

static int write_inside(void)
{
	char a[80], b[80];

	snprintf(a, sizeof(a), "%s/a", written);
	snprintf(b, sizeof(b), "%s/b", written);
	if (opened(a, O_CREAT | O_WRONLY))
		return errno;
	return rename(a, b) < 0 || truncate(b, 10) < 0 ? errno : 0;
}

/* Out of the folder that it may write to, and back in. */
static int move_out(void)
{
	char a[80], b[80];

	snprintf(a, sizeof(a), "%s/b", written);
	snprintf(b, sizeof(b), "%s/out", dir);
	return rename(a, b) < 0 ? errno : 0;
}

static int link_in(void)
{
	char b[80];

	snprintf(b, sizeof(b), "%s/linked", written);
	return link(secret, b) < 0 ? errno : 0;
}

static int truncate_secret(void)
{
	return truncate(secret, 3) < 0 ? errno : 0;
}

static void files(void **state)
{
	(void)state;
	need_landlock();
	assert_int_equal(in_child(NULL, read_secret), 0);
	assert_int_equal(in_child(&tight, read_secret), EACCES);
	assert_int_equal(in_child(NULL, write_beside), 0);
	assert_int_equal(in_child(&tight, write_beside), EACCES);
	assert_int_equal(in_child(&tight, write_inside), 0);
	assert_true(in_child(&tight, move_out) == EACCES ||
		    in_child(&tight, move_out) == EXDEV);
	assert_int_equal(in_child(NULL, truncate_secret), 0);
	assert_int_equal(in_child(&tight, truncate_secret), EACCES);
	assert_true(in_child(&tight, link_in) == EACCES ||
		    in_child(&tight, link_in) == EXDEV);
}

/* What is not Landlock's: 0, or why not. */
static int open_up(mode_t mode)
{
	int fd = open(written, O_RDONLY | O_CLOEXEC), why;

	why = chmod(secret, mode) < 0 ? errno : 0;
	/* It may be read where it may be written. */
	if (why && fd >= 0 && (fchmod(fd, mode | 0700) == 0 || errno != why))
		why = 0;
	if (why && (fchmodat(AT_FDCWD, secret, mode, 0) == 0 || errno != why))
		why = 0;
	if (fd >= 0)
		close(fd);
	return why;
}

static int writable_for_others(void)
{
	return open_up(0602);
}

static int writable_for_group(void)
{
	return open_up(0620);
}

static int set_uid(void)
{
	return open_up(04700);
}

static int set_gid(void)
{
	return open_up(02700);
}

static int same_mode(void)
{
	return chmod(secret, 0600) < 0 ? errno : 0;
}

static int mode_inside(void)
{
	return chmod(written, 0700) < 0 ? errno : 0;
}

static int same_owner(void)
{
	return chown(secret, geteuid(), getegid()) < 0 ? errno : 0;
}

static int attribute(void)
{
	return setxattr(secret, "user.x", "x", 1, 0) < 0 ? errno : 0;
}

static void owning(void **state)
{
	static int (*const opening[])(void) = {
		writable_for_others, writable_for_group, set_uid, set_gid};
	const struct sandbox reads = {.read = no_files};
	int here;

	(void)state;
	need_landlock();
	for (size_t i = 0; i < ARRAY_LEN(opening); i++) {
		assert_int_equal(in_child(NULL, opening[i]), 0);
		assert_int_equal(in_child(&tight, opening[i]), EPERM);
		assert_int_equal(in_child(&reads, opening[i]), EPERM);
	}
	assert_int_equal(in_child(NULL, same_mode), 0);
	assert_int_equal(in_child(&reads, same_mode), EPERM);
	assert_int_equal(in_child(&tight, mode_inside), 0);
	assert_int_equal(in_child(NULL, same_owner), 0);
	assert_int_equal(in_child(&tight, same_owner), EPERM);
	here = in_child(NULL, attribute);
	assert_true(here == 0 || here == EOPNOTSUPP);
	assert_int_equal(in_child(&tight, attribute), EPERM);
}

static int null_device(void)
{
	return opened("/dev/null", O_RDWR) || opened("/dev/urandom", O_RDONLY);
}

static int shadow(void)
{
	return opened("/etc/shadow", O_RDONLY);
}

static int passwd(void)
{
	return opened("/etc/passwd", O_RDONLY);
}

static void system_files(void **state)
{
	const struct sandbox s = {.read = sandbox_system};

	(void)state;
	need_landlock();
	assert_int_equal(in_child(&tight, null_device), 0);
	assert_int_equal(in_child(&s, passwd), 0);
	assert_int_not_equal(in_child(&s, shadow), 0);
}

static struct sockaddr_in inet_here;
static struct sockaddr_un unix_here;

static int connect_inet(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	return connect(fd, (struct sockaddr *)&inet_here, sizeof(inet_here)) < 0
		       ? errno
		       : 0;
}

static int connect_unix(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	return connect(fd, (struct sockaddr *)&unix_here, sizeof(unix_here)) < 0
		       ? errno
		       : 0;
}

/* A socket of this family and kind: 0, or why not. */
static int made(int family, int kind, int protocol)
{
	int fd = socket(family, kind | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int other_families(void)
{
	for (int af = 0; af < 48; af++)
		if (af != AF_UNIX && made(af, SOCK_STREAM, 0) != EPERM &&
		    made(af, SOCK_DGRAM, 0) != EPERM)
			return af + 1;
	if (made(AF_UNIX, SOCK_RAW, 0) != EPERM ||
	    made(AF_UNIX, SOCK_DGRAM, 0) != EPERM)
		return 100;
	return 0;
}

/* 0: there are pairs, but none of the kind that can be given a peer. */
static int pairs(void)
{
	static const int kinds[] = {SOCK_DGRAM, SOCK_RAW};
	int two[2];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!socketpair(AF_UNIX, kinds[i] | SOCK_CLOEXEC, 0, two) ||
		    errno != EPERM)
			return (int)i + 1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, two) < 0)
		return 100;
	close(two[0]);
	close(two[1]);
	return 0;
}

static int network_families(void)
{
	for (int af = 0; af < 48; af++)
		if (af != AF_INET && af != AF_INET6 && af != AF_NETLINK &&
		    made(af, SOCK_DGRAM, 0) != EPERM)
			return af + 1;
	if (made(AF_INET, SOCK_RAW, 0) != EPERM)
		return 100;
	/* The routing table's; not the auditor's (9). */
	if (made(AF_NETLINK, SOCK_RAW, 0))
		return 101;
	if (made(AF_NETLINK, SOCK_RAW, 9) != EPERM)
		return 102;
	return 0;
}

static int listener(int family, struct sockaddr *a, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, a, len), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, a, &len), 0);
	return fd;
}

static void sockets(void **state)
{
	const struct sandbox net = {.network = true};
	int a, b;

	(void)state;
	need_landlock();
	inet_here.sin_family = AF_INET;
	inet_here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	unix_here.sun_family = AF_UNIX;
	snprintf(unix_here.sun_path, sizeof(unix_here.sun_path), "%s/socket",
		 dir);
	a = listener(AF_INET, (struct sockaddr *)&inet_here, sizeof(inet_here));
	b = listener(AF_UNIX, (struct sockaddr *)&unix_here, sizeof(unix_here));
	assert_int_equal(in_child(NULL, connect_inet), 0);
	assert_int_equal(in_child(&net, connect_inet), 0);
	assert_int_equal(in_child(&tight, connect_inet), EPERM);
	assert_int_equal(in_child(NULL, connect_unix), 0);
	assert_int_equal(in_child(&tight, connect_unix), EPERM);
	assert_int_equal(in_child(&net, connect_unix), EPERM);
	assert_int_equal(in_child(&tight, other_families), 0);
	assert_int_equal(in_child(NULL, pairs), 1);
	assert_int_equal(in_child(&tight, pairs), 0);
	assert_int_equal(in_child(&net, pairs), 0);
	assert_int_equal(in_child(&net, network_families), 0);
	close(a);
	close(b);
}

static int trace_parent(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) < 0 ? errno : 0;
}

static int signal_parent(void)
{
	return kill(getppid(), 0) < 0 ? errno : 0;
}

/* 0: all of them are refused; else the first that is not. */
static int refused_calls(void)
{
	struct rlimit now;
	int n = 0;

#define REFUSED(call)                                     \
	do {                                              \
		n++;                                      \
		errno = 0;                                \
		if ((long)(call) != -1 || errno != EPERM) \
			return n;                         \
	} while (0)
	REFUSED(syscall(SYS_bpf, 0, NULL, 0));
	REFUSED(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	REFUSED(syscall(SYS_mount, NULL, NULL, NULL, 0, NULL));
	REFUSED(syscall(SYS_pivot_root, "/", "/"));
	REFUSED(unshare(CLONE_NEWUSER));
	REFUSED(unshare(0));
	REFUSED(setns(-1, 0));
	REFUSED(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL,
			NULL));
	REFUSED(syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	REFUSED(syscall(SYS_open_by_handle_at, -1, NULL, 0));
	REFUSED(syscall(SYS_userfaultfd, 0));
	REFUSED(syscall(SYS_io_uring_setup, 1, NULL));
	REFUSED(syscall(SYS_kcmp, 0, 0, 0, 0, 0));
	REFUSED(syscall(SYS_fanotify_init, 0, 0));
	REFUSED(syscall(SYS_clock_settime, CLOCK_REALTIME, NULL));
	REFUSED(syscall(SYS_personality, 0x40000));
	REFUSED(syscall(SYS_reboot, 0, 0, 0, NULL));
	REFUSED(shmget(0x5c4ed, 4096, 0600));
	REFUSED(syscall(SYS_msgget, 0x5c4ed, 0600));
	REFUSED(syscall(SYS_semget, 0x5c4ed, 1, 0600));
	REFUSED(syscall(SYS_mq_open, "x", O_RDONLY, 0, NULL));
	REFUSED(prlimit(getppid(), RLIMIT_CPU, NULL, &now));
	REFUSED(syscall(457, NULL, NULL, 0, 0));
	REFUSED(ioctl(0, TIOCSTI, "x"));
	REFUSED(execl("/bin/true", "true", NULL));
#undef REFUSED
	if (syscall(SYS_personality, 0xffffffff) < 0)
		return 100;
	errno = 0;
	if (syscall(SYS_clone3, NULL, 0) != -1 || errno != ENOSYS)
		return 101;
	return 0;
}

static void calls(void **state)
{
	(void)state;
	need_landlock();
	assert_int_equal(in_child(&tight, trace_parent), EPERM);
	assert_int_equal(in_child(NULL, signal_parent), 0);
	assert_int_equal(in_child(&tight, refused_calls), 0);
}

#ifdef __x86_64__
static int x32_call(void)
{
	syscall(0x40000000 | SYS_getpid);
	return 0;
}

static void other_tables(void **state)
{
	(void)state;
	need_landlock();
	assert_int_equal(in_child(&tight, x32_call), 128 + SIGSYS);
}
#endif

/* 0: there is none in any set. */
static int capabilities(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &head, d) < 0)
		return 1;
	for (int i = 0; i < 2; i++)
		if (d[i].effective || d[i].permitted || d[i].inheritable)
			return 2;
	for (unsigned long c = 0; geteuid() == 0 && c <= CAP_LAST_CAP; c++)
		if (prctl(PR_CAPBSET_READ, c, 0, 0, 0) == 1)
			return 3;
	for (unsigned long c = 0; c <= CAP_LAST_CAP; c++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, c, 0, 0) == 1)
			return 4;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 5;
}

static int of_grandchild(int (*f)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(f());
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status)
		       ? WEXITSTATUS(status)
		       : CANNOT_ENTER;
}

static int inherited(void)
{
	if (of_grandchild(capabilities))
		return 1;
	if (of_grandchild(read_secret) != EACCES)
		return 2;
	return of_grandchild(refused_calls) ? 3 : 0;
}

/* A second sandbox takes away more, and gives nothing back. */
static int again(void)
{
	const char *const all[] = {"/", NULL};
	const struct sandbox loose = {
		.read = all, .write = all, .network = true, .exec = true};

	if (sandbox_enter(&loose))
		return CANNOT_ENTER;
	return inherited();
}

static void for_good(void **state)
{
	(void)state;
	need_landlock();
	assert_int_equal(in_child(&tight, capabilities), 0);
	assert_int_equal(in_child(&tight, inherited), 0);
	assert_int_equal(in_child(&tight, again), 0);
}

static int much_memory(void)
{
	void *p = mmap(NULL, 512u << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	return p == MAP_FAILED ? errno : munmap(p, 512u << 20);
}

static int spin(void)
{
	time_t end = time(NULL) + 30;

	while (time(NULL) < end)
		;
	return 0;
}

static int large_file(void)
{
	char path[80];
	int fd, rc;

	snprintf(path, sizeof(path), "%s/large", written);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return CANNOT_ENTER;
	rc = pwrite(fd, "x", 1, (1 << 20) - 1) != 1 ||
	     pwrite(fd, "x", 1, 1 << 20) != 1;
	close(fd);
	return rc;
}

static int dumps(void)
{
	struct rlimit r;

	getrlimit(RLIMIT_CORE, &r);
	return r.rlim_cur || r.rlim_max || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}

static void resource_limits(void **state)
{
	const struct sandbox s = {.write = writable,
				  .memory_mib = 256,
				  .cpu_s = 1,
				  .file_mib = 1};

	(void)state;
	need_landlock();
	if (!SANDBOX_SANITIZED) {
		assert_int_equal(in_child(NULL, much_memory), 0);
		assert_int_equal(in_child(&s, much_memory), ENOMEM);
		assert_int_equal(in_child(&s, dumps), 0);
	}
	assert_int_equal(in_child(&s, spin), 128 + SIGXCPU);
	assert_int_equal(in_child(NULL, large_file), 0);
	assert_int_equal(in_child(&s, large_file), 128 + SIGXFSZ);
}

static int run(const struct sandbox *s, const char *program,
	       const char *argument, struct proc_result *res)
{
	char *const argv[] = {(char *)program, (char *)argument, NULL};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct buf err;
	int rc;

	buf_init(&err, 4096);
	spec.argv = argv;
	spec.sandbox = s;
	spec.out = spec.err = &err;
	spec.out_fd = spec.err_fd = -1;
	rc = proc_run(&spec, res);
	buf_release(&err);
	return rc;
}

static void programs(void **state)
{
	const struct sandbox exec = {.read = sandbox_system, .exec = true};
	const struct sandbox none = {.read = sandbox_system};
	struct proc_result res;

	(void)state;
	need_landlock();
	assert_int_equal(run(&exec, "true", "x", &res), 0);
	assert_int_equal(res.exit_status, 0);
	assert_int_equal(run(NULL, "cat", secret, &res), 0);
	assert_int_equal(res.exit_status, 0);
	assert_int_equal(run(&exec, "cat", secret, &res), 0);
	assert_int_not_equal(res.exit_status, 0);
	assert_int_equal(run(&none, "true", "x", &res), -EPERM);
	assert_non_null(strstr(err_text(), "true"));
}

/* What the caller's caller had open, and forgot. */
static void nothing_forgotten_gets_in(void **state)
{
	const struct sandbox exec = {.read = sandbox_system, .exec = true};
	struct proc_result res;
	int fd = open(secret, O_RDONLY);

	(void)state;
	need_landlock();
	assert_true(fd > STDERR_FILENO);
	assert_int_equal(dup2(fd, 77), 77);
	assert_int_equal(run(NULL, "cat", "/proc/self/fd/77", &res), 0);
	assert_int_equal(res.exit_status, 0);
	assert_int_equal(run(&exec, "readlink", "/proc/self/fd/77", &res), 0);
	assert_int_equal(res.exit_status, 1);
	close(77);
	close(fd);
}

/* Whatever was written by the process is no program. */
static int run_written(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s/program", written);
	execl(path, path, NULL);
	return errno;
}

static void nothing_written_runs(void **state)
{
	const struct sandbox s = {
		.read = sandbox_system, .write = writable, .exec = true};
	char path[80];
	int fd;

	(void)state;
	need_landlock();
	snprintf(path, sizeof(path), "%s/program", written);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0700);
	assert_int_equal(write(fd, "#!/bin/true\n", 12), 12);
	close(fd);
	assert_int_equal(in_child(NULL, run_written), 0);
	assert_int_equal(in_child(&s, run_written), EACCES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(owning),
		cmocka_unit_test(system_files),
		cmocka_unit_test(sockets),
		cmocka_unit_test(calls),
#ifdef __x86_64__
		cmocka_unit_test(other_tables),
#endif
		cmocka_unit_test(for_good),
		cmocka_unit_test(resource_limits),
		cmocka_unit_test(programs),
		cmocka_unit_test(nothing_forgotten_gets_in),
		cmocka_unit_test(nothing_written_runs),
	};

	return cmocka_run_group_tests(tests, in_dir, remove_dir);
}
