/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/ext.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypt/digest.h"
#include "doc/doc.h"
#include "policy/object.h"
#include "policy/policy.h"
#include "scx/counters.h"
#include "scx/sysfs.h"
#include "scx/topology.h"

#define NAME_LEN      32
#define LOG_LEN	      (1u << 20)
#define STATE_WAIT_MS 5000

struct ext_policy {
	struct buf bytes;	     /* what obj was opened from … */
	char digest[DIGEST_HEX_LEN]; /* … and of that */
	struct bpf_object *obj;
	struct bpf_link *ops_link;
	struct bpf_link *exec_link;
	char name[NAME_LEN];
	char seq[SYSFS_WORD]; /* enable_seq of our attachment */
	struct json *events;  /* last seen, for after the end */
};

/* ---- setting up an object --------------------------------------------- */

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

static struct bpf_map *ops_map(struct bpf_object *obj)
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

/* Where the variable name lies inside its section's map; NULL: nowhere. */
static struct bpf_map *find_variable(struct bpf_object *obj,
				     const char *section, const char *name,
				     size_t size, size_t *offset)
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
	struct bpf_map *map =
		find_variable(obj, ".rodata", name, size, &offset);
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
	char *name = find_member(p->obj, map, "name", NAME_LEN);

	if (!name)
		return -EINVAL;
	snprintf(p->name, sizeof(p->name), "%.*s", NAME_LEN - 1, name);
	return 0;
}

static int set_constants(struct bpf_object *obj, const struct json *body,
			 const struct policy_params *params)
{
	uint64_t longest = policy_longest_ns(body);
	struct topology topo;
	int rc;

	topology_read(&topo);
	rc = set_constant(obj, "params", params, sizeof(*params));
	if (!rc)
		rc = set_constant(obj, "nr_cpus", &topo.cpus,
				  sizeof(topo.cpus));
	if (!rc)
		rc = set_constant(obj, "nr_llcs", &topo.llcs,
				  sizeof(topo.llcs));
	if (!rc)
		rc = set_constant(obj, "cpu_llc", topo.llc_of,
				  sizeof(topo.llc_of));
	if (!rc)
		rc = set_constant(obj, "longest_ns", &longest, sizeof(longest));
	return rc;
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

/* Exec is only looked at by policies that know what was executed. */
static void trim(struct bpf_object *obj, const struct policy_params *params)
{
	bool known = params->classify == CLASSIFY_IDENTITY;
	struct bpf_program *exec;

	exec = bpf_object__find_program_by_name(obj, "policy_exec");
	if (exec)
		bpf_program__set_autoload(exec, known);
}

static int fill_identities(struct bpf_object *obj, const struct json *body)
{
	int fd = bpf_object__find_map_fd_by_name(obj, "identities");

	json_each (v, json_get(body, "identities")) {
		uint64_t hash = strtoull(
			json_as_string(json_get(v, "hash"), "0"), NULL, 16);
		double us = json_as_number(json_get(v, "expect_us"), 0);
		struct policy_identity value = {(uint64_t)(us * 1000)};

		if (bpf_map_update_elem(fd, &hash, &value, BPF_ANY) < 0)
			return err_set(errno,
				       "cannot fill the identity table: %s",
				       strerror(errno));
	}
	return 0;
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
static void name_object(const char *object, char out[static NAME_LEN])
{
	const char *slash = strrchr(object, '/');

	object = slash ? slash + 1 : object;
	snprintf(out, NAME_LEN, "%.*s", (int)strcspn(object, "."), object);
}

static int open_object(struct ext_policy *p, const char *object,
		       const struct json *body,
		       const struct policy_params *params)
{
	char name[NAME_LEN];
	struct bpf_object_open_opts opts = {.sz = sizeof(opts),
					    .object_name = name};
	struct bpf_map *map;
	int rc;

	name_object(object, name);
	p->obj = bpf_object__open_mem(p->bytes.data, p->bytes.len, &opts);
	if (!p->obj)
		return err_set(errno, "cannot open policy object '%s': %s",
			       object, strerror(errno));
	map = ops_map(p->obj);
	if (!map)
		return err_set(EINVAL, "'%s' holds no sched_ext policy",
			       object);
	rc = check_maps(p->obj, object);
	if (rc)
		return rc;
	if (policy_is_source(body))
		return take_name(p, map);
	rc = set_constants(p->obj, body, params);
	if (!rc)
		rc = set_ops(p, map, params);
	trim(p->obj, params);
	return rc;
}

int ext_load(const char *object, const struct json *body,
	     struct ext_policy **out, struct buf *log)
{
	struct buf b;
	int rc;

	*out = NULL;
	buf_init(&b, EXT_OBJECT_MAX);
	rc = buf_read_file(&b, object);
	if (!rc)
		rc = ext_load_bytes(object, b.data, b.len, body, out, log);
	buf_release(&b);
	return rc;
}

int ext_load_bytes(const char *object, const void *data, size_t len,
		   const struct json *body, struct ext_policy **out,
		   struct buf *log)
{
	struct ext_policy *p = mem_zalloc(1, sizeof(*p));
	struct policy_params params;
	char id[DOC_ID_LEN];
	struct buf local;
	int rc;

	*out = NULL;
	buf_init(&p->bytes, len);
	buf_add(&p->bytes, data, len);
	digest_hex(data, len, p->digest);
	buf_init(&local, LOG_LEN);
	words = log ? log : &local;
	libbpf_set_print(keep_words);
	strcpy(p->name, "schedkit");
	if (body) {
		doc_body_id(body, id);
		snprintf(p->name, sizeof(p->name), "schedkit_%.12s", id);
	}
	rc = policy_params_read(body, &params);
	if (!rc)
		rc = open_object(p, object, body, &params);
	if (!rc) {
		rc = bpf_object__load(p->obj);
		if (rc)
			rc = err_set(-rc, "the kernel refused the policy: %s",
				     strerror(-rc));
	}
	if (!rc)
		rc = fill_identities(p->obj, body);
	words = NULL;
	buf_release(&local);
	if (rc)
		ext_free(p);
	else
		*out = p;
	return rc;
}

/* ---- attaching -------------------------------------------------------- */

/* sysfs adds what it likes after the name (a version, on some kernels). */
static bool ours(const struct ext_policy *p)
{
	char word[SYSFS_WORD];

	if (!sysfs_word("root/ops", word))
		return false;
	return !strncmp(word, p->name, strlen(p->name));
}

static bool state_is(const char *wanted)
{
	char word[SYSFS_WORD];

	return sysfs_word("state", word) && !strcmp(word, wanted);
}

static bool wait_state(const char *wanted)
{
	for (int ms = 0; ms < STATE_WAIT_MS; ms += 10) {
		if (state_is(wanted))
			return true;
		usleep(10000);
	}
	return false;
}

/* What ops.exit() wrote down; kind is 0 while it was not called. */
static void read_exit(const struct ext_policy *p, struct policy_exit *end)
{
	size_t offset;
	struct bpf_map *map =
		find_variable(p->obj, ".bss", "ended", sizeof(*end), &offset);
	uint32_t zero = 0;
	char *data;

	memset(end, 0, sizeof(*end));
	if (!map)
		return;
	data = mem_zalloc(1, bpf_map__value_size(map));
	if (bpf_map_lookup_elem(bpf_map__fd(map), &zero, data) == 0)
		memcpy(end, data + offset, sizeof(*end));
	free(data);
}

int ext_attach(struct ext_policy *p)
{
	struct bpf_program *exec;
	struct policy_exit end;

	exec = bpf_object__find_program_by_name(p->obj, "policy_exec");
	if (exec && bpf_program__autoload(exec)) {
		p->exec_link = bpf_program__attach(exec);
		if (!p->exec_link)
			return err_set(errno, "cannot attach to exec: %s",
				       strerror(errno));
	}
	p->ops_link = bpf_map__attach_struct_ops(ops_map(p->obj));
	if (!p->ops_link)
		return err_set(errno, "the kernel did not attach '%s': %s",
			       p->name,
			       errno == EBUSY ? "another policy is attached"
					      : strerror(errno));
	if (!wait_state("enabled") || !ours(p)) {
		read_exit(p, &end);
		return err_set(EIO, "'%s' is not enabled after attaching%s%s",
			       p->name, end.kind ? ": " : "", end.message);
	}
	sysfs_word("enable_seq", p->seq);
	return 0;
}

bool ext_alive(const struct ext_policy *p)
{
	char seq[SYSFS_WORD];

	if (!p->ops_link || !state_is("enabled") || !ours(p))
		return false;
	sysfs_word("enable_seq", seq);
	return !strcmp(seq, p->seq);
}

int ext_detach(struct ext_policy *p)
{
	if (!p->ops_link)
		return 0;
	if (ext_alive(p)) {
		json_free(p->events);
		p->events = sysfs_events();
	}
	bpf_link__destroy(p->ops_link);
	p->ops_link = NULL;
	bpf_link__destroy(p->exec_link);
	p->exec_link = NULL;
	if (!wait_state("disabled"))
		return err_set(ETIMEDOUT,
			       "the kernel still has a policy %d s after "
			       "detaching '%s'",
			       STATE_WAIT_MS / 1000, p->name);
	return 0;
}

/* ---- reading back ----------------------------------------------------- */

struct json *ext_report(const struct ext_policy *p)
{
	struct json *v = json_object();
	bool alive = ext_alive(p);
	struct policy_exit end;

	json_set_string(v, "name", p->name);
	json_set_bool(v, "alive", alive);
	json_set_string(v, "object_sha256", p->digest);
	json_set(v, "counters",
		 counters_read(
			 bpf_object__find_map_fd_by_name(p->obj, "counters")));
	json_set(v, "events",
		 alive	     ? sysfs_events()
		 : p->events ? json_copy(p->events)
			     : json_object());
	read_exit(p, &end);
	if (!end.kind)
		return v;
	json_set_number(v, "exit_kind", end.kind);
	json_set_number(v, "exit_code", (double)end.code);
	json_set_string(v, "exit_reason", end.reason);
	json_set_string(v, "exit_message", end.message);
	if (end.dump[0])
		json_set_string(v, "exit_dump", end.dump);
	return v;
}

void ext_free(struct ext_policy *p)
{
	if (!p)
		return;
	ext_detach(p);
	bpf_link__destroy(p->exec_link);
	bpf_object__close(p->obj);
	buf_release(&p->bytes);
	json_free(p->events);
	free(p);
}
