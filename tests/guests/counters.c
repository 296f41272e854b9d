// SPDX-License-Identifier: Apache-2.0
/*
 * counters.c - every CPU counts in a word of its own and shows the monitor each
 * number, for ever: `cpus=N`, `kind=` how it shows it
 *
 * The monitor of the test decodes the ports and addresses below and checks that no
 * number is left out or comes twice.  Where it is the monitor that counts, this
 * side checks.
 */
#include "tests/guests/rt/rt.h"

#define COUNT_PORT  0x700       /* 16 ports for each CPU */
#define COUNT_MMIO  0xd0100000u /* 16 bytes for each CPU */
#define SLOW_PORT   0x7f0       /* read once by the last CPU, if slow=1 */
#define STEP        16
#define WORDS       8
#define TICK        200000
#define VECTOR_TICK 40

/* A cache line each. */
static struct {
	volatile uint32_t count;
	uint32_t words[WORDS];
	uint32_t pad[7];
} of[CPUS_MAX] ALIGNED(64);

static uint16_t port(unsigned cpu)
{
	return (uint16_t)(COUNT_PORT + STEP * cpu);
}

static uint64_t mmio(unsigned cpu)
{
	return COUNT_MMIO + STEP * cpu;
}

static void out(unsigned cpu)
{
	uint32_t n = ++of[cpu].count;

	__asm__ volatile("outl %0, %1" : : "a"(n), "d"(port(cpu)) : "memory");
}

static void in(unsigned cpu)
{
	uint32_t n;

	__asm__ volatile("inl %1, %0" : "=a"(n) : "d"(port(cpu)) : "memory");
	CHECK(n == ++of[cpu].count);
}

static void string_out(unsigned cpu)
{
	const uint32_t *from = of[cpu].words;
	unsigned long words = WORDS;

	for (unsigned i = 0; i < WORDS; i++)
		of[cpu].words[i] = ++of[cpu].count;
	__asm__ volatile("rep outsl"
			 : "+S"(from), "+c"(words)
			 : "d"(port(cpu))
			 : "memory");
	CHECK(words == 0 && from == of[cpu].words + WORDS);
}

static void string_in(unsigned cpu)
{
	uint32_t *to = of[cpu].words;
	unsigned long words = WORDS;

	__asm__ volatile("rep insl"
			 : "+D"(to), "+c"(words)
			 : "d"(port(cpu))
			 : "memory");
	CHECK(words == 0 && to == of[cpu].words + WORDS);
	for (unsigned i = 0; i < WORDS; i++)
		CHECK(of[cpu].words[i] == ++of[cpu].count);
}

static void mmio_write(unsigned cpu)
{
	write32(mmio(cpu), ++of[cpu].count);
}

static void mmio_read(unsigned cpu)
{
	CHECK(read32(mmio(cpu)) == ++of[cpu].count);
}

/* In ring 0, without interrupts until it halts: the shot cannot come before. */
static long nap(long ticks)
{
	lapic_timer_once(VECTOR_TICK, (uint32_t)ticks);
	return ring0_wait(0);
}

/* Halts until its own timer; every shot comes, once. */
static void halt(unsigned cpu)
{
	uint32_t ticks = irq_count[VECTOR_TICK];

	if (cpu)
		ring0_call(ring0_halt, 0);
	ring0_call(nap, TICK);
	CHECK(irq_count[VECTOR_TICK] == ticks + 1);
	out(cpu);
}

/* Few exits: the loop is what is interrupted. */
static void spin(unsigned cpu)
{
	for (volatile unsigned i = 0; i < 20000; i++)
		relax();
	out(cpu);
}

static void (*const kinds[])(unsigned cpu) = { out, in, string_out, string_in,
	mmio_write, mmio_read, halt, spin };

static void count(unsigned cpu)
{
	unsigned kind = cmdline_number("kind", 0);

	if (cmdline_number("slow", 0) && cpu + 1 == cmdline_number("cpus", 1))
		(void)inb(SLOW_PORT);
	for (;;)
		kinds[kind](cpu);
}

void payload(void)
{
	unsigned cpus = cmdline_number("cpus", 1);

	CHECK(cpus <= CPUS_MAX);
	CHECK(cmdline_number("kind", 0) < ARRAY_SIZE(kinds));
	lapic_enable();
	for (unsigned id = 1; id < cpus; id++)
		CHECK(cpu_start(id, count));
	count(0);
}
