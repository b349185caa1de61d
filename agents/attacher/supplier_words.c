/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/attacher/supplier_words.h"

#include <string.h>

#include "base/buf.h"

#define WORDS_MAX 4096
#define SHORT_ID  12

static double number(const struct json *v, const char *key)
{
	return json_as_number(json_get(v, key), 0);
}

static void put_figures(const struct json *m, struct buf *out)
{
	double n = number(m, "bursts"), trips = number(m, "trips");

	if (json_get(m, "ratio"))
		buf_printf(out,
			   "; misses by %.0f %% of what the exponential "
			   "average does",
			   100 * number(m, "ratio"));
	if (n > 0)
		buf_printf(out, " over %.0f bursts, followed for %.0f", n,
			   number(m, "follow"));
	if (trips > 0)
		buf_printf(out, ", braked %.0f time%s", trips,
			   trips > 1 ? "s" : "");
}

/* "0123456789ab followed since …; misses by 41 % of …" */
char *learned_words(const struct json *m)
{
	const char *state = json_text_at(m, "state");
	const char *since = json_text_at(m, "since");
	const char *sha256 = json_text_at(m, "sha256");
	struct buf out;

	buf_init(&out, WORDS_MAX);
	if (*sha256)
		buf_printf(&out, "%.*s ", SHORT_ID, sha256);
	buf_puts(&out, !strcmp(state, "trial") ? "on trial"
		       : strcmp(state, "none") ? state
		       : *sha256	       ? "not followed"
					       : "none");
	if (*since)
		buf_printf(&out, " since %s", since);
	put_figures(m, &out);
	return buf_take(&out);
}
