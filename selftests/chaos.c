// SPDX-License-Identifier: GPL-2.0
/*
 * chaos: many processes use the same few devices in every order.
 *
 *	chaos make FILE SECTORS ID
 *	chaos run [OPTION...] FILE...
 *
 * `make' fills FILE with bytes of a certain kind, different for each ID. `run'
 * starts processes of which each opens a device, does some of the operations
 * below, and closes it. What they write is of the same kind, so that all that
 * is ever read is; anything else is memory that nobody wrote to the
 * device. Exits with 0 if all ends in time, no such sector was seen, no operation
 * failed with an errno that it should not have, and of those that are tried often
 * enough each succeeds now and then.
 *
 * The operations of a process depend on the seed alone; which of them meet
 * does not.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"Usage: chaos make FILE SECTORS ID\n"
	"       chaos run [OPTION...] FILE...\n"
	"\n"
	"  --seed S       default 1\n"
	"  --calls N      operations of each process, default 1000\n"
	"  --processes P  default 4\n"
	"  --devices D    default 4: numbers 0 to D - 1\n"
	"  --prefix P     of the nodes, default loop\n"
	"  --limit S      seconds until all must have ended, default 60\n"
	"  --ops A,B,...  only these operations\n"
	"  --gone         nodes and the driver may be missing, and each process pauses\n"
	"                 now and then with everything closed and detached\n";

#define SECTOR 512
#define ERRNOS 134

static uint64_t rng;

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static uint64_t draw(void)
{
	return mix(rng += 0x9e3779b97f4a7c15ULL);
}

static uint64_t below(uint64_t n)
{
	return draw() % n;
}

static void die(const char *what)
{
	fprintf(stderr, "chaos: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* Only bytes whose halves belong together, so that also a mixture of what two
 * processes write at the same time has no others.
 */
static int is_marked(unsigned char byte)
{
	return !byte || (byte & 15) == ((byte >> 4) ^ 10);
}

static void make_marked(unsigned char *to, size_t length, uint64_t id)
{
	size_t i;

	for (i = 0; i < length; i++) {
		unsigned char half = mix(id * 0x9e3779b97f4a7c15ULL + i) & 15;

		to[i] = (unsigned char)(half << 4 | (half ^ 10));
	}
}

static int is_good(const unsigned char *sector)
{
	size_t i;

	/* A partition table. */
	if (sector[510] == 0x55 && sector[511] == 0xaa)
		return 1;
	for (i = 0; i < SECTOR; i++)
		if (!is_marked(sector[i]))
			return 0;
	return 1;
}

static int make(const char *path, long sectors, long id)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	unsigned char sector[SECTOR];
	long i;

	if (fd < 0)
		die(path);
	for (i = 0; i < sectors; i++) {
		make_marked(sector, SECTOR, (uint64_t)(id * 1000000 + i));
		if (write(fd, sector, SECTOR) != SECTOR)
			die(path);
	}
	return close(fd);
}

/* --- What a process of `run' has. */
static const char *prefix = "loop";
static unsigned int devices = 4;
static char **files;
static int file_count, gone, self;
static unsigned char *buffer;
#define BUFFER 65536

static char node_path[64];

static int pick_file(void)
{
	static const int flags[] = { O_RDWR, O_RDWR, O_RDWR, O_RDWR, O_RDWR, O_RDONLY,
				     O_RDWR | O_DIRECT, O_RDONLY | O_DIRECT };

	return open(files[below((uint64_t)file_count)], flags[below(8)] | O_CLOEXEC);
}

static int with_file(int node, unsigned long request)
{
	int fd = pick_file(), result, error;

	if (fd < 0)
		die("backing file");
	result = ioctl(node, request, fd);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

static void random_info(struct loop_info64 *info)
{
	static const uint64_t offsets[] = { 0, 0, 0, 512, 4096, 65536, 1536, 1 << 24 };
	static const uint64_t limits[] = { 0, 0, 0, 65536, 4096, 512, 1000, 1 << 30 };
	static const uint32_t flags[] = { LO_FLAGS_READ_ONLY, LO_FLAGS_AUTOCLEAR,
					  LO_FLAGS_PARTSCAN, LO_FLAGS_DIRECT_IO };
	size_t i;

	info->lo_offset = offsets[below(8)];
	info->lo_sizelimit = limits[below(8)];
	info->lo_flags = 0;
	for (i = 0; i < 4; i++)
		if (!below(i ? 4 : 8))
			info->lo_flags |= flags[i];
	if (gone)
		info->lo_flags |= LO_FLAGS_AUTOCLEAR;
	snprintf((char *)info->lo_file_name, LO_NAME_SIZE, "chaos-%d", self);
}

static int op_configure(int node, int control)
{
	struct loop_config config = {};
	int result, error;

	(void)control;
	config.fd = (uint32_t)pick_file();
	if ((int)config.fd < 0)
		die("backing file");
	random_info(&config.info);
	if (below(2))
		config.block_size = 512U << below(4);
	result = ioctl(node, LOOP_CONFIGURE, &config);
	error = errno;
	close((int)config.fd);
	errno = error;
	return result;
}

static int op_set_fd(int node, int control)
{
	struct loop_info64 info = { .lo_flags = LO_FLAGS_AUTOCLEAR };
	int result = with_file(node, LOOP_SET_FD);

	(void)control;
	/* With everything closed all has to be detached. Somebody else may have done it. */
	if (gone && !result)
		ioctl(node, LOOP_SET_STATUS64, &info);
	return result;
}

static int op_change_fd(int node, int control)
{
	(void)control;
	return with_file(node, LOOP_CHANGE_FD);
}

static int op_clr_fd(int node, int control)
{
	(void)control;
	return ioctl(node, LOOP_CLR_FD, 0);
}

static int op_set_status(int node, int control)
{
	struct loop_info64 info = {};

	(void)control;
	random_info(&info);
	return ioctl(node, LOOP_SET_STATUS64, &info);
}

static int op_get_status(int node, int control)
{
	struct loop_info64 info;

	(void)control;
	return ioctl(node, LOOP_GET_STATUS64, &info);
}

static int op_set_capacity(int node, int control)
{
	(void)control;
	return ioctl(node, LOOP_SET_CAPACITY, 0);
}

static int op_set_block_size(int node, int control)
{
	(void)control;
	return ioctl(node, LOOP_SET_BLOCK_SIZE, 512UL << below(4));
}

static int op_set_direct_io(int node, int control)
{
	(void)control;
	return ioctl(node, LOOP_SET_DIRECT_IO, below(2));
}

static int op_ctl_add(int node, int control)
{
	int result;

	(void)node;
	/* Mostly a number of ours, sometimes whatever is free. */
	result = ioctl(control, LOOP_CTL_ADD, below(8) ? (long)below(devices) : -1L);
	if (result >= (int)devices)
		ioctl(control, LOOP_CTL_REMOVE, result);
	return result;
}

static int op_ctl_remove(int node, int control)
{
	(void)node;
	return ioctl(control, LOOP_CTL_REMOVE, below(devices));
}

static int op_get_free(int node, int control)
{
	int result;

	(void)node;
	result = ioctl(control, LOOP_CTL_GET_FREE);
	if (result >= (int)devices)
		ioctl(control, LOOP_CTL_REMOVE, result);
	return result;
}

static int op_rescan(int node, int control)
{
	(void)control;
	return ioctl(node, BLKRRPART, 0);
}

static int partition(int node, int what, long long start, long long length)
{
	struct blkpg_partition data = { .start = start, .length = length, .pno = 1 + (int)below(3) };
	struct blkpg_ioctl_arg arg = { .op = what, .datalen = sizeof(data), .data = &data };

	return ioctl(node, BLKPG, &arg);
}

static int op_part_add(int node, int control)
{
	(void)control;
	return partition(node, BLKPG_ADD_PARTITION, (long long)below(16) * 4096, 8 * 4096);
}

static int op_part_del(int node, int control)
{
	(void)control;
	return partition(node, BLKPG_DEL_PARTITION, 0, 0);
}

static int op_flush_buffers(int node, int control)
{
	(void)control;
	return ioctl(node, BLKFLSBUF, 0);
}

static int op_fsync(int node, int control)
{
	(void)control;
	return fsync(node);
}

static int bad_data;

static int op_read(int node, int control)
{
	size_t length = below(8) ? 4096 : BUFFER;
	ssize_t got, i;

	(void)control;
	memset(buffer, 0xEE, length);
	got = pread(node, buffer, length, (off_t)below(64) * 4096);
	for (i = 0; i + SECTOR <= got; i += SECTOR) {
		if (is_good(buffer + i))
			continue;
		fprintf(stderr,
			"chaos: %s: a sector read that nobody wrote: %02x %02x %02x %02x %02x %02x %02x %02x\n",
			node_path, buffer[i], buffer[i + 1], buffer[i + 2], buffer[i + 3],
			buffer[i + 4], buffer[i + 5], buffer[i + 6], buffer[i + 7]);
		bad_data++;
	}
	return got < 0 ? -1 : 0;
}

static int op_write(int node, int control)
{
	size_t length = below(8) ? 4096 : BUFFER;
	off_t at = (off_t)(1 + below(63)) * 4096;

	(void)control;
	make_marked(buffer, length, draw());
	return pwrite(node, buffer, length, at) < 0 ? -1 : 0;
}

static int op_discard(int node, int control)
{
	uint64_t range[2] = { (1 + below(63)) * 4096, 4096 * (1 + below(4)) };

	(void)control;
	return ioctl(node, below(2) ? BLKDISCARD : BLKZEROOUT, range);
}

static int op_sysfs(int node, int control)
{
	static const char *const names[] = { "backing_file", "offset", "sizelimit", "autoclear",
					     "partscan", "dio" };
	char path[128], text[4200];
	ssize_t got;
	int fd;

	(void)node;
	(void)control;
	snprintf(path, sizeof(path), "/sys/block/%s%u/loop/%s", prefix, (unsigned int)below(devices),
		 names[below(6)]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	got = read(fd, text, sizeof(text));
	close(fd);
	return got < 0 ? -1 : 0;
}

static int op_tune(int node, int control)
{
	static const char *const settings[][2] = {
		{ "error_policy", "report" }, { "error_policy", "sticky" },
		{ "error_policy", "rewrite" }, { "flush_mode", "drain" },
		{ "flush_mode", "barrier" }, { "uncached", "0" },
		{ "uncached", "1" }, { "health", "reset" },
	};
	const char *const *setting = settings[below(8)];
	char path[128];
	ssize_t put;
	int fd, error;

	(void)node;
	(void)control;
	snprintf(path, sizeof(path), "/sys/block/%s%u/rloop/%s", prefix,
		 (unsigned int)below(devices), setting[0]);
	/* The C driver has none, nor has a device that is not attached. */
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	put = write(fd, setting[1], strlen(setting[1]));
	error = errno;
	close(fd);
	errno = error;
	return put < 0 ? -1 : 0;
}

static const struct {
	const char *name;
	int (*run)(int node, int control);
	int weight;
} ops[] = {
	{ "configure", op_configure, 12 },
	{ "set_fd", op_set_fd, 6 },
	{ "change_fd", op_change_fd, 4 },
	{ "clr_fd", op_clr_fd, 10 },
	{ "set_status", op_set_status, 6 },
	{ "get_status", op_get_status, 4 },
	{ "set_capacity", op_set_capacity, 3 },
	{ "set_block_size", op_set_block_size, 4 },
	{ "set_direct_io", op_set_direct_io, 5 },
	{ "ctl_add", op_ctl_add, 4 },
	{ "ctl_remove", op_ctl_remove, 4 },
	{ "get_free", op_get_free, 3 },
	{ "rescan", op_rescan, 3 },
	{ "part_add", op_part_add, 3 },
	{ "part_del", op_part_del, 3 },
	{ "flush_buffers", op_flush_buffers, 2 },
	{ "fsync", op_fsync, 4 },
	{ "read", op_read, 14 },
	{ "write", op_write, 12 },
	{ "discard", op_discard, 3 },
	{ "sysfs", op_sysfs, 5 },
	{ "tune", op_tune, 4 },
};
#define OPS (sizeof(ops) / sizeof(ops[0]))

/* Results of all processes, in shared memory; row OPS is that of open(). */
static uint32_t (*results)[ERRNOS];
static int selected[OPS];

static int allowed(size_t op, int error)
{
	switch (error) {
	case 0:
	case ENXIO:
	case EBUSY:
	case EINVAL:
	case ENODEV:
	case ENOENT:
	case EEXIST:
	case EPERM:
	case EACCES:
	case EROFS:
	case ENOSPC:
	case EAGAIN:
	case EBADF:
	/* What is read or written while the device goes away. */
	case EIO:
	/* The device does not discard; no partition of that number. */
	case EOPNOTSUPP:
		return 1;
	case ENOTTY:
		/* A partition has no partitions. */
		return !strncmp(op < OPS ? ops[op].name : "", "part", 4);
	default:
		return 0;
	}
}

/* Of so many calls at least one has to succeed, or nothing was tried. */
#define MANY 100

static int works(size_t op)
{
	static const char *const names[] = { "configure", "clr_fd", "get_status", "read", "write" };
	uint64_t calls = 0;
	size_t i;
	int error, expected = op == OPS;

	for (i = 0; op < OPS && i < sizeof(names) / sizeof(names[0]); i++)
		expected |= !strcmp(ops[op].name, names[i]);
	for (error = 0; error < ERRNOS; error++)
		calls += results[op][error];
	return !expected || calls < MANY || results[op][0];
}

static size_t pick_op(void)
{
	static int total;
	size_t i;
	int at;

	if (!total)
		for (i = 0; i < OPS; i++)
			total += selected[i] * ops[i].weight;
	at = (int)below((uint64_t)total);
	for (i = 0; i < OPS; i++) {
		at -= selected[i] * ops[i].weight;
		if (at < 0)
			return i;
	}
	return 0;
}

static void note(size_t op, int result)
{
	int error = result < 0 ? errno : 0;

	if (error >= ERRNOS)
		error = ERRNOS - 1;
	__atomic_add_fetch(&results[op][error], 1, __ATOMIC_RELAXED);
}

/* Set when they are told to end: the processes come to the end of what they do. */
static volatile sig_atomic_t *told;

static void process(long calls)
{
	static const int modes[] = { O_RDWR, O_RDWR, O_RDWR, O_RDONLY, O_RDWR | O_DIRECT,
				     O_RDONLY | O_DIRECT, O_RDWR | O_EXCL, O_RDWR | O_NONBLOCK };
	char control_path[64];
	int control, node;

	snprintf(control_path, sizeof(control_path), "/dev/%s-control", prefix);
	while (calls > 0 && !*told) {
		int some = 1 + (int)below(4), tries;

		control = open(control_path, O_RDWR | O_CLOEXEC);
		if (control < 0 && !gone)
			die(control_path);
		snprintf(node_path, sizeof(node_path), "/dev/%s%u", prefix,
			 (unsigned int)below(devices));
		if (!below(12))
			strcat(node_path, below(2) ? "p1" : "p2");
		node = open(node_path, modes[below(8)] | O_CLOEXEC);
		note(OPS, node);
		for (tries = 0; tries < some; tries++) {
			size_t op = pick_op();

			calls--;
			if (node < 0 && control < 0)
				continue;
			/* Without a node only what needs none. */
			if (node < 0 && strncmp(ops[op].name, "ctl", 3))
				op = 9; /* ctl_add: else there soon is no device at all */
			if (selected[op])
				note(op, ops[op].run(node, control));
		}
		if (node >= 0)
			close(node);
		if (control >= 0)
			close(control);
		if (gone)
			usleep((useconds_t)below(30000));
	}
	exit(bad_data ? 1 : 0);
}

static void enough(int signal)
{
	(void)signal;
	*told = 1;
}

static void too_late(int signal)
{
	static const char text[] = "chaos: not all processes came to their end in time\n";

	(void)signal;
	if (write(2, text, sizeof(text) - 1) < 0)
		_exit(3);
	_exit(1);
}

int main(int argc, char **argv)
{
	long calls = 1000, processes = 4, limit = 60, i;
	uint64_t seed = 1;
	int status, failures = 0;
	size_t op;
	int error;

	if (argc == 5 && !strcmp(argv[1], "make"))
		return make(argv[2], atol(argv[3]), atol(argv[4]));
	if (argc < 3 || strcmp(argv[1], "run")) {
		fputs(usage, stderr);
		return 2;
	}
	for (op = 0; op < OPS; op++)
		selected[op] = 1;
	for (i = 2; i < argc && !strncmp(argv[i], "--", 2); i++) {
		const char *name = argv[i] + 2, *value;

		if (!strcmp(name, "gone")) {
			gone = 1;
			continue;
		}
		value = i + 1 < argc ? argv[++i] : "";
		if (!strcmp(name, "seed"))
			seed = strtoull(value, NULL, 0);
		else if (!strcmp(name, "calls"))
			calls = atol(value);
		else if (!strcmp(name, "processes"))
			processes = atol(value);
		else if (!strcmp(name, "devices"))
			devices = (unsigned int)atol(value);
		else if (!strcmp(name, "prefix"))
			prefix = value;
		else if (!strcmp(name, "limit"))
			limit = atol(value);
		else if (!strcmp(name, "ops")) {
			char *copy = strdup(value), *word;

			memset(selected, 0, sizeof(selected));
			for (word = strtok(copy, ","); word; word = strtok(NULL, ",")) {
				for (op = 0; op < OPS && strcmp(ops[op].name, word); op++)
					;
				if (op == OPS) {
					fprintf(stderr, "chaos: no operation '%s'\n", word);
					return 2;
				}
				selected[op] = 1;
			}
		} else {
			fputs(usage, stderr);
			return 2;
		}
	}
	files = argv + i;
	file_count = argc - (int)i;
	if (file_count < 1 || processes < 1 || devices < 1) {
		fputs(usage, stderr);
		return 2;
	}

	results = mmap(NULL, sizeof(*results) * (OPS + 1), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (results == MAP_FAILED || told == MAP_FAILED || posix_memalign((void **)&buffer, 4096, BUFFER))
		die("memory");
	printf("seed %llu, %ld processes, %ld calls each\n", (unsigned long long)seed, processes,
	       calls);
	fflush(stdout);
	for (i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			self = (int)i;
			rng = mix(seed) + (uint64_t)i * 0x1234567;
			process(calls);
		}
	}
	signal(SIGALRM, too_late);
	signal(SIGTERM, enough);
	alarm((unsigned int)limit);
	for (i = 0; i < processes; i++) {
		if (wait(&status) < 0)
			die("wait");
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			failures++;
	}
	for (op = 0; op <= OPS; op++) {
		const char *name = op < OPS ? ops[op].name : "open";
		const char *sep = "";

		printf("%s:", name);
		for (error = 0; error < ERRNOS; error++) {
			if (!results[op][error])
				continue;
			printf("%s %s %u", sep, error ? strerrorname_np(error) : "ok",
			       results[op][error]);
			sep = ",";
			if (!allowed(op, error)) {
				printf(" (!)");
				failures++;
			}
		}
		if (!works(op)) {
			printf(" (never!)");
			failures++;
		}
		printf("\n");
	}
	return failures ? 1 : 0;
}
