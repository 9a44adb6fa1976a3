// SPDX-License-Identifier: GPL-2.0
/*
 * loopctl: one loop ioctl by name, without losetup's retries and fallbacks.
 *
 * Prints the result (a number or key=value lines) and exits with 0, or prints
 * the name of the errno and exits with 1. Wrong usage exits with 2.
 */
#define _GNU_SOURCE
#include "entry.h"
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

static const char usage[] =
	"Usage: loopctl [--compat] NODE[:FLAGS] COMMAND [ARGUMENT...]\n"
	"\n"
	"  set_fd FILE | change_fd FILE | clr_fd | set_capacity\n"
	"  configure FILE [KEY=VALUE...]   keys: block_size reserved, and below\n"
	"  get_status64 | get_status\n"
	"  set_status64 [KEY=VALUE...]     on top of what get_status64 tells\n"
	"  set_status [KEY=VALUE...]       on top of what get_status tells\n"
	"                                  keys: offset sizelimit flags name\n"
	"  set_direct_io N | set_block_size N\n"
	"  ctl_add N | ctl_remove N | ctl_get_free\n"
	"  cycles FILE N                   attach, write, flush, read, detach; N times\n"
	"  raw REQUEST ARGUMENT            any request, numbers in C's notation\n"
	"\n"
	"FILE is PATH[:FLAGS], fd=N (that number), or one of pipe, socket, memfd.\n"
	"FLAGS: rw (default), ro, wo, path, direct, append, excl, nonblock with\n"
	"commas in between. An ARGUMENT of 'null' is a null pointer.\n"
	"--compat calls ioctl(2) by the kernel's 32-bit entry (not for cycles); the\n"
	"exit status is 4 if there is none.\n";

static void wrong(const char *what)
{
	fprintf(stderr, "loopctl: %s\n\n%s", what, usage);
	exit(2);
}

static int done(int result)
{
	if (result < 0) {
		printf("%s\n", strerrorname_np(errno));
		return 1;
	}
	printf("%d\n", result);
	return 0;
}

/* Memory that both entries can reach, all ones. */
static void *low(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (memory == MAP_FAILED)
		wrong("no memory");
	return memset(memory, 0xff, size);
}

static int simple(int node, unsigned long request, unsigned long arg)
{
	return done(call(node, request, arg));
}

static int pointer(int node, unsigned long request, void *arg)
{
	return call(node, request, (unsigned long)arg);
}

static unsigned long long number(const char *text)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (!*text || *end || errno)
		wrong("not a number");
	return value;
}

static int open_flags(char *text)
{
	static const struct {
		const char *name;
		int flag;
	} known[] = {
		{ "rw", O_RDWR },	{ "ro", O_RDONLY },
		{ "wo", O_WRONLY },	{ "path", O_PATH },
		{ "direct", O_DIRECT },	{ "append", O_APPEND },
		{ "excl", O_EXCL },	{ "nonblock", O_NONBLOCK },
	};
	int flags = O_CLOEXEC, access = O_RDWR;
	char *word;

	for (word = strtok(text, ","); word; word = strtok(NULL, ",")) {
		size_t i;

		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (!strcmp(word, known[i].name))
				break;
		if (i == sizeof(known) / sizeof(known[0]))
			wrong("unknown flag");
		if (i < 3)
			access = known[i].flag;
		else if (known[i].flag == O_PATH)
			access = O_RDONLY, flags |= O_PATH;
		else
			flags |= known[i].flag;
	}
	return flags | access;
}

/* A failure here is the test's mistake, not an answer of the driver. */
static int open_spec(const char *spec)
{
	char *copy = strdup(spec), *colon = strrchr(copy, ':');
	int fd, flags = O_RDWR | O_CLOEXEC;

	if (colon) {
		*colon = 0;
		flags = open_flags(colon + 1);
	}
	fd = open(copy, flags);
	if (fd < 0) {
		fprintf(stderr, "loopctl: %s: %s\n", copy, strerror(errno));
		exit(2);
	}
	free(copy);
	return fd;
}

static int file_fd(const char *spec)
{
	int fds[2] = { -1, -1 };

	if (!strncmp(spec, "fd=", 3))
		return (int)strtol(spec + 3, NULL, 0);
	if (!strcmp(spec, "pipe")) {
		if (pipe(fds))
			wrong("pipe");
		return fds[0];
	}
	if (!strcmp(spec, "socket")) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
			wrong("socketpair");
		return fds[0];
	}
	if (!strcmp(spec, "memfd")) {
		fds[0] = memfd_create("loopctl", MFD_CLOEXEC);
		if (fds[0] < 0 || ftruncate(fds[0], 1 << 20))
			wrong("memfd");
		return fds[0];
	}
	return open_spec(spec);
}

/* Splits KEY=VALUE; returns the value. */
static char *value_of(char *argument)
{
	char *equal = strchr(argument, '=');

	if (!equal)
		wrong("not KEY=VALUE");
	*equal = 0;
	return equal + 1;
}

static void set_info64(struct loop_info64 *info, char *key, char *value)
{
	if (!strcmp(key, "offset"))
		info->lo_offset = number(value);
	else if (!strcmp(key, "sizelimit"))
		info->lo_sizelimit = number(value);
	else if (!strcmp(key, "flags"))
		info->lo_flags = number(value);
	else if (!strcmp(key, "name"))
		strncpy((char *)info->lo_file_name, value, LO_NAME_SIZE - 1);
	else
		wrong("unknown key");
}

static int cycle_failed(const char *what, long cycle)
{
	printf("cycle %ld: %s: %s\n", cycle, what, strerrorname_np(errno));
	return 1;
}

/* All in one process, so that a hundred of them take seconds. */
static int cycles(const char *path, int fd, long count)
{
	unsigned char *bytes;
	long i;

	if (posix_memalign((void **)&bytes, 4096, 4096))
		wrong("no memory");
	for (i = 0; i < count; i++) {
		struct loop_config config = {
			.fd = fd,
			.block_size = 512 << (i % 4),
			.info.lo_offset = i % 9 * 4096,
			.info.lo_flags = i % 2 ? LO_FLAGS_DIRECT_IO : 0,
		};
		int node = open(path, O_RDWR | O_CLOEXEC | (i % 3 ? 0 : O_DIRECT));

		if (node < 0)
			return cycle_failed("open", i);
		if (ioctl(node, LOOP_CONFIGURE, &config))
			return cycle_failed("configure", i);
		memset(bytes, (int)i, 4096);
		if (pwrite(node, bytes, 4096, 8192) != 4096)
			return cycle_failed("write", i);
		if (fsync(node))
			return cycle_failed("fsync", i);
		if (pread(node, bytes, 4096, 8192) != 4096 || bytes[0] != i % 256)
			return cycle_failed("read", i);
		if (ioctl(node, LOOP_CLR_FD, 0))
			return cycle_failed("clr_fd", i);
		if (close(node))
			return cycle_failed("close", i);
	}
	return done(0);
}

/* The old structure, which has other sizes for 32-bit callers. */
union old_info {
	struct loop_info native;
	struct loop_info32 small;
};

static int get_status(int node)
{
	union old_info *info = low(sizeof(*info));

	if (pointer(node, LOOP_GET_STATUS, info))
		return done(-1);
	if (compat)
		printf("number=%d\ninode=%lu\noffset=%d\nflags=%d\nname=%.*s\n",
		       info->small.number, (unsigned long)info->small.inode,
		       info->small.offset, info->small.flags, LO_NAME_SIZE, info->small.name);
	else
		printf("number=%d\ninode=%lu\noffset=%d\nflags=%d\nname=%.*s\n",
		       info->native.lo_number, (unsigned long)info->native.lo_inode,
		       info->native.lo_offset, info->native.lo_flags, LO_NAME_SIZE,
		       info->native.lo_name);
	return 0;
}

static int set_status(int node, int count, char **arguments)
{
	union old_info *info = low(sizeof(*info));
	int i;

	if (pointer(node, LOOP_GET_STATUS, info))
		return done(-1);
	for (i = 0; i < count; i++) {
		char *value = value_of(arguments[i]);

		if (!strcmp(arguments[i], "offset"))
			*(compat ? &info->small.offset : &info->native.lo_offset) =
				(int)number(value);
		else if (!strcmp(arguments[i], "flags"))
			*(compat ? &info->small.flags : &info->native.lo_flags) =
				(int)number(value);
		else if (!strcmp(arguments[i], "name"))
			strncpy(compat ? info->small.name : info->native.lo_name, value,
				LO_NAME_SIZE - 1);
		else
			wrong("unknown key");
	}
	return done(pointer(node, LOOP_SET_STATUS, info));
}

int main(int argc, char **argv)
{
	const char *command, *arg;
	int node;

	if (argc > 1 && !strcmp(argv[1], "--compat")) {
		if (!has_compat())
			return 4;
		compat = 1;
		argc--, argv++;
	}
	if (argc < 3)
		wrong("no command");
	node = open_spec(argv[1]);
	command = argv[2];
	arg = argc > 3 ? argv[3] : "";

	if (!strcmp(command, "set_fd"))
		return simple(node, LOOP_SET_FD, (unsigned long)file_fd(arg));
	if (!strcmp(command, "change_fd"))
		return simple(node, LOOP_CHANGE_FD, (unsigned long)file_fd(arg));
	if (!strcmp(command, "clr_fd"))
		return simple(node, LOOP_CLR_FD, 0);
	if (!strcmp(command, "set_capacity"))
		return simple(node, LOOP_SET_CAPACITY, 0);
	if (!strcmp(command, "set_direct_io"))
		return simple(node, LOOP_SET_DIRECT_IO, (unsigned long)number(arg));
	if (!strcmp(command, "set_block_size"))
		return simple(node, LOOP_SET_BLOCK_SIZE, (unsigned long)number(arg));
	if (!strcmp(command, "ctl_add"))
		return simple(node, LOOP_CTL_ADD, (unsigned long)strtol(arg, NULL, 0));
	if (!strcmp(command, "ctl_remove"))
		return simple(node, LOOP_CTL_REMOVE, (unsigned long)strtol(arg, NULL, 0));
	if (!strcmp(command, "ctl_get_free"))
		return simple(node, LOOP_CTL_GET_FREE, 0);
	if (!strcmp(command, "cycles") && argc == 5 && !compat) {
		close(node);
		return cycles(argv[1], file_fd(arg), number(argv[4]));
	}
	if (!strcmp(command, "raw") && argc == 5)
		return simple(node, (unsigned long)number(arg), (unsigned long)number(argv[4]));

	if (!strcmp(command, "configure")) {
		struct loop_config *config;
		int i;

		if (!strcmp(arg, "null"))
			return done(pointer(node, LOOP_CONFIGURE, NULL));
		config = memset(low(sizeof(*config)), 0, sizeof(*config));
		config->fd = file_fd(arg);
		for (i = 4; i < argc; i++) {
			char *value = value_of(argv[i]);

			if (!strcmp(argv[i], "block_size"))
				config->block_size = number(value);
			else if (!strcmp(argv[i], "reserved"))
				config->__reserved[0] = number(value);
			else
				set_info64(&config->info, argv[i], value);
		}
		return done(pointer(node, LOOP_CONFIGURE, config));
	}
	if (!strcmp(command, "get_status64")) {
		struct loop_info64 *info;

		if (!strcmp(arg, "null"))
			return done(pointer(node, LOOP_GET_STATUS64, NULL));
		info = low(sizeof(*info));
		if (pointer(node, LOOP_GET_STATUS64, info))
			return done(-1);
		printf("number=%u\ndevice=%llu\ninode=%llu\nrdevice=%llu\noffset=%llu\n"
		       "sizelimit=%llu\nflags=%u\nname=%.*s\n",
		       info->lo_number, (unsigned long long)info->lo_device,
		       (unsigned long long)info->lo_inode,
		       (unsigned long long)info->lo_rdevice,
		       (unsigned long long)info->lo_offset,
		       (unsigned long long)info->lo_sizelimit, info->lo_flags,
		       LO_NAME_SIZE, (char *)info->lo_file_name);
		return 0;
	}
	if (!strcmp(command, "set_status64")) {
		struct loop_info64 *info;
		int i;

		if (!strcmp(arg, "null"))
			return done(pointer(node, LOOP_SET_STATUS64, NULL));
		info = low(sizeof(*info));
		if (pointer(node, LOOP_GET_STATUS64, info))
			return done(-1);
		for (i = 3; i < argc; i++) {
			char *value = value_of(argv[i]);

			set_info64(info, argv[i], value);
		}
		return done(pointer(node, LOOP_SET_STATUS64, info));
	}
	if (!strcmp(command, "get_status"))
		return get_status(node);
	if (!strcmp(command, "set_status"))
		return set_status(node, argc - 3, argv + 3);
	wrong("unknown command");
}
