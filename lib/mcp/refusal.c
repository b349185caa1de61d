/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mcp/refusal.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/mem.h"

char *mcp_refusal(int code, const char *fmt, ...)
{
	char *text, *out;
	struct json *e;
	va_list ap;

	va_start(ap, fmt);
	text = mem_vprintf(fmt, ap);
	va_end(ap);
	e = rpc_error(NULL, code, text, NULL);
	out = json_canonical(e);
	json_free(e);
	free(text);
	return out;
}
