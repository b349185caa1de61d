/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/accel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"

#define MAX_FILE 65536
#define MAX_WHY	 200

/* One line per answer: BOOT<tab>QEMU<tab>KERNEL<tab>kvm|tcg<tab>WHY. */
static char *key_of(const struct parts *p, const char *boot)
{
	return mem_printf("%s\t%s\t%s\t", boot, p->qemu_version,
			  *p->release ? p->release : p->kernel);
}

static char *read_answers(void)
{
	char *path = path_cache("accel");
	struct buf b;

	buf_init(&b, MAX_FILE);
	if (buf_read_file(&b, path) < 0)
		buf_reset(&b);
	free(path);
	return buf_take(&b);
}

enum accel_answer accel_recall(const struct parts *p, char **why)
{
	char boot[BOOT_ID_LEN], *key, *all = read_answers(), *at;
	enum accel_answer a = ACCEL_UNKNOWN;

	boot_id(boot);
	key = key_of(p, boot);
	at = strstr(all, key);
	*why = mem_strdup("");
	if (access("/dev/kvm", R_OK | W_OK) < 0) {
		free(*why);
		*why = mem_printf("/dev/kvm: %s", strerror(errno));
		a = ACCEL_TCG;
	} else if (at) {
		at += strlen(key);
		a = strncmp(at, "kvm\t", 4) ? ACCEL_TCG : ACCEL_KVM;
		free(*why);
		*why = mem_strndup(at + 4, strcspn(at + 4, "\n"));
	}
	free(all);
	free(key);
	return a;
}

void accel_remember(const struct parts *p, enum accel_answer a, const char *why)
{
	char *path = path_cache("accel"), *all = read_answers(), *save = NULL;
	char boot[BOOT_ID_LEN], *key;
	struct buf b;

	boot_id(boot);
	key = key_of(p, boot);
	buf_init(&b, MAX_FILE);
	/* Answers of earlier boots of this machine are void. */
	for (char *l = strtok_r(all, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save))
		if (!strncmp(l, boot, strlen(boot)) &&
		    strncmp(l, key, strlen(key)) != 0)
			buf_printf(&b, "%s\n", l);
	buf_printf(&b, "%s%s\t%.*s\n", key, a == ACCEL_KVM ? "kvm" : "tcg",
		   MAX_WHY, why);
	if (path_make_parent(path) || path_write_atomic(path, b.data, b.len))
		err_clear();
	buf_release(&b);
	free(path);
	free(all);
	free(key);
}
