/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An object is opened, set up and loaded.  Without JSON: part of the program
 * that has privilege. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "base/err.h"
#include "base/mem.h"
#include "policy/policy.h"
#include "scx/ext_state.h"
#include "scx/topology.h"

#define LOG_LEN (1u << 20)

/* sched_ext_ops.flags: only tasks of SCHED_EXT are switched. */
#define SWITCH_PARTIAL 8

/* libbpf's own words, kept for the finding; one load at a time. */
static struct buf *words;

static int keep_words(enum libbpf_print_level level, const char *fmt,
		      va_list ap)
{
	char *s = NULL;

	if (level == LIBBPF_DEBUG || !words || vasprintf(&s, fmt, ap) < 0)
		return 0;
	buf_puts(words, s);
	free(s);
	return 0;
}

struct bpf_map *ext_ops_map(struct bpf_object *obj)
{
	struct bpf_map *m, *found = NULL;

	bpf_object__for_each_map(m, obj) if (bpf_map__type(m) ==
					     BPF_MAP_TYPE_STRUCT_OPS) found =
		found ? found : m;
	return found;
}

/* libbpf puts a part of the object's name before ".rodata"; a compiler may put
 * constants into ".rodata.cst16". */
static bool is_section(const struct bpf_map *m, const char *section)
{
	const char *name = bpf_map__name(m);
	size_t n = strlen(name), len = strlen(section);

	return n >= len && !strcmp(name + n - len, section);
}

struct bpf_map *ext_variable(struct bpf_object *obj, const char *section,
			     const char *name, size_t size, size_t *offset)
{
	const struct btf *btf = bpf_object__btf(obj);
	const struct btf_var_secinfo *v;
	const struct btf_type *sec;
	struct bpf_map *map = NULL, *m;
	int id;

	bpf_object__for_each_map(m, obj) if (is_section(m, section)) map = m;
	id = btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC);
	if (!map || id < 0)
		return NULL;
	sec = btf__type_by_id(btf, id);
	v = btf_var_secinfos(sec);
	for (int i = 0; i < btf_vlen(sec); i++, v++) {
		const struct btf_type *t = btf__type_by_id(btf, v->type);

		if (strcmp(btf__name_by_offset(btf, t->name_off), name))
			continue;
		*offset = v->offset;
		return v->size == size && v->offset + size <=
						  bpf_map__value_size(map)
			       ? map
			       : NULL;
	}
	return NULL;
}

static int set_constant(struct bpf_object *obj, const char *name,
			const void *value, size_t size)
{
	size_t offset, len;
	struct bpf_map *map = ext_variable(obj, ".rodata", name, size, &offset);
	char *data = map ? bpf_map__initial_value(map, &len) : NULL;

	if (!data)
		return err_set(EINVAL,
			       "the object has no constant '%s' of %zu bytes: "
			       "it is not of this version; rebuild it",
			       name, size);
	memcpy(data + offset, value, size);
	return 0;
}

/* A member of the struct_ops map's initial value, at least so long. */
static char *find_member(struct bpf_object *obj, struct bpf_map *map,
			 const char *name, size_t size)
{
	const struct btf *btf = bpf_object__btf(obj);
	const struct btf_type *t;
	const struct btf_member *m;
	size_t len;
	char *data = bpf_map__initial_value(map, &len);
	int id = btf__find_by_name_kind(btf, "sched_ext_ops", BTF_KIND_STRUCT);

	if (id < 0 || !data) {
		err_set(EINVAL, "the object has no sched_ext_ops");
		return NULL;
	}
	t = btf__type_by_id(btf, id);
	m = btf_members(t);
	for (int i = 0; i < btf_vlen(t); i++, m++) {
		if (strcmp(btf__name_by_offset(btf, m->name_off), name))
			continue;
		if (m->offset / 8 + size <= len)
			return data + m->offset / 8;
	}
	err_set(EINVAL, "sched_ext_ops of the object has no '%s'", name);
	return NULL;
}

static int set_member(struct bpf_object *obj, struct bpf_map *map,
		      const char *name, const void *value, size_t size)
{
	char *at = find_member(obj, map, name, size);

	if (!at)
		return -EINVAL;
	memcpy(at, value, size);
	return 0;
}

/* An object that brings everything is run as it is, under its own name. */
static int take_name(struct ext_policy *p, struct bpf_map *map)
{
	char *name = find_member(p->obj, map, "name", IMAGE_NAME_LEN);

	if (!name)
		return -EINVAL;
	snprintf(p->name, sizeof(p->name), "%.*s", IMAGE_NAME_LEN - 1, name);
	return 0;
}

static int set_topology(struct bpf_object *obj)
{
	struct topology topo;
	int rc = topology_read(&topo);

	if (!rc)
		rc = set_constant(obj, "nr_cpus", &topo.cpus,
				  sizeof(topo.cpus));
	if (!rc)
		rc = set_constant(obj, "nr_llcs", &topo.llcs,
				  sizeof(topo.llcs));
	if (!rc)
		rc = set_constant(obj, "cpu_llc", topo.llc_of,
				  sizeof(topo.llc_of));
	return rc;
}

/* What was built before there were rules follows none. */
static int set_intents(struct bpf_object *obj)
{
	static const char name[] = "intents_on";
	const uint32_t on = 1;
	size_t offset;

	return ext_variable(obj, ".rodata", name, sizeof(on), &offset)
		       ? set_constant(obj, name, &on, sizeof(on))
		       : 0;
}

static int set_constants(struct bpf_object *obj, const struct ext_setup *s)
{
	const struct policy_image *i = s->image;
	int rc = set_topology(obj);

	if (!rc)
		rc = set_constant(obj, "params", &i->params, sizeof(i->params));
	if (!rc)
		rc = set_constant(obj, "longest_ns", &i->longest_ns,
				  sizeof(i->longest_ns));
	if (!rc)
		rc = set_constant(obj, "beat_limit_ms", &s->beat_limit_ms,
				  sizeof(s->beat_limit_ms));
	if (!rc && s->intents)
		rc = set_intents(obj);
	return rc;
}

static int set_partial(struct ext_policy *p, struct bpf_map *map)
{
	char *at = find_member(p->obj, map, "flags", sizeof(uint64_t));
	uint64_t flags;

	if (!at)
		return -EINVAL;
	memcpy(&flags, at, sizeof(flags));
	flags |= SWITCH_PARTIAL;
	memcpy(at, &flags, sizeof(flags));
	return 0;
}

static int set_ops(struct ext_policy *p, struct bpf_map *map,
		   const struct policy_params *params)
{
	char word[SYSFS_WORD];
	uint64_t seq;
	int rc;

	rc = set_member(p->obj, map, "name", p->name, strlen(p->name) + 1);
	if (!rc)
		rc = set_member(p->obj, map, "timeout_ms", &params->timeout_ms,
				sizeof(params->timeout_ms));
	if (rc || !sysfs_word("hotplug_seq", word))
		return rc;
	/* The kernel refuses a policy made for another set of CPUs. */
	seq = strtoull(word, NULL, 10);
	return set_member(p->obj, map, "hotplug_seq", &seq, sizeof(seq));
}

/* Exec is only looked at by policies that it matters to. */
static void trim(struct bpf_object *obj, const struct policy_params *params)
{
	struct bpf_program *exec;

	exec = bpf_object__find_program_by_name(obj, "policy_exec");
	if (exec)
		bpf_program__set_autoload(exec,
					  policy_params_look_at_exec(params));
}

static int fill_identities(struct bpf_object *obj, const struct policy_image *i)
{
	int fd = bpf_object__find_map_fd_by_name(obj, "identities");

	for (uint32_t n = 0; n < i->count; n++) {
		struct policy_identity value = {i->identities[n].expect_ns};

		if (bpf_map_update_elem(fd, &i->identities[n].hash, &value,
					BPF_ANY) < 0)
			return err_set(errno,
				       "cannot fill the identity table: %s",
				       strerror(errno));
	}
	return 0;
}

static int fill_model(struct ext_policy *p, const struct policy_image *i)
{
	uint32_t first;
	int rc = i->has_model ? ext_model(p, &i->model, &first) : 0;

	return rc == -ENOTSUP
		       ? err_set(EINVAL, "the object follows no model: it is "
					 "not of this version; rebuild it")
		       : rc;
}

/*
 * What is attached is what was tried: one scheduler and nothing beside it.  A
 * map that is pinned would be another program's, or outlive the policy.
 */
static int check_maps(struct bpf_object *obj, const char *object)
{
	struct bpf_map *m;
	size_t ops = 0;

	bpf_object__for_each_map(m, obj)
	{
		ops += bpf_map__type(m) == BPF_MAP_TYPE_STRUCT_OPS;
		if (bpf_map__pin_path(m))
			return err_set(EINVAL, "'%s': the map '%s' is pinned",
				       object, bpf_map__name(m));
	}
	return ops == 1 ? 0
			: err_set(EINVAL,
				  "'%s' holds %zu struct_ops; a sched_ext "
				  "policy is one",
				  object, ops);
}

/* As libbpf would call an object that it opens by its path. */
static void name_object(const char *object, char out[static IMAGE_NAME_LEN])
{
	const char *slash = strrchr(object, '/');

	object = slash ? slash + 1 : object;
	snprintf(out, IMAGE_NAME_LEN, "%.*s", (int)strcspn(object, "."),
		 object);
}

static int open_object(struct ext_policy *p, const char *object,
		       const struct ext_setup *s)
{
	char name[IMAGE_NAME_LEN];
	struct bpf_object_open_opts opts = {.sz = sizeof(opts),
					    .object_name = name};
	struct bpf_map *map;
	int rc;

	name_object(object, name);
	p->obj = bpf_object__open_mem(p->bytes.data, p->bytes.len, &opts);
	if (!p->obj)
		return err_set(errno, "cannot open policy object '%s': %s",
			       object, strerror(errno));
	map = ext_ops_map(p->obj);
	if (!map)
		return err_set(EINVAL, "'%s' holds no sched_ext policy",
			       object);
	rc = check_maps(p->obj, object);
	if (!rc && s->partial)
		rc = set_partial(p, map);
	if (rc)
		return rc;
	if (s->image->whole)
		return take_name(p, map);
	snprintf(p->name, sizeof(p->name), "%s", s->image->name);
	rc = set_constants(p->obj, s);
	if (!rc)
		rc = set_ops(p, map, &s->image->params);
	trim(p->obj, &s->image->params);
	return rc;
}

static int load(struct ext_policy *p, const char *object,
		const struct ext_setup *s)
{
	int rc = open_object(p, object, s);

	if (rc)
		return rc;
	rc = bpf_object__load(p->obj);
	if (rc)
		return err_set(-rc, "the kernel refused the policy: %s",
			       strerror(-rc));
	rc = fill_identities(p->obj, s->image);
	return rc ? rc : fill_model(p, s->image);
}

int ext_load_image(const char *object, const void *data, size_t len,
		   const struct ext_setup *s, struct ext_policy **out,
		   struct buf *log)
{
	struct ext_policy *p = mem_zalloc(1, sizeof(*p));
	struct buf local;
	int rc;

	*out = NULL;
	p->state_fd = p->seq_fd = p->events_fd = -1;
	buf_init(&p->bytes, len);
	buf_add(&p->bytes, data, len);
	digest_hex(data, len, p->digest);
	buf_init(&local, LOG_LEN);
	words = log ? log : &local;
	libbpf_set_print(keep_words);
	rc = load(p, object, s);
	words = NULL;
	buf_release(&local);
	if (rc)
		ext_free(p);
	else
		*out = p;
	return rc;
}
