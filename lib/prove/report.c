/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "prove/analysis.h"

#define MAX_FINDINGS 128
#define MAX_TURNS    4 /* told of a path */

uint32_t line_of(const struct analysis *a, uint32_t insn)
{
	const struct object_line *l = object_line(a->o, insn);

	return l ? l->line : 0;
}

uint32_t report_place(const struct analysis *a, uint32_t insn, uint32_t site)
{
	return !line_of(a, insn) && site ? site - 1 : insn;
}

/* "by way of line 31 (if (!t)), when the lookup at line 30 finds nothing" */
static void tell_path(const struct analysis *a, const struct state *s,
		      struct buf *b)
{
	const struct trail *turns[MAX_TURNS] = {NULL};
	uint32_t last = 0;
	size_t n = 0;

	for (const struct trail *t = s->trail; t && n < MAX_TURNS; t = t->up) {
		uint32_t line = line_of(a, t->lookup ? t->lookup - 1 : t->insn);

		if (!line || line == last)
			continue;
		last = line;
		turns[n++] = t;
	}
	for (size_t i = n; i-- > 0;) {
		const struct trail *t = turns[i];

		buf_puts(b, i + 1 == n ? " (on the path " : ", ");
		if (t->lookup)
			buf_printf(b, "where the call at line %u finds nothing",
				   line_of(a, t->lookup - 1));
		else
			buf_printf(b, "by line %u", line_of(a, t->insn));
	}
	if (n)
		buf_puts(b, ")");
}

static bool same_place(const struct prove_finding *f,
		       const struct object_line *l)
{
	const char *file = l ? l->file : NULL;

	return f->line == (l ? l->line : 0) &&
	       (f->file && file ? !strcmp(f->file, file) : f->file == file);
}

static bool known_already(struct analysis *a, enum prove_rule rule,
			  enum prove_answer answer, const struct object_line *l)
{
	struct prove_result *out = a->out;

	for (size_t i = 0; i < out->count; i++) {
		struct prove_finding *f = &out->findings[i];

		if (f->rule != rule || !same_place(f, l))
			continue;
		if (f->answer == PROVE_VIOLATED || answer == PROVE_UNKNOWN)
			return true;
		/* What was only feared before is certain now. */
		free(f->text);
		*f = out->findings[--out->count];
		return false;
	}
	return false;
}

void report_open(struct analysis *a, enum prove_rule rule)
{
	a->open[rule] = true;
}

static void add(struct analysis *a, const struct state *s, enum prove_rule rule,
		enum prove_answer answer, uint32_t insn, const char *text)
{
	const struct object_line *l =
		insn < a->o->insn_count ? object_line(a->o, insn) : NULL;
	struct prove_result *out = a->out;
	struct buf b;

	if (known_already(a, rule, answer, l) || out->count == MAX_FINDINGS)
		return;
	buf_init(&b, 4096);
	buf_puts(&b, text);
	if (s && answer == PROVE_VIOLATED)
		tell_path(a, s, &b);
	out->findings = mem_realloc(out->findings, out->count + 1,
				    sizeof(*out->findings));
	out->findings[out->count++] = (struct prove_finding){
		.rule = rule,
		.answer = answer,
		.file = l ? l->file : NULL,
		.line = l ? l->line : 0,
		.text = buf_take(&b),
	};
}

void report(struct analysis *a, const struct state *s, enum prove_rule rule,
	    enum prove_answer answer, uint32_t insn, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	/* Such a path may not exist: what was widened is not what is. */
	if (answer == PROVE_VIOLATED && s && s->facts.flags & PATH_VAGUE)
		answer = PROVE_UNKNOWN;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (answer == PROVE_VIOLATED)
		a->violated[rule] = true;
	else
		a->open[rule] = true;
	add(a, s, rule, answer, insn, text);
}

/* The end has the line of the function's begin: what was done before it? */
static uint32_t last_deed(const struct analysis *a, uint32_t end)
{
	int func = object_func_of(a->o, end);
	uint32_t first = func < 0 ? end : a->o->funcs[func].first;

	for (uint32_t at = end; at > first; at--)
		if (line_of(a, at - 1) > line_of(a, end))
			return at - 1;
	return end;
}

/*
 * The last turn on this path from whose other side an insert could have been
 * reached; else the end.
 */
uint32_t report_parting(const struct analysis *a, const struct state *s)
{
	if (s->facts.lost_at)
		return s->facts.lost_at - 1;
	for (const struct trail *t = s->trail; t; t = t->up) {
		const struct bpf_insn *i = &a->o->insns[t->insn].i;
		uint32_t other = (uint32_t)((int64_t)t->insn + 1 +
					    (t->taken ? 0 : i->off));

		if (BPF_OP(i->code) == BPF_CALL)
			continue;
		if (other < a->o->insn_count &&
		    a->flow[other].flags & FLOW_REACHES)
			return t->insn;
	}
	return last_deed(a, s->pc);
}
