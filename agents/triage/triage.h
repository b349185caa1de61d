/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why the kernel took a policy off: its exit dump in, a diagnosis out.
 *
 * The dump and the history hold words of outsiders.  They are read after all
 * privilege was given up (triage_read() needs it for the kernel's log).
 */
#ifndef SCHEDKIT_AGENTS_TRIAGE_TRIAGE_H
#define SCHEDKIT_AGENTS_TRIAGE_TRIAGE_H

#include "base/buf.h"
#include "doc/json.h"

/*
 * The text to look at: of a file, "-" for standard input, or NULL for what the
 * kernel's log and trace buffer hold.  -EPERM: the log is not for us to read;
 * -EFBIG; -ENOENT and the like.  Changes nothing.
 */
int triage_read(const char *file, struct buf *out);

/* Gives up every capability of this process, for good. */
int triage_give_up(void);

/*
 * Lines of documents, of reports of sched-guest(1), a dump or a log.  policy:
 * whose exit it was, an id or its beginning; NULL: what the text says.
 * history: a folder, which need not be there.
 *
 * 1: *body is that of a note, {"text":…,"stall":{…}}; sched-doctor(1) has its
 * keys.  0: no sched_ext scheduler was taken off in text.  -ENOENT: there is
 * no such policy.
 */
int triage(const char *text, size_t len, const char *policy,
	   const char *history, struct json **body);

#endif
