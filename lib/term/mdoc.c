/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "term/mdoc.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "doc/utf8.h"

#define COLUMNS	  78
#define MAX_ARGS  64
#define MAX_LISTS 8
#define MAX_OPEN  8
#define MAX_NAME  64
#define MAX_PARA  (256u << 10)
#define MAX_CELLS 12
#define STEP	  4 /* columns further in */

enum list_kind { LIST_TAG, LIST_BULLET, LIST_ENUM, LIST_COLUMN };

struct list {
	enum list_kind kind;
	bool compact;
	int at, count;
	int cells[MAX_CELLS]; /* how wide, all but the last */
};

struct page {
	struct buf *out, para;
	char name[MAX_NAME];
	bool glued;    /* the next word stands close to the last */
	bool loose;    /* .Sm on */
	bool literal;  /* lines stay as they are */
	bool synopsis; /* .Nm begins a line */
	char cited;    /* of a reference, the part before; '\0': none */
	bool gap;      /* an empty line is due */
	int indent;
	const char *mark; /* before the first line of what comes; or NULL */
	char number[16];
	struct buf row; /* what stands in one before its last cell */
	struct list lists[MAX_LISTS];
	size_t depth;
};

struct arg {
	char *text;
	bool quoted;
};

/* ---- characters ------------------------------------------------------- */

static const struct {
	char name[3];
	const char *text;
} specials[] = {
	{"aq", "'"},  {"dq", "\""}, {"en", "–"}, {"em", "—"}, {"ga", "`"},
	{"oq", "‘"},  {"cq", "’"},  {"lq", "“"}, {"rq", "”"}, {"bu", "•"},
	{"rs", "\\"}, {"ha", "^"},  {"ti", "~"}, {"->", "→"}, {"mu", "×"},
	{"<=", "≤"},  {">=", "≥"},
};

static const char *special(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(specials); i++)
		if (!strncmp(specials[i].name, name, 2))
			return specials[i].text;
	return "";
}

/* The escapes of roff, undone; a blank that must not break is one. */
static void put_plain(struct buf *b, const char *s)
{
	for (; *s; s++) {
		if (*s != '\\') {
			buf_add(b, s, 1);
			continue;
		}
		switch (*++s) {
		case '\0':
		case '"': /* the rest is a comment */
			return;
		case 'e':
			buf_puts(b, "\\");
			break;
		case '-':
		case ' ':
			buf_add(b, s, 1);
			break;
		case '(':
			if (!s[1] || !s[2])
				return;
			buf_puts(b, special(s + 1));
			s += 2;
			break;
		case 'f':
			s += s[1] != '\0';
			break;
		default: /* \& and its like take no room */
			break;
		}
	}
}

/* ---- paragraphs ------------------------------------------------------- */

static int width(const char *s, size_t len)
{
	return (int)utf8_count(s, len);
}

static void begin_line(struct page *p)
{
	int mark = p->mark ? width(p->mark, strlen(p->mark)) : 0;

	if (p->gap && p->out->len)
		buf_puts(p->out, "\n");
	p->gap = false;
	buf_printf(p->out, "%*s%s", p->indent - mark, "",
		   p->mark ? p->mark : "");
	p->mark = NULL;
}

static void flush(struct page *p)
{
	const char *s = p->para.len ? p->para.data : "";
	int column = 0;

	if (!*s) {
		p->glued = false;
		return;
	}
	begin_line(p);
	while (*s) {
		size_t len = strcspn(s, " ");
		int w = width(s, len);

		if (column && p->indent + column + 1 + w > COLUMNS) {
			buf_puts(p->out, "\n");
			begin_line(p);
			column = 0;
		}
		buf_printf(p->out, "%s%.*s", column ? " " : "", (int)len, s);
		column += w + (column > 0);
		s += len + strspn(s + len, " ");
	}
	buf_puts(p->out, "\n");
	buf_reset(&p->para);
	p->glued = false;
}

static void put(struct page *p, const char *before, const char *text)
{
	if (p->para.len && !p->glued)
		buf_puts(&p->para, " ");
	p->glued = !p->loose;
	buf_puts(&p->para, before);
	put_plain(&p->para, text);
}

/* Close to what is there already. */
static void put_close(struct page *p, const char *text)
{
	p->glued = true;
	put(p, "", text);
}

static void put_line(struct page *p, const char *text)
{
	begin_line(p);
	put_plain(p->out, text);
	buf_puts(p->out, "\n");
}

/* ---- macros in a line ------------------------------------------------- */

/* Those with words around what follows; text alone: a font, if anything. */
static const struct {
	char name[4];
	const char *open, *close;
} macros[] = {
	{"Op", "[", "]"},   {"Pq", "(", ")"},	{"Dq", "“", "”"},
	{"Sq", "‘", "’"},   {"Ql", "'", "'"},	{"Brq", "{", "}"},
	{"Aq", "<", ">"},   {"Bq", "[", "]"},	{"In", "<", ">"},
	{"Oo", "[", NULL},  {"Po", "(", NULL},	{"Do", "“", NULL},
	{"Oc", NULL, "]"},  {"Pc", NULL, ")"},	{"Dc", NULL, "”"},
	{"Ar", NULL, NULL}, {"Cm", NULL, NULL}, {"Dv", NULL, NULL},
	{"Em", NULL, NULL}, {"Er", NULL, NULL}, {"Ev", NULL, NULL},
	{"Fa", NULL, NULL}, {"Fl", NULL, NULL}, {"Fn", NULL, NULL},
	{"Ft", NULL, NULL}, {"Ic", NULL, NULL}, {"Li", NULL, NULL},
	{"Lk", NULL, NULL}, {"Nm", NULL, NULL}, {"No", NULL, NULL},
	{"Ns", NULL, NULL}, {"Pa", NULL, NULL}, {"Sx", NULL, NULL},
	{"Sy", NULL, NULL}, {"Va", NULL, NULL}, {"Vt", NULL, NULL},
	{"Xr", NULL, NULL},
};

#define NO_MACRO ARRAY_LEN(macros)

static size_t macro_of(const struct arg *a)
{
	size_t i = 0;

	while (i < NO_MACRO && (a->quoted || strcmp(macros[i].name, a->text)))
		i++;
	return i;
}

static bool is_mark(const struct arg *a, const char *set)
{
	return !a->quoted && *a->text && !a->text[1] && strchr(set, *a->text);
}

#define CLOSING ".,;:)]?!"

static bool only_marks(const struct arg *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_mark(&a[i], CLOSING))
			return false;
	return true;
}

/* Nothing of its own follows a macro that could be alone. */
static bool is_alone(const struct arg *a, size_t n)
{
	return !n || macro_of(a) < NO_MACRO || is_mark(a, CLOSING);
}

/* A page's name with its section, a function with its arguments: how many of
 * the words behind the macro that takes. */
static size_t put_pair(struct page *p, const char *macro, const struct arg *a,
		       size_t n)
{
	bool call = !strcmp(macro, "Fn");
	size_t i = 1;

	if (!n)
		return 0;
	put(p, "", a[0].text);
	if (!call && n < 2)
		return 1;
	put_close(p, "(");
	for (; i < n && (call ? !is_mark(&a[i], CLOSING) : i < 2); i++) {
		if (i > 1)
			put_close(p, ",");
		p->glued = i == 1;
		put(p, "", a[i].text);
	}
	put_close(p, ")");
	return i;
}

/* Begins a macro; returns how many words behind it are dealt with. */
static size_t enter(struct page *p, size_t m, const struct arg *a, size_t n,
		    const char **open, size_t *depth)
{
	const char *name = macros[m].name;

	if (!strcmp(name, "Ns"))
		p->glued = true;
	else if (!strcmp(name, "Xr") || !strcmp(name, "Fn"))
		return put_pair(p, name, a, n);
	else if (!strcmp(name, "Nm") && is_alone(a, n))
		put(p, "", p->name);
	else if (!strcmp(name, "Fl") && is_alone(a, n))
		put(p, "-", "");
	else if (!strcmp(name, "Ar") && is_alone(a, n))
		put(p, "", "file ...");
	if (macros[m].open) {
		put(p, macros[m].open, "");
		p->glued = true;
		if (macros[m].close && *depth < MAX_OPEN)
			open[(*depth)++] = macros[m].close;
	} else if (macros[m].close) {
		put_close(p, macros[m].close);
	}
	return 0;
}

static void put_words(struct page *p, const struct arg *a, size_t n)
{
	const char *open[MAX_OPEN];
	size_t depth = 0;
	bool flag = false;

	for (size_t i = 0; i < n; i++) {
		size_t m = macro_of(&a[i]);

		/* Marks at the end stand behind what is closed there. */
		while (depth && only_marks(a + i, n - i))
			put_close(p, open[--depth]);
		if (m < NO_MACRO) {
			flag = !strcmp(macros[m].name, "Fl");
			i += enter(p, m, a + i + 1, n - i - 1, open, &depth);
		} else if (is_mark(&a[i], CLOSING)) {
			put_close(p, a[i].text);
		} else {
			put(p, flag && !is_mark(&a[i], "|") ? "-" : "",
			    a[i].text);
			p->glued |= is_mark(&a[i], "([");
		}
	}
	while (depth)
		put_close(p, open[--depth]);
	/* What is closed there does not part them. */
	p->glued |= n && !a[n - 1].quoted && !strcmp(a[n - 1].text, "Ns");
}

/* ---- macros of blocks ------------------------------------------------- */

static bool has_arg(const struct arg *a, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(a[i].text, word))
			return true;
	return false;
}

static void begin_list(struct page *p, const struct arg *a, size_t n)
{
	struct list *l;

	flush(p);
	if (p->depth == MAX_LISTS)
		return;
	l = &p->lists[p->depth++];
	*l = (struct list){.at = p->indent,
			   .compact = has_arg(a, n, "-compact")};
	l->kind = has_arg(a, n, "-bullet")   ? LIST_BULLET
		  : has_arg(a, n, "-enum")   ? LIST_ENUM
		  : has_arg(a, n, "-column") ? LIST_COLUMN
					     : LIST_TAG;
	l->compact |= l->kind == LIST_COLUMN;
	p->gap |= l->compact;
	for (size_t i = 0, k = 0; i < n && k < MAX_CELLS; i++)
		if (*a[i].text != '-')
			l->cells[k++] = width(a[i].text, strlen(a[i].text));
}

/* A row: its last cell is what comes, the others are the mark before it. */
static void begin_row(struct page *p, const struct list *l, const struct arg *a,
		      size_t n)
{
	size_t from = 0, cell = 0;
	int at = 0;

	buf_reset(&p->row);
	for (size_t i = 0; i < n && cell < MAX_CELLS; i++) {
		if (a[i].quoted || strcmp(a[i].text, "Ta") != 0)
			continue;
		put_words(p, a + from, i - from);
		if (p->para.len)
			buf_add(&p->row, p->para.data, p->para.len);
		at += l->cells[cell++] + 2;
		do
			buf_puts(&p->row, " ");
		while (width(p->row.data, p->row.len) < at);
		buf_reset(&p->para);
		p->glued = false;
		from = i + 1;
	}
	p->mark = p->row.len ? p->row.data : NULL;
	p->indent += p->mark ? width(p->mark, p->row.len) : 0;
	put_words(p, a + from, n - from);
	flush(p);
	p->indent = l->at;
}

static void begin_item(struct page *p, const struct arg *a, size_t n)
{
	struct list *l = p->depth ? &p->lists[p->depth - 1] : NULL;

	flush(p);
	if (!l)
		return;
	p->gap |= !l->compact;
	p->indent = l->at;
	if (l->kind == LIST_COLUMN) {
		begin_row(p, l, a, n);
		return;
	}
	if (l->kind == LIST_TAG) {
		put_words(p, a, n);
		flush(p);
	}
	p->indent += STEP;
	if (l->kind != LIST_TAG) {
		snprintf(p->number, sizeof(p->number), "%d. ", ++l->count);
		p->mark = l->kind == LIST_ENUM ? p->number : "- ";
	}
}

static void end_list(struct page *p)
{
	flush(p);
	if (p->depth)
		p->indent = p->lists[--p->depth].at;
	p->gap = true;
}

static void heading(struct page *p, const struct arg *a, size_t n, bool section)
{
	flush(p);
	p->gap = true;
	p->indent = section ? 0 : STEP / 2;
	p->depth = 0;
	if (section)
		p->synopsis = n && !strcmp(a[0].text, "SYNOPSIS");
	put_words(p, a, n);
	flush(p);
	p->indent = STEP;
}

static void shown_line(struct page *p, const struct arg *a, size_t n)
{
	flush(p);
	p->indent += STEP;
	put_words(p, a, n);
	flush(p);
	p->indent -= STEP;
}

static void display(struct page *p, const struct arg *a, size_t n, bool begin)
{
	flush(p);
	p->gap |= begin;
	p->literal = begin && has_arg(a, n, "-literal");
	p->indent += begin ? STEP : p->indent >= STEP ? -STEP : 0;
}

static void title(struct page *p, const struct arg *a, size_t n)
{
	if (n > 1)
		buf_printf(p->out, "%s(%s)\n", a[0].text, a[1].text);
}

static void spacing(struct page *p, bool loose)
{
	p->loose = loose;
	p->glued = false;
}

static void end_paragraph(struct page *p)
{
	if (p->cited)
		put_close(p, ".");
	p->cited = '\0';
	flush(p);
	p->gap = true;
}

static bool block(struct page *p, const char *m, const struct arg *a, size_t n)
{
	static const char *const silent[] = {"Dd", "Os", "Rs", "Bk", "Ek"};

	for (size_t i = 0; i < ARRAY_LEN(silent); i++)
		if (!strcmp(m, silent[i]))
			return true;
	if (!strcmp(m, "Dt"))
		title(p, a, n);
	else if (!strcmp(m, "Sh") || !strcmp(m, "Ss"))
		heading(p, a, n, m[1] == 'h');
	else if (!strcmp(m, "Bl"))
		begin_list(p, a, n);
	else if (!strcmp(m, "It"))
		begin_item(p, a, n);
	else if (!strcmp(m, "El"))
		end_list(p);
	else if (!strcmp(m, "Bd") || !strcmp(m, "Ed"))
		display(p, a, n, *m == 'B');
	else if (!strcmp(m, "Dl") || !strcmp(m, "D1"))
		shown_line(p, a, n);
	else if (!strcmp(m, "Sm"))
		spacing(p, !has_arg(a, n, "off"));
	else if (!strcmp(m, "Pp") || !strcmp(m, "Re"))
		end_paragraph(p);
	else
		return false;
	return true;
}

/* ---- lines ------------------------------------------------------------ */

/* Words of a line of a macro, which is changed. */
static size_t split(char *s, struct arg *a)
{
	size_t n = 0;

	while (n < MAX_ARGS) {
		s += strspn(s, " \t");
		if (!*s || !strncmp(s, "\\\"", 2))
			break;
		a[n].quoted = *s == '"';
		s += a[n].quoted;
		a[n].text = s;
		s = strpbrk(s, a[n++].quoted ? "\"" : " \t");
		if (!s)
			break;
		*s++ = '\0';
	}
	return n;
}

/* A part of a reference: "%A Name". */
static void cite(struct page *p, char part, const struct arg *a, size_t n)
{
	if (p->cited == 'A' && part == 'A')
		put(p, "", "and");
	else if (p->cited)
		put_close(p, ",");
	p->cited = part;
	put_words(p, a, n);
}

static void macro_line(struct page *p, char *line)
{
	struct arg a[MAX_ARGS];
	size_t n = split(line, a);

	if (!n)
		return;
	if (!p->glued && p->literal)
		flush(p);
	if (block(p, a[0].text, a + 1, n - 1))
		return;
	if (!strcmp(a[0].text, "Nd")) {
		put(p, "", "–");
		put_words(p, a + 1, n - 1);
		return;
	}
	if (*a[0].text == '%') {
		cite(p, a[0].text[1], a + 1, n - 1);
		return;
	}
	if (!strcmp(a[0].text, "Nm")) {
		if (n > 1 && !*p->name)
			snprintf(p->name, sizeof(p->name), "%s", a[1].text);
		if (p->synopsis)
			flush(p);
	}
	put_words(p, a, n);
	if (p->literal)
		flush(p);
}

static void text_line(struct page *p, char *line)
{
	if (p->literal) {
		flush(p);
		put_line(p, line);
		return;
	}
	put(p, "", line);
}

void mdoc_text(struct buf *out, const char *source)
{
	struct page p = {.out = out, .loose = true};
	char *text = mem_strdup(source), *next;

	buf_init(&p.para, MAX_PARA);
	buf_init(&p.row, MAX_PARA);
	for (char *line = text; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (*line == '.' && line[1] != '\\')
			macro_line(&p, line + 1);
		else if (*line && *line != '.')
			text_line(&p, line);
		else if (p.literal && !*line)
			buf_puts(out, "\n");
	}
	flush(&p);
	buf_release(&p.row);
	buf_release(&p.para);
	free(text);
}

char *mdoc_purpose(const char *source)
{
	const char *at = strstr(source, "\n.Nd ");
	char *line;
	struct buf b;

	if (!at)
		return mem_strdup("");
	at += strlen("\n.Nd ");
	line = mem_strndup(at, strcspn(at, "\n"));
	buf_init(&b, 4 * COLUMNS);
	put_plain(&b, line);
	free(line);
	return buf_take(&b);
}
