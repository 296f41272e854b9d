/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply.c - print how many microseconds a vCPU takes to be given a template and to
 * be read back, one line for each run
 *
 * The template is what this host shows; the vCPU is fresh each time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cpu/x86_64/apply.h"
#include "vmm/base/cleanup.h"
#include "vmm/base/err.h"
#include "vmm/core/kvm.h"

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int measure(int kvm_fd, int vm_fd, unsigned index)
{
	const struct cpu_options options = { .cpus = 1, .cpu = "host" };
	CLEANUP_CLOSE int vcpu_fd = kvm_ioctl_val(
		vm_fd, KVM_CREATE_VCPU, index);
	struct cpu_model *model = NULL;
	double start;
	int rc = cpu_model_new(kvm_fd, &options, &model);

	if (!rc)
		rc = cpu_model_settle(model, kvm_fd, vm_fd, vcpu_fd);
	if (!rc) {
		/* A difference would be refused from here on. */
		model->source = MODEL_TEMPLATE;
		start = now_us();
		rc = apply_model(vcpu_fd, model, 0);
		printf("%.1f\n", now_us() - start);
	}
	cpu_model_free(model);
	return rc;
}

int main(int argc, char *argv[])
{
	int runs = argc > 1 ? atoi(argv[1]) : 10;
	CLEANUP_CLOSE int kvm_fd = -1, vm_fd = -1;
	int rc = kvm_open(KVM_DEVICE, &kvm_fd);

	if (!rc)
		rc = kvm_create_vm(kvm_fd, &vm_fd);
	if (!rc)
		rc = cpu_vm_init(kvm_fd, vm_fd);
	for (int i = 0; !rc && i < runs; i++)
		rc = measure(kvm_fd, vm_fd, (unsigned)i);
	if (rc)
		fprintf(stderr, "%s\n", err_describe(rc));
	return rc != 0;
}
