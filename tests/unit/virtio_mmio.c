/* SPDX-License-Identifier: Apache-2.0 */
/* virtio_mmio.c - the registers of virtio-mmio version 2 (virtio 1.2, 4.2.2) */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/counter.h"
#include "vmm/base/err.h"

static struct guest *const guest = &counter.guest;

static uint64_t read_n(uint64_t offset, unsigned len)
{
	uint64_t value = ~0ull;

	virtio_mmio_bus_ops.read(&guest->mmio, offset, &value, len);
	/* No byte more than was asked for. */
	if (len < 8)
		assert_int_equal(value >> (8 * len), ~0ull >> (8 * len));
	return len < 8 ? value & (BIT64(8 * len) - 1) : value;
}

static void write_n(uint64_t offset, uint64_t value, unsigned len)
{
	virtio_mmio_bus_ops.write(&guest->mmio, offset, &value, len);
}

static void the_device_identifies_itself(void **state)
{
	(void)state;
	assert_int_equal(
		guest_read(guest, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_VERSION), 2);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_DEVICE_ID), 99);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_VENDOR_ID), 0x5453554d);
}

/* What a register reads after reset; those not here read as 0. */
static uint32_t at_rest(uint64_t offset)
{
	static const struct {
		uint64_t offset;
		uint32_t value;
	} fixed[] = {
		{ VIRTIO_MMIO_MAGIC_VALUE, 0x74726976 },
		{ VIRTIO_MMIO_VERSION, 2 },
		{ VIRTIO_MMIO_DEVICE_ID, 99 },
		{ VIRTIO_MMIO_VENDOR_ID, 0x5453554d },
		{ VIRTIO_MMIO_DEVICE_FEATURES,
			(uint32_t)(COUNTER_OFFERED | INDIRECT_F |
				   EVENT_IDX_F) },
		{ VIRTIO_MMIO_QUEUE_NUM_MAX, VIRTQ_SIZE_MAX },
		{ VIRTIO_MMIO_SHM_LEN_LOW, 0xffffffff },
		{ VIRTIO_MMIO_SHM_LEN_HIGH, 0xffffffff },
		{ VIRTIO_MMIO_SHM_BASE_LOW, 0xffffffff },
		{ VIRTIO_MMIO_SHM_BASE_HIGH, 0xffffffff },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++)
		if (fixed[i].offset == offset)
			return fixed[i].value;
	return 0;
}

static void every_register_has_its_value_at_rest(void **state)
{
	(void)state;
	for (uint64_t at = 0; at < VIRTIO_MMIO_CONFIG; at += 4)
		assert_int_equal(read_n(at, 4), at_rest(at));
}

static void other_widths_and_offsets_read_as_0(void **state)
{
	static const unsigned widths[] = { 1, 2, 4, 8 };

	(void)state;
	for (uint64_t at = 0; at < VIRTIO_MMIO_CONFIG; at++)
		for (unsigned i = 0; i < ARRAY_SIZE(widths); i++)
			if (widths[i] != 4 || at % 4)
				assert_int_equal(read_n(at, widths[i]), 0);
}

static void other_widths_write_nothing(void **state)
{
	(void)state;
	write_n(VIRTIO_MMIO_STATUS, ACK, 1);
	write_n(VIRTIO_MMIO_STATUS, ACK, 2);
	write_n(VIRTIO_MMIO_STATUS, ACK, 8);
	write_n(VIRTIO_MMIO_STATUS + 1, ACK, 4);
	assert_int_equal(guest_status(guest), 0);
	write_n(VIRTIO_MMIO_STATUS, ACK, 4);
	assert_int_equal(guest_status(guest), ACK);
}

/* Whatever is written where in whatever state, what is read-only stays. */
static void writes_change_no_identity(void **state)
{
	static const uint32_t values[] = { 0, 1, 0x5555aaaa, 0xffffffff };

	(void)state;
	for (unsigned status = 0; status < 2; status++)
		for (unsigned i = 0; i < ARRAY_SIZE(values); i++)
			for (uint64_t at = 0; at < VIRTIO_MMIO_BYTES; at += 4) {
				counter_start(0, 8);
				if (!status)
					guest_set_status(guest, 0);
				guest_write(guest, at, values[i]);
				the_device_identifies_itself(state);
			}
}

/* The address parts and the size are seen as the core got them. */
static void queue_registers_make_up_a_configuration(void **state)
{
	const struct virtq_config want = { 64, false, GPA(0x1111111122222220),
		GPA(0x3333333344444444), GPA(0x5555555566666666) };
	struct virtq_config got;

	(void)state;
	guest_negotiate(guest, VERSION_1);
	guest_set_queue(guest, 1, &want);
	assert_true(virtio_queue_read(&counter.dev, 1, &got));
	assert_int_equal(got.size, want.size);
	assert_int_equal(got.desc.v, want.desc.v);
	assert_int_equal(got.avail.v, want.avail.v);
	assert_int_equal(got.used.v, want.used.v);
	assert_false(got.ready);
	assert_true(virtio_queue_read(&counter.dev, 0, &got));
	assert_int_equal(got.size, 0);
}

static void a_queue_size_beyond_16_bits_is_not_cut_down(void **state)
{
	static const uint32_t sizes[] = { 257, 0x10008, 0x80000000, ~0u };
	struct virtq_config got;

	(void)state;
	guest_negotiate(guest, VERSION_1);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		guest_write(guest, VIRTIO_MMIO_QUEUE_NUM, 8);
		guest_write(guest, VIRTIO_MMIO_QUEUE_NUM, sizes[i]);
		assert_true(virtio_queue_read(&counter.dev, 0, &got));
		assert_int_equal(got.size, 0);
	}
}

static void interrupt_bits_stay_until_acknowledged(void **state)
{
	(void)state;
	counter_start(0, 8);
	counter_offer(&guest->ring[0], 1);
	guest_kick(guest);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_INTERRUPT_STATUS),
		VIRTIO_MMIO_INT_VRING);
	guest_write(guest, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_INTERRUPT_STATUS),
		VIRTIO_MMIO_INT_VRING);
	ring_offer(&guest->ring[0], 99);
	guest_kick(guest);
	guest_write(guest, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_INTERRUPT_STATUS),
		VIRTIO_MMIO_INT_CONFIG);
	guest_write(guest, VIRTIO_MMIO_INTERRUPT_ACK, 0xffffffff);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
}

/* The status has 8 bits; a driver that sets others has not asked for a reset. */
static void only_zero_resets(void **state)
{
	static const uint32_t values[] = { 0x100, 0x80000000, 0xffffff00 };

	(void)state;
	counter_start(0, 8);
	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		guest_write(guest, VIRTIO_MMIO_STATUS, values[i]);
		assert_int_equal(guest_status(guest), RUNNING);
	}
}

/* ---- the configuration space ---- */

static void configuration_reads_at_every_offset_and_width(void **state)
{
	static const char config[] = COUNTER_CONFIG;
	static const unsigned widths[] = { 1, 2, 4, 8 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(widths); i++)
		for (uint64_t at = 0; at < 64; at++) {
			uint64_t want = 0;

			if (at < sizeof(config))
				memcpy(&want, config + at,
					MIN(widths[i], sizeof(config) - at));
			assert_int_equal(
				read_n(VIRTIO_MMIO_CONFIG + at, widths[i]),
				want);
		}
	assert_int_equal(read_n(VIRTIO_MMIO_BYTES - 8, 8), 0);
	assert_int_equal(read_n(VIRTIO_MMIO_BYTES - 1, 1), 0);
}

static void the_configuration_takes_no_writes(void **state)
{
	(void)state;
	write_n(VIRTIO_MMIO_CONFIG, ~0ull, 8);
	write_n(VIRTIO_MMIO_CONFIG + 1, ~0ull, 1);
	assert_int_equal(read_n(VIRTIO_MMIO_CONFIG, 1), 'c');
	assert_int_equal(read_n(VIRTIO_MMIO_CONFIG + 1, 1), 'o');
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_CONFIG_GENERATION), 0);
}

static void a_changed_configuration_is_announced_to_a_driver(void **state)
{
	(void)state;
	counter_start(VERSION_1, 8);
	virtio_config_changed(&counter.dev);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_CONFIG_GENERATION), 1);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_INTERRUPT_STATUS),
		VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 1);
}

static void a_changed_configuration_waits_for_a_driver(void **state)
{
	(void)state;
	guest_set_status(guest, 0);
	virtio_config_changed(&counter.dev);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_CONFIG_GENERATION), 1);
	assert_int_equal(guest_read(guest, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
	assert_int_equal(fake_irq_edges(GUEST_GSI), 0);
}

/* ---- making it ---- */

static void a_step_of_init_that_fails_leaves_nothing_behind(void **state)
{
	(void)state;
	virtio_mmio_fini(&guest->mmio);
	for (unsigned nth = 1; nth <= 2; nth++) {
		fake_irq_fail_at(nth);
		assert_int_equal(guest_attach(guest, &counter.dev), -EIO);
		virtio_mmio_fini(&guest->mmio);
	}
	assert_int_equal(guest_attach(guest, &counter.dev), 0);
}

static void fini_of_nothing_is_fine(void **state)
{
	struct virtio_mmio none = { 0 };

	(void)state;
	virtio_mmio_fini(&none);
}

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, counter_setup, counter_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_device_identifies_itself),
		TEST(every_register_has_its_value_at_rest),
		TEST(other_widths_and_offsets_read_as_0),
		TEST(other_widths_write_nothing),
		TEST(writes_change_no_identity),
		TEST(queue_registers_make_up_a_configuration),
		TEST(a_queue_size_beyond_16_bits_is_not_cut_down),
		TEST(interrupt_bits_stay_until_acknowledged),
		TEST(only_zero_resets),
		TEST(configuration_reads_at_every_offset_and_width),
		TEST(the_configuration_takes_no_writes),
		TEST(a_changed_configuration_is_announced_to_a_driver),
		TEST(a_changed_configuration_waits_for_a_driver),
		TEST(a_step_of_init_that_fails_leaves_nothing_behind),
		TEST(fini_of_nothing_is_fine),
	};

	return cmocka_run_group_tests_name("virtio_mmio", tests, NULL, NULL);
}
