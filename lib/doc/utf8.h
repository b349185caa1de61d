/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UTF-8 as RFC 3629 has it: nothing overlong, no surrogates. */
#ifndef SCHEDKIT_DOC_UTF8_H
#define SCHEDKIT_DOC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_LONGEST 4 /* bytes of one character */

/* The bytes of the character at s, its code point in *cp; 0: ill-formed. */
size_t utf8_decode(const char *s, size_t len, uint32_t *cp);
/* Writes the character, at most UTF8_LONGEST bytes, and returns how many. */
size_t utf8_encode(uint32_t cp, char *out);
/* Characters of well-formed text of so many bytes. */
size_t utf8_count(const char *s, size_t len);
bool utf8_valid(const char *s, size_t len);
/* U+FDD0..U+FDEF and the last two of each plane: not in I-JSON. */
bool utf8_noncharacter(uint32_t cp);
/* Marks that make text read otherwise than it is stored. */
bool utf8_changes_direction(uint32_t cp);

#endif
