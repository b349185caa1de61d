/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Not a policy that anybody should run: everything that policies by others
 * have in their objects and ours have not.  For the reader's test.
 */
typedef unsigned char u8;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef __u32 u32;
typedef __u64 u64;
typedef int s32;
typedef unsigned short __u16;
typedef int __s32;
typedef signed long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
#define bool _Bool

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

char _license[] SEC("license") = "GPL";

#define KNOWN __attribute__((preserve_access_index))

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_HASH_OF_MAPS = 13,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_ARENA = 33,
};

/* ---- maps -------------------------------------------------------------- */

struct fifo {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 64);
	__type(value, u32);
} fifo0 SEC(".maps"), fifo1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, int);
	__array(values, struct fifo);
} fifos SEC(".maps") = {
	.values = {[1] = &fifo1, [3] = &fifo0},
};

struct bpf_timer {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_spin_lock {
	u32 val;
};
struct bpf_rb_node {
	u64 opaque[4];
} __attribute__((aligned(8)));
struct bpf_rb_root {
	u64 opaque[2];
} __attribute__((aligned(8)));
struct bpf_refcount {
	u32 opaque[1];
} __attribute__((aligned(4)));

#define __contains(what, node) \
	__attribute__((btf_decl_tag("contains:" #what ":" #node)))

struct ticket {
	u64 when;
	struct bpf_rb_node node;
	struct bpf_refcount refs;
};

struct lane {
	u64 plain;
	struct bpf_timer timer;
	struct {
		struct bpf_cpumask __kptr *mask;
		u32 count;
	} inner[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(key_size, 4);
	__uint(max_entries, 10);
	__type(value, struct lane);
} lanes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, 1U << 10);
	__uint(max_entries, 16);
	__ulong(map_extra, 1ULL << 44);
} pages SEC(".maps");

struct bpf_spin_lock gate SEC(".data.gate");
struct bpf_rb_root tree SEC(".data.gate") __contains(ticket, node);

/* ---- data -------------------------------------------------------------- */

const volatile u64 __SCX_DSQ_LOCAL __weak;
const volatile u32 __SCX_SMALL __weak;
const volatile u64 __SCX_MISSING __weak = 77;
const volatile u32 knob = 5;
u64 counter = 9;
static u64 hidden[4];
u32 *unfilled = (u32 *)&counter;

u64 shared_word SEC(".addr_space.1") = 11;

extern int LINUX_KERNEL_VERSION __kconfig;
extern unsigned long CONFIG_HZ __kconfig __weak;
extern bool CONFIG_ELSEWHERE __kconfig __weak;

/* ---- the kernel's ------------------------------------------------------ */

struct sched_ext_entity {
	u32 weight;
	u64 slice;
	u64 dsq_vtime;
} KNOWN;

union place {
	u32 cpu;
	u64 raw;
} KNOWN;

struct task_struct {
	s32 pid;
	u32 flags;
	u32 on_cpu;
	s32 prio;
	struct {
		u64 deep;
	};
	unsigned in_iowait : 1;
	signed level : 5;
	u8 comm[16];
	u64 gone;
	struct sched_ext_entity scx;
	struct task_struct *parents[2];
	u32 tail[];
} KNOWN;

struct task_struct___old {
	u64 state;
} KNOWN;

struct task_struct___new {
	u64 __state;
} KNOWN;

struct absent {
	u32 x;
} KNOWN;

enum scx_dsq_ids {
	SCX_DSQ_FLAG = 1,
	SCX_DSQ_LOCAL = 2,
	SCX_DSQ_ABSENT = 3,
};

enum wide { WIDE_LOW = 1, WIDE_HIGH = 1ULL << 40 };

struct rq;

extern const struct rq runqueues __ksym;
extern const void maybe_there __ksym __weak;
extern u64 scx_bpf_now(void) __ksym;
extern u64 scx_bpf_later___v2(u64 arg) __ksym __weak;

/* ---- one value in a function ------------------------------------------- */

#define VALUE(name, what)    \
	SEC("syscall")       \
	u64 name(void *ctx)  \
	{                    \
		(void)ctx;   \
		return what; \
	}
#define INFO(member, kind)                                               \
	__builtin_preserve_field_info(((struct task_struct *)0)->member, \
				      BPF_FIELD_##kind)

VALUE(offset_flags, bpf_core_field_offset(struct task_struct, flags))
VALUE(offset_deep, bpf_core_field_offset(struct task_struct, deep))
VALUE(offset_slice, bpf_core_field_offset(struct task_struct, scx.slice))
VALUE(offset_parent, bpf_core_field_offset(struct task_struct, parents[1]))
VALUE(offset_tail, bpf_core_field_offset(struct task_struct, tail[7]))
VALUE(size_comm, bpf_core_field_size(struct task_struct, comm))
VALUE(signed_prio, INFO(prio, SIGNED))
VALUE(signed_flags, INFO(flags, SIGNED))
VALUE(has_pid, bpf_core_field_exists(struct task_struct, pid))
VALUE(has_gone, bpf_core_field_exists(struct task_struct, gone))
VALUE(has_old, bpf_core_field_exists(struct task_struct___old, state))
VALUE(has_new, bpf_core_field_exists(struct task_struct___new, __state))
VALUE(bits_offset, INFO(level, BYTE_OFFSET))
VALUE(bits_size, INFO(level, BYTE_SIZE))
VALUE(bits_signed, INFO(level, SIGNED))
VALUE(bits_left, INFO(level, LSHIFT_U64))
VALUE(bits_right, INFO(level, RSHIFT_U64))
VALUE(type_local, bpf_core_type_id_local(struct task_struct))
VALUE(type_kernel, bpf_core_type_id_kernel(struct sched_ext_entity))
VALUE(type_there, bpf_core_type_exists(struct task_struct))
VALUE(type_absent, bpf_core_type_exists(struct absent))
VALUE(type_size, bpf_core_type_size(struct sched_ext_entity))
VALUE(type_matches, bpf_core_type_matches(struct sched_ext_entity))
VALUE(type_differs, bpf_core_type_matches(struct task_struct))
VALUE(union_matches, bpf_core_type_matches(union place))
VALUE(enum_local, bpf_core_enum_value(enum scx_dsq_ids, SCX_DSQ_LOCAL))
VALUE(enum_there, bpf_core_enum_value_exists(enum scx_dsq_ids, SCX_DSQ_LOCAL))
VALUE(enum_absent, bpf_core_enum_value_exists(enum scx_dsq_ids, SCX_DSQ_ABSENT))
VALUE(enum_poison, bpf_core_enum_value(enum scx_dsq_ids, SCX_DSQ_ABSENT))
VALUE(enum_high, bpf_core_enum_value(enum wide, WIDE_HIGH))
VALUE(ksym_there, bpf_ksym_exists(&maybe_there))
VALUE(version, LINUX_KERNEL_VERSION)
VALUE(elsewhere, CONFIG_ELSEWHERE)
VALUE(hertz, CONFIG_HZ)
VALUE(read_knob, knob)
VALUE(read_arena, shared_word)
VALUE(read_enum, __SCX_DSQ_LOCAL + __SCX_SMALL + __SCX_MISSING)
VALUE(read_runqueues, (u64)&runqueues)
VALUE(read_now, scx_bpf_now())
VALUE(read_later,
      bpf_ksym_exists(scx_bpf_later___v2) ? scx_bpf_later___v2(1) : 0)

#define LOAD(name, member)              \
	SEC("syscall")                  \
	u64 name(struct task_struct *p) \
	{                               \
		return p->member;       \
	}

LOAD(load_flags, flags)
LOAD(load_on_cpu, on_cpu)
LOAD(load_gone, gone)
LOAD(load_prio, prio)

SEC("syscall")
int store_slice(struct task_struct *p)
{
	p->scx.slice = 3;
	return 0;
}

/* ---- calls ------------------------------------------------------------- */

static long each(u32 i, void *ctx)
{
	(void)ctx;
	hidden[i & 3] += i;
	return 0;
}

static __attribute__((noinline)) u64 sum(u64 a)
{
	return a * hidden[a & 3] + hidden[1];
}

__weak __attribute__((noinline)) u64 shared(u64 a)
{
	return sum(a) + counter;
}

SEC("struct_ops/select_cpu")
s32 dialect_select_cpu(u64 *ctx)
{
	u32 key = ctx[1];
	void *fifo = bpf_map_lookup_elem(&fifos, &key);

	if (fifo)
		bpf_map_push_elem(fifo, &key, 0);
	return shared(ctx[0]);
}

SEC("struct_ops.s/init")
s32 dialect_init(u64 *ctx)
{
	(void)ctx;
	if (bpf_map_lookup_elem(&lanes, &(u32){1}))
		counter++;
	return bpf_loop(3, each, 0, 0) + sum(7) + gate.val + tree.opaque[0] +
	       (unfilled != 0);
}

static __attribute__((noinline)) u64 when(const struct ticket *t)
{
	return t->when + t->refs.opaque[0];
}

SEC("tp_btf/sched_switch")
int watch(u64 *ctx)
{
	return when((const struct ticket *)ctx[0]) + (long)&pages;
}

struct other_ops {
	int (*run)(u64 *ctx);
};

struct sched_ext_ops___v9 {
	s32 (*select_cpu)(u64 *ctx);
	s32 (*init___flavour)(u64 *ctx);
	u64 flags;
	u32 timeout_ms;
	char name[128];
	u32 from_the_future;
};

SEC("struct_ops/run")
int other_run(u64 *ctx)
{
	return ctx[0];
}

SEC(".struct_ops.link")
struct other_ops other = {.run = other_run};

SEC(".struct_ops.link")
struct sched_ext_ops___v9 dialect = {
	.select_cpu = dialect_select_cpu,
	.init___flavour = dialect_init,
	.flags = 0x12,
	.timeout_ms = 2500,
	.name = "dialect",
	.from_the_future = 1,
};
