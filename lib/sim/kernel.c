/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated kernel's types, as each version has them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "sim/ext.h"

#define OLDEST 60012
#define NEWEST 70003

/* What came later than 6.12; policies ask for it by name. */
static const struct {
	const char *name;
	uint32_t since;
} news[] = {
	{"SCX_ENQ_CPU_SELECTED", 60015},
	{"SCX_OPS_ENQ_MIGRATION_DISABLED", 60014},
	{"SCX_OPS_ALLOW_QUEUED_WAKEUP", 60014},
	{"SCX_OPS_BUILTIN_IDLE_PER_NODE", 60015},
	{"SCX_PICK_IDLE_IN_NODE", 60015},
	{"SCX_ECODE_RSN_CGROUP_OFFLINE", 60019},
	{"SCX_EFLAG_INITIALIZED", 60017},
	{"SCX_OPS_ALWAYS_ENQ_IMMED", 70001},
	{"SCX_ENQ_IMMED", 70001},
	{"SCX_DEQ_SCHED_CHANGE", 70001},
	{"SCX_TASK_IN_CUSTODY", 70001},
	{"SCX_EV_INSERT_NOT_OWNED", 60019},
	{"scx_event_stats", 60015},
	{"scx_bpf_select_cpu_and_args", 60019},
	{"scx_bpf_dsq_insert_vtime_args", 60019},
	{"cgroup_set_bandwidth", 60017},
	{"cgroup_set_idle", 60019},
};

/* Numbers that were others before a version. */
static const struct {
	const char *name;
	uint32_t until;
	uint32_t value;
} olds[] = {
	{"SCX_ENQ_HEAD", 60019, 0x10},
	{"SCX_ENQ_CPU_SELECTED", 60019, 0x400},
};

int sim_kernel_parse(const char *text, uint32_t *kernel)
{
	const char *rest;
	char *end;
	unsigned long major, minor;

	major = strtoul(text, &end, 10);
	if (end == text || *end != '.')
		goto bad;
	rest = end + 1;
	minor = strtoul(rest, &end, 10);
	/* "6.18.15-amd64" is a 6.18. */
	if (end == rest || !strchr(".-+", *end) || major > 99 || minor > 9999)
		goto bad;
	*kernel = (uint32_t)(major * 10000 + minor);
	if (*kernel < OLDEST || *kernel > NEWEST)
		return err_set(EINVAL,
			       "kernel %lu.%lu is not simulated: 6.12 to 7.3 "
			       "are",
			       major, minor);
	return 0;
bad:
	return err_set(EINVAL, "'%s' is no kernel version such as 6.18", text);
}

/* Makes a name one that nobody asks for; the names used here are no part of
 * another one's bytes. */
static void hide(char *strings, size_t len, const char *name)
{
	size_t n = strlen(name) + 1;

	for (size_t at = 0; at + n <= len; at += strlen(strings + at) + 1) {
		if (!memcmp(strings + at, name, n))
			strings[at] = '?';
	}
}

/* Enumerators of 64 bits; those of 32 have no numbers that changed. */
static void change(struct btf *btf, const char *name, uint32_t value)
{
	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		struct btf_enum64 *v;

		if (btf_kind(t) != BTF_KIND_ENUM64)
			continue;
		v = (struct btf_enum64 *)btf_enum64(t);
		for (int i = 0; i < btf_vlen(t); i++) {
			if (strcmp(btf__str_by_offset(btf, v[i].name_off),
				   name))
				continue;
			v[i].val_lo32 = value;
			v[i].val_hi32 = 0;
		}
	}
}

static struct btf *of_version(const struct btf *all, uint32_t kernel)
{
	const struct btf_header *h;
	struct btf *btf;
	uint32_t size;
	const void *raw = btf__raw_data(all, &size);
	char *copy;

	if (!raw)
		return NULL;
	copy = mem_zalloc(1, size);
	memcpy(copy, raw, size);
	h = (const struct btf_header *)copy;
	for (size_t i = 0; i < ARRAY_LEN(news); i++)
		if (kernel < news[i].since)
			hide(copy + h->hdr_len + h->str_off, h->str_len,
			     news[i].name);
	btf = btf__new(copy, size);
	free(copy);
	for (size_t i = 0; btf && i < ARRAY_LEN(olds); i++)
		if (kernel < olds[i].until)
			change(btf, olds[i].name, olds[i].value);
	return btf;
}

int kernel_types(uint32_t kernel, struct btf **out)
{
	char *path = path_lib("simkernel.bpf.o");
	struct btf *all = btf__parse_elf(path, NULL);
	int rc = 0;

	*out = all ? of_version(all, kernel) : NULL;
	if (!*out)
		rc = err_set(ENOENT,
			     "cannot read the simulated kernel's types from "
			     "'%s': build or install schedkit again",
			     path);
	btf__free(all);
	free(path);
	return rc;
}
