/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree by the names that its functions have from 7.1 on. */
#define bpf_obj_new_impl    bpf_obj_new
#define bpf_obj_drop_impl   bpf_obj_drop
#define bpf_rbtree_add_impl bpf_rbtree_add
#include "../good/tree.bpf.c"
