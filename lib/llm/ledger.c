/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/ledger.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strs.h"
#include "llm/prices.h"
#include "llm/secret.h"

#define MAX_LINE 8192
#define DATE_LEN 10 /* "2026-11-21" */
#define REPLAY	 "replay"

struct totals {
	double calls, tokens, usd;
};

struct ledger {
	int fd;
	char *path, *run;
	struct budget b;
	struct prices prices;
	double start;
	struct totals mine;  /* of this run */
	struct totals held;  /* by its calls that are under way */
	struct totals today; /* of the file's lines of `date` */
	char date[CLOCK_TEXT_LEN];
	char needle[DATE_LEN + 16]; /* what a line of that day holds */
	off_t at;		    /* behind the lines that were counted */
	struct strs settled;	    /* ids */
};

/* ---- budgets ---------------------------------------------------------- */

static const struct {
	const char *name;
	size_t offset;
	bool whole;
} words[] = {
	{"calls", offsetof(struct budget, calls), true},
	{"tokens", offsetof(struct budget, tokens), true},
	{"calls_day", offsetof(struct budget, calls_day), true},
	{"tokens_day", offsetof(struct budget, tokens_day), true},
	{"usd", offsetof(struct budget, usd), false},
	{"usd_day", offsetof(struct budget, usd_day), false},
	{"time", offsetof(struct budget, time_s), false},
};

static int parse_word(const char *word, size_t len, struct budget *b)
{
	const char *eq = memchr(word, '=', len);
	size_t n = eq ? (size_t)(eq - word) : len;
	char digits[32] = "", *end;
	double x;

	if (eq && len - n - 1 < sizeof(digits))
		memcpy(digits, eq + 1, len - n - 1);
	x = strtod(digits, &end);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		char *field = (char *)b + words[i].offset;

		if (strlen(words[i].name) != n ||
		    memcmp(words[i].name, word, n))
			continue;
		if (digits[0] < '0' || digits[0] > '9' || *end ||
		    !isfinite(x) || x <= 0 ||
		    (words[i].whole && (x != floor(x) || x > 1e15)))
			return err_set(
				EINVAL, "budget: '%.*s' is no %s above 0",
				(int)len, word,
				words[i].whole ? "whole number" : "number");
		if (words[i].whole)
			*(long *)(void *)field = (long)x;
		else
			*(double *)(void *)field = x;
		return 0;
	}
	return err_set(
		EINVAL,
		"budget: '%.*s' is not NAME=NUMBER with a NAME of calls, "
		"tokens, usd, time, calls_day, tokens_day, usd_day",
		(int)len, word);
}

int budget_parse(const char *text, struct budget *out)
{
	int rc = 0;

	*out = (struct budget){0};
	while (!rc) {
		size_t len = strcspn(text, ",");

		rc = parse_word(text, len, out);
		if (!text[len])
			break;
		text += len + 1;
	}
	return rc;
}

/* ---- the file --------------------------------------------------------- */

static void count(struct totals *t, double tokens, double usd)
{
	t->calls++;
	t->tokens += tokens > 0 ? tokens : 0;
	t->usd += usd > 0 ? usd : 0;
}

/* A line that is not ours, or torn, says nothing. */
static int count_line(void *arg, const char *line, size_t len)
{
	struct ledger *g = arg;
	struct json *v;

	if (!memmem(line, len, g->needle, strlen(g->needle)))
		return 0;
	v = json_parse(line, len);
	if (strncmp(json_as_string(json_get(v, "time"), ""), g->date,
		    DATE_LEN) == 0 &&
	    strcmp(json_as_string(json_get(v, "backend"), ""), REPLAY) != 0)
		count(&g->today,
		      json_as_number(json_get(v, "tokens_in"), 0) +
			      json_as_number(json_get(v, "tokens_out"), 0),
		      json_as_number(json_get(v, "cost_usd"), 0));
	json_free(v);
	return 0;
}

/* What others have added since, and what a new day has not yet cost. */
static int catch_up(struct ledger *g)
{
	char now[CLOCK_TEXT_LEN];
	int rc;

	clock_text(clock_wall(), now);
	if (strncmp(now, g->date, DATE_LEN)) {
		memcpy(g->date, now, sizeof(now));
		snprintf(g->needle, sizeof(g->needle), "\"time\":\"%.10s", now);
		g->today = (struct totals){0};
		g->at = 0;
	}
	rc = lines_read(g->fd, &g->at, MAX_LINE, count_line, g);
	return rc ? err_prefix(rc, "ledger '%s'", g->path) : 0;
}

static int read_prices(struct ledger *g, const char *path)
{
	char *own = path_config("prices.json"), *ours = path_lib("prices.json");
	int rc;

	if (path) {
		rc = prices_read(&g->prices, path);
	} else {
		rc = prices_read(&g->prices, own);
		if (!rc || rc == -ENOENT)
			rc = prices_read(&g->prices, ours);
		if (rc == -ENOENT)
			rc = 0;
	}
	free(own);
	free(ours);
	return rc;
}

int ledger_open(const char *path, const char *prices, const char *run,
		const struct budget *b, struct ledger **out)
{
	struct ledger *g = mem_zalloc(1, sizeof(*g));
	int rc;

	g->path = path ? mem_strdup(path) : path_state("ledger.jsonl");
	g->run = mem_strdup(run ? run : "");
	g->b = *b;
	g->start = clock_monotonic();
	g->fd = lines_open(g->path);
	rc = g->fd < 0 ? err_prefix(g->fd, "ledger") : read_prices(g, prices);
	if (rc)
		ledger_close(g);
	else
		*out = g;
	return rc;
}

void ledger_close(struct ledger *g)
{
	if (!g)
		return;
	if (g->fd >= 0)
		close(g->fd);
	prices_release(&g->prices);
	strs_release(&g->settled);
	free(g->path);
	free(g->run);
	free(g);
}

/* ---- calls ------------------------------------------------------------ */

static int over(const char *name, double limit, double used, double most)
{
	if (limit <= 0 || used + most <= limit)
		return 0;
	return err_set(EDQUOT,
		       "budget: %s=%.10g is reached: %.6g used, and the next "
		       "call may take %.6g",
		       name, limit, used, most);
}

static int no_price(const struct ledger *g, const char *model)
{
	char *own = path_config("prices.json");
	int rc = err_set(ENODATA,
			 "budget: a limit in USD needs a price, and none is "
			 "known for '%s': put {\"models\":[{\"match\":\"%s\","
			 "\"in_usd_per_mtok\":N,\"cached_usd_per_mtok\":N,"
			 "\"out_usd_per_mtok\":N}]} into '%s', or limit "
			 "tokens (%zu price lists read)",
			 model, model, own, g->prices.files.len);

	free(own);
	return rc;
}

/* The limits on what was used, what is held and what is wanted now. */
static int within(const struct ledger *g, const struct totals *held,
		  const struct ledger_hold *more, bool replay)
{
	const struct budget *b = &g->b;
	int rc = over("calls", (double)b->calls, g->mine.calls + held->calls,
		      more->calls);

	if (!rc)
		rc = over("tokens", (double)b->tokens,
			  g->mine.tokens + held->tokens, more->tokens);
	if (!rc)
		rc = over("usd", b->usd, g->mine.usd + held->usd, more->usd);
	if (!rc)
		rc = over("time", b->time_s, clock_monotonic() - g->start, 0);
	if (rc || replay)
		return rc;
	rc = over("calls_day", (double)b->calls_day,
		  g->today.calls + held->calls, more->calls);
	if (!rc)
		rc = over("tokens_day", (double)b->tokens_day,
			  g->today.tokens + held->tokens, more->tokens);
	if (!rc)
		rc = over("usd_day", b->usd_day, g->today.usd + held->usd,
			  more->usd);
	return rc;
}

static void keep_hold(struct ledger *g, const struct ledger_hold *h,
		      struct ledger_hold *hold)
{
	g->held.calls += h->calls;
	g->held.tokens += h->tokens;
	g->held.usd += h->usd;
	*hold = *h;
}

int ledger_allow(struct ledger *g, const char *backend, const char *model,
		 struct llm_usage most, struct ledger_hold *hold)
{
	static const struct totals none;
	const struct price *p = prices_find(&g->prices, model);
	bool replay = !strcmp(backend, REPLAY);
	const struct budget *b = &g->b;
	struct ledger_hold h = {1, (double)most.in + (double)most.out, 0};
	int rc = catch_up(g);

	*hold = (struct ledger_hold){0};
	if (rc)
		return rc;
	if (!replay && p)
		h.usd = price_usd(p, &most);
	else if (!replay && (b->usd > 0 || b->usd_day > 0))
		return no_price(g, model);
	rc = within(g, &none, &h, replay);
	if (rc)
		return rc;
	if (within(g, &g->held, &h, replay))
		return -EBUSY;
	keep_hold(g, &h, hold);
	return 0;
}

void ledger_release(struct ledger *g, struct ledger_hold *hold)
{
	g->held.calls -= hold->calls;
	g->held.tokens -= hold->tokens;
	g->held.usd -= hold->usd;
	*hold = (struct ledger_hold){0};
	/* No crumbs of sums of fractions are left over. */
	if (g->held.calls < 0.5)
		g->held = (struct totals){0};
}

int ledger_extend(struct ledger *g, const char *backend, const char *model,
		  struct llm_usage most, struct ledger_hold *hold)
{
	struct ledger_hold old = *hold;
	int rc;

	ledger_release(g, hold);
	rc = ledger_allow(g, backend, model, most, hold);
	if (rc)
		keep_hold(g, &old, hold);
	return rc;
}

static bool is_settled(struct ledger *g, const char *id)
{
	for (size_t i = g->settled.len; i > 0; i--)
		if (!strcmp(g->settled.v[i - 1], id))
			return true;
	strs_add(&g->settled, id);
	return false;
}

static double cost_of(const struct ledger *g, const char *backend,
		      const char *model, const struct llm_answer *a)
{
	const struct price *said = prices_find(&g->prices, a->model);
	const struct price *asked = prices_find(&g->prices, model);

	if (!strcmp(backend, REPLAY))
		return 0;
	/* The dearer: an endpoint's word does not make a call cheap. */
	return fmax(said ? price_usd(said, &a->usage) : -1,
		    asked ? price_usd(asked, &a->usage) : -1);
}

int ledger_settle(struct ledger *g, const char *id, const char *backend,
		  const char *model, const struct llm_request *r,
		  const struct llm_answer *a, int outcome, double *cost_usd)
{
	char now[CLOCK_TEXT_LEN], *text, *clean;
	struct json *v;
	int rc;

	*cost_usd = cost_of(g, backend, model, a);
	if (is_settled(g, id))
		return 0;
	clock_text(clock_wall(), now);
	v = json_object();
	json_set_string(v, "time", now);
	json_set_string(v, "run", g->run);
	json_set_string(v, "id", id);
	json_set_string(v, "role", r->role ? r->role : "");
	json_set_string(v, "backend", backend);
	json_set_string(v, "model", a->model ? a->model : model);
	json_set_number(v, "attempts", (double)a->attempts);
	json_set_number(v, "tokens_in", (double)a->usage.in);
	json_set_number(v, "tokens_cached", (double)a->usage.cached);
	json_set_number(v, "tokens_out", (double)a->usage.out);
	if (a->estimated)
		json_set_bool(v, "estimated", true);
	json_set(v, "cost_usd",
		 *cost_usd < 0 ? json_null() : json_number(*cost_usd));
	json_set_number(v, "seconds", a->seconds);
	json_set_string(v, "outcome", outcome ? err_name(-outcome) : "ok");
	count(&g->mine, (double)a->usage.in + (double)a->usage.out, *cost_usd);
	text = json_canonical(v);
	clean = secret_scrub(text);
	rc = lines_append(g->fd, clean, true);
	if (rc)
		err_prefix(rc, "ledger '%s'", g->path);
	free(clean);
	free(text);
	json_free(v);
	return rc;
}
