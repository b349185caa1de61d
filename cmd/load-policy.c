/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a policy into this kernel, attaches and holds it, for sched-deploy:
 * the part that needs privilege.  On its standard input, a socket, comes one
 * struct load_request and an object; scx/load_request.h has the answers.
 *
 * It believes none of it, but what a key of /etc/schedkit/keys.d has signed.
 * PRIVILEGE in sched-deploy(1) lists what it trusts.
 */
#include <linux/bpf.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/privilege.h"
#include "guard/stand.h"
#include "scx/attach.h"
#include "scx/load_request.h"

#define NEEDED (PRIVILEGE(CAP_BPF) | PRIVILEGE(CAP_PERFMON))

/* Of bpf(2), once the policy is attached: its maps, and what it cost. */
static const int held_commands[] = {BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM,
				    BPF_MAP_DELETE_ELEM, BPF_OBJ_GET_INFO_BY_FD,
				    -1};
/* To hold it: no file is made, no program started, no socket opened. */
static const char to_hold[] =
	"bpf read write openat close fstat newfstatat lseek poll ppoll "
	"nanosleep clock_nanosleep clock_gettime restart_syscall rt_sigreturn "
	"rt_sigaction rt_sigprocmask futex brk mmap munmap mremap mprotect "
	"madvise getrandom getpid gettid tgkill exit exit_group";
/* Beside these: to look at keys, at the machine and at an object, and to shut
 * the door behind. */
static const char to_load[] =
	"access faccessat faccessat2 stat lstat statx statfs fstatfs "
	"getdents64 readlink readlinkat pread64 readv writev getuid geteuid "
	"getgid getegid uname fcntl dup dup3 memfd_create mkdir mkdirat "
	"prlimit64 sched_getaffinity capget capset prctl seccomp";

static volatile sig_atomic_t over;

static void end(int sig)
{
	(void)sig;
	over = 1;
}

/* Nothing is loaded or attached any more. */
static int settled(void)
{
	int rc = privilege_keep(0);

	return rc ? rc : privilege_calls(to_hold, "", held_commands);
}

static int settle_in(void)
{
	const struct rlimit none = {0, 0};
	int rc;

	/* Whoever called us may have set it. */
	if (getauxval(AT_SECURE))
		clearenv();
	close_range(STDERR_FILENO + 1, ~0u, 0);
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	/* Only root may; without it nobody is told what the policy costs. */
	ext_count_time();
	rc = privilege_keep(NEEDED);
	return rc ? rc : privilege_calls(to_hold, to_load, NULL);
}

int main(void)
{
	static const int asked[] = {SIGTERM, SIGINT, SIGHUP};
	struct stand stand;
	int rc;

	/* A terminal's are for its asker, who ends it. */
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
		signal(asked[i], asked[i] == SIGTERM ? end : SIG_IGN);
	/* What it holds is not to keep it from letting go; for good. */
	stand_above(&stand);
	rc = settle_in();
	if (rc) {
		fprintf(stderr, "load-policy: %s\n", err_text());
		return 1;
	}
	return load_serve(STDIN_FILENO, &over, settled) ? 1 : 0;
}
