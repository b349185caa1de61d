/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of rt-app's JSON; private to lib/sim/load*.c. */
#ifndef SCHEDKIT_SIM_LOAD_RTAPP_H
#define SCHEDKIT_SIM_LOAD_RTAPP_H

#include "sim/load_make.h"

#define RTAPP_MAX_NAMES 4096 /* tasks, and resources of each kind */
#define RTAPP_MAX_US	1e12

/* Resources come into being when an event names them. */
struct rtapp_names {
	const char *name[RTAPP_MAX_NAMES]; /* lent by the document */
	uint32_t index[RTAPP_MAX_NAMES];
	uint32_t uses[RTAPP_MAX_NAMES]; /* by how many threads */
	size_t count;
};

struct rtapp {
	struct load *l;
	const char *default_policy;
	struct rtapp_names locks, conds, barriers, groups;
	/* What is being read, for messages. */
	const char *task, *phase, *key;
	uint32_t t, metric;
};

/* As load_from_rtapp(), when the text is parsed already. */
int load_from_rtapp_json(const struct json *root, struct load **out);

/* Messages: what should be where r is. */
int rtapp_wrong(const struct rtapp *r, const char *should);
/* A whole number in a range. */
int rtapp_whole(struct rtapp *r, const struct json *v, double min, double max,
		double *x);
/* A member that is one, if it is there. */
int rtapp_member(struct rtapp *r, const struct json *obj, const char *key,
		 double min, double max, double *x);
/* Its place in the table, new or known. */
int rtapp_find(struct rtapp *r, struct rtapp_names *n, const char *name,
	       size_t *at);

struct rtapp_event {
	const char *begins; /* the key */
	int (*read)(struct rtapp *r, const struct json *v, int arg);
	int arg;
};

const struct rtapp_event *rtapp_event(const char *key);

#endif
