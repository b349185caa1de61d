/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An external scheduler as upstream's are: loads its object, attaches it, tells
 * its figures to whoever asks at the socket, attaches again when the kernel
 * wants that, says how it ended; SIGINT and SIGTERM end it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../policies/external/told_abi.h"

#define SOCKET	"/var/run/scx/root/stats"
#define RESTART (1LL << 48) /* SCX_ECODE_ACT_RESTART */
#define SLICE	20000	    /* us */

static struct {
	long slice_us, quit_ms, fail_ms, crash_ms;
	bool verbose, stubborn, deaf;
} arg = {SLICE, -1, -1, -1, false, false, false};

static volatile sig_atomic_t stop;
static struct told *told; /* shared with the kernel */

static void on_signal(int sig)
{
	if (!arg.deaf && !(arg.stubborn && sig == SIGINT))
		stop = 1;
}

static int print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_DEBUG && !arg.verbose)
		return 0;
	return vfprintf(stderr, fmt, ap);
}

static int usage(FILE *to, int status)
{
	fputs("usage: scx_testfifo [OPTION...]\n"
	      "\n"
	      "  -f              one queue for all (so it is anyway)\n"
	      "  -v              what libbpf has to say\n"
	      "      --slice-us N  the length of a turn, a number from 100 on\n"
	      "  -h, --help      this\n"
	      "\n"
	      "For tests:\n"
	      "      --quit-after MS   ends by itself\n"
	      "      --fail-after MS   makes an error that the kernel sees\n"
	      "      --crash-after MS  aborts\n"
	      "      --stubborn        SIGINT does not end it\n"
	      "      --deaf            nor does SIGTERM\n",
	      to);
	return status;
}

/* ---- figures: lines of JSON, as scx_stats has them -------------------- */

static int answer(char *out, size_t size, const char *line)
{
	if (!strstr(line, "\"req\":\"stats\""))
		return snprintf(out, size,
				"{\"errno\":22,\"args\":{\"resp\":"
				"\"unknown command\"}}\n");
	return snprintf(out, size,
			"{\"errno\":0,\"args\":{\"resp\":{"
			"\"name\":\"testfifo\",\"slice_us\":%llu,"
			"\"queued\":%llu,\"queues\":{\"local\":{"
			"\"direct\":%llu}},\"bitmap\":[3735928559]}}}\n",
			told->slice_ns / 1000, told->queued, told->direct);
}

static void *serve(void *listener)
{
	int fd;

	while ((fd = accept((int)(long)listener, NULL, NULL)) >= 0) {
		char line[4096], out[4096];
		FILE *f = fdopen(fd, "r");

		while (f && fgets(line, sizeof(line), f)) {
			int n = answer(out, sizeof(out), line);

			if (send(fd, out, (size_t)n, MSG_NOSIGNAL) < 0)
				break;
		}
		if (f)
			fclose(f);
	}
	return NULL;
}

static void offer_figures(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX, .sun_path = SOCKET};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;

	mkdir("/var/run/scx", 0755);
	mkdir("/var/run/scx/root", 0755);
	unlink(SOCKET);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(fd, 8) ||
	    pthread_create(&thread, NULL, serve, (void *)(long)fd))
		perror(SOCKET);
}

/* ---- the scheduler ---------------------------------------------------- */

/* build/external/scx_testfifo: build/policies/external/told.bpf.o */
static void object_path(char path[static PATH_MAX])
{
	char exe[PATH_MAX] = "";

	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		exit(1);
	snprintf(path, PATH_MAX, "%.3000s/policies/external/told.bpf.o",
		 dirname(dirname(exe)));
}

static void share(struct bpf_object *obj)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, ".bss");

	if (map)
		told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
			    MAP_SHARED, bpf_map__fd(map), 0);
	if (!map || told == MAP_FAILED) {
		fprintf(stderr, "scx_testfifo: cannot share .bss\n");
		exit(1);
	}
	told->slice_ns = (unsigned long long)arg.slice_us * 1000;
}

static struct bpf_object *load(void)
{
	struct bpf_object *obj;
	char path[PATH_MAX];

	object_path(path);
	obj = bpf_object__open_file(path, NULL);
	if (!obj || bpf_object__load(obj)) {
		fprintf(stderr, "scx_testfifo: cannot load %s\n", path);
		exit(1);
	}
	share(obj);
	return obj;
}

static struct bpf_link *attach(struct bpf_object *obj)
{
	struct bpf_link *link = NULL;
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj) if (bpf_map__type(map) ==
					       BPF_MAP_TYPE_STRUCT_OPS) link =
		bpf_map__attach_struct_ops(map);
	if (!link) {
		fprintf(stderr, "scx_testfifo: cannot attach\n");
		exit(1);
	}
	return link;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_due(long start, long after_ms)
{
	return after_ms >= 0 && now_ms() - start >= after_ms;
}

/* True: it is to be attached again. */
static bool run(long start)
{
	const struct timespec nap = {.tv_nsec = 20000000};
	struct bpf_object *obj = load();
	struct bpf_link *link = attach(obj);
	static bool offered;
	bool again;

	if (!offered)
		offer_figures();
	offered = true;
	puts("attached");
	fflush(stdout);
	while (!stop && !told->kind && !is_due(start, arg.quit_ms)) {
		told->fail = is_due(start, arg.fail_ms);
		if (is_due(start, arg.crash_ms))
			abort();
		nanosleep(&nap, NULL);
	}
	again = told->kind && told->code & RESTART;
	if (told->kind)
		fprintf(stderr,
			*told->message ? "EXIT: %s (%s)\n" : "EXIT: %s\n",
			told->reason, told->message);
	else
		puts(stop ? "asked to end" : "had enough");
	bpf_link__destroy(link);
	return again;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"help", no_argument, NULL, 'h'},
		{"slice-us", required_argument, NULL, 's'},
		{"quit-after", required_argument, NULL, 'q'},
		{"fail-after", required_argument, NULL, 'e'},
		{"crash-after", required_argument, NULL, 'c'},
		{"stubborn", no_argument, NULL, 'b'},
		{"deaf", no_argument, NULL, 'd'},
		{0},
	};
	long start = now_ms();
	int c;

	while ((c = getopt_long(argc, argv, "fvh", longs, NULL)) != -1) {
		long *number = c == 's'	  ? &arg.slice_us
			       : c == 'q' ? &arg.quit_ms
			       : c == 'e' ? &arg.fail_ms
			       : c == 'c' ? &arg.crash_ms
					  : NULL;

		if (c == 'h')
			return usage(stdout, 0);
		if (c == '?' || (c == 's' && atol(optarg) < 100))
			return usage(stderr, 1);
		if (number)
			*number = atol(optarg);
		arg.verbose |= c == 'v';
		arg.stubborn |= c == 'b';
		arg.deaf |= c == 'd';
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	libbpf_set_print(print);
	while (run(start))
		fputs("restarting\n", stderr);
	return 0;
}
