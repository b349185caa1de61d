/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bpfvm/raw.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/vm_state.h"

#define WIDE (BPF_LD | BPF_IMM | BPF_DW)

static const struct vm_kind memory_kind = {.name = "memory"};

/* ---- an object of instructions alone ---------------------------------- */

/* Where a relative call or function address leads; 0: nowhere. */
static uint32_t target(const struct object *o, uint32_t at)
{
	int64_t to = (int64_t)at + 1 + o->insns[at].i.imm;

	return to > 0 && to < (int64_t)o->insn_count ? (uint32_t)to : 0;
}

static bool is_wide(const struct object *o, uint32_t at)
{
	const struct bpf_insn *i = &o->insns[at].i;

	return i->code == WIDE && !i->off && at + 1 < o->insn_count &&
	       !o->insns[at + 1].i.code && !o->insns[at + 1].i.dst_reg &&
	       !o->insns[at + 1].i.src_reg && !o->insns[at + 1].i.off;
}

static bool is_call(const struct bpf_insn *i)
{
	return i->code == (BPF_JMP | BPF_CALL) && !i->dst_reg && !i->off;
}

/* What is not understood stays INSN_PLAIN, which decoding makes a fault. */
static void classify(struct object *o, uint32_t at)
{
	struct object_insn *in = &o->insns[at];

	if (is_wide(o, at)) {
		if (!in->i.src_reg) {
			in->what = INSN_CONST;
			in->value = (uint32_t)in->i.imm |
				    (uint64_t)(uint32_t)in[1].i.imm << 32;
		} else if (in->i.src_reg == BPF_PSEUDO_FUNC && target(o, at)) {
			in->what = INSN_FUNC;
		} else {
			return;
		}
		in[1].what = INSN_SECOND;
	} else if (is_call(&in->i)) {
		if (!in->i.src_reg) {
			in->what = INSN_CALL_HELPER;
			in->arg = (uint32_t)in->i.imm;
		} else if (in->i.src_reg == BPF_PSEUDO_CALL && target(o, at)) {
			in->what = INSN_CALL_FUNC;
		}
	}
}

static bool names_function(const struct object_insn *in)
{
	return in->what == INSN_CALL_FUNC || in->what == INSN_FUNC;
}

/* Functions begin where something leads to. */
static void make_funcs(struct object *o)
{
	uint32_t *number = mem_zalloc(o->insn_count, sizeof(*number));
	struct object_func *f;

	number[0] = 1;
	for (uint32_t at = 0; at < o->insn_count; at++)
		if (names_function(&o->insns[at]))
			number[target(o, at)] = 1;
	for (uint32_t at = 0; at < o->insn_count; at++)
		o->func_count += number[at];
	o->funcs = mem_zalloc(o->func_count, sizeof(*o->funcs));
	f = o->funcs;
	for (uint32_t at = 0; at < o->insn_count; at++) {
		if (number[at]) {
			number[at] = (uint32_t)(f - o->funcs);
			f->name = at ? "function" : "main";
			f->section = f->attach = "";
			f++->first = at;
		}
		f[-1].count++;
	}
	for (uint32_t at = 0; at < o->insn_count; at++)
		if (names_function(&o->insns[at]))
			o->insns[at].arg = number[target(o, at)];
	free(number);
}

static void make_object(struct object *o, const unsigned char *bytes, size_t n)
{
	*o = (struct object){.insn_count = n};
	o->insns = mem_zalloc(n, sizeof(*o->insns));
	for (size_t at = 0; at < n; at++)
		memcpy(&o->insns[at].i, bytes + at * sizeof(struct bpf_insn),
		       sizeof(struct bpf_insn));
	for (uint32_t at = 0; at < n; at++)
		if (o->insns[at].what == INSN_PLAIN)
			classify(o, at);
	make_funcs(o);
}

/* ---- a world where nothing happens ------------------------------------ */

static uint64_t host_now(void *arg)
{
	(void)arg;
	return 0;
}

static uint64_t host_random(void *arg)
{
	return rng_next(arg);
}

static uint32_t host_cpu(void *arg)
{
	(void)arg;
	return 0;
}

static uint64_t host_current(void *arg)
{
	(void)arg;
	return 0;
}

static void host_timer(void *arg, uint32_t id, uint64_t ns, bool absolute,
		       bool pinned)
{
	(void)arg;
	(void)id;
	(void)ns;
	(void)absolute;
	(void)pinned;
}

static int run(struct vm *vm, void *mem, size_t mem_len, uint64_t *r0)
{
	uint64_t args[2] = {0};

	if (mem_len) {
		args[0] = vm_addr(vm_region_new(vm, mem, (uint32_t)mem_len,
						VM_READ | VM_WRITE,
						&memory_kind, NULL));
		args[1] = mem_len;
	}
	return vm_run(vm, 0, args, 2, r0);
}

static int load_and_run(const struct object *o, void *mem, size_t mem_len,
			uint64_t *r0, struct vm_fault *fault)
{
	static const struct vm_call *const tables[] = {vm_calls_core};
	struct vm_calls *calls = vm_calls_new(tables, 1, 0);
	struct rng rng;
	struct vm_host host = {
		.arg = &rng,
		.now = host_now,
		.random = host_random,
		.cpu = host_cpu,
		.current = host_current,
		.timer = host_timer,
		.nr_cpus = 1,
		.jiffies_hz = 1000,
	};
	struct vm *vm;
	int rc;

	rng_init(&rng, 0);
	rc = vm_new(o, calls, &host, NULL, &vm);
	if (!rc) {
		rc = run(vm, mem, mem_len, r0);
		*fault = *vm_fault(vm);
		vm_free(vm);
	} else if (rc == -ENOTSUP) {
		fault->kind = VM_FAULT_UNSUPPORTED;
		memccpy(fault->text, err_text(), '\0', sizeof(fault->text) - 1);
		rc = -EFAULT;
	}
	vm_calls_free(calls);
	return rc;
}

int raw_run(const void *insns, size_t len, void *mem, size_t mem_len,
	    uint64_t *r0, struct vm_fault *fault)
{
	struct object o;
	int rc;

	*fault = (struct vm_fault){0};
	if (!len || len % sizeof(struct bpf_insn))
		return err_set(EINVAL,
			       "%zu bytes are not a whole number of "
			       "instructions of %zu bytes",
			       len, sizeof(struct bpf_insn));
	if (len > OBJECT_MAX_BYTES || mem_len > OBJECT_MAX_BYTES)
		return err_set(EFBIG,
			       "more than %u MB of instructions or "
			       "memory",
			       OBJECT_MAX_BYTES >> 20);
	make_object(&o, insns, len / sizeof(struct bpf_insn));
	rc = load_and_run(&o, mem, mem_len, r0, fault);
	free(o.insns);
	free(o.funcs);
	return rc;
}
