/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs by what is in their folders, whoever left it there, and their results.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "agents/steward/parts.h"
#include "agents/steward/result.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/temp.h"

static struct temp temp;
static char *jobs;
static struct steward_config cfg;

/* ---- folders --------------------------------------------------------------
 */

static void put(const char *id, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s/%s", jobs, id, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	free(path);
}

/* Made at so many seconds; status NULL: nobody has written one. */
static void make(char id[static STEWARD_JOB_LEN], const char *tool,
		 const char *client, double created, const char *status)
{
	char *dir, *order = mem_printf("{\"tool\":\"%s\",\"client\":\"%s\","
				       "\"created\":%.0f}",
				       tool, client, created);

	steward_job_name(id);
	dir = mem_printf("%s/%s", jobs, id);
	assert_int_equal(mkdir(dir, 0700), 0);
	put(id, "order", order);
	if (status)
		put(id, "status", status);
	free(order);
	free(dir);
}

/* As the process that looks after it would; -1 ends that. */
static int hold(const char *id, const char *pid)
{
	char *path = mem_printf("%s/%s/lock", jobs, id);
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(write(fd, pid, strlen(pid)), (ssize_t)strlen(pid));
	free(path);
	return fd;
}

static void clear(void)
{
	struct steward_config none;

	steward_config_init(&none);
	none.keep_s = -1;
	none.kept = 0;
	steward_jobs_tidy(jobs, &none);
	steward_config_release(&none);
}

static size_t count(void)
{
	struct steward_job *all;
	size_t n;

	assert_int_equal(steward_jobs_read(jobs, &all, &n), 0);
	for (size_t i = 0; i < n; i++)
		steward_job_release(&all[i]);
	free(all);
	return n;
}

/* ---- words ----------------------------------------------------------------
 */

static void what_it_said_last(void **state)
{
	static const struct {
		const char *err, *words;
	} is[] = {
		{"", ""},
		{"\n\n", ""},
		{"one", "one"},
		{"one\ntwo\n\n", "two"},
		{"10 %\r50 %\rdone\n", "done"},
		{"one\n50 %\r", "50 %\\x0d"},
		{"\x1b[31mred\n", "\\x1b[31mred"},
	};
	struct steward_job j;
	char id[STEWARD_JOB_LEN], *words, *huge = mem_zalloc(100001, 1);

	(void)state;
	make(id, "verify", "c", 1, NULL);
	assert_int_equal(steward_job_read(jobs, id, &j), 0);
	words = steward_result_words(&j);
	assert_string_equal(words, "");
	free(words);
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		put(id, "err", is[i].err);
		words = steward_result_words(&j);
		assert_string_equal(words, is[i].words);
		free(words);
	}
	/* Of much the end counts; of one long line, not all. */
	memset(huge, 'x', 100000);
	put(id, "err", huge);
	words = steward_result_words(&j);
	assert_in_range(strlen(words), 590, 610);
	free(words);
	for (size_t i = 9; i < 100000; i += 10)
		huge[i] = '\n';
	strcpy(huge + 100000 - 6, "last\n");
	put(id, "err", huge);
	words = steward_result_words(&j);
	assert_string_equal(words + strlen(words) - 4, "last");
	assert_true(strlen(words) < 20);
	free(words);
	free(huge);
	steward_job_release(&j);
	clear();
}

static void how_far_it_is(void **state)
{
	static const struct {
		const char *progress, *far;
	} is[] = {
		{"3 10 building", "3 of 10, building"},
		{"3 0 looking around", "looking around"},
		{"0 7 a\x1b[0m", "0 of 7, a\\x1b[0m"},
		{"nonsense", ""},
		{"3", ""},
		{"", "said"},
	};
	struct steward_job j;
	char id[STEWARD_JOB_LEN];

	(void)state;
	make(id, "verify", "c", 1, NULL);
	put(id, "err", "said\n");
	assert_int_equal(steward_job_read(jobs, id, &j), 0);
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		char *far;

		put(id, "progress", is[i].progress);
		far = steward_result_far(&j);
		assert_string_equal(far, is[i].far);
		free(far);
	}
	steward_job_release(&j);
	clear();
}

/* ---- outcomes -------------------------------------------------------------
 */

static void outcomes_and_which_of_them_are_errors(void **state)
{
	static const struct {
		const char *tool, *status, *outcome;
		bool bad;
	} is[] = {
		{"verify", "{\"exit_status\":0}", "done", false},
		{"verify", "{\"exit_status\":1}", "no", false},
		{"deploy", "{\"exit_status\":1}", "no", true},
		{"verify", "{\"exit_status\":3}", "failed", true},
		{"doctor", "{\"exit_status\":3}", "no", false},
		{"verify", "{\"exit_status\":4}", "later", true},
		{"verify", "{\"exit_status\":5}", "failed", true},
		{"verify", "{\"exit_status\":-1,\"text\":\"no program\"}",
		 "failed", true},
		{"verify", "{\"exit_status\":0,\"timed_out\":true}", "failed",
		 true},
		{"verify", "{\"exit_status\":0,\"cancelled\":true}",
		 "cancelled", true},
		/* One that is no status, and none at all. */
		{"verify", "{}", "failed", true},
		{"verify", "half a {", "failed", true},
		{"verify", NULL, "failed", true},
		/* Of a version that had more tools. */
		{"juggle", "{\"exit_status\":0}", "done", false},
		{"juggle", "{\"exit_status\":3}", "failed", true},
		{"juggle", "{\"exit_status\":1}", "no", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		struct steward_job j;
		char id[STEWARD_JOB_LEN];
		struct json *v, *result;

		make(id, is[i].tool, "c", 1, is[i].status);
		assert_int_equal(steward_job_read(jobs, id, &j), 0);
		v = steward_result_structure(&j);
		if (strcmp(json_text_at(v, "outcome"), is[i].outcome))
			fail_msg("row %zu: %s", i, json_text_at(v, "outcome"));
		assert_string_equal(json_text_at(v, "job"), id);
		result = steward_result(&j);
		assert_int_equal(
			json_as_bool(json_get(result, "isError"), false),
			is[i].bad);
		json_free(result);
		json_free(v);
		steward_job_release(&j);
	}
	clear();
}

/* Why it could not be done goes before what it said; time does not go back. */
static void words_and_seconds(void **state)
{
	struct steward_job j;
	char id[STEWARD_JOB_LEN];
	struct json *v;

	(void)state;
	make(id, "verify", "c", 100,
	     "{\"exit_status\":-1,\"ended\":90,\"text\":\"no program\"}");
	put(id, "err", "said\n");
	assert_int_equal(steward_job_read(jobs, id, &j), 0);
	v = steward_result_structure(&j);
	assert_string_equal(json_text_at(v, "words"), "no program");
	assert_true(json_as_number(json_get(v, "seconds"), -1) == 0);
	json_free(v);
	steward_job_release(&j);
	put(id, "status", "{\"exit_status\":0,\"ended\":107.5}");
	assert_int_equal(steward_job_read(jobs, id, &j), 0);
	v = steward_result_structure(&j);
	assert_string_equal(json_text_at(v, "words"), "said");
	assert_true(json_as_number(json_get(v, "seconds"), -1) == 7.5);
	json_free(v);
	steward_job_release(&j);
	clear();
}

/* While it runs there is neither. */
static void one_that_runs(void **state)
{
	struct steward_job j;
	char id[STEWARD_JOB_LEN];
	struct json *v;
	int lock;

	(void)state;
	make(id, "verify", "c", 100, NULL);
	lock = hold(id, "4711\n");
	assert_int_equal(steward_job_read(jobs, id, &j), 0);
	assert_string_equal(steward_job_word(&j), "runs");
	v = steward_result_structure(&j);
	assert_string_equal(json_text_at(v, "outcome"), "running");
	assert_null(json_get(v, "exit_status"));
	json_free(v);
	steward_job_release(&j);
	/* It is written just before the lock is let go of. */
	put(id, "status", "{\"exit_status\":1,\"cancelled\":true}");
	assert_int_equal(steward_job_read(jobs, id, &j), 0);
	assert_string_equal(steward_job_word(&j), "cancelled");
	steward_job_release(&j);
	close(lock);
	clear();
}

/* ---- documents ------------------------------------------------------------
 */

#define DOC(id, body)                                                        \
	"{\"id\":\"" id "\",\"kind\":\"note\",\"time\":\"t\",\"body\":" body \
	"}\n"

static struct json *structure(const char *id)
{
	struct steward_job j;
	struct json *v;

	assert_int_equal(steward_job_read(jobs, id, &j), 0);
	v = steward_result_structure(&j);
	steward_job_release(&j);
	return v;
}

/* What it was given and passes on is not what it made. */
static void documents_are_told_from_values(void **state)
{
	char id[STEWARD_JOB_LEN];
	struct json *v;

	(void)state;
	make(id, "verify", "c", 1, "{\"exit_status\":0}");
	put(id, "in.jsonl", DOC("aa", "{}") "nonsense\n{\"id\":\"\"}\n");
	put(id, "known.jsonl", DOC("bb", "{}"));
	put(id, "out.jsonl",
	    DOC("aa", "{}") DOC("bb", "{}") DOC(
		    "cc",
		    "{\"text\":\"x\"}") "nonsense\n\n"
					"{\"id\":\"dd\",\"kind\":\"note\",\"body\":[]}\n"
					"{\"kind\":\"note\",\"body\":{}}\n"
					"{\"id\":\"ee\",\"body\":{}}\n7\n");
	v = structure(id);
	assert_int_equal(json_len(json_get(v, "documents")), 1);
	assert_string_equal(json_text_at(v, "documents.0.id"), "cc");
	assert_string_equal(json_text_at(v, "documents.0.body.text"), "x");
	assert_null(json_path(v, "documents.0.cut"));
	assert_null(json_path(v, "documents.0.parent"));
	assert_int_equal(json_len(json_get(v, "values")), 4);
	assert_null(json_get(v, "more"));
	json_free(v);
	clear();
}

static void of_many_some_are_shown(void **state)
{
	char id[STEWARD_JOB_LEN];
	struct json *v;
	struct buf b;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 60; i++)
		buf_printf(&b, DOC("a%d", "{}") "%d\n", i, i);
	make(id, "verify", "c", 1, "{\"exit_status\":0}");
	put(id, "out.jsonl", b.data);
	v = structure(id);
	assert_int_equal(json_len(json_get(v, "documents")), 50);
	assert_true(json_as_number(json_get(v, "more"), 0) == 10);
	assert_int_equal(json_len(json_get(v, "values")), 50);
	json_free(v);
	buf_release(&b);
	clear();
}

/* A long one is shown in part, and says so: less of each of many that were
 * found, all of one that was asked for. */
static void long_documents_are_cut(void **state)
{
	static const struct {
		const char *tool;
		size_t list; /* members that are left of 3000 */
	} is[] = {
		{"history_show", 3000},
		{"history_search", 16},
		{"history_best", 16},
		{"verify", 16},
	};
	struct buf b, text;

	(void)state;
	buf_init(&b, 1 << 20);
	buf_init(&text, 1 << 20);
	for (int i = 0; i < 3000; i++)
		buf_puts(&text, "x");
	buf_puts(&b, "{\"id\":\"aa\",\"kind\":\"note\",\"parent\":[\"bb\"],"
		     "\"body\":{\"list\":[0");
	for (int i = 1; i < 3000; i++)
		buf_printf(&b, ",%d", i);
	buf_printf(&b, "],\"text\":\"%s\",\"buckets\":[1,2],\"n\":7}}\n",
		   text.data);
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		bool cut = is[i].list < 3000;
		char id[STEWARD_JOB_LEN];
		const struct json *d;
		struct json *v;

		make(id, is[i].tool, "c", 1, "{\"exit_status\":0}");
		put(id, "out.jsonl", b.data);
		v = structure(id);
		d = json_path(v, "documents.0");
		assert_int_equal(json_as_bool(json_get(d, "cut"), false), cut);
		assert_int_equal(json_len(json_path(d, "body.list")),
				 is[i].list);
		assert_string_equal(json_text_at(d, "body.text"),
				    cut ? "(a long text)" : text.data);
		assert_int_equal(json_path(d, "body.buckets") == NULL, cut);
		assert_true(json_as_number(json_path(d, "body.n"), 0) == 7);
		assert_string_equal(json_text_at(d, "parent.0"), "bb");
		json_free(v);
	}
	buf_release(&b);
	buf_release(&text);
	clear();
}

/* However it is made, what is shown is short. */
static void wide_and_deep_documents_are_cut(void **state)
{
	char id[STEWARD_JOB_LEN], *shown;
	struct json *v;
	struct buf b;

	(void)state;
	buf_init(&b, 4 << 20);
	buf_puts(&b, "{\"id\":\"aa\",\"kind\":\"note\",\"body\":{\"k\":0");
	for (int i = 0; i < 5000; i++)
		buf_printf(&b, ",\"k%d\":{\"a\":{\"b\":[[[[[[[[1]]]]]]]]}}", i);
	buf_puts(&b, "}}\n");
	make(id, "history_search", "c", 1, "{\"exit_status\":0}");
	put(id, "out.jsonl", b.data);
	v = structure(id);
	shown = json_canonical(v);
	assert_true(strlen(shown) < 4000);
	assert_true(json_as_bool(json_path(v, "documents.0.cut"), false));
	free(shown);
	json_free(v);
	buf_release(&b);
	clear();
}

/* Of a program that writes text: what it wrote, to a limit. */
static void plain_output(void **state)
{
	char id[STEWARD_JOB_LEN];
	struct json *v;
	struct buf b;

	(void)state;
	make(id, "report", "c", 1, "{\"exit_status\":0}");
	v = structure(id);
	assert_string_equal(json_text_at(v, "output"), "");
	assert_null(json_get(v, "documents"));
	json_free(v);
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 20000; i++)
		buf_puts(&b, "text\n");
	put(id, "out.jsonl", b.data);
	v = structure(id);
	assert_in_range(strlen(json_text_at(v, "output")), 40000, 48 << 10);
	json_free(v);
	buf_release(&b);
	clear();
}

/* What a document comes to, in figures and words of ours alone: what a model
 * or the owner of a task wrote stays where it is data. */
static void summaries(void **state)
{
	static const struct {
		const char *kind, *body, *says;
	} is[] = {
		{"profile",
		 "{'run_queue':{'busy_pct':80,'waiting_pct':5},'groups':[1,2],"
		 "'workload':{'name':'EVIL'}}",
		 "CPUs 80 % busy, a task waited 5 % of the time, 2 groups"},
		{"profile", "{}",
		 "CPUs 0 % busy, a task waited 0 % of the time, 0 groups"},
		{"policy", "{'form':'hooks','title':'EVIL','why':'EVIL'}",
		 "form hooks"},
		{"policy", "{'form':'a\\u001b[2Jb'}", "form a\\x1b[2Jb"},
		{"plan", "{'proposals':[1,2,3],'why':'EVIL'}", "3 proposals"},
		{"verdict",
		 "{'policy':'0123456789abcdef','decision':'accepted',"
		 "'signature':{},'metrics':[{'guard':true,'ratio':9},"
		 "{'name':'EVIL','ratio':1.25,'ci95':[1.1,1.4],'pairs':8}],"
		 "'stages':[{'name':'lint','status':'passed'}]}",
		 "on policy 0123456789a…: accepted, 1.25 times as good as the "
		 "kernel's own (95 %: 1.1 to 1.4, 8 pairs)"},
		{"verdict",
		 "{'policy':'ab','decision':'rejected','stages':[{'name':"
		 "'build','status':'failed','findings':[{'rule':'compiler',"
		 "'text':'EVIL'}]},{'name':'run','status':'skipped'}]}",
		 "on policy ab: rejected; build failed (compiler); run "
		 "skipped; not signed"},
		{"deployment", "{'policy':'ab','state':'over','why':'EVIL'}",
		 "of policy ab: over"},
		{"note", "{'text':'EVIL'}", ""},
		{"note",
		 "{'compared':[{'ratio':0.5}],'simulation':{'outcome':'done',"
		 "'findings':[1]}}",
		 "done, 0.5 times as good as the model of EEVDF, 1 findings"},
		{"lesson", "{'text':'EVIL'}", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(is); i++) {
		char *text = mem_strdup(is[i].body);
		struct json *v;
		struct buf b;

		for (char *c = text; *c; c++)
			if (*c == '\'')
				*c = '"';
		v = json_parse(text, strlen(text));
		assert_non_null(v);
		buf_init(&b, 4096);
		steward_result_summary(is[i].kind, v, &b);
		assert_string_equal(b.len ? b.data : "", is[i].says);
		buf_release(&b);
		json_free(v);
		free(text);
	}
}

/* ---- keeping and ending ---------------------------------------------------
 */

/* What runs stays; of the others the newest, and of the quick ones twenty. */
static void old_jobs_are_removed(void **state)
{
	char id[STEWARD_JOB_LEN], runs[STEWARD_JOB_LEN];
	double now = (double)time(NULL);
	struct steward_job j;
	int lock;

	(void)state;
	steward_config_init(&cfg);
	cfg.kept = 3;
	cfg.keep_s = 1000;
	make(runs, "verify", "c", 1, NULL);
	lock = hold(runs, "x");
	for (int i = 0; i < 5; i++)
		make(id, "verify", "c", now - i, "{\"exit_status\":0}");
	steward_jobs_tidy(jobs, &cfg);
	assert_int_equal(count(), 4);
	for (int i = 0; i < 25; i++)
		make(id, "doctor", "c", now - i, "{\"exit_status\":0}");
	steward_jobs_tidy(jobs, &cfg);
	assert_int_equal(count(), 4 + 20);
	/* By its end, where there is one. */
	clear();
	make(id, "verify", "c", now - 5000, "{\"exit_status\":0}");
	steward_jobs_tidy(jobs, &cfg);
	assert_int_equal(steward_job_read(jobs, id, &j), -ENOENT);
	make(id, "verify", "c", now - 5000, "{\"ended\":1e12}");
	steward_jobs_tidy(jobs, &cfg);
	assert_int_equal(steward_job_read(jobs, id, &j), 0);
	steward_job_release(&j);
	assert_int_equal(count(), 2);
	close(lock);
	clear();
	assert_int_equal(count(), 0);
	steward_config_release(&cfg);
}

/* What is no job is not taken for one, and stays. */
static void other_things_in_the_folder(void **state)
{
	char *file = mem_printf("%s/notes", jobs), *empty;
	char id[STEWARD_JOB_LEN];
	struct steward_job j;
	int fd = open(file, O_WRONLY | O_CREAT, 0600);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	/* One that is being made. */
	steward_job_name(id);
	empty = mem_printf("%s/%s", jobs, id);
	assert_int_equal(mkdir(empty, 0700), 0);
	assert_int_equal(count(), 0);
	assert_int_equal(steward_job_read(jobs, id, &j), -ENOENT);
	put(id, "order", "no JSON");
	assert_int_equal(steward_job_read(jobs, id, &j), -ENOENT);
	assert_null(j.dir);
	clear();
	assert_int_equal(access(file, F_OK), 0);
	assert_int_equal(access(empty, F_OK), 0);
	put(id, "order", "{}");
	clear();
	assert_int_equal(access(empty, F_OK), -1);
	unlink(file);
	free(empty);
	free(file);
}

/* Only who holds the lock is ended, and never what is no process of a job. */
static void cancelling(void **state)
{
	static const char *const none[] = {"",	 "0", "1",
					   "-1", "x", "999999999"};
	char id[STEWARD_JOB_LEN], number[16];
	int lock, status;
	pid_t pid;

	(void)state;
	assert_int_equal(steward_job_cancel(jobs, "nonsense"), -ENOENT);
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		make(id, "verify", "c", 1, NULL);
		lock = hold(id, none[i]);
		assert_int_equal(steward_job_cancel(jobs, id), 0);
		close(lock);
	}
	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	snprintf(number, sizeof(number), "%d\n", (int)pid);
	make(id, "verify", "c", 1, NULL);
	lock = hold(id, number);
	close(lock);
	/* It is of one that is gone. */
	assert_int_equal(steward_job_cancel(jobs, id), 0);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	lock = open("/dev/null", O_RDONLY);
	close(lock);
	make(id, "verify", "c", 1, NULL);
	lock = hold(id, number);
	assert_int_equal(steward_job_cancel(jobs, id), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
	close(lock);
	clear();
}

/* What cannot be begun leaves nothing. */
static void a_start_that_fails(void **state)
{
	struct steward_client who = {.name = "c", .highest = STEWARD_DEPLOY};
	struct json *args = json_object();
	char id[STEWARD_JOB_LEN];
	struct steward_order o;
	pid_t pid;

	(void)state;
	steward_config_init(&cfg);
	assert_int_equal(
		steward_order_make(&o, &cfg, &who, "doctor", args, false), 0);
	assert_int_equal(
		steward_job_start("/nonesuch", &o, args, NULL, -1, id, &pid),
		-ENOENT);
	assert_int_equal(steward_job_start(jobs, &o, args, "/nonesuch/words",
					   -1, id, &pid),
			 -ENOENT);
	assert_non_null(strstr(err_text(), "words"));
	assert_int_equal(rmdir(jobs), 0);
	assert_int_equal(mkdir(jobs, 0700), 0);
	steward_order_release(&o);
	steward_config_release(&cfg);
	json_free(args);
}

/* ---- tasks ----------------------------------------------------------------
 */

/* A client's own that take long, the newest first, page by page. */
static void tasks_of_a_client(void **state)
{
	static const struct mcp_who who = {.principal = "c"};
	struct steward s = {.jobs = jobs, .cfg = &cfg};
	char id[4][STEWARD_JOB_LEN], other[STEWARD_JOB_LEN],
		quick[STEWARD_JOB_LEN];
	static const char *const status[] = {
		NULL, "{\"exit_status\":0,\"ended\":20}",
		"{\"exit_status\":1,\"cancelled\":true}", NULL};
	static const enum mcp_task_status want[] = {
		MCP_TASK_WORKING, MCP_TASK_COMPLETED, MCP_TASK_CANCELLED,
		MCP_TASK_FAILED};
	struct mcp_task t[8];
	int lock;

	(void)state;
	steward_config_init(&cfg);
	for (size_t i = 0; i < 4; i++)
		make(id[i], "verify", "c", 10.0 - (double)i, status[i]);
	lock = hold(id[0], "x");
	put(id[0], "progress", "1 2 half");
	make(other, "verify", "d", 100, NULL);
	make(quick, "doctor", "c", 100, NULL);
	assert_int_equal(steward_tasks(&s, &who, NULL, t, 8), 4);
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(t[i].id, id[i]);
		assert_int_equal(t[i].status, want[i]);
		assert_int_equal(t[i].result != NULL,
				 want[i] == MCP_TASK_COMPLETED);
		assert_int_equal(t[i].error != NULL,
				 want[i] == MCP_TASK_FAILED);
		json_free(t[i].result);
		json_free(t[i].error);
	}
	assert_string_equal(t[0].text, "verify: 1 of 2, half");
	assert_string_equal(t[1].text, "verify");
	assert_true(t[0].changed == 10 && t[1].changed == 20);
	assert_int_equal(steward_tasks(&s, &who, NULL, t, 1), 1);
	assert_string_equal(t[0].id, id[0]);
	assert_int_equal(steward_tasks(&s, &who, id[0], t, 1), 1);
	assert_string_equal(t[0].id, id[1]);
	json_free(t[0].result);
	assert_int_equal(steward_tasks(&s, &who, id[3], t, 8), 0);
	assert_int_equal(steward_tasks(&s, &who, "nobody", t, 8), 0);
	/* Of another, quick, or none: there is no such task. */
	assert_int_equal(steward_task(&s, &who, other, t), -ENOENT);
	assert_int_equal(steward_task(&s, &who, quick, t), -ENOENT);
	assert_int_equal(steward_task(&s, &who, "x", t), -ENOENT);
	assert_int_equal(steward_task_cancel(&s, &who, other), -ENOENT);
	assert_int_equal(steward_task_cancel(&s, &who, "x"), -ENOENT);
	/* One that has ended is not ended again. */
	assert_int_equal(steward_task_cancel(&s, &who, id[1]), 0);
	close(lock);
	clear();
	steward_config_release(&cfg);
}

/* ---- around ---------------------------------------------------------------
 */

static int set_up(void **state)
{
	(void)state;
	if (temp_make("/tmp", "schedkit-jobs.", &temp))
		return -1;
	setenv("XDG_STATE_HOME", temp.dir, 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	jobs = steward_jobs_dir();
	return steward_dirs_make();
}

static int tear_down(void **state)
{
	(void)state;
	free(jobs);
	temp_remove(&temp);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_said_last),
		cmocka_unit_test(how_far_it_is),
		cmocka_unit_test(outcomes_and_which_of_them_are_errors),
		cmocka_unit_test(words_and_seconds),
		cmocka_unit_test(one_that_runs),
		cmocka_unit_test(documents_are_told_from_values),
		cmocka_unit_test(of_many_some_are_shown),
		cmocka_unit_test(long_documents_are_cut),
		cmocka_unit_test(wide_and_deep_documents_are_cut),
		cmocka_unit_test(plain_output),
		cmocka_unit_test(summaries),
		cmocka_unit_test(old_jobs_are_removed),
		cmocka_unit_test(other_things_in_the_folder),
		cmocka_unit_test(cancelling),
		cmocka_unit_test(a_start_that_fails),
		cmocka_unit_test(tasks_of_a_client),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
