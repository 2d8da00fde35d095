import { createHash } from "node:crypto";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { comparePaths } from "../../../vault/sealed/index.ts";
import type { Item } from "../../support/build-snapshot.ts";
import { readTree, takesXattrs } from "../../support/read-tree.ts";
import { anyTree, contentOf, type Part, type Plan, partBytes } from "../../support/trees.ts";
import { restoreFixture } from "./fixture.ts";

const xattrsHere = takesXattrs();
const root = process.getuid?.() === 0;
const MTIME = { seconds: 1_700_000_000, nanoseconds: 987_654_321 };
const PAGE = 4096;

/** What a backup would store of a part: bytes, or a hole where whole pages are zero. */
function piecesOf(content: readonly Part[]): (Uint8Array | number)[] {
  return content.map((part) => (part.seed === null ? part.length : partBytes(part)));
}

function itemOf(plan: Plan, n: number): Item {
  const path = `data/${plan.path}`;
  const owner = root ? { uid: n % 3, gid: (n % 5) + 1 } : {};
  const mtime = { seconds: n % 2 === 0 ? MTIME.seconds + n : -5, nanoseconds: MTIME.nanoseconds - n };
  if (plan.kind === "directory") return { path, type: "directory", mode: plan.mode, mtime, ...owner };
  if (plan.kind === "symlink") return { path, type: "symlink", target: plan.target, mtime, mode: 0o777, ...owner };
  if (plan.kind === "hardlink") return { path, type: "hardlink", target: `data/${plan.target}`, mtime, ...owner };
  const xattrs = n % 4 === 0 ? { xattrs: [{ name: "user.n", value: Buffer.from(`${n}`) }] } : {};
  return {
    path,
    type: "file",
    mode: plan.mode,
    content: piecesOf(plan.content),
    secret: plan.secret,
    mtime,
    ...owner,
    ...xattrs,
  };
}

function sortsBefore(a: string, b: string): boolean {
  return comparePaths(Buffer.from(`data/${a}`, "latin1"), Buffer.from(`data/${b}`, "latin1")) < 0;
}

describe("whatever the tree", () => {
  it("what is restored is what was built: types, bytes, modes, owners, times, links, holes, attributes", async () => {
    await fc.assert(
      fc.asyncProperty(anyTree, async (plans) => {
        // The format wants a hardlink to point back at a path that sorts before it.
        const usable = plans.filter((plan) => plan.kind !== "hardlink" || sortsBefore(plan.target, plan.path));
        const items: Item[] = [{ path: "data", mtime: MTIME }, ...usable.map(itemOf)];
        const { dir, restore } = await restoreFixture(items, { chunkBytes: 700_000, packBytes: 200_000 });
        await restore({ keepSpecialBits: true });
        const found = new Map(readTree(join(dir, "out")).map((one) => [one.path, one]));
        expect([...found.keys()].sort()).toEqual(items.map(({ path }) => path).sort());
        for (const [n, plan] of usable.entries()) {
          const item = items[n + 1];
          const one = found.get(`data/${plan.path}`);
          if (plan.kind === "hardlink") {
            expect(one).toMatchObject({ type: "hardlink", target: `data/${plan.target}` });
            continue;
          }
          expect(one).toMatchObject({
            type: item?.type,
            mode: item?.mode,
            mtime: [item?.mtime?.seconds, item?.mtime?.nanoseconds],
            ...(root ? { uid: item?.uid, gid: item?.gid } : {}),
            ...(plan.kind === "symlink" ? { target: plan.target } : {}),
          });
          expect(one?.xattrs?.["user.n"] !== undefined).toBe(xattrsHere && item?.xattrs !== undefined);
          if (plan.kind !== "file") continue;
          const content = contentOf(plan.content);
          expect(one).toMatchObject({
            size: content.length,
            sha256: createHash("sha256").update(content).digest("hex"),
          });
          // Holes are holes: no more is allocated than the data's own pages.
          const pages = plan.content.filter(({ seed }) => seed !== null).map(({ length }) => length + 2 * PAGE);
          expect(one?.data).toBeLessThanOrEqual(pages.reduce((sum, length) => sum + length, 0));
        }
      }),
      { numRuns: 12 },
    );
  });
});
