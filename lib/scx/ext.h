/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched_ext on the running kernel: load a policy, attach it, read back the
 * truth, detach.  Needs CAP_BPF, CAP_PERFMON and CAP_SYS_ADMIN to load.
 */
#ifndef SCHEDKIT_SCX_EXT_H
#define SCHEDKIT_SCX_EXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "doc/json.h"

struct ext_policy;

/*
 * 0 when a policy can be attached to this kernel.  -ENOSYS: built without
 * sched_ext; -ENOTSUP: its BTF lacks the kfuncs every policy needs (7.1 and
 * 7.2 of Debian); -EBUSY: another policy is attached; -EPERM: no privilege.
 * The message says so and names the way out.
 */
int ext_check(void);

/* What sysfs says: {"state":…,"ops":…,"switch_all":…,"enable_seq":…,
 * "nr_rejected":…,"events":{…}}; {"state":"absent"} without sched_ext. */
struct json *ext_kernel_state(void);

/*
 * Opens object (a .bpf.o with one struct_ops map), applies the policy body
 * (params and identities; NULL: defaults) and loads it.  A body of the form
 * "source" changes nothing in the object.  On rejection by the kernel's
 * verifier: -EINVAL or what the kernel said, and log (may be NULL) holds the
 * verifier's last words.
 */
int ext_load(const char *object, const struct json *policy_body,
	     struct ext_policy **out, struct buf *log);

/* The same of an object's bytes, which are copied; object is its name.  Who
 * has looked at the bytes, and not at a file, loads what was looked at. */
int ext_load_bytes(const char *object, const void *data, size_t len,
		   const struct json *policy_body, struct ext_policy **out,
		   struct buf *log);

#define EXT_OBJECT_MAX (64u << 20)

/* Attaches; when 0 is returned the kernel's own state was read back as
 * enabled with this policy's name. */
int ext_attach(struct ext_policy *p);

/* True while the kernel says that this very attachment is enabled. */
bool ext_alive(const struct ext_policy *p);

/* Detaches (if attached) and waits until the kernel says disabled. */
int ext_detach(struct ext_policy *p);

/*
 * {"name":…,"alive":…,"object_sha256":…,"exit_kind":…,"exit_reason":…,
 *  "exit_message":…,"exit_dump":…,"counters":{…},"events":{…}}; exit_* only
 * once it ended.
 */
struct json *ext_report(const struct ext_policy *p);

/* Detaches if needed.  NULL is fine. */
void ext_free(struct ext_policy *p);

#endif
