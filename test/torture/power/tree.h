/* Files in memory that know of themselves what no fsync has confirmed yet, and lose it in a power cut. See tree.c. */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum { PAGE = 4096 };

struct bytes {
  unsigned char *at;
  size_t size, room;
};

struct meta {
  mode_t mode;
  uint32_t uid, gid;
  struct timespec accessed, changed;
};

struct node;
struct entry {
  uint64_t order;
  char *name;
  struct node *node;
  struct entry *next;
};

struct node {
  uint64_t id;
  struct meta meta, keptMeta;
  /* What programs see, and what would be left after a power cut. */
  struct bytes data, kept;
  struct entry *names, *keptNames;
  /* One a page that was written since the last sync. */
  unsigned char *dirty;
  size_t dirtyRoom;
  int sizeDirty, metaDirty, reached;
  unsigned links;
  struct timespec altered;
  /* The folder below the host's in which it was made: vault, state, … */
  const char *place;
};

extern struct node *rootOfTree;

void makeTree(void);
struct node *nodeOf(uint64_t id);
struct node *addNode(mode_t mode, uint32_t uid, uint32_t gid, struct node *in, const char *name);
struct node *findName(struct node *folder, const char *name);
int hasNames(const struct node *folder);
int isFolder(const struct node *node);
/* By one of its names, from the root; "?" where it has none. The caller frees it. */
char *pathOf(const struct node *node);
/* The names in a folder that wait for its fsync, each followed by a slash; the caller frees it. */
char *waitingNames(const struct node *folder);

/* Changes of names: seen at once, and one change in a power cut. NULL takes a name away. */
void setName(struct node *folder, const char *name, struct node *node);
void setNames(struct node *folder, const char *name, struct node *node, struct node *other, const char *otherName, struct node *otherNode);

size_t readData(const struct node *node, uint64_t at, size_t length, const unsigned char **from);
int writeData(struct node *node, uint64_t at, const void *from, size_t length);
int setSize(struct node *node, uint64_t size);

/* What fsync promises: a file's bytes and times, a folder's names. */
void syncNode(struct node *node);
/* As Linux does it after a write that the disk refused: the pages count as clean, and are never written. */
void forgetDirty(struct node *node);
void forgetTree(void);
void syncTree(void);

struct loss {
  size_t names, files;
};
/* The power goes: what was not synced is there, gone or torn, as chance has it. The same for the same seed. */
struct loss cutTree(uint64_t seed);
