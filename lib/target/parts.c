/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "target/parts.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/strs.h"

#define FETCH_TIMEOUT_S 1200

void parts_release(struct parts *p)
{
	free(p->qemu);
	free(p->qemu_version);
	free(p->qemu_lib);
	free(p->qemu_share);
	free(p->virtiofsd);
	free(p->virtiofsd_lib);
	free(p->kernel);
	free(p->release);
	free(p->overlay);
	*p = (struct parts){0};
}

static void take_line(struct parts *p, char *line)
{
	struct {
		const char *name;
		char **to;
	} rows[] = {
		{"qemu", &p->qemu},
		{"qemu-version", &p->qemu_version},
		{"qemu-lib", &p->qemu_lib},
		{"qemu-share", &p->qemu_share},
		{"virtiofsd", &p->virtiofsd},
		{"virtiofsd-lib", &p->virtiofsd_lib},
		{"kernel", &p->kernel},
		{"release", &p->release},
		{"overlay", &p->overlay},
	};
	char *tab = strchr(line, '\t');

	if (!tab)
		return;
	*tab = '\0';
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcmp(line, rows[i].name)) {
			free(*rows[i].to);
			*rows[i].to = mem_strdup(tab + 1);
		}
}

/* Every string is there afterwards, "" for what is missing. */
static void take_all(struct parts *p, char *text)
{
	char none[] = "qemu\t\0qemu-version\t\0qemu-lib\t\0qemu-share\t\0"
		      "virtiofsd\t\0virtiofsd-lib\t\0kernel\t\0release\t\0"
		      "overlay\t\0";
	char *save = NULL;

	for (char *s = none; *s;) {
		size_t len = strlen(s);

		take_line(p, s);
		s += len + 1;
	}
	for (char *l = strtok_r(text, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save))
		take_line(p, l);
}

/* The tool's last line says why it failed. */
static int fetch_failed(char *words)
{
	size_t len = strlen(words);
	const char *line, *colon;

	while (len && words[len - 1] == '\n')
		words[--len] = '\0';
	line = strrchr(words, '\n');
	line = line ? line + 1 : words;
	colon = strncmp(line, "fetch-guest: ", 13) ? line : line + 13;
	return err_set(ENOENT, "%s", colon);
}

static int fetch_guest(const char *option, const char *series, struct buf *out,
		       const volatile sig_atomic_t *cancel)
{
	char *tool = path_libexec("fetch-guest");
	struct proc_spec spec = PROC_SPEC_INIT;
	struct strs argv = {0};
	struct proc_result res;
	struct buf err;
	char *words;
	int rc;

	strs_add(&argv, tool);
	if (option)
		strs_add(&argv, option);
	if (series)
		strs_add(&argv, series);
	buf_init(&err, 4096);
	spec.argv = argv.v;
	spec.stdin_fd = -1;
	spec.out = out;
	spec.err = &err;
	spec.out_fd = spec.err_fd = -1;
	spec.timeout_s = FETCH_TIMEOUT_S;
	spec.cancel = cancel;
	rc = proc_run(&spec, &res);
	words = buf_take(&err);
	if (!rc && res.cancelled)
		rc = err_set(EINTR, "stopped while fetching a guest");
	else if (!rc && res.exit_status)
		rc = fetch_failed(words);
	free(words);
	strs_release(&argv);
	free(tool);
	return rc;
}

static int look(const char *series, struct parts *p)
{
	struct buf out;
	int rc;

	buf_init(&out, 1 << 16);
	rc = fetch_guest("--print", series, &out, NULL);
	if (!rc) {
		buf_puts(&out, "");
		take_all(p, out.data);
	}
	buf_release(&out);
	return rc;
}

static void own_kernel(struct parts *p, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *pattern =
		mem_printf("%.*s/overlay.ko*", (int)(slash - path), path);
	glob_t g;

	free(p->kernel);
	free(p->release);
	free(p->overlay);
	p->kernel = realpath(path, NULL);
	p->release = mem_strdup("");
	if (glob(pattern, 0, NULL, &g) == 0) {
		p->overlay = mem_strdup(g.gl_pathv[0]);
		globfree(&g);
	} else {
		p->overlay = mem_strdup("");
	}
	free(pattern);
}

int parts_find(const char *kernel, struct parts *p,
	       void (*progress)(void *arg, long done, long total,
				const char *words),
	       void *arg, const volatile sig_atomic_t *cancel)
{
	bool own = strchr(kernel, '/');
	const char *series = own ? NULL : kernel;
	struct buf out;
	int rc;

	*p = (struct parts){0};
	if (own && access(kernel, R_OK) < 0)
		return err_set(errno, "cannot read guest kernel '%s': %s",
			       kernel, strerror(errno));
	rc = look(series, p);
	if (!rc && (!*p->qemu || !*p->virtiofsd || (!own && !*p->kernel))) {
		if (progress)
			progress(arg, 0, 0, "fetching a guest");
		buf_init(&out, 1 << 16);
		rc = fetch_guest(NULL, series, &out, cancel);
		buf_release(&out);
		if (!rc)
			rc = look(series, p);
	}
	if (!rc && own)
		own_kernel(p, kernel);
	if (rc)
		parts_release(p);
	return rc;
}
