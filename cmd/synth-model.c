/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched-synth with a language model: the order in which rights are given up,
 * and what became of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/proposer/proposer.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sandbox.h"
#include "base/strs.h"
#include "base/temp.h"
#include "cmd/model-box.h"
#include "cmd/synth.h"
#include "history/history.h"
#include "term/progress.h"

/* ---- a place of our own ----------------------------------------------- */

/*
 * Where all goes that is written from inside the sandbox, and from where it is
 * removed again.  It holds a cache of its own, too: kernels and objects of the
 * user's are for others to run, with more rights than this process has.
 */
static int make_place(struct temp *out)
{
	char *parent = path_cache("tmp");
	int rc = temp_make(parent, "synth.", out);

	free(parent);
	if (!rc)
		setenv("TMPDIR", out->dir, 1);
	return rc;
}

/* ---- the sandbox ------------------------------------------------------ */

static void add(struct strs *l, char *path)
{
	strs_add(l, path);
	free(path);
}

/* Schedulers that are installed, and the compiler. */
static void add_programs(struct strs *l)
{
	const char *path = getenv("PATH");
	char *copy = mem_strdup(path ? path : ""), *save = NULL;

	for (char *w = strtok_r(copy, ":", &save); w;
	     w = strtok_r(NULL, ":", &save))
		if (*w == '/' && w[1])
			strs_add(l, w);
	free(copy);
}

/*
 * What a model says is read from here on: without network, and without more
 * of the file system than drafts need.
 */
static int shut_in(const struct synth_opts *o, const char *temp)
{
	struct strs read = {0}, write = {0};
	struct sandbox box = {.exec = true};
	int rc;

	for (size_t i = 0; sandbox_system[i]; i++)
		strs_add(&read, sandbox_system[i]);
	add_programs(&read);
	add(&read, path_bin(""));
	add(&read, path_lib(""));
	add(&read, path_libexec(""));
	add(&read, path_config("prompts"));
	add(&read, history_dir(o->history));
	add(&write, path_cache("tmp"));
	setenv("XDG_CACHE_HOME", temp, 1);
	box.read = (const char *const *)read.v;
	box.write = (const char *const *)write.v;
	rc = model_box_enter(&synth_tool, &box);
	strs_release(&read);
	strs_release(&write);
	return rc;
}

/* ---- asking ----------------------------------------------------------- */

static struct proposer_opts options_of(const struct synth_opts *o,
				       struct progress *p)
{
	return (struct proposer_opts){
		.by = synth_tool.name,
		.count = o->count,
		.turns = o->turns,
		.jobs = o->jobs,
		.enough = o->enough,
		.form = o->form,
		.wish = o->wish,
		.history = o->history,
		.cancel = &cli_stop,
		.progress = p->wanted ? progress_step : NULL,
		.progress_arg = p,
	};
}

/* The two that are opened before the sandbox: what has the network and the
 * keys, and what shares it with others. */
struct asked {
	struct model *model;
	struct switchboard *board;
};

static void close_asked(struct asked *a)
{
	switchboard_close(a->board);
	model_close(a->model);
}

static int open_asked(const struct doc *profile, const struct synth_opts *o,
		      struct asked *a)
{
	char *run = mem_printf("%.12s-%lld-%ld", profile->id,
			       (long long)clock_wall(), (long)getpid());
	struct model_opts mo = {
		.backend = *o->backend ? o->backend : NULL,
		.name = o->model,
		.record = o->record,
		.budget = o->budget,
		.run = run,
		.stream = !o->no_stream,
		.cancel = &cli_stop,
	};
	struct switchboard_opts so = {
		.agent = synth_tool.name,
		.run = run,
		.stream = !o->no_stream,
		.cancel = &cli_stop,
	};
	int rc = model_open(&mo, &a->model);

	so.model = a->model;
	if (!rc)
		rc = switchboard_open(&so, &a->board);
	free(run);
	return rc;
}

static int status_of(int rc, size_t accepted)
{
	switch (rc) {
	case 0:
		if (accepted)
			return CLI_YES;
		cli_note(&synth_tool, "nothing that the model proposed passed; "
				      "the plan says why");
		return CLI_NO;
	case -EDQUOT:
		cli_note(&synth_tool, "%s", err_text());
		return CLI_LATER;
	case -EBADMSG:
		cli_note(&synth_tool, "%s", err_text());
		return CLI_NO;
	default:
		return cli_fail(&synth_tool, rc);
	}
}

int synth_ask(struct stream *s, const struct doc *profile,
	      const struct synth_opts *o)
{
	struct proposer_opts po;
	size_t accepted = 0;
	struct progress p;
	struct asked a = {0};
	struct temp temp;
	int rc = open_asked(profile, o, &a);

	if (rc == -EINVAL && !a.model)
		cli_usage(&synth_tool, "%s", err_text());
	if (rc) {
		rc = cli_fail(&synth_tool, rc);
		close_asked(&a);
		return rc;
	}
	rc = make_place(&temp);
	if (!rc) {
		progress_init(&p, STDERR_FILENO);
		po = options_of(o, &p);
		rc = shut_in(o, temp.dir);
		if (!rc)
			rc = proposer_run(s, profile, a.board, &po, &accepted);
		progress_clear(&p);
		temp_remove(&temp);
	}
	if (rc)
		stream_emit_error(s, -rc, NULL);
	rc = status_of(rc, accepted);
	close_asked(&a);
	return rc;
}

/* ---- showing ---------------------------------------------------------- */

static void print_request(const struct json *request)
{
	printf("==== system ====\n%s\n",
	       json_as_string(json_get(request, "system"), ""));
	json_each (m, json_get(request, "messages"))
		printf("==== %s ====\n%s\n",
		       json_as_string(json_get(m, "role"), ""),
		       json_as_string(json_get(m, "text"), ""));
}

int synth_show_prompt(struct stream *s, const struct doc *profile,
		      const struct synth_opts *o, bool as_json)
{
	struct progress p = {0};
	struct proposer_opts po = options_of(o, &p);
	struct json *request;
	int rc = proposer_show(s, profile, o->show_prompt, &po, &request);

	if (rc == -EINVAL)
		cli_usage(&synth_tool, "option --show-prompt: %s", err_text());
	if (rc)
		return cli_fail(&synth_tool, rc);
	if (as_json) {
		char *text = json_canonical(request);

		puts(text);
		free(text);
	} else {
		print_request(request);
	}
	json_free(request);
	return CLI_YES;
}
