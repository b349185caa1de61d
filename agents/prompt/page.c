/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages of the reference: written ones, the headers, and the table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agents/prompt/prompt.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "policy/policy.h"

#define MAX_PAGE (48u << 10)

static const struct page {
	const char *name;
	const char *file; /* below ROOT/lib/schedkit; NULL: see below */
	bool header;
} pages[] = {
	{"data", "prompts/reference/data.md", false},
	{"forms", "prompts/reference/forms.md", false},
	{"patterns", "prompts/reference/patterns.md", false},
	{"params", NULL, false},
	{"lifecycle", "prompts/reference/lifecycle.md", false},
	{"custody", "prompts/reference/custody.md", false},
	{"dsq", "prompts/reference/dsq.md", false},
	{"slices", "prompts/reference/slices.md", false},
	{"cpus", "prompts/reference/cpus.md", false},
	{"api", "prompts/reference/api.md", false},
	{"verifier", "prompts/reference/verifier.md", false},
	{"rules", "prompts/reference/rules.md", false},
	{"source", "prompts/reference/source.md", false},
	{"hooks", "bpf/hooks.h", true},
	{"hooking", "prompts/reference/hooking.md", false},
	{"scx", "bpf/scx.bpf.h", true},
	{"kernel", "bpf/kernel.bpf.h", true},
};

static void kind_text(struct buf *b, const struct param *p)
{
	if (p->kind == PARAM_SWITCH) {
		buf_printf(b, "true|false, default %s",
			   p->dflt ? "true" : "false");
		return;
	}
	if (p->kind == PARAM_NUMBER) {
		buf_printf(b, "%u..%u, default %u", p->min, p->max, p->dflt);
		return;
	}
	for (uint32_t i = 0; i < policy_param_span(p); i++)
		buf_printf(b, "%s%s", i ? "|" : "", p->choices[i]);
	buf_printf(b, ", default %s", p->choices[p->dflt]);
}

void prompt_params(struct buf *b)
{
	buf_puts(b, "# Parameters of the template\n\n"
		    "A `params` policy is a point of this table; what is left "
		    "out has its default. Times are in the unit of the "
		    "name.\n\n");
	for (size_t i = 0; i < policy_param_count; i++) {
		const struct param *p = &policy_param_table[i];

		if (policy_param_span(p) == 1)
			continue;
		buf_printf(b, "- `%s` [%s] (", p->name, p->axis);
		kind_text(b, p);
		buf_printf(b, "): %s\n", p->help);
	}
}

static int read_page(struct buf *b, const struct page *p)
{
	char *path = path_lib(p->file);
	struct buf text;
	int rc;

	buf_init(&text, MAX_PAGE);
	rc = buf_read_file(&text, path);
	free(path);
	if (rc) {
		buf_release(&text);
		return err_prefix(rc, "page '%s'", p->name);
	}
	if (p->header)
		buf_printf(b, "# %s\n\n```\n", p->file);
	buf_add(b, text.data ? text.data : "", text.len);
	if (p->header)
		buf_puts(b, "```\n");
	buf_release(&text);
	return 0;
}

int prompt_page(struct buf *b, const char *name)
{
	struct buf all;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		if (strcmp(pages[i].name, name))
			continue;
		if (pages[i].file)
			return read_page(b, &pages[i]);
		prompt_params(b);
		return 0;
	}
	buf_init(&all, 1024);
	for (size_t i = 0; i < ARRAY_LEN(pages); i++)
		buf_printf(&all, "%s%s", i ? ", " : "", pages[i].name);
	rc = err_set(ENOENT, "no page '%.40s'; there are %s", name, all.data);
	buf_release(&all);
	return rc;
}
