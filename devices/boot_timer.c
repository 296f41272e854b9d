/* SPDX-License-Identifier: Apache-2.0 */
/* boot_timer.c - one address, one value, one line of the log */
#include "devices/boot_timer.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "vmm/base/log.h"
#include "vmm/base/thread.h"

#define BOOT_TIMER_BYTES 4096

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct boot_timer boot_timer_start(void)
{
	return (struct boot_timer){ .asked_ns = now_ns(),
		.asked_cpu_ns = cpu_ns() };
}

static void timer_read(void *dev, uint64_t offset, void *data, unsigned len)
{
	(void)dev;
	(void)offset;
	memset(data, 0xff, len);
}

/* The line is what scripts look for. */
static void timer_write(
	void *dev, uint64_t offset, const void *data, unsigned len)
{
	const struct boot_timer *timer = dev;
	uint64_t us = (now_ns() - timer->asked_ns) / 1000;
	uint64_t cpu_us = (cpu_ns() - timer->asked_cpu_ns) / 1000;

	if (offset || len != 1 || *(const uint8_t *)data != BOOT_TIMER_VALUE)
		return;
	log_limited(LOG_INFO,
		"Guest-boot-time = %6" PRIu64 " us %" PRIu64 " ms, %6" PRIu64
		" CPU us %" PRIu64 " CPU ms",
		us, us / 1000, cpu_us, cpu_us / 1000);
}

static const struct bus_ops timer_ops = { timer_read, timer_write };

int boot_timer_init(struct boot_timer *timer, struct bus *mmio)
{
	return bus_add(
		mmio, BOOT_TIMER_GPA, BOOT_TIMER_BYTES, &timer_ops, timer);
}
