/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/builder/lint_code.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/builder/lint_words.h"
#include "base/mem.h"
#include "base/strs.h"
#include "sim/sim.h"

#define NAME_LEN 128
#define TEXT_LEN 256

/* A declaration at file scope, as far as it was read. */
struct declaration {
	bool is_static, is_const, is_type, any;
	bool is_named; /* of a type: there is a variable of it, too */
	size_t names;
	bool has_parens, has_value, has_body, is_function;
	struct token name; /* before the first parenthesis, or the last one */
};

struct reader {
	struct code_lint *c;
	struct lexer lexer;
	bool expanded;
	bool inside;		     /* of the policy's own text */
	long marker_line, file_line; /* expanded: lines by the last marker */
	struct token before[2];	     /* the last tokens, latest first */
	long braces, parens;
	struct declaration d;
	struct strs known;    /* functions and macros of its own */
	bool code;	      /* something but an #include was there */
	bool in_directive;    /* until the end of the line */
	bool takes_arguments; /* the macro that it defines does */
	bool lone_hash;	      /* the last token is a #, not half of ## */
	/* Inside __attribute__((…)) or SEC(…). */
	bool in_attribute, in_section;
	long attribute_parens;
	struct token attribute; /* the latest name in it */
	char section[NAME_LEN];
	bool in_asm;
};

/* ---- findings --------------------------------------------------------- */

static long line_of(const struct reader *r, const struct token *t)
{
	long line = t->line;

	if (r->expanded)
		line += r->file_line - r->marker_line - 1;
	return line > 0 ? line : 0;
}

static void __attribute__((format(printf, 4, 5)))
found(struct reader *r, const char *rule, const struct token *t,
      const char *fmt, ...)
{
	char text[TEXT_LEN];
	va_list ap;

	if (r->c->findings++ >= CODE_MAX_FINDINGS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->c->find(r->c->arg, rule, line_of(r, t), text);
}

static int show(const struct token *t)
{
	return t->len < 60 ? (int)t->len : 60;
}

/* ---- directives ------------------------------------------------------- */

/* Nothing but space, and at most one comment that ends in this line. */
static bool is_comment(const char *p, const char *end)
{
	const char *close;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p == end || (end - p >= 2 && !memcmp(p, "//", 2)))
		return true;
	if (end - p < 4 || memcmp(p, "/*", 2) != 0)
		return false;
	close = memmem(p + 2, (size_t)(end - p - 2), "*/", 2);
	return close && close + 2 == end;
}

static void read_include(struct reader *r, const struct token *at)
{
	struct token t = lexer_rest(&r->lexer);
	char close = t.len && *t.text == '<' ? '>' : '"';
	const char *const *h = code_headers(r->c->form);
	const char *end;

	if (!t.len || (*t.text != '"' && *t.text != '<')) {
		found(r, "include", at, "#include of a macro");
		return;
	}
	end = memchr(t.text + 1, close, t.len - 1);
	if (!end || !is_comment(end + 1, t.text + t.len)) {
		found(r, "include", at,
		      "#include: nothing but a name in quotes may follow");
		return;
	}
	if (r->code)
		found(r, "include", at,
		      "#include comes before everything else: a macro must "
		      "not change what a header says");
	for (; *h; h++)
		if (strlen(*h) == (size_t)(end - t.text - 1) &&
		    !memcmp(*h, t.text + 1, strlen(*h)))
			return;
	found(r, "include", at, "#include %.*s is not allowed; %s", show(&t),
	      t.text,
	      r->c->form == CODE_HOOKS
		      ? "hooks need only \"hooks.h\""
		      : "\"scx.bpf.h\" has what there is, beside it are "
			"\"kernel.bpf.h\", \"identity.bpf.h\" and "
			"<bpf/bpf_helpers.h>, <bpf/bpf_core_read.h>, "
			"<bpf/bpf_tracing.h>");
}

static void read_pragma(struct reader *r, const struct token *at)
{
	struct token t = lexer_rest(&r->lexer);

	if (!word_pragma_allowed(t.text, t.len, r->expanded))
		found(r, "pragma", at, "#pragma %.*s is not allowed", show(&t),
		      t.text);
}

static void know(struct reader *r, const struct token *t)
{
	strs_printf(&r->known, "%.*s", (int)t->len, t->text);
}

static void read_define(struct reader *r)
{
	struct token t = lexer_next(&r->lexer);

	if (t.kind == TOKEN_NAME)
		know(r, &t);
	r->takes_arguments = t.text[t.len] == '(';
}

/*
 * A # that a macro makes would read like the preprocessor's own lines: only
 * #argument and ## are left.
 */
static void check_hash(struct reader *r, const struct token *t, bool directive)
{
	bool hash = !directive && token_is(t, "#");
	bool second = hash && r->lone_hash && !t->space;
	bool argument =
		t->kind == TOKEN_NAME && r->in_directive && r->takes_arguments;

	if ((r->lone_hash && !second && (t->first || !argument)) ||
	    (hash && !r->in_directive))
		found(r, "directive", t,
		      "a # that begins no directive: in macros #argument and "
		      "## are all there is");
	r->lone_hash = hash && !second && r->in_directive;
}

static void read_directive(struct reader *r, const struct token *at)
{
	static const char *const plain[] = {"undef", "if",   "ifdef", "ifndef",
					    "elif",  "else", "endif"};
	struct token t = lexer_next(&r->lexer);

	if (token_is(&t, "include")) {
		read_include(r, at);
		return;
	}
	r->code = true;
	if (token_is(&t, "pragma")) {
		read_pragma(r, at);
		return;
	}
	if (token_is(&t, "define")) {
		read_define(r);
		return;
	}
	if (token_is(&t, "error")) {
		lexer_rest(&r->lexer);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (token_is(&t, plain[i]))
			return;
	found(r, "directive", at, "#%.*s is not allowed", show(&t), t.text);
	lexer_rest(&r->lexer);
}

/* # 12 "policy.c" 2 */
static void read_marker(struct reader *r, const struct token *at)
{
	struct token number = lexer_next(&r->lexer), file;
	bool ours;

	if (token_is(&number, "pragma")) {
		if (r->inside)
			read_pragma(r, at);
		else
			lexer_rest(&r->lexer);
		return;
	}
	file = lexer_next(&r->lexer);
	lexer_rest(&r->lexer);
	if (number.kind != TOKEN_NUMBER || file.kind != TOKEN_STRING) {
		found(r, "directive", at, "a directive that is not known");
		return;
	}
	r->marker_line = at->line;
	r->file_line = strtol(number.text, NULL, 10);
	ours = token_is(&file, "\"" CODE_FILE "\"") ||
	       token_is(&file, "\"./" CODE_FILE "\"");
	r->inside = ours;
	if (!ours && file.text[1] != '<' &&
	    !code_is_header(file.text + 1, file.len - 2))
		found(r, "include", at, "%.*s was included", show(&file),
		      file.text);
}

/* ---- attributes, sections, assembly ----------------------------------- */

static void check_kfunc(struct reader *r, const struct token *at)
{
	char name[NAME_LEN];

	snprintf(name, sizeof(name), "%.*s", (int)r->d.name.len,
		 r->d.name.text ? r->d.name.text : "");
	if (!sim_knows_call(name))
		found(r, "kfunc", at, "'%s' is no kernel function known here",
		      name);
}

static void end_section(struct reader *r, const struct token *t)
{
	r->in_section = false;
	if (!word_section_allowed(r->section))
		found(r, "section", t,
		      "section '%.60s' is not allowed: struct_ops/…, "
		      ".struct_ops.link, .maps, license and .data, .rodata and "
		      ".bss are",
		      r->section);
	if (!strcmp(r->section, ".ksyms"))
		check_kfunc(r, t);
}

/* Between SEC( or section( and its end: strings, which are joined. */
static void in_section(struct reader *r, const struct token *t)
{
	size_t have = strlen(r->section);

	if (t->kind == TOKEN_PUNCT && *t->text == ')') {
		end_section(r, t);
	} else if (t->kind == TOKEN_STRING) {
		snprintf(r->section + have, sizeof(r->section) - have, "%.*s",
			 (int)t->len - 2, t->text + 1);
	} else {
		r->in_section = false;
		found(r, "section", t, "a section is named by a string");
	}
}

static void begin_section(struct reader *r)
{
	r->in_section = true;
	*r->section = '\0';
}

static bool is_iterator_end(const struct token *t)
{
	static const char start[] = "bpf_iter_", end[] = "_destroy";

	return t->len > strlen(start) + strlen(end) &&
	       !memcmp(t->text, start, strlen(start)) &&
	       !memcmp(t->text + t->len - strlen(end), end, strlen(end));
}

/* At depth 2 stand the names of attributes, at 3 their arguments. */
static void in_attribute(struct reader *r, const struct token *t)
{
	char c = t->kind == TOKEN_PUNCT ? *t->text : '\0';

	if (c == '(') {
		r->attribute_parens++;
		if (r->attribute_parens == 3 &&
		    (token_is(&r->attribute, "section") ||
		     token_is(&r->attribute, "__section__")))
			begin_section(r);
	} else if (c == ')') {
		r->in_attribute = --r->attribute_parens > 0;
	} else if (t->kind == TOKEN_NAME && r->attribute_parens == 2) {
		r->attribute = *t;
		if (!word_attribute_allowed(t))
			found(r, "attribute", t,
			      "the attribute '%.*s' is not allowed", show(t),
			      t->text);
	} else if (word_is_asm(t) || word_is_attribute(t)) {
		found(r, "attribute", t, "'%.*s' inside an attribute", show(t),
		      t->text);
	} else if (t->kind == TOKEN_NAME && r->attribute_parens == 3 &&
		   token_is(&r->attribute, "cleanup") && !is_iterator_end(t)) {
		found(r, "attribute", t, "cleanup is for iterators only");
	} else if (r->attribute_parens < 2) {
		r->in_attribute = false;
		found(r, "attribute", t, "an attribute without (( ))");
	}
}

/* After `asm`: libbpf's barriers are asm volatile("" : …), without a word. */
static void in_asm(struct reader *r, const struct token *t)
{
	if (token_is(t, "volatile") || token_is(t, "__volatile__") ||
	    token_is(t, "("))
		return;
	if (token_is(t, "\"\"") && token_is(&r->before[0], "("))
		return;
	r->in_asm = false;
	if (!token_is(&r->before[0], "\"\"") ||
	    (!token_is(t, ":") && !token_is(t, ")")))
		found(r, "asm", t, "inline assembly");
}

/* ---- names ------------------------------------------------------------ */

static bool knows(const struct reader *r, const struct token *t)
{
	for (size_t i = 0; i < r->known.len; i++)
		if (token_is(t, r->known.v[i]))
			return true;
	return false;
}

static void check_call(struct reader *r, const struct token *name)
{
	if (r->c->form != CODE_HOOKS || name->kind != TOKEN_NAME ||
	    word_is_control(name) || word_is_helper(name) ||
	    word_hook(name) >= 0 || knows(r, name))
		return;
	found(r, "call", name,
	      "'%.*s' is called: hooks call their own functions and hook_min, "
	      "hook_max, hook_clamp, hook_before, hook_log2",
	      show(name), name->text);
}

static void read_name(struct reader *r, const struct token *t)
{
	const char *rule, *wrong;

	if (word_is_asm(t)) {
		if (r->expanded && r->c->form == CODE_SOURCE)
			r->in_asm = true;
		else
			found(r, "asm", t, "inline assembly");
		return;
	}
	if (r->c->form == CODE_HOOKS && r->braces && token_is(t, "static")) {
		found(r, "global", t, "hooks keep nothing between calls");
		return;
	}
	wrong = word_wrong(r->c->form, r->expanded, t, &rule);
	if (wrong) {
		found(r, rule, t, "'%.*s': %s", show(t), t->text, wrong);
		return;
	}
	if (word_is_attribute(t)) {
		r->in_attribute = true;
		r->attribute_parens = 0;
	} else if (r->c->form == CODE_SOURCE && token_is(t, "__ksym")) {
		check_kfunc(r, t);
	} else if (r->expanded && token_is(t, "cgroup")) {
		r->c->reads_cgroup = true;
	} else if (r->expanded && token_is(t, "depth")) {
		r->c->reads_depth = true;
	}
}

/* ---- what stands at file scope ---------------------------------------- */

static void end_declaration(struct reader *r, const struct token *t)
{
	const struct declaration *d = &r->d;
	/* struct tag { … }; struct tag; */
	bool is_type =
		d->is_type && !d->is_named && (d->has_body || d->names < 2);

	if (r->c->form == CODE_HOOKS && d->any && !d->has_parens &&
	    !d->has_value && !is_type)
		found(r, "global", t,
		      "hooks keep nothing between calls: only static const "
		      "tables with their values");
	r->d = (struct declaration){0};
}

static void begin_function(struct reader *r, const struct token *t)
{
	struct declaration *d = &r->d;
	int hook = d->name.text ? word_hook(&d->name) : -1;

	d->is_function = true;
	if (hook >= 0)
		r->c->hooks |= 1u << hook;
	else if (r->c->form == CODE_HOOKS && !d->is_static)
		found(r, "static", t,
		      "'%.*s': functions other than the hooks are static",
		      show(&d->name), d->name.text ? d->name.text : "");
}

static void at_file_scope(struct reader *r, const struct token *t)
{
	struct declaration *d = &r->d;
	bool is_static, is_const, is_type;

	if (t->kind == TOKEN_NAME && !r->parens) {
		is_static = token_is(t, "static");
		is_const = token_is(t, "const");
		is_type = token_is(t, "struct") || token_is(t, "union") ||
			  token_is(t, "enum");
		d->is_static |= is_static;
		d->is_const |= is_const;
		d->is_type |= is_type;
		d->names += !is_static && !is_const && !is_type;
		d->is_named |= d->has_body;
		if (!d->has_parens)
			d->name = *t;
		d->any = true;
	} else if (token_is(t, "(")) {
		if (!d->has_parens && d->name.text)
			know(r, &d->name);
		d->has_parens = true;
	} else if (token_is(t, "=") && !d->has_value) {
		if (r->c->form == CODE_HOOKS && !(d->is_static && d->is_const))
			found(r, "global", t,
			      "hooks keep nothing between calls: only static "
			      "const tables");
		d->has_value = true;
	} else if (token_is(t, "{") && d->has_parens && !d->has_value) {
		begin_function(r, t);
	} else if (token_is(t, "{") && !d->any && r->expanded) {
		found(r, "static", t,
		      "a function's parameters are declared in its "
		      "parentheses, not behind them");
	} else if (token_is(t, ";")) {
		end_declaration(r, t);
	}
}

static void count_brackets(struct reader *r, const struct token *t)
{
	bool top = !r->braces;

	if (t->kind != TOKEN_PUNCT)
		return;
	r->parens += (*t->text == '(') - (*t->text == ')');
	r->braces += (*t->text == '{') - (*t->text == '}');
	if (top || r->braces)
		return;
	/* The end of a body: of a function, or of a type or a table, which
	 * go on to their semicolon. */
	if (r->d.is_function)
		r->d = (struct declaration){0};
	else
		r->d.has_body = true;
	r->parens = 0;
}

/* ---- one token -------------------------------------------------------- */

static void check_pointer(struct reader *r, const struct token *t)
{
	const struct token *a = &r->before[0];
	bool star = token_is(t, "*"), after_star = token_is(a, "*");

	if (r->c->form != CODE_HOOKS)
		return;
	if ((star && (token_is(a, "(") || after_star)) ||
	    (after_star && token_is(t, ")")))
		found(r, "pointer", t,
		      "hooks have no pointers but their arguments: t->name is "
		      "how facts are read");
}

static void read_token(struct reader *r, const struct token *t)
{
	if (t->kind == TOKEN_BAD) {
		found(r, "text", t, "%s", t->wrong);
		return;
	}
	r->code = true;
	if (r->in_section) {
		in_section(r, t);
		/* The parenthesis that ended it is the attribute's, too. */
		if (r->in_section || !r->in_attribute)
			return;
	}
	if (r->in_asm) {
		in_asm(r, t);
	} else if (r->in_attribute) {
		in_attribute(r, t);
		return;
	}
	check_pointer(r, t);
	if (token_is(t, "[") && token_is(&r->before[0], "["))
		found(r, "attribute", t,
		      "attributes are written __attribute__((name))");
	if (t->kind == TOKEN_NAME)
		read_name(r, t);
	if (r->in_attribute)
		return;
	if (token_is(t, "(") && token_is(&r->before[0], "SEC") &&
	    r->c->form == CODE_SOURCE && !r->expanded) {
		begin_section(r);
		return;
	}
	if (!r->braces && !r->in_directive)
		at_file_scope(r, t);
	if (token_is(t, "("))
		check_call(r, &r->before[0]);
	if (!r->in_directive)
		count_brackets(r, t);
}

static void read_all(struct reader *r)
{
	struct token t;

	do {
		bool directive;

		t = lexer_next(&r->lexer);
		directive = t.first && token_is(&t, "#") &&
			    (!r->expanded || token_begins_line(&r->lexer, &t));
		if (t.first)
			r->in_directive = directive;
		check_hash(r, &t, directive);
		if (directive && r->expanded)
			read_marker(r, &t);
		else if (directive)
			read_directive(r, &t);
		else if (r->inside && t.kind != TOKEN_END)
			read_token(r, &t);
		if (!directive && r->inside) {
			r->before[1] = r->before[0];
			r->before[0] = t;
		}
	} while (t.kind != TOKEN_END && r->c->findings <= CODE_MAX_FINDINGS);
	strs_release(&r->known);
	lexer_release(&r->lexer);
}

void code_lint_text(struct code_lint *c, const char *text, size_t len)
{
	struct reader r = {.c = c, .inside = true};
	struct token at = {.line = 1};
	const char *wrong;

	if (len > CODE_MAX_BYTES) {
		found(&r, "size", &at, "%zu bytes are more than %u", len,
		      CODE_MAX_BYTES);
		return;
	}
	wrong = text_wrong(text, len, &at.line);
	if (wrong) {
		found(&r, "text", &at, "%s", wrong);
		return;
	}
	lexer_init(&r.lexer, text, len);
	read_all(&r);
}

void code_lint_expanded(struct code_lint *c, const char *text, size_t len)
{
	static const struct token start = {.line = 1};
	struct reader r = {.c = c, .expanded = true};

	if (len > CODE_MAX_EXPANDED) {
		r.expanded = false;
		found(&r, "expansion", &start,
		      "macros make more than %u MiB of it",
		      CODE_MAX_EXPANDED >> 20);
		return;
	}
	lexer_init(&r.lexer, text, len);
	read_all(&r);
}
