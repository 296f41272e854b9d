/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_file.c - the container: any damage is refused by name */
#include "tests/unit/unit.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "vmm/base/crc.h"
#include "vmm/base/err.h"
#include "vmm/snapshot_file.h"

#define HEADER_BYTES  40
#define SECTION_BYTES 40
#define AT_ARCH       16
#define AT_LENGTH     24 /* in a section's header */
#define AT_CRC        32

struct clock {
	uint32_t ticks;
};

static const struct state_field clock_fields[] = {
	STATE_U32(struct clock, ticks),
};

static const struct state_desc clock_desc = STATE_DESC(
	"machine", 3, struct clock, clock_fields);

/* Three sections: config "abc", vcpu 0 (empty), machine 0. */
static struct buf sample(void)
{
	const struct clock clock = { 5 };
	struct buf b = BUF_INIT;

	snapshot_file_begin(&b);
	snapshot_file_add(&b, "config", 0, 1, "abc", 3);
	snapshot_file_add(&b, "vcpu", 0, 2, NULL, 0);
	snapshot_file_save(&b, 0, &clock_desc, &clock);
	snapshot_file_end(&b);
	assert_false(b.failed);
	return b;
}

static struct snapshot_file file;

/* From a copy of exactly that length: reading past it is an error of memory. */
static int parse(const struct buf *b, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	int rc;

	if (len)
		memcpy(copy, b->data, len);
	err_clear();
	rc = snapshot_file_parse("F", copy, len, &file);
	free(copy);
	return rc;
}

static void assert_refused(const struct buf *b, const char *sentence)
{
	assert_int_equal(parse(b, b->len), -EBADMSG);
	assert_string_equal(err_text(), sentence);
}

/* Make the checksums of a section right again after a change to it. */
static void seal(struct buf *b, size_t at)
{
	uint64_t len, crc;

	memcpy(&len, b->data + at + AT_LENGTH, sizeof(len));
	crc = crc64(0, b->data + at, AT_CRC);
	crc = crc64(crc, b->data + at + SECTION_BYTES, le64toh(len));
	crc = htole64(crc);
	memcpy(b->data + at + AT_CRC, &crc, sizeof(crc));
}

static void seal_header(struct buf *b)
{
	uint64_t crc = htole64(crc64(0, b->data, HEADER_BYTES - 8));

	memcpy(b->data + HEADER_BYTES - 8, &crc, sizeof(crc));
}

static void sections_are_found_by_name_and_instance(void **state)
{
	struct buf b = sample();
	const struct snapshot_section *s;

	(void)state;
	assert_int_equal(snapshot_file_parse("F", b.data, b.len, &file), 0);
	s = snapshot_file_find(&file, "config", 0);
	assert_non_null(s);
	assert_int_equal(s->len, 3);
	assert_memory_equal(s->data, "abc", 3);
	assert_int_equal(s->offset, HEADER_BYTES);
	assert_int_equal(snapshot_file_find(&file, "vcpu", 0)->version, 2);
	assert_null(snapshot_file_find(&file, "vcpu", 1));
	assert_null(snapshot_file_find(&file, "serial", 0));
	assert_int_equal(snapshot_file_count(&file, "vcpu"), 1);
	assert_int_equal(snapshot_file_count(&file, "blk"), 0);
	buf_fini(&b);
}

static void a_section_loads_by_its_table(void **state)
{
	struct buf b = sample();
	struct clock clock = { 0 };

	(void)state;
	assert_int_equal(snapshot_file_parse("F", b.data, b.len, &file), 0);
	assert_int_equal(snapshot_file_load(&file, 0, &clock_desc, &clock), 0);
	assert_int_equal(clock.ticks, 5);
	buf_fini(&b);
}

static void a_section_that_does_not_load_is_named(void **state)
{
	const struct clock clock = { 5 };
	struct buf b = BUF_INIT;
	struct clock loaded;

	(void)state;
	snapshot_file_begin(&b);
	snapshot_file_add(&b, "machine", 0, 3, &clock, 2);
	snapshot_file_end(&b);
	assert_int_equal(snapshot_file_parse("F", b.data, b.len, &file), 0);
	assert_int_equal(
		snapshot_file_load(&file, 0, &clock_desc, &loaded), -EBADMSG);
	assert_string_equal(err_text(),
		"section machine 0: machine.ticks: the data ends here");
	assert_int_equal(
		snapshot_file_load(&file, 1, &clock_desc, &loaded), -EBADMSG);
	assert_string_equal(err_text(), "there is no section machine 1");
	buf_fini(&b);
}

static void every_truncation_is_refused(void **state)
{
	struct buf b = sample();

	(void)state;
	for (size_t len = 0; len < b.len; len++) {
		assert_int_equal(parse(&b, len), -EBADMSG);
		assert_string_not_equal(err_text(), "");
	}
	assert_int_equal(parse(&b, b.len), 0);
	buf_fini(&b);
}

static void every_single_changed_byte_is_refused(void **state)
{
	static const uint8_t changes[] = { 0x01, 0x80, 0xff };
	struct buf b = sample();

	(void)state;
	for (size_t i = 0; i < b.len * ARRAY_SIZE(changes); i++) {
		uint8_t change = changes[i % ARRAY_SIZE(changes)];

		b.data[i / ARRAY_SIZE(changes)] ^= change;
		assert_int_equal(parse(&b, b.len), -EBADMSG);
		b.data[i / ARRAY_SIZE(changes)] ^= change;
	}
	assert_int_equal(parse(&b, b.len), 0);
	buf_fini(&b);
}

static void another_kind_of_file_is_refused(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_printf(&b, "#!/bin/sh\n");
	assert_refused(&b, "F: not the state of a snapshot; give the file that "
			   "`muster ctl snapshot --state` wrote");
	buf_fini(&b);
}

static void another_format_version_is_refused(void **state)
{
	struct buf b = sample();

	(void)state;
	b.data[8] = 2;
	seal_header(&b);
	assert_refused(&b, "F: format version 2; this muster reads version 1");
	buf_fini(&b);
}

static void another_architecture_is_refused(void **state)
{
	struct buf b = sample();

	(void)state;
	memcpy(b.data + AT_ARCH, "pdp11\0", 7);
	seal_header(&b);
	assert_refused(&b,
		"F: a snapshot of a machine with pdp11 processors; this host "
		"has x86_64");
	buf_fini(&b);
}

static void an_unknown_section_is_refused(void **state)
{
	struct buf b = sample();

	(void)state;
	memcpy(b.data + HEADER_BYTES, "floppy", 6);
	seal(&b, HEADER_BYTES);
	assert_refused(&b,
		"F: offset 40: section floppy 0 is not known to this muster; "
		"use the one that wrote the file, or a newer one");
	buf_fini(&b);
}

static void an_instance_that_cannot_be_is_refused(void **state)
{
	struct buf b = sample();

	(void)state;
	b.data[HEADER_BYTES + 16] = 1; /* config 1 */
	seal(&b, HEADER_BYTES);
	assert_int_equal(parse(&b, b.len), -EBADMSG);
	assert_non_null(strstr(err_text(), "section config 1 is not known"));
	buf_fini(&b);
}

static void a_section_that_is_there_twice_is_refused(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	snapshot_file_begin(&b);
	snapshot_file_add(&b, "rng", 2, 1, NULL, 0);
	snapshot_file_add(&b, "rng", 2, 1, NULL, 0);
	snapshot_file_end(&b);
	assert_refused(&b, "F: offset 80: section rng 2 is there twice");
	buf_fini(&b);
}

static void a_length_past_the_end_is_refused(void **state)
{
	struct buf b = sample();

	(void)state;
	memset(b.data + HEADER_BYTES + AT_LENGTH, 0xff, 8);
	assert_refused(&b,
		"F: offset 40: section config 0 is cut short; the file is "
		"damaged");
	buf_fini(&b);
}

/* Each section on its own is whole. */
static void a_section_that_is_missing_is_noticed(void **state)
{
	struct buf b = sample(), less = BUF_INIT;
	const size_t vcpu = HEADER_BYTES + SECTION_BYTES + 3;

	(void)state;
	buf_append(&less, b.data, vcpu);
	buf_append(&less, b.data + vcpu + SECTION_BYTES,
		b.len - vcpu - SECTION_BYTES);
	assert_int_equal(parse(&less, less.len), -EBADMSG);
	assert_non_null(
		strstr(err_text(), "the checksum of the file is wrong"));
	buf_fini(&b);
	buf_fini(&less);
}

static void bytes_behind_the_end_are_refused(void **state)
{
	struct buf b = sample();

	(void)state;
	buf_u8(&b, 0);
	assert_int_equal(parse(&b, b.len), -EBADMSG);
	assert_non_null(strstr(err_text(), "something behind the end"));
	buf_fini(&b);
}

static void a_buffer_that_failed_stays_failed(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	snapshot_file_begin(&b);
	buf_fill(&b, 0, BUF_MAX_BYTES);
	snapshot_file_add(&b, "config", 0, 1, "abc", 3);
	snapshot_file_end(&b);
	assert_true(b.failed);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_are_found_by_name_and_instance),
		cmocka_unit_test(a_section_loads_by_its_table),
		cmocka_unit_test(a_section_that_does_not_load_is_named),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_single_changed_byte_is_refused),
		cmocka_unit_test(another_kind_of_file_is_refused),
		cmocka_unit_test(another_format_version_is_refused),
		cmocka_unit_test(another_architecture_is_refused),
		cmocka_unit_test(an_unknown_section_is_refused),
		cmocka_unit_test(an_instance_that_cannot_be_is_refused),
		cmocka_unit_test(a_section_that_is_there_twice_is_refused),
		cmocka_unit_test(a_length_past_the_end_is_refused),
		cmocka_unit_test(a_section_that_is_missing_is_noticed),
		cmocka_unit_test(bytes_behind_the_end_are_refused),
		cmocka_unit_test(a_buffer_that_failed_stays_failed),
	};

	return cmocka_run_group_tests_name("snapshot_file", tests, NULL, NULL);
}
