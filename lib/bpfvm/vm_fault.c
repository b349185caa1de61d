/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults, and what a run holds. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bpfvm/vm_state.h"

const char *vm_fault_name(enum vm_fault_kind kind)
{
	static const char *const names[] = {
		[VM_FAULT_NONE] = "none",
		[VM_FAULT_NULL] = "null pointer",
		[VM_FAULT_MEMORY] = "memory",
		[VM_FAULT_BUDGET] = "budget",
		[VM_FAULT_STACK] = "stack",
		[VM_FAULT_INSN] = "instruction",
		[VM_FAULT_CALL] = "call",
		[VM_FAULT_CONTEXT] = "context",
		[VM_FAULT_LEAK] = "leak",
		[VM_FAULT_UNSUPPORTED] = "unsupported",
		[VM_FAULT_ARENA] = "arena",
	};

	return names[kind];
}

static void place(const struct vm *vm, struct vm_fault *f)
{
	const struct object_line *line;
	int func;

	if (!vm->pc)
		return;
	f->insn = vm_insn(vm);
	func = object_func_of(vm->object, f->insn);
	if (func >= 0)
		f->func = vm->object->funcs[func].name;
	line = object_line(vm->object, f->insn);
	if (line) {
		f->file = line->file;
		f->line = line->line;
	}
}

uint64_t vm_fault_set(struct vm *vm, enum vm_fault_kind kind, const char *fmt,
		      ...)
{
	struct vm_fault *f = &vm->fault;
	va_list ap;

	if (f->kind)
		return 0;
	*f = (struct vm_fault){.kind = kind};
	place(vm, f);
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return 0;
}

const struct vm_fault *vm_fault(const struct vm *vm)
{
	return &vm->fault;
}

char *vm_fault_text(const struct vm_fault *f)
{
	const char *what = vm_fault_name(f->kind);

	if (f->file && f->func)
		return mem_printf("%s:%u: in %s(): %s: %s", f->file, f->line,
				  f->func, what, f->text);
	if (f->func)
		return mem_printf("in %s(), instruction %u: %s: %s", f->func,
				  f->insn, what, f->text);
	return mem_printf("%s: %s", what, f->text);
}

/* ---- memory ----------------------------------------------------------- */

static void fault_null(struct vm *vm, uint64_t addr, uint32_t len,
		       const char *verb)
{
	if (addr < 1u << 16)
		vm_fault_set(vm, VM_FAULT_NULL, "%s of %u bytes at null + %u",
			     verb, len, (unsigned)addr);
	else
		vm_fault_set(vm, VM_FAULT_MEMORY,
			     "%s of %u bytes at the number %#llx", verb, len,
			     (unsigned long long)addr);
}

void *vm_fault_access(struct vm *vm, uint64_t addr, uint32_t len, uint32_t perm)
{
	const char *verb = perm & VM_WRITE ? "write" : "read";
	uint32_t region = vm_region_of(addr), off = (uint32_t)addr;
	const struct vm_region *r = NULL;

	/* Just before an object: that is where the pointer came from. */
	if (region && (int32_t)off < 0 && region < vm->memory.count &&
	    region != vm->arena)
		region++;
	if (region < vm->memory.count)
		r = &vm->memory.regions[region];
	if (!region)
		fault_null(vm, addr, len, verb);
	else if (addr >= (uint64_t)-4095)
		vm_fault_set(vm, VM_FAULT_NULL,
			     "%s of %u bytes at the error %lld", verb, len,
			     (long long)addr);
	else if (!r)
		vm_fault_set(vm, VM_FAULT_MEMORY,
			     "%s of %u bytes at %#llx, where nothing is", verb,
			     len, (unsigned long long)addr);
	else if (!r->base)
		vm_fault_set(vm, VM_FAULT_MEMORY,
			     "%s of %u bytes at byte %d of a freed %s", verb,
			     len, (int)off, r->kind->name);
	else if (region == vm->arena)
		vm_fault_set(vm, VM_FAULT_ARENA,
			     "%s of %u bytes at %#x, where no page of the "
			     "arena is",
			     verb, len, off);
	else if ((uint64_t)off + len <= r->len)
		vm_fault_set(vm, VM_FAULT_MEMORY,
			     "%s of %u bytes at byte %u of a %s, where that is "
			     "not allowed",
			     verb, len, off, r->kind->name);
	else
		vm_fault_set(vm, VM_FAULT_MEMORY,
			     "%s of %u bytes at byte %d of a %s of %u", verb,
			     len, (int)off, r->kind->name, r->len);
	return NULL;
}

int vm_func(struct vm *vm, uint64_t addr)
{
	uint64_t func = addr ^ 1ull << 63;

	if (func < vm->object->func_count)
		return (int)func;
	vm_fault_set(vm, VM_FAULT_CALL, "a callback that is not a function");
	return -1;
}

/* ---- what is held ----------------------------------------------------- */

void vm_hold(struct vm *vm, enum vm_held_kind kind, uint64_t addr)
{
	if (vm->held_count == vm->held_cap) {
		vm->held_cap = vm->held_cap ? 2 * vm->held_cap : 16;
		vm->held =
			mem_realloc(vm->held, vm->held_cap, sizeof(*vm->held));
	}
	vm->held[vm->held_count++] = (struct vm_held){
		.kind = kind,
		.addr = addr,
		.insn = vm_insn(vm),
	};
}

/* What was taken last is released first, nearly always. */
static struct vm_held *find(const struct vm *vm, enum vm_held_kind kind,
			    uint64_t addr)
{
	for (uint32_t i = vm->held_count; i--;)
		if (vm->held[i].kind == kind && vm->held[i].addr == addr)
			return &vm->held[i];
	return NULL;
}

bool vm_unhold(struct vm *vm, enum vm_held_kind kind, uint64_t addr)
{
	struct vm_held *h = find(vm, kind, addr);

	if (!h)
		return false;
	vm->held_count--;
	memmove(h, h + 1, (size_t)(vm->held + vm->held_count - h) * sizeof(*h));
	return true;
}

bool vm_holds(const struct vm *vm, enum vm_held_kind kind, uint64_t addr)
{
	return find(vm, kind, addr) != NULL;
}

uint32_t vm_holds_any(const struct vm *vm, enum vm_held_kind kind)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < vm->held_count; i++)
		n += vm->held[i].kind == kind;
	return n;
}

void vm_ref_acquire(struct vm *vm, uint64_t addr)
{
	vm_hold(vm, HELD_REF, addr);
}

bool vm_ref_release(struct vm *vm, uint64_t addr)
{
	return vm_unhold(vm, HELD_REF, addr);
}
