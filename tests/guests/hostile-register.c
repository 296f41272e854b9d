// SPDX-License-Identifier: Apache-2.0
/*
 * hostile-register.c - every register written in every status, the status machine
 * driven backwards, and random accesses of all widths to the whole window
 */
#include "tests/guests/rt/hostile.h"

#define WINDOW      0x1000
#define ACCESSES    4000

#define ACK         VIRTIO_CONFIG_S_ACKNOWLEDGE
#define DRIVER      VIRTIO_CONFIG_S_DRIVER
#define DRIVER_OK   VIRTIO_CONFIG_S_DRIVER_OK
#define FEATURES_OK VIRTIO_CONFIG_S_FEATURES_OK
#define NEEDS_RESET VIRTIO_CONFIG_S_NEEDS_RESET
#define FAILED      VIRTIO_CONFIG_S_FAILED

static uint32_t seed = 20;

/* Every register but the status itself, some random values each. */
static void write_all_registers(struct blk *blk)
{
	for (unsigned reg = 0; reg < VIRTIO_MMIO_CONFIG + 64; reg += 4) {
		if (reg == VIRTIO_MMIO_STATUS)
			continue;
		vdev_write(&blk->dev, reg, lcg(&seed));
		vdev_write(&blk->dev, reg, lcg(&seed) & 1);
	}
}

static void write_in_every_status(struct blk *blk)
{
	static const uint8_t steps[] = { 0, ACK, ACK | DRIVER,
		ACK | DRIVER | FEATURES_OK,
		ACK | DRIVER | FEATURES_OK | DRIVER_OK, FAILED, NEEDS_RESET };

	CHECK(vdev_reset(&blk->dev));
	for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
		if (steps[i])
			vdev_write(&blk->dev, VIRTIO_MMIO_STATUS,
				vdev_status(&blk->dev) | steps[i]);
		write_all_registers(blk);
	}
}

/* The same once more behind a negotiation that succeeds. */
static void write_while_it_runs(struct blk *blk)
{
	blk_reopen(blk, HOSTILE_FEATURES);
	write_all_registers(blk);
	CHECK(vdev_status(&blk->dev) & DRIVER_OK);
}

static void status_goes_backwards(struct blk *blk)
{
	uint32_t all = ACK | DRIVER | FEATURES_OK | DRIVER_OK;

	for (uint32_t bit = 1; bit < DRIVER_OK; bit <<= 1) {
		vdev_write(&blk->dev, VIRTIO_MMIO_STATUS, bit);
		CHECK((vdev_status(&blk->dev) & all) == all);
	}
}

static void needs_reset_is_not_the_drivers(struct blk *blk)
{
	vdev_write(&blk->dev, VIRTIO_MMIO_STATUS,
		vdev_status(&blk->dev) | NEEDS_RESET);
	CHECK(!(vdev_status(&blk->dev) & NEEDS_RESET));
}

static void driver_ok_without_features_ok(struct blk *blk)
{
	CHECK(vdev_reset(&blk->dev));
	vdev_write(&blk->dev, VIRTIO_MMIO_STATUS, ACK | DRIVER);
	vdev_write(&blk->dev, VIRTIO_MMIO_STATUS, ACK | DRIVER | DRIVER_OK);
	CHECK(!(vdev_status(&blk->dev) & DRIVER_OK));
}

/* No VERSION_1 (bit 32), twice; then it, and everything that was not offered. */
static void features_that_do_not_fit(struct blk *blk)
{
	static const uint32_t high[] = { 0, 0xfffffffe, 0xffffffff };

	for (unsigned i = 0; i < ARRAY_SIZE(high); i++) {
		CHECK(vdev_reset(&blk->dev));
		vdev_write(&blk->dev, VIRTIO_MMIO_STATUS, ACK | DRIVER);
		vdev_write(&blk->dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
		vdev_write(&blk->dev, VIRTIO_MMIO_DRIVER_FEATURES, high[i]);
		vdev_write(&blk->dev, VIRTIO_MMIO_STATUS,
			ACK | DRIVER | FEATURES_OK);
		CHECK(!(vdev_status(&blk->dev) & FEATURES_OK));
	}
}

static void features_after_features_ok(struct blk *blk)
{
	CHECK(vdev_negotiate(&blk->dev, 0));
	vdev_write(&blk->dev, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
	vdev_write(&blk->dev, VIRTIO_MMIO_DRIVER_FEATURES, 0xffffffff);
	vdev_queue(&blk->dev, 0);
	vdev_go(&blk->dev);
	CHECK(!(vdev_status(&blk->dev) & NEEDS_RESET));
}

static void access(uint64_t addr, unsigned how, uint64_t v)
{
	switch (how & 7) {
	case 0:
		*(volatile uint8_t *)addr = (uint8_t)v;
		break;
	case 1:
		*(volatile uint16_t *)addr = (uint16_t)v;
		break;
	case 2:
		*(volatile uint32_t *)addr = (uint32_t)v;
		break;
	case 3:
		*(volatile uint64_t *)addr = v;
		break;
	case 4:
		(void)*(volatile uint8_t *)addr;
		break;
	case 5:
		(void)*(volatile uint16_t *)addr;
		break;
	case 6:
		(void)*(volatile uint32_t *)addr;
		break;
	case 7:
		(void)*(volatile uint64_t *)addr;
		break;
	}
}

/* Unaligned ones too, and those that cross from one register into the next. */
static void random_accesses(struct blk *blk)
{
	for (unsigned i = 0; i < ACCESSES; i++) {
		uint32_t at = lcg(&seed), how = lcg(&seed);
		uint32_t range = how & 8 ? WINDOW - 8 : 0x140;

		access(blk->dev.base + at % range, how, lcg(&seed));
	}
}

static const struct attack attacks[] = {
	{ "write all registers in every status", HARMLESS,
		write_in_every_status },
	{ "write all registers while it runs", HARMLESS, write_while_it_runs },
	{ "status goes backwards", HARMLESS, status_goes_backwards },
	{ "the driver sets NEEDS_RESET", HARMLESS,
		needs_reset_is_not_the_drivers },
	{ "DRIVER_OK without FEATURES_OK", HARMLESS,
		driver_ok_without_features_ok },
	{ "features that do not fit", HARMLESS, features_that_do_not_fit },
	{ "features after FEATURES_OK", HARMLESS, features_after_features_ok },
	{ "random accesses", HARMLESS, random_accesses },
};

void payload(void)
{
	attack_all(attacks, ARRAY_SIZE(attacks));
}
