/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host in a rollout: what it remembers, and what becomes of the policy it has
 * sched-deploy put in place; that program says here what a test has it say. */
#include "tests/unit/place_fix.h"

#include "agents/rollout/follower_parts.h"
#include "base/clock.h"
#include "trust/statement.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct buf told;
static struct remote_opts remote;
static struct follower_opts opts;
/* Those of the story. */
static char remote_policy[DOC_ID_LEN], remote_verdict[DOC_ID_LEN];

static void hear(void *arg, const char *line)
{
	(void)arg;
	buf_printf(&told, "%s\n", line);
}

static void begin(struct follower *f)
{
	buf_release(&told);
	buf_init(&told, 1 << 16);
	buf_puts(&told, "");
	opts = (struct follower_opts){.remote = &remote, .said = hear};
	*f = (struct follower){.o = &opts, .lock = -1};
}

static void end(struct follower *f)
{
	if (f->lock >= 0)
		close(f->lock);
	free(f->path);
	free(f->deployed);
	f->path = f->deployed = NULL;
	f->lock = -1;
}

/* ---- what it remembers ------------------------------------------------- */

static void from_one_round_to_the_next(void **state)
{
	struct follower f, g;

	(void)state;
	begin(&f);
	assert_int_equal(follower_load(&f, "w"), 0);
	assert_int_equal(f.host.stage, STAGE_NONE);
	/* One round at a time. */
	g = f;
	g.lock = -1;
	assert_int_equal(follower_load(&g, "w"), -EAGAIN);
	end(&g);
	f.host = (struct rollout_host){.serial = 7,
				       .clock = 1800000000,
				       .since = 1700000000,
				       .open = 1600000000,
				       .stage = STAGE_WELL};
	strcpy(f.id, A);
	strcpy(f.policy, B);
	strcpy(f.before, A);
	strcpy(f.why, "so");
	f.lost = 1;
	f.unreported = true;
	assert_int_equal(follower_save(&f), 0);
	end(&f);
	begin(&g);
	assert_int_equal(follower_load(&g, "w"), 0);
	assert_true(g.host.serial == 7 && g.host.clock == 1800000000 &&
		    g.host.since == 1700000000 && g.host.open == 1600000000 &&
		    g.host.stage == STAGE_WELL && g.lost == 1 && g.unreported);
	assert_string_equal(g.policy, B);
	assert_string_equal(g.why, "so");
	end(&g);
	/* Of another workload there is nothing yet. */
	begin(&g);
	assert_int_equal(follower_load(&g, "v"), 0);
	assert_true(!g.host.serial && !*g.policy);
	end(&g);
}

/* Who forgets the serial number takes an old statement for a new one. */
static void damage_is_not_nothing(void **state)
{
	static const char *const rows[] = {
		"",
		"{",
		"[]",
		"7",
		"null",
		"{}",
		"{\"serial\":\"7\",\"clock\":1,\"stage\":\"well\"}",
		"{\"serial\":-7,\"clock\":1,\"stage\":\"well\"}",
		"{\"serial\":1e300,\"clock\":1,\"stage\":\"well\"}",
		"{\"serial\":7,\"stage\":\"well\"}",
		"{\"serial\":7,\"clock\":1}",
		"{\"serial\":7,\"clock\":1,\"stage\":\"wells\"}",
	};
	struct follower f;

	(void)state;
	begin(&f);
	assert_int_equal(follower_load(&f, "damaged"), 0);
	end(&f);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc;

		begin(&f);
		follower_load(&f, "damaged");
		place_add(f.path, "we", rows[i]);
		end(&f);
		begin(&f);
		rc = follower_load(&f, "damaged");
		if (rc != -EBADMSG ||
		    !strstr(err_text(), "remove it if this host may begin"))
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
		unlink(f.path);
		end(&f);
	}
}

static void another_rollout(void **state)
{
	static const struct {
		bool in_force;
		const char *policy, *now, *before;
		enum rollout_stage stage;
		bool unreported;
	} rows[] = {
		/* What was bad in the last one may be good now. */
		{false, A, A, "", STAGE_NONE, false},
		{false, A, B, "", STAGE_NONE, false},
		/* It is in force already, by the one before. */
		{true, A, A, "", STAGE_WELL, true},
		{true, A, B, A, STAGE_NONE, false},
	};
	struct follower f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rollout r = {.serial = 2};

		begin(&f);
		strcpy(f.policy, rows[i].policy);
		strcpy(f.id, A);
		strcpy(f.why, "so");
		f.host = (struct rollout_host){.in_force = rows[i].in_force,
					       .stage = STAGE_WELL,
					       .open = 9};
		f.lost = 1;
		strcpy(r.policy, rows[i].now);
		strcpy(r.id, A);
		/* The same one changes nothing. */
		follower_turn_to(&f, &r);
		assert_true(f.host.open == 9 && f.lost == 1);
		strcpy(r.id, B);
		follower_turn_to(&f, &r);
		assert_string_equal(f.id, B);
		assert_string_equal(f.before, rows[i].before);
		assert_string_equal(f.policy, rows[i].now);
		assert_int_equal(f.host.stage, rows[i].stage);
		assert_int_equal(f.unreported, rows[i].unreported);
		assert_true(!f.host.open && !f.lost && !*f.why);
	}
}

/* ---- how it fares ------------------------------------------------------ */

/* What "sched-deploy status" says is in force; NULL: nothing at all. */
static void in_force(const char *name, const char *policy)
{
	struct json *body;
	struct doc *d;
	char *line, *text;

	if (!policy) {
		says(name, "");
		return;
	}
	body = json_object();
	json_set_string(body, "text", "so");
	json_set_string(json_set(body, "holder", json_object()), "policy",
			policy);
	d = document("note", body);
	line = doc_line(d);
	text = mem_printf("%s\n", line);
	says(name, text);
	free(text);
	free(line);
	doc_free(d);
}

static char *deployment(const char *members)
{
	char *text = mem_printf("{\"policy\":\"" A "\",\"target\":\"host\",%s}",
				members);
	struct doc *d = document("deployment", json_of(text));
	char *line = doc_line(d);

	free(text);
	text = mem_printf("%s\n", line);
	free(line);
	doc_free(d);
	return text;
}

static void how_it_ended(void **state)
{
	static const struct {
		const char *deployment; /* NULL: none is there */
		bool booted;
		long lost; /* before */
		enum rollout_stage stage;
		const char *why;
	} rows[] = {
		{"\"state\":\"ejected\",\"why\":\"a\"", false, 0, STAGE_EJECTED,
		 "a"},
		{"\"state\":\"tripped\",\"why\":\"b\"", false, 0, STAGE_BAD,
		 "b"},
		{"\"state\":\"detached\",\"why\":\"c\",\"canary\":{\"scope\":"
		 "\"5%\",\"decision\":\"worse\"}",
		 false, 0, STAGE_BAD, "c"},
		{"\"state\":\"detached\",\"why\":\"d\",\"canary\":{\"scope\":"
		 "\"5%\",\"decision\":\"inconclusive\"}",
		 false, 0, STAGE_REFUSED, "d"},
		{"\"state\":\"refused\",\"why\":\"e\"", false, 0, STAGE_REFUSED,
		 "e"},
		{"\"state\":\"detached\",\"why\":\"f\"", false, 0,
		 STAGE_STOPPED, "f"},
		{"\"state\":\"stopped\",\"why\":\"g\"", false, 0, STAGE_STOPPED,
		 "g"},
		/* The machine went down: so did it. */
		{"\"state\":\"stopped\",\"why\":\"g\"", true, 0, STAGE_NONE,
		 ""},
		{"\"state\":\"ejected\",\"why\":\"a\"", true, 0, STAGE_EJECTED,
		 "a"},
		/* Without a word: once may be chance, twice is not. */
		{"\"state\":\"attached\",\"why\":\"h\"", false, 0, STAGE_NONE,
		 ""},
		{"\"state\":\"attached\",\"why\":\"h\"", true, 1, STAGE_BAD,
		 "without a word more than once"},
		{NULL, false, 0, STAGE_NONE, ""},
		{NULL, false, 1, STAGE_BAD, "without a word more than once"},
	};
	struct follower f;

	(void)state;
	in_force("status", B);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text;

		begin(&f);
		assert_int_equal(follower_load(&f, "w2"), 0);
		strcpy(f.policy, A);
		f.host.stage = STAGE_TRYING;
		f.lost = rows[i].lost;
		boot_id(f.boot);
		if (rows[i].booted)
			strcpy(f.boot, "another");
		unlink(f.deployed);
		if (rows[i].deployment) {
			text = deployment(rows[i].deployment);
			place_add(f.deployed, "we", text);
			free(text);
		}
		assert_int_equal(follower_look(&f), 0);
		if (f.host.stage != rows[i].stage ||
		    !strstr(f.why, rows[i].why))
			fail_msg("row %zu: %s '%s'", i,
				 rollout_stages[f.host.stage], f.why);
		assert_non_null(strstr(told.data, "is not in force any more"));
		assert_false(f.host.in_force);
		end(&f);
	}
}

static void what_cannot_be_seen_is_not_gone(void **state)
{
	struct follower f;

	(void)state;
	begin(&f);
	assert_int_equal(follower_load(&f, "w3"), 0);
	strcpy(f.policy, A);
	f.host.stage = STAGE_WELL;
	in_force("status", NULL);
	assert_int_equal(follower_look(&f), -EIO);
	assert_int_equal(f.host.stage, STAGE_WELL);
	in_force("status", A);
	assert_int_equal(follower_look(&f), 0);
	assert_true(f.host.in_force);
	assert_int_equal(f.host.stage, STAGE_WELL);
	end(&f);
}

/* ---- putting it in place ----------------------------------------------- */

static void story(void)
{
	struct doc *p = document(
		"policy", json_of("{\"form\":\"params\",\"title\":\"t\","
				  "\"why\":\"w\",\"uses\":[],\"params\":{}}"));
	struct json *body = json_of(
		"{\"decision\":\"accepted\",\"why\":\"w\",\"target\":\"vm\","
		"\"kernel\":\"6.18\",\"workload\":\"w\",\"stages\":[],"
		"\"metrics\":[]}");
	struct doc *v;
	char *a = doc_line(p), *b, *text;

	json_set_string(body, "policy", p->id);
	v = document("verdict", body);
	b = doc_line(v);
	text = mem_printf("%s\n%s\n", b, a);
	says("lineage", text);
	strcpy(remote_policy, p->id);
	strcpy(remote_verdict, v->id);
	free(text);
	free(a);
	free(b);
	doc_free(p);
	doc_free(v);
}

static bool called(const char *words)
{
	char *log = place_read("called");
	bool is = strstr(log, words) != NULL;

	free(log);
	return is;
}

static void it_is_put_in_place(void **state)
{
	static const struct {
		const char *deployment;
		int status;
		bool stays;
		int rc;
		enum rollout_stage stage;
		const char *words;
	} rows[] = {
		{"\"state\":\"attached\",\"why\":\"a\"", 0, true, 0,
		 STAGE_TRYING, ""},
		/* Attached, and gone at once. */
		{"\"state\":\"attached\",\"why\":\"a\"", 0, false, 0,
		 STAGE_STOPPED, ""},
		{"\"state\":\"refused\",\"why\":\"no\"", 1, false, 0,
		 STAGE_REFUSED, ""},
		{NULL, 4, false, -EAGAIN, STAGE_NONE,
		 "it ended and said nothing"},
		{NULL, 3, false, -EIO, STAGE_NONE, "it ended and said nothing"},
	};
	struct follower f;

	(void)state;
	story();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = rows[i].deployment ? deployment(rows[i].deployment)
						: mem_strdup(""),
		     status[16];
		int rc;

		begin(&f);
		place_forget("called");
		assert_int_equal(follower_load(&f, "w4"), 0);
		f.host.stage = STAGE_NONE;
		strcpy(f.r.policy, remote_policy);
		strcpy(f.r.verdict, remote_verdict);
		strcpy(f.r.workload, "w");
		says("deploy", text);
		snprintf(status, sizeof(status), "%d", rows[i].status);
		says("deploy.status", status);
		if (rows[i].stays)
			says("stays", "");
		else
			place_forget("stays");
		rc = follower_deploy(&f);
		if (rc != rows[i].rc || f.host.stage != rows[i].stage ||
		    !strstr(err_text(), rows[i].words))
			fail_msg("row %zu: %d %s '%s'", i, rc,
				 rollout_stages[f.host.stage], err_text());
		/* A guest's verdict opens a canary. */
		assert_true(called("--target=host"));
		assert_true(called("--canary=5%"));
		free(text);
		end(&f);
	}
}

static void with_options_of_its_own(void **state)
{
	static const struct {
		const char *option;
		bool ours; /* the canary is */
	} rows[] = {
		{"--canary=10%", false},
		{"--canary", false},
		{"--canary-for=9", true},
		{"--guard=stall:5s", true},
	};
	struct follower f;

	(void)state;
	story();
	says("deploy.status", "1");
	place_forget("stays");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strs options = {0};
		char *text = deployment("\"state\":\"refused\",\"why\":\"n\"");

		begin(&f);
		place_forget("called");
		strs_add(&options, rows[i].option);
		opts.deploy = &options;
		assert_int_equal(follower_load(&f, "w5"), 0);
		strcpy(f.r.policy, remote_policy);
		strcpy(f.r.verdict, remote_verdict);
		strcpy(f.r.workload, "w");
		says("deploy", text);
		assert_int_equal(follower_deploy(&f), 0);
		assert_true(called(rows[i].option));
		assert_int_equal(called("--canary=5%"), rows[i].ours);
		strs_release(&options);
		free(text);
		end(&f);
	}
	/* A verdict that the history lacks is nothing to go by. */
	begin(&f);
	assert_int_equal(follower_load(&f, "w5"), 0);
	strcpy(f.r.policy, remote_policy);
	strcpy(f.r.verdict, B);
	strcpy(f.r.workload, "w");
	assert_int_equal(follower_deploy(&f), -ENOENT);
	assert_non_null(strstr(err_text(), "lacks verdict bbbbbbbbbbbb"));
	end(&f);
}

/* ---- going back -------------------------------------------------------- */

static void it_is_withdrawn(void **state)
{
	struct follower f;

	(void)state;
	begin(&f);
	assert_int_equal(follower_load(&f, "w6"), 0);
	strcpy(f.policy, A);
	f.host.in_force = true;
	f.host.stage = STAGE_WELL;
	says("deploy.status", "1");
	in_force("status", A);
	assert_int_equal(follower_withdraw(&f, "so"), -EIO);
	assert_non_null(strstr(err_text(), "is still in force after"));
	assert_true(f.host.in_force);
	assert_int_equal(f.host.stage, STAGE_WELL);
	in_force("status", B);
	assert_int_equal(follower_withdraw(&f, "so"), 0);
	assert_false(f.host.in_force);
	assert_int_equal(f.host.stage, STAGE_WITHDRAWN);
	assert_string_equal(f.why, "so");
	assert_true(called("rollback --json"));
	end(&f);
}

/* ---- statements that hosts can read ------------------------------------ */

/* A statement that no host would follow is not made. */
static void words_that_grow(void **state)
{
	struct rollout r = {
		.id = A, .policy = A, .verdict = B, .workload = "w"};
	const struct signer_opts o = {.days = 1, .make_first = true};
	struct signer *s = signer_new(&o);
	char *dir = place_path("grow");
	struct history *h;
	struct doc *note;
	struct trust *t;

	(void)state;
	assert_int_equal(rollout_cohort_parse("all:100:60:1:25", &r.cohorts[0]),
			 0);
	r.n = 1;
	r.expires = clock_wall() + 3600;
	assert_int_equal(history_open(dir, true, &h), 0);
	t = trust_new();
	/* Latin-1: each of them becomes three bytes of UTF-8. */
	memset(r.why, 0xe4, 90);
	assert_int_equal(rollouts_add(h, t, s, &r, &note), -EINVAL);
	assert_null(note);
	r.why[80] = '\0';
	assert_int_equal(rollouts_add(h, t, s, &r, &note), 0);
	assert_non_null(note);
	doc_free(note);
	trust_free(t);
	signer_free(s);
	history_close(h);
	free(dir);
}

static int programs(void **state)
{
	static const char deploy[] =
		"#!/bin/sh\ncd %s || exit\necho \"$*\" >>called\n"
		"case $1 in\nstatus) cat status ;;\n"
		"*) [ ! -e stays ] || { cat deploy; exec sleep 2; }\n"
		"s=$(cat deploy.status)\n"
		/* What is there and who has gone are seen at once. */
		"[ \"$s\" != 0 ] || exec cat deploy\n"
		"cat deploy; exit \"$s\" ;;\nesac\n";
	static const char history[] = "#!/bin/sh\ncat %s/lineage\n";
	const char *const names[][2] = {{"bin/sched-deploy", deploy},
					{"bin/sched-history", history}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path = place_path(names[i][0]);
		char *text = mem_printf(names[i][1], getenv(PLACE));

		place_add(path, "we", text);
		assert_int_equal(chmod(path, 0755), 0);
		free(text);
		free(path);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_one_round_to_the_next),
		cmocka_unit_test(damage_is_not_nothing),
		cmocka_unit_test(another_rollout),
		cmocka_unit_test(how_it_ended),
		cmocka_unit_test(what_cannot_be_seen_is_not_gone),
		cmocka_unit_test(it_is_put_in_place),
		cmocka_unit_test(with_options_of_its_own),
		cmocka_unit_test(it_is_withdrawn),
		cmocka_unit_test(words_that_grow),
	};

	(void)argc;
	return place_run(tests, argv, programs, place_leave);
}
