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
	return good && (any || !(r->set & KNOB_CPUS)) && r->policy <= KNOB_EXT;
}

int knobs_check(const struct knobs *k)
{
	uint32_t by_name = 0;
	unsigned set = 0;

	if (!k->count || k->count > KNOBS_MAX_RULES)
		return err_set(EINVAL, "knobs: %zu rules", k->count);
	for (size_t i = 0; i < k->count; i++) {
		if (!good_rule(&k->rules[i]))
			return err_set(EINVAL, "knobs.%zu: out of range", i);
		set |= k->rules[i].set;
		by_name |= !knobs_rule_is_all(&k->rules[i]);
	}
	return set == k->set && by_name == k->by_name
		       ? 0
		       : err_set(EINVAL, "knobs: not what is set");
}

/* ---- whose and where -------------------------------------------------- */

bool knobs_rule_is_all(const struct knob_rule *r)
{
	return !strcmp(r->match, "*") && !r->identity;
}

bool knobs_uses(const struct knobs *k, bool identity)
{
	for (size_t i = 0; i < k->count; i++)
		if (!knobs_rule_is_all(&k->rules[i]) &&
		    identity == (k->rules[i].identity != 0))
			return true;
	return false;
}

static bool is_one(const struct knob_who *who, uint64_t identity)
{
	for (size_t i = 0; i < who->identity_count; i++)
		if (who->identities[i] == identity)
			return true;
	return !identity;
}

static bool is_named(const struct knob_rule *r, const char *name)
{
	char comm[KNOBS_NAME_LEN + 1];

	snprintf(comm, sizeof(comm), "%s", name);
	return !strcmp(r->match, "*") || !fnmatch(r->match, comm, 0);
}

/* Whether the rule for a task of that name may depend on its identity. */
static bool asks_identity(const struct knobs *k, const char *name)
{
	size_t i = 0;

	while (i < k->count && !is_named(&k->rules[i], name))
		i++;
	return i < k->count && k->rules[i].identity;
}

int knobs_rule(const struct knobs *k, const struct knob_who *who)
{
	for (size_t i = 0; i < k->count; i++)
		if (is_named(&k->rules[i], who->name) &&
		    is_one(who, k->rules[i].identity))
			return (int)i;
	return -1;
}

bool knobs_rule_now(const struct knobs *k, const char *name, pid_t pid,
		    struct exec_ids *ids, int *rule)
{
	struct knob_who who = {.name = name};

	if (asks_identity(k, name)) {
		exec_ids_of(ids, pid);
		if (!ids->count)
			return false;
		who.identities = ids->v;
		who.identity_count = ids->count;
	}
	*rule = knobs_rule(k, &who);
	return true;
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
