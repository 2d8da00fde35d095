/*
 * A file system for tests, by the kernel's FUSE protocol (linux/fuse.h) and nothing else, over the files of tree.c. What
 * the armed process group changes waits for an fsync as on a disk; whoever else changes something, the node and the
 * harness, has it synced at once. At the armed call it fails, or the power: the group is killed, and nothing is answered
 * any more.
 *
 *     serve <mount point> <direct: 0 | 1>
 *
 * Lines on stdin, each answered by one line; the end of stdin ends it:
 *
 *     arm <group> <kinds> <places or *> <from> <span> <act>  counts calls of these kinds (bits) there; act: an errno, or
 *                                                             cut, cut-after, torn, short, forget (fsync fails, and the
 *                                                             pages count as written), none
 *     space <bytes>                                           what may still be written; -1: no end
 *     count                                                   → calls, calls that met it, whether the power is gone
 *     unsynced                                                → the fsyncs that failed since the arming, and what became of
 *                                                             their bytes: a JSON array of failure, below
 *     sync                                                    all is kept, nothing is armed
 *     cut <seed> <direct: 0 | 1>                              the power goes, and what was not synced with it; mounted anew
 *                                                             → changes of names, and files, that lost something
 *
 * power.ts builds and speaks to it.
 */
#define _GNU_SOURCE
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { CREATE = 1, WRITE = 2, SYNC = 4, RENAME = 8, LINK = 16, REMOVE = 32, FOLDER = 64, CUT = 128, READ = 256 };
enum act { NONE = 0, POWER = -1, POWER_AFTER = -2, TORN = -3, SHORT = -4, FORGET = -5 };
enum { LARGEST = 1 << 20, SYNCFS = 0x4b01 };

static const char *mountPoint;
static int direct, device = -1;
static struct {
  pid_t group;
  unsigned kinds;
  char place[64];
  uint64_t from, span, count, met;
  int act;
} armed;
static int64_t space = -1;
static int powerless;

/* An fsync that failed: of what, and whether the same bytes were written to another file after that, and synced. */
static struct failure {
  const struct node *node;
  char *path, *names, *bytes;
  size_t size;
  int anew, again;
} failures[16];
static size_t failureCount;

static const struct fuse_in_header *request;
static const char *body;

static void answer(int error, const void *data, size_t length) {
  struct fuse_out_header head = {.len = sizeof head + length, .error = -error, .unique = request->unique};
  struct iovec parts[2] = {{&head, sizeof head}, {(void *)data, length}};
  ssize_t sent = writev(device, parts, length ? 2 : 1);
  (void)sent; /* An interrupted caller wants no answer. */
}
static void fail(int error) { answer(error, NULL, 0); }
static void done(void) { answer(0, NULL, 0); }

static int isArmed(void) { return armed.group && getpgid(request->pid) == armed.group; }

static void die(void) {
  powerless = 1;
  if (armed.group) kill(-armed.group, SIGKILL);
}

static int after; /* The power goes once this call is done. */

/* Whether it lies in one of the armed places: names of folders below the host's by how they begin, and "." for the host's. */
static int isThere(const struct node *node) {
  for (const char *at = armed.place, *end; node->place; at = end + 1) {
    end = strchrnul(at, ',');
    size_t length = end - at;
    if (length == 1 && *at == '.' ? !node->place[0] : !strncmp(node->place, at, length)) return 1;
    if (!*end) break;
  }
  return 0;
}

/* What becomes of a call: 0, or less: it is done, wholly or in part; an errno: it is not. */
static int meet(enum kind kind, const struct node *node) {
  after = 0;
  if (!isArmed() || !(armed.kinds & kind)) return 0;
  if (armed.place[0] != '*' && !isThere(node)) return 0;
  uint64_t number = ++armed.count;
  if (armed.act == NONE || number < armed.from || (armed.span && number >= armed.from + armed.span)) return 0;
  armed.met++;
  switch (armed.act) {
    case POWER: die(); return EIO;
    case POWER_AFTER: after = 1; return 0;
    case TORN: after = 1; return kind == WRITE ? TORN : 0;
    case SHORT: return kind == WRITE ? SHORT : 0;
    case FORGET: return kind == SYNC ? FORGET : 0;
    default: return armed.act;
  }
}

/* Ends a call that changed something. */
static void changed(struct node *node) {
  if (!isArmed() && node) syncNode(node);
  if (after) die();
}

static void attributes(const struct node *node, struct fuse_attr *to) {
  *to = (struct fuse_attr){
      .ino = node->id, .size = node->data.size, .blocks = (node->data.size + 511) / 512, .blksize = PAGE,
      .mode = node->meta.mode, .nlink = isFolder(node) ? 1 : node->links, .uid = node->meta.uid, .gid = node->meta.gid,
      .atime = node->meta.accessed.tv_sec, .atimensec = node->meta.accessed.tv_nsec,
      .mtime = node->meta.changed.tv_sec, .mtimensec = node->meta.changed.tv_nsec,
      .ctime = node->altered.tv_sec, .ctimensec = node->altered.tv_nsec};
}
static void fillEntry(const struct node *node, struct fuse_entry_out *to) {
  *to = (struct fuse_entry_out){.nodeid = node->id, .entry_valid = 3600};
  attributes(node, &to->attr);
}
static void answerEntry(const struct node *node) {
  struct fuse_entry_out out;
  fillEntry(node, &out);
  answer(0, &out, sizeof out);
}
static void answerAttributes(const struct node *node) {
  struct fuse_attr_out out = {0};
  attributes(node, &out.attr);
  answer(0, &out, sizeof out);
}
static struct fuse_open_out opened(void) { return (struct fuse_open_out){.open_flags = direct ? FOPEN_DIRECT_IO : 0}; }

static void begin(void) {
  const struct fuse_init_in *in = (const void *)body;
  struct fuse_init_out out = {
      .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_readahead = in->max_readahead,
      .flags = in->flags & (FUSE_BIG_WRITES | FUSE_MAX_PAGES), .max_background = 16, .congestion_threshold = 12,
      .max_write = LARGEST, .time_gran = 1, .max_pages = LARGEST / PAGE};
  answer(0, &out, sizeof out);
}

/* A new file, folder or symbolic link. */
static struct node *make(struct node *folder, const char *name, mode_t mode) {
  int what = meet(S_ISDIR(mode) ? FOLDER : S_ISLNK(mode) ? LINK : CREATE, folder);
  if (what == 0 && findName(folder, name)) what = EEXIST;
  if (what == 0 && space == 0 && isArmed()) what = ENOSPC;
  if (what > 0) return fail(what), NULL;
  struct node *node = addNode(mode, request->uid, request->gid, folder, name);
  setName(folder, name, node);
  return node;
}

static void doCreate(struct node *folder) {
  const struct fuse_create_in *in = (const void *)body;
  const char *name = body + sizeof *in;
  struct { struct fuse_entry_out entry; struct fuse_open_out open; } out;
  struct node *node = findName(folder, name);
  if (node && (in->flags & O_EXCL)) return fail(EEXIST);
  if (!node) {
    if (!(node = make(folder, name, S_IFREG | (in->mode & 07777 & ~in->umask)))) return;
    changed(folder);
  }
  fillEntry(node, &out.entry);
  out.open = opened();
  answer(0, &out, sizeof out);
}

static void doMake(struct node *folder, const char *name, mode_t mode, const char *target) {
  struct node *node = make(folder, name, mode);
  if (!node) return;
  if (target) {
    /* A link's text comes and goes with its name. */
    writeData(node, 0, target, strlen(target));
    syncNode(node);
  }
  changed(folder);
  answerEntry(node);
}

static void doRemove(struct node *folder, int folders) {
  struct node *node = findName(folder, body);
  int what = !node ? ENOENT : folders && !isFolder(node) ? ENOTDIR : !folders && isFolder(node) ? EISDIR
             : folders && hasNames(node) ? ENOTEMPTY : meet(REMOVE, folder);
  if (what > 0) return fail(what);
  setName(folder, body, NULL);
  changed(folder);
  done();
}

static void doRename(struct node *from, uint64_t to, const char *name, unsigned flags) {
  const char *newName = name + strlen(name) + 1;
  struct node *folder = nodeOf(to), *node = findName(from, name), *other = findName(folder, newName);
  int exchange = flags & RENAME_EXCHANGE;
  int what = !node || (exchange && !other) ? ENOENT : other && (flags & RENAME_NOREPLACE) ? EEXIST : 0;
  if (!what && other && !exchange) {
    if (isFolder(other) && !isFolder(node)) what = EISDIR;
    else if (!isFolder(other) && isFolder(node)) what = ENOTDIR;
    else if (isFolder(other) && hasNames(other)) what = ENOTEMPTY;
  }
  if (!what) what = meet(RENAME, folder);
  if (what > 0) return fail(what);
  /* Two names of one file: rename(2) does nothing. */
  if (node != other) setNames(from, name, exchange ? other : NULL, folder, newName, node);
  changed(from);
  if (!isArmed()) syncNode(folder);
  done();
}

static void doLink(struct node *folder) {
  const struct fuse_link_in *in = (const void *)body;
  const char *name = body + sizeof *in;
  struct node *node = nodeOf(in->oldnodeid);
  int what = findName(folder, name) ? EEXIST : meet(LINK, folder);
  if (what > 0) return fail(what);
  setName(folder, name, node);
  changed(folder);
  answerEntry(node);
}

static void doWrite(struct node *node) {
  const struct fuse_write_in *in = (const void *)body;
  size_t length = in->size;
  int what = meet(WRITE, node);
  if (what > 0) return fail(what);
  if ((what == TORN || what == SHORT) && length > 1) length = length > 2 * PAGE ? length / 2 / PAGE * PAGE : length / 2;
  if (space >= 0 && isArmed()) {
    if (space == 0) return fail(ENOSPC);
    if (length > (uint64_t)space) length = space;
    space -= length;
  }
  if (writeData(node, in->offset, body + sizeof *in, length)) return fail(ENOSPC);
  changed(node);
  struct fuse_write_out out = {.size = length};
  answer(0, &out, sizeof out);
}

static void doRead(struct node *node) {
  const struct fuse_read_in *in = (const void *)body;
  int what = meet(READ, node);
  if (what > 0) return fail(what);
  const unsigned char *from = NULL;
  size_t length = readData(node, in->offset, in->size, &from);
  answer(0, from, length);
  changed(NULL);
}

static void doSetAttributes(struct node *node) {
  const struct fuse_setattr_in *in = (const void *)body;
  if (in->valid & FATTR_SIZE) {
    int what = meet(CUT, node);
    if (what > 0 || (what = -setSize(node, in->size)) > 0) return fail(what);
  } else after = 0;
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  if (in->valid & FATTR_MODE) node->meta.mode = (node->meta.mode & S_IFMT) | (in->mode & 07777);
  if (in->valid & FATTR_UID) node->meta.uid = in->uid;
  if (in->valid & FATTR_GID) node->meta.gid = in->gid;
  if (in->valid & FATTR_ATIME) node->meta.accessed = in->valid & FATTR_ATIME_NOW ? time : (struct timespec){in->atime, in->atimensec};
  if (in->valid & FATTR_MTIME) node->meta.changed = in->valid & FATTR_MTIME_NOW ? time : (struct timespec){in->mtime, in->mtimensec};
  node->altered = time;
  node->metaDirty = 1;
  changed(node);
  answerAttributes(node);
}

static void dropFailures(void) {
  while (failureCount) {
    struct failure *failure = &failures[--failureCount];
    free(failure->path), free(failure->names), free(failure->bytes);
  }
}

static void noteFailure(const struct node *node, char *path) {
  if (failureCount == sizeof failures / sizeof *failures) return free(path);
  struct failure *failure = &failures[failureCount++];
  *failure = (struct failure){.node = node, .path = path, .names = waitingNames(node)};
  if (!node || isFolder(node) || !node->data.size) return;
  if (!(failure->bytes = malloc(node->data.size))) abort();
  memcpy(failure->bytes, node->data.at, failure->size = node->data.size);
}

/* An fsync went well: of the same file or folder again, which proves nothing, or of others' bytes that are the same. */
static void noteSuccess(const struct node *node) {
  for (struct failure *failure = failures; failure < failures + failureCount; failure++) {
    if (node == failure->node) failure->again = 1;
    else if (node && failure->bytes && !isFolder(node) && node->data.size == failure->size &&
             !memcmp(node->data.at, failure->bytes, failure->size)) failure->anew = 1;
  }
}

static void doSync(struct node *node) {
  int what = meet(SYNC, node);
  if (what > 0 || what == FORGET) noteFailure(node, pathOf(node));
  if (what == FORGET) forgetDirty(node), what = EIO;
  if (what > 0) return fail(what);
  syncNode(node);
  if (isArmed()) noteSuccess(node);
  if (after) die();
  done();
}

/* syncfs(2) does not come through FUSE: power.c sends this in its place. */
static void doSyncAll(struct node *node) {
  const struct fuse_ioctl_in *in = (const void *)body;
  if (in->cmd != SYNCFS) return fail(ENOTTY);
  int what = meet(SYNC, node);
  if (what > 0 || what == FORGET) noteFailure(NULL, strdup("*"));
  if (what == FORGET) forgetTree(), what = EIO;
  if (what > 0) return fail(what);
  syncTree();
  if (isArmed()) noteSuccess(NULL);
  if (after) die();
  struct fuse_ioctl_out out = {0};
  answer(0, &out, sizeof out);
}

static void doReadFolder(struct node *folder) {
  const struct fuse_read_in *in = (const void *)body;
  char out[LARGEST];
  size_t length = 0, most = in->size < sizeof out ? in->size : sizeof out;
  for (struct entry *entry = folder->names; entry; entry = entry->next) {
    if (entry->order <= in->offset) continue;
    size_t name = strlen(entry->name), whole = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + name);
    if (length + whole > most) break;
    struct fuse_dirent one = {entry->node->id, entry->order, name, entry->node->meta.mode >> 12};
    memset(out + length, 0, whole);
    memcpy(out + length, &one, FUSE_NAME_OFFSET);
    memcpy(out + length + FUSE_NAME_OFFSET, entry->name, name);
    length += whole;
  }
  answer(0, out, length);
}

static void doSpace(void) {
  uint64_t whole = 1 << 20, left = space < 0 ? whole / 2 : (uint64_t)space / PAGE;
  struct fuse_statfs_out out = {.st = {.blocks = whole, .bfree = left, .bavail = left, .files = whole, .ffree = whole / 2,
                                       .bsize = PAGE, .namelen = 255, .frsize = PAGE}};
  answer(0, &out, sizeof out);
}

static void serve(const char *from) {
  request = (const void *)from;
  body = from + sizeof *request;
  switch (request->opcode) {
    case FUSE_FORGET: case FUSE_BATCH_FORGET: case FUSE_INTERRUPT: return;
    case FUSE_INIT: return begin();
    case FUSE_DESTROY: return done();
  }
  if (powerless) return fail(EIO);
  struct node *node = nodeOf(request->nodeid);
  if (!node) return fail(ESTALE);
  const struct fuse_open_out open = opened();
  switch (request->opcode) {
    case FUSE_LOOKUP: {
      struct node *found = findName(node, body);
      return found ? answerEntry(found) : fail(ENOENT);
    }
    case FUSE_GETATTR: return answerAttributes(node);
    case FUSE_SETATTR: return doSetAttributes(node);
    case FUSE_READLINK: return answer(0, node->data.at, node->data.size);
    case FUSE_SYMLINK: return doMake(node, body, S_IFLNK | 0777, body + strlen(body) + 1);
    case FUSE_MKNOD: {
      const struct fuse_mknod_in *in = (const void *)body;
      return doMake(node, body + sizeof *in, S_ISDIR(in->mode) ? S_IFREG | 0600 : in->mode & ~in->umask, NULL);
    }
    case FUSE_MKDIR: {
      const struct fuse_mkdir_in *in = (const void *)body;
      return doMake(node, body + sizeof *in, S_IFDIR | (in->mode & 07777 & ~in->umask), NULL);
    }
    case FUSE_UNLINK: return doRemove(node, 0);
    case FUSE_RMDIR: return doRemove(node, 1);
    case FUSE_RENAME: {
      const struct fuse_rename_in *in = (const void *)body;
      return doRename(node, in->newdir, body + sizeof *in, 0);
    }
    case FUSE_RENAME2: {
      const struct fuse_rename2_in *in = (const void *)body;
      return doRename(node, in->newdir, body + sizeof *in, in->flags);
    }
    case FUSE_LINK: return doLink(node);
    case FUSE_CREATE: return doCreate(node);
    case FUSE_OPEN: case FUSE_OPENDIR: return answer(0, &open, sizeof open);
    case FUSE_READ: return doRead(node);
    case FUSE_WRITE: return doWrite(node);
    case FUSE_READDIR: return doReadFolder(node);
    case FUSE_FSYNC: case FUSE_FSYNCDIR: return doSync(node);
    case FUSE_IOCTL: return doSyncAll(node);
    case FUSE_STATFS: return doSpace();
    case FUSE_RELEASE: case FUSE_RELEASEDIR: case FUSE_FLUSH: return done();
    default: return fail(ENOSYS);
  }
}

static void mountAnew(void) {
  /* Held meanwhile, the number of the device is not used again: after a boot it may be another. */
  int held = -1;
  if (device >= 0) {
    held = open(mountPoint, O_PATH | O_CLOEXEC);
    umount2(mountPoint, MNT_DETACH);
    close(device);
  }
  char how[200];
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  snprintf(how, sizeof how, "fd=%d,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other", device);
  if (device < 0 || mount("coldkeep-power", mountPoint, "fuse.power", MS_NOSUID | MS_NODEV, how)) {
    printf("cannot mount: %s\n", strerror(errno));
    exit(1);
  }
  if (held >= 0) close(held);
}

static void disarm(void) {
  memset(&armed, 0, sizeof armed);
  dropFailures();
  space = -1;
}

static int actOf(const char *word) {
  static const struct { const char *word; int act; } known[] = {
      {"none", NONE}, {"cut", POWER}, {"cut-after", POWER_AFTER}, {"torn", TORN}, {"short", SHORT}, {"forget", FORGET}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) if (!strcmp(word, known[i].word)) return known[i].act;
  return atoi(word);
}

/* Names are coldkeep's and the node's own: none needs escaping. */
static void tellFailures(void) {
  printf("[");
  for (size_t i = 0; i < failureCount; i++) {
    const struct failure *it = &failures[i];
    const char *kind = !it->node ? "all" : isFolder(it->node) ? "folder" : "file";
    printf("%s{\"path\":\"%s\",\"kind\":\"%s\",\"anew\":%s,\"again\":%s,\"names\":[", i ? "," : "", it->path, kind,
           it->anew ? "true" : "false", it->again ? "true" : "false");
    for (const char *name = it->names, *end; (end = strchr(name, '/')); name = end + 1)
      printf("%s\"%.*s\"", name > it->names ? "," : "", (int)(end - name), name);
    printf("]}");
  }
  printf("]\n");
}

static void obey(const char *line) {
  char act[32];
  unsigned long long seed;
  long long bytes;
  if (!strncmp(line, "arm ", 4)) {
    disarm();
    if (sscanf(line, "arm %d %u %63s %lu %lu %31s", &armed.group, &armed.kinds, armed.place, &armed.from, &armed.span, act) != 6) exit(2);
    armed.act = actOf(act);
    printf("armed\n");
  } else if (sscanf(line, "space %lld", &bytes) == 1) {
    space = bytes;
    printf("space\n");
  } else if (!strncmp(line, "count", 5)) printf("%lu %lu %d\n", armed.count, armed.met, powerless);
  else if (!strncmp(line, "unsynced", 8)) tellFailures();
  else if (!strncmp(line, "sync", 4)) {
    syncTree();
    disarm();
    printf("synced\n");
  } else if (sscanf(line, "cut %llu %d", &seed, &direct) == 2) {
    disarm();
    powerless = 0;
    struct loss lost = cutTree(seed);
    mountAnew();
    printf("%zu %zu\n", lost.names, lost.files);
  } else exit(2);
}

int main(int count, char **words) {
  if (count != 3) return 2;
  mountPoint = words[1];
  direct = atoi(words[2]);
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  makeTree();
  mountAnew();
  printf("mounted\n");
  static char buffer[LARGEST + 2 * PAGE] __attribute__((aligned(8)));
  char line[512];
  size_t have = 0;
  for (;;) {
    struct pollfd on[2] = {{device, POLLIN, 0}, {0, POLLIN, 0}};
    if (poll(on, 2, -1) < 0) continue;
    if (on[0].revents) {
      ssize_t got = read(device, buffer, sizeof buffer);
      if (got > 0) serve(buffer);
      else if (errno == ENODEV) break;
    }
    if (on[1].revents) {
      ssize_t got = read(0, line + have, sizeof line - have - 1);
      if (got <= 0) break;
      have += got;
      for (char *end; (end = memchr(line, '\n', have));) {
        *end = 0;
        obey(line);
        have -= end + 1 - line;
        memmove(line, end + 1, have);
      }
    }
  }
  umount2(mountPoint, MNT_DETACH);
  return 0;
}
