/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page and the text about a run, of documents that lack this or that, or
 * that hold more than is drawn. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/reporter/reporter.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/utf8.h"

#define DOCS 200

static struct doc *docs[DOCS];
static size_t n;
static struct buf page, brief;

/* ---- documents --------------------------------------------------------- */

static void begin(void)
{
	for (size_t i = 0; i < n; i++)
		doc_free(docs[i]);
	n = 0;
	buf_release(&page);
	buf_release(&brief);
}

/* Takes text; parents: two of them, or "". */
static const char *add(const char *kind, char *text, const char *a,
		       const char *b)
{
	const char *parents[2];
	size_t count = 0;
	struct json *body = json_parse(text, strlen(text));
	struct doc *d;

	if (*a)
		parents[count++] = a;
	if (*b)
		parents[count++] = b;
	d = body ? doc_new(kind, "test", body, parents, count) : NULL;
	if (!d)
		fail_msg("%s: %s", err_text(), text);
	free(text);
	assert_true(n < DOCS);
	docs[n++] = d;
	return d->id;
}

static const char *profile(const char *members)
{
	return add("profile",
		   mem_printf("{\"scope\":\"command\",\"goal\":\"makespan\","
			      "\"source\":\"proc\",\"target\":\"vm\","
			      "\"duration_us\":5000000,\"system\":{\"cpus\":2,"
			      "\"kernel\":\"6.18\"},\"groups\":[],"
			      "\"overhead\":{\"drops\":0}%s}",
			      members),
		   "", "");
}

#define WORKLOAD ",\"workload\":{\"name\":\"w\",\"command\":[\"./w\"]}"

static const char *policy(const char *title, const char *of)
{
	return add("policy",
		   mem_printf("{\"form\":\"params\",\"title\":\"%s\",\"why\":"
			      "\"because\",\"uses\":[],\"params\":{"
			      "\"slice_us\":%zu,\"queue\":\"global\"}}",
			      title, 1000 + n),
		   of, "");
}

#define GOAL(ratio, lo, hi)                                                   \
	"{\"name\":\"m\",\"unit\":\"s\",\"better\":\"lower\",\"baseline\":3," \
	"\"candidate\":2,\"ratio\":" ratio ",\"ci95\":[" lo "," hi            \
	"],\"pairs\":5,\"guard\":false}"

static const char *verdict(const char *of, const char *decision,
			   const char *metrics, const char *members)
{
	return add("verdict",
		   mem_printf("{\"policy\":\"%s\",\"workload\":\"w\","
			      "\"decision\":\"%s\",\"target\":\"vm\","
			      "\"kernel\":\"6.18\",\"metrics\":[%s]%s}",
			      of, decision, metrics, members),
		   of, "");
}

#define PLAIN ",\"why\":\"measured\",\"stages\":[]"

/* ---- what is made of them ---------------------------------------------- */

static void is_text(const struct buf *b)
{
	for (size_t i = 0; i < b->len;) {
		uint32_t c;
		size_t len = utf8_decode(b->data + i, b->len - i, &c);

		if (!len)
			fail_msg("no UTF-8 at byte %zu: %.40s", i, b->data + i);
		assert_true(c >= 32 || c == '\n' || c == '\t');
		i += len;
	}
}

static void tell(void)
{
	const struct reporter_opts o = {0};

	buf_release(&page);
	buf_release(&brief);
	buf_init(&page, REPORTER_MAX_BYTES);
	buf_init(&brief, REPORTER_MAX_BYTES);
	if (reporter_page((const struct doc *const *)docs, n, &o, &page) ||
	    reporter_text((const struct doc *const *)docs, n, &o, 80, &brief))
		fail_msg("%s", err_text());
	is_text(&page);
	is_text(&brief);
}

static void has(const char *words)
{
	if (!strstr(page.data, words))
		fail_msg("not on the page: %s", words);
}

static void lacks(const char *words)
{
	if (strstr(page.data, words))
		fail_msg("on the page: %s", words);
}

/* ---- answers ----------------------------------------------------------- */

static void what_came_of_it(void **state)
{
	static const struct {
		const char *state, *has, *lacks;
	} rows[] = {
		{"attached", "It was attached.  To take it back",
		 "sched-deploy &lt; story.jsonl"},
		{"detached", "has been taken off again", "To take it back"},
		{"stopped", "has been taken off again", "To take it back"},
		{"ejected", "came off before its time", "To take it back"},
		{"tripped", "came off before its time", "To take it back"},
		{"refused", "It is not deployed, so nothing has changed.",
		 "To use it"},
		{"dry-run", "It is not deployed, so nothing has changed.",
		 "To use it"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *p, *v;

		begin();
		profile(WORKLOAD);
		p = policy("one", "");
		v = verdict(p, "accepted", GOAL("1.5", "1.4", "1.6"), PLAIN);
		tell();
		has("To use it, and to take it back at any time");
		has("sched-deploy &lt; story.jsonl");
		add("deployment",
		    mem_printf("{\"policy\":\"%s\",\"verdict\":\"%s\","
			       "\"target\":\"host\",\"state\":\"%s\",\"why\":"
			       "\"so\"}",
			       p, v, rows[i].state),
		    v, p);
		tell();
		has(rows[i].has);
		lacks(rows[i].lacks);
	}
}

static void nothing_better(void **state)
{
	const char *p, *q;

	(void)state;
	begin();
	profile(WORKLOAD);
	tell();
	has("w was observed; nothing is proposed yet.");
	p = policy("one", docs[0]->id);
	tell();
	has("1 policy is proposed for w, none is measured yet.");
	has("sched-verify --target vm");
	q = policy("two", docs[0]->id);
	tell();
	has("2 policies are proposed for w, none is measured yet.");
	verdict(p, "rejected", "",
		",\"why\":\"\",\"stages\":[{\"name\":\"lint\",\"status\":"
		"\"passed\",\"seconds\":1,\"findings\":[]},{\"name\":\"build\","
		"\"status\":\"failed\",\"seconds\":1,\"findings\":[{\"rule\":"
		"\"r\",\"text\":\"it does not compile\"}]}]");
	tell();
	has("None of 1 policies for w came as far as being measured.");
	has("Nothing was changed, and there is nothing to take back.");
	has("it does not compile");
	verdict(q, "inconclusive", GOAL("1.02", "0.9", "1.1"), PLAIN);
	tell();
	has("No policy was shown to be better than the kernel&#39;s own "
	    "scheduler for w: the best of 2");
	has("The nearest policy, #2");
	lacks("The chosen policy");
}

/* Figures that are none, or have an open end. */
static void figures_that_are_odd(void **state)
{
	static const char *const rows[] = {
		GOAL("1.5", "null", "null"), GOAL("0", "0", "0"),
		GOAL("-3", "-4", "1e300"),   GOAL("1e300", "1", "1e300"),
		GOAL("1.5", "1.6", "1.4"),   "",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *p;

		begin();
		profile(WORKLOAD);
		p = policy("one", "");
		verdict(p, "accepted", rows[i], PLAIN);
		tell();
		/* What was not measured better is not said to be. */
		if (i == 1 || i == 2 || i == 5) {
			lacks("better: ");
			lacks("The chosen policy");
		}
	}
}

/* ---- how sure ---------------------------------------------------------- */

static void how_sure_it_is(void **state)
{
	static const struct {
		const char *evidence, *has, *lacks;
	} rows[] = {
		{"{}", "How sure this is", "Confirmed"},
		{"{\"confirmed\":true,\"stopped\":\"decided\"}",
		 "early: it was decided", "no</dd>"},
		{"{\"confirmed\":false,\"stopped\":\"futile\"}",
		 "early: it could no longer become better",
		 "by a separate measurement"},
		{"{\"stopped\":\"full\",\"min_effect_pct\":3,\"seed\":7,"
		 "\"runs\":12,\"warmup\":2,\"screening_pairs\":3,"
		 "\"confirmation_pairs\":4,\"order\":\"A B B A\"}",
		 "Smallest effect that counts", "early: "},
		{"{\"min_effect_pct\":1e9,\"runs\":1e300}", "Target",
		 "Smallest effect"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *more = mem_printf(PLAIN ",\"evidence\":%s,"
					      "\"invalid_runs\":1",
					rows[i].evidence);
		const char *p;

		begin();
		profile(WORKLOAD ",\"notes\":[\"one\",\"two\"]");
		p = policy("one", "");
		verdict(p, "accepted", GOAL("1.5", "1.4", "1.6"), more);
		free(more);
		tell();
		has(rows[i].has);
		lacks(rows[i].lacks);
	}
	/* Without a profile there is no machine that was observed. */
	begin();
	verdict(policy("one", ""), "accepted", GOAL("1.5", "1.4", "1.6"),
		PLAIN);
	tell();
	lacks("Kernel observed");
	lacks("What was observed");
}

/* ---- the loop ---------------------------------------------------------- */

static void how_the_loop_ended(void **state)
{
	static const struct {
		const char *members, *has, *lacks;
	} rows[] = {
		{"\"status\":\"better\",\"spent\":{\"seconds\":90,\"usd\":0.5,"
		 "\"tokens\":1,\"guest_runs\":4},\"budget\":{\"seconds\":120}",
		 "ended with something better in place", "Regret"},
		{"\"status\":\"none\",\"regret\":{\"regret_pct\":12.5,"
		 "\"best_known_ratio\":2,\"best_known\":\"%s\"}",
		 "without finding anything better", "Paid for a model"},
		{"\"status\":\"later\"", "can be resumed", "Time spent"},
		{"\"status\":\"running\"", "was still running", "USD"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *p;
		char *loop, *all;

		begin();
		profile(WORKLOAD);
		p = policy("one", "");
		verdict(p, "accepted", GOAL("1.5", "1.4", "1.6"), PLAIN);
		loop = mem_printf(rows[i].members, p);
		all = mem_printf(
			"{\"text\":\"t\",\"loop\":{\"run\":\"r\",\"workload\":"
			"\"w\",\"stopped\":\"so\",%s,\"best\":\"%s\","
			"\"rounds\":[{\"round\":1,\"seconds\":3,\"guest_runs\":"
			"2,\"expected_gain_pct\":4,\"candidates\":[{\"policy\":"
			"\"%s\",\"source\":\"rule\",\"predicted\":1.3,"
			"\"measured\":1.5,\"ci95\":[1.4,1.6],\"pairs\":5}]},"
			"{\"round\":2,\"candidates\":[],\"best\":\"%s\","
			"\"best_ratio\":1.5}]}}",
			loop, p, p, p);
		free(loop);
		add("note", all, p, "");
		tell();
		has("The loop, round by round");
		has(rows[i].has);
		lacks(rows[i].lacks);
		/* Whatever else was measured, a loop that found nothing did. */
		if (i == 1)
			lacks("The chosen policy");
		else
			has("The chosen policy, #1");
		has("a rule");
	}
}

/* ---- more than is told ------------------------------------------------- */

static void many_policies(void **state)
{
	(void)state;
	begin();
	profile(WORKLOAD);
	for (int i = 0; i < 90; i++) {
		char title[32], ratio[160];
		const char *p;

		snprintf(title, sizeof(title), "number %d", i);
		p = policy(title, docs[0]->id);
		snprintf(ratio, sizeof(ratio), GOAL("%d.5", "%d.4", "%d.6"),
			 1 + i, 1 + i, 1 + i);
		verdict(p, i % 2 ? "accepted" : "rejected", ratio, PLAIN);
	}
	tell();
	has("The chosen policy, #90");
	has("number 89");
	/* The best come first, and the rest is counted. */
	lacks("number 5<");
	has("more policies");
}

static void many_workloads(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 40; i++) {
		char *w = mem_printf(
			",\"workload\":{\"name\":\"w%02d\",\"command\":[\"x\"]}",
			i);

		profile(w);
		free(w);
	}
	tell();
	has("w00");
	lacks("w39");
	has("more");
}

/* ---- words of others --------------------------------------------------- */

/* Cut in the middle of a character, whatever its length. */
static void words_are_cut_between_characters(void **state)
{
	static const char *const chars[] = {"\xc3\xa4", "\xe2\x82\xac",
					    "\xf0\x9f\x98\x80"};

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		struct buf w;
		const char *p;
		char *text;

		begin();
		buf_init(&w, 1 << 16);
		/* Each of the bytes of one may be the last. */
		for (size_t k = 0; k < i % 4; k++)
			buf_puts(&w, "x");
		for (size_t k = 0; k < 300; k++)
			buf_puts(&w, chars[i / 4]);
		text = mem_printf(",\"workload\":{\"name\":\"%s\",\"command\":["
				  "\"%s\",\"%s\"]},\"notes\":[\"%s\"],"
				  "\"metrics\":[{\"name\":\"%s\",\"unit\":"
				  "\"%s\",\"better\":\"lower\",\"value\":3}]",
				  w.data, w.data, w.data, w.data, w.data,
				  w.data);
		profile(text);
		free(text);
		p = policy(w.data, docs[0]->id);
		text = mem_printf(",\"why\":\"%s\",\"stages\":[{\"name\":"
				  "\"run\",\"status\":\"passed\",\"seconds\":1,"
				  "\"findings\":[{\"rule\":\"r\",\"text\":"
				  "\"%s\"}]}],\"evidence\":{\"order\":\"%s\"}",
				  w.data, w.data, w.data);
		verdict(p, "accepted", GOAL("1.5", "1.4", "1.6"), text);
		free(text);
		add("note",
		    mem_printf("{\"text\":\"%s\",\"about\":\"%s\"}", w.data, p),
		    p, "");
		tell();
		buf_release(&w);
	}
}

static void nothing_to_tell(void **state)
{
	const struct reporter_opts o = {0};

	(void)state;
	begin();
	buf_init(&page, REPORTER_MAX_BYTES);
	assert_int_equal(reporter_page(NULL, 0, &o, &page), -ENODATA);
	add("error", mem_strdup("{\"code\":\"EIO\",\"text\":\"t\"}"), "", "");
	assert_int_equal(
		reporter_page((const struct doc *const *)docs, n, &o, &page),
		-ENODATA);
	/* A note alone is something. */
	add("note", mem_strdup("{\"text\":\"only this\"}"), "", "");
	tell();
	has("only this");
	/* A page that does not fit is none. */
	buf_release(&page);
	buf_init(&page, 100);
	assert_int_equal(
		reporter_page((const struct doc *const *)docs, n, &o, &page),
		-EFBIG);
}

static int tear_down(void **state)
{
	(void)state;
	begin();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_came_of_it),
		cmocka_unit_test(nothing_better),
		cmocka_unit_test(figures_that_are_odd),
		cmocka_unit_test(how_sure_it_is),
		cmocka_unit_test(how_the_loop_ended),
		cmocka_unit_test(many_policies),
		cmocka_unit_test(many_workloads),
		cmocka_unit_test(words_are_cut_between_characters),
		cmocka_unit_test(nothing_to_tell),
	};

	return cmocka_run_group_tests(tests, NULL, tear_down);
}
