/* SPDX-License-Identifier: Apache-2.0 */
/* pause_told.c - what listeners hear of a machine that is held and released */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "tests/unit/livevm.h"
#include "vmm/events.h"

static struct livevm live;

/* The names, each with a member's value, of what was told: "state=Running;". */
static struct {
	struct event_listener listener;
	char told[512];
} ear;

static void hear(struct event_listener *listener, const char *line, size_t len)
{
	json_t *event = json_loadb(line, len, 0, NULL);
	const char *name = json_string_value(json_object_get(event, "event"));
	const char *key = strcmp(name, "state") ? "by" : "state";
	size_t n = strlen(ear.told);

	(void)listener;
	snprintf(ear.told + n, sizeof(ear.told) - n, "%s=%s;", name,
		json_string_value(json_object_get(event, key)));
	if (!strcmp(name, "paused")) {
		assert_true(json_is_integer(json_object_get(event, "idle_ns")));
		assert_true(
			json_is_integer(json_object_get(event, "parked_ns")));
	}
	if (!strcmp(name, "resumed"))
		assert_true(json_is_integer(json_object_get(event, "held_ns")));
	json_decref(event);
}

static void expect(const char *told)
{
	assert_string_equal(ear.told, told);
	ear.told[0] = '\0';
}

static int setup(void **state)
{
	(void)state;
	livevm_build(&live, "counters", 1, "cpus=1", NULL);
	ear.told[0] = '\0';
	ear.listener.hear = hear;
	events_listen(&live.control->events, &ear.listener);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	livevm_end(&live);
	return 0;
}

static void hold(enum pause_owner owner)
{
	assert_int_equal(
		pause_hold(&live.vm->pause, owner, PAUSE_DEADLINE_NS), 0);
}

static void release(enum pause_owner owner)
{
	assert_int_equal(pause_release(&live.vm->pause, owner), 0);
}

static void a_machine_that_starts_runs(void **state)
{
	(void)state;
	expect("");
	assert_int_equal(vm_start(live.vm), 0);
	expect("state=Running;");
}

static void each_change_is_told_with_who_made_it(void **state)
{
	(void)state;
	assert_int_equal(vm_start(live.vm), 0);
	expect("state=Running;");
	hold(PAUSE_USER);
	expect("paused=user;state=Paused;");
	release(PAUSE_USER);
	expect("resumed=user;state=Running;");
}

static void only_the_first_hold_and_the_last_release_are_told(void **state)
{
	(void)state;
	assert_int_equal(vm_start(live.vm), 0);
	hold(PAUSE_MICROCODE);
	expect("state=Running;paused=microcode;state=Paused;");
	hold(PAUSE_MICROCODE);
	hold(PAUSE_SNAPSHOT);
	release(PAUSE_MICROCODE);
	release(PAUSE_USER);
	expect("");
	release(PAUSE_SNAPSHOT);
	expect("resumed=snapshot;state=Running;");
}

static void one_that_starts_held_is_paused(void **state)
{
	(void)state;
	hold(PAUSE_USER);
	assert_int_equal(vm_start(live.vm), 0);
	expect("state=Paused;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_machine_that_starts_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(
			each_change_is_told_with_who_made_it, setup, teardown),
		cmocka_unit_test_setup_teardown(
			only_the_first_hold_and_the_last_release_are_told,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			one_that_starts_held_is_paused, setup, teardown),
	};

	if (!livevm_available())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
