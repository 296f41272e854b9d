/* SPDX-License-Identifier: Apache-2.0 */
/* words.c - sentences in the words of who reads them */
#include "tests/unit/unit.h"

#include <errno.h>

#include "vmm/api/words.h"
#include "vmm/base/err.h"

static void says(
	const char *sentence, const struct word *words, const char *wanted)
{
	err_set(-EINVAL, "%s", sentence);
	assert_int_equal(words_for_clients(-EINVAL, words), -EINVAL);
	assert_string_equal(err_text(), wanted);
}

static void options_become_fields_wherever_they_stand(void **state)
{
	(void)state;
	says("--kernel /k: no such file", words_of_boot,
		"kernel_image_path /k: no such file");
	says("--initrd /i: no room; raise --memory", words_of_boot,
		"initrd_path /i: no room; raise mem_size_mib");
	says("--cpus: KVM cannot", words_of_boot, "vcpu_count: KVM cannot");
	says("--disk path=/d: in use", words_of_boot,
		"path_on_host /d: in use");
	says("--disk path=/d: in use; or give `x` and readonly=on in both",
		words_of_boot,
		"path_on_host /d: in use; or give `x` and is_read_only in "
		"both");
	says("--disk: no memory", words_of_boot, "drives: no memory");
	says("--memory-handler /h: gone", words_of_load,
		"backend_path /h: gone");
	says("--state /s: bad; not --memory", words_of_load,
		"snapshot_path /s: bad; not mem_backend");
}

static void the_cpu_is_named_by_what_was_sent(void **state)
{
	(void)state;
	says("--cpu T2: an AMD host", words_of_boot,
		"cpu_template T2: an AMD host");
	says("--cpu cpu-config: bit 3", words_of_boot, "cpu-config: bit 3");
	says("--cpu host: lacks", words_of_boot, "the host's CPU: lacks");
}

static void what_only_looks_like_an_option_stays(void **state)
{
	static const char *const same[] = { "/a--kernel: x", "--kernels: x",
		"--cpu-x: y", "--diskless: z", "no option at all", "--",
		"give what `muster run --kernel` takes" };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(same); i++)
		says(same[i], words_of_boot, same[i]);
}

static void success_and_silence_stay(void **state)
{
	(void)state;
	err_clear();
	assert_int_equal(words_for_clients(0, words_of_boot), 0);
	assert_int_equal(words_for_clients(-ENOENT, words_of_boot), -ENOENT);
	assert_string_equal(err_text(), "");
}

static void fields_become_options_again(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	words_for_options("mem_file_path /m: the same as snapshot_path; "
			  "snapshot_type Diff: no",
		words_of_snapshot, &out);
	buf_u8(&out, '\0');
	assert_string_equal((char *)out.data,
		"--memory /m: the same as --state; --diff: no");
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_become_fields_wherever_they_stand),
		cmocka_unit_test(the_cpu_is_named_by_what_was_sent),
		cmocka_unit_test(what_only_looks_like_an_option_stays),
		cmocka_unit_test(success_and_silence_stay),
		cmocka_unit_test(fields_become_options_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
