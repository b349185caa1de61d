/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "page/figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define OPEN_END 1e5 /* an interval's end beyond it says nothing */

double figure_time_unit(const char *unit)
{
	static const struct {
		const char *name;
		double us;
	} units[] = {{"s", 1e6}, {"ms", 1e3},  {"us", 1},
		     {"µs", 1},	 {"ns", 1e-3}, {"min", 60e6}};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(unit, units[i].name))
			return units[i].us;
	return 0;
}

char *figure_us(char out[static NUM_LEN], double us)
{
	size_t n;

	num_us(out, us);
	n = strlen(out);
	if (n > 3 && !strcmp(out + n - 3, " us"))
		snprintf(out + n - 2, NUM_LEN - n + 2, "µs");
	return out;
}

char *figure_value(char out[static NUM_LEN], double x, const char *unit)
{
	double us = figure_time_unit(unit);
	char number[NUM_LEN];

	if (us > 0)
		return figure_us(out, x * us);
	if (fabs(x) < 1e15)
		num_si(number, x, "");
	else
		snprintf(number, sizeof(number), "%.2g", x);
	if (!strncmp(unit, "1/", 2))
		snprintf(out, NUM_LEN, "%.16s %.14s", number, unit + 1);
	else
		snprintf(out, NUM_LEN, "%.16s%s%.14s", number, *unit ? " " : "",
			 unit);
	/* A unit is an outsider's, and may have been cut in a character: what
	 * is left of one is made visible where it is escaped. */
	return out;
}

char *figure_ratio(char out[static NUM_LEN], double ratio)
{
	if (!isfinite(ratio))
		snprintf(out, NUM_LEN, "–");
	else if (fabs(ratio) >= OPEN_END)
		snprintf(out, NUM_LEN, "%.0e×", ratio);
	else
		snprintf(out, NUM_LEN, "%.*f×", fabs(ratio) < 99.95 ? 2 : 0,
			 ratio);
	return out;
}

char *figure_interval(char out[static 2 * NUM_LEN], double lo, double hi)
{
	bool low = isfinite(lo) && lo > 1 / OPEN_END;
	bool high = isfinite(hi) && hi < OPEN_END;
	int digits = (high && hi >= 99.95) ? 0 : 2;

	if (low && high)
		snprintf(out, 2 * NUM_LEN, "%.*f to %.*f", digits, lo, digits,
			 hi);
	else if (low)
		snprintf(out, 2 * NUM_LEN, "above %.2f", lo);
	else if (high)
		snprintf(out, 2 * NUM_LEN, "below %.2f", hi);
	else
		snprintf(out, 2 * NUM_LEN, "open");
	return out;
}

char *figure_tick(char out[static NUM_LEN], double x, const char *unit)
{
	static const struct {
		double us;
		const char *name;
	} steps[] = {{60e6, "min"},
		     {1e6, "s"},
		     {1e3, "ms"},
		     {1, "µs"},
		     {1e-3, "ns"}};
	double us = x * figure_time_unit(unit), a = fabs(us);
	size_t i = 0;

	if (x == 0)
		snprintf(out, NUM_LEN, "0");
	else if (!strcmp(unit, "×"))
		snprintf(out, NUM_LEN, "%.4g", x);
	else if (!strcmp(unit, "%"))
		snprintf(out, NUM_LEN, "%.3g %%", x);
	else if (us == 0 && (fabs(x) >= 1e4))
		num_si(out, x, "");
	else if (us == 0)
		snprintf(out, NUM_LEN, "%.4g", x);
	else {
		/* Up to ten minutes are seconds. */
		if (a < 600e6)
			i = 1;
		while (i < 4 && a < steps[i].us * (1 - 1e-9))
			i++;
		snprintf(out, NUM_LEN, "%.4g %s", us / steps[i].us,
			 steps[i].name);
	}
	return out;
}
