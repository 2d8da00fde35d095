import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { buildLambdas, LAMBDAS } from "../../build-lambdas.ts";
import { sharedTempDir } from "../support/tmp.ts";

const folder = join(sharedTempDir("coldkeep-lambdas"), "out");
const built = await buildLambdas(folder);

describe.each(LAMBDAS)("the bundle of %s", (name) => {
  const bundle = built.find((one) => one.name === name);
  const inputs = Object.keys(bundle?.metafile.inputs ?? {});

  it("holds no key, no agent, no other function, and of this machine nothing but its clock", () => {
    expect(inputs).toContain(`lambdas/${name}/handler.ts`);
    const never = [/^vault\/sealed\//, /^agent\//, /^vault\/store\/directory\//, /^posix\/(?!clock\.ts$)/, /^infra\//];
    const others = LAMBDAS.filter((other) => other !== name).map((other) => new RegExp(`^lambdas/${other}/`));
    expect(inputs.filter((file) => [...never, ...others].some((wall) => wall.test(file)))).toEqual([]);
    expect(inputs.filter((file) => /node_modules\/(koffi|age-encryption|pkcs11js|@stricli|yaml)\//.test(file))).toEqual(
      [],
    );
  });

  it("is at most 1.5 MB", () => {
    expect(bundle?.bytes).toBeLessThanOrEqual(1_500_000);
  });
});

it("the bundles are the same bytes wherever and however often they are built", async () => {
  const again = join(sharedTempDir("coldkeep-lambdas-again"), "elsewhere");
  await buildLambdas(again);
  for (const name of LAMBDAS) {
    const [first, second] = [folder, again].map((at) => readFileSync(join(at, name, "index.mjs")));
    expect(first?.length, name).toBeGreaterThan(1000);
    expect(first?.equals(second ?? Buffer.alloc(0)), name).toBe(true);
  }
});
