// SPDX-License-Identifier: GPL-2.0
/*
 * twins: the same on two drivers, and do they answer alike?
 *
 * One process does the same random steps, which depend on the seed alone, on
 * the devices of two drivers: opens and closes nodes, attaches files that look
 * the same, calls the ioctls of loop devices and of control nodes with good and
 * bad arguments. After each step result, errno, what was written to memory, and
 * sysfs are compared. What may differ is in the table `allowed', with the
 * reason; anything else ends the program with status 1 and the last steps.
 *
 * Status 4: the kernel has no 32-bit entry.
 */
#define _GNU_SOURCE
#include "entry.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

static const char usage[] =
	"Usage: twins [OPTION...] DIRECTORY...\n"
	"\n"
	"  --seed S         default: from the clock; always printed\n"
	"  --steps N        default 1000\n"
	"  --first PREFIX   of the device names of one driver, default loop\n"
	"  --second PREFIX  of the other, default loopr\n"
	"  --blocks A,B     two block devices that are alike, to be attached, too\n"
	"  --compat         32-bit entry\n"
	"  --keep-going     tell of further differences, once of each kind\n"
	"  --verbose        each step\n"
	"\n"
	"Files to be attached are made in each DIRECTORY. Nobody else may use the\n"
	"devices meanwhile.\n";

#define DEVICES 4	/* numbers 0 to 3 are used most */
#define MOST 12		/* no device with this number or more stays */
#define NODES 6
#define FDS 20
#define FILES 7
#define TEXT 512

/* What is done to both drivers, with what is its own for each. */
struct side {
	const char *prefix;
	char *directories[8];
	const char *block;
	int control;
	int nodes[NODES];
	int fds[FDS];
	/* Of the last step. */
	int result, error;
	unsigned char *arg;
};

static struct side sides[2] = { { .prefix = "loop" }, { .prefix = "loopr" } };
#define EACH(side) (struct side *side = sides; side < sides + 2; side++)

static int directory_count, verbose, keep_going;
static long step;
static uint64_t rng;
/* What each open node stands for; -1: it is closed. */
static int node_number[NODES];
/* What kind of file a descriptor is of. */
enum fd_kind { FD_PLAIN, FD_WRITE_ONLY, FD_PSEUDO, FD_SPECIAL, FD_BLOCK, FD_NODE };
static enum fd_kind fd_kinds[FDS];
/* Of an FD_NODE. */
static int fd_devices[FDS];
/* Since a device was bound: its file was exchanged by LOOP_CHANGE_FD, or the device
 * that is its file had been.
 */
static int changed[MOST];

enum kind {
	CONFIGURE, SET_FD, CHANGE_FD, CLR_FD, SET_STATUS, SET_STATUS64, GET_STATUS, GET_STATUS64,
	SET_CAPACITY, SET_DIRECT_IO, SET_BLOCK_SIZE, UNKNOWN, CTL_ADD, CTL_REMOVE, CTL_GET_FREE,
	CTL_UNKNOWN, BLOCK_IOCTL, OPEN, CLOSE, NEW_FD, TRUNCATE, KINDS
};
static const char *const names[KINDS] = {
	"LOOP_CONFIGURE", "LOOP_SET_FD", "LOOP_CHANGE_FD", "LOOP_CLR_FD", "LOOP_SET_STATUS",
	"LOOP_SET_STATUS64", "LOOP_GET_STATUS", "LOOP_GET_STATUS64", "LOOP_SET_CAPACITY",
	"LOOP_SET_DIRECT_IO", "LOOP_SET_BLOCK_SIZE", "unknown ioctl", "LOOP_CTL_ADD",
	"LOOP_CTL_REMOVE", "LOOP_CTL_GET_FREE", "unknown control ioctl", "block ioctl", "open",
	"close", "new descriptor", "truncate"
};
static const int weights[KINDS] = {
	20, 5, 10, 10, 5, 12, 4, 8, 5, 9, 8, 3, 5, 5, 3, 1, 6, 16, 9, 8, 4
};
static long succeeded[KINDS], failed[KINDS], differences;

/* The step that is being done. */
static struct {
	enum kind kind;
	int node, fd, unprivileged;
	unsigned long number;
	uint32_t flags, block_size;
	char text[TEXT];
} now;

/* --- What may differ. */

static int write_only(void)
{
	return fd_kinds[now.fd] == FD_WRITE_ONLY;
}

static int pseudo(void)
{
	return fd_kinds[now.fd] == FD_PSEUDO;
}

static int old_compat_permission(void)
{
	return compat && now.unprivileged;
}

static int more_than_32_bits(void)
{
	return now.number > UINT32_MAX;
}

/* Results that differ: what the first and the second driver say (0 stands for
 * success, -1 for anything), and when.
 */
static struct {
	enum kind kind;
	int first, second;
	int (*when)(void);
	const char *reason;
} allowed_results[] = {
	{ CONFIGURE, -1, EBADF, write_only,
	  "a descriptor that is open for writing only cannot be read: refused" },
	{ SET_FD, -1, EBADF, write_only, "the same" },
	{ CHANGE_FD, -1, EBADF, write_only, "the same" },
	{ CONFIGURE, -1, EINVAL, pseudo, "files of procfs and sysfs store nothing: refused" },
	{ SET_FD, 0, EINVAL, pseudo, "the same" },
	{ CHANGE_FD, 0, EINVAL, pseudo, "the same" },
	{ SET_STATUS, -1, EPERM, old_compat_permission,
	  "32-bit callers need permission, too, as with the C driver of 7.3" },
	{ SET_BLOCK_SIZE, -1, EINVAL, more_than_32_bits,
	  "a block size is not cut to 32 bits" },
};

#define RESULTS (sizeof(allowed_results) / sizeof(allowed_results[0]))
static long seen_results[RESULTS];

static int always(const char *first, const char *second)
{
	(void)first, (void)second;
	return 1;
}

static int is_zero(const char *first, const char *second)
{
	(void)first;
	return !strcmp(second, "0");
}

/* Files of sysfs that differ; in which state of the device. */
enum state { UNBOUND = 1, BOUND = 2, CHANGED = 4, ANY = 7 };
static struct {
	const char *file;
	int states;
	int (*when)(const char *first, const char *second);
	const char *reason;
} allowed_files[] = {
	{ "ro", UNBOUND, is_zero, "a detached device is not read-only any more" },
	{ "queue/", UNBOUND, always, "a detached device has no limits of the file that it had" },
	{ "queue/", CHANGED, always, "after LOOP_CHANGE_FD limits are those of the new file" },
	{ "queue/fua", ANY, always, "rloop makes a write stable by itself" },
	{ "queue/dma_alignment", ANY, always,
	  "direct I/O needs what the file system says, as with the C driver of 7.3" },
};

#define DIFFERENT_FILES (sizeof(allowed_files) / sizeof(allowed_files[0]))
static long seen_files[DIFFERENT_FILES];

static const char *const files[] = {
	"size", "ro", "removable", "hidden", "events", "events_async", "range", "ext_range",
	"alignment_offset", "discard_alignment",
	"loop/backing_file", "loop/offset", "loop/sizelimit", "loop/autoclear", "loop/partscan",
	"loop/dio",
	"queue/logical_block_size", "queue/physical_block_size", "queue/minimum_io_size",
	"queue/optimal_io_size", "queue/discard_granularity", "queue/discard_max_bytes",
	"queue/discard_max_hw_bytes", "queue/write_zeroes_max_bytes", "queue/rotational",
	"queue/write_cache", "queue/fua", "queue/dma_alignment", "queue/zoned",
	"queue/max_hw_sectors_kb", "queue/max_sectors_kb", "queue/max_segments",
	"queue/max_segment_size", "queue/nr_requests", "queue/scheduler", "queue/stable_writes",
	"queue/add_random", "queue/iostats", "queue/virt_boundary_mask", "queue/chunk_sectors",
	"queue/read_ahead_kb", "queue/nomerges", "queue/wbt_lat_usec",
	/* Partitions: %s is the device's name. */
	"%sp1/size", "%sp1/start", "%sp1/ro", "%sp2/size", "%sp2/start", "%sp3/size",
};

/* --- Chance. */

static uint64_t draw(void)
{
	uint64_t z = rng += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static uint64_t below(uint64_t n)
{
	return draw() % n;
}

#define PICK(array) ((array)[below(sizeof(array) / sizeof((array)[0]))])

/* --- Messages. */

#define HISTORY 24
static char history[HISTORY][TEXT];

static void die(const char *what)
{
	fprintf(stderr, "twins: %s: %s\n", what, strerror(errno));
	exit(2);
}

__attribute__((format(printf, 1, 2))) static void describe(const char *format, ...)
{
	size_t length = strlen(now.text);
	va_list list;

	va_start(list, format);
	vsnprintf(now.text + length, TEXT - length, format, list);
	va_end(list);
}

static const char *answer(int result, int error)
{
	static char text[2][32];
	static int which;

	which = !which;
	if (result < 0)
		return strerrorname_np(error);
	snprintf(text[which], sizeof(text[which]), "%d", result);
	return text[which];
}

static void start_again(void);

/* The drivers differ in `what' where they may not. */
__attribute__((format(printf, 2, 3))) static void differ(const char *what, const char *format, ...)
{
	static char told[64][64];
	static int again;
	va_list list;
	long i;

	for (i = 0; i < differences && i < 64; i++)
		if (!strncmp(told[i], what, 63))
			break;
	if (i < differences) {
		start_again();
		return;
	}
	if (i < 64)
		strncpy(told[i], what, 63);
	differences++;
	fprintf(stderr, "twins: the drivers differ. The last steps:\n");
	for (i = step < HISTORY ? 0 : step - HISTORY + 1; i <= step; i++)
		fprintf(stderr, "  %ld: %s\n", i, history[i % HISTORY]);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fprintf(stderr, "\n");
	if (!keep_going || again || differences == 64)
		exit(1);
	again = 1;
	start_again();
	again = 0;
}

/* --- Files to be attached: the same on both sides. */

static const off_t sizes[FILES] = { 0, 511, 512, 65536, 1 << 20, 3000000, 5LL << 30 };

static void file_path(char *path, const struct side *side, int directory, int number)
{
	snprintf(path, TEXT, "%s/file%d", side->directories[directory], number);
}

static void make_files(struct side *side)
{
	/* A table of two partitions, in 512-byte sectors. */
	static const unsigned char table[66] = {
		0, 0, 0, 0, 0x83, 0, 0, 0, 8, 0, 0, 0, 64, 0, 0, 0,
		0, 0, 0, 0, 0x83, 0, 0, 0, 128, 0, 0, 0, 0, 2, 0, 0,
		[64] = 0x55, [65] = 0xaa
	};
	char path[TEXT];
	int directory, number, fd;

	for (directory = 0; directory < directory_count; directory++) {
		if (mkdir(side->directories[directory], 0755) && errno != EEXIST)
			die(side->directories[directory]);
		for (number = 0; number < FILES; number++) {
			file_path(path, side, directory, number);
			fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
			if (fd < 0 || ftruncate(fd, sizes[number]))
				die(path);
			if (number >= 4 && pwrite(fd, table, sizeof(table), 446) != sizeof(table))
				die(path);
			close(fd);
		}
	}
}

static void node_path(char *path, const struct side *side, int number)
{
	snprintf(path, TEXT, "/dev/%s%d", side->prefix, number);
}

/* Replaces a descriptor by another one, of the same kind on both sides. */
static void new_fd(int slot)
{
	static const int accesses[] = { O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_RDONLY, O_WRONLY,
					O_RDWR | O_DIRECT, O_RDONLY | O_DIRECT };
	static const char *const paths[] = { "/dev/zero", "/dev/null", "/dev/full", "/", "/dev/tty" };
	static const char *const views[] = { "/proc/self/comm", "/proc/version",
					     "/sys/kernel/mm/transparent_hugepage/enabled" };
	int chance = (int)below(40), access = PICK(accesses), number = (int)below(FILES);
	int directory = (int)below(directory_count), device = (int)below(DEVICES);
	int which = (int)below(5), pair[2];
	char path[TEXT];

	fd_kinds[slot] = FD_SPECIAL;
	for EACH(side) {
		int fd = -1;

		if (side->fds[slot] >= 0)
			close(side->fds[slot]);
		if (chance < 24) {
			file_path(path, side, directory, number);
			fd = open(path, access | O_CLOEXEC);
			fd_kinds[slot] = access == O_WRONLY ? FD_WRITE_ONLY : FD_PLAIN;
			if (side == sides)
				describe("file %d.%d flags %#o", directory, number, access);
		} else if (chance < 28) {
			node_path(path, side, device);
			access &= ~O_DIRECT;
			fd = open(path, access | O_CLOEXEC);
			fd_kinds[slot] = access == O_WRONLY ? FD_WRITE_ONLY : FD_NODE;
			fd_devices[slot] = device;
			if (side == sides)
				describe("device %d flags %#o", device, access);
		} else if (chance < 32 && side->block) {
			fd = open(side->block, access | O_CLOEXEC);
			fd_kinds[slot] = access == O_WRONLY ? FD_WRITE_ONLY : FD_BLOCK;
			if (side == sides)
				describe("block device flags %#o", access);
		} else if (chance < 34) {
			fd = open(paths[which], O_RDONLY | O_CLOEXEC);
			if (side == sides)
				describe("%s", paths[which]);
		} else if (chance < 35) {
			fd = open(views[which % 3], O_RDONLY | O_CLOEXEC);
			fd_kinds[slot] = FD_PSEUDO;
			if (side == sides)
				describe("%s", views[which % 3]);
		} else if (chance < 36) {
			file_path(path, side, directory, number);
			fd = open(path, O_PATH | O_CLOEXEC);
			if (side == sides)
				describe("O_PATH");
		} else if (chance < 37) {
			fd = eventfd(0, EFD_CLOEXEC);
			if (side == sides)
				describe("eventfd");
		} else if (chance < 38) {
			if (pipe2(pair, O_CLOEXEC))
				die("pipe");
			close(pair[which & 1]);
			fd = pair[!(which & 1)];
			if (side == sides)
				describe("pipe");
			if (!(which & 1))
				fd_kinds[slot] = FD_WRITE_ONLY;
		} else if (chance < 39) {
			fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
			if (side == sides)
				describe("socket");
		} else if (side == sides) {
			describe("closed");
		}
		side->fds[slot] = fd;
		side->result = fd < 0 ? -1 : 0;
		side->error = fd < 0 ? errno : 0;
		if (chance == 39)
			side->result = side->error = 0;
	}
}

/* --- The state that sysfs shows. */

/* What the file has; its path without what differs between the sides. */
static void read_file(const struct side *side, int number, const char *file, char *text)
{
	char path[TEXT], name[64], part[128];
	ssize_t length;
	int fd, i;

	snprintf(name, sizeof(name), "%s%d", side->prefix, number);
	/* Only those of partitions have a %s. */
	snprintf(part, sizeof(part), file[0] == '%' ? "%s%s" : "%.0s%s", name,
		 file[0] == '%' ? file + 2 : file);
	snprintf(path, TEXT, "/sys/block/%s/%s", name, part);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		snprintf(text, TEXT, "%s", strerrorname_np(errno));
		return;
	}
	length = read(fd, text, TEXT - 1);
	if (length < 0)
		length = snprintf(text, TEXT, "%s", strerrorname_np(errno));
	close(fd);
	while (length > 0 && text[length - 1] == '\n')
		length--;
	text[length] = 0;
	if (strcmp(file, "loop/backing_file"))
		return;
	for (i = 0; i < directory_count; i++) {
		size_t own = strlen(side->directories[i]);

		if (!strncmp(text, side->directories[i], own))
			memmove(text, text + own, strlen(text + own) + 1);
	}
	snprintf(name, sizeof(name), "/dev/%s", side->prefix);
	if (!strncmp(text, name, strlen(name)) && text[strlen(name)] >= '0' &&
	    text[strlen(name)] <= '9')
		memmove(text, text + strlen(name), strlen(text + strlen(name)) + 1);
	if (side->block && !strcmp(text, side->block))
		strcpy(text, "block");
}

static int exists(const struct side *side, int number)
{
	char path[TEXT];

	snprintf(path, TEXT, "/sys/block/%s%d", side->prefix, number);
	return !access(path, F_OK);
}

static int is_bound(const struct side *side, int number)
{
	char text[TEXT];

	read_file(side, number, "loop/backing_file", text);
	return strcmp(text, "ENOENT") != 0;
}

static void compare_device(int number)
{
	char text[2][TEXT];
	size_t i, j;
	int states;

	if (exists(&sides[0], number) != exists(&sides[1], number))
		{
		differ("existence", "device %d exists on one side only", number);
		return;
	}
	if (!exists(&sides[1], number))
		return;
	if (is_bound(&sides[1], number)) {
		states = BOUND;
		if (changed[number])
			states |= CHANGED;
	} else {
		states = UNBOUND;
		changed[number] = 0;
	}
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		for (j = 0; j < 2; j++)
			read_file(&sides[j], number, files[i], text[j]);
		if (!strcmp(text[0], text[1]))
			continue;
		for (j = 0; j < DIFFERENT_FILES; j++)
			if (!strncmp(files[i], allowed_files[j].file, strlen(allowed_files[j].file)) &&
			    (allowed_files[j].states & states) &&
			    allowed_files[j].when(text[0], text[1]))
				break;
		if (j == DIFFERENT_FILES) {
			differ(files[i], "%s of device %d is '%s' and '%s'", files[i], number, text[0], text[1]);
			return;
		}
		seen_files[j]++;
	}
}

/* --- Steps. */

static void set_privileged(int privileged)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		die("capget");
	data[0].effective = privileged ? data[0].permitted : 0;
	data[1].effective = privileged ? data[1].permitted : 0;
	if (syscall(SYS_capset, &header, data))
		die("capset");
}

static int close_node(int slot)
{
	int was = node_number[slot];

	for EACH(side)
		if (side->nodes[slot] >= 0) {
			close(side->nodes[slot]);
			side->nodes[slot] = -1;
		}
	node_number[slot] = -1;
	return was;
}

/* Brings both sides into the same state, after an allowed difference. */
static void start_again(void)
{
	char path[TEXT];
	int i, fd, again;

	for (i = 0; i < NODES; i++)
		close_node(i);
	for (i = 0; i < FDS; i++)
		for EACH(side) {
			if (side->fds[i] >= 0)
				close(side->fds[i]);
			side->fds[i] = -1;
			fd_kinds[i] = FD_SPECIAL;
		}
	/* What lies on another device goes first; three deep is the most. */
	for (again = 0; again < DEVICES; again++)
		for EACH(side)
			for (i = 0; i < MOST; i++) {
				node_path(path, side, i);
				if (!exists(side, i) || !is_bound(side, i))
					continue;
				fd = open(path, O_RDONLY | O_CLOEXEC);
				if (fd >= 0) {
					ioctl(fd, LOOP_CLR_FD, 0);
					close(fd);
				}
			}
	for (i = 0; i < MOST; i++)
		for EACH(side)
			if (exists(side, i) && is_bound(side, i))
				differ("detach", "device %d cannot be detached", i);
}

static int both(unsigned long request, int control)
{
	for EACH(side) {
		int fd = control ? side->control : side->nodes[now.node];
		unsigned long arg = now.number;

		if (side->arg)
			arg = (unsigned long)side->arg;
		else if (now.kind == SET_FD || now.kind == CHANGE_FD)
			arg = (unsigned long)(long)side->fds[now.fd];
		if (now.unprivileged)
			set_privileged(0);
		side->result = call(fd, request, arg);
		side->error = side->result < 0 ? errno : 0;
		if (now.unprivileged)
			set_privileged(1);
	}
	return 0;
}

static uint64_t offset_or_limit(void)
{
	static const uint64_t sane[] = { 0, 0, 0, 0, 512, 1024, 4096, 8192, 65536, 1 << 20 };
	static const uint64_t edges[] = { 1, 511, 513, 4097, INT32_MAX, UINT32_MAX, 1ULL << 32,
					  5ULL << 30, INT64_MAX - 511, INT64_MAX, 1ULL << 63,
					  UINT64_MAX };

	return below(5) ? PICK(sane) : PICK(edges);
}

static uint32_t some_flags(void)
{
	static const uint32_t sane[] = {
		0, 0, 0, LO_FLAGS_READ_ONLY, LO_FLAGS_READ_ONLY, LO_FLAGS_AUTOCLEAR,
		LO_FLAGS_PARTSCAN, LO_FLAGS_DIRECT_IO, LO_FLAGS_DIRECT_IO | LO_FLAGS_READ_ONLY,
		LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO
	};

	return below(8) ? PICK(sane) : (uint32_t)draw() & (below(2) ? 31 : UINT32_MAX);
}

static unsigned long some_block_size(void)
{
	static const unsigned long all[] = { 0, 0, 512, 512, 1024, 2048, 4096, 4096, 8192, 65536,
					     131072, 1, 511, 513, 3072, 0x80000000, UINT32_MAX };

	return PICK(all);
}

static void some_info(struct loop_info64 *info)
{
	memset(info, 0, sizeof(*info));
	info->lo_offset = offset_or_limit();
	info->lo_sizelimit = offset_or_limit();
	info->lo_flags = some_flags();
	if (!below(3))
		memset(info->lo_file_name, 'a' + (int)below(26), 1 + below(LO_NAME_SIZE));
	if (!below(20))
		info->lo_encrypt_type = (uint32_t)below(20);
	if (!below(20))
		info->lo_encrypt_key_size = (uint32_t)below(40);
	describe(" offset %llu limit %llu flags %#x type %u size %u",
		 (unsigned long long)info->lo_offset, (unsigned long long)info->lo_sizelimit,
		 info->lo_flags, info->lo_encrypt_type, info->lo_encrypt_key_size);
}

/* The same argument for both, or a pointer that is none. */
static void pass(const void *from, size_t size)
{
	static unsigned char *areas[2];
	int i;

	for (i = 0; i < 2; i++) {
		if (!areas[i]) {
			areas[i] = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
			if (areas[i] == MAP_FAILED)
				die("mmap");
		}
		memset(areas[i], 0xc7, 4096);
		if (from)
			memcpy(areas[i], from, size);
		sides[i].arg = areas[i];
	}
	if (!below(24)) {
		now.number = below(2);
		sides[0].arg = sides[1].arg = NULL;
		describe(" at %lu", now.number);
	}
}

/* What GET_STATUS wrote, all of it, is the same but for what tells files apart. */
static void compare_status(void)
{
	int i;

	if (!sides[0].arg)
		return;
	for (i = 0; i < 2; i++) {
		unsigned char *arg = sides[i].arg;

		if (sides[i].result)
			continue;
		if (now.kind == GET_STATUS64) {
			struct loop_info64 *info = (struct loop_info64 *)arg;

			info->lo_inode = !!info->lo_inode;
			info->lo_rdevice = !!info->lo_rdevice;
		} else if (compat) {
			struct loop_info32 *info = (struct loop_info32 *)arg;

			info->inode = !!info->inode;
			info->rdevice = !!info->rdevice;
		} else {
			struct loop_info *info = (struct loop_info *)arg;

			info->lo_inode = !!info->lo_inode;
			info->lo_rdevice = !!info->lo_rdevice;
		}
	}
	for (i = 0; i < 4096; i++)
		if (sides[0].arg[i] != sides[1].arg[i])
			differ("status", "byte %d of the status is %#x and %#x", i,
			       sides[0].arg[i], sides[1].arg[i]);
}

/* A device was bound to, or changed to, a descriptor: has it the limits of a file
 * that was exchanged?
 */
static void note_changed(int device)
{
	if (sides[1].result || device >= MOST)
		return;
	if (now.kind == CHANGE_FD || (fd_kinds[now.fd] == FD_NODE && changed[fd_devices[now.fd]]))
		changed[device] = 1;
}

static void do_configure(void)
{
	struct loop_config config;
	int i;

	for (i = 0; i < 3 && fd_kinds[now.fd] != FD_PLAIN; i++)
		now.fd = (int)below(FDS);
	memset(&config, 0, sizeof(config));
	some_info(&config.info);
	/* Mostly what goes well, or nothing would ever be attached. */
	if (below(3)) {
		config.info.lo_flags &= 1 | 4 | 8 | 16;
		config.info.lo_encrypt_type = config.info.lo_encrypt_key_size = 0;
	} else {
		config.block_size = (uint32_t)some_block_size();
	}
	now.flags = config.info.lo_flags;
	now.block_size = config.block_size;
	describe(" fd %d flags %#x block size %u", now.fd, now.flags, now.block_size);
	pass(&config, sizeof(config));
	for EACH(side)
		if (side->arg)
			((struct loop_config *)side->arg)->fd = (uint32_t)side->fds[now.fd];
	both(LOOP_CONFIGURE, 0);
}

static void do_set_status(void)
{
	struct loop_info64 info;

	some_info(&info);
	if (now.kind == SET_STATUS64) {
		pass(&info, sizeof(info));
		both(LOOP_SET_STATUS64, 0);
	} else if (compat) {
		struct loop_info32 old;

		memset(&old, 0, sizeof(old));
		old.offset = (int32_t)info.lo_offset;
		old.flags = (int32_t)info.lo_flags;
		old.encrypt_type = (int32_t)info.lo_encrypt_type;
		old.encrypt_key_size = (int32_t)info.lo_encrypt_key_size;
		memcpy(old.name, info.lo_file_name, LO_NAME_SIZE);
		pass(&old, sizeof(old));
		both(LOOP_SET_STATUS, 0);
	} else {
		struct loop_info old;

		memset(&old, 0, sizeof(old));
		old.lo_offset = (int)info.lo_offset;
		old.lo_flags = (int)info.lo_flags;
		old.lo_encrypt_type = (int)info.lo_encrypt_type;
		old.lo_encrypt_key_size = (int)info.lo_encrypt_key_size;
		memcpy(old.lo_name, info.lo_file_name, LO_NAME_SIZE);
		pass(&old, sizeof(old));
		both(LOOP_SET_STATUS, 0);
	}
}

static void do_control(void)
{
	static const long numbers[] = { -1, -1, 0x7ffffff0, 1 << 20, (1 << 20) - 1, 1 << 21,
					-2147483647 };
	static const unsigned long requests[] = { LOOP_CTL_ADD, LOOP_CTL_REMOVE, LOOP_CTL_GET_FREE };
	unsigned long request = requests[now.kind - CTL_ADD];
	int made;

	now.number = below(5) ? below(DEVICES + 4) : (unsigned long)PICK(numbers);
	describe(" %ld", (long)now.number);
	both(request, 1);
	/* Not more devices than there is memory for. */
	made = sides[0].result;
	if (made == sides[1].result && made >= MOST && now.kind != CTL_REMOVE)
		for EACH(side)
			ioctl(side->control, LOOP_CTL_REMOVE, made);
}

static void do_block_ioctl(void)
{
	static const struct {
		unsigned long request;
		const char *name;
		int writes;
	} all[] = {
		{ BLKGETSIZE64, "BLKGETSIZE64", 1 },	{ BLKROGET, "BLKROGET", 1 },
		{ BLKSSZGET, "BLKSSZGET", 1 },		{ BLKPBSZGET, "BLKPBSZGET", 1 },
		{ BLKIOMIN, "BLKIOMIN", 1 },		{ BLKALIGNOFF, "BLKALIGNOFF", 1 },
		{ BLKRRPART, "BLKRRPART", 0 },		{ BLKFLSBUF, "BLKFLSBUF", 0 },
	};
	size_t which = below(sizeof(all) / sizeof(all[0]));
	int i;

	describe(" %s", all[which].name);
	for (i = 0; i < 2; i++) {
		struct side *side = &sides[i];
		uint64_t value = 0;

		/* The block layer's, not the driver's: by the native entry. */
		side->result = ioctl(side->nodes[now.node], all[which].request,
				     all[which].writes ? &value : NULL);
		side->error = side->result < 0 ? errno : 0;
		if (!side->result)
			side->result = (int)value;
	}
	/* `ro' of a detached device, see the table. */
	if (all[which].request == BLKROGET && !is_bound(&sides[1], node_number[now.node]))
		sides[0].result = sides[1].result;
}

static void do_open(void)
{
	static const int all[] = { O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_RDONLY, O_WRONLY,
				   O_RDWR | O_EXCL, O_RDONLY | O_EXCL, O_RDONLY | O_NONBLOCK };
	int flags = PICK(all), number = (int)below(below(6) ? DEVICES : DEVICES + 4);
	char path[TEXT];

	close_node(now.node);
	describe(" device %d flags %#o", number, flags);
	for EACH(side) {
		node_path(path, side, number);
		side->nodes[now.node] = open(path, flags | O_CLOEXEC);
		side->error = side->nodes[now.node] < 0 ? errno : 0;
		side->result = side->nodes[now.node] < 0 ? -1 : 0;
	}
	if (!sides[0].result && !sides[1].result)
		node_number[now.node] = number;
	else
		close_node(now.node);
}

static void do_truncate(void)
{
	int directory = (int)below(directory_count), number = (int)below(FILES);
	off_t size = below(2) ? sizes[number] : (off_t)(below(4096) * 512);
	char path[TEXT];

	describe(" file %d.%d to %lld", directory, number, (long long)size);
	for EACH(side) {
		file_path(path, side, directory, number);
		side->result = truncate(path, size);
		side->error = side->result < 0 ? errno : 0;
	}
}

static void do_step(void)
{
	int chance = 0, total = 0, i, device = -1, same;
	size_t entry;

	memset(&now, 0, sizeof(now));
	for (i = 0; i < KINDS; i++)
		total += weights[i];
	chance = (int)below((uint64_t)total);
	for (i = 0; chance >= weights[i]; i++)
		chance -= weights[i];
	now.kind = (enum kind)i;
	now.node = (int)below(NODES);
	now.fd = (int)below(FDS);
	/* Most of the time something that is open. */
	for (i = 0; i < 3 && node_number[now.node] < 0; i++)
		now.node = (int)below(NODES);
	if (node_number[now.node] < 0 && now.kind < CTL_ADD)
		now.kind = OPEN;
	if (node_number[now.node] < 0 && (now.kind == BLOCK_IOCTL || now.kind == CLOSE))
		now.kind = OPEN;
	for EACH(side) {
		side->result = side->error = 0;
		side->arg = NULL;
	}
	describe("%s", names[now.kind]);
	if (now.kind < CTL_ADD || now.kind == BLOCK_IOCTL || now.kind == CLOSE) {
		device = node_number[now.node];
		describe(" of node %d (device %d)", now.node, device);
	}
	if (now.kind < CTL_ADD && !below(6)) {
		now.unprivileged = 1;
		describe(" without privileges");
	}

	switch (now.kind) {
	case CONFIGURE:
		do_configure();
		note_changed(device);
		break;
	case SET_FD:
	case CHANGE_FD:
		describe(" fd %d", now.fd);
		both(now.kind == SET_FD ? LOOP_SET_FD : LOOP_CHANGE_FD, 0);
		note_changed(device);
		break;
	case CLR_FD:
		both(LOOP_CLR_FD, 0);
		break;
	case SET_STATUS:
	case SET_STATUS64:
		do_set_status();
		break;
	case GET_STATUS:
	case GET_STATUS64:
		pass(NULL, 0);
		both(now.kind == GET_STATUS ? LOOP_GET_STATUS : LOOP_GET_STATUS64, 0);
		compare_status();
		break;
	case SET_CAPACITY:
		both(LOOP_SET_CAPACITY, 0);
		break;
	case SET_DIRECT_IO:
		now.number = below(4) ? below(2) : draw();
		describe(" %#lx", now.number);
		both(LOOP_SET_DIRECT_IO, 0);
		break;
	case SET_BLOCK_SIZE:
		now.number = some_block_size();
		if (!compat && !below(12))
			now.number |= 1UL << 32;
		describe(" %lu", now.number);
		both(LOOP_SET_BLOCK_SIZE, 0);
		break;
	case UNKNOWN:
		now.number = below(3);
		i = (int)(0x4c0b + below(0x70));
		describe(" %#x", i);
		both((unsigned long)i, 0);
		break;
	case CTL_ADD:
	case CTL_REMOVE:
	case CTL_GET_FREE:
		do_control();
		break;
	case CTL_UNKNOWN:
		both(0x4c83 + below(16), 1);
		break;
	case BLOCK_IOCTL:
		do_block_ioctl();
		break;
	case OPEN:
		do_open();
		device = node_number[now.node];
		break;
	case CLOSE:
		close_node(now.node);
		break;
	case NEW_FD:
		describe(" %d: ", now.fd);
		new_fd(now.fd);
		break;
	case TRUNCATE:
		do_truncate();
		break;
	default:
		break;
	}
	for EACH(side)
		describe(" = %s", answer(side->result, side->error));
	memcpy(history[step % HISTORY], now.text, TEXT);
	if (verbose)
		printf("%ld: %s\n", step, now.text), fflush(stdout);
	if (sides[1].result >= 0)
		succeeded[now.kind]++;
	else
		failed[now.kind]++;

	same = sides[0].result == sides[1].result && sides[0].error == sides[1].error;
	if (!same) {
		for (entry = 0; entry < RESULTS; entry++)
			if (allowed_results[entry].kind == now.kind &&
			    (allowed_results[entry].first < 0 ||
			     allowed_results[entry].first == sides[0].error) &&
			    allowed_results[entry].second == sides[1].error &&
			    allowed_results[entry].when())
				break;
		if (entry < RESULTS) {
			seen_results[entry]++;
			start_again();
		} else {
			snprintf(now.text, TEXT, "%s %d %d", names[now.kind], sides[0].error,
				 sides[1].error);
			differ(now.text, "results differ");
			return;
		}
	}
	if (device >= 0)
		compare_device(device);
	/* The others should not have changed; all of that takes its time. */
	if (device < 0 || !below(4))
		compare_device((int)below(DEVICES + 1));
}

int main(int argc, char **argv)
{
	uint64_t seed = (uint64_t)getpid() * 1000003 + (uint64_t)time(NULL);
	long steps = 1000;
	char path[TEXT], *comma;
	size_t entry;
	int i, j;

	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i++) {
		const char *option = argv[i];

		if (!strcmp(option, "--compat")) {
			if (!has_compat()) {
				fprintf(stderr, "twins: the kernel has no 32-bit entry\n");
				return 4;
			}
			compat = 1;
			continue;
		}
		if (!strcmp(option, "--keep-going")) {
			keep_going = 1;
			continue;
		}
		if (!strcmp(option, "--verbose")) {
			verbose = 1;
			continue;
		}
		if (++i == argc)
			break;
		if (!strcmp(option, "--seed")) {
			seed = strtoull(argv[i], NULL, 0);
		} else if (!strcmp(option, "--steps")) {
			steps = strtol(argv[i], NULL, 0);
		} else if (!strcmp(option, "--first")) {
			sides[0].prefix = argv[i];
		} else if (!strcmp(option, "--second")) {
			sides[1].prefix = argv[i];
		} else if (!strcmp(option, "--blocks") && (comma = strchr(argv[i], ','))) {
			*comma = 0;
			sides[0].block = argv[i];
			sides[1].block = comma + 1;
		} else {
			break;
		}
	}
	if (i >= argc || argc - i > 8 || !strncmp(argv[i], "--", 2)) {
		fputs(usage, stderr);
		return 2;
	}
	rng = seed;
	printf("seed %llu, %ld steps%s\n", (unsigned long long)seed, steps,
	       compat ? ", 32-bit entry" : "");
	fflush(stdout);
	directory_count = argc - i;
	for EACH(side) {
		for (j = 0; j < directory_count; j++)
			if (asprintf(&side->directories[j], "%s/%ld", argv[i + j], (long)(side - sides)) < 0)
				die("memory");
		make_files(side);
		snprintf(path, TEXT, "/dev/%s-control", side->prefix);
		side->control = open(path, O_RDWR | O_CLOEXEC);
		if (side->control < 0)
			die(path);
		for (j = 0; j < NODES; j++)
			side->nodes[j] = -1;
		for (j = 0; j < FDS; j++)
			side->fds[j] = -1;
	}
	for (j = 0; j < NODES; j++)
		node_number[j] = -1;
	for (j = 0; j < FDS; j++)
		new_fd(j);

	for (step = 0; step < steps; step++)
		do_step();
	step--;
	start_again();
	for (j = 0; j < MOST; j++)
		compare_device(j);
	for (i = 0; i < KINDS; i++)
		printf("%s: ok %ld, failed %ld\n", names[i], succeeded[i], failed[i]);
	for (entry = 0; entry < RESULTS; entry++)
		printf("allowed, %ld times: %s: %s\n", seen_results[entry],
		       names[allowed_results[entry].kind], allowed_results[entry].reason);
	for (entry = 0; entry < DIFFERENT_FILES; entry++)
		printf("allowed, %ld times: %s: %s\n", seen_files[entry],
		       allowed_files[entry].file, allowed_files[entry].reason);
	return differences != 0;
}
