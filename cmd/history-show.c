/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history show: one document. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/history.h"

#define WORDS_MAX (16u << 20)

static struct {
	const char *prefix;
} arg;

static const struct opt options[] = {
	HISTORY_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "one document; the beginning of its id is enough",
	.synopsis = "show [OPTION...] ID",
	.options = options,
	.mixed = true,
};

/* What a policy foretells by, "burst 41 % of the average's error by trees". */
static void put_model(const struct json *model)
{
	size_t n = json_len(json_get(model, "trained_on"));
	const char *between = ": ";

	if (!model)
		return;
	printf("\nmodel   ");
	history_put_clean(json_text_at(model, "sha256"));
	printf(", features of version %.0f, of %zu recording%s",
	       json_as_number(json_get(model, "feature_version"), 0), n,
	       n == 1 ? "" : "s");
	json_each (t, json_get(model, "targets")) {
		fputs(between, stdout);
		history_put_clean(json_key(t));
		printf(" %.0f %% of the average's error by ",
		       100 * json_as_number(json_get(t, "ratio"), 0));
		history_put_clean(json_text_at(t, "kind"));
		between = ", ";
	}
}

static int put_words(struct history *h, const struct doc *d)
{
	struct buf words;
	char *next;
	int rc;

	buf_init(&words, WORDS_MAX);
	rc = history_words(h, d->kind, d->id, &words);
	for (char *s = words.data; !rc && s && *s; s = next) {
		next = strchrnul(s, '\n');
		if (*next)
			*next++ = '\0';
		history_put_clean(s);
		putchar('\n');
	}
	buf_release(&words);
	if (rc)
		return rc;
	printf("\nid      %s\ntime    ", d->id);
	history_put_clean(json_as_string(json_get(d->env, "time"), ""));
	printf("\nby      ");
	history_put_clean(json_as_string(json_get(d->env, "by"), ""));
	if (!strcmp(d->kind, "policy"))
		put_model(json_get(d->body, "model"));
	for (size_t i = 0; i < doc_parent_count(d); i++)
		printf("\nparent  %s", doc_parent(d, i));
	putchar('\n');
	return 0;
}

static int show_one(struct history *h, const struct history_key *k)
{
	struct doc *d;
	int rc;

	rc = history_read(h, k->kind, k->id, &d);
	if (rc)
		return rc;
	if (cli_wants_json(history_arg.json))
		history_put(d);
	else
		rc = put_words(h, d);
	doc_free(d);
	return rc;
}

static int show(struct history *h)
{
	struct history_key keys[HISTORY_MATCHES];
	int n, rc = 0;
	int status = history_keys(&tool, h, NULL, arg.prefix, keys, &n);

	for (int i = 0; !status && i < n && !rc; i++)
		rc = show_one(h, &keys[i]);
	return rc ? cli_fail(&tool, rc) : status;
}

static int run(int argc, char **argv)
{
	int at = history_operands(&tool, argc, argv, 1, 1);

	arg.prefix = argv[at];
	return history_with(&tool, show);
}

const struct cli_command history_show_command = {
	.name = "show",
	.purpose = "one document; the beginning of its id is enough",
	.tool = &tool,
	.run = run,
};
