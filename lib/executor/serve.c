/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "executor/serve.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "executor/executor.h"

#define LOOK_MS 300
#define LOCK_S	0.3

struct serve {
	const char *dir;
	char *job, *answer, *began, *stop_file;
	const volatile sig_atomic_t *stop;
	volatile sig_atomic_t end; /* the program is to end */
	struct job_packet packet;
	struct buf bytes; /* what packet points into */
};

static bool is_there(const char *path)
{
	return !access(path, F_OK);
}

/* Who asked says so, or has taken the folder away.  Another error may be the
 * file system's for a moment. */
static bool is_unwanted(const struct serve *s)
{
	return is_there(s->stop_file) ||
	       (access(s->job, F_OK) < 0 && errno == ENOENT);
}

static int over(const struct serve *s)
{
	if (*s->stop)
		return err_set(EINTR, "ended by a signal");
	if (is_unwanted(s))
		return err_set(ECANCELED, "nobody waits for it any more");
	return 0;
}

/* Nobody else may have a word in what we run. */
static int check_folder(const char *dir)
{
	struct stat st;

	if (lstat(dir, &st) < 0)
		return err_set(errno, "cannot look at '%s': %s", dir,
			       strerror(errno));
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 022)
		return err_set(EPERM, "'%s' is not ours alone to write", dir);
	return 0;
}

static int check_number(const char *number)
{
	for (const char *c = number; *c; c++)
		if (!isdigit((unsigned char)*c))
			return err_set(EINVAL, "'%s' is no number", number);
	return *number && strlen(number) < 12
		       ? 0
		       : err_set(EINVAL, "there is no number");
}

/* What the engine calls this node, else what it calls itself. */
static void node_name(char out[static PACKET_NODE_LEN])
{
	static const char *const names[] = {"SLURMD_NODENAME",
					    "PARALLEL_SSHHOST"};
	char own[256] = "";

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *name = getenv(names[i]);

		if (name && *name) {
			packet_node(name, out);
			return;
		}
	}
	gethostname(own, sizeof(own) - 1);
	packet_node(own, out);
}

/* ---- one at a time ---------------------------------------------------- */

/* The lock is the dead one's no more when it is dead; a file system without
 * locks has to do without. */
static int begin(struct serve *s, int *fd, off_t *times)
{
	struct stat st;
	int rc;

	*fd = open(s->began, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (*fd < 0)
		return err_set(errno, "cannot write '%s': %s", s->began,
			       strerror(errno));
	do
		rc = over(s);
	while (!rc && io_lock(*fd, LOCK_S) == -EAGAIN);
	if (!rc && fstat(*fd, &st) < 0)
		rc = err_set(errno, "cannot look at '%s': %s", s->began,
			     strerror(errno));
	if (!rc)
		*times = st.st_size;
	return rc;
}

static int write_answer(struct serve *s, struct answer_packet *p)
{
	struct buf b;
	int rc;

	buf_init(&b, PACKET_OUT_MAX + PACKET_SAID_MAX + 1024);
	node_name(p->node);
	answer_packet_write(p, &b);
	rc = path_write_atomic(s->answer, b.data, b.len);
	buf_release(&b);
	return rc;
}

/* ---- the program ------------------------------------------------------ */

static int read_job(struct serve *s)
{
	int rc;

	buf_init(&s->bytes, PACKET_JOB_MAX);
	rc = buf_read_file(&s->bytes, s->job);
	if (!rc)
		rc = job_packet_read(s->bytes.data ? s->bytes.data : "",
				     s->bytes.len, &s->packet);
	for (size_t i = 0; i < s->packet.env.len && !rc; i++)
		if (!strchr(s->packet.env.v[i], '=') ||
		    putenv(s->packet.env.v[i]))
			rc = err_set(EBADMSG, "a setting without a value");
	return rc;
}

static int input(const struct job_packet *p)
{
	int fd = memfd_create("input", MFD_CLOEXEC), rc;

	if (fd < 0)
		return err_set(errno, "cannot make a file in memory: %s",
			       strerror(errno));
	rc = io_write(fd, p->input, p->input_len);
	if (!rc && lseek(fd, 0, SEEK_SET) < 0)
		rc = -errno;
	if (!rc)
		return fd;
	close(fd);
	return err_set(-rc, "cannot hand the input on: %s", strerror(-rc));
}

static int run(struct serve *s, struct buf *out, struct buf *said,
	       struct proc_result *res)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc *p;
	int fd = input(&s->packet), rc;

	if (fd < 0)
		return fd;
	spec.argv = s->packet.argv.v;
	spec.cwd = "/";
	spec.stdin_fd = fd;
	spec.out = out;
	spec.err = said;
	spec.out_fd = spec.err_fd = -1;
	spec.with_us = true;
	spec.cancel = &s->end;
	rc = proc_start(&spec, &p);
	if (!rc) {
		while (!proc_look(p, LOOK_MS))
			s->end |= over(s) != 0;
		rc = proc_finish(p, res);
	}
	close(fd);
	return rc;
}

/* Killed by another hand than its own is not how it ends. */
static int judge(const struct serve *s, const struct proc_result *res)
{
	if (res->cancelled)
		return over(s) ? over(s) : err_set(EINTR, "ended");
	if (res->signal == SIGKILL || res->signal == SIGTERM)
		return err_set(EIO, "somebody ended it with signal %d",
			       res->signal);
	return 0;
}

static int run_and_answer(struct serve *s)
{
	struct answer_packet p = {0};
	struct proc_result res;
	struct buf out, said;
	int rc;

	buf_init(&out, PACKET_OUT_MAX);
	buf_init(&said, PACKET_SAID_MAX);
	rc = run(s, &out, &said, &res);
	/* A program that is not there will not be there the next time. */
	if (rc) {
		buf_reset(&out);
		buf_reset(&said);
		buf_puts(&said, err_text());
		res = (struct proc_result){.exit_status = 127};
		rc = 0;
	} else {
		rc = judge(s, &res);
	}
	p.exit_status = res.exit_status;
	p.seconds = res.wall_s;
	p.out = out.data ? out.data : "";
	p.out_len = out.len;
	p.said = said.data ? said.data : "";
	p.said_len = said.len;
	if (!rc)
		rc = write_answer(s, &p);
	buf_release(&out);
	buf_release(&said);
	return rc;
}

/* ---- all of it -------------------------------------------------------- */

static int serve(struct serve *s)
{
	struct answer_packet gave_up = {.gave_up = true, .out = "", .said = ""};
	off_t times = 0;
	int fd = -1, rc;

	if (is_there(s->answer))
		return 0;
	rc = begin(s, &fd, &times);
	/* Whoever had the lock may have left one. */
	if (!rc && !is_there(s->answer)) {
		if (times >= EXECUTOR_TRIES)
			rc = write_answer(s, &gave_up);
		else if ((rc = io_write(fd, "+", 1)) || fsync(fd) < 0)
			rc = err_set(EIO, "cannot write '%s'", s->began);
		else if (!(rc = read_job(s)))
			rc = run_and_answer(s);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

int job_serve(const char *dir, const char *number,
	      const volatile sig_atomic_t *stop)
{
	struct serve s = {.dir = dir, .stop = stop};
	int rc = check_number(number);

	if (!rc)
		rc = check_folder(dir);
	if (rc)
		return rc;
	s.job = mem_printf("%s/%s.job", dir, number);
	s.answer = mem_printf("%s/%s.answer", dir, number);
	s.began = mem_printf("%s/%s.began", dir, number);
	s.stop_file = mem_printf("%s/stop", dir);
	rc = serve(&s);
	/* The environment has the settings themselves. */
	buf_release(&s.bytes);
	strs_release(&s.packet.argv);
	free(s.packet.env.v);
	free(s.job);
	free(s.answer);
	free(s.began);
	free(s.stop_file);
	return rc;
}
