/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of endpoints. */
#ifndef SCHEDKIT_LLM_URL_H
#define SCHEDKIT_LLM_URL_H

#include <stdbool.h>

/*
 * -EINVAL: no URL that may be asked: a scheme other than https, or http to
 * this machine (127.0.0.0/8, ::1, localhost), or a password within.
 * *host: "api.openai.com", "[::1]:8080"; the caller's.
 */
int url_check(const char *url, char **host);
/* One that url_check() takes is on this machine, by its very text. */
bool url_is_here(const char *url);

/* url, which url_check() took, with path ("/models") behind its own; a query
 * stays where it is.  The caller's. */
char *url_join(const char *url, const char *path);

#endif
