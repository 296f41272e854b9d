/* SPDX-License-Identifier: Apache-2.0 */
/* routes.c - each resource, on a machine that only notes what is done to it */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "vmm/api/routes.h"
#include "vmm/base/err.h"
#include "vmm/pause.h"

struct instance {
	struct vm_status status;
	unsigned pauses, resumes, snapshots;
	bool last_is_diff;
	int rc; /* of the next change */
};

static void status(const struct instance *vm, struct vm_status *ret)
{
	*ret = vm->status;
}

static int change(struct instance *vm, enum vm_state state)
{
	if (vm->rc)
		return err_set(vm->rc, "vCPU 1 did not stop within 2 s");
	vm->status.state = state;
	return 0;
}

static int pause_vm(struct instance *vm)
{
	vm->pauses++;
	return change(vm, VM_PAUSED);
}

static int resume_vm(struct instance *vm)
{
	vm->resumes++;
	return change(vm, VM_RUNNING);
}

static int snapshot(struct instance *vm, const struct vm_snapshot_args *args)
{
	vm->snapshots++;
	assert_string_equal(args->state_path, "/a/state");
	assert_string_equal(args->memory_path, "/a/memory");
	vm->last_is_diff = args->diff;
	return vm->rc ? err_set(vm->rc, "/a/state: no space") : 0;
}

static const struct vm_ops ops = {
	.status = status,
	.pause = pause_vm,
	.resume = resume_vm,
	.snapshot = snapshot,
};

/* The status; the body, which may be "", in *ret. */
static unsigned ask(struct instance *vm, enum api_method method,
	const char *target, const char *body, char ret[1024])
{
	struct api api = { .id = "one", .ops = &ops, .instance = vm };
	struct http_message request = { .method = method };
	struct reply reply = REPLY_INIT;

	snprintf(request.target, sizeof(request.target), "%s", target);
	request.body = (char *)body;
	request.body_bytes = body ? strlen(body) : 0;
	routes_handle(&api, &request, &reply);
	assert_false(reply.body.failed);
	snprintf(ret, 1024, "%.*s", (int)reply.body.len,
		(char *)reply.body.data);
	reply_fini(&reply);
	return reply.status;
}

static void refused(struct instance *vm, enum api_method method,
	const char *target, const char *body, const char *sentence)
{
	char wanted[1024], got[1024];

	assert_int_equal(ask(vm, method, target, body, got), 400);
	snprintf(
		wanted, sizeof(wanted), "{\"fault_message\":\"%s\"}", sentence);
	assert_string_equal(got, wanted);
}

static void tells_what_the_instance_is(void **state)
{
	struct instance vm = { .status.state = VM_RUNNING };
	char got[1024];

	(void)state;
	assert_int_equal(ask(&vm, API_GET, "/", NULL, got), 200);
	assert_non_null(strstr(got, "\"id\":\"one\""));
	assert_non_null(strstr(got, "\"state\":\"Running\""));
	assert_non_null(strstr(got, "\"vmm_version\":\""));
	assert_non_null(strstr(got, "\"app_name\":\"muster\""));
	vm.status.state = VM_NOT_STARTED;
	assert_int_equal(ask(&vm, API_GET, "/", NULL, got), 200);
	assert_non_null(strstr(got, "\"state\":\"Not started\""));
}

static void tells_who_holds_the_machine(void **state)
{
	struct instance vm = { .status = { .state = VM_PAUSED } };
	char got[1024];

	(void)state;
	vm.status.owners = BIT(PAUSE_USER) | BIT(PAUSE_MICROCODE);
	assert_int_equal(ask(&vm, API_GET, "/vm", NULL, got), 200);
	assert_non_null(strstr(got, "\"state\":\"Paused\""));
	assert_non_null(strstr(got, "\"held_by\":[\"user\",\"microcode\"]"));
	assert_non_null(
		strstr(got, "\"pause\":{\"parked_ns\":{\"count\":0,\"mean\":0,"
			    "\"max\":0},"));
}

static void pauses_and_resumes(void **state)
{
	struct instance vm = { .status.state = VM_RUNNING };
	char got[1024];

	(void)state;
	for (unsigned i = 1; i < 3; i++) {
		assert_int_equal(ask(&vm, API_PATCH, "/vm",
					 "{\"state\": \"Paused\"}", got),
			204);
		assert_string_equal(got, "");
		assert_int_equal(vm.pauses, i);
	}
	assert_int_equal(
		ask(&vm, API_PATCH, "/vm/", "{\"state\": \"Resumed\"}", got),
		204);
	assert_int_equal(vm.resumes, 1);
}

static void says_why_a_change_failed(void **state)
{
	struct instance vm = { .status.state = VM_RUNNING, .rc = -ETIMEDOUT };

	(void)state;
	refused(&vm, API_PATCH, "/vm", "{\"state\": \"Paused\"}",
		"PATCH /vm: vCPU 1 did not stop within 2 s");
}

static void refuses_what_the_state_forbids(void **state)
{
	struct instance vm = { .status.state = VM_NOT_STARTED };

	(void)state;
	refused(&vm, API_PATCH, "/vm", "{\"state\": \"Paused\"}",
		"PATCH /vm: not possible while the VM is not started");
	assert_int_equal(vm.pauses, 0);
}

static void refuses_bad_bodies(void **state)
{
	static const struct {
		const char *body, *sentence;
	} cases[] = {
		{ NULL, "PATCH /vm: the body is missing; give a JSON object" },
		{ "{}", "PATCH /vm: state: missing; give Paused or Resumed" },
		{ "{\"state\": \"paused\"}",
			"PATCH /vm: state paused: unknown; give Paused or "
			"Resumed" },
		{ "{\"stat\": \"Paused\"}",
			"PATCH /vm: stat: unknown; there is state" },
		{ "{\"state\": \"Paused\", \"state\": \"Paused\"}",
			"PATCH /vm: state: given twice; give it once" },
		{ "{\"state\": false}",
			"PATCH /vm: state: has another type; give Paused or "
			"Resumed" },
	};
	struct instance vm = { .status.state = VM_RUNNING };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(&vm, API_PATCH, "/vm", cases[i].body,
			cases[i].sentence);
	assert_int_equal(vm.pauses + vm.resumes, 0);
}

#define FILES \
	"\"snapshot_path\": \"/a/state\", \"mem_file_path\": \"/a/memory\""

static void takes_snapshots_of_both_types(void **state)
{
	static const struct {
		const char *body;
		bool diff;
	} cases[] = {
		{ "{" FILES "}", false },
		{ "{\"snapshot_type\": \"Full\", " FILES "}", false },
		{ "{\"snapshot_type\": \"Diff\", " FILES "}", true },
	};
	struct instance vm = { .status.state = VM_PAUSED };
	char got[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(ask(&vm, API_PUT, "/snapshot/create",
					 cases[i].body, got),
			204);
		assert_int_equal(vm.snapshots, i + 1);
		assert_int_equal(vm.last_is_diff, cases[i].diff);
	}
	vm.rc = -ENOSPC;
	refused(&vm, API_PUT, "/snapshot/create", "{" FILES "}",
		"PUT /snapshot/create: /a/state: no space");
}

static void refuses_bad_snapshot_bodies(void **state)
{
	static const struct {
		const char *body, *sentence;
	} cases[] = {
		{ "{\"snapshot_path\": \"a\"}",
			"PUT /snapshot/create: mem_file_path: missing; give "
			"the memory file to write" },
		{ "{\"mem_file_path\": \"a\"}",
			"PUT /snapshot/create: snapshot_path: missing; give "
			"the state file to write" },
		{ "{" FILES ", \"snapshot_type\": \"Half\"}",
			"PUT /snapshot/create: snapshot_type Half: unknown; "
			"give Full or Diff" },
		{ "{" FILES ", \"version\": \"1\"}",
			"PUT /snapshot/create: version: unknown; there is "
			"snapshot_type, snapshot_path, mem_file_path" },
	};
	struct instance vm = { .status.state = VM_RUNNING };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		refused(&vm, API_PUT, "/snapshot/create", cases[i].body,
			cases[i].sentence);
	assert_int_equal(vm.snapshots, 0);
}

static void refuses_what_is_not_there(void **state)
{
	struct instance vm = { .status.state = VM_RUNNING };

	(void)state;
	refused(&vm, API_GET, "/absent", NULL,
		"GET /absent: there is no such resource");
	refused(&vm, API_GET, "/vm?x", NULL,
		"GET /vm?x: there is no such resource");
	refused(&vm, API_GET, "//", "{}", "GET //: this takes no body");
	refused(&vm, API_DELETE, "/vm", NULL,
		"DELETE /vm: this resource takes GET, PATCH");
}

/* A sentence may quote bytes that JSON cannot. */
static void quotes_what_is_not_text(void **state)
{
	struct instance vm = { .status.state = VM_RUNNING };

	(void)state;
	refused(&vm, API_GET, "/\xff\"\x01", NULL,
		"GET /?\\\"?: there is no such resource");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_the_instance_is),
		cmocka_unit_test(tells_who_holds_the_machine),
		cmocka_unit_test(pauses_and_resumes),
		cmocka_unit_test(says_why_a_change_failed),
		cmocka_unit_test(refuses_what_the_state_forbids),
		cmocka_unit_test(refuses_bad_bodies),
		cmocka_unit_test(takes_snapshots_of_both_types),
		cmocka_unit_test(refuses_bad_snapshot_bodies),
		cmocka_unit_test(refuses_what_is_not_there),
		cmocka_unit_test(quotes_what_is_not_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
