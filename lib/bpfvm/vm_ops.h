/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations that instructions are decoded to: VM_OPS_PLAIN are told by
 * the opcode byte alone, VM_OPS_OTHER by more.
 */
#ifndef SCHEDKIT_BPFVM_VM_OPS_H
#define SCHEDKIT_BPFVM_VM_OPS_H

#include <linux/bpf.h>

#define VM_OPS_ALU(X, name, code)                 \
	X(name##64_K, BPF_ALU64 | BPF_K | (code)) \
	X(name##64_X, BPF_ALU64 | BPF_X | (code)) \
	X(name##32_K, BPF_ALU | BPF_K | (code))   \
	X(name##32_X, BPF_ALU | BPF_X | (code))

#define VM_OPS_JUMP(X, name, code)                \
	X(name##64_K, BPF_JMP | BPF_K | (code))   \
	X(name##64_X, BPF_JMP | BPF_X | (code))   \
	X(name##32_K, BPF_JMP32 | BPF_K | (code)) \
	X(name##32_X, BPF_JMP32 | BPF_X | (code))

#define VM_OPS_SIZES(X, name, code) \
	X(name##8, BPF_B | (code))  \
	X(name##16, BPF_H | (code)) \
	X(name##32, BPF_W | (code)) \
	X(name##64, BPF_DW | (code))

#define VM_OPS_PLAIN(X)                         \
	VM_OPS_ALU(X, ADD, BPF_ADD)             \
	VM_OPS_ALU(X, SUB, BPF_SUB)             \
	VM_OPS_ALU(X, MUL, BPF_MUL)             \
	VM_OPS_ALU(X, DIV, BPF_DIV)             \
	VM_OPS_ALU(X, MOD, BPF_MOD)             \
	VM_OPS_ALU(X, OR, BPF_OR)               \
	VM_OPS_ALU(X, AND, BPF_AND)             \
	VM_OPS_ALU(X, XOR, BPF_XOR)             \
	VM_OPS_ALU(X, LSH, BPF_LSH)             \
	VM_OPS_ALU(X, RSH, BPF_RSH)             \
	VM_OPS_ALU(X, ARSH, BPF_ARSH)           \
	VM_OPS_ALU(X, MOV, BPF_MOV)             \
	X(NEG64, BPF_ALU64 | BPF_NEG)           \
	X(NEG32, BPF_ALU | BPF_NEG)             \
	VM_OPS_JUMP(X, JEQ, BPF_JEQ)            \
	VM_OPS_JUMP(X, JNE, BPF_JNE)            \
	VM_OPS_JUMP(X, JGT, BPF_JGT)            \
	VM_OPS_JUMP(X, JGE, BPF_JGE)            \
	VM_OPS_JUMP(X, JLT, BPF_JLT)            \
	VM_OPS_JUMP(X, JLE, BPF_JLE)            \
	VM_OPS_JUMP(X, JSGT, BPF_JSGT)          \
	VM_OPS_JUMP(X, JSGE, BPF_JSGE)          \
	VM_OPS_JUMP(X, JSLT, BPF_JSLT)          \
	VM_OPS_JUMP(X, JSLE, BPF_JSLE)          \
	VM_OPS_JUMP(X, JSET, BPF_JSET)          \
	X(JA, BPF_JMP | BPF_JA)                 \
	X(JA_LONG, BPF_JMP32 | BPF_JA)          \
	X(EXIT, BPF_JMP | BPF_EXIT)             \
	VM_OPS_SIZES(X, LDX, BPF_LDX | BPF_MEM) \
	VM_OPS_SIZES(X, ST, BPF_ST | BPF_MEM)   \
	VM_OPS_SIZES(X, STX, BPF_STX | BPF_MEM) \
	X(LDXS8, BPF_LDX | BPF_B | VM_MEMSX)    \
	X(LDXS16, BPF_LDX | BPF_H | VM_MEMSX)   \
	X(LDXS32, BPF_LDX | BPF_W | VM_MEMSX)

/* In the order of their like above or below: decode.c counts on it. */
#define VM_OPS_OTHER(X)               \
	VM_OPS_ALU(X, SDIV, 0)        \
	VM_OPS_ALU(X, SMOD, 0)        \
	VM_OPS_SIZES(X, FRAME_LDX, 0) \
	VM_OPS_SIZES(X, FRAME_ST, 0)  \
	VM_OPS_SIZES(X, FRAME_STX, 0) \
	X(MOVSX64_8, 0)               \
	X(MOVSX64_16, 0)              \
	X(MOVSX64_32, 0)              \
	X(MOVSX32_8, 0)               \
	X(MOVSX32_16, 0)              \
	X(LE16, 0)                    \
	X(LE32, 0)                    \
	X(LE64, 0)                    \
	X(BE16, 0)                    \
	X(BE32, 0)                    \
	X(BE64, 0)                    \
	X(SWAP16, 0)                  \
	X(SWAP32, 0)                  \
	X(SWAP64, 0)                  \
	X(ATOMIC32, 0)                \
	X(ATOMIC64, 0)                \
	VM_OPS_SIZES(X, ACQUIRE, 0)   \
	VM_OPS_SIZES(X, RELEASE, 0)   \
	X(LD_IMM64, 0)                \
	X(ARENA_CAST, 0)              \
	X(MAY_GOTO, 0)                \
	X(CALL, 0)                    \
	X(CALL_LOCAL, 0)              \
	X(HALF, 0)                    \
	X(BAD, 0)

/* Newer than the system's <linux/bpf.h>. */
#define VM_MEMSX	 0x80
#define VM_JCOND	 0xe0
#define VM_LOAD_ACQUIRE	 0x100
#define VM_STORE_RELEASE 0x110

#define VM_OP_NAME(name, code) VM_OP_##name,
enum vm_op_code {
	VM_OPS_PLAIN(VM_OP_NAME) VM_OPS_OTHER(VM_OP_NAME) VM_OP_COUNT
};
#undef VM_OP_NAME

#endif
