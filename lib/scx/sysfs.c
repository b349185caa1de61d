/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without JSON: part of the program that has privilege. */
#include "scx/sysfs.h"

#include <stdio.h>
#include <string.h>

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

void sysfs_events_read(struct sysfs_events *out)
{
	FILE *f = fopen(ROOT "root/events", "re");

	out->count = 0;
	if (!f)
		return;
	while (out->count < SYSFS_EVENTS &&
	       fscanf(f, "%63s %lld", out->v[out->count].name,
		      &out->v[out->count].n) == 2)
		out->count++;
	fclose(f);
}
