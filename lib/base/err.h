/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The error slot.
 *
 * A library function that fails returns a negative errno and leaves one
 * message for a person in the calling thread's slot.  Only cmd/ prints it.
 * Messages are lower case, without a full stop, say what is wrong first and
 * then the way out, and quote the subject: "cannot read 'x': no such file".
 */
#ifndef SCHEDKIT_BASE_ERR_H
#define SCHEDKIT_BASE_ERR_H

/* Sets the slot; returns -errnum, so that one can "return err_set(...)". */
int err_set(int errnum, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Puts context before the message already there; returns its argument rc. */
int err_prefix(int rc, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The message; "" when nothing was set.  Valid until the next err_ call. */
const char *err_text(void);

void err_clear(void);

/* "EDQUOT" and back, for what goes over a pipe; "EIO" and EIO where there is
 * no such name or number. */
const char *err_name(int errnum);
int err_number(const char *name);

#endif
