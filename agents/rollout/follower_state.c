/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host remembers from one round to the next. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "agents/rollout/follower_parts.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "doc/json_file.h"

#define STATE_MAX 65536

static void take_text(const struct json *v, const char *key, char *out,
		      size_t size)
{
	snprintf(out, size, "%s", json_text_at(v, key));
}

static long number(const struct json *v, const char *key)
{
	double x = json_as_number(json_get(v, key), 0);

	return x >= 0 && x <= 1e12 ? (long)x : 0;
}

static int be_alone(struct follower *f)
{
	char *path = mem_printf("%s.lock", f->path);
	int rc = path_make_parent(path);

	if (!rc) {
		f->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (f->lock < 0)
			rc = err_set(errno, "cannot open '%s': %s", path,
				     strerror(errno));
		else if (flock(f->lock, LOCK_EX | LOCK_NB) < 0)
			rc = err_set(EAGAIN,
				     "another round for this workload is at "
				     "work");
	}
	free(path);
	return rc;
}

static bool is_count(const struct json *v)
{
	double x = json_as_number(v, -1);

	return x >= 0 && x <= 1e12;
}

/*
 * Who forgets the serial number takes an old statement for a new one: damage
 * is not the same as nothing.
 */
static struct json *read_state(const char *path)
{
	struct json *v = json_load(path, STATE_MAX);
	const char *stage = json_text_at(v, "stage");
	bool known = false;

	if (!v)
		return NULL;
	for (int i = 0; i < STAGES; i++)
		known |= !strcmp(stage, rollout_stages[i]);
	if (known && is_count(json_get(v, "serial")) &&
	    is_count(json_get(v, "clock")))
		return v;
	err_set(EBADMSG, "'%s' is damaged", path);
	json_free(v);
	return NULL;
}

int follower_load(struct follower *f, const char *workload)
{
	char hex[DIGEST_HEX_LEN], *folder;
	struct json *v;
	int rc;

	digest_hex(workload, strlen(workload), hex);
	hex[16] = '\0';
	folder = path_state("rollout");
	f->path = mem_printf("%s/%s.json", folder, hex);
	f->deployed = mem_printf("%s/%s.jsonl", folder, hex);
	free(folder);
	rc = be_alone(f);
	if (rc || (access(f->path, F_OK) && errno == ENOENT))
		return rc;
	v = read_state(f->path);
	if (!v)
		return err_prefix(-EBADMSG,
				  "remove it if this host may begin anew");
	take_text(v, "rollout", f->id, sizeof(f->id));
	take_text(v, "policy", f->policy, sizeof(f->policy));
	take_text(v, "before", f->before, sizeof(f->before));
	take_text(v, "why", f->why, sizeof(f->why));
	take_text(v, "boot", f->boot, sizeof(f->boot));
	for (int i = 0; i < STAGES; i++)
		if (!strcmp(json_text_at(v, "stage"), rollout_stages[i]))
			f->host.stage = (enum rollout_stage)i;
	f->host.serial = number(v, "serial");
	f->host.clock = number(v, "clock");
	f->host.since = number(v, "since");
	f->host.open = number(v, "open");
	f->lost = number(v, "lost");
	f->unreported = json_as_bool(json_get(v, "unreported"), false);
	json_free(v);
	return 0;
}

int follower_save(const struct follower *f)
{
	struct json *v = json_object();
	int rc;

	json_set_string(v, "rollout", f->id);
	json_set_string(v, "policy", f->policy);
	json_set_string(v, "before", f->before);
	json_set_string(v, "why", f->why);
	json_set_string(v, "boot", f->boot);
	json_set_string(v, "stage", rollout_stages[f->host.stage]);
	json_set_number(v, "serial", (double)f->host.serial);
	json_set_number(v, "clock", (double)f->host.clock);
	json_set_number(v, "since", (double)f->host.since);
	json_set_number(v, "open", (double)f->host.open);
	json_set_number(v, "lost", (double)f->lost);
	json_set_bool(v, "unreported", f->unreported);
	rc = json_save(f->path, v);
	json_free(v);
	return rc;
}

void follower_turn_to(struct follower *f, const struct rollout *r)
{
	if (!strcmp(f->id, r->id))
		return;
	memcpy(f->id, r->id, sizeof(f->id));
	/* The same policy may be in force already, by the rollout before. */
	if (!f->host.in_force || strcmp(f->policy, r->policy)) {
		if (f->host.in_force)
			memcpy(f->before, f->policy, sizeof(f->before));
		memcpy(f->policy, r->policy, sizeof(f->policy));
		f->host.stage = STAGE_NONE;
		f->host.since = 0;
	}
	f->host.open = 0;
	f->lost = 0;
	f->unreported = f->host.stage != STAGE_NONE;
	*f->why = '\0';
}

void follower_is(struct follower *f, enum rollout_stage stage, const char *why)
{
	if (f->host.stage == stage)
		return;
	f->host.stage = stage;
	f->unreported = true;
	/* Of others: cut where it does not fit. */
	snprintf(f->why, sizeof(f->why), "%s", why);
}
