/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiled programs against kfuncs and helpers: tests/policies/vm. */
#include <errno.h>

#include "vm_programs.h"

/* -1 for a fault. */
static int64_t run(struct programs *p, const char *name)
{
	uint64_t r0 = 0;

	for (size_t i = 0; i < p->o->func_count; i++) {
		if (strcmp(p->o->funcs[i].name, name))
			continue;
		if (vm_run(p->f.vm, (int)i, NULL, 0, &r0))
			return -1;
		return (int64_t)r0;
	}
	fail_msg("no function %s", name);
	return -1;
}

static void test_good(void **state)
{
	static const char *const names[] = {"list_order", "tree_order",
					    "shared", "kept"};
	struct programs p;

	(void)state;
	open_programs(&p, "objects");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int64_t got = run(&p, names[i]);

		if (got == -1)
			fail_msg("%s: %s", names[i], vm_fault(p.f.vm)->text);
		if (got)
			fail_msg("%s: check %lld", names[i], (long long)got);
	}
	close_programs(&p);
}

static void test_bad(void **state)
{
	static const struct {
		const char *name;
		enum vm_fault_kind kind;
		const char *text;
	} rows[] = {
		{"leak_mask", VM_FAULT_LEAK, "reference"},
		{"leak_object", VM_FAULT_LEAK, "reference"},
		{"leak_lock", VM_FAULT_LEAK, "lock"},
		{"leak_rcu", VM_FAULT_LEAK, "RCU"},
		{"bad_unlocked", VM_FAULT_CALL, "without its lock"},
		{"bad_dropped", VM_FAULT_MEMORY, "object"},
		{"bad_double_lock", VM_FAULT_CALL, "another is held"},
		{"bad_add_twice", VM_FAULT_CALL, "not held"},
		{"bad_node", VM_FAULT_CALL, "no node"},
	};
	struct programs p;

	(void)state;
	open_programs(&p, "objects");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct vm_fault *f = vm_fault(p.f.vm);

		if (run(&p, rows[i].name) != -1)
			fail_msg("%s gets away with it", rows[i].name);
		if (f->kind != rows[i].kind || !strstr(f->text, rows[i].text))
			fail_msg("%s: %s: %s", rows[i].name,
				 vm_fault_name(f->kind), f->text);
		assert_non_null(f->file);
		assert_true(f->line > 0);
	}
	/* Nothing that they did is in the way of others. */
	assert_int_equal(run(&p, "shared"), 0);
	close_programs(&p);
}

static uint64_t seen_args[5];

/* What the program itself cannot know. */
static uint64_t better(struct vm *vm, const uint64_t r[5])
{
	(void)vm;
	memcpy(seen_args, r, sizeof(seen_args));
	return r[0] + 3;
}

static uint64_t refuses(struct vm *vm, const uint64_t r[5])
{
	(void)r;
	return vm_fault_set(vm, VM_FAULT_CALL, "not to be asked");
}

static void test_override(void **state)
{
	struct programs p;
	uint64_t insns;

	(void)state;
	open_programs(&p, "override");
	assert_int_equal(run(&p, "both"), 2121);
	assert_int_equal(run(&p, "count"), 2);
	insns = vm_insns_last(p.f.vm);
	assert_int_equal(vm_override(p.f.vm, "guess", better), 0);
	assert_int_equal(run(&p, "both"), 1010);
	assert_true(vm_insns_last(p.f.vm) > insns);
	/* Its own instructions were not run. */
	assert_int_equal(run(&p, "count"), 2);
	assert_int_equal(seen_args[0], 7);
	assert_int_equal(seen_args[1], 7);
	/* One that calls it, and again. */
	assert_int_equal(vm_override(p.f.vm, "guess_twice", better), 0);
	assert_int_equal(run(&p, "both"), 10);
	assert_int_equal(vm_override(p.f.vm, "guess_twice", refuses), 0);
	assert_int_equal(run(&p, "both"), -1);
	assert_string_equal(vm_fault(p.f.vm)->text, "not to be asked");
	assert_string_equal(vm_fault(p.f.vm)->func, "guess_twice");
	/* Of this machine alone. */
	close_programs(&p);
	open_programs(&p, "override");
	assert_int_equal(run(&p, "both"), 2121);
	close_programs(&p);
}

static void test_no_override(void **state)
{
	struct programs p;

	(void)state;
	open_programs(&p, "override");
	assert_int_equal(vm_override(p.f.vm, "gues", better), -ENOENT);
	assert_non_null(strstr(err_text(), "no function gues()"));
	assert_int_equal(vm_override(p.f.vm, "both", better), -EINVAL);
	assert_non_null(strstr(err_text(), "both() cannot be answered"));
	assert_int_equal(run(&p, "both"), 2121);
	close_programs(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_no_override),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
