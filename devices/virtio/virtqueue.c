/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtqueue.c - the split virtqueue, device side
 *
 * Theory of operation: the driver fills descriptors, puts the index of a chain's
 * head into the available ring and increments avail->idx; we take it, and later
 * put {head, bytes written} into the used ring and increment used->idx.  Both
 * indices run freely modulo 2^16.  Everything in the rings but used->idx and the
 * event fields can change under us at any time, so each field is loaded once,
 * with an atomic access that the compiler may not repeat.
 */
#include "devices/virtio/virtqueue.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>

#include "vmm/base/err.h"

#define LOAD(p)           __atomic_load_n(p, __ATOMIC_RELAXED)
#define STORE(p, v)       __atomic_store_n(p, v, __ATOMIC_RELAXED)

/* avail->ring[size] is used_event, used->ring[size] is avail_event (2.7.6, 2.7.8). */
#define AVAIL_BYTES(size) (sizeof(struct vring_avail) + 2ull * (size) + 2)
#define USED_BYTES(size)             \
	(sizeof(struct vring_used) + \
		sizeof(struct vring_used_elem) * (uint64_t)(size) + 2)

static void *ring_ptr(const struct mem *mem, const char *name, gpa_t gpa,
	uint64_t bytes, uint64_t align)
{
	void *p = gpa.v % align ? NULL : mem_ptr(mem, gpa, bytes);

	if (!p)
		err_set(-EINVAL, "%s at %#llx is misaligned or not in RAM",
			name, (unsigned long long)gpa.v);
	return p;
}

int virtq_init(struct virtq *q, const struct mem *mem,
	const struct virtq_config *config, uint64_t features)
{
	unsigned size = config->size;

	*q = (struct virtq){ .mem = mem };
	if (!config->ready)
		return 0;
	if (!is_power_of_two(size) || size > VIRTQ_SIZE_MAX)
		return err_set(-EINVAL,
			"queue size %u is not a power of two up to %d", size,
			VIRTQ_SIZE_MAX);
	q->desc = ring_ptr(mem, "descriptor table", config->desc,
		sizeof(struct vring_desc) * size, VRING_DESC_ALIGN_SIZE);
	q->avail = ring_ptr(mem, "available ring", config->avail,
		AVAIL_BYTES(size), VRING_AVAIL_ALIGN_SIZE);
	q->used = ring_ptr(mem, "used ring", config->used, USED_BYTES(size),
		VRING_USED_ALIGN_SIZE);
	if (!q->desc || !q->avail || !q->used)
		return -EINVAL;
	q->indirect = features & BIT64(VIRTIO_RING_F_INDIRECT_DESC);
	q->event_idx = features & BIT64(VIRTIO_RING_F_EVENT_IDX);
	q->size = (uint16_t)size;
	return 0;
}

/* Pairs with the driver's barrier before it stores avail->idx: ring entries first. */
static uint16_t load_avail_idx(const struct virtq *q)
{
	return le16toh(__atomic_load_n(&q->avail->idx, __ATOMIC_ACQUIRE));
}

bool virtq_pending(const struct virtq *q)
{
	return q->size && !q->broken && load_avail_idx(q) != q->next_avail;
}

static struct vring_desc read_desc(const struct vring_desc *d)
{
	return (struct vring_desc){
		.addr = le64toh(LOAD(&d->addr)),
		.len = le32toh(LOAD(&d->len)),
		.flags = le16toh(LOAD(&d->flags)),
		.next = le16toh(LOAD(&d->next)),
	};
}

/* A walk over one descriptor table: the queue's, then at most one indirect one. */
struct walk {
	const struct vring_desc *table;
	unsigned table_size;
	unsigned steps; /* over both tables; bounds loops */
	bool in_indirect;
	uint64_t bytes;
	struct virtq_chain *chain;
};

static int add_buffer(
	const struct virtq *q, struct walk *w, const struct vring_desc *d)
{
	struct virtq_chain *chain = w->chain;
	bool writable = d->flags & VRING_DESC_F_WRITE;
	unsigned n = chain->out_count + chain->in_count;
	void *hva;

	if (!writable && chain->in_count)
		return err_set(
			-EBADMSG, "a readable buffer follows a writable one");
	if (!d->len)
		return 0;
	if (n == VIRTQ_IOV_MAX)
		return err_set(-EBADMSG, "a chain has more than %d buffers",
			VIRTQ_IOV_MAX);
	w->bytes += d->len;
	if (w->bytes > UINT32_MAX)
		return err_set(-EBADMSG, "a chain describes more than 4 GiB");
	hva = mem_ptr(q->mem, GPA(d->addr), d->len);
	if (!hva)
		return err_set(-EBADMSG, "buffer %#llx+%#x is not in RAM",
			(unsigned long long)d->addr, d->len);
	chain->iov[n] = (struct iovec){ .iov_base = hva, .iov_len = d->len };
	if (writable) {
		/* Before the write: no snapshot comes until it is done. */
		mem_wrote(q->mem, hva, d->len);
		chain->in_count++;
	} else {
		chain->out_count++;
	}
	return 0;
}

/* 2.7.5.3: not nested, not followed by another, a whole number of descriptors. */
static int enter_indirect(
	const struct virtq *q, struct walk *w, const struct vring_desc *d)
{
	if (!q->indirect || w->in_indirect || (d->flags & VRING_DESC_F_NEXT))
		return err_set(
			-EBADMSG, "an indirect descriptor where none may be");
	if (!d->len || d->len % sizeof(*d) ||
		d->len / sizeof(*d) > VIRTQ_SIZE_MAX)
		return err_set(
			-EBADMSG, "an indirect table of %u bytes", d->len);
	w->table = d->addr % sizeof(uint64_t)
			   ? NULL
			   : mem_ptr(q->mem, GPA(d->addr), d->len);
	if (!w->table)
		return err_set(-EBADMSG, "indirect table %#llx is not in RAM",
			(unsigned long long)d->addr);
	w->table_size = d->len / (unsigned)sizeof(*d);
	w->in_indirect = true;
	return 0;
}

static int walk_chain(struct virtq *q, struct walk *w, unsigned index)
{
	for (;;) {
		struct vring_desc d;
		int rc;

		if (index >= w->table_size)
			return err_set(-EBADMSG, "descriptor index %u of %u",
				index, w->table_size);
		if (w->steps++ > q->size)
			return err_set(-EBADMSG,
				"a chain is longer than the queue, or a loop");
		d = read_desc(&w->table[index]);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			rc = enter_indirect(q, w, &d);
			index = 0;
		} else {
			rc = add_buffer(q, w, &d);
			index = d.next;
		}
		if (rc)
			return rc;
		if (!(d.flags & (VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT)))
			return 0;
	}
}

static int pop_head(struct virtq *q, uint16_t head, struct virtq_chain *ret)
{
	struct walk w = {
		.table = q->desc,
		.table_size = q->size,
		.chain = ret,
	};

	ret->head = head;
	ret->out_count = 0;
	ret->in_count = 0;
	return walk_chain(q, &w, head);
}

int virtq_pop(struct virtq *q, struct virtq_chain *ret)
{
	uint16_t waiting, head;
	int rc;

	if (!q->size || q->broken)
		return 0;
	waiting = (uint16_t)(load_avail_idx(q) - q->next_avail);
	if (!waiting)
		return 0;
	if (waiting > q->size) {
		q->broken = true;
		return err_set(-EBADMSG,
			"the available index jumped by %u of %u", waiting,
			q->size);
	}
	head = le16toh(LOAD(&q->avail->ring[q->next_avail % q->size]));
	rc = pop_head(q, head, ret);
	if (rc) {
		q->broken = true;
		return rc;
	}
	q->next_avail++;
	return 1;
}

void virtq_put_back(struct virtq *q)
{
	q->next_avail--;
}

/* The used ring with its flags and avail_event, all that we write of a queue. */
static void wrote_used(const struct virtq *q)
{
	mem_wrote(q->mem, q->used, USED_BYTES(q->size));
}

void virtq_push(struct virtq *q, uint16_t head, uint32_t written)
{
	struct vring_used_elem *e = &q->used->ring[q->next_used % q->size];

	if (q->broken)
		return;
	wrote_used(q);
	STORE(&e->id, htole32(head));
	STORE(&e->len, htole32(written));
	q->next_used++;
}

/* 2.7.7.2: has `event` been passed by the step from `before` to `now`? */
static bool event_passed(uint16_t event, uint16_t before, uint16_t now)
{
	return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

bool virtq_publish(struct virtq *q)
{
	uint16_t before = q->published_used;

	if (q->broken || before == q->next_used)
		return false;
	q->published_used = q->next_used;
	wrote_used(q);
	/* Pairs with the driver's barrier after it loads used->idx: elements first. */
	__atomic_store_n(
		&q->used->idx, htole16(q->next_used), __ATOMIC_RELEASE);
	/*
	 * Pairs with the driver's full barrier between enabling interrupts and
	 * looking at used->idx once more: one of us sees the other's store.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (q->event_idx)
		return event_passed(le16toh(LOAD(&q->avail->ring[q->size])),
			before, q->next_used);
	return !(le16toh(LOAD(&q->avail->flags)) & VRING_AVAIL_F_NO_INTERRUPT);
}

static uint16_t *avail_event(struct virtq *q)
{
	return (uint16_t *)(void *)&q->used->ring[q->size];
}

void virtq_disable_kick(struct virtq *q)
{
	/* With EVENT_IDX an event that is not moved on is as good as a flag. */
	if (!q->size || q->event_idx)
		return;
	wrote_used(q);
	STORE(&q->used->flags, htole16(VRING_USED_F_NO_NOTIFY));
}

bool virtq_enable_kick(struct virtq *q)
{
	if (!q->size || q->broken)
		return false;
	wrote_used(q);
	if (q->event_idx)
		STORE(avail_event(q), htole16(q->next_avail));
	else
		STORE(&q->used->flags, 0);
	/* Pairs with the driver's full barrier between avail->idx and its look here. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return virtq_pending(q);
}
