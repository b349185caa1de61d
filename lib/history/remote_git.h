/* SPDX-License-Identifier: GPL-2.0-or-later */
/* git(1) as a child, for talking to others. */
#ifndef SCHEDKIT_HISTORY_REMOTE_GIT_H
#define SCHEDKIT_HISTORY_REMOTE_GIT_H

#include "base/buf.h"
#include "base/strs.h"
#include "history/remote.h"

/*
 * An address that git may talk to by itself: a path, ssh, git, http, https.
 * Not what names a program to run, or looks like an option.
 */
int remote_git_check(const char *url);

/*
 * git in this repository with these arguments: its exit status, or -ENOENT,
 * -ETIMEDOUT, -EINTR.  What it said is put into said.
 */
int remote_git(const struct history *h, const struct remote_opts *o,
	       const struct strs *args, struct buf *said);

/*
 * The line of what it said that tells most of why, without what acts on a
 * terminal; in the error slot, as -EHOSTUNREACH.
 */
int remote_git_failed(const struct buf *said, const char *doing,
		      const char *url);

#endif
