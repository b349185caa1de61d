/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies and reports as documents have them. */
#include "scx/ext.h"

#include <stdlib.h>

#include "base/mem.h"
#include "policy/learned.h"
#include "scx/counters.h"
#include "scx/ext_state.h"

int ext_load(const char *object, const struct json *body,
	     struct ext_policy **out, struct buf *log)
{
	struct policy_image *image = mem_zalloc(1, sizeof(*image));
	struct ext_setup setup = {.image = image};
	struct buf b;
	int rc;

	*out = NULL;
	buf_init(&b, EXT_OBJECT_MAX);
	rc = buf_read_file(&b, object);
	if (!rc)
		rc = policy_image_read(body, image);
	if (!rc)
		rc = ext_load_image(object, b.data, b.len, &setup, out, log);
	buf_release(&b);
	free(image);
	return rc;
}

void ext_exit_json(const struct policy_exit *end, struct json *to)
{
	if (!end->kind)
		return;
	json_set_number(to, "exit_kind", end->kind);
	json_set_number(to, "exit_code", (double)end->code);
	json_set_string(to, "exit_reason", end->reason);
	json_set_string(to, "exit_message", end->message);
	if (end->dump[0])
		json_set_string(to, "exit_dump", end->dump);
}

struct json *ext_report(const struct ext_policy *p)
{
	struct json *v = json_object();
	struct sysfs_events now;
	bool alive = ext_alive(p);
	struct learned_report learned;
	struct policy_exit end;

	if (alive)
		sysfs_events_read(&now);
	json_set_string(v, "name", p->name);
	json_set_bool(v, "alive", alive);
	json_set_string(v, "object_sha256", p->digest);
	json_set(v, "counters",
		 counters_read(
			 bpf_object__find_map_fd_by_name(p->obj, "counters")));
	json_set(v, "events", ext_events_json(alive ? &now : &p->events));
	if (!ext_learned(p, &learned))
		learned_json(&learned, json_set(v, "model", json_object()));
	ext_ended(p, &end);
	ext_exit_json(&end, v);
	return v;
}
