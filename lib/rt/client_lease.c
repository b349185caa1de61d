/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For who has one thing to do: a lease, waited for. */
#include <errno.h>
#include <math.h>
#include <poll.h>

#include "base/clock.h"
#include "base/err.h"
#include "rt/client_state.h"

#define LOOK_S 0.2 /* how often *cancel is looked at, signals apart */
#define GIVE_S 5.0

static int wait_once(struct rt_client *c, double longest)
{
	double wait = fmin(rt_client_wait(c), longest);
	struct pollfd p = {rt_client_fd(c), POLLIN, 0};

	poll(&p, 1, (int)ceil(wait * 1e3));
	return rt_client_step(c);
}

int rt_lease_take(struct rt_client *c, const struct rt_request *q,
		  const volatile sig_atomic_t *cancel, uint64_t *lease)
{
	uint64_t id;
	int rc = rt_client_submit(c, q, 1, &id);

	if (rc)
		return rc;
	c->taking = id;
	c->taken = 0;
	while (!rc && c->taking && !c->taken) {
		if (cancel && *cancel) {
			rt_client_cancel(c, id);
			rc = err_set(EINTR, "interrupted");
			break;
		}
		rc = wait_once(c, LOOK_S);
	}
	if (!rc && !c->taken)
		rc = c->taken_rc;
	*lease = c->taken;
	/* While it is held its start may come again: it has grown. */
	if (rc)
		c->taking = 0;
	return rc;
}

int rt_lease_give(struct rt_client *c, uint64_t lease,
		  const struct rt_outcome *o)
{
	const struct held *h = idmap_find(&c->leases, lease);
	double until = clock_monotonic() + GIVE_S;
	uint64_t id = h && h->order ? h->order->id : 0;
	int rc = rt_client_done(c, lease, o);

	/* Until it is written down. */
	while (!rc && order_by_id(c, id) && clock_monotonic() < until)
		rc = wait_once(c, until - clock_monotonic());
	if (c->taking == id)
		c->taking = 0;
	return rc;
}
