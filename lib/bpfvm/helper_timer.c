/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers.  A struct bpf_timer holds a number + 1 in its first bytes; a program
 * may have written anything there, so the entry has to agree.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "bpfvm/helper.h"

#define TIMER_BYTES   16
#define TIMER_ABS     1u
#define TIMER_CPU_PIN 2u

static const struct vm_kind key_kind = {.name = "map key"};

static struct timer *timer_at(struct own *own, const void *field, uint64_t addr,
			      uint32_t *id)
{
	uint64_t handle;

	memcpy(&handle, field, sizeof(handle));
	if (!handle || handle > own->timer_count ||
	    own->timers[handle - 1].addr != addr)
		return NULL;
	*id = (uint32_t)(handle - 1);
	return &own->timers[handle - 1];
}

/* NULL: a fault, or a timer that is not there: -EINVAL. */
static struct timer *timer_arg(struct vm *vm, uint64_t addr, uint32_t *id)
{
	const void *field = vm_read(vm, addr, TIMER_BYTES);

	return field ? timer_at(own_of(vm), field, addr, id) : NULL;
}

static void disarm(struct vm *vm, struct timer *t, uint32_t id)
{
	if (t->armed)
		vm->host->timer(vm->host->arg, id, 0, false, false);
	t->armed = false;
}

void timer_forget(struct vm *vm, const void *field, uint64_t addr)
{
	struct own *own = own_of(vm);
	uint32_t id;
	struct timer *t = timer_at(own, field, addr, &id);

	if (!t)
		return;
	disarm(vm, t, id);
	t->addr = 0;
	if (id < own->timer_free)
		own->timer_free = id;
}

static uint32_t timer_new(struct own *own)
{
	uint32_t id = own->timer_free;

	while (id < own->timer_count && own->timers[id].addr)
		id++;
	own->timer_free = id + 1;
	if (id < own->timer_count)
		return id;
	if (id == own->timer_cap) {
		own->timer_cap = own->timer_cap ? 2 * own->timer_cap : 16;
		own->timers = mem_realloc(own->timers, own->timer_cap,
					  sizeof(*own->timers));
	}
	own->timer_count++;
	return id;
}

uint64_t call_timer_init(struct vm *vm, const uint64_t r[5])
{
	struct vm_map *m = arg_map(vm, r[1]);
	void *field = m ? vm_write(vm, r[0], TIMER_BYTES) : NULL;
	struct own *own = own_of(vm);
	unsigned char key[MAP_MAX_KEY];
	uint64_t handle;
	uint32_t id;

	if (!field)
		return 0;
	/* CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME */
	if (r[2] != 0 && r[2] != 1 && r[2] != 7)
		return answer(-EINVAL);
	if (timer_at(own, field, r[0], &id))
		return answer(-EBUSY);
	if (!m->ops->key_of || !m->ops->key_of(vm, m, r[0], key))
		return vm_fault_set(vm, VM_FAULT_CALL,
				    "a timer that is not in a value of map "
				    "'%s'",
				    m->def->name);
	id = timer_new(own);
	own->timers[id] =
		(struct timer){.addr = r[0], .map = m, .callback = -1};
	handle = id + 1;
	memcpy(field, &handle, sizeof(handle));
	return 0;
}

uint64_t call_timer_set_callback(struct vm *vm, const uint64_t r[5])
{
	uint32_t id;
	struct timer *t = timer_arg(vm, r[0], &id);
	int func;

	if (!t)
		return answer(-EINVAL);
	func = vm_func(vm, r[1]);
	if (func >= 0)
		t->callback = func;
	return 0;
}

uint64_t call_timer_start(struct vm *vm, const uint64_t r[5])
{
	uint32_t id;
	struct timer *t = timer_arg(vm, r[0], &id);

	if (!t || t->callback < 0 ||
	    r[2] & ~(uint64_t)(TIMER_ABS | TIMER_CPU_PIN))
		return answer(-EINVAL);
	t->armed = true;
	vm->host->timer(vm->host->arg, id, r[1] ? r[1] : 1, r[2] & TIMER_ABS,
			r[2] & TIMER_CPU_PIN);
	return 0;
}

uint64_t call_timer_cancel(struct vm *vm, const uint64_t r[5])
{
	uint32_t id;
	struct timer *t = timer_arg(vm, r[0], &id);
	bool armed;

	if (!t)
		return answer(-EINVAL);
	if (t->running)
		return answer(-EDEADLK);
	armed = t->armed;
	disarm(vm, t, id);
	return armed;
}

int vm_timer_fire(struct vm *vm, uint32_t id)
{
	struct own *own = own_of(vm);
	unsigned char key[MAP_MAX_KEY];
	struct timer *t = id < own->timer_count ? &own->timers[id] : NULL;
	struct vm_map *m;
	uint64_t args[3], r0;
	uint32_t region;
	int rc;

	if (!t || !t->addr || !t->armed)
		return 0;
	t->armed = false;
	m = t->map;
	/* A program may have let go of it in its own way. */
	if (!m->ops->key_of(vm, m, t->addr, key))
		return 0;
	region = vm_region_new(vm, key, m->def->key_size, VM_READ, &key_kind,
			       NULL);
	args[0] = vm_addr(m->handle);
	args[1] = vm_addr(region);
	args[2] = vm_addr(vm_region_of(t->addr));
	t->running = true;
	rc = vm_run(vm, t->callback, args, 3, &r0);
	/* The table may have moved, the timer may be gone. */
	own->timers[id].running = false;
	vm_region_free(vm, region);
	return rc;
}
