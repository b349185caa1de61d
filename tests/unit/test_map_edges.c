/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps at their limits: empty, full, one past; rings and queues beside naive
 * ones. */
#include "vm_fix.h"

#include <errno.h>

#define ERROR(e) ((uint64_t) - (int64_t)(e))

enum {
	LOOKUP = 1,
	UPDATE = 2,
	DELETE = 3,
	PUSH = 87,
	POP = 88,
	PEEK = 89,
	OUTPUT = 130,
	RESERVE = 131,
	SUBMIT = 132,
	DISCARD = 133,
	QUERY = 134,
	FOR_EACH = 164,
	TIMER_INIT = 169,
	TIMER_CALLBACK = 170,
	TIMER_START = 171,
	TIMER_CANCEL = 172
};

static uint64_t rnd(uint64_t *r)
{
	*r = *r * 6364136223846793005ull + 1442695040888963407ull;
	return *r >> 33;
}

static struct object_map plain(uint32_t type, uint32_t key, uint32_t value,
			       uint32_t entries)
{
	return (struct object_map){.name = "m",
				   .type = type,
				   .key_size = key,
				   .value_size = value,
				   .max_entries = entries,
				   .inner = -1};
}

static int open_rc(struct fix *f, struct object_map m)
{
	memset(f, 0, sizeof(*f));
	f->maps[0] = m;
	return fix_open(f, 1);
}

static void open_one(struct fix *f, struct object_map m)
{
	assert_int_equal(open_rc(f, m), 0);
}

static uint64_t update(struct fix *f, uint32_t key, uint64_t value,
		       uint64_t flags)
{
	return fix_call(f, UPDATE, fix_map(f, 0), fix_u32(f, 0, key),
			fix_u64(f, 8, value), flags);
}

static uint64_t lookup(struct fix *f, uint32_t key)
{
	return fix_call(f, LOOKUP, fix_map(f, 0), fix_u32(f, 0, key), 0, 0);
}

/* ---- queues ------------------------------------------------------------ */

#define MOST 8

struct naive {
	uint64_t v[MOST + 1];
	size_t n;
};

static void drop(struct naive *q, size_t at)
{
	q->n--;
	memmove(&q->v[at], &q->v[at + 1], (q->n - at) * sizeof(q->v[0]));
}

/* The value that is next, or what the queue says. */
static uint64_t naive_take(struct naive *q, bool stack, bool pop, uint64_t *v)
{
	size_t at = stack && q->n ? q->n - 1 : 0;

	*v = q->n ? q->v[at] : 0;
	if (!q->n)
		return ERROR(ENOENT);
	if (pop)
		drop(q, at);
	return 0;
}

static uint64_t naive_push(struct naive *q, size_t most, uint64_t flags,
			   uint64_t v)
{
	if (flags & 1 || flags > 2)
		return ERROR(EINVAL);
	if (q->n == most && flags != 2)
		return ERROR(E2BIG);
	if (q->n == most)
		drop(q, 0);
	q->v[q->n++] = v;
	return 0;
}

static void queue_beside_naive(bool stack, uint32_t most)
{
	struct naive q = {.n = 0};
	uint64_t r = most, want, out;
	struct fix f;

	open_one(&f, plain(stack ? BPF_MAP_TYPE_STACK : BPF_MAP_TYPE_QUEUE, 0,
			   8, most));
	for (uint64_t step = 1; step < 800; step++) {
		uint64_t kind = rnd(&r) % 4, flags = rnd(&r) % 5;

		if (kind < 2) {
			assert_int_equal(fix_call(&f, PUSH, fix_map(&f, 0),
						  fix_u64(&f, 0, step), flags,
						  0),
					 naive_push(&q, most, flags, step));
			continue;
		}
		out = fix_u64(&f, 64, UINT64_MAX);
		assert_int_equal(fix_call(&f, kind == 2 ? POP : PEEK,
					  fix_map(&f, 0), out, 0, 0),
				 naive_take(&q, stack, kind == 2, &want));
		assert_int_equal(fix_get(&f, out), want);
	}
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_close(&f);
}

static void test_queues(void **state)
{
	(void)state;
	for (uint32_t most = 1; most <= MOST; most++) {
		queue_beside_naive(false, most);
		queue_beside_naive(true, most);
	}
}

/* ---- rings -------------------------------------------------------------- */

#define RECORDS 600 /* of 8 bytes at least */

struct log {
	uint32_t len[RECORDS];
	unsigned char first[RECORDS], last[RECORDS];
	size_t n;
};

static void keep(void *arg, const void *data, uint32_t len)
{
	const unsigned char *p = data;
	struct log *l = arg;

	assert_true(l->n < RECORDS);
	l->len[l->n] = len;
	l->first[l->n] = len ? p[0] : 0;
	l->last[l->n++] = len ? p[len - 1] : 0;
}

struct open_record {
	uint64_t addr;
	uint32_t len;
	unsigned char byte;
	bool done, kept;
};

/* Taken from the front: all that is finished there. */
static size_t naive_drain(struct open_record *rec, size_t *n, struct log *want,
			  uint64_t *used)
{
	size_t gone = 0;

	want->n = 0;
	while (gone < *n && rec[gone].done) {
		*used -= (rec[gone].len + 15u) & ~7ull;
		if (rec[gone].kept) {
			want->len[want->n] = rec[gone].len;
			want->first[want->n++] = rec[gone].byte;
		}
		gone++;
	}
	*n -= gone;
	memmove(rec, rec + gone, *n * sizeof(*rec));
	return want->n;
}

static void reserve(struct fix *f, uint64_t *r, struct open_record *rec,
		    size_t *n, uint64_t *used, uint64_t *produced)
{
	uint32_t len = (uint32_t)(rnd(r) % (rnd(r) % 4 ? 200 : 4200));
	uint64_t need = (len + 15u) & ~7ull;
	/* One byte of a ring is never used, as in the kernel. */
	bool fits = *used + need <= 4095 && *n < 40;
	uint64_t addr;
	unsigned char *p;

	if (*n == 40)
		return;
	addr = fix_call(f, RESERVE, fix_map(f, 0), len, 0, 0);
	assert_int_equal(addr != 0, fits);
	if (!addr)
		return;
	*used += need;
	*produced += need;
	rec[*n] = (struct open_record){addr, len, (unsigned char)rnd(r), false,
				       false};
	p = vm_write(f->vm, addr, len);
	assert_non_null(p);
	if (len) {
		memset(p, rec[*n].byte, len);
		assert_null(vm_write(f->vm, addr, len + 1));
		fix_fault(f);
	} else {
		rec[*n].byte = 0;
	}
	++*n;
}

static void test_rings(void **state)
{
	struct open_record rec[40];
	uint64_t r = 9, used = 0, produced = 0;
	struct log want, got;
	size_t n = 0;
	struct fix f;

	(void)state;
	open_one(&f, plain(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096));
	for (int step = 0; step < 5000; step++) {
		size_t i = n ? rnd(&r) % n : 0;

		if (rnd(&r) & 1) {
			reserve(&f, &r, rec, &n, &used, &produced);
		} else if (n && !rec[i].done) {
			rec[i].done = true;
			rec[i].kept = rnd(&r) & 1;
			fix_call(&f, rec[i].kept ? SUBMIT : DISCARD,
				 rec[i].addr, 0, 0, 0);
			assert_null(vm_region(f.vm, vm_region_of(rec[i].addr)));
		}
		if (rnd(&r) % 3)
			continue;
		got.n = 0;
		assert_int_equal(vm_map_drain(f.vm, 0, keep, &got),
				 naive_drain(rec, &n, &want, &used));
		assert_int_equal(got.n, want.n);
		for (i = 0; i < got.n; i++) {
			assert_int_equal(got.len[i], want.len[i]);
			assert_int_equal(got.first[i], want.first[i]);
			assert_int_equal(got.last[i], want.first[i]);
		}
		assert_int_equal(fix_call(&f, QUERY, fix_map(&f, 0), 0, 0, 0),
				 used);
		assert_int_equal(fix_call(&f, QUERY, fix_map(&f, 0), 1, 0, 0),
				 4096);
		assert_int_equal(fix_call(&f, QUERY, fix_map(&f, 0), 2, 0, 0),
				 produced - used);
		assert_int_equal(fix_call(&f, QUERY, fix_map(&f, 0), 3, 0, 0),
				 produced);
		assert_int_equal(fix_call(&f, QUERY, fix_map(&f, 0), 4, 0, 0),
				 0);
	}
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_close(&f);
}

static void test_ring_limits(void **state)
{
	static const struct {
		uint64_t len;
		bool fits;
	} rows[] = {{0, true},		 {1, true},
		    {4080, true},	 {4081, false},
		    {4088, false},	 {4096, false},
		    {4097, false},	 {1ull << 32, false},
		    {UINT64_MAX, false}, {UINT64_MAX - 7, false}};
	struct fix f;
	uint64_t map, a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		open_one(&f, plain(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096));
		map = fix_map(&f, 0);
		a = fix_call(&f, RESERVE, map, rows[i].len, 0, 0);
		if ((a != 0) != rows[i].fits)
			fail_msg("row %zu", i);
		if (a)
			fix_call(&f, SUBMIT, a, 0, 0, 0);
		assert_int_equal(fix_call(&f, RESERVE, map, 8, 1, 0), 0);
		fix_close(&f);
	}
	open_one(&f, plain(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096));
	map = fix_map(&f, 0);
	for (uint64_t flags = 0; flags < 6; flags++)
		assert_int_equal(fix_call(&f, OUTPUT, map, f.at, 8, flags),
				 flags < 4 ? 0 : ERROR(EINVAL));
	assert_int_equal(fix_call(&f, OUTPUT, map, f.at, 4097, 0),
			 ERROR(EAGAIN));
	assert_int_equal(fix_call(&f, OUTPUT, map, f.at, 4096, 0),
			 ERROR(EAGAIN));
	fix_call(&f, OUTPUT, map, f.at + 4000, 97, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_MEMORY);
	assert_int_equal(fix_call(&f, OUTPUT, map, f.at + 4000, 96, 0), 0);
	/* Not a record, or in the middle of one. */
	a = fix_call(&f, RESERVE, map, 16, 0, 0);
	fix_call(&f, SUBMIT, a + 8, 0, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_call(&f, DISCARD, f.at, 0, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_call(&f, SUBMIT, 0, 0, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	fix_call(&f, DISCARD, a, 0, 0, 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_close(&f);
}

/* ---- filters ------------------------------------------------------------ */

/* All that was put in is found; of the rest, one in 2^hashes at most. */
static void test_filters(void **state)
{
	(void)state;
	for (uint64_t hashes = 0; hashes <= 15; hashes++)
		for (uint32_t size = 3; size <= 19; size += 8) {
			struct object_map m =
				plain(BPF_MAP_TYPE_BLOOM_FILTER, 0, size, 500);
			uint64_t k = hashes ? hashes : 5, wrong = 0;
			struct fix f;

			m.extra = hashes;
			open_one(&f, m);
			memset(f.scratch, 0, 64);
			for (uint32_t i = 0; i < 4500; i++) {
				uint64_t rc;

				memcpy(f.scratch + size - 3, &i, 3);
				if (i < 500) {
					assert_int_equal(
						fix_call(&f, PUSH,
							 fix_map(&f, 0), f.at,
							 0, 0),
						0);
					continue;
				}
				rc = fix_call(&f, PEEK, fix_map(&f, 0), f.at, 0,
					      0);
				assert_true(!rc || rc == ERROR(ENOENT));
				wrong += !rc;
			}
			for (uint32_t i = 0; i < 500; i++) {
				memcpy(f.scratch + size - 3, &i, 3);
				assert_int_equal(fix_call(&f, PEEK,
							  fix_map(&f, 0), f.at,
							  0, 0),
						 0);
			}
			/* 4000 >> k of them, and five deviations of that. */
			if (wrong > (4000u >> k) + 25 + 80 / k)
				fail_msg("%llu hashes, %u bytes: %llu wrong",
					 (unsigned long long)hashes, size,
					 (unsigned long long)wrong);
			assert_int_equal(
				fix_call(&f, POP, fix_map(&f, 0), f.at, 0, 0),
				ERROR(EOPNOTSUPP));
			assert_int_equal(
				fix_call(&f, PUSH, fix_map(&f, 0), f.at, 1, 0),
				ERROR(EINVAL));
			fix_close(&f);
		}
}

/* ---- arrays and hashes --------------------------------------------------- */

static void test_array_lengths(void **state)
{
	static const uint32_t lengths[] = {1,	2,   255, 256, 257,
					   511, 512, 513, 1000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		for (int by_cpu = 0; by_cpu < 2; by_cpu++) {
			uint32_t n = lengths[i];
			struct fix f;

			open_one(&f, plain(by_cpu ? BPF_MAP_TYPE_PERCPU_ARRAY
						  : BPF_MAP_TYPE_ARRAY,
					   4, 12, n));
			for (f.cpu = 0; f.cpu < (by_cpu ? FIX_CPUS : 1u);
			     f.cpu++)
				for (uint32_t k = 0; k < n; k++)
					fix_set(&f, lookup(&f, k),
						f.cpu * 10000ull + k + 1);
			for (f.cpu = 0; f.cpu < (by_cpu ? FIX_CPUS : 1u);
			     f.cpu++)
				for (uint32_t k = 0; k < n; k++) {
					uint64_t v = lookup(&f, k);

					assert_int_equal(fix_get(&f, v),
							 f.cpu * 10000ull + k +
								 1);
					assert_non_null(vm_read(f.vm, v, 12));
					assert_null(vm_read(f.vm, v, 13));
					fix_fault(&f);
				}
			f.cpu = 0;
			assert_int_equal(lookup(&f, n), 0);
			fix_close(&f);
		}
}

static void test_flags(void **state)
{
	/* By flags 0 … 8: of what is there, of what is not (hash only). */
	static const int there[] = {0,	    EEXIST, 0,	    EINVAL, 0,
				    EEXIST, 0,	    EINVAL, EINVAL};
	static const int absent[] = {0, 0,	ENOENT, EINVAL, 0,
				     0, ENOENT, EINVAL, EINVAL};
	struct fix f;
	uint64_t v;

	(void)state;
	for (uint64_t flags = 0; flags < ARRAY_LEN(there); flags++) {
		open_one(&f, plain(BPF_MAP_TYPE_ARRAY, 4, 8, 4));
		assert_int_equal(update(&f, 1, 5, flags), ERROR(there[flags]));
		assert_int_equal(fix_get(&f, lookup(&f, 1)),
				 there[flags] ? 0 : 5);
		assert_int_equal(
			update(&f, 4, 5, flags),
			ERROR(there[flags] == EINVAL ? EINVAL : E2BIG));
		fix_close(&f);
		open_one(&f, plain(BPF_MAP_TYPE_HASH, 4, 8, 4));
		update(&f, 1, 4, 0);
		fix_enter(&f);
		v = lookup(&f, 1);
		assert_int_equal(update(&f, 1, 5, flags), ERROR(there[flags]));
		assert_int_equal(fix_get(&f, lookup(&f, 1)),
				 there[flags] ? 4 : 5);
		/* With a lock it is the same value, else another. */
		assert_int_equal(fix_get(&f, v),
				 !there[flags] && flags & 4 ? 5 : 4);
		assert_int_equal(update(&f, 2, 6, flags), ERROR(absent[flags]));
		assert_int_equal(lookup(&f, 2) != 0, !absent[flags]);
		fix_leave(&f);
		fix_close(&f);
	}
}

/* Filled, emptied and filled again, far past the first buckets. */
static void test_large_hash(void **state)
{
	enum { MANY = 3000 };
	struct fix f;

	(void)state;
	open_one(&f, plain(BPF_MAP_TYPE_HASH, 4, 8, MANY));
	for (int turn = 0; turn < 3; turn++) {
		for (uint32_t k = 0; k < MANY; k++)
			assert_int_equal(update(&f, k * 7, k, BPF_NOEXIST), 0);
		assert_int_equal(update(&f, 1, 0, 0), ERROR(E2BIG));
		for (uint32_t k = 0; k < MANY; k++) {
			assert_int_equal(fix_get(&f, lookup(&f, k * 7)), k);
			assert_int_equal(lookup(&f, k * 7 + 1), 0);
		}
		for (uint32_t k = 0; k < MANY; k++)
			assert_int_equal(fix_call(&f, DELETE, fix_map(&f, 0),
						  fix_u32(&f, 0, k * 7), 0, 0),
					 0);
	}
	fix_close(&f);
}

/* ---- how much there may be ---------------------------------------------- */

static void test_sizes(void **state)
{
	static const struct {
		uint32_t type, key, value, entries;
		int rc;
	} rows[] = {
		{BPF_MAP_TYPE_ARRAY, 4, 8, 1u << 27, 0},
		{BPF_MAP_TYPE_ARRAY, 4, 8, (1u << 27) + 1, -E2BIG},
		{BPF_MAP_TYPE_ARRAY, 4, 5, 1u << 27, 0},
		{BPF_MAP_TYPE_ARRAY, 4, 5, (1u << 27) + 1, -E2BIG},
		{BPF_MAP_TYPE_ARRAY, 4, 9, 1u << 26, 0},
		{BPF_MAP_TYPE_ARRAY, 4, 9, (1u << 26) + 1, -E2BIG},
		{BPF_MAP_TYPE_ARRAY, 4, 1u << 30, 1, 0},
		{BPF_MAP_TYPE_ARRAY, 4, (1u << 30) + 1, 1, -E2BIG},
		{BPF_MAP_TYPE_ARRAY, 3, 8, 1, -EINVAL},
		{BPF_MAP_TYPE_ARRAY, 5, 8, 1, -EINVAL},
		{BPF_MAP_TYPE_ARRAY, 4, 0, 1, -EINVAL},
		{BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1u << 25, 0},
		{BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, (1u << 25) + 1, -E2BIG},
		/* 8 for regions, 8 for a key, 16 for the value */
		{BPF_MAP_TYPE_HASH, 4, 16, 1u << 25, 0},
		{BPF_MAP_TYPE_HASH, 4, 16, (1u << 25) + 1, -E2BIG},
		{BPF_MAP_TYPE_HASH, 9, 8, 1u << 25, 0},
		{BPF_MAP_TYPE_HASH, 9, 8, (1u << 25) + 1, -E2BIG},
		/* 16 for regions, 8, four of 8 */
		{BPF_MAP_TYPE_PERCPU_HASH, 4, 8, (1u << 30) / 56, 0},
		{BPF_MAP_TYPE_PERCPU_HASH, 4, 8, (1u << 30) / 56 + 1, -E2BIG},
		{BPF_MAP_TYPE_HASH, 512, 8, 10, 0},
		{BPF_MAP_TYPE_HASH, 513, 8, 10, -E2BIG},
		{BPF_MAP_TYPE_TASK_STORAGE, 4, 8, 0, 0},
		{BPF_MAP_TYPE_TASK_STORAGE, 4, 8, 1, -EINVAL},
		{BPF_MAP_TYPE_TASK_STORAGE, 4, 0, 0, -EINVAL},
		{BPF_MAP_TYPE_TASK_STORAGE, 8, 8, 0, -EINVAL},
		{BPF_MAP_TYPE_RINGBUF, 0, 0, 2048, -EINVAL},
		{BPF_MAP_TYPE_RINGBUF, 0, 0, 4096 + 8, -EINVAL},
		{BPF_MAP_TYPE_RINGBUF, 0, 0, 8192, 0},
		{BPF_MAP_TYPE_RINGBUF, 0, 0, 1u << 30, -E2BIG},
		{BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1, 0},
		{BPF_MAP_TYPE_HASH_OF_MAPS, 8, 4, 1, -ENOTSUP},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fix f;
		int rc = open_rc(&f, plain(rows[i].type, rows[i].key,
					   rows[i].value, rows[i].entries));

		if (rc != rows[i].rc)
			fail_msg("row %zu: %d: %s", i, rc,
				 rc ? err_text() : "");
		if (!rc)
			fix_close(&f);
	}
}

/* It is all maps together that count. */
static void test_sizes_together(void **state)
{
	(void)state;
	for (uint32_t more = 0; more < 2; more++) {
		struct fix f;
		int rc;

		memset(&f, 0, sizeof(f));
		f.maps[0] = plain(BPF_MAP_TYPE_ARRAY, 4, 8, 1u << 26);
		f.maps[1] = plain(BPF_MAP_TYPE_ARRAY, 4, 8, 1u << 25);
		f.maps[2] = plain(BPF_MAP_TYPE_ARRAY, 4, 8, (1u << 25) + more);
		rc = fix_open(&f, 3);
		assert_int_equal(rc, more ? -E2BIG : 0);
		if (!rc)
			fix_close(&f);
	}
}

/* What the user's side may ask of which map. */
static void test_users_side(void **state)
{
	unsigned char bytes[8] = {1};
	uint64_t v = 0;
	uint32_t key = 0;
	struct fix f;
	size_t len;

	(void)state;
	memset(&f, 0, sizeof(f));
	f.maps[0] = plain(BPF_MAP_TYPE_QUEUE, 0, 8, 1);
	f.maps[1] = plain(BPF_MAP_TYPE_ARRAY, 4, 8, 1);
	f.maps[1].data = bytes;
	f.maps[2] = plain(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096);
	f.maps[3] = plain(BPF_MAP_TYPE_STRUCT_OPS, 4, 8, 1);
	f.maps[3].is_struct_ops = true;
	f.maps[3].data = bytes;
	assert_int_equal(fix_open(&f, 4), 0);
	assert_int_equal(vm_map_get(f.vm, 0, NULL, 0, 0, &v, 8), -EOPNOTSUPP);
	assert_int_equal(vm_map_set(f.vm, 0, NULL, 0, 0, &v, 8), -EOPNOTSUPP);
	assert_int_equal(vm_map_get(f.vm, 1, &key, 4, 0, &v, 8), 0);
	assert_int_equal(v, 1);
	assert_int_equal(vm_map_get(f.vm, 1, &key, 4, FIX_CPUS - 1, &v, 8), 0);
	assert_int_equal(vm_map_get(f.vm, 1, &key, 4, FIX_CPUS, &v, 8),
			 -EINVAL);
	assert_int_equal(vm_map_get(f.vm, 3, &key, 4, 0, &v, 8), -EINVAL);
	assert_int_equal(vm_map_get(f.vm, 4, &key, 4, 0, &v, 8), -EINVAL);
	assert_int_equal(vm_map_get(f.vm, -1, &key, 4, 0, &v, 8), -EINVAL);
	assert_null(vm_map_data(f.vm, 0, &len));
	assert_non_null(vm_map_data(f.vm, 1, &len));
	assert_null(vm_map_data(f.vm, 3, &len));
	assert_null(vm_map_data(f.vm, 4, &len));
	assert_null(vm_map_data(f.vm, -1, &len));
	for (int i = -1; i <= 4; i++)
		assert_int_equal(vm_map_drain(f.vm, i, keep, NULL), 0);
	fix_close(&f);
}

/* ---- the arena ----------------------------------------------------------- */

/* Pages 1 and 3 are there: what is read ends where page 1 does. */
static void test_arena_reads(void **state)
{
	enum { READ = 113, READ_STRING = 115 };
	struct fix f;
	uint64_t map, a, to;

	(void)state;
	open_one(&f, plain(MAP_TYPE_ARENA, 0, 0, 10));
	map = fix_map(&f, 0);
	a = fix_kfunc(&f, "bpf_arena_alloc_pages", map, 0, 3);
	fix_kfunc(&f, "bpf_arena_free_pages", map, a + 4096, 1);
	memset(vm_write(f.vm, a, 4096), 'x', 4096);
	to = f.at + 64;
	assert_int_equal(fix_call(&f, READ, to, 8, a + 4088, 0), 0);
	assert_int_equal(fix_call(&f, READ, to, 8, a + 4089, 0), ERROR(EFAULT));
	assert_int_equal(fix_call(&f, READ, to, 8, a + 4096, 0), ERROR(EFAULT));
	assert_int_equal(fix_call(&f, READ, to, 8, a + 8192, 0), 0);
	assert_int_equal(fix_call(&f, READ, to, 9, a + 8188, 0), ERROR(EFAULT));
	for (uint32_t n = 1; n <= 8; n++)
		assert_int_equal(fix_call(&f, READ_STRING, to, n, a + 4090, 0),
				 n <= 6 ? n : ERROR(EFAULT));
	assert_int_equal(fix_kfunc(&f, "bpf_strlen", a + 100, 0, 0),
			 ERROR(EFAULT));
	assert_int_equal(fix_kfunc(&f, "bpf_strlen", a + 8192, 0, 0), 0);
	/* An empty page behind it ends the string. */
	fix_kfunc(&f, "bpf_arena_alloc_pages", map, a + 4096, 1);
	assert_int_equal(fix_call(&f, READ_STRING, to, 64, a + 4090, 0), 7);
	assert_int_equal(fix_kfunc(&f, "bpf_strlen", a + 100, 0, 0), 3996);
	assert_int_equal(fix_call(&f, READ, to, 200, a + 8100, 0), 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_close(&f);
}

/* ---- timers ------------------------------------------------------------- */

/* As many as there are values; numbers of those that went are used again. */
static void test_many_timers(void **state)
{
	static struct object_field field = {.kind = FIELD_TIMER, .offset = 8};
	struct object_map m = plain(BPF_MAP_TYPE_HASH, 4, 24, 100);
	uint64_t map, v[100], handle;
	struct fix f;

	(void)state;
	m.fields = &field;
	m.field_count = 1;
	open_one(&f, m);
	map = fix_map(&f, 0);
	for (uint32_t k = 0; k < 100; k++) {
		update(&f, k, 0, 0);
		v[k] = lookup(&f, k);
		assert_int_equal(fix_call(&f, TIMER_INIT, v[k] + 8, map, 1, 0),
				 0);
		assert_int_equal(fix_get(&f, v[k] + 8), k + 1);
	}
	for (uint32_t k = 90; k >= 30; k -= 30)
		fix_call(&f, DELETE, map, fix_u32(&f, 0, k), 0, 0);
	for (uint32_t k = 0; k < 4; k++) {
		static const uint64_t number[] = {31, 61, 91, 101};

		if (k == 3) {
			fix_call(&f, DELETE, map, fix_u32(&f, 0, 0), 0, 0);
			update(&f, 300, 0, 0);
			handle = lookup(&f, 300);
			fix_call(&f, TIMER_INIT, handle + 8, map, 7, 0);
			assert_int_equal(fix_get(&f, handle + 8), 1);
			break;
		}
		update(&f, 200 + k, 0, 0);
		handle = lookup(&f, 200 + k);
		fix_call(&f, TIMER_INIT, handle + 8, map, 0, 0);
		assert_int_equal(fix_get(&f, handle + 8), number[k]);
	}
	for (uint64_t clock = 0; clock < 12; clock++) {
		uint64_t rc;

		update(&f, 50, 0, 0);
		rc = fix_call(&f, TIMER_INIT, lookup(&f, 50) + 8, map, clock,
			      0);
		assert_int_equal(rc, clock == 0 || clock == 1 || clock == 7
					     ? 0
					     : ERROR(EINVAL));
	}
	assert_int_equal(fix_fault(&f), VM_FAULT_NONE);
	fix_close(&f);
}

static void test_timer_flags(void **state)
{
	static struct object_field field = {.kind = FIELD_TIMER, .offset = 8};
	struct object_map m = plain(BPF_MAP_TYPE_ARRAY, 4, 24, 1);
	struct fix f;
	uint64_t t;

	(void)state;
	m.fields = &field;
	m.field_count = 1;
	open_one(&f, m);
	f.now = 1000;
	t = lookup(&f, 0) + 8;
	fix_call(&f, TIMER_INIT, t, fix_map(&f, 0), 1, 0);
	assert_int_equal(
		fix_call(&f, TIMER_CALLBACK, t, fix_func(FIX_FUNCS), 0, 0), 0);
	assert_int_equal(fix_fault(&f), VM_FAULT_CALL);
	assert_int_equal(fix_call(&f, TIMER_START, t, 5, 0, 0), ERROR(EINVAL));
	fix_call(&f, TIMER_CALLBACK, t, fix_func(FIX_SUM), 0, 0);
	for (uint64_t flags = 0; flags < 6; flags++) {
		f.timer_at[0] = 0;
		assert_int_equal(fix_call(&f, TIMER_START, t, 2000, flags, 0),
				 flags < 4 ? 0 : ERROR(EINVAL));
		assert_int_equal(f.timer_at[0], flags > 3   ? 0
						: flags & 1 ? 2000
							    : 3000);
		assert_int_equal(fix_call(&f, TIMER_CANCEL, t, 0, 0, 0),
				 flags < 4);
		assert_int_equal(f.timer_at[0], 0);
	}
	/* At once is a nanosecond on. */
	fix_call(&f, TIMER_START, t, 0, 0, 0);
	assert_int_equal(f.timer_at[0], 1001);
	/* A number that is not its own. */
	fix_set(&f, t, 2);
	assert_int_equal(fix_call(&f, TIMER_START, t, 5, 0, 0), ERROR(EINVAL));
	fix_set(&f, t, 0);
	assert_int_equal(fix_call(&f, TIMER_CANCEL, t, 0, 0, 0), ERROR(EINVAL));
	fix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_rings),
		cmocka_unit_test(test_ring_limits),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_array_lengths),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_large_hash),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_sizes_together),
		cmocka_unit_test(test_users_side),
		cmocka_unit_test(test_arena_reads),
		cmocka_unit_test(test_many_timers),
		cmocka_unit_test(test_timer_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
