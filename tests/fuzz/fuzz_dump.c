/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dumps, logs and documents as sched-doctor --stall takes them: whatever they
 * hold, the reader stays within its bounds and the diagnosis is whole.
 */
#include <stdlib.h>
#include <string.h>

#include "agents/triage/triage.h"
#include "fuzz.h"
#include "scx/dump.h"
#include "scx/kernel.h"

static void check(const struct dump *d)
{
	for (size_t i = 0; i < d->tasks; i++) {
		expect(d->task[i].cpu < d->cpus);
		expect(d->task[i].line < d->lines);
		expect(d->task[i].last_line < d->lines);
		expect(memchr(d->task[i].comm, 0, DUMP_COMM_LEN) != NULL);
		expect(d->task[i].wait_ms >= 0);
	}
	for (size_t i = 0; i < d->cpus; i++)
		expect(d->cpu[i].cpu >= 0 && d->cpu[i].cpu < DUMP_MAX_CPUS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct kernel_types types;
	struct json *body;
	struct dump d;
	char *s;
	int rc;

	dump_read(&d, text, len);
	check(&d);
	dump_release(&d);
	rc = triage(text, len, NULL, "/nonexistent", &body);
	expect(rc == 0 || rc == 1);
	if (rc) {
		expect(*json_text_at(body, "text") != '\0');
		expect(*json_text_at(body, "stall.causes.0.cause") != '\0');
		s = json_canonical(body);
		json_free(body);
		body = json_parse(s, strlen(s));
		expect(body != NULL);
		free(s);
	}
	json_free(body);
	/* The other reader of what a kernel says of itself. */
	if (len && data[0] == 0x9f)
		kernel_types_read(data, len, &types);
	return 0;
}
