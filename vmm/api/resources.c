/* SPDX-License-Identifier: Apache-2.0 */
/* resources.c - the table of what the API has */
#include "vmm/api/resources.h"

#define PLAIN            NO_BODY, NULL, NULL, NULL
#define TELLS(what)      NO_BODY, NULL, NULL, &what##_shape
#define WITH(body)       BODY, &body##_body_object, NULL, NULL
#define ASKS(body, what) BODY, &body##_body_object, NULL, &what##_shape
#define CHANGES(body)    PATCH_BODY, &body##_body_object, NULL, NULL
#define RAW              RAW_BODY, NULL, NULL, NULL
#define SENDS(what)      RAW_BODY, NULL, &what##_shape, NULL
#define OVER(body)       RAW_BODY, &body##_body_object, NULL, NULL /* what there is */
#define LACKS(m, p)                         \
	{                                   \
		m, p, STATES_ANY, RAW, NULL \
	}

const struct route routes[] = {
	{ API_GET, "/", STATES_ANY, TELLS(instance), get_instance },
	{ API_GET, "/version", STATES_ANY, TELLS(version), get_version },
	{ API_GET, "/openapi.json", STATES_ANY, TELLS(openapi), get_openapi },
	{ API_GET, "/vm", STATES_ANY, TELLS(vm), get_vm },
	{ API_PATCH, "/vm", STATES_STARTED, WITH(vm), patch_vm },
	{ API_GET, "/events", STATES_ANY, TELLS(events), get_events },
	{ API_GET, "/vm/config", STATES_ANY, TELLS(config), get_config },
	{ API_PUT, "/config", STATES_BEFORE, SENDS(config), put_config },
	{ API_GET, "/machine-config", STATES_ANY, TELLS(machine), get_machine },
	{ API_PUT, "/machine-config", STATES_BEFORE, WITH(machine),
		put_machine },
	{ API_PATCH, "/machine-config", STATES_BEFORE, CHANGES(machine),
		patch_machine },
	{ API_GET, "/cpu", STATES_STARTED, TELLS(cpu), get_cpu },
	{ API_PUT, "/cpu-config", STATES_BEFORE, RAW, put_cpu },
	{ API_PUT, "/boot-source", STATES_BEFORE, WITH(boot), put_boot },
	{ API_PUT, "/drives/{id}", STATES_BEFORE, WITH(drive), put_drive },
	{ API_PATCH, "/drives/{id}", STATES_STARTED, WITH(drive_change),
		patch_drive },
	{ API_DELETE, "/drives/{id}", STATES_BEFORE, PLAIN, delete_drive },
	{ API_PUT, "/entropy", STATES_BEFORE, WITH(entropy), put_entropy },
	{ API_PUT, "/actions", STATES_ANY, WITH(action), put_action },
	{ API_PUT, "/serial", STATES_BEFORE, WITH(serial), put_serial },
	{ API_GET, "/metrics", STATES_ANY, TELLS(metrics), get_metrics },
	{ API_PUT, "/metrics", STATES_BEFORE, WITH(metrics), put_metrics },
	{ API_PUT, "/logger", STATES_ANY, OVER(logger), put_logger },
	{ API_PUT, "/snapshot/create", STATES_STARTED, WITH(snapshot),
		put_snapshot },
	{ API_PUT, "/snapshot/load", STATES_BEFORE, WITH(load), put_load },
	{ API_PUT, "/microcode", STATES_BEFORE, WITH(microcode),
		put_microcode },
	{ API_PUT, "/microcode/prepare", STATES_ANY, ASKS(prepare, microcode),
		put_prepare },
	{ API_PUT, "/microcode/hold", STATES_ANY, ASKS(hold, microcode),
		put_hold },
	{ API_PUT, "/microcode/release", STATES_ANY, ASKS(release, microcode),
		put_release },
	LACKS(API_PUT, "/network-interfaces/{id}"),
	LACKS(API_PATCH, "/network-interfaces/{id}"),
	LACKS(API_DELETE, "/network-interfaces/{id}"),
	LACKS(API_PUT, "/vsock"),
	LACKS(API_GET, "/balloon"),
	LACKS(API_PUT, "/balloon"),
	LACKS(API_PATCH, "/balloon"),
	LACKS(API_GET, "/balloon/statistics"),
	LACKS(API_PATCH, "/balloon/statistics"),
	LACKS(API_PATCH, "/balloon/hinting/start"),
	LACKS(API_PATCH, "/balloon/hinting/stop"),
	LACKS(API_GET, "/balloon/hinting/status"),
	LACKS(API_PUT, "/pmem/{id}"),
	LACKS(API_PATCH, "/pmem/{id}"),
	LACKS(API_DELETE, "/pmem/{id}"),
	LACKS(API_GET, "/hotplug/memory"),
	LACKS(API_PUT, "/hotplug/memory"),
	LACKS(API_PATCH, "/hotplug/memory"),
	LACKS(API_GET, "/mmds"),
	LACKS(API_PUT, "/mmds"),
	LACKS(API_PATCH, "/mmds"),
	LACKS(API_PUT, "/mmds/config"),
};

const unsigned routes_count = ARRAY_SIZE(routes);
