/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doc/quote.h"

#include <string.h>

static void write_escape(struct buf *b, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *hit = strchr(from, c);
	char pair[2] = {'\\', hit ? to[hit - from] : 'u'};

	buf_add(b, pair, sizeof(pair));
	if (!hit)
		buf_printf(b, "%04x", c);
}

void quote_add(struct buf *b, const char *s)
{
	const char *plain = s;

	buf_puts(b, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(b, plain, (size_t)(s - plain));
		write_escape(b, c);
		plain = s + 1;
	}
	buf_add(b, plain, (size_t)(s - plain));
	buf_puts(b, "\"");
}
