/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/verifier/rtapp.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/path.h"
#include "crypt/digest.h"
#include "sim/load.h"

#define LONGEST_S 10 /* of one run */

/* The model with an end and logs; its length in seconds. */
static char *model_text(const struct load *l, int *seconds)
{
	const struct json *notes;
	struct json *v = load_to_rtapp(l, &notes), *global;
	double s = ceil((double)l->duration_ns / 1e9);
	char *text;

	*seconds = s >= 1 && s < LONGEST_S ? (int)s : LONGEST_S;
	global = json_copy(json_get(v, "global"));
	json_set_number(global, "duration", *seconds);
	json_set_string(global, "logdir", "./");
	json_set_string(global, "log_basename", "model");
	json_set(v, "global", global);
	text = json_ordered(v);
	json_free((struct json *)notes);
	json_free(v);
	return text;
}

static int keep(const char *text, char **path)
{
	char digest[DIGEST_HEX_LEN], name[sizeof(digest) + 16];
	char *dir = path_cache("rt-app");
	int rc = path_make_dirs(dir);

	digest_hex(text, strlen(text), digest);
	snprintf(name, sizeof(name), "rt-app/%s.json", digest);
	*path = path_cache(name);
	if (!rc)
		rc = path_write_atomic(*path, text, strlen(text));
	free(dir);
	return rc;
}

static int fill(const char *path, int seconds, struct workload *out)
{
	struct json *v = json_object(), *command, *metric;
	char limit[16], *player = path_libexec("play-rt-app");
	int rc;

	snprintf(limit, sizeof(limit), "%d", seconds);
	json_set_string(v, "name", "rt-app");
	json_set_string(v, "cwd", "/");
	command = json_set(v, "command", json_array());
	json_add(command, json_string(player));
	json_add(command, json_string(path));
	json_add(command, json_string(limit));
	metric = json_add(json_set(v, "metrics", json_array()), json_object());
	json_set_string(metric, "name", "rounds");
	json_set_string(metric, "unit", "1/s");
	json_set_string(metric, "better", "higher");
	json_set_string(metric, "regex", "([0-9.]+) rounds/s");
	rc = workload_read(v, out);
	json_free(v);
	free(player);
	return rc;
}

int rtapp_workload(const struct json *profile, struct workload *out)
{
	char *player = path_program("rt-app"), *text, *path = NULL;
	struct load *l;
	int rc, seconds;

	free(player);
	if (!player)
		return err_set(ENOENT, "rt-app, which would play it, is not "
				       "installed");
	rc = load_from_profile(profile, &l);
	if (rc)
		return rc;
	text = model_text(l, &seconds);
	rc = keep(text, &path);
	if (!rc)
		rc = fill(path, seconds, out);
	free(text);
	free(path);
	load_free(l);
	return rc;
}
