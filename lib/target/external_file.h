/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file that is executed for an external scheduler. */
#ifndef SCHEDKIT_TARGET_EXTERNAL_FILE_H
#define SCHEDKIT_TARGET_EXTERNAL_FILE_H

#include "crypt/digest.h"

/*
 * Opens a program that is root's alone and takes its digest: a descriptor to
 * execute, that is closed then.  wanted: what the digest must be, NULL for
 * any.  -EACCES, -ENOEXEC as external_run_start().
 */
int external_file_open(const char *path, const char *wanted,
		       char sha256[static DIGEST_HEX_LEN]);

#endif
