/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is proved of policies, and that the numbers behind it are right. */
#include <bpf/btf.h>
#include <dirent.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "policy/policy.h"
#include "prove/prove.h"
#include "prove/value.h"

static struct btf *types;
static uint64_t dice = 88172645463325252ULL;

static uint64_t roll(void)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	return dice ^= dice << 17;
}

static int resolve(void *arg, const char *name, bool is_func)
{
	(void)arg;
	(void)name;
	(void)is_func;
	return 1;
}

static struct object_target target(void)
{
	return (struct object_target){.types = types,
				      .resolve = resolve,
				      .version = 6 << 16 | 18 << 8,
				      .hz = 250};
}

static struct object *policy(const char *name)
{
	struct object_target t = target();
	char *path = path_lib(name);
	struct object *o;

	if (object_open_file(path, &t, &o))
		fail_msg("%s: %s", path, err_text());
	free(path);
	return o;
}

static struct prove_result prove(const struct object *o)
{
	static const char *const later[] = {"nr_cpus", "nr_llcs", "cpu_llc",
					    "longest_ns", NULL};
	struct prove_opts opts = {.types = types, .later = later};
	struct prove_result r;

	assert_int_equal(prove_object(o, &opts, &r), 0);
	return r;
}

static const struct prove_finding *violation(const struct prove_result *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->findings[i].answer == PROVE_VIOLATED)
			return &r->findings[i];
	return NULL;
}

static void nothing_wrong(const char *what, const struct prove_result *r)
{
	const struct prove_finding *f = violation(r);

	if (f)
		fail_msg("%s: %s, line %u: %s", what, prove_rule_names[f->rule],
			 f->line, f->text);
}

static void all_proved(const char *what, const struct prove_result *r)
{
	nothing_wrong(what, r);
	for (int i = 0; i < PROVE_RULES; i++)
		if (r->answers[i] != PROVE_PROVED && i != PROVE_MEMORY)
			fail_msg("%s: %s is not proved", what,
				 prove_rule_names[i]);
}

/* ---- the template ------------------------------------------------------ */

static uint32_t *param_at(struct object *o, const struct param *p)
{
	size_t size;
	void *at;
	int map;

	assert_int_equal(object_variable(o, "params", &at, &size, &map), 0);
	assert_true(p->offset + 4 <= size);
	return (uint32_t *)(void *)((char *)at + p->offset);
}

static void template_is_proved(struct object *o, const char *what)
{
	struct prove_result r = prove(o);

	all_proved(what, &r);
	assert_true(r.steps < 100000);
	prove_result_release(&r);
}

/* Each value of each choice, both ends of each number. */
static void template_with_each_parameter(void **state)
{
	struct object *o = policy("policy.bpf.o");

	(void)state;
	template_is_proved(o, "the defaults");
	for (size_t i = 0; i < policy_param_count; i++) {
		const struct param *p = &policy_param_table[i];
		uint32_t *at = param_at(o, p), was = *at, v = p->min;

		while (v <= p->max) {
			*at = v;
			template_is_proved(o, p->name);
			v += p->kind == PARAM_CHOICE || v == p->max
				     ? 1
				     : p->max - v;
		}
		*at = was;
	}
	object_free(o);
}

static void template_with_any_parameters(void **state)
{
	struct object *o = policy("policy.bpf.o");

	(void)state;
	for (int n = 0; n < 60; n++) {
		for (size_t i = 0; i < policy_param_count; i++) {
			const struct param *p = &policy_param_table[i];

			*param_at(o, p) =
				p->min +
				(uint32_t)(roll() % (p->max - p->min + 1ULL));
		}
		template_is_proved(o, "some parameters");
	}
	object_free(o);
}

/* ---- other policies ---------------------------------------------------- */

static void good_ones_are_not_blamed(void **state)
{
	char *dir = path_lib("../../policies/good");
	DIR *d = opendir(dir);
	size_t seen = 0;

	(void)state;
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		size_t n = strlen(e->d_name);
		char name[512];

		if (n < 7 || strcmp(e->d_name + n - 6, ".bpf.o"))
			continue;
		snprintf(name, sizeof(name), "../../policies/good/%s",
			 e->d_name);
		struct object *o = policy(name);
		struct prove_result r = prove(o);

		nothing_wrong(e->d_name, &r);
		prove_result_release(&r);
		object_free(o);
		seen++;
	}
	assert_true(seen >= 20);
	closedir(d);
	free(dir);
}

static void loops_that_end(void **state)
{
	struct object *o = policy("../../policies/prove/loops.bpf.o");
	struct prove_result r = prove(o);

	(void)state;
	all_proved("loops", &r);
	prove_result_release(&r);
	object_free(o);
}

static void kept_on_purpose(void **state)
{
	struct object *o = policy("../../policies/prove/parks.bpf.o");
	struct prove_result r = prove(o);

	(void)state;
	all_proved("parks", &r);
	prove_result_release(&r);
	object_free(o);
}

/* A twin that only kernels too old to be judged have needs no test. */
static void oldest_name_last(void **state)
{
	struct object *o = policy("../../policies/prove/older.bpf.o");
	struct prove_result r = prove(o);

	(void)state;
	all_proved("older", &r);
	prove_result_release(&r);
	object_free(o);
}

/* Functions that lost an ending do what they did. */
static void newest_name_too(void **state)
{
	struct object *o = policy("../../policies/prove/renamed.bpf.o");
	struct object *was = policy("../../policies/good/tree.bpf.o");
	struct prove_result r = prove(o), wanted = prove(was);

	(void)state;
	for (int i = 0; i < PROVE_RULES; i++)
		if (r.answers[i] != wanted.answers[i])
			fail_msg("%s is %d, and was %d", prove_rule_names[i],
				 (int)r.answers[i], (int)wanted.answers[i]);
	prove_result_release(&wanted);
	prove_result_release(&r);
	object_free(was);
	object_free(o);
}

static void variable_is_tested_then_used(void **state)
{
	struct object *o = policy("../../policies/prove/counted.bpf.o");
	struct prove_result r = prove(o);

	(void)state;
	all_proved("counted", &r);
	prove_result_release(&r);
	object_free(o);
}

/* The queue that nothing takes from is not hidden by the other one. */
static void one_of_two_is_not_drained(void **state)
{
	struct object *o = policy("../../policies/prove/either.bpf.o");
	struct prove_result r = prove(o);

	(void)state;
	nothing_wrong("either", &r);
	assert_int_equal(r.answers[PROVE_DRAIN], PROVE_UNKNOWN);
	prove_result_release(&r);
	object_free(o);
}

/* What was in the register before is not what was loaded. */
static void acquired_is_loaded(void **state)
{
	struct object *o = policy("../../policies/prove/acquire.bpf.o");
	struct prove_result r = prove(o);

	(void)state;
	assert_int_equal(r.answers[PROVE_CUSTODY], PROVE_VIOLATED);
	prove_result_release(&r);
	object_free(o);
}

static void loop_inserts_never_and_twice(void **state)
{
	struct object *o = policy("../../policies/prove/again.bpf.o");
	struct prove_result r = prove(o);
	size_t never = 0, twice = 0;

	(void)state;
	assert_int_equal(r.answers[PROVE_CUSTODY], PROVE_VIOLATED);
	for (size_t i = 0; i < r.count; i++) {
		never += r.findings[i].answer == PROVE_VIOLATED &&
			 strstr(r.findings[i].text, "no queue") != NULL;
		twice += r.findings[i].answer == PROVE_VIOLATED &&
			 strstr(r.findings[i].text, "already") != NULL;
	}
	assert_int_equal(never, 1);
	assert_int_equal(twice, 1);
	prove_result_release(&r);
	object_free(o);
}

static void wrong(const char *name, enum prove_rule rule, uint32_t line)
{
	char path[256];
	bool found = false;

	snprintf(path, sizeof(path), "../../policies/bad/%s.bpf.o", name);
	struct object *o = policy(path);
	struct prove_result r = prove(o);

	assert_int_equal(r.answers[rule], PROVE_VIOLATED);
	for (size_t i = 0; i < r.count; i++)
		found |= r.findings[i].rule == rule &&
			 r.findings[i].answer == PROVE_VIOLATED &&
			 (!line || r.findings[i].line > 0);
	assert_true(found);
	prove_result_release(&r);
	object_free(o);
}

/* A line is one of a file. */
static void each_file_has_its_lines(void **state)
{
	struct object *o = policy("../../policies/prove/lines.bpf.o");
	struct prove_result r = prove(o);
	size_t begins = 0, ends = 0;

	(void)state;
	for (size_t i = 0; i < r.count; i++) {
		const struct prove_finding *f = &r.findings[i];

		if (f->rule != PROVE_NULL)
			continue;
		assert_int_equal(f->line, 106);
		begins += strstr(f->file, "begin.h") != NULL;
		ends += strstr(f->file, "end.h") != NULL;
	}
	assert_int_equal(begins, 1);
	assert_int_equal(ends, 1);
	prove_result_release(&r);
	object_free(o);
}

/* One of each rule; the corpus has the others, with their lines. */
static void each_rule_finds(void **state)
{
	(void)state;
	wrong("odd_pids", PROVE_CUSTODY, 1);
	wrong("wrong_queue", PROVE_DRAIN, 1);
	wrong("cpu_zero", PROVE_AFFINITY, 1);
	wrong("endless_loop", PROVE_BOUND, 1);
	wrong("null_map", PROVE_NULL, 1);
	wrong("unguarded", PROVE_WEAK, 1);
	wrong("endless", PROVE_SLICE, 1);
	wrong("no_timeout", PROVE_TIMEOUT, 0);
	wrong("sleeps", PROVE_CONTEXT, 1);
	wrong("beyond_value", PROVE_MEMORY, 1);
	wrong("newest_first", PROVE_ORDER, 1);
}

/* Without the kernel's types less is known, and nothing wrong is said. */
static void without_types(void **state)
{
	struct object *o = policy("policy.bpf.o");
	struct prove_result r;

	(void)state;
	assert_int_equal(prove_object(o, NULL, &r), 0);
	nothing_wrong("the template without types", &r);
	assert_int_equal(r.answers[PROVE_CUSTODY], PROVE_PROVED);
	prove_result_release(&r);
	object_free(o);
}

static void budget_ends_in_unknown(void **state)
{
	struct object *o = policy("policy.bpf.o");
	struct prove_opts opts = {.types = types, .max_steps = 500};
	struct prove_result r;

	(void)state;
	assert_int_equal(prove_object(o, &opts, &r), 0);
	assert_int_equal(r.answers[PROVE_CUSTODY], PROVE_UNKNOWN);
	assert_int_equal(r.answers[PROVE_TIMEOUT], PROVE_PROVED);
	assert_true(r.count > 0);
	prove_result_release(&r);
	object_free(o);
}

/* Whatever the bytes are, the analysis ends and reads nothing else. */
static void broken_bytes(void **state)
{
	char *path = path_lib("policy.bpf.o");
	struct object_target t = target();
	size_t opened = 0;
	struct buf b;

	(void)state;
	buf_init(&b, OBJECT_MAX_BYTES);
	assert_int_equal(buf_read_file(&b, path), 0);
	for (int n = 0; n < 400; n++) {
		struct prove_opts opts = {.types = types, .max_steps = 20000};
		char *copy = mem_zalloc(b.len, 1);
		struct prove_result r;
		struct object *o;

		memcpy(copy, b.data, b.len);
		/* The text of the programs is near the begin. */
		for (int k = 0; k < 4; k++)
			copy[64 + roll() % 16384] = (char)roll();
		if (!object_open(copy, b.len, &t, &o)) {
			opened++;
			if (!prove_object(o, &opts, &r))
				prove_result_release(&r);
			object_free(o);
		}
		free(copy);
	}
	assert_true(opened > 20);
	buf_release(&b);
	free(path);
}

/* ---- numbers ----------------------------------------------------------- */

static uint64_t some_value(void)
{
	switch (roll() % 5) {
	case 0:
		return roll() % 16;
	case 1:
		return (uint64_t) - (int64_t)(roll() % 16);
	case 2:
		return roll() & UINT32_MAX;
	case 3:
		return 1ULL << roll() % 64;
	}
	return roll();
}

/* A set, and one of its members. */
static struct num some_set(uint64_t *member)
{
	uint64_t a = some_value(), b = some_value(), fixed = roll();
	struct num n;

	switch (roll() % 4) {
	case 0:
		*member = a;
		return num_const(a);
	case 1:
		n = num_range(a < b ? a : b, a < b ? b : a);
		*member = roll() % 2 ? a : b;
		return n;
	case 2:
		n = num_srange(
			(int64_t)a < (int64_t)b ? (int64_t)a : (int64_t)b,
			(int64_t)a < (int64_t)b ? (int64_t)b : (int64_t)a);
		*member = roll() % 2 ? a : b;
		return n;
	}
	n = num_any(8);
	n.mask = ~fixed;
	n.value = a & fixed;
	assert_true(num_sync(&n));
	*member = (a & fixed) | (b & ~fixed);
	return n;
}

static bool has(const struct num *n, uint64_t v)
{
	struct num one = num_const(v);

	return num_within(&one, n);
}

static uint64_t compute64(uint8_t op, uint64_t a, uint64_t b)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return b ? a / b : 0;
	case BPF_MOD:
		return b ? a % b : a;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 63);
	case BPF_RSH:
		return a >> (b & 63);
	case BPF_ARSH:
		return (uint64_t)((int64_t)a >> (b & 63));
	case BPF_NEG:
		return -a;
	}
	return b;
}

static uint64_t compute(uint8_t op, uint64_t a, uint64_t b, bool is32)
{
	uint32_t x = (uint32_t)a, y = (uint32_t)b;

	if (!is32)
		return compute64(op, a, b);
	if (op == BPF_LSH)
		return x << (y & 31);
	if (op == BPF_RSH)
		return x >> (y & 31);
	if (op == BPF_ARSH)
		return (uint32_t)((int32_t)x >> (y & 31));
	return (uint32_t)compute64(op, x, y);
}

static void arithmetic_keeps_members(void **state)
{
	static const uint8_t ops[] = {BPF_ADD, BPF_SUB, BPF_MUL,  BPF_DIV,
				      BPF_MOD, BPF_AND, BPF_OR,	  BPF_XOR,
				      BPF_LSH, BPF_RSH, BPF_ARSH, BPF_NEG};

	(void)state;
	for (int i = 0; i < 400000; i++) {
		uint64_t a, b, c;
		struct num x = some_set(&a), y = some_set(&b), r;
		uint8_t op = ops[roll() % ARRAY_LEN(ops)];
		bool is32 = roll() % 2;

		r = num_alu(op, &x, &y, is32, false);
		c = compute(op, a, b, is32);
		if (!has(&r, c))
			fail_msg("op %#x, %d bits: %#llx and %#llx", op,
				 is32 ? 32 : 64, (unsigned long long)a,
				 (unsigned long long)b);
		assert_true(has(&x, a) && has(&y, b));
		r = num_hull(&x, &y);
		assert_true(has(&r, a) && has(&r, b));
		r = num_widen(&x, &y);
		assert_true(has(&r, a) && has(&r, b));
		r = num_sign_extend(&x, 4);
		assert_true(has(&r, (uint64_t)(int32_t)a));
		r = num_trunc(&x, 2);
		assert_true(has(&r, (uint16_t)a));
	}
}

static bool holds64(uint8_t op, uint64_t a, uint64_t b)
{
	int64_t x = (int64_t)a, y = (int64_t)b;

	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSGT:
		return x > y;
	case BPF_JSGE:
		return x >= y;
	case BPF_JSLT:
		return x < y;
	case BPF_JSLE:
		return x <= y;
	}
	return a & b;
}

static void comparisons_keep_members(void **state)
{
	static const uint8_t ops[] = {BPF_JEQ,	BPF_JNE,  BPF_JGT,  BPF_JGE,
				      BPF_JLT,	BPF_JLE,  BPF_JSGT, BPF_JSGE,
				      BPF_JSLT, BPF_JSLE, BPF_JSET};

	(void)state;
	for (int i = 0; i < 400000; i++) {
		uint64_t a, b;
		struct num x = some_set(&a), y = some_set(&b);
		uint8_t op = ops[roll() % ARRAY_LEN(ops)];
		bool is32 = roll() % 2, yes;

		yes = is32 ? holds64(op, (uint64_t)(int32_t)a,
				     (uint64_t)(int32_t)b)
			   : holds64(op, a, b);
		if (is32 && op == BPF_JSET)
			yes = (uint32_t)a & (uint32_t)b;
		if (!num_refine(yes ? op : num_negated(op), &x, &y, is32) ||
		    !has(&x, a) || !has(&y, b))
			fail_msg("op %#x, %d bits: %#llx and %#llx", op,
				 is32 ? 32 : 64, (unsigned long long)a,
				 (unsigned long long)b);
	}
}

/* As the instructions divide: by 0 it is 0, and what is left is all. */
static uint64_t divide_signed(bool rest, uint64_t a, uint64_t b, bool is32)
{
	int64_t x = is32 ? (int32_t)a : (int64_t)a;
	int64_t y = is32 ? (int32_t)b : (int64_t)b;
	uint64_t r;

	if (!y)
		r = rest ? (uint64_t)x : 0;
	else if (y == -1)
		r = rest ? 0 : -(uint64_t)x;
	else
		r = (uint64_t)(rest ? x % y : x / y);
	return is32 ? (uint32_t)r : r;
}

static void signed_division_keeps_members(void **state)
{
	(void)state;
	for (int i = 0; i < 50000; i++) {
		uint64_t a, b, c;
		struct num x = some_set(&a), y = some_set(&b), r;
		bool rest = roll() % 2, is32 = roll() % 2;

		r = num_alu(rest ? BPF_MOD : BPF_DIV, &x, &y, is32, true);
		c = divide_signed(rest, a, b, is32);
		if (!has(&r, c))
			fail_msg("%s, %d bits: %#llx and %#llx",
				 rest ? "%" : "/", is32 ? 32 : 64,
				 (unsigned long long)a, (unsigned long long)b);
	}
}

/* Numbers from base on, by their order in ranges. */
#define SPAN 5

/* Of a in [from, to], the ends of those that some b of the others has. */
static bool naive(uint8_t op, uint64_t base, const int a[2], const int b[2],
		  int ends[2])
{
	ends[0] = SPAN;
	ends[1] = -1;
	for (int i = a[0]; i <= a[1]; i++)
		for (int k = b[0]; k <= b[1]; k++) {
			if (!holds64(op, base + (uint64_t)i,
				     base + (uint64_t)k))
				continue;
			ends[0] = i < ends[0] ? i : ends[0];
			ends[1] = i;
		}
	return ends[1] >= 0;
}

static void exact(uint8_t op, uint64_t base, bool is_signed, const int a[2],
		  const int b[2])
{
	uint64_t from = base + (uint64_t)a[0], to = base + (uint64_t)a[1];
	uint64_t least = base + (uint64_t)b[0], most = base + (uint64_t)b[1];
	struct num x = is_signed ? num_srange((int64_t)from, (int64_t)to)
				 : num_range(from, to);
	struct num y = is_signed ? num_srange((int64_t)least, (int64_t)most)
				 : num_range(least, most);
	int ends[2];
	bool can = naive(op, base, a, b, ends);

	if (num_refine(op, &x, &y, false) != can)
		fail_msg("op %#x from %#llx: %d to %d, %d to %d: %s", op,
			 (unsigned long long)base, a[0], a[1], b[0], b[1],
			 can ? "can be" : "cannot be");
	if (!can)
		return;
	from = base + (uint64_t)ends[0];
	to = base + (uint64_t)ends[1];
	if (is_signed ? x.smin != (int64_t)from || x.smax != (int64_t)to
		      : x.umin != from || x.umax != to)
		fail_msg("op %#x from %#llx: %d to %d, %d to %d: %#llx, %#llx",
			 op, (unsigned long long)base, a[0], a[1], b[0], b[1],
			 (unsigned long long)x.umin,
			 (unsigned long long)x.umax);
}

/* Of ranges nothing is lost, also where numbers begin and end. */
static void comparisons_of_ranges_are_exact(void **state)
{
	static const struct {
		uint8_t ops[6];
		bool is_signed;
		uint64_t bases[3];
	} kinds[] = {
		{{BPF_JEQ, BPF_JNE, BPF_JGT, BPF_JGE, BPF_JLT, BPF_JLE},
		 false,
		 {0, INT64_MAX - 1, UINT64_MAX - SPAN + 1}},
		{{BPF_JEQ, BPF_JNE, BPF_JSGT, BPF_JSGE, BPF_JSLT, BPF_JSLE},
		 true,
		 {1ULL << 63, (uint64_t)-2, INT64_MAX - SPAN + 1}},
	};

	(void)state;
	for (int n = 0; n < 2 * 3 * 6; n++)
		for (int i = 0; i < SPAN * SPAN; i++)
			for (int k = 0; k < SPAN * SPAN; k++) {
				int a[2] = {i / SPAN, i % SPAN};
				int b[2] = {k / SPAN, k % SPAN};

				if (a[0] <= a[1] && b[0] <= b[1])
					exact(kinds[n / 18].ops[n % 6],
					      kinds[n / 18].bases[n / 6 % 3],
					      kinds[n / 18].is_signed, a, b);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arithmetic_keeps_members),
		cmocka_unit_test(comparisons_keep_members),
		cmocka_unit_test(signed_division_keeps_members),
		cmocka_unit_test(comparisons_of_ranges_are_exact),
		cmocka_unit_test(template_with_each_parameter),
		cmocka_unit_test(template_with_any_parameters),
		cmocka_unit_test(good_ones_are_not_blamed),
		cmocka_unit_test(loops_that_end),
		cmocka_unit_test(kept_on_purpose),
		cmocka_unit_test(oldest_name_last),
		cmocka_unit_test(newest_name_too),
		cmocka_unit_test(variable_is_tested_then_used),
		cmocka_unit_test(one_of_two_is_not_drained),
		cmocka_unit_test(acquired_is_loaded),
		cmocka_unit_test(loop_inserts_never_and_twice),
		cmocka_unit_test(each_file_has_its_lines),
		cmocka_unit_test(each_rule_finds),
		cmocka_unit_test(without_types),
		cmocka_unit_test(budget_ends_in_unknown),
		cmocka_unit_test(broken_bytes),
	};
	char *path = path_lib("simkernel.bpf.o");
	int failed;

	types = btf__parse(path, NULL);
	free(path);
	if (!types)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	btf__free(types);
	return failed;
}
