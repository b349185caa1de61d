/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tool's place in a pipe: every line that comes in goes out unchanged and
 * in order, what the tool itself makes follows.
 *
 * A bad line (truncated, too long, not UTF-8, wrong id, wrong body, a parent
 * chain that leads back to itself) is passed on too, followed by an `error`
 * document that names the line; reading then goes on with the next one and
 * stream_bad_lines() remembers.  A last line without a newline gets one; it
 * is bad only when it is no document.  Empty lines pass.
 *
 * Memory is bounded: a line by DOC_MAX_LINE, all that is held by
 * STREAM_MAX_HELD.  What comes after that many is a bad line, too.
 */
#ifndef SCHEDKIT_DOC_STREAM_H
#define SCHEDKIT_DOC_STREAM_H

#include "doc/doc.h"

#define STREAM_MAX_HELD (1u << 30) /* bytes of documents, about */

struct stream;

/*
 * in_fd -1: no input (the head of a pipe).  out_fd -1: nothing is written
 * (a terminal gets a table instead).  The descriptors stay the caller's.
 * by: the tool's name, for errors.
 *
 * What is, or would be, written also goes to the end of a file that is there
 * when $SCHEDKIT_DOCUMENTS is "PID:FILE" with our own PID: a person has the
 * table and the prompt of sched(1) the documents.  The first stream of the
 * process takes it; when the file cannot be written it is left empty.
 */
struct stream *stream_open(int in_fd, int out_fd, const char *by);
void stream_free(struct stream *s);

/*
 * The next document of the input, lent until stream_free(): 1; 0 at the end;
 * -EINVAL for a bad line (message "line N: …"; already reported downstream,
 * calling again goes on); -EINTR when a signal came (calling again goes on);
 * another -errno when the pipe itself fails, which stays so: -EPIPE is a
 * reader that went away, and raises no SIGPIPE.
 */
int stream_next(struct stream *s, const struct doc **out);

/*
 * Takes in all that there is, also behind a bad line: 0; -EBADMSG: there was
 * one, and the message has the first one's and `so`, what comes of it; else as
 * stream_next().
 */
int stream_take_all(struct stream *s, const char *so);

/*
 * Writes a document of this tool; takes it (also on failure), lends it.  NULL
 * passes the failure of doc_new() on.  -ELOOP: it descends from itself, the
 * message names the ids.
 */
int stream_emit(struct stream *s, struct doc *d);

/*
 * Emits an `error` document from the error slot.  code: an errno, of either
 * sign; about: an id or NULL.
 */
int stream_emit_error(struct stream *s, int code, const char *about);

/* The first document seen or emitted with this id; NULL: none so far. */
const struct doc *stream_find(const struct stream *s, const char *id);
/* The last of a kind; NULL: none. */
const struct doc *stream_last(const struct stream *s, const char *kind);
/* All seen or emitted, in order. */
size_t stream_count(const struct stream *s);
const struct doc *stream_at(const struct stream *s, size_t i);

/* The number of bad lines so far. */
size_t stream_bad_lines(const struct stream *s);

#endif
