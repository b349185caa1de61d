/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without JSON: part of the program that has privilege. */
#include "scx/sysfs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ROOT "/sys/kernel/sched_ext/"

bool sysfs_word(const char *name, char word[static SYSFS_WORD])
{
	char path[256];
	FILE *f;

	word[0] = '\0';
	snprintf(path, sizeof(path), ROOT "%s", name);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fgets(word, SYSFS_WORD, f))
		word[strcspn(word, "\n")] = '\0';
	fclose(f);
	return true;
}

bool sysfs_state_is(const char *wanted)
{
	char word[SYSFS_WORD];

	return sysfs_word("state", word) && !strcmp(word, wanted);
}

void sysfs_events_read(struct sysfs_events *out)
{
	int fd = sysfs_open(SYSFS_EVENTS_FILE);

	out->count = 0;
	sysfs_events_again(fd, out);
	if (fd >= 0)
		close(fd);
}

/* ---- again and again -------------------------------------------------- */

int sysfs_open(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), ROOT "%s", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* From its beginning; of the calls that who holds a policy may still make. */
static bool again(int fd, char *text, size_t size)
{
	ssize_t n = fd < 0 || lseek(fd, 0, SEEK_SET) < 0
			    ? -1
			    : read(fd, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

bool sysfs_again(int fd, char word[static SYSFS_WORD])
{
	bool there = again(fd, word, SYSFS_WORD);

	word[strcspn(word, "\n")] = '\0';
	return there;
}

bool sysfs_events_again(int fd, struct sysfs_events *out)
{
	char text[4096], *at = text;
	int len;

	if (!again(fd, text, sizeof(text)))
		return false;
	for (out->count = 0; out->count < SYSFS_EVENTS; out->count++) {
		if (sscanf(at, "%63s %lld%n", out->v[out->count].name,
			   &out->v[out->count].n, &len) != 2)
			break;
		at += len;
	}
	return true;
}
