/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resource vectors: what a request needs, a worker has, a lease holds.
 *
 * Whole numbers of small units, so that what was taken can be given back to
 * the last bit.  In JSON an object of the names of res_name(); cores and gpu
 * are written in whole ones (1.5 is 1500), absent components are 0.
 */
#ifndef SCHEDKIT_RT_VECTOR_H
#define SCHEDKIT_RT_VECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "doc/json.h"

enum res {
	RES_CORES,  /* thousandths of a CPU */
	RES_MEMORY, /* MiB */
	RES_GPU,    /* thousandths of one */
	RES_GUESTS, /* guests that may run at once */
	RES_SLOTS,  /* requests that an endpoint serves at once */
	RES_TOKENS, /* of a context or a budget, taken while it runs */
	RES_COUNT,
};

/* One component's largest amount; sums of a million leases cannot overflow. */
#define RES_MAX ((int64_t)1 << 40)

struct vec {
	int64_t v[RES_COUNT];
};

/* "cores", "memory_mib", "gpu", "guest_slots", "endpoint_slots", "tokens". */
const char *res_name(enum res r);

bool vec_fits(const struct vec *need, const struct vec *in);
/* The first component of need that does not fit; RES_COUNT: all do. */
enum res vec_lacks(const struct vec *need, const struct vec *in);
void vec_add(struct vec *to, const struct vec *x);
void vec_sub(struct vec *from, const struct vec *x);
void vec_max(struct vec *to, const struct vec *x); /* componentwise */
bool vec_zero(const struct vec *x);
bool vec_equal(const struct vec *a, const struct vec *b);
/* max used/capacity over the components that there are; 0..1, 0 when there
 * are none. */
double vec_dominant(const struct vec *used, const struct vec *capacity);

/* -EINVAL names the component: unknown, negative, over RES_MAX, no number.
 * NULL or null: all zero. */
int vec_read(const struct json *v, struct vec *out);
/* The components that are not 0. */
struct json *vec_json(const struct vec *x);

#endif
