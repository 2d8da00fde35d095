import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../agent/config/index.ts";

function compressionOf(own: string, common = "") {
  const service = '{ manager: systemd, unit: "n.service" }';
  const node = `{ profile: files, roots: { data: /srv/demo }, service: ${service}${own === "" ? "" : `, compression: ${own}`} }`;
  const head = `version: 1\nvault: file:///v\nencrypt_key: /k\n${common === "" ? "" : `compression: ${common}\n`}`;
  return parseConfig(`${head}nodes: { demo: ${node} }\n`, "c.yaml", []).nodes[0]?.compression;
}

describe("compression", () => {
  it("is the node's own, else the whole file's", () => {
    expect(compressionOf("")).toBeUndefined();
    expect(compressionOf("small")).toBe("small");
    expect(compressionOf("", "fast")).toBe("fast");
    expect(compressionOf("balanced", "fast")).toBe("balanced");
  });

  it.each(["none", "zstd", "19"])("is refused where there is no such setting: %s", (written) => {
    expect(() => compressionOf(written)).toThrow(/compression: found .*allowed: fast or balanced or small/);
  });
});
