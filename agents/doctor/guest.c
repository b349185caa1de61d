/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agents/doctor/check.h"
#include "base/mem.h"
#include "base/path.h"
#include "target/accel.h"

#define SERIES	"6.18"
#define FETCHER "fetch-guest"

/* The value of NAME in lines of NAME<tab>VALUE; NULL: absent or empty. */
static char *value_of(const char *facts, const char *name)
{
	size_t len = strlen(name);

	for (const char *s = facts; s && *s; s = strchr(s, '\n')) {
		s += *s == '\n';
		if (strncmp(s, name, len) || s[len] != '\t')
			continue;
		s += len + 1;
		if (!strcspn(s, "\n"))
			return NULL;
		return mem_strndup(s, strcspn(s, "\n"));
	}
	return NULL;
}

/* A guest lives in namespaces of its own. */
static bool check_namespaces(struct json *checks)
{
	int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC;
	int status = 0;
	pid_t pid;

	if (geteuid() != 0)
		flags |= CLONE_NEWUSER;
	pid = fork();
	if (pid == 0)
		_exit(unshare(flags) == 0 ? 0 : errno);
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		doctor_add(checks, "namespaces", DOCTOR_WARN,
			   "let this user have more processes",
			   "whether a guest can be locked in is not known: %s",
			   strerror(errno));
		return false;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		doctor_add(checks, "namespaces", DOCTOR_OK, "",
			   "a guest can be locked in");
		return true;
	}
	doctor_add(checks, "namespaces", DOCTOR_MISSING,
		   "run as root, or allow user namespaces (sysctl "
		   "kernel.unprivileged_userns_clone=1 or "
		   "kernel.apparmor_restrict_unprivileged_userns=0; in a "
		   "container, its --privileged)",
		   "a guest cannot be locked in: %s",
		   strerror(WIFEXITED(status) ? WEXITSTATUS(status) : EINTR));
	return false;
}

/* What an earlier guest found out, as far as this boot of the machine goes. */
static enum accel_answer recall(const char *facts, char **why)
{
	struct parts p = {
		.qemu_version = value_of(facts, "qemu-version"),
		.release = value_of(facts, "release"),
	};
	enum accel_answer a = ACCEL_UNKNOWN;

	*why = NULL;
	if (p.qemu_version && p.release)
		a = accel_recall(&p, why);
	free(p.qemu_version);
	free(p.release);
	return a;
}

static void check_kvm(struct json *checks, const char *facts)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	char *why;

	if (fd < 0) {
		doctor_add(checks, "kvm", DOCTOR_WARN,
			   errno == EACCES
				   ? "join the group kvm"
				   : "modprobe kvm-intel or kvm-amd; inside a "
				     "virtual machine, nested virtualization",
			   "/dev/kvm: %s; guests run in software emulation",
			   strerror(errno));
		return;
	}
	close(fd);
	switch (recall(facts, &why)) {
	case ACCEL_KVM:
		doctor_add(checks, "kvm", DOCTOR_OK, "",
			   "guests boot under it");
		break;
	case ACCEL_TCG:
		doctor_add(checks, "kvm", DOCTOR_WARN,
			   "nothing, or a machine whose KVM boots Debian's "
			   "kernels: guests are several times faster there",
			   "no guest boots under it, they run in software "
			   "emulation: %s",
			   why);
		break;
	case ACCEL_UNKNOWN:
		doctor_add(checks, "kvm", DOCTOR_OK, "",
			   "/dev/kvm can be opened; the first guest tries "
			   "whether a kernel really boots under it");
	}
	free(why);
}

static bool check_qemu(struct json *checks, const char *facts,
		       const char *fetch)
{
	char *path = value_of(facts, "qemu");
	char *version = value_of(facts, "qemu-version");

	if (path)
		doctor_add(checks, "qemu", DOCTOR_OK, "", "%s, %s",
			   version ? version : "unknown version", path);
	else if (access("/usr/bin/qemu-system-x86_64", X_OK) == 0)
		doctor_add(checks, "qemu", DOCTOR_MISSING, fetch,
			   "the one installed is older than 10 (7.2 kills "
			   "guests: its emulation races with the kernel's "
			   "code patching)");
	else
		doctor_add(checks, "qemu", DOCTOR_MISSING, fetch, "not found");
	free(version);
	if (!path)
		return false;
	free(path);
	return true;
}

static bool check_virtiofsd(struct json *checks, const char *facts,
			    const char *fetch)
{
	char *path = value_of(facts, "virtiofsd");

	if (!path) {
		doctor_add(checks, "virtiofsd", DOCTOR_MISSING, fetch,
			   "not found: a guest cannot see this machine's "
			   "files");
		return false;
	}
	doctor_add(checks, "virtiofsd", DOCTOR_OK, "", "%s", path);
	free(path);
	return true;
}

/* The releases of all kernels that were fetched, "6.17.13…, 6.18.15…". */
static char *kernels(void)
{
	char *dir = path_cache("kernels");
	struct dirent **entry;
	int n = scandir(dir, &entry, NULL, versionsort);
	struct buf list;

	buf_init(&list, 1024);
	for (int i = 0; i < n; i++) {
		char *path = mem_printf("%s/%s/release", dir, entry[i]->d_name);
		struct buf release;

		buf_init(&release, 128);
		if (entry[i]->d_name[0] != '.' && access(path, R_OK) == 0 &&
		    buf_read_file(&release, path) == 0 && release.data)
			buf_printf(&list, "%s%s", list.len ? ", " : "",
				   doctor_first_line(release.data));
		buf_release(&release);
		free(path);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	free(dir);
	return buf_take(&list);
}

static bool check_kernels(struct json *checks, const char *facts,
			  const char *fetch)
{
	char *mine = value_of(facts, "kernel");
	char *all = kernels();
	bool there = mine || *all;

	if (mine)
		doctor_add(checks, "guest kernels", DOCTOR_OK, "", "%s", all);
	else if (there)
		doctor_add(checks, "guest kernels", DOCTOR_WARN, fetch,
			   "%s, but not " SERIES ", the usual one", all);
	else
		doctor_add(checks, "guest kernels", DOCTOR_MISSING, fetch,
			   "none was fetched");
	free(mine);
	free(all);
	return there;
}

bool doctor_guest(struct json *checks)
{
	char *fetcher = path_libexec(FETCHER);
	const char *argv[] = {fetcher, "--print", SERIES, NULL};
	char *facts = doctor_ask(argv);
	char *fetch = mem_printf("make deps, or %s " SERIES, fetcher);
	bool ready = check_namespaces(checks);

	if (!facts)
		doctor_add(checks, "fetch-guest", DOCTOR_MISSING,
			   "make, or install schedkit again",
			   "'%s' does not run", fetcher);
	check_kvm(checks, facts);
	ready &= check_qemu(checks, facts, fetch);
	ready &= check_virtiofsd(checks, facts, fetch);
	ready &= check_kernels(checks, facts, fetch);
	free(fetch);
	free(facts);
	free(fetcher);
	return ready;
}
