/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The five forms of a policy, from the safest to the freest. */
#ifndef SCHEDKIT_POLICY_FORM_H
#define SCHEDKIT_POLICY_FORM_H

#include <stdbool.h>

#include "doc/json.h"

enum policy_form {
	FORM_UNKNOWN,
	FORM_KNOBS,    /* policy/knobs.h; no BPF */
	FORM_EXTERNAL, /* policy/external.h; a program that loads its own */
	FORM_PARAMS,   /* policy/policy.h */
	FORM_HOOKS,    /* "code": functions for the template */
	FORM_SOURCE,   /* "code", or an object */
};

/* body NULL: FORM_UNKNOWN. */
enum policy_form policy_form(const struct json *body);

/* True for the forms behind which there is an object that we load. */
bool policy_form_has_object(enum policy_form f);

/*
 * What a policy sets, in a line for people: what differs from the template's
 * defaults, the rules of knobs, the command line of an external one, how much
 * code there is.  Words of outsiders are in it as they are.  The caller's.
 */
char *policy_text(const struct json *body);

#endif
