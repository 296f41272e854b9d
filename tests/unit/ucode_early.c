/* SPDX-License-Identifier: Apache-2.0 */
/* ucode_early.c - the cpio for a boot: what Linux, and our own parser, find in it */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "firmware/ucode_early.h"
#include "firmware/ucode_parts.h"
#include "tests/unit/ucodekit.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define UPDATES_MAX 8

struct image {
	struct buf bytes, archive;
	struct ucode_list list, again;
	const struct ucode_update *updates[UPDATES_MAX];
};

static int setup(void **state)
{
	static struct image image;

	image = (struct image){ 0 };
	*state = &image;
	return 0;
}

static int teardown(void **state)
{
	struct image *image = *state;

	ucode_list_fini(&image->list);
	ucode_list_fini(&image->again);
	buf_fini(&image->bytes);
	buf_fini(&image->archive);
	return 0;
}

static void put_intel(struct image *image, uint32_t revision)
{
	kit_put_intel(&image->bytes, &(struct kit_intel){ .revision = revision,
					     .signature = 0x806f8 });
}

static void put_amd(struct image *image, uint32_t revision, uint32_t signature,
	uint16_t equivalence)
{
	kit_put_amd(&image->bytes, &(struct kit_amd){ .revision = revision,
					   .signature = signature,
					   .equivalence = equivalence });
}

/* The list is that of the images of one vendor in `bytes`, from `from` on. */
static void parse(struct image *image, size_t from)
{
	assert_int_equal(ucode_parse("f", image->bytes.data + from,
				 image->bytes.len - from, &image->list),
		0);
}

static int pack(struct image *image)
{
	assert_true(image->list.count <= UPDATES_MAX);
	for (unsigned i = 0; i < image->list.count; i++)
		image->updates[i] = &image->list.updates[i];
	image->archive.len = 0;
	return ucode_put_early(
		image->updates, image->list.count, &image->archive);
}

static void pack_and_parse(struct image *image)
{
	assert_int_equal(pack(image), 0);
	assert_false(image->archive.failed);
	assert_int_equal(ucode_parse("a", image->archive.data,
				 image->archive.len, &image->again),
		0);
}

static void what_went_in_is_found_again(void **state)
{
	struct image *image = *state;

	put_intel(image, 1);
	put_intel(image, 2);
	parse(image, 0);
	pack_and_parse(image);
	assert_int_equal(image->again.count, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_memory_equal(image->again.updates[i].data,
			image->list.updates[i].data, KIT_INTEL_BYTES);
}

static void both_vendors_share_an_archive(void **state)
{
	struct image *image = *state;
	size_t intel;

	put_amd(image, 0x0a0011d5, 0x00a00f11, 0xa011);
	intel = image->bytes.len;
	put_intel(image, 1);
	assert_int_equal(
		ucode_parse("f", image->bytes.data, intel, &image->list), 0);
	parse(image, intel);
	pack_and_parse(image);
	assert_int_equal(image->again.count, 2);
	assert_int_equal(image->again.updates[0].vendor, UCODE_INTEL);
	assert_int_equal(image->again.updates[1].vendor, UCODE_AMD);
}

static void updates_lie_at_multiples_of_16(void **state)
{
	struct image *image = *state;

	both_vendors_share_an_archive(state);
	assert_int_equal(image->again.updates[0].offset % 16, 0);
}

static void the_archive_ends_as_cpio_does(void **state)
{
	struct image *image = *state;

	put_intel(image, 1);
	parse(image, 0);
	assert_int_equal(pack(image), 0);
	assert_int_equal(image->archive.len % 512, 0);
	assert_non_null(memmem(image->archive.data, image->archive.len,
		"TRAILER!!!", sizeof("TRAILER!!!")));
}

static void what_is_there_twice_is_put_once(void **state)
{
	struct image *image = *state;

	put_intel(image, 1);
	put_intel(image, 1);
	parse(image, 0);
	pack_and_parse(image);
	assert_int_equal(image->again.count, 1);
}

/* Linux takes the last patch that its container has for the processor. */
static void amd_patches_are_one_container_the_newest_last(void **state)
{
	struct image *image = *state;

	put_amd(image, 0x0a0011de, 0x00a00f11, 0xa011);
	put_amd(image, 0x0830107c, 0x00830f10, 0x8310);
	put_amd(image, 0x0a0011d5, 0x00a00f11, 0xa011);
	put_amd(image, 0x0a0011d5, 0x00a00f11, 0xa011);
	parse(image, 0);
	pack_and_parse(image);
	assert_int_equal(image->again.count, 3);
	assert_int_equal(image->again.updates[0].revision, 0x0830107c);
	assert_int_equal(image->again.updates[1].revision, 0x0a0011d5);
	assert_int_equal(image->again.updates[2].revision, 0x0a0011de);
	assert_int_equal(image->again.updates[2].sig_count, 1);
	assert_int_equal(image->again.updates[2].sigs[0].signature, 0x00a00f11);
}

static void tables_that_contradict_are_refused(void **state)
{
	struct image *image = *state;

	put_amd(image, 0x0a0011de, 0x00a00f11, 0xa011);
	put_amd(image, 0x0a0011df, 0x00a00f11, 0xa012);
	parse(image, 0);
	assert_int_equal(pack(image), -EBADMSG);
	assert_non_null(strstr(err_text(), "signature 0x00a00f11: 0xa011"));
}

static void put_kinds(struct image *image, uint32_t first, unsigned count)
{
	for (uint32_t i = 0; i < count; i++)
		put_amd(image, 0x0a0011d5 + i, first + i,
			(uint16_t)(0xa000 + first + i));
}

static int pack_all(struct image *image)
{
	const struct ucode_update **all = calloc(
		image->list.count, sizeof(*all));
	int rc;

	assert_non_null(all);
	for (unsigned i = 0; i < image->list.count; i++)
		all[i] = &image->list.updates[i];
	image->archive.len = 0;
	rc = ucode_put_early(all, image->list.count, &image->archive);
	free(all);
	return rc;
}

/* What a table cannot hold would not be read again. */
static void a_table_has_an_end(void **state)
{
	struct image *image = *state;

	put_kinds(image, 1, UCODE_AMD_ENTRIES_MAX - 1);
	parse(image, 0);
	assert_int_equal(pack_all(image), 0);
	assert_int_equal(ucode_parse("a", image->archive.data,
				 image->archive.len, &image->again),
		0);
	ucode_list_fini(&image->list);
	put_kinds(image, UCODE_AMD_ENTRIES_MAX, 1);
	parse(image, 0);
	assert_int_equal(pack_all(image), -EBADMSG);
	assert_non_null(strstr(err_text(), "more than 1023 kinds"));
}

static void an_archive_has_an_end(void **state)
{
	struct image *image = *state;
	struct ucode_update huge[17];
	const struct ucode_update *updates[ARRAY_SIZE(huge)];

	buf_fill(&image->bytes, 0, UCODE_UPDATE_MAX);
	for (unsigned i = 0; i < ARRAY_SIZE(huge); i++) {
		huge[i] = (struct ucode_update){
			.data = image->bytes.data,
			.size_bytes = UCODE_UPDATE_MAX - i,
		};
		updates[i] = &huge[i];
	}
	assert_int_equal(
		ucode_put_early(updates, ARRAY_SIZE(huge), &image->archive),
		-ENOMEM);
	assert_non_null(strstr(err_text(), "longer than 67108864 bytes"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_went_in_is_found_again),
		TEST(both_vendors_share_an_archive),
		TEST(updates_lie_at_multiples_of_16),
		TEST(the_archive_ends_as_cpio_does),
		TEST(what_is_there_twice_is_put_once),
		TEST(amd_patches_are_one_container_the_newest_last),
		TEST(tables_that_contradict_are_refused),
		TEST(a_table_has_an_end),
		TEST(an_archive_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
