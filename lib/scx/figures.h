/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scheduler tells of itself: upstream's programs answer at a Unix socket
 * with lines of JSON (their library scx_stats):
 *
 *   {"req":"stats","args":{"target":"top"}}
 *   {"errno":0,"args":{"resp":{"nr_running":3,"layers":{"a":{"util":0.2}}}}}
 *
 * Who answers may be anybody: what it says is bounded in time, bytes, depth and
 * number, and nothing of it is taken but finite numbers.  Many programs count
 * from one question on the same connection to the next, the first since it was
 * made.
 */
#ifndef SCHEDKIT_SCX_FIGURES_H
#define SCHEDKIT_SCX_FIGURES_H

#include <sys/types.h>

#include "doc/json.h"

#define FIGURES_SOCKET "/var/run/scx/root/stats"
#define FIGURES_LINE   (1u << 20) /* bytes of one answer */
#define FIGURES_MAX    256
#define FIGURES_NAME   128

struct figures;

/*
 * Connects to the socket at path, which pid listens on (0: whoever does).
 * -ENOENT, -ECONNREFUSED: nobody does; -EPERM: another process does.
 */
int figures_open(const char *path, pid_t pid, struct figures **out);

/*
 * Asks and waits at most patience_s: {"nr_running":3,"layers.a.util":0.2}, the
 * first FIGURES_MAX with names of at most FIGURES_NAME bytes; the caller's.
 * -ETIMEDOUT; -EMSGSIZE; -ECONNRESET; -EBADMSG: no such answer; -EREMOTEIO: it
 * says that it cannot.  After any of these nothing more can be asked.
 */
int figures_ask(struct figures *f, double patience_s, struct json **out);

void figures_close(struct figures *f); /* NULL is fine */

/* The figures in one line of an answer, without its newline. */
int figures_read(const char *line, size_t len, struct json **out);

#endif
