/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people declared about tasks, and what comes of it: bodies of notes. */
#ifndef SCHEDKIT_AGENTS_INTENTS_INTENTS_H
#define SCHEDKIT_AGENTS_INTENTS_INTENTS_H

#include "doc/json.h"
#include "intent/intent.h"

/*
 * The rules of a folder, or of files alone (strs not empty), in their order:
 *
 *   {"text":…,"intent":{"rules":[RULE…],"policy":{…},"problems":[TEXT…]}}
 *
 * RULE: {"name","file","line","match":{KEY:PATTERN…},"sets","until","over"};
 * until as a time, and over: it is past; both only of rules that end.  policy,
 * of a folder's: as below, followed: it has all of them that are not over.
 */
int intents_list(const char *folder, const struct strs *files,
		 struct json **body);

/* One of them. */
struct json *intents_rule(const struct intent_rule *r, time_t now);

/*
 * Which rule is for a task, and why:
 *
 *   {"text":…,"intent":{"task":{…},"rule":RULE,"also":[RULE…],
 *    "policy":{"attached":bool,"name":…,"followed":bool,"generation":N,
 *    "text":…},"problems":[…]}}
 *
 * A RULE has "because", a list of {"key","pattern","value"}.  rule is absent
 * where none is for it; also: those that match, too, and come later or are
 * over.
 */
int intents_explain(const char *folder, pid_t tid, struct json **body);

/* ---- putting a file in place ------------------------------------------ */

struct intents_change {
	char *text; /* of the file */
	size_t len;
	char *path;	      /* where it goes */
	struct strs words;    /* "+ [a] …", "- [b] …", "~ [c] …" */
	struct strs problems; /* with other files of the folder */
};

/* What would change.  -EINVAL: the file is no good, the message says where. */
int intents_plan(const char *folder, const char *file,
		 struct intents_change *out);
/* All of it or nothing, for everybody to read. */
int intents_commit(const struct intents_change *c);
void intents_change_release(struct intents_change *c);

#endif
