/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history lineage: what a document came from, and what came of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cmd/history.h"
#include "history/catalog.h"

#define DEPTH_MAX 64

static struct {
	const char *prefix;
} arg;

static const struct opt options[] = {
	HISTORY_OPTIONS,
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "what a document came from, and what came of it",
	.synopsis = "lineage [OPTION...] ID",
	.options = options,
	.mixed = true,
};

/* Who came of whom: items by what they link to, in one pass over all. */
struct family {
	struct history *h;
	const struct catalog *c;
	size_t *child, *start; /* start[i] to start[i + 1] of child */
	bool *shown;
};

static void count_children(const struct family *f, size_t *at, bool fill)
{
	for (size_t i = 0; i < catalog_count(f->c); i++)
		json_each (l, catalog_at(f->c, i)->links) {
			size_t to = catalog_find(f->c, json_key(l));

			if (to == CATALOG_NONE || to == i)
				continue;
			if (fill)
				f->child[at[to]] = i;
			at[to]++;
		}
}

static void find_children(struct family *f)
{
	size_t n = catalog_count(f->c), sum = 0;
	size_t *at = mem_zalloc(n + 1, sizeof(*at));

	f->start = mem_zalloc(n + 1, sizeof(*f->start));
	f->shown = mem_zalloc(n + 1, sizeof(*f->shown));
	count_children(f, at, false);
	for (size_t i = 0; i <= n; i++) {
		size_t many = i < n ? at[i] : 0;

		f->start[i] = at[i] = sum;
		sum += many;
	}
	f->child = mem_zalloc(sum + 1, sizeof(*f->child));
	count_children(f, at, true);
	free(at);
}

static int put_document(struct family *f, const struct catalog_item *i)
{
	struct doc *d;
	int rc = history_read(f->h, i->kind, i->id, &d);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	history_put(d);
	doc_free(d);
	return 0;
}

static int put(struct family *f, size_t i, int depth, const char *as)
{
	const struct catalog_item *item = catalog_at(f->c, i);
	char *line;

	if (cli_wants_json(history_arg.json))
		return put_document(f, item);
	line = mem_printf("%*s%s%s%s %.*s  %s", depth * 2, "", as,
			  *as ? ": " : "", item->kind, HISTORY_SHORT_ID,
			  item->id, item->what);
	history_put_clean(line);
	putchar('\n');
	free(line);
	return 0;
}

/* What it came from, the farthest first; a document comes once. */
static int ancestors(struct family *f, size_t i, int depth)
{
	int rc = 0;

	f->shown[i] = true;
	json_each (l, catalog_at(f->c, i)->links) {
		size_t to = catalog_find(f->c, json_key(l));

		if (rc || to == CATALOG_NONE || f->shown[to] ||
		    depth == DEPTH_MAX)
			continue;
		rc = ancestors(f, to, depth + 1);
		if (!rc)
			rc = put(f, to, 0, json_as_string(l, ""));
	}
	return rc;
}

static int descendants(struct family *f, size_t i, int depth)
{
	int rc = 0;

	for (size_t k = f->start[i]; !rc && k < f->start[i + 1]; k++) {
		size_t to = f->child[k];
		const char *as =
			json_as_string(json_get(catalog_at(f->c, to)->links,
						catalog_at(f->c, i)->id),
				       "");

		if (f->shown[to])
			continue;
		f->shown[to] = true;
		rc = put(f, to, depth, !strcmp(as, "from") ? as : "");
		if (!rc && depth < DEPTH_MAX)
			rc = descendants(f, to, depth + 1);
	}
	return rc;
}

static int tell(struct family *f, size_t i)
{
	int rc;

	find_children(f);
	rc = ancestors(f, i, 0);
	if (!rc)
		rc = put(f, i, 0, cli_wants_json(history_arg.json) ? "" : "*");
	if (!rc)
		rc = descendants(f, i, 1);
	free(f->child);
	free(f->start);
	free(f->shown);
	return rc;
}

static int lineage(struct history *h)
{
	struct catalog *c = catalog_new(h);
	struct family f = {.h = h, .c = c};
	struct doc *d;
	int status = history_the(&tool, h, NULL, arg.prefix, &d), rc;
	size_t at;

	if (!status) {
		rc = catalog_refresh(c);
		at = rc ? CATALOG_NONE : catalog_find(c, d->id);
		if (at != CATALOG_NONE)
			rc = tell(&f, at);
		if (rc)
			status = cli_fail(&tool, rc);
	}
	doc_free(d);
	catalog_free(c);
	return status;
}

static int run(int argc, char **argv)
{
	int at = history_operands(&tool, argc, argv, 1, 1);

	arg.prefix = argv[at];
	return history_with(&tool, lineage);
}

const struct cli_command history_lineage_command = {
	.name = "lineage",
	.purpose = "what a document came from, and what came of it",
	.tool = &tool,
	.run = run,
};
