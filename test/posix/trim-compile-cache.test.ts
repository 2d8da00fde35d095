import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { tempDir } from "../support/tmp.ts";

const TRIM = fileURLToPath(new URL("../../posix/trim-compile-cache.ts", import.meta.url));
const DAY = 86_400_000;
const NOW = Date.now();

/** A home with a cache in it, and a process that uses the cache and trims it. */
function makeHome() {
  const home = tempDir("coldkeep-cache");
  const cache = join(home, ".cache", "coldkeep");
  const main = join(home, "main.mts");
  writeFileSync(
    main,
    `import { enableCompileCache } from "node:module";
     enableCompileCache(process.argv[3]);
     const { trimCompileCache } = await import(${JSON.stringify(TRIM)});
     trimCompileCache(Number(process.argv[4]), process.argv[2]);`,
  );
  const put = (name: string, days: number) => {
    const path = join(cache, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "code");
    utimesSync(path, (NOW - days * DAY) / 1000, (NOW - days * DAY) / 1000);
    return path;
  };
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const trim = (now = NOW, of = cache) => {
    execFileSync(process.execPath, [main, home, of, String(now)], { env });
  };
  return { home, cache, put, trim };
}

const OLD = "v24.1.0-x64-0529a2ad-1000";
const OTHER = "v24.2.0-arm64-0529a2ad-0";

it("takes what was not used for 30 days out of the cache of compiled code, and folders that are empty then", () => {
  const { cache, put, trim } = makeHome();
  put(`${OLD}/00a80395`, 31);
  put(`${OLD}/00b593c3.Xy12ab`, 40);
  put(`${OTHER}/00a80395`, 31);
  const used = put(`${OTHER}/0e81dfe`, 29);
  trim();
  expect(existsSync(join(cache, OLD))).toBe(false);
  expect(readdirSync(join(cache, OTHER))).toEqual([used.slice(dirname(used).length + 1)]);
  // What this process uses is there.
  expect(readdirSync(cache).filter((name) => name !== OTHER && name !== "trimmed")).toHaveLength(1);
});

it("looks once a day, also after a clock that ran ahead was set right", () => {
  const { put, trim } = makeHome();
  trim();
  const late = put(`${OLD}/00a80395`, 31);
  trim(NOW + DAY - 60_000);
  expect(existsSync(late)).toBe(true);
  trim(NOW + DAY + 60_000);
  expect(existsSync(late)).toBe(false);
  const again = put(`${OLD}/00a80395`, 31);
  trim(NOW - DAY);
  expect(existsSync(again)).toBe(true);
  trim(NOW + 60_000);
  expect(existsSync(again)).toBe(false);
});

it("leaves alone what is not of Node's names, what links lead to, and a cache at another place", () => {
  const { home, cache, put, trim } = makeHome();
  const others = [put(`${OLD}/notes.txt`, 90), put("other/00a80395", 90), put("00a80395", 90)];
  const elsewhere = join(home, "elsewhere", OLD);
  mkdirSync(elsewhere, { recursive: true });
  const behind = join(elsewhere, "00a80395");
  writeFileSync(behind, "not ours");
  utimesSync(behind, 1, 1);
  symlinkSync(elsewhere, join(cache, OTHER));
  const last = put("v26.0.0-x64-0529a2ad-0/00a80395", 31);
  symlinkSync(behind, join(cache, OLD, "00b593c3"));
  trim();
  for (const path of [...others, behind, join(cache, OTHER)]) expect(existsSync(path), path).toBe(true);
  expect(existsSync(last)).toBe(false);

  const own = tempDir("coldkeep-cache");
  const foreign = join(own, OLD, "00a80395");
  mkdirSync(dirname(foreign), { recursive: true });
  writeFileSync(foreign, "code");
  utimesSync(foreign, 1, 1);
  trim(NOW, own);
  expect(existsSync(foreign)).toBe(true);
});
