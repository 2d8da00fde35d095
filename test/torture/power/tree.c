/*
 * Files in memory, each in two states: what programs see, and what would be left after a power cut. An fsync of a file
 * brings its bytes, and nothing else, from the first to the second; that of a folder the names in it, fsync(2) promising no
 * more. Between them `cutTree` chooses: of a file's unsynced pages any may be there, with its length or without; of the
 * changes of names since, either all up to some moment, as of a journal, or any, where none is there without what it
 * builds on. It is a model of what is allowed, not of what some file system does.
 */
#include "tree.h"

#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct node **nodes;
static size_t nodeCount, nodeRoom;
static uint64_t orders;
struct node *rootOfTree;

/* A change of one or two names. */
struct change {
  struct { struct node *folder; char *name; struct node *node; } of[2];
  int count, needed;
};
static struct change *changes;
static size_t changeCount, changeRoom;

static void *must(void *got) {
  if (!got) abort();
  return got;
}

static struct timespec now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return time;
}

int isFolder(const struct node *node) { return S_ISDIR(node->meta.mode); }

struct node *nodeOf(uint64_t id) { return id && id <= nodeCount ? nodes[id - 1] : NULL; }

struct node *addNode(mode_t mode, uint32_t uid, uint32_t gid, struct node *in, const char *name) {
  struct node *node = must(calloc(1, sizeof *node));
  if (nodeCount == nodeRoom) nodes = must(realloc(nodes, (nodeRoom = nodeRoom * 2 + 64) * sizeof *nodes));
  nodes[nodeCount++] = node;
  node->id = nodeCount;
  node->altered = now();
  node->meta = node->keptMeta = (struct meta){mode, uid, gid, node->altered, node->altered};
  if (in && in->place) node->place = in->place[0] ? in->place : must(strdup(name));
  else if (in) node->place = "";
  return node;
}

void makeTree(void) { rootOfTree = addNode(S_IFDIR | 0755, 0, 0, NULL, ""); }

static struct node *findIn(const struct entry *entry, const char *name) {
  for (; entry; entry = entry->next) if (!strcmp(entry->name, name)) return entry->node;
  return NULL;
}
struct node *findName(struct node *folder, const char *name) { return findIn(folder->names, name); }
int hasNames(const struct node *folder) { return folder->names != NULL; }

static char *pathIn(const struct node *folder, const struct node *node) {
  for (const struct entry *entry = folder->names; entry; entry = entry->next) {
    char *below = entry->node == node ? must(strdup("")) : isFolder(entry->node) ? pathIn(entry->node, node) : NULL;
    if (!below) continue;
    char *path = must(malloc(strlen(entry->name) + strlen(below) + 2));
    strcpy(stpcpy(stpcpy(path, "/"), entry->name), below);
    free(below);
    return path;
  }
  return NULL;
}
char *pathOf(const struct node *node) {
  if (node == rootOfTree) return must(strdup("/"));
  char *path = pathIn(rootOfTree, node);
  return path ? path : must(strdup("?"));
}

static void setIn(struct entry **at, const char *name, struct node *node) {
  while (*at && strcmp((*at)->name, name)) at = &(*at)->next;
  if (*at) {
    struct entry *old = *at;
    *at = old->next;
    free(old->name);
    free(old);
    while (*at) at = &(*at)->next;
  }
  if (!node) return;
  *at = must(calloc(1, sizeof **at));
  **at = (struct entry){++orders, must(strdup(name)), node, NULL};
}

static void see(struct node *folder, const char *name, struct node *node) {
  struct node *before = findName(folder, name);
  folder->meta.changed = folder->altered = now();
  if (node) node->links++, node->altered = now();
  if (before) before->links--, before->altered = now();
  setIn(&folder->names, name, node);
}

static struct change *addChange(void) {
  if (changeCount == changeRoom) changes = must(realloc(changes, (changeRoom = changeRoom * 2 + 64) * sizeof *changes));
  return memset(&changes[changeCount++], 0, sizeof *changes);
}

static void note(struct change *change, struct node *folder, const char *name, struct node *node) {
  see(folder, name, node);
  change->of[change->count].folder = folder;
  change->of[change->count].name = must(strdup(name));
  change->of[change->count++].node = node;
}

void setName(struct node *folder, const char *name, struct node *node) { note(addChange(), folder, name, node); }

void setNames(struct node *folder, const char *name, struct node *node, struct node *other, const char *otherName,
              struct node *otherNode) {
  struct change *change = addChange();
  note(change, folder, name, node);
  note(change, other, otherName, otherNode);
}

static int meets(const struct change *one, const struct change *other) {
  for (int i = 0; i < one->count; i++)
    for (int j = 0; j < other->count; j++)
      if (one->of[i].folder == other->of[j].folder && !strcmp(one->of[i].name, other->of[j].name)) return 1;
  return 0;
}

/* Keeps the changes that are needed; the others stay as they are, or are dropped for good. @returns how many others */
static size_t keepNeeded(int dropOthers) {
  size_t left = 0, others = 0;
  for (size_t i = 0; i < changeCount; i++) {
    struct change *change = &changes[i];
    others += !change->needed;
    if (!change->needed && !dropOthers) {
      changes[left++] = *change;
      continue;
    }
    for (int j = 0; j < change->count; j++) {
      if (change->needed) setIn(&change->of[j].folder->keptNames, change->of[j].name, change->of[j].node);
      free(change->of[j].name);
    }
  }
  changeCount = left;
  return others;
}

static void syncNames(const struct node *folder) {
  /* What a change builds on is kept with it: the ones before it of the same names. */
  for (size_t i = changeCount; i-- > 0;) {
    struct change *change = &changes[i];
    change->needed = !folder;
    for (int j = 0; j < change->count; j++) change->needed |= change->of[j].folder == folder;
    for (size_t k = i + 1; !change->needed && k < changeCount; k++) change->needed = changes[k].needed && meets(change, &changes[k]);
  }
  keepNeeded(0);
}

char *waitingNames(const struct node *folder) {
  size_t length = 1;
  for (size_t i = 0; i < changeCount; i++)
    for (int j = 0; j < changes[i].count; j++) if (changes[i].of[j].folder == folder) length += strlen(changes[i].of[j].name) + 1;
  char *all = must(malloc(length)), *to = all;
  for (size_t i = 0; i < changeCount; i++)
    for (int j = 0; j < changes[i].count; j++)
      if (changes[i].of[j].folder == folder) to = stpcpy(stpcpy(to, changes[i].of[j].name), "/");
  *to = 0;
  return all;
}

static int grow(struct bytes *bytes, size_t size) {
  if (size > bytes->room) {
    size_t room = bytes->room * 2 > size ? bytes->room * 2 : size + PAGE;
    unsigned char *at = realloc(bytes->at, room);
    if (!at) return -ENOSPC;
    memset(at + bytes->room, 0, room - bytes->room);
    bytes->at = at;
    bytes->room = room;
  }
  return 0;
}

/* What lies past the end is zeros, so that a file that grows has a hole. */
static int resize(struct bytes *bytes, size_t size) {
  if (grow(bytes, size)) return -ENOSPC;
  if (size < bytes->size) memset(bytes->at + size, 0, bytes->size - size);
  bytes->size = size;
  return 0;
}

static void markDirty(struct node *node, uint64_t at, size_t length) {
  if (!length) return;
  size_t last = (at + length - 1) / PAGE;
  if (last >= node->dirtyRoom) {
    size_t room = last * 2 + 16;
    node->dirty = must(realloc(node->dirty, room));
    memset(node->dirty + node->dirtyRoom, 0, room - node->dirtyRoom);
    node->dirtyRoom = room;
  }
  memset(node->dirty + at / PAGE, 1, last - at / PAGE + 1);
}

size_t readData(const struct node *node, uint64_t at, size_t length, const unsigned char **from) {
  if (at >= node->data.size) return 0;
  *from = node->data.at + at;
  return length < node->data.size - at ? length : node->data.size - at;
}

int writeData(struct node *node, uint64_t at, const void *from, size_t length) {
  if (at + length > node->data.size) {
    if (resize(&node->data, at + length)) return -ENOSPC;
    node->sizeDirty = 1;
  }
  memcpy(node->data.at + at, from, length);
  markDirty(node, at, length);
  node->meta.changed = node->altered = now();
  node->metaDirty = 1;
  return 0;
}

int setSize(struct node *node, uint64_t size) {
  size_t before = node->data.size;
  if (resize(&node->data, size)) return -ENOSPC;
  if (size < before) markDirty(node, size, before - size);
  node->sizeDirty |= size != before;
  node->meta.changed = node->altered = now();
  node->metaDirty = 1;
  return 0;
}

static void keepPage(struct node *node, size_t page) {
  size_t at = page * PAGE;
  if (at >= node->kept.size) return;
  size_t length = node->kept.size - at < PAGE ? node->kept.size - at : PAGE;
  size_t have = at >= node->data.size ? 0 : node->data.size - at < length ? node->data.size - at : length;
  memset(node->kept.at + at, 0, length);
  if (have) memcpy(node->kept.at + at, node->data.at + at, have);
}

static void clean(struct node *node) {
  if (node->dirty) memset(node->dirty, 0, node->dirtyRoom);
  node->sizeDirty = node->metaDirty = 0;
}

void syncNode(struct node *node) {
  if (isFolder(node)) syncNames(node);
  else if (node->sizeDirty && resize(&node->kept, node->data.size)) abort();
  for (size_t page = 0; page < node->dirtyRoom; page++) if (node->dirty[page]) keepPage(node, page);
  node->keptMeta = node->meta;
  clean(node);
}

void forgetDirty(struct node *node) {
  if (isFolder(node)) return;
  if (node->sizeDirty && resize(&node->kept, node->data.size)) abort();
  node->keptMeta = node->meta;
  clean(node);
}

void forgetTree(void) {
  for (size_t i = 0; i < nodeCount; i++) if (nodes[i]) forgetDirty(nodes[i]);
}

void syncTree(void) {
  syncNames(NULL);
  for (size_t i = 0; i < nodeCount; i++) if (nodes[i]) syncNode(nodes[i]);
}

static uint64_t state;
static uint64_t chance(void) {
  uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
  z = (z ^ z >> 27) * 0x94d049bb133111eb;
  return z ^ z >> 31;
}
static int hits(unsigned percent) { return chance() % 100 < percent; }

static size_t cutNames(void) {
  if (hits(50)) {
    size_t last = chance() % (changeCount + 1);
    for (size_t i = 0; i < changeCount; i++) changes[i].needed = i < last;
  } else {
    unsigned percent = (unsigned[]){0, 50, 90, 97}[chance() % 4];
    for (size_t i = 0; i < changeCount; i++) {
      changes[i].needed = hits(percent);
      for (size_t k = 0; k < i && changes[i].needed; k++)
        if (!changes[k].needed && meets(&changes[k], &changes[i])) changes[i].needed = 0;
    }
  }
  return keepNeeded(1);
}

static size_t cutFile(struct node *node) {
  unsigned percent = (unsigned[]){0, 50, 100}[chance() % 3];
  if (node->sizeDirty && hits(percent ? 70 : 50) && resize(&node->kept, node->data.size)) abort();
  for (size_t page = 0; page < node->dirtyRoom; page++) if (node->dirty[page] && hits(percent)) keepPage(node, page);
  if (node->metaDirty && hits(50)) node->keptMeta = node->meta;
  size_t lost = node->data.size != node->kept.size || (node->kept.size && memcmp(node->data.at, node->kept.at, node->kept.size));
  if (resize(&node->data, node->kept.size)) abort();
  if (node->kept.size) memcpy(node->data.at, node->kept.at, node->kept.size);
  node->meta = node->keptMeta;
  clean(node);
  return lost;
}

static void dropNames(struct entry **from) {
  while (*from) setIn(from, (*from)->name, NULL);
}

static void reach(struct node *folder) {
  folder->reached = 1;
  for (struct entry *entry = folder->names; entry; entry = entry->next) {
    entry->node->links++;
    if (isFolder(entry->node)) reach(entry->node);
    entry->node->reached = 1;
  }
}

struct loss cutTree(uint64_t seed) {
  state = seed;
  struct loss lost = {cutNames(), 0};
  for (size_t i = 0; i < nodeCount; i++) {
    struct node *node = nodes[i];
    if (!node) continue;
    node->links = node->reached = 0;
    if (!isFolder(node)) {
      lost.files += cutFile(node);
      continue;
    }
    node->meta = node->keptMeta = node->meta;
    dropNames(&node->names);
    for (struct entry *entry = node->keptNames; entry; entry = entry->next) setIn(&node->names, entry->name, entry->node);
  }
  reach(rootOfTree);
  for (size_t i = 0; i < nodeCount; i++) {
    struct node *node = nodes[i];
    if (!node || node->reached) continue;
    dropNames(&node->names);
    dropNames(&node->keptNames);
    free(node->data.at), free(node->kept.at), free(node->dirty), free(node);
    nodes[i] = NULL;
  }
  return lost;
}
