/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "llm/provider.h"

#include <stdint.h>
#include <stdlib.h>

char *provider_system(const struct llm_request *r, enum llm_shape shape)
{
	struct buf b;
	char *schema;

	buf_init(&b, SIZE_MAX / 4);
	buf_puts(&b, r->system ? r->system : "");
	if (r->schema && shape >= SHAPE_JSON) {
		schema = json_canonical(r->schema);
		if (b.len)
			buf_puts(&b, "\n\n");
		buf_puts(&b,
			 "Your answer has to be one JSON object and nothing "
			 "else: no words around it, no code fence. It has to "
			 "be valid against this JSON Schema:\n");
		buf_puts(&b, schema);
		free(schema);
	}
	return buf_take(&b);
}
