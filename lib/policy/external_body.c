/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of an external scheduler that is in a document. */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "policy/external.h"

#define TEXT_MAX 8192

static const char *program_of(const struct json *body)
{
	return json_text_at(body, "external.program");
}

static const struct json *flags_of(const struct json *body)
{
	return json_path(body, "external.flags");
}

static int read_flags(const struct json *flags, struct external *out)
{
	if (json_len(flags) > EXTERNAL_MAX_FLAGS)
		return err_set(EINVAL, "external.flags: more than %d",
			       EXTERNAL_MAX_FLAGS);
	json_each (f, flags) {
		const char *flag = json_as_string(f, "");

		if (strlen(flag) > EXTERNAL_MAX_FLAG)
			return err_set(EINVAL,
				       "external.flags.%u: it is longer than "
				       "%d bytes",
				       out->count, EXTERNAL_MAX_FLAG);
		strcpy(out->flags[out->count++], flag);
	}
	return 0;
}

int external_read(const struct json *body, struct external *out)
{
	const char *program = program_of(body);
	int rc;

	*out = (struct external){0};
	if (strlen(program) > EXTERNAL_MAX_NAME)
		return err_set(EINVAL, "external.program: longer than %d bytes",
			       EXTERNAL_MAX_NAME);
	strcpy(out->program, program);
	rc = read_flags(flags_of(body), out);
	return rc ? rc : external_check(out);
}

char *external_text(const struct json *body)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	buf_puts(&out, program_of(body));
	json_each (f, flags_of(body))
		buf_printf(&out, " %s", json_as_string(f, ""));
	return buf_take(&out);
}
