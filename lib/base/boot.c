/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/boot.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

int boot_id(char out[static BOOT_ID_LEN])
{
	struct buf b;
	int rc;

	buf_init(&b, 256);
	rc = buf_read_file(&b, "/proc/sys/kernel/random/boot_id");
	snprintf(out, BOOT_ID_LEN, "%.*s",
		 !rc && b.len ? (int)strcspn(b.data, "\n") : 0,
		 b.len ? b.data : "");
	buf_release(&b);
	return rc;
}
