/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/link.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INFO_LEN 1024

/* bpf_link_show_fdinfo() of the kernel's kernel/bpf/syscall.c. */
static const char wanted[] = "link_type:\tstruct_ops\n";

static bool is_link(int folder, const char *name)
{
	char text[INFO_LEN];
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return strstr(text, wanted);
}

bool link_held_by(pid_t pid)
{
	bool found = false;
	struct dirent *e;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", pid);
	d = opendir(path);
	while (d && !found && (e = readdir(d)))
		found = *e->d_name != '.' && is_link(dirfd(d), e->d_name);
	if (d)
		closedir(d);
	return found;
}
