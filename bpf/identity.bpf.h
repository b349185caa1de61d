/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Learned identity: one number for what was executed.
 *
 * A hash of the path given to execve(2) (its first 255 bytes) and of the
 * argument strings (their first 512 bytes and their length).  The same
 * command has the same identity on every kernel and machine of one byte
 * order; the text itself never leaves the kernel.
 *
 * For SEC("tp_btf/sched_process_exec"), in the context of the new program.
 * Needs no map, so it can live in any object.  Never 0.
 */
#ifndef SCHEDKIT_BPF_IDENTITY_BPF_H
#define SCHEDKIT_BPF_IDENTITY_BPF_H

#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>

#include "identity_abi.h"

#define IDENTITY_PATH_WORDS 32
#define IDENTITY_ARG_WORDS  64

static __always_inline u64 identity_path(u64 h, const char *path)
{
	u64 words[IDENTITY_PATH_WORDS] = {};
	long len;

	len = bpf_probe_read_kernel_str(words, sizeof(words), path);
	if (len < 0)
		len = 0;
#pragma clang loop unroll(disable)
	for (int i = 0; i < IDENTITY_PATH_WORDS; i++) {
		if (i * 8 >= len)
			break;
		h = identity_mix(h, words[i]);
	}
	return identity_mix(h, len);
}

static __always_inline u64 identity_args(u64 h, unsigned long at, u64 len)
{
#pragma clang loop unroll(disable)
	for (u64 done = 0; done < IDENTITY_ARG_WORDS * 8; done += 8) {
		u64 word = 0;

		if (done >= len)
			break;
		/*
		 * The environment follows the arguments, so that reading a
		 * whole word is safe; what is not ours is cut off.
		 */
		if (bpf_probe_read_user(&word, sizeof(word),
					(void *)(at + done)))
			break;
		if (len - done < 8)
			word &= (1ULL << (len - done) * 8) - 1;
		h = identity_mix(h, word);
	}
	return identity_mix(h, len);
}

static __always_inline u64 identity_hash(struct task_struct *p,
					 struct linux_binprm *bprm)
{
	struct mm_struct *mm = p->mm;
	u64 h;

	h = identity_path(IDENTITY_SEED, bprm->filename);
	if (mm)
		h = identity_args(h, mm->arg_start,
				  mm->arg_end - mm->arg_start);
	return identity_final(h);
}

#endif
