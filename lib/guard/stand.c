/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard/stand.h"

#include <sched.h>
#include <sys/mman.h>

void stand_above(struct stand *s)
{
	struct sched_param p = {.sched_priority = 1};

	*s = (struct stand){.policy = sched_getscheduler(0)};
	s->above = !sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p);
	/* Not what comes later: beyond a limit that would fail, and it is
	 * little and never on a disk. */
	s->locked = !mlockall(MCL_CURRENT);
}

void stand_beside(pthread_t thread)
{
	struct sched_param p;
	int policy;

	if (!pthread_getschedparam(pthread_self(), &policy, &p) &&
	    policy != SCHED_OTHER)
		pthread_setschedparam(thread, policy, &p);
}

void stand_down(struct stand *s)
{
	struct sched_param p = {0};

	if (s->locked)
		munlockall();
	/* The flag stays where privilege to take it back is missing. */
	if (s->above && sched_setscheduler(0, s->policy, &p) < 0)
		sched_setscheduler(0, s->policy | SCHED_RESET_ON_FORK, &p);
	s->above = s->locked = false;
}
