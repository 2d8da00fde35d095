import { appendFileSync, lstatSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { sharedTempDir } from "../support/tmp.ts";
import { type Host, makeHost } from "./host.ts";

interface Forecast {
  readonly parent: string | null;
  readonly downtime: { expected_ms: number | null; before_ms: readonly number[] | null; runs: number } | null;
  readonly content: Readonly<
    Record<"all" | "linked" | "reflinked" | "copied" | "known", { files: number; bytes: number }>
  >;
  readonly read: number;
  readonly upload: { readonly most: number; readonly expected: number | null };
  readonly room: readonly { folder: string; to_copy: number; needed: number; free: number }[];
}

interface Made {
  readonly snapshot: string;
  readonly figures: {
    readonly read: number;
    readonly freeze: { linked: number; copied: number; copiedBytes: number; reflinked: number; downtimeMs: number };
  };
}

/** Every file below a folder, with what a change of it would move. */
function stateOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => [name, lstatSync(join(folder, name), { bigint: true })] as const)
    .map(
      ([name, { ino, size, mtimeNs, mode }]) =>
        `${name} ${ino} ${(mode & 0o40000n) === 0n ? `${size} ${mtimeNs}` : ""}`,
    )
    .sort();
}

describe("backup --dry-run", () => {
  const home = sharedTempDir("coldkeep-dry");
  let host: Host;
  beforeAll(async () => {
    host = await makeHost(home);
    writeFileSync(join(host.data, "1.sst"), Buffer.alloc(50_000, 1));
    writeFileSync(join(host.data, "chain.log"), Buffer.alloc(30_000, 2));
    host.change(/^( +)when_down:/m, '$1immutable: ["*.sst"]\n$1append_only: ["*.log"]\n$&');
  });

  it("before the first backup: everything is read, the outage is not known, and nothing at all is changed", async () => {
    const before = stateOf(home);
    const forecast = await host.json<Forecast>("backup", "--dry-run");
    expect(stateOf(home)).toEqual(before);
    expect(host.isUp()).toBe(true);
    expect(forecast).toMatchObject({ parent: null, downtime: { expected_ms: null, before_ms: null, runs: 0 } });
    expect(forecast.content.linked).toEqual({ files: 2, bytes: 80_000 });
    expect(forecast.read).toBe(forecast.content.all.bytes);
    const text = await host.run(["backup", "--dry-run"]);
    expect(text.stdout).toContain("not known before the first backup");
    expect(text.stdout).toContain("Nothing was changed");
  });

  it("says what the backup then does: linked, copied, read", async () => {
    const { content, read, room } = await host.json<Forecast>("backup", "--dry-run");
    const { figures } = await host.json<Made>("backup");
    expect(content.linked.files).toBe(figures.freeze.linked);
    expect(content.reflinked.files + content.copied.files).toBe(figures.freeze.copied + figures.freeze.reflinked);
    expect(content.copied.bytes).toBe(figures.freeze.copiedBytes);
    expect(read).toBe(figures.read);
    for (const { to_copy, needed, free } of room)
      expect([needed > to_copy || to_copy === 0, free > 0]).toEqual([true, true]);
  });

  it("after one: by what it took, and only what is new", async () => {
    const made = await host.json<Made>("backup");
    appendFileSync(join(host.data, "chain.log"), Buffer.alloc(1000, 3));
    writeFileSync(join(host.data, "2.sst"), Buffer.alloc(7000, 4));
    const { parent, downtime, read, upload, content } = await host.json<Forecast>("backup", "--dry-run");
    expect(parent).toBe(made.snapshot);
    expect(downtime?.runs).toBe(2);
    expect(downtime?.expected_ms).toBeGreaterThanOrEqual(0);
    // What may be written anywhere is read again where nothing vouches for it, and counted as copied.
    expect(read).toBe(1000 + 7000 + content.copied.bytes + content.reflinked.bytes);
    expect(upload.most).toBe(read);
    expect(upload.expected).toBeGreaterThan(0);
    const full = await host.json<Forecast>("backup", "--dry-run", "--full");
    expect([full.parent, full.read]).toEqual([null, full.content.all.bytes]);
  });
});
