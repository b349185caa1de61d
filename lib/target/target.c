/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "scx/ext.h"
#include "target/impl.h"

struct target {
	const struct target_impl *impl;
	void *self;
};

void run_result_release(struct run_result *r)
{
	free(r->out);
	free(r->err);
	free(r->file);
	json_free(r->report);
	free(r->message);
	*r = (struct run_result){0};
}

/* "auto" is where policies can run. */
static const char *kind_of(const struct target_opts *o)
{
	const char *kind = o->kind ? o->kind : "auto";

	if (strcmp(kind, "auto"))
		return kind;
	return ext_check() == 0 ? "host" : "vm";
}

int target_foretell(const struct target_opts *o, struct json **facts)
{
	const char *kind = kind_of(o);
	char *kernel = NULL;
	int rc = 0;

	*facts = NULL;
	if (!strcmp(kind, "vm"))
		rc = guest_kernel(o, &kernel);
	else
		kernel = host_kernel();
	if (rc)
		return rc;
	*facts = json_object();
	json_set_string(*facts, "target", kind);
	if (*kernel)
		json_set_string(*facts, "kernel", kernel);
	free(kernel);
	return 0;
}

int target_open(const struct target_opts *o, struct target **out)
{
	const char *kind = kind_of(o);
	struct target *t = mem_zalloc(1, sizeof(*t));
	int rc;

	if (!strcmp(kind, "host")) {
		t->impl = &host_impl;
		rc = host_open(o, &t->self);
	} else if (!strcmp(kind, "vm")) {
		t->impl = &guest_impl;
		rc = guest_open(o, &t->self);
	} else {
		rc = err_set(EINVAL, "unknown target '%s': host, vm or auto",
			     kind);
	}
	if (rc) {
		free(t);
		t = NULL;
	}
	*out = t;
	return rc;
}

int target_run(struct target *t, const struct run_spec *s, struct run_result *r)
{
	*r = (struct run_result){0};
	return t->impl->run(t->self, s, r);
}

int target_await(struct target *t)
{
	return t->impl->await ? t->impl->await(t->self) : 0;
}

const struct json *target_facts(const struct target *t)
{
	return t->impl->facts(t->self);
}

void target_close(struct target *t)
{
	if (!t)
		return;
	t->impl->close(t->self);
	free(t);
}
