/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host puts in place of a policy that tripped, and how often it did:
 * out of a history, whatever that says. */
#include "tests/unit/deployer_fix.h"

#include "agents/deployer/known.h"
#include "agents/deployer/past.h"
#include "guard/trips.h"

/* Our own sched-history: prints the file of its verb, and ends as it says. */
static void history_is(const char *verb, const char *lines, int status)
{
	char *name = mem_printf("history.%s", verb), text[16];

	says(name, lines);
	free(name);
	name = mem_printf("history.%s.status", verb);
	snprintf(text, sizeof(text), "%d", status);
	says(name, text);
	free(name);
}

static void lines_of(struct buf *out, const struct doc *d)
{
	char *line = doc_line(d);

	buf_printf(out, "%s\n", line);
	free(line);
}

/* ---- the one that is trusted ------------------------------------------- */

struct known_case {
	const char *policy; /* members of the trusted one */
	const char *verdict;
	const char *later; /* another verdict on it; NULL: none */
	const char *why;   /* "": it is taken */
};

static void trusted(const char *id, const char *workload)
{
	char *states = mem_printf(
		"{\"workload\":\"other\",\"state\":\"trusted\",\"policy\":"
		"\"%s\"}\n{\"workload\":\"%s\",\"state\":\"trial\",\"policy\":"
		"\"%s\"}\nno JSON\n{\"workload\":\"%s\",\"state\":\"trusted\","
		"\"policy\":\"short\"}\n{\"workload\":\"%s\",\"state\":"
		"\"trusted\",\"policy\":\"%s\"}",
		DIGEST, workload, DIGEST, workload, workload, id);

	history_is("states", states, 0);
	free(states);
}

static void host_of(struct deployer *d)
{
	struct utsname u;

	uname(&u);
	snprintf(d->kernel, sizeof(d->kernel), "%s", u.release);
	configuration_digest(d->configuration);
}

static void finds(const struct known_case *k)
{
	struct doc *own = policy_of(PARAMS), *v = verdict_of(own, "{}");
	struct doc *p = policy_of(k->policy), *other, *later = NULL;
	struct deployer_opts o = opts();
	struct deployer d = {.o = &o, .policy = own, .verdict = v};
	struct buf story;

	host_of(&d);
	trusted(p->id, "w");
	buf_init(&story, 1 << 20);
	other = verdict_of(p, k->verdict);
	if (k->later) {
		later = verdict_of(p, k->later);
		json_set_string(later->env, "time", "2099-01-01T00:00:00Z");
		lines_of(&story, later);
	}
	lines_of(&story, other);
	lines_of(&story, p);
	/* What is about others is no matter. */
	lines_of(&story, v);
	lines_of(&story, own);
	history_is("lineage", story.data, 0);
	deployer_find_known(&d);
	if (*k->why && (d.known.policy || !strstr(d.known.why, k->why)))
		fail_msg("'%s', not '%s'", d.known.why, k->why);
	if (!*k->why && (!d.known.policy || strcmp(d.known.policy->id, p->id) ||
			 strcmp(d.known.verdict->id, other->id)))
		fail_msg("it is not taken: %s", d.known.why);
	deployer_known_release(&d);
	buf_release(&story);
	doc_free(own);
	doc_free(v);
	doc_free(p);
	doc_free(other);
	doc_free(later);
}

#define OTHER "\"form\":\"params\",\"params\":{\"queue\":\"cpu\"}"

static void which_is_trusted_here(void **state)
{
	static const struct known_case rows[] = {
		{OTHER, "{}", NULL, ""},
		{OTHER, "{\"workload\":\"other\"}", NULL,
		 "the history has no verdict on policy"},
		{OTHER, "{\"target\":\"vm\"}", NULL, "measured elsewhere"},
		{OTHER, "{\"kernel\":\"6.1\"}", NULL, "measured elsewhere"},
		{OTHER, "{\"configuration\":null}", NULL, "measured elsewhere"},
		{OTHER, "{\"object_sha256\":\"" DIGEST "\"}", NULL,
		 "as another object"},
		/* The latest counts, whatever was before. */
		{OTHER, "{}", "{\"decision\":\"rejected\"}",
		 "its latest verdict is 'rejected'"},
		{PARAMS, "{}", NULL, "it is itself the trusted one"},
		{"\"form\":\"knobs\",\"knobs\":[{\"match\":\"x\",\"nice\":5}]",
		 "{}", NULL, "not of the form 'params'"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		finds(&rows[i]);
}

static void it_tripped_itself(void **state)
{
	struct known_case k = {OTHER, "{}", NULL, "a guard took it off lately"};
	struct doc *p = policy_of(OTHER);

	(void)state;
	assert_int_equal(trips_add(p->id, "so"), 0);
	finds(&k);
	assert_int_equal(trips_forget(p->id), 0);
	k.why = "";
	finds(&k);
	doc_free(p);
}

static void histories_that_fail(void **state)
{
	static const struct {
		const char *states, *lineage;
		int ends, lineages;
		const char *why;
	} rows[] = {
		{"", "", 0, 0, "no policy is trusted for 'w'"},
		{"{\"workload\":\"w\",\"state\":\"trusted\"}\n", "", 0, 0,
		 "no policy is trusted for 'w'"},
		{"", "", 3, 0, "'sched-history states' failed"},
		{"{\"workload\":\"w\",\"state\":\"trusted\",\"policy\":\"" DIGEST
		 "\"}\n",
		 "", 0, 0, "the history has no policy 0123456789ab"},
		{"{\"workload\":\"w\",\"state\":\"trusted\",\"policy\":\"" DIGEST
		 "\"}\n",
		 "", 0, 3, "said why"},
		/* "No" is an answer. */
		{"{\"workload\":\"w\",\"state\":\"trusted\",\"policy\":\"" DIGEST
		 "\"}\n",
		 "", 1, 1, "the history has no policy"},
	};
	struct doc *own = policy_of(PARAMS), *v = verdict_of(own, "{}");
	struct deployer_opts o = opts();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct deployer d = {.o = &o, .policy = own, .verdict = v};

		history_is("states", rows[i].states, rows[i].ends);
		history_is("lineage", rows[i].lineage, rows[i].lineages);
		deployer_find_known(&d);
		assert_null(d.known.policy);
		if (!strstr(d.known.why, rows[i].why))
			fail_msg("row %zu: '%s'", i, d.known.why);
		deployer_known_release(&d);
	}
	doc_free(own);
	doc_free(v);
}

/* ---- how often it tripped ---------------------------------------------- */

static void line_of(struct buf *out, const char *policy, const char *state,
		    bool again)
{
	struct json *b = json_object();
	struct doc *d;

	json_set_string(b, "policy", policy);
	json_set_string(b, "target", "host");
	json_set_string(b, "state", state);
	json_set_string(b, "why", "so");
	if (again)
		json_set_bool(b, "again", true);
	d = document("deployment", b);
	lines_of(out, d);
	doc_free(d);
}

static void how_often_it_tripped(void **state)
{
	struct doc *own = policy_of(PARAMS), *v = verdict_of(own, "{}");
	struct deployer_opts o = opts();
	struct deployer d = {.o = &o, .policy = own, .verdict = v};
	struct buf log;
	unsigned n = 9;

	(void)state;
	/* The newest first. */
	buf_init(&log, 1 << 16);
	line_of(&log, own->id, "tripped", false);
	line_of(&log, DIGEST, "tripped", false);
	line_of(&log, own->id, "detached", false);
	line_of(&log, own->id, "tripped", false);
	history_is("log", log.data, 0);
	assert_int_equal(deployer_count_trips(&d, &n), 0);
	assert_int_equal(n, 2);
	/* A person said that it may be tried again: from there on. */
	buf_reset(&log);
	line_of(&log, own->id, "tripped", false);
	line_of(&log, own->id, "attached", true);
	line_of(&log, own->id, "tripped", false);
	line_of(&log, own->id, "tripped", false);
	history_is("log", log.data, 0);
	assert_int_equal(deployer_count_trips(&d, &n), 0);
	assert_int_equal(n, 1);
	history_is("log", "", 4);
	assert_int_equal(deployer_count_trips(&d, &n), -EIO);
	assert_string_equal(err_text(), "it said why");
	assert_int_equal(n, 0);
	buf_release(&log);
	doc_free(own);
	doc_free(v);
}

/* Three times, and it takes a person: whichever of the two remembers. */
static void what_fell_too_often_stays_off(void **state)
{
	struct doc *own = policy_of(PARAMS);
	struct deployer_opts o = opts();
	struct buf log;

	(void)state;
	buf_init(&log, 1 << 16);
	for (int i = 0; i < TRIPS_MOST; i++)
		line_of(&log, own->id, "tripped", false);
	history_is("log", log.data, 0);
	says("load-policy", HOLDS);
	assert_int_equal(deploy_it(&o), DEPLOYER_REFUSED);
	last_is("refused", "taken off by a guard 3 times: it is tried again "
			   "when a person says so");
	buf_release(&log);
	doc_free(own);
	history_is("log", "", 0);
}

static int begin(void **state)
{
	char *path = place_path("bin/sched-history"),
	     *story = place_path("story");
	char *script = mem_printf("#!/bin/sh\necho it said why >&2\n"
				  "cat %s/history.$1\n"
				  "exit $(cat %s/history.$1.status)\n",
				  getenv(PLACE), getenv(PLACE));

	place_add(path, "we", script);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(path_make_dirs(story), 0);
	free(script);
	free(story);
	free(path);
	return set_up(state);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_is_trusted_here),
		cmocka_unit_test(it_tripped_itself),
		cmocka_unit_test(histories_that_fail),
		cmocka_unit_test(how_often_it_tripped),
		cmocka_unit_test(what_fell_too_often_stays_off),
	};

	(void)argc;
	return place_run(tests, argv, begin, tear_down);
}
