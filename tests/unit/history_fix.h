/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A repository of a test's, and trees in it that no program of ours makes. */
#ifndef SCHEDKIT_TESTS_HISTORY_FIX_H
#define SCHEDKIT_TESTS_HISTORY_FIX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/temp.h"
#include "history/history.h"

static char *base;
static struct history *h;

static int fix_run(const char *const *argv, int in, struct buf *out)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;

	spec.argv = (char *const *)argv;
	spec.stdin_fd = in;
	spec.out = out;
	spec.err = out;
	spec.out_fd = -1;
	spec.err_fd = -1;
	assert_int_equal(proc_run(&spec, &res), 0);
	return res.exit_status;
}

/* What git says, without its last newline; to be freed. */
#define GIT(...) \
	fix_git((const char *const[]){"git", "-C", base, __VA_ARGS__, NULL})

static inline char *fix_git(const char *const *argv)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	if (fix_run(argv, -1, &out))
		fail_msg("git %s: %s", argv[3], out.data ? out.data : "");
	while (out.len && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	return buf_take(&out);
}

/* In memory if there is such a place: each commit waits for the disk. */
static int fix_fresh(void **state)
{
	char shm[] = "/dev/shm/schedkit-history.XXXXXX";
	char tmp[] = "/tmp/schedkit-history.XXXXXX";
	char *dir = mkdtemp(shm);

	(void)state;
	setenv("SCHEDKIT_TIME", "1795230000", 1);
	dir = dir ? dir : mkdtemp(tmp);
	assert_non_null(dir);
	base = mem_strdup(dir);
	if (history_open(base, true, &h))
		fail_msg("%s", err_text());
	return 0;
}

static int fix_away(void **state)
{
	(void)state;
	history_close(h);
	temp_clear(base);
	free(base);
	return 0;
}

/* ---- trees -------------------------------------------------------------- */

/* A commit for git fast-import; from NULL: it has no parent. */
static inline void fix_commit(struct buf *b, const char *ref, const char *from,
			      const char *message)
{
	buf_printf(b,
		   "commit %s\ncommitter x <x@x> 1795230000 +0000\n"
		   "data %zu\n%s\n",
		   ref, strlen(message), message);
	if (from)
		buf_printf(b, "from %s^0\n", from);
}

/* A file of it. */
static inline void fix_file(struct buf *b, const char *path, const void *data,
			    size_t len)
{
	buf_printf(b, "M 100644 inline \"%s\"\ndata %zu\n", path, len);
	buf_add(b, data, len);
	buf_puts(b, "\n");
}

/* An entry that says that another repository's commit belongs there. */
static inline void fix_module(struct buf *b, const char *path)
{
	buf_printf(b, "M 160000 %040d \"%s\"\n", 1, path);
}

/* Has git make what was said, and releases it. */
static inline void fix_import(struct buf *b)
{
	const char *const argv[] = {"git",     "-C",	  base, "fast-import",
				    "--quiet", "--force", NULL};
	int fd = memfd_create("import", MFD_CLOEXEC);
	struct buf out;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->data, b->len), (ssize_t)b->len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	buf_init(&out, 1 << 16);
	if (fix_run(argv, fd, &out))
		fail_msg("fast-import: %s", out.data ? out.data : "");
	buf_release(&out);
	buf_release(b);
	close(fd);
}

/* ---- documents ---------------------------------------------------------- */

static inline struct doc *fix_doc(const char *kind, const char *parent,
				  char *body)
{
	struct json *v = json_parse(body, strlen(body));
	struct doc *d = doc_new(kind, "test", v, &parent, parent ? 1 : 0);

	if (!d)
		fail_msg("%s", err_text());
	free(body);
	return d;
}

static inline struct doc *fix_policy(const char *title, int slice)
{
	return fix_doc("policy", NULL,
		       mem_printf("{\"form\":\"params\",\"title\":\"%s\","
				  "\"why\":\"because\",\"uses\":[],\"params\":"
				  "{\"queue\":\"global\",\"slice_us\":%d}}",
				  title, slice));
}

static inline struct doc *fix_verdict(const struct doc *p, const char *workload,
				      double ratio, double low)
{
	return fix_doc(
		"verdict", p->id,
		mem_printf("{\"policy\":\"%s\",\"workload\":\"%s\","
			   "\"decision\":\"accepted\",\"why\":\"measured\","
			   "\"target\":\"vm\",\"kernel\":\"6.18.15\","
			   "\"stages\":[],\"metrics\":[{\"name\":"
			   "\"makespan\",\"unit\":\"s\",\"baseline\":2.65,"
			   "\"candidate\":2.02,\"ratio\":%g,\"ci95\":"
			   "[%g,1.9],\"pairs\":5,\"guard\":false}]}",
			   p->id, workload, ratio, low));
}

static inline void fix_add(const struct doc *d)
{
	if (history_add(h, &d, 1) != 1)
		fail_msg("%s", err_text());
}

/* Where a document's file is in the tree; to be freed. */
static inline char *fix_path(const char *folder, const char *id,
			     const char *file)
{
	return mem_printf("%s/%.2s/%s/%s", folder, id, id, file);
}

#endif
