/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one that unpacks, by zlib: who serves pages to clients may start no
 * program that would.  Apart from the rest, so that only who reads pages is
 * linked with it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/err.h"
#include "term/manual.h"

#define CHUNK 16384

/* zlib reads what is not packed as it is. */
static bool read_all(gzFile f, struct buf *out)
{
	char chunk[CHUNK];
	int n, code;

	while ((n = gzread(f, chunk, sizeof(chunk))) > 0)
		if (buf_add(out, chunk, (size_t)n))
			return false;
	gzerror(f, &code);
	return n == 0 && code == Z_OK;
}

int manual_read(const char *page, struct buf *out)
{
	char *path = manual_path(page);
	gzFile f = path ? gzopen(path, "rbe") : NULL;
	size_t before = out->len;
	bool whole;

	free(path);
	if (!f)
		return err_set(ENOENT, "there is no page %s", page);
	whole = read_all(f, out);
	gzclose_r(f);
	if (!whole || out->len == before ||
	    strlen(out->data + before) != out->len - before)
		return err_set(EIO, "the page %s is damaged", page);
	return 0;
}
