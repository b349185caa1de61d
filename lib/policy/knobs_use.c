/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that have been read: nothing here knows how they are written. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "policy/knobs_range.h"

#define TEXT_MAX 16384

const struct knob_range knob_ranges[KNOB_RANGES] = {
	{"nice", KNOB_NICE, -20, 19, true},
	{"slice_us", KNOB_SLICE, 100, 100000, true},
	{"cpu_weight", KNOB_WEIGHT, 1, 10000, true},
	{"cpu_max_pct", KNOB_MAX, 1, 100.0 * KNOBS_MAX_CPUS, false},
};

/* ---- from another process --------------------------------------------- */

static double number_of(const struct knob_rule *r, unsigned bit)
{
	return bit == KNOB_NICE	    ? r->nice
	       : bit == KNOB_SLICE  ? r->slice_us
	       : bit == KNOB_WEIGHT ? r->cpu_weight
				    : r->cpu_max_pct;
}

static bool good_rule(const struct knob_rule *r)
{
	size_t len = strnlen(r->match, sizeof(r->match));
	bool good = len && len < sizeof(r->match) && r->set &&
		    r->set < KNOB_MAX << 1;
	uint64_t any = 0;

	for (size_t i = 0; i < KNOB_RANGES; i++) {
		double x = number_of(r, knob_ranges[i].bit);

		good = good &&
		       (!(r->set & knob_ranges[i].bit) ||
			(x >= knob_ranges[i].min && x <= knob_ranges[i].max));
	}
	for (size_t i = 0; i < KNOBS_CPU_WORDS; i++)
		any |= r->cpus[i];
	return good && (any || !(r->set & KNOB_CPUS)) && r->policy <= KNOB_IDLE;
}

int knobs_check(const struct knobs *k)
{
	unsigned set = 0;

	if (!k->count || k->count > KNOBS_MAX_RULES)
		return err_set(EINVAL, "knobs: %zu rules", k->count);
	for (size_t i = 0; i < k->count; i++) {
		if (!good_rule(&k->rules[i]))
			return err_set(EINVAL, "knobs.%zu: out of range", i);
		set |= k->rules[i].set;
	}
	return set == k->set ? 0 : err_set(EINVAL, "knobs: not what is set");
}

/* ---- whose and where -------------------------------------------------- */

int knobs_rule(const struct knobs *k, const char *name)
{
	char comm[KNOBS_NAME_LEN + 1];

	snprintf(comm, sizeof(comm), "%s", name);
	for (size_t i = 0; i < k->count; i++)
		if (!strcmp(k->rules[i].match, "*") ||
		    !fnmatch(k->rules[i].match, comm, 0))
			return (int)i;
	return -1;
}

int knobs_check_cpus(const struct knobs *k, uint32_t n, bool all)
{
	for (size_t i = 0; i < k->count; i++) {
		uint32_t here = 0, last = 0;

		for (uint32_t c = 0; c < KNOBS_MAX_CPUS; c++) {
			if (!(k->rules[i].cpus[c / 64] >> (c % 64) & 1))
				continue;
			here += c < n;
			last = c;
		}
		if (!(k->rules[i].set & KNOB_CPUS) ||
		    (all ? last < n : here > 0))
			continue;
		return err_set(EINVAL,
			       "knobs.%zu.cpus: CPU %u is not among the "
			       "machine's %u",
			       i, last, n);
	}
	return 0;
}

char *knobs_cpus_text(const uint64_t cpus[static KNOBS_CPU_WORDS])
{
	struct buf out;
	int from = -1;

	buf_init(&out, TEXT_MAX);
	buf_puts(&out, "");
	for (int c = 0; c <= KNOBS_MAX_CPUS; c++) {
		bool in = c < KNOBS_MAX_CPUS && cpus[c / 64] >> (c % 64) & 1;

		if (in && from < 0)
			from = c;
		if (in || from < 0)
			continue;
		buf_printf(&out, "%s%d", out.len ? "," : "", from);
		if (c - 1 > from)
			buf_printf(&out, "-%d", c - 1);
		from = -1;
	}
	return buf_take(&out);
}
