/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/io.h"
#include "base/mem.h"

/* The folder that holds bin/ or libexec/ of the running program. */
static void root_dir(char out[static PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 1);
	char *cut;

	if (n < 0) {
		strcpy(out, "/usr");
		return;
	}
	out[n] = '\0';
	/* A program in libexec/schedkit is one level deeper than bin. */
	cut = strstr(out, "/libexec/schedkit/");
	if (cut) {
		*cut = '\0';
		return;
	}
	for (int level = 0; level < 2; level++) {
		cut = strrchr(out, '/');
		if (cut && cut != out)
			*cut = '\0';
	}
}

char *path_bin(const char *name)
{
	char root[PATH_MAX];

	root_dir(root);
	return mem_printf("%s/bin/%s", root, name);
}

char *path_libexec(const char *name)
{
	char root[PATH_MAX];

	root_dir(root);
	return mem_printf("%s/libexec/schedkit/%s", root, name);
}

char *path_lib(const char *name)
{
	char root[PATH_MAX];

	root_dir(root);
	return mem_printf("%s/lib/schedkit/%s", root, name);
}

static char *xdg(const char *var, const char *fallback, const char *name)
{
	const char *base = getenv(var);
	const char *home = getenv("HOME");

	/* The XDG base directory specification ignores relative paths. */
	if (base && base[0] == '/')
		return mem_printf("%s/schedkit/%s", base, name);
	if (!home || home[0] != '/') {
		struct passwd *pw = getpwuid(getuid());

		home = pw ? pw->pw_dir : "/";
	}
	return mem_printf("%s/%s/schedkit/%s", home, fallback, name);
}

char *path_state(const char *name)
{
	return xdg("XDG_STATE_HOME", ".local/state", name);
}

char *path_cache(const char *name)
{
	return xdg("XDG_CACHE_HOME", ".cache", name);
}

char *path_config(const char *name)
{
	return xdg("XDG_CONFIG_HOME", ".config", name);
}

char *path_run(const char *name)
{
	const char *dir = getenv("SCHEDKIT_RUN");
	char *in, *out;

	if (dir && *dir)
		return mem_printf("%s/%s", dir, name);
	if (!geteuid())
		return mem_printf("/run/schedkit/%s", name);
	in = mem_printf("run/%s", name);
	dir = getenv("XDG_RUNTIME_DIR");
	out = dir && *dir == '/' ? mem_printf("%s/schedkit/%s", dir, name)
				 : path_state(in);
	free(in);
	return out;
}

char *path_run_root(const char *name)
{
	const char *dir = getenv("SCHEDKIT_RUN");

	return geteuid() && !(dir && *dir)
		       ? mem_printf("/run/schedkit/%s", name)
		       : NULL;
}

/* A folder can be searched, which is the same bit. */
static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

char *path_program(const char *name)
{
	const char *path = getenv("PATH");
	char *copy, *save = NULL, *found = NULL;

	if (strchr(name, '/'))
		return is_program(name) ? realpath(name, NULL) : NULL;
	copy = mem_strdup(path ? path : "/usr/local/bin:/usr/bin:/bin");
	for (char *dir = strtok_r(copy, ":", &save); dir && !found;
	     dir = strtok_r(NULL, ":", &save)) {
		char *full = mem_printf("%s/%s", dir, name);

		if (is_program(full))
			found = realpath(full, NULL);
		free(full);
	}
	free(copy);
	return found;
}

int path_make_dirs(const char *path)
{
	char *p = mem_strdup(path);
	int rc = 0;

	for (char *s = p + (*p == '/'); !rc; s++) {
		char c = *s;

		if (c != '/' && c != '\0')
			continue;
		*s = '\0';
		if (mkdir(p, 0700) < 0 && errno != EEXIST)
			rc = err_set(errno, "cannot make folder '%s': %s", p,
				     strerror(errno));
		*s = c;
		if (c == '\0')
			break;
	}
	free(p);
	return rc;
}

int path_make_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int rc;

	if (!slash || slash == path)
		return 0;
	dir = mem_strndup(path, (size_t)(slash - path));
	rc = path_make_dirs(dir);
	free(dir);
	return rc;
}

static int write_atomic(const char *path, const void *data, size_t len,
			mode_t mode)
{
	char *tmp = mem_printf("%s.XXXXXX", path);
	int fd = mkostemp(tmp, O_CLOEXEC);
	int rc;

	if (fd < 0) {
		rc = err_set(errno, "cannot write '%s': %s", path,
			     strerror(errno));
		free(tmp);
		return rc;
	}
	rc = io_write(fd, data, len);
	if (!rc && fchmod(fd, mode) < 0)
		rc = -errno;
	if (!rc && fsync(fd) < 0)
		rc = -errno;
	if (close(fd) < 0 && !rc)
		rc = -errno;
	if (!rc && rename(tmp, path) < 0)
		rc = -errno;
	if (rc) {
		unlink(tmp);
		err_set(-rc, "cannot write '%s': %s", path, strerror(-rc));
	}
	free(tmp);
	return rc;
}

int path_write_atomic(const char *path, const void *data, size_t len)
{
	return write_atomic(path, data, len, 0600);
}

int path_write_public(const char *path, const void *data, size_t len)
{
	return write_atomic(path, data, len, 0644);
}
