/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "doc/json.h"
#include "doc/node.h"
#include "doc/number.h"
#include "doc/quote.h"

static void write_value(struct buf *b, const cJSON *v);

/*
 * UTF-8 sorts like UTF-16 but for U+E000..U+FFFF (first byte 0xee or 0xef),
 * which UTF-16 puts behind the surrogate pairs (first byte 0xf0 to 0xf4).
 */
static int utf16_rank(unsigned char c)
{
	return c == 0xee || c == 0xef ? c + 0x10 : c;
}

static int key_order(const void *a, const void *b)
{
	const unsigned char *x, *y;

	x = (const unsigned char *)(*(cJSON *const *)a)->string;
	y = (const unsigned char *)(*(cJSON *const *)b)->string;
	while (*x && *x == *y) {
		x++;
		y++;
	}
	return utf16_rank(*x) - utf16_rank(*y);
}

static void write_object(struct buf *b, const cJSON *v)
{
	size_t n = json_len(node_json(v)), i = 0;
	const cJSON **order = mem_zalloc(n, sizeof(const cJSON *));

	for (const cJSON *it = v->child; it; it = it->next)
		order[i++] = it;
	if (n > 1)
		qsort(order, n, sizeof(const cJSON *), key_order);
	buf_puts(b, "{");
	for (i = 0; i < n; i++) {
		if (i)
			buf_puts(b, ",");
		quote_add(b, order[i]->string);
		buf_puts(b, ":");
		write_value(b, order[i]);
	}
	buf_puts(b, "}");
	free(order);
}

static void write_array(struct buf *b, const cJSON *v)
{
	buf_puts(b, "[");
	for (const cJSON *it = v->child; it; it = it->next) {
		if (it != v->child)
			buf_puts(b, ",");
		write_value(b, it);
	}
	buf_puts(b, "]");
}

static void write_value(struct buf *b, const cJSON *v)
{
	char text[NUMBER_TEXT_LEN];

	switch (v ? node_type(v) : cJSON_NULL) {
	case cJSON_Object:
		write_object(b, v);
		return;
	case cJSON_Array:
		write_array(b, v);
		return;
	case cJSON_String:
		quote_add(b, v->valuestring);
		return;
	case cJSON_Number:
		number_text(v->valuedouble, text);
		buf_puts(b, text);
		return;
	case cJSON_True:
		buf_puts(b, "true");
		return;
	case cJSON_False:
		buf_puts(b, "false");
		return;
	default:
		buf_puts(b, "null");
	}
}

char *json_canonical(const struct json *v)
{
	struct buf b;

	/* What is in memory already is its own bound. */
	buf_init(&b, SIZE_MAX / 4);
	write_value(&b, node(v));
	return buf_take(&b);
}
