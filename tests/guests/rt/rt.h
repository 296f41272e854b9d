/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rt.h - what a payload stands on: console, exit, CPUs, interrupts, memory map
 *
 * A payload is one C file with a payload() function that runs in ring 3 on the
 * first CPU, interrupts on.  CHECK() counts steps; the first that fails prints
 * itself and becomes the exit status.  When payload() returns, "NAME: ok" is
 * printed and the status is 0.
 */
#ifndef MUSTER_GUESTS_RT_H
#define MUSTER_GUESTS_RT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/guests/rt/layout.h"

#define ALIGNED(n)    __attribute__((aligned(n)))
#define NORETURN      __attribute__((noreturn))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define GIB           (1ull << 30)

void payload(void);

#define CHECK(cond)                                    \
	do {                                           \
		check_step++;                          \
		if (!(cond))                           \
			check_failed(#cond, __LINE__); \
	} while (0)

extern unsigned check_step;
void check_failed(const char *what, unsigned line) NORETURN;

/* For payloads that do not return: print the line that payload() would have. */
void verdict_ok(void);

/* ---- console and exit ---- */

/* %s %u %x %lu %lx only. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void debug_exit(uint8_t status) NORETURN;

/* ---- ports, registers, time ---- */

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint32_t read32(uint64_t addr)
{
	return *(volatile uint32_t *)addr;
}

static inline void write32(uint64_t addr, uint32_t v)
{
	*(volatile uint32_t *)addr = v;
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

static inline void relax(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/* Some seconds on any host: longer than everything that should ever happen. */
#define PATIENCE (1ull << 34)

/* Repeat until `cond` holds; false if it did not within PATIENCE. */
#define wait_for(cond)                                                 \
	({                                                             \
		uint64_t start_ = rdtsc();                             \
		bool ok_;                                              \
		while (!(ok_ = (cond)) && rdtsc() - start_ < PATIENCE) \
			relax();                                       \
		ok_;                                                   \
	})

/* A fixed sequence: attacks must be repeatable. */
uint32_t lcg(uint32_t *seed);

void *memset(void *to, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* ---- what the monitor told us (PVH start info) ---- */

#define MEMMAP_RAM 1

struct memmap_entry {
	uint64_t start;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

unsigned memmap(const struct memmap_entry **ret);
const char *cmdline(void);

/* The initial RAM disk, or NULL. */
void *module(uint64_t *ret_bytes);

/* The number behind "NAME=" on the command line, or `fallback`. */
unsigned cmdline_number(const char *name, unsigned fallback);

/* Identity-map the GiB that `addr` lies in. */
void map_gib(uint64_t addr);

/* ---- CPUs and interrupts ---- */

extern volatile uint32_t irq_count[VECTORS];

/* Call fn in ring 0; it must be a few plain instructions that return. */
long ring0_call(long (*fn)(long), long arg);
long ring0_wait(long unused);
long ring0_halt(long unused);
long ring0_triple_fault(long unused);

/* Enable this CPU's local APIC; every payload that wants interrupts calls it. */
void lapic_enable(void);
uint32_t lapic_id(void);
void lapic_timer_once(uint8_t vector, uint32_t count);

/* Start the CPU with this APIC id in `fn`, ring 3; false if it did not come. */
bool cpu_start(unsigned id, void (*fn)(unsigned cpu));

/* Send an edge on `gsi` to the first CPU as `vector`. */
void ioapic_route(unsigned gsi, uint8_t vector);

#endif
