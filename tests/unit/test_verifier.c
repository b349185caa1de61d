/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ladder and the evidence rules, over a target on request. */
#include "verifier_fix.h"

#include "base/temp.h"

static void better_is_accepted(void **state)
{
	static const char *const titles[] = {"1.3", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "accepted");
	/* Warm-up, a dropped round, five pairs, three that confirm. */
	assert_string_equal(fake.order, "AA3A33AA33AA3A33AA3");
	assert_int_equal(figure(s, 0, "metrics.0.pairs"), 8);
	assert_true(fabs(figure(s, 0, "metrics.0.ratio") - 1.3) < 0.03);
	assert_string_equal(word(s, 0, "kernel"), "6.18.15");
	stream_free(s);
}

/* What is accepted, and nothing else, is signed by a key that is made then;
 * what cannot be signed is as good a verdict as before. */
static void accepted_is_signed(void **state)
{
	static const char *const titles[] = {"1.3", "1.0", NULL};
	struct signer_opts so = {.days = 1, .make_first = true};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();
	struct verifier_result res;
	struct temp temp;

	(void)state;
	assert_int_equal(temp_make("/tmp", "schedkit-verifier-", &temp), 0);
	setenv("XDG_CONFIG_HOME", temp.dir, 1);
	o.signer = signer_new(&so);
	assert_int_equal(verifier_verify(s, &o, &res), 0);
	assert_int_equal(res.unsigned_, 0);
	assert_true(signer_made_key(o.signer));
	assert_string_equal(word(s, 0, "signature.statement.key"),
			    signer_key(o.signer)->id);
	assert_null(json_get(verdict(s, 1), "signature"));
	signer_free(o.signer);
	stream_free(s);
	setenv("XDG_CONFIG_HOME", "/dev/null", 1);
	s = stream_of("", plain, titles);
	o.signer = signer_new(&so);
	assert_int_equal(verifier_verify(s, &o, &res), 0);
	assert_int_equal(res.accepted, 1);
	assert_int_equal(res.unsigned_, 1);
	assert_non_null(strstr(res.why, "/dev/null"));
	assert_null(json_get(verdict(s, 0), "signature"));
	signer_free(o.signer);
	stream_free(s);
	temp_remove(&temp);
}

static void equal_is_rejected(void **state)
{
	static const char *const titles[] = {"1.0", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "rejected");
	assert_string_equal(word(s, 0, "stages.5.status"), "failed");
	stream_free(s);
}

static void guard_blocks(void **state)
{
	static const char *const titles[] = {"1.5 with a tail", NULL};
	char tail[] = "tail";
	struct verifier_guard guard = {tail, 200};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "rejected");
	assert_string_equal(word(s, 0, "stages.5.findings.0.rule"), "guard");
	stream_free(s);
	/* Twice the tail is within 200 %. */
	s = stream_of("", plain, titles);
	o.guards = &guard;
	o.guard_count = 1;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "accepted");
	stream_free(s);
}

/* A guard that got worse within its bound is a price, and is named. */
static void conflicts_are_named(void **state)
{
	static const char *const titles[] = {"1.5 with a tail", "1.4", NULL};
	char tail[] = "tail";
	struct verifier_guard guard = {tail, 200};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();
	const char *why;

	(void)state;
	o.stages = WITHOUT_SIM;
	o.guards = &guard;
	o.guard_count = 1;
	run(s, &o, 0);
	decision(s, 0);
	why = word(s, 0, "why");
	assert_non_null(strstr(why, "the goals conflict: makespan 1."));
	assert_non_null(strstr(why, "tail 0."));
	why = word(s, 1, "why");
	assert_null(strstr(why, "conflict"));
	for (size_t i = 0; i < 2; i++)
		assert_true(json_as_bool(
			json_path(verdict(s, i), "evidence.pareto"), false));
	stream_free(s);
}

static void outdone_is_not_on_the_front(void **state)
{
	static const char *const titles[] = {"1.5", "1.2", "0.9", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	o.stages = WITHOUT_SIM;
	o.finalists = 3;
	run(s, &o, 0);
	for (size_t i = 0; i < 3; i++) {
		const struct json *p =
			json_path(verdict(s, i), "evidence.pareto");

		assert_non_null(p);
		assert_int_equal(json_as_bool(p, false), i == 0);
	}
	stream_free(s);
}

/* ---- rungs and looks ---- */

static size_t count(char c)
{
	size_t n = 0;

	for (const char *p = fake.order; *p; p++)
		n += *p == c;
	return n;
}

/* Eight, four, two; the first rung with the smaller command. */
static void halving_keeps_the_winner(void **state)
{
	static const char *const titles[] = {"1.0", "1.1", "1.2", "1.9", "1.3",
					     "1.4", "1.5", "0.8", NULL};
	struct stream *s = stream_of("\"short\":[\"short\"],", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	o.stages = WITHOUT_SIM;
	o.halving = true;
	run(s, &o, 0);
	print_message("%s\n", fake.order);
	assert_string_equal(decision(s, 3), "inconclusive");
	assert_string_equal(word(s, 3, "evidence.stopped"), "full");
	/* Warm-up, all eight small, two rounds of four, five pairs of two. */
	assert_int_equal(fake.shorts, 9);
	assert_memory_equal(fake.order, "AA01293450", 10);
	assert_int_equal(count('1'), 1);
	assert_int_equal(count('9'), 1 + 2 + 5);
	assert_int_equal(figure(s, 3, "evidence.screening_pairs"), 2);
	assert_int_equal(figure(s, 3, "evidence.target_runs"), 1 + 9 + 10 + 15);
	assert_non_null(strstr(word(s, 7, "why"), "of the short command"));
	stream_free(s);
}

static void rungs_for_one_are_left_out(void **state)
{
	static const char *const titles[] = {"1.0", "1.1", "1.2", "1.3",
					     "1.4", "1.5", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	o.stages = WITHOUT_SIM;
	o.halving = true;
	run(s, &o, 0);
	assert_string_equal(word(s, 5, "evidence.stopped"), "full");
	assert_int_equal(figure(s, 0, "evidence.target_runs"), 1 + 7 + 15);
	stream_free(s);
}

static void clear_effects_end_early(void **state)
{
	static const char *const titles[] = {"1.3", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	o.halving = o.sequential = true;
	o.pairs = 12;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "accepted");
	assert_string_equal(word(s, 0, "evidence.stopped"), "decided");
	assert_int_equal(figure(s, 0, "metrics.0.pairs"), 5 + 3);
	assert_int_equal(json_len(json_path(verdict(s, 0), "metrics.0.samples."
							   "candidate")),
			 8);
	assert_int_equal(figure(s, 0, "evidence.target_runs"), 1 + 16);
	stream_free(s);
}

static void nothing_ends_earlier(void **state)
{
	static const char *const titles[] = {"1.0", "0.7", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	o.halving = o.sequential = true;
	o.stages = WITHOUT_SIM;
	o.pairs = 12;
	run(s, &o, 0);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(decision(s, i), "rejected");
		assert_string_equal(word(s, i, "evidence.stopped"), "futile");
		assert_true(figure(s, i, "metrics.0.pairs") <= 4);
	}
	stream_free(s);
}

/* The first run of a rung is the first load: no other one is made. */
static void rungs_load_by_running(void **state)
{
	static const char *const titles[] = {"refused", "1.3", "ejected", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	o.stages = WITHOUT_SIM;
	o.halving = true;
	fake.refuse_work = true;
	run(s, &o, 0);
	assert_int_equal(fake.loads, 0);
	assert_string_equal(decision(s, 0), "rejected");
	assert_string_equal(word(s, 0, "stages.4.status"), "failed");
	assert_string_equal(word(s, 0, "stages.4.findings.1.file"),
			    "policy.bpf.c");
	assert_string_equal(word(s, 0, "stages.5.status"), "skipped");
	assert_string_equal(decision(s, 1), "inconclusive");
	assert_string_equal(word(s, 1, "stages.4.status"), "passed");
	assert_string_equal(decision(s, 2), "rejected");
	assert_string_equal(word(s, 2, "stages.4.status"), "passed");
	assert_string_equal(word(s, 2, "stages.5.status"), "failed");
	stream_free(s);
}

static void only_new_ones_are_measured(void **state)
{
	static const char *const titles[] = {"1.3", "1.0", NULL};
	struct stream *s = stream_of("", plain, titles), *again;
	struct verifier_opts o = options();
	struct verifier_result res;
	int fd = memfd_create("story", 0);

	(void)state;
	run(s, &o, 0);
	for (size_t i = 0; i < stream_count(s); i++) {
		char *line = doc_line(stream_at(s, i));

		dprintf(fd, "%s\n", line);
		free(line);
	}
	stream_free(s);
	o.only_new = true;
	lseek(fd, 0, SEEK_SET);
	again = stream_open(fd, -1, "test");
	fake.loads = fake.opens = 0;
	assert_int_equal(verifier_verify(again, &o, &res), 0);
	assert_int_equal(fake.opens + fake.loads, 0);
	assert_int_equal(res.verdicts, 0);
	assert_int_equal(res.accepted, 1);
	stream_free(again);
	/* Another effect is another question. */
	o.stages = WITHOUT_SIM;
	o.min_effect_pct = 1;
	lseek(fd, 0, SEEK_SET);
	again = stream_open(fd, -1, "test");
	assert_int_equal(verifier_verify(again, &o, &res), 0);
	assert_int_equal(res.verdicts, 2);
	stream_free(again);
	close(fd);
}

static void lost_runs_are_cut_off(void **state)
{
	static const char *const titles[] = {"1.3", "0.4", "1.2", NULL};
	struct verifier_opts o = options();
	struct stream *s;

	(void)state;
	fake.only_wall = true;
	s = stream_of("", plain, titles);
	o.stages = WITHOUT_SIM;
	o.halving = true;
	run(s, &o, 0);
	assert_string_equal(decision(s, 1), "rejected");
	assert_string_equal(word(s, 1, "stages.5.findings.0.rule"), "cut-off");
	/* 1.25 times ten seconds and a half. */
	assert_true(fabs(figure(s, 1, "metrics.0.candidate") - 13) < 0.3);
	assert_string_equal(word(s, 0, "evidence.stopped"), "full");
	stream_free(s);
	/* Without rungs everything runs to its end. */
	s = stream_of("", plain, titles);
	o.halving = false;
	run(s, &o, 0);
	assert_true(figure(s, 1, "metrics.0.candidate") > 20);
	stream_free(s);
}

/* One look is too little to strike off what the plan puts first. */
static void first_of_the_plan_stays(void **state)
{
	static const char *const titles[] = {"1.01", "1.3", "1.2", "1.25",
					     NULL};
	struct verifier_opts o = options();
	struct stream *s;

	(void)state;
	s = stream_of("", plain, titles);
	o.stages = WITHOUT_SIM;
	o.halving = true;
	run(s, &o, 0);
	assert_true(figure(s, 0, "metrics.0.pairs") > 2);
	assert_true(figure(s, 1, "metrics.0.pairs") > 2);
	assert_true(figure(s, 2, "metrics.0.pairs") <= 2);
	stream_free(s);
}

static void unknown_guard_is_an_error(void **state)
{
	static const char *const titles[] = {"1.3", NULL};
	char tail[] = "tial";
	struct verifier_guard guard = {tail, 20};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	o.guards = &guard;
	o.guard_count = 1;
	run(s, &o, -EBADMSG);
	assert_non_null(strstr(err_text(), "tial"));
	stream_free(s);
}

static void finalists_are_the_best(void **state)
{
	static const char *const titles[] = {"1.1", "1.4", "1.2",
					     "1.3 with a tail", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "rejected");
	assert_string_equal(decision(s, 1), "accepted");
	/* Better, but not confirmed: the other was. */
	assert_string_equal(decision(s, 2), "inconclusive");
	assert_string_equal(decision(s, 3), "rejected");
	assert_int_equal(figure(s, 0, "metrics.0.pairs"), 1);
	assert_int_equal(figure(s, 2, "metrics.0.pairs"), 5);
	stream_free(s);
}

static void failures_are_the_policys(void **state)
{
	static const char *const titles[] = {"ejected", "lost", "timeout",
					     "refused", "mute", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();
	static const char *const wanted[] = {"rejected", "rejected", "rejected",
					     "rejected", "inconclusive"};

	(void)state;
	o.screen = 0;
	run(s, &o, 0);
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		assert_string_equal(decision(s, i), wanted[i]);
	assert_string_equal(word(s, 3, "stages.4.findings.1.file"),
			    "policy.bpf.c");
	assert_int_equal(figure(s, 3, "stages.4.findings.1.line"), 123);
	assert_string_equal(word(s, 3, "stages.5.status"), "skipped");
	assert_true(figure(s, 4, "invalid_runs") >= 3);
	stream_free(s);
}

/* A command that fails now and then under the baseline costs runs, not
 * truth; one that fails every other time allows no verdict. */
static void invalid_runs_are_counted(void **state)
{
	static const char *const titles[] = {"1.3", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	fake.fail_base_every = 5;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "accepted");
	assert_int_equal(figure(s, 0, "invalid_runs"), 2);
	stream_free(s);
	s = stream_of("", plain, titles);
	fake.fail_base_every = 2;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "inconclusive");
	stream_free(s);
	s = stream_of("", plain, titles);
	fake.fail_base_every = 1;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "inconclusive");
	assert_non_null(strstr(word(s, 0, "why"), "status 7"));
	stream_free(s);
}

static void bound_is_interleaved(void **state)
{
	static const char *const titles[] = {"1.25", NULL};
	struct stream *s = stream_of("\"bound\":[\"bound\"],", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "accepted");
	assert_string_equal(fake.order, "AA2A2LL2AA2LL2AA2LA22AA2");
	/* From 10 to 8 of at best 6. */
	assert_true(fabs(figure(s, 0, "bound.gap_closed_pct") - 50) < 5);
	stream_free(s);
}

static void identities_have_a_control(void **state)
{
	static const char *const titles[] = {"1.01", NULL};
	static const char extra[] =
		",\"uses\":[\"learned_identity\"],\"identities\":["
		"{\"hash\":\"00000000000000aa\",\"expect_us\":9000000},"
		"{\"hash\":\"00000000000000bb\",\"expect_us\":1000},"
		"{\"hash\":\"00000000000000cc\",\"expect_us\":1000}]";
	struct stream *s = stream_of("", extra, titles);
	struct verifier_opts o = options();
	double shuffled;

	(void)state;
	fake.identity_effect = 1.3;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "accepted");
	shuffled = figure(s, 0, "metrics.0.shuffled_ratio");
	assert_true(fabs(shuffled - 1.01) < 0.05);
	stream_free(s);
}

static void bare_leaves_out_what_judges_nothing(void **state)
{
	static const char *const titles[] = {"1.01", NULL};
	static const char extra[] =
		",\"uses\":[\"learned_identity\"],\"identities\":["
		"{\"hash\":\"00000000000000aa\",\"expect_us\":9000000},"
		"{\"hash\":\"00000000000000bb\",\"expect_us\":1000}]";
	struct stream *s = stream_of("\"bound\":[\"bound\"],", extra, titles);
	struct verifier_opts o = options();

	(void)state;
	fake.identity_effect = 1.3;
	o.bare = true;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "accepted");
	assert_null(json_get(verdict(s, 0), "bound"));
	assert_null(json_path(verdict(s, 0), "metrics.0.shuffled_ratio"));
	assert_string_equal(fake.order, "AA0A00AA00AA0A00A");
	stream_free(s);
}

static void shuffling_moves_every_rank(void **state)
{
	struct json *body = json_object(), *list = json_array(), *out;

	(void)state;
	for (int i = 0; i < 7; i++) {
		struct json *id = json_object();
		char hash[17];

		snprintf(hash, sizeof(hash), "%016x", i);
		json_set_string(id, "hash", hash);
		json_set_number(id, "expect_us", 100 * i);
		json_add(list, id);
	}
	json_set(body, "identities", list);
	out = body_shuffled(body);
	assert_int_equal(json_len(json_get(out, "identities")), 7);
	json_each (id, json_get(out, "identities")) {
		double us = json_as_number(json_get(id, "expect_us"), -1);
		long i = strtol(json_as_string(json_get(id, "hash"), "z"), NULL,
				16);

		assert_true(us >= 0 && us != 100 * (double)i);
	}
	json_free(out);
	json_free(body);
}

static void template_is_proved(void **state)
{
	static const char *const titles[] = {"1.3", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "accepted");
	assert_string_equal(word(s, 0, "stages.2.status"), "passed");
	assert_int_equal(
		json_len(json_path(verdict(s, 0), "stages.2.findings")), 0);
	stream_free(s);
}

static void few_pairs_and_no_confirmation(void **state)
{
	static const char *const titles[] = {"1.3", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	o.pairs = 4;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "inconclusive");
	stream_free(s);
	s = stream_of("", plain, titles);
	o.pairs = 5;
	o.confirm = false;
	run(s, &o, 0);
	assert_string_equal(decision(s, 0), "inconclusive");
	stream_free(s);
}

struct steps {
	long calls, done, first;
};

static void note_step(void *arg, long done, long total, const char *words)
{
	struct steps *s = arg;

	assert_true(*words);
	assert_true(done >= s->done);
	assert_true(total >= done);
	if (!s->calls++)
		s->first = total;
	s->done = done;
}

/* It goes forward only, never beyond its end, and the end that is foretold is
 * not far from where it is: what drops out on the way makes it shorter. */
static void progress_goes_forward(void **state)
{
	static const char *const titles[] = {"1.5", "1.2", "0.9", "refused",
					     NULL};
	static const unsigned stages[] = {WITHOUT_SIM,
					  WITHOUT_SIM & ~(1u << STAGE_RUN)};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
		struct stream *s =
			stream_of("\"bound\":[\"bound\"],", plain, titles);
		struct verifier_opts o = options();
		struct steps steps = {0};
		size_t runs = strlen(fake.order);

		o.stages = stages[i];
		o.progress = note_step;
		o.progress_arg = &steps;
		run(s, &o, 0);
		runs = strlen(fake.order) - runs;
		print_message("%ld calls, %ld of %ld, %zu runs\n", steps.calls,
			      steps.done, steps.first, runs);
		assert_true(steps.calls > 4);
		/* Without runs all is known from the begin: three stages of
		 * each. */
		if (!runs) {
			assert_int_equal(steps.first, 12);
			assert_in_range(steps.done, 8, 12);
		}
		stream_free(s);
	}
}

static void interruption_leaves_verdicts(void **state)
{
	static const char *const titles[] = {"1.3", "1.2", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	fake.cancel_after = 6;
	run(s, &o, -EINTR);
	assert_string_equal(decision(s, 0), "inconclusive");
	assert_string_equal(decision(s, 1), "inconclusive");
	stream_free(s);
}

static void no_target_is_said(void **state)
{
	static const char *const titles[] = {"1.3", NULL};
	struct stream *s = stream_of("", plain, titles);
	struct verifier_opts o = options();

	(void)state;
	fake.open_error = ENOENT;
	run(s, &o, -ENOENT);
	assert_string_equal(decision(s, 0), "inconclusive");
	assert_string_equal(word(s, 0, "stages.4.status"), "unknown");
	stream_free(s);
}

static void stages_by_name(void **state)
{
	unsigned bits;

	(void)state;
	assert_int_equal(verifier_stages_parse("lint,run", &bits), 0);
	assert_int_equal(bits, 1u << STAGE_LINT | 1u << STAGE_RUN);
	assert_int_equal(verifier_stages_parse("lint,fun", &bits), -EINVAL);
	assert_non_null(strstr(err_text(), "fun"));
	assert_int_equal(verifier_stages_parse("", &bits), -EINVAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(better_is_accepted),
		TEST(accepted_is_signed),
		TEST(equal_is_rejected),
		TEST(guard_blocks),
		TEST(conflicts_are_named),
		TEST(outdone_is_not_on_the_front),
		TEST(halving_keeps_the_winner),
		TEST(rungs_for_one_are_left_out),
		TEST(clear_effects_end_early),
		TEST(nothing_ends_earlier),
		TEST(rungs_load_by_running),
		TEST(only_new_ones_are_measured),
		TEST(lost_runs_are_cut_off),
		TEST(first_of_the_plan_stays),
		TEST(unknown_guard_is_an_error),
		TEST(finalists_are_the_best),
		TEST(failures_are_the_policys),
		TEST(invalid_runs_are_counted),
		TEST(bound_is_interleaved),
		TEST(identities_have_a_control),
		TEST(bare_leaves_out_what_judges_nothing),
		TEST(shuffling_moves_every_rank),
		TEST(template_is_proved),
		TEST(few_pairs_and_no_confirmation),
		TEST(progress_goes_forward),
		TEST(interruption_leaves_verdicts),
		TEST(no_target_is_said),
		TEST(stages_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
