/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - where lines go, what they look like, and which are dropped */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <unistd.h>

#include "vmm/base/log.h"

#define STAMP \
	"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{9} "

/* What was logged since the last look: the other end of a pipe. */
struct rig {
	int read_fd;
	char got[4096];
};

static struct rig rig;

static void log_to(struct log_sink sink)
{
	int fd[2];

	assert_int_equal(pipe2(fd, O_NONBLOCK | O_CLOEXEC), 0);
	rig.read_fd = fd[0];
	sink.fd = fd[1];
	log_set_sink(&sink);
}

static const char *got(void)
{
	ssize_t n = read(rig.read_fd, rig.got, sizeof(rig.got) - 1);

	rig.got[MAX(n, 0)] = '\0';
	return rig.got;
}

static int tear_down(void **state)
{
	(void)state;
	log_set_sink(&(struct log_sink){ .fd = -1 });
	log_set_level(LOG_WARN);
	close(rig.read_fd);
	return 0;
}

static void expect(const char *pattern)
{
	regex_t regex;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	if (regexec(&regex, got(), 0, NULL, 0))
		fail_msg("%s is not %s", rig.got, pattern);
	regfree(&regex);
}

static uint64_t lost(void)
{
	return metric_get(&log_metrics.metrics[0]);
}

static void a_line_in_a_file_has_time_instance_and_thread(void **state)
{
	(void)state;
	log_to((struct log_sink){ .id = "vm-1" });
	log_warn("disk %d", 7);
	expect(STAMP "\\[vm-1:[^:]+\\] disk 7\n$");
}

static void a_line_in_a_file_has_level_and_origin_if_asked(void **state)
{
	(void)state;
	log_to((struct log_sink){ .id = "x", .level = true });
	log_error("one");
	expect("\\[x:[^:]+:ERROR\\] one\n$");
	close(rig.read_fd);
	log_to((struct log_sink){ .id = "x", .level = true, .origin = true });
	log_warn("two");
	expect("\\[x:[^:]+:WARN:tests/unit/log\\.c:[0-9]+\\] two\n$");
}

static void only_sources_of_the_module_are_heard(void **state)
{
	(void)state;
	log_to((struct log_sink){ .module = "vmm/api" });
	log_warn("here");
	assert_string_equal(got(), "");
	log_write(LOG_WARN, "vmm/api/conn.c", 1, "there");
	expect("there\n$");
}

static void levels_can_be_off_and_change_at_any_time(void **state)
{
	(void)state;
	log_to((struct log_sink){ 0 });
	log_set_level(LOG_OFF);
	log_error("nothing");
	assert_string_equal(got(), "");
	log_set_level(LOG_DEBUG);
	log_debug("something");
	expect("something\n$");
}

static void a_full_pipe_drops_lines_and_counts_them(void **state)
{
	uint64_t before = lost();
	unsigned written = 0;

	(void)state;
	log_to((struct log_sink){ 0 });
	while (lost() == before && written++ < 100000)
		log_warn("a line of some length that nobody reads");
	assert_in_range(written, 100, 99999);
	while (*got())
		;
	log_warn("room again");
	expect(" room again\n$");
	assert_int_equal(lost(), before + 1);
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
	char wide[4000];

	(void)state;
	memset(wide, 'x', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	log_to((struct log_sink){ 0 });
	log_warn("%s", wide);
	assert_in_range(strlen(got()), 1000, 1024);
	assert_int_equal(rig.got[strlen(rig.got) - 1], '\n');
}

static void what_is_said_to_people_is_in_the_file_too(void **state)
{
	(void)state;
	log_to((struct log_sink){ 0 });
	log_set_level(LOG_INFO);
	log_say("the VM has %s", "ended");
	expect("\\] the VM has ended\n$");
}

static void a_site_that_says_too_much_is_counted(void **state)
{
	uint64_t before = metric_get(&log_metrics.metrics[1]);

	(void)state;
	log_to((struct log_sink){ 0 });
	for (int i = 0; i < 30; i++)
		log_limited(LOG_WARN, "again");
	assert_true(metric_get(&log_metrics.metrics[1]) >= before + 19);
}

#define LOGS(test) cmocka_unit_test_teardown(test, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOGS(a_line_in_a_file_has_time_instance_and_thread),
		LOGS(a_line_in_a_file_has_level_and_origin_if_asked),
		LOGS(only_sources_of_the_module_are_heard),
		LOGS(levels_can_be_off_and_change_at_any_time),
		LOGS(a_full_pipe_drops_lines_and_counts_them),
		LOGS(a_long_line_is_cut_and_still_ends),
		LOGS(what_is_said_to_people_is_in_the_file_too),
		LOGS(a_site_that_says_too_much_is_counted),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
