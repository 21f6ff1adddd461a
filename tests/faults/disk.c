/* Preloaded, counts the calls of a process that change the disk below a folder, and lets the n-th go wrong.
 *
 * cc -shared -fPIC -O1 -o disk.so disk.c -ldl
 *
 * Nothing is counted before `faults_arm`. In the modes of reading, calls that read are counted instead. What goes
 * through a memory map is not seen.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { COUNT, KILL, EIO_ONCE, FULL, TORN, COUNT_READS, EIO_READ, SHORT_READ };

static char root[PATH_MAX];
static int mode, wanted, armed;
static int count;

void faults_arm(int n, int how, const char *folder) {
    snprintf(root, sizeof root, "%s", folder);
    wanted = n, mode = how, count = 0, armed = 1;
}

int faults_count(void) { return count; }

static int below(const char *path) { return strncmp(path, root, strlen(root)) == 0; }

static int of_path(int folder, const char *path) {
    char place[2 * PATH_MAX];
    if (!armed || path == NULL) return 0;
    if (path[0] == '/') return below(path);
    if (folder == AT_FDCWD) {
        if (getcwd(place, PATH_MAX) == NULL) return 0;
    } else {
        char name[64];
        snprintf(name, sizeof name, "/proc/self/fd/%d", folder);
        ssize_t size = readlink(name, place, PATH_MAX - 1);
        if (size < 0) return 0;
        place[size] = 0;
    }
    strncat(place, "/", 2), strncat(place, path, PATH_MAX - 2);
    return below(place);
}

static int of_file(int file) {
    char name[64], place[PATH_MAX];
    if (!armed) return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", file);
    ssize_t size = readlink(name, place, sizeof place - 1);
    if (size < 0) return 0;
    place[size] = 0;
    return below(place);
}

/* Count a call; return whether it must fail, with errno set. `room`: it needs room on the disk. */
static int fails(int room) {
    if (mode >= COUNT_READS) return 0;
    count++;
    if (mode == FULL && room && count >= wanted) return errno = ENOSPC, 1;
    if (count != wanted) return 0;
    if (mode == KILL || mode == TORN) kill(getpid(), SIGKILL);
    if (mode == EIO_ONCE) return errno = EIO, 1;
    return 0;
}

/* The same for a call that reads; -1: it must fail, 1: it must return less than it was asked for. */
static int misreads(void) {
    if (mode < COUNT_READS || ++count != wanted) return 0;
    if (mode == EIO_READ) return errno = EIO, -1;
    return mode == SHORT_READ;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define CALL(type, name, parameters, counted, room, arguments)          \
    type name parameters {                                              \
        static __typeof__(&name) next;                                  \
        if (!next) next = NEXT(name);                                   \
        if ((counted) && fails(room)) return -1;                        \
        return next arguments;                                          \
    }

/* A write that is torn: half of it reaches the disk. */
#define WRITE(name, parameters, arguments, half)                        \
    ssize_t name parameters {                                           \
        static __typeof__(&name) next;                                  \
        if (!next) next = NEXT(name);                                   \
        if (of_file(file)) {                                            \
            if (mode == TORN && count + 1 == wanted && size > 1) next half; \
            if (fails(1)) return -1;                                    \
        }                                                               \
        return next arguments;                                          \
    }

WRITE(write, (int file, const void *data, size_t size), (file, data, size), (file, data, size / 2))
WRITE(pwrite, (int file, const void *data, size_t size, off_t at), (file, data, size, at), (file, data, size / 2, at))
WRITE(pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at), (file, data, size / 2, at))
WRITE(writev, (int file, const struct iovec *data, int size), (file, data, size), (file, data, size / 2))
WRITE(copy_file_range, (int in, off64_t *from, int file, off64_t *to, size_t size, unsigned flags),
      (in, from, file, to, size, flags), (in, from, file, to, size / 2, flags))
WRITE(sendfile, (int file, int in, off_t *from, size_t size), (file, in, from, size), (file, in, from, size / 2))
WRITE(sendfile64, (int file, int in, off64_t *from, size_t size), (file, in, from, size), (file, in, from, size / 2))

#define READ(name, parameters, arguments, less)                         \
    ssize_t name parameters {                                           \
        static __typeof__(&name) next;                                  \
        if (!next) next = NEXT(name);                                   \
        if (of_file(file)) {                                            \
            int wrong = misreads();                                     \
            if (wrong < 0) return -1;                                   \
            if (wrong && size > 1) return next less;                    \
        }                                                               \
        return next arguments;                                          \
    }

READ(read, (int file, void *data, size_t size), (file, data, size), (file, data, size / 2))
READ(pread, (int file, void *data, size_t size, off_t at), (file, data, size, at), (file, data, size / 2, at))
READ(pread64, (int file, void *data, size_t size, off64_t at), (file, data, size, at), (file, data, size / 2, at))
READ(readv, (int file, const struct iovec *data, int size), (file, data, size), (file, data, size / 2))

CALL(int, rename, (const char *a, const char *b), of_path(AT_FDCWD, b), 0, (a, b))
CALL(int, renameat, (int i, const char *a, int j, const char *b), of_path(j, b), 0, (i, a, j, b))
CALL(int, renameat2, (int i, const char *a, int j, const char *b, unsigned f), of_path(j, b), 0, (i, a, j, b, f))
CALL(int, link, (const char *a, const char *b), of_path(AT_FDCWD, b), 1, (a, b))
CALL(int, linkat, (int i, const char *a, int j, const char *b, int f), of_path(j, b), 1, (i, a, j, b, f))
CALL(int, symlink, (const char *a, const char *b), of_path(AT_FDCWD, b), 1, (a, b))
CALL(int, unlink, (const char *path), of_path(AT_FDCWD, path), 0, (path))
CALL(int, unlinkat, (int folder, const char *path, int flags), of_path(folder, path), 0, (folder, path, flags))
CALL(int, rmdir, (const char *path), of_path(AT_FDCWD, path), 0, (path))
CALL(int, mkdir, (const char *path, mode_t bits), of_path(AT_FDCWD, path), 1, (path, bits))
CALL(int, mkdirat, (int folder, const char *path, mode_t bits), of_path(folder, path), 1, (folder, path, bits))
CALL(int, truncate, (const char *path, off_t size), of_path(AT_FDCWD, path), 0, (path, size))
CALL(int, ftruncate, (int file, off_t size), of_file(file), 1, (file, size))
CALL(int, ftruncate64, (int file, off64_t size), of_file(file), 1, (file, size))
CALL(int, fsync, (int file), of_file(file), 0, (file))
CALL(int, fdatasync, (int file), of_file(file), 0, (file))

/* Opening counts where it makes a file or empties one. */
#define OPEN(name, parameters, folder, arguments)                       \
    int name parameters {                                               \
        static __typeof__(&name) next;                                  \
        mode_t bits = 0;                                                \
        if (!next) next = NEXT(name);                                   \
        if (flags & (O_CREAT | O_TMPFILE)) {                            \
            va_list rest;                                               \
            va_start(rest, flags), bits = va_arg(rest, mode_t), va_end(rest); \
        }                                                               \
        if ((flags & (O_CREAT | O_TRUNC)) && of_path(folder, path) && fails(1)) return -1; \
        return next arguments;                                          \
    }

OPEN(open, (const char *path, int flags, ...), AT_FDCWD, (path, flags, bits))
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD, (path, flags, bits))
OPEN(openat, (int folder, const char *path, int flags, ...), folder, (folder, path, flags, bits))
OPEN(openat64, (int folder, const char *path, int flags, ...), folder, (folder, path, flags, bits))

/* Streams of C and C++ open and write without the calls above: their opening counts, and what they write when closed. */
FILE *fopen(const char *path, const char *how) {
    static __typeof__(&fopen) next;
    if (!next) next = NEXT(fopen);
    if (strpbrk(how, "wa+") && of_path(AT_FDCWD, path) && fails(1)) return NULL;
    return next(path, how);
}

FILE *fopen64(const char *path, const char *how) {
    static __typeof__(&fopen64) next;
    if (!next) next = NEXT(fopen64);
    if (strpbrk(how, "wa+") && of_path(AT_FDCWD, path) && fails(1)) return NULL;
    return next(path, how);
}
