import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";

const project = fileURLToPath(new URL("../../", import.meta.url));

/** Every file of ours that running any code of `room` could load, however far away; types are gone by then. */
async function reachedFrom(room: string): Promise<string[]> {
  const files = readdirSync(join(project, room), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(project, room, name));
  expect(files.length, `${room} holds code`).toBeGreaterThan(0);
  return Object.keys((await bundled(files)).inputs);
}

async function bundled(files: readonly string[]) {
  const { metafile } = await build({
    entryPoints: [...files],
    absWorkingDir: project,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    outdir: join(project, "dist"),
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  return metafile;
}

/** What each room must not reach even through others; the import rules see one step only. */
const WALLS: readonly { room: string; never: readonly string[]; because: string }[] = [
  { room: "keeper", never: ["vault/sealed/", "agent/", "posix/"], because: "the keeper holds no key" },
  { room: "lambdas", never: ["vault/sealed/", "agent/"], because: "no function holds a key" },
  {
    room: "vault/card",
    never: ["vault/sealed/", "vault/store/", "posix/"],
    because: "the public half needs no key and no disk",
  },
  { room: "vault/sealed", never: ["vault/store/", "keeper/", "agent/", "posix/"], because: "sealing is pure" },
  {
    room: "vault/store",
    never: ["vault/card/", "vault/sealed/", "keeper/", "agent/"],
    because: "a store moves opaque bytes",
  },
  {
    room: "agent/freeze",
    never: ["vault/sealed/", "vault/store/", "agent/keys/"],
    because: "freezing needs neither key nor network",
  },
  {
    room: "agent/serve",
    never: ["vault/sealed/", "agent/keys/", "agent/open/", "agent/browse/", "agent/viewer/"],
    because: "what answers tickets to a network holds no key",
  },
  {
    room: "posix",
    never: ["vault/card/", "vault/sealed/", "vault/store/", "keeper/", "agent/"],
    because: "posix is a bottom room",
  },
];

describe("what a room reaches", () => {
  for (const { room, never, because } of WALLS) {
    it(`${room} reaches none of ${never.join(" ")}: ${because}`, async () => {
      const reached = await reachedFrom(room);
      expect(reached.filter((file) => never.some((prefix) => file.startsWith(prefix)))).toEqual([]);
    });
  }

  it("is seen through other rooms: agent/backup does reach vault/sealed", async () => {
    const reached = await reachedFrom("agent/backup");
    expect(reached.some((file) => file.startsWith("vault/sealed/"))).toBe(true);
  });

  it.each(["agent/backup/seal.worker.ts", "agent/restore/restore.worker.ts", "agent/verify/verify.worker.ts"])(
    "%s loads no zod: every thread would start late and hold its megabytes",
    async (worker) => {
      const { inputs } = await bundled([join(project, worker)]);
      const packages = Object.values(inputs).flatMap(({ imports }) => imports.filter(({ external }) => external));
      expect(packages.map(({ path }) => path)).toContain("node:worker_threads");
      expect(packages.filter(({ path }) => path === "zod")).toEqual([]);
    },
  );
});
