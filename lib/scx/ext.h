/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched_ext on the running kernel: load a policy, attach it, read back the
 * truth, detach.  Needs CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN, to load.
 */
#ifndef SCHEDKIT_SCX_EXT_H
#define SCHEDKIT_SCX_EXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "doc/json.h"
#include "scx/attach.h"
#include "scx/sysfs.h"

/* What sysfs says: {"state":…,"ops":…,"switch_all":…,"enable_seq":…,
 * "nr_rejected":…,"events":{…}}; {"state":"absent"} without sched_ext. */
struct json *ext_kernel_state(void);

/* {"SCX_EV_…":n,…} */
struct json *ext_events_json(const struct sysfs_events *e);

/*
 * Opens object (a .bpf.o with one struct_ops map), applies the policy body
 * (params and identities; NULL: defaults) and loads it.  A body of the form
 * "source" changes nothing in the object.  On rejection by the kernel's
 * verifier: -EINVAL or what the kernel said, and log (may be NULL) holds the
 * verifier's last words.
 */
int ext_load(const char *object, const struct json *policy_body,
	     struct ext_policy **out, struct buf *log);

/*
 * {"name":…,"alive":…,"object_sha256":…,"exit_kind":…,"exit_code":…,
 *  "exit_reason":…,"exit_message":…,"exit_dump":…,"counters":{…},
 *  "events":{…},"model":{…}}; exit_* only once it ended, model as
 *  learned_json() of a policy that may follow one.
 */
struct json *ext_report(const struct ext_policy *p);

/* Sets the members exit_*, if it ended. */
void ext_exit_json(const struct policy_exit *end, struct json *to);

#endif
