/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/external.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/mem.h"

static const char prefix[] = "scx_";
static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/* ---- shape ------------------------------------------------------------ */

static bool consists_of(const char *s, size_t len, const char *others)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(letters, s[i]) && !strchr(others, s[i]))
			return false;
	return len > 0;
}

/* "-f" or "--slice-us", with or without "=VALUE"; the length of its name. */
static size_t option_len(const char *flag)
{
	size_t dashes = strspn(flag, "-"), name = strcspn(flag, "=");

	if (dashes == 1)
		return flag[1] && consists_of(flag + 1, 1, "") && !flag[2] ? 2
									   : 0;
	if (dashes != 2 || !consists_of(flag + 2, name - 2, "-_"))
		return 0;
	return name;
}

static bool is_value(const char *s)
{
	return *s != '-' && consists_of(s, strlen(s), "._,:+%-");
}

static int check_flag(const char *flag, size_t at, bool after_option)
{
	static const char *const idle[] = {"-h", "--help", "-V", "--version"};
	size_t name = *flag == '-' ? option_len(flag) : 0;

	if (!*flag)
		return err_set(EINVAL, "external.flags.%zu: it is empty", at);
	for (size_t i = 0; i < ARRAY_LEN(idle); i++)
		if (!strcmp(idle[i], flag))
			return err_set(EINVAL,
				       "external.flags.%zu: '%s' makes it "
				       "schedule nothing",
				       at, flag);
	if (*flag != '-' && !after_option)
		return err_set(EINVAL,
			       "external.flags.%zu: '%s' is neither an option "
			       "nor the value of one",
			       at, flag);
	if (*flag != '-' ? !is_value(flag)
			 : !name || (flag[name] && !is_value(flag + name + 1)))
		return err_set(EINVAL,
			       "external.flags.%zu: '%s' is not of the shape "
			       "-x, --name, --name=VALUE or VALUE, of letters, "
			       "digits and ._,:+%%-",
			       at, flag);
	return 0;
}

static bool is_text(const char *s, size_t size)
{
	return strnlen(s, size) < size;
}

int external_check(const struct external *e)
{
	bool after_option = false;
	size_t len;

	if (!is_text(e->program, sizeof(e->program)) ||
	    e->count > EXTERNAL_MAX_FLAGS)
		return err_set(EINVAL, "not a program and its flags");
	len = strlen(e->program);
	if (strncmp(e->program, prefix, strlen(prefix)) ||
	    !consists_of(e->program, len, "_-.") || len == strlen(prefix))
		return err_set(EINVAL,
			       "external.program: '%s' is not the plain name "
			       "of a scheduler, which begins with %s",
			       e->program, prefix);
	for (size_t at = 0; at < e->count; at++) {
		const char *flag = e->flags[at];
		int rc;

		if (!is_text(flag, sizeof(e->flags[at])))
			return err_set(EINVAL, "not a program and its flags");
		rc = check_flag(flag, at, after_option);
		if (rc)
			return rc;
		after_option = *flag == '-' && !strchr(flag, '=');
	}
	return 0;
}

/* ---- the file --------------------------------------------------------- */

static bool only_roots(const char *path, bool folder)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_uid == 0 &&
	       (folder ? S_ISDIR(st.st_mode) : S_ISREG(st.st_mode)) &&
	       (!(st.st_mode & S_IWGRP) || st.st_gid == 0) &&
	       /* In a sticky folder nobody replaces what is root's. */
	       (!(st.st_mode & S_IWOTH) || (folder && st.st_mode & S_ISVTX));
}

int external_check_file(const char *path)
{
	char *copy = mem_strdup(path);
	bool good = *path == '/' && only_roots(path, false);

	/* Whoever can rename it can replace it. */
	for (char *slash; good && (slash = strrchr(copy, '/')) != copy;) {
		*slash = '\0';
		good = only_roots(copy, true);
	}
	free(copy);
	return good ? 0
		    : err_set(EACCES,
			      "external.program: '%s' or a folder above it is "
			      "not root's alone: somebody else might have "
			      "changed it",
			      path);
}

static char *look_in(const char *folder, size_t len, const char *program)
{
	char *name = mem_printf("%.*s/%s", (int)len, folder, program);
	char *path = *folder == '/' ? realpath(name, NULL) : NULL;

	free(name);
	return path;
}

int external_find(const struct external *e, char **path)
{
	static const char system_path[] = "/usr/local/sbin:/usr/local/bin:"
					  "/usr/sbin:/usr/bin:/sbin:/bin";
	const char *lists[] = {system_path, getenv("PATH")};
	int rc = external_check(e);

	*path = NULL;
	if (rc)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(lists) && !*path; i++) {
		for (const char *p = lists[i]; p && *p && !*path;) {
			size_t len = strcspn(p, ":");

			*path = look_in(p, len, e->program);
			p += len + (p[len] == ':');
		}
	}
	if (!*path)
		return err_set(ENOENT,
			       "external.program: '%s' is not installed (not "
			       "in %s nor in PATH)",
			       e->program, system_path);
	rc = external_check_file(*path);
	if (rc) {
		free(*path);
		*path = NULL;
	}
	return rc;
}

/* ---- its flags -------------------------------------------------------- */

static bool in_name(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* Past the option where it stands as a word of its own; NULL: nowhere. */
static const char *after_word(const char *help, const char *option, size_t len)
{
	for (const char *p = help; (p = strstr(p, option)); p += len)
		if ((p == help || !in_name(p[-1])) && !in_name(p[len]))
			return p + len;
	return NULL;
}

/*
 * "-s, --slice-us <US>", "-s SLICE_US   words", "--slice-us=N": does what
 * follows the option say that it wants a value?
 */
static bool wants_value(const char *p)
{
	for (;;) {
		const char *next = p + strspn(p, ",/|");

		if (next > p)
			next += strspn(next, " ");
		if (next == p || *next != '-')
			break;
		p = next;
		while (in_name(*p))
			p++;
	}
	if (*p == '=' || !strncmp(p, "[=", 2))
		return true;
	if (*p != ' ')
		return false;
	p++;
	if (*p == '<' || *p == '[')
		return true;
	if (!isupper((unsigned char)*p))
		return false;
	while (isupper((unsigned char)*p) || isdigit((unsigned char)*p) ||
	       *p == '_')
		p++;
	return !islower((unsigned char)*p);
}

static int check_option(const char *flag, size_t at, const char *value,
			const char *help)
{
	size_t len = option_len(flag);
	char *option = mem_strndup(flag, len);
	const char *p = after_word(help, option, len);
	int rc = 0;

	if (!p)
		rc = err_set(EINVAL,
			     "external.flags.%zu: the program's --help knows "
			     "no '%s'",
			     at, option);
	else if (value && !wants_value(p))
		rc = err_set(EINVAL,
			     "external.flags.%zu: '%s' takes no value, but "
			     "'%s' is given",
			     at, option, value);
	free(option);
	return rc;
}

int external_check_flags(const struct external *e, const char *help)
{
	for (size_t at = 0; at < e->count; at++) {
		const char *flag = e->flags[at], *value = strchr(flag, '=');
		int rc;

		if (value)
			value++;
		else if (at + 1 < e->count && *e->flags[at + 1] != '-')
			value = e->flags[at + 1];
		rc = *flag == '-' ? check_option(flag, at, value, help) : 0;
		if (rc)
			return rc;
	}
	return 0;
}
