/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agents/deployer/pins.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "scx/load_request.h"
#include "scx/sysfs.h"

#define WAIT_MS 5000
#define LOOK_MS 20

static const char *const links[] = {LOAD_PINS "/policy", LOAD_PINS "/exec"};

bool pins_there(void)
{
	return !access(links[0], F_OK);
}

/* Not even on its way out. */
static bool is_over(void)
{
	static const char ours[] = "schedkit";
	char state[SYSFS_WORD], ops[SYSFS_WORD];

	if (!sysfs_word("state", state) || !strcmp(state, "disabled"))
		return true;
	return !strcmp(state, "enabled") && sysfs_word("root/ops", ops) &&
	       strncmp(ops, ours, sizeof(ours) - 1) != 0;
}

int pins_remove(void)
{
	if (!pins_there())
		return err_set(ESRCH, "no policy is pinned here");
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (unlink(links[i]) < 0 && errno != ENOENT)
			return err_set(errno, "cannot remove '%s': %s",
				       links[i], strerror(errno));
	rmdir(LOAD_PINS);
	for (int ms = 0; !is_over(); ms += LOOK_MS) {
		if (ms >= WAIT_MS)
			return err_set(ETIMEDOUT,
				       "the kernel still has a policy %d s "
				       "after its pins were removed",
				       WAIT_MS / 1000);
		poll(NULL, 0, LOOK_MS);
	}
	return 0;
}
