/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run of the loop keeps, what it reads out of its documents, and the
 * note in which it tells what it did. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/loop/parts.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/temp.h"

#define KEY "0123456789abcdef"

static char home[] = "/tmp/schedkit-loop.XXXXXX";

static void put(const char *name, const char *text)
{
	char *path = mem_printf("%s/schedkit/loops/" KEY "/%s", home, name);
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	free(path);
}

static struct doc *document(const char *kind, const char *text)
{
	struct json *body = json_parse(text, strlen(text));
	struct doc *d = body ? doc_new(kind, "test", body, NULL, 0) : NULL;

	if (!d)
		fail_msg("%s: %s", err_text(), text);
	return d;
}

/* ---- what is kept ------------------------------------------------------ */

static void states_that_are_damaged(void **state)
{
	static const char *const rows[] = {"",	"{",	"[]",
					   "7", "null", "{\"run\":1}{}"};
	struct loop_state s;
	struct json *v;
	bool alive;

	(void)state;
	assert_int_equal(loop_state_open(KEY, &s), 0);
	loop_state_close(&s);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc;

		put("state.json", rows[i]);
		rc = loop_state_open(KEY, &s);
		if (rc != -EBADMSG ||
		    !strstr(err_text(), "damaged (remove it to begin anew)"))
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
		assert_int_equal(loop_state_look(KEY, &v, &alive), -EBADMSG);
		assert_null(v);
		assert_false(alive);
	}
	put("state.json", "{}");
}

static void one_at_a_time(void **state)
{
	struct loop_state s, other;
	struct json *v;
	bool alive;

	(void)state;
	put("lock", "4711\n");
	assert_int_equal(loop_state_open(KEY, &s), 0);
	assert_true(s.last_alive > 0);
	assert_int_equal(loop_state_open(KEY, &other), -EAGAIN);
	assert_non_null(strstr(err_text(), "(process "));
	json_set_string(s.body, "run", "r");
	json_set_string(s.body, "status", "running");
	assert_int_equal(loop_state_save(&s), 0);
	assert_int_equal(loop_state_look(KEY, &v, &alive), 0);
	assert_true(alive);
	assert_true(loop_state_unfinished(v));
	json_free(v);
	loop_state_beat(&s);
	loop_state_close(&s);
	/* Closed, it is one that never was. */
	loop_state_beat(&s);
	loop_state_close(&s);
	assert_int_equal(loop_state_look(KEY, &v, &alive), 0);
	assert_false(alive);
	assert_string_equal(json_text_at(v, "run"), "r");
	json_free(v);
	/* Whoever has it did not get to say who. */
	assert_int_equal(loop_state_open(KEY, &s), 0);
	put("lock", "");
	assert_int_equal(loop_state_open(KEY, &other), -EAGAIN);
	assert_non_null(strstr(err_text(), "(process ?)"));
	loop_state_close(&s);
}

/* Half a phase is as good as none of it; less than what counted is damage. */
static void what_counts_of_the_documents(void **state)
{
	struct doc *d = document("note", "{\"text\":\"t\"}");
	struct loop_state s;
	struct stat st;
	off_t one;

	(void)state;
	assert_int_equal(loop_state_open(KEY, &s), 0);
	assert_int_equal(loop_state_clear(&s), 0);
	assert_int_equal(loop_state_append(&s, d), 0);
	assert_int_equal(loop_state_save(&s), 0);
	assert_int_equal(fstat(loop_state_fd(&s), &st), 0);
	one = st.st_size;
	assert_int_equal(loop_state_append(&s, d), 0);
	loop_state_close(&s);
	assert_int_equal(loop_state_open(KEY, &s), 0);
	assert_int_equal(loop_state_cut(&s), 0);
	assert_int_equal(fstat(loop_state_fd(&s), &st), 0);
	assert_int_equal(st.st_size, one);
	assert_int_equal(loop_state_cut(&s), 0);
	json_set_number(s.body, "bytes", (double)one + 1);
	assert_int_equal(loop_state_cut(&s), -EBADMSG);
	assert_non_null(strstr(err_text(), "is shorter than it was"));
	/* There are no fewer than none. */
	json_set_number(s.body, "bytes", -1);
	assert_int_equal(loop_state_cut(&s), -EBADMSG);
	assert_int_equal(loop_state_clear(&s), 0);
	assert_int_equal(loop_state_clear(&s), 0);
	assert_int_equal(fstat(loop_state_fd(&s), &st), 0);
	assert_int_equal(st.st_size, 0);
	loop_state_close(&s);
	doc_free(d);
}

/* ---- a run ------------------------------------------------------------- */

struct world {
	struct loop_opts o;
	struct loop l;
	char profile[DOC_ID_LEN], policy[DOC_ID_LEN], other[DOC_ID_LEN];
	char verdict[DOC_ID_LEN];
};

static void emit(struct world *w, const char *kind, char *text, char *id)
{
	struct doc *d = document(kind, text);

	if (id)
		strcpy(id, d->id);
	assert_int_equal(stream_emit(w->l.s, d), 0);
	free(text);
}

#define POLICY                                                             \
	"{\"form\":\"params\",\"title\":\"%s\",\"why\":\"w\",\"uses\":[]," \
	"\"params\":{\"slice_us\":%d}}"
#define VERDICT                                                            \
	"{\"policy\":\"%s\",\"decision\":\"%s\",\"why\":\"w\",\"target\":" \
	"\"vm\",\"kernel\":\"6.18\",\"workload\":\"w\",\"stages\":[],"     \
	"\"metrics\":[%s]%s}"
#define GUARD                                                            \
	"{\"name\":\"g\",\"unit\":\"s\",\"baseline\":1,\"candidate\":1," \
	"\"ratio\":9,\"ci95\":[8,9],\"pairs\":1,\"guard\":true}"
#define GOAL                                                             \
	"{\"name\":\"m\",\"unit\":\"s\",\"baseline\":3,\"candidate\":2," \
	"\"ratio\":1.5,\"ci95\":[1.4,1.6],\"pairs\":7,\"guard\":false}"

static void begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->o.target = "vm";
	w->l.o = &w->o;
	w->l.s = stream_open(-1, -1, "test");
	assert_int_equal(loop_state_open(KEY, &w->l.state), 0);
	assert_int_equal(loop_state_clear(&w->l.state), 0);
}

static void end(struct world *w)
{
	loop_free_rounds(&w->l);
	loop_state_close(&w->l.state);
	stream_free(w->l.s);
}

/* A plan of two policies, one of which was judged. */
static void story(struct world *w, const char *decision, const char *metrics,
		  const char *more)
{
	char plan[DOC_ID_LEN];
	struct json *row, *list;

	emit(w, "policy", mem_printf(POLICY, "one", 1), w->policy);
	emit(w, "policy", mem_printf(POLICY, "two", 2), w->other);
	emit(w, "verdict",
	     mem_printf(VERDICT, w->policy, decision, metrics, more),
	     w->verdict);
	/* Of a plan that is read with leniency: it is not in the stream. */
	memset(plan, 'a', DOC_ID_LEN - 1);
	plan[DOC_ID_LEN - 1] = '\0';
	list = json_set(w->l.state.body, "rounds", json_array());
	row = json_add(list, json_object());
	json_add(json_set(row, "plans", json_array()), json_string(plan));
	list = json_set(row, "policies", json_array());
	json_add(list, json_string(w->policy));
	json_add(list, json_string(w->other));
	list = json_set(row, "verdicts", json_array());
	json_add(list, json_string(plan));
	json_add(list, json_string(w->verdict));
	json_set_bool(row, "judged", true);
	json_set_number(row, "seconds", 12);
	json_set_number(row, "guest_runs", 3);
	loop_read_rounds(&w->l);
}

static void what_verdicts_say(void **state)
{
	static const struct {
		const char *decision, *metrics, *more;
		enum loop_judgement judgement;
		double measured, gap;
		bool pareto;
	} rows[] = {
		{"accepted", GUARD "," GOAL, "", LOOP_ACCEPTED, 1.5, NAN,
		 false},
		{"rejected", GUARD, ",\"bound\":{\"gap_closed_pct\":40}",
		 LOOP_REJECTED, NAN, 40, false},
		{"inconclusive", "", ",\"evidence\":{\"pareto\":true}",
		 LOOP_INCONCLUSIVE, NAN, NAN, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct loop_try *t;
		struct world w;

		begin(&w);
		story(&w, rows[i].decision, rows[i].metrics, rows[i].more);
		assert_int_equal(w.l.n, 1);
		assert_int_equal(w.l.rounds[0].n, 2);
		assert_true(w.l.rounds[0].planned && w.l.rounds[0].judged);
		t = &w.l.rounds[0].tries[0];
		assert_int_equal(t->judgement, rows[i].judgement);
		assert_true(isnan(rows[i].measured)
				    ? isnan(t->measured)
				    : fabs(t->measured - rows[i].measured) <
					      1e-9);
		assert_true(isnan(rows[i].gap)
				    ? isnan(t->gap_closed_pct)
				    : fabs(t->gap_closed_pct - 40) < 1e-9);
		assert_int_equal(t->pareto, rows[i].pareto);
		/* The other one was not judged. */
		assert_int_equal(w.l.rounds[0].tries[1].judgement,
				 LOOP_UNJUDGED);
		assert_string_equal(w.l.rounds[0].tries[1].verdict, "");
		end(&w);
	}
}

static double at(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), -1);
}

static void the_note_of_a_find(void **state)
{
	struct world w;
	struct doc *d;

	(void)state;
	begin(&w);
	w.o.budget = (struct loop_budget){.seconds = 60, .rounds = 3};
	w.l.spent = (struct loop_spent){.seconds = 12, .sim_runs = 5};
	snprintf(w.l.why, sizeof(w.l.why), "so");
	story(&w, "accepted", GUARD "," GOAL,
	      ",\"evidence\":{\"pareto\":true}");
	d = loop_note(&w.l, "better");
	assert_non_null(d);
	assert_string_equal(
		json_text_at(d->body, "text"),
		"'one' is 1.50 times as good as the kernel's own scheduler "
		"(95 % interval 1.40 to 1.60), found in 1 round: so");
	assert_string_equal(json_text_at(d->body, "about"), w.policy);
	assert_string_equal(json_text_at(d->body, "loop.best"), w.policy);
	assert_string_equal(json_text_at(d->body, "loop.verdict"), w.verdict);
	assert_true(doc_has_parent(d, w.policy));
	assert_int_equal(doc_parent_count(d), 1);
	assert_null(json_path(d->body, "loop.workload"));
	assert_null(json_path(d->body, "loop.regret"));
	assert_true(at(d->body, "loop.rounds.0.best_ratio") == 1.5);
	assert_true(at(d->body, "loop.rounds.0.candidates.0.pairs") == 7);
	assert_true(json_as_bool(
		json_path(d->body, "loop.rounds.0.candidates.0.pareto"),
		false));
	/* What there is no figure of has none. */
	assert_null(json_path(d->body, "loop.rounds.0.candidates.1.ci95"));
	assert_null(json_path(d->body, "loop.rounds.0.candidates.1.decision"));
	assert_null(json_path(d->body, "loop.rounds.0.expected_gain_pct"));
	assert_true(at(d->body, "loop.budget.seconds") == 60);
	assert_null(json_path(d->body, "loop.budget.usd"));
	assert_true(at(d->body, "loop.spent.sim_runs") == 5);
	doc_free(d);
	end(&w);
}

static void the_note_of_nothing(void **state)
{
	struct world w;
	struct doc *d;

	(void)state;
	begin(&w);
	snprintf(w.l.why, sizeof(w.l.why), "so");
	story(&w, "rejected", GOAL, "");
	d = loop_note(&w.l, "none");
	assert_string_equal(json_text_at(d->body, "text"),
			    "nothing better than the kernel's own scheduler "
			    "was found in 1 round: so");
	assert_null(json_get(d->body, "about"));
	assert_null(json_path(d->body, "loop.rounds.0.best"));
	assert_int_equal(doc_parent_count(d), 0);
	doc_free(d);
	end(&w);
}

static void what_it_cost(void **state)
{
	double usd, tokens;
	long target, simulated;
	struct world w;

	(void)state;
	begin(&w);
	emit(&w, "note",
	     mem_strdup("{\"text\":\"t\",\"accounts\":{\"a\":{\"cost_usd\":0.5,"
			"\"tokens_in\":10,\"tokens_out\":5},\"b\":{"
			"\"cost_usd\":0.25}}}"),
	     NULL);
	story(&w, "accepted", GOAL,
	      ",\"evidence\":{\"target_runs\":14},\"simulation\":{\"seeds\":3}");
	emit(&w, "verdict",
	     mem_printf(VERDICT, w.other, "rejected", "",
			",\"evidence\":{\"target_runs\":9},\"simulation\":"
			"{\"seeds\":2}"),
	     NULL);
	loop_read_cost(w.l.s, 0, &usd, &tokens);
	assert_true(usd == 0.75 && tokens == 15);
	loop_read_cost(w.l.s, 1, &usd, &tokens);
	assert_true(usd == 0 && tokens == 0);
	/* Each verdict of one call has the figure of all of it. */
	loop_read_runs(w.l.s, 0, &target, &simulated);
	assert_true(target == 14 && simulated == 5);
	end(&w);
}

static void what_is_to_be_decided_by(void **state)
{
	volatile sig_atomic_t cancelled = 1;
	struct loop_view v;
	struct world w;

	(void)state;
	begin(&w);
	loop_read_view(&w.l, &v);
	assert_true(!v.observed && !v.interrupted && v.n == 0);
	w.o.once = true;
	w.o.cancel = &cancelled;
	loop_read_view(&w.l, &v);
	assert_true(v.interrupted && v.budget.rounds == 1);
	cancelled = 0;
	story(&w, "accepted", GOAL, "");
	loop_read_view(&w.l, &v);
	assert_true(!v.interrupted && v.budget.rounds == 1 && v.n == 1);
	end(&w);
}

/* ---- bounds of what is decided ----------------------------------------- */

static void times_and_goals_at_their_bounds(void **state)
{
	static const struct {
		const char *text;
		int rc;
		double seconds;
	} times[] = {
		{"time=90s", 0, 90},	   {"time=2h", 0, 7200},
		{"time=1.5m", 0, 90},	   {"time=7", 0, 7},
		{"time=7d", -EINVAL, 0},   {"time=", -EINVAL, 0},
		{"time", -EINVAL, 0},	   {"time=-1", -EINVAL, 0},
		{"time=1e12", -EINVAL, 0}, {"time=nan", -EINVAL, 0},
		{"tim=7", -EINVAL, 0},	   {"usd=1x", -EINVAL, 0},
		{"use=1", -EINVAL, 0},	   {"tokens=5s", -EINVAL, 0},
		{"takens=5", -EINVAL, 0},  {"time=1,,time=3", 0, 3},
		{"time=1,x", -EINVAL, 1},  {"", 0, 0},
	};
	static const struct {
		const char *text, *name;
		int rc;
	} goals[] = {
		{":1.3", NULL, 0},	  {"a:b:1.3", "a:b", 0},
		{"a:1", NULL, -EINVAL},	  {"a:", NULL, -EINVAL},
		{"a:1e7", NULL, -EINVAL}, {"a:1.3x", NULL, -EINVAL},
		{"a:inf", NULL, -EINVAL}, {"", "", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct loop_budget b = {0};

		if (loop_budget_parse(times[i].text, &b) != times[i].rc ||
		    fabs(b.seconds - times[i].seconds) > 1e-9)
			fail_msg("'%s': %g s", times[i].text, b.seconds);
	}
	for (size_t i = 0; i < ARRAY_LEN(goals); i++) {
		double ratio;
		char *name;
		int rc = loop_goal_parse(goals[i].text, &name, &ratio);

		if (rc != goals[i].rc ||
		    strcmp(name ? name : "-",
			   goals[i].name ? goals[i].name : "-"))
			fail_msg("'%s': %d '%s'", goals[i].text, rc,
				 name ? name : "-");
		free(name);
	}
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(home))
		return -1;
	return setenv("XDG_STATE_HOME", home, 1);
}

static int tear_down(void **state)
{
	(void)state;
	temp_clear(home);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_that_are_damaged),
		cmocka_unit_test(one_at_a_time),
		cmocka_unit_test(what_counts_of_the_documents),
		cmocka_unit_test(what_verdicts_say),
		cmocka_unit_test(the_note_of_a_find),
		cmocka_unit_test(the_note_of_nothing),
		cmocka_unit_test(what_it_cost),
		cmocka_unit_test(what_is_to_be_decided_by),
		cmocka_unit_test(times_and_goals_at_their_bounds),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
