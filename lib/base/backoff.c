/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/backoff.h"

#include <math.h>

double backoff_pause(const struct backoff *b, unsigned failures)
{
	if (!failures)
		return 0;
	return fmin(b->first_s * pow(b->growth, failures - 1), b->most_s);
}
