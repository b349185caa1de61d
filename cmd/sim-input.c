/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of sched-sim read, and write, in the same way. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/simulator/simulate.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "cmd/sim.h"
#include "doc/doc.h"

/* Documents of a simulation bear the date at which its clock starts. */
#define NO_DATE "1970-01-01T00:00:00Z"

int sim_set_param(struct json *params, const char *text)
{
	const char *is = strchr(text, '=');
	char *name, *end;
	double x;

	if (!is || is == text || !is[1])
		return err_set(EINVAL, "'%s' is not NAME=VALUE", text);
	name = mem_strndup(text, (size_t)(is - text));
	x = strtod(is + 1, &end);
	if (!*end)
		json_set_number(params, name, x);
	else if (!strcmp(is + 1, "true") || !strcmp(is + 1, "false"))
		json_set_bool(params, name, is[1] == 't');
	else
		json_set_string(params, name, is + 1);
	free(name);
	return 0;
}

int sim_read_costs(const char *path, const struct load *l, struct sim_costs *c)
{
	struct json *v;
	struct buf b;
	int rc;

	simulate_costs(l, c);
	if (!path)
		return 0;
	buf_init(&b, 1 << 20);
	rc = buf_read_file(&b, path);
	if (!rc) {
		v = json_parse(b.data ? b.data : "", b.len);
		rc = v ? sim_costs_read(v, c) : -EINVAL;
		json_free(v);
	}
	buf_release(&b);
	return rc ? err_prefix(rc, "'%s'", path) : 0;
}

void sim_take_machine(const struct load *l, struct sim_machine *m)
{
	if (l->cpus)
		*m = (struct sim_machine){
			.cpus = l->cpus, .threads = 1, .llcs = 1, .nodes = 1};
}

int sim_put_note(struct json *body)
{
	struct doc *d = doc_new("note", "sched-sim", body, NULL, 0);
	char *line;

	if (!d)
		return -EINVAL;
	json_set_string(d->env, "time", NO_DATE);
	line = doc_line(d);
	puts(line);
	free(line);
	doc_free(d);
	return 0;
}
