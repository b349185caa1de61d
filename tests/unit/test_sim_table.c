/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every figure of many short runs, beside those that are kept in
 * tests/unit/sim_table.tsv.  A change of the simulator that alters a figure is
 * meant, or it is a defect.  If it is meant:
 *
 *     build/tests/test_sim_table renew
 *
 * and say in the commit why.  What hangs on the compiler of the policies (how
 * many instructions, which line) is not in it, and instructions cost nothing.
 *
 * A row: the run, a part of the result, and its figures, NAME=VALUE; of times
 * nanoseconds.
 */
#include <stdio.h>

#include "base/buf.h"
#include "sim_fix.h"
#include "sim_scenes.h"

#define TABLE	  "tests/unit/sim_table.tsv"
#define MAX_TABLE (4u << 20)

/* ---- a result as rows --------------------------------------------------- */

#define LL(x) ((unsigned long long)(x))

static void add_all(struct buf *b, const char *run, const struct sim_result *r)
{
	const struct {
		const char *name;
		uint64_t x;
	} rows[] = {
		{"end", r->end_ns},
		{"events", r->events},
		{"switches", r->switches},
		{"wakeups", r->wakeups},
		{"migrations", r->migrations},
		{"preemptions", r->preemptions},
		{"kicks", r->kicks},
		{"ticks", r->ticks},
		{"unfinished", r->unfinished},
		{"busy", r->busy_ns},
		{"idle", r->idle_ns},
		{"overhead", r->overhead_ns},
		{"idle_waiting", r->idle_waiting_ns},
		{"longest_wait", r->longest_wait_ns},
	};

	buf_printf(b, "%s\tall\toutcome=%s", run, sim_outcome_name(r->outcome));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		buf_printf(b, "\t%s=%llu", rows[i].name, LL(rows[i].x));
	if (r->weight_error >= 0)
		buf_printf(b, "\tweight_error=%.6g", r->weight_error);
	if (r->outcome == SIM_EJECTED)
		buf_printf(b, "\texit_kind=%d\texit_code=%lld\texit=%s",
			   r->exit_kind, (long long)r->exit_code, r->exit_text);
	buf_puts(b, "\n");
}

/* Run and wait; wakeups, migrations, preemptions; delays' sum, and bursts. */
static void add_groups(struct buf *b, const char *run, const struct load *l,
		       const struct sim_result *r)
{
	buf_printf(b, "%s\tgroups", run);
	for (size_t i = 0; i < r->group_count; i++) {
		const struct sim_group_result *g = &r->groups[i];

		buf_printf(b, "\t%s=%llu/%llu/%llu/%llu/%llu/%llu/%llu",
			   l->groups[i].name, LL(g->run_ns), LL(g->wait_ns),
			   LL(g->wakeups), LL(g->migrations),
			   LL(g->preemptions), LL(g->delay.sum),
			   LL(g->burst.sum));
	}
	buf_puts(b, "\n");
	for (size_t i = 0; i < r->metric_count; i++) {
		const struct sim_metric_result *m = &r->metrics[i];

		buf_printf(b,
			   "%s\t%s\tcount=%llu\ttime=%llu\tslowdown=%llu"
			   "\tslowdown_log=%llu\n",
			   run, l->metrics[i].name, LL(m->count),
			   LL(m->time.sum), LL(m->slowdown.sum),
			   LL(m->slowdown_log));
	}
}

static void add_policy(struct buf *b, const char *run,
		       const struct sim_result *r)
{
	if (!r->callback_count)
		return;
	buf_printf(b, "%s\tcalls", run);
	for (size_t i = 0; i < r->callback_count; i++)
		buf_printf(b, "\t%s=%llu", r->callbacks[i].name,
			   LL(r->callbacks[i].calls));
	json_each (c, r->counters)
		buf_printf(b, "\t%s=%.0f", json_key(c), json_as_number(c, 0));
	buf_puts(b, "\n");
}

static void add_findings(struct buf *b, const char *run,
			 const struct sim_result *r)
{
	for (size_t i = 0; i < r->finding_count; i++)
		buf_printf(b, "%s\t%s\tat=%llu\ttext=%s\n", run,
			   sim_rule_names[r->findings[i].rule],
			   LL(r->findings[i].at_ns), r->findings[i].text);
}

/* ---- runs --------------------------------------------------------------- */

static void add_scene(struct buf *b, const struct scene *sc)
{
	struct sim_opts o = fix_opts(sc->machine);
	struct sim_policy *p = NULL;
	struct sim_result r;
	struct load *l;

	o.costs.insn_ns = 0;
	o.limit_ns = sc->limit_ns;
	o.starve_ns = 15 * MS;
	o.seed = 3;
	if (sc->hz)
		o.costs.hz = sc->hz;
	if (sc->load)
		l = fix_load(sc->load);
	else
		assert_int_equal(load_hostile(sc->name, o.machine.cpus, 5, &l),
				 0);
	if (sc->policy)
		p = fix_policy(sc->policy, sc->body, sc->kernel);
	r = fix_run(&o, p, l);
	add_all(b, sc->name, &r);
	add_groups(b, sc->name, l, &r);
	add_policy(b, sc->name, &r);
	add_findings(b, sc->name, &r);
	sim_result_release(&r);
	load_free(l);
	sim_policy_free(p);
}

static char *rows_now(void)
{
	struct buf b;

	buf_init(&b, MAX_TABLE);
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		add_scene(&b, &scenes[i]);
	assert_false(b.truncated);
	return buf_take(&b);
}

static char *read_table(void)
{
	struct buf b;

	buf_init(&b, MAX_TABLE);
	if (buf_read_file(&b, TABLE) < 0)
		fail_msg("%s", err_text());
	return buf_take(&b);
}

/* Which field of two rows is another one. */
static void rows_differ(char *kept, char *now)
{
	char *run = now, *place, *a, *b;

	if (!kept || !now)
		fail_msg("%s ends too %s: %s", TABLE, kept ? "late" : "early",
			 kept ? kept : now);
	strsep(&now, "\t");
	place = strsep(&now, "\t");
	a = strsep(&kept, "\t");
	if (strcmp(a, run))
		fail_msg("'%s' stands in %s where '%s' is", a, TABLE, run);
	a = strsep(&kept, "\t");
	if (strcmp(a, place))
		fail_msg("%s: %s stands in %s where %s is", run, a, TABLE,
			 place);
	do {
		a = strsep(&kept, "\t");
		b = strsep(&now, "\t");
	} while (a && b && !strcmp(a, b));
	fail_msg("%s, %s: '%s' in %s, '%s' now", run, place, a ? a : "nothing",
		 TABLE, b ? b : "nothing");
}

static void figures_are_as_they_were(void **state)
{
	char *table = read_table(), *rows = rows_now();
	char *a = table, *b = rows;

	(void)state;
	while (a || b) {
		char *kept = strsep(&a, "\n"), *now = strsep(&b, "\n");

		if (!kept || !now || strcmp(kept, now))
			rows_differ(kept, now);
	}
	free(table);
	free(rows);
}

static void figures_are_kept(void **state)
{
	char *rows = rows_now();
	FILE *f = fopen(TABLE, "w");

	(void)state;
	if (!f || fputs(rows, f) < 0 || fclose(f))
		fail_msg("%s cannot be written", TABLE);
	free(rows);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figures_are_as_they_were),
	};
	const struct CMUnitTest renewal[] = {
		cmocka_unit_test(figures_are_kept),
	};

	if (argc > 1 && !strcmp(argv[1], "renew"))
		return cmocka_run_group_tests(renewal, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
