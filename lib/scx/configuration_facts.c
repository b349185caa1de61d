/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/configuration.h"

static struct json *texts(const struct strs *l)
{
	struct json *out = json_array();

	for (size_t i = 0; i < l->len; i++)
		json_add(out, json_string(l->v[i]));
	return out;
}

struct json *configuration_facts(void)
{
	struct json *f = json_object();
	struct configuration c;

	configuration_read(&c);
	json_set_string(f, "release", c.release);
	json_set_string(f, "version", c.version);
	json_set_string(f, "machine", c.machine);
	if (*c.notes)
		json_set_string(f, "notes_sha256", c.notes);
	json_set(f, "parameters", texts(&c.parameters));
	configuration_release(&c);
	return f;
}
