/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intents: what people declare about tasks, in files of rules.
 *
 *     # The build may be slow, the editor may not.
 *     [editor]
 *     command = vim*
 *     class = interactive
 *     slice_max = 3ms
 *
 * A rule is for the tasks that meet all of its conditions.  The files of a
 * folder are read in the order of their names; a rule of a later file takes the
 * place of one of the same name in an earlier one, and stands where it is
 * written.  The first rule that matches a task is the only one for it.
 * schedkit-intent(5) has the format.
 *
 * Whoever wrote a file, it is bounded and its words are data.
 */
#ifndef SCHEDKIT_INTENT_INTENT_H
#define SCHEDKIT_INTENT_INTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/strs.h"
#include "bpf/intent_abi.h"

#define INTENT_FOLDER	   "/etc/schedkit/intent.d"
#define INTENT_SUFFIX	   ".conf"
#define INTENT_NAME_MAX	   32
#define INTENT_PATTERN_MAX 255
#define INTENT_LINE_MAX	   1024
#define INTENT_FILE_MAX	   (64u << 10)
#define INTENT_FILES_MAX   64

enum intent_condition {
	INTENT_COMMAND,	   /* name of the task or of its process */
	INTENT_EXECUTABLE, /* path of the file that it executes */
	INTENT_CGROUP,	   /* path below where cgroups are mounted */
	INTENT_UNIT,	   /* last unit of the service manager in that path */
	INTENT_TAG,	   /* attribute of the cgroup, or of one above it */
	INTENT_USER,
	INTENT_CONDITIONS,
};

/* "command", …; as keys of the format. */
extern const char *const intent_conditions[INTENT_CONDITIONS];

struct intent_rule {
	char name[INTENT_NAME_MAX + 1];
	char *file; /* as it was opened */
	unsigned line;
	char *match[INTENT_CONDITIONS]; /* NULL: it does not matter */
	uid_t uid;			/* with INTENT_USER */
	unsigned set;			/* enum intent_effect */
	uint32_t class;			/* enum class of the template */
	uint32_t weight;		/* 100: as nice 0 */
	uint32_t slice_min_us, slice_max_us, deadline_us;
	uint64_t cores[INTENT_CORE_WORDS];
	time_t until; /* 0: for good */
};

struct intents {
	struct intent_rule *v;
	size_t count;
	struct strs problems; /* what was left out: "FILE:LINE:COLUMN: WHY" */
};

/* ---- reading ---------------------------------------------------------- */

/*
 * Adds the rules of a file's text.  changed: when it was written, which a time
 * of day is counted from.  -EINVAL: nothing is added, and the message has
 * FILE:LINE:COLUMN and the way out.  -E2BIG: more rules than there may be.
 */
int intents_parse(struct intents *to, const char *file, const char *text,
		  size_t len, time_t changed);

/*
 * Reads one file.  It is not believed (-EACCES) unless it is a plain file of
 * root's or of this process's user that nobody else may write to.
 */
int intents_read_file(struct intents *to, const char *path);

/*
 * Reads all *.conf of a folder, which is not believed either unless nobody else
 * may write to it.  A file that is no good is left out, which *to says among
 * its problems.  0 without a folder, too: then there are no rules.
 */
int intents_read(struct intents *to, const char *folder);

/* The same as if a file of that name were there with this text. */
struct intents_instead {
	const char *name, *text;
	size_t len;
};

int intents_read_with(struct intents *to, const char *folder,
		      const struct intents_instead *instead);

void intents_release(struct intents *i); /* safe on a zeroed one */

/* ---- asking ----------------------------------------------------------- */

/* What rules may ask of a task; read it with intent_who_read(). */
struct intent_who {
	pid_t tid, pid;
	char command[16], process[16];
	char *executable, *cgroup, *tag; /* NULL: it has none, or not for us */
	uid_t uid;
};

/* -ESRCH: there is no such task. */
int intent_who_read(pid_t tid, struct intent_who *out);
void intent_who_release(struct intent_who *w);

/* Does the rule's pattern of this kind hold?  Yes if it has none. */
bool intent_holds(const struct intent_rule *r, enum intent_condition c,
		  const struct intent_who *w);
bool intent_matches(const struct intent_rule *r, const struct intent_who *w);
bool intent_is_over(const struct intent_rule *r, time_t now);

/* The rule for it; -1: none. */
int intents_find(const struct intents *i, const struct intent_who *w,
		 time_t now);

/* Patterns of single conditions, for who has no whole task.  A unit is the
 * last part of the cgroup's path that names one; "" if none does. */
bool intent_command_holds(const char *pattern, const char *name);
bool intent_cgroup_holds(const struct intent_rule *r, const char *cgroup,
			 const char *tag);

/* The tag of a cgroup by its folder, or of the next one above it below root
 * that has one; the caller's, NULL: none. */
char *intent_tag(const char *root, const char *folder);

/* ---- words ------------------------------------------------------------ */

/* What a rule sets, "class interactive, slice at most 3 ms"; the caller's. */
char *intent_effects_text(const struct intent_rule *r);
/* Both, "command vim*: class interactive"; the caller's. */
char *intent_words(const struct intent_rule *r);
/* What it asks, "command vim*, user alice"; the caller's. */
char *intent_match_text(const struct intent_rule *r);

#endif
