/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as ECMAScript writes them, which RFC 8785 asks for. */
#ifndef SCHEDKIT_DOC_NUMBER_H
#define SCHEDKIT_DOC_NUMBER_H

#define NUMBER_TEXT_LEN 48 /* bytes of the longest, with its NUL; ample */

/* x is finite.  The shortest digits that read back as x; any locale. */
void number_text(double x, char out[static NUMBER_TEXT_LEN]);

#endif
