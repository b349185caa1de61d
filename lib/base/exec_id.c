/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/exec_id.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "bpf/identity_abi.h"

/* As bpf/identity.bpf.h has them. */
#define PATH_BYTES 255
#define ARGS_BYTES 512

/* The kernel takes no more by default; its length is hashed. */
#define ARGS_MAX (8 << 20)

/* Where a shell looks for what has no slash in its name. */
#define USUAL_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
/* A script is behind the interpreter and perhaps an argument of its. */
#define SCRIPT_ARGS 2

static uint64_t mix(uint64_t h, const char *text, size_t len, size_t all)
{
	for (size_t at = 0; at < len; at += 8) {
		uint64_t word = 0;

		memcpy(&word, text + at, len - at < 8 ? len - at : 8);
		h = identity_mix(h, word);
	}
	return identity_mix(h, all);
}

uint64_t exec_id(const char *path, const char *args, size_t len)
{
	/* The kernel half counts the NUL. */
	size_t p = strnlen(path, PATH_BYTES) + 1;
	char copy[PATH_BYTES + 1] = {0};
	uint64_t h;

	memcpy(copy, path, p - 1);
	h = mix(IDENTITY_SEED, copy, p, p);
	h = mix(h, args, len < ARGS_BYTES ? len : ARGS_BYTES, len);
	return identity_final(h);
}

/* ---- of a process ----------------------------------------------------- */

struct args {
	const char *text;
	size_t len;
};

static void add(struct exec_ids *ids, const struct args *a, const char *path)
{
	if (ids->count < EXEC_ID_MAX)
		ids->v[ids->count++] = exec_id(path, a->text, a->len);
}

static void add_path(struct exec_ids *ids, const struct args *a,
		     const char *list)
{
	char path[PATH_MAX];

	while (list && *list) {
		size_t n = strcspn(list, ":");

		snprintf(path, sizeof(path), "%.*s/%s", (int)n, list, a->text);
		add(ids, a, path);
		list += n + (list[n] == ':');
	}
}

static void add_scripts(struct exec_ids *ids, const struct args *a)
{
	size_t at = 0;

	for (int i = 0; i < SCRIPT_ARGS; i++) {
		at += strlen(a->text + at) + 1;
		if (at >= a->len)
			return;
		add(ids, a, a->text + at);
	}
}

static void add_file(struct exec_ids *ids, const struct args *a)
{
	char path[64], target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", ids->pid);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	add(ids, a, target);
}

static void guess(struct exec_ids *ids, const char *text, size_t len)
{
	const struct args a = {text, len};

	add(ids, &a, text);
	add_file(ids, &a);
	add_scripts(ids, &a);
	if (strchr(text, '/'))
		return;
	add_path(ids, &a, getenv("PATH"));
	add_path(ids, &a, USUAL_PATH);
}

void exec_ids_of(struct exec_ids *ids, pid_t pid)
{
	struct buf text;
	char path[64];

	if (ids->pid == pid)
		return;
	ids->pid = pid;
	ids->count = 0;
	buf_init(&text, ARGS_MAX);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	if (!buf_read_file(&text, path) && text.len)
		guess(ids, text.data, text.len);
	buf_release(&text);
}
