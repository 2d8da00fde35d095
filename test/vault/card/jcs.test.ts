import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonical, canonicalBytes, parseCanonical } from "../../../vault/card/index.ts";
import { refusal } from "../sealed/fixtures.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const parse = (text: string) => parseCanonical(bytes(text), "thing.json");
const key = fc.stringMatching(/^[A-Za-z0-9_.-]{0,6}$/).filter((k) => k !== "__proto__");
const text = fc.string({ unit: "binary", maxLength: 8 });
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.array(tie("any"), { maxLength: 4 }),
    fc.dictionary(key, tie("any"), { maxKeys: 5, noNullPrototype: true }),
  ),
})).any;

describe("canonical JSON", () => {
  it("gives back what it was made of", () => {
    fc.assert(
      fc.property(value, (v) => {
        expect(parseCanonical(canonicalBytes(v), "thing.json")).toEqual(v);
      }),
      { numRuns: 500 },
    );
  });

  it("does not depend on the order in which members were set", () => {
    fc.assert(
      fc.property(fc.dictionary(key, fc.nat(), { noNullPrototype: true }), (o) => {
        const reversed = Object.fromEntries(Object.entries(o).reverse());
        expect(canonical(reversed)).toBe(canonical(o));
      }),
    );
    expect(canonical({ b: 1, a: 2, "10": 3, "9": 4, B: 5, "": 6 })).toBe('{"":6,"10":3,"9":4,"B":5,"a":2,"b":1}');
  });

  it("refuses every other spelling of the same value", () => {
    fc.assert(
      fc.property(value, fc.nat(), (v, at) => {
        const good = canonical(v);
        const where = at % (good.length + 1);
        const changed = `${good.slice(0, where)} ${good.slice(where)}`;
        // Half a surrogate pair cannot even be encoded.
        fc.pre(changed.isWellFormed());
        const found = (() => {
          try {
            return parse(changed);
          } catch (error) {
            expect(String(error)).toContain("cannot read: thing.json");
            return undefined;
          }
        })();
        // A space inside a text makes another value, and that one is canonical.
        if (found !== undefined) expect(canonical(found)).toBe(changed);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ["a space", '{"a": 1}'],
    ["a newline at the end", '{"a":1}\n'],
    ["members out of order", '{"b":1,"a":2}'],
    ["a member twice", '{"a":1,"a":1}'],
    ["a fraction", "1.5"],
    ["a whole number written as a fraction", "1.0"],
    ["an exponent", "1e3"],
    ["minus zero", "-0"],
    ["a number beyond 2^53-1", "9007199254740992"],
    ["null", "null"],
    ["null inside", '{"a":null}'],
    ["an escape that is not needed", '"\\u0061"'],
    ["an escape in capitals", '"\\u001F"'],
    ["an escaped slash", '"\\/"'],
    ["half a surrogate pair", '"\\ud800"'],
    ["a key with a space", '{"a b":1}'],
    ["a prototype", '{"__proto__":{"admin":true}}'],
    ["a byte order mark", "\ufeff1"],
    ["two values", "1 2"],
    ["nothing", ""],
    ["an open end", '{"a":1'],
    ["too much nesting", `${"[".repeat(25)}${"]".repeat(25)}`],
  ])("refuses %s", (_, spelled) => {
    expect(refusal(() => parse(spelled)).on).toBe("thing.json");
  });

  it("refuses bytes that are no UTF-8, and those that are an overlong spelling", () => {
    for (const raw of [
      [0x22, 0xff, 0x22],
      [0x22, 0xc0, 0x80, 0x22],
      [0x22, 0xed, 0xa0, 0x80, 0x22],
    ]) {
      refusal(() => parseCanonical(Uint8Array.from(raw), "x"));
    }
  });

  it("quotes nothing of what it could not read", () => {
    expect(refusal(() => parse("{secret-content")).message).not.toContain("secret");
  });

  it("survives nesting that would end the stack", () => {
    refusal(() => parse("[".repeat(1_000_000)));
    refusal(() => parse(`${"[".repeat(5000)}${"]".repeat(5000)}`));
  });

  it("writes nothing that it would not read", () => {
    for (const odd of [null, undefined, 1.5, Number.NaN, -0, 2 ** 53, 1n, Symbol("s"), () => 1, new Date(0)]) {
      expect(() => canonical(odd)).toThrow(TypeError);
      expect(() => canonical({ a: [odd] })).toThrow(TypeError);
    }
    expect(() => canonical("\ud800")).toThrow(TypeError);
    expect(() => canonical({ "a b": 1 })).toThrow(TypeError);
    expect(() => canonical(JSON.parse('{"__proto__":1}'))).toThrow(TypeError);
  });
});
