/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "term/openmetrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "doc/json.h"

static const char *unit_of(const char *name)
{
	static const char *const units[] = {"seconds", "bytes", "percent"};
	const char *last = strrchr(name, '_');

	for (size_t i = 0; last && i < ARRAY_LEN(units); i++)
		if (!strcmp(last + 1, units[i]))
			return units[i];
	return NULL;
}

void metric_family(struct buf *out, const char *name, enum metric_type type,
		   const char *help)
{
	static const char *const words[] = {"gauge", "counter", "summary",
					    "info"};
	const char *unit = unit_of(name);

	buf_printf(out, "# TYPE schedkit_%s %s\n", name, words[type]);
	if (unit)
		buf_printf(out, "# UNIT schedkit_%s %s\n", name, unit);
	buf_printf(out, "# HELP schedkit_%s %s.\n", name, help);
}

static void escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' || *s == '"')
			buf_puts(out, "\\");
		if (*s == '\n')
			buf_puts(out, "\\n");
		else
			buf_add(out, s, 1);
	}
}

static void value(struct buf *out, double x)
{
	struct json *v = json_number(x);
	char *text = json_canonical(v);

	buf_printf(out, " %s\n", isfinite(x) ? text : "NaN");
	free(text);
	json_free(v);
}

void metric_sample(struct buf *out, const char *name, const char *suffix,
		   const struct metric_label *labels, size_t n, double x)
{
	buf_printf(out, "schedkit_%s%s", name, suffix);
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s%s=\"", i ? "," : "{", labels[i].name);
		escaped(out, labels[i].value);
		buf_puts(out, "\"");
	}
	if (n)
		buf_puts(out, "}");
	value(out, x);
}

void metric_single(struct buf *out, const char *name, enum metric_type type,
		   const char *help, double x)
{
	static const char *const suffixes[] = {"", "_total", "", "_info"};

	metric_family(out, name, type, help);
	metric_sample(out, name, suffixes[type], NULL, 0, x);
}

void metric_end(struct buf *out)
{
	buf_puts(out, "# EOF\n");
}
