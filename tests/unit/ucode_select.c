/* SPDX-License-Identifier: Apache-2.0 */
/* ucode_select.c - which update a processor takes, and which it must not */
#include "tests/unit/unit.h"

#include "tests/unit/ucodekit.h"
#include "vmm/base/cleanup.h"

static int setup(void **state)
{
	static struct kit_image image;

	image = (struct kit_image){ 0 };
	*state = &image;
	return 0;
}

/*
 * Two of one file with the header's signature in common, as Intel's 06-8f-08: the
 * platforms tell them apart.
 */
static void sapphire(struct kit_image *image)
{
	kit_put_intel(
		&image->bytes, &(struct kit_intel){ .revision = 0x2c000410,
				       .min_revision = 0x2c0001d0,
				       .signature = 0x806f8,
				       .platforms = 0x10 });
	kit_put_intel(
		&image->bytes, &(struct kit_intel){ .revision = 0x2b000650,
				       .min_revision = 0x2b000161,
				       .signature = 0x806f8,
				       .platforms = 0x87 });
	assert_int_equal(kit_parse(image), 0);
}

static struct ucode_cpu intel(
	uint32_t signature, uint32_t platforms, uint32_t revision)
{
	return (struct ucode_cpu){ UCODE_INTEL, signature, platforms,
		revision };
}

static void assert_choice(const struct kit_image *image, struct ucode_cpu cpu,
	enum ucode_moment moment, enum ucode_verdict verdict, const char *words)
{
	struct ucode_choice choice = ucode_select(&image->list, &cpu, moment);
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	assert_string_equal(ucode_verdict_name(choice.verdict),
		ucode_verdict_name(verdict));
	ucode_put_choice(&choice, &cpu, &text);
	buf_u8(&text, '\0');
	assert_string_equal((char *)text.data, words);
}

static void the_platform_decides_between_two(void **state)
{
	struct kit_image *image = *state;

	sapphire(image);
	assert_choice(image, intel(0x806f8, 0x80, 0x2b000603), UCODE_LATE,
		UCODE_NEWER, "0x2b000650 is newer than 0x2b000603");
	assert_choice(image, intel(0x806f8, 0x10, 0x2c000300), UCODE_LATE,
		UCODE_NEWER, "0x2c000410 is newer than 0x2c000300");
}

static void another_platform_gets_nothing(void **state)
{
	struct kit_image *image = *state;

	sapphire(image);
	assert_choice(image, intel(0x806f8, 0x08, 1), UCODE_LATE,
		UCODE_PLATFORM, "0x2c000410 is for other platforms");
}

static void an_unknown_platform_gets_nothing(void **state)
{
	struct kit_image *image = *state;

	sapphire(image);
	assert_choice(image, intel(0x806f8, 0, 1), UCODE_LATE, UCODE_PLATFORM,
		"0x2c000410 is for some platforms, and this one is not known");
}

static void another_signature_gets_nothing(void **state)
{
	struct kit_image *image = *state;

	sapphire(image);
	assert_choice(image, intel(0x806f7, 0x80, 1), UCODE_LATE,
		UCODE_NO_MATCH, "nothing for signature 0x000806f7");
}

static void another_vendor_gets_nothing(void **state)
{
	struct kit_image *image = *state;
	struct ucode_cpu cpu = intel(0x806f8, 0x80, 1);

	sapphire(image);
	cpu.vendor = UCODE_AMD;
	assert_choice(image, cpu, UCODE_LATE, UCODE_NO_MATCH,
		"nothing for signature 0x000806f8");
}

static void flags_of_zero_fit_every_platform(void **state)
{
	struct kit_image *image = *state;

	kit_put_intel(&image->bytes,
		&(struct kit_intel){ .revision = 3, .signature = 0x6a9 });
	assert_int_equal(kit_parse(image), 0);
	assert_choice(image, intel(0x6a9, 0, 1), UCODE_LATE, UCODE_NEWER,
		"0x00000003 is newer than 0x00000001");
}

static void what_runs_is_not_loaded_again(void **state)
{
	struct kit_image *image = *state;

	sapphire(image);
	assert_choice(image, intel(0x806f8, 0x80, 0x2b000650), UCODE_LATE,
		UCODE_SAME, "0x2b000650 runs already");
}

static void a_step_back_is_called_so(void **state)
{
	struct kit_image *image = *state;

	sapphire(image);
	assert_choice(image, intel(0x806f8, 0x80, 0x2b000651), UCODE_LATE,
		UCODE_OLDER, "0x2b000650 is older than 0x2b000651");
}

/* SDM Vol. 3A, 9.11.1: revisions are signed; those below 0 are for debugging. */
static void a_debug_revision_is_older_than_any(void **state)
{
	struct kit_image *image = *state;

	kit_put_intel(
		&image->bytes, &(struct kit_intel){ .revision = 0x80000100,
				       .signature = 0x6a9 });
	assert_int_equal(kit_parse(image), 0);
	assert_choice(image, intel(0x6a9, 1, 1), UCODE_LATE, UCODE_OLDER,
		"0x80000100 is older than 0x00000001");
	assert_true(ucode_is_newer(UCODE_AMD, 0x80000100, 1));
}

static void a_minimum_revision_binds_late_loads_only(void **state)
{
	struct kit_image *image = *state;

	sapphire(image);
	assert_choice(image, intel(0x806f8, 0x80, 0x2b000160), UCODE_LATE,
		UCODE_TOO_FAR,
		"0x2b000650 wants 0x2b000161 to run before it, not "
		"0x2b000160");
	assert_choice(image, intel(0x806f8, 0x80, 0x2b000160), UCODE_AT_BOOT,
		UCODE_NEWER, "0x2b000650 is newer than 0x2b000160");
}

static void milan(struct kit_image *image)
{
	kit_put_amd(&image->bytes, &(struct kit_amd){ .revision = 0x0a0011de,
					   .min_revision = 0x0a0011d9,
					   .signature = 0x00a00f11,
					   .equivalence = 0xa011 });
	kit_put_amd(&image->bytes, &(struct kit_amd){ .revision = 0x0a0011d5,
					   .signature = 0x00a00f11,
					   .equivalence = 0xa011 });
	assert_int_equal(kit_parse(image), 0);
}

/* AMD's highest is refused by processors whose firmware is old. */
static void the_highest_that_may_follow_is_chosen(void **state)
{
	struct kit_image *image = *state;
	struct ucode_cpu cpu = { UCODE_AMD, 0x00a00f11, 0, 0x0a0011d1 };

	milan(image);
	assert_choice(image, cpu, UCODE_AT_BOOT, UCODE_NEWER,
		"0x0a0011d5 is newer than 0x0a0011d1; 0x0a0011de wants "
		"0x0a0011d9 to run before it");
	cpu.revision = 0x0a0011d9;
	assert_choice(image, cpu, UCODE_AT_BOOT, UCODE_NEWER,
		"0x0a0011de is newer than 0x0a0011d9");
}

static void faulty_updates_are_never_chosen(void **state)
{
	struct kit_image *image = *state;
	struct ucode_cpu cpu = intel(0x806f8, 0x80, 1);

	kit_put_intel(&image->bytes, &(struct kit_intel){ .revision = 9,
					     .signature = 0x806f8,
					     .platforms = 0x87 });
	buf_fill(&image->bytes, 1, 1);
	assert_true(ucode_parse("f", image->bytes.data, image->bytes.len,
			    &image->list) < 0);
	assert_choice(image, cpu, UCODE_LATE, UCODE_NO_MATCH,
		"nothing for signature 0x000806f8");
}

/* ---- published files ---- */

static void a_file_of_three_platforms_has_one_for_each(void **state)
{
	struct kit_image *image = *state;
	static const uint32_t platforms[] = { 0x01, 0x04, 0x80 };

	kit_read("intel-ucode/06-17-0a", &image->bytes);
	assert_int_equal(kit_parse(image), 0);
	assert_int_equal(image->list.count, 3);
	for (unsigned i = 0; i < ARRAY_SIZE(platforms); i++) {
		struct ucode_cpu cpu = intel(0x1067a, platforms[i], 0xa07);
		struct ucode_choice choice = ucode_select(
			&image->list, &cpu, UCODE_AT_BOOT);

		assert_int_equal(choice.verdict, UCODE_NEWER);
		assert_ptr_equal(choice.update, &image->list.updates[i]);
	}
}

static void a_published_minimum_revision_holds(void **state)
{
	struct kit_image *image = *state;

	kit_read("intel-ucode/06-55-04", &image->bytes);
	assert_int_equal(kit_parse(image), 0);
	assert_choice(image, intel(0x50654, 0x80, 0x02006b05), UCODE_LATE,
		UCODE_TOO_FAR,
		"0x02007006 wants 0x02006b06 to run before it, not "
		"0x02006b05");
	assert_choice(image, intel(0x50654, 0x80, 0x02006b06), UCODE_LATE,
		UCODE_NEWER, "0x02007006 is newer than 0x02006b06");
}

static void dates_print_as_people_write_them(void **state)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	(void)state;
	ucode_put_date(0x11122019, &text);
	buf_u8(&text, '\0');
	assert_string_equal((char *)text.data, "2019-11-12");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_platform_decides_between_two),
		TEST(another_platform_gets_nothing),
		TEST(an_unknown_platform_gets_nothing),
		TEST(another_signature_gets_nothing),
		TEST(another_vendor_gets_nothing),
		TEST(flags_of_zero_fit_every_platform),
		TEST(what_runs_is_not_loaded_again),
		TEST(a_step_back_is_called_so),
		TEST(a_debug_revision_is_older_than_any),
		TEST(a_minimum_revision_binds_late_loads_only),
		TEST(the_highest_that_may_follow_is_chosen),
		TEST(faulty_updates_are_never_chosen),
		TEST(a_file_of_three_platforms_has_one_for_each),
		TEST(a_published_minimum_revision_holds),
		TEST(dates_print_as_people_write_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
