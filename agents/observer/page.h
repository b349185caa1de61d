/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A profile's body as a page for people. */
#ifndef SCHEDKIT_AGENTS_OBSERVER_PAGE_H
#define SCHEDKIT_AGENTS_OBSERVER_PAGE_H

#include "base/buf.h"
#include "doc/json.h"

/* Lines are at most columns wide where the text can give way. */
void observer_page(const struct json *body, int columns, struct buf *out);

#endif
