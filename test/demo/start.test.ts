import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { tempDir } from "../support/tmp.ts";

const start = fileURLToPath(new URL("../../demo/start.mjs", import.meta.url));

/** Makes this Node believe that it is an older one. */
const OLD_NODE =
  'data:text/javascript,Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } });';

describe("npm start on an older Node", () => {
  it("says what to do where no Node 24 came along", () => {
    const copy = join(tempDir("coldkeep-start"), "start.mjs");
    cpSync(start, copy);
    const { status, stderr } = spawnSync(process.execPath, ["--import", OLD_NODE, copy], { encoding: "utf8" });
    expect(stderr).toContain("coldkeep needs Node 24 or newer; this is Node 20.1.0");
    expect(stderr).toContain("npm ci");
    expect(status).toBe(1);
  });

  it.skipIf(process.platform !== "linux")(
    "goes on with the Node 24 that npm brought along, and passes its exit status on",
    () => {
      const { status, stderr } = spawnSync(process.execPath, ["--import", OLD_NODE, start], {
        encoding: "utf8",
        env: { ...process.env, TMPDIR: "/nowhere/at/all" },
      });
      expect(stderr).toContain("/nowhere");
      expect(status).toBe(1);
    },
  );
});
