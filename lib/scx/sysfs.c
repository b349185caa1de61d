/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/sysfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "scx/ext.h"

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

struct json *sysfs_events(void)
{
	struct json *events = json_object();
	char name[128], path[] = ROOT "root/events";
	long long n;
	FILE *f = fopen(path, "re");

	if (!f)
		return events;
	while (fscanf(f, "%127s %lld", name, &n) == 2)
		json_set_number(events, name, (double)n);
	fclose(f);
	return events;
}

struct json *ext_kernel_state(void)
{
	static const char *const numbers[] = {"switch_all", "enable_seq",
					      "nr_rejected", "hotplug_seq"};
	struct json *v = json_object();
	char word[SYSFS_WORD];

	if (!sysfs_word("state", word)) {
		json_set_string(v, "state", "absent");
		return v;
	}
	json_set_string(v, "state", word);
	if (sysfs_word("root/ops", word))
		json_set_string(v, "ops", word);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (sysfs_word(numbers[i], word))
			json_set_number(v, numbers[i], strtod(word, NULL));
	json_set(v, "events", sysfs_events());
	return v;
}
