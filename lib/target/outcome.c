/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Apart from what runs: who reads verdicts needs only the names. */
#include "target/target.h"

const char *run_outcome_name(enum run_outcome o)
{
	static const char *const names[] = {
		[RUN_DONE] = "done",	   [RUN_TIMEOUT] = "timeout",
		[RUN_REFUSED] = "refused", [RUN_EJECTED] = "ejected",
		[RUN_LOST] = "lost",	   [RUN_CANCELLED] = "cancelled",
	};

	return names[o];
}
