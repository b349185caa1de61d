#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Policies that bring code: what is accepted, and what is refused before it can
# do anything, within seconds and with bounded memory.

load ../lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache
}

# policy FORM FILE [MORE]: MORE are further keys of the body, as JSON.
policy() {
	doc policy "$(jq -n --arg form "$1" --rawfile code "$2" \
		--argjson more "${3:-"{}"}" '{form: $form, title: "t",
		why: "w", uses: ["behaviour"], code: $code} + $more')"
}

# judge STAGES FORM FILE [MORE]: $body is the verdict's.
judge() {
	policy "$2" "$3" "${4:-}" >in.jsonl
	exits 1 sched-verify --json --stages "$1" <in.jsonl
	body=$(jq -c 'select(.kind == "verdict").body' <<<"$output")
}

status_of() {
	jq -r --arg name "$1" '.stages[] | select(.name == $name).status' \
		<<<"$body"
}

# passes FORM FILE [MORE]
passes() {
	local stage
	judge lint,build,prove,sim "$@"
	for stage in lint build prove sim; do
		is "$stage $(status_of "$stage")" "$stage passed" || {
			printf '%s\n' "$body"
			return 1
		}
	done
	so '.object_sha256 | length == 64'
}

# code LINE...: policy.c, a scheduler's beginning and end around the lines;
# the first of them is line 3.
code() {
	printf '%s\n' '#include "scx.bpf.h"' \
		'char _license[] SEC("license") = "GPL";' "$@" \
		'SEC(".struct_ops.link") struct sched_ext_ops ops = {' \
		'	.name = "x" };' >policy.c
}

# hook LINE...: policy.c, a hook with these lines behind its first.
hook() {
	printf '%s\n' 'u64 hook_key(const struct hook_task *t) {' "$@" '}' \
		>policy.c
}

# refused STAGE RULE [FORM [LINE]]: policy.c fails there, soon and small.
refused() {
	local form=${3:-source}
	needs python3
	policy "$form" policy.c >in.jsonl
	/usr/bin/env python3 - <<'EOP' >out.jsonl
import resource, subprocess, sys, time
start = time.time()
status = subprocess.call(["sched-verify", "--json", "--stages",
	"lint,build,prove,sim"], stdin=open("in.jsonl"))
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(int(used.ru_maxrss / 1024), int(time.time() - start),
	int(used.ru_utime + used.ru_stime), status, file=open("used", "w"))
EOP
	read -r mib wall cpu status <used
	is "$status" 1
	body=$(jq -c 'select(.kind == "verdict").body' out.jsonl)
	so "[.stages[] | select(.status == \"failed\")][0] |
		.name == \"$1\" and (.findings | any(.rule == \"$2\"
		${4:+and .file == \"policy.c\" and .line == $4}))"
	case $BUILD in
	*/san) return ;;
	esac
	printf '%s: %s MiB, %s s, %s s of CPU\n' "$BATS_TEST_DESCRIPTION" \
		"$mib" "$wall" "$cpu"
	[ "$mib" -lt 1100 ] && [ "$cpu" -lt 15 ] && [ "$wall" -lt 60 ]
}

# ---- what is accepted -------------------------------------------------

@test 'code: hooks climb from lint to sim' {
	needs_clang
	passes hooks "$TREE/tests/policies/hooks/short_first.c"
	so '.stages[1].findings[0].text | test("compiled")'
	# The same point without hooks is another object.
	doc policy '{"form": "params", "title": "t", "why": "w", "uses": [],
		"params": {}}' >plain.jsonl
	exits 1 sched-verify --json --stages lint,build <plain.jsonl
	[ "$(jq -r 'select(.kind == "verdict").body.object_sha256' \
		<<<"$output")" != "$(jq -r .object_sha256 <<<"$body")" ]
}

@test 'code: every hook at once, with parameters below them' {
	needs_clang
	passes hooks "$TREE/tests/policies/hooks/everything.c" \
		'{"params": {"preempt": "key", "queue": "llc",
		"classify": "behaviour"}}'
}

@test 'code: a source policy climbs from lint to sim' {
	needs_clang
	passes source "$TREE/tests/policies/good/edf.bpf.c"
}

@test 'code: hooks decide' {
	needs_clang
	local ms n=()
	for ms in 1 100; do
		printf '%s\n' 'u64 hook_slice(const struct hook_task *t)' \
			"{ return HOOK_MS($ms); }" >policy.c
		judge lint,build hooks policy.c
		is "$(status_of build)" passed
		run -0 --separate-stderr sched-sim run --json --alone \
			--machine 1 in.jsonl hostile:hog_beside_sleepers
		n+=("$(jq .body.simulation.switches <<<"$output")")
	done
	[ "${n[0]}" -gt $((2 * n[1])) ] || {
		printf 'switches: %s\n' "${n[*]}"
		return 1
	}
}

@test 'code: a bad source policy is found out with its own line' {
	needs_clang
	judge lint,build,prove,sim source \
		"$TREE/tests/policies/bad/never_inserts.bpf.c"
	is "$(status_of build)" passed
	so '[.stages[] | select(.status == "failed")][0].findings
		| any(.file == "policy.c" and .line > 0)'
}

@test 'code: the same text gives the same object, from wherever it is built' {
	needs_clang
	judge lint,build source "$TREE/tests/policies/good/edf.bpf.c"
	local first
	first=$(jq -r .object_sha256 <<<"$body")
	XDG_CACHE_HOME=$PWD/another judge lint,build source \
		"$TREE/tests/policies/good/edf.bpf.c"
	is "$(jq -r .object_sha256 <<<"$body")" "$first"
	[ -z "$(find cache/schedkit/drafts another/schedkit/drafts -mindepth 1)" ]
}

@test 'code: an object in the cache is built once and believed never' {
	needs_clang
	local object first
	judge lint,build source "$TREE/tests/policies/good/edf.bpf.c"
	first=$(jq -r .object_sha256 <<<"$body")
	object=$(find cache/schedkit/objects -name '*.bpf.o')
	touch -d '2020-01-01' "$object"
	judge lint,build source "$TREE/tests/policies/good/edf.bpf.c"
	is "$(stat -c %Y "$object")" "$(date -d 2020-01-01 +%s)"
	printf x >>"$object"
	judge lint,build source "$TREE/tests/policies/good/edf.bpf.c"
	is "$(status_of build)" passed
	[ "$(stat -c %Y "$object")" -gt "$(date -d 2020-01-01 +%s)" ]
	is "$(jq -r .object_sha256 <<<"$body")" "$first"
	is "$(sha256sum <"$object" | cut -c -64)" "$first"
	# Another one in its place, with a digest of its own.
	printf x >>"$object"
	printf %064d 7 >"${object%.bpf.o}.sha256"
	judge lint,build source "$TREE/tests/policies/good/edf.bpf.c"
	is "$(jq -r .object_sha256 <<<"$body")" "$first"
}

@test 'code: two at once build one object' {
	needs_clang
	policy hooks "$TREE/tests/policies/hooks/short_first.c" >in.jsonl
	local p=() i
	for i in 1 2; do
		sched-verify --json --stages lint,build <in.jsonl >"out$i" &
		p+=($!)
	done
	for i in "${p[@]}"; do
		wait "$i" || [ $? = 1 ]
	done
	is "$(jq -r 'select(.kind == "verdict").body.stages[1].status' \
		out1 out2 | sort -u)" passed
	is "$(find cache/schedkit/objects -type f | wc -l)" 2
}

@test 'code: without a compiler the build is skipped, and what follows' {
	BPF_CLANG=no-such-clang judge lint,build,prove,sim source \
		"$TREE/tests/policies/good/edf.bpf.c"
	is "$(status_of lint)" passed
	is "$(status_of build)" skipped
	is "$(status_of prove)" skipped
	is "$(status_of sim)" skipped
	so '.decision != "accepted"'
	so '.stages[1].findings[0].text | test("BPF_CLANG")'
}

# ---- what does not compile --------------------------------------------

@test 'code: an error of the compiler has file and line' {
	needs_clang
	code '' 'int f(void)' '{' '	return undeclared;' '}'
	refused build compile source 6
	hook '' 'return t->no_such_fact;'
	refused build compile hooks 3
	so '.stages[1].findings[0].text | test("no_such_fact")'
}

@test 'code: hooks without effect are found out' {
	needs_clang
	hook 'u64 a = t->mean_burst;' 'return t->key + a - a;'
	refused build no-effect hooks
	printf 'static u64 helper(u64 a) { return a; }\n' >policy.c
	refused build no-effect hooks
}

@test 'code: hooks see nothing of the template' {
	needs_clang
	hook 'return vtime_now;'
	refused build compile hooks 2
	hook 'return params.slice_us;'
	refused build compile hooks 2
	hook 'scx_bpf_kick_cpu(0, 2);' 'return t->key;'
	refused lint call hooks 2
	printf '%s\n' 'static void scx_bpf_kick_cpu(s32 cpu, u64 flags);' \
		'u64 hook_key(const struct hook_task *t) {' \
		'scx_bpf_kick_cpu(0, 2); return t->key; }' >policy.c
	refused build compile hooks
	# What the template's macros are is not to be told from there.
	hook 'return t->key + 1;'
	sed -i '1i #if defined SEC || defined POLICY_OP\n#error seen\n#endif' \
		policy.c
	judge lint,build hooks policy.c
	is "$(status_of build)" passed
}

@test 'code: hooks keep nothing and have no pointers' {
	printf 'static u64 seen;\n' >policy.c
	refused lint global hooks 1
	hook 'static u64 n;' 'return n++;'
	refused lint global hooks 2
	hook 'long (*f)(void) = (void *)6;' 'return f();'
	refused lint pointer hooks 2
	printf 'typedef long (fn)(void);\n' >policy.c
	refused lint keyword hooks 1
	printf 'extern int x;\n' >policy.c
	refused lint keyword hooks 1
	printf 'u64 __attribute__((noinline)) f(void);\n' >policy.c
	refused lint attribute hooks 1
	hook 'return __builtin_bpf_load(t);'
	refused lint reserved hooks 2
	policy hooks "$TREE/tests/policies/hooks/short_first.c" \
		'{"params": {"starve_us": 0}}' >in.jsonl
	exits 1 sched-verify --json --stages lint <in.jsonl
	has "$output" starve_us
}

# answers CLASS KEY SLICE PLACE PREEMPT: policy.c with every hook.
answers() {
	local t='const struct hook_task *t'
	printf '%s\n' "u32 hook_classify($t) { return $1; }" \
		"u64 hook_key($t) { return $2; }" \
		"u64 hook_slice($t) { return $3; }" \
		"s32 hook_place($t) { return $4; }" \
		"bool hook_preempt($t, const struct hook_turn *r)" \
		"{ return $5; }" >policy.c
}

@test 'code: no task is lost or starved by what hooks answer' {
	needs_clang
	local more='{"params": {"preempt": "key", "queue": "cpu",
		"classify": "behaviour"}}'
	answers 0 0 0 0 0
	passes hooks policy.c "$more"
	answers '~0u' '~0ULL' '~0ULL' -1 1
	passes hooks policy.c "$more"
	answers 7 '1ULL << 63' '1ULL << 63' 2147483647 1
	passes hooks policy.c "$more"
	answers 0x80000000 0x7fffffffffffffffULL 1 '-2147483647 - 1' 0
	passes hooks policy.c "$more"
	answers 't->wakeups' 't->now * 0x9E3779B97F4A7C15ULL' 't->now * 7919' \
		'(s32)(t->now % 5)' 't->now & 1'
	passes hooks policy.c "$more"
}

# What C leaves undefined, a compiler may make anything of: it is found out in
# what it made.
@test 'code: hooks that are undefined or endless are found out' {
	needs_clang
	hook 'const u64 *p = 0; return p[3];'
	refused prove null hooks 2
	hook 'u64 z; if (t->nice > 3) z = 1; return t->key + z * 1000;'
	refused build compile hooks 2
	hook 'for (;;) { }'
	refused prove bound hooks 2
	hook 'u64 n = t->key; do n = n * 3 + 1; while (n & 0xffff); return n;'
	refused sim fault hooks 2
	printf 'static const u64 table[4] = {1, 2, 3, 4};\n' >with
	hook 'return t->key + table[t->wakeups];'
	cat policy.c >>with && mv with policy.c
	refused sim fault hooks 3
}

# ---- what is hostile --------------------------------------------------

@test 'hostile code: other files' {
	echo SECRET-IN-A-FILE >"$BATS_TEST_TMPDIR/secret"
	local line
	for line in '#include "/etc/passwd"' '#include <../../../etc/passwd>' \
		'#inc\
lude "/etc/passwd"' '/* */ # /* */ include "/etc/passwd"' \
		'#include FILE' "#include \"$BATS_TEST_TMPDIR/secret\""; do
		printf '%s\n' "$line" >policy.c
		refused lint include
		refused lint include hooks
		lacks "$body" SECRET
		lacks "$body" 'root:'
	done
	for line in '#include_next <stdio.h>' '#line 1 "/etc/passwd"' \
		'# 1 "/etc/passwd"' '#import "/etc/passwd"' \
		'#embed "/etc/passwd"' '#ident "x"'; do
		printf '%s\n' "$line" >policy.c
		refused lint directive source 1
	done
	printf '#if __has_include("/etc/passwd")\n#endif\n' >policy.c
	refused lint include source 1
	printf '%%:include "/etc/passwd"\n' >policy.c
	refused lint text source 1
	printf '??=include "/etc/passwd"\n' >policy.c
	refused lint text source 1
	# Headers come first: nothing of a policy changes what they say.
	printf '#define u64 int\n#include "scx.bpf.h"\n' >policy.c
	refused lint include source 2
}

# What the lint does not see, the sandbox does not let happen.
@test 'hostile code: the compiler itself cannot read elsewhere' {
	needs_clang
	echo SECRET >"$BATS_TEST_TMPDIR/secret.h"
	printf '#!/bin/sh\ncat %s /etc/passwd >&2\necho x >%s\nexit 1\n' \
		"$BATS_TEST_TMPDIR/secret.h" "$BATS_TEST_TMPDIR/written" \
		>"$BATS_TEST_TMPDIR/clang"
	chmod +x "$BATS_TEST_TMPDIR/clang"
	mkdir there
	mv clang there
	code 'int f(void) { return 1; }'
	policy source policy.c >in.jsonl
	BPF_CLANG=$BATS_TEST_TMPDIR/there/clang exits 1 sched-verify --json \
		--stages lint,build <in.jsonl
	lacks "$output" SECRET
	lacks "$output" 'root:'
	[ ! -e written ]
}

@test 'hostile code: inline assembly in every spelling' {
	needs_clang
	local word
	for word in 'asm' '__asm' '__asm__' 'a\
sm'; do
		code "void f(void) { $word volatile (\"exit\"); }"
		refused lint asm source 3
	done
	code '#define P(a, b) a##b' 'void f(void) { P(__as, m__)("r0 = 0"); }'
	refused build asm source 4
	code '#define E(a) barrier_var(a)' \
		'u64 f(u64 x) { E(x); return x; }'
	judge lint,build source policy.c
	is "$(status_of build)" passed
	code 'void f(void) { \u0061sm("exit"); }'
	refused lint text source 3
	code 'asm(".incbin \"/etc/passwd\"");'
	refused lint asm source 3
	hook '#define P(a, b) a##b' 'P(as, m)("r0 = 0");' 'return 1;'
	refused build asm hooks 3
}

@test 'hostile code: sections, kernel functions, pragmas' {
	needs_clang
	code 'SEC("kprobe/do_exit") int f(void *c) { return 0; }'
	refused lint section source 3
	code '#define S ".maps" "x"' 'int x __attribute__((section(S)));'
	refused lint section source 4
	code '#define S(x) SEC(#x)' 'S(kprobe/do_exit) int f(void *c) { return 0; }'
	refused lint section source
	code 'int panic(void) __ksym;'
	refused lint kfunc source 3
	code 'int x __attribute__((constructor));'
	refused lint attribute source 3
	code '#pragma clang attribute push'
	refused lint pragma source 3
	code '_Pragma("weak x")'
	refused lint pragma source 3
	code 'const char *built = __TIME__;'
	refused lint time source 3
}

# Behind what looks like the preprocessor's own line nothing would be read.
@test 'hostile code: a line marker that a macro makes' {
	needs_clang
	local first
	for first in '#define H #' '#define F(x) x'; do
		code "$first" '#define P(a, b) a##b' 'H 1 "./scx.bpf.h"' \
			'void f(void) { P(__as, m__) ("r0 = 77"); }'
		case $first in
		*F*) sed -i 's/^H/F(#)/' policy.c ;;
		esac
		refused lint directive
		refused lint directive hooks
	done
	# A carriage return is the end of a line to the compiler alone.
	code '// x@#include "/usr/include/stdio.h"'
	tr @ '\r' <policy.c >with && mv with policy.c
	refused lint text source 3
	printf '/* \342\200\256 */ int x; /* \033[2J */\n' >policy.c
	refused lint text source 1
}

@test 'hostile code: names that are put together' {
	needs_clang
	local name
	for name in '__TI,ME__' '__DA,TE__'; do
		code '#define P(a, b) a##b' "char *when = P($name);"
		refused build compile source 4
	done
	code '#define P(a, b) a##b' '#if P(__has_in, clude)("/etc/passwd")' \
		'#endif'
	refused build compile source 4
	code '#define P(a, b) a##b' 'P(_Prag, ma)("weak x")'
	refused build pragma source 4
}

# op NAME LINE...: policy.c, with a callback; the lines are of sched_ext_ops.
op() {
	printf '%s\n' '#include "scx.bpf.h"' \
		'char _license[] SEC("license") = "GPL";' \
		'POLICY_OP("running") void BPF_PROG(r, struct task_struct *p)' \
		'{ p->scx.dsq_vtime += 1; }' 'SEC(".struct_ops.link")' \
		'struct sched_ext_ops ops = { .running = (void *)r,' \
		'.timeout_ms = 5000,' "$@" '};' >policy.c
}

@test 'hostile code: more than one scheduler, or one that stays' {
	needs_clang
	op '.name = "x"'
	judge lint,build source policy.c
	is "$(status_of build)" passed
	cp policy.c good.c
	printf '%s\n' 'struct { __uint(type, BPF_MAP_TYPE_ARRAY);' \
		'__uint(max_entries, 1); __type(key, u32); __type(value, u64);' \
		'__uint(pinning, 1); } shared SEC(".maps");' >>policy.c
	refused build object
	so '.stages[1].findings[0].text | test("pinning")'
	sed 's/pinning, 1/map_flags, 0/; s/entries, 1)/entries, 1u << 30)/' \
		-i policy.c
	refused build object
	so '.stages[1].findings[0].text | test("256 MiB")'
	# What would be attached is not what was tried.
	{
		cat good.c
		printf '%s\n' 'struct tcp_congestion_ops { void *init; };' \
			'SEC("struct_ops/init") int i(void *c) { return 0; }' \
			'SEC(".struct_ops") struct tcp_congestion_ops t = {' \
			'.init = (void *)i };'
	} >policy.c
	refused build object
	sed 's/"GPL"/"MIT"/' good.c >policy.c
	refused build object
	op '.name = "a/../\x1b[2J"'
	refused build object
	op '.name = "x", .exit_dump_len = 0xffffffff'
	refused build object
	op '.name = "x", .dispatch_max_batch = 0x7fffffff'
	refused build object
}

@test 'code: what BPF cannot do is said in words' {
	needs_clang
	hook 's64 a = t->nice, b = t->burst;' 'return t->key + b / (a | 1);'
	refused build compile hooks
	so '.stages[1].findings[0].text | test("signed division")'
	hook 'u64 a[t->cpus]; a[t->cpu] = t->key; return a[t->nice & 3];'
	refused build compile hooks
	so '.stages[1].findings[0].text | test("constant")'
	hook 'u64 a[200]; for (u32 i = 0; i < 200; i++) a[i] = t->key * i;' \
		'return a[t->nice & 127];'
	refused build compile hooks
	so '.stages[1].findings[0].text | test("512 bytes")'
	hook 'return (u64)(0x1p63 * t->nice);'
	refused build compile hooks
	so '.stages[1].findings[0].text | test("floating point")'
}

@test 'hostile code: a bomb of macros' {
	needs_clang
	local c prev=x
	{
		echo '#include "scx.bpf.h"'
		for c in A B C D E F G H I; do
			echo "#define $c $prev $prev $prev $prev $prev $prev $prev $prev"
			prev=$c
		done
		echo 'int y = I I I I;'
	} >policy.c
	refused build limit
}

@test 'hostile code: loops for the compiler' {
	needs_clang
	code 'u64 f(u64 x) {' '#pragma unroll 100000' \
		'for (int i = 0; i < 10000000; i++) x = x * x + i;' \
		'return x; }'
	refused build limit
}

@test 'hostile code: gigabytes of data' {
	needs_clang
	code 'char big[1ULL << 32] = {1};'
	refused build object
	code 'char big[1ULL << 30];'
	refused build object
	code 'static const char t[1 << 28] = {[0 ... (1 << 28) - 1] = 7};' \
		'char f(int i) { return t[i]; }'
	refused build limit
}

@test 'hostile code: depth' {
	needs_clang
	local open
	open=$(head -c 20000 /dev/zero | tr '\0' '(')
	code "int x = ${open}1$(tr '(' ')' <<<"$open");"
	refused build compile
}

@test 'hostile code: size, NULs, bytes that are no text' {
	head -c 70000 /dev/zero | tr '\0' a >policy.c
	refused lint size
	code "/* $(printf '\xc3\xa9') */ int $(printf '\xd0\xb0') = 1;"
	refused lint text source 3
	code "/* never ends"
	refused lint text
	code '"never ends'
	refused lint text source 3
	# No document holds a NUL: the line is refused as a whole.
	code 'int x;'
	policy source policy.c | sed 's/int x/int \\u0000/' >in.jsonl
	exits 3 sched-verify --json --stages lint <in.jsonl
	has "$stderr" 'line 1'
}

# compiler LINE: one that leaves something else in place of "$last".
compiler() {
	mkdir -p bin
	printf '%s\n' '#!/bin/sh' 'for last; do :; done' "$1" >bin/clang
	chmod +x bin/clang
}

@test "of a compiler's folder nothing but files is read" {
	needs_landlock
	echo 'int topsecret = "x";' >secret
	compiler "ln -sf $PWD/secret \$last"
	BPF_CLANG=$PWD/bin/clang judge lint,build source \
		"$TREE/tests/policies/good/shortest.bpf.c"
	lacks "$body" topsecret
	is "$(status_of build)" failed
	so '[.stages[1].findings[].text] | any(test("symbolic|links"))'
	# It neither waits for who writes into a pipe.
	compiler 'mkfifo $last'
	BPF_CLANG=$PWD/bin/clang judge lint,build source \
		"$TREE/tests/policies/good/shortest.bpf.c"
	is "$(status_of build)" failed
	so '[.stages[1].findings[].text] | any(test("regular"))'
}
