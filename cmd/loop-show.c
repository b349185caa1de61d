/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched-loop in words and tables. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/loop/state.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/loop.h"
#include "term/num.h"
#include "term/text.h"

#define SHORT_ID 12
#define MAX_TEXT (1u << 20)

static double number_at(const struct json *v, const char *path)
{
	return json_as_number(json_path(v, path), 0);
}

static void put(const char *s)
{
	struct buf b;

	buf_init(&b, MAX_TEXT);
	text_clean(&b, s, 0);
	fputs(b.len ? b.data : "", stdout);
	buf_release(&b);
}

/* ---- the rounds ------------------------------------------------------- */

static void ratio_cell(struct table *t, const struct json *v, const char *key)
{
	char num[NUM_LEN];
	double x = number_at(v, key);

	table_cell(t, "%s", x > 0 ? num_ratio(num, x) : "-");
}

static void add_candidate(struct table *t, const struct json *c,
			  const char *round)
{
	table_cell(t, "%s", round);
	table_cell(t, "%s%s", json_text_at(c, "title"),
		   json_as_bool(json_get(c, "pareto"), false) ? " *" : "");
	table_cell(t, "%s", json_text_at(c, "source"));
	ratio_cell(t, c, "predicted");
	ratio_cell(t, c, "measured");
	ratio_cell(t, c, "ci95.0");
	ratio_cell(t, c, "ci95.1");
	table_cell(t, "%.0f", number_at(c, "pairs"));
	table_cell(t, "%s", json_text_at(c, "decision"));
}

static bool has_front(const struct json *loop)
{
	size_t n = 0;

	json_each (r, json_get(loop, "rounds"))
		json_each (c, json_get(r, "candidates"))
			n += json_as_bool(json_get(c, "pareto"), false);
	return n > 0;
}

static void show_rounds(const struct json *loop)
{
	static const char *const titles[] = {"foretold", "measured", "from",
					     "to", "pairs"};
	struct table *t;
	size_t n = 0;

	json_each (r, json_get(loop, "rounds"))
		n += json_len(json_get(r, "candidates"));
	if (!n)
		return;
	t = table_new();
	table_column(t, "round", TABLE_RIGHT);
	table_column(t, "policy", TABLE_LEFT);
	table_column(t, "from", TABLE_LEFT);
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_RIGHT);
	table_column(t, "decision", TABLE_LEFT);
	json_each (r, json_get(loop, "rounds")) {
		char number[16];

		snprintf(number, sizeof(number), "%.0f", number_at(r, "round"));
		json_each (c, json_get(r, "candidates")) {
			add_candidate(t, c, number);
			number[0] = '\0';
		}
	}
	cli_table(t, text_columns(STDOUT_FILENO));
	if (has_front(loop))
		printf("* no other one is better in every metric\n");
}

/* ---- the whole -------------------------------------------------------- */

static void show_spent(const struct json *loop)
{
	char num[NUM_LEN];

	printf("spent: %s, %.0f runs in guests or on this host",
	       num_us(num, number_at(loop, "spent.seconds") * 1e6),
	       number_at(loop, "spent.guest_runs"));
	if (number_at(loop, "spent.tokens") > 0)
		printf(", %.0f tokens, %.4f USD",
		       number_at(loop, "spent.tokens"),
		       number_at(loop, "spent.usd"));
	printf("\n");
	if (json_get(loop, "regret"))
		printf("regret: %.1f %% behind the best known, %s\n",
		       number_at(loop, "regret.regret_pct"),
		       num_ratio(num,
				 number_at(loop, "regret.best_known_ratio")));
}

void loop_show(const struct loop_result *r)
{
	const struct json *loop = json_get(r->note->body, "loop");
	const char *best = json_text_at(loop, "best");

	show_rounds(loop);
	put(json_text_at(r->note->body, "text"));
	printf("\n");
	show_spent(loop);
	if (*r->place) {
		printf("in place: %.*s; ", SHORT_ID, best);
		put(r->place);
		printf("\n");
	}
	if (*best)
		printf("look at it: sched-history show %.*s%s\n", SHORT_ID,
		       best,
		       strstr(r->place, "this host")
			       ? "; take it back: sched-deploy stop"
			       : "");
}

/* ---- status ----------------------------------------------------------- */

static char *where(const struct json *v, bool alive)
{
	const char *status = json_text_at(v, "status");
	size_t rounds = json_len(json_get(v, "rounds"));

	if (!strcmp(status, "running") || !strcmp(status, "later"))
		return mem_printf("%s in round %zu (%s)",
				  alive ? "running" : "interrupted", rounds,
				  json_text_at(v, "phase"));
	return mem_printf("%s after %zu round%s",
			  !strcmp(status, "better") ? "found something better"
						    : "found nothing better",
			  rounds, rounds == 1 ? "" : "s");
}

static void add_status(struct table *t, const struct json *v, bool alive)
{
	char *words = where(v, alive), num[NUM_LEN];
	const char *name = json_text_at(v, "name");

	table_cell(t, "%s", *name ? name : "?");
	table_cell(t, "%s", json_text_at(v, "target"));
	table_cell(t, "%s", words);
	table_cell(t, "%s", num_us(num, number_at(v, "spent.seconds") * 1e6));
	table_cell(t, "%.0f", number_at(v, "spent.guest_runs"));
	free(words);
}

static void put_json(const struct json *v, bool alive)
{
	struct json *copy = json_copy(v);
	char *text;

	json_set_bool(copy, "alive", alive);
	text = json_canonical(copy);
	puts(text);
	free(text);
	json_free(copy);
}

/* Keys of all loops of this user. */
static int all_keys(struct strs *keys)
{
	char *root = loop_root();
	struct dirent **list;
	int n = scandir(root, &list, NULL, alphasort), rc = 0;

	if (n < 0 && errno != ENOENT)
		rc = err_set(errno, "cannot look into '%s': %s", root,
			     strerror(errno));
	for (int i = 0; i < n; i++) {
		if (strlen(list[i]->d_name) == DOC_ID_LEN - 1)
			strs_add(keys, list[i]->d_name);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	free(root);
	return rc;
}

int loop_status(const struct workload *w, const char *target, bool json)
{
	static const char *const titles[] = {"workload", "target", "state"};
	struct table *t = table_new();
	struct strs keys = {0};
	char key[DOC_ID_LEN];
	int status = CLI_YES, rc = 0;
	size_t n = 0;

	if (w) {
		loop_key(w, target, key);
		strs_add(&keys, key);
	} else {
		rc = all_keys(&keys);
	}
	if (rc)
		status = cli_fail(&loop_tool, rc);
	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], TABLE_LEFT);
	table_column(t, "spent", TABLE_RIGHT);
	table_column(t, "runs", TABLE_RIGHT);
	for (size_t i = 0; i < keys.len; i++) {
		bool alive;
		struct json *v;

		rc = loop_state_look(keys.v[i], &v, &alive);
		if (rc)
			status = cli_fail(&loop_tool, rc);
		if (!v)
			continue;
		n++;
		if (json)
			put_json(v, alive);
		else
			add_status(t, v, alive);
		json_free(v);
	}
	if (n && !json)
		cli_table(t, text_columns(STDOUT_FILENO));
	else
		table_free(t);
	if (!n && !status) {
		cli_note(&loop_tool, "no loop has run%s",
			 w ? " on this workload" : " yet");
		status = CLI_NO;
	}
	strs_release(&keys);
	return status;
}
