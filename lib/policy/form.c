/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/form.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "policy/external.h"
#include "policy/knobs.h"
#include "policy/policy.h"

#define TEXT_MAX 65536

enum policy_form policy_form_named(const char *name)
{
	static const char *const names[] = {
		[FORM_KNOBS] = "knobs",	  [FORM_EXTERNAL] = "external",
		[FORM_PARAMS] = "params", [FORM_HOOKS] = "hooks",
		[FORM_SOURCE] = "source",
	};

	for (size_t i = FORM_KNOBS; name && i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], name))
			return (enum policy_form)i;
	return FORM_UNKNOWN;
}

enum policy_form policy_form(const struct json *body)
{
	return policy_form_named(json_as_string(json_get(body, "form"), NULL));
}

bool policy_form_is_searched(enum policy_form f)
{
	return f == FORM_KNOBS || f == FORM_PARAMS;
}

int policy_form_check(const char *name, bool with_model)
{
	enum policy_form form = policy_form_named(name);

	if (name && form == FORM_UNKNOWN)
		return err_set(EINVAL,
			       "'%s' is not knobs, external, params, hooks or "
			       "source",
			       name);
	if (name && !with_model && !policy_form_is_searched(form))
		return err_set(EINVAL,
			       "only a model writes '%s'; set SCHED_LLM or "
			       "--backend",
			       name);
	return 0;
}

bool policy_form_has_object(enum policy_form f)
{
	return f == FORM_PARAMS || f == FORM_HOOKS || f == FORM_SOURCE;
}

static size_t lines_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n' || !text[1];
	return n;
}

static char *code_text(const struct json *body, bool with_params)
{
	const char *code = json_as_string(json_get(body, "code"), "");
	const char *path = json_as_string(json_path(body, "object.path"), "");
	const char *slash = strrchr(path, '/');
	size_t n = lines_of(code);
	struct buf out;

	buf_init(&out, TEXT_MAX);
	if (n)
		buf_printf(&out, "%zu line%s of C", n, n == 1 ? "" : "s");
	else
		buf_puts(&out, slash ? slash + 1 : path);
	if (with_params && json_len(json_get(body, "params"))) {
		char *params = policy_params_text(body);

		buf_printf(&out, ", %s", params);
		free(params);
	}
	return buf_take(&out);
}

char *policy_text(const struct json *body)
{
	switch (policy_form(body)) {
	case FORM_KNOBS:
		return knobs_text(body);
	case FORM_EXTERNAL:
		return external_text(body);
	case FORM_HOOKS:
		return code_text(body, true);
	case FORM_SOURCE:
		return code_text(body, false);
	default:
		return policy_params_text(body);
	}
}
