/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the rules that people declared is for a task: the same code for who
 * schedules by them and for who observes.
 */
#ifndef SCHEDKIT_INTENT_BPF_H
#define SCHEDKIT_INTENT_BPF_H

#include "intent_abi.h"
#include "identity_abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct intent_table);
} intents SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * INTENT_MAX_MARKS);
	__type(key, struct intent_key);
	__type(value, u64);
} intent_marks SEC(".maps");

/* What rules may ask of a task. */
struct intent_facts {
	char name[TASK_COMM_LEN];
	char process[TASK_COMM_LEN];
	u64 cgroup;
	u64 inode;
	u32 dev;
	u32 uid;
};

static void tell_intent_facts(struct intent_facts *f, struct task_struct *p,
			      u32 kinds)
{
	struct task_struct *leader = p->group_leader;

	bpf_probe_read_kernel(f->name, sizeof(f->name), p->comm);
	bpf_probe_read_kernel(f->process, sizeof(f->process), leader->comm);
	if (kinds & INTENT_OF_CGROUP)
		f->cgroup = BPF_CORE_READ(p, cgroups, dfl_cgrp, kn, id);
	if (kinds & INTENT_OF_USER)
		f->uid = BPF_CORE_READ(p, cred, uid.val);
	if ((kinds & INTENT_OF_FILE) &&
	    bpf_core_field_exists(struct mm_struct, exe_file)) {
		f->inode = BPF_CORE_READ(p, mm, exe_file, f_inode, i_ino);
		f->dev = BPF_CORE_READ(p, mm, exe_file, f_inode, i_sb, s_dev);
	}
}

/* The same facts have the same number. */
static u64 number_of_facts(const struct intent_facts *f)
{
	const u64 *word = (const u64 *)f;
	u64 h = IDENTITY_SEED;

	for (u32 i = 0; i < sizeof(*f) / sizeof(*word); i++)
		h = identity_mix(h, word[i]);
	return identity_final(h);
}

static bool text_holds(const struct intent_entry *e,
		       const char name[TASK_COMM_LEN])
{
	u32 have = 0, from = 0, i;

	for (i = 0; i < INTENT_COMMAND_MAX; i++)
		if (name[i])
			have = i + 1;
		else
			break;
	if (have < e->len || (e->where == INTENT_WHOLE && have != e->len))
		return false;
	if (e->where == INTENT_END)
		from = have - e->len;
	for (i = 0; i < INTENT_COMMAND_MAX; i++) {
		if (i >= e->len)
			break;
		if (e->text[i] != '?' &&
		    e->text[i] != name[(from + i) & (TASK_COMM_LEN - 1)])
			return false;
	}
	return true;
}

static u64 marks_of(u32 kinds, u32 kind, u64 id, u32 dev, u32 half)
{
	struct intent_key key = {
		.id = id, .dev = dev, .kind = kind, .half = half};
	u64 *rules =
		kinds & kind ? bpf_map_lookup_elem(&intent_marks, &key) : NULL;

	return rules ? *rules : 0;
}

static bool entry_holds(const struct intent_entry *e, u32 at,
			const struct intent_facts *f, const u64 marks[3])
{
	u64 bit = 1ULL << (at & 63);

	if (((e->needs & INTENT_OF_CGROUP) && !(marks[0] & bit)) ||
	    ((e->needs & INTENT_OF_FILE) && !(marks[1] & bit)) ||
	    ((e->needs & INTENT_OF_USER) && !(marks[2] & bit)))
		return false;
	return e->where == INTENT_ANYWHERE || text_holds(e, f->name) ||
	       text_holds(e, f->process);
}

static __always_inline void find_marks(const struct intent_facts *f, u32 kinds,
				       u32 half, u64 marks[3])
{
	marks[0] = marks_of(kinds, INTENT_OF_CGROUP, f->cgroup, 0, half);
	marks[1] = marks_of(kinds, INTENT_OF_FILE, f->inode, f->dev, half);
	marks[2] = marks_of(kinds, INTENT_OF_USER, f->uid, 0, half);
}

#endif
