/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every hook, and every fact that costs a call. */
#include "hooks.h"

u32 hook_classify(const struct hook_task *t)
{
	if (t->fresh || t->nice < 0)
		return HOOK_INTERACTIVE;
	return t->mean_burst > HOOK_MS(8) ? HOOK_BATCH : t->class;
}

u64 hook_key(const struct hook_task *t)
{
	u64 same = t->cgroup & 1 ? HOOK_US(1) : 0;

	return t->key + same + (t->class == HOOK_BATCH ? HOOK_MS(2) : 0);
}

u64 hook_slice(const struct hook_task *t)
{
	return t->depth ? t->slice / 2 : t->slice;
}

/* Where it ran, or beside that. */
s32 hook_place(const struct hook_task *t)
{
	return t->wakeups & 1 ? (s32)t->cpu : (s32)(t->cpu ^ 1);
}

bool hook_preempt(const struct hook_task *t, const struct hook_turn *r)
{
	return t->class < r->class && hook_before(t->key, r->key + r->ran);
}
