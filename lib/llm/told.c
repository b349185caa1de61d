/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/told.h"

#include <stdio.h>

#include "base/mem.h"
#include "llm/retry.h"

/* Both vendors' words: what comes later counts more.  Tokens that are not told
 * apart are mostly input. */
static const struct {
	const char *limit, *left, *reset;
	size_t at;
} rows[] = {
	{"x-ratelimit-limit-requests", "x-ratelimit-remaining-requests",
	 "x-ratelimit-reset-requests",
	 offsetof(struct llm_told, requests_limit)},
	{"x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens",
	 "x-ratelimit-reset-tokens", offsetof(struct llm_told, in_limit)},
	{"anthropic-ratelimit-requests-limit",
	 "anthropic-ratelimit-requests-remaining",
	 "anthropic-ratelimit-requests-reset",
	 offsetof(struct llm_told, requests_limit)},
	{"anthropic-ratelimit-tokens-limit",
	 "anthropic-ratelimit-tokens-remaining",
	 "anthropic-ratelimit-tokens-reset",
	 offsetof(struct llm_told, in_limit)},
	{"anthropic-ratelimit-input-tokens-limit",
	 "anthropic-ratelimit-input-tokens-remaining",
	 "anthropic-ratelimit-input-tokens-reset",
	 offsetof(struct llm_told, in_limit)},
	{"anthropic-ratelimit-output-tokens-limit",
	 "anthropic-ratelimit-output-tokens-remaining",
	 "anthropic-ratelimit-output-tokens-reset",
	 offsetof(struct llm_told, out_limit)},
};

static void put(double x, double *to)
{
	if (x >= 0)
		*to = x;
}

void told_read(const struct strs *headers, struct llm_told *out)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double *to = (double *)(void *)((char *)out + rows[i].at);

		put(retry_number(headers, rows[i].limit), &to[0]);
		put(retry_number(headers, rows[i].left), &to[1]);
		put(retry_reset(headers, rows[i].reset), &to[2]);
	}
}
