/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/builder/lint_words.h"

#include <string.h>

#include "base/mem.h"

const char *const code_hook_names[CODE_HOOKS_COUNT] = {
	[CODE_CLASSIFY] = "hook_classify", [CODE_KEY] = "hook_key",
	[CODE_SLICE] = "hook_slice",	   [CODE_PLACE] = "hook_place",
	[CODE_PREEMPT] = "hook_preempt",
};

static const char *const hooks_headers[] = {"hooks.h", NULL};
static const char *const source_headers[] = {
	"scx.bpf.h",
	"kernel.bpf.h",
	"identity.bpf.h",
	"bpf/bpf_helpers.h",
	"bpf/bpf_core_read.h",
	"bpf/bpf_tracing.h",
	"bpf/bpf_helper_defs.h",
	NULL,
};
/* What those include in turn. */
static const char *const inner_headers[] = {"identity_abi.h", NULL};

const char *const *code_headers(enum code_form form)
{
	return form == CODE_HOOKS ? hooks_headers : source_headers;
}

static bool is_in(const char *const *list, const char *text, size_t len)
{
	for (; *list; list++)
		if (strlen(*list) == len && !memcmp(*list, text, len))
			return true;
	return false;
}

static bool begins(const char *text, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && !memcmp(text, with, n);
}

bool code_is_header(const char *name, size_t len)
{
	if (begins(name, len, "./")) {
		name += 2;
		len -= 2;
	}
	return is_in(hooks_headers, name, len) ||
	       is_in(source_headers, name, len) ||
	       is_in(inner_headers, name, len);
}

static bool token_in(const char *const *list, const struct token *t)
{
	return t->kind == TOKEN_NAME && is_in(list, t->text, t->len);
}

bool word_is_asm(const struct token *t)
{
	static const char *const words[] = {"asm", "__asm", "__asm__", NULL};

	return token_in(words, t);
}

bool word_is_attribute(const struct token *t)
{
	static const char *const words[] = {"__attribute", "__attribute__",
					    "__declspec", NULL};

	return token_in(words, t);
}

bool word_is_control(const struct token *t)
{
	static const char *const words[] = {
		"if",	    "while",   "for",  "switch", "return",
		"sizeof",   "case",    "else", "do",	 "_Static_assert",
		"_Generic", "defined", NULL};

	return token_in(words, t);
}

bool word_is_helper(const struct token *t)
{
	static const char *const words[] = {
		"hook_min",  "hook_max", "hook_clamp", "hook_before",
		"hook_log2", "HOOK_US",	 "HOOK_MS",    NULL};

	return token_in(words, t);
}

int word_hook(const struct token *t)
{
	for (int i = 0; i < CODE_HOOKS_COUNT; i++)
		if (t->kind == TOKEN_NAME && token_is(t, code_hook_names[i]))
			return i;
	return -1;
}

/* Words that hooks do without: what outlives a call, what hides an address,
 * what BPF cannot do. */
static const char *const not_for_hooks[] = {
	"extern",	 "typedef",    "volatile",	"register",
	"typeof",	 "__typeof__", "__typeof",	"__auto_type",
	"_Thread_local", "_Atomic",    "float",		"double",
	"_Complex",	 "_Alignas",   "__extension__", NULL,
};

static const char *const of_places[] = {
	"__has_include", "__has_include_next", "__has_embed",
	"__BASE_FILE__", "__INCLUDE_LEVEL__",  NULL,
};

static const char *const of_times[] = {"__DATE__", "__TIME__", "__TIMESTAMP__",
				       NULL};

static const char *const of_pragmas[] = {"_Pragma", "__pragma", NULL};

const char *word_wrong(enum code_form form, bool expanded,
		       const struct token *t, const char **rule)
{
	*rule = "include";
	if (token_in(of_places, t))
		return "asks about files";
	*rule = "pragma";
	if (token_in(of_pragmas, t))
		return "#pragma unroll and #pragma clang loop are all there is";
	*rule = "time";
	if (token_in(of_times, t))
		return "the same text must give the same object";
	if (form == CODE_SOURCE)
		return NULL;
	*rule = "keyword";
	if (token_in(not_for_hooks, t))
		return "hooks do without it: u32, u64, s32, s64, bool, structs "
		       "and enums are all there is";
	*rule = "attribute";
	if (word_is_attribute(t))
		return "hooks have no attributes";
	*rule = "reserved";
	if (begins(t->text, t->len, "__") && !word_is_asm(t) && !expanded)
		return "names that begin with __ are the compiler's";
	return NULL;
}

bool word_attribute_allowed(const struct token *t)
{
	static const char *const words[] = {
		"aligned",	"packed",	 "always_inline",
		"noinline",	"unused",	 "used",
		"weak",		"fallthrough",	 "preserve_access_index",
		"section",	"cleanup",	 "btf_decl_tag",
		"btf_type_tag", "address_space", "may_alias",
		"const",	"pure",		 "visibility",
		NULL,
	};
	struct token bare = *t;

	if (bare.len > 4 && begins(bare.text, bare.len, "__") &&
	    !memcmp(bare.text + bare.len - 2, "__", 2)) {
		bare.text += 2;
		bare.len -= 4;
	}
	return token_in(words, &bare);
}

bool word_pragma_allowed(const char *text, size_t len, bool expanded)
{
	static const char *const starts[] = {"unroll", "nounroll",
					     "clang loop ", "GCC unroll "};

	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (begins(text, len, starts[i]))
			return true;
	/* libbpf's macros. */
	return expanded && begins(text, len, "GCC diagnostic ");
}

bool word_section_allowed(const char *name)
{
	static const char *const whole[] = {
		"license", ".maps", ".struct_ops", ".struct_ops.link",
		".data",   ".bss",  ".rodata",	   ".kconfig",
		".ksyms",  NULL,
	};
	static const char *const starts[] = {"struct_ops/", "struct_ops.s/",
					     ".data.", ".rodata.", ".bss."};
	size_t len = strlen(name);

	if (is_in(whole, name, len))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (begins(name, len, starts[i]))
			return strspn(name, "abcdefghijklmnopqrstuvwxyz"
					    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					    "0123456789._/") == len;
	return false;
}
