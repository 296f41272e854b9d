/* SPDX-License-Identifier: Apache-2.0 */
/* rates.c - rates as they are typed, as clients of the API give them, and back */
#include "tests/unit/unit.h"

#include <errno.h>

#include "vmm/api/bodies.h"
#include "vmm/base/err.h"
#include "vmm/config_json.h"

static void a_rate_is_read_and_printed(void **state)
{
	static const struct {
		const char *text, *printed;
		struct rate rate;
	} cases[] = {
		{ "100", "100/1s", { 100, 1000, 0 } },
		{ "64K", "64K/1s", { 64 * KIB, 1000, 0 } },
		{ "1M/500ms", "1M/500ms", { MIB, 500, 0 } },
		{ "1500/2m", "1500/2m", { 1500, 120000, 0 } },
		{ "10M+2G", "10M/1s+2G", { 10 * MIB, 1000, 2 * GIB } },
		{ "10M/1h+7", "10M/1h+7", { 10 * MIB, 3600000, 7 } },
		{ "1048576T/8760h", "1048576T/8760h",
			{ RATE_SIZE_MAX, RATE_REFILL_MS_MAX, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf out = BUF_INIT;
		struct rate rate;

		assert_int_equal(config_parse_rate(cases[i].text, &rate), 0);
		assert_memory_equal(&rate, &cases[i].rate, sizeof(rate));
		config_put_rate(&rate, &out);
		buf_u8(&out, '\0');
		assert_string_equal((char *)out.data, cases[i].printed);
		buf_fini(&out);
	}
}

static void what_is_no_rate_is_refused(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{ "", -EINVAL },
		{ "x", -EINVAL },
		{ "-1", -EINVAL },
		{ "1/", -EINVAL },
		{ "1/5", -EINVAL },
		{ "1+", -EINVAL },
		{ "1+1/1s", -EINVAL },
		{ "1/1s+1+1", -EINVAL },
		{ "1M /1s", -EINVAL },
		{ "0", -ERANGE },
		{ "1/0ms", -ERANGE },
		{ "1/1s+0", -ERANGE },
		{ "1048577T", -ERANGE },
		{ "1/8761h", -ERANGE },
		{ "111111111111111111111111111111111111111111111111111111111"
		  "111111111111111111111111",
			-EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rate rate = { 7, 7, 7 };

		assert_int_equal(
			config_parse_rate(cases[i].text, &rate), cases[i].rc);
		assert_int_equal(rate.size, 7);
	}
}

static void a_disk_and_the_rng_have_rates(void **state)
{
	char *const argv[] = { "--kernel=k",
		"--disk=path=a,bandwidth=10M/100ms+1G,ops=50", "--rng",
		"--rng-ops=5/1m" };
	static const char printed[] = "path=a,readonly=off,direct=off,"
				      "bandwidth=10M/100ms+1G,ops=50/1s";
	struct vm_config config;
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(vm_config_parse(ARRAY_SIZE(argv), argv, &config), 0);
	assert_int_equal(config.disk[0].limits.bandwidth.size, 10 * MIB);
	assert_int_equal(config.disk[0].limits.bandwidth.burst, GIB);
	assert_int_equal(config.disk[0].limits.ops.refill_ms, 1000);
	assert_int_equal(config.rng_limits.ops.refill_ms, 60000);
	config_print_args(&vm_machine_object, &config, &out);
	assert_non_null(memmem(out.data, out.len, printed, sizeof(printed)));
	assert_non_null(memmem(out.data, out.len, "--rng-ops=5/1m", 15));
	assert_null(memmem(out.data, out.len, "--rng-bandwidth", 15));
	buf_fini(&out);
	vm_config_fini(&config);
}

static void a_wrong_rate_is_explained(void **state)
{
	char *const wrong[] = { "--kernel=k", "--disk=path=a,ops=fast" };
	char *const alone[] = { "--kernel=k", "--rng-ops=5" };
	struct vm_config config;

	(void)state;
	assert_int_equal(vm_config_parse(2, wrong, &config), -EINVAL);
	assert_string_equal(err_text(),
		"--disk ops=fast: not a rate; give an amount, and perhaps "
		"/TIME and +BURST: 100M, 100M/500ms, 100M/1s+2G");
	assert_int_equal(vm_config_parse(2, alone, &config), -EINVAL);
	assert_non_null(strstr(err_text(), "add --rng"));
}

/* ---- clients ---- */

static struct entropy_body body;

static int read_body(const char *text)
{
	body = (struct entropy_body){ 0 };
	err_clear();
	return config_parse_json(
		&entropy_body_object, text, strlen(text), &body);
}

static void assert_told(const char *want)
{
	json_t *root = config_to_json(&entropy_body_object, &body);
	char *text = json_dumps(root, JSON_COMPACT);

	assert_string_equal(text, want);
	free(text);
	json_decref(root);
}

static void a_limiter_is_told_as_it_was_given(void **state)
{
	struct limits limits;

	(void)state;
	assert_int_equal(read_body("{}"), 0);
	assert_told("{\"rate_limiter\":null}");
	assert_int_equal(read_body("{\"rate_limiter\": {\"ops\": {\"size\": 5, "
				   "\"refill_time\": 100}}}"),
		0);
	assert_told("{\"rate_limiter\":{\"bandwidth\":null,\"ops\":{\"size\":5,"
		    "\"refill_time\":100,\"one_time_burst\":0}}}");
	limits = limits_of_body(&body.limiter);
	assert_int_equal(limits.ops.size, 5);
	assert_false(rate_limits(&limits.bandwidth));
	body.limiter = limits_to_body(&limits);
	assert_told("{\"rate_limiter\":{\"bandwidth\":null,\"ops\":{\"size\":5,"
		    "\"refill_time\":100,\"one_time_burst\":0}}}");
}

static void a_limiter_may_be_switched_off_by_zeros(void **state)
{
	struct limits limits;

	(void)state;
	assert_int_equal(read_body("{\"rate_limiter\": {\"bandwidth\": "
				   "{\"size\": 0, \"refill_time\": 0}}}"),
		0);
	limits = limits_of_body(&body.limiter);
	assert_false(rate_limits(&limits.bandwidth));
	assert_false(limits_to_body(&limits).given);
}

static void a_bad_limiter_is_refused_by_its_path(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "{\"rate_limiter\": 1}", "rate_limiter: has another type" },
		{ "{\"rate_limiter\": {\"x\": 1}}",
			"rate_limiter: x: unknown" },
		{ "{\"rate_limiter\": {\"ops\": {}}}",
			"rate_limiter: ops: size: missing" },
		{ "{\"rate_limiter\": {\"ops\": {\"size\": 1.5}}}",
			"ops: size: has another type; give a number" },
		{ "{\"rate_limiter\": {\"ops\": {\"size\": 1,"
		  " \"refill_time\": 31536000001}}}",
			"refill_time 31536000001: out of range" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_not_equal(read_body(cases[i].text), 0);
		if (!strstr(err_text(), cases[i].says))
			fail_msg("%s", err_text());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_is_read_and_printed),
		cmocka_unit_test(what_is_no_rate_is_refused),
		cmocka_unit_test(a_disk_and_the_rng_have_rates),
		cmocka_unit_test(a_wrong_rate_is_explained),
		cmocka_unit_test(a_limiter_is_told_as_it_was_given),
		cmocka_unit_test(a_limiter_may_be_switched_off_by_zeros),
		cmocka_unit_test(a_bad_limiter_is_refused_by_its_path),
	};

	return cmocka_run_group_tests_name("rates", tests, NULL, NULL);
}
