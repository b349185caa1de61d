/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a policy, as lines for who asked for it.  Without JSON: part
 * of the program that has privilege. */
#include <stdlib.h>
#include <string.h>

#include "base/answer.h"
#include "base/mem.h"
#include "scx/ext_state.h"

void ext_tell_counts(const struct ext_policy *p, const struct sysfs_events *e,
		     int fd)
{
	uint64_t n;

	for (unsigned i = 0; i < COUNT_MAX; i++)
		if (ext_count(p, (enum policy_counter)i, &n))
			answer_say(fd, "count %u %llu", i,
				   (unsigned long long)n);
	for (size_t i = 0; i < e->count; i++)
		answer_say(fd, "event %s %lld", e->v[i].name, e->v[i].n);
}

static void tell_learned(const struct ext_policy *p, int fd)
{
	struct learned_report r;

	if (ext_learned(p, &r))
		return;
	answer_say(fd, "learned %u %u %llu %llu %llu %llu %llu %llu %llu %llu",
		   r.generation, r.state, (unsigned long long)r.since,
		   (unsigned long long)r.bursts, (unsigned long long)r.error,
		   (unsigned long long)r.average_error,
		   (unsigned long long)r.weight, (unsigned long long)r.trips,
		   (unsigned long long)r.apart, (unsigned long long)r.follow);
}

void ext_tell_effort(const struct ext_policy *p, int fd)
{
	answer_say(fd, "time %.0f", ext_time_ns(p));
	tell_learned(p, fd);
}

void ext_tell_end(const struct ext_policy *p, int fd)
{
	struct policy_exit *end = mem_zalloc(1, sizeof(*end));
	char *save = NULL, *line;

	ext_ended(p, end);
	end->reason[sizeof(end->reason) - 1] = '\0';
	end->message[sizeof(end->message) - 1] = '\0';
	end->dump[sizeof(end->dump) - 1] = '\0';
	if (end->kind) {
		answer_say(fd, "ended %d %lld", end->kind,
			   (long long)end->code);
		answer_say(fd, "reason %s", end->reason);
		answer_say(fd, "message %s", end->message);
		line = strtok_r(end->dump, "\n", &save);
		for (; line; line = strtok_r(NULL, "\n", &save))
			answer_say(fd, "dump %s", line);
	}
	free(end);
}
