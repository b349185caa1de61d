/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of a process, and what it lets it do. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agents/doctor/self_parts.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"

#define FILE_MAX    (1u << 20)
#define OPEN_TO_ALL 0622
/* Nobody accepts them. */
#define BACKLOG 128

/* ---- the bait --------------------------------------------------------- */

static int listen_at(struct sockaddr *a, socklen_t len, int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	if (fd >= 0 && !bind(fd, a, len) && !listen(fd, BACKLOG))
		return fd;
	rc = err_set(errno, "cannot listen: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

/* A name in the kernel alone, which Landlock knows about, too. */
static int listen_here(struct self_bait *b)
{
	struct sockaddr_un *a = &b->local_at;
	socklen_t len = sizeof(b->inet_at);

	b->inet_at.sin_family = AF_INET;
	b->inet_at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	b->inet = listen_at((struct sockaddr *)&b->inet_at, len, AF_INET);
	if (b->inet < 0)
		return b->inet;
	getsockname(b->inet, (struct sockaddr *)&b->inet_at, &len);
	a->sun_family = AF_UNIX;
	snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "schedkit-self-%d",
		 (int)getpid());
	b->local_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				   strlen(a->sun_path + 1));
	b->local = listen_at((struct sockaddr *)a, b->local_len, AF_UNIX);
	return b->local < 0 ? b->local : 0;
}

int self_bait_put(struct self_bait *b, const char *dir)
{
	int rc;

	*b = (struct self_bait){.kept = -1, .inet = -1, .local = -1};
	b->secret = mem_printf("%s/secret", dir);
	b->outside = mem_printf("%s/outside", dir);
	rc = path_write_atomic(b->secret, SELF_KEY, strlen(SELF_KEY));
	if (!rc)
		b->kept = open(b->secret, O_RDONLY | O_CLOEXEC);
	if (!rc && b->kept < 0)
		rc = err_set(errno, "cannot open '%s': %s", b->secret,
			     strerror(errno));
	return rc ? rc : listen_here(b);
}

void self_bait_remove(struct self_bait *b)
{
	const int all[] = {b->kept, b->inet, b->local};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i] >= 0)
			close(all[i]);
	free(b->secret);
	free(b->outside);
}

/* ---- what the kernel says --------------------------------------------- */

static int read_proc(pid_t pid, const char *file, struct buf *out)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	buf_init(out, FILE_MAX);
	return buf_read_file(out, path);
}

static unsigned long long field(const struct buf *status, const char *name,
				int base)
{
	char *line = mem_printf("\n%s:\t", name);
	const char *at = status->data ? strstr(status->data, line) : NULL;
	size_t len = strlen(line);

	free(line);
	return at ? strtoull(at + len, NULL, base) : 0;
}

/* Real, effective, saved and that of files: all ours? */
static bool is_other(const struct buf *status, const char *name, unsigned own)
{
	char *line = mem_printf("\n%s:\t", name);
	const char *at = status->data ? strstr(status->data, line) : NULL;
	unsigned id[4] = {0};
	bool same = at && sscanf(at + strlen(line), "%u %u %u %u", &id[0],
				 &id[1], &id[2], &id[3]) == 4;

	for (size_t i = 0; same && i < ARRAY_LEN(id); i++)
		same = id[i] == own;
	free(line);
	return !same;
}

static int read_status(pid_t pid, struct self_found *f)
{
	static const char *const sets[] = {"CapInh", "CapPrm", "CapEff",
					   "CapAmb"};
	struct buf status;
	int rc = read_proc(pid, "status", &status);

	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		f->caps |= field(&status, sets[i], 16);
	f->bounding = field(&status, "CapBnd", 16);
	f->filters = (long)field(&status, "Seccomp_filters", 10);
	/* Older kernels do not count them. */
	if (!f->filters && field(&status, "Seccomp", 10) == 2)
		f->filters = 1;
	f->other_user = is_other(&status, "Uid", geteuid()) ||
			is_other(&status, "Gid", getegid());
	if (!field(&status, "NoNewPrivs", 10))
		f->has |= SELF_GAINS;
	if (!f->filters)
		f->has |= SELF_CALLS;
	buf_release(&status);
	return rc;
}

/* It may be read once it is no secret any more who it is. */
static int read_environment(pid_t pid, struct self_found *f)
{
	struct buf b;
	int rc = read_proc(pid, "environ", &b);

	if (b.len && memmem(b.data, b.len, SELF_KEY, strlen(SELF_KEY)))
		f->has |= SELF_KEYS;
	buf_release(&b);
	return rc;
}

/* ---- what it lets it do ----------------------------------------------- */

struct attempt {
	struct tracees *t;
	const struct self_bait *b;
	struct self_found *f;
	int rc;
};

static long call(struct attempt *a, long nr, long x, long y, long z, long w)
{
	long result = a->rc ? a->rc : tracee_call(a->t, nr, x, y, z, w);

	/* It died of it: nothing was learned. */
	if (result == -ESRCH)
		a->rc = -ESRCH;
	return result;
}

static long put(struct attempt *a, const void *data, size_t len)
{
	long at = a->rc ? a->rc : tracee_put(a->t, data, len);

	if (at < 0 && at > -4096)
		a->rc = (int)at;
	return at;
}

static void note(struct attempt *a, bool could, unsigned what)
{
	if (could && !a->rc)
		a->f->has |= what;
}

static void try_open(struct attempt *a, const char *path, int flags,
		     unsigned what)
{
	long at = put(a, path, strlen(path) + 1);
	long fd = call(a, SYS_openat, AT_FDCWD, at, flags | O_CLOEXEC, 0600);

	note(a, fd >= 0, what);
	if (fd >= 0)
		call(a, SYS_close, fd, 0, 0, 0);
}

/* An address where nobody is, or that cannot be reached from here, is no
 * refusal. */
static void try_connect(struct attempt *a, const void *to, socklen_t len,
			int family, unsigned what)
{
	long fd = call(a, SYS_socket, family, SOCK_STREAM | SOCK_CLOEXEC, 0, 0);
	long at = put(a, to, len), result;

	if (fd < 0)
		return;
	result = call(a, SYS_connect, fd, at, len, 0);
	note(a, result != -EPERM && result != -EACCES, what);
	call(a, SYS_close, fd, 0, 0, 0);
}

static void try_modes(struct attempt *a)
{
	long at = put(a, a->b->secret, strlen(a->b->secret) + 1);

	note(a, !call(a, SYS_fchmodat, AT_FDCWD, at, OPEN_TO_ALL, 0),
	     SELF_MODES);
	chmod(a->b->secret, 0600);
}

/* Last of all: what comes back is another program. */
static void try_program(struct attempt *a)
{
	struct {
		char path[16];
		long argv[2], env[1];
	} page = {.path = "/bin/true"};
	long at = put(a, "", 1);

	page.argv[0] = at;
	put(a, &page, sizeof(page));
	note(a,
	     !call(a, SYS_execve, at, at + (long)offsetof(typeof(page), argv),
		   at + (long)offsetof(typeof(page), env), 0),
	     SELF_PROGRAMS);
}

static long count_open(pid_t pid)
{
	char path[64];
	long n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

uint64_t self_own_caps(void)
{
	struct self_found f = {0};

	return read_status(getpid(), &f) ? 0 : f.caps;
}

int self_look(struct tracees *t, pid_t pid, const struct self_bait *b,
	      struct self_found *out)
{
	struct attempt a = {.t = t, .b = b, .f = out};
	int rc = read_status(pid, out);

	if (rc)
		return rc;
	note(&a, call(&a, SYS_prctl, PR_GET_DUMPABLE, 0, 0, 0) == 1, SELF_SEEN);
	/* Else we could hand nothing to it either. */
	call(&a, SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0);
	out->descriptors = count_open(pid);
	rc = read_environment(pid, out);
	if (rc)
		return rc;
	note(&a, call(&a, SYS_fcntl, TRACEE_KEPT, F_GETFD, 0, 0) >= 0,
	     SELF_INHERITS);
	try_open(&a, b->secret, O_RDONLY, SELF_READS);
	try_open(&a, b->outside, O_WRONLY | O_CREAT, SELF_WRITES);
	unlink(b->outside);
	try_modes(&a);
	try_connect(&a, &b->inet_at, sizeof(b->inet_at), AF_INET, SELF_NETWORK);
	try_connect(&a, &b->local_at, b->local_len, AF_UNIX, SELF_SOCKETS);
	try_program(&a);
	return a.rc ? err_set(-a.rc, "nothing can be tried in it: %s",
			      strerror(-a.rc))
		    : 0;
}

/* ---- against its row -------------------------------------------------- */

void self_compare(const struct self_row *row, const struct self_found *f,
		  struct strs *more)
{
	static const char *const does[SELF_BITS] = {
		"it reads files of its user",
		"it writes files of its user",
		"it lets others write to files of its user",
		"it reaches the network",
		"it reaches who listens on this machine",
		"it executes programs",
		"it may gain privilege (no_new_privs is not set)",
		"no filter holds its system calls",
		"its user's processes may look into it",
		"it has what its starter had open",
		"keys of models are in its environment",
	};
	uint64_t caps = row->caps == SELF_CALLERS ? 0 : f->caps & ~row->caps;

	for (size_t i = 0; i < SELF_BITS; i++)
		if (f->has & ~row->may & 1u << i)
			strs_add(more, does[i]);
	if (caps) {
		char *names = self_privilege(caps);

		strs_printf(more, "it has capabilities: %s", names);
		free(names);
	}
	if (f->other_user)
		strs_add(more, "it is another user's or group's");
	if (f->privileged_file && (!row->caps || row->caps == SELF_CALLERS))
		strs_add(more, "its file gives privilege");
}
