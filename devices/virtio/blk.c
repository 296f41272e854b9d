/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blk.c - virtio block device
 *
 * Theory of operation: a chain is header (16 readable bytes), data, status (the
 * last writable byte), in whatever pieces the driver likes.  kick() takes all
 * chains that are there, checks each, and submits it to the disk; the loop sends
 * the burst to the kernel as a whole.  Completions of a batch reach the guest with one
 * interrupt.  After a reset, completions of older requests only free their record.
 */
#include "devices/virtio/blk.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/blk_config.h"
#include "vmm/base/err.h"

#define REQUESTS_MAX   4096 /* in flight on one disk */
#define QUEUE_SIZE_MIN 16

struct blk_request {
	struct disk_request io;
	struct virtio_blk *blk;
	struct blk_request *next; /* in the idle list */
	unsigned queue;
	uint32_t in_bytes; /* what a successful read writes */
	uint8_t *status;
	struct iov_list in;
	struct iov_list out;
	struct virtq_chain chain;
};

enum {
	READS,
	READ_BYTES,
	WRITES,
	WRITE_BYTES,
	FLUSHES,
	DISCARDS,
	ERRORS,
	UNSUPPORTED,
	REPLACED,
	THROTTLED,
};

static struct metric metrics[] = {
	[READS] = { "reads", "read requests", 0 },
	[READ_BYTES] = { "read_bytes", "bytes read by the guest", 0 },
	[WRITES] = { "writes", "write requests", 0 },
	[WRITE_BYTES] = { "write_bytes", "bytes written by the guest", 0 },
	[FLUSHES] = { "flushes", "flush requests", 0 },
	[DISCARDS] = { "discards", "discard and write-zeroes requests", 0 },
	[ERRORS] = { "errors", "requests answered with IOERR", 0 },
	[UNSUPPORTED] = { "unsupported", "requests answered with UNSUPP", 0 },
	[THROTTLED] = { "throttled", "times that a rate limiter said to wait",
		0 },
	[REPLACED] = { "replaced", "times that a disk got another file", 0 },
};

const struct metric_group virtio_blk_metrics = {
	.name = "blk", .metrics = metrics, .count = ARRAY_SIZE(metrics)
};

/* ---- request records ---- */

static struct blk_request *get_request(struct virtio_blk *blk) ON_LOOP
{
	struct blk_request *r = blk->idle;

	if (r)
		blk->idle = r->next;
	else if (blk->fresh < blk->request_count)
		r = &blk->requests[blk->fresh++];
	return r;
}

static void put_request(struct blk_request *r) ON_LOOP
{
	r->next = r->blk->idle;
	r->blk->idle = r;
}

/* ---- completion ---- */

static void answer(struct blk_request *r, uint8_t status) ON_LOOP
{
	struct virtio_blk *blk = r->blk;
	uint32_t written = status == VIRTIO_BLK_S_OK ? r->in_bytes : 0;

	if (status == VIRTIO_BLK_S_IOERR)
		metric_add(&metrics[ERRORS], 1);
	if (status == VIRTIO_BLK_S_UNSUPP)
		metric_add(&metrics[UNSUPPORTED], 1);
	*r->status = status;
	virtio_complete(&blk->dev, r->queue, r->chain.head, written + 1);
	put_request(r);
}

/* The guest sees IOERR and no more; the host's operator can do something. */
static void tell_error(struct blk_request *r, int rc) ON_LOOP
{
	static const char *const verbs[] = {
		[DISK_READ] = "read",
		[DISK_WRITE] = "write",
		[DISK_FLUSH] = "flush",
		[DISK_DISCARD] = "discard",
		[DISK_ZERO] = "write zeroes",
	};
	char why[128];

	snprintf(why, sizeof(why), "cannot %s: %s", verbs[r->io.verb],
		strerror(-rc));
	virtio_failed(&r->blk->dev, why);
}

static void io_done(struct disk_request *io, int rc)
{
	struct blk_request *r = container_of(io, struct blk_request, io);
	struct virtio_blk *blk = r->blk;

	claim_loop_thread();
	blk->in_flight--;
	if (rc && rc != -EOPNOTSUPP)
		tell_error(r, rc);
	answer(r, !rc                 ? VIRTIO_BLK_S_OK
		  : rc == -EOPNOTSUPP ? VIRTIO_BLK_S_UNSUPP
				      : VIRTIO_BLK_S_IOERR);
	if (!blk->in_flight)
		virtio_drained(&blk->dev);
}

static void submit(struct blk_request *r, enum disk_verb verb) ON_LOOP
{
	r->io.verb = verb;
	r->io.durable = r->blk->write_through && verb != DISK_READ;
	r->io.done = io_done;
	r->blk->in_flight++;
	disk_submit(r->blk->disk, r->blk->dev.loop, &r->io);
}

/* ---- the request types (5.2.6) ---- */

static bool in_range(
	const struct virtio_blk *blk, uint64_t sector, uint64_t sectors)
{
	uint64_t total = disk_sectors(blk->disk);

	return sector <= total && sectors <= total - sector;
}

static bool prepare_transfer(
	struct blk_request *r, struct iov_list *data, uint64_t sector)
{
	uint64_t bytes = iov_bytes(data);

	if (!bytes || bytes % DISK_SECTOR_BYTES ||
		!in_range(r->blk, sector, bytes / DISK_SECTOR_BYTES))
		return false;
	r->io.offset = sector * DISK_SECTOR_BYTES;
	r->io.data = *data;
	return true;
}

static int do_read(struct blk_request *r, uint64_t sector) ON_LOOP
{
	if (!prepare_transfer(r, &r->in, sector))
		return VIRTIO_BLK_S_IOERR;
	r->in_bytes = (uint32_t)iov_bytes(&r->in);
	metric_add(&metrics[READS], 1);
	metric_add(&metrics[READ_BYTES], r->in_bytes);
	submit(r, DISK_READ);
	return -EINPROGRESS;
}

static int do_write(struct blk_request *r, uint64_t sector) ON_LOOP
{
	if (!prepare_transfer(r, &r->out, sector))
		return VIRTIO_BLK_S_IOERR;
	metric_add(&metrics[WRITES], 1);
	metric_add(&metrics[WRITE_BYTES], iov_bytes(&r->out));
	submit(r, DISK_WRITE);
	return -EINPROGRESS;
}

static int do_flush(struct blk_request *r, uint64_t sector) ON_LOOP
{
	(void)sector;
	metric_add(&metrics[FLUSHES], 1);
	submit(r, DISK_FLUSH);
	return -EINPROGRESS;
}

static int do_get_id(struct blk_request *r, uint64_t sector) ON_LOOP
{
	(void)sector;
	r->in_bytes = (uint32_t)iov_put(&r->in, r->blk->id, sizeof(r->blk->id));
	return VIRTIO_BLK_S_OK;
}

/* We offer one segment in a request, so that one is one operation on the file. */
static int do_range(struct blk_request *r, bool zeroes) ON_LOOP
{
	struct virtio_blk_discard_write_zeroes range;
	bool unmap;
	uint32_t flags, sectors;
	uint64_t sector;

	if (!iov_take(&r->out, &range, sizeof(range)) || r->out.count)
		return VIRTIO_BLK_S_IOERR;
	sector = le64toh(range.sector);
	sectors = le32toh(range.num_sectors);
	flags = le32toh(range.flags);
	unmap = flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	if ((flags & ~VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP) || (unmap && !zeroes))
		return VIRTIO_BLK_S_UNSUPP;
	if (!sectors || sectors > BLK_DISCARD_SECTORS_MAX ||
		!in_range(r->blk, sector, sectors))
		return VIRTIO_BLK_S_IOERR;
	r->io.offset = sector * DISK_SECTOR_BYTES;
	r->io.len = (uint64_t)sectors * DISK_SECTOR_BYTES;
	metric_add(&metrics[DISCARDS], 1);
	submit(r, zeroes && !unmap ? DISK_ZERO : DISK_DISCARD);
	return -EINPROGRESS;
}

static int do_discard(struct blk_request *r, uint64_t sector) ON_LOOP
{
	(void)sector;
	return do_range(r, false);
}

static int do_write_zeroes(struct blk_request *r, uint64_t sector) ON_LOOP
{
	(void)sector;
	return do_range(r, true);
}

static const struct type {
	uint32_t type;
	bool changes;
	bool moves; /* its data counts for the bandwidth */
	/* The status, or -EINPROGRESS when io_done() will give it. */
	int (*start)(struct blk_request *r, uint64_t sector);
} types[] = {
	{ VIRTIO_BLK_T_IN, false, true, do_read },
	{ VIRTIO_BLK_T_OUT, true, true, do_write },
	{ VIRTIO_BLK_T_FLUSH, false, false, do_flush },
	{ VIRTIO_BLK_T_GET_ID, false, false, do_get_id },
	{ VIRTIO_BLK_T_DISCARD, true, false, do_discard },
	{ VIRTIO_BLK_T_WRITE_ZEROES, true, false, do_write_zeroes },
};

static const struct type *find_type(uint32_t type)
{
	for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

static int start_request(
	struct blk_request *r, const struct type *type, uint64_t sector) ON_LOOP
{
	if (!type)
		return VIRTIO_BLK_S_UNSUPP;
	if (type->changes && r->blk->readonly)
		return VIRTIO_BLK_S_IOERR;
	return type->start(r, sector);
}

/* ---- rate limits ---- */

static uint64_t charge(struct blk_request *r, const struct type *type)
{
	struct limiter *limiter = &r->blk->limiter;
	uint64_t bytes = 0;

	if (!limiter->on)
		return 0;
	if (type && type->moves)
		bytes = iov_bytes(&r->in) + iov_bytes(&r->out);
	return limiter_charge(limiter, bytes);
}

static void wait(struct blk_request *r, uint64_t wait_ns) ON_LOOP
{
	metric_add(&metrics[THROTTLED], 1);
	virtio_wait(&r->blk->dev, r->queue, wait_ns);
	put_request(r);
}

/* ---- from the ring ---- */

/* Cut header and status off the chain; false if it has no room for them. */
static bool frame(struct blk_request *r, struct virtio_blk_outhdr *ret_header)
{
	struct virtq_chain *chain = &r->chain;

	r->out = (struct iov_list){ chain->iov, chain->out_count };
	r->in = (struct iov_list){ chain->iov + chain->out_count,
		chain->in_count };
	r->in_bytes = 0;
	r->status = iov_cut_last_byte(&r->in);
	return r->status && iov_take(&r->out, ret_header, sizeof(*ret_header));
}

/* False: it has to wait, and so have those behind it. */
static bool handle(struct blk_request *r) ON_LOOP
{
	struct virtio_blk_outhdr header;
	const struct type *type;
	uint64_t wait_ns;
	int status;

	if (!frame(r, &header)) {
		virtio_needs_reset(&r->blk->dev,
			"a request without room for header and status");
		put_request(r);
		return true;
	}
	type = find_type(le32toh(header.type));
	wait_ns = charge(r, type);
	if (wait_ns) {
		wait(r, wait_ns);
		return false;
	}
	status = start_request(r, type, le64toh(header.sector));
	if (status != -EINPROGRESS)
		answer(r, (uint8_t)status);
	return true;
}

static void kick(void *model, unsigned queue) ON_LOOP
{
	struct virtio_blk *blk = model;
	struct blk_request *r;

	while ((r = get_request(blk))) {
		r->blk = blk;
		r->queue = queue;
		if (!virtio_pop(&blk->dev, queue, &r->chain)) {
			put_request(r);
			return;
		}
		if (!handle(r))
			return;
	}
	/* More in flight than all queues hold: heads were made available twice. */
	virtio_needs_reset(&blk->dev, "more requests than descriptors");
}

/* ---- life ---- */

static int activate(void *model, uint64_t features) ON_LOOP
{
	struct virtio_blk *blk = model;

	blk->write_through = !(features & BIT64(VIRTIO_BLK_F_FLUSH));
	return 0;
}

static int drain(void *model) ON_LOOP
{
	struct virtio_blk *blk = model;

	return blk->in_flight ? -EINPROGRESS : 0;
}

static const struct virtio_model model = {
	.ops = { .name = "blk",
		.reset = drain,
		.pause = drain,
		.state = &virtio_blk_state,
		.loaded = blk_loaded },
	.id = VIRTIO_ID_BLOCK,
	.activate = activate,
	.kick = kick,
};

/* Many queues get short ones, so that a disk's records stay some MiB at worst. */
static uint16_t queue_size_for(unsigned queue_count)
{
	uint16_t size = VIRTQ_SIZE_MAX;

	while (size > QUEUE_SIZE_MIN && size * queue_count > REQUESTS_MAX)
		size /= 2;
	return size;
}

int virtio_blk_init(struct virtio_blk *blk, const struct mem *mem,
	struct loop *loop, struct disk *disk, const char *name, const char *id,
	unsigned queue_count)
{
	struct virtio_device_args args = {
		.model = &model,
		.priv = blk,
		.name = name,
		.mem = mem,
		.loop = loop,
		.features = blk_features(disk),
		.config = &blk->config,
		.config_bytes = sizeof(blk->config),
		.queue_count = queue_count,
		.queue_size = queue_size_for(queue_count),
	};

	*blk = (struct virtio_blk){
		.disk = disk,
		.readonly = disk_is_readonly(disk),
		.config = blk_config(disk, queue_count),
		/* One to spare: kick() takes a record before it looks. */
		.request_count = queue_count * args.queue_size + 1,
	};
	strncpy(blk->id, id ? id : "", sizeof(blk->id));
	/* Room for every descriptor of every queue; what is not used is not touched. */
	blk->requests = calloc(blk->request_count, sizeof(*blk->requests));
	if (!blk->requests)
		return err_set(-ENOMEM, "%s: no memory for requests", name);
	return virtio_device_init(&blk->dev, &args);
}

void virtio_blk_replace(
	struct virtio_blk *blk, struct disk *disk, const char *name)
{
	blk->disk = disk;
	blk->dev.name = name;
	blk->config.capacity = htole64(disk_sectors(disk));
	metric_add(&metrics[REPLACED], 1);
	virtio_config_changed(&blk->dev);
}

void virtio_blk_limit(struct virtio_blk *blk, const struct rate *bandwidth,
	const struct rate *ops)
{
	limiter_change(&blk->limiter, bandwidth, ops);
}

void virtio_blk_fini(struct virtio_blk *blk)
{
	virtio_device_fini(&blk->dev);
	free(blk->requests);
	blk->requests = NULL;
}
