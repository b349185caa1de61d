/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/events.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

int trace_events_open(const void *bytes, size_t len, struct trace_events *e)
{
	struct trace_header h;

	*e = (struct trace_events){0};
	if (len < sizeof(h))
		return err_set(EINVAL, "the header is cut short");
	memcpy(&h, bytes, sizeof(h));
	if (memcmp(h.magic, REC_MAGIC, sizeof(h.magic)))
		return err_set(EINVAL, "not a trace of sched-observe");
	h.version = le32toh(h.version);
	h.record_bytes = le32toh(h.record_bytes);
	h.hz = le64toh(h.hz);
	h.start = le64toh(h.start);
	h.cpus = le32toh(h.cpus);
	if (h.version != REC_VERSION ||
	    h.record_bytes != sizeof(struct trace_record) || h.hz != 1000000000)
		return err_set(ENOTSUP,
			       "a trace of version %u with records of %u bytes "
			       "at %llu Hz: this reads version %d with %zu "
			       "at 1000000000",
			       h.version, h.record_bytes,
			       (unsigned long long)h.hz, REC_VERSION,
			       sizeof(struct trace_record));
	e->header = h;
	e->at = (const char *)bytes + sizeof(h);
	e->left = len - sizeof(h);
	return 0;
}

bool trace_events_next(struct trace_events *e, struct trace_record *rec)
{
	if (e->whole || e->left < sizeof(*rec)) {
		e->cut = !e->whole && e->left;
		return false;
	}
	memcpy(rec, e->at, sizeof(*rec));
	rec->at = le64toh(rec->at);
	/* Names are bytes, in the order they have here. */
	if (rec->what != REC_NAME)
		rec->value = le64toh(rec->value);
	rec->pid = le32toh(rec->pid);
	rec->other = le32toh(rec->other);
	rec->cpu = le16toh(rec->cpu);
	e->at += sizeof(*rec);
	e->left -= sizeof(*rec);
	if (rec->what == REC_END) {
		e->whole = true;
		e->lost = rec->value;
		return false;
	}
	e->index++;
	return true;
}

/* ---- tasks ------------------------------------------------------------- */

static uint32_t *slot_of(const struct trace_tasks *t, uint32_t pid)
{
	uint32_t at = pid * 2654435761u & (t->slots - 1);

	while (t->slot[at] && t->v[t->slot[at] - 1].pid != pid)
		at = (at + 1) & (t->slots - 1);
	return &t->slot[at];
}

static void grow(struct trace_tasks *t)
{
	t->slots = t->slots ? 2 * t->slots : 64;
	free(t->slot);
	t->slot = mem_zalloc(t->slots, sizeof(*t->slot));
	for (uint32_t i = 0; i < t->n; i++)
		*slot_of(t, t->v[i].pid) = i + 1;
	t->v = mem_realloc(t->v, t->slots / 2, sizeof(*t->v));
}

uint32_t trace_tasks_find(const struct trace_tasks *t, uint32_t pid)
{
	return t->slots ? *slot_of(t, pid) - 1 : TRACE_NOBODY;
}

uint32_t trace_tasks_of(struct trace_tasks *t, uint32_t pid)
{
	uint32_t known = trace_tasks_find(t, pid);

	if (known != TRACE_NOBODY)
		return known;
	if (t->n >= t->slots / 2)
		grow(t);
	t->v[t->n] = (struct trace_task){.pid = pid};
	*slot_of(t, pid) = ++t->n;
	return t->n - 1;
}

void trace_tasks_name(struct trace_tasks *t, const struct trace_record *rec)
{
	uint32_t number = trace_tasks_of(t, rec->pid);
	struct trace_task *task = &t->v[number];
	size_t half = rec->flags & REC_SECOND ? 8 : 0;

	memcpy(task->name + half, &rec->value, 8);
	task->kernel = rec->flags & REC_KERNEL;
}

void trace_tasks_release(struct trace_tasks *t)
{
	free(t->v);
	free(t->slot);
	*t = (struct trace_tasks){0};
}
