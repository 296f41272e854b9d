// SPDX-License-Identifier: Apache-2.0
/* apic.c - local APIC and I/O APIC: other CPUs, the timer, device interrupts */
#include "tests/guests/rt/rt.h"

#define LAPIC_ID            0x020
#define LAPIC_SVR           0x0f0
#define LAPIC_ICR           0x300
#define LAPIC_ICR_HIGH      0x310
#define LAPIC_TIMER         0x320
#define LAPIC_TIMER_INITIAL 0x380
#define LAPIC_TIMER_DIVIDE  0x3e0

#define SVR_ENABLE          0x100
#define VECTOR_SPURIOUS     (VECTORS - 1)
#define DIVIDE_BY_1         0xb
#define ICR_BUSY            0x1000
#define ICR_INIT            0x4500
#define ICR_STARTUP         0x4600

#define IOAPIC              0xfec00000ull
#define IOAPIC_WINDOW       0x10
#define IOAPIC_REDIRECTION  0x10

extern const uint8_t trampoline[], trampoline_end[];
extern volatile uint32_t ap_number;
extern void (*volatile ap_main)(unsigned cpu);

static volatile unsigned ap_started;
static void (*volatile ap_payload)(unsigned cpu);

void lapic_enable(void)
{
	write32(LAPIC + LAPIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
}

uint32_t lapic_id(void)
{
	return read32(LAPIC + LAPIC_ID) >> 24;
}

void lapic_timer_once(uint8_t vector, uint32_t count)
{
	write32(LAPIC + LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
	write32(LAPIC + LAPIC_TIMER, vector);
	write32(LAPIC + LAPIC_TIMER_INITIAL, count);
}

static bool send_ipi(unsigned id, uint32_t command)
{
	write32(LAPIC + LAPIC_ICR_HIGH, id << 24);
	write32(LAPIC + LAPIC_ICR, command);
	return wait_for(!(read32(LAPIC + LAPIC_ICR) & ICR_BUSY));
}

static void ap_arrive(unsigned cpu)
{
	ap_started = cpu;
	ap_payload(cpu);
}

bool cpu_start(unsigned id, void (*fn)(unsigned cpu))
{
	memcpy((void *)TRAMPOLINE, trampoline,
		(size_t)(trampoline_end - trampoline));
	ap_number = id;
	ap_payload = fn;
	ap_main = ap_arrive;
	return send_ipi(id, ICR_INIT) &&
	       send_ipi(id, ICR_STARTUP | TRAMPOLINE >> 12) &&
	       wait_for(ap_started == id);
}

static void ioapic_write(unsigned reg, uint32_t v)
{
	write32(IOAPIC, reg);
	write32(IOAPIC + IOAPIC_WINDOW, v);
}

void ioapic_route(unsigned gsi, uint8_t vector)
{
	ioapic_write(IOAPIC_REDIRECTION + 2 * gsi + 1, 0);
	ioapic_write(IOAPIC_REDIRECTION + 2 * gsi, vector);
}
