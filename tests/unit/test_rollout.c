/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rollouts: whose turn it is, what ends one, whom to believe, and many hosts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "rollout/fleet.h"
#include "rollout/signed.h"
#include "trust_fix.h"

#define NOW  1800000000 /* some day in 2027 */
#define HOUR 3600
#define HEX8 "0123abcd"
#define SHA  HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8 HEX8

/* canary 10 %, early 20 %, rest 60 %, and 10 % that are in none. */
static struct rollout rollout_of(void)
{
	static const char *const cohorts[] = {
		"canary:10:3600:2:0", "early:20:1800:4:25", "rest:60:60:4:25",
		"lab:0:60:1:0"};
	struct rollout r = {.serial = 5,
			    .id = SHA,
			    .policy = SHA,
			    .verdict = SHA,
			    .workload = "build",
			    .spread_s = 600,
			    .began = NOW - HOUR,
			    .issued = NOW - HOUR,
			    .expires = NOW + 24 * HOUR};

	for (; r.n < ARRAY_LEN(cohorts); r.n++)
		assert_int_equal(
			rollout_cohort_parse(cohorts[r.n], &r.cohorts[r.n]), 0);
	assert_int_equal(rollout_check(&r), 0);
	return r;
}

struct scene {
	struct rollout r;
	struct rollout_tally tally[ROLLOUT_COHORTS];
	struct rollout_host h;
	time_t now;
	struct rollout_choice c;
};

static struct scene scene_of(int cohort)
{
	return (struct scene){
		.r = rollout_of(), .h = {.cohort = cohort}, .now = NOW};
}

/* Whose `why` has these words. */
static void decides(struct scene *s, enum rollout_answer want, const char *why)
{
	rollout_decide(&s->r, s->tally, &s->h, s->now, &s->c);
	if (s->c.answer != want || !strstr(s->c.why, why))
		fail_msg("%s: %s; want %s: %s", rollout_answers[s->c.answer],
			 s->c.why, rollout_answers[want], why);
}

/* ---- cohorts ----------------------------------------------------------- */

static void cohorts_have_defaults_and_limits(void **state)
{
	static const char *const bad[] = {"",
					  "a",
					  ":5",
					  "a:",
					  "a:101",
					  "a:-1",
					  "A:5",
					  "1a:5",
					  "a b:5",
					  "a:5:x",
					  "a:5:1:0",
					  "a:5:1:1.5",
					  "a:5:1:1:101",
					  "a:5:1:1:1:0",
					  "a:5:1:1:1:101",
					  "a:5:1:1:1:5:6",
					  "a:nan",
					  "a:5:1e99",
					  "a:5:1:99999999",
					  "aaaaaaaaaabbbbbbbbbbccccccccccdd:5",
					  "a:0x10"};
	struct rollout_cohort c;

	(void)state;
	assert_int_equal(rollout_cohort_parse("a:5%", &c), 0);
	assert_string_equal(c.name, "a");
	assert_true(c.share_pct == 5 && c.soak_s == HOUR && c.reports == 1 &&
		    c.bad_pct == 0 && c.report_pct == 100);
	assert_int_equal(rollout_cohort_parse("b-2:0.5:10:20:2.5%:40", &c), 0);
	assert_true(c.share_pct == 0.5 && c.soak_s == 10 && c.reports == 20 &&
		    c.bad_pct == 2.5 && c.report_pct == 40);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (rollout_cohort_parse(bad[i], &c) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
}

static void what_is_no_rollout(void **state)
{
	struct rollout r = rollout_of();

	(void)state;
	r.cohorts[2].share_pct = 71;
	assert_int_equal(rollout_check(&r), -EINVAL);
	r = rollout_of();
	strcpy(r.cohorts[2].name, "early");
	assert_int_equal(rollout_check(&r), -EINVAL);
	r = rollout_of();
	r.serial = 0;
	assert_int_equal(rollout_check(&r), -EINVAL);
	r = rollout_of();
	r.expires = r.began;
	assert_int_equal(rollout_check(&r), -EINVAL);
	r = rollout_of();
	r.n = 0;
	assert_int_equal(rollout_check(&r), -EINVAL);
}

/* By their keys hosts come to the cohorts as these ask for, and another
 * rollout has others. */
static void hosts_are_spread(void **state)
{
	struct rollout r = rollout_of();
	struct rollout_place p, q;
	long in[4] = {0}, none = 0, same = 0;
	char key[32];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		int cohort, other;

		snprintf(key, sizeof(key), "key %d", i);
		rollout_place(r.id, key, &p);
		rollout_place("another", key, &q);
		assert_true(p.point >= 0 && p.point < 1 && p.turn >= 0 &&
			    p.turn < 1 && p.voice >= 0 && p.voice < 1);
		cohort = rollout_cohort_of(&r, NULL, p.point);
		other = rollout_cohort_of(&r, NULL, q.point);
		if (cohort < 0)
			none++;
		else
			in[cohort]++;
		same += !cohort && !other;
	}
	assert_in_range(in[0], 900, 1100);
	assert_in_range(in[1], 1850, 2150);
	assert_in_range(in[2], 5800, 6200);
	assert_int_equal(in[3], 0);
	assert_in_range(none, 900, 1100);
	assert_in_range(same, 60, 140);
	assert_int_equal(rollout_cohort_of(&r, "lab", 0), 3);
	assert_int_equal(rollout_cohort_of(&r, "moon", 0), -1);
}

/* ---- decisions --------------------------------------------------------- */

static void the_first_cohort_begins(void **state)
{
	struct scene s = scene_of(0);

	(void)state;
	decides(&s, ROLLOUT_DEPLOY, "first cohort");
	/* Each at its own moment, counted from when it could have. */
	s.h.turn = 0.5;
	decides(&s, ROLLOUT_WAIT, "in 300 s");
	assert_true(s.c.open);
	s.h.open = NOW - 100;
	decides(&s, ROLLOUT_WAIT, "in 200 s");
	s.h.open = NOW - 300;
	decides(&s, ROLLOUT_DEPLOY, "first cohort");
}

static void later_ones_wait_for_reports(void **state)
{
	struct scene s = scene_of(2);

	(void)state;
	decides(&s, ROLLOUT_WAIT, "0 of 2 hosts of 'canary'");
	assert_false(s.c.open);
	s.tally[0].by[OUTCOME_OK] = 1;
	/* Only who has had it for long enough, or had it bad, is heard. */
	s.tally[0].by[OUTCOME_TRYING] = 9;
	s.tally[0].by[OUTCOME_REFUSED] = 9;
	s.tally[0].by[OUTCOME_STOPPED] = 9;
	decides(&s, ROLLOUT_WAIT, "1 of 2 hosts of 'canary'");
	s.tally[0].by[OUTCOME_OK] = 2;
	decides(&s, ROLLOUT_WAIT, "0 of 4 hosts of 'early'");
	s.tally[1].by[OUTCOME_OK] = 3;
	s.tally[1].by[OUTCOME_BAD] = 1;
	decides(&s, ROLLOUT_DEPLOY, "the turn of 'rest'");
	s.h.cohort = 1;
	decides(&s, ROLLOUT_DEPLOY, "the turn of 'early'");
	s.h.cohort = -1;
	decides(&s, ROLLOUT_WAIT, "in no cohort");
}

static void it_has_to_soak(void **state)
{
	struct scene s = scene_of(0);

	(void)state;
	s.h.stage = STAGE_TRYING;
	s.h.in_force = true;
	s.h.since = NOW - 3000;
	decides(&s, ROLLOUT_STAY, "in 600 s");
	assert_false(s.c.well);
	s.h.since = NOW - 3600;
	decides(&s, ROLLOUT_STAY, "well");
	assert_true(s.c.well);
	/* It goes on being well when others have not reported, when the time to
	 * begin is over, and when it is halted. */
	s.h.stage = STAGE_WELL;
	s.now = NOW + 100 * HOUR;
	decides(&s, ROLLOUT_STAY, "well");
	s.r.state = ROLLOUT_HALTED;
	decides(&s, ROLLOUT_STAY, "well");
}

static void too_many_bad_ones_end_it(void **state)
{
	struct scene s = scene_of(0);

	(void)state;
	s.h.stage = STAGE_WELL;
	s.h.in_force = true;
	/* One of four that were to report is a quarter; two are more. */
	s.tally[1].by[OUTCOME_BAD] = 1;
	decides(&s, ROLLOUT_STAY, "well");
	s.tally[1].by[OUTCOME_EJECTED] = 1;
	decides(&s, ROLLOUT_WITHDRAW, "2 of 2 hosts of 'early'");
	/* Who does not have it is not to take it. */
	s.h.in_force = false;
	s.h.stage = STAGE_NONE;
	decides(&s, ROLLOUT_WAIT, "'early'");
	assert_int_equal(rollout_spoilt(&s.r, s.tally), 1);
	s.tally[1].by[OUTCOME_OK] = 6;
	assert_int_equal(rollout_spoilt(&s.r, s.tally), -1);
	/* Of those that are well half report: six stand for twelve. */
	s.tally[1].by[OUTCOME_BAD] = 3;
	assert_int_equal(rollout_spoilt(&s.r, s.tally), 1);
	s.r.cohorts[1].report_pct = 50;
	assert_int_equal(rollout_spoilt(&s.r, s.tally), -1);
	/* Of canaries none may be bad. */
	s.tally[0].by[OUTCOME_OK] = 1000;
	assert_int_equal(rollout_spoilt(&s.r, s.tally), -1);
	s.tally[0].by[OUTCOME_BAD] = 1;
	assert_int_equal(rollout_spoilt(&s.r, s.tally), 0);
}

static void people_end_it(void **state)
{
	struct scene s = scene_of(0);

	(void)state;
	s.r.state = ROLLOUT_HALTED;
	strcpy(s.r.why, "tonight");
	decides(&s, ROLLOUT_WAIT, "halted: tonight");
	s.r.state = ROLLOUT_WITHDRAWN;
	decides(&s, ROLLOUT_WAIT, "withdrawn: tonight");
	s.h.in_force = true;
	s.h.stage = STAGE_WELL;
	decides(&s, ROLLOUT_WITHDRAW, "withdrawn");
}

static void what_ended_here_is_not_begun_again(void **state)
{
	static const enum rollout_stage ends[] = {
		STAGE_BAD, STAGE_EJECTED, STAGE_REFUSED, STAGE_WITHDRAWN,
		STAGE_STOPPED};
	struct scene s = scene_of(0);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		s.h.stage = ends[i];
		s.h.in_force = false;
		decides(&s, ROLLOUT_WAIT, "only another rollout");
		/* Somebody here has put it back: that is theirs to say. */
		s.h.in_force = true;
		decides(&s, ROLLOUT_STAY, "only another rollout");
	}
}

static void times_are_kept(void **state)
{
	struct scene s = scene_of(0);

	(void)state;
	s.now = s.r.expires + STATEMENT_SKEW_S + 1;
	decides(&s, ROLLOUT_WAIT, "expired");
	assert_false(s.c.wrong);
	s.now = s.r.issued - STATEMENT_SKEW_S - 1;
	decides(&s, ROLLOUT_WAIT, "signed at");
	assert_true(s.c.wrong);
	/* A clock that goes back would bring what has expired to life. */
	s.now = NOW;
	s.h.clock = NOW + ROLLOUT_BACK_S + 1;
	decides(&s, ROLLOUT_WAIT, "the clock says");
	assert_true(s.c.wrong);
	s.h.in_force = true;
	decides(&s, ROLLOUT_STAY, "the clock says");
	s.h.clock = NOW + ROLLOUT_BACK_S;
	decides(&s, ROLLOUT_STAY, "in force");
	/* To go back is safe at any time. */
	s.h.clock = NOW + 9 * HOUR;
	s.r.state = ROLLOUT_WITHDRAWN;
	decides(&s, ROLLOUT_WITHDRAW, "withdrawn");
}

static void an_old_statement_is_not_followed(void **state)
{
	struct scene s = scene_of(0);

	(void)state;
	s.h.serial = 6;
	decides(&s, ROLLOUT_WAIT, "5 is an old one");
	assert_true(s.c.wrong);
	s.h.in_force = true;
	s.h.stage = STAGE_WELL;
	decides(&s, ROLLOUT_STAY, "5 is an old one");
	/* Not even one that withdraws: it was undone. */
	s.r.state = ROLLOUT_WITHDRAWN;
	decides(&s, ROLLOUT_STAY, "5 is an old one");
	s.r.serial = 6;
	decides(&s, ROLLOUT_WITHDRAW, "withdrawn");
	rollout_decide(NULL, NULL, &s.h, NOW, &s.c);
	assert_int_equal(s.c.answer, ROLLOUT_STAY);
	s.h.in_force = false;
	rollout_decide(NULL, NULL, &s.h, NOW, &s.c);
	assert_int_equal(s.c.answer, ROLLOUT_WAIT);
}

static unsigned int asks(const struct scene *s, long after)
{
	return rollout_asks(&s->r, s->tally, &s->h, s->r.began + after);
}

static void only_who_needs_it_asks(void **state)
{
	struct scene s = scene_of(2);

	(void)state;
	/* Canaries and early ones need an hour and a half. */
	assert_int_equal(asks(&s, 0), 0);
	assert_int_equal(asks(&s, 5399 - STATEMENT_SKEW_S), 0);
	assert_int_equal(asks(&s, 5400), 3);
	s.h.stage = STAGE_TRYING;
	assert_int_equal(asks(&s, 5400), 0);
	/* Bad news by itself, until it is more than what was to be heard
	 * allows; how many are well beside it decides then. */
	s.tally[1].by[OUTCOME_BAD] = 1;
	assert_int_equal(asks(&s, 5400), 0);
	s.tally[1].by[OUTCOME_EJECTED] = 1;
	assert_int_equal(asks(&s, 5400), 2);
	s.tally[1].by[OUTCOME_OK] = 1000;
	assert_int_equal(asks(&s, 5400), 2);
	assert_true(rollout_listens(&s.h));
	s.h.stage = STAGE_WITHDRAWN;
	assert_false(rollout_listens(&s.h));
	s.h.in_force = true;
	assert_true(rollout_listens(&s.h));
	s = scene_of(0);
	assert_int_equal(asks(&s, HOUR), 0);
	s = scene_of(-1);
	assert_int_equal(asks(&s, HOUR), 0);
}

/* ---- whom to believe --------------------------------------------------- */

struct keys {
	struct trust *trust;
	struct sign_key *key, *other;
};

static int setup(void **state)
{
	struct keys *k = mem_zalloc(1, sizeof(*k));

	k->trust = trust_new();
	assert_int_equal(sign_key_new(&k->key), 0);
	assert_int_equal(sign_key_new(&k->other), 0);
	trust_this(k->trust, k->key, KEY_NEVER);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct keys *k = *state;

	sign_key_free(k->key);
	sign_key_free(k->other);
	trust_free(k->trust);
	free(k);
	return 0;
}

static enum statement_fault check(const struct keys *k, const struct json *v)
{
	return signed_check(k->trust, SIGNED_ROLLOUT, v, NOW);
}

static char *text_of(const struct rollout *r)
{
	struct json *v = rollout_json(r);
	char *text = json_canonical(v);

	json_free(v);
	return text;
}

static void a_statement_is_read_as_it_was_written(void **state)
{
	struct keys *k = *state;
	struct rollout r = rollout_of(), back;
	struct json *v;
	char *was, *is;

	strcpy(r.why, "because");
	r.state = ROLLOUT_HALTED;
	v = signed_make(k->key, SIGNED_ROLLOUT, rollout_json(&r), r.issued);
	assert_int_equal(check(k, v), STATEMENT_HOLDS);
	assert_int_equal(rollout_read(json_get(v, "statement"), &back), 0);
	assert_int_equal(back.issued, r.issued);
	assert_int_equal(back.state, ROLLOUT_HALTED);
	was = text_of(&r);
	is = text_of(&back);
	assert_string_equal(is, was);
	free(was);
	free(is);
	json_free(v);
}

static void what_is_not_signed_so_is_nothing(void **state)
{
	struct keys *k = *state;
	struct rollout r = rollout_of();
	struct json *v = signed_make(k->key, SIGNED_ROLLOUT, rollout_json(&r),
				     NOW),
		    *w;

	/* Altered. */
	w = json_copy(v);
	json_set_number((struct json *)json_get(w, "statement"), "serial", 99);
	assert_int_equal(check(k, w), STATEMENT_FORGED);
	json_free(w);
	/* Not signed. */
	w = json_copy(v);
	json_remove(w, "ed25519");
	assert_int_equal(check(k, w), STATEMENT_UNSIGNED);
	json_free(w);
	assert_int_equal(check(k, NULL), STATEMENT_UNSIGNED);
	/* Signed for something else. */
	assert_int_equal(signed_check(k->trust, SIGNED_REPORT, v, NOW),
			 STATEMENT_DAMAGED);
	/* By somebody else, and that in the name of one who is trusted. */
	w = signed_make(k->other, SIGNED_ROLLOUT, rollout_json(&r), NOW);
	assert_int_equal(check(k, w), STATEMENT_FOREIGN);
	json_set_string((struct json *)json_get(w, "statement"), "key",
			sign_key_public(k->key));
	assert_int_equal(check(k, w), STATEMENT_FORGED);
	json_free(w);
	/* With a key that is over, or revoked. */
	trust_this(k->trust, k->other, "2020-01-01T00:00:00Z");
	w = signed_make(k->other, SIGNED_ROLLOUT, rollout_json(&r), NOW);
	assert_int_equal(check(k, w), STATEMENT_EXPIRED);
	json_free(w);
	{
		char *line =
			mem_printf("key %s lost\n", sign_key_public(k->key));

		assert_int_equal(
			trust_parse_revoked(k->trust, line, strlen(line)), 0);
		free(line);
	}
	assert_int_equal(check(k, v), STATEMENT_REVOKED);
	json_free(v);
}

/* A report of a key on this rollout, as a note's body. */
static struct json *report_of(const struct sign_key *key,
			      const struct rollout *r, int cohort,
			      enum rollout_outcome o, time_t time)
{
	struct rollout_report p = {.serial = 5,
				   .cohort = cohort,
				   .outcome = o,
				   .kernel = "6.18.15"};
	struct json *body = json_object();

	strcpy(p.rollout, r->id);
	strcpy(p.policy, r->policy);
	json_set(
		body, "report",
		signed_make(key, SIGNED_REPORT, rollout_report_json(&p), time));
	return body;
}

static int place_of(const struct rollout *r, const struct sign_key *key)
{
	struct rollout_place p;

	rollout_place(r->id, sign_key_public(key), &p);
	return rollout_cohort_of(r, NULL, p.point);
}

static void only_hosts_are_heard(void **state)
{
	struct keys *k = *state;
	struct rollout r = rollout_of(), other = rollout_of();
	struct rollout_report got;
	struct json *body;
	int mine;

	/* In some cohort, whatever the key. */
	r.cohorts[2].share_pct = other.cohorts[2].share_pct = 70;
	mine = place_of(&r, k->key);
	body = report_of(k->key, &r, mine, OUTCOME_OK, NOW);
	assert_int_equal(rollout_report_read(k->trust, &r, body, NOW, &got), 0);
	assert_int_equal(got.outcome, OUTCOME_OK);
	assert_int_equal(got.cohort, mine);
	assert_int_equal(got.time, NOW);
	assert_string_equal(got.key, sign_key_public(k->key));
	/* Of another rollout. */
	other.id[0] = 'f';
	assert_int_equal(rollout_report_read(k->trust, &other, body, NOW, &got),
			 -EACCES);
	json_free(body);
	/* For a cohort that it is not in. */
	body = report_of(k->key, &r, (mine + 1) % 3, OUTCOME_OK, NOW);
	assert_int_equal(rollout_report_read(k->trust, &r, body, NOW, &got),
			 -EACCES);
	json_free(body);
	body = report_of(k->key, &r, 77, OUTCOME_OK, NOW);
	assert_int_equal(rollout_report_read(k->trust, &r, body, NOW, &got),
			 -EINVAL);
	json_free(body);
	/* By nobody who is known. */
	body = report_of(k->other, &r, place_of(&r, k->other), OUTCOME_OK, NOW);
	assert_int_equal(rollout_report_read(k->trust, &r, body, NOW, &got),
			 -EACCES);
	json_free(body);
	body = json_object();
	assert_int_equal(rollout_report_read(k->trust, &r, body, NOW, &got),
			 -EACCES);
	json_free(body);
}

static struct rollout_report said(const char *key, int cohort,
				  enum rollout_outcome o, time_t time)
{
	struct rollout_report p = {
		.cohort = cohort, .outcome = o, .time = time};

	strcpy(p.key, key);
	return p;
}

static void one_key_has_one_voice(void **state)
{
	struct rollout r = rollout_of();
	struct rollout_tally tally[ROLLOUT_COHORTS];
	struct rollout_report v[100];

	(void)state;
	/* A host that claims to be many. */
	for (int i = 0; i < 100; i++)
		v[i] = said("a", i % 3, OUTCOME_OK, NOW + i);
	rollout_count(&r, v, 100, tally);
	assert_int_equal(rollout_heard(&tally[0]) + rollout_heard(&tally[1]) +
				 rollout_heard(&tally[2]),
			 1);
	/* The last word counts; one that it was bad counts for ever, so that an
	 * old report put back undoes nothing. */
	v[0] = said("a", 0, OUTCOME_OK, NOW + 9);
	v[1] = said("b", 0, OUTCOME_TRYING, NOW);
	v[2] = said("b", 0, OUTCOME_OK, NOW + 1);
	v[3] = said("c", 1, OUTCOME_EJECTED, NOW);
	v[4] = said("c", 1, OUTCOME_OK, NOW + 5);
	v[5] = said("d", 1, OUTCOME_OK, NOW);
	v[6] = said("d", 1, OUTCOME_WITHDRAWN, NOW + 1);
	rollout_count(&r, v, 7, tally);
	assert_int_equal(tally[0].by[OUTCOME_OK], 2);
	assert_int_equal(tally[0].by[OUTCOME_TRYING], 0);
	assert_int_equal(tally[1].by[OUTCOME_EJECTED], 1);
	assert_int_equal(tally[1].by[OUTCOME_OK], 0);
	assert_int_equal(tally[1].by[OUTCOME_WITHDRAWN], 1);
	rollout_count(&r, v, 0, tally);
	assert_int_equal(rollout_heard(&tally[0]), 0);
}

static void bad_news_is_said_by_all(void **state)
{
	struct rollout_cohort c = {.report_pct = 10};

	(void)state;
	assert_true(rollout_is_said(&c, OUTCOME_OK, 0.09));
	assert_false(rollout_is_said(&c, OUTCOME_OK, 0.11));
	assert_false(rollout_is_said(&c, OUTCOME_TRYING, 0.11));
	for (int o = OUTCOME_BAD; o < OUTCOMES; o++)
		assert_true(rollout_is_said(&c, (enum rollout_outcome)o, 0.99));
	assert_int_equal(rollout_outcome_of(STAGE_NONE), OUTCOMES);
	for (int s = STAGE_TRYING; s < STAGES; s++)
		assert_true(rollout_outcome_of((enum rollout_stage)s) <
			    OUTCOMES);
}

/* ---- many hosts -------------------------------------------------------- */

static struct fleet_opts fleet_of(double bad_pct)
{
	struct fleet_opts o = {
		.r = rollout_of(),
		.hosts = 500,
		.seed = 7,
		.every_s = 600,
		.offline_pct = 5,
		.offline_for_s = 3600,
		.skew_s = 30,
		.delay_s = 60,
		.shows_s = 600,
		.until_s = 48 * HOUR,
		.kernels = {{"old", 50, bad_pct}, {"new", 50, 0}},
		.n = 2,
		.costs = FLEET_COSTS,
	};

	o.r.cohorts[2].share_pct = 70;
	return o;
}

static void a_good_one_gets_everywhere(void **state)
{
	struct fleet_opts o = fleet_of(0);
	struct fleet_result a, b;

	(void)state;
	assert_int_equal(fleet_run(&o, &a), 0);
	assert_int_equal(a.have, 500);
	assert_int_equal(a.had_bad, 0);
	assert_true(a.bad_s == 0 && a.spoilt_s < 0);
	/* Not before two cohorts were well. */
	assert_true(a.half_s > 5400 && a.half_s < a.most_s);
	assert_true(a.most_s < 12 * HOUR);
	assert_true(a.pulls > 500 && a.pushes >= 1000);
	assert_true(a.pulls_hour <= 500 * 7 && a.bytes_hour > 0);
	/* To the byte. */
	assert_int_equal(fleet_run(&o, &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	o.seed = 8;
	assert_int_equal(fleet_run(&o, &b), 0);
	assert_true(a.most_s != b.most_s);
}

static void a_bad_one_ends_with_the_canaries(void **state)
{
	struct fleet_opts o = fleet_of(100);
	struct fleet_result by, at_once;

	(void)state;
	assert_int_equal(fleet_run(&o, &by), 0);
	assert_true(by.spoilt_s > 0);
	assert_int_equal(by.have, 0);
	assert_true(by.most_s < 0);
	assert_true(by.had_bad > 0 && by.had_bad <= by.had);
	assert_true(by.had < 75);
	o.r.cohorts[0] = o.r.cohorts[2];
	o.r.cohorts[0].share_pct = 100;
	o.r.n = 1;
	assert_int_equal(fleet_run(&o, &at_once), 0);
	assert_true(at_once.had_bad > 3 * by.had_bad);
	assert_true(at_once.bad_s > by.bad_s);
}

/* A report that comes late does not take back what was said after it. */
static void late_reports_take_nothing_back(void **state)
{
	struct fleet_opts o = fleet_of(0);
	struct fleet_result r;

	(void)state;
	o.offline_pct = 0;
	o.delay_s = HOUR;
	o.r.cohorts[0].share_pct = 10;
	o.r.cohorts[0].soak_s = 0;
	o.r.cohorts[0].reports = 30; /* of 39 */
	assert_int_equal(fleet_run(&o, &r), 0);
	assert_true(r.half_s > 0);
}

static void what_is_no_fleet(void **state)
{
	static const char *const bad[] = {"",	     "a",	"a:5",	"a:5:x",
					  "a:5:101", "a:5:1:1", ":5:1", "a::1"};
	struct fleet_opts o = fleet_of(0);
	struct fleet_kernel k;
	struct fleet_result r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (fleet_kernel_parse(bad[i], &k) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
	assert_int_equal(fleet_kernel_parse("6.18:30%:0.5%", &k), 0);
	assert_true(k.share_pct == 30 && k.bad_pct == 0.5);
	o.kernels[0].share_pct = 60;
	assert_int_equal(fleet_run(&o, &r), -EINVAL);
	o = fleet_of(0);
	o.hosts = 0;
	assert_int_equal(fleet_run(&o, &r), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cohorts_have_defaults_and_limits),
		cmocka_unit_test(what_is_no_rollout),
		cmocka_unit_test(hosts_are_spread),
		cmocka_unit_test(the_first_cohort_begins),
		cmocka_unit_test(later_ones_wait_for_reports),
		cmocka_unit_test(it_has_to_soak),
		cmocka_unit_test(too_many_bad_ones_end_it),
		cmocka_unit_test(people_end_it),
		cmocka_unit_test(what_ended_here_is_not_begun_again),
		cmocka_unit_test(times_are_kept),
		cmocka_unit_test(an_old_statement_is_not_followed),
		cmocka_unit_test(only_who_needs_it_asks),
		cmocka_unit_test_setup_teardown(
			a_statement_is_read_as_it_was_written, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_not_signed_so_is_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(only_hosts_are_heard, setup,
						teardown),
		cmocka_unit_test(one_key_has_one_voice),
		cmocka_unit_test(bad_news_is_said_by_all),
		cmocka_unit_test(a_good_one_gets_everywhere),
		cmocka_unit_test(a_bad_one_ends_with_the_canaries),
		cmocka_unit_test(late_reports_take_nothing_back),
		cmocka_unit_test(what_is_no_fleet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
