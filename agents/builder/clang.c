/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running the compiler, and reading what it says. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agents/builder/state.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/proc.h"

#define WALL_S	     15
#define CPU_S	     5
#define MEMORY_MIB   1024
#define FILE_MIB     16
#define SAYS_MAX     (256u << 10)
#define MAX_FINDINGS 10
#define TEXT_LEN     300

/* The same on every machine: nothing of the machine's own is included, no
 * absolute name is in the object, and what is wrong is an error. */
static const char *const flags_always[] = {
	"-std=gnu11",
	"-target",
	"bpf",
	"-mcpu=v3",
	"-nostdinc",
	"-I.",
	"-g",
	"-O2",
	"-fdebug-compilation-dir=.",
	"-fno-ident",
	"-ferror-limit=10",
	"-fno-color-diagnostics",
	"-fno-caret-diagnostics",
	"-fno-crash-diagnostics",
	"-fmacro-backtrace-limit=1",
	"-fbracket-depth=200",
	"-Wno-everything",
	"-Werror=implicit-function-declaration",
	"-Werror=implicit-int",
	"-Werror=int-conversion",
	"-Werror=incompatible-pointer-types",
	"-Werror=incompatible-function-pointer-types",
	"-Werror=incompatible-pointer-types-discards-qualifiers",
	"-Werror=return-type",
	"-Werror=uninitialized",
	"-Werror=undefined-internal",
	"-Werror=array-bounds",
	"-Werror=division-by-zero",
	"-Werror=shift-count-overflow",
	"-Werror=main",
	/* What the lint forbids by name, if a macro puts the name together. */
	"-Werror=date-time",
	"-U__has_include",
	"-U__has_include_next",
	"-U__BASE_FILE__",
};

#if defined(__x86_64__)
#define ARCH_FLAG "-D__TARGET_ARCH_x86"
#elif defined(__aarch64__)
#define ARCH_FLAG "-D__TARGET_ARCH_arm64"
#elif defined(__riscv)
#define ARCH_FLAG "-D__TARGET_ARCH_riscv"
#elif defined(__s390x__)
#define ARCH_FLAG "-D__TARGET_ARCH_s390"
#else
#define ARCH_FLAG "-D__TARGET_ARCH_powerpc"
#endif

static int run_clang(struct draft *d, const struct strs *argv, struct buf *says,
		     struct proc_result *res)
{
	char *slash = strrchr(d->clang, '/');
	char *bin = mem_strndup(d->clang, (size_t)(slash - d->clang));
	const char *read[] = {"/usr",
			      "/lib",
			      "/lib64",
			      "/bin",
			      "/etc/ld.so.cache",
			      "/etc/alternatives",
			      bin,
			      NULL};
	const char *write[] = {d->temp.dir, NULL};
	struct sandbox sandbox = {.read = read,
				  .write = write,
				  .exec = true,
				  .memory_mib = MEMORY_MIB,
				  .cpu_s = CPU_S,
				  .file_mib = FILE_MIB};
	char *env[] = {(char *)"PATH=/usr/bin:/bin", (char *)"LC_ALL=C",
		       (char *)"TMPDIR=.", NULL};
	struct proc_spec spec = PROC_SPEC_INIT;
	int rc;

	spec.argv = argv->v;
	spec.cwd = d->temp.dir;
	spec.env = env;
	spec.stdin_fd = -1;
	spec.out = spec.err = says;
	spec.out_fd = spec.err_fd = -1;
	spec.timeout_s = WALL_S;
	spec.sandbox = &sandbox;
	spec.cancel = d->b->cancel;
	spec.with_us = true;
	rc = proc_run(&spec, res);
	free(bin);
	if (!rc && res->cancelled)
		rc = err_set(EINTR, "stopped while compiling");
	return rc;
}

/* "policy.c:12:3: error: …" */
static bool read_error(char *line, long *number, const char **text)
{
	static const char start[] = CODE_FILE ":";
	char *at = line, *what;

	if (!strncmp(at, "./", 2))
		at += 2;
	if (strncmp(at, start, strlen(start)) != 0)
		return false;
	*number = strtol(at + strlen(start), &at, 10);
	what = strstr(at, "error: ");
	if (!what || *number <= 0)
		return false;
	*text = what + strlen("error: ");
	return true;
}

/* What the back end cannot make of a line is said without one, or as a crash:
 * what to do instead. */
static const struct {
	const char *says, *text;
} back_end[] = {
	{"signed div", "BPF has no signed division: divide u64 or u32, by a "
		       "number that is known to be positive"},
	{"dynamic stack", "an array's length must be a constant"},
	{"stack limit", "more than 512 bytes of variables: BPF's stack has no "
			"more"},
	{"built-in function", "BPF has no floating point and no 128-bit "
			      "numbers"},
};

static bool tell_back_end(struct draft *d, const struct buf *says)
{
	for (size_t i = 0; says->len && i < ARRAY_LEN(back_end); i++) {
		if (!strstr(says->data, back_end[i].says))
			continue;
		draft_find(d, "compile", 0, "%s", back_end[i].text);
		return true;
	}
	return false;
}

/* Only of the policy's own lines: what stands in other files is nobody's
 * business. */
static size_t tell_errors(struct draft *d, struct buf *says)
{
	char *save = NULL;
	size_t n = 0;

	if (!says->len)
		return 0;
	for (char *line = strtok_r(says->data, "\n", &save);
	     line && n < MAX_FINDINGS; line = strtok_r(NULL, "\n", &save)) {
		const char *text;
		long number;

		if (!read_error(line, &number, &text))
			continue;
		draft_find(d, "compile", number, "%.*s", TEXT_LEN, text);
		n++;
	}
	return n;
}

static void tell_end(struct draft *d, const struct proc_result *res)
{
	if (res->timed_out || res->signal == SIGXCPU || res->signal == SIGKILL)
		draft_find(d, "limit", 0,
			   "the compiler needed more than %d s of CPU time",
			   CPU_S);
	else if (res->signal == SIGXFSZ)
		draft_find(d, "limit", 0, "the compiler wrote more than %d MiB",
			   FILE_MIB);
	else if (res->signal || res->exit_status > 1)
		draft_find(d, "limit", 0,
			   "the compiler broke on it (status %d), within %d "
			   "MiB of memory",
			   res->exit_status, MEMORY_MIB);
	else
		draft_find(d, "compile", 0,
			   "the compiler refuses it without naming one of its "
			   "lines");
}

static int run(struct draft *d, const struct strs *argv)
{
	struct proc_result res;
	struct buf says;
	int rc;

	buf_init(&says, SAYS_MAX);
	rc = run_clang(d, argv, &says, &res);
	if (!rc && res.exit_status) {
		if (!tell_back_end(d, &says) && !tell_errors(d, &says))
			tell_end(d, &res);
		rc = err_set(EINVAL, "the code does not compile");
	}
	buf_release(&says);
	return rc;
}

static void begin(const struct draft *d, struct strs *argv)
{
	strs_add(argv, d->clang);
	for (size_t i = 0; i < ARRAY_LEN(flags_always); i++)
		strs_add(argv, flags_always[i]);
	strs_add(argv, ARCH_FLAG);
}

int clang_expand(struct draft *d, const char *from, const char *to,
		 const struct strs *flags)
{
	struct strs argv = {0};
	int rc;

	begin(d, &argv);
	for (size_t i = 0; i < flags->len; i++)
		strs_add(&argv, flags->v[i]);
	strs_add(&argv, "-E");
	strs_add(&argv, from);
	strs_add(&argv, "-o");
	strs_add(&argv, to);
	rc = run(d, &argv);
	strs_release(&argv);
	return rc;
}

int clang_compile(struct draft *d, const char *from, const char *to)
{
	struct strs argv = {0};
	int rc;

	begin(d, &argv);
	strs_add(&argv, "-x");
	strs_add(&argv, "cpp-output");
	strs_add(&argv, to ? "-c" : "-fsyntax-only");
	strs_add(&argv, from);
	if (to) {
		strs_add(&argv, "-o");
		strs_add(&argv, to);
	}
	rc = run(d, &argv);
	strs_release(&argv);
	return rc;
}
