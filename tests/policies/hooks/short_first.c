/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Short bursts first: a task stands later by what it typically runs for, and
 * earlier the longer it slept.  Who waits in a deep queue gets short turns.
 */
#define MOST HOOK_MS(20)

static const u32 turns[4] = {20, 10, 6, 4}; /* milliseconds */

static u64 typical(const struct hook_task *t)
{
	return hook_max(t->mean_burst, t->last_burst);
}

u64 hook_key(const struct hook_task *t)
{
	u64 slept = hook_log2(t->last_sleep / 1000) * HOOK_US(100);

	return t->key + hook_min(typical(t), MOST) - slept;
}

u64 hook_slice(const struct hook_task *t)
{
	return HOOK_MS(turns[hook_min(t->depth / 2, 3)]);
}
