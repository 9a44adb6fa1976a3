// SPDX-License-Identifier: GPL-2.0
/*
 * fuzz: loop and control ioctls with whatever a hostile caller could pass.
 *
 * Workers call ioctls with structures that are right but for one field, or all
 * wrong, at good and bad addresses, with all kinds of file descriptors; in
 * between they read, write, and change the backing files. A worker depends on
 * the seed and its number alone: one worker is reproducible.
 *
 * Exits with 0 if all workers come to their end, every status that was read
 * was clean (nothing of the kernel's memory in it, nothing written beyond it),
 * and so was all data; with 4 if the kernel has no 32-bit entry.
 *
 * --compat calls ioctl(2) by the kernel's 32-bit entry.
 */
#define _GNU_SOURCE
#include "entry.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage[] =
	"Usage: fuzz [OPTION...] DIRECTORY...\n"
	"\n"
	"  --seed S       default: from the clock; always printed\n"
	"  --calls N      of all workers together, default 10000\n"
	"  --processes P  default 1\n"
	"  --threads T    of each process, default 1\n"
	"  --devices D    numbers 0 to D - 1 are used most, default 6\n"
	"  --prefix P     of the nodes, default loop\n"
	"  --uid U        of every second worker process, its nodes opened by root\n"
	"  --compat       32-bit entry\n"
	"  --pseudo       procfs and sysfs files, too; then data is not checked\n"
	"  --limit S      seconds until all must have ended, default 60\n"
	"  --verbose      each call; the last line is the one that hangs or crashes\n"
	"\n"
	"Backing files are made in each DIRECTORY.\n";

/* What a file of ours may contain, and what is written to devices. */
#define FILLED 0x5a
#define WRITTEN 0xa5

#define FDS 24
#define NODES 8
#define PAGES 8
#define PAGE 4096
#define CANARY 0xc7

static const char *prefix = "loop";
static unsigned int devices = 6;
static char **directories;
static int directory_count, pseudo, verbose;
static uid_t uid;

enum {
	CONFIGURE, SET_FD, CHANGE_FD, CLR_FD, SET_STATUS, SET_STATUS64, GET_STATUS, GET_STATUS64,
	SET_CAPACITY, SET_DIRECT_IO, SET_BLOCK_SIZE, CTL, UNKNOWN, BLOCK_IOCTL, OPEN, READ, WRITE,
	SYNC, NEW_FD, SPOIL, KINDS
};
static const char *const kind_names[KINDS] = {
	"configure", "set_fd", "change_fd", "clr_fd", "set_status", "set_status64", "get_status",
	"get_status64", "set_capacity", "set_direct_io", "set_block_size", "ctl", "unknown",
	"block_ioctl", "open", "read", "write", "sync", "new_fd", "spoil"
};
static const int weights[KINDS] = {
	14, 6, 6, 6, 4, 10, 3, 6, 3, 5, 5, 6, 6, 3, 12, 6, 6, 2, 6, 3
};

/* Shared by all workers. */
struct shared {
	uint64_t ok[KINDS], failed[KINDS];
	uint64_t bad;
};
static struct shared *shared;

struct worker {
	uint64_t rng;
	long calls;
	int number, unprivileged;
	int fds[FDS], nodes[NODES], control;
	/* PAGES pages, then one that is read-only, then one that is not there. */
	unsigned char *arena;
	unsigned char *data;
};

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static uint64_t draw(struct worker *w)
{
	return mix(w->rng += 0x9e3779b97f4a7c15ULL);
}

static uint64_t below(struct worker *w, uint64_t n)
{
	return draw(w) % n;
}

#define PICK(w, array) ((array)[below(w, sizeof(array) / sizeof((array)[0]))])

static void die(const char *what)
{
	fprintf(stderr, "fuzz: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void bad(struct worker *w, const char *what)
{
	fprintf(stderr, "fuzz: worker %d: %s\n", w->number, what);
	__atomic_add_fetch(&shared->bad, 1, __ATOMIC_RELAXED);
}

static uint64_t number(struct worker *w)
{
	static const uint64_t edges[] = {
		0, 1, 2, 511, 512, 513, 1023, 1024, 4095, 4096, 4097, 8192, 65535, 65536, 131072,
		1 << 20, (1 << 20) + 1, 0x7fffffff, 0x80000000, 0xfffffe00, 0xffffffff,
		0x100000000, 0x7ffffffffffffe00, 0x7fffffffffffffff, 0x8000000000000000,
		0xfffffffffffffe00, 0xffffffffffffffff, 0x1ffffffffff
	};

	switch (below(w, 4)) {
	case 0:
		return draw(w);
	case 1:
		return 1ULL << below(w, 64);
	default:
		return PICK(w, edges);
	}
}

static int a_fd(struct worker *w)
{
	static const int wild[] = { -1, INT32_MIN, 0x7fffffff, 1000000, 777, 0, -100 };

	if (!below(w, 20))
		return PICK(w, wild);
	if (!below(w, 12))
		return w->nodes[below(w, NODES)];
	return w->fds[below(w, FDS)];
}

static int a_node(struct worker *w)
{
	int i, fd = -1;

	for (i = 0; i < 4 && fd < 0; i++)
		fd = w->nodes[below(w, NODES)];
	return fd;
}

/* Where a structure of this size goes: mostly where it can be read and written. */
static unsigned char *address(struct worker *w, size_t size)
{
	static const uint64_t wild[] = {
		0, 1, 8, PAGE - 1, 0xffffffff, 0xfffffffe, 0x7fffffff, 0x7fffffffffff, 0x800000000000,
		0xffff888000000000, 0xffffffff81000000, 0xffffffffffffffff, 0xdead000000000000,
		0xffffffffffffff00
	};

	switch (below(w, 24)) {
	case 0:
		return (unsigned char *)PICK(w, wild);
	case 1:
		/* Its end is on the page that is read-only. */
		return w->arena + PAGES * PAGE - 1 - below(w, size);
	case 2:
		/* Its end is where there is none. */
		return w->arena + (PAGES + 1) * PAGE - 1 - below(w, size);
	default:
		/* Just before the read-only page, or anywhere, aligned or not. */
		return below(w, 2) ? w->arena + PAGES * PAGE - size :
				     w->arena + PAGE + below(w, (PAGES - 2) * PAGE - size);
	}
}

static int is_good(struct worker *w, const unsigned char *at, size_t size)
{
	return at >= w->arena && at + size <= w->arena + PAGES * PAGE;
}

/* Copies to an address that may be bad as the kernel's entry would: as far as
 * it goes.
 */
static void put(struct worker *w, unsigned char *at, const void *from, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (at + i >= w->arena && at + i < w->arena + PAGES * PAGE)
			at[i] = ((const unsigned char *)from)[i];
}

static void noise(struct worker *w, void *to, size_t size)
{
	unsigned char *bytes = to;
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = (unsigned char)draw(w);
}

static uint64_t size_or_offset(struct worker *w)
{
	static const uint64_t sane[] = { 0, 0, 0, 512, 1024, 4096, 8192, 65536, 1 << 20 };

	return below(w, 4) ? PICK(w, sane) : number(w);
}

static uint32_t flags(struct worker *w)
{
	static const uint32_t sane[] = {
		0, 0, LO_FLAGS_READ_ONLY, LO_FLAGS_AUTOCLEAR, LO_FLAGS_PARTSCAN, LO_FLAGS_DIRECT_IO,
		LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO,
		LO_FLAGS_READ_ONLY | LO_FLAGS_PARTSCAN
	};

	return below(w, 6) ? PICK(w, sane) : (uint32_t)number(w);
}

static uint32_t block_size(struct worker *w)
{
	static const uint32_t sane[] = { 0, 0, 512, 1024, 2048, 4096 };

	return below(w, 4) ? PICK(w, sane) : (uint32_t)number(w);
}

static void make_info64(struct worker *w, struct loop_info64 *info)
{
	switch (below(w, 10)) {
	case 0:
		noise(w, info, sizeof(*info));
		return;
	case 1:
		memset(info, 0xff, sizeof(*info));
		return;
	case 2:
		/* Noise that gets past the first checks. */
		noise(w, info, sizeof(*info));
		info->lo_encrypt_type = 0;
		info->lo_encrypt_key_size = (uint32_t)below(w, LO_KEY_SIZE + 2);
		info->lo_flags = flags(w);
		info->lo_offset = size_or_offset(w);
		info->lo_sizelimit = size_or_offset(w);
		return;
	}
	memset(info, 0, sizeof(*info));
	info->lo_offset = size_or_offset(w);
	info->lo_sizelimit = size_or_offset(w);
	info->lo_flags = flags(w);
	if (!below(w, 16))
		info->lo_encrypt_type = (uint32_t)number(w);
	if (!below(w, 16))
		info->lo_encrypt_key_size = (uint32_t)number(w);
	if (!below(w, 4))
		noise(w, info->lo_file_name, sizeof(info->lo_file_name));
}

static int fresh_file(struct worker *w);

/* What works unless something else is in the way, so that there is something to
 * be spoilt.
 */
static int configure_well(struct worker *w)
{
	static const uint64_t sane[] = { 0, 0, 0, 512, 4096, 65536 };
	struct loop_config *config = (struct loop_config *)(w->arena + PAGE);
	int fd = below(w, 8) ? fresh_file(w) : a_fd(w), result, error;

	memset(config, 0, sizeof(*config));
	config->fd = (uint32_t)fd;
	config->block_size = below(w, 2) ? 0 : 512U << below(w, 4);
	config->info.lo_offset = PICK(w, sane);
	config->info.lo_sizelimit = PICK(w, sane);
	if (!below(w, 4))
		config->info.lo_flags = (uint32_t)below(w, 32) & ~2U;
	result = call(a_node(w), LOOP_CONFIGURE, (unsigned long)config);
	error = errno;
	if (fd > 2)
		/* It may be one of the worker's. */
		for (size_t i = 0; i < FDS; i++)
			if (w->fds[i] == fd)
				fd = -1;
	if (fd > 2)
		for (size_t i = 0; i < NODES; i++)
			if (w->nodes[i] == fd)
				fd = -1;
	if (fd > 2 && fd < 500)
		close(fd);
	errno = error;
	return result;
}

static int do_configure(struct worker *w)
{
	unsigned char *at = address(w, sizeof(struct loop_config));
	struct loop_config config;

	if (below(w, 2))
		return configure_well(w);
	memset(&config, 0, sizeof(config));
	if (!below(w, 12))
		noise(w, &config, sizeof(config));
	else
		make_info64(w, &config.info);
	config.fd = (uint32_t)a_fd(w);
	config.block_size = block_size(w);
	if (!below(w, 16))
		config.__reserved[below(w, 8)] = number(w);
	put(w, at, &config, sizeof(config));
	return call(a_node(w), LOOP_CONFIGURE, (unsigned long)at);
}

static int do_set_status(struct worker *w)
{
	size_t size = compat ? sizeof(struct loop_info32) : sizeof(struct loop_info);
	unsigned char *at = address(w, size);
	union {
		struct loop_info info;
		struct loop_info32 info32;
	} u;

	memset(&u, 0, sizeof(u));
	if (!below(w, 6)) {
		noise(w, &u, sizeof(u));
	} else if (compat) {
		u.info32.offset = (int32_t)size_or_offset(w);
		u.info32.flags = (int32_t)flags(w);
		if (!below(w, 8))
			u.info32.encrypt_key_size = (int32_t)number(w);
	} else {
		u.info.lo_offset = (int)size_or_offset(w);
		u.info.lo_flags = (int)flags(w);
		if (!below(w, 8))
			u.info.lo_encrypt_key_size = (int)number(w);
	}
	put(w, at, &u, size);
	return call(a_node(w), LOOP_SET_STATUS, (unsigned long)at);
}

static int do_set_status64(struct worker *w)
{
	unsigned char *at = address(w, sizeof(struct loop_info64));
	struct loop_info64 info;

	make_info64(w, &info);
	put(w, at, &info, sizeof(info));
	return call(a_node(w), LOOP_SET_STATUS64, (unsigned long)at);
}

static int all_zero(const void *from, size_t size)
{
	const unsigned char *bytes = from;
	size_t i;

	for (i = 0; i < size; i++)
		if (bytes[i])
			return 0;
	return 1;
}

static int do_get_status(struct worker *w, int sixty_four)
{
	size_t old = compat ? sizeof(struct loop_info32) : sizeof(struct loop_info);
	size_t size = sixty_four ? sizeof(struct loop_info64) : old, i;
	unsigned char *at = address(w, size);
	struct loop_info64 info;
	int result;

	memset(w->arena, CANARY, PAGES * PAGE);
	result = call(a_node(w), sixty_four ? LOOP_GET_STATUS64 : LOOP_GET_STATUS, (unsigned long)at);
	if (result)
		return result;
	if (!is_good(w, at, size)) {
		bad(w, "a status was written to where nothing can be written");
		return result;
	}
	for (i = 0; i < PAGES * PAGE; i++) {
		if (w->arena + i >= at && w->arena + i < at + size)
			continue;
		if (w->arena[i] != CANARY) {
			bad(w, "something was written outside of the status");
			break;
		}
	}
	if (sixty_four) {
		memcpy(&info, at, sizeof(info));
		if (info.lo_encrypt_type || info.lo_encrypt_key_size ||
		    !all_zero(info.lo_crypt_name, sizeof(info.lo_crypt_name)) ||
		    !all_zero(info.lo_encrypt_key, sizeof(info.lo_encrypt_key)) ||
		    !all_zero(info.lo_init, sizeof(info.lo_init)))
			bad(w, "the status has something in unused fields");
		if (!memchr(info.lo_file_name, 0, sizeof(info.lo_file_name)))
			bad(w, "the name in the status has no end");
		if (info.lo_flags & ~(LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR |
				      LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO))
			bad(w, "the status has unknown flags");
	}
	return result;
}

static int do_control(struct worker *w)
{
	static const unsigned int requests[] = { LOOP_CTL_ADD, LOOP_CTL_REMOVE, LOOP_CTL_REMOVE,
						 LOOP_CTL_GET_FREE };
	unsigned int request = PICK(w, requests);
	unsigned long arg = below(w, devices + 2);
	int result, fd = below(w, 30) ? w->control : a_node(w);

	if (!below(w, 8))
		arg = (unsigned long)number(w);
	result = call(fd, request, arg);
	/* Not more devices than there is memory for. */
	if (result >= (int)devices && request != LOOP_CTL_REMOVE)
		call(w->control, LOOP_CTL_REMOVE, (unsigned long)result);
	return result;
}

static int do_unknown(struct worker *w)
{
	unsigned char *at = address(w, PAGE);
	unsigned long request;

	noise(w, w->arena + PAGE, PAGE);
	switch (below(w, 4)) {
	case 0:
		request = draw(w);
		break;
	case 1:
		/* A loop ioctl's number with size and direction in front. */
		request = 0x4c00 + below(w, 256);
		request |= draw(w) << 16;
		break;
	default:
		request = 0x4c00 + below(w, 256);
		/* Those that are known are called elsewhere. */
		if (request <= LOOP_CONFIGURE || (request >= LOOP_CTL_ADD && request <= LOOP_CTL_GET_FREE))
			request += 0x20;
	}
	/* No file system here may be frozen, no trace begun by accident. */
	if ((request & 0xff00) == 0x5800 || (request & 0xffff) == 0x1273)
		return 0;
	return call(below(w, 4) ? a_node(w) : w->control, request,
		    below(w, 2) ? (unsigned long)at : (unsigned long)number(w));
}

static int do_block_ioctl(struct worker *w)
{
	static const unsigned long requests[] = { BLKDISCARD, BLKZEROOUT, BLKFLSBUF, BLKRRPART,
						  BLKROSET, BLKBSZSET, BLKGETSIZE64, BLKSSZGET };
	unsigned long request = PICK(w, requests);
	unsigned char *at = address(w, 16);
	uint64_t range[2] = { size_or_offset(w), size_or_offset(w) };
	/* Read-only is what would end most of the fun. */
	int off = 0;

	if (request == BLKROSET)
		put(w, at, &off, sizeof(off));
	else
		put(w, at, range, sizeof(range));
	return call(a_node(w), request, (unsigned long)at);
}

static int open_node(struct worker *w)
{
	static const int modes[] = { O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_RDWR | O_DIRECT,
				     O_RDWR | O_EXCL, O_RDWR | O_NONBLOCK, O_WRONLY, O_PATH };
	char path[80];

	snprintf(path, sizeof(path), "/dev/%s%u%s", prefix, (unsigned int)below(w, devices),
		 below(w, 20) ? "" : "p1");
	return open(path, PICK(w, modes) | O_CLOEXEC);
}

static int do_open(struct worker *w)
{
	size_t i = below(w, NODES);
	int fd;

	if (w->unprivileged)
		return 0;
	if (!below(w, 8)) {
		/* All of them: what was to be detached on last close now is. */
		for (i = 0; i < NODES; i++) {
			if (w->nodes[i] >= 0)
				close(w->nodes[i]);
			w->nodes[i] = -1;
		}
		i = 0;
	}
	if (w->nodes[i] >= 0)
		close(w->nodes[i]);
	w->nodes[i] = -1;
	fd = open_node(w);
	w->nodes[i] = fd;
	return fd;
}

/* A number that is closed while it is among the worker's nodes may have become that
 * of anything, /dev/urandom for instance.
 */
static int is_device(int fd)
{
	struct stat about;

	return !fstat(fd, &about) && S_ISBLK(about.st_mode);
}

static int do_read(struct worker *w)
{
	size_t length = (size_t)512 << below(w, 8), i;
	int fd = a_node(w);
	ssize_t got;

	if (!is_device(fd))
		return -1;
	memset(w->data, 0, 65536);
	got = pread(fd, w->data, length, (off_t)(below(w, 512) * 4096));
	if (got < 0)
		return -1;
	/* A signature of a partition table was never written, so there is none. */
	for (i = 0; i < (size_t)got && !pseudo; i++) {
		if (w->data[i] && w->data[i] != FILLED && w->data[i] != WRITTEN) {
			bad(w, "data that nobody wrote was read");
			break;
		}
	}
	return 0;
}

static int do_write(struct worker *w)
{
	size_t length = (size_t)512 << below(w, 8);

	memset(w->data, WRITTEN, length);
	return pwrite(a_node(w), w->data, length, (off_t)(below(w, 512) * 4096)) < 0 ? -1 : 0;
}

static int file_in(struct worker *w, const char *name, int mode)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directories[below(w, (uint64_t)directory_count)], name);
	return open(path, mode | O_CLOEXEC, 0666);
}

/* A file of its own, filled. */
static int fresh_file(struct worker *w)
{
	static const off_t sizes[] = { 0, 1, 511, 512, 4096, 65536, 1 << 20, 3000000 };
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "fuzz-%d-%d", (int)getpid(), (int)below(w, 8));
	fd = file_in(w, name, O_RDWR | O_CREAT);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, PICK(w, sizes)) < 0)
		die("ftruncate");
	memset(w->data, FILLED, 65536);
	if (below(w, 2) && pwrite(fd, w->data, 4096 * (1 + below(w, 16)), 0) < 0 && errno != ENOSPC)
		die("backing file");
	if (!below(w, 6)) {
		/* Deleted. */
		char path[4096], link[64];
		ssize_t got;

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		got = readlink(link, path, sizeof(path) - 1);
		if (got > 0) {
			path[got] = 0;
			unlink(path);
		}
	}
	return fd;
}

static int memory_file(struct worker *w, int sealed)
{
	static const unsigned int seals[] = { F_SEAL_WRITE, F_SEAL_FUTURE_WRITE, F_SEAL_SHRINK,
					      F_SEAL_GROW, F_SEAL_SEAL };
	int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return fd;
	if (ftruncate(fd, 1 << 20))
		die("memfd");
	while (sealed-- > 0)
		fcntl(fd, F_ADD_SEALS, PICK(w, seals));
	return fd;
}

/* Of files that are no files of ours nothing must be written, ever. */
static int pseudo_file(struct worker *w)
{
	static const char *const paths[] = {
		"/proc/version", "/proc/self/maps", "/proc/self/mem", "/proc/self/environ",
		"/proc/mounts", "/proc/kmsg", "/sys/kernel/notes", "/sys/kernel/vmcoreinfo",
		"/sys/block", "/sys/kernel/debug/sleep_time", "/proc/self/pagemap",
		"/sys/power/state", "/proc/kcore", "/proc/cmdline"
	};

	return open(PICK(w, paths), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static int huge_file(struct worker *w)
{
	static const off_t sizes[] = { 0x7fffffffffffffff, 0x7ffffffffffff000, 1LL << 43,
				       (1LL << 32) + 512, 0x7ffffffffffffe00 };
	int fd = memfd_create("fuzz-huge", MFD_CLOEXEC), again;
	char path[64];

	if (fd < 0)
		return fd;
	if (ftruncate(fd, PICK(w, sizes)) < 0)
		return fd;
	/* Read-only: zeroing all of it would take years. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	return again;
}

static int new_fd(struct worker *w)
{
	int pair[2] = { -1, -1 };

	switch (below(w, 26)) {
	case 0:
		if (pipe2(pair, O_CLOEXEC | O_NONBLOCK))
			return -1;
		close(pair[1]);
		return pair[0];
	case 1:
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
			return -1;
		close(pair[1]);
		return pair[0];
	case 2:
		return eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	case 3:
		return epoll_create1(EPOLL_CLOEXEC);
	case 4:
		return inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	case 5:
		return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	case 6:
		return memory_file(w, 0);
	case 7:
		return memory_file(w, 1 + (int)below(w, 3));
	case 8:
		return (int)syscall(SYS_memfd_create, "fuzz", MFD_CLOEXEC | 4U /* MFD_HUGETLB */);
	case 9:
		return open(directories[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	case 10:
		return file_in(w, "common", O_PATH);
	case 11: {
		static const char *const devs[] = { "/dev/null", "/dev/zero", "/dev/full",
						    "/dev/urandom", "/dev/ptmx" };

		return open(PICK(w, devs), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	}
	case 12:
		return w->control >= 0 ? dup(w->control) : -1;
	case 13:
		return open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	case 14:
	case 15:
		return w->unprivileged ? -1 : open_node(w);
	case 16:
		return pseudo ? pseudo_file(w) : fresh_file(w);
	case 17:
		return huge_file(w);
	case 18:
		return file_in(w, "common", O_WRONLY);
	case 19:
		return file_in(w, "common", O_RDWR | O_APPEND);
	case 20:
		return file_in(w, "common", O_RDONLY);
	case 21:
		return file_in(w, "common", O_RDWR | O_DIRECT);
	default:
		return fresh_file(w);
	}
}

static int do_new_fd(struct worker *w)
{
	size_t i = below(w, FDS);

	if (w->fds[i] >= 0)
		close(w->fds[i]);
	/* Sometimes a number stays that is closed, or belongs to something else. */
	if (!below(w, 12))
		return 0;
	w->fds[i] = new_fd(w);
	return w->fds[i];
}

/* The backing file changes under the device. */
static int do_spoil(struct worker *w)
{
	static const off_t sizes[] = { 0, 100, 512, 4096, 65536, 100000, 1 << 20, 3000000 };
	int fd = file_in(w, "common", O_RDWR), result;

	if (fd < 0)
		return fd;
	result = ftruncate(fd, PICK(w, sizes));
	close(fd);
	return result;
}

static int one(struct worker *w, int kind)
{
	switch (kind) {
	case CONFIGURE:
		return do_configure(w);
	case SET_FD:
		return call(a_node(w), LOOP_SET_FD, (unsigned long)a_fd(w));
	case CHANGE_FD:
		return call(a_node(w), LOOP_CHANGE_FD, (unsigned long)a_fd(w));
	case CLR_FD:
		return call(a_node(w), LOOP_CLR_FD, (unsigned long)number(w));
	case SET_STATUS:
		return do_set_status(w);
	case SET_STATUS64:
		return do_set_status64(w);
	case GET_STATUS:
		return do_get_status(w, 0);
	case GET_STATUS64:
		return do_get_status(w, 1);
	case SET_CAPACITY:
		return call(a_node(w), LOOP_SET_CAPACITY, (unsigned long)number(w));
	case SET_DIRECT_IO:
		return call(a_node(w), LOOP_SET_DIRECT_IO,
			    below(w, 2) ? below(w, 2) : (unsigned long)number(w));
	case SET_BLOCK_SIZE:
		return call(a_node(w), LOOP_SET_BLOCK_SIZE, block_size(w));
	case CTL:
		return do_control(w);
	case UNKNOWN:
		return do_unknown(w);
	case BLOCK_IOCTL:
		return do_block_ioctl(w);
	case OPEN:
		return do_open(w);
	case READ:
		return do_read(w);
	case WRITE:
		return do_write(w);
	case SYNC:
		return fsync(a_node(w));
	case NEW_FD:
		return do_new_fd(w);
	default:
		return do_spoil(w);
	}
}

static int pick_kind(struct worker *w)
{
	static int total;
	int i, at, sum = 0;

	if (!total) {
		for (i = 0; i < KINDS; i++)
			sum += weights[i];
		total = sum;
	}
	at = (int)below(w, (uint64_t)total);
	for (i = 0; i < KINDS - 1; i++) {
		at -= weights[i];
		if (at < 0)
			break;
	}
	return i;
}

static void *worker(void *argument)
{
	struct worker *w = argument;
	long i;

	for (i = 0; i < w->calls; i++) {
		int kind = pick_kind(w), result;

		if (verbose)
			fprintf(stderr, "worker %d call %ld: %s\n", w->number, i, kind_names[kind]);
		result = one(w, kind);
		if (verbose && result < 0)
			fprintf(stderr, "worker %d call %ld: %s\n", w->number, i, strerrorname_np(errno));
		__atomic_add_fetch(result < 0 ? &shared->failed[kind] : &shared->ok[kind], 1,
				   __ATOMIC_RELAXED);
	}
	return NULL;
}

static void prepare(struct worker *w)
{
	char path[64];
	int i;

	/* Where a 32-bit caller can point to, too. */
	w->arena = mmap(NULL, (PAGES + 2) * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (w->arena == MAP_FAILED || posix_memalign((void **)&w->data, 4096, 65536))
		die("memory");
	if (mprotect(w->arena + PAGES * PAGE, PAGE, PROT_READ) ||
	    munmap(w->arena + (PAGES + 1) * PAGE, PAGE))
		die("mprotect");
	snprintf(path, sizeof(path), "/dev/%s-control", prefix);
	w->control = open(path, O_RDWR | O_CLOEXEC);
	if (w->control < 0)
		die(path);
	for (i = 0; i < NODES; i++) {
		if (w->unprivileged) {
			/* A number each, so that all of them are tried. */
			snprintf(path, sizeof(path), "/dev/%s%u", prefix, (unsigned int)i % devices);
			w->nodes[i] = open(path, (i % 3 ? O_RDWR : O_RDONLY) | O_CLOEXEC);
		} else {
			w->nodes[i] = open_node(w);
		}
	}
	for (i = 0; i < FDS; i++)
		w->fds[i] = new_fd(w);
}

static void process(uint64_t seed, int index, int threads, long calls)
{
	int unprivileged = uid && index % 2, t;
	struct worker *workers = calloc((size_t)threads, sizeof(*workers));
	pthread_t *ids = calloc((size_t)threads, sizeof(*ids));

	if (!workers || !ids)
		die("memory");
	for (t = 0; t < threads; t++) {
		struct worker *w = &workers[t];

		w->number = index * threads + t;
		w->rng = mix(seed) + (uint64_t)w->number * 0x1234567;
		w->calls = calls;
		w->unprivileged = unprivileged;
		prepare(w);
	}
	if (unprivileged && (setgroups(0, NULL) || setgid(uid) || setuid(uid)))
		die("setuid");
	for (t = 0; t < threads; t++)
		if (pthread_create(&ids[t], NULL, worker, &workers[t]))
			die("thread");
	for (t = 0; t < threads; t++)
		pthread_join(ids[t], NULL);
	exit(0);
}

static void too_late(int signal)
{
	static const char text[] = "fuzz: not all workers came to their end in time\n";

	(void)signal;
	if (write(2, text, sizeof(text) - 1) < 0)
		_exit(3);
	_exit(1);
}

/* A file that all workers know. */
static void make_common(void)
{
	static unsigned char bytes[1 << 20];
	char path[4096];
	int i, fd;

	memset(bytes, FILLED, sizeof(bytes));
	for (i = 0; i < directory_count; i++) {
		snprintf(path, sizeof(path), "%s/common", directories[i]);
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
		if (fd < 0 || fchmod(fd, 0666) || write(fd, bytes, sizeof(bytes)) != sizeof(bytes))
			die(path);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	long calls = 10000, processes = 1, threads = 1, limit = 60, i, failures = 0;
	struct timespec time;
	uint64_t seed;
	int status, kind;

	clock_gettime(CLOCK_REALTIME, &time);
	seed = mix((uint64_t)time.tv_nsec) % 1000000000;
	for (i = 1; i < argc && !strncmp(argv[i], "--", 2); i++) {
		const char *name = argv[i] + 2, *value;

		if (!strcmp(name, "compat")) {
			compat = 1;
			continue;
		}
		if (!strcmp(name, "pseudo")) {
			pseudo = 1;
			continue;
		}
		if (!strcmp(name, "verbose")) {
			verbose = 1;
			continue;
		}
		value = i + 1 < argc ? argv[++i] : "";
		if (!strcmp(name, "seed"))
			seed = strtoull(value, NULL, 0);
		else if (!strcmp(name, "calls"))
			calls = atol(value);
		else if (!strcmp(name, "processes"))
			processes = atol(value);
		else if (!strcmp(name, "threads"))
			threads = atol(value);
		else if (!strcmp(name, "devices"))
			devices = (unsigned int)atol(value);
		else if (!strcmp(name, "prefix"))
			prefix = value;
		else if (!strcmp(name, "uid"))
			uid = (uid_t)atol(value);
		else if (!strcmp(name, "limit"))
			limit = atol(value);
		else
			i = argc;
	}
	directories = argv + i;
	directory_count = argc - (int)i;
	if (directory_count < 1 || processes < 1 || threads < 1 || devices < 1) {
		fputs(usage, stderr);
		return 2;
	}
	if (compat && !has_compat()) {
		fprintf(stderr, "fuzz: the kernel has no 32-bit entry\n");
		return 4;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || chdir(directories[0]))
		die("start");
	printf("seed %llu, %ld processes of %ld threads, %ld calls%s\n", (unsigned long long)seed,
	       processes, threads, calls, compat ? ", 32-bit entry" : "");
	fflush(stdout);
	make_common();
	for (i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid && !prctl(PR_SET_PDEATHSIG, SIGKILL))
			process(seed, (int)i, (int)threads, calls / processes / threads);
	}
	signal(SIGALRM, too_late);
	alarm((unsigned int)limit);
	for (i = 0; i < processes; i++) {
		if (wait(&status) < 0)
			die("wait");
		if (!WIFEXITED(status) || WEXITSTATUS(status)) {
			fprintf(stderr, "fuzz: a worker ended with status %#x\n", (unsigned int)status);
			failures++;
		}
	}
	for (kind = 0; kind < KINDS; kind++)
		printf("%s: ok %llu, failed %llu\n", kind_names[kind],
		       (unsigned long long)shared->ok[kind], (unsigned long long)shared->failed[kind]);
	return failures || shared->bad;
}
