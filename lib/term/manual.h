/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pages of the manual that lie beside the running program, in
 * ROOT/share/man: plain as `make install` has them, or packed by gzip as a
 * package of a distribution has.  A page is named by its file without ".gz":
 * "sched-verify.1".
 *
 * Below a prefix that others share there are other people's pages, which these
 * do not know.
 */
#ifndef SCHEDKIT_TERM_MANUAL_H
#define SCHEDKIT_TERM_MANUAL_H

#include "base/buf.h"
#include "base/strs.h"

#define MANUAL_PAGE_BYTES (1u << 20) /* of the source of one, unpacked */

/* All that there are, by name; the caller releases. */
void manual_pages(struct strs *out);

/*
 * The page that a person means: "verify", "policy", "schedkit", "sched-sim.1",
 * "schedkit-note(5)"; the caller's, NULL: there is none.  A tool comes before
 * the idea and the document of the same name.
 */
char *manual_find(const char *name);

/* Its file, the caller's; NULL: it is not there. */
char *manual_path(const char *page);

/* Adds the source, unpacked, to out.  -ENOENT; -EIO: it is damaged. */
int manual_read(const char *page, struct buf *out);

#endif
