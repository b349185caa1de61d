/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/dump.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "scx/dump_line.h"

#define NONE	   DUMP_NO_LINE
#define NEAR_LINES 4 /* what belongs together is so close */

/* Where the reading is. */
struct reading {
	struct dump *d;
	bool in_cpu, in_task; /* the last ones are being told of */
	size_t wants_reason;  /* lines that may still hold it */
	size_t name_line;     /* of name, in a dump of 7.1 and later */
	char name[128];
};

/* ---- lines ------------------------------------------------------------- */

static void add_line(struct dump *d, const char *s, size_t len)
{
	char raw[DUMP_MAX_LINE + 1];

	if (len > 0 && s[len - 1] == '\r')
		len--;
	if (len > DUMP_MAX_LINE)
		len = DUMP_MAX_LINE;
	memcpy(raw, s, len);
	raw[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (!raw[i])
			raw[i] = '?';
	if (!(d->lines & (d->lines - 1)))
		d->line = mem_realloc(d->line, d->lines ? d->lines * 2 : 1,
				      sizeof(*d->line));
	d->line[d->lines++] = mem_strdup(dump_line_text(raw));
}

static void split(struct dump *d, const char *text, size_t len)
{
	if (len > DUMP_MAX_BYTES) {
		/* What was written last is what matters. */
		text += len - DUMP_MAX_BYTES;
		len = DUMP_MAX_BYTES;
	}
	while (len > 0 && d->lines < DUMP_MAX_LINES) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) : len;

		add_line(d, text, n);
		n += end != NULL;
		text += n;
		len -= n;
	}
}

/* ---- the head ---------------------------------------------------------- */

static void begin(struct reading *r)
{
	struct dump *d = r->d;

	d->found = true;
	d->has_kind = false;
	d->kind = DUMP_NONE;
	d->policy[0] = d->reason[0] = d->message[0] = d->comm[0] = '\0';
	d->exit_cpu = -1;
	d->head_line = d->reason_line = NONE;
	d->pid = 0;
	d->waited_s = d->late_s = -1;
	d->cpus = d->tasks = 0;
	d->truncated = false;
	r->in_cpu = r->in_task = false;
	r->wants_reason = 0;
}

/* "NAME: root", before or after the head. */
static void take_name(struct reading *r, const char *line, size_t i)
{
	const char *colon = strstr(line, ": ");
	struct dump *d = r->d;

	if (!colon || colon == line || *line == ' ' ||
	    (strcmp(colon, ": root") && strncmp(colon, ": sub", 5)) ||
	    (size_t)(colon - line) >= sizeof(r->name))
		return;
	snprintf(r->name, sizeof(r->name), "%.*s", (int)(colon - line), line);
	r->name_line = i;
	if (d->found && d->has_kind && !d->policy[0] &&
	    i - d->head_line <= NEAR_LINES)
		memcpy(d->policy, r->name, sizeof(d->policy));
}

static bool take_head(struct reading *r, const char *line, size_t i)
{
	static const char asked[] = "Debug dump triggered by ";
	struct dump *d = r->d;
	const char *why = strstr(line, asked);
	int kind = DUMP_NONE, cpu = -1;

	if (!dump_line_head(line, &kind, &cpu) && (!why || why != line))
		return false;
	begin(r);
	d->has_kind = true;
	d->kind = kind;
	d->exit_cpu = cpu;
	d->head_line = i;
	if (why)
		snprintf(d->reason, sizeof(d->reason), "%s",
			 why + strlen(asked));
	else
		r->wants_reason = 2;
	if (r->name_line != NONE && i - r->name_line <= NEAR_LINES)
		memcpy(d->policy, r->name, sizeof(d->policy));
	return true;
}

/* "  runnable task stall (burn[7] failed to run for 5.3s)"; a task's name may
 * break the line. */
static void take_reason(struct reading *r, const char *line, size_t i)
{
	struct dump *d = r->d;
	size_t len;

	if (!*line)
		return;
	r->wants_reason--;
	if (d->reason_line == NONE) {
		size_t n;

		line += strspn(line, " ");
		n = strcspn(line, "(");
		d->reason_line = i;
		snprintf(d->message, sizeof(d->message), "%s",
			 line[n] ? line + n + 1 : "");
		while (n > 0 && line[n - 1] == ' ')
			n--;
		snprintf(d->reason, sizeof(d->reason), "%.*s", (int)n, line);
	} else {
		len = strlen(d->message);
		snprintf(d->message + len, sizeof(d->message) - len, " %s",
			 line);
	}
	len = strlen(d->message);
	if (!len || d->message[len - 1] == ')') {
		if (len)
			d->message[len - 1] = '\0';
		r->wants_reason = 0;
	}
}

/* `sched_ext: BPF scheduler "NAME" disabled (REASON)` of the kernel's log. */
static bool take_log(struct reading *r, const char *line, size_t i)
{
	static const char mark[] = "sched_ext: BPF ", verb[] = "\" disabled (";
	const char *start = strstr(line, mark), *end, *name;
	struct dump *d = r->d;
	char reason[DUMP_TEXT_LEN];
	size_t len;

	start = start ? strchr(start + strlen(mark), '"') : NULL;
	end = start ? strstr(start, verb) : NULL;
	if (!end)
		return false;
	name = start + 1;
	snprintf(reason, sizeof(reason), "%s", end + strlen(verb));
	len = strlen(reason);
	if (len && reason[len - 1] == ')')
		reason[len - 1] = '\0';
	/* The same end as the dump's, which does not always name whose. */
	if (!d->found || !d->has_kind || strcmp(d->reason, reason) ||
	    (d->policy[0] && strncmp(d->policy, name, (size_t)(end - name)))) {
		begin(r);
		snprintf(d->reason, sizeof(d->reason), "%s", reason);
		d->head_line = d->reason_line = i;
	}
	snprintf(d->policy, sizeof(d->policy), "%.*s", (int)(end - name), name);
	return true;
}

/* `sched_ext: NAME: MESSAGE`, the line after that. */
static void take_log_message(struct reading *r, const char *line, size_t i)
{
	static const char mark[] = "sched_ext: ";
	const char *s = strstr(line, mark);
	struct dump *d = r->d;
	size_t n = strlen(d->policy);

	if (!s || !d->found || !n)
		return;
	s += strlen(mark);
	if (strncmp(s, d->policy, n) || strncmp(s + n, ": ", 2))
		return;
	s += n + 2;
	if (d->message[0] && strcmp(d->message, s)) {
		char policy[sizeof(d->policy)], reason[sizeof(d->reason)];

		/* Another end for the same reason: the dump is an older one's.
		 */
		memcpy(policy, d->policy, sizeof(policy));
		memcpy(reason, d->reason, sizeof(reason));
		begin(r);
		memcpy(d->policy, policy, sizeof(policy));
		memcpy(d->reason, reason, sizeof(reason));
		d->head_line = i;
	}
	snprintf(d->message, sizeof(d->message), "%s", s);
	if (!d->has_kind)
		d->reason_line = i;
}

/* ---- CPUs and tasks ---------------------------------------------------- */

static bool take_cpu(struct reading *r, const char *line, size_t i)
{
	struct dump_cpu c = {.line = i, .class_line = NONE};
	struct dump *d = r->d;

	if (!dump_line_cpu(line, &c))
		return false;
	r->in_task = false;
	r->in_cpu = d->cpus < DUMP_MAX_CPUS;
	if (!r->in_cpu) {
		d->truncated = true;
		return true;
	}
	if (!(d->cpus & (d->cpus - 1)))
		d->cpu = mem_realloc(d->cpu, d->cpus ? d->cpus * 2 : 1,
				     sizeof(*d->cpu));
	d->cpu[d->cpus++] = c;
	return true;
}

static void add_task(struct reading *r, const struct dump_task *t)
{
	struct dump *d = r->d;

	if (d->tasks == DUMP_MAX_TASKS) {
		d->truncated = true;
		return;
	}
	if (!(d->tasks & (d->tasks - 1)))
		d->task = mem_realloc(d->task, d->tasks ? d->tasks * 2 : 1,
				      sizeof(*d->task));
	d->task[d->tasks++] = *t;
	r->in_task = true;
}

/* The first line of figures: the name is above it. */
static bool take_task(struct reading *r, const char *line, size_t i)
{
	struct dump *d = r->d;
	struct dump_task t = {.cpu = d->cpus - 1,
			      .ops_state = -1,
			      .no_mig = -1,
			      .last_line = i};
	const char *s;

	if (strncmp(line, "      scx_state/flags=", 22))
		return false;
	r->in_task = false;
	if (!r->in_cpu || i < 1)
		return true;
	t.line = i - 1;
	if (!dump_line_task(d->line[i - 1], &t)) {
		char *both;
		bool is;

		/* Its name holds a line break. */
		if (i < 2)
			return true;
		both = mem_printf("%s %s", d->line[i - 2], d->line[i - 1]);
		t.line = i - 2;
		is = dump_line_task(both, &t);
		free(both);
		if (!is)
			return true;
	}
	s = dump_line_value(line, "dsq_flags");
	t.dsq_flags = s ? (unsigned)strtoul(s, NULL, 16) : 0;
	s = dump_line_value(line, "ops_state/qseq");
	t.ops_state =
		s && isdigit((unsigned char)*s) ? strtol(s, NULL, 10) : -1;
	add_task(r, &t);
	return true;
}

/* The lines that follow; all of them are indented. */
static void take_figures(struct reading *r, const char *line, size_t i)
{
	struct dump_task *t = &r->d->task[r->d->tasks - 1];
	const char *s;

	if (strncmp(line, "    ", 4))
		return;
	/* Its stack; of user space, too, the kernel's part. */
	if (strncmp(line, "      ", 6)) {
		t->kthread |= !strncmp(line, "    kthread+0x", 14);
		return;
	}
	s = dump_line_value(line, "dsq_id");
	if (s && !strncmp(s, "0x", 2)) {
		t->queued = true;
		t->dsq = strtoull(s, NULL, 16);
	}
	s = dump_line_value(line, "dsq_vtime");
	if (s)
		t->vtime = strtoull(s, NULL, 10);
	s = dump_line_value(line, "slice");
	if (s) {
		t->slice = strtoull(s, NULL, 10);
		t->has_slice = true;
	}
	s = dump_line_value(line, "weight");
	if (s)
		t->weight = (unsigned)strtoul(s, NULL, 10);
	s = dump_line_value(line, "cpus");
	if (s && !dump_line_mask(s, t->cpus))
		memset(t->cpus, 0, sizeof(t->cpus));
	s = dump_line_value(line, "no_mig");
	if (s)
		t->no_mig = atoi(s);
	t->last_line = i;
}

/* ---- whom the message names -------------------------------------------- */

/* The last place of what in s. */
static const char *last_of(const char *s, const char *what)
{
	const char *found = NULL;

	for (; (s = strstr(s, what)); s++)
		found = s;
	return found;
}

static void read_message(struct dump *d)
{
	static const char failed[] = " failed to run for ";
	static const char late[] = "watchdog failed to check in for ";
	static const char moved[] = "cannot move ", from[] = " from CPU ";
	static const char about[] = " for ";
	const char *s = last_of(d->message, failed);
	size_t len = strlen(d->message);

	if (s) {
		if (dump_line_who(d->message, (size_t)(s - d->message), d->comm,
				  &d->pid))
			d->waited_s = strtod(s + strlen(failed), NULL);
		return;
	}
	s = strstr(d->message, late);
	if (s) {
		d->late_s = strtod(s + strlen(late), NULL);
		return;
	}
	s = strstr(d->message, moved);
	if (s && last_of(s, from)) {
		const char *end = last_of(s, from);

		s += strlen(moved);
		if (end > s)
			dump_line_who(s, (size_t)(end - s), d->comm, &d->pid);
		return;
	}
	s = last_of(d->message, about);
	if (s) {
		s += strlen(about);
		dump_line_who(s, len - (size_t)(s - d->message), d->comm,
			      &d->pid);
	}
}

/* ---- all of it --------------------------------------------------------- */

static void read_line(struct reading *r, size_t i)
{
	const char *line = r->d->line[i];
	struct dump *d = r->d;

	if (take_head(r, line, i) || take_log(r, line, i))
		return;
	take_name(r, line, i);
	if (r->wants_reason) {
		take_reason(r, line, i);
		return;
	}
	take_log_message(r, line, i);
	if (!d->found || !d->has_kind)
		return;
	if (strstr(line, "~~~~ TRUNCATED ~~~~"))
		d->truncated = true;
	if (!strncmp(line, "Event counters", 14))
		r->in_cpu = r->in_task = false;
	if (take_cpu(r, line, i) || take_task(r, line, i))
		return;
	if (r->in_task)
		take_figures(r, line, i);
	else if (r->in_cpu && d->cpu[d->cpus - 1].class_line == NONE &&
		 dump_line_curr(line, &d->cpu[d->cpus - 1]))
		d->cpu[d->cpus - 1].class_line = i;
}

void dump_read(struct dump *d, const char *text, size_t len)
{
	struct reading r = {.d = d, .name_line = NONE};

	*d = (struct dump){.exit_cpu = -1,
			   .head_line = NONE,
			   .reason_line = NONE,
			   .waited_s = -1,
			   .late_s = -1};
	split(d, text, len);
	for (size_t i = 0; i < d->lines; i++)
		read_line(&r, i);
	read_message(d);
}

void dump_release(struct dump *d)
{
	for (size_t i = 0; i < d->lines; i++)
		free(d->line[i]);
	free(d->line);
	free(d->cpu);
	free(d->task);
	*d = (struct dump){0};
}

/* ---- asking ------------------------------------------------------------ */

bool dump_is_stall(const struct dump *d)
{
	return d->found && (d->has_kind ? d->kind == DUMP_ERROR_STALL
					: strstr(d->reason, "stall") != NULL);
}

const struct dump_task *dump_find(const struct dump *d, int pid)
{
	for (size_t i = 0; i < d->tasks; i++)
		if (d->task[i].pid == pid)
			return &d->task[i];
	return NULL;
}

const struct dump_task *dump_longest(const struct dump *d)
{
	const struct dump_task *longest = NULL;

	for (size_t i = 0; i < d->tasks; i++) {
		const struct dump_task *t = &d->task[i];

		if (!t->running && (!longest || t->wait_ms > longest->wait_ms))
			longest = t;
	}
	return longest;
}

unsigned dump_allowed(const struct dump_task *t)
{
	unsigned n = 0;

	for (size_t i = 0; i < DUMP_MASK_WORDS; i++)
		n += (unsigned)__builtin_popcountll(t->cpus[i]);
	return n;
}

bool dump_may_run(const struct dump_task *t, int cpu)
{
	return cpu >= 0 && cpu < DUMP_MAX_CPUS &&
	       t->cpus[cpu / 64] >> cpu % 64 & 1;
}
