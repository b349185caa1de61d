/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy is told of everything, in an order that can be: see
 * tests/policies/sim/told_all.bpf.c, which ends when it is not. */
#include "sim_fix.h"
#include "sim_scenes.h"

static void nothing_comes_out_of_turn(void **state)
{
	static const struct {
		const char *machine, *load;
	} rows[] = {
		{"1", "for 40ms\n" OFFICE},
		{"4,threads=2", "for 40ms\n" OFFICE},
		{"8,llcs=2,nodes=2", CHAIN},
		{"3", LOCKS},
		{"4", PLUG},
		{"4,threads=2,llcs=2", PLUG},
		{"2", BUILD_JOBS},
		{"5", CROWDS},
	};
	static const uint32_t kernels[] = {60014, 60018, 60019, 70001, 70003};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kernels); k++) {
		struct sim_policy *p =
			fix_policy("sim/told_all", NULL, kernels[k]);

		assert_int_equal(
			sim_policy_assign(p, kernels[k] >= 70001
						     ? "told_of_custody=1"
						     : "told_of_custody=0"),
			0);
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct sim_opts o = fix_opts(rows[i].machine);
			struct load *l = fix_load(rows[i].load);
			struct sim_result r = fix_run(&o, p, l);

			if (r.outcome != SIM_DONE)
				fail_msg("kernel %u, row %zu: %s", kernels[k],
					 i, r.exit_text);
			assert_true(r.wakeups > 30);
			sim_result_release(&r);
			load_free(l);
		}
		sim_policy_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_comes_out_of_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
