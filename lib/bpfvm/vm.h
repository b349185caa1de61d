/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual machine: runs the functions of an object.
 *
 * Memory.  An address is (region << 32 | offset).  A region is one object: a
 * map's value, a task, the context, one frame's stack.  Every access names a
 * live region and lies wholly inside it, or it is a fault; a pointer that was
 * moved out of its object therefore never reaches another one.  Regions that
 * are freed stay dead until their number is used again, which is as late as
 * possible.  Address 0 … 2^32-1 is never mapped, nor is anything at or above
 * 2^63, so NULL and error pointers fault.
 *
 * Time, CPUs and tasks are the owner's: the VM asks through struct vm_host.
 * One VM is used by one thread.
 */
#ifndef SCHEDKIT_BPFVM_VM_H
#define SCHEDKIT_BPFVM_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpfvm/object.h"

struct vm;

/* ---- memory ----------------------------------------------------------- */

#define VM_READ	 1u
#define VM_WRITE 2u

/* What kind of thing a region is; its identity is its address. */
struct vm_kind {
	const char *name; /* "task_struct", "map value", "stack" */
	/*
	 * A write to a region without VM_WRITE: may it be done all the same?
	 * (The kernel lets policies write p->scx.slice.)  NULL: never.
	 */
	bool (*may_write)(uint32_t offset, uint32_t size);
};

struct vm_region {
	unsigned char *base; /* NULL: dead */
	uint32_t len;
	uint32_t perm;
	const struct vm_kind *kind;
	void *owner;	 /* whoever made it: the task, the map */
	uint32_t *slots; /* local storage: by slot number, a region or 0 */
};

/* Grows as needed: never keep a pointer to a region over a call. */
struct vm_memory {
	struct vm_region *regions;
	uint32_t count, cap;
	uint32_t free_head, free_tail; /* a queue: oldest number first */
	uint32_t free_count;
};

/* A new region over the caller's bytes; never 0.  perm 0: a handle, without
 * any bytes that a program could reach. */
uint32_t vm_region_new(struct vm *vm, void *base, uint32_t len, uint32_t perm,
		       const struct vm_kind *kind, void *owner);
/* n regions with numbers in a row, each len bytes, stride bytes apart. */
uint32_t vm_region_rows(struct vm *vm, void *base, uint32_t len, size_t stride,
			uint32_t n, uint32_t perm, const struct vm_kind *kind,
			void *owner);
/* Local storage in it is freed too. */
void vm_region_free(struct vm *vm, uint32_t region);

static inline uint64_t vm_addr(uint32_t region)
{
	return (uint64_t)region << 32;
}

static inline uint32_t vm_region_of(uint64_t addr)
{
	return (uint32_t)(addr >> 32);
}

/* The region if live, else NULL.  Lent until the next call. */
const struct vm_region *vm_region(const struct vm *vm, uint32_t region);

/*
 * The host's pointer to len bytes at addr.  NULL: a fault, already set.
 * len 0 gives any valid pointer.
 */
void *vm_read(struct vm *vm, uint64_t addr, uint32_t len);
void *vm_write(struct vm *vm, uint64_t addr, uint32_t len);

/* The owner of the region that addr is the start of, if it is of that kind;
 * else NULL, and a fault that says what was expected (NULL addr too). */
void *vm_object(struct vm *vm, uint64_t addr, const struct vm_kind *kind);

/* ---- faults ----------------------------------------------------------- */

enum vm_fault_kind {
	VM_FAULT_NONE,
	VM_FAULT_NULL,	  /* access at or near NULL */
	VM_FAULT_MEMORY,  /* outside the object, dead, not writable */
	VM_FAULT_BUDGET,  /* instructions */
	VM_FAULT_STACK,	  /* calls or stack too deep */
	VM_FAULT_INSN,	  /* an instruction that is none, poison, bad jump */
	VM_FAULT_CALL,	  /* a helper called wrongly (lock held twice, …) */
	VM_FAULT_CONTEXT, /* called where it must not be */
	VM_FAULT_LEAK,	  /* a reference or lock kept at the end */
	VM_FAULT_UNSUPPORTED,
	VM_FAULT_ARENA,
};

struct vm_fault {
	enum vm_fault_kind kind;
	uint32_t insn; /* in the object's text */
	const char *func;
	const char *file; /* NULL: no line information */
	uint32_t line;
	char text[256]; /* what happened, one line */
};

const char *vm_fault_name(enum vm_fault_kind kind);

/*
 * For helpers: the running function ends with this fault as soon as the helper
 * returns.  The first one stays.  Returns 0.
 */
uint64_t vm_fault_set(struct vm *vm, enum vm_fault_kind kind, const char *fmt,
		      ...) __attribute__((format(printf, 3, 4)));
const struct vm_fault *vm_fault(const struct vm *vm);
/* "enqueue.bpf.c:31: in foo(): null pointer: …" */
char *vm_fault_text(const struct vm_fault *f);

/* ---- calls ------------------------------------------------------------ */

/* A helper or kfunc: r[0] … r[4] are R1 … R5; returns R0.  A row without one is
 * a variable of the kernel's, see vm_variable(). */
typedef uint64_t (*vm_fn)(struct vm *vm, const uint64_t r[5]);

struct vm_call {
	const char *name;
	vm_fn fn;
	int number; /* of a helper (BPF_FUNC_*); kfuncs: 0 */
	/* Kernels that have it, as 10000 * major + minor; 0: no bound. */
	uint32_t since, until;
};

/* bpfvm's own helpers and kfuncs (maps, cpumasks, iterators, memory …); rows
 * end with name NULL.  lib/sim adds those of the scheduler. */
extern const struct vm_call vm_calls_core[];

/*
 * A set of calls for one kernel version: what an object is opened and a VM is
 * made with, so that the indices agree.  `resolve` of struct object_target is
 * vm_calls_resolve with the set as its arg.
 */
struct vm_calls;
struct vm_calls *vm_calls_new(const struct vm_call *const *tables,
			      size_t table_count, uint32_t version);
void vm_calls_free(struct vm_calls *c);
int vm_calls_resolve(void *calls, const char *name, bool is_func);
/* NULL: no such helper. */
const struct vm_call *vm_calls_helper(const struct vm_calls *c, int number);
const struct vm_call *vm_calls_kfunc(const struct vm_calls *c, int index);

/*
 * The text that a printf-like call of a program asks for: the addresses of its
 * format and of an array of 64-bit arguments.  out always ends in a NUL.  The
 * length of the whole text, or a negative errno (-EINVAL: a bad format).
 */
int64_t vm_format(struct vm *vm, uint64_t fmt, uint64_t args, uint32_t args_len,
		  char *out, size_t size);

/* A variable that every CPU has of its own; its owner is an array of
 * vm_host.nr_cpus regions. */
extern const struct vm_kind vm_kind_percpu;

/* ---- running ---------------------------------------------------------- */

/* The task and CPU that code runs on, for helpers that ask for a part. */
struct vm_current {
	uint32_t pid, tgid, node;
	uint64_t cgroup; /* its id */
	char comm[16];
};

/* What the VM needs to know of the world.  arg is vm_host.arg. */
struct vm_host {
	void *arg;
	uint64_t (*now)(void *arg); /* bpf_ktime_get_ns, scx_bpf_now */
	uint64_t (*random)(void *arg);
	uint32_t (*cpu)(void *arg);	/* bpf_get_smp_processor_id */
	uint64_t (*current)(void *arg); /* address of current's task_struct */
	/* Arms (ns > 0 from now) or cancels (0) timer `id`; when it is due the
	 * owner calls vm_timer_fire(). */
	void (*timer)(void *arg, uint32_t id, uint64_t ns, bool absolute,
		      bool pinned);
	/* bpf_printk; may be NULL. */
	void (*print)(void *arg, const char *text);
	/* May be NULL: all zero. */
	void (*describe)(void *arg, struct vm_current *out);
	uint32_t nr_cpus; /* possible CPUs: per-CPU maps */
	uint64_t jiffies_hz;
};

struct vm_limits {
	uint64_t insns; /* of one vm_run(), callbacks included; 0: 2^20 */
	uint32_t depth; /* frames; 0: 8, as the kernel has it */
};

/*
 * Makes the maps, checks that every helper called is known.  -ENOTSUP names
 * what is not supported and where it is used.  Object, calls and host outlive
 * the VM; the object's data sections are copied.
 */
int vm_new(const struct object *o, const struct vm_calls *calls,
	   const struct vm_host *host, const struct vm_limits *limits,
	   struct vm **out);
void vm_free(struct vm *vm); /* NULL is fine */

const struct vm_host *vm_host(const struct vm *vm);
struct vm_memory *vm_memory(struct vm *vm);

/*
 * Where a variable of the kernel's is that programs name, one that every CPU
 * has of its own as of vm_kind_percpu.  Until this is said a program can ask
 * only whether there is one.
 */
void vm_variable(struct vm *vm, const char *name, uint64_t addr);

/*
 * From now on fn answers in place of one of the object's functions that others
 * call: its arguments are r, its answer is R0, and its own instructions are
 * never run.  So what a policy asks of a part of itself can be answered by who
 * knows better, without a word of that in the policy.  Two instructions are
 * counted for it.
 *
 * name is the function's own, as in its BTF.  It must not be inlined; a
 * compiler may leave out what a static one does not use of its arguments, so
 * fn has to be careful with them, as a helper is.  -ENOENT: there is no such
 * function; -EINVAL: it is a program, or a single instruction.
 */
int vm_override(struct vm *vm, const char *name, vm_fn fn);

/*
 * Runs function `func` with R1 … from args.  0: *r0 is its answer.  -EFAULT:
 * vm_fault() says why.  After a fault the VM may be used on.  May be called
 * from a helper (a callback); the budget then goes on counting.
 */
int vm_run(struct vm *vm, int func, const uint64_t *args, int nargs,
	   uint64_t *r0);

/*
 * The same for struct_ops members and tracepoints, whose R1 is an array of
 * 64-bit arguments.
 */
int vm_run_ctx(struct vm *vm, int func, const uint64_t *args, int nargs,
	       uint64_t *r0);

/* A due timer: runs its callback as vm_run() does. */
int vm_timer_fire(struct vm *vm, uint32_t id);

/* Instructions since the VM was made, and those of the last vm_run(). */
uint64_t vm_insns(const struct vm *vm);
uint64_t vm_insns_last(const struct vm *vm);

/* The instruction being run, for helpers that report a finding of their own.*/
uint32_t vm_insn(const struct vm *vm);

/*
 * Functions of user space: a map's value by key bytes, on one CPU for per-CPU
 * maps.  -ENOENT, -EINVAL, -E2BIG as the system call, and -EINVAL too if the
 * map's keys or values are of another size, as any object may have a map by
 * any name.  Values are copied; a map of maps has none (-EOPNOTSUPP).
 */
int vm_map_get(struct vm *vm, int map, const void *key, uint32_t key_size,
	       uint32_t cpu, void *value, uint32_t value_size);
int vm_map_set(struct vm *vm, int map, const void *key, uint32_t key_size,
	       uint32_t cpu, const void *value, uint32_t value_size);
/* The bytes of a data section's map as they are now; NULL: not one. */
unsigned char *vm_map_data(struct vm *vm, int map, size_t *len);
/* Takes what was submitted to a ring buffer, oldest first: how many records;
 * 0 for other maps. */
size_t vm_map_drain(struct vm *vm, int map,
		    void (*use)(void *arg, const void *data, uint32_t len),
		    void *arg);

/* References: acquired by a kfunc, released by another, moved by
 * bpf_kptr_xchg.  What is left when vm_run() ends is VM_FAULT_LEAK. */
void vm_ref_acquire(struct vm *vm, uint64_t addr);
bool vm_ref_release(struct vm *vm, uint64_t addr); /* false: not held */

#endif
