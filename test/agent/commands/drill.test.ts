import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { copyOf, type Host, makeHost } from "../../cli/host.ts";
import { sharedTempDir, tempDir } from "../../support/tmp.ts";

const home = sharedTempDir("coldkeep-drill");
let made: Host;
let snapshot = "";

beforeAll(async () => {
  made = await makeHost(home);
  mkdirSync(join(made.data, "read-only"));
  writeFileSync(join(made.data, "read-only", "file"), "hello\n");
  chmodSync(join(made.data, "read-only"), 0o555);
  snapshot = (await made.json<{ snapshot: string }>("backup")).snapshot;
});

const fresh = () => copyOf(made, tempDir("coldkeep-drill"));

interface Listing {
  readonly snapshots: readonly { readonly snapshot: string; readonly proven?: number }[];
}

const proofs = (host: Host) => {
  const folder = join(host.vault, host.node, "proofs");
  return existsSync(folder) ? readdirSync(folder) : [];
};
const provenIn = async (host: Host) => (await host.json<Listing>("list")).snapshots[0]?.proven;

describe("a drill", () => {
  it("restores the latest, proves it in the vault, and leaves nothing behind; the node runs on", async () => {
    const host = fresh();
    expect(await provenIn(host)).toBeUndefined();
    const result = await host.json<{ proof: string; files: number }>("drill");
    expect(result).toMatchObject({ snapshot, files: 3, opened: false });
    expect(proofs(host)).toEqual([result.proof.split("/").at(-1)]);
    expect(JSON.parse(readFileSync(join(host.vault, result.proof), "utf8"))).toMatchObject({ snapshot, format: 1 });
    expect(await provenIn(host)).toBeGreaterThan(0);
    expect(readdirSync(join(host.home, "state", "drill"))).toEqual([]);
    expect(host.isUp()).toBe(true);
    const { stdout } = await host.run(["status"]);
    expect(stdout).toMatch(new RegExp(`proven +${snapshot}, `));
    // The proof is found again by whoever makes the index anew.
    await host.json("rebuild");
    expect(await provenIn(host)).toBeGreaterThan(0);
  });

  it("lets the configuration's check open the data", async () => {
    const host = fresh();
    host.change(
      /^( +)when_down:/m,
      `$1drill: { check: 'test "$(cat "$$1/data/small")" = hello && ls "$$1" >${host.home}/seen' }\n$&`,
    );
    expect(await host.json("drill", "--in", join(host.home, "room"))).toMatchObject({ opened: true });
    expect(readFileSync(join(host.home, "seen"), "utf8")).toBe("data\n");
    expect(readdirSync(join(host.home, "room"))).toEqual([]);
  });

  it("proves nothing where the check refuses the data, and says what it said", async () => {
    const host = fresh();
    host.change(/^( +)when_down:/m, "$1drill: { check: [sh, -c, 'echo no such table >&2; exit 3'] }\n$&");
    const failure = await host.failure("drill");
    expect(failure).toMatchObject({ kind: "unproven", exit_code: 21 });
    expect(failure.message).toContain("no such table");
    expect(proofs(host)).toEqual([]);
    expect(await provenIn(host)).toBeUndefined();
    expect(readdirSync(join(host.home, "state", "drill"))).toEqual([]);
  });

  it("proves nothing where the snapshot is damaged", async () => {
    const host = fresh();
    const data = join(host.vault, host.node, "data", snapshot);
    for (const name of readdirSync(data).filter((file) => file.endsWith(".pack"))) {
      const bytes = readFileSync(join(data, name));
      bytes.fill(0, 5000, 6000);
      chmodSync(join(data, name), 0o600);
      writeFileSync(join(data, name), bytes);
    }
    expect(await host.failure("drill")).toMatchObject({ kind: "integrity" });
    expect(proofs(host)).toEqual([]);
    expect(readdirSync(join(host.home, "state", "drill"))).toEqual([]);
  });

  it("begins anew where an earlier one was killed, and keeps the data where it is told to", async () => {
    const host = fresh();
    const left = join(host.home, "state", "drill", "coldkeep-drill-demo", "roots");
    mkdirSync(left, { recursive: true });
    writeFileSync(join(left, "half"), "");
    const { kept } = await host.json<{ kept: string }>("drill", "--keep");
    expect(kept).toBe(left);
    expect(readdirSync(kept)).toEqual(["data"]);
    expect(readFileSync(join(kept, "data", "read-only", "file"), "utf8")).toBe("hello\n");
  });
});
