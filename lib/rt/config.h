/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Settings of the runtime: $XDG_CONFIG_HOME/schedkit/runtime.json, see
 * schedkit-runtime(5).
 *
 *   {"policy":"fair","quantum_tokens":512,"quantum_s":5,"aging_s":30,
 *    "boost_s":60,"levels":4,"hedge_pct":5,"max_queued":…,"idle_s":300,
 *    "workers":[WORKER…],          as rt_worker_spec_read()
 *    "access":[RULE…]}             as lib/rt/access.h
 *
 * Without "workers" there is one, "host": kinds tool, sim, guest, memory and
 * storage, with the cores and three quarters of the memory of this machine and
 * one guest for every two cores, at least one.
 */
#ifndef SCHEDKIT_RT_CONFIG_H
#define SCHEDKIT_RT_CONFIG_H

#include "rt/rt.h"

struct rt_config {
	struct rt_opts engine; /* ops and arg unset */
	char *policy;
	double idle_s; /* the daemon leaves after so long without work */
	struct rt_worker_spec *workers;
	size_t worker_count;
	struct json *access; /* array, or NULL: the default rules */
};

/* path NULL: the user's; absent: the defaults.  -EINVAL names file and field.
 */
int rt_config_load(const char *path, struct rt_config *out);
void rt_config_release(struct rt_config *c);

#endif
