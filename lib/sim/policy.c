/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening a policy for the simulator. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/strs.h"
#include "policy/model.h"
#include "policy/policy.h"
#include "sim/ext.h"

static const struct vm_call *const call_tables[] = {
	vm_calls_core,
	ext_calls_queue,
	ext_calls_cpu,
	ext_calls_task,
};

bool sim_knows_call(const char *name)
{
	const char *flavour = strstr(name, "___");
	size_t len = flavour ? (size_t)(flavour - name) : strlen(name);

	for (size_t i = 0; i < ARRAY_LEN(call_tables); i++)
		for (const struct vm_call *c = call_tables[i]; c->name; c++)
			if (strlen(c->name) == len &&
			    !memcmp(c->name, name, len))
				return true;
	return false;
}

static bool has_variable(struct object *o, const char *name, size_t size)
{
	void *at;
	size_t have;
	int map;

	return object_variable(o, name, &at, &have, &map) == 0 && have == size;
}

static void set_variable(struct object *o, const char *name, const void *value,
			 size_t size)
{
	void *at;
	size_t have;
	int map;

	if (object_variable(o, name, &at, &have, &map) == 0 && have == size)
		memcpy(at, value, size);
}

static int read_model(struct sim_policy *p, const struct json *body)
{
	if (object_map(p->object, "models") < 0 ||
	    object_map(p->object, "model_generation") < 0)
		return err_set(ENOTSUP,
			       "the object follows no model: it is not "
			       "learned.bpf.o, or not of this version; "
			       "rebuild it");
	p->model = mem_zalloc(1, sizeof(*p->model));
	return policy_model_read(body, p->model);
}

/* As ext_load() does it for a kernel. */
int sim_policy_set(struct sim_policy *p, const struct json *body)
{
	uint64_t longest = policy_longest_ns(body);
	const struct json *ids = json_get(body, "identities");
	int rc;

	json_free(p->identities);
	p->identities = NULL;
	free(p->model);
	p->model = NULL;
	p->timeout_ms = p->object->ops.timeout_ms;
	p->is_template = has_variable(p->object, "params", sizeof(p->params)) &&
			 object_map(p->object, "counters") >= 0;
	if (!p->is_template)
		return body && json_get(body, "params")
			       ? err_set(EINVAL,
					 "the object has no parameters: it is "
					 "not the template, or not of this "
					 "version; rebuild it")
			       : 0;
	rc = policy_params_read(body, &p->params);
	if (!rc && policy_has_model(body))
		rc = read_model(p, body);
	if (rc < 0)
		return rc;
	set_variable(p->object, "params", &p->params, sizeof(p->params));
	set_variable(p->object, "longest_ns", &longest, sizeof(longest));
	p->timeout_ms = p->params.timeout_ms;
	p->object->ops.timeout_ms = p->timeout_ms;
	p->identities = ids ? json_copy(ids) : NULL;
	return 0;
}

int sim_policy_open(const char *path, const struct json *body, uint32_t kernel,
		    struct sim_policy **out)
{
	struct sim_policy *p = mem_zalloc(1, sizeof(*p));
	struct object_target target = {.resolve = vm_calls_resolve};
	int rc;

	*out = NULL;
	p->kernel = kernel ? kernel : KERNEL_DEFAULT;
	rc = kernel_types(p->kernel, &p->types);
	if (rc == 0) {
		p->calls = vm_calls_new(call_tables, ARRAY_LEN(call_tables),
					p->kernel);
		target.types = p->types;
		target.arg = p->calls;
		target.version = (p->kernel / 10000) << 16 | (p->kernel % 10000)
								     << 8;
		target.hz = KERNEL_HZ;
		target.cpus = LOAD_MAX_CPUS;
		rc = object_open_file(path, &target, &p->object);
	}
	if (rc == 0 && !p->object->has_ops)
		rc = err_set(EINVAL, "'%s' holds no sched_ext policy", path);
	if (rc == 0)
		rc = sim_policy_set(p, body);
	if (rc < 0)
		sim_policy_free(p);
	else
		*out = p;
	return rc;
}

int sim_policy_intents(struct sim_policy *p, const struct intent_rules *r)
{
	if (!has_variable(p->object, "intents_on", sizeof(uint32_t)) ||
	    object_map(p->object, "intents") < 0)
		return err_set(ENOTSUP,
			       "the object takes no intents: it is not the "
			       "template, or not of this version; rebuild it");
	free(p->intents);
	p->intents = mem_zalloc(1, sizeof(*p->intents));
	memcpy(p->intents, r, r->size);
	return 0;
}

/* Of both signs: what -1 is in a variable depends on how its type is read. */
static bool fits(uint64_t value, bool negative, size_t size)
{
	if (size >= sizeof(value))
		return size == sizeof(value);
	if (negative)
		return (int64_t)value >= -(int64_t)(1ull << 8 * size >> 1);
	return !(value >> 8 * size);
}

int sim_policy_assign(struct sim_policy *p, const char *text)
{
	const char *is = strchr(text, '=');
	uint64_t value;
	size_t size;
	char *name, *end;
	void *at;
	int map, rc;

	if (!is || is == text || !is[1])
		return err_set(EINVAL, "'%s' is not NAME=VALUE", text);
	errno = 0;
	value = is[1] == '-' ? (uint64_t)strtoll(is + 1, &end, 0)
			     : strtoull(is + 1, &end, 0);
	if (!strcmp(is + 1, "true") || !strcmp(is + 1, "false"))
		value = is[1] == 't';
	else if (errno || *end)
		return err_set(EINVAL, "'%s' is not a number", is + 1);
	name = mem_strndup(text, (size_t)(is - text));
	rc = object_variable(p->object, name, &at, &size, &map);
	if (!rc && !fits(value, is[1] == '-', size))
		rc = err_set(ERANGE, "'%s' has %zu bytes: %s does not fit",
			     name, size, is + 1);
	if (!rc) {
		memcpy(at, &value, size);
		strs_add(&p->set, name);
	}
	free(name);
	return rc;
}

void sim_policy_free(struct sim_policy *p)
{
	if (!p)
		return;
	object_free(p->object);
	vm_calls_free(p->calls);
	btf__free(p->types);
	json_free(p->identities);
	free(p->intents);
	free(p->model);
	strs_release(&p->set);
	free(p);
}

const struct btf *sim_policy_types(const struct sim_policy *p)
{
	return p->types;
}

const struct object *sim_policy_object(const struct sim_policy *p)
{
	return p->object;
}
