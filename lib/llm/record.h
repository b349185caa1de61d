/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exchanges with a model as a file of lines, for tests and for doing a run
 * over again:
 *   {"digest","request":{…},"answer":{…},"usage":{…},"outcome":"ok"|ERRNO,
 *    "error"}
 * The digest is that of who asks what (role, system, messages, tools, schema).
 * A system text stands in the first line that has it, the others name its
 * digest ("system_sha256").
 */
#ifndef SCHEDKIT_LLM_RECORD_H
#define SCHEDKIT_LLM_RECORD_H

#include "crypt/digest.h"
#include "llm/llm.h"

#define RECORD_MAX_LINE (64u << 20)

void record_digest(const struct llm_request *r,
		   char out[static DIGEST_HEX_LEN]);

struct recorder;

int recorder_open(const char *path, struct recorder **out);
void recorder_close(struct recorder *c); /* NULL: nothing */

/* Nothing of it holds a key.  outcome: 0 or -errno, with its message in the
 * error slot. */
int recorder_add(struct recorder *c, const struct llm_request *r,
		 const struct llm_answer *a, int outcome);

/* "stop", "length", "calls", "refused"; and back: LLM_STOP for other words. */
const char *finish_name(enum llm_finish f);
enum llm_finish finish_number(const char *name);

#endif
