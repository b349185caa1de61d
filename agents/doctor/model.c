/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a language model and the code it writes need. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agents/doctor/check.h"
#include "agents/model/model.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"
#include "base/sandbox.h"

static void check_sandbox(struct json *checks)
{
	const struct sandbox nothing = {.read = sandbox_system, .exec = true};
	char program[] = "true", *argv[] = {program, NULL};
	struct proc_spec spec = PROC_SPEC_INIT;
	struct proc_result res;

	spec.argv = argv;
	spec.sandbox = &nothing;
	if (proc_run(&spec, &res) == 0 && res.exit_status == 0)
		doctor_add(checks, "sandbox", DOCTOR_OK, "",
			   "Landlock and seccomp hold: code and models can be "
			   "shut in");
	else
		doctor_add(checks, "sandbox", DOCTOR_WARN,
			   "a kernel with Landlock (lsm=landlock,…)",
			   "policies are not proved, simulated or compiled: %s",
			   err_text());
}

/* Nothing is sent: only the address and the key are looked at. */
static void check_model(struct json *checks)
{
	const char *address = getenv("SCHED_LLM");
	struct model *m = NULL;

	if (!address || !*address) {
		doctor_add(checks, "model", DOCTOR_OK, "",
			   "none is asked: SCHED_LLM is not set");
		return;
	}
	if (model_open(&(struct model_opts){.run = "doctor"}, &m) == 0)
		doctor_add(checks, "model", DOCTOR_OK, "", "%s", model_name(m));
	else
		doctor_add(checks, "model", DOCTOR_WARN,
			   "see LANGUAGE MODELS in sched-synth(1)", "%s",
			   err_text());
	model_close(m);
}

void doctor_model(struct json *checks)
{
	check_sandbox(checks);
	check_model(checks);
}
