/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The environment of a command in a guest. */
#ifndef SCHEDKIT_TARGET_ENV_H
#define SCHEDKIT_TARGET_ENV_H

/*
 * PATH, HOME, LANG and their like from our own environment, with defaults;
 * nothing else, so that secrets and sockets of the session stay outside.
 */
char **env_clean(void);
void env_free(char **env);

#endif
