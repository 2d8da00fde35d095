import { describe, expect, it } from "vitest";
import { type FileGroup, FileGroups } from "../../../agent/freeze/file-groups.ts";

const inode = { dev: 7n, ino: 9n };
const group: FileGroup = {
  ...{ number: 1, offset: 0, size: 10, secret: false, xattrs: null },
  means: "link",
  mutability: "immutable",
};

describe("files with several names", () => {
  it("are no group as long as one name was met, but told of, and counted", () => {
    const groups = new FileGroups();
    groups.add(inode, group);
    expect(groups.get(inode)).toBeUndefined();
    expect(groups.metAs(inode)).toEqual({ mutability: "immutable", secret: false });
    expect(groups.metAs({ ...inode, dev: 8n })).toBeUndefined();
    expect(groups.end()).toMatchObject({ files: 1, bytes: 10, linked: 1 });
  });

  it("are one once the second is met, or where it is expected, and counted once", () => {
    const groups = new FileGroups(({ ino }) => ino === 9n);
    const other = { ...inode, ino: 10n };
    groups.add(inode, group);
    expect(groups.get(inode)).toEqual(group);
    groups.add(other, group);
    expect(groups.get(other)).toBeUndefined();
    const second = { ...group, means: "copy", mutability: "mutable" } as const;
    groups.add(other, second);
    groups.add(other, { ...second, secret: true });
    expect(groups.get(other)).toEqual({ ...second, secret: true });
    expect(groups.end()).toMatchObject({ files: 2, bytes: 20 });
    expect(groups.get(other)).toEqual({ ...second, secret: true });
  });
});
