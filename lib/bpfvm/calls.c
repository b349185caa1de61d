/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of helpers and kfuncs for one kernel version. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bpfvm/vm_state.h"

#define MAX_HELPER 1024

struct vm_calls {
	const struct vm_call *helpers[MAX_HELPER];
	const struct vm_call **kfuncs; /* by name */
	size_t count;
};

static bool has(const struct vm_call *c, uint32_t version)
{
	return (!c->since || version >= c->since) &&
	       (!c->until || version <= c->until);
}

static int by_name(const void *a, const void *b)
{
	const struct vm_call *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void add(struct vm_calls *c, const struct vm_call *row)
{
	if (row->number > 0 && row->number < MAX_HELPER) {
		c->helpers[row->number] = row;
		return;
	}
	/* A later table knows better. */
	for (size_t i = 0; i < c->count; i++) {
		if (!strcmp(c->kfuncs[i]->name, row->name)) {
			c->kfuncs[i] = row;
			return;
		}
	}
	c->kfuncs = mem_realloc(c->kfuncs, c->count + 1, sizeof(*c->kfuncs));
	c->kfuncs[c->count++] = row;
}

struct vm_calls *vm_calls_new(const struct vm_call *const *tables,
			      size_t table_count, uint32_t version)
{
	struct vm_calls *c = mem_zalloc(1, sizeof(*c));

	for (size_t i = 0; i < table_count; i++)
		for (const struct vm_call *row = tables[i]; row->name; row++)
			if (has(row, version))
				add(c, row);
	if (c->count)
		qsort(c->kfuncs, c->count, sizeof(*c->kfuncs), by_name);
	return c;
}

void vm_calls_free(struct vm_calls *c)
{
	if (!c)
		return;
	free(c->kfuncs);
	free(c);
}

/* "name___flavour" is "name". */
static int compare(const char *name, size_t len, const char *row)
{
	int d = strncmp(name, row, len);

	return d ? d : -(unsigned char)row[len];
}

int vm_calls_resolve(void *calls, const char *name, bool is_func)
{
	const struct vm_calls *c = calls;
	const char *flavour = strstr(name, "___");
	size_t len = flavour ? (size_t)(flavour - name) : strlen(name);
	size_t lo = 0, hi = c->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = compare(name, len, c->kfuncs[mid]->name);

		if (!d)
			return is_func == !!c->kfuncs[mid]->fn ? (int)mid : -1;
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return -1;
}

const struct vm_call *vm_calls_helper(const struct vm_calls *c, int number)
{
	return number > 0 && number < MAX_HELPER ? c->helpers[number] : NULL;
}

const struct vm_call *vm_calls_kfunc(const struct vm_calls *c, int index)
{
	return index >= 0 && (size_t)index < c->count ? c->kfuncs[index] : NULL;
}
