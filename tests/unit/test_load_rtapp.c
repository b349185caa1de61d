/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads from rt-app's JSON and back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "sim/load_make.h"

static struct load *take(const char *text)
{
	struct load *l;
	int rc = load_from_rtapp(text, strlen(text), &l);

	if (rc)
		fail_msg("%s", err_text());
	return l;
}

static void refuses(const char *text, int errnum, const char *says)
{
	struct load *l;

	assert_int_equal(load_from_rtapp(text, strlen(text), &l), -errnum);
	assert_null(l);
	if (!strstr(err_text(), says))
		fail_msg("'%s' does not say '%s'", err_text(), says);
}

static void is_program(const struct load_task *t, const enum load_what *what,
		       size_t n)
{
	assert_int_equal(t->op_count, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(t->ops[i].what, what[i]);
}
#define IS(t, ...)                                              \
	is_program(&(t), (const enum load_what[]){__VA_ARGS__}, \
		   ARRAY_LEN(((const enum load_what[]){__VA_ARGS__})))

static bool has_note(const struct load *l, const char *words)
{
	json_each (n, l->notes) {
		if (strstr(json_as_string(n, ""), words))
			return true;
	}
	return false;
}

static void one_thread(void **state)
{
	struct load *l =
		take("{\"tasks\":{\"thread0\":{\"instance\":3,\"delay\":500,"
		     "\"run\":10000,\"sleep\":20,\"run2\":7,\"runtime\":3}},"
		     "\"global\":{\"duration\":6,\"calibration\":\"CPU0\"}}");
	struct load_task *t = &l->tasks[0];

	(void)state;
	assert_int_equal(l->duration_ns, 6000000000ull);
	assert_int_equal(t->instances, 3);
	assert_int_equal(t->start_ns, 500000);
	IS(*t, LOAD_BEGIN, LOAD_RUN, LOAD_SLEEP, LOAD_RUN, LOAD_SPIN, LOAD_DONE,
	   LOAD_LOOP);
	assert_int_equal(t->ops[1].dist.ns, 10000000);
	assert_int_equal(t->ops[3].dist.ns, 7000);
	assert_int_equal(t->ops[6].n, 0);
	assert_string_equal(l->metrics[0].name, "thread0.loop");
	assert_int_equal(json_len(l->notes), 0);
	load_free(l);
}

static void phases_and_loops(void **state)
{
	struct load *l = take(
		"{\"tasks\":{\"a\":{\"loop\":2,\"priority\":-5,\"cpus\":[2],"
		"\"phases\":{\"light\":{\"loop\":10,\"run\":1000,\"timer\":"
		"{\"ref\":\"unique\",\"period\":30000}},"
		"\"heavy\":{\"cpus\":[0,1],\"priority\":3,\"run\":4000,"
		"\"timer\":{\"ref\":\"unique\",\"period\":30000,"
		"\"mode\":\"absolute\"}}}}}}");
	struct load_task *t = &l->tasks[0];

	(void)state;
	IS(*t, LOAD_TIMER, LOAD_AFFINITY, LOAD_BEGIN, LOAD_RUN, LOAD_TIMER,
	   LOAD_DONE, LOAD_LOOP, LOAD_NICE, LOAD_AFFINITY, LOAD_BEGIN, LOAD_RUN,
	   LOAD_TIMER, LOAD_DONE, LOAD_LOOP, LOAD_EXIT);
	assert_int_equal(t->nice, -5);
	assert_int_equal(l->masks[t->mask].bits[0], 4);
	assert_int_equal(l->masks[t->ops[1].obj].bits[0], 4);
	assert_int_equal(l->masks[t->ops[8].obj].bits[0], 3);
	assert_int_equal(t->ops[4].n, 1);
	assert_int_equal(t->ops[11].n, 0);
	assert_int_equal(t->ops[6].n, 10);
	assert_int_equal(t->ops[6].obj, 2);
	assert_int_equal(t->ops[7].n, 3);
	assert_int_equal(t->ops[13].n, 2);
	assert_int_equal(t->ops[13].obj, 1);
	load_free(l);
}

static void what_tasks_do_to_each_other(void **state)
{
	struct load *l = take(
		"{\"tasks\":{\"a\":{\"loop\":1,\"lock\":\"m\",\"run\":1,"
		"\"signal\":\"q\",\"broad\":\"q\",\"unlock\":\"m\","
		"\"resume\":\"b\",\"fork\":\"c\",\"barrier\":\"x\"},"
		"\"b\":{\"instance\":2,\"loop\":1,\"lock\":\"m\",\"wait\":"
		"{\"ref\":\"q\",\"mutex\":\"m\"},\"unlock\":\"m\","
		"\"suspend\":\"\",\"sync\":{\"ref\":\"q\",\"mutex\":\"m\"},"
		"\"barrier\":\"x\"},"
		"\"c\":{\"instance\":0,\"loop\":1,\"run\":5,\"yield\":\"\"}}}");

	(void)state;
	IS(l->tasks[0], LOAD_BEGIN, LOAD_LOCK, LOAD_RUN, LOAD_POST, LOAD_POST,
	   LOAD_UNLOCK, LOAD_POST, LOAD_FORK, LOAD_BARRIER, LOAD_DONE,
	   LOAD_EXIT);
	IS(l->tasks[1], LOAD_BEGIN, LOAD_LOCK, LOAD_COND_WAIT, LOAD_UNLOCK,
	   LOAD_WAIT, LOAD_LOCK, LOAD_POST, LOAD_COND_WAIT, LOAD_UNLOCK,
	   LOAD_BARRIER, LOAD_DONE, LOAD_EXIT);
	assert_int_equal(l->tasks[0].ops[3].n, 1);
	assert_int_equal(l->tasks[0].ops[4].n, 0);
	/* resume wakes the suspended "b". */
	assert_int_equal(l->tasks[0].ops[6].obj, l->tasks[1].ops[4].obj);
	assert_int_equal(l->tasks[0].ops[7].obj, 2);
	assert_int_equal(l->tasks[0].ops[8].n, 3);
	assert_int_equal(l->tasks[2].instances, 0);
	load_free(l);
}

static void what_is_not_kept_is_noted(void **state)
{
	struct load *l =
		take("{\"tasks\":{\"a\":{\"policy\":\"SCHED_FIFO\","
		     "\"priority\":50,\"util_min\":3,\"nodes_membind\":[0],"
		     "\"taskgroup\":\"/tg1\",\"run\":10,\"timer\":"
		     "{\"ref\":\"tick\",\"period\":100}}}}");

	(void)state;
	assert_true(has_note(l, "SCHED_FIFO is taken as SCHED_OTHER"));
	assert_true(has_note(l, "'util_min' is not simulated"));
	assert_true(has_note(l, "'nodes_membind' is not simulated"));
	assert_true(has_note(l, "several threads share"));
	assert_int_equal(l->tasks[0].cgroup, 1);
	assert_string_equal(l->cgroups[1].name, "tg1");
	load_free(l);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	refuses("{\"tasks\":{\"a\":{\"run\":1,\"run\":2}}}", EINVAL,
		"number the keys");
	refuses("{/* x */\"tasks\":{}}", EINVAL, "comments");
	refuses("[]", EINVAL, "no object 'tasks'");
	refuses("{\"tasks\":{\"a\":{}}}", EINVAL, "at least one event");
	refuses("{\"tasks\":{\"a\":{\"run1\":1.5}}}", EINVAL,
		"task 'a', 'run1': a whole number");
	refuses("{\"tasks\":{\"a\":{\"phases\":{\"p\":{\"sleep\":-1}}}}}",
		EINVAL, "task 'a', phase 'p', 'sleep'");
	refuses("{\"tasks\":{\"a\":{\"mem\":1000}}}", ENOTSUP, "'mem'");
	refuses("{\"tasks\":{\"a\":{\"fork\":\"b\"}}}", EINVAL,
		"name of a task");
	refuses("{\"tasks\":{\"a\":{\"wait\":\"q\"}}}", EINVAL, "\"mutex\"");
	refuses("{\"tasks\":{\"a\":{\"run\":1,\"cpus\":[512]}}}", EINVAL,
		"0 to 511");
	refuses("{\"tasks\":{\"a\":{\"run\":1,\"priority\":20}}}", EINVAL,
		"-20 to 19");
	refuses("{\"tasks\":{\"a\":{\"phases\":{\"p\":{\"loop\":0,"
		"\"run\":1}}}}}",
		EINVAL, "-1 or a number above 0");
	refuses("{\"tasks\":{\"a\":{\"run\":0}}}", EINVAL, "takes no time");
	refuses("{\"tasks\":{\"a\":{\"instance\":0,\"run\":1}}}", EINVAL,
		"tasks are started");
}

/* Out and in again: the same programs. */
static void what_rtapp_says_comes_back(void **state)
{
	static const char text[] =
		"{\"tasks\":{\"a\":{\"loop\":2,\"priority\":-5,\"delay\":7,"
		"\"phases\":{\"p\":{\"loop\":10,\"run\":1000,\"timer\":"
		"{\"ref\":\"unique\",\"period\":30000}},\"q\":{\"cpus\":[0,1],"
		"\"runtime\":40,\"lock\":\"m\",\"signal\":\"c\","
		"\"unlock\":\"m\",\"fork\":\"b\",\"yield\":\"\","
		"\"sleep\":5}}},"
		"\"b\":{\"instance\":2,\"lock\":\"m\",\"wait\":"
		"{\"ref\":\"c\",\"mutex\":\"m\"},\"unlock\":\"m\",\"run\":3}},"
		"\"global\":{\"duration\":6}}";
	struct load *a = take(text), *b;
	const struct json *kept;
	struct json *v = load_to_rtapp(a, &kept);
	char *again = json_ordered(v);

	(void)state;
	b = take(again);
	assert_int_equal(a->duration_ns, b->duration_ns);
	assert_int_equal(a->task_count, b->task_count);
	for (size_t i = 0; i < a->task_count; i++) {
		const struct load_task *x = &a->tasks[i], *y = &b->tasks[i];

		assert_string_equal(x->name, y->name);
		assert_int_equal(x->instances, y->instances);
		assert_int_equal(x->start_ns, y->start_ns);
		assert_int_equal(x->nice, y->nice);
		assert_int_equal(x->op_count, y->op_count);
		for (size_t j = 0; j < x->op_count; j++) {
			assert_int_equal(x->ops[j].what, y->ops[j].what);
			assert_int_equal(x->ops[j].n, y->ops[j].n);
			assert_int_equal(x->ops[j].dist.ns, y->ops[j].dist.ns);
		}
	}
	free(again);
	json_free(v);
	json_free((struct json *)kept);
	load_free(a);
	load_free(b);
}

/* A distribution is written out: its mean stays. */
static void distributions_become_rounds(void **state)
{
	struct load *l = load_new("x");
	uint32_t t = load_add_task(l, "x", load_add_group(l, "x"));
	const struct json *notes, *phase;
	struct load_op *op = load_add_op(l, t, LOAD_RUN);
	struct json *v;
	double sum = 0;

	(void)state;
	op->dist = (struct load_dist){
		.kind = DIST_UNIFORM, .ns = 1000000, .max_ns = 3000000};
	load_op_ns(l, t, LOAD_SLEEP, 1000000);
	load_op_loop(l, t, 0, 0);
	v = load_to_rtapp(l, &notes);
	phase = json_path(v, "tasks.x.phases.p0");
	assert_int_equal(json_as_number(json_get(phase, "loop"), 0), -1);
	json_each (e, phase) {
		if (!strncmp(json_key(e), "run", 3))
			sum += json_as_number(e, 0);
	}
	assert_int_equal(json_len(phase), 1 + 2 * 32);
	assert_true(sum > 32 * 1999 && sum < 32 * 2001);
	json_free(v);
	json_free((struct json *)notes);
	load_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thread),
		cmocka_unit_test(phases_and_loops),
		cmocka_unit_test(what_tasks_do_to_each_other),
		cmocka_unit_test(what_is_not_kept_is_noted),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(what_rtapp_says_comes_back),
		cmocka_unit_test(distributions_become_rounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
