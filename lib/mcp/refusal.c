/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mcp/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

char *mcp_refusal(int code, const char *fmt, ...)
{
	char *text = NULL, *out;
	struct json *e;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	e = rpc_error(NULL, code, text ? text : "", NULL);
	out = json_canonical(e);
	json_free(e);
	free(text);
	return out;
}
