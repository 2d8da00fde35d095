import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BytePath } from "../../../agent/restore/byte-path.ts";
import type { JobFile } from "../../../agent/restore/jobs.ts";
import { packFiles, unpackFiles } from "../../../agent/restore/packed-files.ts";

const time = fc.record({ seconds: fc.maxSafeInteger(), nanoseconds: fc.nat(999_999_999) });
const id = fc.nat(0xffff_ffff);
const path = fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => {
  return Buffer.from(bytes.map((byte) => byte || 1)).toString("latin1") as BytePath;
});
const file: fc.Arbitrary<JobFile> = fc.record({
  base: fc.constantFrom("/proc/self/fd/7" as BytePath, "/proc/self/fd/8" as BytePath),
  path,
  kind: fc.constantFrom("whole", "part", "finish"),
  size: fc.maxSafeNat(),
  secret: fc.boolean(),
  metadata: fc.record({
    mode: fc.nat(0o7777),
    owner: fc.option(fc.record({ uid: id, gid: id })),
    mtime: time,
    xattrs: fc.array(fc.record({ name: fc.string(), value: fc.uint8Array() }), { maxLength: 2 }),
  }),
  holes: fc.array(fc.maxSafeNat(), { maxLength: 4 }),
});

describe("files of a job", () => {
  it("are the same on the other side of a thread", () => {
    fc.assert(
      fc.property(fc.array(file), (files) => {
        expect(unpackFiles(structuredClone(packFiles(files)))).toEqual(files);
      }),
    );
  });
});
