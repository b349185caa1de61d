/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Search in short texts by words: BM25 (Robertson and Zaragoza 2009, k1 = 1.2,
 * b = 0.75) over an index in memory.  Words are runs of letters and digits,
 * ASCII folded to lower case, other UTF-8 taken as letters; `a_b-c` is found
 * as a whole and by its parts, and counts as four words.  A word that a query
 * repeats counts once.
 */
#ifndef SCHEDKIT_SEARCH_WORDS_H
#define SCHEDKIT_SEARCH_WORDS_H

#include <stddef.h>

struct word_index;

struct word_index *word_index_new(void);
void word_index_free(struct word_index *w);
/* The number of the text, from 0 in order. */
size_t word_index_add(struct word_index *w, const char *text);

struct word_hit {
	size_t text;
	double score; /* above 0 */
};

/* Best first, equal scores by the later text; returns how many, at most max. */
size_t word_index_search(const struct word_index *w, const char *query,
			 struct word_hit *out, size_t max);

#endif
