/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How our pages look: light and dark, on a telephone, on paper.
 *
 * Colours are those of Okabe and Ito (Color Universal Design, 2008), which
 * colour-blind people tell apart; in the dark the blue is a lighter one.
 * Classes f0 … f7 fill with one of them, s0 … s7 draw lines with it.
 */
#ifndef SCHEDKIT_PAGE_STYLE_H
#define SCHEDKIT_PAGE_STYLE_H

#define STYLE_COLOURS 7 /* f0 … f6; f7 is grey, for the rest */

/* No '<' and no '&' in it: it stands in the page as it is. */
extern const char page_style[];

#endif
