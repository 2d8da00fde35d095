import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { configJsonSchema, nearest, parseDuration } from "../../../agent/config/index.ts";

describe("durations", () => {
  it.each([
    ["250ms", 250],
    ["90s", 90_000],
    ["5m", 300_000],
    ["12h", 43_200_000],
    ["7d", 604_800_000],
    ["0s", 0],
  ])("%s", (text, milliseconds) => expect(parseDuration(text)).toBe(milliseconds));

  it.each(["", "5", "5 m", "5M", "-5m", "1.5h", "05m", "5m5s", "99999d", "１m"])("%j is none", (text) => {
    expect(parseDuration(text)).toBeNull();
  });
});

describe("the nearest known word", () => {
  it.each([
    ["profil", "profile"],
    ["nods", "nodes"],
    ["encyrpt_key", "encrypt_key"],
    ["Vault", "vault"],
  ])("%s → %s", (typed, meant) => {
    expect(nearest(typed, ["version", "vault", "vault_id", "encrypt_key", "nodes", "profile"])).toBe(meant);
  });

  it("is nothing where nothing is near", () => {
    expect(nearest("frobnicate", ["vault", "nodes"])).toBeNull();
    expect(nearest("", ["vault"])).toBeNull();
  });

  it("is a word itself where it is known", () => {
    const words = fc.uniqueArray(fc.stringMatching(/^[a-z_]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(words, (known) => {
        expect(nearest(known[0] ?? "", known)).toBe(known[0]);
      }),
    );
  });
});

it("the JSON Schema describes every key", () => {
  const schema = JSON.parse(JSON.stringify(configJsonSchema(["leveldb", "files"])));
  expect(schema.additionalProperties).toBe(false);
  expect(schema.required).toEqual(["version", "nodes"]);
  expect(schema.properties.nodes.additionalProperties.properties.profile.enum).toEqual(["leveldb", "files"]);
  for (const [key, property] of Object.entries<{ description?: string }>(schema.properties)) {
    expect(property.description, key).toEqual(expect.any(String));
  }
});
