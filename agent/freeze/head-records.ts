import type { FolderHead } from "./records.ts";

const YOUNG = 1;
const VOLATILE = 2;
/** Bytes of a head without its texts. */
const FIXED = 128;
const NO_XATTRS: FolderHead["xattrs"] = [];

/** How heads lie in a file: numbers in fixed places, as each is written and read several times in a run. */
export const HEADS = {
  most: ({ path, xattrs }: FolderHead): number =>
    FIXED + path.length + (xattrs.length === 0 ? 0 : 3 * JSON.stringify(xattrs).length),

  write(h: FolderHead, bytes: Buffer, view: DataView, at: number): number {
    const texts = at + FIXED + bytes.write(h.path, at + FIXED, "latin1");
    const end = h.xattrs.length === 0 ? texts : texts + bytes.write(JSON.stringify(h.xattrs), texts, "utf8");
    view.setUint32(at, end - at, true);
    view.setUint16(at + 4, (h.young ? YOUNG : 0) | (h.volatile ? VOLATILE : 0), true);
    view.setUint16(at + 6, h.mode, true);
    view.setUint32(at + 8, h.uid, true);
    view.setUint32(at + 12, h.gid, true);
    view.setBigUint64(at + 16, h.dev, true);
    view.setBigUint64(at + 24, h.ino, true);
    view.setBigInt64(at + 32, h.mtimeNs, true);
    view.setBigInt64(at + 40, h.ctimeNs, true);
    view.setUint32(at + 48, h.root, true);
    view.setUint32(at + 52, h.path.length, true);
    view.setUint32(at + 56, end - texts, true);
    view.setUint32(at + 60, h.rows.walk, true);
    view.setFloat64(at + 64, h.rows.offset, true);
    view.setFloat64(at + 72, h.rows.length, true);
    view.setFloat64(at + 80, h.counts.files, true);
    view.setFloat64(at + 88, h.counts.bytes, true);
    view.setFloat64(at + 96, h.counts.linked, true);
    view.setFloat64(at + 104, h.counts.copied, true);
    view.setFloat64(at + 112, h.counts.copiedBytes, true);
    view.setFloat64(at + 120, h.counts.reflinked, true);
    return end;
  },

  /** The head that `write` wrote at `at`, in this very run. */
  read(bytes: Buffer, view: DataView, at: number): FolderHead {
    const flags = view.getUint16(at + 4, true);
    const texts = at + FIXED + view.getUint32(at + 52, true);
    const length = view.getUint32(at + 56, true);
    return {
      root: view.getUint32(at + 48, true),
      path: bytes.toString("latin1", at + FIXED, texts),
      mode: view.getUint16(at + 6, true),
      uid: view.getUint32(at + 8, true),
      gid: view.getUint32(at + 12, true),
      dev: view.getBigUint64(at + 16, true),
      ino: view.getBigUint64(at + 24, true),
      mtimeNs: view.getBigInt64(at + 32, true),
      ctimeNs: view.getBigInt64(at + 40, true),
      xattrs:
        length === 0 ? NO_XATTRS : (JSON.parse(bytes.toString("utf8", texts, texts + length)) as FolderHead["xattrs"]),
      young: (flags & YOUNG) !== 0,
      volatile: (flags & VOLATILE) !== 0,
      counts: {
        files: view.getFloat64(at + 80, true),
        bytes: view.getFloat64(at + 88, true),
        linked: view.getFloat64(at + 96, true),
        copied: view.getFloat64(at + 104, true),
        copiedBytes: view.getFloat64(at + 112, true),
        reflinked: view.getFloat64(at + 120, true),
      },
      rows: {
        walk: view.getUint32(at + 60, true),
        offset: view.getFloat64(at + 64, true),
        length: view.getFloat64(at + 72, true),
      },
    };
  },
};
