/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intents as the template knows them: what people declared, compiled to
 * numbers.  Includes nothing, so that both sides can: the includer provides
 * the fixed-width types.
 */
#ifndef SCHEDKIT_INTENT_ABI_H
#define SCHEDKIT_INTENT_ABI_H

#ifndef __bpf__
#include <stdint.h>
#endif

#define INTENT_MAX_RULES   64
#define INTENT_MAX_WEIGHT  10000
#define INTENT_MAX_US	   1000000 /* of any time */
#define INTENT_COMMAND_MAX 15	   /* bytes of a task's name */
#define INTENT_CORE_WORDS  8

/* What a rule sets. */
enum intent_effect {
	INTENT_CLASS = 1,
	INTENT_WEIGHT = 2,
	INTENT_SLICE_MIN = 4,
	INTENT_SLICE_MAX = 8,
	INTENT_DEADLINE = 16,
	INTENT_CORES = 32,
	INTENT_EFFECTS = 63,
};

/* Where in a task's name the text of a rule has to stand. */
enum intent_where { INTENT_ANYWHERE, INTENT_WHOLE, INTENT_BEGIN, INTENT_END };

/*
 * What is no text to the kernel's side: user space says of each cgroup, file
 * and user that rules are about which rules' conditions it meets.
 */
enum intent_kind {
	INTENT_OF_CGROUP = 1,
	INTENT_OF_FILE = 2,
	INTENT_OF_USER = 4
};

#define INTENT_KINDS	 7
#define INTENT_MAX_MARKS 4096

struct intent_entry {
	uint64_t cores[INTENT_CORE_WORDS]; /* a bit for each CPU */
	uint32_t set;			   /* enum intent_effect */
	uint32_t class;			   /* as the template has them */
	uint32_t weight;
	uint32_t slice_min_us, slice_max_us, deadline_us;
	uint32_t needs; /* marks of these kinds */
	uint32_t where; /* enum intent_where, in the name of the task or of its
			   process … */
	uint32_t len;	/* … stands so much of */
	char text[INTENT_COMMAND_MAX + 1]; /* '?' is any byte */
};

/* Zeroed, but for what is used of v: the first entry that holds counts. */
struct intent_table {
	uint32_t count;
	uint32_t kinds; /* that any entry needs */
	struct intent_entry v[INTENT_MAX_RULES];
};

/*
 * There are two tables and two sets of marks.  Whose turn it is says the
 * generation: odd ones have the second, 0 has none.  Who changes the rules
 * fills the others first, and then counts on.
 */
#define INTENT_HALF(generation) ((generation)&1)

struct intent_key {
	uint64_t id;  /* of the cgroup, number of the inode, or of the user */
	uint32_t dev; /* of a file, as the kernel counts; else 0 */
	uint16_t kind;
	uint16_t half;
};

struct intent_mark {
	struct intent_key key; /* half 0: whoever stores it knows */
	uint64_t rules;	       /* a bit each */
};

/* What a program without text is handed. */
struct intent_rules {
	uint32_t size;	/* of all of it that is used */
	uint32_t marks; /* how many */
	struct intent_table table;
	struct intent_mark v[INTENT_MAX_MARKS];
};

#endif
