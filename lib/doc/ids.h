/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Document ids as small numbers, 0, 1, 2 … in the order they came. */
#ifndef SCHEDKIT_DOC_IDS_H
#define SCHEDKIT_DOC_IDS_H

#include <stddef.h>
#include <stdint.h>

#define IDS_DIGITS 64
#define IDS_NONE   UINT32_MAX

struct ids {
	char (*text)[IDS_DIGITS]; /* by number, no NUL */
	uint32_t count;
	uint32_t cap;
	uint32_t *slot; /* open addressing; IDS_NONE: free */
	uint32_t slots; /* a power of two */
	uint64_t key[IDS_DIGITS / 4 + 1];
};

void ids_init(struct ids *t);
void ids_release(struct ids *t);
/* id: IDS_DIGITS bytes or more.  IDS_NONE: not there. */
uint32_t ids_find(const struct ids *t, const char *id);
/* Finds or adds. */
uint32_t ids_number(struct ids *t, const char *id);

#endif
