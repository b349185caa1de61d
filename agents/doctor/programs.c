/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agents/doctor/check.h"
#include "base/mem.h"
#include "base/path.h"

/* Older ones lose the high half of 64-bit enumerators. */
#define OLDEST_CLANG 16
#define NEWEST_CLANG 21

/* The first that knows the section ".struct_ops.link". */
#define OLDEST_LIBBPF_MINOR 2

static bool check_object(struct json *checks, const char *name,
			 const char *file)
{
	char *path = path_lib(file);
	bool there = access(path, R_OK) == 0;

	if (there)
		doctor_add(checks, name, DOCTOR_OK, "", "%s", path);
	else
		doctor_add(checks, name, DOCTOR_MISSING,
			   "make, or install schedkit again", "'%s' is missing",
			   path);
	free(path);
	return there;
}

static void tell_libbpf(struct json *checks, const char *version)
{
	int major = 0, minor = 0;

	sscanf(version, "v%d.%d", &major, &minor);
	if (major > 1 || (major == 1 && minor >= OLDEST_LIBBPF_MINOR))
		doctor_add(checks, "libbpf", DOCTOR_OK, "", "%s", version);
	else
		doctor_add(checks, "libbpf", DOCTOR_WARN,
			   "make deps, or a libbpf1 of bookworm-backports or "
			   "later",
			   "%s is older than 1.%d: it attaches no policy "
			   "(.struct_ops.link)",
			   version, OLDEST_LIBBPF_MINOR);
}

/*
 * The library that the programs beside this one run with.  Asked by name:
 * whoever includes its headers would have to be in its room.
 */
static void check_libbpf(struct json *checks)
{
	const char *(*version)(void);
	void *lib = dlopen("libbpf.so.1", RTLD_NOW);

	if (!lib) {
		doctor_add(checks, "libbpf", DOCTOR_MISSING,
			   "make deps, or install libbpf1", "%s", dlerror());
		return;
	}
	version = (const char *(*)(void))dlsym(lib, "libbpf_version_string");
	tell_libbpf(checks, version ? version() : "v1.0");
	dlclose(lib);
}

static char *clang_version(const char *name)
{
	const char *argv[] = {name, "--version", NULL};
	char *answer = doctor_ask(argv), *at;

	if (!answer)
		return NULL;
	at = strstr(answer, "version ");
	if (at && atoi(at + strlen("version ")) >= OLDEST_CLANG)
		return doctor_first_line(answer);
	free(answer);
	return NULL;
}

/* NULL: none that is new enough; to be freed. */
static char *find_clang(void)
{
	char *found = clang_version("clang");

	for (int v = OLDEST_CLANG; !found && v <= NEWEST_CLANG; v++) {
		char name[16];

		snprintf(name, sizeof(name), "clang-%d", v);
		found = clang_version(name);
	}
	return found;
}

bool doctor_has_clang(void)
{
	char *found = find_clang();
	bool has = found;

	free(found);
	return has;
}

static void check_clang(struct json *checks)
{
	char *found = find_clang();

	if (found)
		doctor_add(checks, "clang", DOCTOR_OK, "", "%s", found);
	else
		doctor_add(checks, "clang", DOCTOR_WARN,
			   "make deps, or install clang",
			   "no clang %d or newer: BPF objects cannot be built",
			   OLDEST_CLANG);
	free(found);
}

static void check_git(struct json *checks)
{
	const char *argv[] = {"git", "--version", NULL};
	char *found = doctor_ask(argv);

	if (found)
		doctor_add(checks, "git", DOCTOR_OK, "", "%s",
			   doctor_first_line(found));
	else
		doctor_add(checks, "git", DOCTOR_WARN, "install git",
			   "not found: the history is kept, but only "
			   "sched-history reads it");
	free(found);
}

bool doctor_programs(struct json *checks)
{
	bool object = check_object(checks, "policy object", "policy.bpf.o");

	check_object(checks, "learned object", "learned.bpf.o");
	check_libbpf(checks);
	check_clang(checks);
	check_git(checks);
	return object;
}
