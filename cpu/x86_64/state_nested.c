/* SPDX-License-Identifier: Apache-2.0 */
/* state_nested.c - the state of a guest's guest, and of its VMX or SVM (--nested) */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/x86_64/model.h"
#include "cpu/x86_64/vcpu_state.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

int nested_save(const struct vcpu_target *t, struct cpu_vcpu_state *ret)
{
	int bytes = kvm_check(t->vm_fd, KVM_CAP_NESTED_STATE);
	CLEANUP_FREE struct kvm_nested_state *nested = NULL;
	int rc;

	if (!t->model->nested)
		return 0;
	if (bytes < (int)sizeof(*nested) || bytes > (int)STATE_NESTED_MAX)
		return err_set(-ENOTSUP,
			"--nested on: KVM's state has %d bytes here; muster "
			"saves up to %llu",
			bytes, STATE_NESTED_MAX);
	nested = calloc(1, (size_t)bytes);
	if (!nested)
		return err_set(-ENOMEM, "no memory for the nested state");
	nested->size = (uint32_t)bytes;
	rc = kvm_ioctl(t->fd, KVM_GET_NESTED_STATE, nested);
	if (rc < 0)
		return err_set(rc, "KVM_GET_NESTED_STATE: %s", strerror(-rc));
	ret->nested_bytes = MIN(nested->size, (uint32_t)bytes);
	ret->nested = (uint8_t *)steal_ptr(&nested);
	return 0;
}

int nested_load(const struct vcpu_target *t, const struct cpu_vcpu_state *s)
{
	/* From malloc, and so aligned. */
	const struct kvm_nested_state *nested = (const void *)s->nested;
	int rc;

	if (!s->nested_bytes && !t->model->nested)
		return 0;
	if (!t->model->nested)
		return err_set(-EBADMSG,
			"has the state of a nested guest, and the machine no "
			"--nested on");
	if (s->nested_bytes < sizeof(*nested))
		return err_set(-EBADMSG,
			"the nested state has %u bytes, not even a header",
			s->nested_bytes);
	/* KVM reads as much as the header says. */
	if (nested->size != s->nested_bytes)
		return err_set(-EBADMSG,
			"the nested state says it has %u bytes, and has %u",
			nested->size, s->nested_bytes);
	rc = kvm_ioctl(t->fd, KVM_SET_NESTED_STATE, s->nested);
	if (rc < 0)
		return err_set(rc,
			"KVM refuses the nested state (format %u, flags %#x): "
			"%s",
			nested->format, nested->flags, strerror(-rc));
	return 0;
}
