/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lint of a policy's text, and the tokens that it reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agents/builder/lint_code.h"
#include "agents/builder/lint_token.h"
#include "base/mem.h"

/* ---- tokens ----------------------------------------------------------- */

/* "kind:line text" of every token, joined by '|'. */
static void tokens(const char *text, char out[static 1024])
{
	static const char kinds[] = {
		[TOKEN_NAME] = 'n', [TOKEN_NUMBER] = '0', [TOKEN_STRING] = 's',
		[TOKEN_CHAR] = 'c', [TOKEN_PUNCT] = 'p',  [TOKEN_BAD] = 'b',
	};
	struct lexer l;
	struct token t;
	size_t n = 0;

	lexer_init(&l, text, strlen(text));
	*out = '\0';
	while ((t = lexer_next(&l)).kind != TOKEN_END && n < 900)
		n += (size_t)snprintf(out + n, 1024 - n, "%s%c%s%ld %.*s",
				      n ? "|" : "", kinds[t.kind],
				      t.first ? "^" : "", t.line, (int)t.len,
				      t.text);
	lexer_release(&l);
}

static void is_read_as(const char *text, const char *want)
{
	char got[1024];

	tokens(text, got);
	assert_string_equal(got, want);
}

static void test_tokens(void **state)
{
	(void)state;
	is_read_as("", "");
	is_read_as("a1 = 0x1fULL;", "n^1 a1|p1 =|01 0x1fULL|p1 ;");
	is_read_as("1.5e+3-x", "0^1 1.5e+3|p1 -|n1 x");
	is_read_as("\"a\\\"b\" 'c' '\\''", "s^1 \"a\\\"b\"|c1 'c'|c1 '\\''");
	is_read_as("a\n# define", "n^1 a|p^2 #|n2 define");
}

static void test_comments(void **state)
{
	(void)state;
	is_read_as("a/* \" */b// ' \nc", "n^1 a|n1 b|n^2 c");
	is_read_as("/* \n\n */ a", "n^3 a");
	/* A comment is a space: the line goes on. */
	is_read_as("a /*\n*/ #", "n^1 a|p2 #");
	is_read_as("\"/*\" a \"*/\"", "s^1 \"/*\"|n1 a|s1 \"*/\"");
	is_read_as("a /* b", "n^1 a|b1 ");
}

static void test_splices(void **state)
{
	(void)state;
	is_read_as("as\\\nm x", "n^1 asm|n2 x");
	is_read_as("as\\ \t\nm", "n^1 asm");
	is_read_as("#inc\\\n\\\nlude\nb", "p^1 #|n1 include|n^4 b");
	is_read_as("/\\\n/ a\nb", "n^3 b");
	is_read_as("// a \\\n b\nc", "n^3 c");
	is_read_as("\"a\\\nb\" c", "s^1 \"ab\"|n2 c");
	is_read_as("a \\", "n^1 a|b1 \\");
}

static void test_what_reads_differently(void **state)
{
	(void)state;
	is_read_as("?\?=", "b^1 ?|p1 ?|p1 =");
	is_read_as("%:a", "b^1 %|p1 :|n1 a");
	is_read_as("x<:1:>", "n^1 x|b1 <|p1 :|01 1|b1 :|p1 >");
	is_read_as("\\u0061", "b^1 \\|n1 u0061");
	is_read_as("\"a\nb", "b^1 \"a|n^2 b");
	is_read_as("R\"(a)\"", "b^1 R|s1 \"(a)\"");
	is_read_as("\xc3\xa9", "b^1 \xc3|b1 \xa9");
	is_read_as("// \xc3\xa9\na", "n^2 a");
	is_read_as("a\x01", "n^1 a|b1 \x01");
	is_read_as("a\x7f", "n^1 a|b1 \x7f");
	is_read_as("'a\nb", "b^1 'a|n^2 b");
	is_read_as("'", "b^1 '");
	is_read_as("\"a\\", "b^1 \"a\\");
	is_read_as(".5 .a", "0^1 .5|p1 .|n1 a");
	/* Only nine of these are other spellings. */
	is_read_as("?\?x", "p^1 ?|p1 ?|n1 x");
	is_read_as("a ?\?", "n^1 a|p1 ?|p1 ?");
}

/* ---- the lint --------------------------------------------------------- */

struct told {
	char first[64];
	long line;
	size_t count;
};

static void tell(void *arg, const char *rule, long line, const char *text)
{
	struct told *t = arg;

	assert_true(*text);
	if (t->count++)
		return;
	snprintf(t->first, sizeof(t->first), "%s", rule);
	t->line = line;
}

static struct told lint(enum code_form form, const char *text, bool expanded)
{
	struct told t = {.first = "ok"};
	struct code_lint c = {.form = form, .find = tell, .arg = &t};

	if (expanded)
		code_lint_expanded(&c, text, strlen(text));
	else
		code_lint_text(&c, text, strlen(text));
	assert_int_equal(c.findings != 0, t.count != 0);
	assert_true(t.count <= CODE_MAX_FINDINGS);
	return t;
}

static void says(enum code_form form, const char *text, const char *rule,
		 long line)
{
	struct told t = lint(form, text, false);

	assert_string_equal(t.first, rule);
	assert_int_equal(t.line, line);
}

static void test_good(void **state)
{
	static const char *const hooks[] = {
		"",
		"#include \"hooks.h\"\n",
		"#define F(x) ((x) / 2)\nstatic u64 half(u64 a) {"
		" return F(a); }\nu64 hook_key(const struct hook_task *t) {"
		" return half(t->key); }\n",
		"enum { A, B = 3 };\nstruct pair { u64 a, b; };\n"
		"static struct pair f(u64 a) { struct pair p = {a, 1};"
		" return p; }\nstatic u64 g(struct pair p) { return p.a; }\n",
		"static const u64 t[2] = {1, 2};\nstatic const u64 "
		"u[2][2] = {{1, 2}, {3, 4}};\nstatic u64 f(u64 i) {"
		" return t[i & 1] * (i); }\n",
		"#if defined(HOOK_US) && 1\n#else\n#error don't\n#endif\n",
		"static u64 f(u64 n) {\n#pragma unroll\nfor (u32 i = 0; i < 4;"
		" i++) n += sizeof(u64) * i; return n; }",
		"u64 hook_slice(const struct hook_task *t)\n{\n\tif (t->depth)"
		"\n\t\treturn HOOK_MS(2);\n\treturn hook_clamp(t->slice, 1,"
		" 2);\n}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
		assert_string_equal(lint(CODE_HOOKS, hooks[i], false).first,
				    "ok");
	says(CODE_SOURCE,
	     "/* x */\n#include <bpf/bpf_helpers.h> // y\n"
	     "#include \"scx.bpf.h\"\nchar l[] SEC(\"license\") = \"GPL\";\n"
	     "struct { int x; } m SEC(\".maps\");\nu64 scx_bpf_now(void) "
	     "__ksym;\n",
	     "ok", 0);
}

static void test_includes(void **state)
{
	(void)state;
	says(CODE_SOURCE, "#include \"/etc/passwd\"", "include", 1);
	says(CODE_SOURCE, "\n#include <stdio.h>", "include", 2);
	says(CODE_SOURCE, "#include \"../scx.bpf.h\"", "include", 1);
	says(CODE_SOURCE, "#include \"scx.bpf.h\" x", "include", 1);
	says(CODE_SOURCE, "#include X", "include", 1);
	says(CODE_SOURCE, "#include", "include", 1);
	says(CODE_SOURCE, "#include \"", "include", 1);
	says(CODE_SOURCE, "int x;\n#include \"scx.bpf.h\"", "include", 2);
	says(CODE_SOURCE, "#if 1\n#include \"scx.bpf.h\"\n#endif", "include",
	     2);
	says(CODE_SOURCE, "#include \"scx.bpf.h\" /* \n // */ asm(1)",
	     "include", 1);
	says(CODE_SOURCE, "#include \"scx.bpf.h\" /* a */ // b\n", "include",
	     1);
	says(CODE_SOURCE, "#include \"scx.bpf.h\" /* a */\n", "ok", 0);
	says(CODE_HOOKS, "#include \"scx.bpf.h\"", "include", 1);
	says(CODE_HOOKS, "#if __has_include(<a>)\n#endif", "include", 1);
	says(CODE_HOOKS, "#\\\ninclude_next <a>", "directive", 1);
	says(CODE_HOOKS, "# 7 \"a\"", "directive", 1);
	says(CODE_HOOKS, "#", "directive", 1);
}

static void test_source_rules(void **state)
{
	(void)state;
	says(CODE_SOURCE, "SEC(\"kprobe/x\") int f;", "section", 1);
	says(CODE_SOURCE, "SEC(X) int f;", "section", 1);
	says(CODE_SOURCE, "SEC(\".maps\" \"x\") int f;", "section", 1);
	says(CODE_SOURCE, "int x __attribute__((section(\"x\")));", "section",
	     1);
	says(CODE_SOURCE, "int x __attribute__((__section__(\"x\")));",
	     "section", 1);
	says(CODE_SOURCE, "int x __attribute__((ifunc(\"x\")));", "attribute",
	     1);
	says(CODE_SOURCE, "int x __attribute__((cleanup(f)));", "attribute", 1);
	says(CODE_SOURCE, "int x __attribute__ x;", "attribute", 1);
	says(CODE_SOURCE, "void panic(void) __ksym;", "kfunc", 1);
	says(CODE_SOURCE, "\nvoid f(void) { asm(\"\"); }", "asm", 2);
	says(CODE_SOURCE, "#pragma weak x", "pragma", 1);
	says(CODE_SOURCE, "a = __TIME__;", "time", 1);
}

static void test_hooks_rules(void **state)
{
	(void)state;
	says(CODE_HOOKS, "u64 a;", "global", 1);
	says(CODE_HOOKS, "static u64 a = 1;", "global", 1);
	says(CODE_HOOKS, "static struct x { u64 a; } b;", "global", 1);
	says(CODE_HOOKS, "struct x b;", "global", 1);
	says(CODE_HOOKS, "struct x; struct y { u64 a; };", "ok", 0);
	says(CODE_HOOKS, "static u64 f(void) { static u64 n; return n; }",
	     "global", 1);
	says(CODE_HOOKS, "u64 f(void) { return 1; }", "static", 1);
	says(CODE_HOOKS, "static u64 f(void) {\nreturn g(); }", "call", 2);
	says(CODE_HOOKS, "static u64 f(u64 *p) { return (*p); }", "pointer", 1);
	says(CODE_HOOKS, "static u64 f(u64 **p);", "pointer", 1);
	says(CODE_HOOKS, "static u64 f(void) { return (u64 *)6; }", "pointer",
	     1);
	says(CODE_HOOKS, "typedef u64 x;", "keyword", 1);
	says(CODE_HOOKS, "static u64 f(void) { return __builtin_x; }",
	     "reserved", 1);
}

static void test_expanded(void **state)
{
	struct code_lint c = {.form = CODE_HOOKS, .find = tell};
	struct told t = {.first = "ok"};
	static const char good[] =
		"# 1 \"<built-in>\" 1\n# 1 \"./hooks.h\" 1\nasm(\"in ours\");\n"
		"# 5 \"policy.c\" 2\n"
		"u64 hook_key(const struct hook_task *t) {\n"
		" return t->key + t->depth; }\n";

	(void)state;
	c.arg = &t;
	code_lint_expanded(&c, good, strlen(good));
	assert_string_equal(t.first, "ok");
	assert_int_equal(c.hooks, 1u << CODE_KEY);
	assert_true(c.reads_depth);
	assert_false(c.reads_cgroup);

	t = lint(CODE_SOURCE, "# 1 \"/etc/passwd\"\nroot:\n", true);
	assert_string_equal(t.first, "include");
	t = lint(CODE_SOURCE, "# 7 \"policy.c\"\n\nvoid f() { asm(\"x\"); }\n",
		 true);
	assert_string_equal(t.first, "asm");
	assert_int_equal(t.line, 8);
	t = lint(CODE_SOURCE, "# 0 \"/etc/passwd\"\n", true);
	assert_string_equal(t.first, "include");
	assert_int_equal(t.line, 0);
	/* libbpf's barriers have no text. */
	t = lint(CODE_SOURCE,
		 "# 1 \"policy.c\"\nf(){ asm volatile(\"\" : : \"r\"(x)); }\n",
		 true);
	assert_string_equal(t.first, "ok");
	t = lint(CODE_SOURCE, "# 1 \"policy.c\"\nf(){ asm(\"\" \"exit\"); }\n",
		 true);
	assert_string_equal(t.first, "asm");
	t = lint(CODE_SOURCE,
		 "# 1 \"policy.c\"\nint x "
		 "__attribute__((section(\"struct_ops/\" \"enqueue\"), used));"
		 "\n",
		 true);
	assert_string_equal(t.first, "ok");
	t = lint(CODE_HOOKS,
		 "# 1 \"policy.c\"\nstatic f(){ __asm__(\"\" : :); }\n", true);
	assert_string_equal(t.first, "asm");
}

/* What would pass for a line marker of the preprocessor's is told of, wherever
 * the # came from: behind one, nothing would be looked at. */
static void test_hash(void **state)
{
	static const char *const good[] = {
		"#define S(x) #x\n",
		"#define P(a, b) a##b\n#define Q(a, b) a ## b\n",
		"#define S(x) f(#x, # x)\n#define T(x) x##1 #x\n",
	};
	static const char *const bad[] = {
		"#define H #\n",	   "#define H a # b\n",
		"#define H() #\n",	   "#define H # ## #\n",
		"#define H(x) x ###\n",	   "#define H(x) # 1\n",
		"#define F(x) x F(#) 1\n", "#define H \\\n #\nint x;\n",
		"F(#) 1 \"./hooks.h\"\n",  "int x; # 1 \"hooks.h\"\n",
		"#define H(x) #",
	};
	struct told t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_string_equal(lint(CODE_SOURCE, good[i], false).first,
				    "ok");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_string_equal(lint(CODE_SOURCE, bad[i], false).first,
				    "directive");
	/* The preprocessor puts a space before a # that a macro made. */
	t = lint(CODE_SOURCE,
		 "# 1 \"policy.c\"\n # 1 \"./scx.bpf.h\"\nf(){asm(\"x\");}\n",
		 true);
	assert_string_equal(t.first, "directive");
	t = lint(CODE_SOURCE, "# 1 \"policy.c\"\nint x; # 1 \"hooks.h\"\n",
		 true);
	assert_string_equal(t.first, "directive");
}

/* What a terminal or an editor shows otherwise than the compiler reads it. */
static void test_shown_otherwise(void **state)
{
	static const char *const bad[] = {
		"int x;\n// x\r#include \"/etc/passwd\"",
		"int x;\n\"\x1b[2J\";",
		"int x;\n// \x7f",
		"int x;\n// \xc2\x9b",
		"int x;\n// \xe2\x80\xae esrever",
		"int x;\n/* \xe2\x81\xa6 */",
		"int x;\n/* \xd8\x9c */",
		"int x;\n/* \xe2\x80\x8e */",
		"int x;\n/* \xe2\x80\x8f */",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		says(CODE_SOURCE, bad[i], "text", 2);
	says(CODE_SOURCE, "int\tx;\r\n/* \xc3\xa9 \xe2\x82\xac */\f\n", "ok",
	     0);
}

static void test_other_forms(void **state)
{
	static const char kr[] = "# 1 \"policy.c\"\n"
				 "static u64 f(a) u64 a; { return a; }\n";

	(void)state;
	assert_string_equal(lint(CODE_HOOKS, kr, true).first, "static");
	/* clang 17 and later take these in every language. */
	says(CODE_SOURCE, "int x [[gnu::section(\"x\")]];", "attribute", 1);
	says(CODE_HOOKS, "[[gnu::used]] static u64 f(void);", "attribute", 1);
	says(CODE_SOURCE, "int a[2][2]; int b = a[a[0][1]][0];", "ok", 0);
	says(CODE_SOURCE,
	     "int x __attribute__((aligned(sizeof(({asm(\"\");1;})))));",
	     "attribute", 1);
	says(CODE_SOURCE,
	     "int x __attribute__((aligned(sizeof(({int y "
	     "__attribute__((section(\"x\")));1;})))));",
	     "attribute", 1);
}

/* What headers bring along, and what a policy may not have of it. */
static void test_after_the_preprocessor(void **state)
{
	static const struct {
		enum code_form form;
		const char *text, *rule;
		long line;
	} rows[] = {
		/* Markers: ours, of a header, and what is none. */
		{CODE_SOURCE, "# 1 \"./policy.c\"\n\nasm(\"x\");\n", "asm", 2},
		{CODE_SOURCE, "# 1 \"scx.bpf.h\"\nasm(\"x\");\n", "ok", 0},
		{CODE_SOURCE, "# 1 \"<built-in>\"\nasm(\"x\");\n", "ok", 0},
		{CODE_SOURCE, "# 1 \"/etc/passwd\"\n", "include", 0},
		{CODE_SOURCE, "# a \"policy.c\"\n", "directive", 0},
		{CODE_SOURCE, "# 1 policy\n", "directive", 0},
		{CODE_SOURCE,
		 "# 1 \"policy.c\"\n# 1 \"scx.bpf.h\"\n#pragma clang x\n", "ok",
		 0},
		{CODE_SOURCE, "# 1 \"policy.c\"\n#pragma clang x\n", "pragma",
		 1},
		/* Assembly: an empty one is a barrier. */
		{CODE_SOURCE,
		 "# 1 \"policy.c\"\nf(){asm volatile(\"\":::\"memory\");}\n",
		 "ok", 0},
		{CODE_SOURCE,
		 "# 1 \"policy.c\"\nf(){asm __volatile__(\"\":::\"memory\");}"
		 "\n",
		 "ok", 0},
		{CODE_SOURCE, "# 1 \"policy.c\"\nf(){asm(\"\" \"x\");}\n",
		 "asm", 1},
		{CODE_SOURCE, "# 1 \"policy.c\"\nf(){asm(\"x\" \"\");}\n",
		 "asm", 1},
		{CODE_SOURCE, "# 1 \"policy.c\"\nf(){asm goto(\"\");}\n", "asm",
		 1},
		{CODE_SOURCE, "# 1 \"policy.c\"\nint a asm(\"b\");\n", "asm",
		 1},
		/* What is done at the end of a block: iterators end there. */
		{CODE_SOURCE,
		 "# 1 \"policy.c\"\nf(){int x __attribute__((cleanup("
		 "bpf_iter_num_destroy)));}\n",
		 "ok", 0},
		{CODE_SOURCE,
		 "# 1 \"policy.c\"\nf(){int x __attribute__((cleanup("
		 "bpf_iter_num_destroys)));}\n",
		 "attribute", 1},
		{CODE_SOURCE,
		 "# 1 \"policy.c\"\nf(){int x __attribute__((cleanup("
		 "my_iter_num_destroy)));}\n",
		 "attribute", 1},
		{CODE_SOURCE,
		 "# 1 \"policy.c\"\nf(){int x __attribute__((cleanup("
		 "bpf_iter__destroy)));}\n",
		 "attribute", 1},
		{CODE_SOURCE, "# 1 \"policy.c\"\nint x __attribute__ y;\n",
		 "attribute", 1},
		/* The kernel's functions: those that are known. */
		{CODE_SOURCE,
		 "# 1 \"policy.c\"\nu64 scx_bpf_now(void) "
		 "__attribute__((section(\".ksyms\")));\n",
		 "ok", 0},
		{CODE_SOURCE,
		 "# 1 \"policy.c\"\nu64 panic(void) "
		 "__attribute__((section(\".ksyms\")));\n",
		 "kfunc", 1},
		{CODE_SOURCE,
		 "# 1 \"policy.c\"\nu64 panic(void) "
		 "__attribute__((__section__(\".k\" \"syms\")));\n",
		 "kfunc", 1},
		{CODE_SOURCE,
		 "# 1 \"policy.c\"\n__attribute__((section(\".ksyms\")));\n",
		 "kfunc", 1},
		/* Hooks keep nothing. */
		{CODE_HOOKS, "# 1 \"policy.c\"\nunion u { u64 a; };\n", "ok",
		 0},
		{CODE_HOOKS, "# 1 \"policy.c\"\nunion u { u64 a; } b;\n",
		 "global", 1},
		{CODE_HOOKS, "# 1 \"policy.c\"\nstatic u64 a;\n", "global", 1},
		{CODE_HOOKS, "# 1 \"policy.c\"\nstatic u64 a = 1;\n", "global",
		 1},
		{CODE_HOOKS, "# 1 \"policy.c\"\nconst u64 a = 1;\n", "global",
		 1},
		{CODE_HOOKS, "# 1 \"policy.c\"\nu64 f(void) { return 1; }\n",
		 "static", 1},
		{CODE_HOOKS, "# 1 \"policy.c\"\n;;\n", "ok", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct told t = lint(rows[i].form, rows[i].text, true);

		if (strcmp(t.first, rows[i].rule) ||
		    (rows[i].line && t.line != rows[i].line))
			fail_msg("%s: %s at line %ld", rows[i].text, t.first,
				 t.line);
	}
}

static void test_bounds(void **state)
{
	char *text = mem_zalloc(CODE_MAX_EXPANDED + 2, 1);
	struct told t;

	(void)state;
	memset(text, 'a', CODE_MAX_EXPANDED + 1);
	assert_string_equal(lint(CODE_SOURCE, text, true).first, "expansion");
	text[CODE_MAX_BYTES + 1] = '\0';
	assert_string_equal(lint(CODE_SOURCE, text, false).first, "size");
	for (size_t i = 0; i < CODE_MAX_BYTES; i += 2)
		memcpy(text + i, "@\\", 2);
	text[CODE_MAX_BYTES] = '\0';
	t = lint(CODE_SOURCE, text, false);
	assert_int_equal(t.count, CODE_MAX_FINDINGS);
	says(CODE_SOURCE, "\xff", "text", 1);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_splices),
		cmocka_unit_test(test_what_reads_differently),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_includes),
		cmocka_unit_test(test_source_rules),
		cmocka_unit_test(test_hooks_rules),
		cmocka_unit_test(test_expanded),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_shown_otherwise),
		cmocka_unit_test(test_other_forms),
		cmocka_unit_test(test_after_the_preprocessor),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
