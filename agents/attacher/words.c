/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the process that holds a policy says. */
#include "agents/attacher/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

static void take_trouble(struct attacher *a, const char *text)
{
	answers_trouble(text, &a->rc, &a->why);
}

static void take_name(struct attacher *a, const char *text)
{
	snprintf(a->name, sizeof(a->name), "%s", text);
	a->loaded = true;
}

static void take_attached(struct attacher *a, const char *text)
{
	take_name(a, text);
	a->attached = true;
	a->since = clock_monotonic();
}

static void take_count(struct attacher *a, const char *text)
{
	unsigned long long n;
	unsigned i;

	if (sscanf(text, "%u %llu", &i, &n) == 2 && i < COUNT_MAX) {
		a->counts[i] = n;
		a->counted = true;
	}
}

static void take_event(struct attacher *a, const char *text)
{
	struct sysfs_events *e = &a->events;
	char name[64];
	long long n;
	size_t i = 0;

	if (sscanf(text, "%63s %lld", name, &n) != 2)
		return;
	while (i < e->count && strcmp(e->v[i].name, name))
		i++;
	if (i == SYSFS_EVENTS)
		return;
	memcpy(e->v[i].name, name, sizeof(name));
	e->v[i].n = n;
	if (i == e->count)
		e->count++;
}

static void take_time(struct attacher *a, const char *text)
{
	a->time_ns = strtod(text, NULL);
}

static void take_ended(struct attacher *a, const char *text)
{
	long long code;
	int kind;

	memset(a->end, 0, sizeof(*a->end));
	if (sscanf(text, "%d %lld", &kind, &code) == 2) {
		a->end->kind = kind;
		a->end->code = code;
	}
}

static void take_reason(struct attacher *a, const char *text)
{
	snprintf(a->end->reason, sizeof(a->end->reason), "%s", text);
}

static void take_message(struct attacher *a, const char *text)
{
	if (a->silent && !*text)
		text = "this process did not beat in time: it was stopped, or "
		       "did not get to run";
	snprintf(a->end->message, sizeof(a->end->message), "%s", text);
}

static void take_dump(struct attacher *a, const char *text)
{
	size_t len = strlen(a->end->dump);

	snprintf(a->end->dump + len, sizeof(a->end->dump) - len, "%s\n", text);
}

static void take_silent(struct attacher *a, const char *text)
{
	(void)text;
	a->silent = true;
}

static void take_intents(struct attacher *a, const char *text)
{
	a->generation = (uint32_t)strtoul(text, NULL, 10);
	a->heeded++;
}

static void take_unheeded(struct attacher *a, const char *text)
{
	(void)text;
	a->generation = 0;
	a->heeded++;
}

static void take_model(struct attacher *a, const char *text)
{
	a->model_generation = (uint32_t)strtoul(text, NULL, 10);
	free(a->unlearned);
	a->unlearned = NULL;
	a->answered++;
}

/* The name of the error is in its words, too. */
static void take_unlearned(struct attacher *a, const char *text)
{
	text = strchrnul(text, ' ');
	free(a->unlearned);
	a->unlearned = mem_strdup(text + (*text == ' '));
	a->answered++;
}

static void take_learned(struct attacher *a, const char *text)
{
	struct learned_report r = {0};
	unsigned long long v[8];

	if (sscanf(text, "%u %u %llu %llu %llu %llu %llu %llu %llu %llu",
		   &r.generation, &r.state, &v[0], &v[1], &v[2], &v[3], &v[4],
		   &v[5], &v[6], &v[7]) != 10 ||
	    r.state > LEARNED_BRAKED)
		return;
	r.since = v[0];
	r.bursts = v[1];
	r.error = v[2];
	r.average_error = v[3];
	r.weight = v[4];
	r.trips = v[5];
	r.apart = v[6];
	r.follow = v[7];
	a->learned = r;
	a->learns = true;
}

static void take_told(struct attacher *a, const char *text)
{
	(void)text;
	a->told++;
}

static void take_done(struct attacher *a, const char *text)
{
	(void)text;
	a->done = true;
}

static const struct {
	const char *word;
	void (*take)(struct attacher *a, const char *text);
} words[] = {
	{"no", take_trouble},	     {"fault", take_trouble},
	{"able", take_done},	     {"loaded", take_name},
	{"attached", take_attached}, {"pinned", take_done},
	{"count", take_count},	     {"event", take_event},
	{"told", take_told},	     {"silent", take_silent},
	{"time", take_time},	     {"ended", take_ended},
	{"reason", take_reason},     {"message", take_message},
	{"dump", take_dump},	     {"done", take_done},
	{"intents", take_intents},   {"unheeded", take_unheeded},
	{"model", take_model},	     {"unlearned", take_unlearned},
	{"learned", take_learned},
};

void attacher_take_line(void *arg, const char *line)
{
	size_t len = strcspn(line, " ");
	const char *text = line + len + (line[len] == ' ');

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i].word) == len &&
		    !strncmp(words[i].word, line, len))
			words[i].take(arg, text);
}
