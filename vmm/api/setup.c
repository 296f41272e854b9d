/* SPDX-License-Identifier: Apache-2.0 */
/* setup.c - the requests that configure a VM, and the one that starts it */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/api/resources.h"
#include "vmm/api/words.h"
#include "cpu/cpu.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/base/text.h"
#include "vmm/config_json.h"

#define FITS(type) \
	static_assert(sizeof(struct type) <= ROUTE_BODY_BYTES, "as a body")

FITS(machine_body);
FITS(boot_body);
FITS(entropy_body);
FITS(action_body);

int api_describe(struct api *api)
{
	const struct vm_config *config = api->ops->config(api->instance);

	return config ? draft_describe(&api->draft, config)
		      : draft_init(&api->draft);
}

int api_check_file(const char *field, const char *path, int flags)
{
	CLEANUP_CLOSE int fd = -1;

	if (!path)
		return 0;
	fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_set(-errno, "%s %s: cannot open: %s", field,
			text_shown(path).s, strerror(errno));
	return 0;
}

/* ---- /machine-config ---- */

int get_machine(struct api *api, struct call *call, struct reply *reply)
{
	(void)call;
	reply_json(reply, draft_machine_json(&api->draft));
	return 0;
}

static int check_machine(const struct machine_body *body)
{
	if (body->smt && body->vcpu_count > 1 && body->vcpu_count % 2)
		return err_set(-EINVAL,
			"vcpu_count %u: with smt it is 1 or even",
			body->vcpu_count);
	if (body->huge_pages == MEM_PAGES_2M && body->mem_size_mib % 2)
		return err_set(-EINVAL,
			"mem_size_mib %u: with huge_pages of 2M it is even",
			body->mem_size_mib);
	return 0;
}

/* Of a template and a /cpu-config the last one counts. */
static void set_machine(struct api *api, const struct machine_body *body,
	bool new_template, struct reply *reply)
{
	struct draft *draft = &api->draft;

	draft->machine = *body;
	draft->begun = true;
	reply->deprecated = new_template;
	if (!new_template)
		return;
	free(draft->cpu_text);
	draft->cpu_text = NULL;
}

int put_machine(struct api *api, struct call *call, struct reply *reply)
{
	const struct machine_body *body = call->body;
	int rc = check_machine(body);

	if (!rc)
		set_machine(api, body, body->cpu_template != CPU_NONE, reply);
	return rc;
}

int patch_machine(struct api *api, struct call *call, struct reply *reply)
{
	struct machine_body body = api->draft.machine;
	int rc = config_patch_json(&machine_body_object, call->request->body,
		call->request->body_bytes, &body);

	if (!rc)
		rc = check_machine(&body);
	if (!rc)
		set_machine(api, &body,
			body.cpu_template != api->draft.machine.cpu_template,
			reply);
	return rc;
}

/* ---- /boot-source ---- */

int put_boot(struct api *api, struct call *call, struct reply *reply)
{
	struct boot_body *body = call->body;
	struct draft *draft = &api->draft;
	int rc = api_check_file("kernel_image_path", body->kernel, O_RDONLY);

	(void)reply;
	if (!rc)
		rc = api_check_file("initrd_path", body->initrd, O_RDONLY);
	if (rc)
		return rc;
	config_fini(&boot_body_object, &draft->boot);
	draft->boot = *body;
	draft->begun = true;
	*body = (struct boot_body){ 0 };
	return 0;
}

/* ---- /entropy ---- */

int put_entropy(struct api *api, struct call *call, struct reply *reply)
{
	const struct entropy_body *body = call->body;

	(void)reply;
	api->draft.rng = *body;
	api->draft.entropy = api->draft.begun = true;
	return 0;
}

/* ---- /serial ---- */

/* No part of the machine either: a snapshot may follow. */
int put_serial(struct api *api, struct call *call, struct reply *reply)
{
	struct serial_body *body = call->body;
	struct draft *draft = &api->draft;

	(void)reply;
	config_fini(&serial_body_object, &draft->serial);
	draft->serial = *body;
	draft->serial_told = true;
	*body = (struct serial_body){ 0 };
	return 0;
}

/* ---- /cpu-config ---- */

static int is_empty(const char *text, size_t len, bool *ret)
{
	json_auto_t *root = NULL;
	int rc = config_load_json(text, len, &root);

	if (!rc)
		*ret = !json_object_size(root);
	return rc;
}

/* No part of the machine: a snapshot, which has its own CPU, may follow. */
int put_cpu(struct api *api, struct call *call, struct reply *reply)
{
	struct draft *draft = &api->draft;
	const char *text = call->request->body;
	bool empty;
	char *copy;
	int rc = is_empty(text, call->request->body_bytes, &empty);

	(void)reply;
	if (!rc && !empty)
		rc = cpu_text_check("the template", text);
	if (rc)
		return rc;
	copy = empty ? NULL : strdup(text);
	if (!empty && !copy)
		return err_set(-ENOMEM, "no memory for the template");
	free(draft->cpu_text);
	draft->cpu_text = copy;
	draft->machine.cpu_template = CPU_NONE;
	return 0;
}

/* ---- /actions ---- */

int api_start(struct api *api, struct vm_config *config)
{
	int rc;

	if (api->boot_timer)
		config->boot_timer = boot_timer_start();
	rc = api->ops->start(api->instance, config);
	if (!rc)
		observe_started(&api->observe);
	return rc;
}

static int start(struct api *api)
{
	struct vm_config config;
	int rc = draft_compile(&api->draft, &config);

	if (!rc) {
		rc = api_start(api, &config);
		vm_config_fini(&config);
	}
	return words_for_clients(rc, words_of_boot);
}

int put_action(struct api *api, struct call *call, struct reply *reply)
{
	const struct action_body *body = call->body;
	struct vm_status status;
	int rc;

	(void)reply;
	api->ops->status(api->instance, &status);
	switch ((enum api_action)body->type) {
	case ACTION_START:
		if (status.state == VM_NOT_STARTED)
			return start(api);
		return err_set(-EBUSY, "the VM has started already");
	case ACTION_FLUSH:
		if (status.state != VM_NOT_STARTED)
			return observe_flush(&api->observe);
		return err_set(-EBUSY, "FlushMetrics: the VM has not started");
	case ACTION_CTRL_ALT_DEL:
		break;
	}
	if (status.state == VM_NOT_STARTED)
		return err_set(-EAGAIN, "SendCtrlAltDel: start the VM first");
	rc = api->ops->ctrl_alt_del(api->instance);
	return rc ? err_wrap(rc, "SendCtrlAltDel") : 0;
}

/* ---- /vm/config ---- */

int get_config(struct api *api, struct call *call, struct reply *reply)
{
	json_t *root = draft_json(&api->draft);

	(void)call;
	observe_tell(&api->observe, root);
	reply_json(reply, root);
	return 0;
}
