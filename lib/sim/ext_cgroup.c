/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What policies see of cgroups, and are told of them. */
#include "sim/ext.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define PERIOD_US 100000

const struct vm_kind ext_kind_cgroup = {"cgroup", NULL};
static const struct vm_kind kn_kind = {"kernfs_node", NULL};
static const struct vm_kind set_kind = {"css_set", NULL};
static const struct vm_kind group_kind = {"task_group", NULL};
static const struct vm_kind name_kind = {"name of a cgroup", NULL};
static const struct vm_kind args_kind = {"scx_cgroup_init_args", NULL};

static void make(struct ext *e, uint32_t i)
{
	struct ext_cgroup *g = &e->cgroups[i], *up;
	struct vm *vm = e->vm;

	g->def = &e->s->load->cgroups[i];
	g->region = vm_region_new(vm, &g->k, sizeof(g->k), VM_READ,
				  &ext_kind_cgroup, g);
	g->kn_region =
		vm_region_new(vm, &g->kn, sizeof(g->kn), VM_READ, &kn_kind, g);
	g->set_region = vm_region_new(vm, &g->set, sizeof(g->set), VM_READ,
				      &set_kind, g);
	g->group_region = vm_region_new(vm, &g->group, sizeof(g->group),
					VM_READ, &group_kind, g);
	g->name_region = vm_region_new(vm, g->def->name,
				       (uint32_t)strlen(g->def->name) + 1,
				       VM_READ, &name_kind, g);
	up = i ? &e->cgroups[g->def->parent] : NULL;
	g->k.kn = vm_addr(g->kn_region);
	g->k.self.cgroup = vm_addr(g->region);
	g->k.self.parent = up ? vm_addr(up->region) : 0;
	g->k.self.serial_nr = i + 1;
	g->k.self.id = (int32_t)i + 1;
	if (up) {
		g->k.level = up->k.level + 1;
		memcpy(g->k.ancestors, up->k.ancestors, sizeof(g->k.ancestors));
		g->kn.parent = vm_addr(up->kn_region);
	}
	if (g->k.level < KERNEL_CGROUP_DEPTH)
		g->k.ancestors[g->k.level] = vm_addr(g->region);
	g->kn.id = i + 1;
	g->kn.name = vm_addr(g->name_region);
	g->set.dfl_cgrp = vm_addr(g->region);
	g->group.css = g->k.self;
	g->group.scx_weight = g->def->weight;
	g->group.shares = (g->def->weight * 1024ull + 50) / 100 << 10;
	g->group.scx_flags = SCX_TG_ONLINE;
	for (; up; up = up->def == e->s->load->cgroups
				? NULL
				: &e->cgroups[up->def->parent])
		up->k.nr_descendants++;
}

/* Before anything else is seen: tasks point to them. */
void ext_cgroup_start(struct ext *e)
{
	uint32_t n = (uint32_t)e->s->load->cgroup_count;

	e->cgroups = mem_zalloc(n, sizeof(*e->cgroups));
	for (uint32_t i = 0; i < n; i++)
		make(e, i);
}

bool ext_cgroup_init(struct ext *e, uint32_t i)
{
	struct ext_cgroup *g = &e->cgroups[i];
	struct kernel_scx_cgroup_init_args a = {
		.weight = g->def->weight,
		.bw_period_us = PERIOD_US,
		.bw_quota_us = UINT64_MAX,
	};
	uint32_t region;
	uint64_t args[2] = {vm_addr(g->region)};
	int32_t rc;

	region = vm_region_new(e->vm, &a, sizeof(a), VM_READ, &args_kind, g);
	args[1] = vm_addr(region);
	rc = (int32_t)ext_call(e, OP_cgroup_init, CTX_UNLOCKED, EXT_NO_CPU,
			       args, 2);
	vm_region_free(e->vm, region);
	if (rc)
		ext_error(e, SIM_ERROR, ext_first_insn(e, OP_cgroup_init),
			  "ops.cgroup_init() failed (%d)", rc);
	else
		g->group.scx_flags |= SCX_TG_INITED;
	return !e->dead;
}

void ext_cgroup_exit(struct ext *e)
{
	for (size_t i = e->s->load->cgroup_count; i-- > 0;) {
		uint64_t args[] = {vm_addr(e->cgroups[i].region)};

		if (e->cgroups[i].group.scx_flags & SCX_TG_INITED)
			ext_call(e, OP_cgroup_exit, CTX_UNLOCKED, EXT_NO_CPU,
				 args, 1);
	}
}

struct ext_cgroup *ext_cgroup_by_id(struct ext *e, uint64_t id)
{
	return id && id <= e->s->load->cgroup_count ? &e->cgroups[id - 1]
						    : NULL;
}
