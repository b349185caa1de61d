/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where dumps come from. */
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agents/triage/triage.h"
#include "base/err.h"
#include "base/mem.h"
#include "scx/dump.h"

#define TRACE_PATH "/sys/kernel/tracing/trace"

/* syslog(2). */
enum { READ_ALL = 3, SIZE_BUFFER = 10 };

/* What the trace point sched_ext_dump left there; nothing is no error. */
static void read_trace(struct buf *out)
{
	struct buf trace;

	buf_init(&trace, DUMP_MAX_BYTES / 2);
	if (buf_read_file(&trace, TRACE_PATH) == 0 && trace.len)
		buf_add(out, trace.data, trace.len);
	buf_release(&trace);
}

static int read_log(struct buf *out)
{
	int size = klogctl(SIZE_BUFFER, NULL, 0), n;
	char *log;

	if (size > 0 && size <= (int)DUMP_MAX_BYTES / 2) {
		log = mem_zalloc((size_t)size, 1);
		n = klogctl(READ_ALL, log, size);
		if (n >= 0)
			buf_add(out, log, (size_t)n);
		free(log);
		if (n >= 0)
			return 0;
	}
	return err_set(errno,
		       "cannot read the kernel's log: %s; run as root or with "
		       "CAP_SYSLOG, or give a file ('journalctl -k' prints "
		       "one)",
		       strerror(errno));
}

int triage_read(const char *file, struct buf *out)
{
	int rc;

	if (file && strcmp(file, "-"))
		rc = buf_read_file(out, file);
	else if (file)
		rc = buf_read_fd(out, STDIN_FILENO);
	else {
		read_trace(out);
		rc = read_log(out);
	}
	return rc == -EFBIG ? err_prefix(rc, "this is no dump") : rc;
}

int triage_give_up(void)
{
	struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[2] = {0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &h, none) < 0)
		return err_set(errno, "cannot give up privilege: %s",
			       strerror(errno));
	return 0;
}
