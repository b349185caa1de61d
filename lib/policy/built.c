/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/built.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"

#define MAX_FILE (4u << 20)
#define MAX_TEXT (1u << 20)
/* Counts what was changed in what the builder lets pass and in what it tells
 * the compiler: what was built before is not believed any more. */
#define RULES 2

const char *const built_files[] = {
	"hooks.h",
	"policy.bpf.c",
	"policy_task.bpf.h",
	"policy_hooks.bpf.h",
	"policy_preempt.bpf.h",
	"policy_intent.bpf.h",
	"intent.bpf.h",
	"policy_learned.bpf.h",
	"intent_abi.h",
	"policy_abi.h",
	"scx.bpf.h",
	"kernel.bpf.h",
	"identity.bpf.h",
	"beat.bpf.h",
	"identity_abi.h",
	"bpf/bpf_helpers.h",
	"bpf/bpf_helper_defs.h",
	"bpf/bpf_core_read.h",
	"bpf/bpf_tracing.h",
	NULL,
};

bool built_wanted(const struct json *body)
{
	const char *form = json_as_string(json_get(body, "form"), "");

	if (!strcmp(form, "hooks"))
		return true;
	return !strcmp(form, "source") && json_get(body, "code");
}

char *built_compiler(void)
{
	static const char *const names[] = {"clang-16", "clang-17", "clang-18",
					    "clang-19", "clang-20", "clang-21",
					    "clang"};
	const char *wanted = getenv("BPF_CLANG");
	char *path = NULL;

	if (wanted && *wanted) {
		path = path_program(wanted);
		if (!path)
			err_set(ENOENT,
				"there is no compiler '%s', which BPF_CLANG "
				"names",
				wanted);
		return path;
	}
	for (size_t i = 0; i < ARRAY_LEN(names) && !path; i++)
		path = path_program(names[i]);
	if (!path)
		err_set(ENOENT, "there is no clang to compile the policy's "
				"code with: install clang-16 or newer, or name "
				"one in BPF_CLANG");
	return path;
}

/* A compiler is told by the file that it is: running it to ask takes longer,
 * and packages replace the file. */
static int add_compiler(struct buf *b)
{
	char *path = built_compiler();
	struct stat st;
	int rc = 0;

	if (!path)
		return -ENOENT;
	if (stat(path, &st) < 0)
		rc = err_set(errno, "cannot look at '%s': %s", path,
			     strerror(errno));
	else
		buf_printf(b, "compiler %s %lld %lld.%09ld\n", path,
			   (long long)st.st_size, (long long)st.st_mtim.tv_sec,
			   st.st_mtim.tv_nsec);
	free(path);
	return rc;
}

static int add_file(struct buf *b, const char *name)
{
	char digest[DIGEST_HEX_LEN];
	char *rel = mem_printf("bpf/%s", name), *path = path_lib(rel);
	int rc = digest_file_hex(path, digest);

	if (!rc)
		buf_printf(b, "file %s %s\n", name, digest);
	free(path);
	free(rel);
	return rc;
}

int built_key(const struct json *body, char out[static DIGEST_HEX_LEN])
{
	const char *code = json_as_string(json_get(body, "code"), "");
	char digest[DIGEST_HEX_LEN];
	struct buf b;
	int rc;

	buf_init(&b, MAX_TEXT);
	rc = add_compiler(&b);
	for (size_t i = 0; !rc && built_files[i]; i++)
		rc = add_file(&b, built_files[i]);
	if (!rc) {
		digest_hex(code, strlen(code), digest);
		buf_printf(&b, "rules %d\nform %s\ncode %s\n", RULES,
			   json_as_string(json_get(body, "form"), ""), digest);
		digest_hex(b.data, b.len, out);
	}
	buf_release(&b);
	return rc;
}

static char *in_cache(const char *key, const char *suffix)
{
	char *name = mem_printf("objects/%s%s", key, suffix);
	char *path = path_cache(name);

	free(name);
	return path;
}

char *built_object(const char *key)
{
	return in_cache(key, ".bpf.o");
}

char *built_digest(const char *key)
{
	return in_cache(key, ".sha256");
}

int built_check(const char *key, char digest[static DIGEST_HEX_LEN])
{
	char *object = built_object(key), *noted = built_digest(key);
	struct buf b;
	int rc;

	buf_init(&b, MAX_FILE);
	rc = digest_file_hex(object, digest);
	if (!rc)
		rc = buf_read_file(&b, noted);
	if (!rc && (b.len != DIGEST_HEX_LEN - 1 || strcmp(b.data, digest)))
		rc = err_set(ESTALE, "'%s' is not what was built", object);
	buf_release(&b);
	free(object);
	free(noted);
	return rc;
}
