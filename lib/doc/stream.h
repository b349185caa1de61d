/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tool's place in a pipe: every line that comes in goes out unchanged and
 * in order, what the tool itself makes follows.
 *
 * A bad line (truncated, too long, not UTF-8, wrong id, wrong body, a parent
 * chain that leads back to itself) is passed on too, followed by an `error`
 * document that names the line; reading then goes on with the next one and
 * stream_status() remembers.  Memory is bounded by DOC_MAX_LINE.
 */
#ifndef SCHEDKIT_DOC_STREAM_H
#define SCHEDKIT_DOC_STREAM_H

#include "doc/doc.h"

struct stream;

/*
 * in_fd -1: no input (the head of a pipe).  out_fd -1: nothing is written
 * (a terminal gets a table instead).  by: the tool's name, for errors.
 */
struct stream *stream_open(int in_fd, int out_fd, const char *by);
void stream_free(struct stream *s);

/*
 * The next document of the input, lent until stream_free(): 1; 0 at the end;
 * -EINVAL for a bad line (message "line N: …"; already reported downstream,
 * calling again goes on); another -errno when the pipe itself fails.
 */
int stream_next(struct stream *s, const struct doc **out);

/* Writes a document of this tool; takes it (also on failure), lends it. */
int stream_emit(struct stream *s, struct doc *d);

/* Emits an `error` document from the error slot. */
int stream_emit_error(struct stream *s, int code, const char *about);

/* Any document seen or emitted so far, by id; NULL: not in this stream. */
const struct doc *stream_find(const struct stream *s, const char *id);
/* The last of a kind; NULL: none. */
const struct doc *stream_last(const struct stream *s, const char *kind);
/* All seen or emitted, in order. */
size_t stream_count(const struct stream *s);
const struct doc *stream_at(const struct stream *s, size_t i);

/* The number of bad lines so far. */
size_t stream_bad_lines(const struct stream *s);

#endif
