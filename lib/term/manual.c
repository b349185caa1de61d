/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "term/manual.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"

#define OURS	  "sched"
#define PAGE_LEN  64
#define PAGES_MAX 512

static const char sections[] = "157";
static const char packed[] = ".gz";

/* "sched-verify.1": it could be a page of ours; no name leaves the folder. */
static bool is_page(const char *name)
{
	size_t len = strlen(name);

	return len > 2 && len < PAGE_LEN && name[len - 2] == '.' &&
	       strchr(sections, name[len - 1]) &&
	       !strncmp(name, OURS, strlen(OURS)) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len - 2;
}

static char *folder_of(char section)
{
	char *rel = mem_printf("../share/man/man%c", section);
	char *path = path_bin(rel);

	free(rel);
	return path;
}

static void add_pages(const char *folder, struct strs *out)
{
	DIR *d = opendir(folder);
	struct dirent *e;

	while (d && out->len < PAGES_MAX && (e = readdir(d))) {
		char *name = mem_strdup(e->d_name);
		size_t len = strlen(name), tail = strlen(packed);

		if (len > tail && !strcmp(name + len - tail, packed))
			name[len - tail] = '\0';
		if (is_page(name))
			strs_add(out, name);
		free(name);
	}
	if (d)
		closedir(d);
}

void manual_pages(struct strs *out)
{
	for (const char *s = sections; *s; s++) {
		char *folder = folder_of(*s);

		add_pages(folder, out);
		free(folder);
	}
	strs_sort(out);
}

char *manual_path(const char *page)
{
	static const char *const tails[] = {"", packed};
	char *folder;

	if (!is_page(page))
		return NULL;
	folder = folder_of(page[strlen(page) - 1]);
	for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
		char *path = mem_printf("%s/%s%s", folder, page, tails[i]);

		if (access(path, R_OK) == 0) {
			free(folder);
			return path;
		}
		free(path);
	}
	free(folder);
	return NULL;
}

/* The page, which is taken, where it is there. */
static char *if_there(char *page)
{
	char *path = manual_path(page);

	if (!path) {
		free(page);
		return NULL;
	}
	free(path);
	return page;
}

/* "NAME.7" of "NAME(7)"; the caller's. */
static char *without_brackets(const char *name)
{
	size_t len = strlen(name);

	if (len < 4 || name[len - 3] != '(' || name[len - 1] != ')')
		return mem_strdup(name);
	return mem_printf("%.*s.%c", (int)(len - 3), name, name[len - 2]);
}

char *manual_find(const char *name)
{
	static const struct {
		const char *before, *section;
	} forms[] = {
		{"", ""},	   {"sched-", ".1"},
		{"", ".1"},	   {"schedkit-", ".7"},
		{"", ".7"},	   {"schedkit-", ".5"},
		{"", ".5"},	   {"sched-", ""},
		{"schedkit-", ""},
	};
	char *plain = without_brackets(name), *page = NULL;

	for (size_t i = 0; i < ARRAY_LEN(forms) && !page; i++)
		page = if_there(mem_printf("%s%s%s", forms[i].before, plain,
					   forms[i].section));
	free(plain);
	return page;
}
