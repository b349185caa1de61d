/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of agents and of their files, which models make up: they become paths
 * of a git tree that somebody checks out on some file system.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "crypt/digest.h"
#include "doc/utf8.h"
#include "history/file_parts.h"

#define FOLDER_MAX 200
#define SHOWN	   60 /* bytes of a name in a message */

/*
 * Controls, what turns the writing direction around, what is not seen (some
 * file systems skip it: ".g<nothing>it"), what is no character.
 */
static bool bad_character(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == '\\' || c == 0xad ||
	       (c >= 0x200b && c <= 0x200d) || c == 0x2028 || c == 0x2029 ||
	       (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       utf8_noncharacter(c) || utf8_changes_direction(c);
}

/* What is wrong with it; NULL: nothing. */
static const char *text_fault(const char *s, size_t max)
{
	size_t len = strlen(s), n;
	uint32_t c;

	if (!len)
		return "is empty";
	if (len > max)
		return "is too long";
	for (; *s; s += n, len -= n) {
		n = utf8_decode(s, len, &c);
		if (!n)
			return "is not UTF-8";
		if (bad_character(c))
			return "holds a character that no name may have";
	}
	return NULL;
}

/* One component: n bytes at s. */
static const char *component_fault(const char *s, size_t n)
{
	if (!n)
		return "has an empty component";
	if (*s == '.')
		return "has a component that begins with a dot";
	if (s[n - 1] == '.' || s[n - 1] == ' ' || *s == ' ')
		return "has a component with a dot or a space at its end";
	for (size_t i = 0; i < n; i++) {
		/* "git~1" is ".git" to some. */
		if (s[i] == '~' && i + 1 < n &&
		    isdigit((unsigned char)s[i + 1]))
			return "has a '~' before a digit";
		if (s[i] == ':')
			return "holds a ':'";
	}
	return NULL;
}

static const char *name_fault(const char *name)
{
	const char *fault = text_fault(name, FILE_NAME_MAX);
	size_t depth = 0, n;

	for (const char *s = name; !fault; s += n + 1) {
		n = strcspn(s, "/");
		fault = component_fault(s, n);
		if (!fault && ++depth > FILE_DEPTH_MAX)
			fault = "has too many components";
		if (!s[n])
			break;
	}
	return fault;
}

/* Names go into messages only as far as they are text. */
static int refuse(const char *what, const char *name, const char *fault)
{
	char shown[SHOWN + 1];
	size_t n = 0;

	for (; name[n] && n < SHOWN; n++)
		shown[n] = (char)(name[n] >= 0x20 && name[n] < 0x7f ? name[n]
								    : '?');
	shown[n] = '\0';
	return err_set(EINVAL,
		       "the %s '%s' %s: give plain words, with '/' between "
		       "them",
		       what, shown, fault);
}

int file_name_check(const char *name)
{
	const char *fault = name_fault(name);

	return fault ? refuse("file name", name, fault) : 0;
}

int file_agent_check(const char *agent)
{
	const char *fault = text_fault(agent, FILE_AGENT_MAX);

	return fault ? refuse("agent's name", agent, fault) : 0;
}

static bool is_plain(unsigned char c)
{
	return isalnum(c) || c == '_' || c == '-' || c >= 0x80;
}

/*
 * The folder of an agent in the tree; a file "agent" in it has its name.
 * Bytes that are not plain are %XX, so that no name is a folder of another.
 * Two percent signs in a row begin nothing of that kind: there the digest of
 * a name stands that would be too long for a file system.
 */
static void file_folder(char out[static FILE_FOLDER_LEN], const char *agent)
{
	static const char digits[] = "0123456789ABCDEF";
	char *o = out;

	for (const char *s = agent; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (is_plain(c)) {
			*o++ = *s;
			continue;
		}
		*o++ = '%';
		*o++ = digits[c >> 4];
		*o++ = digits[c & 15];
	}
	*o = '\0';
	if (o - out > FOLDER_MAX) {
		memcpy(out, "%%", 2);
		digest_hex(agent, strlen(agent), out + 2);
	}
}

void file_path(char out[static FILE_PATH_LEN], const char *agent,
	       const char *part, const char *name)
{
	size_t n;

	file_folder(out, agent);
	n = strlen(out);
	snprintf(out + n, FILE_PATH_LEN - n, "/%s%s%s", part, *name ? "/" : "",
		 name);
}
