/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The form "external": a scheduler that is installed on this machine, as a
 * program that loads its own BPF and stays for as long as it is to schedule.
 *
 *   "external":{"program":"scx_simple","flags":["-f","--slice-us","5000"]}
 *
 * The program is a plain name, found in the system's own folders and in PATH,
 * owned by root and writable by nobody else.  A flag is an argument of its
 * own, and must be in the text that the program prints when asked for --help;
 * a value holds no slash, so that no flag names a file.
 */
#ifndef SCHEDKIT_POLICY_EXTERNAL_H
#define SCHEDKIT_POLICY_EXTERNAL_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "doc/json.h"

#define EXTERNAL_MAX_NAME  64
#define EXTERNAL_MAX_FLAGS 32
#define EXTERNAL_MAX_FLAG  128 /* bytes of one argument */

/* The program and its flags; flat, so that one process can give it another. */
struct external {
	char program[EXTERNAL_MAX_NAME + 1];
	uint32_t count;
	char flags[EXTERNAL_MAX_FLAGS][EXTERNAL_MAX_FLAG + 1];
};

/* Reads a policy's body and checks it.  -EINVAL names the key. */
int external_read(const struct json *body, struct external *out);

/*
 * Name and flags are of the shape they must have: all that can be said without
 * the program.  -EINVAL names the key.
 */
int external_check(const struct external *e);

/*
 * Where the program is, with every link followed: the caller's.  -ENOENT: it
 * is not installed; -EACCES: others than root might have changed it.
 */
int external_find(const struct external *e, char **path);

/* The same for a path that external_find() gave, by whom runs it. */
int external_check_file(const char *path);

/*
 * Every flag is in help, and what follows one is there only if it takes a
 * value.  -EINVAL names the flag.
 */
int external_check_flags(const struct external *e, const char *help);

/*
 * What the program says of itself, asked in a sandbox with neither privilege
 * nor network, for at most some seconds: the caller's.
 */
int external_help(const char *path, const volatile sig_atomic_t *cancel,
		  char **help);

/* "scx_simple -f --slice-us 5000", whatever it is: the caller's. */
char *external_text(const struct json *body);

#endif
