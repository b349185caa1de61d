/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sections that programs see as maps of one value, and what is written into
 * them before anybody runs: the kernel's configuration and its enumerators.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "bpfvm/object_read.h"

#define ENUM_PREFIX "__SCX_"
#define ARENA_DATA  ".addr_space.1"

static bool named(const char *name, const char *kind)
{
	size_t n = strlen(kind);

	return !strncmp(name, kind, n) && (!name[n] || name[n] == '.');
}

static bool is_data(const struct section *s)
{
	return (s->type == SHT_PROGBITS || s->type == SHT_NOBITS) &&
	       (s->flags & SHF_ALLOC) && !s->code && s->size &&
	       (named(s->name, ".data") || named(s->name, ".bss") ||
		named(s->name, ".rodata") || !strcmp(s->name, ARENA_DATA));
}

static unsigned char *copy_data(struct reader *r, const struct section *s,
				uint64_t size)
{
	unsigned char *data;

	r->data_bytes += size;
	if (r->data_bytes > OBJECT_MAX_BYTES) {
		err_set(EFBIG, "section '%s': more than %u bytes of data",
			s->name, OBJECT_MAX_BYTES);
		return NULL;
	}
	data = arena_alloc(r->keep, 1, size);
	if (s->data)
		memcpy(data, s->data, s->size);
	return data;
}

/* What the section becomes; its own size unless it is resizable. */
static uint64_t whole_size(struct reader *r, const struct section *s)
{
	const struct btf *btf = r->o->btf;
	const struct btf_type *sec = types_at(btf, types_section(btf, s->name));
	const struct btf_type *var = NULL, *type = NULL;
	const char *name = strchr(s->name + 1, '.');

	if (name && s->size <= OBJECT_MAX_BYTES && sec && btf_is_datasec(sec) &&
	    btf_vlen(sec) == 1)
		var = types_at(btf, btf_var_secinfos(sec)->type);
	if (var && btf_is_var(var) &&
	    !strcmp(types_name(btf, var->name_off), name + 1)) {
		uint32_t id = var->type;

		type = types_skip(btf, &id);
	}
	return type && btf_is_array(type) && btf_array(type)->nelems == 1 &&
			       r->t->cpus
		       ? s->size * r->t->cpus
		       : s->size;
}

static int add_section(struct reader *r, struct section *s)
{
	uint64_t size = whole_size(r, s);
	unsigned char *data = copy_data(r, s, size);
	struct object_map *m;

	if (!data)
		return -EFBIG;
	if (!strcmp(s->name, ARENA_DATA)) {
		/* What an arena begins with. */
		for (size_t i = 0; i < r->o->map_count; i++)
			if (r->o->maps[i].type == MAP_TYPE_ARENA)
				s->map = (int)i;
		if (s->map < 0)
			return err_set(EINVAL, "section '%s' without an arena",
				       s->name);
		m = &r->o->maps[s->map];
		m->value_size = (uint32_t)s->size;
		m->data = data;
		return 0;
	}
	if (!core_spend(r, btf__type_cnt(r->o->btf)))
		return -EINVAL;
	s->map = (int)r->o->map_count;
	m = map_new(r, s->name);
	m->type = BPF_MAP_TYPE_ARRAY;
	m->key_size = 4;
	m->value_size = (uint32_t)size;
	m->max_entries = 1;
	m->data = data;
	m->frozen = named(s->name, ".rodata");
	m->flags = m->frozen ? BPF_F_RDONLY_PROG : 0;
	m->value_type = types_section(r->o->btf, s->name);
	return m->value_type ? field_find(r, m, m->value_type) : 0;
}

static int note_pointer(struct reader *r, uint32_t section,
			const struct relocation *rel, void *arg)
{
	(void)arg;
	code_note(r, UINT32_MAX,
		  arena_printf(r->keep,
			       "section '%s', offset %llu: a pointer to '%s' "
			       "stays NULL: no loader fills it in",
			       r->sections[section].name,
			       (unsigned long long)rel->offset,
			       arena_name(&r->tmp, rel->symbol->name)));
	return 0;
}

static void read_license(struct reader *r)
{
	uint32_t i = elf_section(r, "license");
	const struct section *s = &r->sections[i];

	r->o->license = i && s->data
				? arena_text(r->keep, (const char *)s->data,
					     s->size < 128 ? s->size : 128)
				: "";
}

int data_read(struct reader *r)
{
	int rc = 0;

	read_license(r);
	for (uint32_t i = 1; !rc && i < r->section_count; i++) {
		if (!is_data(&r->sections[i]))
			continue;
		rc = add_section(r, &r->sections[i]);
		if (!rc)
			rc = elf_each_relocation(r, i, note_pointer, NULL);
	}
	return rc;
}

/* ---- the kernel's configuration ---------------------------------------- */

static void store(unsigned char *at, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size; i++)
		at[i] = (unsigned char)(value >> (8 * (i < 8 ? i : 7)));
}

static int config_value(struct reader *r, const char *name, uint64_t *value)
{
	const struct symbol *s = elf_symbol(r, name);

	*value = 0;
	if (!strcmp(name, "LINUX_KERNEL_VERSION"))
		*value = r->t->version;
	else if (!strcmp(name, "CONFIG_HZ"))
		*value = r->t->hz;
	else if (!s || s->bind != STB_WEAK)
		return err_set(ENOTSUP,
			       "the kernel's '%s' is not known here; declare "
			       "it __weak",
			       arena_name(&r->tmp, name));
	return 0;
}

/*
 * The variables of .kconfig have no place in the file: they are laid out here,
 * and their section's type is told.
 */
static int place_config(struct reader *r, const struct btf_type *sec,
			unsigned char *data, uint64_t *end)
{
	struct btf_var_secinfo *rows = btf_var_secinfos(sec);
	uint64_t value;

	*end = 0;
	for (uint32_t i = 0; i < btf_vlen(sec); i++) {
		const struct btf_type *var = types_at(r->o->btf, rows[i].type);
		int64_t size = var && btf_is_var(var)
				       ? types_size(r->o->btf, var->type)
				       : -1;
		const char *name;

		if (size < 1 || size > 4096)
			return err_set(EINVAL, "section '.kconfig' holds "
					       "something without a size");
		name = types_name(r->o->btf, var->name_off);
		*end = (*end + 7) & ~7ull;
		rows[i].offset = (uint32_t)*end;
		rows[i].size = (uint32_t)size;
		if (data) {
			int rc = config_value(r, name, &value);

			if (rc)
				return rc;
			store(data + *end, size < 8 ? (size_t)size : 8, value);
		}
		*end += (uint64_t)size;
	}
	return 0;
}

int data_config(struct reader *r)
{
	uint32_t id = types_section(r->o->btf, ".kconfig");
	const struct btf_type *sec = types_at(r->o->btf, id);
	struct object_map *m;
	unsigned char *data;
	uint64_t end;
	int rc;

	if (!id || !sec)
		return 0;
	rc = place_config(r, sec, NULL, &end);
	if (rc || !end)
		return rc;
	data = arena_alloc(r->keep, 1, end);
	rc = place_config(r, sec, data, &end);
	if (rc)
		return rc;
	m = map_new(r, ".kconfig");
	m->type = BPF_MAP_TYPE_ARRAY;
	m->key_size = 4;
	m->value_size = (uint32_t)end;
	m->max_entries = 1;
	m->data = data;
	m->frozen = true;
	m->flags = BPF_F_RDONLY_PROG;
	m->value_type = id;
	return 0;
}

int data_config_find(struct reader *r, const char *name, uint32_t *map,
		     uint64_t *offset)
{
	const struct btf *btf = r->o->btf;
	int i = object_map(r->o, ".kconfig");
	const struct btf_type *sec;

	if (i < 0 || !r->o->maps[i].frozen)
		return -ENOENT;
	sec = types_at(btf, r->o->maps[i].value_type);
	for (uint32_t v = 0; v < btf_vlen(sec) && core_spend(r, 1); v++) {
		const struct btf_var_secinfo *row = &btf_var_secinfos(sec)[v];
		const struct btf_type *var = types_at(btf, row->type);

		if (strcmp(types_name(btf, var->name_off), name))
			continue;
		*map = (uint32_t)i;
		*offset = row->offset;
		return 0;
	}
	return -ENOENT;
}

/* ---- enumerators -------------------------------------------------------- */

static bool find_enumerator(const struct btf *btf, const char *name,
			    uint64_t *value)
{
	uint32_t n = btf__type_cnt(btf);

	for (uint32_t id = 1; id < n; id++) {
		const struct btf_type *t = types_at(btf, id);

		if (!t || !btf_is_any_enum(t))
			continue;
		for (uint32_t i = 0; i < btf_vlen(t); i++) {
			if (strcmp(types_name(btf, types_enumerator_name(t, i)),
				   name))
				continue;
			*value = types_enumerator(t, i);
			return true;
		}
	}
	return false;
}

/* Upstream's user space does this after opening: SCX_ENUM_INIT(). */
static int set_enumerators(struct reader *r, struct object_map *m)
{
	const struct btf *btf = r->o->btf;
	const struct btf_type *sec = types_at(btf, m->value_type);
	uint64_t value;

	for (uint32_t i = 0; i < btf_vlen(sec); i++) {
		const struct btf_var_secinfo *row = &btf_var_secinfos(sec)[i];
		const struct btf_type *var = types_at(btf, row->type);
		const char *name = var ? types_name(btf, var->name_off) : "";

		if (strncmp(name, ENUM_PREFIX, strlen(ENUM_PREFIX)))
			continue;
		if (row->size > 8 || row->offset > m->value_size ||
		    row->size > m->value_size - row->offset)
			return err_set(EINVAL,
				       "section '%s': '%s' is no number",
				       m->name, arena_name(&r->tmp, name));
		if (!core_spend(r, 1))
			return -EINVAL;
		if (find_enumerator(r->t->types, name + 2, &value))
			store(m->data + row->offset, row->size, value);
	}
	return 0;
}

int data_enumerators(struct reader *r)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < r->o->map_count; i++) {
		struct object_map *m = &r->o->maps[i];

		if (m->frozen && m->value_type && strcmp(m->name, ".kconfig"))
			rc = set_enumerators(r, m);
	}
	return rc;
}
