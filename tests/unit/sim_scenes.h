/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What test_sim_runs runs: loads in the words of sim_fix.h, each made so that
 * some rules of the simulator decide how it goes, and under which policies and
 * on which machines.  Short: all of them take half a second.
 */
#ifndef SCHEDKIT_TESTS_SIM_SCENES_H
#define SCHEDKIT_TESTS_SIM_SCENES_H

#include <stdint.h>

struct scene {
	const char *name, *machine;
	const char *load;   /* words; NULL: the hostile one of that name */
	const char *policy; /* NULL: EEVDF */
	const char *body;
	uint32_t kernel, hz;
	uint64_t limit_ns;
};

/* Nearly everything that a task can do, and all of it at once. */
#define OFFICE                                                               \
	"metric request\nmetric report\n"                                    \
	"sem 0\nsem 0 lossy\nsem 2\nlocks 4\nbarriers 1\n"                   \
	"cpus 3\ncpus 5\n"                                                   \
	"hog*2 nice=5 : run 7ms ; yield ; run 5ms ; loop\n"                  \
	"deep policy=batch : run 20ms ; sleep 300us ; loop\n"                \
	"least policy=idle : run 30ms ; loop\n"                              \
	"sleeper*3 step=1ms nice=-3 : begin 0 ; sleep ~2ms ; run ~300us ; "  \
	"done 0 ; loop\n"                                                    \
	"clock*2 : timer 4ms ; begin 1 1 ; run 500us-900us ; done 1 ; "      \
	"loop\n"                                                             \
	"server*2 at=2ms : wait 0 ; begin 0 1 ; lock 0 ; run 100us ; "       \
	"unlock 0 ; run 200us ; done 0 ; loop\n"                             \
	"client*3 : run ~150us ; post 0 ; skip 0.5 1 ; sleep ~900us ; "      \
	"run 40us ; loop\n"                                                  \
	"limited*3 : wait 2 ; run 800us ; post 2 ; sleep 200us ; loop\n"     \
	"bell : sleep 5ms ; post 1 0 ; loop\n"                               \
	"listener*3 : wait 1 ; run ~400us ; loop\n"                          \
	"spinner*3 : spinlock 1 ; run 60us ; unlock 1 ; sleep 100us-300us ;" \
	" loop\n"                                                            \
	"meets*3 step=200us : run ~300us ; barrier 0 3 ; loop\n"             \
	"child*0 nice=2 : run ~250us ; exec ab ; run 50us\n"                 \
	"parent at=1ms : run 100us ; fork child ; fork child ; fork child "  \
	"; join ; sleep 700us ; loop\n"                                      \
	"mover : mask 0 ; run 600us ; mask 1 ; run 500us ; sleep 100us ; "   \
	"nice 3 ; run 200us ; nice -1 ; pin 1 ; run 100us ; sleep 100us ; "  \
	"pin 0 ; loop\n"                                                     \
	"here*2 mask=0 : run 300us ; sleep 400us ; loop\n"

/* Hand over from one to the next, more than the CPUs can serve. */
#define CHAIN                                                            \
	"for 40ms\nmetric turn\nsem 1\nsem 0\nsem 0\nsem 1\nsem 0\n"     \
	"a : wait 0 ; begin 0 ; run ~200us ; post 1 ; done 0 ; loop\n"   \
	"b : wait 1 ; begin 0 ; run ~200us ; post 2 ; done 0 ; loop\n"   \
	"c : wait 2 ; begin 0 ; run ~200us ; post 0 ; done 0 ; loop\n"   \
	"d*2 : wait 3 ; run ~100us ; post 4 ; loop\n"                    \
	"e*2 nice=-5 : wait 4 ; run ~100us ; post 3 ; run 30us ; loop\n" \
	"hog : run 1s ; loop\n"

/* Conditions, spin locks out of a row, a lock that many want. */
#define LOCKS                                                               \
	"for 40ms\nsem 0 lossy\nsem 0\nlocks 6\nmetric item\n"              \
	"taker*3 : lock 0 ; begin 0 ; cond 0 ; run 50us ; unlock 0 ; "      \
	"done 0 ; run ~100us ; loop\n"                                      \
	"giver*2 : sleep ~400us ; lock 0 ; run 30us ; post 0 ; unlock 0 ; " \
	"loop\n"                                                            \
	"row*4 : spinlock 1 2 ; run ~120us ; unlock 1 2 ; run ~50us ; "     \
	"loop\n"                                                            \
	"many*5 : lock 3 ; run ~80us ; unlock 3 ; run ~60us ; loop\n"       \
	"both*2 : lock 4 ; run 20us ; lock 5 ; run 60us ; unlock 5 ; "      \
	"unlock 4 ; sleep ~150us ; loop\n"                                  \
	"spin*2 : spin 300us ; timer 1ms 1 ; loop\n"

/* Groups of weight, and all that wakes in them. */
#define GROUPS                                                              \
	"for 80ms\ncgroup 0 100\ncgroup 0 300\ncgroup 2 50\ncgroup 2 200\n" \
	"root : run 3ms ; sleep 1ms ; loop\n"                               \
	"one*3 cgroup=1 : run 50ms ; loop\n"                                \
	"two*2 cgroup=2 nice=3 : run 9ms ; sleep 2ms ; loop\n"              \
	"three*3 cgroup=3 : sleep ~1ms ; run ~700us ; loop\n"               \
	"four cgroup=4 slice=5ms : run 100ms ; loop\n"                      \
	"later cgroup=4 at=30ms : run 10ms ; sleep 3ms ; loop\n"

/* CPUs go and come under tasks that run, wait, sleep and must not move. */
#define PLUG                                                             \
	"for 60ms\ncpus 2\ncpus 6\n"                                     \
	"off 1 10ms\noff 2 14ms\noff 2 15ms\non 1 25ms\noff 3 30ms\n"    \
	"on 2 35ms\noff 0 40ms\non 3 45ms\non 0 50ms\non 0 51ms\n"       \
	"hog*5 : run 50ms ; loop\n"                                      \
	"there mask=0 : run 2ms ; sleep 1ms ; loop\n"                    \
	"around*2 mask=1 : run 1ms ; sleep 1ms ; loop\n"                 \
	"stuck*2 : pin 1 ; run 700us ; sleep 2ms ; run 300us ; pin 0 ; " \
	"run 1ms ; loop\n"                                               \
	"sleeper*4 : sleep ~1ms ; run ~300us ; loop\n"

/* Jobs that come, fork, execute, and go: all of it ends. */
#define BUILD_JOBS                                                           \
	"metric job\nlocks 1\n"                                              \
	"cc*0 : exec 11 ; run ~2ms ; lock 0 ; run 100us ; unlock 0 ; "       \
	"run ~1ms\n"                                                         \
	"sh*0 : begin 0 ; fork cc ; run 200us ; exec 22 ; fork cc ; "        \
	"join ; run 100us ; done 0\n"                                        \
	"make : exec 33 ; fork sh ; fork sh ; fork sh ; run 100us ; join ; " \
	"loop 4 1 ; run 1ms\n"                                               \
	"noise*2 background : run ~500us ; sleep ~1ms ; loop\n"              \
	"kthread background kernel nice=-10 : sleep 3ms ; run 50us ; loop\n"

/* Slices of tasks' own, weights far apart. */
#define WEIGHTS                                             \
	"for 150ms\n"                                       \
	"m20 nice=-20 : run 5ms ; sleep 20ms ; loop\n"      \
	"m7 nice=-7 : run 1s ; loop\n"                      \
	"zero*2 : run 1s ; loop\n"                          \
	"short slice=400us : run 1s ; loop\n"               \
	"long slice=20ms : run 1s ; loop\n"                 \
	"p6 nice=6 : run 1s ; loop\n"                       \
	"p19 nice=19 : run 1s ; loop\n"                     \
	"idle*2 policy=idle : run 1s ; loop\n"              \
	"batch policy=batch : run 2ms ; sleep 5ms ; loop\n" \
	"nap*2 slice=1ms : run 600us ; sleep 1500us ; loop\n"

/* Few tasks and long: what is reckoned by windows of time. */
#define FAIRNESS                                    \
	"for 1600ms\ncgroup 0 100\ncpus 1\n"        \
	"heavy nice=-5 : run 1s ; loop\n"           \
	"light*2 nice=4 : run 1s ; loop\n"          \
	"group*2 cgroup=1 nice=2 : run 1s ; loop\n" \
	"pinned mask=0 : run 1s ; loop\n"           \
	"some at=400ms : run 300ms ; sleep 100ms ; loop\n"

/* Crowds that begin and end in a moment. */
#define CROWDS                                                          \
	"barriers 2\n"                                                  \
	"first*30 step=20us : run ~300us ; barrier 0 30 ; run ~100us\n" \
	"second*20 at=4ms : run ~500us ; barrier 1 20 ; run ~900us\n"   \
	"third*12 at=9ms nice=5 : run ~2ms ; sleep ~1ms ; run ~1ms\n"

#define TEMPLATE     "policy"
#define PARAMS(text) "{\"params\":{" text "}}"

static const struct scene scenes[] = {
	/* Alone on one CPU, few and many. */
	{.name = "office 1",
	 .machine = "1",
	 .load = "for 60ms\n" OFFICE,
	 .hz = 250},
	{.name = "office 2 hz1000",
	 .machine = "2",
	 .load = "for 40ms\n" OFFICE,
	 .hz = 1000},
	{.name = "office 4 smt",
	 .machine = "4,threads=2",
	 .load = "for 40ms\n" OFFICE},
	{.name = "office 8 llcs",
	 .machine = "8,threads=2,llcs=2",
	 .load = "for 40ms\n" OFFICE},
	{.name = "office 12 nodes",
	 .machine = "12,llcs=4,nodes=2",
	 .load = "for 40ms\n" OFFICE},
	{.name = "office inside",
	 .machine = "2",
	 .load = "for 40ms\ninside\n" OFFICE},
	{.name = "chain 1", .machine = "1", .load = CHAIN},
	{.name = "chain 4", .machine = "4,llcs=2", .load = CHAIN},
	{.name = "locks 1", .machine = "1", .load = LOCKS},
	{.name = "locks 3", .machine = "3", .load = LOCKS},
	{.name = "locks 8", .machine = "8,threads=2", .load = LOCKS},
	{.name = "groups 1", .machine = "1", .load = GROUPS},
	{.name = "groups 4", .machine = "4,threads=2", .load = GROUPS},
	{.name = "plug 4", .machine = "4", .load = PLUG},
	{.name = "plug 4 smt", .machine = "4,threads=2,llcs=2", .load = PLUG},
	{.name = "jobs 2", .machine = "2", .load = BUILD_JOBS},
	{.name = "jobs 8",
	 .machine = "8,threads=2,llcs=2,nodes=2",
	 .load = BUILD_JOBS},
	{.name = "weights 1", .machine = "1", .load = WEIGHTS, .hz = 1000},
	{.name = "weights 2", .machine = "2", .load = WEIGHTS},
	{.name = "weights 6",
	 .machine = "6,llcs=3",
	 .load = WEIGHTS,
	 .hz = 100},
	{.name = "fairness 2", .machine = "2", .load = FAIRNESS, .hz = 100},
	{.name = "fairness 4",
	 .machine = "4,llcs=2",
	 .load = FAIRNESS,
	 .hz = 100},
	{.name = "crowds 4", .machine = "4", .load = CROWDS},
	{.name = "crowds 70", .machine = "70,llcs=7", .load = CROWDS},
	{.name = "fork_storm",
	 .machine = "8,threads=2,llcs=2",
	 .limit_ns = 8000000},
	{.name = "all_pinned", .machine = "4", .limit_ns = 60000000},
	{.name = "hog_beside_sleepers",
	 .machine = "4,llcs=2",
	 .limit_ns = 60000000},
	{.name = "affinity_changing",
	 .machine = "6,llcs=2",
	 .limit_ns = 40000000},
	{.name = "exit_storm", .machine = "8", .limit_ns = 60000000},
	{.name = "one_cpu", .machine = "1", .limit_ns = 200000000},
	{.name = "many_cpus",
	 .machine = "128,threads=2,llcs=8,nodes=2",
	 .limit_ns = 5000000},
	{.name = "wake_chain", .machine = "3", .limit_ns = 20000000},
	{.name = "migration_disabled", .machine = "4", .limit_ns = 40000000},
	{.name = "weights", .machine = "4", .limit_ns = 200000000},

	/* Under policies. */
	{.name = "office template",
	 .machine = "4,threads=2",
	 .load = "for 25ms\n" OFFICE,
	 .policy = TEMPLATE},
	{.name = "office template llc",
	 .machine = "8,llcs=2",
	 .load = "for 25ms\n" OFFICE,
	 .policy = TEMPLATE,
	 .body = PARAMS(
		 "\"queue\":\"llc\",\"order\":\"deadline\",\"preempt\":\"key\""),
	 .kernel = 60014},
	{.name = "jobs template cpu",
	 .machine = "4,llcs=2",
	 .load = BUILD_JOBS,
	 .policy = TEMPLATE,
	 .body = PARAMS("\"queue\":\"cpu\",\"order\":\"fifo\""),
	 .kernel = 70003},
	{.name = "weights template",
	 .machine = "2",
	 .load = WEIGHTS,
	 .policy = TEMPLATE,
	 .body = PARAMS("\"classify\":\"weight\",\"preempt\":\"class\""),
	 .hz = 1000},
	{.name = "office minimal",
	 .machine = "2",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "good/minimal"},
	{.name = "crowds minimal",
	 .machine = "12,threads=2,llcs=3,nodes=3",
	 .load = CROWDS,
	 .policy = "good/minimal"},
	{.name = "office direct",
	 .machine = "3",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "good/direct_only"},
	{.name = "office global fifo",
	 .machine = "4",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "good/global_fifo",
	 .kernel = 60014},
	{.name = "office global vtime",
	 .machine = "2",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "good/global_vtime",
	 .hz = 1000},
	{.name = "office central",
	 .machine = "6,threads=2",
	 .load = "for 20ms\n" OFFICE,
	 .policy = "good/central",
	 .hz = 1000},
	{.name = "office tickless",
	 .machine = "3",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "good/tickless"},
	{.name = "office nest",
	 .machine = "8,threads=2,llcs=2",
	 .load = "for 20ms\n" OFFICE,
	 .policy = "good/nest"},
	{.name = "groups cgroups",
	 .machine = "2",
	 .load = GROUPS,
	 .policy = "good/cgroups"},
	{.name = "groups clusters",
	 .machine = "6,llcs=3",
	 .load = GROUPS,
	 .policy = "good/clusters"},
	{.name = "chain dice",
	 .machine = "2",
	 .load = CHAIN,
	 .policy = "good/dice"},
	{.name = "chain waker",
	 .machine = "4",
	 .load = CHAIN,
	 .policy = "good/waker"},
	{.name = "chain back home",
	 .machine = "4,llcs=2",
	 .load = CHAIN,
	 .policy = "good/back_home",
	 .kernel = 70003},
	{.name = "chain parked",
	 .machine = "2",
	 .load = CHAIN,
	 .policy = "good/parked"},
	{.name = "chain tree",
	 .machine = "2",
	 .load = CHAIN,
	 .policy = "good/tree",
	 .kernel = 70003},
	{.name = "locks steal",
	 .machine = "4,llcs=2",
	 .load = LOCKS,
	 .policy = "good/percpu_steal"},
	{.name = "locks interactive",
	 .machine = "3",
	 .load = LOCKS,
	 .policy = "good/interactive"},
	{.name = "locks budget",
	 .machine = "2",
	 .load = LOCKS,
	 .policy = "good/budget_rr"},
	{.name = "locks mlfq",
	 .machine = "2",
	 .load = LOCKS,
	 .policy = "good/mlfq",
	 .hz = 1000},
	{.name = "plug hotplug",
	 .machine = "4,threads=2",
	 .load = PLUG,
	 .policy = "good/hotplug"},
	{.name = "plug minimal",
	 .machine = "4",
	 .load = PLUG,
	 .policy = "good/minimal"},
	{.name = "jobs edf",
	 .machine = "2",
	 .load = BUILD_JOBS,
	 .policy = "good/edf"},
	{.name = "jobs halves",
	 .machine = "4",
	 .load = BUILD_JOBS,
	 .policy = "good/halves"},
	{.name = "jobs balanced",
	 .machine = "4,llcs=2,nodes=2",
	 .load = BUILD_JOBS,
	 .policy = "good/balanced"},
	{.name = "jobs guarded",
	 .machine = "2",
	 .load = BUILD_JOBS,
	 .policy = "good/guarded",
	 .kernel = 60014},
	{.name = "jobs logged",
	 .machine = "2",
	 .load = BUILD_JOBS,
	 .policy = "good/logged"},
	{.name = "weights shortest",
	 .machine = "2",
	 .load = WEIGHTS,
	 .policy = "good/shortest",
	 .hz = 1000},
	{.name = "weights classes",
	 .machine = "2",
	 .load = WEIGHTS,
	 .policy = "good/two_classes"},
	{.name = "fairness fifo",
	 .machine = "2",
	 .load = FAIRNESS,
	 .policy = "good/global_fifo",
	 .hz = 100},
	{.name = "fairness vtime",
	 .machine = "4,llcs=2",
	 .load = FAIRNESS,
	 .policy = "good/global_vtime",
	 .hz = 100},

	/* Told of everything. */
	{.name = "office told",
	 .machine = "4,threads=2",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "sim/told_all"},
	{.name = "plug told",
	 .machine = "4",
	 .load = PLUG,
	 .policy = "sim/told_all",
	 .kernel = 60018},
	{.name = "jobs told",
	 .machine = "2",
	 .load = BUILD_JOBS,
	 .policy = "sim/told_all",
	 .kernel = 60014},
	{.name = "groups told",
	 .machine = "3",
	 .load = GROUPS,
	 .policy = "sim/told_all",
	 .kernel = 60018},
	{.name = "crowds told",
	 .machine = "70,llcs=7,nodes=7",
	 .load = CROWDS,
	 .policy = "sim/told_all",
	 .kernel = 60019},
	{.name = "weights told",
	 .machine = "2",
	 .load = WEIGHTS,
	 .policy = "sim/told_all"},

	/* Under bad ones: what is found, and when. */
	{.name = "crowds preempts",
	 .machine = "2",
	 .load = CROWDS,
	 .policy = "bad/preempts_always"},
	{.name = "chain kicks",
	 .machine = "4",
	 .load = CHAIN,
	 .policy = "bad/kick_storm"},
	{.name = "fairness hundred",
	 .machine = "2",
	 .load = FAIRNESS,
	 .policy = "bad/hundred_seconds",
	 .hz = 100},
	{.name = "fairness reversed",
	 .machine = "2",
	 .load = FAIRNESS,
	 .policy = "bad/weights_reversed",
	 .hz = 100},
	{.name = "fairness odd",
	 .machine = "2",
	 .load = FAIRNESS,
	 .policy = "bad/odd_pids",
	 .hz = 100},
	{.name = "office one cpu",
	 .machine = "3",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "bad/one_cpu"},
	{.name = "office beside",
	 .machine = "3",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "bad/idle_beside"},
	{.name = "chain waker cpu",
	 .machine = "4",
	 .load = CHAIN,
	 .policy = "bad/waker_cpu"},
	{.name = "crowds stealing",
	 .machine = "4",
	 .load = CROWDS,
	 .policy = "bad/no_stealing"},
	{.name = "weights zero slice",
	 .machine = "2",
	 .load = WEIGHTS,
	 .policy = "bad/zero_slice"},
	{.name = "office newest",
	 .machine = "2",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "bad/newest_first"},
	{.name = "office robin",
	 .machine = "3",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "bad/round_robin"},
	{.name = "plug offline queue",
	 .machine = "4",
	 .load = PLUG,
	 .policy = "bad/offline_queue"},
	{.name = "jobs newcomers",
	 .machine = "2",
	 .load = BUILD_JOBS,
	 .policy = "bad/newcomers_last"},
	{.name = "office strict",
	 .machine = "2",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "bad/strict_priority"},
	{.name = "jobs exiting",
	 .machine = "2",
	 .load = BUILD_JOBS,
	 .policy = "bad/forgets_exiting"},
	{.name = "office kick self",
	 .machine = "2",
	 .load = "for 10ms\n" OFFICE,
	 .policy = "bad/kick_self"},
	{.name = "office kick tick",
	 .machine = "2",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "bad/kick_tick",
	 .hz = 1000},
	{.name = "office claims",
	 .machine = "4,threads=2",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "bad/claims_idle"},
	{.name = "office elsewhere",
	 .machine = "4",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "bad/dispatch_elsewhere"},
	{.name = "office head",
	 .machine = "2",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "bad/head_first"},
	{.name = "office full",
	 .machine = "2",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "bad/full_queue"},
	{.name = "office override",
	 .machine = "2",
	 .load = "for 25ms\n" OFFICE,
	 .policy = "bad/idle_override"},
};

#endif
