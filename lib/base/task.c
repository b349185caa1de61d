/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/task.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KERNEL_THREAD 0x00200000u /* PF_KTHREAD of the kernel's sched.h */

int task_stat(pid_t tid, struct task_stat *out)
{
	char path[64], text[1024], *open_at, *end;
	unsigned flags;
	ssize_t n;
	size_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* "TID (NAME) STATE PARENT …": a name may hold anything. */
	open_at = strchr(text, '(');
	end = strrchr(text, ')');
	*out = (struct task_stat){0};
	if (!open_at || !end ||
	    sscanf(end + 1,
		   " %c %d %*d %*d %*d %*d %u %*u %*u %*u %*u %*u %*u %*d "
		   "%*d %*d %*d %*d %*d %" SCNu64,
		   &out->state, &out->parent, &flags, &out->start) != 4)
		return -ESRCH;
	out->kernel = flags & KERNEL_THREAD;
	len = (size_t)(end - open_at) - 1;
	if (len >= sizeof(out->name))
		len = sizeof(out->name) - 1;
	memcpy(out->name, open_at + 1, len);
	return 0;
}

uint64_t task_start(pid_t tid)
{
	struct task_stat s;

	return task_stat(tid, &s) ? 0 : s.start;
}
