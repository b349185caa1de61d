/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scx/dump_line.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* ---- what logs put before a line --------------------------------------- */

/* "<6>" of the kernel's buffer, "[   12.345678] " of dmesg. */
static const char *skip_stamp(const char *s)
{
	const char *p = s;

	if (*p == '<') {
		p += 1 + strspn(p + 1, "0123456789");
		if (*p == '>' && p > s + 1)
			return p + 1;
	} else if (*p == '[') {
		p += 1 + strspn(p + 1, " .:-0123456789TC");
		if (p[0] == ']' && p[1] == ' ' && p > s + 3)
			return p + 2;
	}
	return s;
}

/* "Jul 13 00:36:54 host kernel: " and the same with a full date. */
static const char *skip_journal(const char *s)
{
	const char *p = s, *colon;

	if (isupper((unsigned char)p[0]) && islower((unsigned char)p[1]) &&
	    islower((unsigned char)p[2]) && p[3] == ' ')
		p += 4 + strspn(p + 4, " 0123456789");
	else if (strspn(p, "0123456789") == 4 && p[4] == '-')
		p += strcspn(p, "T ");
	else
		return s;
	if (*p != ':' && *p != 'T' && *p != ' ')
		return s;
	colon = strstr(p, ": ");
	return colon && colon - s < 128 ? colon + 2 : s;
}

const char *dump_line_text(const char *line)
{
	static const char mark[] = "sched_ext_dump: ";
	const char *traced = strstr(line, mark), *after;

	if (traced)
		return traced + strlen(mark);
	for (int i = 0; i < 3; i++) {
		after = skip_stamp(skip_journal(line));
		if (after == line)
			break;
		line = after;
	}
	return line;
}

/* ---- words ------------------------------------------------------------- */

/* A whole number in decimal digits that fits into an int. */
static bool number(const char *s, size_t len, int *out)
{
	long n = 0;

	if (!len || len > 10)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)s[i]))
			return false;
		n = n * 10 + (s[i] - '0');
	}
	if (n > INT_MAX)
		return false;
	*out = (int)n;
	return true;
}

bool dump_line_who(const char *s, size_t len, char comm[static DUMP_COMM_LEN],
		   int *pid)
{
	size_t open = len;

	if (len < 3 || s[len - 1] != ']')
		return false;
	while (open > 0 && s[open - 1] != '[')
		open--;
	if (!open || !number(s + open, len - 1 - open, pid))
		return false;
	len = open - 1 < DUMP_COMM_LEN ? open - 1 : DUMP_COMM_LEN - 1;
	memcpy(comm, s, len);
	comm[len] = '\0';
	return true;
}

const char *dump_line_value(const char *line, const char *key)
{
	size_t len = strlen(key);

	for (const char *s = line; (s = strstr(s, key)); s += len)
		if (s[len] == '=' && (s == line || s[-1] == ' '))
			return s + len + 1;
	return NULL;
}

bool dump_line_mask(const char *s, uint64_t mask[static DUMP_MASK_WORDS])
{
	size_t len = strspn(s, "0123456789abcdefABCDEF,"), bit = 0;

	memset(mask, 0, DUMP_MASK_WORDS * sizeof(*mask));
	if (!len)
		return false;
	while (len-- > 0) {
		char digit[2] = {s[len]};
		uint64_t four;

		if (*digit == ',')
			continue;
		four = strtoul(digit, NULL, 16);
		if (bit >= DUMP_MAX_CPUS) {
			if (four)
				return false;
			continue;
		}
		mask[bit / 64] |= four << bit % 64;
		bit += 4;
	}
	return true;
}

/* ---- lines ------------------------------------------------------------- */

/* The beginning of the last word of s[0..len). */
static size_t last_word(const char *s, size_t len)
{
	while (len > 0 && s[len - 1] != ' ')
		len--;
	return len;
}

/* "-123ms": how long; the kernel counts from the dump. */
static bool wait_of(const char *s, const char *end, long *ms)
{
	char *after;
	long n;

	if (*s != '+' && *s != '-')
		return false;
	errno = 0;
	n = strtol(s, &after, 10);
	if (errno || after + 2 != end || strncmp(after, "ms", 2) ||
	    after == s + 1 || n < -LONG_MAX)
		return false;
	*ms = n < 0 ? -n : 0;
	return true;
}

bool dump_line_task(const char *line, struct dump_task *t)
{
	size_t len = strlen(line), at;

	if (len < 8 || line[0] != ' ' || !strchr(" *", line[1]) ||
	    !isalpha((unsigned char)line[2]) || line[3] != ' ')
		return false;
	at = last_word(line, len);
	if (at < 6 || !wait_of(line + at, line + len, &t->wait_ms))
		return false;
	len = at - 1;
	/* 7.1 and later say whose task it is: "comm[1] *root -5ms". */
	if (line[len - 1] != ']') {
		at = last_word(line, len);
		if (at < 6)
			return false;
		len = at - 1;
	}
	if (len < 7 || !dump_line_who(line + 4, len - 4, t->comm, &t->pid))
		return false;
	t->running = line[1] == '*';
	t->state = line[2];
	return true;
}

bool dump_line_cpu(const char *line, struct dump_cpu *c)
{
	const char *runs;
	size_t digits;

	if (strncmp(line, "CPU ", 4))
		return false;
	digits = strspn(line + 4, "0123456789");
	if (!number(line + 4, digits, &c->cpu) || c->cpu >= DUMP_MAX_CPUS)
		return false;
	line += 4 + digits;
	line += strspn(line, " ");
	runs = dump_line_value(line, "nr_run");
	if (*line != ':' || !runs)
		return false;
	c->runnable = (unsigned)strtoul(runs, NULL, 10);
	return true;
}

bool dump_line_curr(const char *line, struct dump_cpu *c)
{
	static const char key[] = " class=";
	const char *start, *class = NULL, *s;
	size_t len;

	start = line + strspn(line, " ");
	if (start < line + 4 || strncmp(start, "curr=", 5))
		return false;
	start += 5;
	/* The last one: a task may be called that. */
	for (s = start; (s = strstr(s, key)); s++)
		class = s;
	if (!class ||
	    !dump_line_who(start, (size_t)(class - start), c->comm, &c->pid))
		return false;
	class += strlen(key);
	len = strspn(class, "abcdefghijklmnopqrstuvwxyz_");
	if (len >= sizeof(c->class))
		return false;
	memcpy(c->class, class, len);
	c->class[len] = '\0';
	return true;
}

bool dump_line_head(const char *line, int *kind, int *cpu)
{
	static const char words[] = "] triggered exit kind ";
	static const char where[] = " on CPU ";
	const char *s = strstr(line, words);
	size_t digits;

	if (!s)
		return false;
	s += strlen(words);
	digits = strspn(s, "0123456789");
	if (!number(s, digits, kind))
		return false;
	s += digits;
	*cpu = -1;
	if (!strncmp(s, where, strlen(where))) {
		s += strlen(where);
		digits = strspn(s, "0123456789");
		if (!number(s, digits, cpu))
			return false;
		s += digits;
	}
	return *s == ':';
}
