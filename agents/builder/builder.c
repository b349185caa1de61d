/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is compiled is what was looked at: the text goes through the
 * preprocessor first, the lint reads what came out, and only that is compiled.
 *
 * Hooks are compiled alone first, with nothing in sight but hooks.h, so that
 * they can name nothing of the template's; then behind the template, once both
 * are through the preprocessor, so that no macro of one meets the other.
 */
#include "agents/builder/builder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/builder/state.h"
#include "base/err.h"
#include "base/path.h"
#include "policy/built.h"

#define TEXT_LEN 512

void draft_find(struct draft *d, const char *rule, long line, const char *fmt,
		...)
{
	char text[TEXT_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->findings++;
	d->b->find(d->b->arg, rule, line, text);
}

/* ---- through the preprocessor ----------------------------------------- */

static int lint_expanded(struct draft *d, const struct buf *text)
{
	struct code_lint c = {
		.form = d->form, .find = d->b->find, .arg = d->b->arg};

	code_lint_expanded(&c, text->len ? text->data : "", text->len);
	d->findings += c.findings;
	d->hooks = c.hooks;
	d->reads_cgroup = c.reads_cgroup;
	d->reads_depth = c.reads_depth;
	return c.findings ? err_set(EINVAL, "the code is not allowed") : 0;
}

/* The lines of the policy's own in the preprocessor's output. */
static void take_own(const struct buf *all, struct buf *own)
{
	static const char mark[] = "# ", name[] = "\"" CODE_FILE "\"";
	bool inside = false;
	const char *p = all->data, *end = all->data + all->len;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = nl ? (size_t)(nl + 1 - p) : (size_t)(end - p);

		if (n > 2 && !strncmp(p, mark, 2)) {
			const char *at = memmem(p, n, name, strlen(name));

			/* The flags behind the name tell what was included
			 * from where, which is not so any more. */
			inside = at != NULL;
			if (at) {
				buf_add(own, p,
					(size_t)(at - p) + strlen(name));
				buf_puts(own, "\n");
			}
		} else if (inside) {
			buf_add(own, p, n);
		}
		p += n;
	}
}

static int expand_own(struct draft *d, struct buf *expanded)
{
	struct strs flags = {0};
	int rc;

	if (d->form == CODE_HOOKS) {
		strs_add(&flags, "-include");
		strs_add(&flags, "hooks.h");
	}
	rc = clang_expand(d, CODE_FILE, "policy.i", &flags);
	strs_release(&flags);
	if (!rc)
		rc = draft_read(d, "policy.i", expanded);
	return rc ? rc : lint_expanded(d, expanded);
}

/* ---- hooks ------------------------------------------------------------ */

/* Hooks that leave everything as it is. */
static const char *const plain_hooks[CODE_HOOKS_COUNT] = {
	[CODE_CLASSIFY] = "static u32 hook_classify(const struct hook_task *t) "
			  "{ return t->class; }\n",
	[CODE_KEY] = "static u64 hook_key(const struct hook_task *t) "
		     "{ return t->key; }\n",
	[CODE_SLICE] = "static u64 hook_slice(const struct hook_task *t) "
		       "{ return t->slice; }\n",
	[CODE_PLACE] = "static s32 hook_place(const struct hook_task *t) "
		       "{ return -1; }\n",
	[CODE_PREEMPT] = "static _Bool hook_preempt(const struct hook_task *t, "
			 "const struct hook_turn *r) { return 0; }\n",
};

/* enum code_hook: what the template is told is there. */
static const char *const hook_flags[CODE_HOOKS_COUNT] = {
	[CODE_CLASSIFY] = "-DPOLICY_HOOK_CLASSIFY",
	[CODE_KEY] = "-DPOLICY_HOOK_KEY",
	[CODE_SLICE] = "-DPOLICY_HOOK_SLICE",
	[CODE_PLACE] = "-DPOLICY_HOOK_PLACE",
	[CODE_PREEMPT] = "-DPOLICY_HOOK_PREEMPT",
};

static int expand_template(struct draft *d, struct buf *out)
{
	struct strs flags = {0};
	int rc;

	strs_add(&flags, "-DPOLICY_HOOKS");
	for (int i = 0; i < CODE_HOOKS_COUNT; i++)
		if (d->hooks & 1u << i)
			strs_add(&flags, hook_flags[i]);
	if (d->reads_cgroup)
		strs_add(&flags, "-DPOLICY_FACT_CGROUP");
	if (d->reads_depth)
		strs_add(&flags, "-DPOLICY_FACT_DEPTH");
	rc = clang_expand(d, "policy.bpf.c", "template.i", &flags);
	strs_release(&flags);
	return rc ? rc : draft_read(d, "template.i", out);
}

/* Behind the template; *name gets the object. */
static int join(struct draft *d, const struct buf *template,
		const struct buf *hooks, const char *name, const char *object)
{
	struct buf all;
	int rc;

	buf_init(&all, 2 * CODE_MAX_EXPANDED);
	buf_add(&all, template->data, template->len);
	rc = buf_add(&all, hooks->data, hooks->len);
	if (!rc)
		rc = draft_write(d, name, all.data, all.len);
	buf_release(&all);
	return rc ? rc : clang_compile(d, name, object);
}

static int join_both(struct draft *d, const struct buf *own)
{
	struct buf template = {0}, plain;
	int rc = expand_template(d, &template);

	buf_init(&plain, CODE_MAX_BYTES);
	for (int i = 0; i < CODE_HOOKS_COUNT; i++)
		if (d->hooks & 1u << i)
			buf_puts(&plain, plain_hooks[i]);
	if (!rc)
		rc = join(d, &template, own, "joined.i", "policy.o");
	if (!rc)
		rc = join(d, &template, &plain, "plain.i", "plain.o");
	if (!rc)
		rc = effect_check(d, "policy.o", "plain.o");
	buf_release(&template);
	buf_release(&plain);
	return rc;
}

static int build_hooks(struct draft *d, const struct buf *expanded)
{
	struct buf own;
	int rc = clang_compile(d, "policy.i", NULL);

	if (rc)
		return rc;
	if (!d->hooks) {
		draft_find(d, "no-effect", 0,
			   "none of the hooks is defined: hook_classify, "
			   "hook_key, hook_slice, hook_place, hook_preempt");
		return err_set(EINVAL, "there are no hooks");
	}
	buf_init(&own, CODE_MAX_EXPANDED);
	take_own(expanded, &own);
	rc = join_both(d, &own);
	buf_release(&own);
	return rc;
}

/* ---- both forms ------------------------------------------------------- */

static int build_source(struct draft *d)
{
	int rc = clang_compile(d, "policy.i", "policy.o");

	return rc ? rc : effect_check(d, "policy.o", NULL);
}

/* The digest comes last: an object without it is none. */
static int keep(struct draft *d, const char *key)
{
	char *object = built_object(key), *noted = built_digest(key);
	char digest[DIGEST_HEX_LEN], *all = path_cache("objects");
	struct buf b = {0};
	int rc = draft_read(d, "policy.o", &b);

	if (!rc)
		rc = path_make_dirs(all);
	if (!rc)
		rc = path_write_atomic(object, b.data, b.len);
	if (!rc) {
		digest_hex(b.data, b.len, digest);
		rc = path_write_atomic(noted, digest, strlen(digest));
	}
	buf_release(&b);
	free(all);
	free(object);
	free(noted);
	return rc;
}

static int compile(struct draft *d, const char *code)
{
	struct buf expanded = {0};
	int rc = draft_open(d);

	if (!rc)
		rc = draft_write(d, CODE_FILE, code, strlen(code));
	if (!rc)
		rc = expand_own(d, &expanded);
	if (!rc && d->form == CODE_HOOKS)
		rc = build_hooks(d, &expanded);
	else if (!rc)
		rc = build_source(d);
	buf_release(&expanded);
	return rc;
}

int builder_build(const struct builder *b, const struct json *body)
{
	const char *form = json_as_string(json_get(body, "form"), "");
	const char *code = json_as_string(json_get(body, "code"), "");
	struct draft d = {.b = b,
			  .form = strcmp(form, "hooks") ? CODE_SOURCE
							: CODE_HOOKS};
	char key[DIGEST_HEX_LEN], digest[DIGEST_HEX_LEN];
	struct code_lint lint = {
		.form = d.form, .find = b->find, .arg = b->arg};
	int rc;

	/* Whoever asks for a build alone gets no less looked at. */
	code_lint_text(&lint, code, strlen(code));
	if (lint.findings)
		return err_set(EINVAL, "the code is not allowed");
	rc = built_key(body, key);
	if (rc || !built_check(key, digest))
		return rc;
	d.clang = built_compiler();
	rc = d.clang ? compile(&d, code) : -ENOENT;
	if (!rc)
		rc = keep(&d, key);
	draft_close(&d);
	free(d.clang);
	draft_prune();
	return rc;
}
