/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that bring schedulers of sched_ext to a machine, as its /proc shows
 * them: scx_loader, which starts one when it is asked to, and the one that the
 * attached scheduler is of.
 */
#ifndef SCHEDKIT_AGENTS_HOST_BRINGER_H
#define SCHEDKIT_AGENTS_HOST_BRINGER_H

#include <time.h>

#include "agents/host/site.h"

struct bringer {
	char comm[32];
	long pid;	/* 0: there is none */
	time_t since;	/* 0: not known */
	char unit[128]; /* of systemd, as "scx.service"; "": of none */
};

/* ops: the attached scheduler's name, "" for none. */
void bringers_find(const struct site *s, const char *ops,
		   struct bringer *loader, struct bringer *owner);

/*
 * 0: nobody else manages the schedulers of this machine.  -EBUSY: scx_loader
 * does or another unit of systemd, and the message says how a person ends
 * that; we do not.
 */
int bringers_check(void);

#endif
