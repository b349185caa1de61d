/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What clients may order: rows of tools, orders, configuration, approval;
 * tests/cli/mcp.bats has what becomes of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agents/steward/approve.h"
#include "agents/steward/jobs.h"
#include "agents/steward/order.h"
#include "agents/steward/parts.h"
#include "base/err.h"
#include "base/mem.h"
#include "doc/json_schema.h"
#include "file_fix.h"

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2 "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char folder[] = "/tmp/schedkit-steward-XXXXXX";
static struct steward_config cfg;
static struct steward_client all, few;

static struct json *parse(const char *text)
{
	struct json *v = json_parse(text, strlen(text));

	if (!v)
		print_error("%s: %s\n", text, err_text());
	assert_non_null(v);
	return v;
}

static int order(struct steward_order *o, const struct steward_client *who,
		 const char *tool, const char *args, bool words)
{
	struct json *v = parse(args);
	int rc = steward_order_make(o, &cfg, who, tool, v, words);

	json_free(v);
	return rc;
}

/* argv and operands as one line. */
static char *line_of(const struct steward_order *o)
{
	struct buf b;

	buf_init(&b, 4096);
	for (size_t i = 0; i < o->argv.len; i++)
		buf_printf(&b, "%s%s", i ? " " : "", o->argv.v[i]);
	for (size_t i = 0; i < o->operands.len; i++)
		buf_printf(&b, " [%s]", o->operands.v[i]);
	for (size_t i = 0; i < o->input.len; i++)
		buf_printf(&b, " <%.4s", o->input.v[i]);
	return buf_take(&b);
}

/* ---- tools -------------------------------------------------------------- */

static void every_tool_has_schemas_that_hold(void **state)
{
	struct json *out = steward_tool_output();

	(void)state;
	assert_non_null(out);
	assert_int_equal(json_schema_load(out), 0);
	json_free(out);
	for (const struct steward_tool *t = steward_tools; t->name; t++) {
		struct json *in = steward_tool_input(t);

		assert_int_equal(json_schema_load(in), 0);
		assert_ptr_equal(steward_tool_find(t->name), t);
		assert_true(strlen(t->text) > 40);
		json_free(in);
	}
	assert_null(steward_tool_find("sh"));
}

static void a_client_sees_the_tools_of_its_class(void **state)
{
	struct json *less = steward_tool_list(STEWARD_OBSERVE);
	struct json *more = steward_tool_list(STEWARD_DEPLOY);
	bool deploys = false;

	(void)state;
	assert_true(json_len(less) < json_len(more));
	json_each (it, less) {
		assert_string_not_equal(json_text_at(it, "name"), "verify");
		assert_string_not_equal(json_text_at(it, "name"), "deploy");
		assert_false(json_as_bool(
			json_path(it, "annotations.destructiveHint"), true));
	}
	json_each (it, more)
		if (!strcmp(json_text_at(it, "name"), "deploy")) {
			deploys = true;
			assert_true(json_as_bool(
				json_path(it, "annotations.destructiveHint"),
				false));
			assert_false(json_as_bool(
				json_path(it, "annotations.readOnlyHint"),
				true));
		}
	assert_true(deploys);
	json_free(less);
	json_free(more);
}

/* ---- orders ------------------------------------------------------------- */

static const struct {
	const char *tool, *args, *line;
} good[] = {
	{"doctor", "{}", "sched-doctor --json"},
	{"status", "{}", "sched-deploy status --json"},
	{"observe", "{\"what\":\"machine\",\"seconds\":2.5}",
	 "sched-observe --all --seconds=2.5 --json"},
	{"observe", "{\"what\":\"cgroup\",\"cgroup\":\"user.slice/a\"}",
	 "sched-observe --cgroup=user.slice/a --json"},
	{"plan", "{\"profile\":\"" ID "\"}",
	 "sched-synth --backend=rules --json <0123"},
	{"synthesise", "{\"profile\":\"abcd\",\"count\":3,\"seed\":7}",
	 "sched-synth --backend=builtin --count=3 --seed=7 --json <abcd"},
	{"simulate",
	 "{\"hostile\":\"fork_storm\",\"params\":{\"slice_us\":5000,"
	 "\"order\":\"fifo\"}}",
	 "sched-sim run --param=slice_us=5000 --param=order=fifo --json "
	 "[template] [hostile:fork_storm]"},
	{"simulate", "{\"profile\":\"abcd\",\"policy\":\"ef01\"}",
	 "sched-sim run --json [in.jsonl] [in.jsonl] <abcd <ef01"},
	{"verify",
	 "{\"profile\":\"abcd\",\"policies\":[\"ef01\",\"ef02\"],\"pairs\":6,"
	 "\"stages\":[\"lint\",\"run\"]}",
	 "sched-verify --target=vm --stages=lint,run --pairs=6 --json <abcd "
	 "<ef01 <ef02"},
	{"history_search", "{\"query\":\"long tail\",\"kind\":\"verdict\"}",
	 "sched-history search --max=20 --kind=verdict --json [long] [tail]"},
	{"history_search", "{}", "sched-history log --max=20 --json"},
	{"rollback", "{\"steps\":0}", "sched-deploy stop --json"},
	{"rollback", "{\"steps\":2,\"seconds\":60}",
	 "sched-deploy rollback --for=60 --json [2]"},
	{"intents", "{\"action\":\"explain\",\"pid\":12}",
	 "sched-intent explain --json [12]"},
	{"report", "{\"workload\":\"make\"}",
	 "sched-report --text --workload=make"},
	{"observe", "{\"what\":\"pid\",\"pid\":12}",
	 "sched-observe --pid=12 --json"},
	{"observe",
	 "{\"what\":\"machine\",\"metrics\":[\"wall\",\"a,higher,s=re:x y\","
	 "\"b=json:c.d\"]}",
	 "sched-observe --all --metric=wall --metric=a,higher,s=re:x y "
	 "--metric=b=json:c.d --json"},
	{"intents", "{\"action\":\"list\"}", "sched-intent list --json"},
	{"intents", "{\"action\":\"propose\",\"profile\":\"abcd\"}",
	 "sched-intent propose --json <abcd"},
	{"synthesise", "{\"profile\":\"abcd\",\"by\":\"random\"}",
	 "sched-synth --backend=random --json <abcd"},
	{"synthesise", "{\"profile\":\"abcd\",\"by\":\"model\"}",
	 "sched-synth --json <abcd"},
	{"simulate",
	 "{\"hostile\":\"weights\",\"params\":{\"a\":true,\"b\":false,"
	 "\"c\":0.5},\"limit_s\":0.5}",
	 "sched-sim run --param=a=true --param=b=false --param=c=0.5 "
	 "--limit=0.5 --json [template] [hostile:weights]"},
	{"simulate", "{\"file\":\"/allowed/..x/y..\"}",
	 "sched-sim run --json [template] [-]"},
	{"history_search", "{\"query\":\" a  b \",\"max\":5}",
	 "sched-history search --max=5 --json [a] [b]"},
	{"verify",
	 "{\"profile\":\"abcd\",\"policies\":[\"ef01\"],\"where\":\"host\"}",
	 "sched-verify --target=host --json <abcd <ef01"},
	{"report", "{\"policy\":\"abcd\"}",
	 "sched-report --text --policy=abcd"},
};

static void orders_become_arguments(void **state)
{
	struct steward_order o;
	char *line;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int rc = order(&o, &all, good[i].tool, good[i].args, false);

		if (rc)
			print_error("%s: %s\n", good[i].args, err_text());
		assert_int_equal(rc, 0);
		line = line_of(&o);
		assert_string_equal(line, good[i].line);
		free(line);
		steward_order_release(&o);
	}
}

static const struct {
	const char *tool, *args;
} hostile[] = {
	/* ids that are none */
	{"history_show", "{\"id\":\"--help\"}"},
	{"history_show", "{\"id\":\"-abc\"}"},
	{"history_show", "{\"id\":\"../../etc/passwd\"}"},
	{"history_show", "{\"id\":\"ABCDEF01\"}"},
	{"history_show", "{\"id\":\"abc\"}"},
	{"history_show", "{\"id\":\"abcd efgh\"}"},
	{"history_show", "{\"id\":\"abcd\\nabcd\"}"},
	{"history_show", "{\"id\":\"" ID "0\"}"},
	{"history_show", "{\"id\":7}"},
	{"history_show", "{\"id\":[\"abcd\"]}"},
	{"history_show", "{}"},
	{"history_show", "{\"id\":\"abcd\",\"history\":\"/tmp\"}"},
	{"history_diff", "{\"a\":\"abcd\",\"b\":\"--json\"}"},
	{"plan", "{\"profile\":\"/dev/stdin\"}"},
	{"verify", "{\"profile\":\"abcd\",\"policies\":[]}"},
	{"verify", "{\"profile\":\"abcd\",\"policies\":[\"--sign\"]}"},
	/* options by the back door */
	{"verify", "{\"profile\":\"abcd\",\"policies\":[\"ef01\"],"
		   "\"stages\":[\"lint,run --no-sign\"]}"},
	{"verify", "{\"profile\":\"abcd\",\"policies\":[\"ef01\"],"
		   "\"stages\":[\"\"]}"},
	{"verify", "{\"profile\":\"abcd\",\"policies\":[\"ef01\"],"
		   "\"kernel\":\"/tmp/evil\"}"},
	{"verify", "{\"profile\":\"abcd\",\"policies\":[\"ef01\"],"
		   "\"pairs\":1e9}"},
	{"verify", "{\"profile\":\"abcd\",\"policies\":[\"ef01\"],"
		   "\"pairs\":2.5}"},
	{"verify", "{\"profile\":\"abcd\",\"policies\":[\"ef01\"],"
		   "\"object\":\"/tmp/x.o\"}"},
	{"history_search", "{\"query\":\"--force\"}"},
	{"history_search", "{\"query\":\"a -n b\"}"},
	{"history_search", "{\"query\":\"a\\u001b[2J\"}"},
	{"history_search", "{\"query\":\" \"}"},
	{"history_search", "{\"kind\":\"error\"}"},
	{"history_search", "{\"kind\":\"verdict|policy\"}"},
	{"history_search", "{\"workload\":\"a\\nb\"}"},
	{"history_search", "{\"max\":-1}"},
	{"history_best", "{\"workload\":\"\"}"},
	{"synthesise", "{\"profile\":\"abcd\",\"by\":\"command:sh\"}"},
	{"synthesise", "{\"profile\":\"abcd\",\"form\":\"source\"}"},
	{"synthesise", "{\"profile\":\"abcd\",\"wish\":\"be fast\"}"},
	{"synthesise",
	 "{\"profile\":\"abcd\",\"by\":\"model\",\"wish\":\"a\\u0007b\"}"},
	{"simulate", "{\"hostile\":\"../x\"}"},
	{"simulate", "{\"hostile\":\"fork_storm\",\"profile\":\"abcd\"}"},
	{"simulate", "{}"},
	{"simulate", "{\"hostile\":\"weights\",\"params\":{\"a b\":1}}"},
	{"simulate", "{\"hostile\":\"weights\",\"params\":{\"a\":\"-x\"}}"},
	{"simulate", "{\"hostile\":\"weights\",\"params\":{\"-p\":1}}"},
	{"simulate", "{\"hostile\":\"weights\",\"machine\":\"8;rm\"}"},
	/* files */
	{"simulate", "{\"file\":\"/etc/passwd\"}"},
	{"simulate", "{\"file\":\"/allowed/../etc/passwd\"}"},
	{"simulate", "{\"file\":\"/allowed/a/..\"}"},
	{"simulate", "{\"file\":\"/allowed\"}"},
	{"simulate", "{\"file\":\"/allowedly/x\"}"},
	{"simulate", "{\"file\":\"allowed/x\"}"},
	{"simulate", "{\"file\":\"-\"}"},
	{"simulate", "{\"file\":\"/allowed/a\\nb\"}"},
	/* what to watch */
	{"observe", "{\"what\":\"pid\"}"},
	{"observe", "{\"what\":\"pid\",\"pid\":0}"},
	{"observe", "{\"what\":\"machine\",\"pid\":1}"},
	{"observe", "{\"what\":\"machine\",\"seconds\":1e300}"},
	{"observe", "{\"what\":\"machine\",\"command\":[\"true\"]}"},
	{"observe", "{\"what\":\"cgroup\",\"cgroup\":\"../../../etc\"}"},
	{"observe", "{\"what\":\"cgroup\",\"cgroup\":\"a b\"}"},
	{"observe", "{\"what\":\"command\"}"},
	{"observe", "{\"what\":\"command\",\"command\":[]}"},
	{"observe", "{\"what\":\"command\",\"command\":[\"\"]}"},
	{"observe", "{\"what\":\"command\",\"command\":[\"-x\"]}"},
	{"observe", "{\"what\":\"command\",\"command\":[\"a\\nb\"]}"},
	{"observe", "{\"what\":\"machine\",\"metrics\":[\"--bound\"]}"},
	{"observe", "{\"what\":\"machine\",\"metrics\":[\"a=sh:rm\"]}"},
	/* what changes the machine */
	{"deploy",
	 "{\"policy\":\"abcd\",\"verdict\":\"" ID "\",\"seconds\":5}"},
	{"deploy", "{\"policy\":\"" ID "\",\"verdict\":\"" ID "\"}"},
	{"deploy",
	 "{\"policy\":\"" ID "\",\"verdict\":\"" ID "\",\"seconds\":0}"},
	{"deploy", "{\"policy\":\"" ID "\",\"verdict\":\"" ID
		   "\",\"seconds\":5,\"canary\":\"cgroup:/\"}"},
	{"deploy", "{\"policy\":\"" ID "\",\"verdict\":\"" ID
		   "\",\"seconds\":5,\"pin\":true}"},
	{"deploy", "{\"policy\":\"" ID "\",\"verdict\":\"" ID
		   "\",\"seconds\":5,\"dry_run\":\"yes\"}"},
	{"rollback", "{\"steps\":-1}"},
	{"rollback", "{}"},
	{"intents", "{\"action\":\"commit\"}"},
	{"intents", "{\"action\":\"explain\"}"},
	{"intents", "{\"action\":\"list\",\"wish\":\"x\"}"},
	{"report", "{}"},
	{"report", "{\"workload\":\"a\",\"policy\":\"abcd\"}"},
	{"report", "{\"workload\":\"a\",\"output\":\"/etc/x\"}"},
	{"sched-doctor", "{}"},
	{"", "{}"},
	{"doctor", "{\"root\":\"/\"}"},
	{"doctor", "[]"},
	/* what acts on a terminal, and too many words */
	{"history_search", "{\"query\":\"a\\u007fb\"}"},
	{"history_search", "{\"query\":\"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 "
			   "16 17\"}"},
	{"simulate", "{\"hostile\":\"weights\",\"params\":{\"\":1}}"},
	{"simulate", "{\"hostile\":\"weights\",\"params\":{\"a\":\"\"}}"},
	{"simulate", "{\"hostile\":\"weights\",\"params\":{\"a\":null}}"},
	{"simulate", "{\"hostile\":\"weights\",\"params\":{"
		     "\"aaaaaaaaaabbbbbbbbbbccccccccccdddddddddde\":1}}"},
	{"simulate", "{\"hostile\":\"weights\",\"params\":{\"a\":"
		     "\"aaaaaaaaaabbbbbbbbbbccccccccccdddddddddde\"}}"},
	{"simulate", "{\"profile\":\"abcd\",\"policy\":\"ef01\","
		     "\"params\":{\"a\":1}}"},
	{"simulate", "{\"file\":\"/allowed/x\",\"policy\":\"ef01\"}"},
	{"simulate", "{\"file\":\"/..\"}"},
	/* what does not go together */
	{"observe", "{\"what\":\"machine\",\"where\":\"guest\"}"},
	{"observe", "{\"what\":\"pid\",\"pid\":1,\"cgroup\":\"a\"}"},
	{"observe", "{\"what\":\"command\",\"command\":[\"x\"],\"pid\":1}"},
	{"observe", "{\"what\":\"machine\",\"metrics\":[\"wall\\n\"]}"},
	{"intents", "{\"action\":\"list\",\"pid\":1}"},
	{"intents", "{\"action\":\"list\",\"profile\":\"abcd\"}"},
	{"intents", "{\"action\":\"explain\",\"pid\":1,\"profile\":"
		    "\"abcd\"}"},
	{"intents", "{\"action\":\"propose\"}"},
	{"intents", "{\"action\":\"propose\",\"profile\":\"abcd\","
		    "\"wish\":\"x\"}"},
};

static void hostile_orders_are_refused(void **state)
{
	struct steward_order o;

	(void)state;
	assert_true(ARRAY_LEN(hostile) >= 50);
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		int rc;

		err_clear();
		rc = order(&o, &all, hostile[i].tool, hostile[i].args, false);
		if (!rc)
			print_error("%s %s\n", hostile[i].tool,
				    hostile[i].args);
		assert_true(rc < 0);
		assert_string_not_equal(err_text(), "");
		steward_order_release(&o);
	}
}

static void long_arguments_are_refused(void **state)
{
	struct json *args = json_object(), *list;
	struct steward_order o;
	char text[3000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	json_set_string(args, "query", text);
	assert_int_equal(steward_order_make(&o, &cfg, &all, "history_search",
					    args, false),
			 -EINVAL);
	steward_order_release(&o);
	json_free(args);
	args = json_object();
	json_set_string(args, "what", "command");
	list = json_set(args, "command", json_array());
	text[1900] = '\0';
	for (int i = 0; i < 3; i++)
		json_add(list, json_string(text));
	assert_int_equal(
		steward_order_make(&o, &cfg, &all, "observe", args, false),
		-EINVAL);
	assert_non_null(strstr(err_text(), "too long"));
	steward_order_release(&o);
	json_free(args);
}

static void classes_and_commands_bound_a_client(void **state)
{
	static const char command[] =
		"{\"what\":\"command\",\"command\":[\"make\",\"-j4\"]}";
	static const char host[] =
		"{\"what\":\"command\",\"command\":[\"make\"],"
		"\"where\":\"host\"}";
	struct steward_client guest = all;
	struct steward_order o;

	(void)state;
	guest.commands = STEWARD_GUEST;
	assert_int_equal(
		order(&o, &few, "plan", "{\"profile\":\"abcd\"}", false),
		-EACCES);
	assert_non_null(strstr(err_text(), "class 'observe'"));
	steward_order_release(&o);
	assert_int_equal(order(&o, &few, "intents",
			       "{\"action\":\"propose\",\"wish\":\"x\"}",
			       false),
			 -EACCES);
	steward_order_release(&o);
	assert_int_equal(order(&o, &few, "observe", command, false), -EACCES);
	steward_order_release(&o);
	assert_int_equal(order(&o, &guest, "observe", command, false), 0);
	assert_int_equal(o.words.len, 2);
	assert_string_equal(o.argv.v[1], "--target=vm");
	steward_order_release(&o);
	assert_int_equal(order(&o, &guest, "observe", host, false), -EACCES);
	steward_order_release(&o);
	assert_int_equal(order(&o, &all, "observe", host, false), 0);
	assert_string_equal(o.argv.v[1], "--target=host");
	steward_order_release(&o);
	assert_int_equal(order(&o, &guest, "verify",
			       "{\"profile\":\"abcd\",\"policies\":[\"ef01\"],"
			       "\"where\":\"host\"}",
			       false),
			 -EACCES);
	steward_order_release(&o);
}

/* The hand takes no plain words, and knows only that there are some. */
static void plain_words_are_no_part_of_an_order(void **state)
{
	struct steward_order o;
	struct json *args = parse("{\"what\":\"command\",\"command\":[\"x\"]}");
	struct json *rest;

	(void)state;
	assert_int_equal(
		steward_order_make(&o, &cfg, &all, "observe", args, true),
		-EINVAL);
	steward_order_release(&o);
	assert_int_equal(
		steward_order_make(&o, &cfg, &all, "observe", args, false), 0);
	rest = steward_order_arguments(&o, args);
	assert_null(json_get(rest, "command"));
	steward_order_release(&o);
	assert_int_equal(
		steward_order_make(&o, &cfg, &all, "observe", rest, true), 0);
	assert_true(o.has_words);
	assert_int_equal(o.words.len, 0);
	steward_order_release(&o);
	json_free(rest);
	json_free(args);
}

static void words_pass_through_a_file(void **state)
{
	char *path = mem_printf("%s/words", folder);
	struct strs in = {0}, out = {0};

	(void)state;
	strs_add(&in, "make");
	strs_add(&in, "");
	strs_add(&in, "a b'c\"$(d)");
	assert_int_equal(steward_words_write(path, &in), 0);
	assert_int_equal(steward_words_write(path, &in), -EEXIST);
	assert_int_equal(steward_words_read(path, &out), 0);
	assert_int_equal(out.len, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(out.v[i], in.v[i]);
	strs_release(&out);
	file_put(path, "a\0b", 3);
	assert_int_equal(steward_words_read(path, &out), -EINVAL);
	strs_release(&out);
	file_put(path, "a\nb", 4);
	assert_int_equal(steward_words_read(path, &out), -EINVAL);
	strs_release(&out);
	file_put(path, "", 0);
	assert_int_equal(steward_words_read(path, &out), -EINVAL);
	unlink(path);
	assert_int_equal(symlink("/etc/hostname", path), 0);
	assert_int_equal(steward_words_read(path, &out), -ELOOP);
	unlink(path);
	strs_release(&out);
	strs_release(&in);
	free(path);
}

/* ---- configuration ------------------------------------------------------ */

static const struct {
	const char *text, *says;
} wrong[] = {
	{"[]", "an object is needed"},
	{"{\"clents\":{}}", "clents: no such setting"},
	{"{\"clients\":[]}", "clients: an object"},
	{"{\"clients\":{\"a b\":{}}}", "names are of letters"},
	{"{\"clients\":{\"-x\":{}}}", "names are of letters"},
	{"{\"clients\":{\"x\":{\"clas\":1}}}", "clients.x.clas: no such"},
	{"{\"clients\":{\"x\":{\"class\":\"root\"}}}",
	 "clients.x.class: one of observe propose verify deploy"},
	{"{\"clients\":{\"x\":{\"class\":3}}}", "clients.x.class"},
	{"{\"clients\":{\"x\":{\"approval\":\"none\"}}}",
	 "clients.x.approval: one of elicit local"},
	{"{\"clients\":{\"x\":{\"commands\":true}}}", "clients.x.commands"},
	{"{\"clients\":{\"x\":{\"token_sha256\":\"abc\"}}}",
	 "clients.x.token_sha256: 64"},
	{"{\"clients\":{\"x\":1}}", "clients.x.: an object"},
	{"{\"read\":\"/tmp\"}", "read: an array"},
	{"{\"read\":[\"tmp\"]}", "read: an absolute path"},
	{"{\"read\":[\"/\"]}", "read: an absolute path"},
	{"{\"jobs\":{\"at_once\":0}}", "jobs.at_once: a number from 1 to 64"},
	{"{\"jobs\":{\"each\":\"2\"}}", "jobs.each: a number"},
	{"{\"jobs\":{\"ttl\":2}}", "jobs.ttl: no such"},
	{"{\"jobs\":7}", "jobs: an object"},
	{"{", "mcp.json"},
	{"", "mcp.json"},
	{"{\"clients\":{\"\":{}}}", "names are of letters"},
	{"{\"clients\":{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	 "aaaaaaaaaaaaa\":{}}}",
	 "at most 64"},
	{"{\"clients\":{\"x\":{\"token_sha256\":7}}}", "token_sha256: 64"},
	{"{\"clients\":{\"x\":{\"token_sha256\":\"ABCDEF6789abcdef0123456789"
	 "abcdef0123456789abcdef0123456789abcdef\"}}}",
	 "token_sha256: 64"},
	{"{\"read\":[7]}", "read: an absolute path"},
	{"{\"read\":[\"\"]}", "read: an absolute path"},
	{"{\"jobs\":{\"keep_s\":59}}", "jobs.keep_s: a number from 60"},
	{"{\"jobs\":{\"kept\":10001}}", "jobs.kept: a number"},
	{"{\"jobs\":{\"each\":65}}", "jobs.each: a number"},
};

static void wrong_configuration_names_the_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct steward_config c;

		steward_config_init(&c);
		assert_int_equal(steward_config_parse(&c, wrong[i].text,
						      strlen(wrong[i].text),
						      "mcp.json"),
				 -EINVAL);
		if (!strstr(err_text(), wrong[i].says))
			print_error("%s\n", err_text());
		assert_non_null(strstr(err_text(), wrong[i].says));
		steward_config_release(&c);
	}
}

static void configuration_is_read_and_believed(void **state)
{
	static const char text[] =
		"{\"clients\":{\"stdio\":{\"class\":\"deploy\",\"approval\":"
		"\"local\"},\"lap.top\":{\"commands\":\"host\"}},\"read\":"
		"[\"/srv/traces\"],\"jobs\":{\"at_once\":2,\"each\":1,"
		"\"keep_s\":3600,\"kept\":5}}";
	char *path = mem_printf("%s/mcp.json", folder);
	struct steward_config c;
	FILE *f = fopen(path, "w");

	(void)state;
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
	steward_config_init(&c);
	assert_int_equal(steward_config_client(&c, "stdio")->highest,
			 STEWARD_VERIFY);
	assert_int_equal(steward_config_read(&c, path), 0);
	assert_int_equal(steward_config_client(&c, "stdio")->highest,
			 STEWARD_DEPLOY);
	assert_int_equal(steward_config_client(&c, "stdio")->approval,
			 STEWARD_LOCAL);
	assert_int_equal(steward_config_client(&c, "lap.top")->commands,
			 STEWARD_HOST);
	assert_int_equal(steward_config_client(&c, "lap.top")->highest,
			 STEWARD_OBSERVE);
	assert_int_equal(steward_config_client(&c, "who?")->highest,
			 STEWARD_OBSERVE);
	assert_int_equal(c.jobs, 2);
	assert_int_equal(c.kept, 5);
	steward_config_release(&c);
	chmod(path, 0622);
	steward_config_init(&c);
	assert_int_equal(steward_config_read(&c, path), -EACCES);
	steward_config_release(&c);
	unlink(path);
	free(path);
}

static void a_token_is_kept_as_its_hash_alone(void **state)
{
	char *path = mem_printf("%s/cfg/mcp.json", folder);
	char token[STEWARD_TOKEN_LEN], other[STEWARD_TOKEN_LEN];
	char hash[DIGEST_HEX_LEN];
	struct steward_config c;
	struct buf b;

	(void)state;
	assert_int_equal(steward_config_add_token(path, "laptop", token), 0);
	assert_int_equal(steward_config_add_token(path, "other", other), 0);
	assert_string_not_equal(token, other);
	assert_int_equal(steward_config_add_token(path, "no such", other),
			 -EINVAL);
	b = file_content(path);
	assert_null(strstr(b.data, token));
	buf_release(&b);
	steward_config_init(&c);
	assert_int_equal(steward_config_read(&c, path), 0);
	digest_hex(token, strlen(token), hash);
	assert_string_equal(steward_config_client(&c, "laptop")->token_sha256,
			    hash);
	assert_string_equal(steward_config_client(&c, "stdio")->token_sha256,
			    "");
	steward_config_release(&c);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	free(path);
}

/* ---- approval ----------------------------------------------------------- */

#define DEPLOY(id) \
	"{\"policy\":\"" id "\",\"verdict\":\"" ID "\",\"seconds\":60}"

static void agreement_is_for_one_call_and_a_while(void **state)
{
	struct json *a = parse(DEPLOY(ID)), *b = parse(DEPLOY(ID2)), *v;
	char code[STEWARD_CODE_LEN], again[STEWARD_CODE_LEN];
	struct steward_client else_ = all;
	struct steward_order o, p, q;

	(void)state;
	else_.name = "else";
	assert_int_equal(steward_order_make(&o, &cfg, &all, "deploy", a, false),
			 0);
	assert_int_equal(steward_order_make(&p, &cfg, &all, "deploy", b, false),
			 0);
	assert_int_equal(
		steward_order_make(&q, &cfg, &else_, "deploy", a, false), 0);
	assert_true(o.agree);
	assert_int_equal(steward_approval_take(&o, a, 1000), -ENOENT);
	assert_int_equal(steward_approval_ask(&o, a, 1000, code), 0);
	assert_int_equal(steward_approval_ask(&o, a, 1001, again), 0);
	assert_string_equal(code, again);
	/* Asked is not agreed. */
	assert_int_equal(steward_approval_take(&o, a, 1002), -ENOENT);
	assert_int_equal(steward_approval_agree(code, 1003), 0);
	/* Another policy, another client. */
	assert_int_equal(steward_approval_take(&p, b, 1004), -ENOENT);
	assert_int_equal(steward_approval_take(&q, a, 1004), -ENOENT);
	assert_int_equal(steward_approval_take(&o, a, 1005), 0);
	assert_int_equal(steward_approval_take(&o, a, 1006), -ENOENT);
	/* Too late to agree, and to use it. */
	assert_int_equal(steward_approval_ask(&o, a, 2000, code), 0);
	assert_int_equal(steward_approval_agree(code, 2601), -ETIME);
	assert_int_equal(steward_approval_read(code, 2601, &v), -ENOENT);
	assert_int_equal(steward_approval_ask(&o, a, 3000, code), 0);
	assert_int_equal(steward_approval_agree(code, 3001), 0);
	assert_int_equal(steward_approval_take(&o, a, 3602), -ENOENT);
	/* A clock that went back has agreed to nothing. */
	assert_int_equal(steward_approval_ask(&o, a, 5000, code), 0);
	assert_int_equal(steward_approval_agree(code, 5001), 0);
	assert_int_equal(steward_approval_take(&o, a, 4000), -ENOENT);
	/* What is no code names no file. */
	assert_int_equal(steward_approval_decline("AAAA-AAA1"), -ENOENT);
	assert_int_equal(steward_approval_decline("aaaa-aaaa"), -ENOENT);
	assert_int_equal(steward_approval_decline("AAAA-AAAA"), -ENOENT);
	assert_int_equal(steward_approval_agree("", 1), -ENOENT);
	assert_int_equal(steward_approval_read("../../etc", 1, &v), -ENOENT);
	assert_int_equal(steward_approval_decline("AAAA/AAAA"), -ENOENT);
	steward_order_release(&o);
	steward_order_release(&p);
	steward_order_release(&q);
	json_free(a);
	json_free(b);
}

static void only_so_many_wait_for_a_person(void **state)
{
	char code[STEWARD_CODE_LEN];
	struct steward_order o;
	struct json *args = parse(DEPLOY(ID));
	int rc = 0, n = 0;

	(void)state;
	assert_int_equal(
		steward_order_make(&o, &cfg, &all, "deploy", args, false), 0);
	for (; !rc && n < 100; n++) {
		json_set_number(args, "seconds", n + 1);
		rc = steward_approval_ask(&o, args, 9000, code);
	}
	assert_int_equal(rc, -EAGAIN);
	assert_true(n > 10);
	/* Those that are over make room. */
	assert_int_equal(steward_approval_ask(&o, args, 9700, code), 0);
	assert_int_equal(steward_approval_decline(code), 0);
	steward_order_release(&o);
	json_free(args);
}

/* ---- jobs --------------------------------------------------------------- */

static void a_job_that_nobody_looks_after_is_lost(void **state)
{
	static const char text[] =
		"{\"tool\":\"verify\",\"client\":\"stdio\",\"created\":5}";
	char id[STEWARD_JOB_LEN], *dir, *path;
	struct steward_job j;
	FILE *f;

	(void)state;
	steward_job_name(id);
	assert_true(steward_job_is_name(id));
	assert_int_equal(steward_job_read(folder, id, &j), -ENOENT);
	assert_int_equal(steward_job_read(folder, "../../etc", &j), -ENOENT);
	dir = mem_printf("%s/%s", folder, id);
	path = mem_printf("%s/order", dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(steward_job_read(folder, id, &j), 0);
	assert_int_equal(j.state, STEWARD_JOB_LOST);
	assert_string_equal(steward_job_tool(&j), "verify");
	assert_string_equal(steward_job_word(&j), "lost");
	assert_true(steward_job_is_long(&j));
	steward_job_release(&j);
	/* Of 1970: long over. */
	steward_jobs_tidy(folder, &cfg);
	assert_int_equal(steward_job_read(folder, id, &j), -ENOENT);
	free(path);
	free(dir);
}

/* ---- the front ---------------------------------------------------------- */

static void note_refusal(void *arg, const struct steward_ended *e)
{
	assert_int_equal(e->exit_status, -1);
	assert_string_equal(e->words, "no");
	++*(int *)arg;
}

/* However much the hand said since it was last listened to. */
static void no_answer_of_the_hand_is_lost(void **state)
{
	static const struct mcp_who who = {.principal = "stdio"};
	struct steward_opts o = {.config = &cfg};
	struct json *none = parse("{}");
	int pair[2], told = 0;
	struct steward *s;
	struct buf said;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	o.hand = pair[1];
	s = steward_open(&o);
	assert_int_equal(
		steward_ask(s, &who, "doctor", none, note_refusal, &told), 0);
	buf_init(&said, 1 << 17);
	while (said.len < (80u << 10))
		buf_printf(&said, "{\"ended\":\"%032zu\"}\n", said.len);
	buf_puts(&said, "{\"n\":1,\"error\":\"EAGAIN\",\"text\":\"no\"}\n");
	assert_int_equal(write(pair[0], said.data, said.len),
			 (ssize_t)said.len);
	assert_int_equal(steward_tick(s, 1), 0);
	assert_int_equal(told, 1);
	close(pair[0]);
	steward_close(s);
	buf_release(&said);
	json_free(none);
}

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	setenv("XDG_STATE_HOME", folder, 1);
	setenv("XDG_CONFIG_HOME", folder, 1);
	steward_config_init(&cfg);
	strs_add(&cfg.read, "/allowed/");
	all = (struct steward_client){.name = "all",
				      .highest = STEWARD_DEPLOY,
				      .commands = STEWARD_HOST};
	few = (struct steward_client){.name = "few", .commands = STEWARD_NEVER};
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"schedkit/mcp/approvals",
					    "schedkit/mcp", "schedkit"};

	(void)state;
	steward_config_release(&cfg);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path = mem_printf("%s/%s", folder, names[i]);

		rmdir(path);
		free(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tool_has_schemas_that_hold),
		cmocka_unit_test(a_client_sees_the_tools_of_its_class),
		cmocka_unit_test(orders_become_arguments),
		cmocka_unit_test(hostile_orders_are_refused),
		cmocka_unit_test(long_arguments_are_refused),
		cmocka_unit_test(classes_and_commands_bound_a_client),
		cmocka_unit_test(plain_words_are_no_part_of_an_order),
		cmocka_unit_test(words_pass_through_a_file),
		cmocka_unit_test(wrong_configuration_names_the_key),
		cmocka_unit_test(configuration_is_read_and_believed),
		cmocka_unit_test(a_token_is_kept_as_its_hash_alone),
		cmocka_unit_test(agreement_is_for_one_call_and_a_while),
		cmocka_unit_test(only_so_many_wait_for_a_person),
		cmocka_unit_test(a_job_that_nobody_looks_after_is_lost),
		cmocka_unit_test(no_answer_of_the_hand_is_lost),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
