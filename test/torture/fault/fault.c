/*
 * What a disk or a power cut does, done to one process tree: preloaded (LD_PRELOAD), it counts the calls that change or
 * read files below some folders, and from the n-th on kills the process group or makes calls fail. It can also write
 * down every change, so that a power cut can be played afterwards (../cut.ts): what no fsync has covered is then taken
 * back. Built by fault.ts; all settings are environment variables, explained there.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum op { CREATE = 1, WRITE = 2, SYNC = 4, RENAME = 8, LINK = 16, REMOVE = 32, FOLDER = 64, CUT = 128, READ = 256 };
enum act { NOTHING, KILL, KILL_AFTER, TORN, SHORT, FAIL };

struct shared {
  _Atomic uint64_t count;
  _Atomic uint64_t fired;
  _Atomic uint64_t trash;
};

static struct shared *shared;
static char roots[16][PATH_MAX];
static size_t rootCount;
static unsigned ops;
static uint64_t from, span;
static enum act act;
static int failure;
static int logFd = -1;
static const char *trash;

#define REAL(name) \
  static __typeof__(name) *real_##name; \
  if (!real_##name) real_##name = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static unsigned opsOf(const char *words) {
  static const struct { const char *word; unsigned op; } known[] = {
      {"create", CREATE}, {"write", WRITE}, {"sync", SYNC}, {"rename", RENAME}, {"link", LINK},
      {"remove", REMOVE}, {"folder", FOLDER}, {"cut", CUT}, {"read", READ}};
  unsigned found = 0;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strstr(words, known[i].word)) found |= known[i].op;
  return found;
}

__attribute__((constructor)) static void begin(void) {
  const char *counter = getenv("FAULT_COUNTER"), *under = getenv("FAULT_ROOTS");
  if (!counter || !under) return;
  int fd = syscall(SYS_openat, AT_FDCWD, counter, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || syscall(SYS_ftruncate, fd, sizeof(struct shared))) return;
  void *map = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (map == MAP_FAILED) return;
  for (const char *at = under; *at && rootCount < 16;) {
    const char *end = strchrnul(at, ':');
    snprintf(roots[rootCount++], PATH_MAX, "%.*s", (int)(end - at), at);
    at = *end ? end + 1 : end;
  }
  const char *word = getenv("FAULT_ACT");
  if (word && !strcmp(word, "kill")) act = KILL;
  else if (word && !strcmp(word, "kill-after")) act = KILL_AFTER;
  else if (word && !strcmp(word, "torn")) act = TORN;
  else if (word && !strcmp(word, "short")) act = SHORT;
  else if (word && atoi(word) > 0) act = FAIL, failure = atoi(word);
  ops = opsOf(getenv("FAULT_OPS") ? getenv("FAULT_OPS") : "create write sync rename link remove folder cut");
  from = getenv("FAULT_AT") ? strtoull(getenv("FAULT_AT"), NULL, 10) : 0;
  span = getenv("FAULT_SPAN") ? strtoull(getenv("FAULT_SPAN"), NULL, 10) : 1;
  if (getenv("FAULT_LOG")) {
    int log = syscall(SYS_openat, AT_FDCWD, getenv("FAULT_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    /* Out of the way of programs that count on low numbers. */
    logFd = fcntl(log, F_DUPFD_CLOEXEC, 900);
    syscall(SYS_close, log);
    trash = getenv("FAULT_TRASH");
  }
  shared = map;
}

static int watched(const char *path) {
  for (size_t i = 0; i < rootCount; i++) {
    size_t length = strlen(roots[i]);
    if (!strncmp(path, roots[i], length) && (path[length] == '/' || path[length] == 0)) return 1;
  }
  return 0;
}

static int pathOfFd(int fd, char *into) {
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t got = readlink(link, into, PATH_MAX - 1);
  if (got <= 0 || into[0] != '/') return 0;
  into[got] = 0;
  return 1;
}

static int ours(int fd) {
  char path[PATH_MAX];
  int saved = errno;
  int found = shared && pathOfFd(fd, path) && watched(path);
  errno = saved;
  return found;
}

/* The folder of a path without links, and the last name: how a change of names is told. */
static int place(int at, const char *path, char *folder, const char **name) {
  if (!shared || !path) return 0;
  int saved = errno;
  char plain[PATH_MAX], real[PATH_MAX];
  if (path[0] == '/' || at == AT_FDCWD) snprintf(plain, sizeof plain, "%s", path);
  else if (snprintf(plain, sizeof plain, "/proc/self/fd/%d/%s", at, path) < 0) return 0;
  size_t length = strlen(plain);
  while (length > 1 && plain[length - 1] == '/') plain[--length] = 0;
  char *slash = strrchr(plain, '/');
  *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  if (slash == plain) strcpy(real, "/");
  else {
    if (slash) *slash = 0;
    if (!realpath(slash ? plain : ".", real)) { errno = saved; return 0; }
  }
  errno = saved;
  snprintf(folder, PATH_MAX, "%s", real);
  char whole[PATH_MAX * 2];
  snprintf(whole, sizeof whole, "%s/%s", strcmp(real, "/") ? real : "", *name);
  return watched(whole);
}

/* What becomes of this call. */
static enum act meet(enum op op) {
  if (!(ops & op)) return NOTHING;
  uint64_t number = atomic_fetch_add(&shared->count, 1) + 1;
  if (act == NOTHING || from == 0 || number < from || (span && number >= from + span)) return NOTHING;
  atomic_fetch_add(&shared->fired, 1);
  return act;
}

static void die(void) {
  kill(0, SIGKILL);
  for (;;) pause();
}

static void note(const char *form, ...) {
  if (logFd < 0) return;
  char line[PATH_MAX * 2];
  va_list words;
  va_start(words, form);
  int length = vsnprintf(line, sizeof line, form, words);
  va_end(words);
  int saved = errno;
  syscall(SYS_write, logFd, line, length);
  errno = saved;
}

static unsigned long inodeOf(const char *path) {
  struct stat info;
  int saved = errno;
  unsigned long found = lstat(path, &info) ? 0 : info.st_ino;
  errno = saved;
  return found;
}
static unsigned long inodeAt(const char *folder, const char *name) {
  char path[PATH_MAX * 2];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return inodeOf(path);
}
static unsigned long inodeOfFd(int fd) {
  struct stat info;
  int saved = errno;
  unsigned long found = fstat(fd, &info) ? 0 : info.st_ino;
  errno = saved;
  return found;
}

#define BEFORE(op) \
  enum act what = meet(op); \
  if (what == KILL || (what == TORN && op != WRITE)) die(); \
  if (what == FAIL) { errno = failure; return -1; }
#define AFTER \
  if (what == KILL_AFTER) die();

/* Opening: only where it may make a file. */
static void opened(int result, int existed, const char *folder, const char *name, int flags) {
  if (result < 0) return;
  if (!existed) note("c\t%lu\t%s\t%lu\n", inodeOf(folder), name, inodeOfFd(result));
  else if (flags & O_TRUNC) note("t\t%lu\t0\n", inodeOfFd(result));
}
#define OPEN(name, declared, at, call) \
  int name declared { \
    REAL(name); \
    mode_t mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); } \
    char folder[PATH_MAX]; \
    const char *leaf; \
    if (!(flags & (O_CREAT | O_TRUNC)) || !place(at, path, folder, &leaf)) return call; \
    int existed = inodeAt(folder, leaf) != 0; \
    BEFORE(CREATE) \
    int result = call; \
    opened(result, existed, folder, leaf, flags); \
    AFTER \
    return result; \
  }
OPEN(open, (const char *path, int flags, ...), AT_FDCWD, real_open(path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD, real_open64(path, flags, mode))
OPEN(openat, (int at, const char *path, int flags, ...), at, real_openat(at, path, flags, mode))
OPEN(openat64, (int at, const char *path, int flags, ...), at, real_openat64(at, path, flags, mode))

#define WRITES(name, declared, whole, half, offset) \
  ssize_t name declared { \
    REAL(name); \
    if (!ours(fd)) return whole; \
    BEFORE(WRITE) \
    ssize_t result = what == TORN || what == SHORT ? half : whole; \
    if (result > 0) note("w\t%lu\t%lld\t%zd\n", inodeOfFd(fd), (long long)(offset), result); \
    if (what == TORN) die(); \
    AFTER \
    return result; \
  }
/* A half that O_DIRECT takes, too. */
static size_t part(size_t length) { return length > 8192 ? length / 2 / 4096 * 4096 : length > 1 ? length / 2 : length; }
static off_t where(int fd, ssize_t written) { off_t at = lseek(fd, 0, SEEK_CUR); return at < written ? 0 : at - written; }
WRITES(write, (int fd, const void *from_, size_t length), real_write(fd, from_, length), real_write(fd, from_, part(length)), where(fd, result))
WRITES(pwrite, (int fd, const void *from_, size_t length, off_t at), real_pwrite(fd, from_, length, at), real_pwrite(fd, from_, part(length), at), at)
WRITES(pwrite64, (int fd, const void *from_, size_t length, off64_t at), real_pwrite64(fd, from_, length, at), real_pwrite64(fd, from_, part(length), at), at)
WRITES(writev, (int fd, const struct iovec *from_, int count), real_writev(fd, from_, count), real_writev(fd, from_, 1), where(fd, result))
WRITES(pwritev, (int fd, const struct iovec *from_, int count, off_t at), real_pwritev(fd, from_, count, at), real_pwritev(fd, from_, 1, at), at)
WRITES(pwritev64, (int fd, const struct iovec *from_, int count, off64_t at), real_pwritev64(fd, from_, count, at), real_pwritev64(fd, from_, 1, at), at)

#define READS(name, declared, whole) \
  ssize_t name declared { \
    REAL(name); \
    if (!(ops & READ) || !ours(fd)) return whole; \
    BEFORE(READ) \
    AFTER \
    return whole; \
  }
READS(read, (int fd, void *into, size_t length), real_read(fd, into, length))
READS(pread, (int fd, void *into, size_t length, off_t at), real_pread(fd, into, length, at))
READS(pread64, (int fd, void *into, size_t length, off64_t at), real_pread64(fd, into, length, at))
READS(preadv, (int fd, const struct iovec *into, int count, off_t at), real_preadv(fd, into, count, at))
READS(preadv64, (int fd, const struct iovec *into, int count, off64_t at), real_preadv64(fd, into, count, at))

/* A sync that fails has synced nothing; one that is followed by death has. */
#define SYNCS(name, line) \
  int name(int fd) { \
    REAL(name); \
    if (!ours(fd)) return real_##name(fd); \
    BEFORE(SYNC) \
    int result = real_##name(fd); \
    if (result == 0) note(line, inodeOfFd(fd)); \
    AFTER \
    return result; \
  }
SYNCS(fsync, "s\t%lu\n")
SYNCS(fdatasync, "s\t%lu\n")
SYNCS(syncfs, "S\t%lu\n")

#define CUTS(name, type) \
  int name(int fd, type length) { \
    REAL(name); \
    if (!ours(fd)) return real_##name(fd, length); \
    BEFORE(CUT) \
    int result = real_##name(fd, length); \
    if (result == 0) note("t\t%lu\t%lld\n", inodeOfFd(fd), (long long)length); \
    AFTER \
    return result; \
  }
CUTS(ftruncate, off_t)
CUTS(ftruncate64, off64_t)

static int renamed(int fromAt, const char *old, int toAt, const char *path, unsigned flags) {
  char folder[PATH_MAX], oldFolder[PATH_MAX];
  const char *leaf, *oldLeaf;
  int watchedNew = place(toAt, path, folder, &leaf), watchedOld = place(fromAt, old, oldFolder, &oldLeaf);
  if (!watchedNew && !watchedOld) return syscall(SYS_renameat2, fromAt, old, toAt, path, flags);
  BEFORE(RENAME)
  unsigned long inode = inodeAt(oldFolder, oldLeaf), replaced = inodeAt(folder, leaf);
  uint64_t number = 0;
  int result;
  struct stat info;
  if (logFd >= 0 && trash && replaced && replaced != inode && !flags &&
      !fstatat(toAt, path, &info, AT_SYMLINK_NOFOLLOW) && S_ISREG(info.st_mode)) {
    /* What is replaced is kept: a power cut may bring it back. */
    char kept[PATH_MAX];
    number = atomic_fetch_add(&shared->trash, 1) + 1;
    snprintf(kept, sizeof kept, "%s/%lu", trash, (unsigned long)number);
    result = syscall(SYS_renameat2, fromAt, old, toAt, path, 2 /* RENAME_EXCHANGE */);
    if (result == 0) syscall(SYS_renameat2, fromAt, old, AT_FDCWD, kept, 0);
  } else result = syscall(SYS_renameat2, fromAt, old, toAt, path, flags);
  if (result == 0)
    note("r\t%lu\t%s\t%lu\t%s\t%lu\t%lu\t%u\n", inodeOf(oldFolder), oldLeaf, inodeOf(folder), leaf, inode, (unsigned long)number, flags);
  AFTER
  return result;
}
int rename(const char *old, const char *path) { return renamed(AT_FDCWD, old, AT_FDCWD, path, 0); }
int renameat(int fromAt, const char *old, int toAt, const char *path) { return renamed(fromAt, old, toAt, path, 0); }
int renameat2(int fromAt, const char *old, int toAt, const char *path, unsigned flags) {
  return renamed(fromAt, old, toAt, path, flags);
}

static int linked(int fromAt, const char *old, int toAt, const char *path, int flags) {
  char folder[PATH_MAX];
  const char *leaf;
  if (!place(toAt, path, folder, &leaf)) return syscall(SYS_linkat, fromAt, old, toAt, path, flags);
  BEFORE(LINK)
  int result = syscall(SYS_linkat, fromAt, old, toAt, path, flags);
  if (result == 0) note("c\t%lu\t%s\t%lu\n", inodeOf(folder), leaf, inodeAt(folder, leaf));
  AFTER
  return result;
}
int link(const char *old, const char *path) { return linked(AT_FDCWD, old, AT_FDCWD, path, 0); }
int linkat(int fromAt, const char *old, int toAt, const char *path, int flags) { return linked(fromAt, old, toAt, path, flags); }
int symlink(const char *to, const char *path) {
  char folder[PATH_MAX];
  const char *leaf;
  if (!place(AT_FDCWD, path, folder, &leaf)) return syscall(SYS_symlinkat, to, AT_FDCWD, path);
  BEFORE(LINK)
  int result = syscall(SYS_symlinkat, to, AT_FDCWD, path);
  if (result == 0) note("c\t%lu\t%s\t%lu\n", inodeOf(folder), leaf, inodeAt(folder, leaf));
  AFTER
  return result;
}

static int removed(int at, const char *path, int flags) {
  char folder[PATH_MAX];
  const char *leaf;
  if (!place(at, path, folder, &leaf)) return syscall(SYS_unlinkat, at, path, flags);
  BEFORE(REMOVE)
  unsigned long inode = inodeAt(folder, leaf);
  uint64_t number = 0;
  int result;
  struct stat info;
  if (logFd >= 0 && trash && inode && !(flags & AT_REMOVEDIR) && !fstatat(at, path, &info, AT_SYMLINK_NOFOLLOW) &&
      S_ISREG(info.st_mode)) {
    char kept[PATH_MAX];
    number = atomic_fetch_add(&shared->trash, 1) + 1;
    snprintf(kept, sizeof kept, "%s/%lu", trash, (unsigned long)number);
    result = syscall(SYS_renameat2, at, path, AT_FDCWD, kept, 0);
  } else result = syscall(SYS_unlinkat, at, path, flags);
  if (result == 0)
    note("%c\t%lu\t%s\t%lu\t%lu\n", flags & AT_REMOVEDIR ? 'd' : 'u', inodeOf(folder), leaf, inode, (unsigned long)number);
  AFTER
  return result;
}
int unlink(const char *path) { return removed(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return removed(at, path, flags); }
int rmdir(const char *path) { return removed(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
  struct stat info;
  if (lstat(path, &info)) return -1;
  return removed(AT_FDCWD, path, S_ISDIR(info.st_mode) ? AT_REMOVEDIR : 0);
}

static int made(int at, const char *path, mode_t mode) {
  char folder[PATH_MAX];
  const char *leaf;
  if (!place(at, path, folder, &leaf)) return syscall(SYS_mkdirat, at, path, mode);
  BEFORE(FOLDER)
  int result = syscall(SYS_mkdirat, at, path, mode);
  if (result == 0) note("m\t%lu\t%s\t%lu\n", inodeOf(folder), leaf, inodeAt(folder, leaf));
  AFTER
  return result;
}
int mkdir(const char *path, mode_t mode) { return made(AT_FDCWD, path, mode); }
int mkdirat(int at, const char *path, mode_t mode) { return made(at, path, mode); }
