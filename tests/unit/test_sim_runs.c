/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every figure of many short runs, beside those in sim_runs.tsv: see
 * sim_rows.h.  What hangs on the compiler of the policies (how many
 * instructions, which line) is not in it, and instructions cost nothing.
 *
 * A row: the run, a part of the result, and its figures, NAME=VALUE; of times
 * nanoseconds.
 */
#include "sim_rows.h"
#include "sim_scenes.h"

/* ---- a result as rows --------------------------------------------------- */

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

static void all_runs(struct buf *b)
{
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		add_scene(b, &scenes[i]);
}

int main(int argc, char **argv)
{
	return rows_main(argc, argv, "tests/unit/sim_runs.tsv", all_runs);
}
