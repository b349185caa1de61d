/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files behind attach.h share. */
#ifndef SCHEDKIT_SCX_EXT_STATE_H
#define SCHEDKIT_SCX_EXT_STATE_H

#include <bpf/libbpf.h>

#include "bpf/learned_abi.h"
#include "scx/attach.h"
#include "scx/sysfs.h"

struct ext_policy {
	struct buf bytes;	     /* what obj was opened from … */
	char digest[DIGEST_HEX_LEN]; /* … and of that */
	struct bpf_object *obj;
	struct bpf_link *ops_link;
	struct bpf_link *exec_link;
	char name[IMAGE_NAME_LEN];
	char seq[SYSFS_WORD]; /* enable_seq of our attachment; "": none */
	/* Of sysfs, open while it is attached; -1. */
	int state_fd, seq_fd, events_fd;
	uint64_t beats;
	/* How often rules were handed over; and the two sets of them. */
	uint32_t generation;
	struct intent_rules *intents[2];
	uint32_t models;	    /* how often one was handed over */
	struct sysfs_events events; /* last seen, for after the end */
};

struct bpf_map *ext_ops_map(struct bpf_object *obj);

/* Where the variable name lies inside its section's map; NULL: nowhere. */
struct bpf_map *ext_variable(struct bpf_object *obj, const char *section,
			     const char *name, size_t size, size_t *offset);

/* Those kept here; what is in the kernel goes with the maps. */
void ext_forget_intents(struct ext_policy *p);

#endif
