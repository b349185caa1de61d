/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts a verified policy to work, and tells the truth about what is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agents/deployer.h"
#include "agents/holder.h"
#include "agents/setter.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "cmd/cli.h"
#include "cmd/rows.h"
#include "scx/configuration.h"
#include "scx/ext.h"
#include "term/num.h"
#include "term/progress.h"
#include "term/text.h"

#define WORDS_MAX (1u << 16)

static struct {
	const char *target, *policy, *kernel, *topology, *cgroup;
	double hold;
	long cpus, memory, pid;
	bool dry_run, no_history, json;
} arg = {.target = "auto"};

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .letter = 't',
	 .name = "target",
	 .arg = "KIND",
	 .help = "host, vm or auto (the default)",
	 .target = &arg.target},
	{.kind = OPT_STRING,
	 .letter = 'p',
	 .name = "policy",
	 .arg = "ID",
	 .help = "this policy, not the best; its id's beginning will do",
	 .target = &arg.policy},
	{.kind = OPT_FLAG,
	 .letter = 'n',
	 .name = "dry-run",
	 .help = "make every check, leave this kernel as it is",
	 .target = &arg.dry_run},
	{.kind = OPT_DOUBLE,
	 .letter = 'f',
	 .name = "for",
	 .arg = "S",
	 .help = "detach after this many seconds",
	 .target = &arg.hold,
	 .min = 0.1,
	 .max = 31536000},
	{.kind = OPT_LONG,
	 .name = "pid",
	 .arg = "PID",
	 .help = "knobs: for this process and what it starts",
	 .target = &arg.pid,
	 .min = 1,
	 .max = 1 << 22},
	{.kind = OPT_STRING,
	 .name = "cgroup",
	 .arg = "PATH",
	 .help = "knobs: for this cgroup and what is in it",
	 .target = &arg.cgroup},
	{.kind = OPT_LONG,
	 .name = "cpus",
	 .arg = "N",
	 .help = "of the guest",
	 .target = &arg.cpus,
	 .min = 1,
	 .max = 512},
	{.kind = OPT_LONG,
	 .name = "memory",
	 .arg = "MIB",
	 .help = "of the guest",
	 .target = &arg.memory,
	 .min = 128,
	 .max = 1 << 20},
	ROW_TOPOLOGY(&arg.topology),
	{.kind = OPT_STRING,
	 .name = "kernel",
	 .arg = "SERIES",
	 .help = "of the guest; by default what the verdict names",
	 .target = &arg.kernel},
	{.kind = OPT_FLAG,
	 .name = "no-history",
	 .help = "record nothing with sched-history",
	 .target = &arg.no_history},
	{.kind = OPT_FLAG,
	 .letter = 'j',
	 .name = "json",
	 .help = "documents, even on a terminal",
	 .target = &arg.json},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-deploy",
	.purpose = "put a verified scheduling policy to work",
	.synopsis = "[OPTION...] [-- COMMAND [ARGUMENT...]] < DOCUMENTS\n"
		    "       sched-deploy [--json] {status | stop}",
	.options = options,
	.epilogue = "The policy is attached until the time is over, COMMAND "
		    "ends, a signal comes or this\nprogram dies. With COMMAND "
		    "the exit status is its own.",
};

/* ---- status and stop ---- */

static const char *at(const struct json *v, const char *key)
{
	return json_as_string(json_get(v, key), "");
}

static bool is_enabled(const struct json *kernel)
{
	return !strcmp(at(kernel, "state"), "enabled");
}

/* What is so, in a sentence. */
static void describe(const struct json *kernel, const struct json *holder,
		     struct buf *out)
{
	if (!strcmp(at(kernel, "state"), "absent")) {
		buf_puts(out, "this kernel has no sched_ext");
	} else if (!is_enabled(kernel)) {
		buf_printf(out, "no policy is attached (sched_ext is %s)",
			   at(kernel, "state"));
	} else {
		buf_puts(out, "the policy '");
		text_clean(out, at(kernel, "ops"), 0);
		buf_puts(out, "' is attached");
		if (holder)
			buf_printf(out, ", held by sched-deploy (process %.0f)",
				   json_as_number(json_get(holder, "pid"), 0));
		else
			buf_puts(out, ", not by sched-deploy");
	}
}

/* Knobs are no part of what the kernel tells of sched_ext. */
static void describe_knobs(const struct json *knobs, const struct json *holder,
			   struct buf *out)
{
	buf_printf(out, "; knobs are set on %.0f tasks and %.0f cgroups",
		   json_as_number(json_get(knobs, "tasks"), 0),
		   json_as_number(json_get(knobs, "groups"), 0));
	if (holder)
		buf_printf(out, " by sched-deploy (process %.0f)",
			   json_as_number(json_get(holder, "pid"), 0));
	else
		buf_puts(out, " by one that was killed: 'sched-deploy stop' "
			      "undoes it");
}

static void put_status(const struct json *kernel, const struct json *holder,
		       const struct json *knobs, const char *words)
{
	printf("%s\n", words);
	if (holder) {
		printf("policy   %.64s\n", at(holder, "policy"));
		printf("verdict  %.64s\n", at(holder, "verdict"));
		printf("since    %.32s\n", at(holder, "since"));
	}
	json_each (l, json_get(knobs, "left"))
		printf("changed  %.512s\n", json_as_string(l, ""));
	json_each (e, json_get(kernel, "events")) {
		if (json_as_number(e, 0) > 0)
			printf("%-40.40s %.0f\n", json_key(e),
			       json_as_number(e, 0));
	}
}

static int put_status_doc(const struct json *kernel, const struct json *holder,
			  const struct json *knobs, const char *words)
{
	struct stream *s = stream_open(-1, STDOUT_FILENO, tool.name);
	struct json *body = json_object();
	char configuration[DIGEST_HEX_LEN];
	int rc;

	configuration_digest(configuration);
	json_set_string(body, "text", words);
	json_set(body, "sched_ext", json_copy(kernel));
	json_set(body, "kernel", configuration_facts());
	json_set_string(body, "configuration", configuration);
	if (knobs)
		json_set(body, "knobs", json_copy(knobs));
	if (holder) {
		json_set(body, "holder", json_copy(holder));
		json_set_string(body, "about", at(holder, "policy"));
	}
	rc = stream_emit(s, doc_new("note", tool.name, body, NULL, 0));
	stream_free(s);
	return rc ? cli_fail(&tool, rc) : CLI_YES;
}

static int status(void)
{
	struct json *kernel = ext_kernel_state(), *holder = holder_read();
	struct json *knobs = setter_in_force(false);
	int rc = CLI_YES;
	struct buf words;

	if (!knobs)
		knobs = setter_in_force(true);
	/* A record without a policy is of one who is just letting go. */
	if (!is_enabled(kernel) && !knobs) {
		json_free(holder);
		holder = NULL;
	}
	buf_init(&words, WORDS_MAX);
	describe(kernel, knobs ? NULL : holder, &words);
	if (knobs)
		describe_knobs(knobs, holder, &words);
	if (cli_wants_json(arg.json))
		rc = put_status_doc(kernel, holder, knobs, words.data);
	else
		put_status(kernel, holder, knobs, words.data);
	buf_release(&words);
	json_free(kernel);
	json_free(knobs);
	json_free(holder);
	return rc;
}

/* What a killed one left; 1: there was something. */
static int clear(void)
{
	struct json *knobs = setter_in_force(false);
	struct setter s;
	int rc = knobs ? setter_clear(&s) : 0;

	if (!knobs)
		return 0;
	for (size_t i = 0; i < s.left.len; i++)
		cli_note(&tool, "left as it is: %s", s.left.v[i]);
	setter_release(&s);
	json_free(knobs);
	return rc ? rc : 1;
}

static int stop(void)
{
	struct json *kernel;
	int rc = holder_stop(), answer = CLI_YES, cleared;

	if (rc && rc != -ESRCH)
		return cli_fail(&tool, rc);
	cleared = clear();
	if (cleared < 0)
		return cli_fail(&tool, cleared);
	if (cleared)
		rc = 0;
	kernel = ext_kernel_state();
	if (is_enabled(kernel)) {
		cli_note(&tool,
			 "a policy is attached, but not by sched-deploy: end "
			 "the program that holds it");
		answer = CLI_CANNOT;
	} else if (rc) {
		cli_note(&tool, "nothing is deployed");
		answer = CLI_NO;
	} else if (!cli_wants_json(arg.json)) {
		printf("the policy is detached\n");
	}
	json_free(kernel);
	return answer;
}

/* ---- deploying ---- */

/*
 * Everything of the stream so far, if there is something new; a failure is
 * said and changes nothing.
 */
static void record(void *arg_stream)
{
	static size_t recorded;
	const struct stream *s = arg_stream;
	char *program = path_bin("sched-history");
	char *argv[] = {program, (char *)"add", (char *)"--json", NULL};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res = {0};
	int fd = memfd_create("stream", MFD_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(dup(fd), "w");
	bool written = f != NULL;

	if (stream_count(s) == recorded)
		goto out;
	recorded = stream_count(s);
	for (size_t i = 0; f && i < stream_count(s); i++) {
		char *line = doc_line(stream_at(s, i));

		written = fprintf(f, "%s\n", line) > 0 && written;
		free(line);
	}
	if (f)
		written = !fflush(f) && written;
	spec.argv = argv;
	spec.stdin_fd = fd;
	spec.out_fd = -1;
	if (!written || lseek(fd, 0, SEEK_SET) < 0)
		cli_note(&tool, "cannot hand the stream to sched-history: %s",
			 strerror(errno));
	else if (proc_run(&spec, &res))
		cli_note(&tool, "nothing was recorded: %s", err_text());
	else if (res.exit_status)
		cli_note(&tool, "not everything was recorded");
out:
	if (f)
		fclose(f);
	if (fd >= 0)
		close(fd);
	free(program);
}

static void put_list(struct buf *out, const struct json *body, const char *key,
		     const char *word)
{
	json_each (v, json_get(body, key)) {
		buf_printf(out, "  %s", word);
		text_clean(out, json_as_string(v, ""), 0);
		buf_puts(out, "\n");
	}
}

static void put_deployments(const struct stream *s)
{
	struct buf out;

	buf_init(&out, WORDS_MAX);
	for (size_t i = 0; i < stream_count(s); i++) {
		const struct doc *d = stream_at(s, i), *p;
		double held = json_as_number(json_get(d->body, "held_us"), -1);
		char num[NUM_LEN];

		if (strcmp(d->kind, "deployment"))
			continue;
		p = stream_find(s, at(d->body, "policy"));
		text_clean(&out, at(d->body, "state"), 0);
		buf_puts(&out, ": ");
		text_clean(&out, p ? at(p->body, "title") : "", 0);
		buf_printf(&out, " (%.12s) on %s", at(d->body, "policy"),
			   at(d->body, "target"));
		if (held >= 0)
			buf_printf(&out, ", held for %s", num_us(num, held));
		buf_puts(&out, ": ");
		text_clean(&out, at(d->body, "why"), 0);
		buf_puts(&out, "\n");
		put_list(&out, d->body, "changes", "");
		put_list(&out, d->body, "left", "left as it is: ");
	}
	fputs(out.len ? out.data : "", stdout);
	buf_release(&out);
}

static int answer(int rc, const struct deployer_result *r)
{
	switch (rc) {
	case DEPLOYER_DONE:
		return r->ran ? r->exit_status : CLI_YES;
	case DEPLOYER_REFUSED:
	case DEPLOYER_EJECTED:
		cli_note(&tool, "%s", err_text());
		return CLI_NO;
	default:
		return cli_fail(&tool, rc);
	}
}

static int deploy(char **command)
{
	bool json = cli_wants_json(arg.json);
	struct stream *s =
		stream_open(STDIN_FILENO, json ? STDOUT_FILENO : -1, tool.name);
	struct deployer_result r;
	struct progress bar;
	struct deployer_opts o = {
		.target = arg.target,
		.policy = arg.policy,
		.dry_run = arg.dry_run,
		.hold_s = arg.hold,
		.command = command,
		.pid = arg.pid,
		.cgroup = arg.cgroup,
		.out_fd = json ? STDERR_FILENO : STDOUT_FILENO,
		.kernel = arg.kernel,
		.cpus = arg.cpus,
		.memory_mib = arg.memory,
		.topology = arg.topology,
		.cancel = &cli_stop,
		.emitted = arg.no_history ? NULL : record,
		.emitted_arg = s,
		.progress = progress_words,
		.progress_arg = &bar,
	};
	int rc;

	progress_init(&bar, STDERR_FILENO);
	rc = deployer_deploy(s, &o, &r);
	progress_clear(&bar);
	if (rc < 0)
		stream_emit_error(s, rc, NULL);
	rc = answer(rc, &r);
	/* What was not deployed is worth remembering, too. */
	if (!arg.no_history)
		record(s);
	if (!json)
		put_deployments(s);
	stream_free(s);
	return rc;
}

/* status or stop; options may stand after the word, too. */
static int ask(int argc, char **argv)
{
	const char *word = argv[0];

	if (strcmp(word, "status") && strcmp(word, "stop"))
		cli_usage(&tool,
			  "unknown command '%s' (a program to run stands after "
			  "--)",
			  word);
	if (cli_options(&tool, argc, argv) < argc)
		cli_usage(&tool, "too many arguments");
	return strcmp(word, "stop") ? status() : stop();
}

int main(int argc, char **argv)
{
	int first = cli_options(&tool, argc, argv);
	char **command = first < argc ? argv + first : NULL;
	int rc;

	if (command && strcmp(argv[first - 1], "--"))
		return cli_finish(&tool, ask(argc - first, argv + first));
	if (strcmp(arg.target, "host") && strcmp(arg.target, "vm") &&
	    strcmp(arg.target, "auto"))
		cli_usage(&tool,
			  "option --target: '%s' is not host, vm or auto",
			  arg.target);
	if (!strcmp(arg.target, "vm") && !command && !arg.hold && !arg.dry_run)
		cli_usage(&tool,
			  "a guest is thrown away: give --for, a command or "
			  "--dry-run");
	if (!!arg.pid + !!arg.cgroup + !!command > 1)
		cli_usage(&tool,
			  "one of --pid, --cgroup and a command says what the "
			  "knobs are for");
	cli_catch_stop();
	rc = deploy(command);
	return cli_finish(&tool, rc);
}
