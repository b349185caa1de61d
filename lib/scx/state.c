/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What /sys/kernel/sched_ext says, as a document has it. */
#include <stdlib.h>

#include "base/mem.h"
#include "scx/ext.h"
#include "scx/sysfs.h"

struct json *ext_events_json(const struct sysfs_events *e)
{
	struct json *events = json_object();

	for (size_t i = 0; i < e->count; i++)
		json_set_number(events, e->v[i].name, (double)e->v[i].n);
	return events;
}

struct json *ext_kernel_state(void)
{
	static const char *const numbers[] = {"switch_all", "enable_seq",
					      "nr_rejected", "hotplug_seq"};
	struct json *v = json_object();
	struct sysfs_events events;
	char word[SYSFS_WORD];

	if (!sysfs_word("state", word)) {
		json_set_string(v, "state", "absent");
		return v;
	}
	json_set_string(v, "state", word);
	if (sysfs_word("root/ops", word))
		json_set_string(v, "ops", word);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (sysfs_word(numbers[i], word))
			json_set_number(v, numbers[i], strtod(word, NULL));
	sysfs_events_read(&events);
	json_set(v, "events", ext_events_json(&events));
	return v;
}
