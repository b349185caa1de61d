/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A JSON value that is all of a file. */
#ifndef SCHEDKIT_DOC_JSON_FILE_H
#define SCHEDKIT_DOC_JSON_FILE_H

#include "doc/json.h"

/* NULL with a message: it cannot be read, has more than max bytes, or is not
 * one value.  The caller frees it. */
struct json *json_load(const char *path, size_t max);

/* In canonical form; what was there is replaced by all of it or stays.  0, or
 * -errno with a message. */
int json_save(const char *path, const struct json *v);

#endif
