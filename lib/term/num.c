/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "term/num.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "term/text.h"

/* Three significant digits without an exponent, for 0 <= |x| < 1000. */
static int digits(double x)
{
	double a = fabs(x);

	/* What would round up to the next power of ten belongs there. */
	if (a >= 99.95 || a == floor(a))
		return 0;
	return a >= 9.995 ? 1 : 2;
}

static char *scaled(char out[static NUM_LEN], double x, const char *unit)
{
	const char *gap = unit[0] ? " " : "";

	if (!isfinite(x))
		snprintf(out, NUM_LEN, "-");
	else
		snprintf(out, NUM_LEN, "%.*f%s%s", digits(x), x, gap, unit);
	return out;
}

char *num_us(char out[static NUM_LEN], double us)
{
	double a = fabs(us);
	long minutes;

	if (a < 0.9995 && a > 0)
		return scaled(out, us * 1e3, "ns");
	if (a < 999.5)
		return scaled(out, us, text_utf8() ? "µs" : "us");
	if (a < 999.5e3)
		return scaled(out, us / 1e3, "ms");
	if (!(a >= 119.5e6))
		return scaled(out, us / 1e6, "s");
	if (!isfinite(us) || a > 1e15)
		return scaled(out, INFINITY, "");
	if (a < 3599.5e6) {
		long s = lround(us / 1e6);

		snprintf(out, NUM_LEN, "%ld min %02ld s", s / 60, labs(s % 60));
		return out;
	}
	minutes = lround(us / 60e6);
	snprintf(out, NUM_LEN, "%ld h %02ld min", minutes / 60,
		 labs(minutes % 60));
	return out;
}

static char *steps(char out[static NUM_LEN], double x, double base,
		   const char *const *prefix, const char *unit)
{
	char full[NUM_LEN];
	int i = 0;

	while (fabs(x) >= base - 0.5 && prefix[i + 1]) {
		x /= base;
		i++;
	}
	snprintf(full, sizeof(full), "%s%.24s", prefix[i], unit);
	return scaled(out, x, full);
}

char *num_si(char out[static NUM_LEN], double x, const char *unit)
{
	static const char *const prefix[] = {"", "k", "M", "G", "T", NULL};

	return steps(out, x, 1000, prefix, unit);
}

char *num_bytes(char out[static NUM_LEN], double bytes)
{
	static const char *const prefix[] = {"", "Ki", "Mi", "Gi", "Ti", NULL};

	return steps(out, bytes, 1024, prefix, "B");
}

char *num_ratio(char out[static NUM_LEN], double ratio)
{
	if (!isfinite(ratio))
		snprintf(out, NUM_LEN, "-");
	else
		snprintf(out, NUM_LEN, "%.*fx", fabs(ratio) < 99.95 ? 2 : 0,
			 ratio);
	return out;
}

char *num_pct(char out[static NUM_LEN], double pct)
{
	if (!isfinite(pct))
		snprintf(out, NUM_LEN, "-");
	else
		snprintf(out, NUM_LEN, "%.*f %%", fabs(pct) < 9.95 ? 1 : 0,
			 pct);
	return out;
}
