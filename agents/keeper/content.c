/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/keeper/content.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "crypt/base64.h"
#include "doc/utf8.h"

/* The bytes that it has as a JSON string; 0: it cannot be one. */
static size_t as_string(const char *s, size_t len)
{
	size_t sum = 0, n;
	uint32_t c;

	for (; len; s += n, len -= n) {
		n = utf8_decode(s, len, &c);
		if (!n || !c || utf8_noncharacter(c))
			return 0;
		if (c == '"' || c == '\\' || c == '\n' || c == '\t')
			sum += 2;
		else
			sum += c < 0x20 ? 6 : n;
	}
	return sum + 1;
}

void content_set(struct json *to, const void *data, size_t len)
{
	size_t plain = as_string(data, len);
	char *text;

	if (plain && plain <= (len + 2) / 3 * 4 + 1) {
		text = mem_strndup(len ? data : "", len);
		json_set_string(to, "text", text);
	} else {
		text = base64_encode(data, len);
		json_set_string(to, "base64", text);
	}
	free(text);
}

int content_get(const struct json *from, struct buf *out)
{
	const char *text = json_as_string(json_get(from, "text"), NULL);
	const char *base64 = json_as_string(json_get(from, "base64"), NULL);

	if (!text == !base64)
		return err_set(EINVAL,
			       "the content has to be 'text' or 'base64'");
	return text ? buf_add(out, text, strlen(text))
		    : base64_decode(base64, out);
}
