/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accounts and budgets.
 *
 * The ledger is a file of lines, one JSON object for each finished call,
 * appended under a lock and synced before the answer is used: whatever dies,
 * nothing is lost and nothing is counted twice (a call's id is in its line).
 * What a day has cost is what the file says of it.
 */
#ifndef SCHEDKIT_LLM_LEDGER_H
#define SCHEDKIT_LLM_LEDGER_H

#include "llm/llm.h"

/* 0: no limit.  _day: from 00:00 UTC, over all runs of this ledger. */
struct budget {
	long calls, tokens, calls_day, tokens_day;
	double usd, usd_day, time_s;
};

/* "tokens=20000,usd=0.5,calls=30,time=600,usd_day=2": -EINVAL names the word.
 */
int budget_parse(const char *text, struct budget *out);

struct ledger;

/*
 * path NULL: path_state("ledger.jsonl").  prices NULL: the rows of the user's
 * file ($XDG_CONFIG_HOME/schedkit/prices.json) and behind them those of the
 * one that comes with schedkit; the first row that matches counts.  run: names
 * this run in every line.
 */
int ledger_open(const char *path, const char *prices, const char *run,
		const struct budget *b, struct ledger **out);
void ledger_close(struct ledger *g);

/* What a call under way may still use, so that many together keep to the
 * limits. */
struct ledger_hold {
	double calls, tokens, usd;
};

/* -EDQUOT names the limit; -EBUSY: as much is held by other calls of this
 * process, later it may do; -ENODATA: a limit on money, and no price known.
 * most: tokens that the call may use; held in *hold until ledger_release(). */
int ledger_allow(struct ledger *g, const char *backend, const char *model,
		 struct llm_usage most, struct ledger_hold *hold);
/* The same for a call under way that may come to use more, what it has used so
 * far included; nothing is changed when it may not. */
int ledger_extend(struct ledger *g, const char *backend, const char *model,
		  struct llm_usage most, struct ledger_hold *hold);
/* Before its call is settled, or when there was none; once more: nothing. */
void ledger_release(struct ledger *g, struct ledger_hold *hold);

/*
 * Settles a call.  id: of this call; one that was settled before changes
 * nothing.  model: that was asked for, where the answer names none or one
 * without a price.  *cost_usd below 0: no price.  A replay costs nothing and
 * does not count for the day.
 */
int ledger_settle(struct ledger *g, const char *id, const char *backend,
		  const char *model, const struct llm_request *r,
		  const struct llm_answer *a, int outcome, double *cost_usd);

#endif
