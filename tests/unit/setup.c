/* SPDX-License-Identifier: Apache-2.0 */
/* setup.c - the requests that configure a VM, up to the one that starts it */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cpu/cpu_state.h"
#include "vmm/api/routes.h"
#include "vmm/base/err.h"

struct instance {
	struct vm_status status;
	unsigned starts;
	struct vm_config config; /* of the last start */
	int rc;                  /* of the next start or change */
	char changed[64];        /* the drive that was, and its new file */
};

/* ---- an instance that only notes what it is started with ---- */

static void status(const struct instance *in, struct vm_status *ret)
{
	*ret = in->status;
}

static const struct vm_config *config_of(const struct instance *in)
{
	return in->status.state == VM_NOT_STARTED ? NULL : &in->config;
}

static int start(struct instance *in, struct vm_config *config)
{
	in->starts++;
	if (in->rc)
		return err_set(in->rc, "no KVM");
	vm_config_fini(&in->config);
	in->config = *config;
	*config = (struct vm_config){ 0 };
	in->status.state = VM_RUNNING;
	return 0;
}

static int change_drive(
	struct instance *in, const struct vm_drive_change *change)
{
	if (in->rc)
		return err_set(in->rc, "no such file");
	snprintf(in->changed, sizeof(in->changed), "%s to %s", change->id,
		change->path);
	return 0;
}

static const struct vm_ops ops = {
	.change_drive = change_drive,
	.status = status,
	.config = config_of,
	.start = start,
};

struct rig {
	struct instance in;
	struct api api;
	char dir[32];
	char file[48]; /* can be read and written */
	char got[2048];
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	FILE *file;

	assert_non_null(rig);
	strcpy(rig->dir, "/tmp/muster-unit-XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	snprintf(rig->file, sizeof(rig->file), "%s/file", rig->dir);
	file = fopen(rig->file, "w");
	assert_non_null(file);
	fclose(file);
	rig->api = (struct api){ .id = "x", .ops = &ops, .instance = &rig->in };
	assert_int_equal(draft_init(&rig->api.draft), 0);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	draft_fini(&rig->api.draft);
	vm_config_fini(&rig->in.config);
	unlink(rig->file);
	rmdir(rig->dir);
	free(rig);
	return 0;
}

/* `body` may hold one %s, the file. */
static unsigned ask(struct rig *rig, enum api_method method, const char *target,
	const char *body)
{
	struct http_message request = { .method = method };
	struct reply reply = REPLY_INIT;
	char text[1024] = "";

	if (body)
		snprintf(text, sizeof(text), body, rig->file);
	snprintf(request.target, sizeof(request.target), "%s", target);
	request.body = body ? text : NULL;
	request.body_bytes = strlen(text);
	routes_handle(&rig->api, &request, &reply);
	assert_false(reply.body.failed);
	snprintf(rig->got, sizeof(rig->got), "%.*s", (int)reply.body.len,
		reply.body.len ? (char *)reply.body.data : "");
	reply_fini(&reply);
	return reply.status;
}

static void put(struct rig *rig, const char *target, const char *body)
{
	if (ask(rig, API_PUT, target, body) != STATUS_NO_CONTENT)
		fail_msg("%s", rig->got);
}

static void refused(struct rig *rig, enum api_method method, const char *target,
	const char *body, const char *says)
{
	assert_int_equal(ask(rig, method, target, body), STATUS_BAD_REQUEST);
	if (!strstr(rig->got, says))
		fail_msg("%s", rig->got);
}

#define KERNEL "{\"kernel_image_path\": \"%s\"}"
#define START  "{\"action_type\": \"InstanceStart\"}"
#define DRIVE(id, root)                                               \
	"{\"drive_id\": \"" id "\", \"path_on_host\": \"/dev/null\"," \
	" \"is_root_device\": " root "}"

static const struct vm_config *started(struct rig *rig)
{
	put(rig, "/actions", START);
	assert_int_equal(rig->in.starts, 1);
	return &rig->in.config;
}

/* ---- tests ---- */

static void starts_what_was_described(void **state)
{
	struct rig *rig = *state;
	const struct vm_config *config;

	put(rig, "/machine-config",
		"{\"vcpu_count\": 3, \"mem_size_mib\": 64}");
	put(rig, "/boot-source",
		"{\"kernel_image_path\": \"%s\", \"boot_args\": \"a b\"}");
	put(rig, "/entropy", "{}");
	config = started(rig);
	assert_int_equal(config->cpus, 3);
	assert_int_equal(config->memory_bytes, 64 * MIB);
	assert_string_equal(config->kernel, rig->file);
	assert_null(config->initrd);
	assert_string_equal(config->cmdline, "a b");
	assert_string_equal(config->cpu, "host");
	assert_true(config->rng);
	assert_null(config->restore.state);
}

static void has_the_defaults_that_clients_know(void **state)
{
	struct rig *rig = *state;
	const struct vm_config *config;

	put(rig, "/boot-source", KERNEL);
	config = started(rig);
	assert_int_equal(config->cpus, 1);
	assert_int_equal(config->memory_bytes, 128 * MIB);
	assert_non_null(strstr(config->cmdline, "reboot=k panic=1 nomodule"));
	assert_false(config->rng);
}

static void puts_the_root_device_first_and_on_the_command_line(void **state)
{
	struct rig *rig = *state;
	const struct vm_config *config;

	put(rig, "/boot-source",
		"{\"kernel_image_path\": \"%s\", \"boot_args\": \"a -- b\"}");
	put(rig, "/drives/one",
		"{\"drive_id\": \"one\", \"path_on_host\": \"%s\","
		" \"is_root_device\": false, \"is_read_only\": true}");
	put(rig, "/drives/two", DRIVE("two", "true"));
	config = started(rig);
	assert_int_equal(config->disk_count, 2);
	assert_string_equal(config->disk[0].id, "two");
	assert_string_equal(config->disk[1].id, "one");
	assert_true(config->disk[1].readonly);
	assert_string_equal(config->cmdline, "a root=/dev/vda rw -- b");
}

static void names_the_root_partition(void **state)
{
	struct rig *rig = *state;

	put(rig, "/boot-source",
		"{\"kernel_image_path\": \"%s\", \"boot_args\": \"a -- b\"}");
	put(rig, "/drives/r",
		"{\"drive_id\": \"r\", \"path_on_host\": \"%s\","
		" \"is_root_device\": true, \"partuuid\": \"0-1\","
		" \"is_read_only\": true}");
	assert_string_equal(
		started(rig)->cmdline, "a root=PARTUUID=0-1 ro -- b");
}

static void replaces_a_drive_of_the_same_id(void **state)
{
	struct rig *rig = *state;

	put(rig, "/boot-source", KERNEL);
	put(rig, "/drives/d", DRIVE("d", "true"));
	put(rig, "/drives/d", DRIVE("d", "false"));
	put(rig, "/drives/e", DRIVE("e", "true"));
	assert_int_equal(ask(rig, API_GET, "/vm/config", NULL), STATUS_FINE);
	assert_int_equal(rig->api.draft.drive_count, 2);
	refused(rig, API_PUT, "/drives/f", DRIVE("f", "true"),
		"is_root_device: drive e is the root device");
}

#define FILE_B "{\"drive_id\": \"d\", \"path_on_host\": \"b\"}"

static void tells_of_a_drive_what_was_changed(void **state)
{
	struct rig *rig = *state;
	const struct drive_body *d = &rig->api.draft.drive[0];

	put(rig, "/boot-source", KERNEL);
	put(rig, "/drives/d", DRIVE("d", "true"));
	started(rig);
	assert_int_equal(
		ask(rig, API_PATCH, "/drives/d", FILE_B), STATUS_NO_CONTENT);
	assert_string_equal(rig->in.changed, "d to b");
	assert_string_equal(d->path, "b");
	assert_true(d->root);
	rig->in.rc = -ENOENT;
	refused(rig, API_PATCH, "/drives/d",
		"{\"drive_id\": \"d\", \"path_on_host\": \"c\"}",
		"PATCH /drives/d: no such file");
	assert_string_equal(d->path, "b");
}

static void changes_all_that_a_patch_names_or_nothing(void **state)
{
	struct rig *rig = *state;
	const struct machine_body *machine = &rig->api.draft.machine;

	put(rig, "/machine-config",
		"{\"vcpu_count\": 2, \"mem_size_mib\": 64, \"smt\": true}");
	assert_int_equal(ask(rig, API_PATCH, "/machine-config",
				 "{\"mem_size_mib\": 96}"),
		STATUS_NO_CONTENT);
	assert_int_equal(machine->vcpu_count, 2);
	assert_int_equal(machine->mem_size_mib, 96);
	assert_true(machine->smt);
	refused(rig, API_PATCH, "/machine-config",
		"{\"mem_size_mib\": 32, \"vcpu_count\": 33}",
		"vcpu_count 33: out of range");
	refused(rig, API_PATCH, "/machine-config", "{}", "is empty");
	assert_int_equal(machine->mem_size_mib, 96);
	put(rig, "/machine-config",
		"{\"vcpu_count\": 1, \"mem_size_mib\": 64}");
	assert_false(machine->smt);
}

static void lets_the_last_description_of_the_cpu_count(void **state)
{
	struct rig *rig = *state;

	put(rig, "/boot-source", KERNEL);
	put(rig, "/cpu-config", "{\"cpuid_modifiers\": []}");
	put(rig, "/machine-config",
		"{\"vcpu_count\": 1, \"mem_size_mib\": 64,"
		" \"cpu_template\": \"T2\"}");
	assert_null(rig->api.draft.cpu_text);
	put(rig, "/cpu-config", "{\"msr_modifiers\": []}");
	assert_int_equal(rig->api.draft.machine.cpu_template, CPU_NONE);
	put(rig, "/cpu-config", "{}");
	assert_null(rig->api.draft.cpu_text);
	put(rig, "/machine-config",
		"{\"vcpu_count\": 1, \"mem_size_mib\": 64,"
		" \"cpu_template\": \"T2A\"}");
	assert_string_equal(started(rig)->cpu, "T2A");
}

static void hands_a_template_over_as_text(void **state)
{
	struct rig *rig = *state;

	put(rig, "/boot-source", KERNEL);
	put(rig, "/cpu-config", "{\"cpuid_modifiers\": []}");
	assert_string_equal(
		started(rig)->cpu_text, "{\"cpuid_modifiers\": []}");
	assert_string_equal(rig->in.config.cpu, "cpu-config");
}

static void gives_a_vm_that_boots_its_timer_whoever_starts_it(void **state)
{
	struct rig *rig = *state;

	rig->api.boot_timer = true;
	put(rig, "/boot-source", KERNEL);
	assert_int_not_equal(started(rig)->boot_timer.asked_ns, 0);
	rig->in.status.state = VM_NOT_STARTED;
	put(rig, "/config", "{\"boot-source\": " KERNEL ", \"start\": true}");
	assert_int_equal(rig->in.starts, 2);
	assert_int_not_equal(rig->in.config.boot_timer.asked_ns, 0);
}

static void can_be_corrected_after_a_start_that_failed(void **state)
{
	struct rig *rig = *state;

	refused(rig, API_PUT, "/actions", START, "there is no kernel");
	assert_int_equal(rig->in.starts, 0);
	put(rig, "/boot-source", KERNEL);
	rig->in.rc = -ENODEV;
	refused(rig, API_PUT, "/actions", START, "PUT /actions: no KVM");
	rig->in.rc = 0;
	put(rig, "/actions", START);
	assert_int_equal(rig->in.starts, 2);
	refused(rig, API_PUT, "/actions", START, "has started already");
}

static void refuses_to_configure_what_runs(void **state)
{
	static const char *const targets[] = { "/machine-config",
		"/boot-source", "/drives/x", "/entropy", "/cpu-config" };
	struct rig *rig = *state;

	put(rig, "/boot-source", KERNEL);
	started(rig);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
		refused(rig, API_PUT, targets[i], "{}",
			"not possible while the VM is running");
}

static void refuses_bad_requests(void **state)
{
	static const struct {
		enum api_method method;
		const char *target, *body, *says;
	} cases[] = {
		{ API_PUT, "/drives/a-b", "{}", "an id is 1 to 64 letters" },
		{ API_PUT, "/drives/", "{}", "there is no such resource" },
		{ API_PUT, "/drives/a/b", "{}", "there is no such resource" },
		{ API_GET, "/drives/a", NULL,
			"this resource takes PUT, PATCH, DELETE" },
		{ API_PUT, "/drives/a", DRIVE("b", "false"),
			"drive_id b: the path names a" },
		{ API_PUT, "/drives/a",
			"{\"drive_id\": \"a\", \"path_on_host\": \"%s/x\","
			" \"is_root_device\": false}",
			"cannot open: Not a directory" },
		{ API_PUT, "/drives/a",
			"{\"drive_id\": \"a\", \"path_on_host\": \"%s\","
			" \"is_root_device\": false, \"partuuid\": \"0\"}",
			"partuuid: is for the root device" },
		{ API_PUT, "/drives/a",
			"{\"rate_limiter\": {\"ops\": {\"size\": 1}}}",
			"rate_limiter: ops: refill_time: missing" },
		{ API_PUT, "/drives/a", "{\"socket\": \"s\"}",
			"socket: this version has no vhost-user disks" },
		{ API_PUT, "/boot-source", "{\"boot_args\": \"x\"}",
			"kernel_image_path: missing" },
		{ API_PUT, "/machine-config", "{\"vcpu_count\": 1}",
			"mem_size_mib: missing" },
		{ API_PUT, "/machine-config", "{\"vcpu_count\": 0}",
			"vcpu_count 0: out of range" },
		{ API_PUT, "/machine-config",
			"{\"vcpu_count\": 3, \"mem_size_mib\": 2,"
			" \"smt\": true}",
			"vcpu_count 3: with smt it is 1 or even" },
		{ API_PUT, "/machine-config", "{\"huge_pages\": \"1G\"}",
			"huge_pages 1G: unknown" },
		{ API_PUT, "/cpu-config", "[]", "not an object" },
		{ API_PUT, "/cpu-config", "{\"x\": 1}", "x: unknown key" },
		{ API_PUT, "/cpu-config", NULL, "the body is missing" },
		{ API_PUT, "/entropy", "{\"x\": 1}", "x: unknown" },
		{ API_PUT, "/actions", "{\"action_type\": \"Stop\"}",
			"action_type Stop: unknown" },
		{ API_PUT, "/actions", "{\"action_type\": \"FlushMetrics\"}",
			"the VM has not started" },
		{ API_PUT, "/actions", "{\"action_type\": \"SendCtrlAltDel\"}",
			"start the VM first" },
		{ API_PUT, "/vsock", "{}", "does not have it" },
		{ API_PUT, "/network-interfaces/eth0", "{}",
			"does not have it" },
		{ API_GET, "/balloon", NULL, "does not have it" },
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(rig, cases[i].method, cases[i].target, cases[i].body,
			cases[i].says);
	assert_false(rig->api.draft.begun);
}

static void loads_a_snapshot_as_it_is_told(void **state)
{
	struct rig *rig = *state;
	const struct restore_config *restore = &rig->in.config.restore;

	put(rig, "/snapshot/load",
		"{\"snapshot_path\": \"s\", \"mem_backend\":"
		" {\"backend_type\": \"Uffd\", \"backend_path\": \"u\"},"
		" \"resume_vm\": true, \"drive_overrides\":"
		" [{\"drive_id\": \"a\", \"path_on_host\": \"b\"}]}");
	assert_string_equal(restore->state, "s");
	assert_string_equal(restore->handler, "u");
	assert_null(restore->memory);
	assert_true(restore->resume);
	assert_int_equal(restore->clock, CLOCK_KEEP);
	assert_int_equal(restore->disk_count, 1);
	assert_string_equal(restore->disk[0].id, "a");
	assert_string_equal(restore->disk[0].path, "b");
}

static void loads_nothing_where_a_machine_was_described(void **state)
{
	struct rig *rig = *state;

	put(rig, "/entropy", "{}");
	refused(rig, API_PUT, "/snapshot/load",
		"{\"snapshot_path\": \"s\", \"mem_file_path\": \"m\"}",
		"described already");
	assert_int_equal(rig->in.starts, 0);
}

static void says_what_was_described(void **state)
{
	struct rig *rig = *state;

	put(rig, "/boot-source", KERNEL);
	put(rig, "/drives/d", DRIVE("d", "true"));
	assert_int_equal(ask(rig, API_GET, "/vm/config", NULL), STATUS_FINE);
	assert_non_null(strstr(rig->got, "\"machine-config\":{\"vcpu_count\":1,"
					 "\"mem_size_mib\":128,\"smt\":false,"
					 "\"track_dirty_pages\":false,"
					 "\"huge_pages\":\"None\"}"));
	assert_non_null(strstr(rig->got, "\"initrd_path\":null"));
	assert_non_null(strstr(rig->got, "\"drives\":[{\"drive_id\":\"d\","));
	assert_non_null(strstr(rig->got, "\"network-interfaces\":[]"));
	assert_non_null(strstr(rig->got, "\"entropy\":null"));
	assert_int_equal(
		ask(rig, API_GET, "/machine-config", NULL), STATUS_FINE);
	assert_null(strstr(rig->got, "cpu_template"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(starts_what_was_described),
		TEST(has_the_defaults_that_clients_know),
		TEST(puts_the_root_device_first_and_on_the_command_line),
		TEST(names_the_root_partition),
		TEST(replaces_a_drive_of_the_same_id),
		TEST(tells_of_a_drive_what_was_changed),
		TEST(changes_all_that_a_patch_names_or_nothing),
		TEST(lets_the_last_description_of_the_cpu_count),
		TEST(hands_a_template_over_as_text),
		TEST(gives_a_vm_that_boots_its_timer_whoever_starts_it),
		TEST(can_be_corrected_after_a_start_that_failed),
		TEST(refuses_to_configure_what_runs),
		TEST(refuses_bad_requests),
		TEST(loads_a_snapshot_as_it_is_told),
		TEST(loads_nothing_where_a_machine_was_described),
		TEST(says_what_was_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
