/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What requests of agents are scheduled by. */
#include <stdlib.h>

#include "agents/doctor/check.h"
#include "base/err.h"
#include "rt/client.h"
#include "rt/config.h"
#include "rt/socket.h"

/* None is started: only what there is is looked at. */
void doctor_runtime(struct json *checks)
{
	struct rt_client_opts o = {.agent = "sched-doctor", .run = "doctor"};
	struct rt_client *c = NULL;
	struct rt_config config;
	char *path;

	if (rt_config_load(NULL, &config) < 0) {
		doctor_add(checks, "runtime", DOCTOR_WARN,
			   "mend the file, see schedkit-runtime(5)", "%s",
			   err_text());
		return;
	}
	path = rt_socket_path();
	o.socket = path;
	if (rt_client_open(&o, &c) == 0)
		doctor_add(checks, "runtime", DOCTOR_OK, "",
			   "shared: sched-agentd answers at '%s'", path);
	else
		doctor_add(checks, "runtime", DOCTOR_OK, "",
			   "each tool schedules its own requests, by '%s': no "
			   "sched-agentd runs",
			   config.engine.policy);
	rt_client_close(c);
	rt_config_release(&config);
	free(path);
}
