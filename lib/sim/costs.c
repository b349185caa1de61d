/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of costs. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "sim/sim.h"

enum kind { NS, REAL, COUNT };

/* A server of today: about 3 GHz, mitigations on, 250 Hz. */
static const struct {
	const char *name;
	size_t offset;
	enum kind kind;
	double dflt, min, max;
} rows[] = {
#define ROW(name, kind, dflt, min, max)                                       \
	{                                                                     \
#name, offsetof(struct sim_costs, name), kind, dflt, min, max \
	}
	ROW(switch_ns, NS, 1500, 0, 1e9),
	ROW(idle_switch_ns, NS, 2500, 0, 1e9),
	ROW(wake_ns, NS, 700, 0, 1e9),
	ROW(wake_remote_ns, NS, 1500, 0, 1e9),
	ROW(migrate_ns, NS, 3000, 0, 1e9),
	ROW(migrate_llc_ns, NS, 12000, 0, 1e9),
	ROW(migrate_node_ns, NS, 25000, 0, 1e9),
	ROW(fork_ns, NS, 60000, 0, 1e9),
	ROW(exec_ns, NS, 250000, 0, 1e9),
	ROW(exit_ns, NS, 40000, 0, 1e9),
	ROW(tick_ns, NS, 1500, 0, 1e9),
	ROW(callback_ns, NS, 60, 0, 1e9),
	ROW(insn_ns, REAL, 0.4, 0, 1e6),
	ROW(smt_speed, REAL, 0.62, 0.05, 1),
	ROW(hz, COUNT, 250, 1, 10000),
#undef ROW
};

static void set(struct sim_costs *c, size_t row, double x)
{
	void *at = (char *)c + rows[row].offset;

	if (rows[row].kind == NS)
		*(uint64_t *)at = (uint64_t)x;
	else if (rows[row].kind == COUNT)
		*(uint32_t *)at = (uint32_t)x;
	else
		*(double *)at = x;
}

static double get(const struct sim_costs *c, size_t row)
{
	const void *at = (const char *)c + rows[row].offset;

	if (rows[row].kind == NS)
		return (double)*(const uint64_t *)at;
	if (rows[row].kind == COUNT)
		return *(const uint32_t *)at;
	return *(const double *)at;
}

void sim_costs_default(struct sim_costs *c)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		set(c, i, rows[i].dflt);
}

static int read_row(struct sim_costs *c, size_t i, const struct json *v)
{
	double x = json_as_number(v, NAN);

	if (json_type(v) != JSON_NUMBER || x < rows[i].min || x > rows[i].max)
		return err_set(EINVAL,
			       "costs.%s must be a number from %g to "
			       "%g",
			       rows[i].name, rows[i].min, rows[i].max);
	if (rows[i].kind != REAL && x != floor(x))
		return err_set(EINVAL, "costs.%s must be a whole number",
			       rows[i].name);
	set(c, i, x);
	return 0;
}

int sim_costs_read(const struct json *v, struct sim_costs *c)
{
	if (json_type(v) != JSON_OBJECT)
		return err_set(EINVAL, "costs are no object: write "
				       "{\"switch_ns\":1500,…}");
	json_each (member, v) {
		size_t i = 0;
		int rc;

		while (i < ARRAY_LEN(rows) &&
		       strcmp(rows[i].name, json_key(member)))
			i++;
		if (i == ARRAY_LEN(rows))
			return err_set(EINVAL, "there is no cost '%s'",
				       json_key(member));
		rc = read_row(c, i, member);
		if (rc < 0)
			return rc;
	}
	return 0;
}

struct json *sim_costs_json(const struct sim_costs *c)
{
	struct json *v = json_object();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		json_set_number(v, rows[i].name, get(c, i));
	return v;
}
