/* SPDX-License-Identifier: Apache-2.0 */
/* config_disk.c - the settings of a disk, and of one that is given another file */
#include <limits.h>

#include "vmm/config.h"

#define PATH_BYTES .min = 1, .max = PATH_MAX - 1

static const struct config_field disk_fields[] = {
	{
		.name = "path",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct disk_config, path, char *),
		PATH_BYTES,
		.metavar = "FILE",
		.help = "a raw image or a block device",
	},
	{
		.name = "readonly",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct disk_config, readonly, bool),
		.fallback = "off",
		.help = "refuse the guest's writes",
	},
	{
		.name = "direct",
		.type = CONFIG_BOOL,
		.offset = CONFIG_AT(struct disk_config, direct, bool),
		.fallback = "off",
		.help = "bypass the host's page cache",
	},
	{
		.name = "id",
		.type = CONFIG_NAME,
		.offset = CONFIG_AT(struct disk_config, id, char *),
		.min = 1,
		.max = CONFIG_DISK_ID_MAX,
		.metavar = "NAME",
		.help = "its name; the guest reads the first 20 characters as "
			"the serial number",
	},
	{
		.name = "bandwidth",
		.type = CONFIG_RATE,
		.offset = CONFIG_AT(
			struct disk_config, limits.bandwidth, struct rate),
		.metavar = "RATE",
		.help = "the most bytes in a time, as 100M/1s; with +BURST, so "
			"many more once",
	},
	{
		.name = "ops",
		.type = CONFIG_RATE,
		.offset = CONFIG_AT(
			struct disk_config, limits.ops, struct rate),
		.metavar = "RATE",
		.help = "the most requests in a time, as 500/1s",
	},
};

const struct config_object disk_config_object = {
	.name = "disk",
	.fields = disk_fields,
	.count = ARRAY_SIZE(disk_fields),
	.size_bytes = sizeof(struct disk_config),
};

static const struct config_field disk_override_fields[] = {
	{
		.name = "id",
		.type = CONFIG_NAME,
		.required = true,
		.offset = CONFIG_AT(struct disk_override, id, char *),
		.min = 1,
		.max = CONFIG_DISK_ID_MAX,
		.metavar = "NAME",
		.help = "the disk's id, or vda, vdb, ... in the order in which "
			"they were given",
	},
	{
		.name = "path",
		.type = CONFIG_PATH,
		.required = true,
		.offset = CONFIG_AT(struct disk_override, path, char *),
		PATH_BYTES,
		.metavar = "FILE",
		.help = "a file of the same size",
	},
};

const struct config_object disk_override_object = {
	.name = "disk",
	.fields = disk_override_fields,
	.count = ARRAY_SIZE(disk_override_fields),
	.size_bytes = sizeof(struct disk_override),
};
