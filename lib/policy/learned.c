/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/learned.h"

#include <math.h>

#include "base/mem.h"

double learned_ratio(const struct learned_report *r)
{
	return r->average_error ? (double)r->error / (double)r->average_error
				: -1;
}

const char *learned_state_name(uint32_t state)
{
	static const char *const names[] = {"none", "trial", "followed",
					    "braked"};

	return state < ARRAY_LEN(names) ? names[state] : "unknown";
}

static double rounded(double x)
{
	return round(x * 1e4) / 1e4;
}

void learned_json(const struct learned_report *r, struct json *to)
{
	double ratio = learned_ratio(r), n = (double)r->weight * FORECAST_ONE;

	json_set_string(to, "state", learned_state_name(r->state));
	json_set_number(to, "bursts", (double)r->bursts);
	if (r->weight) {
		json_set_number(to, "error", rounded((double)r->error / n));
		json_set_number(to, "average_error",
				rounded((double)r->average_error / n));
	}
	if (ratio >= 0)
		json_set_number(to, "ratio", rounded(ratio));
	json_set_number(to, "trips", (double)r->trips);
	json_set_number(to, "apart", (double)r->apart);
	json_set_number(to, "follow", (double)r->follow);
}
