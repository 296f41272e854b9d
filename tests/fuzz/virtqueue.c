/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virtqueue.c - guest memory as a hostile driver left it: three ring addresses, size
 * and features, then the image of RAM.  Everything is popped and pushed; each iovec
 * lies in one region of RAM, and readable ones come first.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <linux/virtio_config.h>

#include "devices/virtio/virtqueue.h"
#include "tests/fuzz/input.h"

#define LOW_BYTES  0x4000
#define HIGH_BYTES 0x1000
#define ROUNDS     16

/* Two heap blocks: the sanitizer sees what leaves them. */
static void init_mem(struct mem *mem, struct input *in)
{
	*mem = (struct mem){
		.size_bytes = LOW_BYTES + HIGH_BYTES,
		.count = 2,
		.region = {
			{ GPA(0), LOW_BYTES, aligned_alloc(4096, LOW_BYTES) },
			{ GPA(MEM_GAP_END), HIGH_BYTES,
				aligned_alloc(4096, HIGH_BYTES) },
		},
	};
	input_bytes(in, mem->region[0].hva, LOW_BYTES);
	input_bytes(in, mem->region[1].hva, HIGH_BYTES);
}

static bool in_ram(const struct mem *mem, const struct iovec *iov)
{
	for (unsigned i = 0; i < mem->count; i++) {
		const struct mem_region *r = &mem->region[i];
		uint64_t at = (uint64_t)((uint8_t *)iov->iov_base - r->hva);

		if (at < r->size_bytes)
			return iov->iov_len <= r->size_bytes - at;
	}
	return false;
}

static void check(const struct mem *mem, const struct virtq_chain *chain)
{
	unsigned count = (unsigned)chain->out_count + chain->in_count;
	uint64_t bytes = 0;

	must(count <= VIRTQ_IOV_MAX);
	for (unsigned i = 0; i < count; i++) {
		must(chain->iov[i].iov_len > 0);
		must(in_ram(mem, &chain->iov[i]));
		bytes += chain->iov[i].iov_len;
	}
	must(bytes <= UINT32_MAX);
}

/* Serve as a device does; the rings may overlap, so that it need not end. */
static void serve(struct virtq *q, const struct mem *mem)
{
	struct virtq_chain chain;
	int rc = 1;

	for (unsigned i = 0; i < ROUNDS && rc > 0; i++) {
		virtq_disable_kick(q);
		for (unsigned j = 0; j < q->size; j++) {
			rc = virtq_pop(q, &chain);
			if (rc <= 0)
				break;
			check(mem, &chain);
			virtq_push(q, chain.head, chain.in_count);
		}
		must(rc >= 0 || (rc == -EBADMSG && q->broken));
		virtq_publish(q);
		if (!virtq_enable_kick(q))
			break;
	}
	must(!q->broken || !virtq_pending(q));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	struct virtq_config config = {
		.ready = true,
		.size = input_u16(&in),
		.desc = GPA(input_u64(&in)),
		.avail = GPA(input_u64(&in)),
		.used = GPA(input_u64(&in)),
	};
	uint64_t features = (uint64_t)input_u8(&in)
			    << VIRTIO_RING_F_INDIRECT_DESC;
	struct virtq q;
	struct mem mem;

	init_mem(&mem, &in);
	if (!virtq_init(&q, &mem, &config, features))
		serve(&q, &mem);
	free(mem.region[0].hva);
	free(mem.region[1].hva);
	return 0;
}
