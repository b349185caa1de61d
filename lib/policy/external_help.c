/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/strs.h"
#include "policy/external.h"

#define HELP_MAX   (256u << 10)
#define HELP_S	   10
#define MEMORY_MIB 2048
#define FILE_MIB   1
#define TASKS	   256

static int ask(const char *path, const struct sandbox *box,
	       const volatile sig_atomic_t *cancel, struct buf *out)
{
	static char help[] = "--help", lang[] = "LANG=C.UTF-8",
		    columns[] = "COLUMNS=200";
	char *program = mem_strdup(path);
	char *const argv[] = {program, help, NULL};
	char *const env[] = {lang, columns, NULL};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result r;
	int rc;

	spec.argv = argv;
	spec.env = env;
	spec.cwd = "/";
	spec.stdin_fd = -1;
	/* C programs of sched_ext print it as an error. */
	spec.out = spec.err = out;
	spec.out_fd = spec.err_fd = -1;
	spec.timeout_s = HELP_S;
	spec.sandbox = box;
	spec.cancel = cancel;
	rc = proc_run(&spec, &r);
	if (!rc && r.cancelled)
		rc = err_set(EINTR, "stopped on request");
	else if (!rc && r.timed_out)
		rc = err_set(ETIMEDOUT, "'%s --help' did not end within %d s",
			     path, HELP_S);
	free(program);
	return rc;
}

int external_help(const char *path, const volatile sig_atomic_t *cancel,
		  char **help)
{
	struct strs read = {0};
	struct sandbox box = {.exec = true,
			      .memory_mib = MEMORY_MIB,
			      .cpu_s = HELP_S,
			      .file_mib = FILE_MIB,
			      .tasks = TASKS};
	struct buf out;
	int rc;

	for (const char *const *s = sandbox_system; *s; s++)
		strs_add(&read, *s);
	strs_add(&read, path);
	box.read = (const char *const *)read.v;
	buf_init(&out, HELP_MAX);
	rc = ask(path, &box, cancel, &out);
	if (!rc && !out.len)
		rc = err_set(ENODATA, "'%s --help' prints nothing", path);
	*help = rc ? NULL : buf_take(&out);
	buf_release(&out);
	strs_release(&read);
	return rc;
}
