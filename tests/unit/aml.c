/* SPDX-License-Identifier: Apache-2.0 */
/* aml.c - encodings of ACPI machine language, at every change of width */
#include "tests/unit/unit.h"

#include "firmware/aml.h"

static void bytes_are(struct buf *b, const void *want, size_t len)
{
	assert_false(b->failed);
	assert_int_equal(b->len, len);
	assert_memory_equal(b->data, want, len);
	buf_fini(b);
}

static void integers_are_as_short_as_can_be(void **state)
{
	static const uint8_t want[] = {
		0x00,                                           /* 0 */
		0x01,                                           /* 1 */
		0x0a, 2,                                        /* 2 */
		0x0a, 0xff,                                     /* 2^8 - 1 */
		0x0b, 0x00, 0x01,                               /* 2^8 */
		0x0b, 0xff, 0xff,                               /* 2^16 - 1 */
		0x0c, 0x00, 0x00, 0x01, 0x00,                   /* 2^16 */
		0x0e, 0x00, 0x00, 0x00, 0x00, 0x01, 0, 0, 0x00, /* 2^32 */
	};
	struct buf b = BUF_INIT;

	(void)state;
	aml_integer(&b, 0);
	aml_integer(&b, 1);
	aml_integer(&b, 2);
	aml_integer(&b, 0xff);
	aml_integer(&b, 0x100);
	aml_integer(&b, 0xffff);
	aml_integer(&b, 0x10000);
	aml_integer(&b, 0x100000000);
	bytes_are(&b, want, sizeof(want));
}

static void names_are_padded_and_keep_their_root(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	aml_name(&b, "\\_S5");
	aml_name(&b, "_HID");
	bytes_are(&b, "\x08\\_S5_\x08_HID", 11);
}

static void eisa_ids_are_compressed(void **state)
{
	/* As iasl makes of EisaId ("PNP0501") and EisaId ("PNP0C0F"). */
	static const uint8_t want[] = {
		0x0c,
		0x41,
		0xd0,
		0x05,
		0x01,
		0x0c,
		0x41,
		0xd0,
		0x0c,
		0x0f,
	};
	struct buf b = BUF_INIT;

	(void)state;
	aml_eisa_id(&b, "PNP0501");
	aml_eisa_id(&b, "PNP0C0F");
	bytes_are(&b, want, sizeof(want));
}

/* A package with `body` bytes in it starts with these length bytes. */
static void length_is(size_t body, const uint8_t *want, size_t len)
{
	struct buf b = BUF_INIT;
	size_t mark = aml_package(&b, 0);

	buf_fill(&b, 0xaa, body - 1);
	aml_close(&b, mark);
	assert_false(b.failed);
	assert_int_equal(b.len, 1 + len + body);
	assert_memory_equal(b.data + 1, want, len);
	assert_int_equal(b.data[1 + len], 0);
	assert_int_equal(b.data[b.len - 1], body > 1 ? 0xaa : 0);
	buf_fini(&b);
}

static void package_lengths_grow_with_the_package(void **state)
{
	(void)state;
	length_is(1, (uint8_t[]){ 0x02 }, 1);
	length_is(62, (uint8_t[]){ 0x3f }, 1);
	length_is(63, (uint8_t[]){ 0x41, 0x04 }, 2);
	length_is(4093, (uint8_t[]){ 0x4f, 0xff }, 2);
	length_is(4094, (uint8_t[]){ 0x81, 0x00, 0x01 }, 3);
	length_is((1 << 20) - 4, (uint8_t[]){ 0x8f, 0xff, 0xff }, 3);
	length_is((1 << 20) - 3, (uint8_t[]){ 0xc1, 0x00, 0x00, 0x01 }, 4);
}

static void inner_packages_count_in_outer_ones(void **state)
{
	static const uint8_t want[] = {
		0x10, 13, '\\', '_', 'S', 'B', '_', /* Scope */
		0x5b, 0x82, 5, 'D', 'E', 'V', '0',  /* Device */
	};
	struct buf b = BUF_INIT;
	size_t scope, device;

	(void)state;
	scope = aml_scope(&b, "\\_SB");
	device = aml_device(&b, "DEV0");
	aml_close(&b, device);
	aml_close(&b, scope);
	bytes_are(&b, want, sizeof(want));
}

static void methods_hold_their_arguments_and_terms(void **state)
{
	static const uint8_t want[] = {
		0x14, 13, '_', 'E', 'V', 'T', 1,      /* Method */
		0x86, 'D', 'E', 'V', '_', 0x0a, 0x80, /* Notify */
	};
	struct buf b = BUF_INIT;
	size_t method = aml_method(&b, "_EVT", 1);

	(void)state;
	aml_notify(&b, "DEV", 0x80);
	aml_close(&b, method);
	bytes_are(&b, want, sizeof(want));
}

static void templates_hold_their_size_and_an_end_tag(void **state)
{
	static const uint8_t want[] = {
		0x11, 34, 0x0a, 31,                             /* Buffer */
		0x86, 9, 0, 1, 0, 0, 0, 0xd0, 0x00, 0x10, 0, 0, /* memory */
		0x47, 1, 0x05, 0x05, 0x05, 0x05, 1, 1,          /* I/O */
		0x89, 6, 0, 3, 1, 23, 0, 0, 0,                  /* interrupt */
		0x79, 0,                                        /* end */
	};
	struct buf b = BUF_INIT;
	size_t mark = aml_template(&b);

	(void)state;
	aml_memory32_fixed(&b, 0xd0000000, 4096);
	aml_io(&b, 0x505, 1);
	aml_interrupt(&b, 23);
	aml_template_close(&b, mark);
	assert_int_equal(b.data[3], b.len - 4);
	bytes_are(&b, want, sizeof(want));
}

static void a_failed_buffer_stays_failed(void **state)
{
	struct buf b = BUF_INIT;
	size_t mark = aml_template(&b);

	(void)state;
	buf_fill(&b, 0, BUF_MAX_BYTES);
	assert_true(b.failed);
	aml_template_close(&b, mark);
	assert_true(b.failed);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_as_short_as_can_be),
		cmocka_unit_test(names_are_padded_and_keep_their_root),
		cmocka_unit_test(eisa_ids_are_compressed),
		cmocka_unit_test(package_lengths_grow_with_the_package),
		cmocka_unit_test(inner_packages_count_in_outer_ones),
		cmocka_unit_test(methods_hold_their_arguments_and_terms),
		cmocka_unit_test(templates_hold_their_size_and_an_end_tag),
		cmocka_unit_test(a_failed_buffer_stays_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
