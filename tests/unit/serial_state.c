/* SPDX-License-Identifier: Apache-2.0 */
/* serial_state.c - the UART's state moves to another UART; what no write leaves is refused */
#include "tests/unit/unit.h"

#include <errno.h>
#include <linux/serial_reg.h>

#include "devices/serial.h"
#include "tests/unit/fake_irq.h"
#include "vmm/base/err.h"

#define GSI 4

static const struct irq_line line = { .fd = GSI };
static struct serial uart;

static int setup(void **state)
{
	(void)state;
	claim_loop_thread();
	(void)fake_irq_edges(GSI);
	serial_init(&uart, &line, NULL);
	return 0;
}

static uint8_t in(unsigned reg)
{
	uint8_t value;

	serial_bus_ops.read(&uart, reg, &value, 1);
	return value;
}

static void out(unsigned reg, uint8_t value)
{
	serial_bus_ops.write(&uart, reg, &value, 1);
}

static int move(void)
{
	struct buf b = BUF_INIT;
	int rc;

	state_save(&serial_state, &uart, &b);
	serial_fini(&uart);
	serial_init(&uart, &line, NULL);
	rc = state_load(&serial_state, 1, b.data, b.len, &uart);
	if (!rc)
		rc = serial_loaded(&uart);
	buf_fini(&b);
	return rc;
}

static void assert_refused(const char *sentence)
{
	assert_int_equal(move(), -EBADMSG);
	assert_string_equal(err_text(), sentence);
}

static void registers_read_as_before(void **state)
{
	(void)state;
	out(UART_LCR, UART_LCR_DLAB);
	out(UART_DLL, 0x34);
	out(UART_DLM, 0x12);
	out(UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	out(UART_MCR, UART_MCR_DTR | UART_MCR_OUT2);
	out(UART_SCR, 0x5a);
	assert_int_equal(move(), 0);
	assert_int_equal(in(UART_DLL), 0x34);
	assert_int_equal(in(UART_DLM), 0x12);
	assert_int_equal(in(UART_LCR), UART_LCR_DLAB | UART_LCR_WLEN8);
	assert_int_equal(in(UART_MCR), UART_MCR_DTR | UART_MCR_OUT2);
	assert_int_equal(in(UART_SCR), 0x5a);
}

static void input_that_was_not_read_is_still_there(void **state)
{
	(void)state;
	out(UART_FCR, UART_FCR_ENABLE_FIFO);
	serial_input(&uart, (const uint8_t *)"0123456789", 10);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(in(UART_RX), '0' + i);
	serial_input(&uart, (const uint8_t *)"abcdefghij", 10);
	assert_int_equal(move(), 0);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(in(UART_RX), 'a' + i);
	assert_int_equal(in(UART_LSR)&UART_LSR_DR, 0);
}

/* A driver that waits for the transmitter must not wait for ever. */
static void an_interrupt_on_its_way_is_raised_once_more(void **state)
{
	(void)state;
	out(UART_IER, UART_IER_THRI);
	out(UART_TX, 'x');
	assert_int_equal(fake_irq_edges(GSI), 1);
	assert_int_equal(move(), 0);
	assert_int_equal(fake_irq_edges(GSI), 0);
	serial_raise(&uart);
	assert_int_equal(fake_irq_edges(GSI), 1);
	assert_int_equal(in(UART_IIR)&UART_IIR_ID, UART_IIR_THRI);
	assert_int_equal(in(UART_IIR)&UART_IIR_NO_INT, UART_IIR_NO_INT);
}

static void what_was_acknowledged_is_not_raised_again(void **state)
{
	(void)state;
	out(UART_IER, UART_IER_THRI);
	(void)in(UART_IIR);
	(void)fake_irq_edges(GSI);
	assert_int_equal(move(), 0);
	serial_raise(&uart);
	assert_int_equal(fake_irq_edges(GSI), 0);
	out(UART_TX, 'x');
	assert_int_equal(fake_irq_edges(GSI), 1);
}

static void an_index_outside_of_the_fifo_is_refused(void **state)
{
	(void)state;
	uart.head = SERIAL_FIFO_BYTES;
	assert_refused("serial.head is 16, at most 15 can be");
	setup(state);
	uart.count = SERIAL_FIFO_BYTES + 1;
	assert_refused("serial.count is 17, at most 16 can be");
}

static void more_than_a_byte_without_a_fifo_is_refused(void **state)
{
	(void)state;
	uart.count = 2;
	assert_refused("serial.count is 2 while the FIFO is off");
}

static void register_bits_that_no_write_leaves_are_refused(void **state)
{
	(void)state;
	uart.ier = 0x10;
	assert_refused("serial.ier is 16, at most 15 can be");
	setup(state);
	uart.mcr = 0x20;
	assert_refused("serial.mcr is 32, at most 31 can be");
	setup(state);
	uart.modem_changes = 0x10;
	assert_refused("serial.modem_changes is 16, at most 15 can be");
	setup(state);
	uart.fcr = UART_FCR_TRIGGER_14;
	assert_refused("serial.fcr is 0xc0, which no write leaves");
	setup(state);
	uart.fcr = UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR;
	assert_refused("serial.fcr is 0x3, which no write leaves");
	setup(state);
	uart.line_errors = UART_LSR_BI;
	assert_refused("serial.line_errors is 0x10, only an overrun can be");
}

#define TEST(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(registers_read_as_before),
		TEST(input_that_was_not_read_is_still_there),
		TEST(an_interrupt_on_its_way_is_raised_once_more),
		TEST(what_was_acknowledged_is_not_raised_again),
		TEST(an_index_outside_of_the_fifo_is_refused),
		TEST(more_than_a_byte_without_a_fifo_is_refused),
		TEST(register_bits_that_no_write_leaves_are_refused),
	};

	return cmocka_run_group_tests_name("serial_state", tests, NULL, NULL);
}
