/* SPDX-License-Identifier: Apache-2.0 */
/* ucode_intel.c - Intel's update files: what is accepted, and each way to be bad */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/ucodekit.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define HEADER_BYTES 48
#define TABLE_BYTES  (20 + 2 * 12)
#define DATA_BYTES   (KIT_INTEL_BYTES - HEADER_BYTES - TABLE_BYTES)
#define TABLE_AT     (HEADER_BYTES + DATA_BYTES)

static const struct ucode_sig extra[] = { { 0x806f7, 0x87 },
	{ 0x806f6, 0x10 } };

/* With an extended table of two. */
static const struct kit_intel sapphire = {
	.revision = 0x2b000650,
	.min_revision = 0x2b000161,
	.signature = 0x806f8,
	.platforms = 0x87,
	.extra_count = ARRAY_SIZE(extra),
	.extra = extra,
};

static int setup(void **state)
{
	static struct kit_image image;

	image = (struct kit_image){ 0 };
	kit_put_intel(&image.bytes, &sapphire);
	*state = &image;
	return 0;
}

static void an_update_is_described(void **state)
{
	struct kit_image *image = *state;
	const struct ucode_update *u;

	assert_int_equal(kit_parse(image), 0);
	assert_int_equal(image->list.count, 1);
	u = image->list.updates;
	assert_int_equal(u->vendor, UCODE_INTEL);
	assert_int_equal(u->revision, 0x2b000650);
	assert_int_equal(u->min_revision, 0x2b000161);
	assert_int_equal(u->date, 0x03062023);
	assert_int_equal(u->size_bytes, KIT_INTEL_BYTES);
	assert_ptr_equal(u->data, image->bytes.data);
	assert_string_equal(u->origin, "f");
	assert_string_equal(u->fault, "");
}

static void the_extended_table_adds_signatures(void **state)
{
	struct kit_image *image = *state;
	const struct ucode_update *u;

	assert_int_equal(kit_parse(image), 0);
	u = image->list.updates;
	assert_int_equal(u->sig_count, 3);
	assert_int_equal(u->sigs[0].signature, 0x806f8);
	assert_int_equal(u->sigs[0].platforms, 0x87);
	assert_int_equal(u->sigs[2].signature, 0x806f6);
	assert_int_equal(u->sigs[2].platforms, 0x10);
}

static void updates_stand_one_behind_the_other(void **state)
{
	struct kit_image *image = *state;

	kit_put_intel(&image->bytes, &sapphire);
	assert_int_equal(kit_parse(image), 0);
	assert_int_equal(image->list.count, 2);
	assert_int_equal(image->list.updates[1].offset, KIT_INTEL_BYTES);
}

/* Sizes of 0 mean 2000 and 2048, whatever the total size then says. */
static void a_data_size_of_0_means_2000(void **state)
{
	struct kit_image *image = *state;

	image->bytes.len = 0;
	kit_put_intel(&image->bytes, &(struct kit_intel){ .revision = 7 });
	kit_set32(&image->bytes, 28, 0);
	kit_set32(&image->bytes, 32, 0xffff);
	kit_seal(&image->bytes, 0, KIT_INTEL_BYTES, 16);
	assert_int_equal(kit_parse(image), 0);
	assert_int_equal(image->list.updates->size_bytes, 2048);
}

static void the_image_is_refused_whole_but_listed(void **state)
{
	struct kit_image *image = *state;

	kit_put_intel(&image->bytes, &sapphire);
	image->bytes.data[100] ^= 1;
	kit_refused(image, "f: update 1, at 0x0: checksum");
	assert_int_equal(image->list.count, 2);
	assert_non_null(strstr(image->list.updates[0].fault, "checksum"));
	assert_non_null(strstr(image->list.updates[1].fault, "another update"));
}

static void every_truncation_is_refused(void **state)
{
	struct kit_image *image = *state;
	uint8_t *exact;

	kit_put_intel(&image->bytes, &sapphire);
	for (size_t len = 0; len < 2 * KIT_INTEL_BYTES; len++) {
		/* Its own allocation, for the sanitizers to watch its end. */
		exact = malloc(len ? len : 1);
		memcpy(exact, image->bytes.data, len);
		ucode_list_fini(&image->list);
		if (len == KIT_INTEL_BYTES)
			assert_int_equal(
				ucode_parse("f", exact, len, &image->list), 0);
		else
			assert_int_equal(
				ucode_parse("f", exact, len, &image->list),
				-EBADMSG);
		free(exact);
	}
}

static void every_flipped_bit_is_noticed(void **state)
{
	struct kit_image *image = *state;

	for (size_t bit = 0; bit < 8 * KIT_INTEL_BYTES; bit++) {
		image->bytes.data[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(kit_parse(image), -EBADMSG);
		image->bytes.data[bit / 8] ^= 1 << bit % 8;
	}
	assert_int_equal(kit_parse(image), 0);
}

/* Each field wrong, but the checksum over it right. */
static const struct bend {
	const char *why;
	size_t at;
	uint32_t value;
} bends[] = {
	{ "header version 2", 0, 2 },
	{ "revision 0", 4, 0 },
	{ "date 0x13062023", 8, 0x13062023 },
	{ "date 0x00062023", 8, 0x00062023 },
	{ "date 0x03322023", 8, 0x03322023 },
	{ "date 0x0306202f", 8, 0x0306202f },
	{ "loader revision 2", 20, 2 },
	{ "data size 1998", 28, 1998 },
	{ "total size 2048: less than the header and 2004", 28, 2004 },
	{ "total size 2048: less", 28, 0xfffffffc },
	{ "total size 1024: less", 32, 1024 },
	{ "total size 3072: only 2048", 32, 3072 },
	{ "total size 2052: not a multiple", 32, 2052 },
	{ "total size 0: less", 32, 0 },
	{ "total size 2147483648: at most", 32, 0x80000000 },
};

static void every_bad_field_is_named(void **state)
{
	struct kit_image *image = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(bends); i++) {
		image->bytes.len = 0;
		kit_put_intel(&image->bytes, &sapphire);
		kit_set32(&image->bytes, bends[i].at, bends[i].value);
		kit_seal(&image->bytes, 0, TABLE_AT, 16);
		kit_refused(image, bends[i].why);
	}
}

static void a_table_with_a_wrong_count_is_refused(void **state)
{
	static const uint32_t counts[] = { 0, 1, 3, 0x15555556, 0xffffffff };
	struct kit_image *image = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
		kit_set32(&image->bytes, TABLE_AT, counts[i]);
		kit_seal(&image->bytes, TABLE_AT, TABLE_BYTES, TABLE_AT + 4);
		kit_refused(image, "extended table:");
	}
}

static void a_table_that_does_not_sum_up_is_refused(void **state)
{
	struct kit_image *image = *state;

	kit_set32(&image->bytes, TABLE_AT + 8, 1);
	kit_refused(image, "extended table: sums up to");
}

static void an_entry_with_a_wrong_checksum_is_refused(void **state)
{
	struct kit_image *image = *state;

	/* Its platforms, and in return what the table sums up to. */
	kit_set32(&image->bytes, TABLE_AT + 20 + 12 + 4, 0x11);
	kit_seal(&image->bytes, TABLE_AT, TABLE_BYTES, TABLE_AT + 4);
	kit_refused(image, "extended signature 1, 0x000806f6");
}

static void a_longer_update_than_we_believe_is_refused(void **state)
{
	struct kit_image *image = *state;

	buf_fill(&image->bytes, 0, UCODE_UPDATE_MAX);
	kit_set32(&image->bytes, 32, UCODE_UPDATE_MAX + 1024);
	kit_refused(image, "at most 4194304");
}

static void a_list_has_an_end(void **state)
{
	struct kit_image *image = *state;

	image->bytes.len = 0;
	for (unsigned i = 0; i <= UCODE_UPDATES_MAX; i++)
		kit_put_intel(
			&image->bytes, &(struct kit_intel){ .revision = 1 });
	kit_refused(image, "more than 4096 updates");
	assert_int_equal(image->list.count, UCODE_UPDATES_MAX);
}

static void other_files_are_no_microcode(void **state)
{
	struct kit_image *image = *state;

	image->bytes.len = 0;
	kit_refused(image, "f: has no microcode update");
	buf_printf(&image->bytes, "%048d", 0);
	kit_refused(image, "not a microcode update");
}

/* ---- as a processor takes it ---- */

static void the_header_tells_how_much_to_load(void **state)
{
	struct kit_image *image = *state;

	assert_int_equal(ucode_bytes_to_load(UCODE_INTEL, image->bytes.data),
		KIT_INTEL_BYTES);
	kit_set32(&image->bytes, 32, UCODE_UPDATE_MAX + 1024);
	assert_int_equal(
		ucode_bytes_to_load(UCODE_INTEL, image->bytes.data), -EBADMSG);
	kit_set32(&image->bytes, 0, 2);
	assert_int_equal(
		ucode_bytes_to_load(UCODE_INTEL, image->bytes.data), -EBADMSG);
}

static void what_lies_behind_a_loaded_update_is_left_alone(void **state)
{
	struct kit_image *image = *state;
	struct ucode_update u;

	buf_fill(&image->bytes, 0xff, 100);
	assert_int_equal(ucode_parse_loaded(UCODE_INTEL, image->bytes.data,
				 image->bytes.len, &u),
		0);
	assert_int_equal(u.size_bytes, KIT_INTEL_BYTES);
	assert_int_equal(u.sig_count, 3);
}

static void a_bad_loaded_update_is_refused(void **state)
{
	struct kit_image *image = *state;
	struct ucode_update u;

	assert_int_equal(ucode_parse_loaded(UCODE_INTEL, image->bytes.data,
				 KIT_INTEL_BYTES - 1, &u),
		-EBADMSG);
	image->bytes.data[60] ^= 1;
	assert_int_equal(ucode_parse_loaded(UCODE_INTEL, image->bytes.data,
				 KIT_INTEL_BYTES, &u),
		-EBADMSG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_update_is_described),
		TEST(the_extended_table_adds_signatures),
		TEST(updates_stand_one_behind_the_other),
		TEST(a_data_size_of_0_means_2000),
		TEST(the_image_is_refused_whole_but_listed),
		TEST(every_truncation_is_refused),
		TEST(every_flipped_bit_is_noticed),
		TEST(every_bad_field_is_named),
		TEST(a_table_with_a_wrong_count_is_refused),
		TEST(a_table_that_does_not_sum_up_is_refused),
		TEST(an_entry_with_a_wrong_checksum_is_refused),
		TEST(a_longer_update_than_we_believe_is_refused),
		TEST(a_list_has_an_end),
		TEST(other_files_are_no_microcode),
		TEST(the_header_tells_how_much_to_load),
		TEST(what_lies_behind_a_loaded_update_is_left_alone),
		TEST(a_bad_loaded_update_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
