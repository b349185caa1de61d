/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The canary of sched-deploy on any policy, verified or not, for check-canary:
 *
 *   try POLICY SCOPE SECONDS
 *
 * POLICY is parameters of the template as JSON, or an object that is a whole
 * policy.  Prints a line: the answer, a tab and why; more with TRY_JSON=1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/canary/canary.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "guard/stand.h"
#include "scx/attach.h"
#include "scx/ext.h"

#define POLL_US 50000

struct tried {
	char *object;
	struct policy_image *image;
	struct ext_policy *ext;
	bool attached;
};

static int attach(void *arg, bool partial)
{
	struct tried *t = arg;
	const struct ext_setup setup = {.image = t->image, .partial = partial};
	struct buf b;
	int rc;

	ext_free(t->ext);
	t->ext = NULL;
	buf_init(&b, EXT_OBJECT_MAX);
	rc = buf_read_file(&b, t->object);
	if (!rc)
		rc = ext_load_image(t->object, b.data, b.len, &setup, &t->ext,
				    NULL);
	buf_release(&b);
	if (!rc)
		rc = ext_attach(t->ext);
	t->attached = !rc;
	return rc;
}

static int detach(void *arg)
{
	struct tried *t = arg;

	t->attached = false;
	return ext_detach(t->ext);
}

static int wait_until(void *arg, double until)
{
	const struct tried *t = arg;

	while (!t->attached || ext_alive(t->ext)) {
		if (clock_monotonic() >= until)
			return 0;
		usleep(POLL_US);
	}
	return 1;
}

static double spent(void *arg)
{
	const struct tried *t = arg;

	return t->attached ? ext_time_ns(t->ext) : 0;
}

static int widen(void *arg)
{
	(void)arg;
	return 0;
}

static int read_policy(const char *text, struct tried *t)
{
	struct json *body = json_object();
	size_t n = strlen(text);
	int rc;

	if (n > 2 && !strcmp(text + n - 2, ".o")) {
		t->object = mem_strdup(text);
		json_set_string(body, "form", "source");
	} else {
		t->object = path_lib("policy.bpf.o");
		json_set_string(body, "form", "params");
		json_set(body, "params", json_parse(text, n));
	}
	t->image = mem_zalloc(1, sizeof(*t->image));
	rc = policy_image_read(body, t->image);
	json_free(body);
	return rc;
}

static void report(const struct tried *t, struct canary *c, int rc,
		   enum canary_answer answer)
{
	struct json *v = rc == 1 ? ext_report(t->ext) : canary_json(c);
	char *text = json_ordered(v);

	if (rc < 0)
		printf("failed\t%s\n", err_text());
	else if (rc)
		printf("ejected\t%s: %s\n", json_text_at(v, "exit_reason"),
		       json_text_at(v, "exit_message"));
	else
		printf("%s\t%s\n", canary_answer_name(answer), canary_why(c));
	if (getenv("TRY_JSON"))
		printf("%s\n", text);
	free(text);
	json_free(v);
}

int main(int argc, char **argv)
{
	struct tried t = {0};
	const struct canary_hands hands = {attach, detach, wait_until,
					   spent,  widen,  &t};
	struct canary_opts o = {.policy = "",
				.hands = &hands,
				.step_s = argc > 3 ? strtod(argv[3], NULL)
						   : CANARY_STEP_S};
	enum canary_answer answer = CANARY_ON;
	struct canary *c = NULL;
	struct stand stand;
	int rc;

	stand_above(&stand);
	ext_count_time();
	if (argc != 4 || canary_plan_parse(argv[2], "none", &o.plan) ||
	    read_policy(argv[1], &t)) {
		fprintf(stderr, "usage: try POLICY SCOPE SECONDS: %s\n",
			err_text());
		return 2;
	}
	rc = canary_open(&o, &c);
	if (!rc)
		rc = canary_run(c, &answer);
	if (c)
		report(&t, c, rc, answer);
	else
		printf("failed\t%s\n", err_text());
	canary_free(c);
	ext_free(t.ext);
	free(t.image);
	free(t.object);
	return rc < 0 ? 3 : 0;
}
