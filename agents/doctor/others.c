/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another scheduler of sched_ext, who brought it, and since when. */
#include <stdlib.h>
#include <string.h>

#include "agents/host/bringer.h"
#include "agents/doctor/check.h"
#include "agents/host/holder.h"
#include "base/clock.h"
#include "base/mem.h"

/* ---- telling ----------------------------------------------------------- */

/* " of scx_simple[12], since …"; the caller's. */
static char *whose(const struct bringer *b)
{
	char when[CLOCK_TEXT_LEN];

	if (!b->pid)
		return mem_strdup("");
	if (!b->since)
		return mem_printf(", of %s[%ld]", b->comm, b->pid);
	clock_text(b->since, when);
	return mem_printf(", of %s[%ld], since %s", b->comm, b->pid, when);
}

/* Who keeps it would start it again. */
static char *way_out(const struct bringer *owner)
{
	return *owner->unit
		       ? mem_printf("stop it: 'systemctl stop %s'", owner->unit)
		       : mem_strdup("stop it: 'systemctl stop scx' or "
				    "'scx_loader', or end its program; SysRq-S "
				    "detaches any");
}

/* One of ours is known better; false: it is none. */
static bool is_ours(struct json *checks, const struct site *s, const char *ops)
{
	struct json *v = s->other ? NULL : holder_read();
	const char *name = json_text_at(v, "ops");
	bool ours = *name && !strncmp(ops, name, strlen(name));

	if (ours)
		doctor_add(checks, "scheduler", DOCTOR_WARN,
			   "sched-deploy stop",
			   "'%s' is attached, of sched-deploy[%d], since %s",
			   ops, (int)json_as_number(json_get(v, "pid"), 0),
			   json_text_at(v, "since"));
	json_free(v);
	return ours;
}

void doctor_others(struct json *checks, const struct site *s)
{
	struct bringer loader = {.pid = 0}, owner = {.pid = 0};
	char state[SITE_WORD], ops[SITE_WORD], rejected[SITE_WORD];
	char *text, *way;

	site_word(s, "/sys/kernel/sched_ext/root/ops", ops);
	bringers_find(s, ops, &loader, &owner);
	if (!site_word(s, "/sys/kernel/sched_ext/state", state)) {
		doctor_add(checks, "scheduler", DOCTOR_OK, "",
			   "the kernel's own: there is no sched_ext");
	} else if (!strcmp(state, "disabled")) {
		doctor_add(checks, "scheduler", DOCTOR_OK, "",
			   "the kernel's own: no policy is attached");
	} else if (!is_ours(checks, s, ops)) {
		text = whose(&owner);
		way = way_out(&owner);
		doctor_add(checks, "scheduler", DOCTOR_WARN, way,
			   "another one is loaded: '%s' (sched_ext is "
			   "%s)%s",
			   *ops ? ops : "?", state, text);
		free(way);
		free(text);
	}
	if (loader.pid)
		doctor_add(checks, "scx_loader", DOCTOR_WARN,
			   "systemctl stop scx_loader, while a policy is "
			   "deployed",
			   "scx_loader[%ld] runs and may load a scheduler at "
			   "any time",
			   loader.pid);
	if (site_word(s, "/sys/kernel/sched_ext/nr_rejected", rejected) &&
	    strtoull(rejected, NULL, 10) > 0)
		doctor_add(checks, "rejected", DOCTOR_WARN,
			   "look for tasks whose policy was changed "
			   "(chrt -x), and what changed it",
			   "%.20s tasks were kept from sched_ext by a policy",
			   rejected);
}
