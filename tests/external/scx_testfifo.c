/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An external scheduler as the kernel's own examples are: loads the object
 * beside it, attaches it, waits for a signal, detaches.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop;
static bool verbose;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_DEBUG && !verbose)
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
	      "For tests: --quit-after MS ends it early, by itself.\n",
	      to);
	return status;
}

/* build/external/scx_testfifo: build/policies/good/global_fifo.bpf.o */
static void object_path(char path[static PATH_MAX])
{
	char exe[PATH_MAX] = "";

	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		exit(1);
	snprintf(path, PATH_MAX, "%.3000s/policies/good/global_fifo.bpf.o",
		 dirname(dirname(exe)));
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

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"help", no_argument, NULL, 'h'},
		{"slice-us", required_argument, NULL, 's'},
		{"quit-after", required_argument, NULL, 'q'},
		{0},
	};
	const struct timespec nap = {.tv_nsec = 20000000};
	struct bpf_object *obj;
	struct bpf_link *link;
	long quit_ms = -1, until;
	int c;

	while ((c = getopt_long(argc, argv, "fvh", longs, NULL)) != -1) {
		if (c == 'h')
			return usage(stdout, 0);
		if (c == '?' || (c == 's' && atol(optarg) < 100))
			return usage(stderr, 1);
		if (c == 'v')
			verbose = true;
		if (c == 'q')
			quit_ms = atol(optarg);
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	libbpf_set_print(print);
	obj = load();
	link = attach(obj);
	puts("attached");
	fflush(stdout);
	until = now_ms() + quit_ms;
	while (!stop && (quit_ms < 0 || now_ms() < until))
		nanosleep(&nap, NULL);
	bpf_link__destroy(link);
	bpf_object__close(obj);
	puts(stop ? "asked to end" : "had enough");
	return 0;
}
