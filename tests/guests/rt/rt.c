// SPDX-License-Identifier: Apache-2.0
/* rt.c - a payload's life: descriptor tables, console, checks, exit */
#include <stdarg.h>

#include "tests/guests/rt/rt.h"

#define SERIAL_DATA    0x3f8
#define SERIAL_LSR     0x3fd
#define LSR_THRE       0x20
#define DEBUG_EXIT     0xf4
#define STATUS_MAX     127 /* what QEMU's isa-debug-exit can return */

#define GATE_INTERRUPT 0x8e
#define STUB_BYTES     16

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t ist;
	uint8_t type;
	uint16_t offset_mid;
	uint32_t offset_high;
	uint32_t reserved;
};

extern const uint8_t trap_stubs[];
extern uint64_t fault_vector, fault_error, fault_rip, fault_address;

struct gate idt[VECTORS] ALIGNED(16);
volatile uint32_t irq_count[VECTORS];
unsigned check_step;
void (*volatile ap_main)(unsigned cpu);

void cpu_main(unsigned cpu) NORETURN;
void fault_report(void) NORETURN;

static void put(char c)
{
	for (unsigned i = 0; i < 1000 && !(inb(SERIAL_LSR) & LSR_THRE); i++)
		relax();
	outb(SERIAL_DATA, (uint8_t)c);
}

static void put_string(const char *s)
{
	while (*s)
		put(*s++);
}

static void put_number(uint64_t v, unsigned base)
{
	char digits[24];
	unsigned n = 0;

	do
		digits[n++] = "0123456789abcdef"[v % base];
	while (v /= base);
	while (n)
		put(digits[--n]);
}

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	for (; *format; format++) {
		if (*format != '%') {
			put(*format);
			continue;
		}
		bool wide = *++format == 'l';
		format += wide;
		if (*format == 's')
			put_string(va_arg(args, const char *));
		else
			put_number(wide ? va_arg(args, unsigned long)
					: va_arg(args, unsigned),
				*format == 'x' ? 16 : 10);
	}
	va_end(args);
}

void debug_exit(uint8_t status)
{
	outb(DEBUG_EXIT, status);
	for (;;)
		relax();
}

void verdict_ok(void)
{
	print("%s: ok\n", PAYLOAD);
}

void check_failed(const char *what, unsigned line)
{
	print("%s: step %u failed at line %u: %s\n", PAYLOAD, check_step, line,
		what);
	debug_exit(check_step < STATUS_MAX ? (uint8_t)check_step : STATUS_MAX);
}

void fault_report(void)
{
	print("%s: exception %lu error %lx rip %lx address %lx\n", PAYLOAD,
		fault_vector, fault_error, fault_rip, fault_address);
	debug_exit(STATUS_MAX);
}

static void idt_fill(void)
{
	for (unsigned i = 0; i < VECTORS; i++) {
		uint64_t stub = (uint64_t)(trap_stubs + i * STUB_BYTES);

		idt[i].offset_low = (uint16_t)stub;
		idt[i].offset_mid = (uint16_t)(stub >> 16);
		idt[i].offset_high = (uint32_t)(stub >> 32);
		idt[i].selector = SEL_CODE64;
		idt[i].type = GATE_INTERRUPT;
	}
}

/* Every CPU arrives here, in ring 3 on its own stack. */
void cpu_main(unsigned cpu)
{
	if (cpu == 0) {
		idt_fill();
		payload();
		verdict_ok();
		debug_exit(0);
	}
	ap_main(cpu);
	for (;;)
		relax();
}
