/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop's hands: what it makes of what its programs answer, how what it
 * found is put to work, and whether that still counts the next time.  The
 * programs say here what a test has them say. */
#include "tests/unit/place_fix.h"

#include <sys/utsname.h>

#include "agents/loop/parts.h"
#include "base/clock.h"

#define KEY "0123456789abcdef"
#define DIGEST \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct loop_opts opts;
static struct workload workload;
static struct loop l;
static struct loop_try best;

static void program(const char *name, const char *script)
{
	char *path = mem_printf("%s/%s", getenv(PLACE), name);
	char *text = mem_printf("#!/bin/sh\ncd %s || exit 9\n"
				"echo \"$*\" >>called\n%s",
				getenv(PLACE), script);

	place_add(path, "we", text);
	assert_int_equal(chmod(path, 0755), 0);
	free(text);
	free(path);
}

static bool called(const char *words)
{
	char *log = place_read("called");
	bool is = strstr(log, words) != NULL;

	free(log);
	return is;
}

static const char *emit(const char *kind, struct json *body)
{
	struct doc *d = document(kind, body);

	assert_int_equal(stream_emit(l.s, d), 0);
	return d->id;
}

/* A run that found something, of this kernel and the object that is there. */
static void begin(const char *target, const char *members)
{
	struct json *v = json_of("{\"decision\":\"accepted\",\"why\":\"w\","
				 "\"target\":\"host\",\"workload\":\"w\","
				 "\"stages\":[],\"metrics\":[]}"),
		    *other = json_of(members);
	char hex[DIGEST_HEX_LEN];
	struct utsname u;
	const char *id;

	l = (struct loop){.o = &opts, .s = stream_open(-1, -1, "test")};
	opts = (struct loop_opts){
		.target = target, .max_age_days = 7, .kernel = "6.18"};
	assert_int_equal(loop_state_open(KEY, &l.state), 0);
	assert_int_equal(loop_state_clear(&l.state), 0);
	id = emit("profile",
		  json_of("{\"scope\":\"command\",\"goal\":\"makespan\","
			  "\"source\":\"proc\",\"target\":\"vm\","
			  "\"duration_us\":1,\"system\":{\"cpus\":2,"
			  "\"kernel\":\"6.18\"},\"groups\":[],\"overhead\":{"
			  "\"drops\":0}}"));
	json_set_string(l.state.body, "profile", id);
	id = emit("policy",
		  json_of("{\"form\":\"params\",\"title\":\"t\",\"why\":\"w\","
			  "\"uses\":[],\"params\":{\"queue\":\"global\"}}"));
	best = (struct loop_try){0};
	strcpy(best.policy, id);
	json_set_string(v, "policy", id);
	uname(&u);
	json_set_string(v, "kernel", u.release);
	digest_hex("bytes", 5, hex);
	json_set_string(v, "object_sha256", hex);
	json_each (m, other)
		json_set(v, json_key(m), json_copy(m));
	json_free(other);
	strcpy(best.verdict, emit("verdict", v));
	json_set_string(l.state.body, "best", best.policy);
	json_set_string(l.state.body, "verdict", best.verdict);
	json_set_string(l.state.body, "status", "better");
	json_set_number(l.state.body, "ended", loop_now() - 3600);
	place_forget("called");
}

static void end(void)
{
	loop_free_rounds(&l);
	loop_state_close(&l.state);
	stream_free(l.s);
}

/* The verdict, as the history has it. */
static void history_has(const char *id)
{
	char *line = doc_line(stream_find(l.s, id));
	char *text = mem_printf("%s\n", line);

	says("verdict", text);
	program("bin/sched-history", "cat verdict\n");
	free(text);
	free(line);
}

/* What sched-deploy says of itself; NULL: nothing. */
static void deployment(const char *state)
{
	struct doc *d;
	char *text, *line;

	if (!state) {
		says("deployment", "");
		return;
	}
	text = mem_printf("{\"policy\":\"%s\",\"target\":\"host\",\"state\":"
			  "\"%s\",\"why\":\"because\"}",
			  best.policy, state);
	d = document("deployment", json_of(text));
	line = doc_line(d);
	free(text);
	text = mem_printf("%s\n", line);
	says("deployment", text);
	free(text);
	free(line);
	doc_free(d);
}

/* ---- is it still so? --------------------------------------------------- */

static bool is_current(void)
{
	bool attach;
	int rc = loop_is_current(&l, &attach);

	assert_true(rc == 0 || rc == 1);
	assert_false(attach);
	return rc == 1;
}

static void what_still_counts(void **state)
{
	(void)state;
	begin("host", "{}");
	history_has(best.verdict);
	assert_true(is_current());
	/* Each of these alone is reason enough to look again. */
	json_set_number(l.state.body, "ended", loop_now() - 8 * 86400);
	assert_false(is_current());
	json_set_number(l.state.body, "ended", loop_now());
	assert_true(is_current());
	json_set_string(l.state.body, "status", "none");
	assert_false(is_current());
	json_set_string(l.state.body, "status", "better");
	json_set_string(l.state.body, "verdict", DIGEST);
	assert_false(is_current());
	json_set_string(l.state.body, "verdict", best.verdict);
	program("bin/sched-history", "exit 0\n");
	assert_false(is_current());
	program("bin/sched-history", "cat verdict; exit 3\n");
	assert_false(is_current());
	end();
}

static void what_was_measured_elsewhere(void **state)
{
	static const struct {
		const char *target, *members, *fetch;
		bool is;
	} rows[] = {
		{"host", "{\"kernel\":\"5.4\"}", "", false},
		{"host", "{\"object_sha256\":\"" DIGEST "\"}", "", false},
		{"vm", "{\"kernel\":\"6.18.5\"}",
		 "printf 'release\\t6.18.5\\n'\n", true},
		{"vm", "{\"kernel\":\"6.18.5\"}",
		 "printf 'release\\t6.18.51\\n'\n", false},
		{"vm", "{\"kernel\":\"6.18.5\"}", "exit 0\n", false},
		/* Nobody would deploy it any more. */
		{"host",
		 "{\"signature\":{\"statement\":{\"kind\":\"k\",\"key\":\"" DIGEST
		 "\",\"issued\":\"a\",\"expires\":\"2001-01-01T00:00:00Z\","
		 "\"policy\":\"" DIGEST "\",\"form\":\"params\",\"decision\":"
		 "\"accepted\",\"target\":\"host\",\"kernel\":\"k\","
		 "\"evidence_sha256\":\"" DIGEST
		 "\"},\"ed25519\":\"" DIGEST DIGEST "\"}}",
		 "", false},
		{"host",
		 "{\"signature\":{\"statement\":{\"kind\":\"k\",\"key\":\"" DIGEST
		 "\",\"issued\":\"a\",\"expires\":\"2999-01-01T00:00:00Z\","
		 "\"policy\":\"" DIGEST "\",\"form\":\"params\",\"decision\":"
		 "\"accepted\",\"target\":\"host\",\"kernel\":\"k\","
		 "\"evidence_sha256\":\"" DIGEST
		 "\"},\"ed25519\":\"" DIGEST DIGEST "\"}}",
		 "", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin(rows[i].target, rows[i].members);
		history_has(best.verdict);
		program("libexec/schedkit/fetch-guest", rows[i].fetch);
		if (is_current() != rows[i].is)
			fail_msg("row %zu", i);
		end();
	}
}

/* All that lacks is that it is attached. */
static void what_is_to_be_attached_again(void **state)
{
	static const struct {
		bool deploy;
		const char *status;
		bool attach;
	} rows[] = {
		{false, "", false},
		{true, "", true},
		{true, "other", true},
		{true, "own", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool attach;

		begin("host", "{}");
		history_has(best.verdict);
		opts.deploy = rows[i].deploy;
		if (*rows[i].status) {
			char *text = mem_printf(
				"{\"text\":\"t\",\"holder\":{\"policy\":\"%s\"}"
				"}",
				rows[i].status[1] == 'w' ? best.policy
							 : DIGEST);
			struct doc *d = document("note", json_of(text));
			char *line = doc_line(d);

			says("status", line);
			free(line);
			free(text);
			doc_free(d);
		} else {
			says("status", "");
		}
		program("bin/sched-deploy", "cat status; echo\n");
		assert_int_equal(loop_is_current(&l, &attach), 1);
		assert_int_equal(attach, rows[i].attach);
		end();
	}
}

/* ---- it is put to work ------------------------------------------------- */

static void on_this_host(void **state)
{
	static const struct {
		const char *state, *script;
		int rc;
		const char *words;
	} rows[] = {
		{"attached", "cat deployment; exec sleep 2\n", 0, ""},
		{"attached", "exec cat deployment\n", -EIO,
		 "is not attached any more"},
		{"refused", "cat deployment; exit 1\n", -EIO,
		 "was not put in place: because"},
		{NULL, "exit 3\n", -EIO, "sched-deploy said nothing"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc;

		begin("host", "{}");
		deployment(rows[i].state);
		program("bin/sched-deploy", rows[i].script);
		rc = loop_deploy(&l, &best);
		if (rc != rows[i].rc || !strstr(err_text(), rows[i].words))
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
		assert_true(called("--target=host"));
		assert_int_equal(!!strstr(l.place, "attached to this host"),
				 !rc);
		end();
	}
}

/* A state may name what is not in its documents: that is not handed over. */
static void what_is_not_there(void **state)
{
	(void)state;
	for (int guest = 0; guest < 2; guest++) {
		begin(guest ? "vm" : "host", "{}");
		strcpy(best.policy, DIGEST);
		program("bin/sched-deploy",
			"wc -l >count\necho it is not there >&2\nexit 3\n");
		assert_int_equal(loop_deploy(&l, &best), -EIO);
		assert_non_null(strstr(err_text(), "was not put in place"));
		{
			char *count = place_read("count");

			assert_int_equal(atoi(count), 2);
			free(count);
		}
		end();
	}
}

static void in_a_guest(void **state)
{
	static const struct {
		bool run;
		const char *state;
		int rc;
		const char *words, *place, *called;
	} rows[] = {
		{true, "detached", 0, "", "the command ran under it in a guest",
		 "-- ./w x"},
		{false, "dry-run", 0, "", "it was loaded and taken off again",
		 "--dry-run"},
		{true, "ejected", -EIO, "was not put in place: because", "",
		 "-- ./w x"},
		{true, NULL, -EIO, "no such guest", "", "-- ./w x"},
	};
	volatile sig_atomic_t cancelled = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int rc;

		begin("vm", "{}");
		opts.run = rows[i].run;
		opts.workload = &workload;
		deployment(rows[i].state);
		program("bin/sched-deploy",
			"cat deployment; echo no such guest >&2\n");
		rc = loop_deploy(&l, &best);
		if (rc != rows[i].rc || !strstr(err_text(), rows[i].words))
			fail_msg("row %zu: %d '%s'", i, rc, err_text());
		assert_true(called(rows[i].called));
		assert_non_null(strstr(l.place, rows[i].place));
		end();
	}
	begin("vm", "{}");
	opts.cancel = &cancelled;
	program("bin/sched-deploy", "exec sleep 20\n");
	assert_int_equal(loop_deploy(&l, &best), -EINTR);
	end();
}

/* ---- what programs answer ---------------------------------------------- */

/* The round under way. */
static void round_begins(void)
{
	json_set(l.state.body, "rounds", json_array());
	json_add((struct json *)json_get(l.state.body, "rounds"),
		 json_object());
	loop_read_rounds(&l);
}

static void plan_is(const char *title)
{
	char *text = mem_printf("{\"form\":\"params\",\"title\":\"%s\",\"why\":"
				"\"w\",\"uses\":[],\"params\":{\"slice_us\":"
				"%zu}}",
				title, 1000 + strlen(title));
	struct doc *d = document("policy", json_of(text));
	char *line = doc_line(d);

	free(text);
	text = mem_printf("%s\n", line);
	says("plan", text);
	free(text);
	free(line);
	doc_free(d);
}

static char noted[256];

static void note(void *arg, const char *words)
{
	(void)arg;
	snprintf(noted, sizeof(noted), "%s", words);
}

/* One that is asked for its own proposals, and for a model's. */
static void who_proposes(void **state)
{
	static const struct {
		const char *script;
		long builtin, model;
		int rc;
		size_t policies;
		const char *words, *noted;
	} rows[] = {
		{"cat plan\n", 2, 0, 0, 1, "", ""},
		{"exit 3\n", 2, 0, -EIO, 0, "sched-synth ended with status 3",
		 ""},
		{"echo no room >&2; exit 3\n", 2, 0, -EIO, 0, "no room", ""},
		{"echo later >&2; exit 4\n", 2, 0, -EAGAIN, 0, "later", ""},
		/* "No" is an answer of a model alone. */
		{"exit 1\n", 2, 0, -EIO, 0, "status 1", ""},
		{"exit 1\n", 0, 2, 0, 0, "", ""},
		{"exit 200\n", 2, 0, -EAGAIN, 0, "status 200", ""},
		{"exit 40\n", 2, 0, -EIO, 0, "status 40", ""},
		/* It is started anew where somebody killed it. */
		{"[ -e again ] && cat plan || { : >again; kill -9 $$; }\n", 2,
		 0, 0, 1, "", ""},
		/* An endpoint that is down does not stop the others. */
		{"case $* in *builtin*) cat plan ;; *) echo down >&2; exit 4\n"
		 "esac\n",
		 1, 1, 0, 1, "", "down"},
		{"echo down >&2; exit 4\n", 0, 1, -EAGAIN, 0, "down", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct loop_next next = {.builtin = rows[i].builtin,
					 .model = rows[i].model};
		int rc;

		begin("vm", "{}");
		round_begins();
		plan_is("new");
		noted[0] = '\0';
		opts.note = note;
		opts.backend = "api";
		opts.asks_model = true;
		opts.budget = (struct loop_budget){
			.usd = 1, .tokens = 100, .seconds = 600, .rounds = 2};
		l.phase_start = clock_monotonic();
		program("bin/sched-synth", rows[i].script);
		err_clear();
		rc = loop_plan(&l, &next);
		if (rc != rows[i].rc ||
		    (rc && !strstr(err_text(), rows[i].words)) ||
		    strcmp(noted, rows[i].noted))
			fail_msg("row %zu: %d '%s' '%s'", i, rc, err_text(),
				 noted);
		if (!rc)
			assert_int_equal(
				json_len(json_path(l.state.body,
						   "rounds.0.policies")),
				rows[i].policies);
		if (rows[i].model)
			assert_true(called("usd=0.5"));
		place_forget("again");
		end();
	}
}

/* What was tried in a round before is nothing new. */
static void what_was_tried(void **state)
{
	struct loop_next next = {.builtin = 1};
	struct json *rounds;

	(void)state;
	begin("vm", "{}");
	round_begins();
	plan_is("new");
	program("bin/sched-synth", "cat plan\n");
	assert_int_equal(loop_plan(&l, &next), 0);
	rounds = (struct json *)json_get(l.state.body, "rounds");
	json_add(rounds, json_object());
	loop_read_rounds(&l);
	plan_is("newer");
	assert_int_equal(loop_plan(&l, &next), 0);
	assert_int_equal(json_len(json_path(l.state.body, "rounds.1.policies")),
			 1);
	/* The same document is taken in once. */
	json_add(rounds, json_object());
	loop_read_rounds(&l);
	assert_int_equal(loop_plan(&l, &next), 0);
	assert_int_equal(json_len(json_path(l.state.body, "rounds.2.policies")),
			 0);
	end();
}

static void what_is_measured(void **state)
{
	struct json *row, *list;
	char *guards[] = {(char *)"throughput:2"};

	(void)state;
	begin("vm", "{\"evidence\":{\"target_runs\":6},\"simulation\":"
		    "{\"seeds\":2}}");
	history_has(best.verdict);
	/* As if it were not there yet: another stream. */
	stream_free(l.s);
	l.s = stream_open(-1, -1, "test");
	json_set_string(
		l.state.body, "profile",
		emit("profile",
		     json_of("{\"scope\":\"command\",\"goal\":\"makespan\","
			     "\"source\":\"proc\",\"target\":\"vm\","
			     "\"duration_us\":1,\"system\":{\"cpus\":2,"
			     "\"kernel\":\"6.18\"},\"groups\":[],"
			     "\"overhead\":{\"drops\":0}}")));
	emit("policy",
	     json_of("{\"form\":\"params\",\"title\":\"t\",\"why\":\"w\","
		     "\"uses\":[],\"params\":{\"queue\":\"global\"}}"));
	round_begins();
	row = loop_row(&l);
	list = json_set(row, "policies", json_array());
	json_add(list, json_string(best.policy));
	/* Of a state that names what the documents lack, the rest counts. */
	for (int i = 0; i < 20; i++)
		json_add(list, json_string(DIGEST));
	loop_read_rounds(&l);
	opts.guards = guards;
	opts.guard_count = 1;
	opts.pairs = 5;
	opts.executor = "ssh:a";
	program("bin/sched-verify", "cat verdict; exit 1\n");
	program("bin/sched-history", "exit 0\n");
	assert_int_equal(loop_verify(&l), 0);
	row = loop_row(&l);
	assert_true(json_as_bool(json_get(row, "judged"), false));
	assert_int_equal(json_len(json_get(row, "verdicts")), 1);
	assert_true(l.spent.guest_runs == 6 && l.spent.sim_runs == 2);
	assert_true(called("--executor ssh:a"));
	assert_true(called("--guard throughput:2"));
	assert_false(called("--halving"));
	/* What cannot be learned is an error, and what cannot be kept. */
	program("bin/sched-history", "echo full >&2; exit 3\n");
	assert_int_equal(loop_verify(&l), -EIO);
	assert_int_equal(loop_record(&l), -EIO);
	assert_string_equal(err_text(), "full");
	assert_int_equal(loop_promote(&l, &best), -EIO);
	program("bin/sched-history", "exit 1\n");
	assert_int_equal(loop_promote(&l, &best), 0);
	assert_true(called("promote candidate"));
	end();
}

static int set_up(void **state)
{
	char *object = path_lib("policy.bpf.o");

	(void)state;
	place_add(object, "we", "bytes");
	free(object);
	strs_add(&workload.command, "./w");
	strs_add(&workload.command, "x");
	return 0;
}

static int tear_down(void **state)
{
	strs_release(&workload.command);
	return place_leave(state);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_still_counts),
		cmocka_unit_test(what_was_measured_elsewhere),
		cmocka_unit_test(what_is_to_be_attached_again),
		cmocka_unit_test(on_this_host),
		cmocka_unit_test(what_is_not_there),
		cmocka_unit_test(in_a_guest),
		cmocka_unit_test(who_proposes),
		cmocka_unit_test(what_was_tried),
		cmocka_unit_test(what_is_measured),
	};

	(void)argc;
	return place_run(tests, argv, set_up, tear_down);
}
