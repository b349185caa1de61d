/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard/trips.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/path.h"
#include "doc/json_file.h"

#define NAME	 "trips.json"
#define MOST	 64 /* policies that are remembered */
#define FILE_MAX (1u << 20)

static const struct backoff pauses = {30, 4, 3600};

double trips_wait(const struct trips *t, double now)
{
	double pause = backoff_pause(&pauses, t->count);

	if (t->count >= TRIPS_MOST)
		return INFINITY;
	/* What is ahead of us happened before another boot. */
	if (!t->count || t->last > now)
		return 0;
	return fmax(t->last + pause - now, 0);
}

/* ---- the file: {"POLICY":{"count":…,"last":…,"why":…},…} --------------- */

static int read_all(struct json **out)
{
	char *path = path_run(NAME);
	struct buf b;
	int rc = 0;

	*out = NULL;
	buf_init(&b, FILE_MAX);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		*out = json_object();
	else
		rc = buf_read_file(&b, path);
	if (!rc && !*out)
		*out = json_parse(b.len ? b.data : "", b.len);
	if (!rc && json_type(*out) != JSON_OBJECT) {
		json_free(*out);
		*out = NULL;
		rc = err_set(EIO,
			     "'%s' is damaged; if nothing is deployed it may "
			     "be removed",
			     path);
	}
	buf_release(&b);
	free(path);
	return rc;
}

static void forget_oldest(struct json *all)
{
	const char *oldest = NULL;
	double least = INFINITY;

	json_each (v, all) {
		double last = json_as_number(json_get(v, "last"), 0);

		if (!oldest || last < least) {
			oldest = json_key(v);
			least = last;
		}
	}
	json_remove(all, oldest);
}

static int write_all(struct json *all)
{
	char *path = path_run(NAME);
	int rc = path_make_parent(path);

	while (json_len(all) > MOST)
		forget_oldest(all);
	if (!rc)
		rc = json_save(path, all);
	free(path);
	return rc;
}

static void take(const struct json *v, struct trips *out)
{
	double count = json_as_number(json_get(v, "count"), 0);

	*out = (struct trips){
		.count = (unsigned)fmin(fmax(count, 0), 1e6),
		.last = json_as_number(json_get(v, "last"), 0),
	};
	snprintf(out->why, sizeof(out->why), "%s", json_text_at(v, "why"));
}

int trips_read(const char *policy, struct trips *out)
{
	struct json *all;
	int rc = read_all(&all);

	*out = (struct trips){0};
	if (rc)
		return rc;
	take(json_get(all, policy), out);
	json_free(all);
	return 0;
}

int trips_add(const char *policy, const char *why)
{
	struct json *all, *v;
	struct trips t;
	int rc = read_all(&all);

	/* What cannot be read is of no use any more; this is. */
	if (rc)
		all = json_object();
	take(json_get(all, policy), &t);
	v = json_set(all, policy, json_object());
	json_set_number(v, "count", t.count + 1);
	json_set_number(v, "last", clock_boot());
	json_set_string(v, "why", why);
	rc = write_all(all);
	json_free(all);
	return rc;
}

int trips_forget(const char *policy)
{
	struct json *all;
	int rc = read_all(&all);

	if (rc)
		return rc;
	if (json_get(all, policy)) {
		json_remove(all, policy);
		rc = write_all(all);
	}
	json_free(all);
	return rc;
}
