/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched deploy status: what is attached to this kernel, and whose it is. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agents/holder.h"
#include "agents/setter.h"
#include "cmd/deploy.h"
#include "crypt/digest.h"
#include "doc/stream.h"
#include "scx/configuration.h"
#include "scx/ext.h"
#include "term/text.h"

static const struct opt options[] = {
	DEPLOY_JSON,
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-deploy",
	.purpose = "what is attached, and whose it is",
	.synopsis = "status [OPTION...]",
	.options = options,
	.mixed = true,
};

/* What is so, in a sentence. */
static void describe(const struct json *kernel, const struct json *holder,
		     struct buf *out)
{
	if (!strcmp(json_text_at(kernel, "state"), "absent")) {
		buf_puts(out, "this kernel has no sched_ext");
	} else if (!deploy_enabled(kernel)) {
		buf_printf(out, "no policy is attached (sched_ext is %s)",
			   json_text_at(kernel, "state"));
	} else {
		buf_puts(out, "the policy '");
		text_clean(out, json_text_at(kernel, "ops"), 0);
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
		printf("policy   %.64s\n", json_text_at(holder, "policy"));
		printf("verdict  %.64s\n", json_text_at(holder, "verdict"));
		printf("since    %.32s\n", json_text_at(holder, "since"));
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
		json_set_string(body, "about", json_text_at(holder, "policy"));
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
	if (!deploy_enabled(kernel) && !knobs) {
		json_free(holder);
		holder = NULL;
	}
	buf_init(&words, DEPLOY_WORDS_MAX);
	describe(kernel, knobs ? NULL : holder, &words);
	if (knobs)
		describe_knobs(knobs, holder, &words);
	if (cli_wants_json(deploy_json))
		rc = put_status_doc(kernel, holder, knobs, words.data);
	else
		put_status(kernel, holder, knobs, words.data);
	buf_release(&words);
	json_free(kernel);
	json_free(knobs);
	json_free(holder);
	return rc;
}

static int run(int argc, char **argv)
{
	if (cli_options(&tool, argc, argv) < argc)
		cli_usage(&tool, "too many arguments");
	return status();
}

const struct cli_command deploy_status_command = {
	.name = "status",
	.purpose = "what is attached, and whose it is",
	.tool = &tool,
	.run = run,
};
