import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkConfig } from "../../infra/config.ts";
import { readConfig } from "../../infra/read-config.ts";
import { settingsOf } from "../../infra/settings.ts";
import { settingsOf as functionSettings } from "../../lambdas/common/settings.ts";
import { tempDir } from "../support/tmp.ts";

describe("coldkeep.cdk.yaml", () => {
  it.each([
    [{}, /nodes/],
    [{ nodes: {} }, /nodes: at least one node/],
    [{ nodes: { "Not-A-Node": null } }, /nodes\.Not-A-Node/],
    [{ nodes: { a: null }, bukket: {} }, /bukket: there is no such key/],
    [{ nodes: { a: null }, bucket: { name: "UPPER" } }, /bucket\.name: 3 to 63/],
    [{ nodes: { a: null }, bucket: { name: "one-bucket", existing: "another" } }, /bucket: either name/],
    [{ nodes: { a: { at: "25:00" } } }, /nodes\.a\.at: a time of day/],
    [{ nodes: { a: null }, tiers: {} }, /tiers/],
    [{ nodes: { a: null }, tiers: { keep_last: 0 } }, /tiers\.keep_last: a whole number from 1/],
    [{ nodes: { a: null }, stale_after: "soon" }, /stale_after: a whole number with a unit/],
    [{ nodes: { a: null }, alarm_email: "nobody" }, /alarm_email/],
    [{ nodes: { a: { card_key: "short" } } }, /nodes\.a\.card_key: the node's card key/],
    [{ nodes: { a: { att: "00:00" } } }, /nodes\.a\.att: there is no such key/],
  ])("refuses %j and says where and why", (written, words) => {
    expect(() => checkConfig(written, "coldkeep.cdk.yaml")).toThrow(words);
    expect(() => checkConfig(written, "coldkeep.cdk.yaml")).toThrow(
      /^the stack's configuration cannot be used: coldkeep\.cdk\.yaml: /,
    );
  });

  it("is read from the file that is named, or taken from the context", () => {
    const path = join(tempDir("coldkeep-cdk"), "my.yaml");
    writeFileSync(path, "nodes:\n  icon:\n    at: '03:30'\nstale_after: 30h\n");
    expect(readConfig((key) => (key === "config" ? path : undefined)).nodes).toEqual({ icon: { at: "03:30" } });
    expect(readConfig((key) => (key === "coldkeep" ? '{"nodes":{"eth":null}}' : undefined)).nodes).toEqual({ eth: {} });
    expect(() => readConfig((key) => (key === "config" ? "/nowhere.yaml" : undefined))).toThrow(/is not there/);
    writeFileSync(path, "nodes: [");
    expect(() => readConfig((key) => (key === "config" ? path : undefined))).toThrow(/my\.yaml: \n {2}1:9: no YAML/);
  });

  it("tells mistakes of a file by line and column", () => {
    const path = join(tempDir("coldkeep-cdk"), "my.yaml");
    writeFileSync(
      path,
      "nodes:\n  icon: { at: '25:00' }\n  Bad: {}\nbucket:\n  lock: { mode: none, days: 3 }\n  transitions:\n    - { class: ICE, after_days: 3 }\nbukket: 1\n",
    );
    const wrong = () => readConfig((key) => (key === "config" ? path : undefined));
    for (const words of [
      /^ {2}2:11: nodes\.icon\.at: a time of day/m,
      /^ {2}3:3: nodes\.Bad: 1 to 63/m,
      /^ {2}5:11: bucket\.lock\.mode: /m,
      /^ {2}7:9: bucket\.transitions\.0\.class: /m,
      /^ {2}8:1: bukket: there is no such key/m,
    ]) {
      expect(wrong).toThrow(words);
    }
  });

  it("becomes settings that the functions read: a node's own words before those for all", () => {
    const config = checkConfig(
      {
        nodes: { icon: { tiers: { keep_last: 3 }, at: "03:30" }, eth: null },
        tiers: { keep_within: "30d" },
        at: "01:00",
      },
      "the test",
    );
    const settings = functionSettings(JSON.parse(JSON.stringify(settingsOf(config))));
    expect(settings.get("icon")).toMatchObject({ at: 210, tiers: { keep: { last: 3 } }, staleAfter: 26 * 3_600_000 });
    expect(settings.get("eth")).toMatchObject({ at: 60, tiers: { within: { last: { days: 30 } } }, rereadDays: 30 });
  });
});
