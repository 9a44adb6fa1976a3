// SPDX-License-Identifier: GPL-2.0
/*
 * fdio: operations one after the other on one open file, each reported on a
 * line of its own:
 *
 *	START END OPERATION RESULT
 *
 * START and END are CLOCK_MONOTONIC in nanoseconds, RESULT a number or the
 * name of an errno. Exits with 0 whatever the operations returned, so that the
 * caller judges them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
	"Usage: fdio FILE[:FLAGS] OPERATION...\n"
	"\n"
	"  pwrite:OFFSET:LENGTH:BYTE   BYTE is a number; memory is page aligned\n"
	"  pread:OFFSET:LENGTH         RESULT is followed by the bytes' values if\n"
	"                              they are all the same, else by 'mixed'\n"
	"  fsync, fdatasync, syncfs\n"
	"  touch:PATH                  makes a file, to tell others\n"
	"  wait:PATH                   until there is such a file, 120 s at most\n"
	"\n"
	"FILE is a path or fd=N, an inherited descriptor.\n"
	"FLAGS: rw (default), ro, direct, dsync with commas in between\n";

static void wrong(const char *what)
{
	fprintf(stderr, "fdio: %s\n\n%s", what, usage);
	exit(2);
}

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long field(const char *what)
{
	char *text = strtok(NULL, ":"), *end;
	long long value;

	if (!text)
		wrong(what);
	value = strtoll(text, &end, 0);
	if (*end)
		wrong(what);
	return value;
}

static void *memory(size_t size)
{
	void *pointer;

	if (posix_memalign(&pointer, 4096, size ? size : 1))
		wrong("no memory");
	return pointer;
}

static const char *uniform(const unsigned char *bytes, ssize_t count)
{
	static char text[16];
	ssize_t i;

	for (i = 1; i < count; i++)
		if (bytes[i] != bytes[0])
			return " mixed";
	if (count < 1)
		return "";
	snprintf(text, sizeof(text), " %d", bytes[0]);
	return text;
}

static int wait_for(const char *path)
{
	struct timespec pause = { .tv_nsec = 10000000 };
	/* A guard: longer than the tests wait for anything. */
	long long end = now() + 120000000000LL;
	struct stat status;

	while (stat(path, &status)) {
		if (now() > end) {
			errno = ETIMEDOUT;
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

int main(int argc, char **argv)
{
	int fd, i, flags = O_RDWR | O_CLOEXEC;
	char *colon, *word;

	if (argc < 2)
		wrong("no file");
	colon = strrchr(argv[1], ':');
	if (colon) {
		*colon = 0;
		for (word = strtok(colon + 1, ","); word; word = strtok(NULL, ",")) {
			if (!strcmp(word, "ro"))
				flags &= ~O_RDWR;
			else if (!strcmp(word, "direct"))
				flags |= O_DIRECT;
			else if (!strcmp(word, "dsync"))
				flags |= O_DSYNC;
			else if (strcmp(word, "rw"))
				wrong("unknown flag");
		}
	}
	if (!strncmp(argv[1], "fd=", 3))
		fd = atoi(argv[1] + 3);
	else
		fd = open(argv[1], flags);
	if (fd < 0) {
		fprintf(stderr, "fdio: %s: %s\n", argv[1], strerror(errno));
		return 2;
	}

	for (i = 2; i < argc; i++) {
		char *copy = strdup(argv[i]);
		const char *name = strtok(copy, ":"), *more = "";
		unsigned char *bytes = NULL;
		long long start, offset, length;
		ssize_t result;
		int error;

		if (!name)
			wrong("empty operation");
		if (!strcmp(name, "pwrite")) {
			offset = field("no offset");
			length = field("no length");
			bytes = memory(length);
			memset(bytes, field("no byte"), length);
			start = now();
			result = pwrite(fd, bytes, length, offset);
		} else if (!strcmp(name, "pread")) {
			offset = field("no offset");
			length = field("no length");
			bytes = memory(length);
			memset(bytes, 0xEE, length);
			start = now();
			result = pread(fd, bytes, length, offset);
		} else if (!strcmp(name, "fsync")) {
			start = now();
			result = fsync(fd);
		} else if (!strcmp(name, "fdatasync")) {
			start = now();
			result = fdatasync(fd);
		} else if (!strcmp(name, "syncfs")) {
			start = now();
			result = syncfs(fd);
		} else if (!strcmp(name, "touch")) {
			word = strtok(NULL, "");
			start = now();
			result = open(word, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
			if (result >= 0)
				result = close(result);
		} else if (!strcmp(name, "wait")) {
			word = strtok(NULL, "");
			start = now();
			result = wait_for(word);
		} else {
			wrong("unknown operation");
		}
		error = errno;
		if (!strcmp(name, "pread"))
			more = uniform(bytes, result);
		printf("%lld %lld %s ", start, now(), argv[i]);
		if (result < 0)
			printf("%s\n", strerrorname_np(error));
		else
			printf("%zd%s\n", result, more);
		fflush(stdout);
		free(bytes);
		free(copy);
	}
	return 0;
}
