/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside lib/doc: struct json is a cJSON. */
#ifndef SCHEDKIT_DOC_NODE_H
#define SCHEDKIT_DOC_NODE_H

#include <cjson/cJSON.h>

#include "base/mem.h"
#include "doc/json.h"

static inline cJSON *node(const struct json *v)
{
	return (cJSON *)v;
}

static inline struct json *node_json(const cJSON *n)
{
	return (struct json *)n;
}

/* cJSON's own constructors may return NULL; cJSON_Delete() takes these too. */
static inline cJSON *node_new(int type)
{
	cJSON *n = mem_zalloc(1, sizeof(*n));

	n->type = type;
	return n;
}

static inline int node_type(const cJSON *n)
{
	return n->type & 0xff;
}

#endif
