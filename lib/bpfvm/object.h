/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A BPF object file, ready to be run or analysed: sections read, functions
 * joined into one text, calls and addresses resolved, CO-RE relocations done
 * against somebody's types, source lines at hand.
 *
 *   object_open → (vm_new, prove_object, …) → object_free
 *
 * The bytes are from an outsider: whatever they hold, object_open() reads no
 * byte outside them and either refuses with a message or gives an object whose
 * indices and jump targets are all in range.
 */
#ifndef SCHEDKIT_BPFVM_OBJECT_H
#define SCHEDKIT_BPFVM_OBJECT_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct btf; /* libbpf's parser */

/* What an instruction's operand was resolved to. */
enum insn_what {
	INSN_PLAIN,
	INSN_CONST,	/* ld_imm64: value */
	INSN_MAP,	/* ld_imm64: address of map arg */
	INSN_MAP_VALUE, /* ld_imm64: address of byte `value` of map arg's first
			   value (.data, .bss, .rodata, .kconfig) */
	INSN_FUNC,	/* ld_imm64: function arg, for a callback */
	INSN_KSYM,	/* ld_imm64: kernel symbol, extern arg */
	INSN_SECOND,	/* the other half of an ld_imm64: never run */
	INSN_CALL_FUNC, /* call of function arg */
	INSN_CALL_HELPER, /* call of helper number arg */
	INSN_CALL_KFUNC,  /* call of extern arg */
	INSN_POISON, /* found nothing, note arg says what; fault when run */
};

struct object_insn {
	struct bpf_insn i; /* jump offsets as in the file; calls resolved */
	uint8_t what;	   /* enum insn_what */
	uint32_t arg;
	uint64_t value;
};

/* Where a function comes from and when it runs. */
enum func_kind {
	FUNC_SUBPROG,	 /* called by others, or given as a callback */
	FUNC_STRUCT_OPS, /* a member of the ops; attach: "enqueue" */
	FUNC_TRACEPOINT, /* tp_btf and raw_tp; attach: "sched_process_exec" */
	FUNC_SYSCALL,	 /* run by user space; attach: "" */
	FUNC_OTHER,	 /* what nothing here calls; attach: its section */
};

struct object_func {
	const char *name;
	const char *section;
	const char *attach;
	enum func_kind kind;
	bool sleepable;
	uint32_t first, count; /* instructions, in struct object.insns */
	uint32_t type;	       /* its BTF FUNC; 0: none */
};

/* Something in the kernel that the object names. */
struct object_extern {
	const char *name; /* as written, "bpf_task_from_pid___new" */
	bool is_func;
	bool weak;
	uint32_t type; /* BTF of the object: FUNC or VAR; 0: none */
	/* The resolver's answer; -1: not there (only if weak). */
	int index;
};

/* Special members in a map's value, found in its BTF. */
enum field_kind {
	FIELD_SPIN_LOCK,
	FIELD_TIMER,
	FIELD_KPTR, /* __kptr, __percpu_kptr; type: what it points to */
	FIELD_LIST_HEAD,
	FIELD_LIST_NODE,
	FIELD_RB_ROOT,
	FIELD_RB_NODE,
	FIELD_REFCOUNT,
	FIELD_KPTR_UNTRUSTED, /* as a kptr, but no reference */
};

struct object_field {
	enum field_kind kind;
	uint32_t offset;
	uint32_t type;	      /* struct in the object's BTF; 0: none */
	uint32_t node_offset; /* list and tree: of the node in `type` */
};

#define OBJECT_ARENA_DATA 4096

/* Newer than the headers of Debian 12. */
#define MAP_TYPE_CGRP_STORAGE 32
#define MAP_TYPE_ARENA	      33

struct object_map {
	const char *name; /* ".data", ".rodata.x" for sections */
	uint32_t type;	  /* BPF_MAP_TYPE_*, also for sections: ARRAY */
	uint32_t key_size, value_size, max_entries, flags;
	uint64_t extra;
	uint32_t key_type, value_type; /* BTF; 0: none */
	int inner;		       /* map of maps: index; -1: none */
	/* Map of maps or programs: initial values, map or func indices. */
	const int *initial;
	size_t initial_count; /* -1 in it: empty */
	/* A section's bytes, value_size of them, writable by the owner until a
	 * VM is made of it; NULL for other maps.  An arena has its globals
	 * here; they begin at its byte OBJECT_ARENA_DATA, and INSN_MAP_VALUE
	 * counts from byte 0. */
	unsigned char *data;
	bool frozen; /* .rodata: programs must not write */
	struct object_field *fields;
	size_t field_count;
	bool is_struct_ops; /* not a map for programs; .data: the ops */
};

/* The one `struct sched_ext_ops`. */
struct object_op {
	const char *name; /* the member */
	int func;	  /* index, for members that are functions */
};

struct object_ops {
	const char *variable;
	char name[128];
	uint64_t flags;
	uint32_t timeout_ms; /* 0: the kernel's own limit */
	uint32_t dispatch_max_batch;
	uint32_t exit_dump_len;
	uint64_t hotplug_seq;
	struct object_op *ops; /* only those that are set */
	size_t count;
	/* Where they stand in the file's data, for the writer of rodata. */
	int map;
};

struct object_line {
	uint32_t insn; /* from here on */
	uint32_t line, column;
	const char *file; /* as the compiler was given it */
	const char *text; /* the source line, trimmed */
};

/* A relocation that found nothing, or an oddity: for people. */
struct object_note {
	uint32_t insn; /* UINT32_MAX: of none */
	char *text;
};

struct object {
	struct object_insn *insns;
	size_t insn_count;
	struct object_func *funcs;
	size_t func_count;
	struct object_extern *externs;
	size_t extern_count;
	struct object_map *maps;
	size_t map_count;
	struct object_line *lines; /* ascending by insn */
	size_t line_count;
	struct object_note *notes;
	size_t note_count;
	struct object_ops ops;
	bool has_ops;
	const char *license;
	struct btf *btf; /* the object's own; never NULL */
	void *arena;	 /* all strings and tables above live here */
};

/* Whose kernel it is to run on. */
struct object_target {
	const struct btf *types; /* CO-RE looks here; borrowed until freed */
	/*
	 * Finds a kernel function or variable by its name without flavour
	 * ("___new" cut off): its index, or -1.
	 */
	int (*resolve)(void *arg, const char *name, bool is_func);
	void *arg;
	uint32_t version; /* LINUX_KERNEL_VERSION, as KERNEL_VERSION() */
	uint32_t hz;	  /* CONFIG_HZ */
	/* The most CPUs: so long does an array become that its loader sizes
	 * (upstream's RESIZABLE_ARRAY: alone in .data.NAME, one element). */
	uint32_t cpus;
};

/*
 * -EINVAL: not an object of this kind, the message names section and offset;
 * -ENOTSUP: something that is fine in the kernel and unknown here, named;
 * -ENOENT: a kernel symbol that is not weak is not there, named;
 * -EFBIG: more than OBJECT_MAX_BYTES.
 *
 * Read-only variables named __SCX_* (upstream's way to learn enumerators at
 * run time) are set from the types' enumerators of the same name.
 */
#define OBJECT_MAX_BYTES (64u << 20)
int object_open(const void *bytes, size_t len, const struct object_target *t,
		struct object **out);
int object_open_file(const char *path, const struct object_target *t,
		     struct object **out);
void object_free(struct object *o); /* NULL is fine */

/* -1: none. */
int object_op(const struct object *o, const char *name);
int object_map(const struct object *o, const char *name);
int object_func_of(const struct object *o, uint32_t insn);

/*
 * The special members of a struct of the object's own, as of a map's value.
 * The array is the caller's to free.  -EINVAL.
 */
int object_fields(const struct object *o, uint32_t type,
		  struct object_field **fields, size_t *count);

/* The line that instruction comes from; NULL: no line information. */
const struct object_line *object_line(const struct object *o, uint32_t insn);

/*
 * A global variable in .data, .bss or .rodata: where its bytes are and how
 * many.  -ENOENT.  For setting parameters before a VM is made.
 */
int object_variable(struct object *o, const char *name, void **at, size_t *size,
		    int *map);

#endif
