/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of rules, as far as they are to be believed. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/owned.h"
#include "intent/intent.h"

int intents_read_file(struct intents *to, const char *path)
{
	struct stat st;
	struct buf b;
	int fd = owned_open(path, &st), rc;

	if (fd < 0)
		return fd;
	buf_init(&b, INTENT_FILE_MAX);
	rc = buf_read_fd(&b, fd);
	close(fd);
	if (rc == -EFBIG)
		rc = err_set(EFBIG, "%s: it has more than %u bytes", path,
			     INTENT_FILE_MAX);
	else if (rc)
		rc = err_prefix(rc, "%s", path);
	else
		rc = intents_parse(to, path, b.data ? b.data : "", b.len,
				   st.st_mtime);
	buf_release(&b);
	return rc;
}

static bool is_rules(const char *name)
{
	size_t n = strlen(name), len = strlen(INTENT_SUFFIX);

	return *name != '.' && n > len &&
	       !strcmp(name + n - len, INTENT_SUFFIX);
}

static int check_folder(const char *folder)
{
	struct stat st;

	if (stat(folder, &st))
		return err_set(errno, "%s: %s", folder, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(ENOTDIR, "%s: it is no folder", folder);
	return owned_check(folder, &st);
}

static int list_names(const char *folder, const char *instead,
		      struct strs *names)
{
	struct dirent *d = NULL;
	DIR *dir;
	int rc;

	if (instead)
		strs_add(names, instead);
	dir = opendir(folder);
	rc = errno;
	if (!dir)
		return rc == ENOENT
			       ? 0
			       : err_set(rc, "%s: %s", folder, strerror(rc));
	/* Who may write there may fill it, but not our memory. */
	while (names->len <= INTENT_FILES_MAX && (errno = 0, d = readdir(dir)))
		if (is_rules(d->d_name) &&
		    (!instead || strcmp(d->d_name, instead)))
			strs_add(names, d->d_name);
	/* Without some of the rules, others would win. */
	rc = d || !errno ? 0
			 : err_set(errno, "%s: %s", folder, strerror(errno));
	closedir(dir);
	if (rc)
		return rc;
	if (names->len > INTENT_FILES_MAX)
		return err_set(E2BIG, "%s: there may be %d files, not more",
			       folder, INTENT_FILES_MAX);
	strs_sort(names);
	return 0;
}

static int read_one(struct intents *to, const char *path, const char *name,
		    const struct intents_instead *instead)
{
	if (!instead || strcmp(name, instead->name))
		return intents_read_file(to, path);
	return intents_parse(to, path, instead->text, instead->len,
			     clock_wall());
}

int intents_read_with(struct intents *to, const char *folder,
		      const struct intents_instead *instead)
{
	struct strs names = {0};
	int rc = check_folder(folder);

	if (rc && rc != -ENOENT)
		return rc;
	err_clear();
	rc = list_names(folder, instead ? instead->name : NULL, &names);
	for (size_t i = 0; !rc && i < names.len; i++) {
		char *path = mem_printf("%s/%s", folder, names.v[i]);

		if (read_one(to, path, names.v[i], instead))
			strs_add(&to->problems, err_text());
		free(path);
	}
	strs_release(&names);
	return rc;
}

int intents_read(struct intents *to, const char *folder)
{
	return intents_read_with(to, folder, NULL);
}
