/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/doctor_check.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/strs.h"

#define ASK_SECONDS 20
#define ASK_BYTES   4096

void doctor_add(struct json *checks, const char *name, const char *status,
		const char *way_out, const char *fmt, ...)
{
	struct json *row = json_add(checks, json_object());
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_set_string(row, "name", name);
	json_set_string(row, "status", status);
	json_set_string(row, "text", text);
	json_set_string(row, "way_out", way_out);
}

char *doctor_ask(const char *const *argv)
{
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;
	struct strs words = {0};
	struct buf out, err;
	char *answer = NULL;

	for (; *argv; argv++)
		strs_add(&words, *argv);
	buf_init(&out, ASK_BYTES);
	buf_init(&err, ASK_BYTES);
	spec.argv = words.v;
	spec.stdin_fd = -1;
	spec.out = &out;
	spec.out_fd = -1;
	spec.err = &err;
	spec.err_fd = -1;
	spec.timeout_s = ASK_SECONDS;
	if (proc_run(&spec, &res) == 0 && res.exit_status == 0)
		answer = buf_take(&out);
	buf_release(&out);
	buf_release(&err);
	strs_release(&words);
	return answer;
}

char *doctor_first_line(char *s)
{
	s[strcspn(s, "\n")] = '\0';
	return s;
}

struct json *doctor_examine(void)
{
	struct json *body = json_object();
	struct json *checks = json_array();
	bool host = doctor_kernel(checks);
	bool guest = doctor_guest(checks);
	bool object = doctor_programs(checks);
	const char *text;

	doctor_model(checks);
	doctor_runtime(checks);
	if (!object)
		text = "not ready: the policy object is missing";
	else if (host && guest)
		text = "ready: policies can be measured in a guest and here";
	else if (guest)
		text = "ready: policies are measured in a guest";
	else if (host)
		text = "ready: policies can be measured on this kernel";
	else
		text = "not ready: policies can be measured neither on this "
		       "kernel nor in a guest";
	json_set_string(body, "text", text);
	json_set_bool(body, "ready", object && (host || guest));
	json_set(body, "checks", checks);
	return body;
}
