/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What models cost, from files of this form:
 *   {"as_of","source","models":[{"match":"gpt-5.4-mini*","in_usd_per_mtok",
 *    "cached_usd_per_mtok","out_usd_per_mtok"}]}
 * match is a pattern as in a shell; the first row that matches counts.
 */
#ifndef SCHEDKIT_LLM_PRICES_H
#define SCHEDKIT_LLM_PRICES_H

#include "base/strs.h"
#include "llm/llm.h"

struct price {
	char *match;
	double in, cached, out; /* USD for a million tokens */
};

struct prices {
	struct price *rows;
	size_t n;
	struct strs files; /* that they were read from */
};

/* Adds a file's rows.  -ENOENT: there is none; -EINVAL names what is wrong. */
int prices_read(struct prices *p, const char *path);
void prices_release(struct prices *p);

const struct price *prices_find(const struct prices *p, const char *model);
double price_usd(const struct price *p, const struct llm_usage *u);

#endif
