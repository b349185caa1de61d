/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doc/json_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/path.h"

struct json *json_load(const char *path, size_t max)
{
	struct json *v = NULL;
	struct buf b;

	buf_init(&b, max);
	if (!buf_read_file(&b, path))
		v = json_parse(b.len ? b.data : "", b.len);
	buf_release(&b);
	return v;
}

int json_save(const char *path, const struct json *v)
{
	char *text = json_canonical(v);
	int rc = path_write_atomic(path, text, strlen(text));

	free(text);
	return rc;
}
