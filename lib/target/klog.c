/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/klog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* Levels are 0 to 7; above them in a priority stands who spoke, 0: the kernel.
 */
#define LEVEL_WARNING 4
#define RECORD	      8192

void klog_take(const char *record, size_t len, struct json *said)
{
	const char *text = memchr(record, ';', len), *end;
	unsigned int priority;
	char *line;

	if (!text || json_len(said) >= KLOG_LINES ||
	    sscanf(record, "%u,", &priority) != 1)
		return;
	text++;
	len -= (size_t)(text - record);
	end = memchr(text, '\n', len);
	line = mem_strndup(text, end ? (size_t)(end - text) : len);
	if (priority <= LEVEL_WARNING ||
	    (priority < 8 && strstr(line, "sched_ext")))
		json_add(said, json_string(line));
	free(line);
}

int klog_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* A read has one record.  EPIPE: some were overwritten; the next one is there.
 */
void klog_read(int fd, struct json *said)
{
	char record[RECORD + 1];
	ssize_t n;

	while ((n = read(fd, record, RECORD)) > 0 ||
	       (n < 0 && (errno == EPIPE || errno == EINTR))) {
		if (n < 0)
			continue;
		record[n] = '\0';
		klog_take(record, (size_t)n, said);
	}
}
