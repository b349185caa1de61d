/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/doctor/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/doctor/check.h"
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

static const char *answer(bool object, bool host, bool guest)
{
	if (!object)
		return "not ready: the policy object is missing";
	if (host && guest)
		return "ready: policies can be measured in a guest and here";
	if (guest)
		return "ready: policies are measured in a guest";
	if (host)
		return "ready: policies can be measured on this kernel";
	return "not ready: policies can be measured neither on this kernel "
	       "nor in a guest";
}

/* The kernel, and what goes on under it. */
static bool look_at_kernel(struct json *checks, const struct site *s)
{
	bool host = doctor_kernel(checks, s);

	doctor_options(checks, s);
	doctor_others(checks, s);
	doctor_cgroups(checks, s);
	doctor_privileges(checks, s);
	return host;
}

int doctor_examine(const char *root, struct json **out)
{
	struct json *body, *checks;
	bool host, guest, object;
	struct site s;
	int rc = site_open(&s, root);

	if (rc)
		return rc;
	body = json_object();
	checks = json_array();
	if (s.other) {
		host = look_at_kernel(checks, &s);
		json_set_string(body, "text",
				host ? "ready: policies can be attached to "
				       "that kernel"
				     : "not ready: policies cannot be attached "
				       "to that kernel");
		json_set_bool(body, "ready", host);
	} else {
		doctor_machine(checks, &s);
		host = look_at_kernel(checks, &s);
		guest = doctor_guest(checks);
		object = doctor_programs(checks);
		doctor_model(checks);
		doctor_runtime(checks);
		json_set_string(body, "text", answer(object, host, guest));
		json_set_bool(body, "ready", object && (host || guest));
	}
	json_set(body, "checks", checks);
	site_close(&s);
	*out = body;
	return 0;
}
