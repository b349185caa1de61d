/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How our pages look: light and dark, on a telephone, on paper.
 *
 * Colours are those of Okabe and Ito (Color Universal Design, 2008), which
 * colour-blind people tell apart; in the dark the blue is a lighter one.
 * Classes f0 … f6 fill with one of them, s0 … s6 draw lines with it; f7 and s7
 * are grey, for the rest.
 */
#ifndef SCHEDKIT_PAGE_STYLE_H
#define SCHEDKIT_PAGE_STYLE_H

/* No '<' and no '&' in it: it stands in the page as it is. */
extern const char page_style[];

#endif
