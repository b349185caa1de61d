/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What bpf/policy.bpf.c and user space agree on.  Includes nothing, so that
 * both sides can: the includer provides the fixed-width types.
 */
#ifndef SCHEDKIT_POLICY_ABI_H
#define SCHEDKIT_POLICY_ABI_H

#ifndef __bpf__
#include <stdint.h>
#endif

/* How tasks are told apart. */
enum policy_classify {
	CLASSIFY_NONE,	    /* all alike */
	CLASSIFY_BEHAVIOUR, /* short bursts are interactive, long ones batch */
	CLASSIFY_IDENTITY,  /* expected run time of what was executed */
	CLASSIFY_WEIGHT,    /* nice below 0 interactive, above 0 batch */
};

/* Where waiting tasks stand. */
enum policy_queue { QUEUE_GLOBAL, QUEUE_LLC, QUEUE_CPU };

/* Who is next in a queue. */
enum policy_order {
	ORDER_FIFO,
	ORDER_VRUNTIME,	 /* least weighted run time */
	ORDER_DEADLINE,	 /* vruntime plus the weighted length of a burst, at
			    most of a turn */
	ORDER_LONGEST,	 /* longest expected run time */
	ORDER_SHORTEST,	 /* shortest expected run time */
	ORDER_PREDICTED, /* least predicted slack; needs a model */
};

enum policy_slice {
	SLICE_FIXED,
	SLICE_CLASS,
	SLICE_DEPTH,
	SLICE_PREDICTED, /* as long as the predicted burst; needs a model */
};

/* Which CPU a waking task is offered first. */
enum policy_place { PLACE_PREVIOUS, PLACE_IDLE_CORE, PLACE_WAKER, PLACE_LLC };

enum policy_preempt { PREEMPT_NONE, PREEMPT_CLASS, PREEMPT_KEY };

/* Every field 32 bits, so that a table of offsets describes it all. */
struct policy_params {
	uint32_t classify;
	uint32_t interactive_us; /* mean burst below: interactive */
	uint32_t batch_us;	 /* mean burst above: batch; between: as was */
	uint32_t ahead_us;	 /* interactive tasks stand this much earlier */
	uint32_t queue;
	uint32_t order;
	uint32_t slice;
	uint32_t slice_us; /* the slice; by class: of class "normal" */
	uint32_t slice_interactive_us;
	uint32_t slice_batch_us;
	uint32_t slice_min_us; /* by depth: the floor */
	uint32_t place;
	uint32_t direct; /* a task that finds an idle CPU runs at once */
	uint32_t preempt;
	uint32_t preempt_min_us; /* leave a task alone for this long first */
	uint32_t handover_us;	 /* wait for a waker that sleeps this soon */
	uint32_t steal;		 /* an idle CPU takes from other queues */
	uint32_t lag_us;	 /* how much credit sleeping may earn */
	uint32_t slack_pct;  /* by prediction: of a burst, how much later than
				it could a task may be done */
	uint32_t unknown_us; /* what was not executed yet goes first so long */
	uint32_t starve_us;  /* who waited longer goes first; 0: never */
	uint32_t timeout_ms; /* the kernel's watchdog */
};

/* Counters, summed over CPUs. */
enum policy_counter {
	COUNT_DIRECT,	  /* ran at once on an idle CPU */
	COUNT_QUEUED,	  /* had to wait in a queue */
	COUNT_DISPATCHED, /* taken from the CPU's own queue */
	COUNT_STOLEN,	  /* taken from another queue */
	COUNT_KEPT,	  /* ran on after its slice: nobody waited */
	COUNT_PREEMPTED,  /* kicked off its CPU for another */
	COUNT_RESCUED,	  /* waited over starve_us and went first */
	COUNT_PINNED,	  /* may run on one CPU only */
	COUNT_KNOWN,	  /* executed something of known run time */
	COUNT_UNKNOWN,	  /* executed something never seen */
	COUNT_MAX,
};

/* Value of the identity table: key is the identity hash. */
struct policy_identity {
	uint64_t expect_ns;
};

#define POLICY_MAX_IDENTITIES 4096

/* Topology, filled in by user space before loading. */
#define POLICY_MAX_CPUS 512
#define POLICY_MAX_LLCS 64

/* Its queues, as the kernel's dump names them. */
#define POLICY_QUEUE_SHARED(llc)  (0x10000ULL + (llc))
#define POLICY_QUEUE_PRIVATE(cpu) (0x20000ULL + (cpu))
/* Beside each of these: for who waited longer than starve_us. */
#define POLICY_QUEUE_RESCUE 0x80000ULL

/* The exit code of a policy whose holder has stopped beating. */
#define POLICY_EXIT_UNHELD 1

/* What ops.exit() leaves behind for the holder. */
#define POLICY_REASON_LEN  128
#define POLICY_MESSAGE_LEN 1024
#define POLICY_DUMP_LEN	   16384

struct policy_exit {
	int32_t kind; /* 0: still attached; enum scx_exit_kind */
	int64_t code;
	char reason[POLICY_REASON_LEN];
	char message[POLICY_MESSAGE_LEN];
	char dump[POLICY_DUMP_LEN];
};

#endif
