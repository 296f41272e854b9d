/* SPDX-License-Identifier: Apache-2.0 */
/* base.c - errors, buffers, CRC, rate limit, metrics */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vmm/base/buf.h"
#include "vmm/base/crc.h"
#include "vmm/base/err.h"
#include "vmm/base/log.h"
#include "vmm/base/metrics.h"
#include "vmm/base/ratelimit.h"
#include "vmm/base/thread.h"

static void err_wrap_puts_the_outer_words_first(void **state)
{
	(void)state;
	assert_int_equal(
		err_set(-EINVAL, "cpus: %d is too many", 999), -EINVAL);
	assert_int_equal(err_wrap(-EINVAL, "machine %s", "a"), -EINVAL);
	assert_string_equal(err_text(), "machine a: cpus: 999 is too many");
}

static void err_wrap_without_a_sentence_uses_the_errno(void **state)
{
	(void)state;
	err_clear();
	err_wrap(-ENOENT, "kernel");
	assert_string_equal(err_text(), "kernel: No such file or directory");
}

static void a_sentence_gives_a_terminal_no_orders(void **state)
{
	(void)state;
	err_set(-EINVAL, "%s: absent", "disk\n\033[2J");
	assert_string_equal(err_text(), "disk??[2J: absent");
	err_wrap(-EINVAL, "%s", "\177vm");
	assert_string_equal(err_text(), "?vm: disk??[2J: absent");
}

static void err_text_is_cut_not_overrun(void **state)
{
	char wide[2 * ERR_TEXT_MAX];

	(void)state;
	memset(wide, 'x', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	err_set(-EINVAL, "%s", wide);
	err_wrap(-EINVAL, "%s", wide);
	assert_int_equal(strlen(err_text()), ERR_TEXT_MAX - 1);
}

static void buf_appends_little_endian(void **state)
{
	static const uint8_t want[] = { 1, 3, 2, 7, 6, 5, 4, 'h', '1' };
	struct buf b = BUF_INIT;

	(void)state;
	buf_u8(&b, 1);
	buf_u16(&b, 0x0203);
	buf_u32(&b, 0x04050607);
	buf_printf(&b, "h%d", 1);
	assert_false(b.failed);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.data, want, sizeof(want));
	buf_fini(&b);
}

static void buf_fails_once_and_keeps_what_it_has(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_u8(&b, 9);
	buf_fill(&b, 0, BUF_MAX_BYTES);
	assert_true(b.failed);
	buf_u8(&b, 10);
	assert_int_equal(b.len, 1);
	buf_fini(&b);
}

static void buf_patch_stays_inside(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_u32(&b, 0);
	buf_patch(&b, 2, "zz", 2);
	assert_memory_equal(b.data, "\0\0zz", 4);
	assert_false(b.failed);
	buf_patch(&b, 3, "zz", 2);
	assert_true(b.failed);
	buf_fini(&b);
}

static void crc64_matches_the_published_check_value(void **state)
{
	(void)state;
	assert_true(crc64(0, "123456789", 9) == 0x995dc9bbdf1939faull);
	assert_true(crc64(crc64(0, "1234", 4), "56789", 5) ==
		    crc64(0, "123456789", 9));
}

static void a_log_that_nobody_reads_stops_nobody(void **state)
{
	static const char page[4096];
	int keep = dup(STDERR_FILENO);
	int ends[2], before, after;

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	while (write(ends[1], page, sizeof(page)) > 0)
		;
	assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
	assert_int_equal(ioctl(ends[0], FIONREAD, &before), 0);
	dup2(ends[1], STDERR_FILENO);
	alarm(10);
	log_warn("nobody reads this");
	alarm(0);
	dup2(keep, STDERR_FILENO);
	assert_int_equal(ioctl(ends[0], FIONREAD, &after), 0);
	assert_int_equal(after, before);
	close(ends[0]);
	close(ends[1]);
	close(keep);
}

static void ratelimit_lets_a_burst_through_and_counts_the_rest(void **state)
{
	struct ratelimit limit = RATELIMIT_INIT(3, 3600 * 1000);
	uint64_t lost = 0;

	(void)state;
	limit.last_ms = now_ns() / 1000000;
	for (int i = 0; i < 3; i++)
		assert_true(ratelimit_pass(&limit, &lost));
	for (int i = 0; i < 5; i++)
		assert_false(ratelimit_pass(&limit, &lost));
	limit.last_ms -= 3600 * 1000;
	assert_true(ratelimit_pass(&limit, &lost));
	assert_int_equal(lost, 5);
}

static void metrics_print_as_one_json_object(void **state)
{
	struct metric m[] = { { "reads", "", 3 }, { "writes", "", 0 } };
	const struct metric_group group = {
		.name = "blk", .metrics = m, .count = 2
	};
	const struct metric_group *const groups[] = { &group };
	struct buf b = BUF_INIT;

	(void)state;
	metric_add(&m[1], 4);
	metrics_print_json(&b, groups, 1);
	buf_u8(&b, 0);
	assert_string_equal((char *)b.data,
		"{\"version\":1,\"blk\":{\"reads\":3,\"writes\":4}}\n");
	buf_fini(&b);
}

static void metrics_print_as_prometheus_reads_them(void **state)
{
	struct metric m[] = { { "reads", "read requests", 3 } };
	struct histogram h = { .name = "took_ns", .help = "how long" };
	struct metric_group group = { .name = "blk", .metrics = m, .count = 1 };
	struct buf b = BUF_INIT;

	(void)state;
	metrics_print_text(&b, &group);
	group.gauges = true;
	metrics_print_text(&b, &group);
	buf_u8(&b, 0);
	assert_string_equal((char *)b.data,
		"# HELP muster_blk_reads_total read requests\n"
		"# TYPE muster_blk_reads_total counter\n"
		"muster_blk_reads_total 3\n"
		"# HELP muster_blk_reads read requests\n"
		"# TYPE muster_blk_reads gauge\n"
		"muster_blk_reads 3\n");
	buf_fini(&b);

	histogram_add(&h, 0);
	histogram_add(&h, 5);
	histogram_add(&h, UINT64_MAX / 2);
	group = (struct metric_group){
		.name = "blk", .histograms = &h, .histogram_count = 1
	};
	metrics_print_text(&b, &group);
	buf_u8(&b, 0);
	assert_non_null(strstr((char *)b.data, "_bucket{le=\"0\"} 1\n"));
	assert_non_null(strstr((char *)b.data, "_bucket{le=\"3\"} 1\n"));
	assert_non_null(strstr((char *)b.data, "_bucket{le=\"7\"} 2\n"));
	assert_non_null(strstr((char *)b.data, "_bucket{le=\"+Inf\"} 3\n"));
	assert_non_null(strstr((char *)b.data, "muster_blk_took_ns_count 3\n"));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_wrap_puts_the_outer_words_first),
		cmocka_unit_test(err_wrap_without_a_sentence_uses_the_errno),
		cmocka_unit_test(a_sentence_gives_a_terminal_no_orders),
		cmocka_unit_test(err_text_is_cut_not_overrun),
		cmocka_unit_test(buf_appends_little_endian),
		cmocka_unit_test(buf_fails_once_and_keeps_what_it_has),
		cmocka_unit_test(buf_patch_stays_inside),
		cmocka_unit_test(crc64_matches_the_published_check_value),
		cmocka_unit_test(a_log_that_nobody_reads_stops_nobody),
		cmocka_unit_test(
			ratelimit_lets_a_burst_through_and_counts_the_rest),
		cmocka_unit_test(metrics_print_as_one_json_object),
		cmocka_unit_test(metrics_print_as_prometheus_reads_them),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
