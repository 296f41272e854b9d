/* SPDX-License-Identifier: Apache-2.0 */
/* ucode_amd.c - AMD's containers, and either vendor's images in a cpio */
#include "tests/unit/unit.h"

#include <errno.h>

#include "tests/unit/ucodekit.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"

#define ONE_BYTES (KIT_AMD_PATCH_AT + KIT_AMD_BYTES) /* a container of one */
#define TABLE_AT  12

static const struct kit_amd milan = {
	.revision = 0x0a0011d5,
	.signature = 0x00a00f11,
	.equivalence = 0xa011,
};

static const struct kit_amd rome = {
	.revision = 0x0830107c,
	.signature = 0x00830f10,
	.equivalence = 0x8310,
};

static int setup(void **state)
{
	static struct kit_image image;

	image = (struct kit_image){ 0 };
	kit_put_amd(&image.bytes, &milan);
	*state = &image;
	return 0;
}

/* Whether the image, cut to each of its lengths, is accepted. */
static void each_cut(struct kit_image *image, bool (*is_whole)(size_t len))
{
	for (size_t len = 0; len <= image->bytes.len; len++) {
		/* Its own allocation, for the sanitizers to watch its end. */
		uint8_t *exact = malloc(len ? len : 1);

		memcpy(exact, image->bytes.data, len);
		ucode_list_fini(&image->list);
		assert_int_equal(ucode_parse("f", exact, len, &image->list),
			is_whole(len) ? 0 : -EBADMSG);
		free(exact);
	}
}

/* ---- a container ---- */

static void a_patch_is_described(void **state)
{
	struct kit_image *image = *state;
	const struct ucode_update *u;

	assert_int_equal(kit_parse(image), 0);
	assert_int_equal(image->list.count, 1);
	u = image->list.updates;
	assert_int_equal(u->vendor, UCODE_AMD);
	assert_int_equal(u->revision, 0x0a0011d5);
	assert_int_equal(u->min_revision, 0);
	assert_int_equal(u->date, 0x03062023);
	assert_int_equal(u->offset, KIT_AMD_PATCH_AT);
	assert_int_equal(u->size_bytes, KIT_AMD_BYTES);
	assert_int_equal(u->sig_count, 1);
	assert_int_equal(u->sigs[0].signature, 0x00a00f11);
	assert_int_equal(u->sigs[0].platforms, 0);
}

static void the_table_says_for_whom_a_patch_is(void **state)
{
	struct kit_image *image = *state;

	/* In place of the table's end, a second signature of the same id. */
	kit_set32(&image->bytes, TABLE_AT + 16, 0x00a00f12);
	kit_set32(&image->bytes, TABLE_AT + 16 + 12, 0xa011);
	assert_int_equal(kit_parse(image), 0);
	assert_int_equal(image->list.updates->sig_count, 2);
	assert_int_equal(image->list.updates->sigs[1].signature, 0x00a00f12);
}

static void containers_stand_one_behind_the_other(void **state)
{
	struct kit_image *image = *state;

	kit_put_amd(&image->bytes, &rome);
	assert_int_equal(kit_parse(image), 0);
	assert_int_equal(image->list.count, 2);
	assert_int_equal(image->list.updates[1].sigs[0].signature, 0x00830f10);
	assert_int_equal(
		image->list.updates[1].offset, ONE_BYTES + KIT_AMD_PATCH_AT);
}

static void a_reused_checksum_is_the_revision_before(void **state)
{
	struct kit_image *image = *state;

	kit_set32(&image->bytes, KIT_AMD_PATCH_AT + 12, 0x0a0011d0);
	assert_int_equal(kit_parse(image), 0);
	assert_int_equal(image->list.updates->min_revision, 0x0a0011d0);
	kit_set32(&image->bytes, KIT_AMD_PATCH_AT + 12, 0x0a0012d0);
	kit_refused(image, "checksum 0x0a0012d0: neither");
}

static bool is_one_or_two(size_t len)
{
	return len == ONE_BYTES || len == 2 * ONE_BYTES;
}

static void every_cut_container_is_refused(void **state)
{
	struct kit_image *image = *state;

	kit_put_amd(&image->bytes, &rome);
	each_cut(image, is_one_or_two);
}

static const struct bend {
	const char *why;
	size_t at;
	uint32_t value;
} bends[] = {
	{ "container: no equivalence table", 4, 1 },
	{ "container: no equivalence table", 8, 31 },
	{ "equivalence table: longer", 8, 0xfffffff0 },
	{ "equivalence id 0xa011: not in the", TABLE_AT, 0 },
	{ "equivalence id 0xa011: not in the", TABLE_AT + 12, 0xa012 },
	{ "container: no patch behind", KIT_AMD_PATCH_AT - 8, 0 },
	{ "patch: longer", KIT_AMD_PATCH_AT - 4, KIT_AMD_BYTES + 1 },
	{ "patch: longer", KIT_AMD_PATCH_AT - 4, 0xffffffff },
	{ "63 bytes: the header alone", KIT_AMD_PATCH_AT - 4, 63 },
	{ "neither a patch nor", KIT_AMD_PATCH_AT - 4, KIT_AMD_BYTES - 1 },
	{ "revision 0", KIT_AMD_PATCH_AT + 4, 0 },
	{ "for a chipset", KIT_AMD_PATCH_AT + 16, 1 },
	{ "for a chipset", KIT_AMD_PATCH_AT + 20, 1 },
	{ "equivalence id 0xf011: of no", KIT_AMD_PATCH_AT + 24, 0xf011 },
};

static void every_bad_field_is_named(void **state)
{
	struct kit_image *image = *state;

	for (unsigned i = 0; i < ARRAY_SIZE(bends); i++) {
		image->bytes.len = 0;
		kit_put_amd(&image->bytes, &milan);
		kit_set32(&image->bytes, bends[i].at, bends[i].value);
		kit_refused(image, bends[i].why);
	}
}

static void a_patch_longer_than_its_family_has_is_refused(void **state)
{
	struct kit_image *image = *state;

	buf_fill(&image->bytes, 0, 5569 - KIT_AMD_BYTES);
	kit_set32(&image->bytes, KIT_AMD_PATCH_AT - 4, 5569);
	kit_refused(image, "5569 bytes: patches of family 19h take 5568");
}

static void a_patch_for_too_many_processors_is_refused(void **state)
{
	struct kit_image *image = *state;
	unsigned count = UCODE_SIGS_MAX + 1;

	image->bytes.len = 0;
	buf_u32(&image->bytes, 0x00414d44);
	buf_u32(&image->bytes, 0);
	buf_u32(&image->bytes, count * 16);
	for (unsigned i = 0; i < count; i++) {
		buf_u32(&image->bytes, i + 1);
		buf_u64(&image->bytes, 0);
		buf_u32(&image->bytes, 0xa011);
	}
	kit_put_amd(&image->bytes, &milan);
	/* Only the patch of the container that was appended. */
	memmove(image->bytes.data + 12 + count * 16,
		image->bytes.data + image->bytes.len - KIT_AMD_BYTES - 8,
		KIT_AMD_BYTES + 8);
	image->bytes.len = 12 + count * 16 + KIT_AMD_BYTES + 8;
	kit_refused(image, "for more than 64 kinds");
}

/* Published ones have some 50 entries. */
static void a_table_without_end_is_refused(void **state)
{
	struct kit_image *image = *state;

	buf_fill(&image->bytes, 1, 1025 * 16);
	kit_set32(&image->bytes, 8, 1024 * 16);
	kit_refused(image, "container: no patch behind its table");
	kit_set32(&image->bytes, 8, 1025 * 16);
	kit_refused(image, "equivalence table: longer than is believed");
}

/* Families 10h to 12h: the checksum is the sum of the data. */
static void an_old_patch_sums_up(void **state)
{
	struct kit_image *image = *state;

	image->bytes.len = 0;
	kit_put_amd(&image->bytes, &(struct kit_amd){ .revision = 0x010000c8,
					   .signature = 0x100f43,
					   .equivalence = 0x1043 });
	image->bytes.data[KIT_AMD_PATCH_AT + 10] = 4; /* x 28 bytes */
	kit_set32(&image->bytes, KIT_AMD_PATCH_AT + 12, 28 * 0x5a5a5a5au);
	assert_int_equal(kit_parse(image), 0);
	image->bytes.data[KIT_AMD_PATCH_AT + 64] ^= 1;
	kit_refused(image, "checksum: the data sums up to");
	image->bytes.data[KIT_AMD_PATCH_AT + 10] = 7;
	kit_refused(image, "196 bytes of data: cut short");
}

/* ---- as a processor takes it ---- */

static void a_loaded_patch_is_for_its_usual_signature(void **state)
{
	struct kit_image *image = *state;
	struct ucode_update u;

	assert_int_equal(ucode_parse_loaded(UCODE_AMD,
				 image->bytes.data + KIT_AMD_PATCH_AT,
				 KIT_AMD_BYTES, &u),
		0);
	assert_int_equal(u.sig_count, 1);
	assert_int_equal(u.sigs[0].signature, 0x00a00f11);
	assert_int_equal(
		ucode_parse_loaded(UCODE_AMD, image->bytes.data, 63, &u),
		-EBADMSG);
}

static void what_lies_behind_a_loaded_patch_is_left_alone(void **state)
{
	struct kit_image *image = *state;
	struct ucode_update u;

	buf_fill(&image->bytes, 0xff, 6000);
	assert_int_equal(ucode_parse_loaded(UCODE_AMD,
				 image->bytes.data + KIT_AMD_PATCH_AT,
				 KIT_AMD_BYTES + 6000, &u),
		0);
	assert_int_equal(u.size_bytes, 5568);
}

static void the_family_tells_how_much_to_load(void **state)
{
	struct kit_image *image = *state;

	assert_int_equal(ucode_bytes_to_load(UCODE_AMD,
				 image->bytes.data + KIT_AMD_PATCH_AT),
		5568);
	kit_set32(&image->bytes, KIT_AMD_PATCH_AT + 24, 0xf000);
	assert_int_equal(ucode_bytes_to_load(UCODE_AMD,
				 image->bytes.data + KIT_AMD_PATCH_AT),
		-EBADMSG);
}

/* ---- a cpio ---- */

#define AMD_NAME   "kernel/x86/microcode/AuthenticAMD.bin"
#define INTEL_NAME "kernel/x86/microcode/GenuineIntel.bin"

static size_t members_len, whole_len;

/* Both vendors' updates, among other members. */
static void make_cpio(struct kit_image *image)
{
	CLEANUP(buf_fini) struct buf intel = BUF_INIT;
	CLEANUP(buf_fini) struct buf cpio = BUF_INIT;

	kit_put_intel(&intel, &(struct kit_intel){ .revision = 1 });
	kit_put_member(&cpio, "kernel", NULL, 0);
	kit_put_member(&cpio, AMD_NAME, image->bytes.data, image->bytes.len);
	kit_put_member(&cpio, INTEL_NAME, intel.data, intel.len);
	members_len = cpio.len;
	kit_put_trailer(&cpio);
	whole_len = cpio.len;
	image->bytes.len = 0;
	buf_append(&image->bytes, cpio.data, cpio.len);
}

static void a_cpio_is_searched_for_both_vendors(void **state)
{
	struct kit_image *image = *state;

	make_cpio(image);
	assert_int_equal(kit_parse(image), 0);
	assert_int_equal(image->list.count, 2);
	assert_int_equal(image->list.updates[0].vendor, UCODE_AMD);
	assert_int_equal(image->list.updates[1].vendor, UCODE_INTEL);
	assert_memory_equal(image->bytes.data + image->list.updates[1].offset,
		"\1\0\0\0\1\0\0\0", 8);
}

/* As `cpio -H crc` makes it. */
static void a_cpio_may_have_checksums(void **state)
{
	struct kit_image *image = *state;

	make_cpio(image);
	for (size_t at = 0; at + 6 <= image->bytes.len; at++)
		if (!memcmp(image->bytes.data + at, "070701", 6))
			image->bytes.data[at + 5] = '2';
	assert_int_equal(kit_parse(image), 0);
	assert_int_equal(image->list.count, 2);
	image->bytes.data[5] = '7';
	kit_refused(image, "");
}

static void what_follows_a_cpio_is_left_alone(void **state)
{
	struct kit_image *image = *state;

	make_cpio(image);
	buf_fill(&image->bytes, 0, 512);
	buf_printf(&image->bytes, "\x1f\x8b the compressed rest");
	assert_int_equal(kit_parse(image), 0);
	assert_int_equal(image->list.count, 2);
}

static void a_second_archive_is_searched_too(void **state)
{
	struct kit_image *image = *state;
	CLEANUP(buf_fini) struct buf first = BUF_INIT;

	make_cpio(image);
	kit_put_member(&first, "bin/sh", "#!", 2);
	kit_put_trailer(&first);
	buf_fill(&first, 0, 256);
	buf_append(&first, image->bytes.data, image->bytes.len);
	image->bytes.len = 0;
	buf_append(&image->bytes, first.data, first.len);
	assert_int_equal(kit_parse(image), 0);
	assert_int_equal(image->list.count, 2);
}

static void a_cpio_without_microcode_is_refused(void **state)
{
	struct kit_image *image = *state;

	image->bytes.len = 0;
	kit_put_member(&image->bytes, INTEL_NAME ".old", "x", 1);
	kit_put_trailer(&image->bytes);
	kit_refused(image, "f: has no microcode update");
}

/* A cut behind the members, within the magic number of the trailer, shows nothing. */
static bool has_all_members(size_t len)
{
	return (len >= members_len && len < members_len + 6) ||
	       len == whole_len;
}

static void every_cut_cpio_is_refused(void **state)
{
	struct kit_image *image = *state;
	size_t alone;

	make_cpio(image);
	/* From the second member of interest on: before it, one would do. */
	alone = image->bytes.len;
	assert_true(members_len < alone);
	for (size_t len = members_len - KIT_INTEL_BYTES; len <= alone; len++) {
		ucode_list_fini(&image->list);
		assert_int_equal(
			ucode_parse("f", image->bytes.data, len, &image->list),
			has_all_members(len) ? 0 : -EBADMSG);
	}
}

static void sizes_that_wrap_are_refused(void **state)
{
	struct kit_image *image = *state;

	make_cpio(image);
	memset(image->bytes.data + 6 + 6 * 8, 'f', 8);
	kit_refused(image, "cpio, at 0x0: a damaged member");
	make_cpio(image);
	memset(image->bytes.data + 6 + 11 * 8, 'F', 8);
	kit_refused(image, "");
	make_cpio(image);
	image->bytes.data[6 + 6 * 8] = 'g';
	kit_refused(image, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_patch_is_described),
		TEST(the_table_says_for_whom_a_patch_is),
		TEST(containers_stand_one_behind_the_other),
		TEST(a_reused_checksum_is_the_revision_before),
		TEST(every_cut_container_is_refused),
		TEST(every_bad_field_is_named),
		TEST(a_patch_longer_than_its_family_has_is_refused),
		TEST(a_patch_for_too_many_processors_is_refused),
		TEST(a_table_without_end_is_refused),
		TEST(an_old_patch_sums_up),
		TEST(a_loaded_patch_is_for_its_usual_signature),
		TEST(what_lies_behind_a_loaded_patch_is_left_alone),
		TEST(the_family_tells_how_much_to_load),
		TEST(a_cpio_is_searched_for_both_vendors),
		TEST(a_cpio_may_have_checksums),
		TEST(what_follows_a_cpio_is_left_alone),
		TEST(a_second_archive_is_searched_too),
		TEST(a_cpio_without_microcode_is_refused),
		TEST(every_cut_cpio_is_refused),
		TEST(sizes_that_wrap_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
