/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A workload for a profile that has no command of its own (the whole machine,
 * a cgroup, a process): rt-app plays the model of it that the simulator runs.
 */
#ifndef SCHEDKIT_AGENTS_VERIFIER_RTAPP_H
#define SCHEDKIT_AGENTS_VERIFIER_RTAPP_H

#include "doc/json.h"
#include "workload/workload.h"

/*
 * The metric is how many rounds rt-app's threads finish per second.  The JSON
 * is kept in the cache, by its digest, as a guest reads it from there.
 * -ENOENT: rt-app is not installed; else as load_from_profile().
 */
int rtapp_workload(const struct json *profile, struct workload *out);

#endif
