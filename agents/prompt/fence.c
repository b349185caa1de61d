/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outsiders wrote, made harmless.
 *
 * Every line of theirs stands behind "| " (or a number and "| "), so that no
 * line of theirs can be one of ours.  Characters that are not seen, or that
 * change how others are read, are shown as numbers; the beginnings of the
 * marks that chat templates and tool calls are made of are pulled apart.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "agents/prompt/prompt.h"
#include "base/mem.h"
#include "doc/utf8.h"

#define UNIT_MAX 24

enum style { STYLE_BLOCK, STYLE_CODE, STYLE_QUOTE };

/* First and last of what is invisible or turns text round: soft hyphens,
 * fillers, zero-width and bidirectional marks, separators, variation
 * selectors, tags. */
static const uint32_t hidden[][2] = {
	{0x7f, 0x9f},	    {0xad, 0xad},	{0x34f, 0x34f},
	{0x61c, 0x61c},	    {0x115f, 0x1160},	{0x17b4, 0x17b5},
	{0x180b, 0x180f},   {0x200b, 0x200f},	{0x2028, 0x202e},
	{0x2060, 0x206f},   {0x2800, 0x2800},	{0x3164, 0x3164},
	{0xfe00, 0xfe0f},   {0xfeff, 0xfeff},	{0xffa0, 0xffa0},
	{0xfff0, 0xfffb},   {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
	{0xe0000, 0xe0fff},
};

static bool is_hidden(uint32_t cp)
{
	if (cp < 0x20)
		return cp != '\t';
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if (cp >= hidden[i][0] && cp <= hidden[i][1])
			return true;
	return utf8_noncharacter(cp);
}

/* "<|im_start|>", "</s>", "<start_of_turn>", "<<SYS>>", "<｜User｜>"; "[INST]",
 * "[/INST]", "[TOOL_CALLS]".  A blank harms neither prose nor C. */
static bool begins_mark(const char *s, size_t len)
{
	unsigned char next = len > 1 ? (unsigned char)s[1] : ' ';

	if (*s == '<')
		return isalpha(next) || strchr("|/!?_", next) || next >= 0x80;
	if (*s == '[')
		return next == '/' || (isalpha(next) && len > 2 &&
				       isupper((unsigned char)s[2]));
	return false;
}

/* How many bytes of s one unit takes; what it becomes is in out. */
static size_t unit(enum style style, const char *s, size_t len,
		   char out[static UNIT_MAX])
{
	uint32_t cp;
	size_t n = utf8_decode(s, len, &cp);

	if (!n) {
		snprintf(out, UNIT_MAX, "\\x%02x", (unsigned char)*s);
		return 1;
	}
	if (cp == '\n' && style != STYLE_QUOTE) {
		snprintf(out, UNIT_MAX, "\n");
	} else if (style == STYLE_QUOTE && (cp == '"' || cp == '\\')) {
		snprintf(out, UNIT_MAX, "\\%c", (int)cp);
	} else if (style == STYLE_QUOTE && (cp == '`' || cp == '|')) {
		snprintf(out, UNIT_MAX, "'");
	} else if (is_hidden(cp)) {
		snprintf(out, UNIT_MAX, cp < 0x80 ? "\\x%02x" : "\\u{%x}",
			 (unsigned)cp);
	} else {
		snprintf(out, UNIT_MAX, "%.*s%s", (int)n, s,
			 begins_mark(s, len) ? " " : "");
	}
	return n;
}

/* What a unit takes of the room, the beginning of the next line with it. */
static size_t cost(enum style style, const char *out)
{
	return *out != '\n' ? strlen(out) : style == STYLE_CODE ? 7 : 3;
}

static size_t whole_cost(enum style style, const char *s, size_t len)
{
	char out[UNIT_MAX];
	size_t total = 0;

	for (size_t at = 0; at < len; total += cost(style, out))
		at += unit(style, s + at, len - at, out);
	return total;
}

static void begin_line(struct buf *b, enum style style, size_t number)
{
	if (style == STYLE_CODE)
		buf_printf(b, "%4zu| ", number);
	else if (style == STYLE_BLOCK)
		buf_puts(b, "| ");
}

static void say_cut(struct buf *b, enum style style, size_t bytes, size_t line)
{
	if (style == STYLE_QUOTE) {
		buf_puts(b, "…");
		return;
	}
	buf_printf(b, "\n(%zu bytes are left out here)\n", bytes);
	begin_line(b, style, line);
}

/* Of what is too long the first two thirds and the last. */
static void body(struct buf *b, enum style style, const char *s, size_t len,
		 size_t max)
{
	size_t total = whole_cost(style, s, len), seen = 0, left = 0, line = 1;
	size_t head = total > max ? max - max / 3 : total;
	size_t tail = total > max ? total - max / 3 : total;
	char out[UNIT_MAX];

	begin_line(b, style, line);
	for (size_t at = 0; at < len;) {
		size_t from = seen;

		at += unit(style, s + at, len - at, out);
		seen += cost(style, out);
		line += *out == '\n';
		if (seen > head && from < tail) {
			left += seen - from;
			continue;
		}
		if (left)
			say_cut(b, style, left, line);
		left = 0;
		buf_puts(b, out);
		if (*out == '\n')
			begin_line(b, style, line);
	}
	if (left)
		say_cut(b, style, left, line);
}

static void fence(struct buf *b, enum style style, const char *label,
		  const char *text, size_t max)
{
	size_t len = text ? strlen(text) : 0;

	/* A last line end would leave an empty line. */
	while (len && text[len - 1] == '\n')
		len--;
	if (!len) {
		buf_printf(b, "--- data: %s: none ---\n", label);
		return;
	}
	buf_printf(b, "--- data: %s ---\n", label);
	body(b, style, text, len, max);
	buf_puts(b, "\n--- end of data ---\n");
}

void prompt_fence(struct buf *b, const char *label, const char *text,
		  size_t max)
{
	fence(b, STYLE_BLOCK, label, text, max);
}

void prompt_code(struct buf *b, const char *label, const char *text, size_t max)
{
	fence(b, STYLE_CODE, label, text, max);
}

void prompt_quote(struct buf *b, const char *text, size_t max)
{
	buf_puts(b, "\"");
	if (text)
		body(b, STYLE_QUOTE, text, strlen(text), max);
	buf_puts(b, "\"");
}
