/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched_ext on the running kernel, as the program with privilege uses it:
 * numbers and object bytes, no documents.  ext.h has the rest.
 */
#ifndef SCHEDKIT_SCX_ATTACH_H
#define SCHEDKIT_SCX_ATTACH_H

#include <stdbool.h>

#include "base/buf.h"
#include "policy/image.h"

struct ext_policy;
struct feature_context;
struct forecast;
struct intent_rules;
struct learned_report;
struct sysfs_events;

/*
 * 0 when a policy can be attached to this kernel.  -ENOSYS: built without
 * sched_ext; -ENOTSUP: its BTF lacks the kfuncs every policy needs (7.1 and
 * 7.2 of Debian); -EBUSY: another policy is attached; -EPERM: no privilege.
 * The message says so and names the way out.
 */
int ext_check(void);

struct ext_setup {
	const struct policy_image *image;
	/* After how long without ext_beat() the policy leaves by itself; 0:
	 * never.  Not for a whole object: it does what it is written to. */
	uint32_t beat_limit_ms;
	/* Only tasks whose policy is SCHED_EXT are its own. */
	bool partial;
	/* It is to follow rules, as far as it is made for that. */
	bool intents;
};

/*
 * Opens an object's bytes, which are copied, puts the image into it and loads
 * it.  object: its name.  On rejection by the kernel's verifier: what the
 * kernel said, and log (may be NULL) holds the verifier's last words.
 */
int ext_load_image(const char *object, const void *data, size_t len,
		   const struct ext_setup *setup, struct ext_policy **out,
		   struct buf *log);

#define EXT_OBJECT_MAX (64u << 20)

/*
 * Attaches; when 0 is returned the kernel's own state was read back as enabled
 * by it, the next one after those before or one of this policy's name, or the
 * kernel has dropped it before that could be seen: then ext_alive() is false,
 * and ext_ended() says why if the policy wrote it down.
 */
int ext_attach(struct ext_policy *p);

/* True while the kernel says that this very attachment is enabled. */
bool ext_alive(const struct ext_policy *p);

/* What the kernel counts of it; what it did last, once that is over. */
void ext_events(struct ext_policy *p, struct sysfs_events *out);

/* Its holder lives. */
void ext_beat(struct ext_policy *p);

/*
 * Rules from now on, in place of those before; len is what there is of them.
 * *generation counts how often.  -EINVAL: they are none, -ENOTSUP: the policy
 * follows none.
 */
int ext_intents(struct ext_policy *p, const struct intent_rules *r, size_t len,
		uint32_t *generation);

/*
 * A model from now on, in place of the one before, which is followed meanwhile;
 * NULL: none, plain vruntime.  *generation counts how often, as the policy's
 * report does; 0: none.  -EINVAL: not one for these features, -ENOTSUP: the
 * policy follows none.
 */
int ext_model(struct ext_policy *p, const struct forecast *m,
	      uint32_t *generation);

/* What the machine does now, for the features; -ENOTSUP. */
int ext_context(struct ext_policy *p, const struct feature_context *c);

/* How the policy gets on with its model, of which see bpf/learned_abi.h;
 * -ENOTSUP. */
int ext_learned(const struct ext_policy *p, struct learned_report *out);

/* The attachment stays when this process ends, until the file below folder,
 * which is there and on a BPF file system, is removed. */
int ext_pin(struct ext_policy *p, const char *folder);

/* Detaches (if attached) and waits until the kernel says disabled. */
int ext_detach(struct ext_policy *p);

const char *ext_name(const struct ext_policy *p); /* lent */

/* What ops.exit() wrote down; kind is 0 while it was not called. */
void ext_ended(const struct ext_policy *p, struct policy_exit *end);

/* A counter of the template's, summed over CPUs; false: it has none. */
bool ext_count(const struct ext_policy *p, enum policy_counter what,
	       uint64_t *sum);

/*
 * Has the kernel count the CPU time of BPF programs for as long as this process
 * lives, which needs CAP_SYS_ADMIN.  -errno: it does not.
 */
int ext_count_time(void);
/* What the policy's programs have taken since they were loaded; -1: that is
 * not counted. */
double ext_time_ns(const struct ext_policy *p);

/*
 * Lines of scx/load_request.h, written to fd: counters and events; what it
 * takes of the CPU, and how it gets on with its model; how it ended.
 */
void ext_tell_counts(const struct ext_policy *p, const struct sysfs_events *e,
		     int fd);
void ext_tell_effort(const struct ext_policy *p, int fd);
void ext_tell_end(const struct ext_policy *p, int fd);

/* Detaches if needed.  NULL is fine. */
void ext_free(struct ext_policy *p);

#endif
