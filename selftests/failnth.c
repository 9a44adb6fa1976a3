// SPDX-License-Identifier: GPL-2.0
/*
 * failnth: makes every place where an operation could fail for want of memory,
 * or in copying from and to user space, do so, one after the other: the first,
 * the second, ... until the operation comes to its end without a failure. See
 * Documentation/fault-injection/fault-injection.rst, `fail-nth'.
 *
 * After each one the result must be success or an errno that says what
 * happened, and the device must work. Prints one line: how many places there
 * are, and with which results. Exits with 0, with 1 after any surprise, with 4
 * if the kernel cannot do this, or has no 32-bit entry.
 */
#define _GNU_SOURCE
#include "entry.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static const char usage[] =
	"Usage: failnth PREFIX OPERATION FILE [OTHER]\n"
	"\n"
	"  --last N, in front: only the last N places (module loading has many that\n"
	"                      are not the module's)\n"
	"  --step N, in front: every Nth place\n"
	"  --first N, in front: begins with the Nth place\n"
	"  --count N, in front: ends after so many\n"
	"  --number N, in front: the device's number, default 0\n"
	"  --entry 32, in front: ioctls of loop devices by the 32-bit entry\n"
	"\n"
	"FILE is the backing file, OTHER one of the same size, for change_fd; for\n"
	"insmod, FILE is the module.\n"
	"Operations: ";

#define ERRNOS 134

static const char *prefix, *path, *other;
static char node_path[64], control_path[64], sysfs_path[128], own_path[64];
static int number, fail_fd = -1;
static int node = -1, control = -1, file = -1;
static unsigned char *buffer;
/* What both entries can reach. */
static void *low;

static void die(const char *what)
{
	int error = errno;

	if (fail_fd >= 0)
		pwrite(fail_fd, "0", 1, 0);
	fprintf(stderr, "failnth: %s: %s\n", what, strerrorname_np(error));
	exit(1);
}

static int open_control(void)
{
	return control = open(control_path, O_RDWR | O_CLOEXEC);
}

/* udev looks at a device whenever it changes. */
static int retry_busy(int (*run)(void))
{
	int i, result;

	for (i = 0; i < 500; i++) {
		result = run();
		if (result >= 0 || (errno != EBUSY && errno != ENXIO))
			return result;
		usleep(10000);
	}
	return result;
}

static int open_node(void)
{
	return node = open(node_path, O_RDWR | O_CLOEXEC);
}

/* An ioctl with a structure. */
static int ask(unsigned long request, void *structure, size_t size)
{
	int result, error;

	if (!compat)
		return ioctl(node, request, structure);
	memcpy(low, structure, size);
	result = call(node, request, (unsigned long)low);
	error = errno;
	memcpy(structure, low, size);
	errno = error;
	return result;
}

static int configure_with(uint32_t flags)
{
	struct loop_config config = {
		.fd = (uint32_t)file,
		.info.lo_flags = flags,
		.info.lo_file_name = "failnth",
	};

	return ask(LOOP_CONFIGURE, &config, sizeof(config));
}

static int configure(void)
{
	return configure_with(0);
}

static int configure_direct(void)
{
	return configure_with(LO_FLAGS_DIRECT_IO);
}

static int configure_scan(void)
{
	return configure_with(LO_FLAGS_PARTSCAN);
}

static int configure_read_only(void)
{
	return configure_with(LO_FLAGS_READ_ONLY);
}

static int configure_autoclear(void)
{
	return configure_with(LO_FLAGS_AUTOCLEAR);
}

static int set_fd(void)
{
	return call(node, LOOP_SET_FD, (unsigned long)file);
}

static int clr_fd(void)
{
	return call(node, LOOP_CLR_FD, 0);
}

static int close_node(void)
{
	int fd = node;

	if (fd < 0)
		return 0;
	node = -1;
	return close(fd);
}

static int is_bound(void)
{
	struct loop_info64 info;

	return !ioctl(node, LOOP_GET_STATUS64, &info);
}

/* --- What comes before, the operation, what comes after. */
static int remove_device(void)
{
	return call(control, LOOP_CTL_REMOVE, (unsigned long)number);
}

static int add_device(void)
{
	return call(control, LOOP_CTL_ADD, (unsigned long)number);
}

static void need_node(void)
{
	if (node >= 0 || retry_busy(open_node) >= 0)
		return;
	/* Devtmpfs cannot tell that it failed to make the node. */
	if (errno == ENOENT && !retry_busy(remove_device) && add_device() >= 0 &&
	    retry_busy(open_node) >= 0)
		return;
	die(node_path);
}

/* Detached and closed, whatever it was. */
static void reset(void)
{
	need_node();
	if (is_bound() && clr_fd())
		die("detaching");
	close_node();
}

static void need_unbound(void)
{
	int i;

	need_node();
	/* Detached on last close: udev's, perhaps. */
	for (i = 0; is_bound() && i < 500; i++) {
		clr_fd();
		close_node();
		usleep(10000);
		need_node();
	}
}

static void need_bound(void)
{
	need_unbound();
	if (retry_busy(configure))
		die("attaching");
}

static void need_bound_direct(void)
{
	need_unbound();
	if (retry_busy(configure_direct))
		die("attaching");
}

static void need_bound_read_only(void)
{
	need_unbound();
	if (retry_busy(configure_read_only))
		die("attaching");
}

static void need_bound_scan(void)
{
	need_unbound();
	if (retry_busy(configure_scan))
		die("attaching");
}

static void need_bound_closed(void)
{
	need_bound();
	close_node();
}

static void need_no_device(void)
{
	reset();
	if (retry_busy(remove_device) && errno != ENODEV)
		die("LOOP_CTL_REMOVE");
}

static void need_device(void)
{
	if (add_device() < 0 && errno != EEXIST)
		die("LOOP_CTL_ADD");
}

/* Only one device, which is bound: the next free one is to be made. */
static void need_none_free(void)
{
	static int alone;
	int i;

	for (i = 0; !alone && i < 256; i++)
		if (i != number)
			call(control, LOOP_CTL_REMOVE, (unsigned long)i);
	alone = 1;
	need_bound();
}

static int get_free(void)
{
	return call(control, LOOP_CTL_GET_FREE, 0);
}

static int extra = -1;

static int add_any(void)
{
	return extra = call(control, LOOP_CTL_ADD, (unsigned long)-1);
}

static int remove_extra_now(void)
{
	return call(control, LOOP_CTL_REMOVE, (unsigned long)extra);
}

static void remove_extra(void)
{
	if (extra >= 0 && retry_busy(remove_extra_now))
		die("LOOP_CTL_REMOVE");
	extra = -1;
}

static int get_free_new(void)
{
	return extra = get_free();
}

/* A node for a device that does not exist: to open it makes the device. */
static void remove_own_node(void)
{
	unlink(own_path);
}

static void need_node_only(void)
{
	struct stat about;

	reset();
	if (!own_path[0]) {
		if (stat(node_path, &about))
			die(node_path);
		snprintf(own_path, sizeof(own_path), "/dev/failnth-%d", (int)getpid());
		if (mknod(own_path, S_IFBLK | 0600, about.st_rdev))
			die(own_path);
		atexit(remove_own_node);
	}
	need_no_device();
}

static int open_missing(void)
{
	return node = open(own_path, O_RDWR | O_CLOEXEC);
}

static void need_bound_autoclear(void)
{
	need_unbound();
	if (retry_busy(configure_autoclear))
		die("attaching");
}

/* Whatever failed: to close it cannot. */
static void need_cleared(int result)
{
	struct stat about;
	int i;

	(void)result;
	for (i = 0; !stat(sysfs_path, &about); i++) {
		if (i == 500) {
			fprintf(stderr, "failnth: the device is still bound\n");
			exit(1);
		}
		usleep(10000);
	}
}

/* --- The files below `rloop' in sysfs. */
static int attribute = -1;
static const char *attribute_old, *attribute_new;

static void need_attribute(const char *name, const char *was, const char *will)
{
	char at[160];

	need_bound();
	snprintf(at, sizeof(at), "/sys/block/%s%d/rloop/%s", prefix, number, name);
	attribute = open(at, O_RDWR | O_CLOEXEC);
	if (attribute < 0)
		die(at);
	attribute_old = was;
	attribute_new = will;
}

static void need_policy(void)
{
	need_attribute("error_policy", "report", "rewrite");
}

static void need_uncached(void)
{
	need_attribute("uncached", "0", "1");
}

static int set_attribute(void)
{
	return pwrite(attribute, attribute_new, strlen(attribute_new), 0) < 0 ? -1 : 0;
}

/* It is as it was, or as it was to be. */
static void after_attribute(int result)
{
	const char *wanted = result ? attribute_old : attribute_new;
	char text[32] = "";

	if (pread(attribute, text, sizeof(text) - 1, 0) < 0)
		die("reading the attribute");
	close(attribute);
	if (strncmp(text, wanted, strlen(wanted))) {
		fprintf(stderr, "failnth: it is %s, and not %s\n", text, wanted);
		exit(1);
	}
}

static int set_status64(void)
{
	struct loop_info64 info = { .lo_offset = 4096, .lo_sizelimit = 65536, .lo_file_name = "x" };

	return ask(LOOP_SET_STATUS64, &info, sizeof(info));
}

static int set_status(void)
{
	struct loop_info info = { .lo_offset = 4096, .lo_name = "x" };
	struct loop_info32 small = { .offset = 4096, .name = "x" };

	return compat ? ask(LOOP_SET_STATUS, &small, sizeof(small)) :
			ask(LOOP_SET_STATUS, &info, sizeof(info));
}

static int get_status64(void)
{
	struct loop_info64 info = { 0 };

	return ask(LOOP_GET_STATUS64, &info, sizeof(info));
}

static int get_status(void)
{
	struct loop_info info = { 0 };
	struct loop_info32 small = { 0 };

	return compat ? ask(LOOP_GET_STATUS, &small, sizeof(small)) :
			ask(LOOP_GET_STATUS, &info, sizeof(info));
}

static int change_fd(void)
{
	int fd = open(other, O_RDONLY | O_CLOEXEC), result, error;

	/* That is no operation of ours. */
	if (fd < 0)
		return fd;
	result = call(node, LOOP_CHANGE_FD, (unsigned long)fd);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

static int set_block_size(void)
{
	return call(node, LOOP_SET_BLOCK_SIZE, 2048);
}

static int set_direct_io(void)
{
	return call(node, LOOP_SET_DIRECT_IO, 1);
}

static int set_capacity(void)
{
	return call(node, LOOP_SET_CAPACITY, 0);
}

static int clr_fd_and_close(void)
{
	int result = clr_fd();

	/* It is the close that detaches. */
	close_node();
	return result;
}

static void need_detached(int result)
{
	if (result)
		return;
	need_node();
	if (is_bound()) {
		fprintf(stderr, "failnth: the device is still bound\n");
		exit(1);
	}
}

static int do_read(void)
{
	return pread(node, buffer, 65536, 65536) < 0 ? -1 : 0;
}

static int do_write(void)
{
	return pwrite(node, buffer, 65536, 65536) < 0 ? -1 : 0;
}

static int do_fsync(void)
{
	if (pwrite(node, buffer, 4096, 4096) < 0)
		return -1;
	return fsync(node);
}

static int do_discard(void)
{
	uint64_t range[2] = { 65536, 65536 };

	return ioctl(node, BLKDISCARD, range);
}

static int do_rescan(void)
{
	return ioctl(node, BLKRRPART, 0);
}

static void make_direct(void)
{
	if (fcntl(node, F_SETFL, fcntl(node, F_GETFL) | O_DIRECT))
		die("O_DIRECT");
}

static void need_bound_opened_direct(void)
{
	need_bound();
	make_direct();
}

static void need_bound_direct_opened_direct(void)
{
	need_bound_direct();
	make_direct();
}

static int read_sysfs(void)
{
	int fd = open(sysfs_path, O_RDONLY | O_CLOEXEC), error;
	ssize_t got;

	if (fd < 0)
		return -1;
	got = read(fd, buffer, 4096);
	error = errno;
	close(fd);
	errno = error;
	return got < 0 ? -1 : 0;
}

static int insmod(void)
{
	/* Without devices: those fail one by one, and not the module. */
	return (int)syscall(SYS_finit_module, file, "max_loop=0", 0);
}

static char module_name[64];

static int rmmod_now(void)
{
	return (int)syscall(SYS_delete_module, module_name, O_NONBLOCK);
}

static int rmmod(void)
{
	int i, result;

	for (i = 0; i < 500; i++) {
		result = rmmod_now();
		if (!result || (errno != EBUSY && errno != EAGAIN && errno != EWOULDBLOCK))
			break;
		usleep(10000);
	}
	return result;
}

static void need_no_module(void)
{
	if (rmmod() && errno != ENOENT)
		die("rmmod");
}

struct operation {
	const char *name;
	void (*before)(void);
	int (*run)(void);
	/* The device is closed and detached afterwards in any case. */
	void (*after)(int result);
	/* EIO is a proper answer. */
	int io;
};

static void after_add(int result)
{
	if (result < 0)
		need_device();
}

static void after_remove(int result)
{
	(void)result;
	need_device();
}

static void after_open_missing(int result)
{
	(void)result;
	close_node();
	need_device();
}

static void after_add_any(int result)
{
	(void)result;
	remove_extra();
}

/* What failed to load loads now, and works. */
static void after_insmod(int result)
{
	int i;

	if (result && insmod()) {
		/* A module that failed to load is on its way out for a while. */
		for (i = 0; i < 100 && insmod() && errno != EEXIST; i++)
			usleep(20000);
		if (i == 100)
			die("loading the module after a failure");
	}
	for (i = 0; open_control() < 0 && i < 100; i++)
		usleep(20000);
	if (control < 0)
		die(control_path);
	if (get_free() < 0)
		die("LOOP_CTL_GET_FREE");
	close(control);
}

static const struct operation operations[] = {
	{ "ctl_add", need_no_device, add_device, after_add, 0 },
	{ "ctl_remove", need_device, remove_device, after_remove, 0 },
	{ "ctl_add_any", need_device, add_any, after_add_any, 0 },
	{ "get_free", need_device, get_free, NULL, 0 },
	{ "get_free_new", need_none_free, get_free_new, after_add_any, 0 },
	{ "open_missing", need_node_only, open_missing, after_open_missing, 0 },
	{ "open", need_bound_closed, open_node, NULL, 0 },
	{ "configure", need_unbound, configure, NULL, 0 },
	{ "configure_direct", need_unbound, configure_direct, NULL, 0 },
	{ "configure_scan", need_unbound, configure_scan, NULL, 0 },
	{ "configure_read_only", need_unbound, configure_read_only, NULL, 0 },
	{ "set_fd", need_unbound, set_fd, NULL, 0 },
	{ "set_status", need_bound, set_status, NULL, 0 },
	{ "set_status64", need_bound, set_status64, NULL, 0 },
	{ "get_status", need_bound, get_status, NULL, 0 },
	{ "get_status64", need_bound, get_status64, NULL, 0 },
	{ "change_fd", need_bound_read_only, change_fd, NULL, 0 },
	{ "set_block_size", need_bound, set_block_size, NULL, 0 },
	{ "set_direct_io", need_bound, set_direct_io, NULL, 0 },
	{ "set_capacity", need_bound, set_capacity, NULL, 0 },
	{ "clr_fd", need_bound, clr_fd_and_close, need_detached, 0 },
	{ "close_autoclear", need_bound_autoclear, close_node, need_cleared, 0 },
	{ "rescan", need_bound_scan, do_rescan, NULL, 1 },
	{ "sysfs", need_bound, read_sysfs, NULL, 0 },
	{ "error_policy", need_policy, set_attribute, after_attribute, 0 },
	{ "uncached", need_uncached, set_attribute, after_attribute, 0 },
	{ "read", need_bound, do_read, NULL, 1 },
	{ "write", need_bound, do_write, NULL, 1 },
	{ "fsync", need_bound, do_fsync, NULL, 1 },
	{ "discard", need_bound, do_discard, NULL, 1 },
	{ "read_odirect", need_bound_opened_direct, do_read, NULL, 1 },
	{ "write_odirect", need_bound_opened_direct, do_write, NULL, 1 },
	{ "direct_read_odirect", need_bound_direct_opened_direct, do_read, NULL, 1 },
	{ "direct_write_odirect", need_bound_direct_opened_direct, do_write, NULL, 1 },
	{ "direct_fsync", need_bound_direct, do_fsync, NULL, 1 },
	{ "insmod", need_no_module, insmod, after_insmod, 0 },
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static int allowed(const struct operation *operation, int error)
{
	switch (error) {
	case 0:
	case ENOMEM:
		return 1;
	case EFAULT:
		/* fail_usercopy. */
		return 1;
	case EIO:
	case EAGAIN:
		return operation->io;
	case EINVAL:
		/* device_add_disk() ignores that dev_set_name() failed, and
		 * device_add() does not like a device without a name.
		 */
		return operation->run == add_device || operation->run == add_any ||
		       operation->run == get_free_new;
	case ENXIO:
		/* No device was made, and of why nobody is told. */
		return operation->run == open_missing;
	default:
		return 0;
	}
}

/* Attached, written, read, detached. */
static void check_usable(void)
{
	unsigned char *wanted = buffer + 65536;

	need_bound();
	memset(wanted, 0x3c, 4096);
	if (pwrite(node, wanted, 4096, 8192) != 4096)
		die("writing afterwards");
	if (fsync(node))
		die("fsync afterwards");
	memset(buffer, 0, 4096);
	if (pread(node, buffer, 4096, 8192) != 4096)
		die("reading afterwards");
	if (memcmp(buffer, wanted, 4096)) {
		fprintf(stderr, "failnth: other data afterwards\n");
		exit(1);
	}
	reset();
}

/* The operation with its Nth place failing. Sets *left to what is left of N:
 * 0 if that place was reached.
 */
static int run(const struct operation *operation, long nth, long *left, int *error)
{
	char text[32] = "";
	int result, length = snprintf(text, sizeof(text), "%ld", nth);

	if (pwrite(fail_fd, text, (size_t)length, 0) != length)
		die("fail-nth");
	errno = 0;
	result = operation->run();
	*error = result < 0 ? errno : 0;
	memset(text, 0, sizeof(text));
	/* These copy, too, and so may be the place that fails. */
	if (pread(fail_fd, text, sizeof(text) - 1, 0) >= 0)
		*left = atol(text);
	else
		*left = 1;
	if (pwrite(fail_fd, "0", 1, 0) != 1 && pwrite(fail_fd, "0", 1, 0) != 1)
		die("fail-nth");
	return result;
}

/* To open a file takes memory of the kernel's for its name: if that cannot be
 * made to fail, no success of an operation would mean anything.
 */
static void check_injection(void)
{
	int fd, error;

	if (pwrite(fail_fd, "1", 1, 0) != 1)
		die("fail-nth");
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	error = errno;
	if (pwrite(fail_fd, "0", 1, 0) != 1 && pwrite(fail_fd, "0", 1, 0) != 1)
		die("fail-nth");
	if (fd < 0 && error == ENOMEM)
		return;
	fprintf(stderr, "failnth: nothing is made to fail: an open with its first place failing: %s\n",
		fd < 0 ? strerrorname_np(error) : "success");
	exit(1);
}

static void usage_exit(void)
{
	size_t i;

	fputs(usage, stderr);
	for (i = 0; i < OPERATIONS; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", operations[i].name);
	fputs("\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	const struct operation *operation = NULL;
	long last = 0, step = 1, count = 1000000, nth, left, first = 1, places = 0;
	long counts[ERRNOS] = { 0 }, last_error = 0;
	int is_insmod, result, error, failures = 0;
	size_t i;

	while (argc > 2 && !strncmp(argv[1], "--", 2)) {
		if (!strcmp(argv[1], "--last"))
			last = atol(argv[2]);
		else if (!strcmp(argv[1], "--step"))
			step = atol(argv[2]);
		else if (!strcmp(argv[1], "--count"))
			count = atol(argv[2]);
		else if (!strcmp(argv[1], "--first"))
			first = atol(argv[2]);
		else if (!strcmp(argv[1], "--number"))
			number = atoi(argv[2]);
		else if (!strcmp(argv[1], "--entry") && !strcmp(argv[2], "32"))
			compat = 1;
		else
			usage_exit();
		argc -= 2;
		argv += 2;
	}
	if (argc < 4)
		usage_exit();
	prefix = argv[1];
	path = argv[3];
	other = argc > 4 ? argv[4] : argv[3];
	for (i = 0; i < OPERATIONS; i++)
		if (!strcmp(operations[i].name, argv[2]))
			operation = &operations[i];
	if (!operation)
		usage_exit();
	is_insmod = operation->run == insmod;

	snprintf(node_path, sizeof(node_path), "/dev/%s%d", prefix, number);
	snprintf(control_path, sizeof(control_path), "/dev/%s-control", prefix);
	snprintf(sysfs_path, sizeof(sysfs_path), "/sys/block/%s%d/loop/backing_file", prefix, number);
	if (compat && !has_compat()) {
		fprintf(stderr, "failnth: the kernel has no 32-bit entry\n");
		return 4;
	}
	low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (low == MAP_FAILED)
		die("memory");
	fail_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_fd < 0) {
		fprintf(stderr, "failnth: no fault injection\n");
		return 4;
	}
	check_injection();
	file = open(path, (is_insmod ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (file < 0)
		die(path);
	if (posix_memalign((void **)&buffer, 4096, 131072))
		die("memory");
	memset(buffer, 0x77, 131072);
	if (is_insmod) {
		const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

		snprintf(module_name, sizeof(module_name), "%.*s", (int)strcspn(base, "."), base);
	} else {
		if (open_control() < 0)
			die(control_path);
		need_device();
	}

	if (last) {
		/* How many there are. */
		operation->before();
		result = run(operation, 1000000, &left, &error);
		if (operation->after)
			operation->after(result);
		if (result < 0)
			die("without a failure");
		first = 1000000 - left > last ? 1000000 - left - last : 1;
	}
	for (nth = first;; nth += step) {
		operation->before();
		result = run(operation, nth, &left, &error);
		if (error >= ERRNOS)
			error = ERRNOS - 1;
		counts[error]++;
		if (error)
			last_error = nth;
		if (!allowed(operation, error)) {
			fprintf(stderr, "failnth: %s with place %ld failing: %s\n", operation->name,
				nth, strerrorname_np(error));
			failures++;
		}
		if (left && error) {
			fprintf(stderr, "failnth: %s without a failure: %s\n", operation->name,
				strerrorname_np(error));
			failures++;
		}
		if (operation->after)
			operation->after(result);
		if (!is_insmod) {
			reset();
			check_usable();
		}
		places = nth;
		/* Not reached: there are no more. */
		if (left || !--count)
			break;
		if (nth > 100000) {
			fprintf(stderr, "failnth: no end\n");
			return 1;
		}
	}
	printf("%s: %ld places from %ld on:", operation->name, places - 1, first);
	for (i = 0; i < ERRNOS; i++)
		if (counts[i])
			printf(" %s %ld", i ? strerrorname_np((int)i) : "ok", counts[i]);
	printf(", the last to matter: %ld\n", last_error);
	return failures ? 1 : 0;
}
