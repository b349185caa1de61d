/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched-sim exec: instructions without an object, as conformance suites have
 * them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "bpfvm/raw.h"
#include "cmd/sim.h"

#define MAX_TEXT (16u << 20)

static const char *memory;

static const struct opt options[] = {
	{.kind = OPT_STRING,
	 .name = "mem",
	 .arg = "HEX",
	 .help = "exec: the bytes that R1 points to",
	 .target = &memory},
	{.kind = OPT_END},
};

static const struct opt_tool tool = {
	.name = "sched-sim",
	.purpose = "run BPF instructions",
	.synopsis = "exec [--mem HEX] [FILE]",
	.options = options,
};

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Two digits are a byte; white space may stand anywhere. */
static int from_hex(const char *text, size_t len, struct buf *out)
{
	int high = -1, d;
	char byte;

	for (size_t i = 0; i < len; i++) {
		if (isspace((unsigned char)text[i]))
			continue;
		d = digit(text[i]);
		if (d < 0)
			return err_set(EINVAL,
				       "byte %zu is not a hexadecimal digit",
				       i + 1);
		if (high < 0) {
			high = d;
			continue;
		}
		byte = (char)(high << 4 | d);
		high = -1;
		buf_add(out, &byte, 1);
	}
	return high < 0 ? 0 : err_set(EINVAL, "half a byte at the end");
}

static int read_program(const char *path, struct buf *out)
{
	struct buf text;
	int rc;

	buf_init(&text, MAX_TEXT);
	if (path && strcmp(path, "-")) {
		rc = buf_read_file(&text, path);
	} else {
		path = "standard input";
		rc = buf_read_fd(&text, STDIN_FILENO);
		if (rc)
			rc = err_set(-rc, "cannot read %s: %s", path,
				     strerror(-rc));
	}
	if (!rc) {
		rc = from_hex(text.data, text.len, out);
		if (rc)
			err_prefix(rc, "%s", path);
	}
	buf_release(&text);
	return rc;
}

static int execute(const struct buf *program, const struct buf *mem)
{
	struct vm_fault fault;
	uint64_t r0;
	char *text;
	int rc = raw_run(program->data, program->len, mem->data, mem->len, &r0,
			 &fault);

	if (!rc) {
		printf("%llx\n", (unsigned long long)r0);
		return CLI_YES;
	}
	if (rc != -EFAULT)
		return cli_fail(&tool, rc);
	text = vm_fault_text(&fault);
	cli_note(&tool, "%s", text);
	free(text);
	return CLI_NO;
}

static int run(int argc, char **argv)
{
	int at = cli_options(&tool, argc, argv), status;
	struct buf program, mem;

	if (argc - at > 1)
		cli_usage(&tool, "too many arguments");
	buf_init(&program, MAX_TEXT);
	buf_init(&mem, MAX_TEXT);
	if (memory && from_hex(memory, strlen(memory), &mem))
		cli_usage(&tool, "option --mem: %s", err_text());
	if (read_program(argv[at], &program))
		status = cli_fail(&tool, -EINVAL);
	else
		status = execute(&program, &mem);
	buf_release(&program);
	buf_release(&mem);
	return status;
}

const struct cli_command sim_exec = {
	.name = "exec",
	.purpose = "run BPF instructions given in hexadecimal",
	.tool = &tool,
	.run = run,
};
