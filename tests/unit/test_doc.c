/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The envelope, the id, the forms of bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypt/digest.h"
#include "doc/doc.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct json *parse(const char *text)
{
	struct json *v = json_parse(text, strlen(text));

	if (!v)
		fail_msg("%s: %s", text, err_text());
	return v;
}

static void a_document_goes_round(void **state)
{
	const char *parents[] = {ID_A};
	struct doc *d, *again;
	char *line;

	(void)state;
	setenv("SCHEDKIT_TIME", "1795230245", 1);
	d = doc_new("note", "sched-x", parse("{\"text\":\"é\",\"b\":1}"),
		    parents, 1);
	unsetenv("SCHEDKIT_TIME");
	assert_non_null(d);
	line = doc_line(d);
	assert_string_equal(
		line, "{\"body\":{\"b\":1,\"text\":\"é\"},"
		      "\"by\":\"sched-x 0.1\",\"id\":\"45792a003bb0d14d12f025c"
		      "b70107f308c5ea7bef616c3918e67888013f14023\","
		      "\"kind\":\"note\",\"parent\":[\"" ID_A "\"],"
		      "\"time\":\"2026-11-21T03:04:05Z\",\"v\":1}");
	assert_int_equal(doc_parse(line, strlen(line), &again), 0);
	assert_string_equal(again->id, d->id);
	assert_string_equal(again->kind, "note");
	assert_int_equal(doc_parent_count(again), 1);
	assert_string_equal(doc_parent(again, 0), ID_A);
	assert_null(doc_parent(again, 1));
	assert_string_equal(json_as_string(json_get(again->body, "text"), ""),
			    "é");
	doc_free(again);
	doc_free(d);
	doc_free(NULL);
	free(line);
}

static void the_id_is_of_the_body_alone(void **state)
{
	static const char canonical[] = "{\"a\":1.5,\"text\":\"x\"}";
	const char *parents[] = {ID_A};
	struct doc *d, *e;
	char want[DIGEST_HEX_LEN];

	(void)state;
	digest_hex(canonical, sizeof(canonical) - 1, want);
	d = doc_new("note", "a", parse("{\"text\":\"x\",\"a\":1.50}"), NULL, 0);
	e = doc_new("note", "b", parse(" {\"a\":15e-1, \"text\":\"\\u0078\"}"),
		    parents, 1);
	assert_string_equal(d->id, want);
	assert_string_equal(e->id, want);
	doc_free(d);
	doc_free(e);
}

/* Spaces, order and unknown keys are the writer's own business. */
static void envelopes_may_be_untidy(void **state)
{
	struct json *body = parse("{\"z\":0}");
	char id[DOC_ID_LEN], *line, *out;
	struct doc *d;

	(void)state;
	doc_body_id(body, id);
	json_free(body);
	line = mem_printf(" { \"kind\":\"brand_new\", \"future\":[1],"
			  "\"v\":1.0,\"id\":\"%s\",\"by\":\"\",\"time\":\"\","
			  "\"body\":{ \"z\" : 0.0 },\"parent\":[]}\r",
			  id);
	assert_int_equal(doc_parse(line, strlen(line), &d), 0);
	out = doc_line(d);
	assert_non_null(strstr(out, "\"future\":[1]"));
	assert_string_equal(d->kind, "brand_new");
	doc_free(d);
	free(out);
	free(line);
}

static void envelope_refused(const char *line, const char *message)
{
	struct doc *d = (struct doc *)1;

	assert_int_equal(doc_parse(line, strlen(line), &d), -22);
	assert_null(d);
	assert_string_equal(err_text(), message);
}

static void bad_envelopes_are_named(void **state)
{
/* The SHA-256 of "{}". */
#define ID_0 "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define REST ",\"by\":\"x\",\"time\":\"t\",\"body\":{}}"
	(void)state;
	envelope_refused("[]", "an object is needed, not an array");
	envelope_refused("{\"v\":1", "byte 6: the text ends where ',' or '}' "
				     "should be");
	envelope_refused("{}", "v: missing");
	envelope_refused("{\"v\":\"1\"}",
			 "v: a number is needed, not a string");
	envelope_refused("{\"v\":1}", "kind: missing");
	envelope_refused("{\"v\":1,\"kind\":null}",
			 "kind: a string is needed, not null");
	envelope_refused("{\"v\":1,\"kind\":\"x\",\"id\":\"" ID_0 "\"}",
			 "parent: missing");
	envelope_refused(
		"{\"v\":1,\"kind\":\"x\",\"id\":\"E3\",\"parent\":[]" REST,
		"id: 'E3' is not 64 lower-case hexadecimal digits");
	envelope_refused("{\"v\":1,\"kind\":\"x\",\"id\":\"" ID_0 "\","
			 "\"parent\":{}" REST,
			 "parent: an array is needed, not an object");
	envelope_refused("{\"v\":1,\"kind\":\"x\",\"id\":\"" ID_0 "\","
			 "\"parent\":[\"" ID_A "\",\"no\"]" REST,
			 "parent.1: 'no' is not 64 lower-case hexadecimal "
			 "digits");
	envelope_refused("{\"v\":2,\"kind\":\"x\",\"id\":\"" ID_0 "\","
			 "\"parent\":[]" REST,
			 "v: only version 1 is known");
	envelope_refused("{\"v\":1,\"kind\":\"\",\"id\":\"" ID_0 "\","
			 "\"parent\":[]" REST,
			 "kind: a word of a to z and _ is needed");
	envelope_refused("{\"v\":1,\"kind\":\"../x\",\"id\":\"" ID_0 "\","
			 "\"parent\":[]" REST,
			 "kind: a word of a to z and _ is needed");
	envelope_refused("{\"v\":1,\"kind\":\"x\",\"id\":\"" ID_A "\","
			 "\"parent\":[]" REST,
			 "id: " ID_A " is not the body's, which is " ID_0);
	envelope_refused("{\"v\":1,\"kind\":\"note\",\"id\":\"" ID_0 "\","
			 "\"parent\":[]" REST,
			 "body.text: missing");
	envelope_refused("{\"v\":1,\"kind\":\"x\",\"id\":\"" ID_0 "\","
			 "\"parent\":[],\"by\":\"x\",\"time\":\"t\","
			 "\"body\":[]}",
			 "body: an object is needed, not an array");
}

static void wrong_documents_cannot_be_made(void **state)
{
	const char *parents[] = {"short"};
	struct json *deep = json_object(), *at = deep, *wide;

	(void)state;
	assert_null(doc_new("note", "x", json_object(), NULL, 0));
	assert_string_equal(err_text(), "body.text: missing");
	assert_null(doc_new("No", "x", json_object(), NULL, 0));
	assert_string_equal(err_text(),
			    "kind: a word of a to z and _ is needed");
	assert_null(doc_new("x", "x", json_object(), parents, 1));
	assert_string_equal(
		err_text(),
		"parent.0: 'short' is not 64 lower-case hexadecimal digits");
	assert_null(doc_new("x", "x", json_array(), NULL, 0));
	for (int i = 0; i < JSON_MAX_DEPTH; i++)
		at = json_set(at, "d", json_object());
	assert_null(doc_new("x", "x", deep, NULL, 0));
	assert_non_null(strstr(err_text(), "nested deeper than 64"));
	wide = json_object();
	at = json_set(wide, "w", json_array());
	for (int i = 0; i < 1000000; i++)
		json_add(at, json_string("0123456789abcdef"));
	assert_null(doc_new("x", "x", wide, NULL, 0));
	assert_string_equal(err_text(), "longer than 16777216 bytes");
}

#define HIST                                                              \
	"{\"count\":1,\"sum\":2,\"max\":2,\"p50\":2,\"p90\":2,\"p99\":2," \
	"\"buckets\":[[2,1]]}"

static const char profile[] =
	"{\"scope\":\"command\",\"goal\":\"latency\",\"source\":\"bpf\","
	"\"target\":\"host\",\"duration_us\":10,\"exit_status\":1,"
	"\"metrics\":[{\"name\":\"wall\",\"unit\":\"s\",\"better\":\"lower\","
	"\"value\":1}],\"system\":{\"cpus\":2,\"kernel\":\"6.18\"},"
	"\"workload\":{\"name\":\"x\",\"command\":[\"make\",\"-j4\"]},"
	"\"groups\":[{\"name\":\"cc1\",\"tasks\":1,\"run_us\":2,\"wait_us\":3,"
	"\"wakeups\":4,\"burst_us\":" HIST ",\"delay_us\":" HIST "}],"
	"\"identities\":[{\"hash\":\"0123456789abcdef\",\"execs\":1,"
	"\"run_us\":1,\"max_us\":1}],\"overhead\":{\"drops\":0}}";

static const char plan[] =
	"{\"profile\":\"" ID_A "\",\"regime\":{\"saturated\":true,"
	"\"bound\":\"makespan\",\"traits\":[\"long-tailed\"],"
	"\"confidence_pct\":80},\"evidence\":[{\"text\":\"t\",\"value\":1,"
	"\"key\":\"groups.0.run_us\"}],\"text\":\"words\",\"proposals\":[\"" ID_A
	"\"],\"seed\":7}";

static const char policy[] =
	"{\"form\":\"params\",\"title\":\"t\",\"why\":\"w\","
	"\"uses\":[\"behaviour\"],\"params\":{\"slice_us\":5000,"
	"\"lag_cap\":true,\"order\":\"fifo\"},"
	"\"identities\":[{\"hash\":\"0123456789abcdef\",\"expect_us\":5}]}";

static const char verdict[] =
	"{\"policy\":\"" ID_A "\",\"decision\":\"accepted\",\"why\":\"w\","
	"\"target\":\"vm\",\"kernel\":\"6.18\",\"stages\":[{\"name\":\"lint\","
	"\"status\":\"passed\",\"findings\":[{\"rule\":\"r\",\"text\":\"t\"}],"
	"\"seconds\":0.5}],\"metrics\":[{\"name\":\"rps\",\"unit\":\"1/s\","
	"\"better\":\"higher\",\"baseline\":1,\"candidate\":2,\"ratio\":2,"
	"\"ci95\":[1.8,2.2],\"pairs\":5,\"guard\":false,"
	"\"samples\":{\"baseline\":[1],\"candidate\":[2]}}]}";

static const char deployment[] =
	"{\"policy\":\"" ID_A "\",\"verdict\":\"" ID_A "\",\"target\":\"vm\","
	"\"state\":\"dry-run\",\"why\":\"w\",\"counters\":{\"inserts\":1}}";

static const char lesson[] =
	"{\"profile\":\"" ID_A "\",\"policy\":\"" ID_A "\",\"verdict\":\"" ID_A
	"\",\"features\":{\"version\":1,\"busy\":0.9},\"tried\":{"
	"\"form\":\"params\",\"title\":\"t\",\"source\":\"rule\","
	"\"params\":{\"order\":\"fifo\"}},\"measured\":{\"metric\":\"wall\","
	"\"ratio\":1.4,\"ci95\":[null,1.5],\"pairs\":1},"
	"\"outcome\":\"better\",\"text\":\"t\",\"conditions\":{"
	"\"target\":\"vm\",\"kernel\":\"6.18\"}}";

/* One change each: the text from, which is there once, becomes to. */
static const struct {
	const char *kind, *body, *from, *to, *message;
} changes[] = {
	{"profile", profile, "", "", NULL},
	{"profile", profile, "\"exit_status\":1", "\"exit_status\":null", NULL},
	{"profile", profile, "\"exit_status\":1", "\"exit_status\":-1",
	 "body.exit_status: -1 is below 0"},
	{"profile", profile, "\"exit_status\":1", "\"exit_status\":1.5",
	 "body.exit_status: 1.5 is not a whole number"},
	{"profile", profile, "\"duration_us\":10", "\"duration_us\":\"10\"",
	 "body.duration_us: a number is needed, not a string"},
	{"profile", profile, "\"duration_us\":10", "\"duration_us\":null",
	 "body.duration_us: a number is needed, not null"},
	{"profile", profile, "\"scope\":\"command\"", "\"scope\":\"some\"",
	 "body.scope: 'some' is not one of command, all, pid, cgroup"},
	{"profile", profile, "\"better\":\"lower\"", "\"better\":\"LOWER\"",
	 "body.metrics.0.better: 'LOWER' is not one of higher, lower"},
	{"profile", profile, "\"wakeups\":4,", "",
	 "body.groups.0.wakeups: missing"},
	{"profile", profile, "\"burst_us\":" HIST, "\"burst_us\":3",
	 "body.groups.0.burst_us: an object is needed, not a number"},
	{"profile", profile, "[[2,1]]},\"delay_us", "[[2,1],[4]]},\"delay_us",
	 "body.groups.0.burst_us.buckets.1: 1 element, not 2"},
	{"profile", profile, "[[2,1]]},\"delay_us", "[[2,true]]},\"delay_us",
	 "body.groups.0.burst_us.buckets.0.1: a number is needed, not true or "
	 "false"},
	{"profile", profile, "0123456789abcdef", "0123456789ABCDEF",
	 "body.identities.0.hash: '0123456789ABCDEF' is not 16 lower-case "
	 "hexadecimal digits"},
	{"profile", profile, "\"cpus\":2", "\"cpus\":0",
	 "body.system.cpus: 0 is below 1"},
	{"profile", profile, "\"-j4\"", "4",
	 "body.workload.command.1: a string is needed, not a number"},
	{"profile", profile, "\"drops\":0", "\"events\":0",
	 "body.overhead.drops: missing"},
	{"plan", plan, "", "", NULL},
	{"plan", plan, "\"confidence_pct\":80", "\"confidence_pct\":101",
	 "body.regime.confidence_pct: 101 is above 100"},
	{"plan", plan, "\"proposals\":[\"a", "\"proposals\":[\"A",
	 "body.proposals.0: 'A" /* and so on: cut at 40 */
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...' is not 64 lower-case "
	 "hexadecimal digits"},
	{"plan", plan, "\"saturated\":true", "\"saturated\":1",
	 "body.regime.saturated: true or false is needed, not a number"},
	{"policy", policy, "", "", NULL},
	{"policy", policy, "\"uses\":[\"behaviour\"]", "\"uses\":[]", NULL},
	{"policy", policy, "\"uses\":[\"behaviour\"]", "\"uses\":[\"names\"]",
	 "body.uses.0: 'names' is not one of behaviour, learned_identity, "
	 "declared_intent"},
	{"policy", policy, "\"behaviour\"", "null",
	 "body.uses.0: a string is needed, not null"},
	{"policy", policy, "\"slice_us\":5000", "\"slice_us\":null",
	 "body.params.slice_us: a string, a number, true or false is needed, "
	 "not null"},
	{"policy", policy, "\"slice_us\":5000", "\"slice_us\":[1]",
	 "body.params.slice_us: a string, a number, true or false is needed, "
	 "not an array"},
	{"policy", policy, "\"slice_us\":5000", "\"a\\u001b]0;\\u009b\":{}",
	 "body.params.a?]0;?: a string, a number, true or false is needed, "
	 "not an object"},
	{"verdict", verdict, "", "", NULL},
	{"verdict", verdict, "\"status\":\"passed\"", "\"status\":\"maybe\"",
	 "body.stages.0.status: 'maybe' is not one of passed, failed, skipped, "
	 "unknown"},
	{"verdict", verdict, "\"rule\":\"r\",", "",
	 "body.stages.0.findings.0.rule: missing"},
	{"verdict", verdict, "[1.8,2.2]", "[null,2.2]", NULL},
	{"verdict", verdict, "[1]", "[null]",
	 "body.metrics.0.samples.baseline.0: a number is needed, not null"},
	{"verdict", verdict, "[1.8,2.2]", "[1.8,2.2,2]",
	 "body.metrics.0.ci95: 3 elements, not 2"},
	{"verdict", verdict, "\"guard\":false", "\"guard\":\"no\"",
	 "body.metrics.0.guard: true or false is needed, not a string"},
	{"verdict", verdict, "\"candidate\":[2]", "\"candidate\":[2,{}]",
	 "body.metrics.0.samples.candidate.1: a number is needed, not an "
	 "object"},
	{"deployment", deployment, "", "", NULL},
	{"deployment", deployment, "\"dry-run\"", "\"\"",
	 "body.state: '' is not one of attached, detached, ejected, tripped, "
	 "refused, dry-run, stopped"},
	{"deployment", deployment, "\"inserts\":1", "\"inserts\":\"1\"",
	 "body.counters.inserts: a number is needed, not a string"},
	{"note", "{\"text\":\"t\",\"about\":\"" ID_A "\"}", "", "", NULL},
	{"note", "{\"text\":7}", "", "",
	 "body.text: a string is needed, not a number"},
	{"error", "{\"code\":\"EINVAL\",\"text\":\"t\",\"line\":1}", "", "",
	 NULL},
	{"error", "{\"code\":\"EINVAL\",\"text\":\"t\",\"line\":0}", "", "",
	 "body.line: 0 is below 1"},
	{"lesson", lesson, "", "", NULL},
	{"lesson", lesson, "\"busy\":0.9", "\"busy\":\"0.9\"",
	 "body.features.busy: a number is needed, not a string"},
	{"lesson", lesson, "\"outcome\":\"better\"", "\"outcome\":\"good\"",
	 "body.outcome: 'good' is not one of better, no-better, worse, unsafe, "
	 "unknown"},
	{"lesson", lesson, "\"source\":\"rule\"", "\"source\":\"luck\"",
	 "body.tried.source: 'luck' is not one of rule, neighbour, optimiser, "
	 "model, person"},
	{"lesson", lesson, "\"text\":\"t\",", "", "body.text: missing"},
	{"unheard_of", "{\"any\":[{}]}", "", "", NULL},
};

static char *changed(const char *body, const char *from, const char *to)
{
	const char *at = strstr(body, from);

	assert_non_null(at);
	return mem_printf("%.*s%s%s", (int)(at - body), body, to,
			  at + strlen(from));
}

static void bodies_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		char *text = changed(changes[i].body, changes[i].from,
				     changes[i].to);
		struct json *body = parse(text);

		err_clear();
		if (doc_check(changes[i].kind, body))
			assert_string_equal(err_text(),
					    changes[i].message
						    ? changes[i].message
						    : "no error");
		else if (changes[i].message)
			fail_msg("accepted: %s", text);
		json_free(body);
		free(text);
	}
}

static void every_kind_has_a_valid_body_here(void **state)
{
	(void)state;
	for (const char *const *kind = doc_kinds; *kind; kind++) {
		bool found = false;

		for (size_t i = 0; i < ARRAY_LEN(changes); i++)
			found |= !strcmp(changes[i].kind, *kind) &&
				 !changes[i].message;
		assert_true(found);
	}
}

static void values_of_outsiders_are_cut(void **state)
{
	struct json *body = json_object();

	(void)state;
	json_set_string(body, "text", "x");
	json_set_string(body, "about",
			"\x1b[31mréd\n\xc2\x85"
			"0123456789012345678901234567890123456789");
	assert_int_equal(doc_check("note", body), -22);
	assert_string_equal(
		err_text(),
		"body.about: '?[31mréd??0123456789012345678901234567...' is not 64 lower-case hexadecimal digits");
	json_free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_goes_round),
		cmocka_unit_test(the_id_is_of_the_body_alone),
		cmocka_unit_test(envelopes_may_be_untidy),
		cmocka_unit_test(bad_envelopes_are_named),
		cmocka_unit_test(wrong_documents_cannot_be_made),
		cmocka_unit_test(bodies_are_checked),
		cmocka_unit_test(every_kind_has_a_valid_body_here),
		cmocka_unit_test(values_of_outsiders_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
