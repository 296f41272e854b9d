/* SPDX-License-Identifier: Apache-2.0 */
/* serial.c - the UART as Linux's 8250 driver probes it and uses it */
#include "tests/unit/unit.h"

#include <linux/serial_reg.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "devices/serial.h"

/* A UART whose interrupt edges are counted by an eventfd; no tty. */
struct box {
	struct serial uart;
	struct irq_line irq;
};

static int box_new(void **state)
{
	struct box *box = test_calloc(1, sizeof(*box));

	claim_loop_thread();
	box->irq.fd = eventfd(0, EFD_NONBLOCK);
	serial_init(&box->uart, &box->irq, NULL);
	*state = box;
	return box->irq.fd < 0;
}

static int box_free(void **state)
{
	struct box *box = *state;

	close(box->irq.fd);
	serial_fini(&box->uart);
	test_free(box);
	return 0;
}

static uint8_t in(struct box *box, unsigned reg)
{
	uint8_t value;

	serial_bus_ops.read(&box->uart, reg, &value, 1);
	return value;
}

static void out(struct box *box, unsigned reg, uint8_t value)
{
	serial_bus_ops.write(&box->uart, reg, &value, 1);
}

/* Edges since the last call. */
static unsigned edges(struct box *box)
{
	uint64_t n = 0;

	return read(box->irq.fd, &n, sizeof(n)) == sizeof(n) ? (unsigned)n : 0;
}

static void type(struct box *box, const char *text)
{
	serial_input(&box->uart, (const uint8_t *)text, strlen(text));
}

/* drivers/tty/serial/8250/8250_port.c, autoconfig() */
static void linux_finds_a_16550a(void **state)
{
	struct box *box = *state;

	out(box, UART_IER, 0);
	assert_int_equal(in(box, UART_IER) & 0x0f, 0);
	out(box, UART_IER, 0x0f);
	assert_int_equal(in(box, UART_IER) & 0x0f, 0x0f);
	out(box, UART_IER, 0);
	out(box, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	assert_int_equal(in(box, UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_CTS);
	out(box, UART_MCR, 0);
	out(box, UART_LCR, UART_LCR_CONF_MODE_B);
	out(box, UART_EFR, 0);
	out(box, UART_LCR, 0);
	out(box, UART_FCR, UART_FCR_ENABLE_FIFO);
	assert_int_equal(in(box, UART_IIR) >> 6, 3);
}

/* The same file, autoconfig_16550a(): none of the better chips. */
static void linux_takes_it_for_nothing_better(void **state)
{
	struct box *box = *state;

	out(box, UART_FCR, UART_FCR_ENABLE_FIFO);
	out(box, UART_LCR, UART_LCR_CONF_MODE_A);
	assert_int_not_equal(in(box, UART_EFR), 0);
	out(box, UART_LCR, UART_LCR_CONF_MODE_B);
	assert_int_not_equal(in(box, UART_EFR), 0);
	/* 16750: a second FIFO bit in IIR. */
	out(box, UART_LCR, UART_LCR_CONF_MODE_A);
	out(box, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR7_64BYTE);
	assert_int_equal(in(box, UART_IIR) >> 5, 6);
	/* XScale: a unit-enable bit in IER. */
	out(box, UART_LCR, 0);
	out(box, UART_IER, UART_IER_UUE);
	assert_int_equal(in(box, UART_IER) & UART_IER_UUE, 0);
}

/* size_fifo(): 256 bytes through the loopback, then count what comes back. */
static void linux_measures_a_fifo_of_16(void **state)
{
	struct box *box = *state;
	unsigned count = 0;

	out(box, UART_FCR,
		UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR |
			UART_FCR_CLEAR_XMIT);
	out(box, UART_MCR, UART_MCR_LOOP);
	for (unsigned i = 0; i < 256; i++)
		out(box, UART_TX, (uint8_t)i);
	while (in(box, UART_LSR) & UART_LSR_DR) {
		assert_int_equal(in(box, UART_RX), count);
		count++;
	}
	assert_int_equal(count, 16);
}

/* serial8250_do_startup(): neither the THRE nor the TXEN bug. */
static void linux_sees_no_transmitter_bug(void **state)
{
	struct box *box = *state;

	for (int i = 0; i < 2; i++) {
		out(box, UART_IER, UART_IER_THRI);
		assert_int_equal(edges(box), 1);
		assert_int_equal(in(box, UART_IIR) & 0x0f, UART_IIR_THRI);
		out(box, UART_IER, 0);
	}
	assert_true(in(box, UART_LSR) & UART_LSR_TEMT);
}

static void the_divisor_latch_hides_two_registers(void **state)
{
	struct box *box = *state;

	out(box, UART_IER, UART_IER_RDI);
	out(box, UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	out(box, UART_DLL, 0x0c);
	out(box, UART_DLM, 0xa5);
	assert_int_equal(in(box, UART_DLL), 0x0c);
	assert_int_equal(in(box, UART_DLM), 0xa5);
	out(box, UART_LCR, UART_LCR_WLEN8);
	assert_int_equal(in(box, UART_IER), UART_IER_RDI);
	assert_int_equal(in(box, UART_LCR), UART_LCR_WLEN8);
}

static void scratch_keeps_its_value(void **state)
{
	out(*state, UART_SCR, 0x5a);
	assert_int_equal(in(*state, UART_SCR), 0x5a);
}

static void a_wide_access_touches_neighbouring_registers(void **state)
{
	struct box *box = *state;
	const uint16_t value = 0x0713; /* LCR, then MCR */
	uint16_t back = 0;

	serial_bus_ops.write(&box->uart, UART_LCR, &value, 2);
	assert_int_equal(in(box, UART_LCR), 0x13);
	serial_bus_ops.read(&box->uart, UART_LCR, &back, 2);
	assert_int_equal(back, value);
}

static void reading_iir_acknowledges_the_transmitter(void **state)
{
	struct box *box = *state;

	out(box, UART_IER, UART_IER_THRI);
	assert_int_equal(in(box, UART_IIR), UART_IIR_THRI);
	assert_int_equal(in(box, UART_IIR), UART_IIR_NO_INT);
	edges(box);
	out(box, UART_TX, 'x');
	assert_int_equal(edges(box), 1);
	assert_int_equal(in(box, UART_IIR), UART_IIR_THRI);
	assert_int_equal(in(box, UART_IIR), UART_IIR_NO_INT);
}

static void a_burst_of_output_is_one_edge(void **state)
{
	struct box *box = *state;

	out(box, UART_IER, UART_IER_THRI);
	in(box, UART_IIR);
	edges(box);
	for (int i = 0; i < SERIAL_FIFO_BYTES; i++)
		out(box, UART_TX, 'x');
	assert_int_equal(edges(box), 1);
}

static void iir_tells_of_received_data_first(void **state)
{
	struct box *box = *state;

	out(box, UART_IER, UART_IER_RDI | UART_IER_THRI);
	type(box, "a");
	assert_int_equal(in(box, UART_IIR), UART_IIR_RDI);
	/* It was not the transmitter that was told of: it stays pending. */
	assert_int_equal(in(box, UART_RX), 'a');
	assert_int_equal(in(box, UART_IIR), UART_IIR_THRI);
	assert_int_equal(in(box, UART_IIR), UART_IIR_NO_INT);
}

static void each_new_cause_is_an_edge(void **state)
{
	struct box *box = *state;

	out(box, UART_IER, UART_IER_RDI | UART_IER_THRI);
	assert_int_equal(edges(box), 1); /* the empty transmitter */
	type(box, "a");
	assert_int_equal(edges(box), 1); /* data, while that is pending */
	in(box, UART_RX);
	assert_int_equal(edges(box), 0);
	type(box, "b");
	assert_int_equal(edges(box), 1);
}

static void what_is_not_enabled_is_not_raised(void **state)
{
	struct box *box = *state;

	type(box, "a");
	out(box, UART_TX, 'x');
	assert_int_equal(edges(box), 0);
	assert_int_equal(in(box, UART_IIR), UART_IIR_NO_INT);
	out(box, UART_IER, UART_IER_RDI);
	assert_int_equal(edges(box), 1);
}

static void data_below_the_trigger_level_is_a_timeout(void **state)
{
	struct box *box = *state;

	out(box, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
	out(box, UART_IER, UART_IER_RDI);
	type(box, "1234567");
	assert_int_equal(in(box, UART_IIR) & 0x0f, UART_IIR_RX_TIMEOUT);
	type(box, "8");
	assert_int_equal(in(box, UART_IIR) & 0x0f, UART_IIR_RDI);
}

static void an_overrun_is_told_once_and_keeps_the_first_bytes(void **state)
{
	struct box *box = *state;

	out(box, UART_FCR, UART_FCR_ENABLE_FIFO);
	out(box, UART_IER, UART_IER_RLSI);
	assert_int_equal(serial_room(&box->uart), 16);
	type(box, "0123456789abcdef");
	assert_int_equal(serial_room(&box->uart), 0);
	assert_int_equal(edges(box), 0);
	type(box, "X");
	assert_int_equal(edges(box), 1);
	assert_int_equal(in(box, UART_IIR) & 0x0f, UART_IIR_RLSI);
	assert_true(in(box, UART_LSR) & UART_LSR_OE);
	assert_false(in(box, UART_LSR) & UART_LSR_OE);
	for (int i = 0; i < 16; i++)
		assert_int_equal(in(box, UART_RX), "0123456789abcdef"[i]);
	assert_false(in(box, UART_LSR) & UART_LSR_DR);
}

static void without_the_fifo_there_is_room_for_one(void **state)
{
	struct box *box = *state;

	assert_int_equal(serial_room(&box->uart), 1);
	type(box, "a");
	assert_int_equal(serial_room(&box->uart), 0);
	out(box, UART_FCR, UART_FCR_ENABLE_FIFO);
	/* Turning it on emptied the receiver. */
	assert_int_equal(serial_room(&box->uart), 16);
	assert_false(in(box, UART_LSR) & UART_LSR_DR);
}

static void loopback_keeps_input_waiting(void **state)
{
	struct box *box = *state;

	out(box, UART_MCR, UART_MCR_LOOP);
	assert_int_equal(serial_room(&box->uart), 0);
	out(box, UART_MCR, 0);
	assert_int_equal(serial_room(&box->uart), 1);
}

static void a_changed_modem_line_is_told_once(void **state)
{
	struct box *box = *state;

	out(box, UART_IER, UART_IER_MSI);
	/* CTS and DSR drop, DCD stays; RI rises, which is not told. */
	out(box, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_OUT1);
	assert_int_equal(edges(box), 1);
	assert_int_equal(in(box, UART_IIR), UART_IIR_MSI);
	assert_int_equal(in(box, UART_MSR),
		UART_MSR_DCD | UART_MSR_RI | UART_MSR_DCTS | UART_MSR_DDSR);
	assert_int_equal(in(box, UART_IIR), UART_IIR_NO_INT);
	out(box, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2);
	assert_int_equal(in(box, UART_MSR), UART_MSR_DCD | UART_MSR_TERI);
}

int main(void)
{
#define UART_TEST(f) cmocka_unit_test_setup_teardown(f, box_new, box_free)
	const struct CMUnitTest tests[] = {
		UART_TEST(linux_finds_a_16550a),
		UART_TEST(linux_takes_it_for_nothing_better),
		UART_TEST(linux_measures_a_fifo_of_16),
		UART_TEST(linux_sees_no_transmitter_bug),
		UART_TEST(the_divisor_latch_hides_two_registers),
		UART_TEST(scratch_keeps_its_value),
		UART_TEST(a_wide_access_touches_neighbouring_registers),
		UART_TEST(reading_iir_acknowledges_the_transmitter),
		UART_TEST(a_burst_of_output_is_one_edge),
		UART_TEST(iir_tells_of_received_data_first),
		UART_TEST(each_new_cause_is_an_edge),
		UART_TEST(what_is_not_enabled_is_not_raised),
		UART_TEST(data_below_the_trigger_level_is_a_timeout),
		UART_TEST(an_overrun_is_told_once_and_keeps_the_first_bytes),
		UART_TEST(without_the_fifo_there_is_room_for_one),
		UART_TEST(loopback_keeps_input_waiting),
		UART_TEST(a_changed_modem_line_is_told_once),
	};

	return cmocka_run_group_tests_name("serial", tests, NULL, NULL);
}
