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

/* By its name in a body and in options; NULL, too: FORM_UNKNOWN. */
enum policy_form policy_form_named(const char *name);

/* True for the forms of which what is built in proposes policies; the others
 * only a model writes. */
bool policy_form_is_searched(enum policy_form f);

/*
 * Whether policies of the form of that name can be proposed, where a model is
 * asked or only what is built in: 0; -EINVAL, the message names the way out.
 * NULL, no form in particular: 0.
 */
int policy_form_check(const char *name, bool with_model);

/* True for the forms behind which there is an object that we load. */
bool policy_form_has_object(enum policy_form f);

/*
 * What a policy sets, in a line for people: what differs from the template's
 * defaults, the rules of knobs, the command line of an external one, how much
 * code there is.  Words of outsiders are in it as they are.  The caller's.
 */
char *policy_text(const struct json *body);

#endif
