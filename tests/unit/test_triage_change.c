/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which change brought an exit: the policy against the nearest of those that it
 * came from, or that were in place before it, that had none.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/triage/triage.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/temp.h"
#include "history/history.h"

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define BODY "\"title\":\"t\",\"why\":\"w\",\"uses\":[]"

static char *dir;
static struct history *h;
static long minute;

static int fresh(void **state)
{
	/* Nobody waits for a disk where there is memory. */
	char memory[] = "/dev/shm/schedkit-triage.XXXXXX";
	char disk[] = "/tmp/schedkit-triage.XXXXXX";
	char *base = mkdtemp(memory);

	(void)state;
	if (!base)
		base = mkdtemp(disk);
	assert_non_null(base);
	dir = mem_printf("%s/history", base);
	minute = 0;
	if (history_open(dir, true, &h))
		fail_msg("%s", err_text());
	return 0;
}

static int away(void **state)
{
	(void)state;
	history_close(h);
	*strrchr(dir, '/') = '\0';
	temp_clear(dir);
	rmdir(dir);
	free(dir);
	return 0;
}

/* ---- what the history has ---------------------------------------------- */

/* A minute after the one before; its id, as long as the test. */
static const char *note(const char *kind, const char *parent, char *text)
{
	static char ids[16][DOC_ID_LEN];
	static int next;
	struct json *body = json_parse(text, strlen(text));
	char now[32], *id = ids[next++ % 16];
	struct doc *d;

	snprintf(now, sizeof(now), "%ld", 1795230000 + 60 * minute++);
	setenv("SCHEDKIT_TIME", now, 1);
	if (!body)
		fail_msg("%s", text);
	d = doc_new(kind, "test", body, &parent, parent != NULL);
	if (!d || history_add(h, (const struct doc *const *)&d, 1) < 0)
		fail_msg("%s", err_text());
	strcpy(id, d->id);
	doc_free(d);
	free(text);
	return id;
}

static const char *policy(const char *parent, const char *params)
{
	return note("policy", parent,
		    mem_printf("{\"form\":\"params\"," BODY ",\"params\":%s}",
			       params));
}

static void deployed(const char *id, const char *members)
{
	note("deployment", id,
	     mem_printf("{\"policy\":\"%s\",\"target\":\"host\",\"why\":\"w\","
			"%s}",
			id, members));
}

#define WELL "\"state\":\"detached\""
#define FELL "\"state\":\"ejected\",\"exit_kind\":1026"

/* ---- what is made of it ------------------------------------------------ */

/* Task a[5] stands in a queue that nobody looks into, on an idle machine. */
static const char stall[] =
	"x[1] triggered exit kind 1026:\n"
	"  runnable task stall (a[5] failed to run for 5.000s)\n"
	"\nCPU states\n----------\n"
	"\nCPU 0   : nr_run=1 flags=0x1 cpu_rel=0 ops_qseq=1 ksync=1\n"
	"          curr=b[1] class=ext_sched_class\n"
	"\n  R a[5] -5000ms\n"
	"      scx_state/flags=3/0x9 dsq_flags=0x0 ops_state/qseq=0/5\n"
	"      sticky/holding_cpu=-1/-1 dsq_id=0x10000\n"
	"      dsq_vtime=0 slice=20000000 weight=100\n"
	"      cpus=1 no_mig=0\n\n";

static struct json *of(const char *text, const char *id)
{
	struct json *body;
	int rc = triage(text, strlen(text), id, dir, &body);

	if (rc != 1)
		fail_msg("%d: %s", rc, err_text());
	return body;
}

/* Which one is to blame, and against which it stands; "": nobody is. */
static void blames(const char *id, const char *who, const char *against,
		   const char *why)
{
	struct json *body = of(stall, id);
	const struct json *v = json_path(body, "stall.change");

	if (strcmp(json_text_at(v, "policy"), who) ||
	    strcmp(json_text_at(v, "against"), against) ||
	    !strstr(json_text_at(v, "why"), why))
		fail_msg("%.8s against %.8s (%s), not %.8s against %.8s (%s)",
			 json_text_at(v, "policy"), json_text_at(v, "against"),
			 json_text_at(v, "why"), who, against, why);
	json_free(body);
}

/* ---- whom it came from ------------------------------------------------- */

static void those_it_was_made_from(void **state)
{
	const char *a, *b, *c;

	(void)state;
	a = policy(NULL, "{\"slice_us\":1000}");
	b = policy(a, "{\"slice_us\":2000}");
	c = policy(b, "{\"slice_us\":2000,\"queue\":\"global\"}");
	deployed(a, WELL);
	blames(c, c, b, "it was made from that one");
	/* The one before it had the same end: the change lies further back. */
	deployed(b, FELL);
	blames(c, b, a, "it was made from that one");
	/* All that there were had. */
	deployed(a, "\"state\":\"stopped\",\"exit_kind\":1025");
	blames(c, "", "", "");
}

static void what_verdicts_say(void **state)
{
	const char *a, *b, *c;

	(void)state;
	a = policy(NULL, "{\"slice_us\":1000}");
	b = policy(a, "{\"slice_us\":2000}");
	c = policy(b, "{\"slice_us\":3000}");
	note("verdict", b,
	     mem_printf("{\"policy\":\"%s\",\"decision\":\"rejected\","
			"\"why\":\"w\",\"target\":\"vm\",\"kernel\":\"6.18\","
			"\"metrics\":[],\"stages\":[{\"name\":\"run\","
			"\"status\":\"failed\",\"seconds\":1,\"findings\":["
			"{\"rule\":\"slow\",\"text\":\"x\"}]}]}",
			b));
	blames(c, c, b, "made from");
	note("verdict", b,
	     mem_printf("{\"policy\":\"%s\",\"decision\":\"rejected\","
			"\"why\":\"w\",\"target\":\"vm\",\"kernel\":\"6.18\","
			"\"metrics\":[],\"stages\":[{\"name\":\"run\","
			"\"status\":\"failed\",\"seconds\":1,\"findings\":["
			"{\"rule\":\"slow\",\"text\":\"x\"},"
			"{\"rule\":\"ejected\",\"text\":\"x\"}]}]}",
			b));
	blames(c, b, a, "made from");
}

/* A document that is no policy is none, nor is one that is not there. */
static void parents_that_are_none(void **state)
{
	const char *a, *b;
	char id[DOC_ID_LEN];

	(void)state;
	a = note("note", NULL, mem_strdup("{\"text\":\"t\"}"));
	b = policy(a, "{\"slice_us\":2000}");
	blames(b, "", "", "");
	memset(id, 'f', DOC_ID_LEN - 1);
	id[DOC_ID_LEN - 1] = '\0';
	b = policy(id, "{\"slice_us\":2001}");
	blames(b, "", "", "");
}

static void what_plans_and_notes_say(void **state)
{
	const char *a, *b, *c, *from;

	(void)state;
	a = policy(NULL, "{\"slice_us\":1000}");
	b = policy(NULL, "{\"slice_us\":2000}");
	c = policy(NULL, "{\"slice_us\":3000}");
	blames(b, "", "", "");
	/* A promotion says what it took the place of. */
	note("note", b,
	     mem_printf("{\"text\":\"t\",\"about\":\"%s\",\"state\":{"
			"\"workload\":\"w\",\"name\":\"trusted\","
			"\"previous\":\"%s\"}}",
			b, a));
	blames(b, b, a, "made from");
	/* Of itself nothing was made. */
	note("note", c,
	     mem_printf("{\"text\":\"t\",\"about\":\"%s\",\"state\":{"
			"\"workload\":\"w\",\"name\":\"trusted\","
			"\"previous\":\"%s\"}}",
			c, c));
	blames(c, "", "", "");
	/* What it was made from may be told by what is about it: a verdict. */
	from = note("verdict", a,
		    mem_printf("{\"policy\":\"%s\",\"decision\":\"rejected\","
			       "\"why\":\"w\",\"target\":\"vm\","
			       "\"kernel\":\"6.18\",\"metrics\":[],"
			       "\"stages\":[]}",
			       a));
	note("note", c,
	     mem_printf("{\"text\":\"t\",\"about\":\"%s\",\"state\":{"
			"\"workload\":\"w\",\"name\":\"trusted\","
			"\"previous\":\"%s\"}}",
			c, from));
	blames(c, c, a, "made from");
}

/* ---- what was in place before ------------------------------------------ */

static void what_was_attached_before(void **state)
{
	const char *a, *b, *c, *d, *e;

	(void)state;
	a = policy(NULL, "{\"slice_us\":1000}");
	b = policy(NULL, "{\"slice_us\":2000}");
	c = policy(NULL, "{\"slice_us\":3000}");
	d = policy(NULL, "{\"slice_us\":4000}");
	e = policy(NULL, "{\"slice_us\":5000}");
	deployed(a, WELL);
	deployed(b, WELL);
	deployed(c, FELL);
	deployed(d, "\"state\":\"refused\"");
	/* The last that ended well and was attached at all. */
	blames(e, e, b, "was attached before it");
	deployed(e, FELL);
	deployed(a, WELL);
	/* What came after it was not in its place before. */
	blames(e, e, b, "was attached before it");
	/* Once it had such an end, it is no more to be trusted. */
	deployed(b, FELL);
	blames(e, e, a, "was attached before it");
}

/* ---- what became different --------------------------------------------- */

static void differs(const char *before, const char *after, const char *rows)
{
	const char *a = note("policy", NULL, mem_strdup(before));
	const char *b = note("policy", a, mem_strdup(after));
	struct json *body = of(stall, b);
	struct buf out;

	buf_init(&out, 1 << 16);
	buf_puts(&out, "");
	json_each (v, json_path(body, "stall.change.differs"))
		buf_printf(&out, "%s%s ", json_text_at(v, "path"),
			   json_as_bool(json_get(v, "suspect"), false) ? "!"
								       : "");
	if (strcmp(out.data ? out.data : "", rows) != 0)
		fail_msg("'%s', not '%s'", out.data, rows);
	buf_release(&out);
	json_free(body);
}

#define PARAMS(x) "{\"form\":\"params\"," BODY ",\"params\":{" x "}}"

static void suspects_come_first(void **state)
{
	(void)state;
	/* What stands in a queue that is not looked into: pinned. */
	differs(PARAMS("\"cgroup\":\"off\",\"queue\":\"global\","
		       "\"slice_us\":1"),
		PARAMS("\"cgroup\":\"on\",\"queue\":\"cpu\",\"slice_us\":2,"
		       "\"starve_us\":7,\"starve\":1,\"us\":1"),
		"params.queue! params.starve_us! params.cgroup "
		"params.slice_us params.starve params.us ");
	/* Names that are none, of anybody's document. */
	differs(PARAMS("\"\":1,\" \":2"), PARAMS("\"\":2,\" \":3"),
		"params. params.  ");
	differs("{\"form\":\"params\"," BODY ",\"\":1}",
		"{\"form\":\"params\"," BODY ",\"\":2}", " ");
}

static void words_are_no_difference(void **state)
{
	const char *a, *b;

	(void)state;
	a = note("policy", NULL,
		 mem_strdup("{\"form\":\"params\"," BODY
			    ",\"notes\":{\"a\":1}}"));
	b = note("policy", a,
		 mem_strdup("{\"form\":\"params\",\"title\":\"u\",\"why\":"
			    "\"v\",\"uses\":[\"behaviour\"],\"notes\":2}"));
	blames(b, b, a, "they differ in nothing but words");
	/* A key that only begins like one of those is not one. */
	differs("{\"form\":\"params\"," BODY ",\"titles\":1}",
		"{\"form\":\"params\"," BODY ",\"titles\":2,\"why.x\":1}",
		"titles ");
}

static void there_are_bounds(void **state)
{
	struct buf text;
	struct json *body;
	const char *a, *b;

	(void)state;
	buf_init(&text, 1 << 16);
	for (int i = 0; i < 40; i++)
		buf_printf(&text, "%s\"p%02d\":%d", i ? "," : "{", i, i);
	buf_puts(&text, "}");
	a = policy(NULL, "{}");
	b = policy(a, text.data);
	body = of(stall, b);
	assert_int_equal(json_len(json_path(body, "stall.change.differs")), 24);
	json_free(body);
	buf_release(&text);
}

static void code_is_shown(void **state)
{
	const char *a, *b;
	struct json *body;

	(void)state;
	a = note("policy", NULL,
		 mem_strdup("{\"form\":\"hooks\"," BODY
			    ",\"code\":\"one\\ntwo\\n\"}"));
	b = note("policy", a,
		 mem_strdup("{\"form\":\"hooks\"," BODY
			    ",\"code\":\"one\\nthree\\n\"}"));
	body = of(stall, b);
	assert_non_null(strstr(json_text_at(body, "stall.change.code"),
			       "-two\n+three\n"));
	/* Its queues have the template's names. */
	assert_string_equal(json_text_at(body, "stall.queue.name"),
			    "the shared queue of cache 0");
	json_free(body);
}

/* ---- whose it was ------------------------------------------------------ */

/* Where the log alone is there, the dump is the one that its holder got. */
static void a_log_and_the_dump_of_then(void **state)
{
	static const char log[] =
		"[ 1.0] sched_ext: BPF scheduler \"schedkit_%.12s\" disabled "
		"(runnable task stall)\n"
		"[ 1.0] sched_ext: schedkit: a[5] failed to run for 5.000s\n";
	const char *a = policy(NULL, "{\"slice_us\":1000}");
	struct json *dump = json_string(stall), *body;
	char *text = mem_printf(log, a), *quoted = json_canonical(dump);

	(void)state;
	body = of(text, NULL);
	assert_string_equal(json_text_at(body, "stall.policy"), a);
	assert_string_equal(json_text_at(body, "stall.causes.0.cause"),
			    "unknown");
	json_free(body);
	/* One that ended well has nothing to say. */
	deployed(a, "\"state\":\"detached\",\"exit_dump\":\"x\"");
	note("deployment", a,
	     mem_printf("{\"policy\":\"%s\",\"target\":\"host\",\"why\":\"w\","
			"\"state\":\"ejected\",\"exit_kind\":1026,"
			"\"exit_dump\":%s}",
			a, quoted));
	deployed(a, FELL);
	body = of(text, NULL);
	assert_string_equal(json_text_at(body, "stall.causes.0.cause"),
			    "pinned");
	json_free(body);
	json_free(dump);
	free(quoted);
	free(text);
}

static void ids_that_are_none(void **state)
{
	static const char *const ids[] = {"abc", "zzzz", "0000000", ""};
	const char *a = policy(NULL, "{\"slice_us\":1000}");
	struct json *body;
	char *log;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(
			triage(stall, strlen(stall), ids[i], dir, &body),
			-ENOENT);
		assert_null(body);
	}
	/* A note with that beginning is no policy. */
	{
		const char *n = note("note", NULL,
				     mem_strdup("{\"text\":"
						"\"t\"}"));

		assert_int_equal(triage(stall, strlen(stall), n, dir, &body),
				 -ENOENT);
	}
	/* Names that only look like ours, or are cut too short. */
	log = mem_printf("%s\nsched_ext: BPF scheduler \"schedkit_%.7s\" "
			 "disabled (runnable task stall)\n",
			 stall, a);
	body = of(log, NULL);
	assert_null(json_path(body, "stall.policy"));
	json_free(body);
	free(log);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, away)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(those_it_was_made_from),
		TEST(what_verdicts_say),
		TEST(parents_that_are_none),
		TEST(what_plans_and_notes_say),
		TEST(what_was_attached_before),
		TEST(suspects_come_first),
		TEST(words_are_no_difference),
		TEST(there_are_bounds),
		TEST(code_is_shown),
		TEST(a_log_and_the_dump_of_then),
		TEST(ids_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
