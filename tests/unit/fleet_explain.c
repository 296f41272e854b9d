/* SPDX-License-Identifier: Apache-2.0 */
/* fleet_explain.c - what a fleet loses, to whom and why, and what it would regain */
#include "tests/unit/unit.h"

#include <time.h>

#include "cpu/fleet.h"
#include "cpu/x86_64/closure.h"
#include "cpu/x86_64/rules.h"
#include "tests/unit/cpus.h"
#include "vmm/base/err.h"

#define HOSTS 3
#define MANY  1000

static struct profile profile[HOSTS];
static struct profile_group group[HOSTS];
static struct fleet_member host[HOSTS];
static struct template merged;
static struct fleet_losses losses;

static char *const host_names[] = { "ash", "birch", "cedar" };

/* Silicon that has all, under a KVM that offers all of it. */
static int setup(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HOSTS; i++) {
		group[i] = (struct profile_group){ .msrs_known = true,
			.microcode = 0x2b000603 };
		profile[i] = (struct profile){ .host = host_names[i],
			.kernel = "6.1.0",
			.group_count = 1,
			.groups = &group[i] };
		cpus_full(&group[i].silicon);
		cpus_full(&profile[i].kvm);
		cpu_set_put_msr(&group[i].silicon, 0x3a, 5);
		host[i] = (struct fleet_member){ .name = host_names[i],
			.cpu = &profile[i].kvm,
			.profile = &profile[i] };
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fleet_losses_free(&losses);
	return 0;
}

static void explain(const struct fleet_wishes *wishes)
{
	fleet_losses_free(&losses);
	if (fleet_merge(host, HOSTS, wishes, &merged) < 0 ||
		fleet_explain(host, HOSTS, wishes, &merged, &losses) < 0)
		fail_msg("%s", err_text());
}

static const struct fleet_loss *find_loss(const char *name)
{
	for (unsigned i = 0; i < losses.count; i++)
		if (!strcmp(losses.loss[i].feature->name, name))
			return &losses.loss[i];
	return NULL;
}

static const struct fleet_loss *loss_of(const char *name)
{
	const struct fleet_loss *loss = find_loss(name);

	if (!loss)
		fail_msg("%s is not among the losses", name);
	return loss;
}

static void expect_layer(const char *name, const char *layer)
{
	const struct fleet_loss *loss = loss_of(name);

	if (strcmp(loss->layer, layer))
		fail_msg("%s: %s, not %s", name, loss->layer, layer);
}

/* KVM's offer is coherent. */
static void lose(unsigned i, const char *name, bool silicon_too)
{
	cpus_put(&profile[i].kvm, name, 0);
	cpu_set_close(&profile[i].kvm);
	if (silicon_too)
		cpus_put(&group[i].silicon, name, 0);
}

static void set_param(unsigned i, char *name, char *value)
{
	profile[i].params[0] = (struct profile_param){ name, value };
	profile[i].param_count = 1;
}

/* ---- who ---- */

static void equal_hosts_lose_nothing(void **state)
{
	(void)state;
	explain(NULL);
	assert_int_equal(losses.count, 0);
}

static void a_loss_names_all_that_lack_it(void **state)
{
	const struct fleet_loss *loss;

	(void)state;
	lose(0, "rdseed", true);
	lose(2, "rdseed", true);
	explain(NULL);
	loss = loss_of("rdseed");
	assert_int_equal(loss->lacking_count, 2);
	assert_int_equal(loss->lacking[0], 0);
	assert_int_equal(loss->lacking[1], 2);
	assert_null(loss->because);
}

static void what_falls_with_another_names_it(void **state)
{
	const struct fleet_loss *loss;

	(void)state;
	lose(0, "vmx-page-walk-4", true);
	lose(1, "vmx-page-walk-5", true);
	explain(NULL);
	assert_int_equal(loss_of("vmx-page-walk-4")->lacking_count, 1);
	loss = loss_of("vmx-ept");
	assert_int_equal(loss->lacking_count, 0);
	assert_string_equal(loss->because->name, "vmx-page-walk-4");
	assert_string_equal(loss_of("vmx-pml")->because->name, "vmx-ept");
	assert_string_equal(loss->layer, "a dependency");
}

static void a_wish_is_its_own_layer(void **state)
{
	const char *const name = "vmx-eptad";
	const struct fleet_wishes wishes = { &name, 1, NULL, 0 };

	(void)state;
	explain(&wishes);
	expect_layer("vmx-eptad", "--without");
	assert_string_equal(loss_of("vmx-pml")->because->name, "vmx-eptad");
}

static void a_limit_is_lost_to_those_at_the_lowest(void **state)
{
	const struct fleet_loss *loss;

	(void)state;
	cpus_put(&profile[1].kvm, "phys_bits", 39);
	cpus_put(&profile[2].kvm, "phys_bits", 46);
	explain(NULL);
	loss = loss_of("phys_bits");
	assert_int_equal(loss->lacking_count, 1);
	assert_int_equal(loss->lacking[0], 1);
}

static void a_warning_and_a_duty_are_losses_too(void **state)
{
	(void)state;
	cpus_put(&profile[1].kvm, "rrsba", 1);
	cpus_put_duty(&profile[2].kvm, "vmx-hlt-exit");
	explain(NULL);
	assert_int_equal(loss_of("rrsba")->lacking[0], 1);
	assert_int_equal(loss_of("vmx-hlt-exit")->lacking[0], 2);
	assert_int_equal(losses.count, 2);
}

static void a_number_without_a_common_value_is_nobodys(void **state)
{
	(void)state;
	cpus_put(&profile[0].kvm, "brand_index", 1);
	cpus_put(&profile[1].kvm, "brand_index", 2);
	cpus_put(&profile[2].kvm, "brand_index", 2);
	explain(NULL);
	assert_int_equal(loss_of("brand_index")->lacking_count, 0);
	expect_layer("brand_index", "hosts differ");
}

/* ---- why ---- */

static void silicon_that_lacks_it_is_named(void **state)
{
	(void)state;
	lose(0, "avx512f", true);
	explain(NULL);
	expect_layer("avx512f", "silicon");
}

static void what_an_update_brings_is_the_microcodes(void **state)
{
	(void)state;
	lose(0, "spec_ctrl_ssbd", true);
	explain(NULL);
	expect_layer("spec_ctrl_ssbd", "microcode 0x2b000603");
}

static void firmware_that_locks_vmx_is_named(void **state)
{
	(void)state;
	lose(1, "vmx", false);
	cpu_set_put_msr(&group[1].silicon, 0x3a, 1);
	explain(NULL);
	expect_layer("vmx", "firmware lock");
	expect_layer("vmx-ept", "firmware lock");
}

static void a_module_parameter_is_named_also_for_what_hangs_on_it(void **state)
{
	(void)state;
	lose(1, "vmx-ept", false);
	set_param(1, "kvm_intel.ept", "N");
	explain(NULL);
	expect_layer("vmx-ept", "module parameter kvm_intel.ept=N");
	lose(1, "vmx-pml", false);
	explain(NULL);
	expect_layer("vmx-pml", "module parameter kvm_intel.ept=N");
	set_param(1, "kvm_intel.nested", "0");
	lose(1, "vmx", false);
	explain(NULL);
	expect_layer("vmx-store-lma", "module parameter kvm_intel.nested=0");
	expect_layer("vmx-ept-1gb", "module parameter kvm_intel.nested=0");
}

static void what_is_left_is_the_kernels(void **state)
{
	(void)state;
	lose(2, "vmx-mbec", false);
	set_param(2, "kvm_intel.ept", "Y");
	explain(NULL);
	expect_layer("vmx-mbec", "kernel 6.1.0");
}

/* The silicon of none has it; KVM offers it on birch, and not on ash. */
static void make_up_umip(char *kernel, uint32_t signature)
{
	setup(NULL);
	for (unsigned i = 0; i < HOSTS; i++)
		cpus_put(&group[i].silicon, "umip", 0);
	cpus_put(&group[1].silicon, "signature", signature);
	profile[1].kernel = kernel;
	profile[2].kernel = kernel;
	lose(0, "umip", false);
	explain(NULL);
	assert_int_equal(loss_of("umip")->lacking_count, 1);
}

static void what_kvm_makes_up_is_lost_to_the_other_kernel(void **state)
{
	(void)state;
	make_up_umip("6.12.0", 0xffffffff);
	expect_layer("umip", "kernel 6.1.0");
	make_up_umip("6.1.0", 0xffffffff);
	expect_layer("umip", "silicon");
	make_up_umip("6.12.0", 0x50654);
	lose(2, "umip", true);
	explain(NULL);
	assert_string_equal(
		loss_of("umip")->layers[0], "silicon or kernel 6.1.0");
}

static void unlike_layers_are_kept_apart(void **state)
{
	const struct fleet_loss *loss;

	(void)state;
	lose(0, "rdseed", true);
	lose(2, "rdseed", false);
	explain(NULL);
	loss = loss_of("rdseed");
	assert_string_equal(loss->layer, "several");
	assert_string_equal(loss->layers[0], "silicon");
	assert_string_equal(loss->layers[1], "kernel 6.1.0");
}

static void unknown_silicon_is_said_to_be_unknown(void **state)
{
	(void)state;
	group[0].msrs_known = false;
	lose(0, "vmx-mbec", false);
	explain(NULL);
	expect_layer("vmx-mbec", "silicon or kernel 6.1.0");
	host[0].profile = NULL;
	explain(NULL);
	expect_layer("vmx-mbec", "template");
}

/* ---- what would come back ---- */

static bool regains(const struct fleet_gain *gain, const char *name)
{
	for (unsigned i = 0; i < gain->count; i++)
		if (!strcmp(gain->field[i].feature->name, name))
			return true;
	return false;
}

static void without_a_host_comes_back_what_it_alone_lacks(void **state)
{
	struct fleet_gain gain[HOSTS];

	(void)state;
	lose(0, "avx2", true);
	lose(1, "avx2", true);
	lose(1, "rdseed", true);
	lose(2, "vmx-ept", false);
	explain(NULL);
	assert_int_equal(fleet_regain(host, HOSTS, NULL, &merged, gain), 0);
	assert_int_equal(gain[0].count, 0);
	assert_true(regains(&gain[1], "rdseed"));
	assert_false(regains(&gain[1], "avx2"));
	assert_true(regains(&gain[2], "vmx-ept"));
	assert_true(regains(&gain[2], "vmx-pml"));
	assert_false(regains(&gain[2], "rdseed"));
	fleet_gains_free(gain, HOSTS);
}

/* The short way agrees with the long one. */
static void regaining_is_merging_without_the_host(void **state)
{
	uint64_t seed = 0x6d7573746572;
	struct fleet_gain gain[HOSTS];

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		for (unsigned i = 0; i < HOSTS; i++)
			cpus_random(&profile[i].kvm, &seed);
		if (fleet_merge(host, HOSTS, NULL, &merged) < 0)
			continue;
		assert_int_equal(
			fleet_regain(host, HOSTS, NULL, &merged, gain), 0);
		for (unsigned i = 0; i < HOSTS; i++) {
			struct fleet_member rest[] = { host[(i + 1) % HOSTS],
				host[(i + 2) % HOSTS] };
			struct template t;

			if (fleet_merge(rest, 2, NULL, &t) < 0)
				continue;
			assert_int_equal(gain[i].count != 0,
				fleet_check(&merged.cpu, &t.cpu, NULL, 0) != 0);
		}
		fleet_gains_free(gain, HOSTS);
	}
}

/* ---- many ---- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double time_fleet(const struct fleet_member *many, unsigned count)
{
	struct fleet_gain *gain = calloc(count, sizeof(*gain));
	double begun = seconds();
	double took;

	assert_int_equal(fleet_merge(many, count, NULL, &merged), 0);
	took = seconds() - begun;
	assert_int_equal(fleet_explain(many, count, NULL, &merged, &losses), 0);
	assert_int_equal(fleet_regain(many, count, NULL, &merged, gain), 0);
	print_message("%u hosts: merged in %.0f ms, explained in %.0f ms\n",
		count, took * 1e3, (seconds() - begun - took) * 1e3);
	took = seconds() - begun;
	fleet_gains_free(gain, count);
	free(gain);
	fleet_losses_free(&losses);
	return took;
}

static void a_thousand_hosts_take_ten_times_a_hundred(void **state)
{
	struct fleet_member *many = calloc(MANY, sizeof(*many));
	double hundred, thousand;

	(void)state;
	lose(1, "avx512f", true);
	lose(2, "vmx-ept", true);
	for (unsigned i = 0; i < MANY; i++)
		many[i] = host[i % HOSTS];
	time_fleet(many, MANY / 10);
	hundred = time_fleet(many, MANY / 10);
	thousand = time_fleet(many, MANY);
	assert_true(thousand < 25 * hundred); /* a square would be 100 */
	free(many);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(equal_hosts_lose_nothing),
		TEST(a_loss_names_all_that_lack_it),
		TEST(what_falls_with_another_names_it),
		TEST(a_wish_is_its_own_layer),
		TEST(a_limit_is_lost_to_those_at_the_lowest),
		TEST(a_warning_and_a_duty_are_losses_too),
		TEST(a_number_without_a_common_value_is_nobodys),
		TEST(silicon_that_lacks_it_is_named),
		TEST(what_an_update_brings_is_the_microcodes),
		TEST(firmware_that_locks_vmx_is_named),
		TEST(a_module_parameter_is_named_also_for_what_hangs_on_it),
		TEST(what_is_left_is_the_kernels),
		TEST(what_kvm_makes_up_is_lost_to_the_other_kernel),
		TEST(unlike_layers_are_kept_apart),
		TEST(unknown_silicon_is_said_to_be_unknown),
		TEST(without_a_host_comes_back_what_it_alone_lacks),
		TEST(regaining_is_merging_without_the_host),
		TEST(a_thousand_hosts_take_ten_times_a_hundred),
	};

	return cmocka_run_group_tests_name("fleet_explain", tests, NULL, NULL);
}
