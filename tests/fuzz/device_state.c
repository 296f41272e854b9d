/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device_state.c - the input is the state of a serial port, a disk and an entropy
 * device, and what is in memory.  What is accepted runs without harm, saves as
 * the same bytes before it has run, and after a reset serves a good request.
 */
#include "tests/fuzz/fuzz.h"

#include "devices/serial.h"
#include "tests/fuzz/box.h"
#include "tests/fuzz/input.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"

#define SERIAL_GSI 4

/* A piece with its length in front. */
static struct input piece(struct input *in)
{
	size_t len = input_u16(in);
	struct input part = { in->at, MIN(len, in->left) };

	in->at += part.left;
	in->left -= part.left;
	return part;
}

static bool load(const struct state_desc *desc, const struct input *data,
	void *obj, int (*loaded)(void *obj))
{
	struct buf saved = BUF_INIT;
	bool ok;

	err_clear();
	ok = !state_load(desc, desc->version, data->at, data->left, obj) &&
	     (!loaded || !loaded(obj));
	if (ok) {
		state_save(desc, obj, &saved);
		must(saved.len == data->left);
		must(!saved.len || !memcmp(saved.data, data->at, saved.len));
	} else {
		must(*err_text());
	}
	buf_fini(&saved);
	return ok;
}

static void run_serial(struct serial *serial)
{
	static const uint8_t typed[] = "typed";
	uint8_t value = 0x5f;

	serial_raise(serial);
	if (serial_room(serial) >= sizeof(typed))
		serial_input(serial, typed, sizeof(typed));
	for (unsigned i = 0; i < 3 * SERIAL_PORTS; i++) {
		serial_bus_ops.read(serial, i % SERIAL_PORTS, &value, 1);
		serial_bus_ops.write(serial, i % SERIAL_PORTS, &value, 1);
	}
	must(serial->count <= SERIAL_FIFO_BYTES);
}

static void try_serial(struct input data)
{
	static const struct irq_line line = { .fd = SERIAL_GSI };
	struct serial serial;

	serial_init(&serial, &line, NULL);
	if (load(&serial_state, &data, &serial, serial_loaded))
		run_serial(&serial);
	serial_fini(&serial);
}

/* Model, core, transport: as devices_load() does it. */
static bool load_virtio(struct virtio_device *dev, struct input *in)
{
	const struct device_ops *ops = &dev->model->ops;
	struct input model = piece(in), core = piece(in), mmio = piece(in);

	return load(ops->state, &model, dev->priv, ops->loaded) &&
	       load(&virtio_device_state, &core, dev, virtio_device_loaded) &&
	       load(&virtio_mmio_state, &mmio, dev->transport_priv,
		       virtio_mmio_loaded);
}

static void run_virtio(struct guest *g)
{
	virtio_mmio_raise(&g->mmio);
	fake_loop_settle(g->loop);
	guest_kick(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { data, len };
	struct input memory;

	log_set_level(LOG_ERROR);
	claim_loop_thread();
	try_serial(piece(&in));
	box_power_on();
	memory = piece(&in);
	input_bytes(&memory, guest_ptr(&box.guest[0], GUEST_RINGS, UINT16_MAX),
		MIN(memory.left, UINT16_MAX));
	if (load_virtio(&box.blk.dev, &in) && load_virtio(&box.rng.dev, &in)) {
		run_virtio(&box.guest[BOX_BLK]);
		run_virtio(&box.guest[BOX_RNG]);
		box_must_serve();
	}
	box_power_off();
	return 0;
}
