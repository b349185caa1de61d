/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cgroups will want of the CPUs; each command parses its own options. */
#include "base/mem.h"
#include "cmd/demand.h"

static const struct cli_command *const commands[] = {
	&demand_show,
	&demand_run,
};

int main(int argc, char **argv)
{
	return cli_commands("sched-demand",
			    "foretell what CPUs cgroups will want, and have "
			    "them ready",
			    commands, ARRAY_LEN(commands), argc, argv);
}
