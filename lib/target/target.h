/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target runs a command under a policy and says what happened.
 *
 *   host  this kernel; needs privilege to attach a policy
 *   vm    a throw-away guest with a sched_ext kernel, whose root is the
 *         host's file system read-only and whose writes go to a scratch
 *
 * One target_open() is one boot; many commands and policies run in it.  In a
 * guest each command starts with a fresh scratch and finds nothing of the
 * others; files of the host are seen as they were when the guest first looked.
 */
#ifndef SCHEDKIT_TARGET_TARGET_H
#define SCHEDKIT_TARGET_TARGET_H

#include <signal.h>
#include <stdbool.h>

#include "base/proc.h"
#include "doc/json.h"
#include "target/cpu_wait.h"

struct target;

struct target_opts {
	const char *kind;     /* "host", "vm" or "auto" */
	long cpus;	      /* vm; 0: the host's, at most 4 */
	long memory_mib;      /* vm; 0: 1024 */
	const char *kernel;   /* vm; a series ("6.18"), a vmlinuz, NULL: 6.18 */
	const char *topology; /* vm; "nodes=2,cores=2,threads=1" or NULL */
	bool plain; /* host; no policy will need sched_ext nor privilege */
	double boot_timeout_s; /* vm; 0: 120, for a busy host */
	/* vm; returns while the guest boots, if it has booted here before;
	 * what comes next waits for it, and has its failure. */
	bool ahead;
	const volatile sig_atomic_t *cancel;
	/* Progress for people ("booting a guest …"), 0 of 0: it is no step of
	 * what the caller counts; NULL: silent. */
	void (*progress)(void *arg, long done, long total, const char *words);
	void *progress_arg;
};

enum run_outcome {
	RUN_DONE,    /* the command ended by itself */
	RUN_TIMEOUT, /* … was ended at the limit */
	RUN_REFUSED, /* the policy did not load or attach; nothing ran */
	RUN_EJECTED, /* the kernel dropped the policy before the end */
	RUN_LOST,    /* the target died, hung or ran out of memory */
	RUN_CANCELLED,
};

const char *run_outcome_name(enum run_outcome o);

struct run_spec {
	char *const *argv;
	const char *cwd;  /* NULL: the caller's */
	char *const *env; /* NULL: the caller's; vm: PATH, HOME … of it */
	const struct json *policy; /* a policy body; NULL: the kernel's own */
	double timeout_s;	   /* 0: 600 */
	bool as_root;	   /* vm: needs BPF in the guest; else as the caller */
	const char *bring; /* a file it leaves, for the result; or NULL */
};

#define RUN_BRING_MAX (48u << 20)

#define RUN_KEEP_OUTPUT (1u << 20) /* bytes kept of each output: the last */

struct run_result {
	enum run_outcome outcome;
	struct proc_result proc;
	char *out, *err; /* tails of standard output and error */
	size_t out_len, err_len;
	char *file; /* spec.bring; NULL: it left none, or too large a one */
	size_t file_len;
	/* ext_report(), NULL without a policy; of a guest also "state_after",
	 * of sched_ext, and "kernel_log", klog_read() of the whole run. */
	struct json *report;
	char *message; /* why it is not RUN_DONE, else NULL */
	/* A guest's, meanwhile; zero where it has more CPUs than there are. */
	struct cpu_wait wait;
};

void run_result_release(struct run_result *r);

/*
 * What a guest needs and is not there is fetched first (fetch-guest).
 *
 * -ENOENT: no guest kernel or no QEMU (the message says how to get it);
 * -ENOSYS, -ENOTSUP: a kernel that cannot run policies; -EPERM; -ETIMEDOUT.
 * A guest that dies while booting is tried once more.
 */
int target_open(const struct target_opts *o, struct target **out);

/*
 * Which one target_open() would open, as far as that is known without booting:
 * {"target":"vm","kernel":"6.18.15+deb13-cloud-amd64"}, the caller's; without
 * "kernel" only the guest can tell.  Fetches and fails as target_open() does.
 */
int target_foretell(const struct target_opts *o, struct json **facts);

/*
 * Runs one command.  0 when the result says what happened (also a refused
 * policy and a lost guest); a lost guest is booted anew by the next call.
 * -errno only when the command could not be tried at all.
 */
int target_run(struct target *t, const struct run_spec *s,
	       struct run_result *r);

/* Waits for a guest that was opened ahead.  As target_open(). */
int target_await(struct target *t);

/*
 * {"target":"vm","kernel":"6.18.15+deb13-cloud-amd64",
 *  "configuration":scx/configuration.h,"accelerator":"tcg",
 *  "accelerator_why":…,"qemu":"10.0.2…","cpus":2,"memory_mib":1024,
 *  "topology":…,"clocksource":"tsc","writable":"everything","boot_s":3.1,
 *  "sched_ext":"disabled"}; of the host only what applies.  Lent until the next
 * target_run(), which may boot anew.
 */
const struct json *target_facts(const struct target *t);

void target_close(struct target *t);

#endif
