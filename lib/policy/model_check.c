/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without JSON: part of the program that has privilege. */
#include <errno.h>

#include "base/err.h"
#include "learn/forecast.h"
#include "policy/model.h"

int policy_model_check(const struct forecast *m)
{
	int rc = forecast_check(m);

	if (rc)
		return rc;
	if (m->feature_version != FEATURE_VERSION ||
	    m->features != FEATURE_COUNT)
		return err_set(EINVAL,
			       "it is of %u features of version %u, here are "
			       "%u of version %u: train it again",
			       m->features, m->feature_version, FEATURE_COUNT,
			       FEATURE_VERSION);
	if (m->part[FORECAST_BURST].kind == FORECAST_NONE)
		return err_set(EINVAL, "it foretells no bursts");
	return 0;
}
