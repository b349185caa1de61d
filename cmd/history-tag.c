/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched history tag: names for documents, signed where git can sign. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "cmd/history.h"
#include "history/tag.h"

static struct {
	const char *message, *name, *id;
	bool sign, verify;
} arg;

static const struct opt options[] = {
	HISTORY_OPTIONS,
	{.kind = OPT_STRING,
	 .letter = 'm',
	 .name = "message",
	 .arg = "TEXT",
	 .help = "what the tag says",
	 .target = &arg.message},
	{.kind = OPT_FLAG,
	 .name = "sign",
	 .help = "with the key that git's configuration names",
	 .target = &arg.sign},
	{.kind = OPT_FLAG,
	 .name = "verify",
	 .help = "whether the signature of a tag is good",
	 .target = &arg.verify},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-history",
	.purpose = "give a document a name, or verify one",
	.synopsis = "tag [OPTION...] NAME ID | tag --verify NAME",
	.options = options,
	.mixed = true,
};

static int done(int rc)
{
	if (rc == -EINVAL)
		cli_usage(&tool, "%s", err_text());
	if (rc == -EKEYREJECTED) {
		cli_fail(&tool, rc);
		return CLI_NO;
	}
	return rc ? cli_fail(&tool, rc) : CLI_YES;
}

static int tag(struct history *h)
{
	struct doc *d;
	int status;

	if (arg.verify)
		return done(tag_verify(h, arg.name));
	status = history_the(&tool, h, NULL, arg.id, &d);
	if (status)
		return status;
	status = done(tag_make(h, arg.name, d, arg.message, arg.sign));
	doc_free(d);
	return status;
}

static int run(int argc, char **argv)
{
	int at = history_operands(&tool, argc, argv, 1, 2);

	if (argc - at != (arg.verify ? 1 : 2))
		cli_usage(&tool, arg.verify ? "--verify takes a name"
					    : "say which document: NAME ID");
	arg.name = argv[at];
	arg.id = argv[at + 1];
	return history_with_write(&tool, tag);
}

const struct cli_command history_tag_command = {
	.name = "tag",
	.purpose = "give a document a name, signed or not",
	.tool = &tool,
	.run = run,
};
