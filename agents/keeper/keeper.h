/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Carries out what agents ask of memory and storage, on the history.
 * schedkit-store(5) has the requests; who asks is believed.
 */
#ifndef SCHEDKIT_AGENTS_KEEPER_KEEPER_H
#define SCHEDKIT_AGENTS_KEEPER_KEEPER_H

#include "doc/json.h"
#include "history/history.h"

struct keeper;

#define KEEPER_TEXT_MAX	    (64u << 10) /* bytes of a note */
#define KEEPER_TAGS_MAX	    32
#define KEEPER_TAG_MAX	    64 /* bytes */
#define KEEPER_FEATURES_MAX 64
#define KEEPER_HITS_MAX	    1000

/* h is lent. */
struct keeper *keeper_new(struct history *h);
void keeper_free(struct keeper *k);

/*
 * Answers n requests {"id","agent","payload"}, or {"id","seal"} from the
 * runtime itself (agents/keeper/seal.h), in order, by objects of the caller's
 * {"id","result"} or {"id","error":{"errno","text"}}.  All that they write is
 * on the disk when this returns, in one go: when that fails, every one that
 * writes says so.
 */
void keeper_answer(struct keeper *k, const struct json *const *requests,
		   size_t n, struct json **answers);

#endif
