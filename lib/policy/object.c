/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "policy/built.h"
#include "policy/model.h"

bool policy_is_source(const struct json *body)
{
	return body && !strcmp(json_text_at(body, "form"), "source");
}

char *policy_object_path(const struct json *body)
{
	char key[DIGEST_HEX_LEN];

	if (built_wanted(body)) {
		/* Without a compiler there is nothing that it built. */
		if (built_key(body, key) < 0)
			strcpy(key, "none");
		return built_object(key);
	}
	if (policy_is_source(body))
		return mem_strdup(json_text_at(body, "object.path"));
	return path_lib(policy_has_model(body) ? "learned.bpf.o"
					       : "policy.bpf.o");
}

static int digest_built(const struct json *body,
			char out[static DIGEST_HEX_LEN])
{
	char key[DIGEST_HEX_LEN];
	int rc = built_key(body, key);

	if (rc)
		return rc;
	rc = built_check(key, out);
	if (rc == -ENOENT)
		rc = err_set(ENOENT,
			     "the policy's code has not been built here: "
			     "'sched-verify --stages lint,build' does it");
	return rc;
}

int policy_object_digest(const struct json *body,
			 char out[static DIGEST_HEX_LEN])
{
	char *path;
	int rc;

	if (built_wanted(body))
		return digest_built(body, out);
	path = policy_object_path(body);
	rc = digest_file_hex(path, out);
	if (!rc && policy_is_source(body) &&
	    strcmp(out, json_text_at(body, "object.sha256")))
		rc = err_set(ESTALE,
			     "'%s' has changed since the policy was made of "
			     "it: its digest is %.12s, not %.12s",
			     path, out, json_text_at(body, "object.sha256"));
	free(path);
	return rc;
}

int policy_source_body(const char *path, struct json **body)
{
	char digest[DIGEST_HEX_LEN], *full = realpath(path, NULL);
	struct json *b, *object;
	const char *slash;
	int rc;

	if (!full)
		return err_set(errno, "cannot read '%s': %s", path,
			       strerror(errno));
	rc = digest_file_hex(full, digest);
	if (rc) {
		free(full);
		return rc;
	}
	slash = strrchr(full, '/');
	b = json_object();
	json_set_string(b, "form", "source");
	json_set_string(b, "title", slash[1] ? slash + 1 : full);
	json_set_string(b, "why", "an object given by hand");
	json_set(b, "uses", json_array());
	object = json_set(b, "object", json_object());
	json_set_string(object, "path", full);
	json_set_string(object, "sha256", digest);
	free(full);
	*body = b;
	return 0;
}
