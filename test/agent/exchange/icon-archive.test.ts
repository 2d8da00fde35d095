import { expect, it } from "vitest";
import { iconArchiveLine, isInIconArchive, withBackupLine } from "../../../agent/exchange/index.ts";

const line = (day: string, time = "0000", height = 1) => `${day}/PRep_BH${height}_data-${day}_${time}.tar.gz`;

it("a backup_list has the newest first and each once, and loses no line", () => {
  const list = `${line("20260102")}\n${line("20260101", "1200")}\n# by hand\n${line("20260101")}\n`;
  const newest = iconArchiveLine("PRep_BH9_data-20260103_0430.tar.gz");
  expect(newest).toBe(line("20260103", "0430", 9));
  expect(withBackupLine(list, newest).split("\n")).toEqual([
    newest,
    line("20260102"),
    line("20260101", "1200"),
    line("20260101"),
    "# by hand",
    "",
  ]);
  // An older one that is exported later does not come first: the guide restores the first.
  expect(withBackupLine(list, line("20260101", "0600")).split("\n")[2]).toBe(line("20260101", "0600"));
  expect(withBackupLine(withBackupLine(list, newest), newest)).toBe(withBackupLine(list, newest));
  expect(withBackupLine("", newest)).toBe(`${newest}\n`);
});

it("an archive holds .score_data and .storage and nothing that only looks like them", () => {
  const paths = [".score_data", ".storage/a/b", ".storages", "x/.storage", ".score_data2/a", "cert/key.pem"];
  expect(paths.filter(isInIconArchive)).toEqual([".score_data", ".storage/a/b"]);
});
