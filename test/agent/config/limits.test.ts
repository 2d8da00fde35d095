import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../agent/config/index.ts";

const RUNS = '{ manager: systemd, unit: "n.service" }';

function paceOf(own: string, common = "", service = RUNS) {
  const node = `{ profile: files, roots: { data: /srv/demo }, service: ${service}${own === "" ? "" : `, limits: ${own}`} }`;
  const head = `version: 1\nvault: file:///v\nencrypt_key: /k\n${common === "" ? "" : `limits: ${common}\n`}`;
  return parseConfig(`${head}nodes: { demo: ${node} }\n`, "c.yaml", []).nodes[0]?.pace;
}

describe("limits", () => {
  it("are none unless written, and each is the node's own, else the whole file's", () => {
    expect(paceOf("")).toBeUndefined();
    expect(paceOf("{}")).toBeUndefined();
    expect(paceOf("{ cpu: 1, read: 20MiB, upload: 512KiB }")).toEqual({
      cpu: { cores: 1 },
      read: 20 * 2 ** 20,
      upload: 512 * 2 ** 10,
    });
    expect(paceOf("{ upload: 2GiB }", "{ cpu: 50%, upload: 1MiB }")).toEqual({
      cpu: { share: 0.5 },
      upload: 2 * 2 ** 30,
    });
    expect(paceOf("", "{ cpu: 0.5 }")).toEqual({ cpu: { cores: 0.5 } });
  });

  it.each([
    ["cpu: 0", /limits\.cpu: found 0; allowed: a number of cores/],
    ["cpu: -1", /limits\.cpu: .*allowed: a number of cores/],
    ["cpu: 0%", /limits\.cpu: .*allowed: a number of cores/],
    ["cpu: 101%", /limits\.cpu: .*allowed: a number of cores/],
    ["cpu: half", /limits\.cpu: .*allowed: a number of cores/],
    ["read: 20", /limits\.read: found 20; allowed: a size such as 20MiB, of each second/],
    ["read: 20MB", /limits\.read: found "20MB"; allowed: a size such as 20MiB/],
    ["upload: 0MiB", /limits\.upload: found "0MiB"; allowed/],
    ["upload: 1.5MiB", /limits\.upload: found "1.5MiB"; allowed/],
    ["network: 1MiB", /network/],
  ])("refuses %s", (written, words) => {
    expect(() => paceOf(`{ ${written} }`)).toThrow(words);
    expect(() => paceOf("", `{ ${written} }`)).toThrow(words);
  });

  it("are refused where nobody knows when the node runs again, unless they are the whole file's", () => {
    expect(() => paceOf("{ cpu: 1 }", "", "{ manager: none }")).toThrow(/limits: with manager: none/);
    expect(paceOf("", "{ cpu: 1 }", "{ manager: none }")).toEqual({ cpu: { cores: 1 } });
  });
});
