/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What to put in the place of a policy that is taken off by a guard. */
#ifndef SCHEDKIT_AGENTS_DEPLOYER_KNOWN_H
#define SCHEDKIT_AGENTS_DEPLOYER_KNOWN_H

#include "agents/deployer/state.h"

/*
 * Looks for the policy that the history trusts for this workload, before
 * anything is attached: for then there may be nobody to ask.  It is another
 * one, its latest verdict accepts it, is signed, and was made on this host for
 * this kernel and this object, and no guard has taken it off lately.
 *
 * d->known.policy is NULL where there is none, and d->known.why says why.
 */
void deployer_find_known(struct deployer *d);
/* How often a guard took this policy off this machine, as far as the history
 * knows, since a person last said that it may be tried again. */
int deployer_count_trips(struct deployer *d, unsigned *count);

void deployer_known_release(struct deployer *d);

#endif
