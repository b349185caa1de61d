/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests: compiled programs of tests/policies/vm in a machine. */
#ifndef SCHEDKIT_TESTS_VM_PROGRAMS_H
#define SCHEDKIT_TESTS_VM_PROGRAMS_H

#include <bpf/btf.h>
#include <stdio.h>

#include "vm_fix.h"

struct programs {
	struct fix f;
	struct object *o;
	struct btf *types; /* none: the programs read no kernel type */
};

static inline void open_programs(struct programs *p, const char *name)
{
	static const struct vm_call *const tables[] = {vm_calls_core};
	const char *build = getenv("BUILD");
	struct object_target t = {
		.resolve = vm_calls_resolve, .version = 0x61200, .hz = 250};
	char path[512];

	memset(p, 0, sizeof(*p));
	fix_host(&p->f);
	p->f.calls = vm_calls_new(tables, 1, 60018);
	t.arg = p->f.calls;
	p->types = btf__new_empty();
	t.types = p->types;
	snprintf(path, sizeof(path), "%s/policies/vm/%s.bpf.o",
		 build ? build : "build", name);
	if (object_open_file(path, &t, &p->o) ||
	    vm_new(p->o, p->f.calls, &p->f.host, NULL, &p->f.vm))
		fail_msg("%s", err_text());
}

static inline void close_programs(struct programs *p)
{
	fix_close(&p->f);
	object_free(p->o);
	btf__free(p->types);
}

#endif
