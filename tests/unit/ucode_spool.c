/* SPDX-License-Identifier: Apache-2.0 */
/* ucode_spool.c - what guests hand over becomes files, and is told */
#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/ucodekit.h"
#include "vmm/base/err.h"
#include "vmm/ucode_spool.h"

struct spool {
	char path[64];
	struct buf image;
	struct ucode_handover update;
	struct events events;
	struct event_listener ear;
	char heard[512];
};

static struct spool spool;

static void hear(struct event_listener *ear, const char *line, size_t len)
{
	(void)ear;
	assert_true(len < sizeof(spool.heard));
	memcpy(spool.heard, line, len);
	spool.heard[len] = '\0';
}

static int setup(void **state)
{
	(void)state;
	spool = (struct spool){ .path = "/tmp/muster-spool-XXXXXX" };
	kit_put_intel(&spool.image, &(struct kit_intel){ .revision = 0x2b000661,
					    .signature = 0x806f8 });
	spool.update = (struct ucode_handover){
		.id = { .signature = 0x806f8, .platforms = 1 },
		.vcpu = 1,
		.data = spool.image.data,
		.size_bytes = spool.image.len,
	};
	spool.ear.hear = hear;
	events_listen(&spool.events, &spool.ear);
	return mkdtemp(spool.path) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	buf_fini(&spool.image);
	snprintf(command, sizeof(command), "rm -rf %s", spool.path);
	return system(command);
}

static const char *in(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", spool.path, name);
	return path;
}

static int put(const char *directory)
{
	err_clear();
	return ucode_spool_put(directory, &spool.update, &spool.events);
}

static void assert_heard(const char *what)
{
	if (!strstr(spool.heard, what))
		fail_msg("\"%s\" does not say \"%s\"", spool.heard, what);
}

static void a_file_is_named_by_cpu_and_revision(void **state)
{
	uint8_t got[2 * KIT_INTEL_BYTES];
	FILE *f;

	(void)state;
	assert_int_equal(put(spool.path), 0);
	f = fopen(in("000806f8_2b000661.ucode"), "re");
	assert_non_null(f);
	assert_int_equal(fread(got, 1, sizeof(got), f), spool.image.len);
	assert_memory_equal(got, spool.image.data, spool.image.len);
	fclose(f);
	assert_heard("\"event\":\"microcode_staged\",\"vcpu\":1,\"path\":");
	assert_heard("000806f8_2b000661.ucode\",\"revision\":721421921}");
}

static void a_full_spool_takes_no_more(void **state)
{
	char name[32];

	(void)state;
	for (unsigned i = 0; i < UCODE_SPOOL_MAX; i++) {
		snprintf(name, sizeof(name), "%u.ucode", i);
		fclose(fopen(in(name), "we"));
	}
	assert_int_equal(put(spool.path), -ENOSPC);
	assert_heard("has 64 updates that nobody took");
	assert_int_equal(access(in("000806f8_2b000661.ucode"), F_OK), -1);
	assert_int_equal(unlink(in("0.ucode")), 0);
	assert_int_equal(put(spool.path), 0);
}

static void what_cannot_be_written_is_told(void **state)
{
	(void)state;
	assert_int_equal(put(in("none")), -ENOENT);
	assert_heard("\"vcpu\":1,\"error\":\"the spool ");
	assert_int_equal(mkdir(in("000806f8_2b000661.ucode"), 0700), 0);
	assert_true(put(spool.path) < 0);
	assert_heard("000806f8_2b000661.ucode");
}

/* A directory's name is any bytes; the event has its members all the same. */
static void a_name_that_is_no_text_is_told(void **state)
{
	char folder[128];

	(void)state;
	snprintf(folder, sizeof(folder), "%s", in("\xff"));
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(put(folder), 0);
	assert_heard("/?/000806f8_2b000661.ucode");
}

static void a_spool_is_a_directory(void **state)
{
	(void)state;
	assert_int_equal(ucode_spool_check("--spool", spool.path), 0);
	fclose(fopen(in("file"), "we"));
	assert_int_equal(ucode_spool_check("--spool", in("file")), -ENOTDIR);
	assert_non_null(strstr(err_text(), "--spool "));
	assert_int_equal(ucode_spool_check("--spool", in("none")), -ENOENT);
	assert_non_null(strstr(err_text(), "give a directory that exists"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_named_by_cpu_and_revision),
		TEST(a_full_spool_takes_no_more),
		TEST(what_cannot_be_written_is_told),
		TEST(a_name_that_is_no_text_is_told),
		TEST(a_spool_is_a_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
