/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which boot of this machine this is: what is of another one is void. */
#ifndef SCHEDKIT_BASE_BOOT_H
#define SCHEDKIT_BASE_BOOT_H

#define BOOT_ID_LEN 40 /* what the kernel gives, a UUID, and its NUL */

/* -errno: the kernel does not tell, and out is "". */
int boot_id(char out[static BOOT_ID_LEN]);

#endif
