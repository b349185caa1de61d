/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "slurm,partition=short,at_once=8". */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "executor/engine.h"

enum value { VALUE_WORD, VALUE_COUNT, VALUE_SECONDS, VALUE_PATH, VALUE_HOSTS };

#define BOTH "slurm parallel"

static const struct key {
	const char *name, *engines;
	enum value value;
	size_t at;
} keys[] = {
	{"dir", BOTH, VALUE_PATH, offsetof(struct executor, dir)},
	{"program", BOTH, VALUE_PATH, offsetof(struct executor, program)},
	{"at_once", BOTH, VALUE_COUNT, offsetof(struct executor, at_once)},
	{"patience", BOTH, VALUE_SECONDS,
	 offsetof(struct executor, patience_s)},
	{"partition", "slurm", VALUE_WORD,
	 offsetof(struct executor, partition)},
	{"account", "slurm", VALUE_WORD, offsetof(struct executor, account)},
	{"time", "slurm", VALUE_WORD, offsetof(struct executor, time)},
	{"mem", "slurm", VALUE_WORD, offsetof(struct executor, mem)},
	{"cpus", "slurm", VALUE_COUNT, offsetof(struct executor, cpus)},
	{"hosts", "parallel", VALUE_HOSTS, offsetof(struct executor, hosts)},
	{"hostfile", "parallel", VALUE_PATH,
	 offsetof(struct executor, hostfile)},
};

static bool only(const char *text, const char *others)
{
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr(others, *c))
			return false;
	return *text != '\0' && *text != '-';
}

/* Each of them is a name, perhaps with "8/" before it, and no option of ssh. */
static bool are_hosts(const char *list)
{
	bool begins = true;

	for (const char *c = list; *c; c++) {
		if (begins && strchr("-;/", *c))
			return false;
		begins = *c == ';' || *c == '/';
	}
	return !begins && only(list, "._-:@/;");
}

static int bad(const char *key, const char *value, const char *want)
{
	return err_set(EINVAL, "%s: '%s' is not %s", key, value, want);
}

static int take_number(const struct key *k, const char *value, void *at)
{
	char *end;
	double x = strtod(value, &end);
	bool whole = k->value == VALUE_COUNT;

	if (end == value || *end || !(x >= 1 && x <= 1e6) ||
	    (whole && x != (double)(long)x))
		return bad(k->name, value,
			   whole ? "a number from 1 on"
				 : "seconds, at least 1");
	if (whole)
		*(long *)at = (long)x;
	else
		*(double *)at = x;
	return 0;
}

static int take(struct executor *e, const struct key *k, const char *value)
{
	char *at = (char *)e + k->at;

	switch (k->value) {
	case VALUE_COUNT:
	case VALUE_SECONDS:
		return take_number(k, value, at);
	case VALUE_PATH:
		if (!folder_is_plain(value))
			return bad(k->name, value,
				   "a path from the root, of letters, digits "
				   "and /._+@-");
		break;
	case VALUE_HOSTS:
		if (!are_hosts(value))
			return bad(k->name, value,
				   "names of hosts with ';' between them");
		break;
	case VALUE_WORD:
		if (!only(value, "._:-"))
			return bad(k->name, value,
				   "a word of letters, digits and ._:-");
		break;
	}
	free(*(char **)at);
	*(char **)at = mem_strdup(value);
	return 0;
}

static int take_key(struct executor *e, char *word)
{
	char *value = strchr(word, '=');

	if (!value || value == word)
		return err_set(EINVAL, "'%s' is not KEY=VALUE", word);
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(word, keys[i].name))
			continue;
		if (!strstr(keys[i].engines, e->engine->name))
			return err_set(EINVAL, "'%s' is no key of %s", word,
				       e->engine->name);
		return take(e, &keys[i], value);
	}
	return err_set(EINVAL, "there is no key '%s'", word);
}

int engine_options(struct executor *e, const char *text)
{
	static const struct engine *const engines[] = {&engine_slurm,
						       &engine_parallel};
	char *copy = mem_strdup(text), *save = NULL;
	char *word = strtok_r(copy, ",", &save);
	int rc = 0;

	for (size_t i = 0; word && i < ARRAY_LEN(engines); i++)
		if (!strcmp(word, engines[i]->name))
			e->engine = engines[i];
	if (!e->engine)
		rc = err_set(EINVAL, "'%s' is neither slurm nor parallel",
			     word ? word : "");
	while (!rc && (word = strtok_r(NULL, ",", &save)))
		rc = take_key(e, word);
	free(copy);
	return rc ? rc : e->engine->check(e);
}
