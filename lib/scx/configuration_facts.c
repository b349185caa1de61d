/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/configuration.h"

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
	json_set(f, "parameters", json_strings(&c.parameters));
	configuration_release(&c);
	return f;
}
