/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ladder on other machines: an executor whose nodes are this process, each
 * job a call of the verifier itself, over a target on request.  All of
 * executor/executor.h is defined here, so the archive's is not linked.
 */
#include "verifier_fix.h"

#include "agents/program/program.h"

struct executor {
	int unused;
};

/* What goes wrong, and with which job: counted over all calls, from 1. */
static struct {
	int jobs, calls;
	int lost, silent, later, forged, mixed;
	int error; /* of the second call */
	/* What is done to the text of a verdict of that job. */
	void (*spoil)(struct buf *text);
	int spoilt;
} nodes;

int executor_open(const char *text, const char *program, struct executor **out)
{
	(void)text;
	(void)program;
	*out = NULL;
	return -EINVAL;
}

void executor_close(struct executor *e)
{
	(void)e;
}

const char *executor_program(const struct executor *e)
{
	(void)e;
	return "/srv/bin/sched-verify";
}

void executor_answer_release(struct executor_answer *a)
{
	free(a->why);
	free(a->out);
	free(a->said);
	*a = (struct executor_answer){0};
}

/* ---- a node ----------------------------------------------------------- */

static const char *option(const struct job_packet *p, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 1; i < p->argv.len; i++)
		if (!strncmp(p->argv.v[i], name, n) && p->argv.v[i][n] == '=')
			return p->argv.v[i] + n + 1;
	return NULL;
}

static long number(const struct job_packet *p, const char *name)
{
	const char *value = option(p, name);

	assert_non_null(value);
	return strtol(value, NULL, 10);
}

static struct verifier_opts opts_of(const struct job_packet *p)
{
	struct verifier_opts o = options();

	assert_string_equal(p->argv.v[0], "/srv/bin/sched-verify");
	assert_string_equal(p->argv.v[2], "--no-sign");
	assert_string_equal(option(p, "--target"), "vm");
	if (option(p, "--stages"))
		assert_int_equal(
			verifier_stages_parse(option(p, "--stages"), &o.stages),
			0);
	o.pairs = number(p, "--pairs");
	o.screen = number(p, "--screen");
	o.finalists = number(p, "--finalists");
	o.seed = (uint64_t)number(p, "--seed");
	o.min_effect_pct = strtod(option(p, "--min-effect"), NULL);
	o.guard_pct = strtod(option(p, "--guard"), NULL);
	return o;
}

/* A verdict that says what its figures do not, or is of other bytes. */
static struct doc *forge(const struct doc *d)
{
	struct json *body = json_copy(d->body);
	struct buf text;
	char *all;

	if (nodes.spoil && nodes.spoilt == nodes.jobs) {
		buf_init(&text, 1 << 20);
		all = json_canonical(body);
		buf_puts(&text, all);
		nodes.spoil(&text);
		free(all);
		json_free(body);
		body = parse(text.data);
		buf_release(&text);
	}
	if (nodes.forged == nodes.jobs)
		json_set_string(body, "decision", "accepted");
	if (nodes.mixed == nodes.jobs)
		json_set_string(body, "object_sha256",
				"00000000000000000000000000000000"
				"00000000000000000000000000000000");
	return doc_new("verdict", "sched-verify", body, NULL, 0);
}

static char *all_of(const struct stream *s)
{
	struct buf b;

	buf_init(&b, 1 << 24);
	for (size_t i = 0; i < stream_count(s); i++) {
		const struct doc *d = stream_at(s, i);
		bool own = !strcmp(d->kind, "verdict");
		struct doc *other = own ? forge(d) : doc_copy(d);
		char *line = doc_line(other);

		buf_puts(&b, line);
		buf_puts(&b, "\n");
		free(line);
		doc_free(other);
	}
	return buf_take(&b);
}

static void run_job(const struct job_packet *p, struct executor_answer *a)
{
	struct verifier_opts o = opts_of(p);
	struct verifier_result res;
	struct stream *s;
	int fd = memfd_create("in", 0), rc;

	assert_int_equal(write(fd, p->input, p->input_len), p->input_len);
	lseek(fd, 0, SEEK_SET);
	s = stream_open(fd, -1, "test");
	rc = verifier_verify(s, &o, &res);
	a->state = EXECUTOR_DONE;
	a->exit_status = rc ? 3 : res.accepted ? 0 : 1;
	if (nodes.later == nodes.jobs)
		a->exit_status = 4;
	a->out = nodes.silent == nodes.jobs ? mem_strdup("") : all_of(s);
	a->out_len = strlen(a->out);
	a->said = mem_strdup("sched-verify: it hurts\n");
	snprintf(a->node, sizeof(a->node), "n%d", nodes.jobs);
	stream_free(s);
	close(fd);
}

int executor_run(struct executor *e, const struct job_packet *jobs, size_t n,
		 const struct executor_watch *w,
		 struct executor_answer *answers)
{
	(void)e;
	(void)w;
	memset(answers, 0, n * sizeof(*answers));
	if (++nodes.calls == 2 && nodes.error)
		return err_set(nodes.error, "the engine cannot be reached");
	for (size_t i = 0; i < n; i++) {
		if (++nodes.jobs == nodes.lost) {
			answers[i].state = EXECUTOR_LOST;
			answers[i].why = mem_strdup("its nodes died");
			continue;
		}
		run_job(&jobs[i], &answers[i]);
	}
	return 0;
}

/* ---- the tests -------------------------------------------------------- */

static struct executor executor;

static int begin(void **state)
{
	memset(&nodes, 0, sizeof(nodes));
	return setup(state);
}

static struct verifier_opts elsewhere(void)
{
	struct verifier_opts o = options();

	o.executor = &executor;
	return o;
}

static const char *const five[] = {
	"1.0", "1.3", "0.8", "1.15", "1.6 with a tail", NULL};

static void same_decisions_as_here(void **state)
{
	struct stream *here = stream_of("", plain, five);
	struct stream *there = stream_of("", plain, five);
	struct verifier_opts o = options();
	const struct json *a, *b;

	(void)state;
	run(here, &o, 0);
	o = elsewhere();
	run(there, &o, 0);
	/* A look at each, then the finalists together. */
	assert_int_equal(nodes.jobs, 6);
	assert_int_equal(nodes.calls, 2);
	for (size_t i = 0; i < 5; i++) {
		a = verdict(here, i);
		b = verdict(there, i);
		assert_string_equal(decision(there, i),
				    json_text_at(a, "decision"));
		assert_string_equal(json_text_at(a, "policy"),
				    json_text_at(b, "policy"));
		assert_string_equal(json_text_at(a, "object_sha256"),
				    json_text_at(b, "object_sha256"));
		assert_string_equal(json_text_at(b, "kernel"), "6.18.15");
		assert_int_equal(
			json_as_number(json_path(a, "metrics.0.pairs"), 0),
			json_as_number(json_path(b, "metrics.0.pairs"), 0));
	}
	assert_string_equal(decision(there, 1), "accepted");
	assert_string_equal(word(there, 1, "evidence.node"), "n6");
	assert_string_equal(word(there, 2, "evidence.node"), "n3");
	/* Who was not chosen is told so in the same words. */
	assert_non_null(
		strstr(word(there, 2, "why"), "not among the 2 finalists"));
	/* Every run of every job. */
	assert_true(figure(there, 1, "evidence.target_runs") > 0);
	assert_int_equal(figure(there, 1, "evidence.target_runs"),
			 figure(there, 2, "evidence.target_runs"));
	stream_free(here);
	stream_free(there);
}

/* No more than finalists: there is nothing to choose. */
static void few_go_together(void **state)
{
	static const char *const titles[] = {"1.0", "1.3", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = elsewhere();

	(void)state;
	run(s, &o, 0);
	assert_int_equal(nodes.jobs, 1);
	assert_string_equal(decision(s, 0), "rejected");
	assert_string_equal(decision(s, 1), "accepted");
	stream_free(s);
}

static void what_fails_there_has_failed(void **state)
{
	static const char *const titles[] = {"refused", "1.3", "ejected", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = elsewhere();

	(void)state;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "rejected");
	assert_string_equal(word(s, 0, "stages.4.status"), "failed");
	assert_string_equal(word(s, 0, "stages.4.findings.1.file"),
			    "policy.bpf.c");
	assert_string_equal(decision(s, 1), "accepted");
	assert_string_equal(decision(s, 2), "rejected");
	/* However busy the node was. */
	assert_non_null(strstr(word(s, 2, "why"), "runnable task stall"));
	stream_free(s);
}

/* All that is said of a verdict's stages but how long they took. */
static char *stages_of(const struct json *v)
{
	struct json *all = json_copy(json_get(v, "stages"));
	char *text;

	assert_int_equal(json_len(all), STAGE_COUNT);
	json_each (stage, all)
		json_remove((struct json *)stage, "seconds");
	text = json_canonical(all);
	json_free(all);
	return text;
}

static void stages_without_runs_are_a_job_each(void **state)
{
	struct stream *here = stream_of("", plain, five);
	struct stream *there = stream_of("", plain, five);
	struct verifier_opts o = options();

	(void)state;
	o.stages = 1u << STAGE_LINT | 1u << STAGE_BUILD | 1u << STAGE_PROVE;
	run(here, &o, 0);
	o.executor = &executor;
	run(there, &o, 0);
	assert_int_equal(nodes.jobs, 5);
	for (size_t i = 0; i < 5; i++) {
		const struct json *a = verdict(here, i), *b = verdict(there, i);
		char *x = stages_of(a), *y = stages_of(b);

		assert_string_equal(x, y);
		assert_string_equal(json_text_at(a, "why"),
				    json_text_at(b, "why"));
		/* No kernel took part: wherever it was, it is the same. */
		assert_null(json_path(b, "evidence.node"));
		free(x);
		free(y);
	}
	stream_free(here);
	stream_free(there);
}

static void a_lost_look_costs_one_policy(void **state)
{
	struct stream *s = stream_of("", plain, five);
	struct verifier_opts o = elsewhere();

	(void)state;
	nodes.lost = 1;
	run(s, &o, -EAGAIN);
	assert_non_null(strstr(err_text(), "1 of 5 policies have no answer"));
	assert_string_equal(decision(s, 0), "inconclusive");
	assert_string_equal(word(s, 0, "stages.0.status"), "unknown");
	assert_non_null(strstr(word(s, 0, "stages.0.findings.0.text"),
			       "its nodes died"));
	assert_string_equal(decision(s, 1), "accepted");
	stream_free(s);
}

static void lost_finalists_are_not_accepted(void **state)
{
	struct stream *s = stream_of("", plain, five);
	struct verifier_opts o = elsewhere();

	(void)state;
	nodes.lost = 6;
	run(s, &o, -EAGAIN);
	assert_string_equal(decision(s, 1), "inconclusive");
	assert_string_equal(word(s, 1, "stages.5.status"), "unknown");
	/* What the look has shown is there. */
	assert_int_equal(figure(s, 1, "evidence.screening_pairs"), 1);
	assert_string_equal(decision(s, 2), "rejected");
	stream_free(s);
}

static void silence_is_no_verdict(void **state)
{
	struct stream *s = stream_of("", plain, five);
	struct verifier_opts o = elsewhere();

	(void)state;
	nodes.silent = 3;
	run(s, &o, -EIO);
	assert_string_equal(decision(s, 2), "inconclusive");
	assert_non_null(strstr(word(s, 2, "why"), "it hurts"));
	stream_free(s);
}

static void a_node_without_a_guest(void **state)
{
	struct stream *s = stream_of("", plain, five);
	struct verifier_opts o = elsewhere();

	(void)state;
	fake.open_error = ENOENT;
	run(s, &o, -EIO);
	assert_non_null(strstr(err_text(), "no guest kernel here"));
	assert_string_equal(decision(s, 1), "inconclusive");
	stream_free(s);
}

/* Whoever says "accepted" has to have measured it. */
static void forged_figures_are_no_answer(void **state)
{
	static const char *const titles[] = {"1.0", "0.9", "0.8", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = elsewhere();

	(void)state;
	nodes.forged = 4;
	run(s, &o, -EBADMSG);
	for (size_t i = 0; i < 3; i++)
		assert_string_not_equal(decision(s, i), "accepted");
	assert_non_null(strstr(word(s, 0, "why"), "its figures do not"));
	stream_free(s);
}

/* ---- verdicts that were altered on their way ---- */

/* The first `from` behind a mark becomes `to`. */
static void change(struct buf *b, const char *mark, const char *from,
		   const char *to)
{
	char *at = strstr(b->data, mark), *rest;

	assert_non_null(at);
	at = strstr(at, from);
	assert_non_null(at);
	rest = mem_strdup(at + strlen(from));
	b->len = (size_t)(at - b->data);
	buf_puts(b, to);
	buf_puts(b, rest);
	free(rest);
}

/* The number of a key; of the first one. */
static void change_number(struct buf *b, const char *key, const char *to)
{
	char *name = mem_printf("\"%s\":", key), *at, old[64];

	at = strstr(b->data, name);
	assert_non_null(at);
	at += strlen(name);
	snprintf(old, sizeof(old), "%.*s", (int)strcspn(at, ",}"), at);
	change(b, name, old, to);
	free(name);
}

static void lacks_a_stage(struct buf *b)
{
	change(b, "\"stages\"", "\"name\":\"lint\"", "\"name\":\"run\"");
}

static void of_another_metric(struct buf *b)
{
	change(b, "\"metrics\"", "\"name\":\"tail\"", "\"name\":\"fail\"");
}

static void a_sample_too_many(struct buf *b)
{
	change(b, "\"metrics\"", "\"candidate\":[", "\"candidate\":[10,");
}

static void another_stage_failed(struct buf *b)
{
	change(b, "\"stages\"", "\"status\":\"passed\"",
	       "\"status\":\"failed\"");
}

static void nothing_confirmed_it(struct buf *b)
{
	change_number(b, "confirmation_pairs", "0");
}

static void all_of_it_confirms_it(struct buf *b)
{
	change_number(b, "confirmation_pairs", "99");
}

static void more_than_can_be_confirm_it(struct buf *b)
{
	change_number(b, "confirmation_pairs", "1e300");
}

/* Each sample under the policy of a metric gets a 9 in front of it. */
static void slow_down(struct buf *b, const char *metric)
{
	char *at = strstr(b->data, metric), *end, *rest;

	assert_non_null(at);
	at = strstr(at, "\"candidate\":[");
	assert_non_null(at);
	at = strchr(at, '[');
	rest = mem_strdup(at);
	end = strchr(rest, ']');
	b->len = (size_t)(at - b->data);
	for (const char *c = rest; *c; c++) {
		buf_add(b, c, 1);
		if (c < end && (*c == '[' || *c == ','))
			buf_puts(b, "9");
	}
	free(rest);
}

static void it_was_slower(struct buf *b)
{
	slow_down(b, "\"name\":\"makespan\"");
}

static void a_guard_failed(struct buf *b)
{
	slow_down(b, "\"name\":\"tail\"");
}

static void altered_verdicts_are_no_answer(void **state)
{
	static const struct {
		void (*spoil)(struct buf *text);
		bool look;
		const char *says; /* NULL: nothing was altered */
	} rows[] = {
		{lacks_a_stage, true, "lacks the stage lint"},
		{of_another_metric, true, "its figures of 'tail' do not fit"},
		{a_sample_too_many, true, "its figures of 'makespan' do not"},
		{NULL, false, NULL},
		{of_another_metric, false, "its figures of 'tail' do not fit"},
		{another_stage_failed, false, "its figures do not"},
		{nothing_confirmed_it, false, "its figures do not"},
		{all_of_it_confirms_it, false, "its figures do not"},
		{more_than_can_be_confirm_it, false, "its figures do not"},
		{it_was_slower, false, "its figures do not"},
		{a_guard_failed, false, "its figures do not"},
	};
	/* Few of them go together, without a look at each. */
	static const char *const one[] = {"1.3", NULL}, *const three[] = {
								"1.3", "0.9",
								"0.8", NULL};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct verifier_opts o = elsewhere();
		struct stream *s;

		teardown(state);
		begin(state);
		nodes.spoil = rows[i].spoil;
		nodes.spoilt = 1;
		/* What takes a second of each policy is needed to accept it. */
		if (rows[i].look)
			o.stages = WITHOUT_SIM;
		s = stream_of("", plain, rows[i].look ? three : one);
		run(s, &o, rows[i].says ? -EBADMSG : 0);
		if (!rows[i].says) {
			assert_string_equal(decision(s, 0), "accepted");
		} else {
			assert_string_equal(decision(s, 0), "inconclusive");
			assert_non_null(
				strstr(word(s, 0, "why"), rows[i].says));
		}
		stream_free(s);
	}
}

static void another_installation_is_noticed(void **state)
{
	struct stream *s = stream_of("", plain, five);
	struct verifier_opts o = elsewhere();

	(void)state;
	nodes.mixed = 6;
	run(s, &o, -EBADMSG);
	assert_string_equal(decision(s, 1), "inconclusive");
	assert_non_null(strstr(word(s, 1, "why"), "same installation"));
	stream_free(s);
}

static void an_engine_that_goes_away(void **state)
{
	struct stream *s = stream_of("", plain, five);
	struct verifier_opts o = elsewhere();

	(void)state;
	nodes.error = EAGAIN;
	run(s, &o, -EAGAIN);
	assert_string_equal(decision(s, 1), "inconclusive");
	assert_non_null(strstr(word(s, 1, "why"), "cannot be reached"));
	stream_free(s);
}

/* What a node does for a look: not the bound, no pairs, no confirmation. */
static void a_look_is_no_more(void **state)
{
	static const char *const titles[] = {"1.3", NULL};
	struct stream *s = stream_of("\"bound\":[\"bound\"],", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	o.finalists = 0;
	run(s, &o, 0);
	assert_string_equal(fake.order, "AA3");
	assert_string_equal(decision(s, 0), "inconclusive");
	assert_non_null(strstr(word(s, 0, "why"), "only looked at"));
	assert_string_equal(word(s, 0, "stages.5.status"), "unknown");
	assert_int_equal(figure(s, 0, "metrics.0.pairs"), 1);
	stream_free(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(same_decisions_as_here),
		TEST(few_go_together),
		TEST(what_fails_there_has_failed),
		TEST(stages_without_runs_are_a_job_each),
		TEST(a_lost_look_costs_one_policy),
		TEST(lost_finalists_are_not_accepted),
		TEST(silence_is_no_verdict),
		TEST(a_node_without_a_guest),
		TEST(forged_figures_are_no_answer),
		TEST(altered_verdicts_are_no_answer),
		TEST(another_installation_is_noticed),
		TEST(an_engine_that_goes_away),
		TEST(a_look_is_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
